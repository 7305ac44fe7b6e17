"""Train, sweep: lists of values for some settings, one run per combination, and which of them reads best."""

from typing import Any

import streamlit as st

from digitrec.figures import sweep as figures_sweep
from digitrec.jobs import sweep
from digitrec.jobs.sweep import Sweep, Trial, Value
from digitrec.training.recipe import Recipe
from digitrec.ui import charts, common
from digitrec.ui.train import form

DEFAULTS = {
    "learning_rate": "0.0003, 0.001, 0.003, 0.01",
    "batch_size": "32, 128",
    "width": "32, 128, 512",
    "dropout": "0, 0.2, 0.4",
    "label_smoothing": "0, 0.1",
    "epochs": "1, 3, 10",
    "seed": "1, 2, 3",
}
EVERY = 2.0  # seconds between updates
STYLE = "<style>.st-key-parallel text {text-shadow: none !important}</style>"  # plotly's is white, also on dark


def section() -> None:
    """Draw the section."""
    with common.shown_errors(stop=False):
        recipe = form.choose_recipe()
        varied, early = _choose()
        count = len(sweep.grid(recipe, varied))
        st.markdown(f"**{count} runs** of {recipe.name}, each of at most {_most_epochs(recipe, varied)} epochs.")
        if st.button("Start the sweep", key="start_sweep", type="primary", icon=":material/tune:"):
            mine = st.session_state.setdefault("my_runs", [])
            begun = sweep.start(recipe, varied, early, mine)
            st.session_state.my_runs = [*mine, *sweep.run_ids(begun)]
            st.session_state.sweep = begun.id
    ids = sweep.sweeps()
    if not ids:
        st.info("No sweep yet. Choose a small recipe and few epochs, as each run takes as long as a single one.")
        return
    wanted = st.session_state.get("sweep") or st.query_params.get("sweep")
    st.session_state.sweep = wanted if wanted in ids else ids[0]
    chosen = st.selectbox("Sweep", ids, key="sweep")
    st.query_params["sweep"] = chosen
    active = sweep.get(chosen).active
    st.fragment(_watch, run_every=EVERY if active else None)(chosen, active)


def _choose() -> tuple[dict[str, list[Value]], bool]:
    """Draw the choice of settings and values; return them, and whether worse runs are stopped early.

    Raises:
        RecipeError: If the input is not a list of values.
    """
    chosen = st.multiselect(
        "Settings to vary",
        sweep.SETTINGS,
        ["learning_rate", "batch_size"],
        key="sweep_settings",
        format_func=sweep.SETTINGS.__getitem__,
        max_selections=sweep.MOST_SETTINGS,
        help="One to three. Each combination of their values is one run.",
    )
    varied: dict[str, list[Value]] = {}
    for column, setting in zip(st.columns(max(1, len(chosen))), chosen, strict=False):
        label, key = sweep.SETTINGS[setting], f"sweep_{setting}"
        if words := sweep.CHOICES.get(setting):
            varied[setting] = list(column.multiselect(label, words, words[:2], key=key))
        else:
            text = column.text_input(label, DEFAULTS[setting], key=key, help="Numbers separated by commas.")
            varied[setting] = sweep.parse(setting, text)
    early = st.checkbox("Stop worse runs early", True, key="sweep_early", help=sweep.RULE)
    st.caption(sweep.RULE if early else "Each run trains for all its epochs.")
    return varied, early


def _most_epochs(recipe: Recipe, varied: dict[str, list[Value]]) -> int:
    return max(int(value) for value in varied.get("epochs", [recipe.epochs]))


def _watch(sweep_id: str, active: bool) -> None:
    found = sweep.get(sweep_id)
    if active and not found.active:
        st.rerun()
    with st.container(key="sweep_status"):
        st.markdown(_status_sentence(found))
    ended = sum(_has_ended(trial) for trial in found.trials)
    st.progress(ended / len(found.trials))
    _buttons(found)
    shown = [trial for trial in found.trials if trial.accuracy is not None]
    columns = {label: [t.values[setting] for t in shown] for setting, label in _labels(found).items()}
    accuracies = [trial.accuracy or 0.0 for trial in shown]
    if len(shown) > 1:
        twin = figures_sweep.describe(columns, accuracies)
        st.html(STYLE)
        charts.live_figure(repr((columns, accuracies)), figures_sweep.parallel(columns, accuracies), twin, "parallel")
        st.caption(f"One line per run, from orange (worst) to green (best) by validation accuracy. {twin}")
    st.dataframe(
        [_row(found, trial) for trial in found.trials], key="sweep_table", hide_index=True, column_config=SHOWN
    )
    st.caption(
        "The best of many runs is partly lucky: its test accuracy is likely to be a little lower than its validation "
        "accuracy. Each run is also listed under One run, with its curves and its model."
    )


SHOWN: dict[str, Any] = {
    "Best validation accuracy": st.column_config.NumberColumn(format="%.2f %%"),
    "Seconds": st.column_config.NumberColumn(format="%.1f"),
    "Parameters": st.column_config.NumberColumn(format="localized"),
}


def _row(found: Sweep, trial: Trial) -> dict[str, Any]:
    reached = None if trial.accuracy is None else 100 * trial.accuracy
    return {
        "Run": trial.number + 1,
        **{label: figures_sweep.in_words(trial.values[setting]) for setting, label in _labels(found).items()},
        "State": trial.state,
        "Best validation accuracy": reached,
        "Epochs": len(trial.accuracies),
        "Seconds": trial.seconds or None,
        "Parameters": trial.recipe.parameters,
    }


def _labels(found: Sweep) -> dict[str, str]:
    return {setting: sweep.SETTINGS[setting] for setting in found.settings}


def _has_ended(trial: Trial) -> bool:
    return trial.run is not None and not trial.run.active


def _status_sentence(found: Sweep) -> str:
    ended = sum(_has_ended(trial) for trial in found.trials)
    early = sum(trial.behind for trial in found.trials)
    sentence = f"{found.state}: {ended} of {len(found.trials)} runs have ended"
    if early:
        sentence += f", {early} of them early"
    if found.state == "interrupted":
        sentence += ". The training process ended unexpectedly. **Resume** continues from the last checkpoint of the "
        sentence += "interrupted run"
    return sentence + "."


def _buttons(found: Sweep) -> None:
    with st.container(horizontal=True), common.shown_errors(stop=False):
        stopping = found.state == "stopping"
        if found.active and st.button("Stop the sweep", key="stop_sweep", icon=":material/stop:", disabled=stopping):
            sweep.stop(found)
            st.rerun(scope="fragment")
        if found.state in ("stopped", "interrupted") and st.button(
            "Resume", key="go_on_sweep", icon=":material/play_arrow:"
        ):
            sweep.resume(found)
            st.rerun()
        if not found.active and st.button("Delete this sweep", key="delete_sweep", icon=":material/delete:"):
            sweep.delete(found)
            st.session_state.pop("sweep", None)
            st.query_params.pop("sweep", None)
            st.rerun()
