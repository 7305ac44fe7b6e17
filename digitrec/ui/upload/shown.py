"""A picture whose digits are shown on Upload, and what is chosen in it."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import streamlit as st

from digitrec.errors import DigitrecError
from digitrec.recognition import normalize as glyphs
from digitrec.recognition import number_grouping as numbers
from digitrec.recognition.connected_parts import Reader
from digitrec.recognition.normalize import Box
from digitrec.recognition.results import NOT_A_DIGIT, Digit
from digitrec.uploads import corrections as edits
from digitrec.uploads.batch import Batch, Picture
from digitrec.uploads.corrections import Annotations

KEYS = "review_keys"
"""The component that sends digit keys: see `keys.js`."""

ROWS = ("Digits", "Numbers")
"""What the table has a row per."""


@dataclass
class Review:
    """What is chosen in a batch.

    It is one object, not entries of `st.session_state`: a callback that reads or writes one of those can be
    interrupted there by the next key, and would be half done.

    Attributes:
        chosen: The places of the chosen digits, the first one first, by the key of a card.
        active: The card that digit keys go to.
        wide: The cards whose details are open though there are many.
        walked: The card whose details were opened to show a doubt; they are closed again when it is left.
        moves: How often another card was gone to; the browser scrolls to it once.
        applied: The number of the last key that was applied.
        by_key: Whether a key chose last.
        touches: How many touches the browser had counted at the last choice or key: see `keys.js`.
        received: The last selection in a list or table that was taken for somebody's choice.
        changed: Whether a card was changed without the rest of the page, which counts doubts.
        order: The cards in the order in which they are drawn, and what it was made for.
    """

    chosen: dict[str, list[int]] = field(default_factory=dict)
    active: str = ""
    wide: set[str] = field(default_factory=set)
    walked: str = ""
    moves: int = 0
    applied: int = 0
    by_key: bool = False
    touches: int = 0
    received: Hashable = None
    changed: bool = False
    order: tuple[Any, list[str]] = (None, [])

    def accepts(self, selection: Hashable) -> bool:
        """Return whether somebody made a selection; a browser also sends former ones back, with a key or after it.

        Args:
            selection: What was selected, and where.
        """
        touches, keys = sent_keys()
        touched = touches > self.touches
        if any(key[0] > self.applied for key in keys) or st.session_state.get("next_doubt"):
            accepted = touched and selection != self.received
        else:
            accepted = touched or not self.by_key
        if accepted:
            self.received, self.by_key, self.touches = selection, False, max(touches, self.touches)
        return accepted


def sent_keys() -> tuple[int, list[list[Any]]]:
    """Return what `keys.js` sent: how many touches it counted, and the keys; of each its number, name and card."""
    held: Any = st.session_state.get(KEYS)
    sent = held.get("sent") if held else None
    if not (isinstance(sent, dict) and isinstance(sent.get("touches"), int) and isinstance(sent.get("keys"), list)):
        return 0, []  # nothing yet; a browser can send anything
    return sent["touches"], [key for key in sent["keys"] if is_key(key)]


def is_key(sent: Any) -> bool:
    """Return whether this is a key as `keys.js` sends it."""
    return isinstance(sent, list) and len(sent) == 3 and isinstance(sent[0], int) and isinstance(sent[1], str)


def review() -> Review:
    """Return what this visitor has chosen."""
    found: Review = st.session_state.setdefault("review", Review())
    return found


def card_keys(pictures: Sequence[Picture]) -> list[str]:
    """Return a key for each picture that stays the same when others come before it; twins are numbered."""
    seen: dict[str, int] = {}
    keys = []
    for picture in pictures:
        count = seen[picture.key] = seen.get(picture.key, 0) + 1
        keys.append(f"{count}_{picture.key[:16]}")
    return keys


class Shown(NamedTuple):
    """A picture whose digits are shown.

    Attributes:
        batch: Its batch.
        picture: The picture.
        single: Whether it holds exactly one digit.
        data: The file's bytes, where they are available.
        key: The key of its card, the end of its widgets' keys.
        model: The first model; the candidates that it rejects are hidden.
        review: What is chosen in the batch.
        state: The session's state, or a copy of it.
    """

    batch: Batch
    picture: Picture
    single: bool
    data: bytes | None
    key: str
    model: str
    review: Review
    state: Mapping[Any, Any]

    @property
    def annotations(self) -> Annotations:
        """The current annotations."""
        return self.batch.annotations(self.picture, self.single)

    @property
    def left_out(self) -> frozenset[int]:
        """Places of the candidates that were rejected and not corrected."""
        return edits.left_out(self.annotations, self.model)

    @property
    def shows_left_out(self) -> bool:
        """Whether rejected candidates are shown too."""
        return bool(self.state.get(f"left_out_{self.key}"))

    @property
    def visible(self) -> list[int]:
        """Places of the digits that are shown in the picture and in the table."""
        hidden = frozenset() if self.shows_left_out else self.left_out
        return [place for place in range(len(self.annotations.entries)) if place not in hidden]

    @property
    def chosen(self) -> list[int]:
        """Places of the chosen digits, at least one where any is shown."""
        visible = self.visible
        held = [place for place in self.review.chosen.get(self.key, []) if place in visible]
        return held or visible[:1]

    def choose(self, places: Sequence[int]) -> None:
        """Choose digits; digit keys and other pages continue with the first."""
        self.review.chosen[self.key] = list(places)
        self.review.active = self.key

    def choose_listed(self, place: object) -> None:
        """Choose the digit that was selected in a list; an event that arrives late, for another list, is ignored."""
        if isinstance(place, int) and place in self.visible:
            self.choose([place])

    @property
    def by_number(self) -> bool:
        """Whether the table has a row per number, not per digit."""
        return self.state.get(f"rows_{self.key}") == ROWS[1]

    def rows(self) -> list[list[int]]:
        """Return the places of the digits in each row of the table, in its order."""
        digits, visible = edits.reading(self.annotations, self.model).digits, frozenset(self.visible)
        groups = numbers.places(digits) if self.by_number else [[place] for place in range(len(digits))]
        groups = [group for group in groups if visible.issuperset(group)]  # a rejected candidate is alone in its group
        if self.state.get(f"sorted_{self.key}"):
            groups.sort(key=lambda group: min(_sureness(digits[place]) for place in group))
        return groups

    def step(self, rows: int) -> None:
        """Choose the row of the table that is so many rows further down, or the last one in that direction."""
        groups = self.rows()
        if groups:
            at = next(row for row, group in enumerate(groups) if self.chosen[0] in group)
            self.choose(groups[min(max(at + rows, 0), len(groups) - 1)])

    def boxed(self, box: Box) -> Digit:
        """Return the digit in a box of the upright picture; what lies outside is left out.

        Raises:
            PictureError: If its file is not available, or no ink is in the box.
        """
        mine = self.annotations
        return self.batch.boxed(self.picture, mine.angle, glyphs.clipped(box, mine.size[::-1]), self.data)

    def parts(self, place: int, finder: Reader) -> list[Digit]:
        """Return the digits that touch in the box at a place, as a model judges the cuts.

        Raises:
            PictureError: If its file is not available, or no cut leaves two digits.
        """
        mine = self.annotations
        return self.batch.parts(self.picture, mine.angle, mine.entries[place].box, finder, self.data)

    def change(self, change: Callable[[Annotations], Annotations]) -> None:
        """Change the annotations and choose what is new; if that fails, show the error."""
        try:
            before, chosen = {entry.box for entry in self.annotations.entries}, self.chosen[:1]
            after = self.batch.change(self.picture, self.single, change)
        except DigitrecError as error:
            st.session_state[f"message_{self.key}"] = str(error)
            return
        self.review.changed = True
        new = [place for place, entry in enumerate(after.entries) if entry.box not in before]
        visible = self.visible
        following = [place for place in visible if chosen and place >= chosen[0]]
        self.choose(new[:1] or following[:1] or visible[-1:])

    def undo(self) -> None:
        """Take the last change back and choose the digit that it corrected."""
        before = self.annotations.entries
        self.change(edits.undone)
        after = self.annotations.entries
        if len(before) == len(after):
            differing = [place for place, pair in enumerate(zip(before, after, strict=True)) if _differ(*pair)]
            self.choose([place for place in differing if place in self.visible][:1] or self.chosen)


def _differ(one: edits.Entry, other: edits.Entry) -> bool:
    return one.truth != other.truth


def _sureness(digit: Digit) -> float:
    """Return a sort key, lowest for the digits that need checking most; corrected ones come last."""
    if digit.by_hand == edits.CORRECTED:
        return 2.0
    return abs(2 * digit.is_digit - 1) if digit.flag == NOT_A_DIGIT else min(digit.confidence, digit.is_digit)
