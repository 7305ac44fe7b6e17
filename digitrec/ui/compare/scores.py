"""Compare, fifth section: the scores of two models, and the test digits that they read differently."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from digitrec import formats
from digitrec.datasets import mnist
from digitrec.figures import compare, confusion
from digitrec.imaging import thumbnails
from digitrec.registry.registry import Model
from digitrec.training import metrics, model_files
from digitrec.ui import charts, common

SHOWN = 16  # digits
TIMED = 20  # single digits that are read for the time


def score_card(models: list[Model], right: list[NDArray[np.bool_]]) -> None:
    """Draw accuracy, size and cost of two models, and whether their difference is significant.

    Args:
        models: Two models.
        right: For each, bool (10000,), whether it reads each test digit right.
    """
    with st.container(key="scores"):
        st.table({common.plain(common.model_label(model.name, model.kind)): _scores(model) for model in models})
        difference = metrics.mcnemar(right[0], right[1], (models[0].name, models[1].name))
        st.markdown(common.plain(difference.sentence))
    st.caption(
        "Both models read the same 10,000 test digits, so the test counts only the digits that exactly one of them "
        "reads correctly (McNemar's test)."
    )


def _scores(model: Model) -> dict[str, str]:
    card = model.card
    low, high = card["interval"]
    per_digit = _errors(model)
    worst = int(np.argmax(per_digit))
    return {
        "Accuracy on the test digits": formats.percentage(model.accuracy, 2),
        "95 % interval": formats.interval(low, high),
        "Errors": f"{formats.number(card['errors'])} of 10,000",
        "Hardest digit": f"{worst}, {formats.plural(per_digit[worst], 'error')}",
        "Parameters": formats.number(card["parameters"]),
        "Size": formats.megabytes(card["bytes"][model_files.TFLITE]),
        "Time per digit, on this server": f"{_milliseconds(model.name, str(model.folder)):.2g} ms",
        "Training": f"{formats.plural(card['epochs'], 'epoch')}, {formats.duration(card['seconds'])}"
        if model.imported is None
        else f"not known: imported from {common.plain(model.imported['file'])}",
        "Trained on": common.plain(card.get("trained_on", "MNIST")) if model.imported is None else "not known",
    }


def _errors(model: Model) -> list[int]:
    counts = np.array(model.card["confusion"])
    return [int(errors) for errors in counts.sum(axis=1) - np.diag(counts)]


@st.cache_data(max_entries=32, show_spinner=False)
def _milliseconds(name: str, folder: str) -> float:
    """Return the shortest time that a model takes for one digit, on this machine; `folder` distinguishes namesakes."""
    reader, glyph = common.predictor(name), np.zeros((1, 28, 28), np.float32)
    took = []
    for _ in range(TIMED):
        started = time.perf_counter()
        reader.logits(glyph)
        took.append(time.perf_counter() - started)
    return 1000 * min(took)


def per_digit(models: Sequence[Model]) -> None:
    """Draw the errors on each digit, model beside model."""
    errors = {model.name: _errors(model) for model in models}
    st.markdown("### Errors per digit")
    drawn = compare.errors_per_digit(errors, {name: common.colour(name) for name in errors})
    charts.figure(drawn, "errors_per_digit", compare.describe_errors(errors), save="errors-per-digit")


@st.fragment
def confusions(models: Sequence[Model], answers: Sequence[NDArray[np.intp]]) -> None:
    """Draw both confusion matrices on one scale and their difference; a cell shows its digits.

    Args:
        models: Two models.
        answers: For each, its predictions on the 10,000 test digits.
    """
    st.markdown("### Confusion matrices")
    st.markdown(
        "Rows are labels, columns predictions; right predictions are left out, and all colours have one scale. In the "
        "difference, :orange[**orange**] means more errors of the second model, :blue[**blue**] of the first."
    )
    first, second = (np.array(model.card["confusion"]) for model in models)
    off = ~np.eye(10, dtype=bool)
    most = int(max(first[off].max(), second[off].max()))
    if "cell_truth" not in st.session_state:
        st.session_state.cell_truth, st.session_state.cell_answer = divmod(int(((first + second) * off).argmax()), 10)
    chosen = (st.session_state.cell_truth, st.session_state.cell_answer)
    titles = (*(f"**{common.plain(model.name)}**" for model in models), "**Difference**")
    for number, (column, title, counts) in enumerate(
        zip(st.columns(3), titles, (first, second, second - first), strict=True), 1
    ):
        with column:
            st.markdown(title)
            key = f"confusion_{number}"
            drawn = compare.mistakes(counts, most, chosen)
            twin = confusion.describe_confusion(counts) if number < 3 else _describe_difference(models, first, second)
            charts.figure(drawn, key, twin, lambda key=key: _clicked(key), save=f"mistakes-{number}")
    with st.container(horizontal=True):
        st.selectbox("Label", range(10), key="cell_truth", width=110)
        st.selectbox("Predicted by either", range(10), key="cell_answer", width=150)
    _cell(models, answers, st.session_state.cell_truth, st.session_state.cell_answer)


def _clicked(key: str) -> None:
    event: Any = st.session_state[key]
    cell = confusion.clicked_cell(event.selection.points)
    if cell is not None:
        st.session_state.cell_truth, st.session_state.cell_answer = cell


def _describe_difference(models: Sequence[Model], first: NDArray[np.int_], second: NDArray[np.int_]) -> str:
    change = (second - first) * ~np.eye(10, dtype=bool)
    truth, answer = divmod(int(np.abs(change).argmax()), 10)
    return (
        f"They differ most in {truth} read as {answer}: {models[0].name} {first[truth, answer]} times, "
        f"{models[1].name} {second[truth, answer]} times."
    )


def _cell(models: Sequence[Model], answers: Sequence[NDArray[np.intp]], truth: int, answer: int) -> None:
    """Draw the digits of one cell with both predictions."""
    digits, labels = common.test_digits()
    found = np.flatnonzero((labels == truth) & ((answers[0] == answer) | (answers[1] == answer)))
    if truth == answer:
        st.caption("These predictions are correct: choose two different digits.")
        return
    names = " and ".join(common.plain(model.name) for model in models)
    st.markdown(
        f"**{len(found)}** of the digits with label {truth} are read as {answer}. "
        f"Below each: the predictions of {names}."
    )
    if len(found):
        shown = found[: 2 * SHOWN]
        captions = [f"{answers[0][place]} | {answers[1][place]}" for place in shown]
        st.image(thumbnails.montage(mnist.glyphs(digits[shown]), captions, columns=SHOWN, side=56),
                 alt=f"Test digits with label {truth}, read as {answer}")  # fmt: skip


def only_one_reads(models: Sequence[Model], right: Sequence[NDArray[np.bool_]]) -> None:
    """Draw the digits that only one model reads right, for each of the two."""
    st.markdown("### Read correctly by only one")
    digits, truth = common.test_digits()
    for column, (mine, other) in zip(st.columns(2), ((0, 1), (1, 0)), strict=True):
        found = np.flatnonzero(right[mine] & ~right[other])
        with column:
            st.markdown(f"**Only {common.plain(models[mine].name)}** reads these correctly ({len(found):,} in all)")
            if len(found):
                shown = found[:SHOWN]
                captions = [str(truth[i]) for i in shown]
                st.image(thumbnails.montage(mnist.glyphs(digits[shown]), captions, columns=8, side=56),
                         alt=f"Test digits that only {models[mine].name} reads correctly")  # fmt: skip
