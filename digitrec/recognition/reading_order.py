"""Boxes -> rows, in the order in which a person reads them."""

from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from digitrec.recognition.normalize import Box

SAME_ROW = 0.5
"""How far apart the middles of two digits of a row may lie, in heights of the higher one."""


def order(boxes: Sequence[Box]) -> list[list[int]]:
    """Return the order in which a person reads: rows from top to bottom, each from left to right, along their slope.

    Args:
        boxes: Those of digits, any number.

    Returns:
        A list a row of places in `boxes`; each place once.
    """
    slope = _slope(boxes)
    levels, heights = [_level(box, slope) for box in boxes], [box.height for box in boxes]
    rows: list[list[int]] = []
    for place in sorted(range(len(boxes)), key=lambda i: boxes[i].x + boxes[i].width / 2):
        fits = [(gap, row) for row in rows if (gap := _off([place], row[-1:], levels, heights)) < SAME_ROW]
        if fits:
            min(fits, key=lambda fit: fit[0])[1].append(place)
        else:
            rows.append([place])
    merged: list[list[int]] = []
    for row in sorted(rows, key=len, reverse=True):
        fits = [(gap, r) for r in merged if (gap := _off(row, r, levels, heights)) < SAME_ROW]
        if fits:
            min(fits, key=lambda fit: fit[0])[1].extend(row)
        else:
            merged.append(list(row))
    merged = _settled(merged, boxes, np.array(levels))
    merged.sort(key=lambda row: float(np.mean([levels[i] for i in row])))
    return [sorted(row, key=lambda i: boxes[i].x) for row in merged]


def _settled(rows: list[list[int]], boxes: Sequence[Box], level: NDArray[np.float64]) -> list[list[int]]:
    """Return the rows with each box in the one whose nearest box across is nearest in level; one alone stays so.

    A 9 that hangs down from the beginning of its row may have been taken for that of the next.
    """
    several = [row for row in rows if len(row) > 1]
    places = np.array([place for row in several for place in row])
    if len(several) < 2:
        return rows
    middle = np.array([box.x + box.width / 2 for box in boxes])
    off = []
    for row in several:
        gaps = np.abs(middle[places][:, None] - middle[row])
        gaps[places[:, None] == row] = np.inf
        off.append(np.abs(level[places] - level[row][gaps.argmin(axis=1)]))
    home = np.argmin(off, axis=0)
    settled = [places[home == number].tolist() for number in range(len(several))]
    return [row for row in rows if len(row) == 1] + [row for row in settled if row]


def _level(box: Box, slope: float) -> float:
    """Return how far down the middle of a box lies, the slope of the writing taken away."""
    return box.y + box.height / 2 - slope * (box.x + box.width / 2)


def _off(some: Sequence[int], others: Sequence[int], levels: Sequence[float], heights: Sequence[int]) -> float:
    """Return how far apart the levels of two rows of places are, in the larger of their usual heights."""
    level, other = (sum(levels[place] for place in row) / len(row) for row in (some, others))
    return abs(level - other) / max(median(heights[place] for place in row) for row in (some, others))


def _slope(boxes: Sequence[Box]) -> float:
    """Return by how much the rows fall to the right: the median over boxes and their right neighbours."""
    x, y, width, height = np.array(boxes, np.float64).reshape(-1, 4).T
    shared = np.minimum.outer(y + height, y + height) - np.maximum.outer(y, y)
    beside = shared > 0.5 * np.minimum.outer(height, height)
    right = np.where(beside & (x > (x + 0.5 * width)[:, None]), x, np.inf)
    has = np.isfinite(right).any(axis=1)
    if has.sum() < 3:
        return 0.0
    nearest, middle = right.argmin(axis=1), y + height / 2
    steps = (middle[nearest] - middle)[has] / (x[nearest] - x)[has]
    return float(np.clip(np.median(steps), -0.5, 0.5))
