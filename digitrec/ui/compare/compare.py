"""The Compare page's frame: the choice of two models and a digit, and the address that contains both."""

import contextlib
import html
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from digitrec.analysis import precomputed
from digitrec.datasets import mnist
from digitrec.datasets.unipen import BRUSH, CANVAS
from digitrec.imaging import thumbnails
from digitrec.jobs import insights
from digitrec.recognition import pipeline
from digitrec.registry.registry import Model
from digitrec.training import model_files
from digitrec.training.recipe import TEST_DIGITS
from digitrec.ui import available, common, share_link

Floats = NDArray[np.float32]
Item = TypeVar("Item")
Result = TypeVar("Result")

PAIRS = (("reader-mlp", "reader"), ("mlp-128-128", "cnn-5x5"))
ANY = "any"
TEST, HERE, LAST, LINK = "A test digit", "Drawn here", "Last from Draw or Upload", "From the link"

STYLE = """<style>
.tiles {margin: 0 0 .75rem 0}
.tiles img {display: block; max-width: 100%; height: auto}
.tiles figcaption {font-size: .85rem; line-height: 1.35; padding-bottom: .25rem}
.probabilities {width: 100%; max-width: 30rem; border-collapse: collapse; font-variant-numeric: tabular-nums}
.probabilities th, .probabilities td {padding: .1rem .4rem; white-space: nowrap; text-align: right;
  border-bottom: 1px solid rgba(128, 128, 128, .3)}
.probabilities th {font-weight: 400; font-size: .8rem}
.probabilities tr.best td {font-weight: 700}
.probabilities i {display: block; height: .55rem; border-radius: 2px}
</style>"""


@dataclass(frozen=True, eq=False)
class Subject:
    """The digit that both models read.

    Attributes:
        glyph: float32 (28, 28).
        called: What sentences call it: `this 7`, `your digit`.
        caption: A sentence on its origin.
        truth: Its label, 0 to 9; None where there is none.
        strokes: The canvas's strokes, for a digit drawn here.
    """

    glyph: Floats
    called: str
    caption: str
    truth: int | None = None
    strokes: list[dict[str, Any]] = field(default_factory=list)


def both(call: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return what `call` returns for each item, two at a time: LiteRT releases the interpreter lock."""
    return list(_threads().map(call, items))


@st.cache_resource
def _threads() -> ThreadPoolExecutor:
    """Return the process's two threads: each new thread would keep its own memory."""
    return ThreadPoolExecutor(2)


def kept(what: str, models: Sequence[Model], subject: Subject, compute: Callable[[], list[Result]]) -> list[Result]:
    """Return what `compute` returns for this digit with each model; recent results are cached for all visitors."""
    stamps = tuple((str(model.folder), (model.folder / model_files.TFLITE).stat().st_mtime_ns) for model in models)
    return cast("list[Result]", _kept(what, stamps, subject.glyph, compute))


@st.cache_data(max_entries=64, show_spinner=False)
def _kept(what: str, stamps: tuple[tuple[str, int], ...], glyph: Floats, _compute: Callable[[], Any]) -> Any:
    return _compute()


def calibrated(model: Model) -> Callable[[Floats], Floats]:
    """Return a function from glyphs to the model's logits, (N, 10), divided by its temperature."""
    reader, temperature = common.predictor(model.name), np.float32(model.calibration.temperature)
    return lambda glyphs: reader.logits(glyphs) / temperature


def picture(values: NDArray[np.uint8], alt: str, caption: str = "", width: int | None = None) -> None:
    """Draw a picture with its text twin, at most as wide as the column.

    Args:
        values: Grey levels, RGB or RGBA.
        alt: What it shows, in words.
        caption: HTML above it.
        width: Screen pixels; its own where None.
    """
    st.html(
        f'<figure class="tiles"><figcaption>{caption}</figcaption><img src="{thumbnails.png_uri(values)}" '
        f'width="{width or values.shape[1]}" alt="{html.escape(alt)}"></figure>'
    )


PARTS = ("part_weights", "part_breaks", "part_flips", "part_neighbours", "part_mistakes")


def keep_parts() -> None:
    """Keep open parts open: Streamlit forgets them in a run that does not draw them, as while there is no digit."""
    for key in PARTS:
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]


