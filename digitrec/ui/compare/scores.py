"""Compare, fifth section: the score card of two models, and the test digits on which they part."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from digitrec.datasets import mnist
from digitrec.figures import compare, confusion
from digitrec.imaging import thumbnails
from digitrec.registry.registry import Model
from digitrec.training import metrics, model_files
from digitrec.ui import charts, common

SHOWN = 16  # digits
TIMED = 20  # single digits that are read for the time


def score_card(models: list[Model], right: list[NDArray[np.bool_]]) -> None:
    """Draw accuracy, size and cost of two models, and whether their difference is more than chance.

    Args:
        models: Two models.
        right: For each, bool (10000,), whether it reads each test digit right.
    """
    with st.container(key="scores"):
        st.table({common.plain(model.name): _scores(model) for model in models})
        difference = metrics.mcnemar(right[0], right[1], (models[0].name, models[1].name))
        st.markdown(common.plain(difference.sentence))
    st.caption(
        "Both models read the same 10,000 test digits, so only the digits that one reads and the other does not "
        "tell them apart (McNemar's test)."
    )


def _scores(model: Model) -> dict[str, str]:
    card = model.card
    low, high = card["interval"]
    per_digit = _errors(model)
    worst = int(np.argmax(per_digit))
    return {
        "Accuracy on the test digits": f"{100 * model.accuracy:.2f} %",
        "95 % interval": f"{100 * low:.2f} to {100 * high:.2f} %",
        "Digits read wrong": f"{card['errors']:,} of 10,000",
        "Hardest digit": f"{worst}, {per_digit[worst]} wrong",
        "Parameters": f"{card['parameters']:,}",
        "Size": f"{card['bytes'][model_files.TFLITE] / 1e6:.1f} MB",
        "Time a digit, here and now": f"{_milliseconds(model.name, str(model.folder)):.2g} ms",
        "Training": f"{card['epochs']:g} epochs, {card['seconds']:,.0f} s",
        "Trained on": common.plain(card.get("trained_on", "MNIST")),
    }


def _errors(model: Model) -> list[int]:
    counts = np.array(model.card["confusion"])
    return [int(errors) for errors in counts.sum(axis=1) - np.diag(counts)]


@st.cache_data(max_entries=32, show_spinner=False)
def _milliseconds(name: str, folder: str) -> float:
    """Return the shortest time that a model takes for one digit, on this machine; `folder` tells namesakes apart."""
    reader, glyph = common.predictor(name), np.zeros((1, 28, 28), np.float32)
    took = []
    for _ in range(TIMED):
        started = time.perf_counter()
        reader.logits(glyph)
        took.append(time.perf_counter() - started)
    return 1000 * min(took)


def per_digit(models: Sequence[Model]) -> None:
    """Draw the errors on each true digit, model beside model."""
    errors = {model.name: _errors(model) for model in models}
    st.markdown("#### Errors per digit")
    drawn = compare.errors_per_digit(errors, {name: common.colour(name) for name in errors})
    charts.figure(drawn, "errors_per_digit", compare.describe_errors(errors), save="errors-per-digit")


@st.fragment
def confusions(models: Sequence[Model], answers: Sequence[NDArray[np.intp]]) -> None:
    """Draw both confusion matrices on one scale and their difference; a cell shows its digits.

    Args:
        models: Two models.
        answers: For each, what it says of the 10,000 test digits.
    """
    st.markdown("#### What each takes for what")
    st.markdown(
        "Rows are what was written, columns what was read; right answers are left out. All on one scale. In the "
        "difference, :orange[**orange**] counts more for the second model, :blue[**blue**] more for the first."
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
        st.selectbox("Written", range(10), key="cell_truth", width=110)
        st.selectbox("Read by either as", range(10), key="cell_answer", width=150)
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
    """Draw the digits of one cell with both answers."""
    digits, labels = common.test_digits()
    found = np.flatnonzero((labels == truth) & ((answers[0] == answer) | (answers[1] == answer)))
    if truth == answer:
        st.caption("These are the right answers: choose two different digits.")
        return
    names = " and ".join(common.plain(model.name) for model in models)
    st.markdown(f"**{len(found)}** times a {truth} is read as {answer}. Below each: what {names} say.")
    if len(found):
        shown = found[: 2 * SHOWN]
        captions = [f"{answers[0][place]} | {answers[1][place]}" for place in shown]
        st.image(thumbnails.montage(mnist.glyphs(digits[shown]), captions, columns=SHOWN, side=56),
                 alt=f"Test digits that are {truth} and read as {answer}")  # fmt: skip


def only_one_reads(models: Sequence[Model], right: Sequence[NDArray[np.bool_]]) -> None:
    """Draw the digits that one model reads and the other does not, for each of the two."""
    st.markdown("#### Read by one alone")
    digits, truth = common.test_digits()
    for column, (mine, other) in zip(st.columns(2), ((0, 1), (1, 0)), strict=True):
        found = np.flatnonzero(right[mine] & ~right[other])
        with column:
            st.markdown(f"**Only {common.plain(models[mine].name)}** reads these ({len(found):,} in all)")
            if len(found):
                shown = found[:SHOWN]
                captions = [str(truth[i]) for i in shown]
                st.image(thumbnails.montage(mnist.glyphs(digits[shown]), captions, columns=8, side=56),
                         alt=f"Test digits that only {models[mine].name} reads right")  # fmt: skip
