"""The Upload page's parts: a card per picture, its details, the files to download."""

import html
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from digitrec import formats
from digitrec.errors import PictureError
from digitrec.recognition import number_grouping as numbers
from digitrec.recognition.classifier import Predictor
from digitrec.recognition.results import NOT_A_DIGIT, UNCERTAIN, Digit, Reading, either
from digitrec.registry import registry
from digitrec.ui import common, tab
from digitrec.ui.upload import pictures as upload_pictures
from digitrec.ui.upload import review as upload_review
from digitrec.ui.upload.choosing import batch, remove_all
from digitrec.ui.upload.review import FEW
from digitrec.ui.upload.shown import Shown, card_keys, review
from digitrec.uploads import names, serialize
from digitrec.uploads.batch import Outcome, Picture
from digitrec.uploads.corrections import CORRECTED

NAMED = 3
"""Up to this many uncertain digits are listed one by one."""

NUMERALS = 20
"""Digits in one row that stand beside the name of their picture; others stand below it."""

ENDING = 9
"""Characters at the end of a long name that are seen where there is no room for all of it."""

LONGEST = 60
"""Characters up to which numbers are also shown above the table."""

REFRESH = 0.3
"""Seconds between two updates while pictures are read; each costs the browser time."""

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

STYLE = """<style>
@media (min-width: 40rem) {.stMainBlockContainer {padding-left: 2rem; padding-right: 2rem}}
.st-key-cards {display: grid; grid-template-columns: repeat(auto-fill, minmax(9.25rem, 1fr)); gap: 1rem}
.st-key-cards > * {min-width: 0}
.st-key-cards > :has(.picture.big) {grid-column: 1 / -1}
.picture img, .picture .none {display: block; width: 100%; height: 5rem; object-fit: contain; border-radius: .25rem;
  background: rgba(128, 128, 128, .15)}
.picture .none {text-align: center; line-height: 5rem; font-size: 1.5rem}
.picture span {display: flex; font-size: .8rem; padding-top: .25rem; white-space: pre; overflow: hidden}
.picture i {font-style: normal; flex: none}
.picture i:first-child {flex: 0 1 auto; overflow: hidden; text-overflow: ellipsis}
.picture.big {display: flex; gap: .75rem; align-items: center}
.picture.big img, .picture.big .none {flex: none; width: 3.5rem; height: 3.5rem; line-height: 3.5rem}
.picture.big span {font-size: 1rem; padding: 0}
[class*="st-key-head_"]:has(.big) {padding-right: 2rem}
[class*="st-key-reading_"] {position: relative; scroll-margin-top: 9rem}
@media (max-width: 40rem) {[class*="st-key-reading_"] {scroll-margin-top: 14rem}} /* the bar above wraps */
:has(> .st-key-progress):not(:has([role="progressbar"], button, [data-testid="stAlert"])) {display: none}
:has(> [class*="st-key-dismiss_"]) {position: absolute; top: .25rem; right: .25rem; width: auto; z-index: 1}
[class*="st-key-dismiss_"] {width: auto; border-radius: .5rem; background: light-dark(#FFFFFF, #11171D)}
[class*="st-key-dismiss_"] button {padding: 0 .25rem; min-height: 1.75rem}
[class*="st-key-dismiss_"] [data-testid="stMarkdownContainer"] {position: absolute; width: 1px; height: 1px;
  overflow: hidden; clip-path: inset(50%)}
[class*="st-key-text_"] [data-testid="stText"] {font-size: 1.75rem; font-weight: 700; line-height: 1.3;
  font-variant-numeric: tabular-nums; white-space: pre; display: block; overflow: auto; max-height: 24rem}
[class*="st-key-text_"] [data-testid="stText"] span {white-space: pre; display: block; width: max-content}
[class*="st-key-reading_"]:not(:has(.big)) [data-testid="stText"] {font-size: 1.3rem; max-height: 6.5rem}
.note {font-size: .8rem; line-height: 1.3; margin: 0}
[class*="st-key-reading_"] .strip {display: grid; grid-template-columns: repeat(auto-fill, minmax(7.25rem, 1fr))}
[class*="st-key-reading_"] .strip figure {width: auto}
[class*="st-key-reading_"] .strip img {width: 100%; height: auto; aspect-ratio: 1}
</style>"""


