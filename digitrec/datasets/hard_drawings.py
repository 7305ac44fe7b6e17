"""Pictures of one digit that are hard to read: hollow strokes, lines through the digit, a watermark on it, photos.

Drawings are uint8 (H, H, 4) as `unipen.picture` gives them, photos uint8 (H, W, 3), RGB; with each comes how much the
digit covers it, uint8 (H, W), 0 to 255.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.datasets import page_backdrops, unipen
from digitrec.datasets.unipen import Writing

Bytes = NDArray[np.uint8]


class Drawing(NamedTuple):
    """A picture and where its digit is."""

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


def on_a_photo(writing: Writing, rng: np.random.Generator) -> Drawing:
    """Return a digit in a bright colour over a photo of a surface."""
    side = int(rng.integers(200, 500))
    ground = page_backdrops.texture(rng, side)[..., :3]
    alpha = unipen.cover(writing.strokes, side, side * rng.uniform(0.4, 0.8), max(5, side // 22), True, rng)
    hue = np.array([[[rng.integers(0, 180), 255, 255 if ground.mean() < 128 else 150]]], np.uint8)
    colour = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0]
    share = alpha[..., None] / 255.0
    return Drawing(np.rint(ground * (1 - share) + colour * share).astype(np.uint8), alpha)


def on_lined_paper(writing: Writing, rng: np.random.Generator) -> Drawing:
    """Return a photo of a digit on paper with blue lines, from above: uneven light, a little rotated and blurred."""
    side = int(rng.integers(500, 1100))
    paper = np.full((side, side, 3), rng.integers(215, 250, 3) * np.float32(1.0), np.float32)
    step, blue = side * rng.uniform(0.07, 0.16), (rng.uniform(90, 150), rng.uniform(120, 170), 215.0)
    for place in np.arange(rng.uniform(0, step), side, step).round().astype(int):
        cv2.line(paper, (0, int(place)), (side, int(place)), blue, max(1, side // 400), cv2.LINE_AA)
    width = max(3, int(side * rng.uniform(0.012, 0.03)))
    alpha = unipen.cover(writing.strokes, side, side * rng.uniform(0.3, 0.6), width, True, rng)
    ink = rng.integers(10, 70, 3).astype(np.float32)
    share = alpha[..., None] / np.float32(255.0) * np.float32(0.9)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(rng.uniform(-4, 4)), 1.12)
    inked = np.asarray(paper * (1 - share) + ink * share, np.float32)
    photo = cv2.warpAffine(inked, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpAffine(alpha, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
    across, down = np.meshgrid(*[np.linspace(-1, 1, side, dtype=np.float32)] * 2)
    light = 1 + rng.uniform(-0.22, 0.22) * across + rng.uniform(-0.22, 0.22) * down - np.float32(0.15)
    lit = cv2.GaussianBlur(np.asarray(photo, np.float32) * light[..., None], (0, 0), side / 900)
    return Drawing(np.clip(lit + rng.normal(0, 3, lit.shape), 0, 255).astype(np.uint8), np.asarray(cover, np.uint8))


def with_neighbour(writing: Writing, rng: np.random.Generator) -> Drawing:
    """Return a digit whose neighbour, another digit of the same width, is cut off at the picture's edge."""
    side = int(rng.integers(100, 300))
    width = max(2, round(side * rng.uniform(0.02, 0.06)))
    alpha = unipen.cover(writing.strokes, side, side * 0.6, width, True, rng)
    columns = np.flatnonzero(alpha.any(axis=0))
    gap = int(side * rng.uniform(0.03, 0.1))
    digit = np.pad(alpha[:, columns[0] : columns[-1] + 1], ((0, 0), (gap, gap)))
    other = unipen.cover(unipen.angular(rng).strokes, side, side * 0.6, width, True, rng)
    first = int(np.flatnonzero(other.any(axis=0))[0])
    part = other[:, first : first + int(side * rng.uniform(0.05, 0.15))]
    pair = (digit, part) if rng.random() < 0.5 else (part[:, ::-1], digit)
    covers = [each if each is digit else np.zeros_like(each) for each in pair]
    return Drawing(unipen.on_white(np.concatenate(pair, axis=1)), np.concatenate(covers, axis=1))


DRAWINGS: dict[str, Callable[[Writing, np.random.Generator], Drawing]] = {
    "hollow strokes": hollow,
    "a thin scribble behind": scribbled,
    "pale lines across": lined,
    "a watermark ring": watermarked,
}
"""By what makes them hard; the classifier learns from them too, see `glyph_bank`."""

PHOTOS: dict[str, Callable[[Writing, np.random.Generator], Drawing]] = {
    "a coloured stroke on a photo": on_a_photo,
    "blue-lined paper from above": on_lined_paper,
    "a neighbour cut off": with_neighbour,
}
"""More of them, of which the crop classifier learns where the digit is."""


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
