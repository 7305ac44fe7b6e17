"""A model's card, which `worker.write_model` writes, checked before a page shows any of it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from digitrec import files
from digitrec.errors import RecipeError
from digitrec.recognition.calibration import Calibration
from digitrec.recognition.digits import CLASSES
from digitrec.training import model_files
from digitrec.training.recipe import TEST_DIGITS, Recipe


def read(folder: Path) -> dict[str, Any] | None:
    """Return the card in a model's or a run's folder; None where there is none, or it is damaged."""
    card = files.read_json(folder / model_files.CARD)
    return card if card is not None and is_whole(card) else None


def is_whole(card: dict[str, Any]) -> bool:
    """Return whether a card holds all that is shown of a model, each a possible value."""
    try:
        Recipe.from_json(card["recipe"])
        Calibration.from_card(card)
        low, high = card["interval"]
        confusion = [count for row in card["confusion"] for count in row]
        fractions = card["accuracy"], low, high
        sizes = [card["bytes"][file] for file in model_files.MODEL_FILES[:-1]]
        numbers = card["format"], card["epochs"], card["seconds"], card["parameters"], *sizes
        counts = card["parameters"], card["errors"], *confusion
    except (KeyError, TypeError, ValueError, RecipeError):
        return False
    return (
        _between(fractions, 1.0)
        and _between(numbers, files.LARGEST)
        and _between(counts, files.LARGEST)
        and all(isinstance(count, int) for count in counts)
        and _is_square(card["confusion"])
        and card["errors"] <= TEST_DIGITS
        and isinstance(card.get("trained_on", ""), str)
    )


def _between(values: Iterable[object], most: float) -> bool:
    """Return whether all are numbers from 0 to `most`; NaN is not."""
    return all(isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v <= most for v in values)


def _is_square(rows: object) -> bool:
    """Return whether there is one row per class with one number per class."""
    return isinstance(rows, list) and [len(row) for row in rows] == [CLASSES] * CLASSES
