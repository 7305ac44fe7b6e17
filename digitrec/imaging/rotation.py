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
    pixels, matrix = np.asarray(image), for_opencv(matrix)
    return Image.fromarray(cv2.warpAffine(pixels, matrix, size, borderMode=cv2.BORDER_CONSTANT, borderValue=fill))


def for_opencv(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an affine map (2, 3) as `cv2.warpAffine` takes it: there, the middles of pixels are whole numbers.

    Args:
        matrix: Of coordinates in which the middle of the first pixel is (0.5, 0.5).
    """
    moved = matrix.copy()
    moved[:, 2] += 0.5 * (matrix[:, :2].sum(axis=1) - 1.0)
    return moved


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
