"""How well a model reads: accuracy with its interval, confusion, mistakes, and whether two models differ.

`truth` and `answers` are whole numbers 0 to 9, (N,); `probabilities` are (N, 10).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

CLASSES = 10
SIGNIFICANT = 0.05
"""Below this chance of a difference as large between equally good models, a difference is called real."""

Digits = npt.NDArray[np.integer[Any]]
Probabilities = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Scores:
    """What a model reached on a set of digits.

    Attributes:
        accuracy: Share read right, 0 to 1.
        interval: 95 % interval of the accuracy, see `wilson`.
        errors: Digits read wrong.
        confusion: int64 (10, 10), rows are true digits, columns answers.
        per_digit: Errors on each true digit, ten in all.
    """

    accuracy: float
    interval: tuple[float, float]
    errors: int
    confusion: npt.NDArray[np.int64]
    per_digit: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain JSON values."""
        return {
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "errors": self.errors,
            "confusion": self.confusion.tolist(),
            "per_digit": list(self.per_digit),
        }


@dataclass(frozen=True)
class McNemar:
    """Whether two models differ on the same digits.

    Attributes:
        only_a: Digits that only the first model reads right.
        only_b: Digits that only the second model reads right.
        p: Chance of a difference at least as large if both were equally good, 0 to 1.
        sentence: The same in words.
    """

    only_a: int
    only_b: int
    p: float
    sentence: str


def scores(probabilities: Probabilities, truth: Digits) -> Scores:
    """Return what a model with these answers reached.

    Raises:
        ValueError: If there are no digits, or not one truth a row.
    """
    counts = confusion(truth, probabilities.argmax(axis=1))
    total, right = int(counts.sum()), int(counts.trace())
    return Scores(
        accuracy=accuracy(probabilities, truth),
        interval=wilson(right, total),
        errors=total - right,
        confusion=counts,
        per_digit=tuple(int(errors) for errors in counts.sum(axis=1) - counts.diagonal()),
    )


def accuracy(probabilities: Probabilities, truth: Digits) -> float:
    """Return the share of digits whose likeliest answer is right, 0 to 1.

    Raises:
        ValueError: If there are no digits, or not one truth a row.
    """
    if len(truth) == 0 or len(truth) != len(probabilities):
        raise ValueError(f"One truth a digit, at least one. Received: {len(truth)} for {len(probabilities)} digits")
    return float((probabilities.argmax(axis=1) == truth).mean())


def wilson(right: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval that holds the true accuracy at this level.

    Args:
        right: Digits read right.
        total: Digits read; none at all leaves the whole range open.
        level: Above 0, below 1.

    Returns:
        Lower and upper end, 0 to 1.

    Raises:
        ValueError: If `right` is not from 0 to `total`, or `level` not between 0 and 1.

    References:
        Wilson: Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    if not 0 <= right <= total or not 0 < level < 1:
        raise ValueError(f"0 <= right <= total and 0 < level < 1. Received: {right}, {total}, {level}")
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, weight = right / total, z * z / total
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / total + weight / (4 * total))
    low = 0.0 if right == 0 else middle - half
    high = 1.0 if right == total else middle + half
    return low, high


def confusion(truth: Digits, answers: Digits) -> npt.NDArray[np.int64]:
    """Return how often each digit was read as each other, int64 (10, 10), rows are true digits.

    Raises:
        ValueError: If the lengths differ, or a value is not from 0 to 9.
    """
    truth, answers = np.asarray(truth, np.int64), np.asarray(answers, np.int64)
    if len(truth) != len(answers):
        raise ValueError(f"One answer a digit. Received: {len(answers)} for {len(truth)} digits")
    for values in (truth, answers):
        if len(values) and not 0 <= values.min() <= values.max() < CLASSES:
            raise ValueError(f"Digits are from 0 to 9. Received: {values.min()} to {values.max()}")
    counts = np.bincount(CLASSES * truth + answers, minlength=CLASSES**2)
    return counts.astype(np.int64).reshape(CLASSES, CLASSES)


def mistakes(probabilities: Probabilities, truth: Digits, count: int) -> npt.NDArray[np.int64]:
    """Return the places of at most `count` wrong answers, the most confident first, int64 (M,)."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != truth)
    order = np.argsort(-probabilities[wrong].max(axis=1, initial=0), kind="stable")
    return wrong[order][: max(0, count)].astype(np.int64)


def mcnemar(
    right_a: npt.NDArray[np.bool_],
    right_b: npt.NDArray[np.bool_],
    names: tuple[str, str] = ("the first model", "the second model"),
) -> McNemar:
    """Test whether two models that read the same digits differ by more than chance.

    Digits that both read right, or both wrong, say nothing. If the models were equally good, each of the others
    would fall to either like a coin: the exact binomial test.

    Args:
        right_a: (N,), whether the first model reads each digit right.
        right_b: (N,), the same of the second.
        names: What the sentence calls them.

    Raises:
        ValueError: If the lengths differ.

    References:
        McNemar: Note on the sampling error of the difference between correlated proportions or percentages,
        Psychometrika 12 (1947).
    """
    if len(right_a) != len(right_b):
        raise ValueError(f"Both must read the same digits. Received: {len(right_a)} and {len(right_b)}")
    a, b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    p = _coin(min(only_a, only_b), only_a + only_b)
    return McNemar(only_a, only_b, p, _difference(only_a, only_b, p, names))


def _coin(fewer: int, tosses: int) -> float:
    """Return the chance that heads and tails differ at least as much as `fewer` to the rest."""
    ways, term = 0, 1
    for heads in range(fewer + 1):
        ways += term
        term = term * (tosses - heads) // (heads + 1)
    chance: float = 2 * ways / 2**tosses
    return min(1.0, chance)


def _difference(only_a: int, only_b: int, p: float, names: tuple[str, str]) -> str:
    if only_a == only_b == 0:
        return f"No difference: {names[0]} and {names[1]} read the same digits right."
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    verdict = f"The difference is real ({chance})" if p < SIGNIFICANT else f"The difference could be chance ({chance})"
    return f"{verdict}: {_digits(only_a)} read right by {names[0]} alone, {_digits(only_b)} by {names[1]} alone."


def _digits(count: int) -> str:
    return f"{count:,} digit" if count == 1 else f"{count:,} digits"
