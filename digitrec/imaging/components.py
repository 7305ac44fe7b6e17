"""Connected components of masks, and hysteresis between a weak and a strong one."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]


EMPTY_PAGE = 4
"""So many lines right across a picture or a table, with hardly any writing beside them: no digit has as many."""

CHARACTER = 0.04
"""Size of a small character, as a share of the picture's shorter side."""


def quantile(values: NDArray[Any], share: float) -> float:
    """Return the value that a share of `values` (N,), not empty, lie below; NumPy's interpolates and is far slower.

    The upper quartile of strokes is what their core has, edges left out. Of more than 8,000 values evenly spread ones
    are looked at.
    """
    values = values[:: max(1, values.size // 4096)]
    place = int(share * (values.size - 1))
    return float(np.sort(values)[place])  # quicker than np.partition where most values are equal


def connected_components(mask: NDArray[Any]) -> tuple[Ints, Ints]:
    """Return the parts of a mask (H, W) that touch, corners too.

    `values.take(labels)` tells a value a part of each pixel three times as fast as `values[labels]`.

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


def dilated(mask: Mask) -> Mask:
    """Return `mask` (H, W) grown by a pixel to all eight sides, for the soft edge of its strokes."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)


def hysteresis_threshold(weak: Mask, strong: Mask, specks: bool = True) -> Mask:
    """Return the parts of `weak` that hold a pixel of `strong`; where not `specks`, of those the large ones.

    A speck is as small as the grain of paper and sensor.
    """
    labels, stats = connected_components(weak)
    chosen = np.zeros(len(stats), bool)
    chosen[labels[strong & weak]] = True
    if not specks:
        chosen &= stats[:, 2:4].max(axis=1) >= max(4.0, 0.015 * max(weak.shape))
    chosen[0] = False
    return np.asarray(chosen.take(labels))


def thickness(strokes: Mask) -> float:
    """Return how thick the strokes of a mask (H, W), not empty, are, in pixels: right to half of one for 3 to 10."""
    depth = cv2.distanceTransform(strokes.astype(np.uint8), cv2.DIST_L2, 3)
    return max(1.0, 4.0 * float(depth[strokes].mean()) - 2.0)


def meaningful(mask: Mask) -> bool:
    """Return whether `mask` may hold writing: a part an eighth as large as the picture, or several smaller ones."""
    sizes = connected_components(mask)[1][1:, 2:4].max(axis=1, initial=0) / min(mask.shape)
    return (
        bool(sizes.max(initial=0.0) * min(mask.shape) >= max(4.0, min(mask.shape) / 8.0))
        or (sizes > CHARACTER).sum() > 2
    )


def large_parts(ink: Floats, rest: Mask) -> Floats:
    """Return the ink of what is left of a page of rules: characters, however few, and no crumbs.

    Args:
        ink: float32 (H, W), 0 paper, 1 ink.
        rest: (H, W), what is left.
    """
    labels, stats = connected_components(rest)
    large = stats[:, 2:4].max(axis=1) > CHARACTER * min(ink.shape)
    large[0] = False
    return np.where(dilated(large.take(labels)), ink, np.float32(0.0)).astype(np.float32)
