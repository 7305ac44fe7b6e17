"""Made detections, the maps that a detector would give for them, and a detector that sees drawn flags.

Labels are float64 (N, 6), as in `synthetic_pages.Page`: digit, x, y, width, height, angle clockwise in radians.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.recognition import detector_maps as maps
from digitrec.recognition.crop_classifier import CropAnswers
from digitrec.recognition.crop_outputs import SIDE
from digitrec.recognition.detector import Detections
from digitrec.recognition.shipped import PageModels

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating]

FINE = 8
"""Sub-pixels a pixel and axis with which flags are drawn."""

FLAG = 7.0
"""The digit that a flag is to `FlagDetector`."""

RED = 0.4
"""Share of a flag from its top that is red."""


def labels_of(rows: list[tuple[float, ...]]) -> NDArray[np.float64]:
    """Return labels (N, 6) of rows of six numbers."""
    return np.array(rows, np.float64).reshape(-1, 6)


def bins_of(angles: Floats, nearest: bool = False) -> NDArray[np.float32]:
    """Return the angle's bins (N, 36): all in the nearest one, or parted between two by nearness."""
    place = np.asarray(angles, np.float64) / (2 * math.pi) * maps.ANGLE_BINS % maps.ANGLE_BINS
    lower = np.floor(place)
    share = np.round(place - lower) if nearest else place - lower
    bins = np.zeros((len(place), maps.ANGLE_BINS), np.float32)
    rows = np.arange(len(place))
    np.add.at(bins, (rows, lower.astype(int) % maps.ANGLE_BINS), 1.0 - share)
    np.add.at(bins, (rows, (lower.astype(int) + 1) % maps.ANGLE_BINS), share)
    return bins


def detections(labels: Floats, objectness: float | Floats = 0.9, nearest: bool = False) -> Detections:
    """Return what a detector that makes no mistake says of labels (N, 6)."""
    likely = np.broadcast_to(np.asarray(objectness, np.float32), len(labels)).copy()
    classes = np.full((len(labels), 10), -4.0, np.float32)
    classes[np.arange(len(labels)), labels[:, 0].astype(int)] = 4.0
    return Detections(likely, labels[:, 1:5].astype(np.float32), bins_of(labels[:, 5], nearest), classes)


