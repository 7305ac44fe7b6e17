"""A place on a page -> the ink of the digit there: the paper's colour is taken around it, neighbours are left out."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.imaging.components import quantile
from digitrec.recognition.crops import crop
from digitrec.recognition.normalize import Box, Cut, cut

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Thresholds:
    """Settings; chosen on synthetic validation pages (`tests/bench/local_ink.py`).

    Attributes:
        side: Pixels of the patch around a digit.
        height: Pixels of the digit's longer side in it.
        paper: Window of the median that tells the paper's colour; an odd number of pixels.
        faintest: Smallest RGB distance from the paper, of 0 to 441, that is ink.
        low: Distance at which ink begins, as a share of the strokes' core.
        edge: Ink from which a pixel is inside a stroke.
        margin: Of the box, as a share of the digit's longer side.
        own: Share of a connected component inside the box from which it belongs to the digit.
        line: Share of the patch's side from which a thin straight run is a ruled line.
    """

    side: int = 72
    height: float = 40.0
    paper: int = 45
    faintest: float = 10.0
    low: float = 0.5
    edge: float = 0.4
    margin: float = 0.03
    own: float = 0.4
    line: float = 0.8


THRESHOLDS = Thresholds()


def patch(image: Bytes, box: Floats, angle: float, thresholds: Thresholds = THRESHOLDS) -> Bytes:
    """Return the surroundings of a digit, uint8 (side, side, 3); see `crops.crop`."""
    return crop(image, box, angle, thresholds.side, thresholds.height)


def ink(seen: Bytes, width: float, height: float, thresholds: Thresholds = THRESHOLDS) -> tuple[Floats, Box]:
    """Return the ink of the digit in the middle of a patch, float32 (side, side), 0 paper, 1 ink, and its box.

    Args:
        seen: uint8 (side, side, 3), as `patch` returns it.
        width: Of the digit, in pixels of the patch.
        height: The same.
        thresholds: The settings.
    """
    box = _box(width, height, thresholds)
    inside = np.s_[box.y : box.y + box.height, box.x : box.x + box.width]
    difference = seen.astype(np.float32) - cv2.medianBlur(seen, thresholds.paper)
    distance = np.sqrt((difference * difference).sum(axis=2))
    strongest = distance[inside] >= quantile(distance[inside].ravel(), 0.9)
    direction = difference[inside][strongest].mean(axis=0)
    distance[difference @ direction < 0] = 0.0  # a highlight beside dark ink is no ink
    core = _core(distance[inside])
    if core < thresholds.faintest:
        return np.zeros(distance.shape, np.float32), box
    low = thresholds.low * core
    found = np.clip((distance - 0.5 * low) / (core - 0.5 * low), 0.0, 1.0)
    found[_lines(found > thresholds.edge, thresholds)] = 0.0
    return _own(found, box, thresholds), box


def _box(width: float, height: float, thresholds: Thresholds) -> Box:
    margin = thresholds.margin * thresholds.height
    wide = min(thresholds.side, int(max(width, 0.2 * height) + 2 * margin) + 1)
    high = min(thresholds.side, int(max(height, 0.2 * width) + 2 * margin) + 1)
    return Box((thresholds.side - wide) // 2, (thresholds.side - high) // 2, wide, high)


def _core(distance: Floats) -> float:
    """Return the distance of the strokes' core: the upper quartile of what Otsu's threshold parts from the paper."""
    top = float(distance.max())
    if top <= 0.0:
        return 0.0
    levels = (distance * (255.0 / top)).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    strong = levels[levels > threshold]
    return quantile(strong, 0.75) * top / 255.0 if strong.size else 0.0


def _lines(inside: Mask, thresholds: Thresholds) -> Mask:
    """Return the pixels of thin lines right across the patch, but for those where a stroke crosses."""
    length = int(thresholds.line * thresholds.side)
    thick = _morphed(inside, cv2.MORPH_OPEN, (9, 9))
    lines = np.zeros(inside.shape, bool)
    for along, across in (((1, length), (5, 1)), ((length, 1), (1, 5))):
        line = _morphed(inside & ~thick, cv2.MORPH_OPEN, along)
        if line.any():
            line = _morphed(line, cv2.MORPH_DILATE, (3, 3)) & inside
            lines |= line & ~_morphed(inside & ~line, cv2.MORPH_DILATE, across)
    return lines


def _morphed(mask: Mask, operation: int, shape: tuple[int, int]) -> Mask:
    """Return a mask after a morphological operation with a rectangle of this height and width."""
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), operation, np.ones(shape, np.uint8)) > 0)


def _own(found: Floats, box: Box, thresholds: Thresholds) -> Floats:
    """Return the ink without components that lie mostly outside the box."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((found > thresholds.edge).astype(np.uint8))
    if count < 2:
        return found
    window = labels[box.y : box.y + box.height, box.x : box.x + box.width]
    share = np.bincount(window.ravel(), minlength=count) / np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
    foreign = (share < thresholds.own) & (np.arange(count) > 0)
    if foreign.all() or not foreign.any():
        return found
    away = cv2.dilate(foreign[labels].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    kept = cv2.dilate((~foreign[labels] & (labels > 0)).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    found[away & ~kept] = 0.0
    return found


def glyph_of(image: Bytes, box: Floats, angle: float, thresholds: Thresholds = THRESHOLDS) -> Cut:
    """Return the glyph of the digit in a box of a page, and the steps to it; see `patch` and `normalize.cut`."""
    scale = thresholds.height / max(float(box[2]), float(box[3]), 1.0)
    found, inside = ink(patch(image, box, angle, thresholds), float(box[2]) * scale, float(box[3]) * scale, thresholds)
    return cut(found, inside)


def tight(image: Bytes, box: Floats, angle: float, thresholds: Thresholds = THRESHOLDS) -> Floats:
    """Return the box around the ink in a wide box of a page, both as `crops.crop` takes them; the same without ink."""
    scale = thresholds.height / max(float(box[2]), float(box[3]), 1.0)
    seen = patch(image, box, angle, thresholds)
    found, inside = ink(seen, float(box[2]) * scale, float(box[3]) * scale, thresholds)
    own = found[inside.y : inside.y + inside.height, inside.x : inside.x + inside.width] > thresholds.edge
    left, top, width, height = cv2.boundingRect(own.astype(np.uint8))
    if not width:
        return box
    across = (inside.x + left + width / 2 - thresholds.side / 2) / scale
    down = (inside.y + top + height / 2 - thresholds.side / 2) / scale
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = box[0] + cos * across - sin * down, box[1] + sin * across + cos * down
    return np.array([x, y, width / scale, height / scale], np.float32)
