"""The Upload page's parts: choosing pictures, a card per picture, its details, the files to download."""

import html
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from digitrec import formats, settings
from digitrec.datasets import example
from digitrec.recognition import number_grouping as numbers
from digitrec.recognition.classifier import Predictor
from digitrec.recognition.results import NOT_A_DIGIT, UNCERTAIN, Digit, Reading, either
from digitrec.registry import registry
from digitrec.ui import common
from digitrec.ui.upload import corrections
from digitrec.ui.upload import pictures as upload_pictures
from digitrec.uploads import isolation, names, serialize
from digitrec.uploads.batch import Batch, File, Outcome, Picture
from digitrec.uploads.corrections import PUT_RIGHT

FEW = 3
"""Up to this many pictures show their details at once."""

NAMED = 3
"""Up to this many uncertain digits are listed one by one."""

LONGEST = 60
"""Characters up to which numbers are also shown above the table."""

REFRESH = 0.3
"""Seconds between two updates while pictures are read; each costs the browser time."""

WAYS = {"Files": "files", "Folder": "folder", "Camera": "camera"}

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

STYLE = """<style>
.st-key-cards {display: grid; grid-template-columns: repeat(auto-fill, minmax(9.25rem, 1fr)); gap: 1rem}
.st-key-cards > * {min-width: 0}
.st-key-cards > :has(.picture.big) {grid-column: 1 / -1}
.picture img, .picture .none {display: block; width: 100%; height: 5rem; object-fit: contain; border-radius: .25rem;
  background: rgba(128, 128, 128, .15)}
.picture .none {text-align: center; line-height: 5rem; font-size: 1.5rem}
.picture span {display: block; font-size: .8rem; padding-top: .25rem; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis}
.picture.big {display: flex; gap: .75rem; align-items: center}
.picture.big img, .picture.big .none {flex: none; width: 5rem}
.picture.big span {font-size: 1rem; white-space: normal; overflow-wrap: anywhere}
[class*="st-key-text_"] [data-testid="stText"] {font-size: 1.75rem; font-weight: 700; line-height: 1.2;
  font-variant-numeric: tabular-nums; white-space: pre; display: block; overflow: auto; max-height: 24rem}
[class*="st-key-text_"] [data-testid="stText"] span {white-space: pre}
[class*="st-key-reading_"]:not(:has(.big)) [data-testid="stText"] {font-size: 1.3rem; max-height: 6.5rem}
.note {font-size: .8rem; line-height: 1.3; margin: 0}
[class*="st-key-reading_"] .strip {display: grid; grid-template-columns: repeat(auto-fill, minmax(7.25rem, 1fr))}
[class*="st-key-reading_"] .strip figure {width: auto}
[class*="st-key-reading_"] .strip img {width: 100%; height: auto; aspect-ratio: 1}
</style>"""


def batch() -> Batch:
    """Return the visitor's pictures and readings, which are kept while other pages are visited."""
    found: Batch = st.session_state.setdefault("batch", Batch(isolation.call))
    return found


def choose_pictures() -> dict[str, UploadedFile]:
    """Draw the ways to choose pictures and return the available files by the ids that the batch uses.

    Raises:
        SettingsError: If the limit of a file's size is not a number.
    """
    way = st.segmented_control(
        "Pictures from", list(WAYS), key="way", default="Files", required=True, persist_state="session"
    )
    key = WAYS[way]
    if way == "Camera":
        shot = st.camera_input(
            "Hold the paper flat and take a picture",
            key=key,
            on_change=_take,
            args=(key,),
            width=480,
            resolution="1080p",
        )
        files = [shot] if shot else []
    elif way == "Folder":
        files = st.file_uploader(
            "A folder of pictures, read in order of their names",
            [ending.lstrip(".") for ending in settings.PICTURE_ENDINGS],
            accept_multiple_files="directory",
            key=key,
            on_change=_take,
            args=(key,),
        )
    else:
        # Streamlit cannot empty an uploader. One with another limit, even with the same effect, is a new one.
        files = st.file_uploader(
            f"Pictures: {settings.FORMAT_WORDS}, and PDF",
            accept_multiple_files=True,
            key=key,
            on_change=_take,
            args=(key,),
            max_upload_size=settings.limit("megabytes") if st.session_state.get("emptied", 0) % 2 else None,
        )
    return {file.file_id: file for file in files}


