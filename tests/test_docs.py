"""What README, SECURITY, CONTRIBUTING, docs/ and the Makefile name exists, and what exists is named.

test_limits.py compares the settings with the limits, test_results_table.py the results with the models' cards.
"""

import argparse
import ast
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from digitrec import cli, settings
from digitrec.training import model_files
from digitrec.training.presets import PRESETS
from digitrec.ui import common
from digitrec.uploads import serialize

PROJECT = settings.PROJECT
DOCS = sorted(str(file.relative_to(PROJECT)) for file in (PROJECT / "docs").rglob("*.md"))
TEXTS = {name: (PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md", *DOCS)}  # fmt: skip  # noqa: E501
ALL = "\n".join(TEXTS.values())
README = TEXTS["README.md"]
ARCHITECTURE = TEXTS["docs/architecture.md"]
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
MODULES = sorted(PROJECT.glob("digitrec/**/*.py"))
BENCHES = {file.stem for file in (PROJECT / "tests/bench").glob("*.py")}

LAYERS = ast.literal_eval(re.findall(r"^LAYERS = (\(.*?\))", (PROJECT / "tests/test_imports.py").read_text(), re.M | re.S)[0])  # fmt: skip  # noqa: E501
"""The folders in the order of the dependency rule."""

WORDS = 1_500
"""Most words of README."""

ELSEWHERE = {
    "runs/",
    "trained/",
    "own/",
    "data/unipen",
    "build/bundle",
    "build/crops",
    "build/visitors",
    "packages.txt",
    ".venv/bin/python",
}
"""Paths that the texts name and the project does not hold: what the app writes, what a person adds."""


def section(text: str, title: str) -> str:
    """Return what stands under a heading of the second level."""
    [body] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return str(body)


def quoted(text: str) -> Iterator[str]:
    """Yield what stands between backticks on one line, blocks of code left out."""
    for line in re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL).splitlines():
        yield from re.findall(r"`([^`]+)`", line)


def paths(text: str) -> set[str]:
    """Return what a text names that looks like a file or folder of the project; NAME stands for any name."""
    words = {word for each in quoted(text) for word in each.split()}
    looks = r"(?!.*(?:NAME|//))\.?[\w*][\w.*-]*(/[\w./*-]*|\.(py|md|txt|toml|yaml))|\.?[A-Z]\w+file|\.dockerignore"
    return {word for word in words if re.fullmatch(looks, word)}


def is_there(path: str) -> bool:
    """Return whether a path exists in the project, `digitrec/` or `tests/`; a bare module may lie in any folder."""
    pattern = f"**/{path}" if path.endswith(".py") and "/" not in path else path.rstrip("/")
    return any(True for base in ("digitrec", "tests") for _ in (PROJECT / base).glob(pattern)) or any(
        True for _ in PROJECT.glob(path.rstrip("/"))
    )


def names(text: str) -> set[tuple[str, str]]:
    """Return the names of code that a text gives as `module.name`, such as `common.page`."""
    stems = {file.stem for file in MODULES}
    files = r"(?!py|json|jsonl|npz|keras|tflite|txt|md|lock|log|bin)"
    found = {re.match(rf"(\w+)\.{files}(\w+)", each) for each in quoted(text)}
    return {(match[1], match[2]) for match in found if match and match[1] in stems}


def links(name: str) -> set[str]:
    """Return the links of a text, those to other sites left out."""
    return set(re.findall(r"\]\((?!\w+:)([^)\s]+)\)", TEXTS[name]))


def anchors(text: str) -> set[str]:
    """Return the anchors of a text's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def run_modules(text: str) -> set[str]:
    """Return the modules that a text runs by `python -m`, also in the form of a list of words."""
    return set(re.findall(r"python3?\"?,? \"?-m\"?,? \"?([a-z_]\w*(?:\.[a-z_]\w*)*)(?![\w.])", text))


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return the commands of the command line."""
    [choices] = [a.choices for a in cli._parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(choices)


def first_cells(text: str) -> list[str]:
    """Return what stands in backticks in the first cells of a text's tables."""
    return [word for row in re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE) for word in re.findall(r"`([^`]+)`", row)]  # fmt: skip  # noqa: E501


def test_readme_is_short() -> None:
    assert len(README.split()) <= WORDS


def test_every_text_is_linked_from_readme_or_architecture() -> None:
    linked = links("README.md") | {f"docs/{link}" for link in links("docs/architecture.md")}
    assert set(TEXTS) - {"README.md"} <= {link.partition("#")[0] for link in linked}


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_leads_somewhere(name: str) -> None:
    for link in links(name):
        path, _, anchor = link.partition("#")
        target = (PROJECT / name).parent / path if path else PROJECT / name
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("name", TEXTS)
def test_every_path_that_is_named_exists(name: str) -> None:
    assert {path for path in paths(TEXTS[name]) - ELSEWHERE if not is_there(path)} == set()


def test_paths_are_found_in_the_texts() -> None:
    assert {"tests/bench/guided.py", "recognition/fusion.py", "settings.py", "digitrec/data/mnist.npz"} <= paths(ALL)


@pytest.mark.parametrize("path", ["digitrec/none.py", "tests/no/", "none.py"])
def test_a_path_that_is_not_there_is_noticed(path: str) -> None:
    assert paths(f"see `{path}`") == {path}
    assert not is_there(path)


def test_every_name_of_code_exists() -> None:
    found = names(ALL)
    assert ("common", "page") in found
    for stem, name in found:
        sources = [file.read_text() for file in MODULES if file.stem == stem]
        assert any(re.search(rf"^(def |class )?{name}\b", source, re.MULTILINE) for source in sources), (stem, name)


def test_every_constant_that_contributors_change_exists() -> None:
    found = {word for word in quoted(TEXTS["CONTRIBUTING.md"]) if re.fullmatch(r"[A-Z_]{4,}", word)}
    assert {"PRESETS", "PICTURE_FORMATS"} <= found
    source = "".join(file.read_text() for file in MODULES)
    assert {name for name in found if not re.search(rf"^{name}\b", source, re.MULTILINE)} == set()


def test_every_setting_is_in_its_text_and_every_one_there_is_read() -> None:
    source = "".join(file.read_text() for file in MODULES)
    listed = [name for name in first_cells(TEXTS["docs/settings.md"]) if name.startswith("DIGITREC_")]
    assert sorted(set(re.findall(r"\bDIGITREC_[A-Z_]+\b", source))) == sorted(listed)
    assert set(re.findall(r"\bDIGITREC_[A-Z_]+\b", ALL)) == set(listed)
    assert "PORT ?= 8501" in MAKEFILE
    assert "| `PORT` (make) | port of the app | 8501 |" in TEXTS["docs/settings.md"]


def test_every_recipe_has_its_result_and_every_one_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:mlp|cnn|reader)(?:-[\w-]+)?)`", ALL))
    assert named <= set(PRESETS)
    results = TEXTS["docs/results.md"]
    for name, preset in PRESETS.items():
        assert f"| {name} |" in section(results, "The models on MNIST")
        assert name in first_cells(section(results, "Real pictures of one digit"))
        assert bool(preset.published) == (name in first_cells(section(results, "Sources")))


def test_every_command_is_in_readme() -> None:
    assert set(re.findall(r"python -m digitrec (\w+)", README)) == set(commands())


@pytest.mark.parametrize("line", re.findall(r"(?:^ *|`)(python -m digitrec [^#\n`]*)", ALL, re.MULTILINE))
def test_what_the_texts_say_to_type_is_understood(line: str) -> None:
    options = cli._parser().parse_args(shlex.split(line)[3:])
    assert getattr(options, "recipe", "reader") in PRESETS


def test_every_module_that_is_run_exists() -> None:
    found = run_modules(ALL + MAKEFILE + (PROJECT / "Dockerfile").read_text())
    assert {"digitrec", "digitrec.tools.ship", "streamlit", "tests.bench.bad_input", "tests.faults.kills"} <= found
    assert {module for module in found if not importlib.util.find_spec(module)} == set()


@pytest.mark.parametrize("line", re.findall(r"python -m ((?:digitrec|tests)\.[a-z_][^#\n`]*--[^#\n`]*)", ALL))
def test_options_of_a_module_that_is_run_are_in_its_source(line: str) -> None:
    module, *words = line.split()
    spec = importlib.util.find_spec(module)
    assert spec is not None
    source = Path(str(spec.origin)).read_text()
    for option in (word for word in words if word.startswith("--")):
        assert option in source or re.search(rf"\b{option[2:].replace('-', '_')}\b", source), option


def test_every_page_is_in_readme_and_every_one_there_exists() -> None:
    pages = [file.stem.partition("_")[2] for file in sorted((PROJECT / "pages").glob("*.py"))]
    assert re.findall(r"^\| \*\*(\w+)\*\* \|", section(README, "What you will see"), re.MULTILINE) == pages
    assert [label for _, label, _ in common.PAGES] == ["Home", *pages]


def test_every_format_is_in_the_texts() -> None:
    for text in (README, TEXTS["SECURITY.md"]):
        for name in settings.PICTURE_FORMATS:
            assert re.search(rf"\b{name}\b", text)


def test_every_key_of_the_results_is_listed_and_every_one_that_is_listed_is_written() -> None:
    listed = first_cells(section(TEXTS["docs/pipeline.md"], "What is written"))
    assert set(serialize.COLUMNS) <= set(listed)
    functions = {"record", "numbered", "_numbers", "_table", "_cells", "_as_json"}
    written = {
        key.value
        for file in MODULES
        if file.name in ("serialize.py", "cli.py")
        for function in ast.parse(file.read_text()).body
        if isinstance(function, ast.FunctionDef) and function.name in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    assert {"note", "page", "corners"} <= written
    assert set(listed) == written | set(serialize.COLUMNS)


def test_every_bench_is_in_its_text_and_every_one_that_is_named_exists() -> None:
    [made] = re.findall(r"^BENCHES \?= (.*)$", MAKEFILE, re.MULTILINE)
    assert set(made.split()) <= BENCHES
    text = TEXTS["docs/benchmarks.md"]
    assert set(re.findall(r"\| `(\w+)[^|`]*` \|$", text, re.MULTILINE)) <= BENCHES
    assert {bench for bench in BENCHES if not re.search(rf"`{bench}\b[^`]*`", text)} == set()


def test_make_can_make_what_the_texts_say() -> None:
    targets = set(re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE))
    named = set(re.findall(r"(?:^|`)(?:\w+=\S+ )*make ([\w-]+)", ALL, re.MULTILINE))
    assert {"run", "test", "models", "lint", "results"} <= named
    assert named <= targets
    for file in re.findall(r"\$\(BIN\)/python ([\w/]+\.py)", MAKEFILE):
        assert (PROJECT / file).is_file()


def test_architecture_has_a_row_for_each_folder_and_the_rule_that_is_tested() -> None:
    packages = {file.parent.name for file in (PROJECT / "digitrec").glob("*/__init__.py")}
    assert packages == set(LAYERS) - {"base"}
    assert set(first_cells(section(ARCHITECTURE, "Folders"))) == {f"{name}/" for name in packages | {"data"}}
    assert f"```\n{' <- '.join(LAYERS)}\n```" in section(ARCHITECTURE, "The dependency rule")
    tested = {file.parent.name for file in (PROJECT / "tests").glob("*/test_*.py")} | {"bench"}
    assert {f"tests/{name}/" for name in tested - packages} <= paths(section(ARCHITECTURE, "Folders"))


def test_architecture_names_the_files_of_a_run() -> None:
    listed = [file.rstrip("/") for file in first_cells(section(ARCHITECTURE, "A run folder"))]
    written = {
        node.value
        for file in MODULES
        if file.parent.name in ("jobs", "training")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert len(listed) > 10
    assert {file for file in listed if file not in written} == set()
    assert {model_files.RECIPE, *model_files.MODEL_FILES, model_files.INSIGHT} <= set(listed)


def test_every_module_is_looked_at() -> None:
    assert set(MODULES) == set((PROJECT / "digitrec").rglob("*.py"))
    assert {"detector.py", "fonts.py"} <= {file.name for file in MODULES}
