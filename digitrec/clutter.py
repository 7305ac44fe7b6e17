"""Ink -> ink without what is no writing: specks, the lines of ruled paper, frames, the table around the paper."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]

EMPTY_PAGE = 4
"""So many lines right across a picture with no writing beside them are ruled paper: no digit has as many."""


def upper_quartile(values: Floats) -> float:
    """Return the value that a quarter of `values` (N,) reach: what the core of strokes has, edges left out.

    Of more than 8,000 values evenly spread ones are looked at.
    """
    values = values[:: max(1, values.size // 4096)]
    place = 3 * (values.size - 1) // 4
    return float(np.sort(values)[place])  # quicker than np.partition where most values are equal


def parts(mask: NDArray[Any]) -> tuple[Ints, Ints]:
    """Return the parts of a mask (H, W) that touch, corners too.

    Returns:
        The part of each pixel (H, W), 0 outside the mask; and a row a part (N, 5): left, top, width, height and
        pixels, row 0 being no part.
    """
    mask = np.ascontiguousarray(mask).view(np.uint8) if mask.dtype == bool else mask.astype(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)
    labels = np.zeros(mask.shape, np.int32)
    if not width:
        return labels, np.zeros((1, 5), np.int32)
    box = np.s_[top : top + height, left : left + width]
    kind = cv2.CV_16U if width * height < 2**17 else cv2.CV_32S  # OpenCV counts three times as fast in 16 bit
    _, labels[box], stats, _ = cv2.connectedComponentsWithStats(mask[box], connectivity=8, ltype=kind)
    stats[:, :2] += (left, top)
    return labels, np.asarray(stats, dtype=np.int32)


def grown(mask: Mask) -> Mask:
    """Return `mask` (H, W) grown by a pixel to all eight sides, for the soft edge of its strokes."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)


def joined(weak: Mask, strong: Mask, specks: bool = True) -> Mask:
    """Return the parts of `weak` that hold a pixel of `strong`; where not `specks`, of those the large ones.

    A speck is as small as the grain of paper and sensor.
    """
    labels, stats = parts(weak)
    chosen = np.zeros(len(stats), bool)
    chosen[labels[strong & weak]] = True
    if not specks:
        chosen &= stats[:, 2:4].max(axis=1) >= max(4.0, 0.015 * max(weak.shape))
    chosen[0] = False
    return np.asarray(chosen[labels])


def without_lines(ink: Floats) -> Floats:
    """Return the ink without the lines of ruled or squared paper and without a frame along the picture's edge."""
    across, down = _lines(ink > 0.5), _lines((ink > 0.5).T).T
    lines = across | down
    if not lines.any():
        return ink
    rest = np.where(grown(lines), np.float32(0.0), ink)
    if not _meaningful(rest > 0.5):
        return np.zeros_like(ink) if _count(across) >= EMPTY_PAGE else ink
    across &= _may_go(ink, across, rest, alone=True)
    down &= _may_go(ink.T, down.T, rest.T, alone=bool(across.any())).T
    removed = across | down
    return np.where(grown(removed) & ~grown((ink > 0.5) & ~lines), np.float32(0.0), ink).astype(np.float32)


def _lines(mask: Mask) -> Mask:
    """Return the pixels of `mask` on thin, nearly level lines from one side of the picture to the other.

    Where a stroke crosses the line, the pixels stay with the stroke.
    """
    height, width = mask.shape
    if cv2.boundingRect(mask.astype(np.uint8))[2] < 0.8 * width:
        return np.zeros(mask.shape, bool)
    piece = np.ones((1, max(5, width // 12)), np.uint8)
    level = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, piece)
    if level.any(axis=0).mean() < 0.5:
        return np.zeros(mask.shape, bool)
    bridged = cv2.dilate(level, np.ones((3, max(3, width // 20)), np.uint8))
    labels, stats = parts(bridged)
    long = (stats[:, 2] > 0.9 * width) & (stats[:, 3] < max(5, 0.1 * height))
    long[0] = False
    if not long.any():
        return np.zeros(mask.shape, bool)
    found = long[labels] & (level > 0)
    return np.asarray(found & (_runs_down(mask) <= 1.6 * _thickness(found) + 1.0))


def _count(lines: Mask) -> int:
    """Return how many level lines there are."""
    return len(parts(cv2.dilate(lines.astype(np.uint8), np.ones((1, lines.shape[1] | 1), np.uint8)))[1]) - 1


def _runs_down(mask: Mask) -> Ints:
    """Return, for each pixel of `mask`, how many pixels of it stand over and under each other there."""
    rows = np.arange(mask.shape[0], dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(mask, -1, rows), axis=0)
    below = np.minimum.accumulate(np.where(mask, mask.shape[0], rows)[::-1], axis=0)[::-1]
    return np.where(mask, below - above - 1, 0).astype(np.int32)


def _thickness(lines: Mask) -> float:
    """Return how many pixels thick level lines are, 0 where there are none."""
    runs = _runs_down(lines)[lines]
    return float(np.median(runs)) if runs.size else 0.0


def _meaningful(mask: Mask) -> bool:
    """Return whether `mask` holds a part that may be writing: an eighth of the picture's shorter side or larger."""
    _, stats = parts(mask)
    return bool(stats[1:, 2:4].max(initial=0) >= max(4.0, min(mask.shape) / 8.0))


def _may_go(ink: Floats, lines: Mask, rest: Floats, alone: bool) -> Mask:
    """Return which of the level `lines` are no writing: thin or faint beside it.

    Where `alone`, so are lines that touch no writing, and several that stick out of it on both sides. Upright
    lines are judged so only on squared paper or in a frame: a 1 or a 4 may be as high as its picture.
    """
    labels, stats = parts(cv2.dilate(lines.astype(np.uint8), np.ones((3, max(3, lines.shape[1] // 10)), np.uint8)))
    columns = np.flatnonzero((rest > 0.5).any(axis=0))
    margin = 0.05 * lines.shape[1]
    sticks_out = columns[0] > margin and columns[-1] < lines.shape[1] - margin
    goes = np.zeros(len(stats), bool)
    for i in range(1, len(stats)):
        line = lines & (labels == i)
        goes[i] = _weak(ink, line, rest) or (alone and (_apart(line, rest) or (sticks_out and len(stats) > 2)))
    return np.asarray(goes[labels])


def _weak(ink: Floats, line: Mask, rest: Floats) -> bool:
    """Return whether a level line is much thinner or fainter than the writing."""
    return _weight(ink, line) < 0.6 * _weight(rest, rest > 0.5)


def _weight(ink: Floats, part: Mask) -> float:
    """Return how thick and dark `part` of the ink is."""
    depth = cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 3)
    return float(depth[part].mean()) * float(ink[part].mean())


def _apart(line: Mask, rest: Floats) -> bool:
    """Return whether a level line touches almost nothing of the writing."""
    near = cv2.dilate(line.astype(np.uint8), np.ones((7, 1), np.uint8)).astype(bool) & (rest > 0.5)
    return bool(near.any(axis=0).sum() < 0.02 * line.shape[1])


def without_surroundings(ink: Floats) -> Floats:
    """Return the ink without frames around the writing and without what surrounds the paper, such as a table.

    Nothing goes unless writing remains.
    """
    mask = (ink > 0.25).astype(np.uint8)
    labels, stats = parts(mask)
    if len(stats) == 1:
        return ink
    outer = _surrounding(labels, stats, mask) | _framing(labels, stats)
    if outer.any() and _meaningful((labels > 0) & ~outer[labels]):
        return np.where(outer[labels], np.float32(0.0), ink).astype(np.float32)
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
