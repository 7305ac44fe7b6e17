"""Arrays and histories as plotly figures, and as sentences that say the same.

No Streamlit here: a page shows a figure with `st.plotly_chart(figure, theme="streamlit")`. Backgrounds and
fonts are left to that theme, so that light and dark both work, and no figure relies on colour alone.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from digitrec.reading import NOT_A_DIGIT, UNCERTAIN, Digit, either

if TYPE_CHECKING:
    from digitrec.recipe import LayerInfo
    from digitrec.runs import Curves

# Colours that differ for every kind of colour vision: Okabe and Ito, Color Universal Design (2008).
ORANGE, VERMILLION, PURPLE = "#E69F00", "#D55E00", "#CC79A7"
SKY, BLUE, GREEN = "#56B4E9", "#0072B2", "#009E73"
# Six more, chosen by search to differ from these and from one another for every kind of colour vision.
BROWN, MOSS, SLATE = "#905040", "#80A050", "#606070"
LILAC, VIOLET, INDIGO = "#B070F0", "#9030D0", "#8020F0"
GREY = "#808080"  # tells apart from white and from black alike

_SHIPPED = {
    "mlp-128": ORANGE,
    "mlp-128-128": BROWN,
    "mlp-30-10": PURPLE,
    "cnn-5x5": SKY,
    "cnn-3x3": BLUE,
    "reader": GREEN,
    "reader-mlp": VERMILLION,
    "mlp-fast": MOSS,
    "mlp-best": SLATE,
    "cnn-fast": LILAC,
    "cnn-small": VIOLET,
    "cnn-best": INDIGO,
}
_FAMILY = {"mlp": (ORANGE, VERMILLION, PURPLE), "cnn": (SKY, BLUE, GREEN)}
_SYMBOLS = ("circle", "square", "triangle-up", "diamond")

BATCH_POINTS = 500
"""Points that a curve by batch is thinned out to."""

SCREEN = (800, 690)
"""Screen pixels that a picture has in a window of 1280 x 900."""

ABOVE_PICTURE = 28
"""Screen pixels above a picture: room for the zoom buttons, and for labels of digits at its upper edge."""

NARROWEST, WIDEST = 0.75, 5.0
"""Widths of the figure of a picture, in its heights."""

GAP = 2
"""Screen pixels between a digit and its box, so that the line is beside the writing."""

LABEL, SMALL_LABEL, MANY = 12, 9, 60
"""Size of a label's letters in screen pixels; size where there are more digits than MANY."""

TEXT = "#000037"
"""Streamlit's stand-in for the theme's strongest text, dark on light and light on dark.

Its default for text in figures is a grey with a contrast of 3.7 to 1, too little on coloured cells.
"""

CONFIG: dict[str, Any] = {"displayModeBar": False}
"""For `st.plotly_chart(config=...)` where there is nothing to zoom."""

CAMERA = {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": BLUE}
"""Looks of the button that saves a figure as a picture, on light and on dark."""

# An empty template keeps plotly's own one (6 kB, black on light blue) out of what is sent. Without a drag mode
# a finger scrolls the page.
_BARE: dict[str, Any] = {
    "template": {},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"color": TEXT},
    "hovermode": "closest",
    "dragmode": False,
}


def model_colour(name: str, kind: str) -> str:
    """Return a model's colour, the same on every page.

    Args:
        name: The model's name.
        kind: `mlp` (warm colours) or `cnn` (cool colours); decides for models that did not come with the project.

    Returns:
        `#RRGGBB`.
    """
    family = _FAMILY["mlp" if kind == "mlp" else "cnn"]
    return _SHIPPED.get(name) or family[zlib.crc32(name.encode()) % len(family)]


