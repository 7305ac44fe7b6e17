"""A picture's ledger on Upload: its boxes beside a table, what to put right, and what the models see."""

import html
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import streamlit as st

from digitrec import batch as batches
from digitrec import figures, registry, steps, ui, ui_steps
from digitrec import ledger as ledgers
from digitrec import reading as readings
from digitrec.batch import Batch, Closeup, Picture
from digitrec.errors import DigitrecError
from digitrec.glyph import Box
from digitrec.ledger import NO_DIGIT, Entry, Ledger
from digitrec.predict import Predictor
from digitrec.reading import NOT_A_DIGIT, UNCERTAIN, Digit, Reading
from digitrec.steps import Row

STYLE = """<style>
[class*="st-key-answers_"] {gap: .25rem}
[class*="st-key-answers_"] button {min-width: 2.4rem; padding: 0 .5rem}
[class*="st-key-answers_"] kbd {display: none}
</style>"""


class Shown(NamedTuple):
    """A picture whose ledger is drawn.

    Attributes:
        batch: The batch that it is one of.
        picture: The picture.
        single: Whether it is known to hold one digit.
        data: The file's bytes, where they are at hand.
        key: What its widgets' keys end in.
    """

    batch: Batch
    picture: Picture
    single: bool
    data: bytes | None
    key: str

    @property
    def ledger(self) -> Ledger:
        """The ledger as it is now."""
        return self.batch.ledger(self.picture, self.single)

    @property
    def chosen(self) -> list[int]:
        """Places of the marks chosen, at least one where there are any."""
        count = len(self.ledger.entries)
        held = [place for place in st.session_state.get(f"chosen_{self.key}", []) if place < count]
        return held or [0][:count]

    def choose(self, places: Sequence[int]) -> None:
        """Make marks the ones chosen; other pages go on with the glyph of the first."""
        st.session_state[f"chosen_{self.key}"] = list(places)
        if places:
            st.session_state["last_glyph"] = self.ledger.entries[places[0]].digit.glyph

    def ink(self) -> ledgers.Floats:
        """Return the upright ink.

        Raises:
            PictureError: If neither it nor the file is here.
        """
        return self.batch.ink(self.picture, self.ledger.turned, self.data)

    def change(self, change: Callable[[Ledger], Ledger]) -> None:
        """Put the ledger right and choose what is new in it; what cannot be done is said above the buttons."""
        try:
            before = {entry.box for entry in self.ledger.entries}
            after = self.batch.change(self.picture, self.single, change)
        except DigitrecError as error:
            st.session_state[f"said_{self.key}"] = str(error)
            return
        new = [place for place, entry in enumerate(after.entries) if entry.box not in before]
        self.choose(new[:1] or [min(self.chosen[0], len(after.entries) - 1)] if after.entries else [])


def ledger(shown: Shown, predictors: Sequence[Predictor]) -> None:
    """Draw the picture beside the table, what to do with the marks chosen, and how models read the first of them.

    Args:
        shown: The picture; all models have read it.
        predictors: One or two models.

    Raises:
        PictureError: If its file cannot be read again.
    """
    st.html(STYLE)
    found = [ledgers.reading(shown.ledger, predictor.name) for predictor in predictors]
    picture, data = shown.picture, shown.data
    close = _closeup(picture.key, picture.page, shown.ledger.turned, data) if data else None
    row = found[0].size[0] > 1.8 * found[0].size[1]  # a row of digits has the whole width
    left, right = (st.container(), st.container()) if row else st.columns([5, 4])
    with left:
        if close:
            _picture(shown, close, found[0], 640 if row else 400)
        else:
            st.info("The file is no longer here. Choose it again to see the picture and the steps.")
        _tools(shown, found[0].text)
    if found[0].digits:
        with right:
            _table(shown, [predictor.name for predictor in predictors], found)
        _chosen(shown, predictors, found, close)


@st.cache_resource(max_entries=3, show_spinner=False, scope="session")
def _closeup(key: str, page: int, turned: int, _data: bytes) -> Closeup:
    """Return what is shown of the picture with this SHA-256; a visitor's last few, as each takes some megabytes."""
    return batches.closeup(_data, page, turned)


