"""Compare: how two models read the same digit, and how far each can be trusted."""

import streamlit as st

from digitrec.ui import bring, common
from digitrec.ui.compare import breaks, compare, digit, neighbours, scores

common.page(
    "Compare",
    "Two models, one digit. An MLP learns each pixel separately; a CNN looks for the same strokes everywhere. "
    "Follow a digit through both, distort it until they misread it, and compare their scores on all test digits.",
)
st.html(compare.STYLE)

with common.shown_errors():
    compare.keep_parts()
    compare.open_address()
    bring.take()
    models = compare.choose_models()
    bring.section(models)
    if len(models) < 2:
        st.info("Choose two models.")
        st.stop()
    truth = common.test_digits()[1]
    answers = [model.test_probabilities().argmax(axis=1) for model in models]
    right = [predicted == truth for predicted in answers]

    st.header("1. One digit, two models")
    differing = (answers[0] != answers[1]).nonzero()[0]
    subject = compare.choose_digit(models, differing)
    compare.write_address(models, subject)
    if subject is not None:
        found = [common.predictor(model.name).activations(subject.glyph[None]) for model in models]
        activations = [{name: values[0] for name, values in layers.items()} for layers in found]
        logits = [layers["logits"] for layers in activations]
        digit.answers(models, subject, logits)
        digit.evidence(models, subject, logits)
        digit.layers(models, activations)
        with compare.part("What the first layer looks for", "part_weights") as shown:
            if shown:
                digit.first_layer(models)
        digit.softmax(models, logits)

        st.header("2. Robustness")
        st.markdown(
            "A shifted 7 is still a 7. How far can this digit be distorted before each model changes its prediction?"
        )
        with compare.part("Shift, rotation, scale, stroke width, noise and blur", "part_breaks") as shown:
            if shown:
                breaks.shift_maps(models, subject)
                breaks.distorted(models, subject)

        st.header("3. Smallest change")
        st.markdown("How few pixels have to change before the prediction does?")
        with compare.part("The smallest change of ink that changes each prediction", "part_flips") as shown:
            if shown:
                breaks.smallest_changes(models, subject)
                breaks.growing(models, subject)

        st.header("4. Nearest neighbours")
        st.markdown(
            "The last layer before the logits turns each digit into a vector. Digits with similar vectors are alike to "
            "the model. The maps show 600 test digits along the two directions in which their vectors vary most; "
            "hover over a numeral for its number in the test set."
        )
        with compare.part("The nearest training digits and a map", "part_neighbours") as shown:
            if shown:
                neighbours.neighbours(models, subject, activations)

    st.header("5. Scores on the test set")
    scores.score_card(models, right)
    with compare.part("Errors per digit and confusion matrices", "part_mistakes") as shown:
        if shown:
            scores.per_digit(models)
            scores.confusions(models, answers)
    with st.container(key="only_one"):
        scores.only_one_reads(models, right)
    st.caption(
        "The address of this page contains your choices, so you can share it as a link. The camera button of a figure "
        "saves it as a picture; save other pictures with a right click or a long press."
    )