def _axis(title: str = "", standoff: int = 20) -> dict[str, Any]:
    """Return an axis with a title, `standoff` pixels from its labels."""
    font = {"color": TEXT}
    return {"title": {"text": title, "standoff": standoff, "font": font}, "tickfont": font}


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
        else {"color": _faded(GREY, 0.15), "line": {"color": GREY, "width": 1}},
        "text": [_percent(probabilities[digit]) if digit == answer else "" for digit in range(10)],
        "textposition": "outside",
        "textangle": 0,
        "constraintext": "none",
        "cliponaxis": False,
        "hovertemplate": "digit %{x}: %{y:.1f} %<extra></extra>",
    }
    layout = {
        **_BARE,
        "height": 200,
        "margin": {"l": 4, "r": 20, "t": 4, "b": 4},  # room for the label of a 9
        "bargap": 0.15,
        "showlegend": False,
        "xaxis": {
            **_axis("digit", 10),
            "tickvals": list(range(10)),
            "ticktext": [f"<b>{digit}</b>" if digit == answer else str(digit) for digit in range(10)],
            "range": [-0.6, 9.6],
            "fixedrange": True,
        },
        "yaxis": {
            **_axis("share, %", 10),
            "range": [0, 118],  # room for the answer's label above a full bar
            "tickvals": [0, 50, 100],
            "fixedrange": True,
        },
        "annotations": [{"x": 4.5, "y": 109, "text": "no digit", "showarrow": False}] if none else [],
    }
    # Redrawn after each stroke: plotly's checks cost six times the rest, and a test makes them.
    return go.Figure(data=[bars], layout=layout, _validate=False)


