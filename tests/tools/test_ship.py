"""`make models`: the best seed by validation accuracy is shipped, and nothing is trained twice."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from digitrec import files, settings
from digitrec.analysis import precomputed
from digitrec.errors import RunError
from digitrec.jobs import job, worker
from digitrec.registry import registry
from digitrec.tools import ship
from digitrec.training import fine_tuning, model_files, network, splits, trainer
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import Recipe
from digitrec.training.splits import Split

TINY = Recipe("tiny", hidden=(8,), batch_size=64, epochs=1, validation=0.01)


@pytest.fixture(autouse=True)
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one recipe, three seeds and no models."""
    monkeypatch.setattr(ship, "PRESETS", {"tiny": replace(PRESETS["mlp-128"], recipe=TINY, seeds=(1, 2, 3))})
    monkeypatch.setattr(ship, "BUILD", tmp_path / "build")
    monkeypatch.setattr(settings, "SHIPPED_MODELS", tmp_path / "models")
    return tmp_path


def trained(folder: Path, recipe: Recipe, validation: float, accuracy: float) -> None:
    """A run folder as a worker leaves it; its files are no models."""
    folder.mkdir(parents=True)
    for file in model_files.MODEL_FILES[1:-1]:
        (folder / file).write_text(f"{file} of seed {recipe.seed}")
    network.build(recipe).save(folder / model_files.KERAS)
    card = {
        "format": 1,
        "name": recipe.name,
        "recipe": recipe.to_json(),
        "validation_accuracy": validation,
        "accuracy": accuracy,
        "interval": [accuracy - 0.01, accuracy + 0.01],
        "parameters": recipe.parameters,
        "errors": 400,
        "confusion": [[0] * 10] * 10,
        "epochs": 3.0,
        "seconds": 8.66,
        "bytes": {file: (folder / file).stat().st_size for file in model_files.MODEL_FILES[:-1]},
    }
    files.write_json(folder / model_files.RECIPE, recipe.to_json())
    files.write_json(folder / model_files.CARD, card)


def three(workshop: Path, validations: tuple[float, float, float] = (0.90, 0.95, 0.93)) -> None:
    for seed, validation in enumerate(validations, 1):
        trained(workshop / "build" / f"tiny-{seed}", TINY.replace(seed=seed), validation, 0.99 - seed / 100)


def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))


