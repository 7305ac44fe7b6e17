"""Compare: two models on the same 10,000 test digits."""

import streamlit as st

from digitrec import registry, ui, ui_compare

ui.page(
    "Compare",
    "Two models read the same 10,000 test digits. An MLP knows each pixel by its place; a CNN looks for the same "
    "strokes everywhere. So when a digit moves, the MLP loses it and the CNN keeps it.",
)

with ui.shown_errors():
    first, second = ui.choose_models()
    if first is None or second is None:
        st.info("Choose two models.")
        st.stop()
    models = [registry.get(first), registry.get(second)]
    probabilities = [model.test_probabilities() for model in models]
    answers = [p.argmax(axis=1) == ui.test_digits()[1] for p in probabilities]
    ui_compare.score_card(models, answers)
    ui_compare.one_digit(models, probabilities)
    ui_compare.only_one_reads(models, answers)
    ui_compare.confusions(models)