def _picture(shown: Shown, close: Closeup, reading: Reading, width: int) -> None:
    """Draw the picture with its boxes; a click on one chooses it, dragging draws one where that is switched on.

    Args:
        shown: The picture.
        close: The copy to show.
        reading: What to write on the boxes.
        width: Screen pixels that the picture may be wide.
    """
    drawing = bool(st.session_state.get(f"drawing_{shown.key}"))
    boxed = batches.on_copy(reading.digits, reading.size, close.image.size)
    drawn = figures.page_picture(close.image, boxed, shown.chosen, drawing)
    drawn.update_layout(height=20 + min(520, max(80, round(width * reading.size[1] / reading.size[0]))))
    drawn.update_xaxes(constraintoward="left").update_yaxes(constraintoward="top")
    twin = f"The picture with a box for each mark. Read: {reading.text.replace('/', ', ') or 'nothing'}."
    key = f"figure_{shown.key}_{len(reading.digits)}_{drawing}"  # a new one forgets the box that was drawn
    scale = reading.size[0] / close.image.width, reading.size[1] / close.image.height
    modes: Sequence[Literal["points", "box"]] = ("points", "box") if drawing else ("points",)
    ui.figure(drawn, key, twin, on_select=lambda: _selected(shown, key, scale), selects=modes)


def _selected(shown: Shown, figure_key: str, scale: tuple[float, float]) -> None:
    """Choose the mark that was clicked, or add the box that was drawn."""
    selection: Any = st.session_state[figure_key]["selection"]
    if selection.get("box"):
        (x0, x1), (y0, y1) = (sorted(selection["box"][-1][axis][:2]) for axis in "xy")
        left, top = round(x0 * scale[0]), round(y0 * scale[1])
        _add(shown, Box(left, top, round(x1 * scale[0]) - left, round(y1 * scale[1]) - top))
        return
    place = figures.clicked_digit(selection["points"])
    if place is not None:
        shown.choose([place])


def _add(shown: Shown, box: Box) -> None:
    shown.change(lambda ledger: ledgers.added(ledger, box, shown.ink()))


def _tools(shown: Shown, text: str) -> None:
    """Draw what is done to the whole picture: undo, turn, add a box, copy its text."""
    with st.container(horizontal=True, key=f"tools_{shown.key}"):
        st.button(
            "Undo",
            key=f"undo_{shown.key}",
            icon=":material/undo:",
            disabled=not shown.ledger.before,
            on_click=shown.change,
            args=(ledgers.undone,),
        )
        st.button("Turn", key=f"turn_{shown.key}", icon=":material/rotate_right:", on_click=_turn, args=(shown,))
        with st.popover("Add a box", key=f"add_{shown.key}", icon=":material/add_box:"):
            _new_box(shown)
        if text:
            with st.popover("Copy", key=f"copy_{shown.key}", icon=":material/content_copy:"):
                st.code(text.replace("/", "\n"), language=None)  # it has a button that copies
    said = st.session_state.pop(f"said_{shown.key}", None)
    if said:
        st.warning(ui.plain(said), icon=":material/error:")


def _turn(shown: Shown) -> None:
    """Turn the picture a quarter clockwise, and find and read its digits again."""
    try:
        shown.batch.turn(shown.picture, shown.single, registry.predictor(registry.default()), shown.data)
        shown.choose([])
    except DigitrecError as error:
        st.session_state[f"said_{shown.key}"] = str(error)


def _new_box(shown: Shown) -> None:
    """Draw the two ways to add a box: with the mouse, and in numbers."""
    st.toggle("Draw boxes on the picture", key=f"drawing_{shown.key}", disabled=not shown.data)
    st.caption("Or where it is, in pixels of the picture:")
    width, height = shown.ledger.size
    first, second = st.columns(2)
    asked = (("Left", width, first), ("Top", height, second), ("Width", width, first), ("Height", height, second))
    numbers = [
        place.number_input(label, 0, most, 0, key=f"{label.lower()}_{most}_{shown.key}") for label, most, place in asked
    ]
    st.button("Read this box", key=f"read_{shown.key}", on_click=_add, args=(shown, Box(*map(int, numbers))))


