"""The results that the texts give are those of the models' cards."""

import json
from pathlib import Path
from typing import Any

import pytest

from digitrec import settings
from digitrec.errors import SettingsError
from digitrec.registry import registry
from digitrec.registry.registry import Model
from digitrec.tools import results_table
from digitrec.training import model_files
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import Recipe


def save(folder: Path, recipe: Recipe, accuracy: float, seeds: list[float], **changes: Any) -> None:
    """Write a model whose card is right and whose files are not models."""
    folder.mkdir(parents=True)
    for file in model_files.MODEL_FILES[:-1]:
        (folder / file).write_bytes(bytes(12_345))
    card = {
        "format": 1,
        "recipe": recipe.to_json(),
        "accuracy": accuracy,
        "interval": [accuracy - 0.004, accuracy + 0.003],
        "parameters": recipe.parameters,
        "errors": 400,
        "confusion": [[0] * 10] * 10,
        "epochs": float(recipe.epochs),
        "seconds": 8.66,
        "bytes": dict.fromkeys(model_files.MODEL_FILES[:-1], 12_345),
        "seeds": [{"seed": n, "validation_accuracy": 0.9, "accuracy": a} for n, a in enumerate(seeds, 1)],
    }
    (folder / model_files.CARD).write_text(json.dumps(card | changes))


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Model]:
    monkeypatch.setattr(settings, "SHIPPED_MODELS", tmp_path / "models")
    save(tmp_path / "models" / "a-model", PRESETS["cnn-3x3"].recipe, 0.5, [])
    save(tmp_path / "models" / "mlp-30-10", PRESETS["mlp-30-10"].recipe, 0.9608, [0.96, 0.97, 0.95, 0.962, 0.958])
    save(tmp_path / "models" / "mlp-128", PRESETS["mlp-128"].recipe, 0.97, [0.97, 0.9712])
    save(settings.trained_models() / "mine", PRESETS["mlp-128"].recipe, 0.99, [0.97])
    return results_table.shipped()


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_a_row_says_what_the_card_says(shipped: list[Model]) -> None:
    header, _, *rows = cells(results_table.table(shipped))
    assert dict(zip(header, rows[1], strict=True)) == {
        "model (recipe)": "mlp-30-10",
        "parameters": "23,970",
        "published": "96.46 %, loss 0.2351",
        "test accuracy (95 % interval)": "96.08 % (95.68 to 96.38 %)",
        "seeds: mean (lowest to highest)": "5: 96.00 % (95.00 to 97.00 %)",
        "epochs": "30",
        "training": "9 s",
        "`.tflite`": "0.01 MB",
    }


def test_published_recipes_come_first_and_models_trained_here_not_at_all(shipped: list[Model]) -> None:
    _, _, *rows = cells(results_table.table(shipped))
    assert [row[0] for row in rows] == ["mlp-128", "mlp-30-10", "a-model (cnn-3x3)"]
    assert rows[2][2] == rows[2][4] == "–"


def test_every_row_has_every_column(shipped: list[Model]) -> None:
    assert {len(row) for row in cells(results_table.table(shipped))} == {len(results_table.HEADER)}


def test_only_what_is_between_the_markers_changes(shipped: list[Model], tmp_path: Path) -> None:
    file = tmp_path / "results.md"
    file.write_text(f"# Title\n\n{results_table.BEGIN}\nold\n{results_table.END}\n\nThe end – é.\n", encoding="utf-8")
    results_table.write(file)
    text = file.read_text(encoding="utf-8")
    assert (
        text == f"# Title\n\n{results_table.BEGIN}\n{results_table.table(shipped)}{results_table.END}\n\nThe end – é.\n"
    )
    results_table.write(file)
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        results_table.BEGIN,
        results_table.END,
        results_table.END + results_table.BEGIN,
        2 * (results_table.BEGIN + results_table.END),
    ],
)
def test_missing_markers_are_reported(text: str) -> None:
    with pytest.raises(SettingsError, match="once each"):
        results_table.updated(text, [])


def test_the_docs_hold_the_table_of_the_shipped_models() -> None:
    text = results_table.RESULTS.read_text(encoding="utf-8")
    assert results_table.shipped(), "no model is shipped: run make models"
    assert text == results_table.updated(text, results_table.shipped()), "the table is out of date: run make results"


def test_the_readme_gives_the_figures_of_the_default_models() -> None:
    text = (settings.PROJECT / "README.md").read_text(encoding="utf-8")
    cnn, mlp = (registry.get(name) for name in ("reader", "reader-mlp"))
    assert f"`reader`, a CNN with {cnn.card['parameters']:,} parameters" in text
    assert f"| MNIST's test digits | 10,000 | {100 * cnn.accuracy:.2f} % |" in text
    assert f"| MNIST's test digits, by `reader-mlp` | 10,000 | {100 * mlp.accuracy:.2f} % |" in text


@pytest.mark.parametrize("name", PRESETS)
def test_a_recipe_is_shipped_and_reaches_the_published_figure(name: str) -> None:
    """Not below it by more than half the width of the model's 95 % interval."""
    [model] = [model for model in results_table.shipped() if model.name == name]
    low, high = model.card["interval"]
    assert model.accuracy >= (PRESETS[name].accuracy or 0) - (high - low) / 2
    assert model.recipe == PRESETS[name].recipe.replace(seed=model.recipe.seed)
    seeds = model.card["seeds"]
    assert [seed["seed"] for seed in seeds] == list(PRESETS[name].seeds)
    assert max(seed["validation_accuracy"] for seed in seeds) == model.card["validation_accuracy"]
    assert model.card["stopped"] is False
