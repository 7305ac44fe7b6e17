"""`make models`: the best seed by validation accuracy is shipped, and nothing is trained twice."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from digitrec import files, settings
from digitrec.analysis import precomputed
from digitrec.errors import RunError
from digitrec.jobs import job
from digitrec.registry import registry
from digitrec.tools import ship
from digitrec.training import model_files, network, trainer
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import Recipe

TINY = Recipe("tiny", hidden=(8,), batch_size=1024, epochs=1, validation=0.01)


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


def test_a_training_that_fails_is_told_and_ships_nothing(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_training(monkeypatch)
    with pytest.raises(RunError, match="tiny with seed 1 was not trained"):
        ship.ship(["tiny"])
    assert registry.models() == []
    assert registry.damaged() == []


def test_a_second_cycle_ships_the_mean_of_the_weights_before_and_after(
    workshop: Path, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = files.read_json(tiny_run / model_files.RECIPE)
    assert recipe is not None
    tiny = Recipe.from_json(recipe)
    preset = replace(PRESETS["mlp-128"], recipe=tiny, seeds=(1,), cycle=2)
    monkeypatch.setattr(ship, "PRESETS", {tiny.name: preset})
    folder = workshop / "models" / tiny.name
    shutil.copytree(tiny_run, folder)
    card = files.read_json(folder / model_files.CARD) or {}
    first_seed = {"seed": tiny.seed, "validation_accuracy": 0.1, "accuracy": 0.1}
    files.write_json(folder / model_files.CARD, card | {"seeds": [first_seed]})
    before = keras.saving.load_model(folder / model_files.KERAS, compile=False).get_weights()
    ends = []
    real = trainer.fit

    def watched(*args: Any, **options: Any) -> trainer.Fitted:
        done = real(*args, **options)
        ends.append((args[0], done.model.get_weights()))
        return done

    monkeypatch.setattr(trainer, "fit", watched)
    ship.cycle(tiny.name)
    [(calm, after)] = ends
    assert (calm.epochs, calm.learning_rate) == (2, tiny.learning_rate / 10)
    assert calm.augmentation.shift == tiny.augmentation.shift / 2
    shipped = keras.saving.load_model(folder / model_files.KERAS, compile=False).get_weights()
    for first, last, mean in zip(before, after, shipped, strict=True):
        np.testing.assert_allclose(mean, (first + last) / 2, rtol=1e-3, atol=1e-6)
    model = registry.get(tiny.name)
    assert model.card["epochs"] == tiny.epochs + 2
    assert model.recipe == tiny
    assert 0.5 < model.card["validation_accuracy"] <= 1.0
    assert model.card["seeds"] == [
        first_seed | {key: model.card[key] for key in ("validation_accuracy", "accuracy")},
    ]
    with pytest.raises(RunError, match="has had its second cycle"):
        ship.cycle(tiny.name)


def test_a_renewed_model_was_trained_on_and_had_its_calm_cycle(
    workshop: Path, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe.from_json(files.read_json(tiny_run / model_files.RECIPE))
    monkeypatch.setattr(ship, "PRESETS", {recipe.name: replace(PRESETS["mlp-128"], recipe=recipe, cycle=2)})
    monkeypatch.setattr(ship, "RENEWED", 3)
    folder = workshop / "models" / recipe.name
    shutil.copytree(tiny_run, folder)
    before = keras.saving.load_model(folder / model_files.KERAS, compile=False).get_weights()
    ship.renew(recipe.name)
    after = keras.saving.load_model(folder / model_files.KERAS, compile=False).get_weights()
    assert all(not np.array_equal(first, last) for first, last in zip(before, after, strict=True))
    card = registry.get(recipe.name).card
    assert card["epochs"] == recipe.epochs + 5
    assert card["renewed"]["epochs"] == 3
    assert card["renewed"]["learning_rate"] == pytest.approx(recipe.learning_rate / 3)
    assert card["cycle"]["epochs"] == 2


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
    with pytest.raises(SystemExit, match="no recipe 'none'"):
        ship.main()


def test_a_recipe_is_the_one_of_its_file_though_that_lacks_what_came_later(tmp_path: Path) -> None:
    for preset in PRESETS.values():
        files.write_json(tmp_path / model_files.RECIPE, preset.recipe.to_json())
        written = files.read_json(tmp_path / model_files.RECIPE)
        assert ship._is_of(written, preset.recipe)
        assert not ship._is_of(written, preset.recipe.replace(seed=99))
    assert ship._is_of({"name": "tiny"}, Recipe("tiny"))
    assert not ship._is_of(None, Recipe("tiny"))
