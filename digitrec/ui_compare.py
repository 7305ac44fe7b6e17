"""The Compare page's parts: the score card of two models, and the test digits on which they part."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from digitrec import dataset, evaluate, figures, pictures, ui
from digitrec import runfolder as rf
from digitrec.registry import Model

SHOWN = 16  # digits


def score_card(models: list[Model], right: list[NDArray[np.bool_]]) -> None:
    """Draw accuracy, size and cost of two models, and whether their difference is more than chance.

    Args:
        models: Two models.
        right: For each, bool (10000,), whether it reads each test digit right.
    """
    with st.container(key="scores"):
        st.table({model.name: _scores(model) for model in models})
        difference = evaluate.mcnemar(right[0], right[1], (models[0].name, models[1].name))
        st.markdown(difference.sentence)
    st.caption(
        "Both models read the same 10,000 test digits, so only the digits that one reads and the other does not "
        "tell them apart (McNemar's test)."
    )


def _scores(model: Model) -> dict[str, str]:
    card = model.card
    low, high = card["interval"]
    per_digit = np.array(card["confusion"]).sum(axis=1) - np.diag(card["confusion"])
    worst = int(np.argmax(per_digit))
    return {
        "Accuracy on the test digits": f"{100 * model.accuracy:.2f} %",
        "95 % interval": f"{100 * low:.2f} to {100 * high:.2f} %",
        "Digits read wrong": f"{card['errors']:,} of 10,000",
        "Hardest digit": f"{worst}, {per_digit[worst]} wrong",
        "Parameters": f"{card['parameters']:,}",
        "Size": f"{card['bytes'][rf.TFLITE] / 1e6:.1f} MB",
        "Training": f"{card['epochs']:g} epochs, {card['seconds']:,.0f} s",
    }


def one_digit(models: list[Model], probabilities: list[NDArray[np.float32]]) -> None:
    """Draw one test digit and what both models say of it; those on which they part come first."""
    st.subheader("One digit, two minds")
    digits, truth = ui.test_digits()
    answers = [p.argmax(axis=1) for p in probabilities]
    parted = np.flatnonzero(answers[0] != answers[1])
    st.markdown(f"They part on {len(parted):,} of the 10,000 test digits.")
    if len(parted) and st.checkbox("Only digits on which they part", True):
        chosen = st.selectbox(
            "Test digit", parted.tolist(), format_func=lambda i: f"number {i}, a {truth[i]}", key="parted_digit"
        )
    else:
        chosen = st.number_input("Number of the test digit, 0 to 9,999", 0, len(truth) - 1, key="test_digit")
    glyph = dataset.glyphs(digits[chosen])
    left, *columns = st.columns([150, 300, 300], gap="medium")
    with left:
        ui.seen(glyph)
        st.markdown(f"It is a **{truth[chosen]}**.")
    for number, (column, model) in enumerate(zip(columns, models, strict=True), 1):
        with column:
            shares = ui.predictor(model.name).probabilities(glyph[None])[0]
            st.markdown(f"**{model.name}** reads **{shares.argmax()}**")
            ui.figure(
                figures.softmax_bars(shares, ui.colour(model.name)),
                f"bars_{number}",
                figures.describe_bars(shares, model.name),
            )


def only_one_reads(models: list[Model], right: list[NDArray[np.bool_]]) -> None:
    """Draw the digits that one model reads and the other does not, for each of the two."""
    digits, truth = ui.test_digits()
    for column, (mine, other) in zip(st.columns(2), ((0, 1), (1, 0)), strict=True):
        found = np.flatnonzero(right[mine] & ~right[other])
        with column:
            st.markdown(f"**Only {models[mine].name}** reads these ({len(found):,} in all)")
            if len(found):
                shown = found[:SHOWN]
                captions = [str(truth[i]) for i in shown]
                st.image(pictures.montage(dataset.glyphs(digits[shown]), captions, columns=8, side=56))


def confusions(models: list[Model]) -> None:
    """Draw both confusion matrices side by side."""
    st.subheader("What each takes for what")
    for number, (column, model) in enumerate(zip(st.columns(2), models, strict=True), 1):
        counts = np.array(model.card["confusion"])
        with column:
            st.markdown(f"**{model.name}**")
            ui.figure(figures.confusion_matrix(counts), f"confusion_{number}", figures.describe_confusion(counts))
