"""A picture with the digits that were read in it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from digitrec import formats
from digitrec.figures.theme import BARE_LAYOUT, BLUE, GREEN, GREY, VERMILLION
from digitrec.recognition.results import NOT_A_DIGIT, UNCERTAIN, Digit, either

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
    optional = [digit.flag is None and not digit.by_hand for digit in drawn]
    anchors = _label_anchors(labels, boxes, places, size, letters, scale, optional)
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
        **BARE_LAYOUT,
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
            if anchor
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


MOST_COVERED = 0.1
"""Part of a label that may lie on the boxes of digits, if it can be left out."""


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


# Where a label may stand, the best place first. Of each: the point of the box that it is fixed to, in fractions
# of width and height, and the side of the label that lies there.
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
    optional: Sequence[bool],
) -> list[_Anchor | None]:
    """Return where each label stands: the first place that is free, else the one that covers least.

    A label is left out, None, if it is empty, or optional and would cover writing.

    Args:
        labels: Texts.
        boxes: float64 (N, 4): left, top, right and bottom of everything that was found.
        places: Which of the boxes each label belongs to.
        size: Width and height of the picture.
        letters: Size of the letters, in screen pixels.
        scale: Pixels of the picture per screen pixel.
        optional: Whether each label can be left out: what was read is also shown by pointing at it, and in the table.
    """
    taken = np.concatenate([boxes, np.zeros((len(labels), 4))])  # a label that stands is in the way of the next ones
    inside = np.array([0.0, -ABOVE_PICTURE * scale, *size])
    fractions = np.array([place[:2] for place in _LABEL_PLACES])
    before = np.array([[_BEFORE[across], _BEFORE[down]] for *_, across, down in _LABEL_PLACES])
    anchors: list[_Anchor | None] = []
    for count, (label, place) in enumerate(zip(labels, places, strict=True), len(boxes)):
        if not label:
            anchors.append(None)
            continue
        extent = np.array([0.62 * letters * len(label) + 2, 0.8 * letters + 2]) * scale
        points = boxes[place, :2] + fractions * (boxes[place, 2:] - boxes[place, :2])
        corners = points - before * extent
        candidates = np.concatenate([corners, corners + extent], axis=1)  # (places, 4)
        outside = extent.prod() - _shared(candidates, inside[None]).sum(axis=1)
        best = int(np.argmin(np.round(_shared(candidates, taken[:count]).sum(axis=1) + outside, 6)))
        covered = _shared(candidates[best : best + 1], boxes).sum()
        if optional[count - len(boxes)] and covered > MOST_COVERED * extent.prod():
            anchors.append(None)
            continue
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
    """Return what stands at a box: `7`, `4 or 9`, `4?`, `7 ✓` where it was corrected, nothing where it was rejected."""
    if digit.by_hand == "digit":
        return "× ✓" if digit.flag == NOT_A_DIGIT else f"{digit.digit} ✓"
    if digit.flag == NOT_A_DIGIT:
        return "?" if digit.by_hand else ""
    if digit.flag == UNCERTAIN:
        return either(digit.likely) if len(digit.likely) == 2 and not short else f"{digit.digit}?"
    return str(digit.digit)


def digit_sentence(digit: Digit) -> str:
    """Describe a digit as read: `7, 99.1 %`, `4 or 9, 62.0 % for 4`, `not a digit` or `7, corrected by hand`."""
    if digit.by_hand == "digit":
        return f"{'not a digit' if digit.flag == NOT_A_DIGIT else digit.digit}, corrected by hand"
    if digit.flag == NOT_A_DIGIT:
        return "not a digit"
    if digit.flag == UNCERTAIN:
        return f"{either(digit.likely)}, {formats.percentage(digit.confidence)} for {digit.digit}"
    return f"{digit.digit}, {formats.percentage(digit.confidence)}"
