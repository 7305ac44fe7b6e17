"""What lies beside a model: against the model itself, and damaged."""

from pathlib import Path

import numpy as np
import pytest

from digitrec.analysis import precomputed
from digitrec.datasets import mnist
from digitrec.recognition.classifier import Predictor
from digitrec.registry import registry
from digitrec.training import model_files


@pytest.fixture
def folder(tiny_model: str) -> Path:
    return registry.get(tiny_model).folder


def test_a_run_leaves_it_and_it_goes_along_with_the_model(tiny_run: Path, folder: Path) -> None:
    assert (tiny_run / model_files.INSIGHT).read_bytes() == (folder / model_files.INSIGHT).read_bytes()
    made = precomputed.read(folder)
    assert made is not None
    assert made.layer == "dense_1"
    assert made.training.shape == (precomputed.TRAINING, 16)


def test_codes_are_what_the_layer_says(folder: Path) -> None:
    made = precomputed.read(folder)
    assert made is not None
    activations = Predictor("tiny", folder / model_files.TFLITE).activations(
        mnist.glyphs(mnist.first_training(50)[0]), ("dense_1",)
    )
    assert made.axes.project(activations["dense_1"]) / made.axes.scale == pytest.approx(made.training[:50], abs=1.0)


def test_accuracies_are_those_of_the_model(folder: Path) -> None:
    precomputed.write(folder, registry.get("tiny").recipe)  # of the test digits; the run's were a few others
    made = precomputed.read(folder)
    assert made is not None
    pictures, truth = (part[: made.digits] for part in mnist.test())
    answers = Predictor("tiny", folder / model_files.TFLITE).logits(mnist.glyphs(pictures)).argmax(axis=1)
    for name, neutral in (("shift", 0), ("turn", 4), ("noise", 0)):
        assert made.accuracy[name][neutral] == pytest.approx((answers == truth).mean())
    assert made.test.shape == (precomputed.MAPPED, 16)


def test_a_missing_a_damaged_and_a_foreign_one_are_none(folder: Path) -> None:
    file = folder / model_files.INSIGHT
    whole = file.read_bytes()
    model = (folder / model_files.TFLITE).read_bytes()
    (folder / model_files.TFLITE).write_bytes(model + b"x")
    assert precomputed.read(folder) is None, "it was made of another model"
    (folder / model_files.TFLITE).write_bytes(model)
    assert precomputed.read(folder) is not None
    for damaged in (whole[:500], b"", b"PK" + whole[2:600]):
        file.write_bytes(damaged)
        assert precomputed.read(folder) is None
    with np.load(Path(__file__).parents[2] / "models" / "mlp-30-10" / model_files.INSIGHT) as arrays:
        np.savez(file, **{**arrays, "axes": arrays["axes"][:, :5], "model": precomputed._checksum(folder)})
    assert precomputed.read(folder) is None
    file.unlink()
    assert precomputed.read(folder) is None


def test_every_shipped_model_has_one_of_its_own() -> None:
    for model in registry.models():
        assert precomputed.read(model.folder) is not None, f"python -m digitrec.tools.ship --refresh {model.name}"
