"""Ink -> boxes in reading order -> glyphs of 28 x 28 as MNIST makes them.

A glyph is made the way MNIST's were: the digit's longest side is scaled to 20 pixels with soft edges and its
centre of mass is put in the middle of 28 x 28. MNIST's pens were felt tips of about the same width, so the
stroke is brought to that width too, within bounds.

Reference: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits,
http://yann.lecun.com/exdb/mnist/ (the 20 x 20 box, the centre of mass).
"""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.imaging.components import connected_components, dilated, quantile

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIDE = 28
"""Side of a glyph, in pixels."""

DIGIT = 20
"""Longest side of the digit inside a glyph, in pixels."""

MIDDLE = 14.0
"""Pixel that MNIST's centres of mass lie on, both axes: measured 14.0 +- 0.5 on its training digits."""

FINE = 4
"""Pixels of the fine grid on which strokes are measured and redrawn, a pixel of the glyph."""

STROKE = (2.6, 3.4)
"""Widths of stroke left as they are, in pixels of the glyph: the middle half of MNIST's training digits."""

PALEST, NEARBY = 0.2, 0.05
"""Ink above which a pale stroke is one; how far from it none may be twice as dark, as a share of the longer side."""

THICKEN, THIN = 2.4, 1.6
"""Most that a stroke is widened or narrowed, in pixels of the glyph."""

PRESSED = (2.2, 4.0)
"""Widths that parts of a digit may have after that, in pixels of the glyph: where a pen presses, MNIST's differ too."""

AROUND = 2.0
"""Standard deviation of the blur that tells how wide a stroke is around a pixel, in pixels of the glyph."""

MOST_PARTS = 600
"""Connected parts looked at, the largest first: a sheet of digits has fewer, a picture of gravel has more."""

EDGE = 0.4
"""Ink above which a pixel counts as inside a stroke."""


DAB = 0.68
"""Share of its longer side that the thickest part of a dab is wide; of 10,000 MNIST training digits none is over 0.59,
of a pen pressed down and moved by less than half its width all are."""