def _set_stopped(stopped: bool) -> None:
    st.session_state.stopped = stopped


def read_all(
    predictors: Sequence[Predictor], single: bool, files: Mapping[str, UploadedFile], above: DeltaGenerator
) -> list[int]:
    """Read all pictures and draw their cards; return the places of those read.

    A button stops it; the readings until then are kept.

    Args:
        predictors: One or two models.
        single: Whether each picture holds exactly one digit.
        files: The available files by the ids that the batch uses.
        above: The container of the bar that counts doubts.
    """
    mine, chosen = batch(), review()
    chosen.changed = False
    stopped = bool(st.session_state.get("stopped"))
    if mine.left_out:
        st.warning(
            f"Only {len(mine.pictures):,} pictures are read at once. {mine.left_out:,} were left out. "
            "Remove some pictures, then choose those again.",
            icon=":material/filter_list:",
        )
    head, cards = st.container(key="progress"), st.container(key="cards")
    unread = [picture for picture in mine.pictures if not mine.is_read(picture, single)]
    bar, button = head.empty(), head.empty()
    if sentence := tab.unkept():
        head.info(sentence, icon=":material/info:")
    if unread and not stopped:
        bar.progress(0.0, _progress(0, len(unread), 0.0))
        button.button("Stop", key="stop_reading", icon=":material/stop:", on_click=_set_stopped, args=(True,))
    began = shown_at = time.monotonic()
    done, read = 0, dict[int, _Card]()
    undrawn: list[_Card] = []
    for place, (picture, key) in enumerate(zip(mine.pictures, card_keys(mine.pictures), strict=True)):
        waiting = not mine.is_read(picture, single)
        if waiting and stopped:
            continue
        file = files.get(picture.source)
        for predictor in predictors:
            reading = partial(
                mine.outcome, picture, single, predictor, file.getvalue() if file else None, registry.finder()
            )
            if waiting and predictor is predictors[0]:
                common.logged("Upload", predictor, reading)
            else:
                reading()
        done += waiting
        read[place] = _Card(place + 1, picture, key, tuple(predictors), single, file)
        undrawn.append(read[place])
        if waiting and time.monotonic() - shown_at > REFRESH:
            bar.progress(done / len(unread), _progress(done, len(unread), time.monotonic() - began))
            _draw(cards, undrawn)
            undrawn, shown_at = [], time.monotonic()
    ordered = _ordered(list(read.values()))
    with above:
        upload_review.bar([shown for each in ordered if (shown := _shown(each))])
    _draw(cards, ordered if len(undrawn) == len(ordered) else undrawn)
    bar.empty()
    button.empty()
    if len(read) < len(mine.pictures):
        bar.info(f"Stopped: {len(read)} of {len(mine.pictures)} pictures read.")
        button.button("Read the rest", key="go_on", on_click=_set_stopped, args=(False,))
    elif done and st.session_state.get("doubtful_first"):
        st.rerun()  # some cards were drawn before all doubts were known
    return list(read)


class _Card(NamedTuple):
    """What a card is drawn of: see `card`."""

    number: int
    picture: Picture
    key: str
    predictors: tuple[Predictor, ...]
    single: bool
    file: UploadedFile | None


def _ordered(cards: Sequence[_Card]) -> list[_Card]:
    """Return cards in the order in which they are drawn.

    Where doubts come first, the order stays when the last doubt of a picture is settled: it would go away from under
    the hand.
    """
    chosen, first = review(), bool(st.session_state.get("doubtful_first"))
    asked = first, [(each.key, each.predictors[0].name, each.single) for each in cards]
    if chosen.order[0] != asked:
        doubts = {each.key: bool((shown := _shown(each)) and upload_review.doubts([shown])[0]) for each in cards}
        keys = [each.key for each in sorted(cards, key=lambda each: first and not doubts[each.key])]
        chosen.order = asked, keys
    by_key = {each.key: each for each in cards}
    return [by_key[key] for key in chosen.order[1]]


