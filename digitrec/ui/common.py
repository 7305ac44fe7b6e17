"""Streamlit: page frame, model choosers and the parts that pages share; a page's own parts are in its own module."""

import contextlib
import ctypes
import html
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit import runtime
from streamlit.runtime.stats import CounterStat, Stat

from digitrec import formats, log
from digitrec.datasets import mnist
from digitrec.errors import DigitrecError, ModelError
from digitrec.figures import theme
from digitrec.jobs import throttle
from digitrec.recognition.classifier import Predictor
from digitrec.recognition.results import Digit, Reading, either
from digitrec.registry import registry
from digitrec.registry.registry import Model
from digitrec.training.presets import PRESETS
from digitrec.ui import available, tab

ICON = str(Path(__file__).parents[1] / "data" / "icon.png")

PAGES = (
    ("streamlit_app.py", "Home", ":material/home:"),
    ("pages/1_Draw.py", "Draw", ":material/draw:"),
    ("pages/2_Upload.py", "Upload", ":material/upload_file:"),
    ("pages/3_Train.py", "Train", ":material/model_training:"),
    ("pages/4_Compare.py", "Compare", ":material/compare_arrows:"),
)

NO_MODEL = "none"

Read = TypeVar("Read")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
BLOCK = 128 * 1024  # bytes; glibc's initial value, which it raises unless it is set

# Streamlit forgets the widgets of a page when another page is shown; choices that hold on all pages are kept here.
KEPT = ("model_1", "model_2", "recipe", "brush")

STYLE = """<style>
.stMainBlockContainer {padding-top: 3rem}
.stMainBlockContainer h2 {font-size: 1.75rem}
.stMainBlockContainer h3 {font-size: 1.35rem}
[data-testid="stPageLink"] a:focus-visible {outline: 2px solid var(--st-primary-color, #0072B2)}
[data-testid="stCaptionContainer"] {color: inherit !important; opacity: .8}
:is([data-testid="stBaseButton-primary"], [data-testid="stBaseButton-primary"] p):not(:disabled, :disabled *) {
  color: light-dark(#FFFFFF, #11171D) !important}
:has(> .st-key-tab_memory) {position: absolute; height: 0; overflow: hidden}
.answer {font-size: 4rem; font-weight: 700; line-height: 1.1; margin: 0; overflow-wrap: anywhere}
.sureness {margin: 0 0 .25rem 0}
.detail {font-size: .8rem; line-height: 1.3; min-height: 1.3em; margin: 0 0 .25rem 0}
.strip {display: flex; flex-wrap: wrap; gap: .75rem; margin: 0; padding: 0}
.strip figure {margin: 0; width: 8.25rem}
.strip img {width: 8.25rem; height: 8.25rem; object-fit: contain; background: white; display: block;
  border: 1px solid rgba(128, 128, 128, .5); image-rendering: pixelated}
.strip figcaption {font-size: .8rem; line-height: 1.3; padding-top: .25rem}
.seen img {width: 8.25rem; height: 8.25rem; image-rendering: pixelated; border: 1px solid rgba(128, 128, 128, .5)}
</style>"""


def _give_memory_back() -> None:
    """Have glibc return the memory of photos: by default it keeps freed blocks below a limit that grows with them."""
    with contextlib.suppress(OSError, AttributeError):  # not Linux, or not glibc
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_THRESHOLD, BLOCK)
        libc.mallopt(M_TRIM_THRESHOLD, BLOCK)


def page(title: str, lead: str) -> None:
    """Set up a page: browser title, sidebar, heading, introduction.

    Args:
        title: The heading.
        lead: A sentence or two on what the page is for.
    """
    st.set_page_config(f"{title} - digitrec", ICON, layout="wide")
    for key in KEPT:
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
    st.html(STYLE)
    tab.remember()
    with st.sidebar:
        st.markdown("### digitrec")
        for file, label, icon in PAGES:
            st.page_link(file, label=label, icon=icon)
    st.title(title)
    st.markdown(lead)
    tab.lost()
    _count_session(title)
    with shown_errors():
        log.form()
        for sentence in registry.damaged():
            st.warning(plain(sentence), icon=":material/broken_image:")


