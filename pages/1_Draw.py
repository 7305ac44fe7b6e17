"""Draw: a canvas for a digit or a number, two models side by side, and the preprocessing from ink to input."""

from functools import partial

import streamlit as st

from digitrec.recognition import ablation as recognition_ablation
from digitrec.recognition import pipeline
from digitrec.registry import registry
from digitrec.ui import ablation, charts, common, draw


@st.fragment
def drawn_and_read(pad: draw.Pad) -> None:
    """Draw the canvas and the models' predictions; only this runs again after a stroke."""
    above = st.container()  # empty for one digit, so that the layout stays the same
    left, *columns = st.columns([320, 255, 255], gap="medium")
    with left if pad.single else above:
        drawn = draw.canvas(pad)
    with left:
        draw.tools(pad)
        if not pad.single:
            st.caption("Each digit is found, cropped and read separately.")
    first, names, place = None, [], 0
    for number, column in enumerate(columns, 1):
        with column, common.shown_errors(stop=False):
            name = common.choose_model(number)
            if name is None:
                continue
            names.append(name)
            if drawn is None:
                reading = None
            elif first is None:
                reader, finder = common.predictor(name), registry.finder()
                read = partial(pipeline.read_canvas, drawn, reader, pad.single, finder)
                reading = first = common.logged("Draw", reader, read)
                if len(first.digits) > 1:
                    with left:
                        place = draw.choose_digit(first.digits)
            else:
                reading = pipeline.reread(first, common.predictor(name))
            with st.container(key=f"answer_{number}"):
                common.answer(reading, pad.invitation)
            charts.bars(reading.digits[place] if reading and reading.digits else None, name, f"bars_{number}")
    with common.shown_errors(stop=False):
        charts.meaning(names, "meaning")
    digit = first.digits[place] if first and first.digits else None
    if digit:
        st.session_state.last_glyph = digit.glyph  # for Compare
    st.header("What the models see")
    with st.container(key="seen"):
        if first and len(first.digits) > 1:
            draw.seen(first.digits, place)
        else:
            charts.seen(digit.glyph if digit else None)
    st.caption("28 x 28 pixels, prepared like the digits of MNIST. The models see nothing else.")
    if first and digit:
        st.header("From the drawing to this input")
        charts.strip((*first.steps, *digit.steps))
    rows = (lambda: recognition_ablation.trail(first, digit)) if first and digit else None
    ablation.which_step(rows, names, "trail", expanded=True)


common.page("Draw", "Draw with a finger or the mouse. Two models read the drawing after each stroke.")
st.html(draw.STYLE)
pad = draw.choose_pad()
if pad.key not in st.session_state or f"{pad.key}_start" not in st.session_state:  # just opened, or opened again
    draw.begin_with(pad, draw.strokes(pad))
drawn_and_read(pad)
