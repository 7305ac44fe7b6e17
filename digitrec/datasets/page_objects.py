"""Things on and around a sheet: pens, fingers, phones, cups, coins, rulers, other papers. They never cover ink."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.datasets.page_backdrops import SKINS, Bytes, any_colour

Points = NDArray[np.floating[Any]]

CLEARANCE = 10
"""Pixels that things keep from ink."""

FRACTION = 4
"""Bits of a pixel's fraction that OpenCV draws with."""

NAIL = (226.0, 184.0, 170.0)
"""Colour of finger nails."""


def blocked_by(ink: Bytes | None, side: int) -> Bytes:
    """Return where no thing may lie: uint8 (side / 8, side / 8), 255 near ink (side, side) and 0 elsewhere."""
    cells = side // 8
    if ink is None:
        return np.zeros((cells, cells), np.uint8)
    near = cv2.dilate(ink, np.ones((8, 8), np.uint8))[4::8, 4::8][:cells, :cells]
    reach = 2 * (CLEARANCE // 8 + 1) + 1
    return np.asarray(cv2.dilate((near > 24).astype(np.uint8) * 255, np.ones((reach, reach), np.uint8)), np.uint8)


def scatter(rng: np.random.Generator, picture: Bytes, blocked: Bytes, count: int) -> None:
    """Draw up to `count` things into uint8 (side, side, 3), in place, where `blocked` allows."""
    makers = (_pen, _finger, _slab, _disc, _ruler, _paper)
    for kind in rng.choice(len(makers), count, p=[0.3, 0.2, 0.2, 0.12, 0.08, 0.1]):
        makers[int(kind)](rng, picture, blocked)


def _free(blocked: Bytes, corners: Points) -> bool:
    mask = np.zeros_like(blocked)
    cv2.fillPoly(mask, [np.rint(corners / 8).astype(np.int32)], 255)
    return not bool(cv2.bitwise_and(mask, blocked).any())


def _fill(picture: Bytes, corners: Points, colour: tuple[float, ...]) -> None:
    points = np.rint(corners * (1 << FRACTION)).astype(np.int32)
    cv2.fillPoly(picture, [points], colour, cv2.LINE_AA, FRACTION)


def _darker(picture: Bytes, corners: Points, soft: float) -> None:
    """Darken what lies under a shape, a soft shadow."""
    side = len(picture)
    left, top = np.clip(corners.min(axis=0) - 3 * soft, 0, side).astype(int)
    right, bottom = np.clip(corners.max(axis=0) + 3 * soft, 0, side).astype(int)
    if right - left < 2 or bottom - top < 2:
        return
    mask = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(mask, [np.rint(corners - [left, top]).astype(np.int32)], 110)
    mask = 255 - cv2.blur(mask, (int(2 * soft) + 1, int(2 * soft) + 1))
    part = picture[top:bottom, left:right]
    part[:] = cv2.multiply(part, cv2.merge([mask, mask, mask]), scale=1 / 255)


def _box(rng: np.random.Generator, side: int, width: float, height: float, edge: bool = False) -> Points:
    place = rng.uniform(0, 1, 2) * side
    if edge:
        place[int(rng.integers(2))] = side * float(rng.choice([0.0, 1.0]))
    return cv2.boxPoints(((place[0], place[1]), (width, height), float(rng.uniform(0, 180)))).astype(np.float32)


def _axes(corners: Points) -> tuple[Points, Points, Points]:
    """Return a corner of a box (4, 2), and the vectors along its longer and its shorter side."""
    a, b, c = corners[:3]
    return (a, b - a, c - b) if np.hypot(*(b - a)) > np.hypot(*(c - b)) else (b, c - b, a - b)


def _pen(rng: np.random.Generator, picture: Bytes, blocked: Bytes) -> None:
    side = len(picture)
    width = side * rng.uniform(0.012, 0.045)
    corners = _box(rng, side, side * rng.uniform(0.3, 0.9), width)
    if not _free(blocked, corners):
        return
    _darker(picture, corners + np.float32(width * rng.uniform(0.2, 0.8)), float(width) / 2)
    colour, (start, along, across) = any_colour(rng, 15, 240, 0.6), _axes(corners)
    for low, high, tone in ((0.0, 1.0, 0.55), (0.15, 0.75, 1.0), (0.3, 0.45, 1.35)):
        near, far = start + across * low, start + across * high
        _fill(picture, np.array([near, far, far + along, near + along]), tuple(min(255.0, v * tone) for v in colour))
    tip = np.array([start + along, start + along + across, start + along * 1.05 + across * 0.5])
    _fill(picture, tip, (60.0, 55.0, 50.0))
    if rng.random() < 0.6:
        first, last = rng.uniform(0.05, 0.4), rng.uniform(0.45, 0.6)
        cap = np.array([start + along * s + across * t for s, t in ((first, 0), (last, 0), (last, 1), (first, 1))])
        _fill(picture, cap, any_colour(rng, 15, 240, 0.4))


def _finger(rng: np.random.Generator, picture: Bytes, blocked: Bytes) -> None:
    """Draw one to three fingers that reach in from the edge of the frame."""
    side = len(picture)
    angle, width = rng.uniform(0, 2 * np.pi), side * rng.uniform(0.06, 0.14)
    outward = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-outward[1], outward[0]])
    dark, middle, pale = SKINS[int(rng.integers(len(SKINS)))]
    edge = [0.5 * (v + w) for v, w in zip(dark, middle, strict=True)]
    place, nails = side / 2 + across * side * rng.uniform(-0.4, 0.4), rng.random() < 0.6
    for i in range(int(rng.integers(1, 4))):
        tip = place + outward * side * rng.uniform(0.3, 0.48) + across * width * 1.05 * i
        end = tip + outward * side
        half = across * width / 2
        corners = np.array([tip + half - outward * width / 2, tip - half - outward * width / 2, end - half, end + half])
        if not _free(blocked, corners.astype(np.float32)):
            continue
        _darker(picture, corners.astype(np.float32) + 6, 6.0)
        for share in np.linspace(1.0, 0.1, 10):
            tone = [np.interp(1 - share, (0.0, 0.35, 1.0), levels) for levels in zip(edge, middle, pale, strict=True)]
            _capsule(picture, tip, end, width * share, tuple(float(v) for v in tone))
        if nails:
            _capsule(picture, tip + outward * width * 0.05, tip + outward * width * 0.3, width * 0.5, NAIL)


