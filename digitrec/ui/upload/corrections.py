"""Corrections on Upload: the picture that is shown, and the buttons that change its digits."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from digitrec.errors import DigitrecError
from digitrec.recognition import number_grouping as numbers
from digitrec.recognition.normalize import Box
from digitrec.recognition.results import Digit
from digitrec.registry import registry
from digitrec.ui import common
from digitrec.uploads import corrections as ledgers
from digitrec.uploads.batch import Batch, Picture
from digitrec.uploads.corrections import NO_DIGIT, Ledger

ROWS = ("Digits", "Numbers")
"""What the table has a row per."""


class Shown(NamedTuple):
    """A picture whose digits are shown.

    Attributes:
        batch: Its batch.
        picture: The picture.
        single: Whether it holds exactly one digit.
        data: The file's bytes, where they are available.
        key: The end of its widgets' keys.
        model: The first model; the candidates that it rejects are hidden.
    """

    batch: Batch
    picture: Picture
    single: bool
    data: bytes | None
    key: str
    model: str

    @property
    def ledger(self) -> Ledger:
        """The current annotations."""
        return self.batch.ledger(self.picture, self.single)

    @property
    def left_out(self) -> frozenset[int]:
        """Places of the candidates that were rejected and not corrected."""
        return ledgers.left_out(self.ledger, self.model)

    @property
    def shows_left_out(self) -> bool:
        """Whether rejected candidates are shown too."""
        return bool(st.session_state.get(f"left_out_{self.key}"))

    @property
    def visible(self) -> list[int]:
        """Places of the digits that are shown in the picture and in the table."""
        hidden = frozenset() if self.shows_left_out else self.left_out
        return [place for place in range(len(self.ledger.entries)) if place not in hidden]

    @property
    def chosen(self) -> list[int]:
        """Places of the chosen digits, at least one where any is shown."""
        visible = self.visible
        held = [place for place in st.session_state.get(f"chosen_{self.key}", []) if place in visible]
        return held or visible[:1]

    def choose(self, places: Sequence[int]) -> None:
        """Choose digits; other pages continue with the glyph of the first."""
        st.session_state[f"chosen_{self.key}"] = list(places)
        if places:
            st.session_state["last_glyph"] = self.ledger.entries[places[0]].digit.glyph

    def choose_listed(self, place: object) -> None:
        """Choose the digit that was selected in a list; an event that arrives late, for another list, is ignored."""
        if isinstance(place, int) and place in self.visible:
            self.choose([place])

    @property
    def by_number(self) -> bool:
        """Whether the table has a row per number, not per digit."""
        return st.session_state.get(f"rows_{self.key}") == ROWS[1]

    def ink(self) -> ledgers.Floats:
        """Return the upright ink.

        Raises:
            PictureError: If neither it nor the file is available.
        """
        return self.batch.ink(self.picture, self.ledger.angle, self.data)

    def change(self, change: Callable[[Ledger], Ledger]) -> None:
        """Change the annotations and choose what is new; if that fails, show the error."""
        try:
            before, chosen = {entry.box for entry in self.ledger.entries}, self.chosen[:1]
            after = self.batch.change(self.picture, self.single, change)
        except DigitrecError as error:
            st.session_state[f"message_{self.key}"] = str(error)
            return
        new = [place for place, entry in enumerate(after.entries) if entry.box not in before]
        visible = self.visible
        following = [place for place in visible if chosen and place >= chosen[0]]
        self.choose(new[:1] or following[:1] or visible[-1:])


def add(shown: Shown, box: Box) -> None:
    """Add a box and have it read."""
    shown.change(lambda ledger: ledgers.added(ledger, box, shown.ink()))


def tools(shown: Shown, text: str) -> None:
    """Draw the actions on the whole picture: undo, rotate, add a box, copy its text, show rejected candidates."""
    angle, rejected = round(shown.ledger.angle, 1) % 360.0, len(shown.left_out)
    if angle:
        st.markdown(f"Rotated by {angle:g}° for reading.")
    with st.container(horizontal=True, vertical_alignment="center", key=f"tools_{shown.key}"):
        st.button(
            "Undo",
            key=f"undo_{shown.key}",
            icon=":material/undo:",
            disabled=not shown.ledger.before,
            on_click=shown.change,
            args=(ledgers.undone,),
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
    width, height = shown.ledger.size
    first, second = st.columns(2)
    asked = (("Left", width, first), ("Top", height, second), ("Width", width, first), ("Height", height, second))
    sides = [
        place.number_input(label, 0, most, 0, key=f"{label.lower()}_{most}_{shown.key}") for label, most, place in asked
    ]
    st.button("Read this box", key=f"read_{shown.key}", on_click=add, args=(shown, Box(*map(int, sides))))


def answers(shown: Shown, places: Sequence[int], digits: Sequence[Digit]) -> None:
    """Draw the buttons that correct the first chosen digit, and in a table of numbers a field for its number."""
    place, entry = places[0], shown.ledger.entries[places[0]]
    alone = len(shown.batch.pictures) == 1  # one key, one picture
    if shown.by_number:
        _whole_number(shown, place, digits, alone)
    ask = f"**Correct digit {shown.visible.index(place) + 1}.**" if shown.by_number else "**Correct this digit.**"
    st.markdown(ask + (" Press a button or a digit key." if alone else ""))
    with st.container(horizontal=True, key=f"answers_{shown.key}"):
        for truth in (*range(10), NO_DIGIT):
            st.button(
                "Not a digit" if truth == NO_DIGIT else str(truth),
                key=f"is_{truth}_{shown.key}",
                type="primary" if entry.truth == truth else "secondary",
                help="Your correction. Press it again to remove it." if entry.truth == truth else None,
                on_click=_correct,
                args=(shown, place, truth),
                shortcut=str(truth) if alone and truth != NO_DIGIT else None,
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
    shown.change(lambda ledger: ledgers.parted(ledger, place, begins))


def _renumber(shown: Shown, group: Sequence[int], key: str) -> None:
    shown.change(lambda ledger: ledgers.renumbered(ledger, group, st.session_state[key]))


def box_tools(shown: Shown, places: Sequence[int], digits: Sequence[Digit]) -> None:
    """Draw the buttons that go to the next uncertain digit, and delete, join or split the chosen digits."""
    count = "" if len(places) == 1 else f" {len(places)}"
    visible, left_out = shown.visible, shown.left_out
    doubts = [
        each
        for each in _after(places[0], visible)
        if digits[each].flag and not is_settled(digits[each]) and each not in left_out
    ]
    with st.container(horizontal=True, key=f"boxes_{shown.key}"):
        st.button(
            "Next uncertain",
            key=f"next_{shown.key}",
            icon=":material/navigate_next:",
            disabled=not doubts,
            on_click=shown.choose,
            args=(doubts[:1],),
        )
        st.button(
            f"Delete{count}",
            key=f"delete_{shown.key}",
            icon=":material/delete:",
            on_click=shown.change,
            args=(lambda ledger: ledgers.deleted(ledger, places),),
        )
        st.button(
            f"Join{count}",
            key=f"join_{shown.key}",
            icon=":material/join:",
            disabled=len(visible) < 2,
            help="Joins the selected digits into one; if only one is selected, joins it with the next.",
            on_click=shown.change,
            args=(lambda ledger: ledgers.joined(ledger, _to_join(places, visible), shown.ink()),),
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
    return digit.by_hand == ledgers.PUT_RIGHT


def _after(place: int, visible: Sequence[int]) -> list[int]:
    """Return all other visible places, from the next one round to the one before."""
    return [each for each in visible if each > place] + [each for each in visible if each < place]


def _to_join(places: Sequence[int], visible: Sequence[int]) -> list[int]:
    """Return the chosen places; for a single one, also the next, or the previous one where it is the last."""
    if len(places) > 1:
        return list(places)
    others = [each for each in visible if each > places[0]] or [each for each in visible if each < places[0]][-1:]
    return [places[0], others[0]]


def _correct(shown: Shown, place: int, truth: int) -> None:
    """Apply a correction, or remove it where it is repeated."""
    now = None if shown.ledger.entries[place].truth == truth else truth
    shown.change(lambda ledger: ledgers.corrected(ledger, place, now))


def _split(shown: Shown, place: int) -> None:
    shown.change(lambda ledger: ledgers.split(ledger, place, shown.ink(), registry.predictor(registry.default())))