def test_the_seed_best_on_validation_digits_is_shipped(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three(workshop)
    no_training(monkeypatch)
    ship.ship(["tiny"])
    [model] = registry.models()
    assert (model.name, model.shipped, model.recipe.seed, model.accuracy) == ("tiny", True, 2, 0.97)
    assert (model.folder / model_files.TFLITE).read_text() == "model.tflite of seed 2"
    assert model.card["chosen_by"] == "validation accuracy"
    assert model.card["seeds"] == [
        {"seed": 1, "validation_accuracy": 0.90, "accuracy": 0.98},
        {"seed": 2, "validation_accuracy": 0.95, "accuracy": 0.97},
        {"seed": 3, "validation_accuracy": 0.93, "accuracy": 0.96},
    ]
    assert {file.name for file in model.folder.iterdir()} == set(model_files.MODEL_FILES)


def test_what_was_computed_beforehand_is_shipped_along(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three(workshop)
    no_training(monkeypatch)
    for seed in (1, 2, 3):
        (workshop / "build" / f"tiny-{seed}" / model_files.INSIGHT).write_text(f"of seed {seed}")
    ship.ship(["tiny"])
    assert (registry.get("tiny").folder / model_files.INSIGHT).read_text() == "of seed 2"


def test_a_model_shipped_before_is_replaced(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three(workshop)
    no_training(monkeypatch)
    ship.ship(["tiny"])
    shutil.rmtree(workshop / "build")
    three(workshop, (0.99, 0.95, 0.93))
    ship.ship(["tiny"])
    assert [model.recipe.seed for model in registry.models()] == [1]
    assert registry.damaged() == []


@pytest.mark.usefixtures("small_trainings")
def test_what_is_trained_is_not_trained_again_and_what_is_missing_is(
    workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    three(workshop)
    third = workshop / "build" / "tiny-3"
    shutil.rmtree(third)
    trained(third, TINY.replace(seed=3, epochs=2), 0.999, 0.1)  # of a recipe that has changed since
    ship.ship(["tiny"])
    assert "seed 3" in capsys.readouterr().out
    card = json.loads((third / model_files.CARD).read_text())
    assert Recipe.from_json(card["recipe"]) == TINY.replace(seed=3)
    assert job.read_status(third).state == "finished"
    assert 0.5 < card["validation_accuracy"] < 0.95
    assert (workshop / "build" / "tiny-1" / model_files.TFLITE).read_text() == "model.tflite of seed 1"
    assert registry.get("tiny").recipe.seed == 2
    assert registry.get("tiny").card["seeds"][2]["accuracy"] == card["accuracy"]


def test_a_training_that_fails_is_reported_and_ships_nothing(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_training(monkeypatch)
    with pytest.raises(RunError, match="tiny with seed 1 was not trained"):
        ship.ship(["tiny"])
    assert registry.models() == []
    assert registry.damaged() == []


Tuned = tuple[Recipe, Path, list[trainer.Weights]]


@pytest.fixture
def tuned(workshop: Path, tiny_run: Path, few: Split, monkeypatch: pytest.MonkeyPatch) -> Tuned:
    """A recipe with a fine-tuning cycle of two epochs, the folder of its run, which is trained, and its weights.

    The list has the weights before each cycle and after it.
    """
    recipe = Recipe.from_json(files.read_json(tiny_run / model_files.RECIPE))
    preset = replace(PRESETS["mlp-128"], recipe=recipe, seeds=(recipe.seed,), fine_tuning=2)
    monkeypatch.setattr(ship, "PRESETS", {recipe.name: preset})
    folder = workshop / "build" / f"{recipe.name}-{recipe.seed}"
    shutil.copytree(tiny_run, folder)
    monkeypatch.setattr(splits, "split", lambda recipe: few)
    seen: list[trainer.Weights] = []
    real = fine_tuning.fine_tune

    def fine_tune(recipe: Recipe, split: Split, weights: trainer.Weights, *rest: Any) -> trainer.Fitted:
        done = real(recipe, split, weights, *rest)
        seen.extend((weights, done.model.get_weights()))
        return done

    monkeypatch.setattr(fine_tuning, "fine_tune", fine_tune)
    return recipe, folder, seen


def same(one: trainer.Weights, other: trainer.Weights, tolerance: float) -> bool:
    return all(np.abs(a - b).max() < tolerance for a, b in zip(one, other, strict=True))


def test_fine_tuning_is_part_of_the_one_training(
    tuned: Tuned, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, folder, seen = tuned
    no_training(monkeypatch)  # of the first cycle: it is there
    first = keras.saving.load_model(folder / model_files.KERAS, compile=False).get_weights()
    ship.ship([recipe.name])
    assert "2 epochs of fine-tuning" in capsys.readouterr().out
    before, after = seen
    assert same(before, first, 1e-9)
    assert not same(before, after, 2e-4)
    model = registry.get(recipe.name)
    assert same(keras.saving.load_model(model.folder / model_files.KERAS, compile=False).get_weights(), after, 2e-4)
    assert model.recipe == recipe
    assert model.card["epochs"] == recipe.epochs + 2
    assert model.card["fine_tuning"]["epochs"] == 2
    assert model.card["fine_tuning"]["learning_rate"] == pytest.approx(recipe.learning_rate / 10)
    accuracies = {key: model.card[key] for key in ("validation_accuracy", "accuracy")}
    assert model.card["seeds"] == [{"seed": recipe.seed} | accuracies]
    ship.ship([recipe.name])
    assert len(seen) == 2, "what is fine-tuned is not fine-tuned again"


def test_fine_tuning_that_was_killed_while_it_wrote_begins_again_from_the_checkpoint(
    tuned: Tuned, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, folder, seen = tuned
    first = keras.saving.load_model(folder / model_files.KERAS, compile=False)
    (folder / model_files.CARD).unlink()
    broken = network.build(recipe)  # some of the weights after the cycle, or none
    broken.save(folder / model_files.KERAS)
    monkeypatch.setattr(job, "launch", lambda folder, *_, **__: SimpleNamespace(wait=lambda: worker.main(folder)))
    ship.ship([recipe.name])
    assert same(seen[0], first.get_weights(), 1e-9)
    assert registry.get(recipe.name).card["epochs"] == recipe.epochs + 2


def test_a_model_is_refreshed_from_its_weights(workshop: Path, tiny_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = workshop / "models" / "tiny"
    shutil.copytree(tiny_run, folder)
    before = json.loads((folder / model_files.CARD).read_text())
    files.write_json(
        folder / model_files.CARD, {k: v for k, v in before.items() if k != "calibration"} | {"seeds": [1, 2]}
    )
    (folder / model_files.INSIGHT).unlink()
    ship.refresh("tiny")
    after = json.loads((folder / model_files.CARD).read_text())
    kept = ("created", "seconds", "epochs", "stopped", "commit", "versions", "validation_accuracy", "recipe")
    assert [after[key] for key in kept] == [before[key] for key in kept]
    assert after["seeds"] == [1, 2]
    assert precomputed.read(folder) is not None
    assert set(after["calibration"]) == {"temperature", "energy", "spread"}
    assert after["bytes"] == {name: (folder / name).stat().st_size for name in model_files.MODEL_FILES[:-1]}
    assert sum(map(sum, after["confusion"])) == 10_000


def test_packed_weights_are_half_as_large_and_rounded_to_half_precision(tiny_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    shutil.copytree(tiny_run, folder)
    before = (folder / model_files.KERAS).stat().st_size
    ship.pack(folder)
    after = (folder / model_files.KERAS).stat().st_size
    assert after < 0.6 * before
    assert json.loads((folder / model_files.CARD).read_text())["bytes"][model_files.KERAS] == after
    pairs = [keras.saving.load_model(made / model_files.KERAS).get_weights() for made in (tiny_run, folder)]
    for one, other in zip(*pairs, strict=True):
        np.testing.assert_array_equal(one.astype(np.float16), other)


def test_an_unknown_recipe_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["ship", "none"])
    with pytest.raises(SystemExit, match="Received: 'none'"):
        ship.main()


def test_a_recipe_is_the_one_of_its_file_though_that_lacks_what_came_later(tmp_path: Path) -> None:
    for preset in PRESETS.values():
        files.write_json(tmp_path / model_files.RECIPE, preset.recipe.to_json())
        written = files.read_json(tmp_path / model_files.RECIPE)
        assert ship._is_of(written, preset.recipe)
        assert not ship._is_of(written, preset.recipe.replace(seed=99))
    assert ship._is_of({"name": "tiny"}, Recipe("tiny"))
    assert not ship._is_of(None, Recipe("tiny"))
