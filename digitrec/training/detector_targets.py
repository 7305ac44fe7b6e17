"""Pages with labels -> crops and what the detector's maps must be on them; `detector_loss` compares."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.imaging.rotation import for_opencv
from digitrec.recognition import detector_maps as maps

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

CHANNELS = 8
"""Of the targets: heat, weight of the negatives, digit, offset x and y, log width, log height, angle in bins."""

HEIGHTS = (10.0, 120.0)
"""Range of the median height of a crop's digits, in pixels: log-uniform, so that large digits count like small ones."""

SCALES = (0.6, 3.5)
"""Range of a crop's zoom; log-uniform on a page without digits."""

ABOUT_A_DIGIT = 0.65
"""Share of the crops whose middle lies near a digit, where the page has one."""

ANY_ANGLE, QUARTERS, SLIGHT = 0.45, 0.15, 8.0
"""Share of the crops rotated by any angle; share rotated by a quarter or half; degrees that half of the others are
rotated by at most.

With slight and quarter turns alone, on pages of which half lie at any angle, the detector took none of 88 digits at
about 45 degrees for what they were.
"""

SMALLEST = 8.0
"""Pixels of a digit's longer side below which it neither has to be found nor must not be: two cells of the maps."""

CUT = 0.1
"""Share of a digit's extent beyond the crop's edge from which it is ignored."""

SPREAD = 0.13
"""Standard deviation of a centre's heat, as a share of the digit's size."""

POSITIVE = 0.3
"""Heat from which a cell also learns the digit, its size and its angle."""


def crop(page: Bytes, labels: Floats, side: int, rng: np.random.Generator) -> tuple[Bytes, Floats]:
    """Return a random part of a page, zoomed, turned and in another light, with its labels.

    Args:
        page: uint8 (H, W, 3), RGB.
        labels: float32 (N, 6), as in `synthetic_pages.Page`.
        side: Of the crop, in pixels.
        rng: Source of chance.

    Returns:
        uint8 (side, side, 3) and float32 (N, 6).
    """
    digits = labels[labels[:, 0] >= 0]
    scale = math.exp(rng.uniform(math.log(SCALES[0]), math.log(SCALES[1])))
    if len(digits):
        wanted = math.exp(rng.uniform(math.log(HEIGHTS[0]), math.log(HEIGHTS[1])))
        scale = min(max(wanted / float(np.median(digits[:, 4])), SCALES[0]), SCALES[1])
    angle = _rotation(rng)
    room = max(0.0, page.shape[0] - side / scale) / 2
    centre = page.shape[0] / 2 + rng.uniform(-room, room, 2)
    if len(digits) and rng.random() < ABOUT_A_DIGIT:
        near = digits[int(rng.integers(len(digits))), 1:3] + rng.uniform(-0.4, 0.4, 2) * side / scale
        centre = np.clip(near, page.shape[0] / 2 - room, page.shape[0] / 2 + room)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    move = side / 2 - turn @ centre
    matrix = for_opencv(np.column_stack([turn, move]))
    around = [float(value) for value in np.median(page[::8, ::8].reshape(-1, 3), axis=0)]
    border = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REPLICATE
    picture = cv2.warpAffine(page, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=around)
    moved = labels.copy()
    moved[:, 1:3] = labels[:, 1:3] @ turn.T + move
    moved[:, 3:5] *= scale
    moved[:, 5] += angle
    return _in_other_light(np.asarray(picture, np.uint8), rng), moved.astype(np.float32)


def _rotation(rng: np.random.Generator) -> float:
    """Return by how many radians a crop is rotated."""
    how = rng.random()
    if how < ANY_ANGLE:
        return float(rng.uniform(-math.pi, math.pi))
    angle = math.radians(rng.uniform(-SLIGHT, SLIGHT)) if rng.random() < 0.5 else 0.0
    return angle + float(rng.integers(1, 4)) * math.pi / 2 if how < ANY_ANGLE + QUARTERS else angle


