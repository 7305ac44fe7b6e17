"""Draw: a canvas for a digit or a number, two models side by side, and the preprocessing from ink to input."""

import streamlit as st

from digitrec.ui import ablation, bring, charts, common, draw, own_models
from digitrec.ui.teach import teach

common.page("Draw", "Draw with a finger or the mouse. Two models read the drawing after each stroke.")
st.html(draw.STYLE)
bring.take()
pad = draw.choose_pad()
draw.begin(pad)
above = st.container()  # empty for one digit, so that the layout stays the same
left, *columns = st.columns([320, 255, 255], gap="medium")
with left:
    beside = st.container()
    draw.tools(pad)
    chooser = None if pad.single else st.container()
answers = []
for number, column in enumerate(columns, 1):
    with column, common.shown_errors(stop=False):
        name = common.choose_model(number)
        if name is not None:
            places = st.container(key=f"answer_{number}"), st.container(key=f"bars_{number}")
            answers.append(draw.Answer(name, *places))
names = [answer.model for answer in answers]
with common.shown_errors(stop=False):
    charts.meaning(names, "meaning")
st.header("What the models see")
seen = st.container(key="seen")
st.caption("28 x 28 pixels, prepared like the digits of MNIST. The models see nothing else.")
st.header("From the drawing to this input")
strip = st.container()
trail = ablation.section("trail")
with beside if pad.single else above, st.container(key="canvas"):
    draw.drawn_and_read(pad, draw.Places(chooser, answers, seen, strip, trail))
teach.section(names[0] if names else None)
own_models.section()
