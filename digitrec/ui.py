"""Streamlit: page frame, model choosers and the parts that pages share; a page's own parts are in `ui_<page>`."""

import base64
import contextlib
import ctypes
import html
import io
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import cv2
import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray
from PIL import Image
from streamlit import runtime
from streamlit.runtime.stats import CounterStat, Stat

from digitrec import dataset, figures, log, pictures, readers, registry
from digitrec.calibration import Calibration
from digitrec.errors import DigitrecError, ModelError
from digitrec.predict import Predictor
from digitrec.reading import NOT_A_DIGIT, TILT, Digit, Reading, Step, either

ICON = str(Path(__file__).parent / "data" / "icon.png")

PAGES = (
    ("streamlit_app.py", "Home", ":material/home:"),
    ("pages/1_Draw.py", "Draw", ":material/draw:"),
    ("pages/2_Upload.py", "Upload", ":material/upload_file:"),
    ("pages/3_Train.py", "Train", ":material/model_training:"),
    ("pages/4_Compare.py", "Compare", ":material/compare_arrows:"),
)

NO_MODEL = "none"

# Plotly's buttons that a picture does without; it keeps those that zoom in and out, reset, and fill the screen.
NO_ZOOM_BUTTONS = ["toImage", "zoom2d", "pan2d", "select2d", "lasso2d", "autoScale2d"]

Read = TypeVar("Read")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
BLOCK = 128 * 1024  # bytes; glibc's own first value, which it raises unless told

# Widgets of a page are forgotten when another page is shown; what is chosen for all pages is kept alive here.
KEPT = ("model_1", "model_2", "recipe", "brush")

STYLE = """<style>
.stMainBlockContainer {padding-top: 3rem}
.answer {font-size: 4rem; font-weight: 700; line-height: 1.1; margin: 0; overflow-wrap: anywhere}
.sureness {margin: 0 0 .25rem 0}
.aside {font-size: .8rem; line-height: 1.3; min-height: 1.3em; margin: 0 0 .25rem 0}
.strip {display: flex; flex-wrap: wrap; gap: .75rem; margin: 0; padding: 0}
.strip figure {margin: 0; width: 8.25rem}
.strip img {width: 8.25rem; height: 8.25rem; object-fit: contain; background: white; display: block;
  border: 1px solid rgba(128, 128, 128, .5); image-rendering: pixelated}
.strip figcaption {font-size: .8rem; line-height: 1.3; padding-top: .25rem}
.seen img {width: 8.25rem; height: 8.25rem; image-rendering: pixelated; border: 1px solid rgba(128, 128, 128, .5)}
</style>"""


def _give_memory_back() -> None:
    """Have glibc return what photos took: by default it keeps freed blocks below a limit that grows with them."""
    with contextlib.suppress(OSError, AttributeError):  # not Linux, or not glibc
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_THRESHOLD, BLOCK)
        libc.mallopt(M_TRIM_THRESHOLD, BLOCK)


_give_memory_back()
cv2.setNumThreads(1)  # a picture takes one core: others' strokes have the rest


def page(title: str, lead: str) -> None:
    """Set up a page: browser title, sidebar, heading, a sentence on what it is for.

    Args:
        title: The heading.
        lead: A plain sentence or two below it.
    """
    st.set_page_config(f"{title} - digitrec", ICON, layout="wide")
    for key in KEPT:
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
    st.html(STYLE)
    with st.sidebar:
        st.markdown("### digitrec")
        for file, label, icon in PAGES:
            st.page_link(file, label=label, icon=icon)
    st.title(title)
    st.markdown(lead)
    _count_session(title)
    with shown_errors():
        log.form()
        for sentence in registry.damaged():
            st.warning(plain(sentence), icon=":material/broken_image:")


_MARKUP = re.compile(r"[\\`*\[\]<>$~|&{}]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=[A-Za-z])|^\s*[-+#=]|^\s*\d+(?=[.)])")
_LINK = re.compile(r"(?<=www)(?=\.)|(?=@)|(?<=http)(?=s?://)", re.IGNORECASE)


