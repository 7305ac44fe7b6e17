"""Ink -> ink without what is around the writing: frames, the table under the paper, stripes that run off a picture."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.clutter import CHARACTER, EDGE, meaningful, parts

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]

CUT_OFF = 4
"""So many marks that one side of the picture cuts off are printed stripes or a keyboard, where more is written."""

THIN = 0.2
"""Most of its own box that the lines of a frame around writing fill."""

LONG = 4.0
"""Times its width that a stroke is long at least, which is alone in a picture and touches its edge."""


def without_surroundings(ink: Floats) -> Floats:
    """Return the ink without frames around the writing and without what surrounds the paper, such as a table.

    Nothing goes unless writing remains.
    """
    mask = (ink > EDGE).astype(np.uint8)
    labels, stats = parts(mask)
    if len(stats) == 1:
        return ink
    outer = _surrounding(labels, stats, mask) | _framing(labels, stats) | _cut_off(labels, stats)
    if outer.any() and meaningful((labels > 0) & ~(around := outer.take(labels))):
        return np.where(around, np.float32(0.0), ink).astype(np.float32)
    if len(stats) == 2 and outer[1] and _is_no_stroke(mask):  # but a shadow, a hand or a table
        return np.zeros_like(ink)
    return ink


def _is_no_stroke(mask: Bytes) -> bool:
    """Return whether what is alone in a picture and touches its edge is too thick and short for a digit."""
    if mask.all():
        return True
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    width = 4.0 * float(depth[mask > 0].mean())
    return float(depth.max()) > 0.15 * max(mask.shape) and float(np.count_nonzero(mask)) < LONG * width**2


def _surrounding(labels: Ints, stats: Ints, mask: Bytes) -> Mask:
    """Return which parts come in from outside the picture.

    They lie along much of its edge, or are far thicker than strokes, or lie along it with much of their own outline,
    as a corner of the table does.
    """
    edge = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    contact = np.bincount(edge, minlength=len(stats)) / edge.size
    contact[0] = 0.0
    if contact.max() <= 0.03:
        return np.zeros(len(stats), bool)
    deepest = _deepest(labels, len(stats), mask)
    others = deepest[contact <= 0.03][1:]
    usual = float(others.max(initial=0.0)) or np.inf
    outline = 2.0 * stats[:, 2:4].sum(axis=1) / edge.size
    return np.asarray((contact > 0.2) | ((contact > 0.03) & ((deepest > 2.0 * usual) | (contact > 0.4 * outline))))


def _cut_off(labels: Ints, stats: Ints) -> Mask:
    """Return which parts one side of the picture cuts off, where many are and as much is whole: no row of writing is.

    A row of digits cropped closely touches the side with its tallest, and is most of what there is.
    """
    found = np.zeros(len(stats), bool)
    size = stats[:, 2:4].max(axis=1)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        touching = np.unique(side)
        touching = touching[(touching > 0) & (size[touching] > 0.5 * CHARACTER * min(labels.shape))]
        if len(touching) >= CUT_OFF:
            found[touching] = True
    whole = ~found & (size > 0.5 * float(np.median(size[found]))) if found.any() else found
    return np.asarray(found & (whole[1:].sum() >= CUT_OFF))


def _deepest(labels: Ints, count: int, mask: Bytes) -> Floats:
    """Return half the thickness of each part (count,), at its thickest."""
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    deepest = np.zeros(count, np.float32)
    np.maximum.at(deepest, labels[mask > 0], depth[mask > 0])
    return deepest


def _framing(labels: Ints, stats: Ints) -> Mask:
    """Return which parts run along the sides of their own box, with most of the picture inside, or something."""
    height, width = labels.shape
    most = (stats[:, 2] > 0.5 * width) & (stats[:, 3] > 0.5 * height)
    some = (stats[:, 2:4].min(axis=1) > CHARACTER * min(labels.shape)) & (
        stats[:, 4] < THIN * stats[:, 2].astype(np.int64) * stats[:, 3]
    )
    found = np.zeros(len(stats), bool)
    for i in np.flatnonzero(most | some):
        x, y, w, h = (int(v) for v in stats[i, :4])
        inside = labels[y : y + h, x : x + w]
        band_x, band_y = max(1, w // 12), max(1, h // 12)
        part = inside == i
        bands = (
            part[:band_y].any(axis=0),
            part[-band_y:].any(axis=0),
            part[:, :band_x].any(axis=1),
            part[:, -band_x:].any(axis=1),
        )
        sides = sorted(float(band.mean()) for band in bands)
        around = sides[0] > 0.85 or (sides[0] > 0.3 and sides[1] > 0.85 and not most[i])
        if i > 0 and around and (most[i] or _holds(inside, int(i))):
            found |= (np.arange(len(stats)) == i) | _along(stats, x, y, w, h)
    return found


def _along(stats: Ints, x: int, y: int, width: int, height: int) -> Mask:
    """Return which parts lie all along one side of a frame's box: pieces of it, where it is drawn with gaps."""
    left, top, right, bottom = stats[:, 0], stats[:, 1], stats[:, 0] + stats[:, 2], stats[:, 1] + stats[:, 3]
    reach = max(2, width // 24), max(2, height // 24)
    level = (left > x - reach[0]) & (right < x + width + reach[0])
    upright = (top > y - reach[1]) & (bottom < y + height + reach[1])
    beside = [(left > side - reach[0]) & (right < side + reach[0]) for side in (x, x + width)]
    over = [(top > side - reach[1]) & (bottom < side + reach[1]) for side in (y, y + height)]
    return np.asarray(((beside[0] | beside[1]) & upright) | ((over[0] | over[1]) & level))


def _holds(inside: Ints, frame: int) -> bool:
    """Return whether something of a character's size stands in a frame, which a 0 with corners does not have."""
    other = (inside > 0) & (inside != frame)
    rows, columns = np.flatnonzero(other.any(axis=1)), np.flatnonzero(other.any(axis=0))
    if not len(rows):
        return False
    return bool(np.ptp(rows) > 0.2 * len(inside) or np.ptp(columns) > 0.2 * inside.shape[1])
