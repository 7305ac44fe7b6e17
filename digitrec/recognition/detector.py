"""Picture -> where handwritten digits are, how large, at which angle and which: a learned detector, read by LiteRT."""

import math
import threading
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.recognition import detector_maps as maps
from digitrec.recognition import litert

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Thresholds:
    """Settings of the decoding; chosen on synthetic validation pages (`tests/bench/synthetic.py`).

    Attributes:
        candidate: Objectness from which a peak of the heat map is a candidate.
        overlap: Intersection over union from which the weaker of two candidates is dropped.
        inside: Share of the smaller one's box inside the larger from which it is dropped.
    """

    candidate: float = 0.1
    overlap: float = 0.4
    inside: float = 0.6


THRESHOLDS = Thresholds()

KEPT_PIXELS = 250_000
"""Of an input up to which the interpreter keeps its memory for the next picture."""

TILE_PIXELS = 1_450_000
"""Of an input up to which a picture is seen as a whole; a larger one in tiles, as a pass takes 100 bytes per pixel."""

OVERLAP = 128
"""Pixels that neighbouring tiles share, about: a digit is not cut off by the edge of a tile."""


@dataclass(frozen=True)
class Detections:
    """Candidates for digits, the likeliest first.

    Attributes:
        objectness: float32 (N,), 0 to 1: how likely a digit is centred there.
        boxes: float32 (N, 4): x and y of the middle, width and height along the digit's own axes, in pixels.
        angles: float32 (N, 36): probabilities of the angle's bins, clockwise from upright.
        classes: float32 (N, 10): logits of the digits.
    """

    objectness: Floats
    boxes: Floats
    angles: Floats
    classes: Floats

    def __len__(self) -> int:
        return len(self.objectness)

    def take(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> "Detections":
        """Return some of them, by their places or by a mask."""
        return Detections(*(getattr(self, f.name)[places] for f in fields(self)))

    def moved(self, scale: float, left: float = 0.0, top: float = 0.0) -> "Detections":
        """Return them in a picture `scale` times as large, in which this one's corner lies at (left, top)."""
        boxes = self.boxes * np.float32(scale)
        boxes[:, :2] += np.array([left, top], np.float32)
        return Detections(self.objectness, boxes, self.angles, self.classes)

    @property
    def direction(self) -> Floats:
        """Angles in radians (N,), clockwise, 0 upright: the mean about the likeliest bin."""
        best = self.angles.argmax(axis=1)
        near = (best[:, None] + np.arange(-2, 3)) % maps.ANGLE_BINS
        weight = np.take_along_axis(self.angles, near, axis=1)
        return mean_direction(maps.BIN_ANGLES[near], weight)

    @property
    def tilt(self) -> Floats:
        """Angles in radians (N,), clockwise, of those within an eighth turn of upright; 0 of the others."""
        direction = self.direction
        return np.where(np.abs(direction) < np.pi / 4, direction, np.float32(0.0))


def mean_direction(angles: NDArray[np.floating], weights: NDArray[np.floating]) -> Floats:
    """Return the weighted circular mean along the last axis, in radians."""
    sine, cosine = (np.sin(angles) * weights).sum(axis=-1), (np.cos(angles) * weights).sum(axis=-1)
    return np.asarray(np.arctan2(sine, cosine), np.float32)


def concatenated(some: list[Detections]) -> Detections:
    """Return detections of several passes over one picture as one, each digit once."""
    if not some:
        return Detections(*(np.zeros(shape, np.float32) for shape in (0, (0, 4), (0, maps.ANGLE_BINS), (0, 10))))
    together = Detections(*(np.concatenate([getattr(each, f.name) for each in some]) for f in fields(Detections)))
    return suppressed(together)


def decode(output: Floats, threshold: float = THRESHOLDS.candidate) -> Detections:
    """Return the peaks of a heat map.

    Args:
        output: float32 (h, w, CHANNELS), the detector's output.
        threshold: Objectness of the faintest.

    Returns:
        Boxes in pixels of the input; overlapping ones are not dropped yet.
    """
    logit = np.ascontiguousarray(output[..., maps.OBJECTNESS])
    highest = cv2.dilate(logit, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((logit >= highest) & (logit > np.log(threshold / (1 - threshold))))
    found = output[rows, columns]
    cells = np.stack([columns, rows], axis=1)
    middle = (cells + 0.5) * maps.STRIDE + found[:, maps.OFFSET] * maps.OFFSET_SCALE
    size = np.exp(np.clip(found[:, maps.SIZE], -3.0, 4.0)) * maps.SIZE_SCALE
    angles = np.exp(found[:, maps.ANGLE] - found[:, maps.ANGLE].max(axis=1, keepdims=True))
    angles /= angles.sum(axis=1, keepdims=True)
    objectness = 1.0 / (1.0 + np.exp(-found[:, maps.OBJECTNESS]))
    boxes = np.concatenate([middle, size], axis=1).astype(np.float32)
    return Detections(objectness.astype(np.float32), boxes, angles.astype(np.float32), found[:, maps.CLASSES])


def extents(found: Detections) -> Floats:
    """Return upright boxes around the digits as they lie: float32 (N, 4) of left, top, right, bottom."""
    x, y, width, height = found.boxes.T
    cos, sin = np.abs(np.cos(found.direction)), np.abs(np.sin(found.direction))
    across = np.maximum((width * cos + height * sin) / 2, 0.15 * height)  # a 1 is a line, and lines hardly overlap
    down = np.maximum((width * sin + height * cos) / 2, 0.15 * height)
    return np.stack([x - across, y - down, x + across, y + down], axis=1)


def suppressed(found: Detections, thresholds: Thresholds = THRESHOLDS) -> Detections:
    """Return the likeliest of those that overlap (non-maximum suppression), the likeliest first."""
    found = found.take(np.argsort(-found.objectness, kind="stable"))
    if len(found) < 2:
        return found
    left, top, right, bottom = extents(found).T
    area = (right - left) * (bottom - top)
    dropped = np.zeros(len(found), bool)
    for i in range(len(found) - 1):
        if dropped[i]:
            continue
        rest = np.s_[i + 1 :]
        across = np.minimum(right[i], right[rest]) - np.maximum(left[i], left[rest])
        down = np.minimum(bottom[i], bottom[rest]) - np.maximum(top[i], top[rest])
        shared = np.maximum(across, 0) * np.maximum(down, 0)
        same = shared > thresholds.overlap * (area[i] + area[rest] - shared)
        dropped[rest] |= same | (shared > thresholds.inside * np.minimum(area[i], area[rest]))
    return found.take(~dropped)


def tiles(length: int, across: int) -> list[tuple[int, int]]:
    """Return the tiles of a picture, each from and up to a pixel of its longer side; see TILE_PIXELS and OVERLAP.

    Args:
        length: Pixels of the longer side, a multiple of 32.
        across: Those of the other one, the same.
    """
    most = max(TILE_PIXELS // across // maps.MULTIPLE * maps.MULTIPLE, 2 * OVERLAP)
    if length <= most:
        return [(0, length)]
    count = math.ceil((length - OVERLAP) / (most - OVERLAP))
    size = math.ceil(((length - OVERLAP) / count + OVERLAP) / maps.MULTIPLE) * maps.MULTIPLE
    last = (length - size) // maps.MULTIPLE
    firsts = [round(k * last / (count - 1)) * maps.MULTIPLE for k in range(count)]
    return [(first, first + size) for first in firsts]


class Detector:
    """The learned detector. Safe to share between threads: one reads at a time."""

    def __init__(self, file: Path) -> None:
        """Open a `.tflite` file as `training.quantization` writes it.

        Raises:
            ModelError: If the file is missing, damaged or of another kind.
        """
        smallest = (1, maps.MULTIPLE, maps.MULTIPLE, 3)
        self._interpreter = litert.opened(file, "digit detector", smallest, maps.CHANNELS)
        self._shape = smallest[1:3]
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._lock = threading.Lock()

    def _resize(self, shape: tuple[int, int]) -> None:
        self._interpreter.resize_tensor_input(self._input, [1, *shape, 3])
        self._interpreter.allocate_tensors()
        self._shape = shape

    def maps(self, image: Bytes) -> Floats:
        """Return the output (H / 4, W / 4, CHANNELS) of a picture, uint8 (H, W, 3), RGB, sides multiples of 32."""
        axis = 0 if image.shape[0] >= image.shape[1] else 1
        cuts = tiles(image.shape[axis], image.shape[1 - axis])
        along = image if axis == 0 else image.transpose(1, 0, 2)
        seen = [along[first:last] if axis == 0 else along[first:last].transpose(1, 0, 2) for first, last in cuts]
        with self._lock:
            parts = [self._pass(np.ascontiguousarray(tile)) for tile in seen]
            if self._shape[0] * self._shape[1] > KEPT_PIXELS:  # the memory that it takes is given back at once
                self._resize((maps.MULTIPLE, maps.MULTIPLE))
        if len(parts) == 1:
            return parts[0]
        shared = [0, *(upto - first for (_, upto), (first, _) in pairwise(cuts)), 0]
        kept = [
            np.take(part, range(before // 2 // maps.STRIDE, part.shape[axis] - after // 2 // maps.STRIDE), axis)
            for part, before, after in zip(parts, shared[:-1], shared[1:], strict=True)
        ]
        return np.concatenate(kept, axis)

    def _pass(self, image: Bytes) -> Floats:
        """Return the output of one tile."""
        if self._shape != image.shape[:2]:
            self._resize((image.shape[0], image.shape[1]))
        self._interpreter.set_tensor(self._input, image[None].astype(np.float32))
        self._interpreter.invoke()
        return np.array(self._interpreter.get_tensor(self._output)[0])

    def detect(self, image: Bytes, threshold: float = THRESHOLDS.candidate) -> tuple[Detections, Floats]:
        """Look for digits in a picture at the size that it has: those of 10 to 200 pixels are found.

        Args:
            image: uint8 (H, W, 3), RGB, of any size.
            threshold: Objectness of the faintest.

        Returns:
            The candidates, boxes in pixels of the picture; and the heat map of objectness logits, a cell every
            STRIDE pixels, the first one at the picture's corner.
        """
        height, width = image.shape[:2]
        padded = cv2.copyMakeBorder(image, 0, -height % maps.MULTIPLE, 0, -width % maps.MULTIPLE, cv2.BORDER_REPLICATE)
        output = self.maps(np.asarray(padded, np.uint8))
        heat = np.ascontiguousarray(output[..., maps.OBJECTNESS])
        return suppressed(decode(output, threshold)), heat
