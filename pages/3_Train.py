"""Train: choose a recipe, watch the network learn, keep the model."""

import streamlit as st

from digitrec.jobs import scheduler
from digitrec.training import keras_script
from digitrec.ui import common
from digitrec.ui.train import duel, form, probes, runs, sweep, train

common.page("Train", "Choose a network and watch it learn from 60,000 handwritten digits.")

with common.shown_errors(stop=False):
    scheduler.warm()

OTHERS = {"Side by side": runs.side_by_side, "Duel": duel.duel, "Sweep": sweep.section}
view = st.segmented_control(
    "What to do", ["One run", *OTHERS], default="One run", key="workbench", required=True, bind="query-params"
)
if view in OTHERS:
    with common.shown_errors():
        OTHERS[view]()
    st.stop()

with common.shown_errors(stop=False):
    left, right = st.columns([3, 2], gap="large")
    with left:
        recipe = form.choose_recipe()
        if st.button("Start", key="start", type="primary", icon=":material/play_arrow:"):
            st.session_state.run = train.start(recipe)
        with st.expander("Show the code"):
            st.markdown("The same network and training in plain Keras, as a complete script.")
            st.code(keras_script.keras_script(recipe), "python")
    with right:
        form.network_picture(recipe)

with common.shown_errors():
    run = train.choose_run()
    if run is None:
        st.info("No run yet. Press Start: the smallest recipe takes about ten seconds.")
        st.stop()
    train.watch(run.id)
    if not run.active:
        probes.replay(run)
    if (card := run.card) and not run.active:
        train.results(run, card)