@contextlib.contextmanager
def part(title: str, key: str) -> Iterator[bool]:
    """Draw a part that is computed only while it is open; yields whether it is."""
    section = st.expander(f"**{title}**", key=key, on_change="rerun")
    with section:
        yield bool(section.open)


def open_all() -> None:
    """Draw a button that opens all parts."""
    st.button("Open all parts", key="open_all", icon=":material/unfold_more:", on_click=_open_all)


def _open_all() -> None:
    st.session_state.update(dict.fromkeys(PARTS, True))


def insight_of(model: Model) -> precomputed.Insight | None:
    """Return the precomputed results of a model, or None where they are missing."""
    try:
        changed = tuple((model.folder / file).stat().st_mtime_ns for file in (model_files.INSIGHT, model_files.TFLITE))
    except OSError:
        return None
    return _insight(model, str(model.folder), changed)


@st.cache_resource(max_entries=8, show_spinner=False)
def _insight(_model: Model, folder: str, changed: tuple[int, ...]) -> precomputed.Insight | None:
    return precomputed.read(_model.folder)


def how_to_get(models: Sequence[Model], key: str) -> None:
    """Say how to compute missing results; models trained here get a button."""
    for model in models:
        if insight_of(model) is not None:
            continue
        if insights.is_under_way(model):
            st.fragment(_under_way, run_every=2.0)(model)
            continue
        st.info(
            f"The results of {common.plain(model.name)} for this section have not been computed yet. "
            + (f"Run `python -m digitrec.tools.ship --refresh {model.name}`." if model.shipped else "Compute them now:")
        )
        if not model.shipped and st.button(
            f"Compute for {common.plain(model.name)}, about 10 s", key=f"measure_{key}_{model.name}"
        ):
            _measure(model)


def _under_way(model: Model) -> None:
    """Say that a model's results are computed; the page is drawn again when they are there."""
    if insight_of(model) is not None or not insights.is_under_way(model):
        st.rerun()
    st.info(f"Computing the results of {common.plain(model.name)} for this section (about 10 s) …")


def _measure(model: Model) -> None:
    try:
        with st.spinner("Reading thousands of digits ..."):
            precomputed.write(model.folder, model.outline)
    except OSError:
        st.error("The file cannot be written: the disk is full or read-only.")
        return
    st.rerun()


def open_address() -> None:
    """Take the choices from an address that was opened, and warn of invalid ones."""
    parts = st.query_params.to_dict()
    if not parts or parts == st.session_state.get("compare_address"):
        return
    found = share_link.choices(parts, [model.name for model in available.models()])
    for key, name in (("model_1", found.model_1), ("model_2", found.model_2)):
        if name is not None:
            st.session_state[key] = name
    if found.ink is not None:
        st.session_state.update(linked=found.ink, digit_from=LINK)
    elif found.digit is not None:
        st.session_state.update(test_digit=found.digit, digit_from=TEST)
    for sentence in found.ignored:
        st.warning(f"{common.plain(sentence)} It is ignored.", icon=":material/link_off:")


def write_address(models: Sequence[Model], subject: Subject | None) -> None:
    """Put the choices into the address, so that it can be shared."""
    parts = {f"model_{number}": model.name for number, model in enumerate(models, 1)}
    if subject is not None:
        place = st.session_state.test_digit
        test = st.session_state.digit_from == TEST
        parts |= {"digit": str(place)} if test else {"ink": share_link.packed(subject.glyph)}
    st.session_state.compare_address = parts
    if st.query_params.to_dict() != parts:
        st.query_params.from_dict(parts)


def choose_models() -> list[Model]:
    """Draw both choosers and a button for each suggested pair; return the models, two or fewer."""
    names = {model.name for model in available.models()}
    if not {"model_1", "model_2"} & set(st.session_state) and set(PAIRS[0]) <= names:
        _choose(*PAIRS[0])
    chosen = common.choose_models()
    with st.container(horizontal=True):
        for pair in PAIRS:
            if set(pair) <= names:
                st.button(" vs. ".join(pair), key=f"pair_{pair[0]}", on_click=_choose, args=pair)
        open_all()
    return [available.get(name) for name in chosen if name is not None]


