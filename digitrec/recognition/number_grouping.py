"""Digits that stand together are a number: which of a reading's digits do, and what they are together.

How far apart the digits of a number stand is each writer's own, so a gap divides two numbers where it is wider than
those of the same picture usually are. What a person says of a gap counts instead.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from math import prod
from statistics import median

import numpy as np

from digitrec.recognition.results import NOT_A_DIGIT, Digit

# All in heights of a row's digits, and chosen on rows made of the strokes of UNIPEN's writers: see bench/grouping.
SLIM = 0.5
"""Width below which a digit counts as so wide: a 1 in a square has more room about it than a 0, and is no number."""

WIDER, TIMES = 0.4, 2.0
"""By how much wider than usual, and how many times as wide, a gap must be to divide two numbers."""

CLOSE, FAR = 0.5, 1.5
"""Gaps that never divide two numbers, and that always do."""

USUAL = 0.3
"""Share of a picture's gaps that are narrower than the usual one: in a list of 10, 11, 12 half of all gaps divide."""


def places(digits: Sequence[Digit]) -> list[list[int]]:
    """Return the numbers that digits make.

    Args:
        digits: Those of a reading: row by row, each from left to right.

    Returns:
        A list a number of places in `digits`, in their order; each place once. A non-digit is alone and ends
        the number before it.
    """
    gaps = _gaps(digits)
    inside = [gap for gap in gaps.values() if gap < FAR]
    usual = float(np.quantile(inside, USUAL)) if inside else 0.0
    widest = min(FAR, max(CLOSE, usual + WIDER, usual * TIMES))
    found: list[list[int]] = []
    for place, digit in enumerate(digits):
        begins = gaps.get(place, FAR) >= widest if digit.begins is None else digit.begins
        if begins or place not in gaps:
            found.append([place])
        else:
            found[-1].append(place)
    return found


def following(digits: Sequence[Digit], group: Sequence[int]) -> int | None:
    """Return the place of the digit with which the next number of a row begins; None where there is none.

    Args:
        digits: Those of a reading: row by row, each from left to right.
        group: The places of a number; see `places`.
    """
    after = group[-1] + 1
    return after if after in _gaps(digits) else None


def _gaps(digits: Sequence[Digit]) -> dict[int, float]:
    """Return the gap before each digit that has another digit before it in its row, in heights of the row's digits."""
    gaps = {}
    for _, row in groupby(range(len(digits)), key=lambda place: digits[place].row):
        numbers = list(row)
        height = median([digits[place].box.height for place in numbers if _is_digit(digits[place])] or [1])
        for before, after in pairwise(numbers):
            if _is_digit(digits[before]) and _is_digit(digits[after]):
                left, right = digits[before].box, digits[after].box
                slim = sum(max(0.0, SLIM * height - box.width) / 2 for box in (left, right))
                gaps[after] = (right.x - left.x - left.width - slim) / height
    return gaps


def written(digits: Sequence[Digit]) -> str:
    """Return digits as one number, such as `042`, without non-digits."""
    return "".join(str(digit.digit) for digit in digits if _is_digit(digit))


def text(digits: Sequence[Digit]) -> str:
    """Return the numbers of a reading, a row a line, with a space between two."""
    found = ([digits[place] for place in group] for group in places(digits))
    return lines((number[0].row, written(number)) for number in found)


def lines(numbers: Iterable[tuple[int, str]]) -> str:
    """Return numbers, each with its row before it, a row a line with a space between two; what is empty is left out."""
    rows = groupby((number for number in numbers if number[1]), key=lambda number: number[0])
    return "\n".join(" ".join(written for _, written in row) for _, row in rows)


def confidence(digits: Sequence[Digit]) -> float:
    """Return the product of the probabilities of a number's digits, 0 to 1; those that were corrected are certain."""
    return prod(digit.confidence for digit in digits if digit.by_hand != "digit")


def _is_digit(digit: Digit) -> bool:
    return digit.flag != NOT_A_DIGIT
