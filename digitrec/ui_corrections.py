"""What can be put right on Upload: the picture whose ledger is drawn, and the buttons that change it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from digitrec import ledger as ledgers
from digitrec import number as numbers
from digitrec import registry, ui
from digitrec.batch import Batch, Picture
from digitrec.errors import DigitrecError
from digitrec.glyph import Box
from digitrec.ledger import NO_DIGIT, Ledger
from digitrec.reading import Digit

ROWS = ("Digits", "Numbers")
"""What the table has a row for."""


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

    def choose_listed(self, place: object) -> None:
        """Make the mark chosen that was chosen in a list; what came late, of a list that was another then, is left."""
        if isinstance(place, int) and place < len(self.ledger.entries):
            self.choose([place])

    @property
    def by_number(self) -> bool:
        """Whether the table has a row a number, not a digit."""
        return st.session_state.get(f"rows_{self.key}") == ROWS[1]

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


def add(shown: Shown, box: Box) -> None:
    """Add a box and have it read."""
    shown.change(lambda ledger: ledgers.added(ledger, box, shown.ink()))


def tools(shown: Shown, text: str) -> None:
    """Draw what is done to the whole picture: undo, turn, add a box, copy its text, numbers in rows."""
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
                st.code(text, language=None)  # it has a button that copies
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
    sides = [
        place.number_input(label, 0, most, 0, key=f"{label.lower()}_{most}_{shown.key}") for label, most, place in asked
    ]
    st.button("Read this box", key=f"read_{shown.key}", on_click=add, args=(shown, Box(*map(int, sides))))


def answers(shown: Shown, places: Sequence[int], digits: Sequence[Digit]) -> None:
    """Draw the buttons that put the first mark chosen right, and where the table has numbers a field for its number."""
    place, entry = places[0], shown.ledger.entries[places[0]]
    alone = len(shown.batch.pictures) == 1  # one key, one picture
    if shown.by_number:
        _whole_number(shown, place, digits, alone)
    ask = f"**What is digit {place + 1} really?**" if shown.by_number else "**What is it really?**"
    st.markdown(ask + (" Press a button, or a digit on the keyboard." if alone else ""))
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


def _whole_number(shown: Shown, place: int, digits: Sequence[Digit], keys: bool) -> None:
    """Draw what puts right the number that a mark stands in: a field for it, and where it begins and ends.

    Args:
        shown: The picture.
        place: The mark.
        digits: Those of the picture.
        keys: Whether a key presses each button.
    """
    group = next(group for group in numbers.places(digits) if place in group)
    now = numbers.written([digits[each] for each in group])
    if not now:
        return
    key, after = f"number_{shown.key}", numbers.following(digits, group)
    st.session_state[key] = now  # also after what was typed was refused
    st.text_input("What is this number really?", key=key, on_change=_renumber, args=(shown, group, key))
    with st.container(horizontal=True, key=f"numbers_{shown.key}"):
        st.button(
            "Join with the next",
            key=f"join_number_{shown.key}",
            icon=":material/add_link:",
            disabled=after is None,
            help="Make this number and the next one of the row one number.",
            on_click=_part,
            args=(shown, after, False),
            shortcut="J" if keys else None,
        )
        st.button(
            f"Split before digit {place + 1}",
            key=f"split_number_{shown.key}",
            icon=":material/link_off:",
            disabled=place == group[0],
            help="Choose the digit with which a new number begins, in the picture or in the list of digits above.",
            on_click=_part,
            args=(shown, place, True),
            shortcut="S" if keys else None,
        )


def _part(shown: Shown, place: int, begins: bool) -> None:
    shown.change(lambda ledger: ledgers.parted(ledger, place, begins))


def _renumber(shown: Shown, group: Sequence[int], key: str) -> None:
    shown.change(lambda ledger: ledgers.renumbered(ledger, group, st.session_state[key]))


def box_tools(shown: Shown, places: Sequence[int], digits: Sequence[Digit]) -> None:
    """Draw the buttons that go to the next doubt, and delete, join or split the marks chosen."""
    count = "" if len(places) == 1 else f" {len(places)}"
    doubts = [each for each in _after(places[0], len(digits)) if digits[each].flag and not is_settled(digits[each])]
    with st.container(horizontal=True, key=f"boxes_{shown.key}"):
        st.button(
            "Next doubt",
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
            args=(shown, places[0]),
        )


def is_settled(digit: Digit) -> bool:
    """Return whether a person said what it is."""
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