def _table(shown: Shown, models: Sequence[str], found: Sequence[Reading]) -> None:
    """Draw a row a mark; those selected are the ones chosen."""
    digits = found[0].digits
    first = st.toggle("Least sure first", key=f"sorted_{shown.key}")
    order = sorted(range(len(digits)), key=lambda place: _sureness(digits[place]) if first else 0.0)
    key = f"table_{shown.key}"
    rows = [order.index(place) for place in shown.chosen]
    held: Any = st.session_state.get(key)
    cells = [(rows[0], column) for _, column in held["selection"]["cells"][:1]] if held else []
    st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": cells}}
    columns: dict[str, list[Any]] = {
        "Row": [digits[place].row + 1 for place in order],
        "Seen": [ui.data_uri(digits[place].glyph) for place in order],
        **{
            name: [_said(reading.digits[place]) for place in order] for name, reading in zip(models, found, strict=True)
        },
        "Sure": [_sure(digits[place]) for place in order],
    }
    st.dataframe(
        columns,
        key=key,
        hide_index=True,
        height=min(455, 38 + 35 * len(order)),
        column_config={
            "Row": st.column_config.NumberColumn(width=40),
            "Seen": st.column_config.ImageColumn(width=45),
            "Sure": st.column_config.NumberColumn(format="%.1f %%", width=66),
            **{name: st.column_config.TextColumn(width=74) for name in models},
        },
        on_select=lambda: _rows_selected(shown, key, order),
        selection_mode=["multi-row", "single-cell"],
        placeholder="",
        alt="The marks found, a row each: what each model reads, and how sure the first is.",
    )


def _rows_selected(shown: Shown, key: str, order: Sequence[int]) -> None:
    """Choose the row alone whose cell was clicked or gone to, or the rows that were ticked, the last one first."""
    selection: Any = st.session_state[key]["selection"]
    before, count = shown.chosen, len(order)  # a click may come from the table before a change
    at = [order[row] for row, _ in selection["cells"] if row < count]
    ticked = [order[row] for row in selection["rows"] if row < count]
    if at and at != before[:1]:
        shown.choose(at)
    else:
        shown.choose(sorted(ticked, key=lambda place: place in before))


def _sureness(digit: Digit) -> float:
    """Return a number that is lower the more a digit deserves a look; what a person settled comes last."""
    if digit.by_hand == ledgers.PUT_RIGHT:
        return 2.0
    return abs(2 * digit.is_digit - 1) if digit.flag == NOT_A_DIGIT else min(digit.confidence, digit.is_digit)


def _said(digit: Digit) -> str:
    """Return what was read, in a word or two; a tick where a person settled it."""
    tick = " ✓" if digit.by_hand == ledgers.PUT_RIGHT else ""
    if digit.flag == NOT_A_DIGIT:
        return f"no digit{tick}"
    return readings.either(digit.likely) if digit.flag == UNCERTAIN else f"{digit.digit}{tick}"


def _sure(digit: Digit) -> float | None:
    """Return how sure the model is, in per cent; None where that says nothing."""
    settled = digit.by_hand == ledgers.PUT_RIGHT or digit.flag == NOT_A_DIGIT
    return None if settled else round(100 * digit.confidence, 1)


def _chosen(shown: Shown, predictors: Sequence[Predictor], found: Sequence[Reading], close: Closeup | None) -> None:
    """Draw what can be done with the marks chosen, and how the models read the first of them."""
    places = shown.chosen
    place = places[0]
    digits = found[0].digits
    if f"chosen_{shown.key}" not in st.session_state:
        shown.choose(places)
    if len(digits) > 1:
        chooser = f"digit_{shown.key}"
        st.session_state[chooser] = place
        st.selectbox(
            "Digit",
            range(len(digits)),
            format_func=lambda each: f"{each + 1} of {len(digits)}: {figures.digit_sentence(digits[each])}",
            key=chooser,
            help="Or click a digit in the picture, or select it in the table.",
            on_change=lambda: shown.choose([st.session_state[chooser]]),
        )
    _answers(shown, places, digits)
    for column, predictor, number, reading in zip(st.columns(2), predictors, (1, 2), found, strict=False):
        with column:
            said = figures.digit_sentence(shown.ledger.entries[place].said[predictor.name])
            st.html(f'<p class="note"><b>{html.escape(predictor.name)}</b> reads {said}</p>')
            ui.bars(reading.digits[place], predictor.name, f"bars_{number}_{shown.key}")
    ui.meaning([predictor.name for predictor in predictors], f"meaning_{shown.key}")
    entry = shown.ledger.entries[place]
    if close:
        st.markdown("**From the picture to what the models see**")
        ui.strip((*close.steps, *readings.cut_steps(entry.cut())))
        _which_step(shown, entry, predictors)
    else:
        ui.seen(entry.digit.glyph)


