"""Runs and saved models in one list, the differences between their recipes, and a recipe with one change."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitrec.errors import RecipeError
from digitrec.imaging.augmentation import Augmentation
from digitrec.jobs import runs
from digitrec.jobs.runs import Run
from digitrec.registry import registry
from digitrec.registry.registry import Model
from digitrec.training import recipe as training_recipe
from digitrec.training.recipe import ConvBlock, Recipe

SHIPPED, SAVED = "shipped", "saved"
"""The states of models; runs have their own."""

CHOICES = {
    "activation": training_recipe.ACTIVATIONS,
    "optimizer": training_recipe.OPTIMIZERS,
    "scaling": training_recipe.SCALINGS,
    "schedule": training_recipe.SCHEDULES,
    "precision": training_recipe.PRECISIONS,
    "padding": training_recipe.PADDINGS,
}
"""The values of settings that are words."""

_WORDS = {
    "hidden": "widths of the dense layers",
    "optimizer": "optimiser",
    "strokes": "pen strokes",
    "teacher": "distill from",
}
_ABSENT = "–"


@dataclass(frozen=True)
class Entry:
    """A run or a saved model.

    Attributes:
        name: The run's id or the model's name; no two entries share one.
        folder: Where its files are.
        recipe: Its recipe.
        state: The run's state; `saved` or `shipped` for a model.
        card: The measurements, once they were made.
        run: The run, or None for a model.
    """

    name: str
    folder: Path
    recipe: Recipe
    state: str
    card: dict[str, Any] | None
    run: Run | None = None

    @property
    def active(self) -> bool:
        """Whether it is waiting or training."""
        return self.run is not None and self.run.active


def entries() -> list[Entry]:
    """Return all runs, newest first, then the models trained here, then the shipped ones; none that was imported."""
    found = [Entry(run.id, run.folder, run.recipe, run.state, run.card, run) for run in runs.runs()]
    taken = {entry.name for entry in found}
    models = sorted(registry.models(), key=lambda model: model.shipped)
    return found + [_of_model(model) for model in models if model.name not in taken and model.imported is None]


def _of_model(model: Model) -> Entry:
    return Entry(model.name, model.folder, model.recipe, SHIPPED if model.shipped else SAVED, model.card)


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """Return all settings of a recipe but its name, by readable names; those of blocks and augmentation one by one."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if field.name == "blocks":
            for number, block in enumerate(value, 1):
                found |= {
                    f"block {number}: {_words(f.name)}": getattr(block, f.name) for f in dataclasses.fields(block)
                }
        elif isinstance(value, Augmentation):
            found |= {f"augmentation: {_words(f.name)}": getattr(value, f.name) for f in dataclasses.fields(value)}
        elif field.name != "name":
            found[_words(field.name)] = value
    return found


def _words(name: str) -> str:
    return _WORDS.get(name, name.replace("_", " "))


def choices(setting: str) -> tuple[str, ...]:
    """Return the values of a setting that is a word; otherwise none. It distills from an available model."""
    if setting == _WORDS["teacher"]:
        return ("", *(model.name for model in registry.models() if model.imported is None))
    fields = {_words(field): allowed for field, allowed in CHOICES.items()}
    return fields.get(setting.rpartition(": ")[2], ())


def changed(recipe: Recipe, setting: str, value: Any, name: str) -> Recipe:
    """Return the recipe with one of the settings of `settings_of` changed, and with a new name.

    Raises:
        RecipeError: If there is no such setting, or the recipe cannot work with that value.
    """
    if setting not in settings_of(recipe):
        raise RecipeError(f"This recipe has no such setting. Choose another one. Received: {setting[:40]!r}")
    part, _, word = setting.rpartition(": ")
    if part.startswith("block "):
        place = int(part.removeprefix("block ")) - 1
        blocks = list(recipe.blocks)
        blocks[place] = dataclasses.replace(blocks[place], **{_field(ConvBlock, word): value})
        return recipe.replace(blocks=tuple(blocks), name=name)
    if part:
        augmentation = dataclasses.replace(recipe.augmentation, **{_field(Augmentation, word): value})
        return recipe.replace(augmentation=augmentation, name=name)
    return recipe.replace(**{_field(Recipe, word): value}, name=name)


def _field(of: type, word: str) -> str:
    return next(field.name for field in dataclasses.fields(of) if _words(field.name) == word)


def differences(named: Mapping[str, Recipe]) -> dict[str, list[str]]:
    """Return the settings in which recipes differ, each with its value as text for each recipe, in order.

    A setting that a recipe does not have, such as a block of a CNN, is a dash.
    """
    all_settings = [settings_of(recipe) for recipe in named.values()]
    keys = dict.fromkeys(key for found in all_settings for key in found)
    rows = {key: [in_words(found[key]) if key in found else _ABSENT for found in all_settings] for key in keys}
    return {key: values for key, values in rows.items() if len(set(values)) > 1}


def in_words(value: Any) -> str:
    """Return a setting's value as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "none"
    return str(value) or "none"
