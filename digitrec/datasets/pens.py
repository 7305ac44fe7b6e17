"""Drawing on a layer: strokes of pens of any kind, and pictures.

A layer has twice the frame's resolution: uint8 (2H, 2W), coverage 0 to 255. Everything is added by maximum.
"""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.datasets.hands import Hand
from digitrec.datasets.unipen import SHIFT, Bytes

Points = NDArray[np.float64]

SCALE = 2
"""Pixels of a layer per pixel of the frame."""

CLOSE = 0.02
"""Depth, 1 in the middle of the page, from which on lines are seen."""

FAR = 1e5
"""Pixels of the frame: what lies further outside is not drawn."""


def visible(points: Points, border: float, side: int) -> bool:
    """Return whether the box round points (N, 2) with a border, all in pixels of the frame, meets the frame."""
    low, high = points.min(axis=0), points.max(axis=0)
    inside = low[0] < side + border and low[1] < side + border and high[0] > -border and high[1] > -border
    return bool(inside and max(-low.min(), high.max()) < FAR)


def thickness(width: float, scale: int = SCALE) -> tuple[int, float]:
    """Return the whole pixels to draw a line with, and the share of its opacity that is left if it is thinner."""
    exact = width * scale
    return max(1, round(exact)), min(1.0, max(exact, 0.4))


