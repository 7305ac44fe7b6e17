"""A picture's digits on Upload: their boxes in the picture, a table, corrections, and the models' input."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from digitrec.figures import confusion, page_picture
from digitrec.recognition import ablation as recognition_ablation
from digitrec.recognition import number_grouping as numbers
from digitrec.recognition import pipeline, results
from digitrec.recognition.ablation import Row
from digitrec.recognition.classifier import Predictor
from digitrec.recognition.normalize import Box
from digitrec.recognition.results import NOT_A_DIGIT, UNCERTAIN, Digit, Reading
from digitrec.ui import ablation, available, charts, common
from digitrec.ui.upload import corrections
from digitrec.ui.upload.shown import ROWS, Shown
from digitrec.uploads import batch, isolation
from digitrec.uploads import corrections as edits
from digitrec.uploads.batch import Closeup
from digitrec.uploads.corrections import Entry

STYLE = """<style>
[class*="st-key-answers_"] {gap: .25rem}
[class*="st-key-answers_"] button {min-width: 2.4rem; padding: 0 .5rem}
[class*="st-key-answers_"] kbd {display: none}
[class*="st-key-frame_"] {container-type: inline-size}
[class*="st-key-page_"] .annotation-text {paint-order: stroke; stroke: white; stroke-width: 3px; stroke-linejoin: round}
@container (max-width: 30rem) {
  [class*="st-key-page_"] .annotation-text {font-size: 8px !important; stroke-width: 2px}
}
</style>"""

HIGHEST = 80
"""Percentage of the window's height that a picture takes at most."""


TALL = 0.6
"""Heights of a picture in its widths from which the window's height makes it narrower than its card."""


def annotations(shown: Shown, predictors: Sequence[Predictor]) -> None:
    """Draw the picture, below it the table beside the corrections, and how the models read the chosen digit.

    Args:
        shown: The picture; all models have read it.
        predictors: One or two models.

    Raises:
        PictureError: If its file cannot be read again.
    """
    st.html(STYLE)
    found = [edits.reading(shown.annotations, predictor.name) for predictor in predictors]
    picture, data = shown.picture, shown.data
    close = _closeup(picture.key, picture.page, shown.annotations.angle, data) if data else None
    with st.container():  # a message that appears in it moves nothing below, so the picture stays zoomed
        corrections.tools(shown, numbers.text(found[0].digits))
    if close:
        _picture(shown, close, found[0])
    else:
        st.info(
            "The reading and its corrections are kept, the file is not. Choose it again to see the picture and the "
            "steps."
        )
    if shown.visible:
        left, right = st.columns(2)
        with left:
            _table(shown, [predictor.name for predictor in predictors], found)
        with right:
            _corrections(shown, found[0].digits)
        _as_read(shown, predictors, found, close)


@st.cache_resource(max_entries=3, show_spinner=False, scope="session")
def _closeup(key: str, page: int, angle: float, _data: bytes) -> Closeup:
    """Return the copy of the picture with this SHA-256 that is shown; the last few of a session are kept."""
    return isolation.call(batch.closeup, _data, page, angle)


def _picture(shown: Shown, close: Closeup, reading: Reading) -> None:
    """Draw the picture with its boxes; a click on a box chooses it, dragging draws one where that is switched on.

    The figure does not depend on the choice, so it stays zoomed when a digit is chosen: a style frames that one.

    Args:
        shown: The picture.
        close: The copy to show.
        reading: The labels beside the boxes.
    """
    drawing, visible = bool(st.session_state.get(f"drawing_{shown.key}")), shown.visible
    boxed = batch.on_copy(reading.digits, reading.size, close.size)
    drawn = page_picture.page_picture(close.picture, close.size, boxed, visible, drawing)
    key = f"figure_{shown.key}_{len(reading.digits)}_{drawing}"  # a new key forgets the box that was drawn
    scale = reading.size[0] / close.size[0], reading.size[1] / close.size[1]
    modes: Sequence[Literal["points", "box"]] = ("points", "box") if drawing else ("points",)
    touch = "" if drawing else _touch(shown.key)
    width, height = page_picture.page_extent(close.size)
    large = height > TALL * width and st.toggle("Full width", key=f"large_{shown.key}", persist_state="session")
    few_labels = _few_labels(shown.key, drawn) if len(visible) > page_picture.MANY else ""
    style = _height(shown.key, close.size, large) + _frames(shown, visible) + few_labels + touch
    st.html(f"<style>{style}</style>")
    with st.container(key=f"frame_{shown.key}"), st.container(key=f"page_{shown.key}"):
        charts.figure(
            drawn,
            key,
            _twin(shown, reading, visible),
            on_select=lambda: _selected(shown, key, scale),
            selects=modes,
            zoom=True,
        )
    st.caption(_legend(shown, reading, visible))