def _in_other_light(picture: Bytes, rng: np.random.Generator) -> Bytes:
    """Return a picture brighter or darker, tinted, at times grey or inverted."""
    if rng.random() < 0.1:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
    if rng.random() < 0.6:
        levels = np.arange(256)[:, None] * math.exp(rng.uniform(-0.35, 0.35)) * rng.uniform(0.92, 1.08, 3)
        table = np.clip(levels + rng.uniform(-25, 25), 0, 255)
        table = 255 - table if rng.random() < 0.06 else table
        picture = np.asarray(cv2.LUT(picture, table.astype(np.uint8)[None]), np.uint8)
    return picture


def targets(labels: Floats, side: int) -> Floats:
    """Return what the maps must be on a crop: float32 (side / 4, side / 4, CHANNELS).

    Args:
        labels: float32 (N, 6) in pixels of the crop.
        side: Of the crop.
    """
    cells = side // maps.STRIDE
    made = np.zeros((cells, cells, CHANNELS), np.float32)
    made[..., 1] = 1.0
    cos, sin = np.abs(np.cos(labels[:, 5])), np.abs(np.sin(labels[:, 5]))
    half = np.stack([labels[:, 3] * cos + labels[:, 4] * sin, labels[:, 3] * sin + labels[:, 4] * cos], axis=1) / 2
    beyond = np.maximum(half - labels[:, 1:3], labels[:, 1:3] + half - side).max(axis=1, initial=-1e9)
    ignored = (labels[:, 0] < 0) | (beyond > 2 * CUT * half.max(axis=1)) | (labels[:, 3:5].max(axis=1) < SMALLEST)
    for (_, x, y, *_), (across, down) in zip(labels[ignored], half[ignored], strict=True):
        left, right = _cells(x - 0.9 * across - 2, x + 0.9 * across + 2, cells)
        top, bottom = _cells(y - 0.9 * down - 2, y + 0.9 * down + 2, cells)
        made[top:bottom, left:right, 1] = 0.0
    for label in labels[~ignored]:
        _draw(made, label)
    made[..., 1] = np.maximum(made[..., 1], made[..., 0] > POSITIVE)
    return made


def _cells(low: float, high: float, cells: int) -> tuple[int, int]:
    first, last = math.floor(low / maps.STRIDE), math.ceil(high / maps.STRIDE)
    return min(max(first, 0), cells), min(max(last, 0), cells)


def _draw(made: Floats, label: Floats) -> None:
    """Draw one digit's heat, and its values where its heat is the highest."""
    digit, x, y, width, height, angle = (float(value) for value in label)
    sigma = min(max(SPREAD * math.sqrt(max(width, 0.4 * height) * height) / maps.STRIDE, 0.7), 12.0)
    column, row = int(x // maps.STRIDE), int(y // maps.STRIDE)
    if not (0 <= column < made.shape[1] and 0 <= row < made.shape[0]):
        return
    reach = math.ceil(3 * sigma)
    left, right = max(0, column - reach), min(made.shape[1], column + reach + 1)
    top, bottom = max(0, row - reach), min(made.shape[0], row + reach + 1)
    columns, rows = np.arange(left, right), np.arange(top, bottom)
    heat = np.exp(
        -((columns - column)[None] ** 2 + (rows - row)[:, None] ** 2) / (2 * sigma * sigma)
    )  # 1 at the centre's own cell
    part = made[top:bottom, left:right]
    better = heat > part[..., 0]
    middle_x, middle_y = (columns + 0.5) * maps.STRIDE, (rows + 0.5) * maps.STRIDE
    part[..., 0] = np.where(better, heat, part[..., 0])
    part[better, 2] = digit
    part[..., 3] = np.where(better, ((x - middle_x) / maps.OFFSET_SCALE)[None], part[..., 3])
    part[..., 4] = np.where(better, ((y - middle_y) / maps.OFFSET_SCALE)[:, None], part[..., 4])
    part[better, 5] = math.log(max(width, 2.0) / maps.SIZE_SCALE)
    part[better, 6] = math.log(max(height, 2.0) / maps.SIZE_SCALE)
    part[better, 7] = angle / (2 * math.pi) * maps.ANGLE_BINS % maps.ANGLE_BINS
