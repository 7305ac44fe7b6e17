"""The layers of a network as a picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from digitrec import formats
from digitrec.figures.theme import BARE_LAYOUT, faded, titled_axis

if TYPE_CHECKING:
    from digitrec.training.recipe import LayerInfo


def network_diagram(layers: "Sequence[LayerInfo]", colour: str) -> go.Figure:
    """Draw a network from the glyph at the top to the ten probabilities at the bottom, one block per layer.

    A block's width grows with the logarithm of the number of output values; blocks in full colour have parameters,
    whose number is on the right.

    Args:
        layers: The layers in order, as `Recipe.layers` gives them.
        colour: The model's colour.
    """
    rows = list(range(len(layers)))
    values = [int(np.prod(layer.shape)) for layer in layers]
    widths = [float(np.log10(max(value, 2))) for value in values]
    shapes = [" × ".join(f"{length:,}" for length in layer.shape) for layer in layers]
    parameters = [f"{layer.parameters:,}" if layer.parameters else "–" for layer in layers]
    blocks = {
        "type": "bar",
        "orientation": "h",
        "y": rows,
        "x": widths,
        "base": [-width / 2 for width in widths],
        "marker": {
            "color": [faded(colour, 0.6 if layer.parameters else 0.15) for layer in layers],
            "line": {"color": colour, "width": 1.5},
        },
        "hovertext": [
            f"{layer.name}: {layer.kind}<br>{formats.plural(value, 'output value')}<br>"
            f"{formats.plural(layer.parameters, 'parameter')}"
            for layer, value in zip(layers, values, strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    right = {"xref": "paper", "x": 1, "xanchor": "right", "showarrow": False}
    notes = [{"y": row, "x": 0, "text": shapes[row], "showarrow": False} for row in rows]
    notes += [{**right, "y": row, "text": parameters[row]} for row in rows]
    notes += [
        {**right, "y": -0.85, "text": "<b>parameters</b>"},
        {"y": -0.85, "x": 0, "text": "<b>output</b>", "showarrow": False},
    ]
    span = max(widths, default=1.0)
    layout = {
        **BARE_LAYOUT,
        "height": 44 * (len(layers) + 1),
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "bargap": 0.3,
        "showlegend": False,
        "xaxis": {"range": [-0.52 * span, 1.05 * span], "visible": False, "fixedrange": True},
        "yaxis": {
            **titled_axis(),
            "range": [len(layers) - 0.5, -1.3],
            "tickvals": rows,
            "ticktext": [f"<b>{layer.name}</b><br>{layer.kind}" for layer in layers],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        },
        "annotations": notes,
    }
    return go.Figure(data=[blocks], layout=layout)
