"""How well a model reads: accuracy with its interval, confusion, mistakes, and whether two models differ.

`truth` and `answers` are whole numbers 0 to 9, (N,); `probabilities` are (N, 10).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr

from digitrec import formats
from digitrec.recognition.digits import CLASSES

SIGNIFICANCE = 0.05
"""Significance level of the test, and 1 minus the confidence level of the interval: the usual one."""

Digits = npt.NDArray[np.integer[Any]]
Probabilities = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Scores:
    """What a model reached on a set of digits.

    Attributes:
        accuracy: Fraction read right, 0 to 1.
        interval: 95 % interval of the accuracy, see `wilson`.
        errors: Digits read wrong.
        confusion: int64 (10, 10), rows are true digits, columns answers.
    """

    accuracy: float
    interval: tuple[float, float]
    errors: int
    confusion: npt.NDArray[np.int64]


@dataclass(frozen=True)
class McNemar:
    """Whether two models differ on the same digits.

    Attributes:
        only_a: Digits that only the first model reads right.
        only_b: Digits that only the second model reads right.
        p: Probability of a difference at least as large if both were equally good, 0 to 1.
        sentence: The same in words.
    """

    only_a: int
    only_b: int
    p: float
    sentence: str

    @property
    def is_significant(self) -> bool:
        """Whether chance alone rarely makes a difference as large."""
        return self.p < SIGNIFICANCE


def scores(probabilities: Probabilities, truth: Digits) -> Scores:
    """Return what a model with these probabilities reached.

    Raises:
        ValueError: If there are no digits, or `truth` has another length.
    """
    counts = confusion(truth, probabilities.argmax(axis=1))
    total, right = int(counts.sum()), int(counts.trace())
    return Scores(
        accuracy=accuracy(probabilities, truth),
        interval=wilson(right, total),
        errors=total - right,
        confusion=counts,
    )


def accuracy(probabilities: Probabilities, truth: Digits) -> float:
    """Return the fraction of digits whose most probable class is right, 0 to 1.

    Raises:
        ValueError: If there are no digits, or `truth` has another length.
    """
    if len(truth) == 0 or len(truth) != len(probabilities):
        raise ValueError(f"One truth per digit, at least one. Received: {len(truth)} for {len(probabilities)} digits")
    return float((probabilities.argmax(axis=1) == truth).mean())


def wilson(right: int, total: int) -> tuple[float, float]:
    """Return the interval that holds the true accuracy with 95 % confidence, lower and upper end, 0 to 1.

    Args:
        right: Digits read right.
        total: Digits read, at least 1.

    Raises:
        ValueError: If `right` is not from 0 to `total`, or `total` is 0.

    References:
        E. B. Wilson: Probable inference, the law of succession, and statistical inference, JASA 22, 1927.
    """
    from scipy.stats import binomtest  # 43 MB, which only a training and `digitrec evaluate` need

    if not 0 <= right <= total or total == 0:
        raise ValueError(f"0 <= right <= total, and total at least 1. Received: {right}, {total}")
    interval = binomtest(right, total).proportion_ci(1 - SIGNIFICANCE, method="wilson")
    return float(interval.low), float(interval.high)


def confusion(truth: Digits, answers: Digits) -> npt.NDArray[np.int64]:
    """Return how often each digit was read as each other, int64 (10, 10), rows are true digits.

    Raises:
        ValueError: If the lengths differ, or a value is not from 0 to 9.
    """
    truth, answers = np.asarray(truth, np.int64), np.asarray(answers, np.int64)
    if len(truth) != len(answers):
        raise ValueError(f"One answer per digit. Received: {len(answers)} for {len(truth)} digits")
    for values in (truth, answers):
        if len(values) and not 0 <= values.min() <= values.max() < CLASSES:
            raise ValueError(f"Digits are from 0 to 9. Received: {values.min()} to {values.max()}")
    counts = np.bincount(CLASSES * truth + answers, minlength=CLASSES**2)
    return counts.astype(np.int64).reshape(CLASSES, CLASSES)


def mistakes(probabilities: Probabilities, truth: Digits, count: int) -> npt.NDArray[np.int64]:
    """Return the indices of at most `count` wrong answers, the most confident first, int64 (M,)."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != truth)
    order = np.argsort(-probabilities[wrong].max(axis=1, initial=0), kind="stable")
    return wrong[order][: max(0, count)].astype(np.int64)


def mcnemar(
    right_a: npt.NDArray[np.bool_],
    right_b: npt.NDArray[np.bool_],
    names: tuple[str, str] = ("the first model", "the second model"),
) -> McNemar:
    """Test whether two models that read the same digits differ by more than chance.

    Digits that both read right, or both wrong, carry no information. If the models were equally good, each of the
    others would fall to either with probability 0.5: the exact binomial test, two-sided.

    Args:
        right_a: (N,), whether the first model reads each digit right.
        right_b: (N,), the same of the second.
        names: What the sentence calls them.

    Raises:
        ValueError: If the lengths differ.

    References:
        Q. McNemar: Note on the sampling error of the difference between correlated proportions or percentages,
        Psychometrika 12, 1947.
    """
    if len(right_a) != len(right_b):
        raise ValueError(f"Both must read the same digits. Received: {len(right_a)} and {len(right_b)}")
    a, b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    # What scipy.stats.binomtest returns, to the last digit but one, without its 43 MB in the web process.
    p = min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))
    return McNemar(only_a, only_b, p, _sentence(only_a, only_b, p, names))


def _sentence(only_a: int, only_b: int, p: float, names: tuple[str, str]) -> str:
    if only_a == only_b == 0:
        return f"No difference: {names[0]} and {names[1]} read the same digits correctly."
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    verdict = "The difference is significant" if p < SIGNIFICANCE else "The difference could be chance"
    first, second = (formats.plural(count, "digit") for count in (only_a, only_b))
    alone = f"{first} read correctly by {names[0]} only, {second} by {names[1]} only"
    return f"{verdict} ({chance}): {alone}."
