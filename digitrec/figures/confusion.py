"""Confusion matrices, as figures and as sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from digitrec import formats
from digitrec.figures.theme import BARE_LAYOUT, BLUE, GREY, titled_axis


def confusion_matrix(counts: npt.NDArray[np.integer[Any]], selected: tuple[int, int] | None = None) -> go.Figure:
    """Draw how often each digit was read as each other; errors stand out, right predictions are grey.

    A heatmap sends no clicks to Streamlit, so an invisible square lies on each cell and carries (label, prediction):
    see `clicked_cell`.

    Args:
        counts: int (10, 10), rows are labels, columns predictions.
        selected: The (label, prediction) to frame, if any.
    """
    counts = np.asarray(counts)
    errors = np.where(np.eye(10, dtype=bool), 0, counts)
    strength = np.sqrt(errors / max(1, int(errors.max())))  # a root, so that few errors are visible beside many
    heat = {
        "type": "heatmap",
        "z": np.where(np.eye(10, dtype=bool), -0.25, strength).round(3).tolist(),
        "zmin": -0.25,
        "zmax": 1,
        # Colours let the background through, so that the theme's text is readable on all of them.
        "colorscale": [
            [0, "rgba(128,128,128,0.28)"], [0.19, "rgba(128,128,128,0.28)"], [0.19, "rgba(213,94,0,0)"],
            [0.2, "rgba(213,94,0,0)"], [0.2001, "rgba(213,94,0,0.08)"], [1, "rgba(213,94,0,0.75)"],
        ],
        "showscale": False,
        "hoverinfo": "skip",
        "xgap": 1,
        "ygap": 1,
    }  # fmt: skip
    cells = [(truth, answer) for truth in range(10) for answer in range(10)]
    squares = clickable_cells(cells, [_cell_sentence(counts, *cell) for cell in cells])
    axis = {
        "tickvals": list(range(10)),
        "range": [-0.5, 9.5],
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "constrain": "domain",
        "ticks": "",
    }
    layout = {
        **BARE_LAYOUT,
        "height": 410,
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "showlegend": False,
        "xaxis": {**titled_axis("prediction", 10), **axis},
        "yaxis": {
            **titled_axis("label", 16), **axis, "range": [9.5, -0.5],
            "scaleanchor": "x", "scaleratio": 1, "constraintoward": "top",
        },
        "annotations": [
            {"x": answer, "y": truth, "text": f"{counts[truth, answer]:,}", "showarrow": False, "font": {"size": 11}}
            for truth, answer in cells
            if counts[truth, answer]
        ],
        "shapes": [] if selected is None else [cell_frame(*selected)],
    }  # fmt: skip
    return go.Figure(data=[heat, squares], layout=layout)


def clickable_cells(cells: Sequence[tuple[int, int]], sentences: Sequence[str]) -> dict[str, Any]:
    """Return a trace of invisible squares over cells (label, prediction), which can be clicked and hovered over."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [answer for _, answer in cells],
        "y": [truth for truth, _ in cells],
        "customdata": [list(cell) for cell in cells],
        "text": list(sentences),
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": "square", "size": 24, "opacity": 0, "color": GREY},
        "selected": {"marker": {"opacity": 0}},
        "unselected": {"marker": {"opacity": 0}},
    }


def _cell_sentence(counts: npt.NDArray[np.integer[Any]], truth: int, answer: int) -> str:
    return f"{truth} read as {answer}: {formats.times(int(counts[truth, answer]))}"


def cell_frame(truth: int, answer: int) -> dict[str, Any]:
    """Return the shape that frames the cell of a label and a prediction."""
    line = {"color": BLUE, "width": 3}
    return {"type": "rect", "x0": answer - 0.5, "x1": answer + 0.5, "y0": truth - 0.5, "y1": truth + 0.5, "line": line}


def clicked_cell(points: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Return the (label, prediction) of a click on `confusion_matrix`, or None if no cell was clicked.

    Args:
        points: `event.selection.points` as `st.plotly_chart(on_select=...)` gives it.
    """
    data = _clicked(points)
    return (data[0], data[1]) if len(data) > 1 and max(data[:2]) < 10 else None


def clicked_digit(points: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the place in its reading of the digit that was clicked in `page_picture`, or None."""
    data = _clicked(points)
    return data[0] if data else None


def _clicked(points: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the numbers in the last point clicked; none where it holds anything else, as a browser sent them.

    Streamlit may send a list as an object with keys "0", "1".
    """
    for point in reversed(points) if isinstance(points, Sequence) else ():
        data = point.get("customdata") if isinstance(point, Mapping) else None
        if isinstance(data, Mapping):
            data = [data[key] for key in sorted(data)]
        if data is not None:
            numbers = data if isinstance(data, Sequence) else [data]
            return list(numbers) if all(isinstance(number, int) and number >= 0 for number in numbers) else []
    return []


def describe_confusion(counts: npt.NDArray[np.integer[Any]], most: int = 3) -> str:
    """Describe `confusion_matrix`: the number of errors and the most frequent ones."""
    counts = np.asarray(counts)
    errors = np.where(np.eye(10, dtype=bool), 0, counts)
    if not errors.any():
        return f"All {counts.sum():,} digits were read correctly."
    order = np.argsort(-errors, axis=None, kind="stable")[:most]
    cells = [divmod(int(cell), 10) for cell in order if errors.flat[cell]]
    named = "; ".join(_cell_sentence(counts, *cell) for cell in cells)
    return f"{formats.plural(int(errors.sum()), 'error')} in {counts.sum():,} digits. Most often {named}."
