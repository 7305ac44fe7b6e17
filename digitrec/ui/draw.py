"""The Draw page's parts: a canvas for a digit and one for a number, and all that is drawn anew after a stroke."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitInvalidLayoutContextError

from digitrec.datasets.unipen import BRUSH, CANVAS
from digitrec.figures import page_picture
from digitrec.recognition import ablation as recognition_ablation
from digitrec.recognition import pipeline
from digitrec.recognition.results import NOT_A_DIGIT, Digit, Reading
from digitrec.registry import registry
from digitrec.ui import ablation, charts, common, tab

Strokes = list[dict[str, Any]]


class Pad(NamedTuple):
    """A canvas: its key, its width in pixels, its invitation, whether it holds exactly one digit."""

    key: str
    width: int
    invitation: str
    single: bool


PADS = {
    "One digit": Pad("pad", CANVAS, "Draw a digit.", True),
    "A number": Pad("pad_number", 3 * CANVAS, "Write a number.", False),
}

# The canvas cannot resize itself: where there is less room than its width it is drawn at full size and scaled down.
STYLE = f"""<style>
.st-key-canvas {{padding-top: 1.25rem}} /* room for the canvas' own buttons, which float above it */
.st-key-canvas:has(.st-key-pad_number) {{container-type: inline-size; overflow-x: clip}}
.st-key-pad_number {{width: {3 * CANVAS}px; max-width: none; height: min({CANVAS}px, 100cqw / 3);
  transform-origin: top left; scale: min(1, tan(atan2(100cqw, {3 * CANVAS}px)))}}
.thumbs {{display: flex; flex-wrap: wrap; gap: .5rem}}
.thumbs figure {{margin: 0; text-align: center}}
.thumbs img {{display: block; width: 5.25rem; height: 5.25rem; image-rendering: pixelated;
  border: 1px solid rgba(128, 128, 128, .5)}}
