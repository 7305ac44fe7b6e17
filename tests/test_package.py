"""The wheel: it is built, installed into an empty folder, and reads a digit there without the checkout."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from PIL import Image

import digitrec
from digitrec import settings
from digitrec.datasets import mnist

PROJECT = settings.PROJECT
METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

FOLDERS = """
from digitrec import settings
folders = (settings.runs_folder(), settings.trained_models(), settings.strokes_folder())
print(settings.APP, settings.home(), *folders, sep="\\n")
"""

HOME_PAGE = """
import sys
from streamlit.testing.v1 import AppTest
from digitrec import settings
page = AppTest.from_file(str(settings.APP / "streamlit_app.py"), default_timeout=60).run()
assert not page.exception, page.exception
page.switch_page("pages/1_Draw.py").run()
assert not page.exception, page.exception
print(page.title[0].value)
"""


class Installed(NamedTuple):
    """A folder that digitrec is installed in, and one to work in, which is its user's home, too."""

    folder: Path
    work: Path

    def run(self, *command: str | Path) -> str:
        """Run a command there, in an environment that knows nothing of the checkout, and return what it prints."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(("OPENBLAS", "SYSTEMROOT"))}
        environment = kept | {
            "PATH": os.environ["PATH"],
            "HOME": str(self.work),
            "USERPROFILE": str(self.work),
            "LOCALAPPDATA": str(self.work),
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run(command, cwd=self.work, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def files(self) -> set[tuple[Path, int]]:
        """Return what lies in the folder, each file with its time."""
        return {(path, path.stat().st_mtime_ns) for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel of this checkout; nothing is fetched for it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    [file] = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel alone into an empty folder; what it depends on is the test's own."""
    folder, work = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("work")
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", folder, wheel], check=True)
    return Installed(folder, work)


def test_the_wheel_holds_what_the_app_needs_and_nothing_of_the_workshop(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"digitrec-{digitrec.__version__}.dist-info/METADATA").decode()
    for folder in ("models", "pages", ".streamlit"):
        listed = subprocess.run(["git", "ls-files", folder], cwd=PROJECT, capture_output=True, text=True, check=True)
        assert {f"digitrec/_bundle/{path}" for path in listed.stdout.splitlines()} <= names
    assert {"digitrec/py.typed", "digitrec/data/mnist.npz", "digitrec/_bundle/streamlit_app.py"} <= names
    assert not {name for name in names if re.search(r"\btests?/|/tools/|__pycache__|\.tmp$", name)}
    assert "License-Expression: MIT AND CC-BY-SA-3.0 AND CC-BY-4.0" in metadata


def test_the_installed_command_reads_a_digit_from_anywhere_and_writes_nothing(installed: Installed) -> None:
    pictures, labels = mnist.test()
    Image.fromarray(255 - pictures[0]).resize((112, 112)).save(installed.work / "digit.png")
    before = installed.files()
    answer = installed.run(installed.folder / "bin" / "digitrec", "read", "--single", "digit.png")
    assert answer == f"digit.png: {labels[0]}\n"
    assert installed.files() == before
    assert [path.name for path in installed.work.iterdir()] == ["digit.png"]


def test_the_installed_pages_open(installed: Installed) -> None:
    before = installed.files()
    assert installed.run(sys.executable, "-c", HOME_PAGE) == "Draw\n"
    assert installed.files() == before


def test_an_installed_digitrec_writes_to_the_user_s_data_folder(installed: Installed) -> None:
    app, home, *written = installed.run(sys.executable, "-c", FOLDERS).splitlines()
    assert Path(app) == installed.folder / "digitrec" / "_bundle"
    assert installed.work in Path(home).parents
    assert [Path(folder).relative_to(home).as_posix() for folder in written] == ["runs", "models", "data/unipen"]


def test_a_checkout_writes_to_its_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGITREC_HOME")
    assert not settings.INSTALLED
    assert settings.home() == settings.APP == PROJECT


def requirements(name: str) -> set[str]:
    """Return what a `requirements` file lists itself."""
    lines = (line.partition("#")[0].strip() for line in (PROJECT / name).read_text(encoding="utf-8").splitlines())
    return {line for line in lines if line and not line.startswith("-r")}


def test_the_package_and_the_plain_lists_ask_for_the_same() -> None:
    extras = {name: set(listed) for name, listed in METADATA["optional-dependencies"].items()}
    assert requirements("requirements.txt") == set(METADATA["dependencies"]) | extras["train"]
    assert requirements("requirements-cluster.txt") == extras["cluster"]
    assert requirements("requirements-dev.txt") == extras["dev"] - {"digitrec[train,cluster]"}


def locked(name: str) -> dict[str, set[str]]:
    """Return the entries of a lock file, each with its versions: one, or one for each platform or Python."""
    text = re.sub(r"^ *#.*\n", "", (PROJECT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    versions: dict[str, set[str]] = {}
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in entry, entry
        requirement = Requirement(entry.partition("\\")[0].strip())
        versions.setdefault(requirement.name, set()).add(str(requirement.specifier).removeprefix("=="))
    return versions


def test_the_locks_fit_the_plain_lists_and_each_other() -> None:
    app, dev = locked("requirements.lock"), locked("requirements-dev.lock")
    assert app.items() <= dev.items()
    needed = {"requirements.txt": app, "requirements-cluster.txt": dev, "requirements-dev.txt": dev}
    for name, lock in needed.items():
        for requirement in map(Requirement, requirements(name)):
            assert all(requirement.specifier.contains(version) for version in lock[requirement.name]), requirement


def test_the_changelog_begins_with_this_version() -> None:
    text = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.search(r"^## (\d+\.\d+\.\d+)", text, re.MULTILINE)
    assert first
    assert first[1] == digitrec.__version__