def _shown(card: _Card) -> Shown | None:
    """Return the picture of a card with its digits, or None if it could not be read."""
    mine = batch()
    try:
        mine.annotations(card.picture, card.single)
    except PictureError:
        return None
    data = card.file.getvalue() if card.file else mine.data(card.picture)
    name = card.predictors[0].name
    return Shown(mine, card.picture, card.single, data, card.key, name, review(), st.session_state)


def _draw(place: DeltaGenerator, cards: Iterable[_Card]) -> None:
    """Draw cards in a container."""
    with place:
        for each in cards:
            card(each)


def _progress(done: int, count: int, seconds: float) -> str:
    text = f"{done} of {count} pictures read"
    if done < 3:  # too few for an estimate
        return text
    return f"{text}, {formats.time_left(seconds / done * (count - done))}"


@st.fragment
def card(this: _Card) -> None:
    """Draw a picture's card: a small one with the digits read, or a wide one with all details."""
    mine, chosen = batch(), review()
    if chosen.changed:
        st.rerun()  # the count of doubts is above the cards
    few = len(mine.pictures) <= FEW
    wide = few or this.key in chosen.wide
    data = this.file.getvalue() if this.file else mine.data(this.picture)
    with common.shown_errors(stop=False):
        models = [predictor.name for predictor in this.predictors]
        outcomes = [
            mine.outcome(this.picture, this.single, predictor, data, registry.finder()) for predictor in this.predictors
        ]
        with st.container(border=True, key=f"reading_{this.number}", gap="small"):
            if isinstance(outcomes[0], Reading) and outcomes[0].notice:
                _notice(outcomes[0].notice, wide)
            text = outcomes[0].text.replace("/", "\n") if isinstance(outcomes[0], Reading) else ""
            beside = wide and "\n" not in text and len(text) <= NUMERALS
            with st.container(horizontal=beside, vertical_alignment="center", gap="small", key=f"head_{this.number}"):
                _heading(this, wide)
                with st.container(key=f"text_{this.number}"):
                    st.text(text)
            if isinstance(outcomes[0], Reading):
                with st.container():  # what follows keeps its position, with or without notes
                    _notes(models, outcomes)
                if not few:
                    st.button(
                        "Less" if wide else "Details",
                        key=f"switch_{this.key}",
                        type="tertiary",
                        icon=":material/unfold_less:" if wide else ":material/unfold_more:",
                        on_click=_switch,
                        args=(this.key,),
                    )
            else:
                st.html(f'<p class="note">⚠ {html.escape(str(outcomes[0]))}</p>')
            shown = _shown(this)
            if wide and shown and all(isinstance(outcome, Reading) for outcome in outcomes):
                upload_pictures.annotations(shown, this.predictors)


def _switch(key: str) -> None:
    """Open or close the details of a card; the keys then correct its digits."""
    chosen = review()
    chosen.wide ^= {key}
    chosen.active = key if key in chosen.wide else chosen.active


def _remove(picture: Picture) -> None:
    """Remove a picture; the page around its card counts one less."""
    batch().remove([picture])
    review().changed = True


def _notice(sentence: str, wide: bool) -> None:
    """Draw a warning about a reading, above it; a small card only has room for small letters."""
    if wide:
        st.warning(common.plain(sentence), icon=":material/warning:")
    else:
        st.html(f'<p class="note">⚠ {html.escape(sentence)}</p>')


def _heading(this: _Card, wide: bool) -> None:
    """Draw a thumbnail, the file's name, escaped, and the cross that removes the picture."""
    uri = batch().thumbnails.get(this.picture.key)
    image = f'<img src="{uri}" alt="">' if uri else '<div class="none">×</div>'
    name = names.shown_name(this.picture.name)
    parts = [name[:-ENDING], name[-ENDING:]] if len(name) > 2 * ENDING else []
    name = "".join(f"<i>{html.escape(part)}</i>" for part in parts) or html.escape(name)
    title = html.escape(names.shown_name(this.picture.name, 300))
    body = f'<div class="picture{" big" if wide else ""}">{image}<span title="{title}">{name}</span></div>'
    st.html(body, width="content" if wide else "stretch")
    with st.container(key=f"dismiss_{this.number}"):
        st.button(
            "Remove",
            key=f"cross_{this.key}",
            icon=":material/close:",
            type="tertiary",
            help=f"Remove {common.plain(names.shown_name(this.picture.name, 300))}",
            on_click=_remove,
            args=(this.picture,),
        )


