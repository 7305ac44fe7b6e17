"""The home page's parts: a test digit read by two models, a card per page, the table of models."""

import random
from collections.abc import Sequence

import streamlit as st
from PIL import Image

from digitrec import formats
from digitrec.datasets import mnist
from digitrec.recognition import pipeline
from digitrec.registry import registry
from digitrec.registry.registry import Model
from digitrec.training import model_files
from digitrec.ui import charts, common

DIGITS = 10_000
FIRST = 61
"""Place among MNIST's test digits of the one shown first: an 8."""

STYLE = """<style>
.st-key-ways {display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 1rem}
</style>"""

SENTENCES = {
    "Draw": "Draw a digit with a finger or the mouse. Both models read it after each stroke.",
    "Upload": "Read photos and scans, one or many at once, correct mistakes, and download the results.",
    "Train": "Train your own network on 60,000 digits and watch its learning curves.",
    "Compare": "Compare two models on one digit and on all test digits: where they differ, and why.",
}


@st.fragment
def sample() -> None:
    """Draw one of MNIST's test digits and how the best MLP and the best CNN read it; a button picks another."""
    with st.container(border=True, key="sample_digit"), common.shown_errors(stop=False):
        _sample(st.session_state.setdefault("sample", FIRST))


def _sample(place: int) -> None:
    """Draw the test digit at a place, 0 to 9,999.

    Raises:
        ModelError: If there is no model.
    """
    names, labelled = _defaults(), common.model_labels()
    pictures, labels = common.test_digits()
    picture = Image.fromarray(255 - pictures[place])
    first = pipeline.read(picture, common.predictor(names[0]), single=True)
    readings = [first, *(pipeline.reread(first, common.predictor(name)) for name in names[1:])]
    left, *columns = st.columns([1, 2, 2], gap="medium")
    with left:
        charts.seen(mnist.glyphs(pictures[place]))
        st.markdown(f"One of MNIST's 10,000 test digits, on which no model was trained. Label: **{labels[place]}**.")
        st.button("Another digit", key="another", icon=":material/casino:", on_click=_pick)
    for number, (column, name, read) in enumerate(zip(columns, names, readings, strict=False), 1):
        with column:
            st.markdown(f"**{common.plain(labelled[name])}** predicts")
            with st.container(key=f"answer_{number}"):
                common.answer(read, "Empty.")
            charts.bars(read.digits[0] if read.digits else None, name, f"bars_{number}")


def _pick() -> None:
    st.session_state.sample = random.randrange(DIGITS)


def _defaults() -> list[str]:
    """Return the names of the best MLP and the best CNN, or of the one available model.

    Raises:
        ModelError: If there is no model.
    """
    kinds = {model.kind for model in registry.models()}
    return [registry.default(kind) for kind in ("mlp", "cnn") if kind in kinds] or [registry.default()]


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