def _height(key: str, size: tuple[int, int], large: bool) -> str:
    """Return the style that makes a picture as high as its shape requires in the available width.

    Args:
        key: Its card.
        size: Its width and height.
        large: Whether it may be higher than the window.
    """
    width, height = page_picture.page_extent(size)
    wanted = f"calc({page_picture.ABOVE_PICTURE}px + 100cqw * {height / width:.4f})"
    high = wanted if large else f"min({HIGHEST}vh, {wanted})"
    return f".st-key-page_{key} > * {{height: {high} !important}}"


def _few_labels(key: str, drawn: go.Figure) -> str:
    """Return the style that leaves only the labels of uncertain and corrected digits in a small picture of many."""
    places = [place for place, label in enumerate(drawn.layout.annotations) if label.text.strip("</b>").isdecimal()]
    hidden = ", ".join(f'.st-key-page_{key} .annotation[data-index="{place}"]' for place in places)
    return f"@container (max-width: 30rem) {{{hidden} {{display: none}}}}" if hidden else ""


def _touch(key: str) -> str:
    """Return the style by which a finger scrolls the page past a picture, and moves the picture in full screen only.

    Plotly takes every touch of a figure, and on a phone this one nearly fills the screen.
    """
    frame = f'.st-key-page_{key} [data-testid="stFullScreenFrame"]'
    small = f"@container (max-height: {HIGHEST + 5}vh) {{{frame} .nsewdrag {{pointer-events: none !important}}}}"
    return f"@media (pointer: coarse) {{{frame} {{container-type: size}} {small}}}"


def _frames(shown: Shown, visible: Sequence[int]) -> str:
    """Return the style that makes the boxes of the chosen digits thicker."""
    boxes = (
        f'.st-key-page_{shown.key} .shapelayer path[data-index="{visible.index(place)}"]' for place in shown.chosen
    )
    return f"{', '.join(boxes)} {{stroke-width: 2.5px !important}}" if visible else ""


def _twin(shown: Shown, reading: Reading, visible: Sequence[int]) -> str:
    """Return what the figure shows, in words."""
    rejected = len(shown.left_out.intersection(visible))
    dotted = f" Dotted boxes, rejected as not a digit: {rejected}." if rejected else ""
    read = numbers.text(reading.digits).replace("\n", ", ") or "nothing"
    return f"The picture. Digits with a box and a label: {len(visible) - rejected}.{dotted} Read: {read}."


def _legend(shown: Shown, reading: Reading, visible: Sequence[int]) -> str:
    """Return the meaning of the lines in the figure, and how to zoom."""
    digits = [reading.digits[place] for place in visible]
    lines = [
        ("Solid line: certain.", any(digit.flag is None and not corrections.is_settled(digit) for digit in digits)),
        ("Dashed line: uncertain.", any(digit.flag == UNCERTAIN for digit in digits)),
        ("Dash-dotted line: corrected.", any(map(corrections.is_settled, digits))),
        ("Dotted line: not a digit.", any(d.flag == NOT_A_DIGIT and not corrections.is_settled(d) for d in digits)),
    ]
    zoom = "Zoom with the mouse wheel or the buttons and drag to move; on a touch screen, use full screen."
    return " ".join([*(text for text, occurs in lines if occurs), zoom])