def _notes(models: Sequence[str], outcomes: Sequence[Outcome]) -> None:
    """Draw notes: nothing found, rejected candidates, uncertain digits, models that differ."""
    readings = [outcome for outcome in outcomes if isinstance(outcome, Reading)]
    notes = _as_numbers(readings[0].digits) + _doubts(readings[0].digits)
    labels = common.model_labels()
    notes += [
        f"≠ {labels[name]} reads {_short(reading.text)}"
        for name, reading in zip(models[1:], readings[1:], strict=False)
        if reading.text != readings[0].text
    ]
    if notes:
        st.html("".join(f'<p class="note">{html.escape(note)}</p>' for note in notes))


def _doubts(digits: Sequence[Digit]) -> list[str]:
    """Return a sentence each on rejected candidates, uncertain digits and corrections."""
    if not digits:
        return ["No digit found. The picture may be blank or the writing too faint."]
    doubts = []
    corrected = sum(digit.by_hand == CORRECTED for digit in digits)
    rejected = [digit for digit in digits if digit.flag == NOT_A_DIGIT and digit.by_hand != CORRECTED]
    hidden = sum(digit.by_hand is None for digit in rejected)
    if len(rejected) == len(digits):
        doubts.append("? Nothing in this picture looks like a handwritten digit.")
    elif hidden:
        doubts.append(f"? Rejected as not a handwritten digit: {hidden}.")
    unsure = [digit for digit in digits if digit.flag == UNCERTAIN]
    if len(unsure) > NAMED:
        doubts.append(f"{len(unsure)} digits are uncertain.")
    elif unsure:
        doubts.append(f"Uncertain: {'; '.join(either(digit.likely) for digit in unsure)}.")
    if corrected:
        doubts.append(f"✓ {corrected} corrected by hand.")
    return doubts


def _as_numbers(digits: Sequence[Digit]) -> list[str]:
    """Return a sentence on the numbers where the digits of a row form more than one."""
    text = numbers.text(digits)
    return [f"As numbers: {text.replace(chr(10), ' / ')}"] if " " in text and len(text) <= LONGEST else []


def _short(text: str) -> str:
    return (text.replace("/", " / ") or "nothing") if len(text) <= 24 else "it differently"


def downloads(places: Sequence[int], predictors: Sequence[Predictor], single: bool) -> None:
    """Draw downloads: tables and JSON with a record per picture and model, and the first model's readings as text."""
    mine = batch()

    def records() -> list[dict[str, Any]]:
        pictures = [mine.pictures[place] for place in places]
        return [
            serialize.numbered(picture.name, predictor.name, mine.outcome(picture, single, predictor))
            for picture in pictures
            for predictor in predictors
        ]

    with st.container(horizontal=True, vertical_alignment="center", key="downloads"):
        for label, written, ending, kind in (
            ("Excel", serialize.as_xlsx, "xlsx", XLSX),
            ("CSV", partial(serialize.as_csv, formulas=bool(st.session_state.get("formulas"))), "csv", "text/csv"),
            ("JSON", serialize.as_json, "json", "application/json"),
            ("Text", lambda found: serialize.as_text(found[:: len(predictors)]), "txt", "text/plain"),
        ):
            st.download_button(
                label,
                lambda written=written: written(records()),  # type: ignore[misc]
                f"readings.{ending}",
                kind,
                icon=":material/download:",
                on_click="ignore",
            )
        st.checkbox(
            "Keep leading zeros",
            key="formulas",
            persist_state="session",
            help='In the CSV file a number is written as ="007", which a spreadsheet shows as 007. Other programs want '
            "it plain. The Excel file keeps the zeros anyway.",
        )
        st.button("Remove all", key="remove_all", icon=":material/delete:", on_click=remove_all)
