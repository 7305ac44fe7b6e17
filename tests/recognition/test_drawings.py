"""Drawings whose strokes alone do not show the digits, read by the shipped models."""

from difflib import SequenceMatcher

import numpy as np
from PIL import Image

from digitrec.datasets import mnist
from digitrec.recognition import pipeline
from digitrec.registry import registry

ROWS, COLUMNS, STEP = 3, 7, 17


def crowded(first: int) -> tuple[Image.Image, str]:
    """Return test digits as small as in MNIST and so close that most of them touch, and what they are."""
    pictures, labels = mnist.test()
    drawing = np.zeros((STEP * (ROWS - 1) + 40, STEP * (COLUMNS - 1) + 40), np.uint8)
    for place in range(ROWS * COLUMNS):
        top, left = 6 + STEP * (place // COLUMNS), 6 + STEP * (place % COLUMNS)
        cell = drawing[top : top + 28, left : left + 28]
        cell[:] = np.maximum(cell, pictures[first + place])
    return Image.fromarray(drawing), "".join(map(str, labels[first : first + ROWS * COLUMNS]))


def test_digits_that_touch_their_neighbours_are_found() -> None:
    right = total = 0
    for first in (0, 21, 42):
        drawing, labels = crowded(first)
        text = pipeline.read(drawing, registry.predictor("reader")).text.replace("/", "")
        same = SequenceMatcher(None, text, labels, autojunk=False)
        right, total = right + sum(block.size for block in same.get_matching_blocks()), total + len(labels)
    assert right >= 0.6 * total  # 46 of 63 were measured; 14 by the strokes alone
