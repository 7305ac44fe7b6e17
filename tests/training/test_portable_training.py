"""Training by Keras' `fit` learns what our own loop learns, goes on where it ended, and becomes a shipped model."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from digitrec import settings
from digitrec.datasets import mnist
from digitrec.errors import RunError
from digitrec.imaging.augmentation import Augmentation
from digitrec.registry import registry
from digitrec.tools import ship
from digitrec.training import fine_tuning, portable_training, splits, trainer
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import Recipe
from digitrec.training.splits import Split

NET = Recipe(
    "net", hidden=(16,), batch_size=16, epochs=3, optimizer="sgd", learning_rate=0.1, augmentation=Augmentation(shift=1)
)
Weights = list[np.ndarray]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, few: Split, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one recipe, two seeds and no models; its folder of trainings."""
    presets = {"net": replace(PRESETS["mlp-128"], recipe=NET, seeds=(1, 2), fine_tuning=1)}
    monkeypatch.setattr(portable_training, "PRESETS", presets)
    monkeypatch.setattr(ship, "PRESETS", presets)
    monkeypatch.setattr(ship, "BUILD", tmp_path / "build")
    monkeypatch.setattr(settings, "SHIPPED_MODELS", tmp_path / "models")
    monkeypatch.setattr(splits, "split", lambda recipe: few)
    return tmp_path / "trained"


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["portable_training", *arguments, "--workers", "1"])
    portable_training.main()


def assert_same(one: Weights, other: Weights) -> None:
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_it_learns_what_the_own_loop_learns(few: Split, tmp_path: Path) -> None:
    weights, seconds = portable_training.fit(NET, few, tmp_path / "checkpoint", 1)
    model = trainer.fit(NET, few).model
    assert_same(weights, model.get_weights())
    right = model(mnist.glyphs(few.x_validation)).numpy().argmax(axis=1) == few.y_validation
    assert fine_tuning.validation_accuracy(NET, few, weights) == pytest.approx(right.mean())
    assert seconds > 0


def test_a_training_that_was_ended_goes_on_from_its_last_epoch(
    few: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = portable_training.fit(NET, few, tmp_path / "whole", 1)
    real = portable_training.batches

    def until_the_last_epoch(*arguments: object) -> object:
        if arguments[3] == 2:
            raise RunError("ended here")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(portable_training, "batches", until_the_last_epoch)
    with pytest.raises(Exception, match="ended here"):
        portable_training.fit(NET, few, tmp_path / "broken", 1)
    seen: list[int] = []
    monkeypatch.setattr(
        portable_training, "batches", lambda *arguments: (seen.append(arguments[3]), real(*arguments))[1]
    )
    weights, _ = portable_training.fit(NET, few, tmp_path / "broken", 1)
    assert min(seen) == 2
    assert_same(weights, whole)


def test_what_was_trained_elsewhere_is_shipped_with_its_fine_tuning(
    project: Path, few: Split, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command(monkeypatch, "net:1", "net:2", "--folder", str(project))
    facts = json.loads((project / "net-2.json").read_text())
    assert facts["epochs"] == 4
    before, _ = portable_training.fit(NET, few, project / "again", 1)
    cycle = fine_tuning.fine_tuning_recipe(NET, 1)
    after, _ = portable_training.fit(cycle, few, project / "cycle", 1, before)
    with np.load(project / "net-1.npz") as arrays:
        assert_same([arrays[name] for name in arrays.files], fine_tuning.mean(before, after))
    capsys.readouterr()
    command(monkeypatch, "net:1", "net:2", "--folder", str(project))
    assert capsys.readouterr().out == "", "what is trained is not trained again"
    (project / "net-2.json").unlink()
    (project / "net-2-after.npz").unlink()
    command(monkeypatch, "net:2", "--folder", str(project))
    assert capsys.readouterr().out.count("5/5 - ") == 1, "ended in the fine-tuning, it goes on with that one epoch"
    assert json.loads((project / "net-2.json").read_text())["validation_accuracy"] == facts["validation_accuracy"]

    monkeypatch.setattr(sys, "argv", ["ship", "net", "--trained", str(project)])
    ship.main()
    [model] = registry.models()
    assert [seed["seed"] for seed in model.card["seeds"]] == [1, 2]
    assert model.card["validation_accuracy"] == max(seed["validation_accuracy"] for seed in model.card["seeds"])
    assert model.card["fine_tuning"]["epochs"] == 1
    assert model.card["versions"]["keras"] == keras.__version__
    assert model.card["trained_on"] == "MNIST"


def test_runs_of_another_recipe_are_not_taken(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command(monkeypatch, "net:1", "--folder", str(project), "--epochs", "1")
    with pytest.raises(RunError, match="No run of net"):
        ship.take("net", project)


@pytest.mark.parametrize("training", ["other:1", "net", "net:x", "net:-1"])
def test_what_is_no_recipe_with_a_seed_is_refused(
    training: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="Received: "):
        command(monkeypatch, training, "--folder", str(project))
