"""Corrections on Upload: the buttons that change the digits of a picture."""

from collections.abc import Sequence

import streamlit as st

from digitrec.errors import DigitrecError
from digitrec.recognition import number_grouping as numbers
from digitrec.recognition.normalize import Box
from digitrec.recognition.results import Digit
from digitrec.registry import registry
from digitrec.ui import common
from digitrec.ui.upload.shown import Shown
from digitrec.uploads import corrections as edits
from digitrec.uploads.corrections import NO_DIGIT


def add(shown: Shown, box: Box) -> None:
    """Add a box and have it read."""
    shown.change(lambda mine: edits.added(mine, shown.boxed(box)))


def tools(shown: Shown, text: str) -> None:
    """Draw the actions on the whole picture: undo, rotate, add a box, copy its text, show rejected candidates."""
    angle, rejected = round(shown.annotations.angle, 1) % 360.0, len(shown.left_out)
    if angle:
        st.markdown(f"Rotated by {angle:g}° for reading.")
    with st.container(horizontal=True, vertical_alignment="center", key=f"tools_{shown.key}"):
        st.button(
            "Undo",
            key=f"undo_{shown.key}",
            icon=":material/undo:",
            disabled=not shown.annotations.before,
            on_click=shown.undo,
        )
        st.button(
            "Rotate",
            key=f"turn_{shown.key}",
            icon=":material/rotate_right:",
            help="Rotate the picture by 90° clockwise and read it again.",
            on_click=_turn,
            args=(shown,),
        )
        with st.popover("Add a box", key=f"add_{shown.key}", icon=":material/add_box:"):
            _new_box(shown)
        if text:
            with st.popover("Copy", key=f"copy_{shown.key}", icon=":material/content_copy:"):
                st.code(text, language=None)  # it has a button that copies
        if rejected:
            st.toggle(
                f"Show rejected ({rejected})",
                key=f"left_out_{shown.key}",
                persist_state="session",
                help="Candidates that were rejected as not a handwritten digit, such as print, letters or punctuation.",
            )
    message = st.session_state.pop(f"message_{shown.key}", None)
    if message:
        st.warning(common.plain(message), icon=":material/error:")


def _turn(shown: Shown) -> None:
    """Rotate the picture by 90 degrees clockwise, and find and read its digits again."""
    try:
        shown.batch.turn(shown.picture, shown.single, registry.predictor(registry.default()), shown.data)
        shown.choose([])
    except DigitrecError as error:
        st.session_state[f"message_{shown.key}"] = str(error)


def _new_box(shown: Shown) -> None:
    """Draw the two ways to add a box: with the mouse, and by its coordinates."""
    st.toggle("Draw boxes on the picture", key=f"drawing_{shown.key}", disabled=not shown.data)
    st.caption("Or enter its position in pixels of the picture:")
    width, height = shown.annotations.size
    first, second = st.columns(2)
    asked = (("Left", width, first), ("Top", height, second), ("Width", width, first), ("Height", height, second))
    sides = [
        place.number_input(label, 0, most, 0, key=f"{label.lower()}_{most}_{shown.key}") for label, most, place in asked
    ]
    st.button("Read this box", key=f"read_{shown.key}", on_click=add, args=(shown, Box(*map(int, sides))))


def answers(shown: Shown, places: Sequence[int], digits: Sequence[Digit]) -> None:
    """Draw the buttons that correct the first chosen digit, and in a table of numbers a field for its number."""
    place, entry = places[0], shown.annotations.entries[places[0]]
    alone = len(shown.batch.pictures) == 1  # one key, one picture
    if shown.by_number:
        _whole_number(shown, place, digits, alone)
    ask = f"**Correct digit {shown.visible.index(place) + 1}.**" if shown.by_number else "**Correct this digit.**"
    st.markdown(f"{ask} Press a button or a digit key.")
    with st.container(horizontal=True, key=f"answers_{shown.key}"):
        for truth in (*range(10), NO_DIGIT):
            st.button(
                "Not a digit" if truth == NO_DIGIT else str(truth),
                key=f"is_{truth}_{shown.key}",
                type="primary" if entry.truth == truth else "secondary",
                help="Your correction. Press it again to remove it." if entry.truth == truth else None,
                on_click=_correct,
                args=(shown, place, truth),
            )