def distinct_colours(models: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return a colour for each of some runs in one figure: its model's, or where that is taken one that is free.

    Args:
        models: Name and kind of each run's model, by what the run is called.
    """
    own = {label: model_colour(name, kind) for label, (name, kind) in models.items()}
    first = {colour: label for label, colour in reversed(own.items())}
    found = {label: colour for colour, label in first.items()}
    for label, (_, kind) in models.items():
        others = (*_FAMILY["mlp" if kind == "mlp" else "cnn"], *_SHIPPED.values(), GREY)
        found.setdefault(label, next((colour for colour in others if colour not in found.values()), own[label]))
    return found


def learning_curves(
    curves: "Mapping[str, Curves]", colours: Mapping[str, str], by: Literal["epoch", "seconds"] = "epoch"
) -> go.Figure:
    """Draw the loss above the accuracy of one or several trainings.

    A thin line is the training by batch, full markers on a line are the training by epoch, hollow markers
    on a dashed line are the validation; each run has markers of its own. Points by batch are the means of
    neighbours, at most BATCH_POINTS a curve.
    The axes leave out the steep start once an epoch is over; a double click shows all of it.

    Args:
        curves: The curves by name of the run.
        colours: `#RRGGBB` by name of the run.
        by: Whether the axis counts epochs or seconds of training.
    """
    traces: list[dict[str, Any]] = []
    for number, (name, curve) in enumerate(curves.items()):
        run = name if len(curves) > 1 else ""
        symbol = _SYMBOLS[number % len(_SYMBOLS)]
        for loss in (True, False):
            traces += _curve_traces(curve, loss, run, colours[name], symbol, by)
    epochs = {**_axis("epoch" if by == "epoch" else "training, seconds"), "rangemode": "tozero", "showgrid": False}
    layout = {
        **_BARE,
        "height": 520,
        "margin": {"l": 4, "r": 8, "t": 8, "b": 4},
        "uirevision": "curves",
        "legend": {
            "font": {"color": TEXT},
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "xanchor": "left",
        },
        "xaxis": {**epochs, "title": None, "matches": "x2", "showticklabels": False, "anchor": "y"},
        "xaxis2": {**epochs, "anchor": "y2"},
        "yaxis": {**_axis("loss (cross-entropy)"), "domain": [0.53, 1], **_loss_range(curves)},
        "yaxis2": {**_axis("accuracy, %"), "domain": [0, 0.47], **_accuracy_range(curves)},
    }
    return go.Figure(data=traces, layout=layout)


def _curve_traces(curve: "Curves", loss: bool, run: str, colour: str, symbol: str, by: str) -> list[dict[str, Any]]:
    """Return the three traces of one panel; `run` is empty if it is the only one."""
    by_batch = curve.batch_loss if loss else curve.batch_accuracy
    by_epoch, validation = (curve.loss, curve.val_loss) if loss else (curve.accuracy, curve.val_accuracy)
    prefix = f"{run}, " if run else ""
    axes = {"xaxis": "x", "yaxis": "y"} if loss else {"xaxis": "x2", "yaxis": "y2"}
    unit, factor = ("%{y:.4f}", 1) if loss else ("%{y:.2f} %", 100)
    when = "epoch %{x:.2f}" if by == "epoch" else "%{x:.1f} s"
    batches, ends = (curve.batch_epoch, curve.epoch) if by == "epoch" else (curve.batch_seconds, curve.seconds)

    def trace(name: str, x: Sequence[float], y: Sequence[float], **looks: Any) -> dict[str, Any]:
        return {
            "type": "scatter",
            "name": prefix + name,
            "legendgroup": prefix + name,
            "showlegend": loss,
            "x": [round(float(value), 4) for value in x],
            "y": [float(f"{factor * value:.5g}") for value in y],
            "hovertemplate": f"{prefix}{name}<br>{when}: {unit}<extra></extra>",
            "line": {"color": colour, "width": 2},
            "mode": "lines+markers",
            **axes,
            **looks,
        }

    thin: dict[str, Any] = {"mode": "lines", "opacity": 0.7, "line": {"color": colour, "width": 1}}
    if run and curve.epoch:  # a legend of three lines a run fills a phone
        thin |= {"showlegend": False, "legendgroup": prefix + "training by epoch"}
    full: dict[str, Any] = {"marker": {"symbol": symbol, "size": 8}}
    hollow: dict[str, Any] = {
        "line": {"color": colour, "width": 2, "dash": "dash"},
        "marker": {"symbol": f"{symbol}-open", "size": 10, "line": {"width": 2}},
    }
    return [
        trace("training by batch", *_thinned(batches, by_batch), **thin),
        trace("training by epoch", *_paired(ends, by_epoch), **full),
        trace("validation", *_paired(ends, validation), **hollow),
    ]


def _paired(x: Sequence[float], y: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """Return both cut to the shorter one: an epoch's line may be read before all of it is written."""
    count = min(len(x), len(y))
    return x[:count], y[:count]


def _thinned(x: Sequence[float], y: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """Return at most BATCH_POINTS points: the means of groups of neighbours of the same size."""
    x, y = _paired(x, y)
    count = len(x)
    size = -(-count // BATCH_POINTS)
    if size <= 1:
        return x, y
    starts = np.arange(0, count, size)
    sizes = np.diff(starts, append=count)
    means = (np.add.reduceat(np.asarray(values, float), starts) / sizes for values in (x, y))
    return next(means).tolist(), next(means).tolist()


def _loss_range(curves: "Mapping[str, Curves]") -> dict[str, Any]:
    """Return an axis from 0 that leaves out the steep start, or all of it in the first epoch."""
    if not any(curve.epoch for curve in curves.values()):
        return {"rangemode": "tozero"}
    tops = [_late(curve.batch_loss, 90) for curve in curves.values()]
    tops += [value for curve in curves.values() for value in (*curve.loss, *curve.val_loss)]
    top = max((value for value in tops if np.isfinite(value)), default=1.0)
    return {"range": [0, 1.08 * max(top, 1e-6)]}


def _accuracy_range(curves: "Mapping[str, Curves]") -> dict[str, Any]:
    """Return an axis up to 100 % that leaves out the steep start, or all of it in the first epoch."""
    if not any(curve.epoch for curve in curves.values()):
        return {"range": [0, 101]}
    bottoms = [_late(curve.batch_accuracy, 10) for curve in curves.values()]
    bottoms += [value for curve in curves.values() for value in (*curve.accuracy, *curve.val_accuracy)]
    bottom = 100 * min((value for value in bottoms if np.isfinite(value)), default=0.0)
    return {"range": [bottom - 0.08 * (100 - bottom), 100 + 0.04 * (100 - bottom)]}


def _late(values: Sequence[float], percentile: float) -> float:
    """Return the percentile of a curve's values, not a number if there are none."""
    finite = [value for value in _thinned(values, values)[1] if np.isfinite(value)]
    return float(np.percentile(finite, percentile)) if finite else float("nan")


def confusion_matrix(counts: npt.NDArray[np.integer[Any]], selected: tuple[int, int] | None = None) -> go.Figure:
    """Draw how often each digit was read as each other; mistakes stand out, right answers are grey.

    A heatmap sends no clicks to Streamlit, so an invisible square lies on each cell and carries (truth, answer):
    see `clicked_cell`.

    Args:
        counts: int (10, 10), rows are true digits, columns answers.
        selected: The (truth, answer) to frame, if any.
    """
    counts = np.asarray(counts)
    errors = np.where(np.eye(10, dtype=bool), 0, counts)
    strength = np.sqrt(errors / max(1, int(errors.max())))  # a root, so that few mistakes show beside many
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
        **_BARE,
        "height": 410,
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "showlegend": False,
        "xaxis": {**_axis("answer", 10), **axis},
        "yaxis": {
            **_axis("true digit", 16), **axis, "range": [9.5, -0.5],
            "scaleanchor": "x", "scaleratio": 1, "constraintoward": "top",
        },
        "annotations": [
            {"x": answer, "y": truth, "text": f"{counts[truth, answer]:,}", "showarrow": False, "font": {"size": 11}}
            for truth, answer in cells
            if counts[truth, answer]
        ],
        "shapes": [] if selected is None else [_frame(*selected)],
    }  # fmt: skip
    return go.Figure(data=[heat, squares], layout=layout)


def clickable_cells(cells: Sequence[tuple[int, int]], sentences: Sequence[str]) -> dict[str, Any]:
    """Return a trace of invisible squares over cells (truth, answer), which a click chooses and hovering explains."""
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
    return f"{truth} read as {answer}: {_times(int(counts[truth, answer]))}"


def _frame(truth: int, answer: int) -> dict[str, Any]:
    line = {"color": BLUE, "width": 3}
    return {"type": "rect", "x0": answer - 0.5, "x1": answer + 0.5, "y0": truth - 0.5, "y1": truth + 0.5, "line": line}


def clicked_cell(points: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Return the (truth, answer) of a click on `confusion_matrix`, or None if no cell was clicked.

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
    """Return the numbers that the last point clicked carries, none where it carries anything else: a browser sent them.

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


def network_diagram(layers: "Sequence[LayerInfo]", colour: str) -> go.Figure:
    """Draw a network from the glyph at the top to the ten probabilities at the bottom, a block a layer.

    A block's width grows with the logarithm of the number of values that leave the layer; blocks in full colour
    hold parameters, which stand at the right.

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
            "color": [_faded(colour, 0.6 if layer.parameters else 0.15) for layer in layers],
            "line": {"color": colour, "width": 1.5},
        },
        "hovertext": [
            f"{layer.name}: {layer.kind}<br>{value:,} values leave it<br>{_plural(layer.parameters, 'parameter')}"
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
        **_BARE,
        "height": 44 * (len(layers) + 1),
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "bargap": 0.3,
        "showlegend": False,
        "xaxis": {"range": [-0.52 * span, 1.05 * span], "visible": False, "fixedrange": True},
        "yaxis": {
            **_axis(),
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


def page_picture(
    picture: str,
    size: tuple[int, int],
    digits: Sequence[Digit],
    shown: Sequence[int] | None = None,
    drawing: bool = False,
) -> go.Figure:
    """Draw a picture with a thin box for each digit found in it, and what was read beside or above the box.

    A box is solid and blue where the model is sure, dashed and orange where it is not, dash-dotted and green where a
    person corrected it, dotted and grey for what is not a digit. A click on a box carries the digit's place: see
    `clicked_digit`. The figure has a shape for each place of `shown`, in that order.

    Args:
        picture: The upright picture as a data URI.
        size: Its width and height, in whose pixels the boxes are.
        digits: What was found in it.
        shown: Places in `digits` of those to draw; all unless given. Labels keep off the others too.
        drawing: Whether dragging draws a box, as Plotly's box selection, instead of moving the picture.
    """
    width, height = size
    scale = max(width / SCREEN[0], height / SCREEN[1])  # pixels of the picture per screen pixel
    places = range(len(digits)) if shown is None else shown
    drawn = [digits[place] for place in places]
    styles = [_STYLES["corrected" if digit.by_hand == "digit" else digit.flag] for digit in drawn]
    boxes = _edges(digits, GAP * scale)
    letters = SMALL_LABEL if len(drawn) > MANY else LABEL
    labels = [_label(digit, short=len(drawn) > MANY) for digit in drawn]
    anchors = _label_anchors(labels, boxes, places, size, letters, scale)
    squares = {
        "type": "scatter",
        "mode": "markers",
        "x": [digit.box.x + digit.box.width / 2 for digit in drawn],
        "y": [digit.box.y + digit.box.height / 2 for digit in drawn],
        "customdata": [[place] for place in places],
        "text": [digit_sentence(digit) for digit in drawn],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": "square", "size": 24, "opacity": 0, "color": GREY},
        "selected": {"marker": {"opacity": 0}},
        "unselected": {"marker": {"opacity": 0}},
    }
    across, down = page_extent(size)
    axis = {"visible": False, "constrain": "domain"}
    layout = {
        **_BARE,
        "dragmode": "select" if drawing else "pan",
        "margin": {"l": 0, "r": 0, "t": ABOVE_PICTURE, "b": 0},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": BLUE},
        "showlegend": False,
        "xaxis": {**axis, "range": [(width - across) / 2, (width + across) / 2]},
        "yaxis": {**axis, "range": [(height + down) / 2, (height - down) / 2], "scaleanchor": "x"},
        "images": [
            {
                "source": picture, "xref": "x", "yref": "y", "x": 0, "y": 0,
                "sizex": width, "sizey": height, "sizing": "stretch", "layer": "below",
            }
        ],
        "shapes": [
            {
                "type": "rect", "x0": left, "y0": top, "x1": right, "y1": bottom,
                "line": {"color": style.colour, "dash": style.dash, "width": 1},
            }
            for (left, top, right, bottom), style in zip(boxes[list(places)].tolist(), styles, strict=True)
        ],
        "annotations": [
            {
                "x": anchor.x, "y": anchor.y, "xanchor": anchor.across, "yanchor": anchor.down, "showarrow": False,
                "yshift": _LEADING[anchor.down] * letters, "borderpad": 0,
                "text": f"<b>{label}</b>", "font": {"color": style.text, "size": letters},
            }
            for label, anchor, style in zip(labels, anchors, styles, strict=True)
            if label
        ],
    }  # fmt: skip
    return go.Figure(data=[squares], layout=layout)


def page_extent(size: tuple[int, int]) -> tuple[float, float]:
    """Return the width and height that `page_picture` shows of a picture and of what is around it.

    A very tall or very wide picture gets room beside it, so that there is some when it is zoomed into.

    Args:
        size: Width and height of the picture.
    """
    width, height = size
    return max(float(width), NARROWEST * height), max(float(height), width / WIDEST)


class _Style(NamedTuple):
    """How a box is drawn: its colour, Plotly's dash, and its label's colour, dark enough for text on white."""

    colour: str
    dash: str
    text: str


_STYLES: dict[str | None, _Style] = {
    None: _Style(BLUE, "solid", "#005A8E"),
    UNCERTAIN: _Style(VERMILLION, "5px,3px", "#A84400"),
    NOT_A_DIGIT: _Style(GREY, "1px,3px", "#5A5A5A"),
    "corrected": _Style(GREEN, "8px,2px,2px,2px", "#006B4E"),
}


class _Anchor(NamedTuple):
    """Where a label is fixed, in pixels of the picture, and by which of its sides, as Plotly names them."""

    x: float
    y: float
    across: str
    down: str


# Where a label may stand, the best place first. Of each: the point of the box that it is fixed to (shares of its width
# and height), and the side of the label that lies there.
_LABEL_PLACES = (
    (0.0, 0.0, "left", "bottom"),
    (0.5, 0.0, "center", "bottom"),
    (1.0, 0.0, "right", "bottom"),
    (1.0, 0.0, "left", "top"),
    (0.0, 0.0, "right", "top"),
    (1.0, 0.5, "left", "middle"),
    (0.0, 0.5, "right", "middle"),
    (0.0, 1.0, "left", "top"),
    (0.5, 1.0, "center", "top"),
    (1.0, 1.0, "right", "top"),
)
_LEADING = {"bottom": -0.25, "middle": 0.0, "top": 0.25}
"""By how much a label is moved towards its box, in sizes of its letters: a line of text is empty above and below."""

_BEFORE = {"left": 0.0, "center": 0.5, "right": 1.0, "top": 0.0, "middle": 0.5, "bottom": 1.0}


def _label_anchors(
    labels: Sequence[str],
    boxes: npt.NDArray[np.float64],
    places: Sequence[int],
    size: tuple[int, int],
    letters: int,
    scale: float,
) -> list[_Anchor]:
    """Return where each label stands: the first place that is free, else the one that covers least.

    Args:
        labels: Texts.
        boxes: float64 (N, 4): left, top, right and bottom of everything that was found.
        places: Which of the boxes each label belongs to.
        size: Width and height of the picture.
        letters: Size of the letters, in screen pixels.
        scale: Pixels of the picture per screen pixel.
    """
    taken = np.concatenate([boxes, np.zeros((len(labels), 4))])  # a label that stands is in the way of the next ones
    inside = np.array([0.0, -ABOVE_PICTURE * scale, *size])
    shares = np.array([place[:2] for place in _LABEL_PLACES])
    before = np.array([[_BEFORE[across], _BEFORE[down]] for *_, across, down in _LABEL_PLACES])
    anchors = []
    for count, (label, place) in enumerate(zip(labels, places, strict=True), len(boxes)):
        if not label:
            anchors.append(_Anchor(0.0, 0.0, "left", "top"))
            continue
        extent = np.array([0.62 * letters * len(label) + 2, 0.8 * letters + 2]) * scale
        points = boxes[place, :2] + shares * (boxes[place, 2:] - boxes[place, :2])
        corners = points - before * extent
        candidates = np.concatenate([corners, corners + extent], axis=1)  # (places, 4)
        outside = extent.prod() - _shared(candidates, inside[None]).sum(axis=1)
        best = int(np.argmin(np.round(_shared(candidates, taken[:count]).sum(axis=1) + outside, 6)))
        taken[count] = candidates[best]
        x, y = points[best].tolist()
        anchors.append(_Anchor(x, y, *_LABEL_PLACES[best][2:]))
    return anchors


def _shared(some: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the areas (N, M) that rectangles (N, 4) and (M, 4) of left, top, right and bottom have in common."""
    low = np.maximum(some[:, None, :2], others[None, :, :2])
    high = np.minimum(some[:, None, 2:], others[None, :, 2:])
    return np.asarray(np.maximum(high - low, 0.0).prod(axis=2), np.float64)


def _edges(digits: Sequence[Digit], gap: float) -> npt.NDArray[np.float64]:
    """Return left, top, right and bottom (N, 4) of the digits' boxes, each moved out by a gap."""
    x, y, width, height = np.array([digit.box for digit in digits], np.float64).reshape(-1, 4).T
    return np.stack([x - gap, y - gap, x + width + gap, y + height + gap], axis=1)


def _label(digit: Digit, short: bool = False) -> str:
    """Return what stands at a box: `7`, `4 or 9`, `4?`, `7 ✓` where it was corrected, nothing for what was left out."""
    if digit.by_hand == "digit":
        return "× ✓" if digit.flag == NOT_A_DIGIT else f"{digit.digit} ✓"
    if digit.flag == NOT_A_DIGIT:
        return "?" if digit.by_hand else ""
    if digit.flag == UNCERTAIN:
        return either(digit.likely) if len(digit.likely) == 2 and not short else f"{digit.digit}?"
    return str(digit.digit)


def digit_sentence(digit: Digit) -> str:
    """Say what was read: `7, 99.1 %`, `4 or 9, 62.0 % for the 4`, `not a digit` or `7, corrected by hand`."""
    if digit.by_hand == "digit":
        return f"{'not a digit' if digit.flag == NOT_A_DIGIT else digit.digit}, corrected by hand"
    if digit.flag == NOT_A_DIGIT:
        return "not a digit"
    if digit.flag == UNCERTAIN:
        return f"{either(digit.likely)}, {_percent(digit.confidence)} for the {digit.digit}"
    return f"{digit.digit}, {_percent(digit.confidence)}"


def describe_bars(probabilities: npt.NDArray[np.floating[Any]], model: str, none: bool = False) -> str:
    """Say what `softmax_bars` shows."""
    first, second = (int(digit) for digit in np.argsort(-np.asarray(probabilities), kind="stable")[:2])
    if not np.any(probabilities):
        return f"{model} gives no answer."
    if none:
        return f"{model} takes this for no digit. Nearest comes {first}, with {_percent(probabilities[first])}."
    return (
        f"{model} reads {first}, with {_percent(probabilities[first])}. "
        f"Next comes {second}, with {_percent(probabilities[second])}."
    )


def describe_curves(curves: "Mapping[str, Curves]") -> str:
    """Say what `learning_curves` shows, a sentence or two a run."""
    return " ".join(_describe_run(name, curve) for name, curve in curves.items())


def _describe_run(name: str, curve: "Curves") -> str:
    if not curve.epoch:
        if not curve.batch_loss:
            return f"{name}: no point yet."
        return (
            f"{name} is in its first epoch: loss {curve.batch_loss[-1]:.3f}, "
            f"training accuracy {_percent(curve.batch_accuracy[-1])}."
        )
    best = int(np.argmax(curve.val_accuracy)) if curve.val_accuracy else None
    text = (
        f"{name} after epoch {curve.epoch[-1]:g}: training loss {curve.loss[-1]:.3f}, "
        f"training accuracy {_percent(curve.accuracy[-1])}"
    )
    if best is None:
        return text + "."
    return (
        f"{text}, validation loss {curve.val_loss[-1]:.3f}, validation accuracy {_percent(curve.val_accuracy[-1])}. "
        f"The best validation accuracy was {_percent(curve.val_accuracy[best])}, after epoch {curve.epoch[best]:g}."
    )


def describe_confusion(counts: npt.NDArray[np.integer[Any]], most: int = 3) -> str:
    """Say what `confusion_matrix` shows: the mistakes in all and the most frequent ones."""
    counts = np.asarray(counts)
    errors = np.where(np.eye(10, dtype=bool), 0, counts)
    if not errors.any():
        return f"All {counts.sum():,} digits were read right."
    order = np.argsort(-errors, axis=None, kind="stable")[:most]
    cells = [divmod(int(cell), 10) for cell in order if errors.flat[cell]]
    named = "; ".join(_cell_sentence(counts, *cell) for cell in cells)
    return f"{_plural(int(errors.sum()), 'mistake')} in {counts.sum():,} digits. Most often {named}."


def _percent(share: float) -> str:
    """Return a share as `98.3 %`; 100 % and 0 % are kept for the whole and for nothing."""
    percent = 100 * float(share)
    if 99.95 <= percent < 100:
        return "> 99.9 %"
    if 0 < percent < 0.05:
        return "< 0.1 %"
    return f"{percent:.1f} %"


def _times(count: int) -> str:
    return "never" if count == 0 else "once" if count == 1 else f"{count:,} times"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _faded(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
