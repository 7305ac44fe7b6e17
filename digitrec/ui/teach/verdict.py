"""What came of a lesson, shown before it is kept: figures before and after, on digits that were not learned from."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st

from digitrec import formats
from digitrec.datasets import mnist
from digitrec.datasets.own_digits import OwnDigit
from digitrec.jobs.teaching import FOLDS, Verdict
from digitrec.training import metrics
from digitrec.training.recipe import TEST_DIGITS
from digitrec.ui import charts

STYLE = """<style>
.changed {display: flex; flex-wrap: wrap; gap: .75rem; margin: 0}
.changed figure {margin: 0; width: 7rem}
.changed img {display: block; width: 7rem; height: 7rem; background: white; image-rendering: pixelated;
  border: 1px solid rgba(128, 128, 128, .5)}
.changed figcaption {font-size: .8rem; line-height: 1.3; padding-top: .25rem}
.changed .better img {outline: 3px solid #009E73}
.changed .worse img {outline: 3px dashed #D55E00}
</style>"""


def figures(verdict: Verdict, digits: Sequence[OwnDigit], misread: int) -> None:
    """Draw the verdict in words, the figures in a table, and the digits whose answer changed.

    Args:
        verdict: What came of the lesson.
        digits: Its digits.
        misread: How many of them were taken because the model misread them.
    """
    st.markdown(f"**{helps(verdict)}**")
    count = len(verdict.labels)
    rows = {}
    for when, right, errors in zip(("Before", "After"), verdict.right, verdict.errors, strict=True):
        good = TEST_DIGITS - errors
        rows[when] = {
            "Your digits read correctly": f"{right} of {count}, {formats.percentage(right / count, 0)}",
            "95 % interval, yours": formats.interval(*metrics.wilson(right, count)),
            "MNIST's test digits": formats.percentage(good / TEST_DIGITS, 2),
            "95 % interval, MNIST": formats.interval(*metrics.wilson(good, TEST_DIGITS)),
        }
    with st.container(key="teach_scores"):
        st.table(rows)
    st.markdown(f"Your digits: {_own(verdict)}")
    st.markdown(f"MNIST's test digits: {_mnist(verdict)}")
    st.caption(
        f"No figure uses digits that the copy was trained on. Your digits were split into {FOLDS} parts: {FOLDS} "
        f"times, a copy was trained on {FOLDS - 1} parts and tested on the other one (cross-validation). The model "
        f"that you can keep was trained on all of them.{_chosen(misread)}"
    )
    _changed(verdict, digits)


def helps(verdict: Verdict) -> str:
    """Return in a sentence whether the lesson helped."""
    before, after = verdict.right
    worse = (verdict.errors[1] - verdict.errors[0]) / TEST_DIGITS
    lost = f" It lost {formats.percentage(worse, 2)} of MNIST's test digits." if worse > 0.002 else ""
    if after > before:
        text = f"It reads your digits better: {after} instead of {before} of {len(verdict.labels)}."
    elif after == before == len(verdict.labels):
        text = "It read all of your digits before, so there was nothing to learn."
    elif after == before:
        text = f"It did not help: {after} of {len(verdict.labels)} of your digits are read correctly, as before."
    else:
        text = f"It did not help: {after} of your digits are read correctly, {before} before. Discard it."
    return text + lost


def _chosen(misread: int) -> str:
    """Return the sentence on digits that were taken because the model misread them; empty where there are none."""
    if not misread:
        return ""
    were, them = ("was", "it") if misread == 1 else ("were", "them")
    which = formats.plural(misread, "digit")
    return f" {which} {were} chosen because the model misread {them}, so *Before* is too low."


def _own(verdict: Verdict) -> str:
    labels = np.array(verdict.labels)
    before, after = (np.array(answers) == labels for answers in (verdict.before, verdict.after))
    return metrics.mcnemar(before, after, ("the model before", "the one after")).sentence


def _mnist(verdict: Verdict) -> str:
    """Return McNemar's test on MNIST's test digits in words, from what is kept of it."""
    a, b = verdict.only_before, verdict.only_after
    right = np.repeat([True, False], [a, b])
    return metrics.mcnemar(right, ~right, ("the model before", "the one after")).sentence


def _changed(verdict: Verdict, digits: Sequence[OwnDigit]) -> None:
    st.markdown("##### Digits whose answer changed")
    if not verdict.changed:
        st.markdown("None: every digit of yours is read as before.")
        return
    cards = []
    for place in verdict.changed:
        label, before, after = verdict.labels[place], verdict.before[place], verdict.after[place]
        how = "better" if after == label else "worse" if before == label else "same"
        word = {"better": "✓ now right", "worse": "✗ now wrong", "same": "still wrong"}[how]
        caption = f"Your {label}: {before} before, {after} after, {word}"
        picture = charts.data_uri(mnist.glyphs(digits[place].glyph))
        cards.append(
            f'<figure class="{how}"><img src="{picture}" alt="{html.escape(caption)}">'
            f"<figcaption>Your <b>{label}</b>: {before} → <b>{after}</b><br>{word}</figcaption></figure>"
        )
    st.html(STYLE + f'<div class="changed">{"".join(cards)}</div>')
