"""A sweep as parallel coordinates, and in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from digitrec.figures import theme

_COLOURS = [[0, theme.ORANGE], [0.5, theme.GREY], [1, theme.GREEN]]
"""From worst to best: told apart by every kind of colour vision, and seen on light and on dark."""

Value = float | str


def parallel(columns: Mapping[str, Sequence[Value]], accuracies: Sequence[float]) -> go.Figure:
    """Draw a line a run: across one axis a setting to its validation accuracy.

    Args:
        columns: Each setting's values, by its name, a value a run; each stands at its place among the sorted ones.
        accuracies: Validation accuracies, 0 to 1, one a run.
    """
    shares = [100 * accuracy for accuracy in accuracies]
    low, high = (min(shares), max(shares)) if shares else (0.0, 100.0)
    if high - low < 0.1:
        low, high = low - 0.05, high + 0.05
    reached = {"label": "accuracy, %", "values": shares, "range": [low, high], "tickformat": ".4~g"}
    lines = {"color": shares, "colorscale": _COLOURS, "cmin": low, "cmax": high}
    font = {"color": theme.TEXT, "size": 13}
    trace = {
        "type": "parcoords",
        "line": lines,
        "dimensions": [*(_dimension(name, values) for name, values in columns.items()), reached],
        "labelfont": font,
        "tickfont": font,
        "rangefont": {"color": "rgba(0,0,0,0)"},  # each axis' ends are ticks already
    }
    layout: dict[str, Any] = {
        "template": {},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "height": 340,
        "margin": {"l": 64, "r": 56, "t": 56, "b": 24},
    }
    return go.Figure({"data": [trace], "layout": layout}, skip_invalid=False)


def _dimension(name: str, values: Sequence[Value]) -> dict[str, Any]:
    kinds = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    return {
        "label": name,
        "values": [kinds.index(value) for value in values],
        "tickvals": list(range(len(kinds))),
        "ticktext": [in_words(kind) for kind in kinds],
        "range": [-0.1, max(1, len(kinds) - 1) + 0.1],
    }


def in_words(value: Value) -> str:
    """Return a setting's value as it is written: `0.001`, `128`, `adam`."""
    return value if isinstance(value, str) else f"{value:g}"


def describe(columns: Mapping[str, Sequence[Value]], accuracies: Sequence[float]) -> str:
    """Return in words what `parallel` shows: the best run, and each setting's values by their mean accuracy."""
    if not accuracies:
        return "No run has ended an epoch yet."
    best = int(np.argmax(accuracies))
    with_ = ", ".join(f"{name} {in_words(values[best])}" for name, values in columns.items())
    said = [f"Best of {len(accuracies)} runs so far: {with_}, {100 * accuracies[best]:.2f} % of the validation digits."]
    for name, values in columns.items():
        means = {v: np.mean([a for a, w in zip(accuracies, values, strict=True) if w == v]) for v in set(values)}
        order = sorted(means, key=lambda value: -means[value])
        said.append(
            f"{name}, mean accuracy: " + ", ".join(f"{in_words(v)} {100 * means[v]:.2f} %" for v in order) + "."
        )
    return " ".join(said)
