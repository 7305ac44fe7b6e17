"""Compare: what two models do with the same digit, and how far each can be trusted."""

import streamlit as st

from digitrec import (
    ui,
    ui_compare,
    ui_compare_breaks,
    ui_compare_digit,
    ui_compare_neighbours,
    ui_compare_scores,
)

ui.page(
    "Compare",
    "Two models, the same digit. An MLP knows each pixel by its place; a CNN looks for the same strokes everywhere. "
    "Follow one digit through both, push it until they lose it, and see what that does to the score.",
)
st.html(ui_compare.STYLE)

with ui.shown_errors():
    ui_compare.keep_parts()
    ui_compare.open_address()
    models = ui_compare.choose_models()
    if len(models) < 2:
        st.info("Choose two models.")
        st.stop()
    truth = ui.test_digits()[1]
    answers = [model.test_probabilities().argmax(axis=1) for model in models]
    right = [said == truth for said in answers]

    st.header("1. One digit, two minds")
    parted = (answers[0] != answers[1]).nonzero()[0]
    subject = ui_compare.choose_digit(models, parted)
    ui_compare.write_address(models, subject)
    if subject is not None:
        found = [ui.predictor(model.name).activations(subject.glyph[None]) for model in models]
        activations = [{name: values[0] for name, values in said.items()} for said in found]
        logits = [said["logits"] for said in activations]
        ui_compare_digit.answers(models, subject, logits)
        ui_compare_digit.evidence(models, subject, logits)
        ui_compare_digit.layers(models, activations)
        with ui_compare.part("What the first layer looks for", "part_weights") as shown:
            if shown:
                ui_compare_digit.first_layer(models)
        ui_compare_digit.softmax(models, logits)

        st.header("2. Where it breaks")
        st.markdown("Who knows what a 7 is knows it when it has moved. How far can this digit go before each loses it?")
        with ui_compare.part(
            "Move, turn, scale, thicken, noise and blur it until each model loses it", "part_breaks"
        ) as shown:
            if shown:
                ui_compare_breaks.shift_maps(models, subject)
                ui_compare_breaks.distorted(models, subject)

        st.header("3. Where the answer flips")
        st.markdown("Nobody would notice a few pixels. How few change the answer?")
        with ui_compare.part("The smallest change of ink that turns each answer", "part_flips") as shown:
            if shown:
                ui_compare_breaks.smallest_changes(models, subject)
                ui_compare_breaks.growing(models, subject)

        st.header("4. Its neighbours")
        st.markdown(
            "The last layer before the scores turns each digit into a list of numbers. Digits with similar lists are "
            "neighbours: what the net takes to be alike. The maps lay 600 test digits out by the two directions in "
            "which those lists differ most; go over a numeral to see its digit."
        )
        with ui_compare.part("The nearest training digits, and a map", "part_neighbours") as shown:
            if shown:
                ui_compare_neighbours.neighbours(models, subject, activations)

    st.header("5. The score card")
    ui_compare_scores.score_card(models, right)
    with ui_compare.part("Which digits they read wrong, and for what they take them", "part_mistakes") as shown:
        if shown:
            ui_compare_scores.per_digit(models)
            ui_compare_scores.confusions(models, answers)
    with st.container(key="only_one"):
        ui_compare_scores.only_one_reads(models, right)
    st.caption(
        "The address of this page holds your choices: pass it on, and others see the same. The camera on a figure "
        "saves it as a picture; other pictures are saved with a right click or a long press."
    )
