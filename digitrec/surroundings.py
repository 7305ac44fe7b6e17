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
    # Alone in the picture, what touches its edge and is thicker than any stroke is a shadow, a hand or a table.
    if len(stats) == 2 and outer[1] and _deepest(labels, 2, mask)[1] > 0.15 * max(mask.shape):
        return np.zeros_like(ink)
    return ink


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
    """Return which parts run along all four sides of their own box, with most of the picture inside."""
    height, width = labels.shape
    found = np.zeros(len(stats), bool)
    for i in np.flatnonzero((stats[:, 2] > 0.5 * width) & (stats[:, 3] > 0.5 * height)):
        x, y, w, h = (int(v) for v in stats[i, :4])
        part = labels[y : y + h, x : x + w] == i
        band_x, band_y = max(1, w // 12), max(1, h // 12)
        level = min(part[:band_y].any(axis=0).mean(), part[-band_y:].any(axis=0).mean())
        upright = min(part[:, :band_x].any(axis=1).mean(), part[:, -band_x:].any(axis=1).mean())
        found[i] = i > 0 and min(level, upright) > 0.85
    return found
