"""The probabilities of one digit as bars and as a sentence."""

from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from digitrec import formats
from digitrec.figures.theme import BARE_LAYOUT, GREY, faded, titled_axis


class _Filled(go.Figure):  # type: ignore[misc] # plotly has no types
    """A figure of one trace kept as plain dictionaries, for what is drawn after each stroke.

    Plotly's own makes an object of each property and checks it, which takes ten times as long; a test does it instead.
    """

    def __init__(self, trace: dict[str, Any], layout: dict[str, Any]) -> None:
        self._filled = {"data": [trace], "layout": layout}

    def to_dict(self) -> dict[str, Any]:
        """Return what is sent to the browser."""
        return self._filled


def softmax_bars(probabilities: npt.NDArray[np.floating[Any]], colour: str, rejected: bool = False) -> go.Figure:
    """Draw the ten probabilities of one digit, the prediction in full colour with its value and a bold tick.

    Args:
        probabilities: (10,), 0 to 1; all zeros, as for an empty canvas, mark no prediction.
        colour: The model's colour.
        rejected: Whether it was rejected as not a digit: the bars are hollow, and a text across them says so.
    """
    percents = [round(100 * float(p), 2) for p in probabilities]
    answer = int(np.argmax(probabilities)) if any(percents) and not rejected else None
    bars = {
        "type": "bar",
        "x": list(range(10)),
        "y": percents,
        "marker": {"color": colour, "opacity": [1 if digit == answer else 0.45 for digit in range(10)]}
        if not rejected
        else {"color": faded(GREY, 0.15), "line": {"color": GREY, "width": 1}},
        "text": [formats.percentage(probabilities[digit]) if digit == answer else "" for digit in range(10)],
        "textposition": "outside",
        "textangle": 0,
        "constraintext": "none",
        "cliponaxis": False,
        "hovertext": [formats.percentage(probability) for probability in probabilities],
        "hovertemplate": "digit %{x}: %{hovertext}<extra></extra>",
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
            **titled_axis("probability, %", 10),
            "range": [0, 118],  # room for the label above a full bar
            "tickvals": [0, 50, 100],
            "fixedrange": True,
        },
        "annotations": [{"x": 4.5, "y": 109, "text": "not a digit", "showarrow": False}] if rejected else [],
    }
    return _Filled(bars, layout)


def describe_bars(probabilities: npt.NDArray[np.floating[Any]], model: str, rejected: bool = False) -> str:
    """Describe `softmax_bars`."""
    first, second = (int(digit) for digit in np.argsort(-np.asarray(probabilities), kind="stable")[:2])
    if not np.any(probabilities):
        return f"{model} makes no prediction."
    likeliest = f"{first}, {formats.percentage(probabilities[first])}"
    if rejected:
        return f"{model} rejects this as not a digit. Most probable: {likeliest}."
    return f"{model} predicts {likeliest}. Second: {second}, {formats.percentage(probabilities[second])}."
