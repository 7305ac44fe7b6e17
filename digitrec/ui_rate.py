"""The learning rate on the Train page: its schedule before training, and the range test that proposes one."""

import streamlit as st

from digitrec import figures, figures_rate, limits, rates, schedule, ui
from digitrec.errors import RunError
from digitrec.recipe import Recipe


def choose(default: float) -> float:
    """Draw the field of the learning rate and return it; `finder` may have put it there."""
    if (proposed := st.session_state.pop("rate_proposed", None)) is not None:
        st.session_state.learning_rate = proposed
    st.session_state.setdefault("learning_rate", default)
    return float(st.number_input("Learning rate", 1e-7, 10.0, format="%g", key="learning_rate"))


def preview(recipe: Recipe) -> None:
    """Draw the learning rate over the training that the recipe asks for."""
    steps = recipe.epochs * recipe.steps_per_epoch
    drawn = figures_rate.schedule(schedule.learning_rates(recipe, steps), recipe.epochs, _colour(recipe))
    ui.figure(drawn, "schedule", schedule.describe(recipe, steps))


def finder(recipe: Recipe) -> None:
    """Draw the range test: the button that starts it, what it finds, and the button that takes it over."""
    wanted = st.query_params.get("rates")
    with st.expander("Which rate? A range test proposes one", bool(wanted), key="range_test"):
        st.markdown(
            "A range test trains this net on at most 200 batches, each with a higher rate than the one before. The "
            "loss stays, falls, then blows up; a good rate lies well before that."
        )
        with ui.shown_errors(stop=False):
            if st.button("Test learning rates", key="find_rate", icon=":material/query_stats:"):
                mine = st.session_state.setdefault("my_runs", [])
                limits.check(recipe)
                limits.check_queue(mine)
                wanted = st.query_params["rates"] = rates.start(recipe).id
                st.session_state.my_runs = [*mine, wanted]
            if wanted:
                every = 1.0 if rates.get(wanted).active else None
                st.fragment(_watch, run_every=every)(wanted, recipe, every is not None)


def _watch(test_id: str, recipe: Recipe, active: bool) -> None:
    try:
        test = rates.get(test_id)
    except RunError as error:
        st.caption(str(error))
        return
    if active and not test.active:
        st.rerun()
    tried, losses = test.rates, test.losses
    proposed = None if test.active else rates.proposal(tried, losses)
    st.markdown(_sentence(test, proposed))
    if test.active:
        st.progress(len(tried) / rates.BATCHES)
        if st.button("Stop the test", key="stop_rates", icon=":material/stop:", disabled=test.state == "stopping"):
            with ui.shown_errors(stop=False):
                rates.stop(test)
                st.rerun(scope="fragment")
    if len(tried):
        drawn = figures_rate.range_test(tried, losses, proposed, _colour(recipe))
        ui.figure(drawn, "range_figure", figures_rate.describe_range(tried, losses, proposed))
    if rates.name(recipe) != test.id:
        st.caption(f"Tested was {_net(test.recipe)}. The form says something else now: test again to be sure.")
    if proposed:
        used = recipe.learning_rate == proposed
        if st.button(f"Use {proposed:g}", key="use_rate", icon=":material/check:", disabled=used):
            st.session_state.rate_proposed = proposed  # the field takes it when all of the page runs again
            st.rerun()


def _sentence(test: rates.Test, proposed: float | None) -> str:
    if test.state == "starting":
        return "starting: TensorFlow is being loaded, which takes some seconds"
    if test.active:
        left = test.seconds / max(1, len(test.rates)) * (rates.BATCHES - len(test.rates))
        return f"{test.state}: batch {len(test.rates)} of at most {rates.BATCHES}, {left:.0f} s left"
    if test.message:
        return f"{test.state}: {test.message}"
    if proposed:
        return f"Proposed: **{proposed:g}**, half way from where the loss falls fastest to where it is lowest."
    if test.state == "stopped":
        return "stopped: too few batches to propose a rate."
    return "The loss hardly fell at any rate, so none is proposed. Try another activation, optimiser or batch size."


def _net(recipe: Recipe) -> str:
    widths = "-".join(str(width) for width in (*(block.filters for block in recipe.blocks), *recipe.hidden))
    kind = "an MLP" if recipe.kind == "mlp" else "a CNN"
    return f"{kind} of {widths} with {recipe.optimizer} and batches of {recipe.batch_size}"


def _colour(recipe: Recipe) -> str:
    return figures.model_colour(recipe.name, recipe.kind)
