"""A drawing replayed: what was on the canvas after each part of its strokes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.datasets.unipen import lengths, piece

CURVE = 4  # points that a curved piece of a path is drawn with
FARTHEST = 10_000  # pixels from the canvas's corner, and of width; OpenCV draws no more than 32,767
FRACTIONS = 4  # bits of a pixel's fraction that OpenCV draws with


class Line(NamedTuple):
    """One stroke.

    Attributes:
        points: float32 (N, 2), x to the right, y down, in pixels of the canvas; N at least 1.
        width: Pixels.
    """

    points: NDArray[np.float32]
    width: float


def lines(objects: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return the strokes of a canvas, the Fabric paths of its `json_data`; anything else is left out."""
    found = []
    for thing in objects if isinstance(objects, Sequence) else ():
        try:
            points = np.array(list(_points(thing.get("path") or ())))
            width = float(thing.get("strokeWidth") or 1)
        except (AttributeError, TypeError, ValueError, OverflowError):
            continue
        if len(points) and np.abs(points).max() <= FARTHEST and 0 < width <= FARTHEST:  # NaN is neither
            found.append(Line(points.astype(np.float32), width))
    return found


def _points(path: Sequence[Sequence[Any]]) -> Iterator[tuple[float, float]]:
    """Yield the points of a path of moves, straight pieces and quadratic curves."""
    x = y = 0.0
    for command, *numbers in path:
        if command == "Q":
            across, down, to_x, to_y = (float(number) for number in numbers)
            for step in range(1, CURVE):
                t = step / CURVE
                a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
                yield a * x + b * across + c * to_x, a * y + b * down + c * to_y
            x, y = to_x, to_y
        elif command in ("M", "L"):
            x, y = (float(number) for number in numbers)
        yield x, y


def drawn(strokes: Sequence[Line], fraction: float, side: int) -> NDArray[np.uint8]:
    """Return the canvas after a fraction of all strokes' length, 0 to 1: uint8 (side, side, 4), black on white."""
    canvas = np.full((side, side), 255, np.uint8)
    left = fraction * sum(_length(line.points) for line in strokes)
    for line in strokes:
        if left <= 0:
            break
        points, length = _cut(line.points, left), _length(line.points)
        whole = np.rint(points * 2**FRACTIONS).astype(np.int32)
        cv2.polylines(canvas, [whole], False, 0, max(1, round(line.width)), cv2.LINE_AA, FRACTIONS)
        left -= length
    return np.dstack([canvas, canvas, canvas, np.full_like(canvas, 255)])


def _length(points: NDArray[np.float32]) -> float:
    """Return the length along points; a dot counts as a pixel, so that it is drawn in its turn."""
    return max(1.0, float(lengths(points)[-1]))


def _cut(points: NDArray[np.float32], length: float) -> NDArray[np.float32]:
    """Return the first part of a stroke, of this length at most."""
    along = lengths(points)
    return points if length >= along[-1] else piece(points, along, 0.0, length)
