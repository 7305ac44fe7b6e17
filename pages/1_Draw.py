"""Draw: a canvas for a digit or a number, two models side by side, and the way from ink to what they see."""

from functools import partial

import streamlit as st

from digitrec import reading, registry, steps, ui, ui_draw, ui_steps


@st.fragment
def drawn_and_read(pad: ui_draw.Pad) -> None:
    """Draw the canvas and what the models say of it; only this runs again after a stroke."""
    above = st.container()  # empty for one digit, so that all else has the same place
    left, *columns = st.columns([320, 255, 255], gap="medium")
    with left if pad.single else above:
        drawn = ui_draw.canvas(pad)
    with left:
        ui_draw.tools(pad)
        if not pad.single:
            st.caption("Each digit is found, cut out and read by itself.")
    first, names, place = None, [], 0
    for number, column in enumerate(columns, 1):
        with column, ui.shown_errors(stop=False):
            name = ui.choose_model(number)
            if name is None:
                continue
            names.append(name)
            if drawn is None:
                said = None
            elif first is None:
                reader, finder = ui.predictor(name), registry.finder()
                read = partial(reading.read_canvas, drawn, reader, pad.single, finder)
                said = first = ui.logged("Draw", reader, read)
                if len(first.digits) > 1:
                    with left:
                        place = ui_draw.choose_digit(first.digits)
            else:
                said = reading.reread(first, ui.predictor(name))
            with st.container(key=f"answer_{number}"):
                ui.answer(said, pad.invitation)
            ui.bars(said.digits[place] if said and said.digits else None, name, f"bars_{number}")
    with ui.shown_errors(stop=False):
        ui.meaning(names, "meaning")
    digit = first.digits[place] if first and first.digits else None
    if digit:
        st.session_state.last_glyph = digit.glyph  # Compare goes on with it
    st.subheader("What the models see")
    with st.container(key="seen"):
        if first and len(first.digits) > 1:
            ui_draw.seen(first.digits, place)
        else:
            ui.seen(digit.glyph if digit else None)
    st.caption("28 x 28 pixels, made as MNIST makes its digits. The models never see more than this.")
    if first and digit:
        st.subheader("From your ink to this picture")
        ui.strip((*first.steps, *digit.steps))
    rows = (lambda: steps.trail(first, digit)) if first and digit else None
    ui_steps.which_step(rows, names, "trail", expanded=True)


ui.page("Draw", "Draw with a finger or the mouse. Two models read it after each stroke.")
st.html(ui_draw.STYLE)
pad = ui_draw.choose_pad()
if pad.key not in st.session_state or f"{pad.key}_start" not in st.session_state:  # just opened, or come back to
    ui_draw.begin_with(pad, ui_draw.strokes(pad))
drawn_and_read(pad)
