"""A sweep as parallel coordinates, and in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from digitrec import formats
from digitrec.figures import theme

_COLOURS = [[0, theme.ORANGE], [0.5, theme.GREY], [1, theme.GREEN]]
"""From worst to best: distinct for every kind of colour vision, and visible on light and on dark."""

Value = float | str


def parallel(columns: Mapping[str, Sequence[Value]], accuracies: Sequence[float]) -> go.Figure:
    """Draw one line per run, across one axis per setting to its validation accuracy.

    Args:
        columns: Each setting's values by its name, one per run; each is drawn at its rank among the sorted values.
        accuracies: Validation accuracies, 0 to 1, one per run.
    """
    percents = [100 * accuracy for accuracy in accuracies]
    low, high = (min(percents), max(percents)) if percents else (0.0, 100.0)
    if high - low < 0.1:
        low, high = low - 0.05, high + 0.05
    reached = {"label": "accuracy, %", "values": percents, "range": [low, high], "tickformat": ".4~g"}
    lines = {"color": percents, "colorscale": _COLOURS, "cmin": low, "cmax": high}
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
    """Return a setting's value as text: `0.001`, `128`, `adam`."""
    return value if isinstance(value, str) else f"{value:g}"


def describe(columns: Mapping[str, Sequence[Value]], accuracies: Sequence[float]) -> str:
    """Describe `parallel`: the best run, and each setting's values by their mean accuracy."""
    if not accuracies:
        return "No run has completed an epoch yet."
    best = int(np.argmax(accuracies))
    with_ = ", ".join(f"{name} {in_words(values[best])}" for name, values in columns.items())
    reached = formats.percentage(accuracies[best], 2)
    sentences = [f"Best of {len(accuracies)} runs so far: {with_}, validation accuracy {reached}."]
    for name, values in columns.items():
        means = {v: np.mean([a for a, w in zip(accuracies, values, strict=True) if w == v]) for v in set(values)}
        order = sorted(means, key=lambda value: -means[value])
        listed = ", ".join(f"{in_words(value)} {formats.percentage(means[value], 2)}" for value in order)
        sentences.append(f"{name}, mean accuracy: {listed}.")
    return " ".join(sentences)