def _selected(shown: Shown, figure_key: str, scale: tuple[float, float]) -> None:
    """Choose the digit that was clicked, or add the box that was drawn."""
    selection: Any = st.session_state[figure_key]["selection"]
    if selection.get("box"):
        (x0, x1), (y0, y1) = (sorted(selection["box"][-1][axis][:2]) for axis in "xy")
        left, top = round(x0 * scale[0]), round(y0 * scale[1])
        corrections.add(shown, Box(left, top, round(x1 * scale[0]) - left, round(y1 * scale[1]) - top))
        return
    # A click on the point that Plotly considers selected deselects it, though another digit may be chosen by now.
    place = confusion.clicked_digit(selection["points"])
    place = st.session_state.get(f"clicked_{shown.key}") if place is None else place
    st.session_state[f"clicked_{shown.key}"] = place
    shown.choose_listed(place)


def _table(shown: Shown, models: Sequence[str], found: Sequence[Reading]) -> None:
    """Draw a row per digit, or per number; the digits of the selected rows are the chosen ones."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "Rows", ROWS, key=f"rows_{shown.key}", default=ROWS[0], required=True,
            persist_state="session", label_visibility="collapsed",
        )  # fmt: skip
        st.toggle("Least sure first", key=f"sorted_{shown.key}")
    groups = shown.rows()
    key = f"table_{shown.key}_{shown.by_number}"
    _hold(shown, key, groups)
    st.dataframe(
        _columns(models, found, groups),
        key=key,
        hide_index=True,
        height=min(455, 38 + 35 * len(groups)),
        column_config={
            "Row": st.column_config.NumberColumn(width=40),
            "Input": st.column_config.ImageColumn(width=min(150, 20 + 25 * max(map(len, groups)))),
            "Certainty": st.column_config.NumberColumn(format="%.1f %%", width=76),
            **{name: st.column_config.TextColumn(width=74, help=common.about(available.get(name))) for name in models},
        },
        on_select=lambda: _rows_selected(shown, key, groups),
        selection_mode=["multi-row", "single-cell"],
        placeholder="",
        alt=f"The {ROWS[shown.by_number].lower()}, one per row: each model's reading, and the first one's certainty.",
    )


def _hold(shown: Shown, key: str, groups: Sequence[Sequence[int]]) -> None:
    """Select the rows of the table in which the digits chosen are, that of the first one first."""
    row_of = {place: row for row, group in enumerate(groups) for place in group}
    rows = list(dict.fromkeys(row_of[place] for place in shown.chosen))
    held: Any = st.session_state.get(key)
    cells = [(rows[0], column) for _, column in held["selection"]["cells"][:1]] if held else []
    st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": cells}}


def _columns(models: Sequence[str], found: Sequence[Reading], groups: Sequence[Sequence[int]]) -> dict[str, list[Any]]:
    """Return the table's columns, a row for each group of places."""
    members = [[[reading.digits[place] for place in group] for group in groups] for reading in found]
    rows = sorted({group[0].row for group in members[0]})  # a row of print that was rejected is not counted
    return {
        "Row": [rows.index(group[0].row) + 1 for group in members[0]],
        "Input": [charts.data_uri(np.hstack([digit.glyph for digit in group])) for group in members[0]],
        **{name: [_reading(group) for group in mine] for name, mine in zip(models, members, strict=True)},
        "Certainty": [_certainty(group) for group in members[0]],
    }


def _rows_selected(shown: Shown, key: str, groups: Sequence[Sequence[int]]) -> None:
    """Choose the row whose cell was selected, or the rows that were ticked, the last one first."""
    selection: Any = st.session_state[key]["selection"]
    if not shown.review.accepts((key, tuple(selection["rows"]), tuple(map(tuple, selection["cells"])))):
        return
    before, count = shown.chosen, len(groups)  # a click may come from the table before a change
    at = [groups[row] for row, _ in selection["cells"] if row < count]
    ticked = [groups[row] for row in selection["rows"] if row < count]
    if at and not set(before[:1]) & set(at[0]):
        shown.choose(at[0])
    else:
        ticked.sort(key=lambda group: any(place in before for place in group))
        shown.choose([place for group in ticked for place in group])