def _take(key: str) -> None:
    """Replace the batch by the files of an uploader."""
    value = st.session_state[key]
    files = value if isinstance(value, list) else [value] if value else []
    with common.shown_errors(stop=False):
        most = settings.limit("pictures")
        batch().replace((File(file.name, file.file_id, file.getvalue()) for file in files), most)
        st.session_state.stopped = False


def _remove_all() -> None:
    batch().replace([])
    st.session_state.emptied = st.session_state.get("emptied", 0) + 1


def _set_stopped(stopped: bool) -> None:
    st.session_state.stopped = stopped


def invitation() -> None:
    """Draw the content of an empty page, with an example to try.

    Raises:
        DatasetError: If the example is asked for and the bundled MNIST file is damaged.
    """
    with st.container(border=True):
        st.markdown(
            "**Write some digits** with a dark pen, side by side without touching, take a picture and choose it above. "
            "Pictures of single digits, dark on light or light on dark, can also be read, many at once."
        )
        wanted = st.button("Try an example", key="example", icon=":material/auto_awesome:")
        st.caption(
            "The models read pictures of 28 x 28 pixels. So each digit is found, cropped, scaled and centred like the "
            "digits of MNIST on which they were trained."
        )
    if wanted:
        batch().replace([File("example.png", "", example.sheet(common.test_digits()[0]))])
        st.rerun()


def read_all(predictors: Sequence[Predictor], single: bool, files: Mapping[str, UploadedFile]) -> list[int]:
    """Read all pictures and draw their cards; return the places of those read.

    A button stops it; the readings until then are kept.
    """
    mine = batch()
    stopped = bool(st.session_state.get("stopped"))
    if mine.left_out:
        st.warning(
            f"Only the first {len(mine.pictures):,} pictures are read, the limit for one upload. "
            f"Upload the other {mine.left_out:,} afterwards.",
            icon=":material/filter_list:",
        )
    head, cards = st.container(key="progress"), st.container(key="cards")
    unread = [picture for picture in mine.pictures if not mine.is_read(picture, single)]
    bar, button = head.empty(), head.empty()
    if unread and not stopped:
        bar.progress(0.0, _progress(0, len(unread), 0.0))
        button.button("Stop", key="stop_reading", icon=":material/stop:", on_click=_set_stopped, args=(True,))
    began = shown_at = time.monotonic()
    done, shown, undrawn = 0, [], []
    for place, picture in enumerate(mine.pictures):
        waiting = not mine.is_read(picture, single)
        if waiting and stopped:
            continue
        file = files.get(picture.source)
        for predictor in predictors:
            read = partial(
                mine.outcome, picture, single, predictor, file.getvalue() if file else None, registry.finder()
            )
            if waiting and predictor is predictors[0]:
                common.logged("Upload", predictor, read)
            else:
                read()
        done += waiting
        shown.append(place)
        undrawn.append((place + 1, picture, tuple(predictors), single, file))
        if waiting and time.monotonic() - shown_at > REFRESH:
            bar.progress(done / len(unread), _progress(done, len(unread), time.monotonic() - began))
            _draw(cards, undrawn)
            undrawn, shown_at = [], time.monotonic()
    _draw(cards, undrawn)
    bar.empty()
    button.empty()
    if len(shown) < len(mine.pictures):
        bar.info(f"Stopped: {len(shown)} of {len(mine.pictures)} pictures read.")
        button.button("Read the rest", key="go_on", on_click=_set_stopped, args=(False,))
    return shown


