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

IMPORTED_FORMAT = 2
"""Of the card of an imported model, see `jobs.imports`: it has no recipe and no training to tell of."""

SCALINGS = ("unit-range", "bytes", "unit-length", "centred", "standard", "unit-vector")
"""How an imported model scales a glyph, see `importing.scalings`."""

MOST_SHOWN = 24  # layers of an imported model whose activations it gives


def read(folder: Path) -> dict[str, Any] | None:
    """Return the card in a model's or a run's folder; None where there is none, or it is damaged."""
    card = files.read_json(folder / model_files.CARD)
    return card if card is not None and is_whole(card) else None


def is_whole(card: dict[str, Any]) -> bool:
    """Return whether a card holds all that is shown of a model, each a possible value."""
    try:
        imported = "imported" in card
        if imported and not _is_import(card["imported"]):
            return False
        if not imported:
            Recipe.from_json(card["recipe"])
        Calibration.from_card(card)
        low, high = card["interval"]
        confusion = [count for row in card["confusion"] for count in row]
        fractions = card["accuracy"], low, high
        sizes = [card["bytes"][file] for file in model_files.MODEL_FILES[:-1]]
        training = () if imported else (card["epochs"], card["seconds"])
        numbers = card["format"], *training, card["parameters"], *sizes
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


def _is_import(facts: Any) -> bool:
    """Return whether a card holds all that is shown of an imported model."""
    words = facts["file"], facts["format"], facts["kind"], facts["outputs"], *facts["shown"]
    measured = facts["measured"]
    if facts["network"] is not None:
        Recipe.from_json(facts["network"])
    return (
        all(isinstance(word, str) and len(word) <= 100 for word in words)
        and facts["kind"] in ("mlp", "cnn")
        and isinstance(facts["shown"], list)
        and len(facts["shown"]) <= MOST_SHOWN
        and isinstance(measured, list)
        and 0 < len(measured) <= 2 * len(SCALINGS)
        and isinstance(facts.get("learns", False), bool)
        and all(each["scaling"] in SCALINGS and isinstance(each["dark_ink"], bool) for each in (*measured, facts))
        and _between([each["accuracy"] for each in measured], 1.0)
        and _between([each["digits"] for each in measured], TEST_DIGITS)
        and _between([each["loss"] for each in measured], files.LARGEST)
        and _between([facts["bytes"], facts["convolutions"], facts["classes"]], files.LARGEST)
    )


def _between(values: Iterable[object], most: float) -> bool:
    """Return whether all are numbers from 0 to `most`; NaN is not."""
    return all(isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v <= most for v in values)


def _is_square(rows: object) -> bool:
    """Return whether there is one row per class with one number per class."""
    return isinstance(rows, list) and [len(row) for row in rows] == [CLASSES] * CLASSES
