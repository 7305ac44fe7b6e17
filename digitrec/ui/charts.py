"""Figures on a page, each with a text for screen readers."""

import html
from collections.abc import Sequence
from typing import Any, Literal

import cv2
import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from digitrec.figures import answers
from digitrec.imaging import thumbnails
from digitrec.recognition.answering import TILT
from digitrec.recognition.calibration import Calibration
from digitrec.recognition.results import NOT_A_DIGIT, Digit, Step
from digitrec.ui import available
from digitrec.ui.common import colour, plain

# Plotly's buttons that a picture does without; it keeps those that zoom in and out, reset, and fill the screen.
NO_ZOOM_BUTTONS = ["toImage", "zoom2d", "pan2d", "select2d", "lasso2d", "autoScale2d"]


def bars(digit: Digit | None, name: str, key: str) -> None:
    """Draw a model's ten softmax bars in a container with a key; see `bars_of`."""
    with st.container(key=key):
        bars_of(digit, name, f"{key}_figure")


def bars_of(digit: Digit | None, name: str, key: str) -> None:
    """Draw a model's ten softmax bars, with their text twin.

    Args:
        digit: The digit they are for; None draws ten empty bars.
        name: The model's name.
        key: The figure's key.
    """
    probabilities = np.zeros(10, np.float32) if digit is None else digit.probabilities
    rejected = digit is not None and digit.flag == NOT_A_DIGIT
    twin = answers.describe_bars(probabilities, name, rejected)
    figure(answers.softmax_bars(probabilities, colour(name), rejected), key, twin)


def meaning(names: Sequence[str], key: str) -> None:
    """Draw a popover on what the probabilities mean, and why a drawing is rejected.

    Args:
        names: The models whose answers are shown.
        key: Its key.
    """
    bare = [name for name in dict.fromkeys(names) if available.get(name).calibration == Calibration()]
    with st.popover("What the numbers mean", icon=":material/help:", key=key):
        text = (
            "**The bars.** The probabilities that a model gives the ten digits add up to 100 %. They are *calibrated* "
            "on digits that it was not trained on: of 100 predictions made with 90 %, about 90 are correct.\n\n"
            "**4 or 9.** No single digit reaches 95 %; these are the fewest that do together.\n\n"
            "**Test-time augmentation.** Where the model is less than 95 % sure, it also reads the digit rotated by "
            f"{TILT:.0f}° to each side, and the three predictions are averaged.\n\n"
            "**? Rejected.** The ten probabilities add up to 100 % for a letter too. So a *digit score* is computed "
            "from the logits behind them: it is below 50 % where all ten are lower than for nearly every real digit, "
            "and then the drawing is rejected as not a digit. Where no single digit reaches 95 %, a second network, "
            "trained to tell digits from everything else, has a say in it."
        )
        if bare:
            are = "is" if len(bare) == 1 else "are"
            named = " and ".join(map(plain, bare))
            text += f"\n\n{named} {are} not calibrated: often too sure, and nothing is rejected."
        st.markdown(text.replace(" %", "\N{NO-BREAK SPACE}%"))


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
    """Draw a figure that changes without a blink: the previous one stays visible until the new one is drawn.

    Streamlit builds a chart that has changed from nothing, and for a moment there is none. So there are two places,
    one on top of the other; each new version goes to the one that holds the older figure.

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
        for place, (held, held_twin) in enumerate(shown["figures"]):
            with st.container(key=f"{key}_{place}"):
                figure(held, f"{key}_figure_{place}", held_twin)


def seen(glyph: NDArray[np.float32] | None) -> None:
    """Draw the 28 x 28 pixels that a model sees; None draws blank paper."""
    pixels = np.zeros((28, 28), np.float32) if glyph is None else glyph
    content = "blank paper" if glyph is None else "the digit, centred, in 28 by 28 pixels"
    st.html(f'<div class="seen"><img src="{data_uri(pixels)}" alt="What the model sees: {content}"></div>')


def strip(steps: Sequence[Step]) -> None:
    """Draw the steps from the picture to the glyph in a row, each with a caption."""
    cards = [
        f'<figure><img src="{data_uri(step.image)}" alt="{html.escape(step.title)}">'
        f"<figcaption><b>{number}. {html.escape(step.title)}</b><br>{html.escape(step.caption)}</figcaption></figure>"
        for number, step in enumerate(steps, 1)
    ]
    st.html(f'<div class="strip">{"".join(cards)}</div>')


def data_uri(ink: NDArray[np.float32], side: int = 280) -> str:
    """Return ink (H, W), 0 paper .. 1 ink, as a PNG data URI, dark on white, made smaller if above `side` pixels."""
    levels = thumbnails.tones(ink)
    scale = side / max(levels.shape)
    if scale < 1.0:
        size = (max(1, round(levels.shape[1] * scale)), max(1, round(levels.shape[0] * scale)))
        levels = np.asarray(cv2.resize(levels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return thumbnails.png_uri(levels)
