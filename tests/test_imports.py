"""What importing each module pulls in. One process per module: in one process imports add up.

They are forks of a few processes in which what takes long is imported already.
"""

import ast
import graphlib
import json
import pkgutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import digitrec
from digitrec import settings
from digitrec.datasets import mnist

MODULES = sorted(
    module.name.removeprefix("digitrec.") for module in pkgutil.walk_packages(digitrec.__path__, "digitrec.")
)
"""All modules, those of the packages within by their dotted names, such as `recognition.detector`."""

LAYERS = (
    "base", "imaging", "recognition", "datasets", "training", "analysis", "registry", "jobs", "uploads", "figures",
    "ui", "tools",
)  # fmt: skip
"""The folders, each of which may import from itself and from those before it; `base` is the top of the package."""

COMMANDS = {"cli", "__main__"}
"""Modules at the top that call all the others."""

WITH_KERAS = {"training.network", "training.trainer", "registry.export", "training.detector_network"}
WITH_KERAS |= {"training.detector_loss", "training.initial_weights", "training.fine_tuning", "training.crop_network"}
WITH_KERAS |= {"training.quantization", "training.teaching", "registry.importing.building"}
READING = {"analysis.precomputed", "registry.export", "jobs.writing"}
READING |= {"recognition.classifier", "recognition.detector", "recognition.page_search", "recognition.candidates"}
READING |= {"recognition.shipped", "recognition.pipeline", "recognition.results", "recognition.number_grouping"}
READING |= {"recognition.ablation", "recognition.crop_classifier", "recognition.litert"}
READING |= {f"registry.importing.{name}" for name in ("tflite_graph", "tflite_files", "reading", "sandbox")}
"""They import LiteRT's table of operators only."""
READING |= {"uploads.batch", "uploads.corrections", "uploads.doubts", "uploads.serialize"}
WITH_DETECTOR = {"datasets.page_crops", "training.crop_training"}
"""What trains on the detector's own candidates reads pages with it."""
FIGURES = {module for module in MODULES if module.startswith("figures.")}
WITH_STREAMLIT = {module for module in MODULES if module.startswith("ui.") and module != "ui.share_link"}
WITH_STREAMLIT -= {"ui.compare", "ui.teach", "ui.train", "ui.upload"}
PLAIN = {
    "errors",
    "settings",
    "log",
    "files",
    "formats",
    "cli",
    "training.recipe",
    "training.presets",
    "training.keras_script",
}
PLAIN |= {
    "training.events",
    "training.layers",
    "training.schedule",
    "training.model_files",
    "imaging.augmentation",
    "recognition.digits",
    "recognition.calibration",
}
PLAIN |= {"registry.registry", "registry.card", "registry.export_texts", "jobs.job", "jobs.queue", "jobs.scheduler"}
PLAIN |= {"jobs.runs", "jobs.sweep", "jobs.throttle", "jobs.exports", "jobs.imports", "jobs.limits"}
"""Modules that import no NumPy either, so that the command line starts at once."""

COMMON = ["numpy", "cv2", "scipy.special", "PIL.Image"]
"""What most modules import; those that must not are PLAIN."""

HEAVY = {"tensorflow": ["tensorflow", "keras"], "keras": ["tensorflow", "keras"], "streamlit": ["streamlit"]}
"""What takes seconds to import, with what is imported beforehand where a module asks for it."""

IMPORT = """
import importlib, json, os, sys

class Refused(BaseException):
    pass

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name in refused:
            raise Refused(name)

before, refused, modules = json.loads(sys.argv[1])
for name in before:
    importlib.import_module(name)
sys.meta_path.insert(0, Refusing())
for module in modules:
    child = os.fork()
    if not child:
        asked = None
        try:
            importlib.import_module("digitrec." + module)
        except Refused as refusal:
            asked = str(refusal)
        print(json.dumps([module, asked, sorted({name.partition(".")[0] for name in sys.modules})]), flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit("digitrec." + module + " cannot be imported")
"""
"""Print for each module what it asked for that is refused, and the packages that are loaded then."""

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

    def load(modules, before=(), refused=()):
        done = python(IMPORT, json.dumps([list(before), list(refused), sorted(modules)]))
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    found = {module: set(names) for module, _, names in load(PLAIN)}
    asking = {}
    for module, asked, names in load(set(MODULES) - PLAIN, COMMON, HEAVY):
        if asked:
            asking.setdefault(tuple(HEAVY[asked]), []).append(module)
        found[module] = set(names)
    with ThreadPoolExecutor(2) as pool:
        for answers in pool.map(lambda heavy: load(asking[heavy], [*COMMON, *heavy]), asking):
            found |= {module: set(names) for module, _, names in answers}
    return found


