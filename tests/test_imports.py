"""What may import what: read in the sources, and seen in a process that imports one group of modules after another."""

import ast
import graphlib
import json
import pkgutil
import subprocess
import sys
from functools import cache
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
WITH_KERAS |= {"training.portable_training"}
READING = {"analysis.precomputed", "registry.export", "jobs.writing"}
READING |= {"recognition.classifier", "recognition.detector", "recognition.page_search", "recognition.candidates"}
READING |= {
    "recognition.shipped",
    "recognition.pipeline",
    "recognition.by_hand",
    "recognition.results",
    "recognition.number_grouping",
}
READING |= {"recognition.ablation", "recognition.crop_classifier", "recognition.litert", "recognition.sliding"}
READING |= {f"registry.importing.{name}" for name in ("tflite_graph", "tflite_files", "reading", "sandbox")}
"""They import LiteRT's table of operators only."""
READING |= {"uploads.batch", "uploads.corrections", "uploads.doubts", "uploads.serialize"}
WITH_DETECTOR = {"datasets.page_crops", "datasets.single_pictures", "training.crop_training"}
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

GROUPS = (
    (PLAIN, {"numpy", "cv2", "scipy", "PIL", "plotly"}),
    (set(MODULES) - READING - WITH_DETECTOR - FIGURES - WITH_STREAMLIT - WITH_KERAS, {"ai_edge_litert", "plotly"}),
    ((READING | WITH_DETECTOR) - WITH_KERAS, {"plotly"}),
    (FIGURES, {"streamlit"}),
    (WITH_STREAMLIT, {"tensorflow", "keras", "torch", "distributed", "dask"}),
)
"""Modules, each group with what is not loaded once it is and those before it are; nor is what later ones must not."""

IMPORT = """
import importlib, json, sys
for group in json.loads(sys.argv[1]):
    for module in group:
        importlib.import_module("digitrec." + module)
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
"""Print after each group of modules which packages are loaded."""

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


def layer(module):
    return module.partition(".")[0] if "." in module or module in LAYERS else "base"


@cache
def source(module):
    """Return the syntax tree of a module."""
    file = settings.PROJECT / "digitrec" / Path(*module.split("."))
    file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    return ast.parse(file.read_text())


def named(nodes):
    """Yield what import statements among nodes name: modules of this package, and other packages."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package, _, origin = (node.module or "").partition(".")
            if package != "digitrec":
                yield package
                continue
            for alias in node.names:
                name = f"{origin}.{alias.name}".lstrip(".")
                yield name if name in MODULES else origin


def imports(module):
    """Return the modules of this package that one imports, anywhere in its text."""
    return {name for name in named(ast.walk(source(module))) if name in MODULES or name in LAYERS}


def at_once(node):
    """Yield what runs when a module is imported: not what is in functions or for the type checker."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield child
            yield from at_once(child)


def asked_for(module, seen):
    """Return the packages that a module and all that it imports at once import; `seen` are those looked at already."""
    found = set()
    for name in set(named(at_once(source(module)))):
        if name not in MODULES:
            found.add(name)
        elif name not in seen:
            seen.add(name)
            found |= asked_for(name, seen)
    return found


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


def test_nothing_imports_what_comes_after_it():
    upward = {
        f"{module} imports {other}"
        for module in set(MODULES) - COMMANDS
        for other in imports(module)
        if LAYERS.index(layer(other)) > LAYERS.index(layer(module))
    }
    assert upward == set()


def test_no_two_modules_import_each_other():
    """Not by way of others either; what is imported within a function only is looked at as well."""
    known = {module: imports(module) & set(MODULES) - {module} for module in MODULES if module not in COMMANDS}
    graphlib.TopologicalSorter(known).prepare()  # raises CycleError


def test_tensorflow_is_only_in_what_trains():
    assert {module for module in MODULES if asked_for(module, {module}) & {"tensorflow", "keras"}} == WITH_KERAS


def test_streamlit_is_only_in_the_pages_parts():
    assert {module for module in MODULES if "streamlit" in asked_for(module, {module})} == WITH_STREAMLIT


def test_what_trains_reads_with_the_detector_alone():
    assert (
        not {module for module in WITH_DETECTOR | READING if layer(module) in ("datasets", "training")} - WITH_DETECTOR
    )


def test_each_group_of_modules_loads_no_package_that_it_must_not():
    done = python(IMPORT, json.dumps([sorted(modules) for modules, _ in GROUPS]))
    assert done.returncode == 0, done.stderr
    for place, line in enumerate(done.stdout.splitlines()):
        never = set().union(*(packages for _, packages in GROUPS[place:]))
        assert not never & set(json.loads(line)), f"group {place}"
    assert {"streamlit", "plotly", "ai_edge_litert"} <= set(json.loads(line))


def test_reading_knows_no_training():
    """Not even by way of another module: a server can do without `datasets` and `training`."""
    code = "import digitrec.recognition.pipeline, sys; print([n for n in sys.modules if n.startswith('digitrec.')])"
    done = python(code)
    assert done.returncode == 0, done.stderr
    assert "digitrec.recognition.detector" in done.stdout
    assert "digitrec.training" not in done.stdout
    assert "digitrec.datasets" not in done.stdout


def test_importing_what_pages_share_changes_no_setting_of_the_process():
    done = python(
        "import cv2; cv2.setNumThreads(3); import digitrec.ui.common, digitrec.ui.draw; print(cv2.getNumThreads())"
    )
    assert done.stdout.strip() == "3", done.stderr


def test_reading_pictures_imports_neither_tensorflow_nor_streamlit(tmp_path):
    pictures, _ = mnist.test()
    for i in range(2):
        Image.fromarray(np.pad(pictures[i], 20)).save(tmp_path / f"digit{i}.png")
    done = python(
        RUN, "read", "--model", "mlp-30-10", "--single", str(tmp_path / "digit0.png"), str(tmp_path / "digit1.png")
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