def plain(text: str) -> str:
    """Return Markdown that shows a text as it is, whatever is in it: a name, or what somebody entered.

    What would be taken for markup is escaped. Addresses become links all the same, so an invisible character that
    breaks no line (U+2060) parts them.
    """
    line = " ".join(text.split())
    return _LINK.sub("\N{WORD JOINER}", _MARKUP.sub(lambda found: _escaped(found[0]), line))


def _escaped(markup: str) -> str:
    """Return letters with a backslash before each sign; digits, which begin a list, have theirs behind."""
    return f"{markup}\\" if markup.strip().isdigit() else f"\\{markup.strip()}"


@contextlib.contextmanager
def shown_errors(stop: bool = True) -> Iterator[None]:
    """Show a DigitrecError as a sentence where it came up.

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
        """Return the counts asked for; all unless told."""
        counts = {f"digitrec_{what}s": count for what, count in log.counts().items()}
        return {name: [CounterStat(name, count)] for name, count in counts.items() if name in (family_names or counts)}


@st.cache_resource(show_spinner=False)
def _counted() -> None:
    """Have the server tell the counts, and count what nobody foresaw; once a process."""
    logging.getLogger("streamlit.error_util").addHandler(log.Errors())
    if runtime.exists():
        runtime.get_instance().stats_mgr.register_provider(_Counts())


def _count_session(page: str) -> None:
    _counted()
    if "counted" not in st.session_state:
        st.session_state.counted = True
        log.event("session", page=page)


def logged(page: str, reader: Predictor, read: Callable[[], Read]) -> Read:
    """Return a reading, or why there is none, and log that it was made and how long it took."""
    readers.note()
    began = time.perf_counter()
    found = read()
    milliseconds = round(1000 * (time.perf_counter() - began), 1)
    log.event(
        "reading",
        page=page,
        model=reader.name,
        digits=len(found.digits) if isinstance(found, Reading) else 0,
        ms=milliseconds,
    )
    return found


def choose_model(number: int) -> str | None:
    """Draw the chooser of model 1 or 2 (key `model_1`, `model_2`) and return the name; the second may be none.

    Raises:
        ModelError: If there is no model at all.
    """
    names = [model.name for model in registry.models()]
    if not names:
        raise ModelError("There is no model yet. Train one on the Train page, or run `make models`.")
    key = f"model_{number}"
    choices = names if number == 1 else [*names, NO_MODEL]
    if st.session_state.get(key) not in choices:
        st.session_state[key] = _default("cnn" if number == 1 else "mlp", names)
    chosen = str(st.selectbox(f"Model {number}", choices, key=key))
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
    return registry.predictor(name)


def colour(name: str) -> str:
    """Return the colour of the model of this name, `#RRGGBB`, the same on every page."""
    return figures.model_colour(name, registry.get(name).kind)


def answer(reading: Reading | None, empty: str) -> None:
    """Draw the digits read in large type, with how sure the model is.

    Args:
        reading: What was read; None or one without digits shows a dash.
        empty: What to say where there is nothing to read.
    """
    aside = ""
    if reading is None or not reading.digits:
        text, note = "–", empty
    elif all(digit.flag == NOT_A_DIGIT for digit in reading.digits):
        several = len(reading.digits) > 1
        text, note = "?", f"{'None of this looks' if several else 'This does not look'} like a digit."
        aside = "" if several else _nearest(reading.digits[0])
    else:
        kept = [digit for digit in reading.digits if digit.flag != NOT_A_DIGIT]
        text, (note, aside) = reading.text.replace("/", " / "), _sureness(kept)
        none = len(reading.digits) - len(kept)
        if none:
            aside = f"{no_digits(none)} {aside}"
    lines = f'<p class="answer">{text}</p><p class="sureness">{note}</p><p class="aside">{aside}</p>'
    st.html(f'<div aria-live="polite">{lines}</div>')


def no_digits(count: int) -> str:
    """Return a sentence on how many marks, at least one, are no digits."""
    return "One mark is not a digit." if count == 1 else f"{count} marks are not digits."


def _sureness(digits: Sequence[Digit]) -> tuple[str, str]:
    """Return how sure the model is of the digit that it is least sure of, and what it takes to be sure."""
    least = min(digits, key=lambda digit: digit.confidence)
    said, likely = share(least.confidence), list(least.likely)
    if len(likely) == 1:
        return f"Least sure: {least.digit}, {said}" if len(digits) > 1 else f"{said} sure", ""
    together = f", {share(float(least.probabilities[likely].sum()))} for both" if len(likely) == 2 else ""
    which = "The least sure" if len(digits) > 1 else "It"
    return f"{which} may be {either(likely)}.", f"{said} for the {least.digit}{together}."


def _nearest(digit: Digit) -> str:
    """Return what a mark that is no digit comes nearest to."""
    return f"{share(digit.is_digit)} sure that it is one. Nearest: {digit.digit}." if digit.glyph.any() else ""


def share(part: float) -> str:
    """Return a share, 0 to 1, as `98.3 %`; what would be rounded to all or nothing is `more than` or `under` it."""
    if part >= 0.9995:
        return "more than 99.9 %"
    return f"{100 * part:.1f} %" if part >= 0.0005 else "under 0.1 %"


def bars(digit: Digit | None, name: str, key: str) -> None:
    """Draw a model's ten softmax bars, with their text twin.

    Args:
        digit: The digit they are for; None draws ten empty bars.
        name: The model's name.
        key: The container's key.
    """
    shares = np.zeros(10, np.float32) if digit is None else digit.probabilities
    none = digit is not None and digit.flag == NOT_A_DIGIT
    with st.container(key=key):
        twin = figures.describe_bars(shares, name, none)
        figure(figures.softmax_bars(shares, colour(name), none), f"{key}_figure", twin)


def meaning(names: Sequence[str], key: str) -> None:
    """Draw a popover that says what the shares mean, and where "no digit" is from.

    Args:
        names: The models whose answers are shown.
        key: Its key.
    """
    bare = [name for name in dict.fromkeys(names) if registry.get(name).calibration == Calibration()]
    with st.popover("What the numbers mean", icon=":material/help:", key=key):
        said = (
            "**The bars.** A model shares 100 % among the ten digits. The shares are *calibrated* on digits that it "
            "did not learn from: of 100 answers given with 90 %, about 90 are right.\n\n"
            "**4 or 9.** It takes both to be 95 % sure: they are the fewest digits that together have that share.\n\n"
            "**A second look.** A model that is less than 95 % sure is asked again, with the digit turned "
            f"{TILT:.0f}° to each side; the average of the three answers counts.\n\n"
            "**? No digit.** The ten shares add up to 100 % for a letter too. So the scores before they become "
            "shares are looked at: where all ten are lower than for nearly every real digit, it is no digit."
        )
        if bare:
            are = "is" if len(bare) == 1 else "are"
            named = " and ".join(map(plain, bare))
            said += f"\n\n{named} {are} not calibrated: often surer than right, and all is a digit."
        st.markdown(said.replace(" %", "\N{NO-BREAK SPACE}%"))


def figure(
    drawn: go.Figure,
    key: str,
    twin: str,
    on_select: Any = "ignore",
    save: str = "",
    selects: Sequence[Literal["points", "box"]] = ("points",),
    zoom: bool = False,
) -> Any:
    """Draw a figure, with a text twin for screen readers; return Streamlit's event of a click on it.

    Args:
        drawn: The figure.
        key: Its key.
        twin: What it shows, in words.
        on_select: What a click does, see `st.plotly_chart`.
        save: Name of the picture that a camera button saves it as; empty leaves the button out.
        selects: What can be selected: points by a click, or a box by dragging.
        zoom: Whether it can be zoomed, with the mouse wheel and with buttons; it is then as high as its container.
    """
    config: dict[str, Any] = {"displaylogo": False, "displayModeBar": bool(save) or zoom}
    if save:
        drawn.update_layout(modebar=figures.CAMERA)
        config |= {
            "modeBarButtons": [["toImage"]],
            "toImageButtonOptions": {"format": "png", "filename": save, "scale": 2},
        }
    if zoom:
        needed = ("pan2d", "select2d") if "box" in selects else ()  # what dragging does
        unneeded = [button for button in NO_ZOOM_BUTTONS if button not in needed]
        config |= {"scrollZoom": True, "showAxisDragHandles": False, "modeBarButtonsToRemove": unneeded}
    return st.plotly_chart(
        drawn,
        key=key,
        height="stretch" if zoom else "content",
        theme="streamlit",
        on_select=on_select,
        selection_mode=selects,
        config=config,
        alt=twin,
    )


_SWAP = """<style>
.st-key-{key} {{display: grid; grid-template-columns: minmax(0, 1fr); justify-items: stretch}}
.st-key-{key} > * {{grid-area: 1 / 1; width: 100%}}
.st-key-{key}:has(.st-key-{key}_{new} .main-svg) .st-key-{key}_{old} {{visibility: hidden}}
</style>"""


def live_figure(version: str, drawn: go.Figure, twin: str, key: str = "curves") -> None:
    """Draw a figure that changes without a blink: the one before stays in sight until the new one is drawn.

    Streamlit builds a chart that has changed from nothing, and for a moment there is none. So there are two places,
    one upon the other; each new version goes to the one that holds the older figure.

    Args:
        version: Differs from the one before where the figure does.
        drawn: The figure.
        twin: What it shows, in words.
        key: The container's key.
    """
    kept = f"{key}_shown"
    shown = st.session_state.get(kept) or {"version": "", "new": 0, "figures": [(drawn, twin)] * 2}
    if shown["version"] != version:
        shown["version"], shown["new"] = version, 1 - shown["new"]
        shown["figures"][shown["new"]] = (drawn, twin)
    st.session_state[kept] = shown
    with st.container(key=key):
        st.html(_SWAP.format(key=key, new=shown["new"], old=1 - shown["new"]))
        for place, (then, said) in enumerate(shown["figures"]):
            with st.container(key=f"{key}_{place}"):
                figure(then, f"{key}_figure_{place}", said)


def seen(glyph: NDArray[np.float32] | None) -> None:
    """Draw the 28 x 28 that a model sees, 5 screen pixels a pixel; None draws blank paper."""
    pixels = np.zeros((28, 28), np.float32) if glyph is None else glyph
    said = "blank paper" if glyph is None else "the digit, centred, in 28 by 28 pixels"
    st.html(f'<div class="seen"><img src="{data_uri(pixels)}" alt="What the model sees: {said}"></div>')


def strip(steps: Sequence[Step]) -> None:
    """Draw the steps from ink to glyph as pictures in a row, each with what it does."""
    cards = [
        f'<figure><img src="{data_uri(step.image)}" alt="{html.escape(step.title)}">'
        f"<figcaption><b>{number}. {html.escape(step.title)}</b><br>{html.escape(step.caption)}</figcaption></figure>"
        for number, step in enumerate(steps, 1)
    ]
    st.html(f'<div class="strip">{"".join(cards)}</div>')


def data_uri(ink: NDArray[np.float32], side: int = 264) -> str:
    """Return ink (H, W), 0 paper .. 1 ink, as a PNG data URI, dark on white, made smaller if above `side` pixels."""
    picture = Image.fromarray(pictures.tones(ink))
    picture.thumbnail((side, side))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


@st.cache_resource
def test_digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return MNIST's 10,000 test digits and their labels, read once a process (7.8 MB)."""
    return dataset.test()
