"""Pictures rotated by any angle."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def rotated(image: Image.Image, angle: float) -> Image.Image:
    """Return `image` rotated counter-clockwise by degrees, as large as it needs to be, corners in its median colour."""
    quarters, rest = divmod(angle % 360.0, 90.0)
    if rest == 0.0:
        turns = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
        return image.transpose(turns[int(quarters)]) if quarters else image
    some = np.asarray(image.resize((32, 32), Image.Resampling.BOX)).reshape(-1, len(image.getbands()))
    fill = tuple(int(value) for value in np.median(some, axis=0))
    matrix, size = rotation(image.size, angle)
    matrix[:, 2] += 0.5 * (matrix[:, :2].sum(axis=1) - 1.0)  # OpenCV's pixels have integer middles
    done = cv2.warpAffine(
        np.asarray(image), matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=fill
    )
    return Image.fromarray(done)


def rotation(size: tuple[int, int], angle: float) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Return the affine map (2, 3) of a rotation, and the rotated picture's width and height.

    Args:
        size: Width and height.
        angle: Degrees counter-clockwise, as seen.
    """
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    if angle % 90.0 == 0.0:
        cos, sin = np.rint(cos), np.rint(sin)
    width, height = size
    extent = (abs(width * cos) + abs(height * sin), abs(width * sin) + abs(height * cos))
    new = (max(1, int(np.ceil(extent[0] - 1e-6))), max(1, int(np.ceil(extent[1] - 1e-6))))
    turn = np.array([[cos, sin], [-sin, cos]])
    move = np.array(new) / 2 - turn @ (np.array(size) / 2)
    return np.column_stack([turn, move]), new
