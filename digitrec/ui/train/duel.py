"""Train, duel: an MLP and a CNN trained with the same budget, and which of them reads better."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from digitrec import formats
from digitrec.figures import curves as figures_curves
from digitrec.figures import theme
from digitrec.jobs import duel as duels
from digitrec.jobs import runs
from digitrec.jobs.duel import Duel, Verdict
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import Recipe
from digitrec.ui import charts, common
from digitrec.ui.train import train

BUDGETS = {"Equal parameters": "parameters", "Equal seconds": "seconds", "Equal epochs": "epochs"}
AMOUNTS = {"parameters": 50_000, "seconds": 20, "epochs": 3}
MEANING = {
    "parameters": "Both networks have the same number of parameters and the same training. They differ in how they use "
    "them: an MLP has a weight for each pixel, a CNN applies a few weights everywhere.",
    "seconds": "Both train for the same time, measured from the first step and including validation. A CNN needs more "
    "computation per digit, so it sees fewer digits. Recipes whose learning rate depends on the number of steps are "
    "left out.",
    "epochs": "Both see each training digit equally often, no matter how long it takes.",
}
TURNS = {"One after the other": False, "At once": True}
SIDES = ("MLP", "CNN")
BY = {"By epoch": "epoch", "By seconds": "seconds"}


def duel() -> None:
    """Draw the section."""
    with common.shown_errors(stop=False):
        mlp, cnn, budget, amount = _choose()
        st.table({"MLP": _in_words(mlp), "CNN": _in_words(cnn)})
        turns = st.segmented_control(
            "Order", list(TURNS), default=next(iter(TURNS)), key="turns", required=True, persist_state="session"
        )
        st.caption("At once, each uses half of the machine's cores.")
        if st.button("Start the duel", key="start_duel", type="primary", icon=":material/swords:"):
            mine = st.session_state.setdefault("my_runs", [])
            begun = duels.start(mlp, cnn, budget, amount, TURNS[turns], mine)
            st.session_state.my_runs = [*mine, *(run.id for run in begun.sides)]
            for run in begun.sides:
                train.log_start(run.recipe)
            st.session_state.duel = begun.id
    found = {duel.id: duel for duel in duels.duels()}
    if not found:
        st.info("No duel yet. With the values above, one takes about a minute.")
        return
    chosen = found[_choose_duel(found)]
    every = 1.0 if chosen.active else None
    st.fragment(_watch, run_every=every)(chosen.id, chosen.active)
    verdict = duels.verdict(chosen, common.test_digits()[1])
    if verdict:
        _verdict(chosen, verdict)


def _choose() -> tuple[Recipe, Recipe, str, float]:
    """Draw the choice of the budget and of the networks; return both recipes, the budget and its amount.

    Raises:
        RecipeError: If what was entered cannot work.
    """
    chosen_budget = st.segmented_control(
        "Budget", list(BUDGETS), default=next(iter(BUDGETS)), key="budget", required=True, persist_state="session"
    )
    budget = BUDGETS[chosen_budget]
    st.markdown(MEANING[budget])
    if budget == "parameters":
        left, right = st.columns(2)
        with left:
            amount = _amount("Parameters each", "parameters")
        with right:
            epochs = _amount("Epochs each", "epochs")
        mlp, cnn = (duels.budgeted(net, "epochs", epochs) for net in duels.nets(amount))
        return mlp, cnn, budget, amount
    columns = st.columns(3)
    with columns[0]:
        amount = _amount(f"{budget.capitalize()} each", budget)
    chosen = [_recipe(kind, budget, column) for kind, column in zip(("mlp", "cnn"), columns[1:], strict=True)]
    mlp, cnn = (duels.budgeted(recipe, budget, amount) for recipe in chosen)
    return mlp, cnn, budget, amount


def _amount(label: str, budget: str) -> int:
    low, high = duels.LIMITS[budget]
    step = 1_000 if budget == "parameters" else 1
    key = f"duel_{budget}"
    st.session_state.setdefault(key, AMOUNTS[budget])
    return int(st.number_input(f"{label}, {low:,} to {high:,}", low, high, step=step, key=key, persist_state="session"))


def _recipe(kind: str, budget: str, column: DeltaGenerator) -> Recipe:
    names = duels.candidates(kind, budget)
    key = f"duel_{kind}"
    if st.session_state.get(key) not in names:
        st.session_state[key] = "cnn-3x3" if kind == "cnn" else names[0]
    return PRESETS[
        str(
            column.selectbox(
                kind.upper(),
                names,
                key=key,
                persist_state="session",
                format_func=lambda name: common.model_label(name, kind),
            )
        )
    ].recipe


def _in_words(recipe: Recipe) -> dict[str, str]:
    """Return one side's column of the table."""
    blocks = "".join(f"{b.filters} maps of {b.kernel} x {b.kernel}, " for b in recipe.blocks)
    length = f"{recipe.seconds:.0f} s" if recipe.seconds else formats.plural(recipe.epochs, "epoch")
    rate = f"{recipe.learning_rate:g}"
    return {
        "Parameters": f"{recipe.parameters:,}",
        "Layers": f"{blocks}{', '.join(map(str, recipe.hidden))} units, 10 outputs",
        "Training": f"{length}, batch size {recipe.batch_size}, {recipe.optimizer}, learning rate {rate}",
    }


