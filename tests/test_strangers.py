"""What SECURITY.md promises of the code and the folders; tests/browser/test_strangers.py tests what a browser shows."""

import ast
import csv
import io
import shutil
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from digitrec import settings
from digitrec.errors import ModelError, PictureError, RunError
from digitrec.jobs import runs
from digitrec.registry import registry
from digitrec.training import model_files
from digitrec.uploads import serialize

SOURCES = [*settings.PROJECT.glob("digitrec/**/*.py"), *settings.PROJECT.glob("pages/*.py"), settings.PROJECT / "streamlit_app.py"]  # fmt: skip  # noqa: E501
TRAINING = {"worker.py", "checkpoint.py", "ship.py", "export.py"}
"""They open Keras files that this machine wrote, in a process of their own."""

UNPICKLES = {"initial_weights.py"}
"""It names the few things that a file of weights may hold, and unpickles nothing else: see its own test."""

READS_ARRAYS = {"keras_files.py"}
"""It reads plain arrays of files that anybody may have made, in a process that can only compute."""

NEVER = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "h5py", "yaml", "tarfile", "xml"}


def calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call in a module with the last word of what is called."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).rpartition(".")[2], node


def test_every_module_is_looked_at() -> None:
    assert set((settings.PROJECT / "digitrec").rglob("*.py")) <= set(SOURCES)
    assert {"detector.py", "initial_weights.py", "synthetic_pages.py"} <= {file.name for file in SOURCES}


def test_nothing_runs_what_a_file_holds() -> None:
    for file in SOURCES:
        look_at(file)


def look_at(file: Path) -> None:
    """Assert that a module reads files as data alone."""
    tree = ast.parse(file.read_text())
    imported = {alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import)
                for alias in node.names}  # fmt: skip
    imported |= {str(n.module).partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    allowed = ({"h5py"} if file.name in TRAINING | READS_ARRAYS else set()) | (
        {"pickle"} if file.name in UNPICKLES else set()
    )
    assert not imported & (NEVER - allowed), file
    for name, call in calls(file):
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert name not in ("eval", "exec", "__import__", "system", "load_weights"), ast.unparse(call)
        assert name != "load_model" or file.name in TRAINING, file
        assert given.get("allow_pickle", "False") == "False", file
        assert given.get("safe_mode", "True") == "True", file
        assert given.get("shell", "False") == "False", file
        assert not {"unsafe_allow_html", "unsafe_allow_javascript"} & set(given), file


@pytest.mark.parametrize("name", UNPICKLES)
def test_what_unpickles_decides_on_each_name(name: str) -> None:
    [file] = [file for file in SOURCES if file.name == name]
    tree = ast.parse(file.read_text())
    used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {each for each in used if each.startswith("pickle.")} == {"pickle.Unpickler", "pickle.UnpicklingError"}
    [own] = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.bases]
    assert "find_class" in {part.name for part in own.body if isinstance(part, ast.FunctionDef)}
    assert "super().find_class" not in used


def test_settings_of_the_server_are_those_that_keep_strangers_out() -> None:
    """What is not set here has Streamlit's default: XSRF protection and CORS are on, the agent's API is off."""
    config = tomllib.loads((settings.PROJECT / ".streamlit/config.toml").read_text())
    assert config["client"]["showErrorDetails"] == "none"
    assert config["client"]["toolbarMode"] == "minimal"
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["maxUploadSize"] * 2**20 == settings.limit("megabytes") * 2**20
    named = {"enableXsrfProtection", "enableCORS", "enableAgentApi", "enableStaticServing", "scriptHealthCheckEnabled"}
    assert not named & set(config["server"])


def test_a_link_among_models_leads_nowhere(home: Path, tiny_model: str, tmp_path: Path) -> None:
    models = home / "models"
    (models / "linked").symlink_to(models / tiny_model, target_is_directory=True)
    shutil.copytree(models / tiny_model, models / "holds-one")
    secret = tmp_path / "secret.txt"
    secret.write_text("s3cret")
    (models / "holds-one" / model_files.INSIGHT).unlink()
    (models / "holds-one" / model_files.INSIGHT).symlink_to(secret)
    assert {model.name for model in registry.models() if not model.shipped} == {tiny_model}
    assert sum("it is a symbolic link or contains one" in sentence for sentence in registry.damaged()) == 2
    with pytest.raises(ModelError):
        registry.get("linked")


def test_a_link_among_runs_leads_nowhere(home: Path, tiny_run: Path, tmp_path: Path) -> None:
    parent = home / "runs"
    parent.mkdir()
    (parent / "linked").symlink_to(tiny_run, target_is_directory=True)
    shutil.copytree(tiny_run, parent / "holds-one")
    (tmp_path / "secret.txt").write_text("s3cret")
    (parent / "holds-one" / model_files.KERAS).unlink()
    (parent / "holds-one" / model_files.KERAS).symlink_to(tmp_path / "secret.txt")
    shutil.copytree(tiny_run, parent / "whole")
    assert [run.id for run in runs.runs()] == ["whole"]
    for name in ("linked", "holds-one"):
        with pytest.raises(RunError, match="link"):
            runs.get(name)


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "**bold**", "[a](javascript:alert(1))", "$x$", ".."])
def test_a_folder_whose_name_is_none_is_no_model_and_no_run(home: Path, tiny_run: Path, name: str) -> None:
    for kind in ("models", "runs"):
        if name != "..":
            shutil.copytree(tiny_run, home / kind / name)
    assert all(model.shipped for model in registry.models())
    assert runs.runs() == []
    for read in (registry.get, runs.get):
        with pytest.raises((ModelError, RunError)):
            read(name)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../b", "a\0b", "a\\b", "", "x" * 300, "~root"])
def test_no_name_leads_out_of_its_folder(tiny_run: Path, name: str) -> None:
    with pytest.raises(ModelError):
        registry.get(name)
    with pytest.raises(ModelError):
        registry.add(name, tiny_run)
    with pytest.raises(RunError):
        runs.get(name)


@pytest.mark.parametrize("first", [*"=+-@\t\r\n", *"＝＋－＠"])
def test_a_name_is_no_formula_in_a_table(first: str) -> None:
    name = f'{first}HYPERLINK("http://evil.test","7")'
    written = serialize.as_csv([serialize.numbered(name, "reader", PictureError("It is empty."))])
    [row] = csv.DictReader(io.StringIO(written, newline=""))
    assert row["file"] == f"'{name}"


@pytest.mark.parametrize("first", [*"=+-@\t\r\n", *"＝＋－＠"])
def test_a_name_is_text_in_a_workbook(first: str) -> None:
    name = f'{first}HYPERLINK("http://evil.test","7")'
    written = serialize.as_xlsx([serialize.numbered(name, "=cmd", PictureError("=It is empty."))])
    sheet = openpyxl.load_workbook(io.BytesIO(written)).active
    [row] = sheet.iter_rows(min_row=2)
    filled = [cell for cell in row if cell.value is not None]
    assert [cell.value for cell in filled] == [name.replace("\r", "\ufffd"), "=cmd", "=It is empty."]
    assert {(cell.data_type, cell.number_format) for cell in filled} == {("s", "@")}
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(written)).read("xl/worksheets/sheet1.xml")
    assert not any(cell.hyperlink for cell in filled)
