"""`make results`: write the table of docs/results.md from the cards of the shipped models."""

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from digitrec import files, formats, settings
from digitrec.errors import SettingsError
from digitrec.registry import registry
from digitrec.registry.registry import Model
from digitrec.training import model_files
from digitrec.training.presets import PRESETS

RESULTS = settings.PROJECT / "docs" / "results.md"
BEGIN, END = "<!-- results -->", "<!-- /results -->"

HEADER = (
    "model (recipe)",
    "parameters",
    "published",
    "test accuracy (95 % interval)",
    "seeds: mean (lowest to highest)",
    "epochs",
    "training",
    "`.tflite`",
)


def table(models: Sequence[Model]) -> str:
    """Return a Markdown table with one row per model, published recipes first and in their order."""
    order = {name: place for place, name in enumerate(PRESETS)}
    rows = sorted(models, key=lambda model: (order.get(model.name, len(order)), model.name))
    lines = [HEADER, ("---",) + ("---:",) * (len(HEADER) - 1), *map(_row, rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def updated(text: str, models: Sequence[Model]) -> str:
    """Return a text with the table of these models between its markers.

    Raises:
        SettingsError: If the text does not hold the markers, once each and in their order.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise SettingsError(f"docs/results.md must hold {BEGIN} and {END}, once each and in this order. Put them back.")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(models)}{END}{after}"


def shipped() -> list[Model]:
    """Return the models that came with the project."""
    return [model for model in registry.models() if model.shipped]


def write(file: Path) -> None:
    """Write the table of the shipped models into this file.

    Raises:
        SettingsError: If it does not hold the markers.
    """
    text = updated(file.read_text(encoding="utf-8"), shipped())
    files.write(file, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _row(model: Model) -> tuple[str, ...]:
    card = model.card
    low, high = card["interval"]
    preset = PRESETS.get(model.name)
    return (
        model.name if model.name == model.recipe.name else f"{model.name} ({model.recipe.name})",
        formats.number(card["parameters"]),
        (preset and preset.published) or "–",
        f"{formats.percentage(model.accuracy, 2)} ({formats.interval(low, high)})",
        _seeds([seed["accuracy"] for seed in card.get("seeds", ())]),
        formats.number(card["epochs"]),
        formats.duration(card["seconds"]),
        formats.megabytes(card["bytes"][model_files.TFLITE]),
    )


def _seeds(accuracies: list[float]) -> str:
    if not accuracies:
        return "–"
    if len(accuracies) == 1:
        return "1"
    mean, spread = statistics.mean(accuracies), formats.interval(min(accuracies), max(accuracies))
    return f"{len(accuracies)}: {formats.percentage(mean, 2)} ({spread})"


def main() -> None:
    """Write the table of docs/results.md."""
    for sentence in registry.damaged():
        print(sentence, file=sys.stderr)
    try:
        write(RESULTS)
    except SettingsError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
