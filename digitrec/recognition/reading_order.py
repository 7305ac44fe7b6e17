"""Boxes -> rows, in the order in which a person reads them."""

from collections.abc import Sequence
from statistics import median

import numpy as np

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
    rows: list[list[int]] = []
    for place in sorted(range(len(boxes)), key=lambda i: boxes[i].x + boxes[i].width / 2):
        fits = [(gap, row) for row in rows if (gap := _off([boxes[place]], [boxes[row[-1]]], slope)) < SAME_ROW]
        if fits:
            min(fits, key=lambda fit: fit[0])[1].append(place)
        else:
            rows.append([place])
    merged: list[list[int]] = []
    for row in sorted(rows, key=len, reverse=True):
        mine = [boxes[i] for i in row]
        fits = [(gap, r) for r in merged if (gap := _off(mine, [boxes[i] for i in r], slope)) < SAME_ROW]
        if fits:
            min(fits, key=lambda fit: fit[0])[1].extend(row)
        else:
            merged.append(list(row))
    merged = _settled(merged, boxes, slope)
    merged.sort(key=lambda row: float(np.mean([_level(boxes[i], slope) for i in row])))
    return [sorted(row, key=lambda i: boxes[i].x) for row in merged]


def _settled(rows: list[list[int]], boxes: Sequence[Box], slope: float) -> list[list[int]]:
    """Return the rows with each box in the one whose nearest box across is nearest in level; one alone stays so.

    A 9 that hangs down from the beginning of its row may have been taken for that of the next.
    """
    several = [row for row in rows if len(row) > 1]
    places = np.array([place for row in several for place in row])
    if len(several) < 2:
        return rows
    middle = np.array([box.x + box.width / 2 for box in boxes])
    level = np.array([_level(box, slope) for box in boxes])
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


def _off(some: Sequence[Box], others: Sequence[Box], slope: float) -> float:
    """Return how far apart the levels of two rows of boxes are, in the larger of their usual heights."""
    level, other = (sum(_level(box, slope) for box in row) / len(row) for row in (some, others))
    return abs(level - other) / max(median(box.height for box in row) for row in (some, others))


def _slope(boxes: Sequence[Box]) -> float:
    """Return by how much the rows fall to the right: the median over boxes and their right neighbours."""
    steps = []
    for box in boxes:
        right = [other for other in boxes if other.x > box.x + 0.5 * box.width and _side_by_side(box, other)]
        if right:
            nearest = min(right, key=lambda other: other.x)
            steps.append((_level(nearest, 0.0) - _level(box, 0.0)) / (nearest.x - box.x))
    return float(np.clip(np.median(steps), -0.5, 0.5)) if len(steps) > 2 else 0.0


def _side_by_side(a: Box, b: Box) -> bool:
    """Return whether one of two boxes overlaps half the height of the other."""
    shared = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return shared > 0.5 * min(a.height, b.height)