def _draw(place: DeltaGenerator, cards: Iterable[tuple[int, Picture, tuple[Predictor, ...], bool, Any]]) -> None:
    """Draw cards in a container."""
    with place:
        for each in cards:
            card(*each)


def _progress(done: int, count: int, seconds: float) -> str:
    text = f"{done} of {count} pictures read"
    if done < 3:  # too few for an estimate
        return text
    return f"{text}, {formats.time_left(seconds / done * (count - done))}"


@st.fragment
def card(
    number: int, picture: Picture, predictors: Sequence[Predictor], single: bool, file: UploadedFile | None
) -> None:
    """Draw a picture's card: a small one with the digits read, or a wide one with all details.

    Args:
        number: Its number in the batch, from 1.
        picture: The picture.
        predictors: One or two models.
        single: Whether it holds exactly one digit.
        file: The file, if it is still available.
    """
    few = len(batch().pictures) <= FEW
    key = f"{number}_{picture.key[:12]}"
    wide = few or bool(st.session_state.get(f"wide_{key}"))
    mine = batch()
    data = file.getvalue() if file else mine.data(picture)
    with common.shown_errors(stop=False):
        models = [predictor.name for predictor in predictors]
        outcomes = [mine.outcome(picture, single, predictor, data, registry.finder()) for predictor in predictors]
        with st.container(border=True, key=f"reading_{number}", gap="small"):
            _heading(picture, wide)
            if isinstance(outcomes[0], Reading) and outcomes[0].notice:
                _notice(outcomes[0].notice, wide)
            with st.container(key=f"text_{number}"):
                st.text(outcomes[0].text.replace("/", "\n") if isinstance(outcomes[0], Reading) else "")
            if isinstance(outcomes[0], Reading):
                with st.container():  # what follows keeps its position, with or without notes
                    _notes(models, outcomes)
                if not few:
                    st.button(
                        "Less" if wide else "Details",
                        key=f"switch_{key}",
                        type="tertiary",
                        icon=":material/unfold_less:" if wide else ":material/unfold_more:",
                        on_click=lambda: st.session_state.update({f"wide_{key}": not wide}),
                    )
            else:
                st.html(f'<p class="note">⚠ {html.escape(str(outcomes[0]))}</p>')
            read = [outcome for outcome in outcomes if isinstance(outcome, Reading)]
            if wide and read:
                upload_pictures.annotations(corrections.Shown(mine, picture, single, data, key, models[0]), predictors)


def _notice(sentence: str, wide: bool) -> None:
    """Draw a warning about a reading, above it; a small card only has room for small letters."""
    if wide:
        st.warning(common.plain(sentence), icon=":material/warning:")
    else:
        st.html(f'<p class="note">⚠ {html.escape(sentence)}</p>')


def _heading(picture: Picture, wide: bool) -> None:
    """Draw a thumbnail and the file's name, escaped."""
    uri = batch().thumbnails.get(picture.key)
    image = f'<img src="{uri}" alt="">' if uri else '<div class="none">×</div>'
    name = html.escape(names.shown_name(picture.name))
    title = html.escape(names.shown_name(picture.name, 200))
    st.html(f'<div class="picture{" big" if wide else ""}" title="{title}">{image}<span>{name}</span></div>')


def _notes(models: Sequence[str], outcomes: Sequence[Outcome]) -> None:
    """Draw notes: nothing found, rejected candidates, uncertain digits, models that differ."""
    readings = [outcome for outcome in outcomes if isinstance(outcome, Reading)]
    notes = _as_numbers(readings[0].digits) + _doubts(readings[0].digits)
    notes += [
        f"≠ {name} reads {_short(reading.text)}"
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
    corrected = sum(digit.by_hand == PUT_RIGHT for digit in digits)
    rejected = [digit for digit in digits if digit.flag == NOT_A_DIGIT and digit.by_hand != PUT_RIGHT]
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
        st.button("Remove all", key="remove_all", icon=":material/delete:", on_click=_remove_all)
