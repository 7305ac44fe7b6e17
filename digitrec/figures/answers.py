"""The probabilities of one digit as bars and as a sentence."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

if TYPE_CHECKING:
    pass
from digitrec.figures.theme import BARE_LAYOUT, GREY, faded, percentage, titled_axis


def softmax_bars(probabilities: npt.NDArray[np.floating[Any]], colour: str, none: bool = False) -> go.Figure:
    """Draw the ten probabilities of one digit, the answer in full colour with its share and a bold tick.

    Args:
        probabilities: (10,), 0 to 1; all zeros, as for an empty canvas, mark no answer.
        colour: The model's colour.
        none: Whether it is no digit: the bars are hollow, none is the answer, and words across them say so.
    """
    shares = [round(100 * float(p), 2) for p in probabilities]
    answer = int(np.argmax(probabilities)) if any(shares) and not none else None
    bars = {
        "type": "bar",
        "x": list(range(10)),
        "y": shares,
        "marker": {"color": colour, "opacity": [1 if digit == answer else 0.45 for digit in range(10)]}
        if not none
        else {"color": faded(GREY, 0.15), "line": {"color": GREY, "width": 1}},
        "text": [percentage(probabilities[digit]) if digit == answer else "" for digit in range(10)],
        "textposition": "outside",
        "textangle": 0,
        "constraintext": "none",
        "cliponaxis": False,
        "hovertemplate": "digit %{x}: %{y:.1f} %<extra></extra>",
    }
    layout = {
        **BARE_LAYOUT,
        "height": 200,
        "margin": {"l": 4, "r": 20, "t": 4, "b": 4},  # room for the label of a 9
        "bargap": 0.15,
        "showlegend": False,
        "xaxis": {
            **titled_axis("digit", 10),
            "tickvals": list(range(10)),
            "ticktext": [f"<b>{digit}</b>" if digit == answer else str(digit) for digit in range(10)],
            "range": [-0.6, 9.6],
            "fixedrange": True,
        },
        "yaxis": {
            **titled_axis("share, %", 10),
            "range": [0, 118],  # room for the answer's label above a full bar
            "tickvals": [0, 50, 100],
            "fixedrange": True,
        },
        "annotations": [{"x": 4.5, "y": 109, "text": "no digit", "showarrow": False}] if none else [],
    }
    # Redrawn after each stroke: plotly's checks cost six times the rest, and a test makes them.
    return go.Figure(data=[bars], layout=layout, _validate=False)


def describe_bars(probabilities: npt.NDArray[np.floating[Any]], model: str, none: bool = False) -> str:
    """Say what `softmax_bars` shows."""
    first, second = (int(digit) for digit in np.argsort(-np.asarray(probabilities), kind="stable")[:2])
    if not np.any(probabilities):
        return f"{model} gives no answer."
    if none:
        return f"{model} takes this for no digit. Nearest comes {first}, with {percentage(probabilities[first])}."
    return (
        f"{model} reads {first}, with {percentage(probabilities[first])}. "
        f"Next comes {second}, with {percentage(probabilities[second])}."
    )