def _whole_number(shown: Shown, place: int, digits: Sequence[Digit], keys: bool) -> None:
    """Draw the controls that correct the number of a digit: a field for it, and where it begins and ends.

    Args:
        shown: The picture.
        place: The digit.
        digits: Those of the picture.
        keys: Whether a key presses each button.
    """
    group = next(group for group in numbers.places(digits) if place in group)
    now = numbers.written([digits[each] for each in group])
    if not now:
        return
    key, after = f"number_{shown.key}", numbers.following(digits, group)
    st.session_state[key] = now  # also after an invalid input
    st.text_input("Correct this number", key=key, on_change=_renumber, args=(shown, group, key))
    with st.container(horizontal=True, key=f"numbers_{shown.key}"):
        st.button(
            "Join with the next",
            key=f"join_number_{shown.key}",
            icon=":material/add_link:",
            disabled=after is None,
            help="Joins this number and the next one in the row.",
            on_click=_part,
            args=(shown, after, False),
            shortcut="J" if keys else None,
        )
        st.button(
            f"Split before digit {shown.visible.index(place) + 1}",
            key=f"split_number_{shown.key}",
            icon=":material/link_off:",
            disabled=place == group[0],
            help="First choose the digit with which a new number begins, in the picture or in the list above.",
            on_click=_part,
            args=(shown, place, True),
            shortcut="S" if keys else None,
        )


def _part(shown: Shown, place: int, begins: bool) -> None:
    shown.change(lambda mine: edits.parted(mine, place, begins))


def _renumber(shown: Shown, group: Sequence[int], key: str) -> None:
    typed = st.session_state[key]
    if shown.review.accepts((key, typed)):
        shown.change(lambda mine: edits.renumbered(mine, group, typed))


def box_tools(shown: Shown, places: Sequence[int]) -> None:
    """Draw the buttons that delete, join or split the chosen digits."""
    count, visible = "" if len(places) == 1 else f" {len(places)}", shown.visible
    with st.container(horizontal=True, key=f"boxes_{shown.key}"):
        st.button(
            f"Delete{count}",
            key=f"delete_{shown.key}",
            icon=":material/delete:",
            on_click=shown.change,
            args=(lambda mine: edits.deleted(mine, places),),
        )
        st.button(
            f"Join{count}",
            key=f"join_{shown.key}",
            icon=":material/join:",
            disabled=len(visible) < 2,
            help="Joins the selected digits into one; if only one is selected, joins it with the next.",
            on_click=_join,
            args=(shown, places),
        )
        st.button(
            "Split",
            key=f"split_{shown.key}",
            icon=":material/content_cut:",
            help="Splits a box into the touching digits in it.",
            on_click=_split,
            args=(shown, places[0]),
        )


def is_settled(digit: Digit) -> bool:
    """Return whether a person corrected it."""
    return digit.by_hand == edits.CORRECTED


def _to_join(places: Sequence[int], visible: Sequence[int]) -> list[int]:
    """Return the chosen places; for a single one, also the next, or the previous one where it is the last."""
    if len(places) > 1:
        return list(places)
    others = [each for each in visible if each > places[0]] or [each for each in visible if each < places[0]][-1:]
    return [places[0], others[0]]


def _correct(shown: Shown, place: int, truth: int) -> None:
    """Apply a correction, or remove it where it is repeated."""
    now = None if shown.annotations.entries[place].truth == truth else truth
    shown.change(lambda mine: edits.corrected(mine, place, now))


def _join(shown: Shown, chosen: Sequence[int]) -> None:
    places = _to_join(chosen, shown.visible)
    shown.change(lambda mine: edits.joined(mine, places, shown.boxed(edits.to_join(mine, places))))


def _split(shown: Shown, place: int) -> None:
    finder = registry.predictor(registry.default())
    shown.change(lambda mine: edits.split(mine, place, shown.parts(place, finder)))
