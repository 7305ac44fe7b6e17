"""The Train page's parts: a run in progress, and its results."""

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from digitrec import formats, log
from digitrec.datasets import mnist
from digitrec.figures import confusion as figures_confusion
from digitrec.figures import curves as figures_curves
from digitrec.figures import theme
from digitrec.imaging import thumbnails
from digitrec.jobs import limits, runs
from digitrec.jobs.runs import Run
from digitrec.registry import registry
from digitrec.training import metrics
from digitrec.training.presets import PRESETS, PublishedCurve
from digitrec.training.recipe import Recipe
from digitrec.ui import charts, common
from digitrec.ui.train import downloads, probes

SOON, LATER = 0.25, 1.0  # seconds between updates of a run: until its first point, and from then on


def start(recipe: Recipe) -> str:
    """Start a run within what the server allows and return its id.

    Raises:
        RecipeError: If the recipe asks for more than that.
        RunError: If this visitor has too many active runs, or the run cannot be written.
    """
    mine = st.session_state.setdefault("my_runs", [])
    limits.check(recipe)
    limits.check_queue(mine)
    limits.clear_runs()
    started = runs.start(recipe).id
    st.session_state.my_runs = [*mine, started]
    log_start(recipe)
    return started


def log_start(recipe: Recipe) -> None:
    """Log that a run was started."""
    log.event("run", kind=recipe.kind, parameters=recipe.parameters, epochs=recipe.epochs)


def choose_run() -> Run | None:
    """Draw the chooser of runs, newest first, and return the one chosen; None while there is none."""
    found = runs.runs()
    if not found:
        return None
    ids = [run.id for run in found]
    wanted = st.session_state.get("run") or st.query_params.get("run")
    st.session_state.run = wanted if wanted in ids else ids[0]
    states = {run.id: run.state for run in found}
    chosen = st.selectbox("Run", ids, key="run", format_func=lambda run_id: f"{run_id} ({states[run_id]})")
    st.query_params["run"] = chosen
    return found[ids.index(chosen)]


def watch(run_id: str) -> None:
    """Draw a run's state, progress, buttons and curves; repeatedly while it is active."""
    run = runs.get(run_id)
    every = (SOON if _soon(run, runs.curves_in(run.folder)) else LATER) if run.active else None
    st.fragment(_watch, run_every=every)(run_id, every)


def _soon(run: Run, points: runs.Curves) -> bool:
    """Return whether a run starts, or has no point yet; one that is resumed has points before it has started."""
    return run.state == "starting" or (run.state == "running" and not points.batch_epoch)


def _watch(run_id: str, every: float | None) -> None:
    run = runs.get(run_id)
    if every and not run.active:
        st.rerun()
    progress, points = runs.progress_and_curves(run)
    with st.container(key="run_status"):
        st.markdown(status_sentence(run, progress))
    st.progress(progress.share)
    with st.container(horizontal=True), common.shown_errors(stop=False):
        asked = run.state == "stopping" and not run.message
        if run.active and st.button("Stop", key="stop", icon=":material/stop:", disabled=asked):
            runs.stop(run)
            st.rerun(scope="fragment")
        if run.resumable and st.button("Resume", key="resume", icon=":material/play_arrow:"):
            runs.resume(run)
            st.rerun()
        if not run.active and st.button("Delete this run", key="delete", icon=":material/delete:"):
            runs.delete(run)
            st.session_state.pop("run", None)
            st.query_params.pop("run", None)
            st.rerun()
    if run.active:
        left, right = st.columns([3, 2], gap="medium")
        with right:  # first, as the curves take longer
            probes.live(run, training=not progress.testing)
        with left:
            _curves(run, points)
    else:
        _curves(run, points)
    if every == SOON and not _soon(run, points):
        st.rerun()  # from now on at the slower pace


def _curves(run: Run, points: runs.Curves) -> None:
    curves = {run.recipe.name: points}
    colours = {run.recipe.name: theme.model_colour(run.recipe.name, run.recipe.kind)}
    version = f"{run.id} {len(points.batch_epoch)} {len(points.epoch)}"
    preset = PRESETS.get(run.recipe.name)
    published = preset.curve if preset else None
    drawn = figures_curves.learning_curves(curves, colours, published=published)
    charts.live_figure(version, drawn, figures_curves.describe_curves(curves, published))
    text = (
        "Loss: how far the probabilities are from the labels, lower is better. Accuracy: the percentage read correctly."
        " Where training improves and validation does not, the network memorizes its training digits (overfitting)."
    )
    st.caption(f"{text} {_published_in_words(published)}" if published and points.epoch else text)


def _published_in_words(published: PublishedCurve) -> str:
    """Return a sentence on the dotted lines; a source may print some epochs only."""
    complete = len(published.epochs) == published.epochs[-1]
    known = "" if complete else f", which are known for the epochs {' and '.join(map(str, published.epochs))} only"
    return f"Dotted: the figures of the recipe's source{known}."