def _capsule(
    picture: Bytes,
    start: Points,
    end: Points,
    width: float,
    colour: tuple[float, ...],
) -> None:
    first, last = (int(start[0]), int(start[1])), (int(end[0]), int(end[1]))
    cv2.line(picture, first, last, colour, max(1, int(width)), cv2.LINE_AA)


def _slab(rng: np.random.Generator, picture: Bytes, blocked: Bytes) -> None:
    """Draw a phone, an eraser, a calculator, a book's corner: a box of one colour with an edge."""
    side = len(picture)
    width, shape = side * np.exp(rng.uniform(np.log(0.05), np.log(0.5))), rng.uniform(0.4, 1.0)
    corners = _box(rng, side, float(width), float(width * shape), rng.random() < 0.7)
    if not _free(blocked, corners):
        return
    soft, colour = rng.uniform(2, 9), any_colour(rng, 12, 240, 0.4)
    _darker(picture, corners + np.float32(soft), float(soft))
    _fill(picture, corners, tuple(v * 0.6 for v in colour))
    middle = corners.mean(axis=0)
    _fill(picture, middle + (corners - middle) * np.float32(0.96), colour)
    if rng.random() < 0.5:
        _fill(picture, middle + (corners - middle) * np.float32(rng.uniform(0.3, 0.9)), any_colour(rng, 10, 250, 0.3))


def _disc(rng: np.random.Generator, picture: Bytes, blocked: Bytes) -> None:
    """Draw a cup from above, a coin, a bottle cap."""
    side = len(picture)
    radius, place = side * np.exp(rng.uniform(np.log(0.02), np.log(0.2))), rng.uniform(0, 1, 2) * side
    angles = np.linspace(0, 2 * np.pi, 25)[:-1]
    corners = (place + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius).astype(np.float32)
    if not _free(blocked, corners):
        return
    _darker(picture, corners + np.float32(5), 5.0)
    middle = (int(place[0]), int(place[1]))
    for share in sorted([*rng.uniform(0.3, 1.0, int(rng.integers(0, 4))).tolist(), 1.0], reverse=True):
        cv2.circle(picture, middle, max(1, int(radius * share)), any_colour(rng, 15, 245, 0.3), -1, cv2.LINE_AA)


def _ruler(rng: np.random.Generator, picture: Bytes, blocked: Bytes) -> None:
    """Draw a ruler with ticks and no numbers."""
    side = len(picture)
    length, width = side * rng.uniform(0.4, 1.0), side * rng.uniform(0.04, 0.09)
    corners = _box(rng, side, float(length), float(width))
    if not _free(blocked, corners):
        return
    _darker(picture, corners + np.float32(3), 3.0)
    _fill(picture, corners, any_colour(rng, 150, 240, 0.3))
    start, along, across = _axes(corners)
    count = int(length / rng.uniform(4, 9))
    for i in range(count):
        foot = start + along * (i / count)
        tip = foot + across * (0.45 if i % 5 == 0 else 0.25)
        cv2.line(picture, (int(foot[0]), int(foot[1])), (int(tip[0]), int(tip[1])), (40, 40, 40), 1, cv2.LINE_AA)


def _paper(rng: np.random.Generator, picture: Bytes, blocked: Bytes) -> None:
    """Draw another paper, blank or with grey bars in place of text."""
    side = len(picture)
    corners = _box(rng, side, side * float(rng.uniform(0.15, 0.6)), side * float(rng.uniform(0.2, 0.7)), True)
    if not _free(blocked, corners):
        return
    _darker(picture, corners + np.float32(3), 4.0)
    _fill(picture, corners, any_colour(rng, 190, 250, 0.06))
    if rng.random() < 0.5:
        a, b, c = corners[:3]
        tone = float(rng.uniform(60, 150))
        for share in np.linspace(0.1, 0.9, int(rng.integers(4, 24))):
            start, end = a + (b - a) * 0.1 + (c - b) * share, a + (b - a) * rng.uniform(0.5, 0.9) + (c - b) * share
            cv2.line(picture, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), (tone,) * 3, 1, cv2.LINE_AA)
