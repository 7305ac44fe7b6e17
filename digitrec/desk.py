"""A photo of a sheet on a desk -> the sheet alone: what lies around it is given the colour of its paper."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SIDE = 160
"""Longest side at which the sheet is looked for, in pixels."""

SMALLEST = 100
"""Pictures whose shorter side has fewer pixels show no desk."""

LEAST, MOST = 0.2, 0.97
"""Shares of the picture that a sheet may cover."""

STRAIGHT = 0.95
"""Share of its own hull, and of a figure with four corners around it, that a sheet covers."""

OTHER = 24.0
"""RGB distance, of 0 to 441, between a sheet and what lies beside it."""

SEEN = 0.46
"""Share of a sheet's outline that lies inside the picture: of two sides at least, for one alone may be a shadow's."""

SEEN_IN_SHADE = 0.75
"""The same where what lies beside the sheet differs in brightness only, as a strip of shadow does."""

SHADE = (0.3, 0.1)
"""Least brightness of a shadow, of that beside it, and how far its colour may be from the same colour made darker."""

RIM = 2
"""Pixels at `SIDE` along the edge of a sheet that are left out: the edge is blurred, and throws a shadow."""


def without_desk(colours: Bytes) -> Bytes:
    """Return a photo with the desk, or whatever lies around a sheet, in the colour of the paper next to it.

    A sheet is a large even area with four straight sides, of another colour than what lies beside it. A frame is
    none, as paper is on both sides of it, nor is a lit half of the page.

    Args:
        colours: uint8 (H, W, 3).

    Returns:
        uint8 (H, W, 3); `colours` itself where no sheet on a desk is seen.
    """
    height, width = colours.shape[:2]
    if min(height, width) < SMALLEST or _is_drawing(colours):
        return colours
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    sheet = _sheet(small)
    if sheet is None:
        return colours
    inside = np.asarray(cv2.erode(sheet, np.ones((3, 3), np.uint8), iterations=RIM, borderValue=1), dtype=np.uint8)
    around = cv2.resize(_extended(small, inside), (width, height), interpolation=cv2.INTER_LINEAR)
    mask = cv2.resize(inside * np.uint8(255), (width, height), interpolation=cv2.INTER_LINEAR) > 127
    return np.where(mask[..., None], colours, around)


def _is_drawing(colours: Bytes) -> bool:
    """Return whether one very colour is along all edges of a picture (H, W, 3), and leaves too little for a sheet."""
    paper = colours[0, 0]
    edges = colours[0], colours[-1], colours[:, 0], colours[:, -1]
    if any((edge != paper).any() for edge in edges):
        return False
    return bool((colours[::4, ::4] == paper).all(axis=2).mean() > 1.0 - LEAST)


def _sheet(small: Bytes) -> Bytes | None:
    """Return which pixels of a small picture (h, w, 3) are the sheet, 0 or 1 (h, w), or None."""
    calm = np.asarray(cv2.medianBlur(small, 5), dtype=np.uint8)
    found = [
        sheet
        for channel in cv2.split(cv2.cvtColor(calm, cv2.COLOR_RGB2Lab))
        if np.ptp(channel) >= 8
        for dark in (cv2.THRESH_BINARY, cv2.THRESH_BINARY_INV)
        if (sheet := _four_sided(cv2.threshold(channel, 0, 1, dark | cv2.THRESH_OTSU)[1], SEEN)) is not None
        and _differs(calm, sheet)
    ]
    return max(found, key=lambda sheet: int(sheet.sum()), default=None)


def _four_sided(mask: NDArray[Any], seen: float) -> Bytes | None:
    """Return the largest part of a mask (h, w), its holes filled, where it has the shape and the place of a sheet.

    Args:
        mask: (h, w), 0 where it is not.
        seen: Least share of its outline that lies inside the picture.
    """
    calm = cv2.morphologyEx(np.asarray(mask, np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(calm, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    outline = max(outlines, key=cv2.contourArea)
    area, hull = cv2.contourArea(outline), cv2.convexHull(outline)
    if not LEAST * mask.size < area < MOST * mask.size or area < STRAIGHT * cv2.contourArea(hull):
        return None
    length = cv2.arcLength(hull, True)
    simpler = (cv2.approxPolyDP(hull, share * length, True) for share in (0.01, 0.02, 0.04, 0.06))
    corners = next((few for few in simpler if len(few) <= 4), hull[:0])
    if len(corners) < 4 or not STRAIGHT < area / cv2.contourArea(corners) < 1.0 / STRAIGHT:
        return None
    places = outline[:, 0]
    height, width = mask.shape
    inner = ((places > 1) & (places < np.array([width - 2, height - 2]))).all(axis=1)
    if inner.mean() < seen:
        return None
    return np.asarray(cv2.fillConvexPoly(np.zeros(mask.shape, np.uint8), hull, 1), dtype=np.uint8)


def _differs(calm: Bytes, sheet: Bytes) -> bool:
    """Return whether what lies beside a sheet, wherever that is in the picture, has another colour than the sheet."""
    near = np.ones((3, 3), np.uint8)
    rings = []
    for change in (cv2.erode, cv2.dilate):
        close, far = (np.asarray(change(sheet, near, iterations=steps)) for steps in (RIM + 1, RIM + 4))
        rings.append(close != far)
    own, other = (_spread(calm, ring) for ring in rings)
    beside = np.asarray(cv2.dilate(sheet, near, iterations=RIM + 1)) != sheet
    difference = np.linalg.norm(own - other, axis=2)[beside]
    if not difference.size or np.quantile(difference, 0.15) <= OTHER:
        return False
    return not _is_shade(own[beside], other[beside]) or _four_sided(sheet, SEEN_IN_SHADE) is not None


def _is_shade(own: Floats, other: Floats) -> bool:
    """Return whether of two colours side by side (N, 3) one is the other in shade, in most places."""
    darker, lighter = np.sort(np.stack([own, other]), axis=0)
    share = (darker * lighter).sum(axis=1) / np.maximum(np.square(lighter).sum(axis=1), 1.0)
    off = np.linalg.norm(darker - share[:, None] * lighter, axis=1)
    least, most = SHADE
    return bool(np.median(share) > least and np.median(off / np.maximum(np.linalg.norm(darker, axis=1), 1.0)) < most)


def _spread(picture: Bytes, mask: Mask) -> Floats:
    """Return the colours (h, w, 3) of a mask's pixels, averaged close by, wherever some are near."""
    weight = mask.astype(np.float32)
    total = cv2.GaussianBlur(picture * weight[..., None], (0, 0), 3.0)
    return np.asarray(total / (cv2.GaussianBlur(weight, (0, 0), 3.0)[..., None] + 1e-6), dtype=np.float32)


def _extended(small: Bytes, inside: Bytes) -> Bytes:
    """Return a small picture (h, w, 3) with the paper of a sheet carried on beyond it, from the nearest place."""
    closed = np.asarray(cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), dtype=np.uint8)
    paper = _spread(closed, inside > 0)
    _, labels = cv2.distanceTransformWithLabels(1 - inside, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    source = np.zeros((labels.max() + 1, 3), np.float32)
    source[labels[inside > 0]] = paper[inside > 0]
    carried = np.where(inside[..., None] > 0, paper, cv2.GaussianBlur(source[labels], (0, 0), 2.0))
    return np.clip(np.rint(carried), 0, 255).astype(np.uint8)
