"""Compare's figures, and the sentences that say the same; the rules are those of `theme`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from digitrec.analysis.robustness import REACH, Distortion
from digitrec.figures.confusion import cell_frame, clickable_cells
from digitrec.figures.theme import BARE_LAYOUT, GREY, TEXT, faded, titled_axis

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

# Red-blue of Okabe and Ito's set; between them nothing is painted, so that light and dark show through.
FOR, AGAINST = "230,97,0", "0,90,181"
_SIGNED = [[0, f"rgba({AGAINST},1)"], [0.5, f"rgba({AGAINST},0)"], [0.5, f"rgba({FOR},0)"], [1, f"rgba({FOR},1)"]]
_DASHES, _SYMBOLS = ("solid", "dash"), ("circle", "square-open")
_TEN = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#44AA99", "#AA4499", "#999933", "#808080")

_SQUARE: dict[str, Any] = {"showgrid": False, "zeroline": False, "fixedrange": True, "constrain": "domain", "ticks": ""}
_TIGHT = {"l": 4, "r": 4, "t": 4, "b": 4}


def _figure(data: list[dict[str, Any]], **layout: Any) -> go.Figure:
    """Return a figure without plotly's checks, which take longer than all the rest; the tests run them."""
    return go.Figure(
        data=data, layout={**BARE_LAYOUT, "margin": _TIGHT, "showlegend": False, **layout}, _validate=False
    )


def _grid(size: int) -> dict[str, Any]:
    """Return a square grid's hidden axes, row 0 at the top."""
    return {
        "xaxis": {**_SQUARE, "visible": False, "range": [-0.5, size - 0.5]},
        "yaxis": {**_SQUARE, "visible": False, "range": [size - 0.5, -0.5], "scaleanchor": "x"},
    }


def evidence(values: Floats, glyph: Floats, most: float) -> go.Figure:
    """Draw the evidence of each inked pixel: orange for an answer, blue against it.

    Args:
        values: (28, 28), see `explain.occlusion`.
        glyph: (28, 28), 0 paper .. 1 ink, drawn below in grey.
        most: The value in full colour; the same in both figures, so that they can be compared.
    """
    most = max(most, 1e-6)
    paper = {
        "type": "heatmap",
        "z": np.round(glyph, 2).tolist(),
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, "rgba(128,128,128,0.06)"], [1, "rgba(128,128,128,0.45)"]],
        "showscale": False,
        "hoverinfo": "skip",
    }
    heat = {
        "type": "heatmap",
        "z": [[round(float(v), 2) if v else None for v in row] for row in values],
        "zmin": -most,
        "zmax": most,
        "colorscale": _SIGNED,
        "showscale": True,
        "colorbar": {
            "thickness": 10,
            "len": 0.8,
            "y": 0.45,
            "tickvals": [-most, 0, most],
            "ticktext": [f"{-most:+.1f}", "0", f"{most:+.1f}"],
            "tickfont": {"color": TEXT},
            "outlinewidth": 0,
        },
        "hovertemplate": "row %{y}, column %{x}: %{z:+.2f}<extra></extra>",
    }
    return _figure([paper, heat], height=270, **_grid(len(values)))


def describe_evidence(values: Floats, name: str, answer: int) -> str:
    """Describe `evidence`: where the strongest ink for and against the answer lies."""
    strongest = []
    for word, place, sign in (("for", values.argmax(), 1), ("against", values.argmin(), -1)):
        row, column = divmod(int(place), values.shape[1])
        if sign * values[row, column] > 0:
            strongest.append(f"most {word} it at {_region(row, column)}, {values[row, column]:+.2f}")
    return f"Evidence in the ink for {answer} according to {name}: {'; '.join(strongest) or 'none'}."


