"""Labels of a page: boxes of handwritten digits, and of what is neither digit nor background."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PageBox = tuple[float, float, float, float]
"""Left, top, right and bottom in page units."""

IGNORE = -1
MAX_LABELS = 160
MIN_SIDE = 7.0
"""Pixels of the frame: digits whose longer side is shorter are to be ignored."""

WHOLE = 0.95
"""Share of a digit's points inside the frame below which it counts as cut."""


class PageLabels:
    """Labels of what was drawn in a frame of `side` pixels."""

    def __init__(self, side: int) -> None:
        self._side = side
        self._rows: list[tuple[float, ...]] = []
        self._boxes: list[PageBox] = []

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self) -> NDArray[np.float32]:
        """Return class, x, y, width, height and angle, float32 (N, 6)."""
        return np.array(self._rows, np.float32).reshape(-1, 6)

    def is_free(self, left: float, top: float, width: float, height: float) -> bool:
        """Return whether no label lies in a part of the page, in page units."""
        right, bottom = left + width, top + height
        return all(a >= right or c <= left or b >= bottom or d <= top for a, b, c, d in self._boxes)

    def add(self, label: int, points: Floats, radius: float | Floats, angle: float, box: PageBox) -> None:
        """Add a label for ink, unless none of it is in the frame.

        Args:
            label: 0 to 9, or -1 to ignore.
            points: (N, 2) of the ink, in pixels of the frame.
            radius: Of the ink about all points, or about each (N,).
            angle: Of the box, in radians.
            box: Where it lies on the page.
        """
        inside = ((points > 0) & (points < self._side)).all(axis=1)
        if not inside.any():
            return
        if inside.mean() < WHOLE:
            label, points = IGNORE, points[inside]
            radius = radius if isinstance(radius, float) else radius[inside]
        cos, sin = math.cos(angle), math.sin(angle)
        own = points @ np.array([[cos, -sin], [sin, cos]])  # in the digit's own axes
        around = radius if isinstance(radius, float) else radius[:, None]
        low, high = (own - around).min(axis=0), (own + around).max(axis=0)
        x, y = ((low + high) / 2).tolist()
        width, height = (high - low).tolist()
        if max(width, height) < MIN_SIDE:
            label = IGNORE
        self._rows.append((label, x * cos - y * sin, x * sin + y * cos, width, height, angle))
        self._boxes.append(box)


def label_at(labels: NDArray[np.float32], place: NDArray[np.floating]) -> int:
    """Return which label's box holds a place best, -1 where none does.

    Args:
        labels: float32 (N, 6), as in `synthetic_pages.Page`.
        place: x and y, in pixels.
    """
    if not len(labels):
        return -1
    cos, sin = np.cos(labels[:, 5]), np.sin(labels[:, 5])
    off = place - labels[:, 1:3]
    across = np.abs(off[:, 0] * cos + off[:, 1] * sin) / np.maximum(labels[:, 3], 0.35 * labels[:, 4])
    down = np.abs(off[:, 1] * cos - off[:, 0] * sin) / labels[:, 4]
    distance = np.maximum(across, down)
    return int(distance.argmin()) if distance.min() < 0.5 else -1