.thumbs .chosen img {{outline: 3px solid var(--st-primary-color, #0072B2)}}
.thumbs figcaption {{font-size: .8rem}}
</style>"""


def choose_pad() -> Pad:
    """Draw the switch between one digit and a number and return the canvas to draw on."""
    what = st.segmented_control(
        "What to draw",
        list(PADS),
        key="what",
        default=None if "what" in st.session_state else "One digit",
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )
    return PADS[what or "One digit"]


class Answer(NamedTuple):
    """A model and the places of its answer and its softmax bars."""

    model: str
    answer: DeltaGenerator
    bars: DeltaGenerator


class Places(NamedTuple):
    """The containers that are filled anew after each stroke; all else on the page stays as it is.

    Attributes:
        chooser: For the choice of a digit; None where exactly one is drawn.
        answers: Of one or two models.
        seen: For what the models see; None where that is not shown.
        strip: For the steps from the drawing to that; the same.
        trail: For *Which step saved it?*; None while it is closed.
    """

    chooser: DeltaGenerator | None
    answers: Sequence[Answer]
    seen: DeltaGenerator | None = None
    strip: DeltaGenerator | None = None
    trail: DeltaGenerator | None = None


@st.fragment
def drawn_and_read(pad: Pad, places: Places) -> None:
    """Draw the canvas and fill the places; only this runs again after a stroke.

    Each element costs the server about as much as a model's answer, so what a stroke does not change is drawn by the
    page, once. Streamlit fills again only places that were filled when the page was made, if with nothing.
    """
    try:
        fill(pad, places, "Draw")
    except StreamlitInvalidLayoutContextError:  # a click has another thread make the page anew: these places are gone
        st.rerun()


def fill(pad: Pad, places: Places, page: str) -> NDArray[np.uint8] | None:
    """Draw the canvas, fill the places and return what is drawn, as `canvas` does.

    Args:
        pad: The canvas.
        places: The places.
        page: The page's name, for the log.
    """
    drawn = canvas(pad)
    first: Reading | None = None
    chosen = 0
    if places.chooser:
        places.chooser.empty()
    for number, (model, answer, bars) in enumerate(places.answers, 1):
        reading = None
        with answer, common.shown_errors(stop=False):
            if drawn is not None and first:
                reading = pipeline.reread(first, common.predictor(model))
            elif drawn is not None:
                reader, finder = common.predictor(model), None if pad.single else registry.finder()
                read = partial(pipeline.read_canvas, drawn, reader, pad.single, finder)
                reading = first = common.logged(page, reader, read)
                if places.chooser and len(first.digits) > 1:
                    with places.chooser:
                        chosen = choose_digit(first.digits)
            common.answer(reading, pad.invitation)
        with bars, common.shown_errors(stop=False):
            if drawn is None or reading:
                digit = reading.digits[chosen] if reading and reading.digits else None
                charts.bars_of(digit, model, f"bars_{number}_figure")
            else:
                st.empty()  # the answer's place says what went wrong
    digit = first.digits[chosen] if first and first.digits else None
    if digit:
        st.session_state.last_glyph = digit.glyph  # for Compare
    if places.seen:
        with places.seen:
            if first and len(first.digits) > 1:
                seen(first.digits, chosen)
            else:
                charts.seen(digit.glyph if digit else None)
    if places.strip:
        with places.strip:
            if first and digit:
                charts.strip((*first.steps, *digit.steps))
            else:
                st.caption("The steps are shown here once there is a digit.")
    if places.trail:
        rows = partial(recognition_ablation.trail, first, digit) if first and digit else None
        with places.trail:
            ablation.table(rows, [model for model, _, _ in places.answers])
    return drawn


def begin(pad: Pad) -> None:
    """Have a canvas show its drawing where it is opened, or opened again; the brush has its width from then on."""
    st.session_state.setdefault("brush", BRUSH)
    if pad.key not in st.session_state or f"{pad.key}_start" not in st.session_state:
        begin_with(pad, strokes(pad))


def begin_with(pad: Pad, strokes: Strokes) -> None:
    """Give a canvas a drawing to begin with; the version distinguishes it from the previous one."""
    key = f"{pad.key}_start"
    version = st.session_state.get(key, {}).get("version", 0) + 1
    st.session_state[key] = {"objects": strokes, "version": version}


def strokes(pad: Pad) -> Strokes:
    """Return the strokes on a canvas."""
    return tab.strokes(pad.key)


def canvas(pad: Pad) -> NDArray[np.uint8] | None:
    """Draw a canvas and return what is on it, uint8 (H, W, 4); None where nothing is."""
    from streamlit_drawable_canvas import st_canvas  # it can be imported only where Streamlit runs

    sent = st_canvas(
        stroke_width=st.session_state.brush,
        stroke_color="#000000",
        background_color="#FFFFFF",
        initial_drawing=st.session_state[f"{pad.key}_start"],
        return_image_data=True,
        width=pad.width,
        height=CANVAS,
        key=pad.key,
        on_change=lambda: _changed(pad),
    )
    if not st.session_state.get(f"{pad.key}_restored"):  # after a reload it shows what was kept, but sends nothing
        st.session_state[f"{pad.key}_strokes"] = sent.json_data
        image = sent.image_data  # decoded each time that it is asked for
        if image is not None:
            st.session_state[f"{pad.key}_image"] = image  # a canvas shown again has sent nothing yet
    tab.save()
    return st.session_state.get(f"{pad.key}_image") if strokes(pad) else None


def tools(pad: Pad) -> None:
    """Draw the buttons that remove strokes, and the brush; below a number, how it is read."""
    with st.container(horizontal=True):
        undo_and_clear(pad)
        with st.popover("Brush", icon=":material/brush:"):
            st.slider("Brush width in pixels", 4, 40, key="brush")
    if not pad.single:
        st.caption("Each digit is found, cropped and read separately.")


def undo_and_clear(pad: Pad) -> None:
    """Draw the buttons that remove the last stroke, and all of them."""
    st.button("Undo", icon=":material/undo:", key="undo", on_click=lambda: begin_with(pad, strokes(pad)[:-1]))
    st.button("Clear", icon=":material/delete:", key="clear", on_click=lambda: begin_with(pad, []))


def _changed(pad: Pad) -> None:
    """Go back to the least sure digit: after a stroke it may be another one."""
    st.session_state.digit = None
    st.session_state.pop(f"{pad.key}_restored", None)


def choose_digit(digits: Sequence[Digit]) -> int:
    """Draw the chooser of a digit and return its place; at first that of the least sure digit."""
    places = range(len(digits))
    if st.session_state.get("digit") not in places:
        st.session_state.digit = min(places, key=lambda place: _sureness(digits[place]))
    st.pills(  # which wrap where there are many
        "Details of digit",
        places,
        format_func=lambda place: f"{place + 1} of {len(digits)}: {_mark(digits[place])}",
        key="digit",
        required=True,
    )
    return int(st.session_state.digit)


def _sureness(digit: Digit) -> tuple[bool, float]:
    """Return a sort key: the least sure first and what was rejected last."""
    return digit.flag == NOT_A_DIGIT, digit.confidence


def _mark(digit: Digit) -> str:
    return "?" if digit.flag == NOT_A_DIGIT else str(digit.digit)


def seen(digits: Sequence[Digit], place: int) -> None:
    """Draw the 28 x 28 pixels of each digit of a number with what was read in it.

    Args:
        digits: Row by row, each from left to right.
        place: Place of the one that is chosen.
    """
    cards = [
        f'<figure class="{"chosen" if number - 1 == place else ""}"><img src="{charts.data_uri(digit.glyph)}" '
        f'alt="What the model sees, {number} of {len(digits)}: {page_picture.digit_sentence(digit)}">'
        f"<figcaption>{_mark(digit)}</figcaption></figure>"
        for number, digit in enumerate(digits, 1)
    ]
    st.html(f'<div class="thumbs">{"".join(cards)}</div>')
