"""One list of runs and models; what differs between recipes; a recipe with one thing changed."""

import time
from pathlib import Path

import pytest

from digitrec import files
from digitrec.errors import RecipeError
from digitrec.jobs import catalogue, job
from digitrec.registry import registry
from digitrec.training import model_files
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import Recipe

MLP, CNN = PRESETS["mlp-128"].recipe, PRESETS["cnn-3x3"].recipe


def test_runs_and_models_are_one_list_of_different_names(home: Path, tiny_model: str) -> None:
    folder = home / "runs" / "20250101-000000-a"
    folder.mkdir(parents=True)
    files.write_json(folder / model_files.RECIPE, MLP.to_json())
    files.write_json(
        folder / job.STATUS, {"state": "queued", "message": "", "queued_at": time.time(), "started": time.time()}
    )
    found = {entry.name: entry for entry in catalogue.entries()}
    assert list(found)[:2] == [folder.name, tiny_model]
    assert (found[folder.name].active, found[folder.name].card) == (True, None)
    assert (found[tiny_model].active, found[tiny_model].state) == (False, catalogue.SAVED)
    assert found["mlp-128"].state == catalogue.SHIPPED


def test_the_same_recipe_differs_in_nothing() -> None:
    assert catalogue.differences({"a": MLP, "b": MLP.replace(name="other")}) == {}


def test_only_what_differs_is_listed_and_what_one_lacks_is_a_dash() -> None:
    found = catalogue.differences({"a": MLP, "b": MLP.replace(learning_rate=0.01), "c": CNN})
    assert found["learning rate"] == ["0.001", "0.01", "0.001"]
    assert found["kind"] == ["mlp", "mlp", "cnn"]
    assert found["block 2: filters"] == ["–", "–", "64"]
    assert "batch size" not in found


SIZES = (": pool", ": stride", ": kernel")
"""Endings of settings that may leave no pixel of some presets whatever else they are."""


@pytest.mark.parametrize("name", PRESETS)
def test_each_setting_can_be_changed_alone(name: str) -> None:
    recipe, refused = PRESETS[name].recipe, set()
    for setting, value in catalogue.settings_of(recipe).items():
        assert catalogue.changed(recipe, setting, value, recipe.name) == recipe
        made = [made for other in _others(setting, value) if (made := _accepted(recipe, setting, other))]
        for one in made:
            assert one.name == "my-own"
            assert list(catalogue.differences({"a": recipe, "b": one})) == [setting]
        if not made:
            refused.add(setting)
    fixed = {"kind", "mean maps"} | (
        {"distill from"} if recipe.strokes else {"pen strokes"} if recipe.teacher else set()
    )
    assert {setting for setting in refused if not setting.endswith(SIZES)} <= fixed


def _accepted(recipe: Recipe, setting: str, value: object) -> Recipe | None:
    try:
        return catalogue.changed(recipe, setting, value, "my-own")
    except RecipeError:
        return None


def _others(setting: str, value: object) -> list[object]:
    """Other values of the same type."""
    if setting == "kind":
        return ["mlp" if value == "cnn" else "cnn"]
    if allowed := catalogue.choices(setting):
        return [word for word in allowed if word != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, tuple):
        return [(7,)]
    if isinstance(value, float):
        return [other for other in (0.01, 0.75, 1.5) if other != value]
    return [other for other in (1, 2, 3) if other != value]


def test_any_model_at_hand_may_teach_or_none() -> None:
    assert catalogue.choices("distill from") == ("", *(model.name for model in registry.models()))
    assert "cnn-best" in catalogue.choices("distill from")


def test_what_is_none_of_some_words_has_no_choices() -> None:
    assert catalogue.choices("optimiser") == ("adam", "adamw", "rmsprop", "sgd")
    assert catalogue.choices("block 1: padding") == ("same", "valid")
    assert catalogue.choices("batch size") == ()


@pytest.mark.parametrize(("setting", "value"), [("batch size", 0), ("block 1: kernel", 99), ("luck", 1)])
def test_what_cannot_work_is_refused(setting: str, value: int) -> None:
    with pytest.raises(RecipeError):
        catalogue.changed(CNN, setting, value, "my-own")


@pytest.mark.parametrize(
    ("value", "words"), [(True, "yes"), (0.00012345, "0.0001234"), ((30, 10), "30, 10"), ((), "none"), ("adam", "adam")]
)
def test_values_are_written_as_a_person_writes_them(value: object, words: str) -> None:
    assert catalogue.in_words(value) == words


def test_hidden_layers_are_one_setting() -> None:
    assert catalogue.settings_of(Recipe("a", hidden=(30, 10)))["widths of the dense layers"] == (30, 10)
