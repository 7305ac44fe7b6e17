"""Draw: a canvas, two models side by side, and the way from ink to what they see."""

from typing import Any

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from digitrec import reading, steps, ui, ui_steps
from digitrec.strokes import BRUSH, CANVAS

Strokes = list[dict[str, Any]]


def begin_with(strokes: Strokes) -> None:
    """Hand the canvas a drawing to begin from; the version tells it from the one before."""
    st.session_state.canvas_start = {
        "objects": strokes,
        "version": st.session_state.get("canvas_start", {}).get("version", 0) + 1,
    }


def strokes() -> Strokes:
    """Return the strokes on the canvas."""
    objects: Strokes = (st.session_state.get("drawing") or {}).get("objects", [])
    return objects


@st.fragment
def pad() -> None:
    """Draw the canvas and what the models say of it; only this runs again after a stroke."""
    left, *columns = st.columns([320, 255, 255], gap="medium")
    with left:
        with st.container(key="canvas"):
            canvas = st_canvas(
                stroke_width=st.session_state.setdefault("brush", BRUSH),
                stroke_color="#000000",
                background_color="#FFFFFF",
                initial_drawing=st.session_state.canvas_start,
                return_image_data=True,
                width=CANVAS,
                height=CANVAS,
                key="pad",
            )
        st.session_state.drawing = canvas.json_data
        with st.container(horizontal=True):
            st.button("Undo", icon=":material/undo:", key="undo", on_click=lambda: begin_with(strokes()[:-1]))
            st.button("Clear", icon=":material/delete:", key="clear", on_click=lambda: begin_with([]))
            with st.popover("Brush", icon=":material/brush:"):
                st.slider("Brush width, pixels", 4, 40, key="brush")
    if canvas.image_data is not None:
        st.session_state.drawn = canvas.image_data  # a canvas come back to has sent nothing yet
    drawn = st.session_state.get("drawn") if strokes() else None
    first, names = None, []
    for number, column in enumerate(columns, 1):
        with column, ui.shown_errors(stop=False):
            name = ui.choose_model(number)
            if name is None:
                continue
            names.append(name)
            if drawn is None:
                said = None
            elif first is None:
                said = first = reading.read_canvas(drawn, ui.predictor(name))
            else:
                said = reading.reread(first, ui.predictor(name))
            with st.container(key=f"answer_{number}"):
                ui.answer(said, "Draw a digit.")
            ui.bars(said.digits[0] if said and said.digits else None, name, f"bars_{number}")
    with ui.shown_errors(stop=False):
        ui.meaning(names, "meaning")
    digit = first.digits[0] if first and first.digits else None
    st.subheader("What the models see")
    with st.container(key="seen"):
        ui.seen(digit.glyph if digit else None)
    st.caption("28 x 28 pixels, made as MNIST makes its digits. The models never see more than this.")
    if first and digit:
        st.subheader("From your ink to this picture")
        ui.strip((*first.steps, *digit.steps))
    rows = (lambda: steps.trail(first, digit)) if first and digit else None
    ui_steps.which_step(rows, names, "trail", expanded=True)


ui.page("Draw", "Draw one digit with a finger or the mouse. Two models read it after each stroke.")
if "pad" not in st.session_state or "canvas_start" not in st.session_state:  # the page was opened, or come back to
    begin_with(strokes())
pad()