def _reading(digits: Sequence[Digit]) -> str:
    """Return the digits as text, with a tick where they were corrected and `?` where they are uncertain."""
    tick = " ✓" if all(map(corrections.is_settled, digits)) else ""
    written = numbers.written(digits)
    if not written:
        return f"not a digit{tick}"
    unsure = any(digit.flag == UNCERTAIN for digit in digits)
    if unsure and len(digits) == 1:
        return results.either(digits[0].likely)
    return f"{written}{' ?' if unsure else tick}"


def _certainty(digits: Sequence[Digit]) -> float | None:
    """Return how certain the model is of all digits, in percent; None where all are corrected or rejected."""
    read = [digit for digit in digits if not corrections.is_settled(digit) and digit.flag != NOT_A_DIGIT]
    return math.floor(1000 * numbers.confidence(read)) / 10 if read else None  # never rounded up to 100 %


def _corrections(shown: Shown, digits: Sequence[Digit]) -> None:
    """Draw the actions on the chosen digits."""
    places, visible = shown.chosen, shown.visible
    if shown.key == shown.review.active:
        st.session_state["last_glyph"] = shown.annotations.entries[places[0]].digit.glyph  # for other pages
    if len(visible) > 1:
        chooser = f"digit_{shown.key}"
        st.session_state[chooser] = places[0]
        number = {place: count for count, place in enumerate(visible, 1)}
        st.selectbox(
            "Digit",
            visible,
            format_func=lambda each: f"{number[each]} of {len(visible)}: {page_picture.digit_sentence(digits[each])}",
            key=chooser,
            help="You can also click a digit in the picture or select it in the table.",
            on_change=lambda: _listed(shown, chooser),
        )
    corrections.answers(shown, places, digits)
    corrections.box_tools(shown, places)


def _listed(shown: Shown, chooser: str) -> None:
    """Choose the digit that was selected in the list."""
    place = st.session_state[chooser]
    if shown.review.accepts((chooser, place)):
        shown.choose_listed(place)


def _as_read(shown: Shown, predictors: Sequence[Predictor], found: Sequence[Reading], close: Closeup | None) -> None:
    """Draw how the models read the first chosen digit, and the steps from the picture to their input."""
    place = shown.chosen[0]
    for column, predictor, number, reading in zip(st.columns(2), predictors, (1, 2), found, strict=False):
        with column:
            common.reads(
                predictor.name,
                page_picture.digit_sentence(shown.annotations.entries[place].predictions[predictor.name]),
            )
            charts.bars(reading.digits[place], predictor.name, f"bars_{number}_{shown.key}")
    charts.meaning([predictor.name for predictor in predictors], f"meaning_{shown.key}")
    entry = shown.annotations.entries[place]
    if close:
        st.markdown("**From the picture to the models' input**")
        charts.strip((*close.steps, *pipeline.cut_steps(entry.cut())))
        _which_step(shown, entry, predictors)
    else:
        charts.seen(entry.digit.glyph)


def _which_step(shown: Shown, entry: Entry, predictors: Sequence[Predictor]) -> None:
    """Draw how a digit is read after each step; the file is read for it once the section is open."""

    def rows() -> tuple[Row, ...]:
        alone = len(shown.annotations.entries) == 1
        return _trail(shown.picture.key, shown.annotations.angle, entry.box, entry.crop, alone, shown, entry)

    ablation.which_step(rows, [predictor.name for predictor in predictors], f"trail_{shown.key}")


@st.cache_resource(max_entries=20, show_spinner=False, scope="session")
def _trail(key: str, angle: float, box: Box, crop: bytes, alone: bool, _shown: Shown, _entry: Entry) -> tuple[Row, ...]:
    """Return a digit after each step; a visitor's last few are kept, by everything on which they depend.

    Raises:
        PictureError: If the file cannot be read.
    """
    assert _shown.data is not None  # without the file no section is drawn
    whole = isolation.call(batch.whole, _shown.data, _shown.picture.page, angle)
    whole = replace(whole, digits=tuple(each.digit for each in _shown.annotations.entries))
    return recognition_ablation.trail(whole, replace(_entry.digit, steps=pipeline.cut_steps(_entry.cut())))