def _answers(shown: Shown, places: Sequence[int], digits: Sequence[Digit]) -> None:
    """Draw the buttons that put the first mark chosen right, and delete, join or split those chosen."""
    place, entry = places[0], shown.ledger.entries[places[0]]
    alone = len(shown.batch.pictures) == 1  # one key, one picture
    st.markdown("**What is it really?**" + (" Press a button, or a digit on the keyboard." if alone else ""))
    with st.container(horizontal=True, key=f"answers_{shown.key}"):
        for truth in (*range(10), NO_DIGIT):
            st.button(
                "no digit" if truth == NO_DIGIT else str(truth),
                key=f"is_{truth}_{shown.key}",
                type="primary" if entry.truth == truth else "secondary",
                help="Your answer. Press it again to leave the mark to the models." if entry.truth == truth else None,
                on_click=_put_right,
                args=(shown, place, truth),
                shortcut=str(truth) if alone and truth != NO_DIGIT else None,
            )
    with st.container(horizontal=True, key=f"boxes_{shown.key}"):
        doubts = [each for each in _after(place, len(digits)) if digits[each].flag and not _is_settled(digits[each])]
        st.button(
            "Next doubt",
            key=f"next_{shown.key}",
            icon=":material/navigate_next:",
            disabled=not doubts,
            on_click=shown.choose,
            args=(doubts[:1],),
        )
        st.button(
            "Delete" if len(places) == 1 else f"Delete {len(places)}",
            key=f"delete_{shown.key}",
            icon=":material/delete:",
            on_click=shown.change,
            args=(lambda ledger: ledgers.deleted(ledger, places),),
        )
        st.button(
            "Join" if len(places) == 1 else f"Join {len(places)}",
            key=f"join_{shown.key}",
            icon=":material/join:",
            disabled=len(digits) < 2,
            help="Select two or more in the table to make them one; of one, it is joined with the next.",
            on_click=shown.change,
            args=(lambda ledger: ledgers.joined(ledger, _to_join(places, len(digits)), shown.ink()),),
        )
        st.button(
            "Split",
            key=f"split_{shown.key}",
            icon=":material/content_cut:",
            help="Cut a mark into the digits that touch in it.",
            on_click=_split,
            args=(shown, place),
        )


def _is_settled(digit: Digit) -> bool:
    return digit.by_hand == ledgers.PUT_RIGHT


def _after(place: int, count: int) -> list[int]:
    """Return all other places, from the next one round to the one before."""
    return [*range(place + 1, count), *range(place)]


def _to_join(places: Sequence[int], count: int) -> list[int]:
    """Return the places chosen; of one alone, its and the next, or the one before where it is the last."""
    if len(places) > 1:
        return list(places)
    return [places[0], places[0] + 1 if places[0] + 1 < count else places[0] - 1]


def _put_right(shown: Shown, place: int, truth: int) -> None:
    """Take a person's answer, or take it back where it is the same again."""
    now = None if shown.ledger.entries[place].truth == truth else truth
    shown.change(lambda ledger: ledgers.corrected(ledger, place, now))


def _split(shown: Shown, place: int) -> None:
    shown.change(lambda ledger: ledgers.split(ledger, place, shown.ink(), registry.predictor(registry.default())))


def _which_step(shown: Shown, entry: Entry, predictors: Sequence[Predictor]) -> None:
    """Draw which step saved a digit; the file is read for it once the section is open."""

    def rows() -> tuple[Row, ...]:
        alone = len(shown.ledger.entries) == 1
        return _trail(shown.picture.key, shown.ledger.turned, entry.box, entry.crop, alone, shown, entry)

    ui_steps.which_step(rows, [predictor.name for predictor in predictors], f"trail_{shown.key}")


@st.cache_resource(max_entries=20, show_spinner=False, scope="session")
def _trail(key: str, turned: int, box: Box, crop: bytes, alone: bool, _shown: Shown, _entry: Entry) -> tuple[Row, ...]:
    """Return a digit after each step; those of a visitor's last few are kept, by all that they are made of.

    Raises:
        PictureError: If the file cannot be read.
    """
    assert _shown.data is not None  # without the file no section is drawn
    whole = batches.whole(_shown.data, _shown.picture.page, turned)
    whole = replace(whole, digits=tuple(each.digit for each in _shown.ledger.entries))
    return steps.trail(whole, replace(_entry.digit, steps=readings.cut_steps(_entry.cut())))
