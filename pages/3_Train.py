"""Train: choose a recipe, watch it learn, keep what it learned."""

import streamlit as st

from digitrec import executor, runs, script, ui, ui_duel, ui_runs, ui_sweep, ui_train

ui.page("Train", "Choose a network, and watch it learn to read 60,000 handwritten digits.")

with ui.shown_errors(stop=False):
    executor.warm()

OTHERS = {"Side by side": ui_runs.side_by_side, "Duel": ui_duel.duel, "Sweep": ui_sweep.section}
view = st.segmented_control(
    "What to do", ["One run", *OTHERS], default="One run", key="workbench", required=True, bind="query-params"
)
if view in OTHERS:
    with ui.shown_errors():
        OTHERS[view]()
    st.stop()

with ui.shown_errors(stop=False):
    left, right = st.columns([3, 2], gap="large")
    with left:
        recipe = ui_train.choose_recipe()
        if st.button("Start", key="start", type="primary", icon=":material/play_arrow:"):
            st.session_state.run = runs.start(recipe).id
        with st.expander("Show the code"):
            st.markdown("The same net and the same training in plain Keras. Copy it, and it runs as it stands.")
            st.code(script.keras_script(recipe), "python")
    with right:
        ui_train.network_picture(recipe)

with ui.shown_errors():
    run = ui_train.choose_run()
    if run is None:
        st.info("No run yet. Press Start: the smallest recipe takes about ten seconds.")
        st.stop()
    ui_train.watch(run.id)
    if (card := run.card) and not run.active:
        ui_train.results(run, card)
