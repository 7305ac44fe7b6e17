"""Synthetic pages and what the detector finds on them -> labelled crops: what the crop classifier learns from."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitrec.datasets.labels import label_at
from digitrec.datasets.synthetic_pages import Page
from digitrec.imaging.rotation import rotation
from digitrec.recognition import page_search
from digitrec.recognition.crop_outputs import HEIGHT, NONE
from digitrec.recognition.crops import crop
from digitrec.recognition.detector import Detector

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIDE = 72
"""Pixels of a kept crop's side: wider than what the net sees, so that training can shift and rotate it."""

SEARCH = replace(page_search.THRESHOLDS, first_side=768, most_pixels=0.8e6, closest=1.0)
"""Smaller passes than in reading: what counts is the number of candidates, and these come in half the time."""

OFF = 3.0
"""Standard deviation of the page's angle about the true one, in degrees."""

SIZES = (0.55, 1.8)
"""How many times as high as a digit a candidate in its box may be to be taken for it; others count neither way."""

MOST = 48
"""Digits of a page that are kept, and as many non-digits."""

ELSEWHERE = 6
"""Crops of places that were no candidates, per page."""


@dataclass(frozen=True)
class Crops:
    """Labelled crops.

    Attributes:
        images: uint8 (N, SIDE, SIDE, 3), RGB.
        classes: int8 (N,): 0 to 9, or NONE.
    """

    images: Bytes
    classes: NDArray[np.int8]


def of_page(page: Page, detector: Detector, rng: np.random.Generator) -> Crops:
    """Return the candidates of a page, the digits that the detector missed, and some other places.

    Args:
        page: The page.
        detector: The detector.
        rng: Source of chance.
    """
    angle = _angle(page, rng)
    found = page_search.search(page.image, detector, angle, SEARCH).found
    upright = page_search.rotated(page.image, angle)
    labels = _rotated(page, angle)
    boxes, angles, classes = [], [], []
    missed = set(range(len(labels)))
    for box, direction in zip(found.boxes, found.tilt, strict=True):
        place = label_at(labels, box[:2])
        missed.discard(place)
        truth = _class_of(labels[place], float(box[3])) if place >= 0 else NONE
        if truth is not None:
            boxes.append(box)
            angles.append(float(direction))
            classes.append(truth)
    for place in missed:
        truth = _class_of(labels[place], float(labels[place, 4]))
        if truth is not None:
            boxes.append(labels[place, 1:5])
            angles.append(float(labels[place, 5]))
            classes.append(truth)
    for box in _elsewhere(labels, upright.shape[:2], rng):
        boxes.append(box)
        angles.append(0.0)
        classes.append(NONE)
    kept = _chosen(np.array(classes, np.int8), rng)
    images = [crop(upright, boxes[place], angles[place], SIDE, HEIGHT) for place in kept]
    return Crops(
        np.stack(images) if images else np.zeros((0, SIDE, SIDE, 3), np.uint8),
        np.array([classes[place] for place in kept], np.int8),
    )


def _angle(page: Page, rng: np.random.Generator) -> float:
    """Return by about how many degrees counter-clockwise a page becomes upright; any angle where nothing tells."""
    digits = page.labels[page.labels[:, 0] >= 0]
    if not len(digits):
        return 0.0 if rng.random() < 0.5 else float(rng.uniform(0.0, 360.0))
    angle = float(np.degrees(np.angle(np.exp(1j * digits[:, 5]).mean())))
    return 0.0 if abs(angle) < OFF else float(angle + OFF * rng.standard_normal()) % 360.0


def _rotated(page: Page, angle: float) -> Floats:
    """Return the labels in pixels of the page rotated counter-clockwise by degrees."""
    matrix, _ = rotation((page.image.shape[1], page.image.shape[0]), angle)
    labels = page.labels.copy()
    labels[:, 1:3] = page.labels[:, 1:3] @ matrix[:, :2].T + matrix[:, 2]
    labels[:, 5] = (page.labels[:, 5] - np.radians(angle) + np.pi) % (2 * np.pi) - np.pi
    return labels


def _class_of(label: Floats, height: float) -> int | None:
    """Return the class of a candidate of a height in a label's box; None where it is neither right nor wrong."""
    alike = SIZES[0] < height / max(float(label[4]), 1.0) < SIZES[1]
    return int(label[0]) if label[0] >= 0 and alike and abs(label[5]) < np.pi / 4 else None


def _elsewhere(labels: Floats, shape: tuple[int, int], rng: np.random.Generator) -> list[Floats]:
    """Return boxes (x, y, width, height) of places that hold no label."""
    usual = float(np.median(labels[:, 4])) if len(labels) else float(np.exp(rng.uniform(np.log(8), np.log(200))))
    boxes = []
    for _ in range(ELSEWHERE):
        height = usual * float(np.exp(rng.uniform(-0.5, 0.5)))
        x, y = rng.uniform(0.0, shape[1]), rng.uniform(0.0, shape[0])
        away = np.hypot(labels[:, 1] - x, labels[:, 2] - y)
        if not (away < 0.6 * (labels[:, 3:5].max(axis=1) + height)).any():
            boxes.append(np.array([x, y, 0.6 * height, height], np.float32))
    return boxes


def _chosen(classes: NDArray[np.int8], rng: np.random.Generator) -> list[int]:
    """Return the places of at most MOST digits and as many others."""
    digits, others = np.flatnonzero(classes != NONE), np.flatnonzero(classes == NONE)
    return [int(place) for some in (digits, others) for place in rng.permutation(some)[:MOST]]