class Box(NamedTuple):
    """A rectangle of pixels: left, top, width and height."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Cut:
    """A glyph and the pictures on the way to it, each float32, 0 paper, 1 ink.

    Attributes:
        crop: The digit's own ink, neighbours left out, (h, w).
        stroke: The same with its stroke brought to MNIST's width, on a grid 4 times as fine as the glyph's.
        scaled: The digit with its longest side at 20 pixels, (20, w) or (h, 20).
        glyph: (28, 28), the centre of mass in the middle.
    """

    crop: Floats
    stroke: Floats
    scaled: Floats
    glyph: Floats


def clipped(box: Box, shape: tuple[int, ...]) -> Box:
    """Return the part of a box, perhaps nothing, that lies in a picture of this height and width."""
    left, top = min(max(0, box.x), shape[1]), min(max(0, box.y), shape[0])
    right, bottom = min(box.x + box.width, shape[1]), min(box.y + box.height, shape[0])
    return Box(left, top, max(0, right - left), max(0, bottom - top))


def cut(ink: Floats, box: Box) -> Cut:
    """Cut a digit out of the ink and make it a glyph.

    Args:
        ink: float32 (H, W), 0 paper, 1 ink.
        box: Where the digit is, in pixels of `ink`; what lies outside the picture is left out.

    Returns:
        The glyph and the steps to it; all zeros where the box holds no ink.
    """
    crop = _own_ink(ink, box)
    if not crop.any():
        return Cut(crop, crop, np.zeros((DIGIT, DIGIT), np.float32), np.zeros((SIDE, SIDE), np.float32))
    stroke = _fitted(crop)
    size = (max(1, round(stroke.shape[1] / FINE)), max(1, round(stroke.shape[0] / FINE)))
    return Cut(crop, stroke, resized(stroke, size, cv2.INTER_AREA), centred(stroke))


def _own_ink(ink: Floats, box: Box) -> Floats:
    """Return the ink in `box` and a soft edge around it, without neighbours that reach in, cores at 1."""
    box = clipped(box, ink.shape)
    left, top = max(0, box.x - 1), max(0, box.y - 1)
    crop = ink[top : box.y + box.height + 1, left : box.x + box.width + 1].copy()
    if not crop.size or crop.max() <= 0.0:
        return np.zeros((1, 1), np.float32)
    foreign = _reaching_out(crop > EDGE * crop.max(), Box(box.x - left, box.y - top, box.width, box.height))
    crop[foreign | _specks(crop > EDGE * crop.max())] = 0.0
    core = quantile(crop[crop > EDGE * crop.max()], 0.75)
    return np.asarray(np.clip(crop / core, 0.0, 1.0), dtype=np.float32)


def _reaching_out(inside: Mask, box: Box) -> Mask:
    """Return which pixels of the crop belong to parts that go on outside the box, unless most of the ink does."""
    rim = inside.copy()
    rim[box.y : box.y + box.height, box.x : box.x + box.width] = False
    if not rim.any():
        return np.zeros(inside.shape, bool)
    labels, _ = connected_components(inside)
    foreign = np.isin(labels, np.unique(labels[rim])) & inside
    if foreign.sum() > 0.5 * inside.sum():
        return np.zeros(inside.shape, bool)
    return dilated(foreign) & ~dilated(inside & ~foreign)


def _specks(inside: Mask) -> Mask:
    """Return the specks of a crop and their soft edges: too small to be strokes, and next to nothing together.

    A broken hair is many small parts too, but there they are most of the ink.
    """
    labels, stats = connected_components(inside)
    small = stats[:, 2:4].max(axis=1) < 0.06 * max(inside.shape)
    small[0] = False
    if not small.any() or stats[small, 4].sum() > 0.04 * inside.sum():
        return np.zeros(inside.shape, bool)
    specks = small.take(labels)
    return dilated(specks) & ~dilated(inside & ~specks)


def tight(picture: Floats, edge: float = EDGE) -> Floats:
    """Return `picture` (h, w), not blank, without rows and columns that are all below `edge` of its strongest ink."""
    inside = picture > edge * picture.max()
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fitted(crop: Floats) -> Floats:
    """Return the digit on the fine grid: longest side 20 pixels of the glyph, stroke as wide as MNIST's.

    Strokes are measured and widened where they have the most pixels, on the crop or on the fine grid, so that
    a hair survives the reduction. Widening makes the digit larger, so the scale and the change of the width are
    found together. A stroke that is then still far from it, since the pen presses, is changed further.
    """
    inside = _stroke(_enlarged(crop))
    within = np.asarray(cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5), dtype=np.float32)
    extent, width = _measured(inside, within)
    scale, change = 1.0, 0.0
    for _ in range(4):
        scale = max(DIGIT - change, 4.0) / extent
        change = _correction(width * scale)
    widths = _widths(within, scale, width * scale)
    wanted = np.clip(widths + change, *PRESSED)
    widened = _widened(within, np.clip(wanted - widths, np.maximum(-THIN, -0.5 * widths), THICKEN) / scale)
    scale = DIGIT * FINE / max(widened.shape)
    size = (max(1, round(widened.shape[1] * scale)), max(1, round(widened.shape[0] * scale)))
    return resized(widened, size, cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR)


def _stroke(crop: Floats) -> Mask:
    """Return which pixels of a crop (h, w), not blank, are stroke: where the pen presses less, what is half as dark."""
    reach = 2 * int(NEARBY * max(crop.shape)) + 3
    darkest = cv2.dilate(crop, np.ones((reach, reach), np.uint8))
    inside = np.asarray(crop > np.clip(0.5 * darkest, PALEST, 0.5))
    return inside if inside.any() else crop >= 0.5 * crop.max()


def _enlarged(crop: Floats) -> Floats:
    """Return the crop with a margin of paper, enlarged smoothly where it is smaller than the fine grid."""
    factor = max(1.0, DIGIT * FINE / max(crop.shape))
    padded = np.pad(crop, 1)
    size = (max(1, round(padded.shape[1] * factor)), max(1, round(padded.shape[0] * factor)))
    return padded if factor == 1.0 else resized(padded, size, cv2.INTER_CUBIC)


def resized(picture: Floats, size: tuple[int, int], how: int) -> Floats:
    """Return `picture` at a size (width, height), by one of OpenCV's interpolations."""
    return np.asarray(cv2.resize(picture, size, interpolation=how), dtype=np.float32)


