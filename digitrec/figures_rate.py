"""The learning rate's figures, and the sentences that say the same; the rules are those of `figures`."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from digitrec import rates
from digitrec.figures import _BARE, GREY, TEXT, _axis

Floats = NDArray[np.floating[Any]]

POINTS = 200  # that a schedule is drawn with


def schedule(values: Floats, epochs: float, colour: str) -> go.Figure:
    """Draw the learning rate over a training.

    Args:
        values: (steps,), the rate at each step.
        epochs: Passes that the steps are.
        colour: The model's colour.
    """
    places = np.unique(np.linspace(0, len(values) - 1, min(POINTS, len(values))).round().astype(int))
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": [float(f"{epochs * place / len(values):.4g}") for place in places],
        "y": [float(f"{value:.4g}") for value in values[places]],
        "line": {"color": colour, "width": 2},
        "hovertemplate": "epoch %{x:.2f}: %{y:.3g}<extra></extra>",
    }
    layout = {
        **_BARE,
        "height": 190,
        "margin": {"l": 4, "r": 8, "t": 8, "b": 4},
        "showlegend": False,
        "xaxis": {**_axis("epoch", 10), "range": [0, epochs], "showgrid": False, "fixedrange": True},
        "yaxis": {**_axis("learning rate", 10), "rangemode": "tozero", "fixedrange": True, "nticks": 4},
    }
    return go.Figure(data=[line], layout=layout, _validate=False)


def range_test(tried: Floats, losses: Floats, proposed: float | None, colour: str) -> go.Figure:
    """Draw the loss of each batch against its learning rate, smoothed and as it was, and the rate proposed.

    Args:
        tried: (N,), the rates.
        losses: (N,), the training loss at each.
        proposed: The rate to mark, if any.
        colour: The model's colour.
    """
    level = rates.smoothed(np.asarray(losses, np.float64))
    x = [float(f"{rate:.4g}") for rate in tried]
    batches = {
        "type": "scatter", "mode": "markers", "name": "one batch", "x": x, "y": [round(float(v), 4) for v in losses],
        "marker": {"color": GREY, "size": 4, "opacity": 0.6}, "hoverinfo": "skip",
    }  # fmt: skip
    line = {
        "type": "scatter", "mode": "lines", "name": "smoothed", "x": x, "y": [round(float(v), 4) for v in level],
        "line": {"color": colour, "width": 2.5},
        "hovertemplate": "learning rate %{x:.2g}: loss %{y:.3f}<extra></extra>",
    }  # fmt: skip
    top = 1.15 * float(max(level[0], level.min() * 1.5)) if len(level) else 1.0
    edges = [float(np.log10(rates.LOWEST)), float(np.log10(rates.HIGHEST))]
    marks: dict[str, Any] = {}
    if proposed:
        at = float(np.log10(proposed))
        marks["shapes"] = [
            {"type": "line", "x0": proposed, "x1": proposed, "y0": 0, "y1": 1, "yref": "paper",
             "line": {"color": TEXT, "width": 1.5, "dash": "dash"}}
        ]  # fmt: skip
        marks["annotations"] = [
            {"x": at, "y": 1, "yref": "paper", "text": f"<b>{proposed:g}</b>", "showarrow": False, "xanchor": "right",
             "yanchor": "top", "xshift": -4}
        ]  # fmt: skip
    layout = {
        **_BARE,
        "height": 260,
        "margin": {"l": 4, "r": 8, "t": 8, "b": 4},
        "legend": {"font": {"color": TEXT}, "orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "xaxis": {
            **_axis("learning rate", 10), "type": "log", "range": edges, "dtick": 1, "exponentformat": "power",
            "showgrid": False, "fixedrange": True,
        },
        "yaxis": {**_axis("loss (cross-entropy)", 10), "range": [0, top], "fixedrange": True},
        **marks,
    }  # fmt: skip
    return go.Figure(data=[batches, line], layout=layout, _validate=False)


def describe_range(tried: Floats, losses: Floats, proposed: float | None) -> str:
    """Say what `range_test` shows."""
    if not len(tried):
        return "No batch yet."
    level = rates.smoothed(np.asarray(losses, np.float64))
    lowest = int(level.argmin())
    said = (
        f"The loss begins at {level[0]:.2f} and is lowest, {level[lowest]:.2f}, at a learning rate of "
        f"{tried[lowest]:.1e}. The highest rate tried is {tried[-1]:.1e}."
    )
    return f"{said} Proposed: {proposed:g}." if proposed else f"{said} Nothing is proposed."