def _region(row: int, column: int) -> str:
    """Return a ninth of the picture in words."""
    down, across = ("top", "middle", "bottom")[row * 3 // 28], ("left", "centre", "right")[column * 3 // 28]
    return f"{down} {across}"


def shift_map(answers: Ints, probabilities: Floats, colour: str) -> go.Figure:
    """Draw a model's prediction at every shift: its colour where the prediction stays, otherwise the other digit.

    Args:
        answers: (21, 21), 0 to 9, dy by dy.
        probabilities: (21, 21), the probability of the digit predicted without a shift, 0 to 1.
        colour: The model's.
    """
    kept = answers == answers[REACH, REACH]
    numerals = np.where(kept, "", answers.astype(str))
    steps = list(range(-REACH, REACH + 1))
    heat = {
        "type": "heatmap",
        "x": steps,
        "y": steps,
        "z": np.where(kept, np.round(probabilities, 3), -1).tolist(),
        "zmin": -1,
        "zmax": 1,
        "colorscale": [
            [0, faded(GREY, 0.18)], [0.49, faded(GREY, 0.18)], [0.5, faded(colour, 0.15)], [1, faded(colour, 0.95)],
        ],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "text": numerals.tolist(),
        "texttemplate": "%{text}",
        "textfont": {"size": 10, "color": TEXT},
        "customdata": answers.tolist(),
        "hovertemplate": "%{x} px right, %{y} px down: %{customdata}<extra></extra>",
    }  # fmt: skip
    axis = {**_SQUARE, "tickvals": [-10, -5, 0, 5, 10]}
    half = REACH + 0.5
    return _figure(
        [heat],
        height=380,
        xaxis={**titled_axis("shift to the right, px", 8), **axis, "range": [-half, half]},
        yaxis={**titled_axis("shift down, px", 8), **axis, "range": [half, -half], "scaleanchor": "x"},
    )


def curves(
    distortions: Sequence[Distortion],
    levels: Sequence[Sequence[float]],
    values: Mapping[str, Sequence[Floats]],
    colours: Mapping[str, str],
    title: str,
) -> go.Figure:
    """Draw one small panel per distortion, one above the other, with one line per model.

    Args:
        distortions: In order from the top.
        levels: The amounts of each.
        values: By the model's name, for each distortion a probability or an accuracy, 0 to 1, at each level.
        colours: `#RRGGBB` by the model's name.
        title: The title of the vertical axes.
    """
    count = len(distortions)
    gap = 0.42 / count
    height = (1 - gap * (count - 1)) / count
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {}
    for row, (distortion, amounts) in enumerate(zip(distortions, levels, strict=True)):
        end = "" if row == 0 else str(row + 1)
        top = 1 - row * (height + gap)
        layout[f"xaxis{end}"] = {
            **titled_axis(distortion.axis, 4),
            "anchor": f"y{end}",
            "fixedrange": True,
            "zeroline": False,
        }
        layout[f"yaxis{end}"] = {
            **titled_axis(title if row == count // 2 else "", 8),
            "anchor": f"x{end}",
            "domain": [max(0.0, top - height), top],
            "range": [-4, 104],
            "tickvals": [0, 50, 100],
            "fixedrange": True,
        }
        for number, (name, panels) in enumerate(values.items()):
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": name,
                    "legendgroup": name,
                    "showlegend": row == 0,
                    "x": list(amounts),
                    "y": [round(100 * float(value), 1) for value in panels[row]],
                    "xaxis": f"x{end}",
                    "yaxis": f"y{end}",
                    "line": {"color": colours[name], "width": 2, "dash": _DASHES[number % 2]},
                    "marker": {"symbol": _SYMBOLS[number % 2], "size": 6, "color": colours[name]},
                    "hovertemplate": f"{name}<br>{distortion.axis} %{{x}}: %{{y:.1f}} %<extra></extra>",
                }
            )
    legend = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"color": TEXT}}
    return _figure(data, height=150 * count, showlegend=True, legend=legend, **layout)


def growth(probabilities: Floats, colour: str, place: int) -> go.Figure:
    """Draw the ten probabilities while a digit is drawn: a column per moment, dark where high; a line marks one.

    Args:
        probabilities: (moments, 10), 0 to 1.
        colour: The model's.
        place: The moment marked.
    """
    count = len(probabilities)
    percent = [round(100 * (moment + 1) / count) for moment in range(count)]
    heat = {
        "type": "heatmap",
        "x": percent,
        "y": list(range(10)),
        "z": (100 * probabilities.T).round(1).tolist(),
        "zmin": 0,
        "zmax": 100,
        "colorscale": [[0, faded(colour, 0.04)], [1, faded(colour, 1)]],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": "%{x} % of the ink, digit %{y}: %{z:.1f} %<extra></extra>",
    }
    line = {"color": TEXT, "width": 2, "dash": "dot"}
    x = percent[place]
    return _figure(
        [heat],
        height=260,
        xaxis={**titled_axis("ink drawn, %", 8), **_SQUARE},
        yaxis={**titled_axis("digit", 8), **_SQUARE, "tickvals": list(range(10))},
        shapes=[{"type": "line", "x0": x, "x1": x, "y0": -0.5, "y1": 9.5, "line": line}],
    )


