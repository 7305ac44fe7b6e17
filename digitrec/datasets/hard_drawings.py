"""Drawings of one digit that are hard to read: hollow strokes, lines through the digit, a watermark on it.

Each is uint8 (H, H, 4) as `unipen.picture` gives it, with how much the digit covers it, uint8 (H, H), 0 to 255.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.datasets import unipen
from digitrec.datasets.unipen import Writing

Bytes = NDArray[np.uint8]


class Drawing(NamedTuple):
    """A drawing and where its digit is."""

    picture: Bytes
    cover: Bytes


def hollow(writing: Writing, rng: np.random.Generator) -> Drawing:
    """Return a digit of which only the outline of the strokes is drawn, on 28 pixels or more."""
    side = 28 if rng.random() < 0.6 else int(rng.integers(28, 80))
    size = side * rng.uniform(0.6, 0.92)
    width = max(4, round(size * rng.uniform(0.15, 0.24)))
    alpha = unipen.cover(writing.strokes, side, size, width, False, rng)
    line = max(1, round(size * rng.uniform(0.02, 0.05)))
    inner = cv2.erode(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * line + 1, 2 * line + 1)))
    return Drawing(unipen.on_white(alpha - inner), alpha)


def scribbled(writing: Writing, rng: np.random.Generator) -> Drawing:
    """Return a digit with a thin line scribbled behind it."""
    side, alpha = _thick(writing, rng)
    turns = int(rng.integers(5, 16))
    places = rng.uniform(0.05, 0.95, (turns, 2)) * side
    at = np.linspace(0, turns - 1, 12 * turns)
    line = np.column_stack([np.interp(at, np.arange(turns), places[:, axis]) for axis in (0, 1)])
    smooth = np.asarray(cv2.blur(line, (1, 7), borderType=cv2.BORDER_REPLICATE))
    picture = unipen.on_white(np.zeros_like(alpha))
    grey = int(rng.integers(0, 170))
    cv2.polylines(picture, [unipen.in_fractions(smooth)], False, (grey,) * 3 + (255,), 1, cv2.LINE_8, unipen.SHIFT)
    return Drawing(_over(picture, alpha), alpha)


def lined(writing: Writing, rng: np.random.Generator) -> Drawing:
    """Return a digit on a ground of pale lines, as pages and screen captures have."""
    side, alpha = _thick(writing, rng)
    picture = unipen.on_white(np.zeros_like(alpha))
    step, width = side * rng.uniform(0.06, 0.3), int(rng.integers(1, max(2, side // 60) + 1))
    colour = [*rng.integers(150, 226, 3).tolist(), 255]
    axes = ((0,), (1,), (0, 1))[int(rng.integers(3))]
    for axis in axes:
        for place in np.arange(rng.uniform(0.0, step), side, step).round().astype(int).tolist():
            start, end = ((place, 0), (place, side)) if axis else ((0, place), (side, place))
            cv2.line(picture, start, end, colour, width)
    return Drawing(_over(picture, alpha), alpha)


def watermarked(writing: Writing, rng: np.random.Generator) -> Drawing:
    """Return a digit with a pale ring on it, as a watermark or a cup leaves."""
    side, alpha = _thick(writing, rng)
    picture = _over(unipen.on_white(np.zeros_like(alpha)), alpha)
    ring = np.zeros_like(alpha)
    centre = (side * rng.uniform(0.3, 0.7, 2)).round().astype(int).tolist()
    cv2.circle(ring, centre, int(side * rng.uniform(0.15, 0.42)), 255, max(1, int(side * rng.uniform(0.01, 0.05))))
    cover = ring[..., None] / 255.0 * rng.uniform(0.2, 0.55)
    ink = rng.integers(60, 200, 3) if rng.random() < 0.5 else np.full(3, rng.integers(60, 160))
    picture[..., :3] = np.rint(picture[..., :3] * (1 - cover) + ink * cover)
    return Drawing(picture, alpha)


DRAWINGS: dict[str, Callable[[Writing, np.random.Generator], Drawing]] = {
    "hollow strokes": hollow,
    "a thin scribble behind": scribbled,
    "pale lines across": lined,
    "a watermark ring": watermarked,
}


def _thick(writing: Writing, rng: np.random.Generator) -> tuple[int, Bytes]:
    """Return the side of a drawing of 56 to 280 pixels and how much a digit covers it (side, side), 0 to 255."""
    side = int(rng.integers(56, 281))
    size = side * rng.uniform(0.45, 0.85)
    width = max(3, round(size * rng.uniform(0.05, 0.14)))
    return side, unipen.cover(writing.strokes, side, size, width, True, rng)


def _over(picture: Bytes, cover: Bytes) -> Bytes:
    """Return a picture (H, H, 4) with black ink on it that covers it (H, H), 0 to 255."""
    picture[..., :3] = np.rint(picture[..., :3] * (1 - cover[..., None] / 255.0))
    return picture