def ideal_maps(targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the output maps (h, w, CHANNELS) of a net that has learned `detector_targets.targets` by heart."""
    made = np.zeros((*targets.shape[:2], maps.CHANNELS), np.float32)
    heat = np.clip(targets[..., 0], 1e-4, 1 - 1e-4)
    made[..., maps.OBJECTNESS] = np.log(heat / (1 - heat))
    made[..., maps.CLASSES] = 20.0 * np.eye(10, dtype=np.float32)[targets[..., 2].astype(int)]
    made[..., maps.OFFSET] = targets[..., 3:5]
    made[..., maps.SIZE] = targets[..., 5:7]
    bins = bins_of(targets[..., 7].ravel() * (2 * math.pi / maps.ANGLE_BINS))
    made[..., maps.ANGLE] = np.log(bins.reshape(*targets.shape[:2], -1) + 1e-6)
    return made


def grid(rng: np.random.Generator, side: int, cell: int) -> NDArray[np.float64]:
    """Return labels at any angle, one in each cell of a square picture, none of which overlap or are cut."""
    rows: list[tuple[float, ...]] = []
    for left in range(0, side - cell + 1, cell):
        for top in range(0, side - cell + 1, cell):
            longest = rng.uniform(max(9.0, 0.25 * cell), 0.62 * cell)  # at any angle it stays within its cell
            width, height = longest * rng.uniform(0.2, 1.0), longest
            room = (cell - math.hypot(width, height)) / 2
            x, y = np.array([left, top]) + cell / 2 + rng.uniform(-room, room, 2)
            rows.append((int(rng.integers(10)), x, y, width, height, rng.uniform(-math.pi, 2 * math.pi)))
    return labels_of(rows)


def row_of(count: int, x: float, y: float, height: float, angle: float = 0.0, step: float = 1.1) -> NDArray[np.float64]:
    """Return labels of a row of digits about a place, `step` heights apart, at an angle in radians."""
    places = (np.arange(count) - (count - 1) / 2) * step * height
    across, down = places * math.cos(angle), places * math.sin(angle)
    return labels_of([(i % 10, x + across[i], y + down[i], height / 2, height, angle) for i in range(count)])


def turned(labels: Floats, angle: float, middle: tuple[float, float]) -> NDArray[np.float64]:
    """Return labels turned clockwise by an angle in radians about a place."""
    cos, sin = math.cos(angle), math.sin(angle)
    moved = np.array(labels, np.float64)
    moved[:, 1:3] = (moved[:, 1:3] - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle
    moved[:, 5] += angle
    return moved


def flags(labels: Floats, size: tuple[int, int], paper: int = 255) -> Bytes:
    """Return a picture of labels for `FlagDetector`: upright bars, red on top and blue below, on white."""
    picture = np.full((size[1], size[0], 3), paper, np.uint8)
    for _, x, y, width, height, angle in np.asarray(labels, np.float64):
        for top, bottom, colour in ((0.0, RED, (255, 0, 0)), (RED, 1.0, (0, 0, 255))):
            reach = math.hypot(width, height) / 2 + 2
            left, upper = math.floor(x - reach), math.floor(y - reach)
            sides = 2 * math.ceil(reach) + 1
            own = np.array([(-0.5, top - 0.5), (0.5, top - 0.5), (0.5, bottom - 0.5), (-0.5, bottom - 0.5)])
            own *= (width, height)
            cos, sin = math.cos(angle), math.sin(angle)
            corners = (own @ np.array([[cos, sin], [-sin, cos]]) + (x - left, y - upper)) * FINE - 0.5
            cover = np.zeros((sides * FINE, sides * FINE), np.uint8)
            cv2.fillPoly(cover, [np.rint(corners).astype(np.int32)], 255)
            share = np.asarray(cv2.resize(cover, (sides, sides), interpolation=cv2.INTER_AREA), np.float64) / 255
            _paint(picture, share, left, upper, colour)
    return picture


def photographed(picture: Bytes) -> Bytes:
    """Return a picture in light that is not even, with grain: no drawing on a ground of one colour."""
    light = np.linspace(1.0, 0.98, picture.shape[1])[None, :, None]
    grain = np.random.default_rng(0).normal(0.0, 1.5, picture.shape)
    return np.clip(picture * light + grain, 0, 255).astype(np.uint8)


def _paint(picture: Bytes, cover: Floats, left: int, top: int, colour: tuple[int, int, int]) -> None:
    """Paint a colour by its cover (h, w), the part of it that lies in the picture."""
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(picture.shape[1], left + cover.shape[1]), min(picture.shape[0], top + cover.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    share = cover[y0 - top : y1 - top, x0 - left : x1 - left, None]
    here = picture[y0:y1, x0:x1]
    here[:] = np.rint(here * (1.0 - share) + share * np.array(colour))


class FlagDetector:
    """Finds what `flags` draws, in any picture made of it: where, how large and at which angle.

    Attributes:
        smallest: Pixels of a flag's height below which it is not seen.
        seen: Shapes (height, width) of the pictures that it was shown.
    """

    def __init__(self, smallest: float = 5.0, objectness: float = 0.9, nearest: bool = False) -> None:
        self.smallest = smallest
        self.objectness = objectness
        self.nearest = nearest
        self.seen: list[tuple[int, int]] = []

    def detect(self, image: Bytes, threshold: float = 0.1) -> tuple[Detections, NDArray[np.float32]]:
        """Return what `Detector.detect` does; the heat is high in the middle of each flag."""
        assert image.dtype == np.uint8
        assert image.ndim == 3
        self.seen.append((image.shape[0], image.shape[1]))
        blue, cover, red = np.moveaxis(1.0 - image.astype(np.float64) / 255.0, 2, 0)  # red, green, blue taken away
        count, parts = cv2.connectedComponents((cover > 0.25).astype(np.uint8))
        around = cv2.dilate(parts.astype(np.float32), np.ones((5, 5), np.uint8)).astype(int)  # soft edges belong to it
        rows = [self._label(around == part, cover, red, blue) for part in range(1, count)]
        labels = labels_of([row for row in rows if row is not None and row[4] >= self.smallest])
        heat = np.full((-(-image.shape[0] // maps.STRIDE), -(-image.shape[1] // maps.STRIDE)), -8.0, np.float32)
        for _, x, y, *_ in labels:
            place = (int(y / maps.STRIDE), int(x / maps.STRIDE))
            heat[place] = math.log(self.objectness / (1 - self.objectness))
        return detections(labels, self.objectness, self.nearest), heat

    @staticmethod
    def _label(part: NDArray[np.bool_], cover: Floats, red: Floats, blue: Floats) -> tuple[float, ...] | None:
        rows, columns = np.nonzero(part)
        places = np.column_stack([columns, rows]) + 0.5
        weights = [values[rows, columns] for values in (cover, red, blue)]
        if min(weight.sum() for weight in weights) < 1e-3:
            return None
        middle, top, foot = (weight @ places / weight.sum() for weight in weights)
        across, down = top - foot
        height = math.hypot(across, down) * 2.0  # the middles of both parts are half a height apart
        width = weights[0].sum() / max(height, 1e-3)
        return FLAG, middle[0], middle[1], width, height, math.atan2(across, -down)


class FlagCrops:
    """What the crop classifier is to `FlagDetector`: it sees in a crop whether a flag is there, and which way up.

    Attributes:
        seen: Crops that it was shown.
    """

    def __init__(self, is_digit: float = 6.0) -> None:
        self.is_digit = is_digit
        self.seen = 0

    def answers(self, crops: Bytes) -> CropAnswers:
        """Return what `CropClassifier.answers` does."""
        assert crops.shape[1:] == (SIDE, SIDE, 3)
        self.seen += len(crops)
        middle = crops[:, SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4].astype(np.float64) / 255.0
        red, blue = (np.clip(1.0 - middle[..., channel], 0, 1) for channel in (2, 0))
        there = (red + blue).mean(axis=(1, 2)) > 0.1
        ways = np.full((len(crops), 4), -6.0, np.float32)
        ways[np.arange(len(crops)), [self._way(*pair) for pair in zip(red, blue, strict=True)]] = -0.01
        digits = np.full((len(crops), 10), -6.0, np.float32)
        digits[:, int(FLAG)] = -0.02
        return CropAnswers(np.where(there, self.is_digit, -self.is_digit).astype(np.float32), digits, ways)

    @staticmethod
    def _way(red: Floats, blue: Floats) -> int:
        """Return by how many quarter turns counter-clockwise the red part comes to lie on top."""
        rows, columns = np.indices(red.shape)
        down, across = (float(((red - blue) * each).sum()) for each in (rows - rows.mean(), columns - columns.mean()))
        if abs(down) >= abs(across):
            return 0 if down <= 0 else 2
        return 1 if across > 0 else 3


def models(detector: object | None = None, crops: object | None = None) -> PageModels:
    """Return nets that see flags, or others in their place."""
    return PageModels(detector or FlagDetector(), crops or FlagCrops())  # type: ignore[arg-type]