def _choose(first: str, second: str) -> None:
    st.session_state.update(model_1=first, model_2=second)


def choose_digit(models: Sequence[Model], differing: NDArray[np.intp]) -> Subject | None:
    """Draw the choice of the digit and return it; None where nothing is drawn yet.

    Args:
        models: The two.
        differing: Places of the test digits that they read differently.
    """
    state = st.session_state
    state.setdefault("test_digit", 0)
    offered = [TEST, HERE, LAST, *([LINK] if "linked" in state else [])]
    if state.get("digit_from") not in offered:
        state.digit_from = TEST
    chosen = st.segmented_control(
        "Which digit", offered, key="digit_from", required=True, persist_state="session", label_visibility="collapsed"
    )
    if chosen == HERE:
        return _drawn_here(models[0])
    if chosen == LAST:
        return _last()
    if chosen == LINK:
        return Subject(state.linked, "this digit", "The digit from the link.")
    return _test_digit(differing)


def _test_digit(differing: NDArray[np.intp]) -> Subject:
    digits, truth = common.test_digits()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Class", [ANY, *range(10)], key="digit_class", on_change=_first_of_class, width=110)
        place = int(
            st.number_input(
                "Number, 0 to 9,999", 0, TEST_DIGITS - 1, key="test_digit", persist_state="session", width=170
            )
        )
        st.button("Random digit", key="random_digit", icon=":material/casino:", on_click=_random_of_class)
        st.button(
            f"Next disagreement ({len(differing):,})",
            key="parted_digit",
            icon=":material/call_split:",
            disabled=not len(differing),
            on_click=_next_differing,
            args=(differing,),
        )
    label = int(truth[place])
    caption = f"Test digit number {place:,}. Label: **{label}**."
    return Subject(mnist.glyphs(digits[place]), f"this {label}", caption, label)


def _of_class() -> NDArray[np.intp]:
    """Return the places of the test digits of the class chosen."""
    wanted, truth = st.session_state.get("digit_class", ANY), common.test_digits()[1]
    return np.arange(len(truth)) if wanted == ANY else np.flatnonzero(truth == wanted)


def _first_of_class() -> None:
    st.session_state.test_digit = int(_of_class()[0])


def _random_of_class() -> None:
    st.session_state.test_digit = int(random.choice(_of_class()))


def _next_differing(differing: NDArray[np.intp]) -> None:
    """Go to the next digit that the models read differently, of the chosen class if it has one; wrap at the end."""
    places = np.intersect1d(differing, _of_class())
    places = places if len(places) else differing
    after = places[places > st.session_state.get("test_digit", 0)]
    st.session_state.test_digit = int(after[0] if len(after) else places[0])


def _drawn_here(model: Model) -> Subject | None:
    from streamlit_drawable_canvas import st_canvas  # it can be imported only where Streamlit runs

    with st.container(key="canvas"):
        canvas = st_canvas(
            stroke_width=BRUSH,
            stroke_color="#000000",
            background_color="#FFFFFF",
            return_image_data=True,
            width=CANVAS,
            height=CANVAS,
            key="compare_pad",
        )
    strokes = (canvas.json_data or {}).get("objects", [])
    found = pipeline.read_canvas(canvas.image_data, common.predictor(model.name)) if strokes else None
    if found is None or not found.digits:
        st.info("Draw one digit.", icon=":material/draw:")
        return None
    return Subject(_rounded(found.digits[0].glyph), "your digit", "The digit that you drew.", strokes=strokes)


def _last() -> Subject | None:
    """Return the digit that was last read on Draw or Upload."""
    glyph = st.session_state.get("last_glyph")
    if not isinstance(glyph, np.ndarray) or glyph.shape != (28, 28) or not glyph.any():
        st.info("Nothing was read yet. First draw a digit on Draw or upload one on Upload.")
        return None
    return Subject(_rounded(glyph), "your digit", "The digit that you read last on Draw or Upload.")


def _rounded(glyph: Floats) -> Floats:
    """Return a glyph with the 256 levels of an address, so that a link shows exactly the same numbers."""
    return (np.rint(255 * glyph) / 255).astype(np.float32)
