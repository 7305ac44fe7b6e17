"""What importing each module pulls in. One process a module: in one process imports add up."""

import json
import pkgutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import digitrec
from digitrec import dataset, settings

MODULES = sorted(
    module.name.removeprefix("digitrec.") for module in pkgutil.walk_packages(digitrec.__path__, "digitrec.")
)
"""All modules, those of the packages within by their dotted names, such as `recognition.detector`."""

WITH_KERAS = {"network", "train", "portable"}
WITH_KERAS |= {"training.detector_network", "training.detector_targets", "training.initial_weights"}
READING = {"predict", "insight", "portable", "recognition.detector", "recognition.page_search"}
READING |= {"recognition.candidates", "recognition.shipped", "reading"}
READING |= {"batch", "ledger", "number", "steps", "figures", "figures_compare", "figures_rate", "figures_sweep"}
"""Modules that read, and those that know what a reading is."""

FIGURES = {"figures", "figures_compare", "figures_rate", "figures_sweep"}
WITH_STREAMLIT = {module for module in MODULES if module == "ui" or module.startswith("ui_")}
PLAIN = {"errors", "settings", "recipe", "runfolder", "executor", "runs", "sweep", "registry", "script", "cli", "log"}
PLAIN |= {"process", "readers"}
PLAIN |= {"export", "portable_texts"}
"""Modules that import no NumPy either, so that the command line starts at once."""

IMPORT = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""

RUN = """
import json, sys
from digitrec.cli import main
try:
    status = main(sys.argv[1:])
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
sys.exit(status)
"""


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=settings.PROJECT, capture_output=True, text=True, check=False
    )


def packages(text):
    return set(json.loads(text.splitlines()[-1]))


@pytest.fixture(scope="module")
def imported():
    """Return what each module imports, by its name."""

    def load(module):
        done = python(IMPORT, f"digitrec.{module}")
        assert done.returncode == 0, done.stderr
        return packages(done.stdout)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(MODULES, pool.map(load, MODULES), strict=True))


def test_the_modules_named_here_exist():
    assert set(MODULES) >= WITH_KERAS | PLAIN | READING | {"ui"}


def test_every_module_file_is_seen():
    folder = settings.PROJECT / "digitrec"
    files = {".".join(file.relative_to(folder).with_suffix("").parts) for file in folder.rglob("*.py")}
    assert {name.removesuffix(".__init__") for name in files} - {"__init__"} == set(MODULES)
    assert {"recognition.detector", "training.detector_targets", "datasets.synthetic_pages"} <= set(MODULES)


def test_tensorflow_is_only_in_what_trains(imported):
    assert {module for module in MODULES if "tensorflow" in imported[module]} == WITH_KERAS
    assert {module for module in MODULES if "keras" in imported[module]} == WITH_KERAS


def test_streamlit_is_only_in_the_pages_parts(imported):
    assert {module for module in MODULES if "streamlit" in imported[module]} == WITH_STREAMLIT


def test_litert_is_only_in_what_reads(imported):
    """The pages' parts may read as well; what lists models and runs does without."""
    assert {module for module in MODULES if "ai_edge_litert" in imported[module]} <= READING | WITH_STREAMLIT
    assert "ai_edge_litert" in imported["predict"]


@pytest.mark.parametrize("package", ["datasets", "training"])
def test_what_makes_pages_and_trains_reads_nothing(imported, package):
    some = {module: imported[module] for module in MODULES if module.partition(".")[0] == package}
    assert len(some) > 3
    assert not {module for module, names in some.items() if names & {"ai_edge_litert", "torch"}}


def test_reading_knows_no_training():
    """Not even by way of another module: a server can do without `datasets` and `training`."""
    code = "import digitrec.reading, sys; print([n for n in sys.modules if n.startswith('digitrec.')])"
    done = python(code)
    assert done.returncode == 0, done.stderr
    assert "digitrec.recognition.detector" in done.stdout
    assert "digitrec.training" not in done.stdout
    assert "digitrec.datasets" not in done.stdout


@pytest.mark.parametrize("module", sorted(PLAIN))
def test_plain_modules_import_no_numpy(imported, module):
    assert not imported[module] & {"numpy", "cv2", "scipy", "PIL", "plotly"}


def test_dask_is_imported_by_none(imported):
    """Only giving a run to a cluster does."""
    assert not {module for module in MODULES if imported[module] & {"distributed", "dask", "tornado"}}


def test_the_core_does_not_know_the_pages_figures(imported):
    assert {module for module in MODULES if "plotly" in imported[module]} <= FIGURES | WITH_STREAMLIT


def test_reading_pictures_imports_neither_tensorflow_nor_streamlit(tmp_path, tiny_model):
    pictures, _ = dataset.test()
    for i in range(2):
        Image.fromarray(np.pad(pictures[i], 20)).save(tmp_path / f"digit{i}.png")
    done = python(
        RUN, "read", "--model", tiny_model, "--single", str(tmp_path / "digit0.png"), str(tmp_path / "digit1.png")
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    found = packages(done.stderr)
    assert "ai_edge_litert" in found
    assert not found & {"tensorflow", "keras", "streamlit", "plotly"}


@pytest.mark.parametrize("command", ["models", "recipes"])
def test_lists_are_printed_without_loading_a_reader(command):
    found = packages(python(RUN, command).stderr)
    assert not found & {"tensorflow", "keras", "streamlit", "plotly", "ai_edge_litert", "numpy"}