def digit_map(places: Floats, labels: Ints, here: Floats) -> go.Figure:
    """Draw the first test digits where a model's last hidden layer puts them, and this digit as a star.

    Args:
        places: (N, 2).
        labels: (N,), 0 to 9.
        here: (2,).
    """
    numerals = {
        "type": "scatter",
        "mode": "text",
        "x": np.round(places[:, 0], 1).tolist(),
        "y": np.round(places[:, 1], 1).tolist(),
        "text": [str(label) for label in labels],
        "textfont": {"size": 11, "color": [_TEN[label] for label in labels]},
        "hovertemplate": "test digit %{pointNumber}, label %{text}<extra></extra>",
    }
    star = {
        "type": "scatter",
        "mode": "markers+text",
        "x": [round(float(here[0]), 1)],
        "y": [round(float(here[1]), 1)],
        "text": ["<b>this one</b>"],
        "textposition": "top center",
        "textfont": {"color": TEXT, "size": 13},
        "marker": {"symbol": "star", "size": 16, "color": TEXT, "line": {"width": 1, "color": "white"}},
        "hovertemplate": "this digit<extra></extra>",
    }
    bare = {"showticklabels": False, "showgrid": False, "zeroline": False, "fixedrange": True}
    return _figure(
        [numerals, star],
        height=400,
        xaxis={**titled_axis("first principal axis", 6), **bare},
        yaxis={**titled_axis("second principal axis", 6), **bare},
    )


def errors_per_digit(errors: Mapping[str, Sequence[int]], colours: Mapping[str, str]) -> go.Figure:
    """Draw how many test digits of each label each model misreads, one bar per model."""
    data = [
        {
            "type": "bar",
            "name": name,
            "x": list(range(10)),
            "y": list(counts),
            "marker": {"color": colours[name], "pattern": {"shape": ("", "/")[number % 2], "fillmode": "overlay"}},
            "hovertemplate": f"{name}<br>%{{y}} of the %{{x}}s are misread<extra></extra>",
        }
        for number, (name, counts) in enumerate(errors.items())
    ]
    return _figure(
        data,
        height=240,
        showlegend=True,
        barmode="group",
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": TEXT}},
        xaxis={**titled_axis("label", 8), "tickvals": list(range(10)), "fixedrange": True},
        yaxis={**titled_axis("errors", 16), "fixedrange": True, "rangemode": "tozero"},
    )


def describe_errors(errors: Mapping[str, Sequence[int]]) -> str:
    """Describe `errors_per_digit`."""
    return " ".join(
        f"{name} misreads {', '.join(f'{count} of the {digit}s' for digit, count in enumerate(counts))}."
        for name, counts in errors.items()
    )


def mistakes(counts: Ints, most: int, selected: tuple[int, int] | None = None) -> go.Figure:
    """Draw a confusion matrix, or the difference of two, without its diagonal; see `confusion.confusion_matrix`.

    Args:
        counts: int (10, 10), rows are labels, columns predictions; below 0 in a difference, where the first has more.
        most: The count in full colour, the same in all matrices shown side by side.
        selected: The (label, prediction) to frame, if any.
    """
    off = np.where(np.eye(10, dtype=bool), 0, counts)
    strength = np.sign(off) * np.sqrt(np.abs(off) / max(1, most))  # a root, so that few mistakes show beside many
    heat = {
        "type": "heatmap",
        "z": strength.round(3).tolist(),
        "zmin": -1,
        "zmax": 1,
        "colorscale": [
            [0, f"rgba({AGAINST},0.7)"], [0.5, "rgba(128,128,128,0.04)"], [1, f"rgba({FOR},0.75)"],
        ],
        "showscale": False,
        "text": [[f"{v:+d}" if counts.min() < 0 and v else str(v) if v else "" for v in row] for row in off.tolist()],
        "texttemplate": "%{text}",
        "textfont": {"size": 11, "color": TEXT},
        "hoverinfo": "skip",
        "xgap": 1,
        "ygap": 1,
    }  # fmt: skip
    cells = [(truth, answer) for truth in range(10) for answer in range(10) if truth != answer]
    squares = clickable_cells(cells, [f"{t} read as {a}: {off[t, a]}" for t, a in cells])
    axis = {**_SQUARE, "tickvals": list(range(10))}
    return _figure(
        [heat, squares],
        height=330,
        xaxis={**titled_axis("prediction", 8), **axis, "range": [-0.5, 9.5]},
        yaxis={
            **titled_axis("label", 8),
            **axis,
            "range": [9.5, -0.5],
            "scaleanchor": "x",
            "constraintoward": "top",
        },
        shapes=[] if selected is None else [cell_frame(*selected)],
    )
