"""Home: what this is, a canvas that is read on the spot, links to the pages, the available models."""

import streamlit as st

from digitrec.registry import registry
from digitrec.ui import common, home

common.page(
    "Read handwritten digits",
    "Draw a digit or upload a photo, and see how two kinds of neural network read it: "
    "a multilayer perceptron (MLP) and a convolutional network (CNN). You can also train your own.",
)
models = registry.models()
if models:
    canvas = home.begin()
else:
    st.info("There is no model yet. Train one on the Train page, or run `make models`.", icon=":material/info:")

st.header("What you can do")
home.page_cards()

if models:
    st.header("Available models")
    home.model_table(models)
    with canvas:
        home.drawn_and_read()
