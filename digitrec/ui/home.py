"""The home page's parts: a canvas read by two models, a card per page, the table of models."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from digitrec import formats
from digitrec.registry import registry
from digitrec.registry.registry import Model
from digitrec.training import model_files
from digitrec.ui import common, draw
from digitrec.ui.draw import PADS

PAD = PADS["One digit"]._replace(key="pad_home")

STYLE = """<style>
.st-key-ways {display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 1rem}
</style>"""

SENTENCES = {
    "Draw": "Draw a digit with a finger or the mouse. Both models read it after each stroke.",
    "Upload": "Read photos and scans, one or many at once, correct mistakes, and download the results.",
    "Train": "Train your own network on 60,000 digits and watch its learning curves.",
    "Compare": "Compare two models on one digit and on all test digits: where they differ, and why.",
}


def begin() -> DeltaGenerator:
    """Return the place for the canvas, at the top of the page; see `drawn_and_read`."""
    st.html(draw.STYLE)
    return st.container(border=True, key="try")


@st.fragment
def drawn_and_read() -> None:
    """Draw the canvas of the Draw page and how the best CNN and the best MLP read it.

    The page calls it last: its text and links do not wait for the canvas or the models, which are opened here.
    """
    draw.begin(PAD)
    left, *columns = st.columns([320, 255, 255], gap="medium")
    answers = []
    for number, (column, name) in enumerate(zip(columns, _defaults(), strict=False), 1):
        with column, common.shown_errors(stop=False):
            common.reads(name)
            common.predictor(name)  # opened now, so that the first stroke does not wait for it
            places = st.container(key=f"answer_{number}"), st.container(key=f"bars_{number}")
            answers.append(draw.Answer(name, *places))
    with left:
        with st.container(key="canvas"):
            drawn = draw.fill(PAD, draw.Places(None, answers), "Home")
        with st.container(horizontal=True):
            draw.undo_and_clear(PAD)
    if drawn is not None:  # the Draw page goes on with it
        state, there = st.session_state, PADS["One digit"].key
        state[f"{there}_strokes"], state[f"{there}_image"] = state[f"{PAD.key}_strokes"], drawn


def _defaults() -> list[str]:
    """Return the names of the best CNN and the best MLP, or of the one available model.

    Raises:
        ModelError: If there is no model.
    """
    kinds = {model.kind for model in registry.models()}
    return [registry.default(kind) for kind in ("cnn", "mlp") if kind in kinds] or [registry.default()]


def page_cards() -> None:
    """Draw a card per page: its link and a sentence."""
    pages = [page for page in common.PAGES if page[1] in SENTENCES]
    st.html(STYLE)
    with st.container(key="ways"):
        for file, label, icon in pages:
            with st.container(border=True):
                st.page_link(file, label=f"**{label}**", icon=icon)
                st.markdown(SENTENCES[label])


def model_table(models: Sequence[Model]) -> None:
    """Draw the table of models, the most accurate first."""
    ranked = sorted(models, key=lambda model: -model.accuracy)
    low, high = zip(*((model.card["interval"][0], model.card["interval"][1]) for model in ranked), strict=True)
    st.dataframe(
        {
            "Model": [model.name for model in ranked],
            "Kind": [model.kind.upper() for model in ranked],
            "Accuracy, %": [100 * model.accuracy for model in ranked],
            "95 % interval": [formats.interval(a, b) for a, b in zip(low, high, strict=True)],
            "Parameters": [model.card["parameters"] for model in ranked],
            "Size, MB": [model.card["bytes"][model_files.TFLITE] / 1e6 for model in ranked],
            "Epochs": [model.card.get("epochs") for model in ranked],
        },
        column_config={
            "Accuracy, %": st.column_config.NumberColumn(format="%.2f", help="On MNIST's 10,000 test digits."),
            "95 % interval": st.column_config.TextColumn(
                help="The range in which the accuracy on all digits of this kind most likely lies."
            ),
            "Parameters": st.column_config.NumberColumn(format="localized", help="The numbers set by training."),
            "Size, MB": st.column_config.NumberColumn(format="%.2f", help="Of the LiteRT file."),
            "Epochs": st.column_config.NumberColumn(format="%.4g", help="Passes over the training digits."),
        },
        hide_index=True,
        alt="Models and their accuracy: "
        + "; ".join(f"{model.name}, {formats.percentage(model.accuracy, 2)}" for model in ranked)
        + ".",
    )