def trace(
    layer: Bytes, strokes: Sequence[Points], width: float, height: float, hand: Hand, rng: np.random.Generator
) -> float | NDArray[np.float64]:
    """Draw strokes with a hand's pen; return half the drawn width in pixels of the frame, of all or of each point.

    Args:
        layer: What to draw on.
        strokes: Each (N, 2), at least two points, in pixels of the frame.
        width: In pixels of the frame.
        height: Of a digit of this hand, in pixels of the frame.
        hand: Gives opacity, pressure and the pen's other ways.
        rng: Varies the pressure.
    """
    scale = 1 if hand.hard else SCALE
    thick, share = thickness(width, scale)
    points = np.concatenate(strokes)
    starts = np.cumsum([0, *map(len, strokes)])
    uneven = (hand.pressure > 0 and (thick > 1 or hand.pressed_opacity)) or hand.skipping > 0
    factors = pressure(points, starts, height, hand, rng) if uneven else None
    widest = thick if factors is None else int(thick * factors.max()) + 1
    area = _area(layer, points, SCALE * (widest / scale + 2))
    if area is not None:
        left, top, right, bottom = area
        drawn = np.zeros(((bottom - top) * scale // SCALE, (right - left) * scale // SCALE), np.uint8)
        places = (points * scale - 0.5) - np.array((left, top)) * scale / SCALE
        whole = np.rint(places * (1 << SHIFT)).astype(np.int32)
        kind = cv2.LINE_8 if hand.hard else cv2.LINE_AA
        value = 255 * hand.opacity * share
        if factors is None:
            pieces = [whole[a:b] for a, b in pairwise(starts)]
            cv2.polylines(drawn, pieces, False, round(value), thick, kind, SHIFT)
        else:
            _draw_uneven(drawn, whole, starts, thick, value, factors, hand, kind, rng)
        if hand.hard:
            drawn = drawn.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
        view = layer[top:bottom, left:right]
        np.maximum(view, drawn, out=view)
    return thick / scale / 2 * (1.0 if factors is None else factors)


def _area(layer: Bytes, points: Points, border: float) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom, all even, of the part of a layer round points of the frame, or None."""
    low, high = points.min(axis=0) * SCALE - border, points.max(axis=0) * SCALE + border
    left, top = (max(0, int(value)) // 2 * 2 for value in low)
    right = min(layer.shape[1], (int(high[0]) + 3) // 2 * 2)
    bottom = min(layer.shape[0], (int(high[1]) + 3) // 2 * 2)
    return (left, top, right, bottom) if right > left and bottom > top else None


def pressure(
    points: Points, starts: NDArray[np.int_], height: float, hand: Hand, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return for each point by how much its stroke is wider than usual: 0.35 to 2, 1 on average."""
    steps = np.diff(points, axis=0, append=points[-1:])
    steps[starts[1:] - 1] = 0.0
    along = np.cumsum(np.hypot(steps[:, 0], steps[:, 1])) / max(height, 1.0)
    knots = int(along[-1] * 2.5) + 2
    log = 0.7 * np.interp(along, np.linspace(0.0, max(along[-1], 1e-3), knots), rng.normal(0.0, 1.0, knots))
    if hand.nib is not None:
        log += 1.8 * (np.abs(np.sin(np.arctan2(steps[:, 1], steps[:, 0]) - hand.nib)) - 0.5)
    elif hand.pen == "brush":
        log[starts[1:] - 1] -= 1.0  # lifted
    return np.clip(np.exp(hand.pressure * log), 0.35, 2.0)


def _draw_uneven(
    drawn: Bytes,
    whole: NDArray[np.int32],
    starts: NDArray[np.int_],
    thick: int,
    value: float,
    factors: NDArray[np.float64],
    hand: Hand,
    kind: int,
    rng: np.random.Generator,
) -> None:
    """Draw each piece between two points with its own width and opacity, the faint ones first."""
    kept = np.ones(len(whole) - 1, bool)
    kept[starts[1:-1] - 1] = False
    first, step = whole[:-1][kept], np.diff(whole, axis=0)[kept]
    before, change = factors[:-1][kept], np.diff(factors)[kept]
    longest = float(np.abs(step).max()) / (1 << SHIFT)
    parts = int(np.clip(longest / max(0.7 * thick, 5.0), 1, 12)) if thick > 7 or hand.skipping else 1
    at = np.arange(parts + 1)[:, None] / parts
    places = (first[:, None] + at * step[:, None]).round().astype(np.int32)  # (N, parts + 1, 2)
    pieces = np.stack([places[:, :-1], places[:, 1:]], axis=2).reshape(-1, 2, 2)
    middle = (before[:, None] + (at[:-1, 0] + 0.5 / parts) * change[:, None]).reshape(-1)
    fine = 1.0 / min(max(4, thick), 24)  # steps of the width that do not show
    levels = np.rint(middle / fine).astype(int)
    if hand.skipping:
        levels[_skipped(pieces, 2.0 * thick * (1 << SHIFT), hand.skipping, rng)] = 0
    for level in np.unique(levels[levels > 0]):
        factor = level * fine
        faint = min(1.0, 0.35 + 0.65 * factor) if hand.pressed_opacity else 1.0
        width = max(1, round(thick * factor))
        cv2.polylines(drawn, list(pieces[levels == level]), False, round(value * faint), width, kind, SHIFT)


def _skipped(pieces: NDArray[np.int32], length: float, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which pieces (N, 2, 2) of strokes are missing: a share of them, in runs of about this length."""
    steps = np.hypot(*(pieces[:, 1] - pieces[:, 0]).T.astype(np.float64))
    run = (np.cumsum(steps) / length).astype(int)
    missing: NDArray[np.bool_] = rng.random(run[-1] + 1) < share
    return np.asarray(missing[run], np.bool_)


def paste(layer: Bytes, coverage: Bytes, to_frame: NDArray[np.float64], look: Bytes | None = None) -> Points | None:
    """Add a picture to a layer.

    Args:
        layer: What to draw on.
        coverage: The picture, uint8 (h, w).
        to_frame: (3, 3) from the picture's corners (0, 0) to (w, h) to pixels of the frame.
        look: Coverage for each of the picture's 256 values after it is scaled, or None: the same.

    Returns:
        The corners in pixels of the frame (4, 2), or None where nothing was drawn.
    """
    height, width = coverage.shape
    corners = project(to_frame, np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]]))
    if corners is None or np.abs(corners).max() > FAR:
        return None
    area = _area(layer, corners, 1.0)
    if area is None:
        return None
    left, top, right, bottom = area
    down = height / max(float(np.hypot(*(corners[3] - corners[0]))) * SCALE, 1.0)
    if down > 1.5:
        size = max(1, round(width / down)), max(1, round(height / down))
        coverage = np.asarray(cv2.resize(coverage, size, interpolation=cv2.INTER_AREA), np.uint8)
        to_frame = to_frame @ np.diag([width / size[0], height / size[1], 1.0])
    matrix = np.array([[SCALE, 0, -left - 0.5], [0, SCALE, -top - 0.5], [0, 0, 1.0]]) @ to_frame
    matrix = matrix @ np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    drawn = cv2.warpPerspective(
        coverage, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR if down > 1 else cv2.INTER_CUBIC
    )
    if look is not None:
        drawn = np.asarray(cv2.LUT(drawn, look), np.uint8)
    view = layer[top:bottom, left:right]
    np.maximum(view, drawn, out=view)
    return corners


def project(matrix: NDArray[np.float64], points: Points) -> Points | None:
    """Return points (N, 2) mapped by a homography, or None if one of them lies behind the camera."""
    mapped = points @ matrix[:2, :2].T + matrix[:2, 2]
    depth = points @ matrix[2, :2] + matrix[2, 2]
    return None if depth.min() <= 1e-6 else np.asarray(mapped / depth[:, None])


def in_front(matrix: NDArray[np.float64], first: Points, last: Points) -> tuple[Points, Points] | None:
    """Return the ends (2,) of that part of a line which a homography sees before the camera, or None."""
    near, far = (float(matrix[2, :2] @ end + matrix[2, 2]) for end in (first, last))
    if max(near, far) <= CLOSE:
        return None
    if min(near, far) > CLOSE:
        return first, last
    meeting = first + (CLOSE - near) / (far - near) * (last - first)
    return (first, meeting) if near > far else (meeting, last)


def draw_lines(layer: Bytes, lines: NDArray[np.float64], width: float, opacity: float) -> None:
    """Draw lines (M, N, 2) in pixels of the frame, `width` of its pixels wide."""
    thick, share = thickness(width)
    area = _area(layer, lines.reshape(-1, 2), thick + 2.0)
    if area is None:
        return
    left, top, right, bottom = area
    value = round(255 * opacity * share)
    whole = np.rint((lines * SCALE - 0.5 - (left, top)) * (1 << SHIFT)).astype(np.int32)
    drawn = np.zeros((bottom - top, right - left), np.uint8)
    cv2.polylines(drawn, list(whole), False, value, thick, cv2.LINE_AA, SHIFT)
    view = layer[top:bottom, left:right]
    np.maximum(view, drawn, out=view)


def fill(layer: Bytes, corners: Points, opacity: float) -> None:
    """Fill a polygon of corners (N, 2) in pixels of the frame."""
    area = _area(layer, corners, 2.0)
    if area is None:
        return
    left, top, right, bottom = area
    drawn = np.zeros((bottom - top, right - left), np.uint8)
    whole = np.rint((corners * SCALE - 0.5 - (left, top)) * (1 << SHIFT)).astype(np.int32)
    cv2.fillPoly(drawn, [whole], round(255 * opacity), cv2.LINE_AA, SHIFT)
    view = layer[top:bottom, left:right]
    np.maximum(view, drawn, out=view)