_MARKUP = re.compile(r"[\\`*\[\]<>$~|&{}]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=[A-Za-z])|^\s*[-+#=]|^\s*\d+(?=[.)])")
_LINK = re.compile(r"(?<=www)(?=\.)|(?=@)|(?<=http)(?=s?://)", re.IGNORECASE)


def plain(text: str) -> str:
    """Return Markdown that shows a text as it is, whatever is in it: a name, or what a visitor entered.

    Markup is escaped. Addresses become links all the same, so an invisible character that
    breaks no line (U+2060) parts them.
    """
    line = " ".join(text.split())
    return _LINK.sub("\N{WORD JOINER}", _MARKUP.sub(lambda found: _escaped(found[0]), line))


def _escaped(markup: str) -> str:
    """Return letters with a backslash before each sign; digits, which begin a list, have theirs behind."""
    return f"{markup}\\" if markup.strip().isdigit() else f"\\{markup.strip()}"


@contextlib.contextmanager
def shown_errors(stop: bool = True) -> Iterator[None]:
    """Show a DigitrecError as a message in the place where it was raised.

    Args:
        stop: Whether the page ends there; otherwise what follows is still drawn.
    """
    try:
        yield
    except DigitrecError as error:
        st.error(plain(str(error)), icon=":material/error:")
        log.event("error", kind=type(error).__name__)
        if stop:
            st.stop()


class _Counts:
    """How often each event has happened, for `/_stcore/metrics`: `digitrec_readings_total` and so on."""

    stats_families = tuple(f"digitrec_{what}s" for what in log.EVENTS)

    def get_stats(self, family_names: Sequence[str] | None = None) -> Mapping[str, Sequence[Stat]]:
        """Return the counts of these families; all by default."""
        counts = {f"digitrec_{what}s": count for what, count in log.counts().items()}
        return {name: [CounterStat(name, count)] for name, count in counts.items() if name in (family_names or counts)}


@st.cache_resource(show_spinner=False)
def _prepare_process() -> None:
    """Have the server's process share cores and memory, report its counts and count unexpected errors; done once."""
    _give_memory_back()
    cv2.setNumThreads(1)  # a picture takes one core: other visitors have the rest
    logging.getLogger("streamlit.error_util").addHandler(log.Errors())
    if runtime.exists():
        runtime.get_instance().stats_mgr.register_provider(_Counts())
        available.watch()


def _count_session(page: str) -> None:
    _prepare_process()
    if "counted" not in st.session_state:
        st.session_state.counted = True
        log.event("session", page=page)


def logged(page: str, reader: Predictor, read: Callable[[], Read]) -> Read:
    """Return what `read` returns, a reading or an error, and log that it was made and how long it took."""
    throttle.note()
    began = time.perf_counter()
    found = read()
    milliseconds = round(1000 * (time.perf_counter() - began), 1)
    log.event(
        "reading",
        page=page,
        model=available.logged_name(reader.name),
        digits=len(found.digits) if isinstance(found, Reading) else 0,
        ms=milliseconds,
    )
    return found


def model_label(name: str, kind: str) -> str:
    """Return how choosers name a model or a recipe: `CNN · reader`."""
    return f"{kind.upper()} · {name}"


def model_labels() -> dict[str, str]:
    """Return the label of each available model by its name; those that only this visitor has are `(yours)`."""
    return {model.name: _label(model) for model in available.models()}


def _label(model: Model) -> str:
    return model_label(model.name, model.kind) + (" (yours)" if model.yours else "")


def reads(name: str, what: str = "") -> None:
    """Draw which model reads what, `CNN · reader reads 7, 99.1 %`, with a sentence on the model on hover."""
    model = available.get(name)
    st.markdown(f"**{plain(_label(model))}** reads {plain(what)}".rstrip(), help=about(model))


def about(model: Model) -> str:
    """Return a sentence on a model in Markdown: what it is, and how well it reads."""
    preset = PRESETS.get(model.name) if model.shipped else None
    what = preset.title if preset else "Trained here"
    if not preset and model.imported is None:
        what += f" with the recipe {plain(model.recipe.name)}"
    if model.yours:
        what = "Only you can see it"
        taught = model.card.get("taught")
        if isinstance(taught, dict):
            learned = f"fine-tuned on {formats.number(taught['digits'])} of your digits"
            what += f"; a copy of {plain(str(taught['model']))} {learned}"
    if model.imported is not None:
        source = f"from {plain(model.imported['file'])}, {model.imported['format']}"
        what = f"{what}; imported {source}" if model.yours else f"Imported {source}"
    parameters = formats.plural(model.card["parameters"], "parameter")
    return f"{what}; {parameters}, {formats.percentage(model.accuracy, 2)} accuracy on MNIST's test digits."