def status_sentence(run: Run, progress: runs.Progress) -> str:
    """Return the state, first, and its details."""
    state = _state(run, progress)
    return f"{state}. {common.plain(run.message)}" if run.active and run.message else state


def _state(run: Run, progress: runs.Progress) -> str:
    if run.state == "queued" and not run.place:
        return "queued: waiting for a free worker of the cluster"
    if run.state == "queued":
        return f"queued: {formats.plural(run.place, 'run')} before it"
    if run.state == "starting":
        return "starting: loading TensorFlow, which takes a few seconds"
    if run.state == "stopping":
        return "stopping: saving and testing the model"
    if run.state in ("failed", "interrupted"):
        return f"{run.state}: {common.plain(run.message)}"
    done = f"epoch {progress.epochs:.2f} of {progress.of}, {formats.duration(progress.seconds)}"
    if progress.of_seconds:
        spent = progress.share * progress.of_seconds
        done = f"epoch {progress.epochs:.2f}, {spent:.0f} of {progress.of_seconds:.0f} s"
    if run.state != "running":
        return f"{run.state}: {done}"
    if progress.testing:
        return f"running: {done}; now testing on 10,000 digits"
    left = f", {formats.duration(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    rate = f", {progress.digits_per_second:,.0f} digits per second" if progress.digits_per_second else ""
    return f"running: {done}{left}{rate}"


def results(run: Run, card: dict[str, Any]) -> None:
    """Draw the results of a run: accuracy, confusion, mistakes; save the model, download it."""
    low, high = card["interval"]
    st.header("Results")
    one, two, three = st.columns(3)
    one.metric("Accuracy on the 10,000 test digits", formats.percentage(card["accuracy"], 2), border=True)
    two.metric("95 % interval", formats.interval(low, high, 1), border=True)
    three.metric("Errors", formats.plural(card["errors"], "digit"), border=True)
    st.caption("On another 10,000 digits of the same kind, the accuracy would most likely lie within this interval.")
    _keep(run)
    probabilities = registry.test_probabilities(run.folder)
    confusion(np.array(card["confusion"]), probabilities)
    st.header("Most confident mistakes")
    digits, truth = common.test_digits()
    wrong = metrics.mistakes(probabilities, truth, 16)
    if len(wrong):
        st.image(thumbnails.montage(mnist.glyphs(digits[wrong]), _captions(wrong, probabilities)))
        st.caption("Each with its number in the test set, its label, and the prediction.")
    st.header("Downloads")
    downloads.downloads(run.id, run.folder, run)


def _keep(run: Run) -> None:
    with st.form("keep", border=False), common.shown_errors(stop=False):
        free = registry.free_name(f"my-{run.recipe.name}")
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        name = left.text_input("Name of the model", free, max_chars=40, key="model_name")
        if right.form_submit_button("Save", icon=":material/bookmark_add:", width="stretch", key="keep_model"):
            model = registry.add(name.strip(), run.folder)
            st.success(
                f"{common.plain(model.name)} can now be chosen on Draw, Upload and Compare.", icon=":material/check:"
            )


def confusion(counts: NDArray[np.int64], probabilities: NDArray[np.float32]) -> None:
    """Draw the confusion matrix; the cell that is clicked, or chosen beside it, shows its digits."""
    st.header("Confusion matrix")
    left, right = st.columns(2)
    worst = np.argmax(np.where(np.eye(10, dtype=bool), -1, counts))
    truth, answer = (int(v) for v in divmod(worst, 10))
    st.session_state.setdefault("cell_truth", truth)
    st.session_state.setdefault("cell_answer", answer)
    with left:
        cell = (st.session_state.cell_truth, st.session_state.cell_answer)
        drawn = figures_confusion.confusion_matrix(counts, cell)
        charts.figure(drawn, "confusion", figures_confusion.describe_confusion(counts), on_select=_take_cell)
    with right:
        one, two = st.columns(2)
        truth = one.selectbox("Label", range(10), key="cell_truth")
        answer = two.selectbox("Prediction", range(10), key="cell_answer")
        digits, labels = common.test_digits()
        found = np.flatnonzero((labels == truth) & (probabilities.argmax(axis=1) == answer))
        st.markdown(f"{formats.plural(len(found), 'test digit')} with label {truth} and prediction {answer}.")
        if len(found):
            order = found[np.argsort(-probabilities[found, answer])][:24]
            st.image(thumbnails.montage(mnist.glyphs(digits[order]), columns=6, side=56))


def _take_cell() -> None:
    cell = figures_confusion.clicked_cell(st.session_state.confusion.selection.points)
    if cell:
        st.session_state.cell_truth, st.session_state.cell_answer = cell


def _captions(chosen: NDArray[np.int64], probabilities: NDArray[np.float32]) -> list[str]:
    truth = common.test_digits()[1]
    return [f"#{i}: {truth[i]} as {probabilities[i].argmax()}" for i in chosen]
