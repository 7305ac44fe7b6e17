"""What README, SECURITY, CONTRIBUTING and the Makefile name is there, and what is there is named.

The limits' rows are held to the settings in test_limits.py, the results' table to the cards in test_results.py.
"""

import argparse
import importlib.util
import re
import shlex
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch

import pytest

from digitrec import cli, settings
from digitrec.training.presets import PRESETS
from digitrec.ui import common

PROJECT = settings.PROJECT
TEXTS = {name: (PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")}
README = TEXTS["README.md"]
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
MODULES = sorted(PROJECT.glob("digitrec/**/*.py"))
BENCHES = {file.stem for file in (PROJECT / "tests/bench").glob("*.py")}

ELSEWHERE = {"runs/", "trained/", "data/unipen", "packages.txt", ".venv/bin/python"}
"""Paths that the texts name and the project does not hold: what the app writes, what a person adds."""


def section(title: str) -> str:
    """Return what stands under a heading of README."""
    [body] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    return str(body)


def quoted(text: str) -> Iterator[str]:
    """Yield what stands between backticks on one line, blocks of code left out."""
    for line in re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL).splitlines():
        yield from re.findall(r"`([^`]+)`", line)


def paths(text: str) -> set[str]:
    """Return what a text names that looks like a file or folder of the project, and the pictures that it shows.

    Of `models/<name>/` it is the part before what stands for any name; what holds NAME stands for one to come.
    """
    words = {word.partition("<")[0] for each in quoted(text) for word in each.split()}
    looks = r"(?!.*(?:NAME|//))\.?[\w*][\w.*-]*(/[\w./*-]*|\.(py|md|txt|toml|yaml))|\.?[A-Z]\w+file|\.dockerignore"
    found = {word for word in words if re.fullmatch(looks, word)}
    return found | set(re.findall(r"\]\(([\w./-]+)\)", text))


def is_there(path: str) -> bool:
    return any(True for base in (PROJECT, PROJECT / "digitrec", PROJECT / "tests") for _ in base.glob(path.rstrip("/")))


def commands() -> dict[str, argparse.ArgumentParser]:
    [choices] = [a.choices for a in cli._parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(choices)


def test_every_setting_is_in_the_readme_and_every_one_there_is_read() -> None:
    source = "".join(file.read_text() for file in MODULES)
    listed = set(re.findall(r"^\| `(DIGITREC_\w+)` \|", section("Settings"), re.MULTILINE))
    assert listed == set(re.findall(r"\bDIGITREC_[A-Z_]+\b", source))
    for name in ("SECURITY.md", "CONTRIBUTING.md"):
        assert set(re.findall(r"\bDIGITREC_[A-Z_]+\b", TEXTS[name])) <= listed


def test_every_recipe_is_in_the_readme_and_every_one_there_exists() -> None:
    named = set(re.findall(r"`((?:mlp|cnn|reader)(?:-[\w-]+)?)`", "".join(TEXTS.values())))
    assert named <= set(PRESETS)
    for name in PRESETS:
        assert f"| {name} |" in section("Results")


def test_every_command_is_in_the_readme() -> None:
    assert set(re.findall(r"python -m digitrec (\w+)", README)) == set(commands())


@pytest.mark.parametrize("line", re.findall(r"^ *(python -m digitrec [^#\n]*)", "".join(TEXTS.values()), re.MULTILINE))
def test_what_the_texts_say_to_type_is_understood(line: str) -> None:
    options = cli._parser().parse_args(shlex.split(line)[3:])
    assert getattr(options, "recipe", "reader") in PRESETS


def test_every_page_is_in_the_readme_and_every_one_there_exists() -> None:
    pages = [file.stem.partition("_")[2] for file in sorted((PROJECT / "pages").glob("*.py"))]
    assert re.findall(r"^\| \*\*(\w+)\*\* \|", section("What you will see"), re.MULTILINE) == pages
    assert [label for _, label, _ in common.PAGES] == ["Home", *pages]


def test_every_format_is_in_the_texts() -> None:
    for text in (README, TEXTS["SECURITY.md"]):
        for name in settings.PICTURE_FORMATS:
            assert re.search(rf"\b{name}\b", text)


def test_the_map_names_every_module_and_all_that_lies_at_the_top() -> None:
    named = paths(section("Where things are"))
    for file in MODULES:
        path = file.relative_to(PROJECT / "digitrec")
        told = path.name if len(path.parts) == 1 else f"{path.parts[0]}/"  # a package is its own map
        assert path.name.startswith("_") or any(fnmatch(told, each.removeprefix("digitrec/")) for each in named), path
    files = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    top = {path.split("/")[0] + "/" * ("/" in path) for path in files.splitlines()} - {"README.md", ".gitignore"}
    tops = {path if "/" not in path.rstrip("/") else path.split("/")[0] + "/" for path in named}
    assert {path for path in top if not any(fnmatch(path, name) for name in tops)} == set()


def test_every_module_is_looked_at() -> None:
    assert set(MODULES) == set((PROJECT / "digitrec").rglob("*.py"))
    assert {"detector.py", "fonts.py"} <= {file.name for file in MODULES}


@pytest.mark.parametrize("name", TEXTS)
def test_every_path_that_is_named_exists(name: str) -> None:
    found = paths(TEXTS[name])
    assert len(found) > 3
    assert {path for path in found - ELSEWHERE if not is_there(path)} == set()


def test_every_module_that_is_run_exists() -> None:
    text = "".join(TEXTS.values()) + MAKEFILE + (PROJECT / "Dockerfile").read_text()
    found = set(re.findall(r"python\"?,? \"?-m\"?,? \"?([a-z_]\w*(?:\.\w+)*)", text)) - {"tests.bench."}
    assert {"digitrec", "digitrec.tools.ship", "streamlit", "tests.bench.bad_input"} <= found
    assert {module for module in found if not module.endswith(".") and not importlib.util.find_spec(module)} == set()


def test_every_bench_that_is_named_exists() -> None:
    [made] = re.findall(r"^BENCHES \?= (.*)$", MAKEFILE, re.MULTILINE)
    assert set(made.split()) <= BENCHES
    rows = re.findall(r"\| `(\w+)` \|$", section("Results"), re.MULTILINE)
    assert len(rows) > 5
    assert set(rows) <= BENCHES


def test_make_can_make_what_the_texts_say() -> None:
    targets = set(re.findall(r"^([\w]+):", MAKEFILE, re.MULTILINE))
    named = set(re.findall(r"(?:^|`)(?:\w+=\S+ )*make (\w+)", "".join(TEXTS.values()), re.MULTILINE))
    assert {"run", "test", "models", "lint"} <= named
    assert named <= targets
    for file in re.findall(r"\$\(BIN\)/python ([\w/]+\.py)", MAKEFILE):
        assert (PROJECT / file).is_file()


@pytest.mark.parametrize("path", ["digitrec/none.py", "tests/no/", "none.py"])
def test_a_path_that_is_not_there_would_be_told(path: str) -> None:
    assert paths(f"see `{path}`") == {path}
    assert not is_there(path)
