"""The learning rate over a training, as a figure."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from digitrec.figures.theme import BARE_LAYOUT, titled_axis

Floats = NDArray[np.floating[Any]]

POINTS = 200  # of the line, at most


def schedule(values: Floats, epochs: float, colour: str) -> go.Figure:
    """Draw the learning rate over a training.

    Args:
        values: (steps,), the rate at each step.
        epochs: Epochs that the steps make up.
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
        **BARE_LAYOUT,
        "height": 190,
        "margin": {"l": 4, "r": 8, "t": 8, "b": 4},
        "showlegend": False,
        "xaxis": {**titled_axis("epoch", 10), "range": [0, epochs], "showgrid": False, "fixedrange": True},
        "yaxis": {**titled_axis("learning rate", 10), "rangemode": "tozero", "fixedrange": True, "nticks": 4},
    }
    return go.Figure(data=[line], layout=layout, _validate=False)