def _measured(inside: Mask, within: Floats) -> tuple[float, float]:
    """Return the longest side and the width of the strokes, in pixels of `inside`; `within` is how deep each lies."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    extent = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1.0
    # Across a straight stroke the distance to its edge is a quarter of its width on average.
    return float(extent), 4.0 * float(within[inside].mean())


def _correction(width: float) -> float:
    """Return by how much a stroke of `width` is widened (or, below 0, narrowed), in pixels of the glyph."""
    low, high = STROKE
    return min(max(low - width, 0.0), THICKEN) - min(max(width - high, 0.0), THIN, 0.5 * width)


def _widths(within: Floats, scale: float, usual: float) -> Floats:
    """Return how wide the strokes around each place are (h, w), in pixels of the glyph, on a grid twice as fine.

    Args:
        within: How far each pixel of a stroke lies from its edge, 0 outside.
        scale: Pixels of the glyph a pixel of `within`.
        usual: What the width is where no stroke is near.
    """
    ridge = (within > 0.0) & (within > cv2.dilate(within, np.ones((3, 3), np.uint8)) - 1e-3)
    size = (max(1, round(2.0 * scale * within.shape[1])), max(1, round(2.0 * scale * within.shape[0])))
    middle, half = (
        cv2.GaussianBlur(cv2.resize(values, size, interpolation=cv2.INTER_AREA), (0, 0), 2.0 * AROUND)
        for values in (ridge.astype(np.float32), np.where(ridge, within, np.float32(0.0)))
    )
    widths = np.full_like(middle, usual)
    np.divide(2.0 * scale * half, middle, out=widths, where=middle > 1e-6)
    return np.asarray(widths, dtype=np.float32)


def _widened(within: Floats, change: Floats) -> Floats:
    """Return the strokes redrawn with soft edges and wider, with room for it.

    Args:
        within: (h, w), how far each pixel of a stroke lies from its edge, 0 outside and along the picture's edges.
        change: By how much the strokes around each place are widened, in pixels of `within`; of any size.
    """
    room = int(max(float(change.max()), 0.0) / 2.0) + 2
    wider = cv2.resize(change, within.shape[::-1])
    deep, wider = (cv2.copyMakeBorder(a, room, room, room, room, cv2.BORDER_REPLICATE) for a in (within, wider))
    paper = (deep == 0.0).astype(np.uint8)
    signed = deep - cv2.distanceTransform(paper, cv2.DIST_L2, 5) + (paper - np.float32(0.5))
    return tight(np.clip(signed + (wider / np.float32(2.0) + np.float32(0.5)), 0.0, 1.0).astype(np.float32))


def centred(stroke: Floats) -> Floats:
    """Return the glyph (28, 28) of a digit: its centre of mass moved to the middle, averaged down.

    Args:
        stroke: float32 (h, w), 0 paper, 1 ink, on the fine grid, not blank.
    """
    total = stroke.sum()
    middle = (MIDDLE + 0.5) * FINE - 0.5
    move_x = middle - (stroke.sum(axis=0) @ np.arange(stroke.shape[1])) / total
    move_y = middle - (stroke.sum(axis=1) @ np.arange(stroke.shape[0])) / total
    move = np.array([[1.0, 0.0, move_x], [0.0, 1.0, move_y]], np.float32)
    canvas = cv2.warpAffine(stroke, move, (SIDE * FINE, SIDE * FINE), flags=cv2.INTER_LINEAR)
    return resized(np.asarray(canvas, dtype=np.float32), (SIDE, SIDE), cv2.INTER_AREA)


def only(ink: Floats) -> Box | None:
    """Return the box of the one digit in a picture, float32 (H, W), 0 paper, 1 ink; None where there is no ink."""
    boxes = _part_boxes(ink)
    return around(_of_one_digit(boxes)) if boxes else None


def is_dab(crop: Floats) -> bool:
    """Return whether the ink of a crop, float32 (h, w), is a mere dot: as wide a pen as the whole of it."""
    inside, widest = np.pad((crop > EDGE).astype(np.uint8), 1), DAB * max(crop.shape)
    if np.count_nonzero(inside) < 0.5 * widest * widest:  # no circle as wide is in it
        return False
    width = 2 * float(cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).max()) - 1
    return bool(width > widest)


def _part_boxes(ink: Floats) -> list[Box]:
    """Return the boxes of the connected parts of the ink, the largest first, the smallest specks left out."""
    _, stats = connected_components(ink > EDGE)
    sizes = stats[1:, 2:4].max(axis=1, initial=0)
    large = np.argsort(-sizes, kind="stable")[:MOST_PARTS]
    large = large[sizes[large] > 0.03 * sizes.max(initial=0)]
    return [Box(*(int(v) for v in stats[i + 1, :4])) for i in large]


def _size(box: Box) -> int:
    return max(box.width, box.height)


def around(boxes: list[Box]) -> Box:
    """Return the smallest box around all of `boxes`."""
    left, top = min(b.x for b in boxes), min(b.y for b in boxes)
    right, bottom = max(b.x + b.width for b in boxes), max(b.y + b.height for b in boxes)
    return Box(left, top, right - left, bottom - top)


def _apart(a: Box, b: Box) -> float:
    """Return the distance between two boxes, 0 where they overlap."""
    across = max(a.x, b.x) - min(a.x + a.width, b.x + b.width)
    down = max(a.y, b.y) - min(a.y + a.height, b.y + b.height)
    return float(np.hypot(max(across, 0), max(down, 0)))


def _of_one_digit(boxes: list[Box]) -> list[Box]:
    """Return the parts that make up the one digit: the largest and what is large enough or near enough."""
    digit = boxes[0]
    chosen = boxes[:1]
    for part in boxes[1:]:
        share, gap = _size(part) / _size(digit), _apart(part, digit) / _size(digit)
        if share > 0.2 or (share > 0.06 and gap < 0.12):
            chosen.append(part)
            digit = around(chosen)
    return chosen