def _choose_duel(found: dict[str, Duel]) -> str:
    """Draw the chooser of duels, newest first, and return the id of the one chosen."""
    ids = list(found)
    wanted = st.session_state.get("duel") or st.query_params.get("duel")
    st.session_state.duel = wanted if wanted in ids else ids[0]
    chosen = str(st.selectbox("Duel", ids, key="duel", format_func=lambda key: _called(found[key])))
    st.query_params["duel"] = chosen
    return chosen


def _called(duel: Duel) -> str:
    day, time = duel.mlp.id.split("-")[:2]
    when = f"{day[:4]}-{day[4:6]}-{day[6:]} {time[:2]}:{time[2:4]}"
    return f"{when}, {duel.amount:,g} {duel.budget} each: {duel.mlp.recipe.name} and {duel.cnn.recipe.name}"


def _watch(key: str, active: bool) -> None:
    """Draw both sides' states, the buttons and the curves."""
    duel = next((duel for duel in duels.duels() if duel.id == key), None)
    if duel is None or duel.active != active:
        st.rerun()
    snapshots = {label: runs.progress_and_curves(run) for label, run in zip(SIDES, duel.sides, strict=True)}
    for side, column, run in zip(SIDES, st.columns(2), duel.sides, strict=True):
        progress = snapshots[side][0]
        with column, st.container(key=f"duel_status_{run.recipe.kind}"):
            st.markdown(f"**{side}** {train.status_sentence(run, progress)}")
            st.progress(progress.share)
    _buttons(duel)
    by = st.segmented_control(
        "Curves",
        list(BY),
        default="By seconds" if duel.budget == "seconds" else "By epoch",
        key=f"duel_by_{duel.budget}",
        required=True,
        persist_state="session",
    )
    curves = {label: points for label, (_, points) in snapshots.items()}
    colours = theme.distinct_colours(
        {label: (run.recipe.name, run.recipe.kind) for label, run in zip(SIDES, duel.sides, strict=True)}
    )
    version = f"{key} {by} {[(len(points.batch_epoch), len(points.epoch)) for points in curves.values()]}"
    drawn = figures_curves.learning_curves(curves, colours, "seconds" if by == "By seconds" else "epoch")
    charts.live_figure(version, drawn, figures_curves.describe_curves(curves), "duel_curves")


def _buttons(duel: Duel) -> None:
    with st.container(horizontal=True), common.shown_errors(stop=False):
        if duel.active and st.button("Stop both", key="stop_duel", icon=":material/stop:"):
            duels.stop(duel)
            st.rerun()
        broken = [run for run in duel.sides if run.resumable]
        if not duel.active and broken and st.button("Resume", key="resume_duel", icon=":material/play_arrow:"):
            for run in broken:
                runs.resume(run)
            st.rerun()


def _verdict(duel: Duel, verdict: Verdict) -> None:
    st.header("Verdict")
    with st.container(key="verdict"):
        if verdict.unfair:
            st.warning(verdict.unfair, icon=":material/balance:")
        st.markdown(f"**{verdict.headline}** {verdict.difference}")
        st.table({side: _scores(run.card or {}) for side, run in zip(SIDES, duel.sides, strict=True)})
    st.caption(
        "Both read the same 10,000 test digits, so the test counts only the digits that exactly one of them reads "
        "correctly (McNemar's test)."
    )


def _scores(card: dict[str, Any]) -> dict[str, str]:
    low, high = card["interval"]
    return {
        "Accuracy on the test digits": formats.percentage(card["accuracy"], 2),
        "95 % interval": formats.interval(low, high),
        "Parameters": f"{card['parameters']:,}",
        "Epochs": formats.number(card["epochs"]),
        "Training, including start-up": formats.duration(card["seconds"]),
    }
