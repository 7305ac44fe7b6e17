"""The accuracy of an imported model under each way of scaling its input, as bars and as a sentence."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from digitrec import formats
from digitrec.figures.theme import BARE_LAYOUT, TEXT, faded, titled_axis
from digitrec.registry.importing.scalings import DARK, LIGHT, SHORT, Measured, best


def accuracies(measured: Sequence[Measured], colour: str) -> go.Figure:
    """Draw a bar per way of scaling: full for light ink on dark paper, hatched for dark ink on light paper.

    Args:
        measured: As `building.measure` returns them.
        colour: The model's colour.
    """
    found = best(measured)
    names = [name for name in SHORT if any(each.way.scaling == name for each in measured)]
    ticks = [f"<b>{SHORT[name]}</b>" if name == found.way.scaling else SHORT[name] for name in names]
    data: list[dict[str, Any]] = []
    for dark_ink in (True, False):  # the upper one of two bars is drawn last
        bars = {each.way.scaling: each for each in measured if each.way.dark_ink == dark_ink}
        here = [bars[name] for name in names if name in bars]
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": DARK if dark_ink else LIGHT,
                "x": [round(100 * each.accuracy, 2) for each in here],
                "y": list(range(len(here))),
                "text": [f"{100 * each.accuracy:.1f}" for each in here],
                "textposition": "outside",
                "textfont": {"color": TEXT},
                "cliponaxis": False,
                "marker": {
                    "color": faded(colour, 0.35) if dark_ink else colour,
                    "pattern": {"shape": "/" if dark_ink else "", "fillmode": "overlay"},
                    "line": {"color": colour, "width": 1},
                },
                "hovertext": [
                    f"{SHORT[each.way.scaling]}, {DARK if dark_ink else LIGHT}<br>"
                    f"{formats.percentage(each.accuracy, 2)} of {each.digits:,} test digits"
                    for each in here
                ],
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        )
    layout = {
        **BARE_LAYOUT,
        "height": 120 + 48 * len(names),
        "margin": {"l": 4, "r": 30, "t": 4, "b": 4},
        "barmode": "group",
        "bargap": 0.25,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "reversed",
                   "font": {"color": TEXT}},
        "xaxis": {**titled_axis("accuracy on MNIST's test digits, %", 8), "range": [0, 108],
                  "tickvals": [0, 25, 50, 75, 100], "fixedrange": True},
        "yaxis": {**titled_axis("input", 8), "tickvals": list(range(len(names))), "ticktext": ticks,
                  "range": [len(names) - 0.5, -0.5], "fixedrange": True},
    }  # fmt: skip
    return go.Figure(data=data, layout=layout, _validate=False)


def describe_accuracies(measured: Sequence[Measured], model: str) -> str:
    """Describe `accuracies`."""
    rows = sorted(measured, key=lambda each: -each.accuracy)
    each_way = "; ".join(
        f"{SHORT[each.way.scaling]}, {DARK if each.way.dark_ink else LIGHT}: {formats.percentage(each.accuracy)}"
        for each in rows
    )
    return f"Accuracy of {model} on MNIST's test digits by the scaling of its input. {each_way}."
