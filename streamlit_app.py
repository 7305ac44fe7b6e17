"""Home: what this is, one digit read on the spot, the way to each page, the models at hand."""

import streamlit as st

from digitrec.registry import registry
from digitrec.ui import common, home

common.page(
    "Read handwritten digits",
    "Draw a digit, or upload a photo of some, and see how two neural networks read it: "
    "a plain one (MLP) and one that looks for strokes (CNN). You can also train your own.",
)
models = registry.models()
if models:
    home.sample()
else:
    st.info("There is no model yet. Train one on the Train page, or run `make models`.", icon=":material/info:")

st.subheader("What you can do")
home.ways()

if models:
    st.subheader("The models at hand")
    home.model_table(models)
