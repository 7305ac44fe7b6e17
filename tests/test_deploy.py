"""The container, compose and proxy files agree with each other, with the settings and with what the app needs.

They are read, not run: there is no Docker where the tests run. tests/browser/ runs two servers on one folder.
"""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from digitrec import settings

PROJECT = settings.PROJECT
NGINX = (PROJECT / "deploy/nginx.conf").read_text()
IGNORED = (PROJECT / ".dockerignore").read_text().split()


def steps() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, each with its words."""
    text = re.sub(r"\\\n\s*", "", (PROJECT / "Dockerfile").read_text())
    lines = [line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, rest in lines]


def instruction(name: str) -> str:
    """Return the words of the only instruction of this name."""
    [words] = [rest for each, rest in steps() if each == name]
    return words


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())
    return read


def web(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the services that are the app."""
    return {name: service for name, service in compose["services"].items() if service.get("build")}


def test_the_image_has_a_python_that_the_project_runs_on() -> None:
    found = re.fullmatch(r"python:3\.(\d+)-slim", instruction("FROM"))
    lowest = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert found
    assert int(found[1]) >= int(lowest.removeprefix(">=3."))


def test_the_image_holds_what_the_app_needs_and_nothing_that_visitors_made() -> None:
    copied = [shlex.split(rest)[0] for name, rest in steps() if name == "COPY"]
    assert copied == ["requirements.lock", "."]
    assert "--require-hashes" in steps()[3][1]
    for path in (".streamlit/config.toml", "streamlit_app.py", "pages", "digitrec/data/mnist.npz", "models"):
        assert (PROJECT / path).exists()
        assert path.split("/")[0] not in IGNORED
    assert {".git", ".venv", "runs", "trained", "build"} <= set(IGNORED)
    used = {
        node.value
        for file in [*PROJECT.glob("digitrec/**/*.py"), *PROJECT.glob("pages/*.py"), PROJECT / "streamlit_app.py"]
        if file.parent.name != "tools"  # they work on a checkout
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert not used & {"docs", "tests", "docs/", "tests/"}  # they stay outside


def test_the_app_runs_as_nobody_special_and_writes_to_the_volume_only(compose: dict[str, Any]) -> None:
    names = [name for name, _ in steps()]
    assert instruction("USER") == "digitrec"
    assert names.index("USER") < names.index("CMD")
    folder = instruction("ENV").removeprefix("DIGITREC_HOME=")
    assert instruction("VOLUME") == folder
    assert f"chown digitrec {folder}" in (PROJECT / "Dockerfile").read_text()
    for service in web(compose).values():
        assert service["volumes"] == [f"home:{folder}"]
    assert "home" in compose["volumes"]


def test_all_agree_on_the_port_and_the_health_address(compose: dict[str, Any]) -> None:
    port = instruction("EXPOSE")
    start = json.loads(instruction("CMD"))
    assert start[:5] == ["python", "-m", "streamlit", "run", "streamlit_app.py"]
    assert {"--server.address=0.0.0.0", f"--server.port={port}"} == set(start[5:])
    options, _, check = instruction("HEALTHCHECK").partition("CMD ")
    assert "--timeout" in options
    *python, code = json.loads(check)
    assert python == ["python", "-c"]
    ast.parse(code)
    assert f"http://127.0.0.1:{port}/_stcore/health" in code
    servers = set(re.findall(r"^\s*server (\S+?):(\d+)", NGINX, re.MULTILINE))
    assert servers == {(name, port) for name in web(compose)}
    assert len(servers) == 2
    assert "/_stcore/health" in (PROJECT / "docs/deployment.md").read_text()


def test_the_proxy_is_given_its_file_and_waits_for_the_app(compose: dict[str, Any]) -> None:
    proxy = compose["services"]["proxy"]
    file, _, _ = proxy["volumes"][0].partition(":")
    assert (PROJECT / file).read_text() == NGINX
    assert set(proxy["depends_on"]) == set(web(compose))
    [(host, outside, inside)] = [entry.split(":") for entry in proxy["ports"]]
    assert host == "127.0.0.1"
    assert f"listen {inside};" in NGINX
    assert f"http://127.0.0.1:{outside}" in (PROJECT / "docs/deployment.md").read_text()


def test_the_proxy_takes_the_largest_file_keeps_visitors_and_hides_the_counters() -> None:
    assert NGINX.count("{") == NGINX.count("}")
    [most] = re.findall(r"client_max_body_size (\d+)m;", NGINX)
    assert int(most) > settings.LIMITS["megabytes"].default
    [cookie] = re.findall(r'Set-Cookie "(\w+)=\$visitor', NGINX)
    assert f"$cookie_{cookie}" in NGINX
    assert "hash $visitor" in NGINX
    assert "proxy_set_header Upgrade" in NGINX
    assert re.search(r"location = /_stcore/metrics \{ return 404; \}", NGINX)
    headers = re.search(r"```\n(X-Content.*?)```", (PROJECT / "SECURITY.md").read_text(), re.DOTALL)
    assert headers
    for line in headers[1].splitlines():
        name, _, value = line.partition(": ")
        if value and name != "Strict-Transport-Security":  # it is for TLS, which that file leaves to its reader
            assert f"add_header {name} {value};" in NGINX


def test_the_services_are_given_settings_that_there_are(compose: dict[str, Any]) -> None:
    source = "".join(file.read_text() for file in PROJECT.glob("digitrec/**/*.py"))
    for service in web(compose).values():
        assert service["environment"]
        for name in service["environment"]:
            assert f'"{name}"' in source


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder like the project's: the script that installs, and a lock file with one package."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/install.py").write_bytes((PROJECT / "deploy/install.py").read_bytes())
    (tmp_path / "some.lock").write_text(f"digitrec-nothing==1.0 --hash=sha256:{'0' * 64}\n")
    (tmp_path / "some.txt").write_text("# nothing\n")
    return tmp_path


def install(project: Path) -> "subprocess.CompletedProcess[str]":
    """Run that script; pip finds only what lies in the folder."""
    environment = os.environ | {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(project)}
    command = [sys.executable, "deploy/install.py", "some"]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_what_the_lock_has_nothing_for_is_installed_from_the_plain_list(project: Path) -> None:
    done = install(project)
    assert done.returncode == 0, done.stderr
    assert "some.lock has no entry for this platform or Python, so some.txt is installed." in done.stderr


def test_a_file_that_does_not_match_its_hash_is_refused_and_not_replaced(project: Path) -> None:
    with zipfile.ZipFile(project / "digitrec_nothing-1.0-py3-none-any.whl", "w") as wheel:
        for name, lines in {
            "METADATA": ["Metadata-Version: 2.1", "Name: digitrec-nothing", "Version: 1.0"],
            "WHEEL": ["Wheel-Version: 1.0", "Root-Is-Purelib: true", "Tag: py3-none-any"],
            "RECORD": [],
        }.items():
            wheel.writestr(f"digitrec_nothing-1.0.dist-info/{name}", "\n".join(lines))
    done = install(project)
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert "some.txt" not in done.stderr
