"""Compare: what two models do with the same digit, and how far each can be trusted."""

import streamlit as st

from digitrec.ui import common
from digitrec.ui.compare import breaks, compare, digit, neighbours, scores

common.page(
    "Compare",
    "Two models, the same digit. An MLP knows each pixel by its place; a CNN looks for the same strokes everywhere. "
    "Follow one digit through both, push it until they lose it, and see what that does to the score.",
)
st.html(compare.STYLE)

with common.shown_errors():
    compare.keep_parts()
    compare.open_address()
    models = compare.choose_models()
    if len(models) < 2:
        st.info("Choose two models.")
        st.stop()
    truth = common.test_digits()[1]
    answers = [model.test_probabilities().argmax(axis=1) for model in models]
    right = [said == truth for said in answers]

    st.header("1. One digit, two minds")
    parted = (answers[0] != answers[1]).nonzero()[0]
    subject = compare.choose_digit(models, parted)
    compare.write_address(models, subject)
    if subject is not None:
        found = [common.predictor(model.name).activations(subject.glyph[None]) for model in models]
        activations = [{name: values[0] for name, values in said.items()} for said in found]
        logits = [said["logits"] for said in activations]
        digit.answers(models, subject, logits)
        digit.evidence(models, subject, logits)
        digit.layers(models, activations)
        with compare.part("What the first layer looks for", "part_weights") as shown:
            if shown:
                digit.first_layer(models)
        digit.softmax(models, logits)

        st.header("2. Where it breaks")
        st.markdown("Who knows what a 7 is knows it when it has moved. How far can this digit go before each loses it?")
        with compare.part(
            "Move, turn, scale, thicken, noise and blur it until each model loses it", "part_breaks"
        ) as shown:
            if shown:
                breaks.shift_maps(models, subject)
                breaks.distorted(models, subject)

        st.header("3. Where the answer flips")
        st.markdown("Nobody would notice a few pixels. How few change the answer?")
        with compare.part("The smallest change of ink that turns each answer", "part_flips") as shown:
            if shown:
                breaks.smallest_changes(models, subject)
                breaks.growing(models, subject)

        st.header("4. Its neighbours")
        st.markdown(
            "The last layer before the scores turns each digit into a list of numbers. Digits with similar lists are "
            "neighbours: what the net takes to be alike. The maps lay 600 test digits out by the two directions in "
            "which those lists differ most; go over a numeral to see its digit."
        )
        with compare.part("The nearest training digits, and a map", "part_neighbours") as shown:
            if shown:
                neighbours.neighbours(models, subject, activations)

    st.header("5. The score card")
    scores.score_card(models, right)
    with compare.part("Which digits they read wrong, and for what they take them", "part_mistakes") as shown:
        if shown:
            scores.per_digit(models)
            scores.confusions(models, answers)
    with st.container(key="only_one"):
        scores.only_one_reads(models, right)
    st.caption(
        "The address of this page holds your choices: pass it on, and others see the same. The camera on a figure "
        "saves it as a picture; other pictures are saved with a right click or a long press."
    )
