"""What lies beside a model: against the model itself, and damaged."""

from pathlib import Path

import numpy as np
import pytest

from digitrec import dataset, insight, registry
from digitrec import runfolder as rf
from digitrec.predict import Predictor


@pytest.fixture
def folder(tiny_model: str) -> Path:
    return registry.get(tiny_model).folder


def test_a_run_leaves_it_and_it_goes_along_with_the_model(tiny_run: Path, folder: Path) -> None:
    assert (tiny_run / rf.INSIGHT).read_bytes() == (folder / rf.INSIGHT).read_bytes()
    made = insight.read(folder)
    assert made is not None
    assert made.layer == "dense_1"
    assert made.training.shape == (insight.TRAINING, 16)


def test_codes_are_what_the_layer_says(folder: Path) -> None:
    made = insight.read(folder)
    assert made is not None
    said = Predictor("tiny", folder / rf.TFLITE).activations(
        dataset.glyphs(dataset.first_training(50)[0]), ("dense_1",)
    )
    assert made.axes.project(said["dense_1"]) / made.axes.scale == pytest.approx(made.training[:50], abs=1.0)


def test_accuracies_are_those_of_the_model(folder: Path) -> None:
    insight.write(folder, registry.get("tiny").recipe)  # of the test digits; the run's were a few others
    made = insight.read(folder)
    assert made is not None
    pictures, truth = (part[: made.digits] for part in dataset.test())
    answers = Predictor("tiny", folder / rf.TFLITE).logits(dataset.glyphs(pictures)).argmax(axis=1)
    for name, neutral in (("shift", 0), ("turn", 4), ("noise", 0)):
        assert made.accuracy[name][neutral] == pytest.approx((answers == truth).mean())
    assert made.test.shape == (insight.MAPPED, 16)


def test_a_missing_a_damaged_and_a_foreign_one_are_none(folder: Path) -> None:
    file = folder / rf.INSIGHT
    whole = file.read_bytes()
    model = (folder / rf.TFLITE).read_bytes()
    (folder / rf.TFLITE).write_bytes(model + b"x")
    assert insight.read(folder) is None, "it was made of another model"
    (folder / rf.TFLITE).write_bytes(model)
    assert insight.read(folder) is not None
    for damaged in (whole[:500], b"", b"PK" + whole[2:600]):
        file.write_bytes(damaged)
        assert insight.read(folder) is None
    with np.load(Path(__file__).parents[1] / "models" / "mlp-30-10" / rf.INSIGHT) as arrays:
        np.savez(file, **{**arrays, "axes": arrays["axes"][:, :5], "model": insight._print(folder)})
    assert insight.read(folder) is None
    file.unlink()
    assert insight.read(folder) is None


def test_every_shipped_model_has_one_of_its_own() -> None:
    for model in registry.models():
        assert insight.read(model.folder) is not None, f"python -m digitrec.ship --refresh {model.name}"
