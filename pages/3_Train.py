"""Train: choose a recipe, watch it learn, keep what it learned."""

import streamlit as st

from digitrec import runs, script, ui, ui_train, ui_watch

ui.page("Train", "Choose a network, and watch it learn to read 60,000 handwritten digits.")

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
    if not run.active:
        ui_watch.replay(run)
    if (card := run.card) and not run.active:
        ui_train.results(run, card)
