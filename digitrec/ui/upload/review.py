"""Going through the digits of a batch on Upload: the count of doubts, the next doubt, and corrections by keys."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from digitrec import formats
from digitrec.figures import page_picture
from digitrec.ui.upload.shown import KEYS, Review, Shown, review, sent_keys
from digitrec.uploads import corrections as edits
from digitrec.uploads.corrections import NO_DIGIT
from digitrec.uploads.doubts import Spot, after_correction, doubtful, following

FEW = 3
"""Up to this many pictures show their details at once."""

STYLE = """<style>
:has(> .st-key-review) {position: sticky; top: 3.5rem; z-index: 90}
.st-key-review {padding: .25rem 0; background: light-dark(#FFFFFF, #11171D)}
.st-key-review:not(:has(button)) {position: absolute}
.st-key-review_keys {order: 9; flex: 1 1 18rem; min-width: 0}
</style>"""

HTML = """<p class="how" hidden>Keys: <kbd>0</kbd> to <kbd>9</kbd> correct the chosen digit and go on to the next doubt
or digit, <kbd>x</kbd> not a digit, <kbd>↑</kbd> <kbd>↓</kbd> choose, <kbd>n</kbd> next doubt, <kbd>u</kbd> undo.</p>
<p class="says" aria-live="polite"></p>"""

CSS = """p {margin: 0; font-size: .8rem; line-height: 1.3; color: var(--st-text-color)}
.says {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)}
kbd {font: inherit; border: 1px solid var(--st-border-color); border-radius: .2rem; padding: 0 .25rem}
[hidden] {display: none}
@media (pointer: coarse) {.how {display: none}}"""

_keys = st.components.v2.component(
    "digitrec_keys", html=HTML, css=CSS, js=(Path(__file__).parent / "keys.js").read_text()
)


def bar(shown: Sequence[Shown]) -> None:
    """Draw how many digits need a look, the button that goes to the next of them, and what the keys do.

    Args:
        shown: The pictures that could be read, in the order in which they are drawn. Without any, nothing is seen, but
            the browser gets ready for the keys.
    """
    mine = review()
    st.html(STYLE)
    _keys(
        key=KEYS,
        data=_for_browser(shown, mine),
        default={"sent": {}},
        on_sent_change=lambda: _apply(sent_keys(), _frozen(shown), mine),
    )
    if not shown:
        return
    left = doubts(shown)
    count, within = sum(map(len, left)), sum(map(bool, left))
    where = f" in {within} of {len(shown)} pictures" if len(shown) > 1 else ""
    st.markdown(
        f"**{formats.plural(count, 'doubtful digit')}**{where}" if count else "No doubtful digit", width="content"
    )
    st.button(
        "Next doubt",
        key="next_doubt",
        icon=":material/navigate_next:",
        disabled=not count,
        help="Goes to the next digit of which the model is not sure, also in other pictures.",
        on_click=lambda: _apply((0, [[mine.applied + 1, "n", None]]), _frozen(shown), mine),
    )
    if len(shown) > 1:
        st.toggle(
            "Doubtful first",
            key="doubtful_first",
            persist_state="session",
            help="Pictures that hold doubtful digits come first.",
        )


def _for_browser(shown: Sequence[Shown], mine: Review) -> dict[str, Any]:
    """Return what is sent to the browser: which keys were applied, and which card to scroll to."""
    at = next((each for each in shown if each.key == mine.active), None)
    return {
        "ready": bool(shown),
        "applied": mine.applied,
        "moves": mine.moves,
        "card": number(at) if at else 0,
        "says": _spoken(at) if at else "",
    }


def number(shown: Shown) -> int:
    """Return the number of a picture in the batch, from 1."""
    return shown.batch.pictures.index(shown.picture) + 1


def _frozen(shown: Sequence[Shown]) -> list[Shown]:
    """Return pictures that read a copy of the session's state; see `Review`."""
    state = st.session_state.to_dict()
    return [each._replace(state=state) for each in shown if each.picture in each.batch.pictures]


def _spoken(shown: Shown) -> str:
    """Describe the chosen digit, for screen readers."""
    places, visible = shown.chosen, shown.visible
    if not places:
        return ""
    digit = edits.reading(shown.annotations, shown.model).digits[places[0]]
    name = f", {shown.picture.name}" if len(shown.batch.pictures) > 1 else ""
    return f"Digit {visible.index(places[0]) + 1} of {len(visible)}{name}: {page_picture.digit_sentence(digit)}."


def doubts(shown: Sequence[Shown]) -> list[list[int]]:
    """Return the places of the doubtful digits of each picture."""
    return [doubtful(each.annotations, each.model) for each in shown]


def _apply(sent: tuple[int, list[list[Any]]], shown: Sequence[Shown], mine: Review) -> None:
    """Apply the keys that were not applied yet, in order.

    Args:
        sent: Touches and keys: see `sent_keys`. A key without the number of a card goes to the active one.
        shown: The pictures that could be read, in the order in which they are drawn.
        mine: What is chosen.
    """
    touches, keys = sent
    if touches > mine.touches and mine.by_key:
        mine.touches, mine.by_key = touches, False
    for count, key, card in sorted(keys, key=lambda each: each[0]):
        if count <= mine.applied:
            continue
        mine.applied, mine.by_key, mine.touches = count, True, max(touches, mine.touches)
        focused = next((each.key for each in shown if number(each) == card), mine.active)
        place = next((place for place, each in enumerate(shown) if each.key == focused), None)
        if place is None and shown and len(shown[0].batch.pictures) <= FEW:
            place = 0
        if key == "n":
            at = None if place is None else _spot(shown, place)
            _go(shown, mine, following(doubts(shown), at))
        elif place is not None and shown[place].visible:
            mine.active = shown[place].key
            if key == "u":
                shown[place].undo()
            elif key in ("down", "up"):
                shown[place].step(1 if key == "down" else -1)
            elif key == "x" or (len(key) == 1 and key in "0123456789"):
                _correct(shown, mine, place, NO_DIGIT if key == "x" else int(key))


def _spot(shown: Sequence[Shown], place: int) -> Spot:
    """Return the chosen digit of a picture; -1 in its place if it shows none."""
    return Spot(place, next(iter(shown[place].chosen), -1))


def _correct(shown: Sequence[Shown], mine: Review, place: int, truth: int) -> None:
    """Correct the chosen digit of a picture and go on to the next one."""
    at = _spot(shown, place)
    was_doubt = at.place in doubtful(shown[place].annotations, shown[place].model)
    shown[place].change(lambda mine: edits.corrected(mine, at.place, truth))
    unsettled = [[place for place in each.visible if each.annotations.entries[place].truth is None] for each in shown]
    _go(shown, mine, after_correction(doubts(shown), unsettled, at, was_doubt))


def _go(shown: Sequence[Shown], mine: Review, spot: Spot | None) -> None:
    """Choose a digit of any picture; where there are many, the details of that picture are opened."""
    if spot is None:
        return
    target = shown[spot.picture]
    if target.key != mine.active:
        mine.moves += 1
        mine.wide.discard(mine.walked)
        mine.walked = "" if target.key in mine.wide else target.key
        mine.wide.add(target.key)
    target.choose([spot.place])
