"""Crops around places on a page: upright, at one size, wherever the place lies."""

import math

import detectiondata
import numpy as np
import pytest

from digitrec.recognition.crops import crop

PLACE = (0, 450.0, 300.0, 60.0, 80.0, 0.0)


def flag(angle: float, scale: float = 1.0, x: float = 450.0, y: float = 300.0) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture of one flag, and its label."""
    labels = detectiondata.labels_of([(0, x, y, 60 * scale, 80 * scale, angle)])
    return detectiondata.flags(labels, (900, 600)), labels[0]


@pytest.mark.parametrize("angle", [0.0, 0.4, math.pi / 2, 3.0, -2.0])
@pytest.mark.parametrize("scale", [0.3, 1.0, 2.5])
def test_a_digit_becomes_upright_and_as_high_as_asked(angle: float, scale: float) -> None:
    image, label = flag(angle, scale)
    found = crop(image, label[1:5], angle, 48, 24.0)
    assert found.shape == (48, 48, 3)
    red, blue = found[..., 2] < 128, found[..., 0] < 128  # the flag is red on top and blue below
    rows, columns = np.nonzero(red | blue)
    assert (rows.min(), rows.max() + 1) == (pytest.approx(12, abs=1), pytest.approx(36, abs=1))
    assert (columns.min(), columns.max() + 1) == (pytest.approx(15, abs=1), pytest.approx(33, abs=1))
    assert np.nonzero(red & ~blue)[0].mean() < np.nonzero(blue & ~red)[0].mean()


@pytest.mark.parametrize("place", [(0.0, 0.0), (899.0, 599.0), (450.0, -40.0), (5000.0, 5000.0)])
def test_beside_the_edge_or_outside_it_still_has_its_size(place: tuple[float, float]) -> None:
    image, _ = flag(0.0)
    found = crop(image, np.array([*place, 30.0, 40.0]), 0.3, 48, 24.0)
    assert found.shape == (48, 48, 3)
    assert found.dtype == np.uint8


def test_what_lies_around_is_seen_too() -> None:
    labels = detectiondata.row_of(3, 450, 300, 40, step=1.0)
    found = crop(detectiondata.flags(labels, (900, 600)), labels[1, 1:5], 0.0, 48, 24.0)
    ink = (found[..., 1] < 128).any(axis=0)
    assert ink[:4].any()
    assert ink[22:26].any()
    assert ink[-4:].any()