def choose_model(number: int) -> str | None:
    """Draw the chooser of model 1 or 2 (key `model_1`, `model_2`) and return the name; the second may be none.

    Raises:
        ModelError: If there is no model at all.
    """
    models = {model.name: model for model in available.models()}
    names = list(models)
    if not names:
        raise ModelError("There is no model yet. Train one on the Train page, or run `make models`.")
    key = f"model_{number}"
    choices = names if number == 1 else [*names, NO_MODEL]
    if st.session_state.get(key) not in choices:
        st.session_state[key] = _default("cnn" if number == 1 else "mlp", names)
    current = models.get(st.session_state[key])
    labels = model_labels()
    chosen = str(
        st.selectbox(
            f"Model {number}",
            choices,
            key=key,
            format_func=lambda name: labels.get(name, name),
            help=about(current) if current else None,
        )
    )
    return None if chosen == NO_MODEL else chosen


def choose_models() -> tuple[str | None, str | None]:
    """Draw both choosers side by side and return the names; see `choose_model`.

    Raises:
        ModelError: If there is no model at all.
    """
    left, right = st.columns(2)
    with left:
        first = choose_model(1)
    with right:
        second = choose_model(2)
    return first, second


def _default(kind: str, names: list[str]) -> str:
    try:
        return registry.default(kind)
    except ModelError:
        return names[0]


def predictor(name: str) -> Predictor:
    """Return the opened model of this name.

    Raises:
        ModelError: If there is none, or its file is damaged.
    """
    return available.predictor(name)


def colour(name: str) -> str:
    """Return the colour of the model of this name, `#RRGGBB`, the same on every page."""
    return theme.model_colour(name, available.get(name).kind)


def answer(reading: Reading | None, empty: str) -> None:
    """Draw the digits read in large type, with how sure the model is.

    Args:
        reading: What was read; None or one without digits shows a dash.
        empty: The message where there is nothing to read.
    """
    detail = ""
    if reading is None or not reading.digits:
        text, note = "–", empty
    elif not reading.accepted:
        several = len(reading.digits) > 1
        text, note = "?", f"{'None of this looks' if several else 'This does not look'} like a digit."
        detail = "" if several else _nearest(reading.digits[0])
    else:
        kept = reading.accepted
        text, (note, detail) = reading.text.replace("/", " / "), _sureness(kept)
        if rejected := len(reading.digits) - len(kept):
            detail = f"{formats.plural(rejected, 'shape')} rejected as not a digit. {detail}"
    lines = (("answer", text), ("sureness", note), ("detail", detail))
    body = "".join(f'<p class="{name}">{html.escape(line)}</p>' for name, line in lines)
    st.html(f'<div aria-live="polite">{body}</div>')


def _sureness(digits: Sequence[Digit]) -> tuple[str, str]:
    """Return how sure the model is of the digit that it is least sure of, and the probabilities of the likely ones."""
    least = min(digits, key=lambda digit: digit.confidence)
    confidence, likely = formats.percentage(least.confidence), list(least.likely)
    if len(likely) == 1:
        return f"Least sure: {least.digit}, {confidence}" if len(digits) > 1 else f"{confidence} sure", ""
    both = float(least.probabilities[likely].sum())
    together = f", {formats.percentage(both)} for both together" if len(likely) == 2 else ""
    which = "The least sure digit" if len(digits) > 1 else "It"
    return f"{which} may be {either(likely)}.", f"{confidence} for {least.digit}{together}."


def _nearest(digit: Digit) -> str:
    """Return the score of a shape that was rejected, and the digit that it resembles most."""
    if not digit.glyph.any():
        return ""
    return f"Digit score {formats.percentage(digit.is_digit)} (threshold 50 %). Most similar digit: {digit.digit}."


@st.cache_resource
def test_digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return MNIST's 10,000 test digits and their labels, read once per process (7.8 MB)."""
    return mnist.test()
