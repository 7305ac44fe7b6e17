"""A place on a page -> the upright crop around it, at one size."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.imaging.rotation import for_opencv

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


def crop(image: Bytes, box: Floats, angle: float, side: int, height: float) -> Bytes:
    """Return the upright surroundings of a digit, scaled so that its longer side has `height` pixels.

    Args:
        image: uint8 (H, W, 3), RGB.
        box: x and y of the middle, width and height along the digit's own axes, in pixels.
        angle: Of the digit, radians clockwise.
        side: Of the crop, in pixels.
        height: Of the digit in it, in pixels.

    Returns:
        uint8 (side, side, 3); what lies outside the image repeats its edge.
    """
    x, y, width, high = (float(value) for value in box)
    scale = height / max(width, high, 1.0)
    reach = 0.75 * side / scale + 2  # of the crop, rotated
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    near = image[top : int(y + reach) + 1, left : int(x + reach) + 1]
    if not near.size:
        return np.zeros((side, side, 3), np.uint8)
    x, y = x - left, y - top
    while scale < 0.35 and min(near.shape[:2]) * scale >= 2.0:  # halves are averaged ten times as fast as other shares
        near = np.asarray(cv2.resize(near, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
        x, y, scale = x / 2, y / 2, scale * 2
    if scale < 0.7 and min(near.shape[:2]) * scale >= 1.0:
        near = np.asarray(cv2.resize(near, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        x, y, scale = x * scale, y * scale, 1.0
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]])
    matrix = for_opencv(np.column_stack([turn, side / 2 - turn @ (x, y)]))
    how = cv2.INTER_CUBIC if scale > 1.0 else cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(near, matrix, (side, side), flags=how, borderMode=cv2.BORDER_REPLICATE), np.uint8)