def layer(module):
    return module.partition(".")[0] if "." in module or module in LAYERS else "base"


def imports(module):
    """Yield the modules of this package that one imports, anywhere in its text."""
    file = settings.PROJECT / "digitrec" / Path(*module.split("."))
    file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "digitrec":
            origin = node.module.partition(".")[2]
            for alias in node.names:
                name = f"{origin}.{alias.name}".lstrip(".")
                yield name if name in MODULES else origin


def test_the_modules_named_here_exist():
    assert set(MODULES) >= WITH_KERAS | PLAIN | READING | COMMANDS


def test_every_module_file_is_seen():
    folder = settings.PROJECT / "digitrec"
    found = {".".join(file.relative_to(folder).with_suffix("").parts) for file in folder.rglob("*.py")}
    assert {name.removesuffix(".__init__") for name in found} - {"__init__"} == set(MODULES)
    assert {"recognition.detector", "training.detector_loss", "ui.train.form"} <= set(MODULES)


def test_every_module_lies_in_a_folder_of_the_house():
    assert {layer(module) for module in MODULES} == set(LAYERS)
    assert sum("." not in module and module not in LAYERS for module in MODULES) <= 8


@pytest.mark.parametrize("module", MODULES)
def test_nothing_imports_what_comes_after_it(module):
    if module in COMMANDS:
        return
    allowed = LAYERS[: LAYERS.index(layer(module)) + 1]
    assert not [other for other in imports(module) if layer(other) not in allowed]


def test_no_two_modules_import_each_other():
    """Not by way of others either; what is imported within a function only is looked at as well."""
    known = {module: set(imports(module)) & set(MODULES) - {module} for module in MODULES if module not in COMMANDS}
    graphlib.TopologicalSorter(known).prepare()  # raises CycleError


def test_tensorflow_is_only_in_what_trains(imported):
    assert {module for module in MODULES if "tensorflow" in imported[module]} == WITH_KERAS
    assert {module for module in MODULES if "keras" in imported[module]} == WITH_KERAS


def test_streamlit_is_only_in_the_pages_parts(imported):
    assert {module for module in MODULES if "streamlit" in imported[module]} == WITH_STREAMLIT


def test_litert_is_only_in_what_reads(imported):
    """The pages' parts may read as well; what lists models and runs does without."""
    assert {
        module for module in MODULES if "ai_edge_litert" in imported[module]
    } <= READING | WITH_DETECTOR | WITH_STREAMLIT
    assert "ai_edge_litert" in imported["recognition.classifier"]


@pytest.mark.parametrize("package", ["datasets", "training"])
def test_what_makes_pages_and_trains_reads_nothing(imported, package):
    some = {module: imported[module] for module in MODULES if module.partition(".")[0] == package}
    assert len(some) > 3
    reads = {module for module, names in some.items() if names & {"ai_edge_litert", "torch"}}
    assert reads <= WITH_DETECTOR


def test_reading_knows_no_training():
    """Not even by way of another module: a server can do without `datasets` and `training`."""
    code = "import digitrec.recognition.pipeline, sys; print([n for n in sys.modules if n.startswith('digitrec.')])"
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


def test_importing_what_pages_share_changes_no_setting_of_the_process():
    done = python(
        "import cv2; cv2.setNumThreads(3); import digitrec.ui.common, digitrec.ui.draw; print(cv2.getNumThreads())"
    )
    assert done.stdout.strip() == "3", done.stderr


def test_the_core_does_not_know_the_pages_figures(imported):
    assert {module for module in MODULES if "plotly" in imported[module]} <= FIGURES | WITH_STREAMLIT


def test_reading_pictures_imports_neither_tensorflow_nor_streamlit(tmp_path, tiny_model):
    pictures, _ = mnist.test()
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
