"""Variants of a person's digits, and their parts for cross-validation."""

import numpy as np
import pytest

from digitrec.datasets import mnist, own_digits
from digitrec.datasets.own_digits import OwnDigit

SEVEN = (np.array([[70, 60], [200, 60], [120, 230]], np.float32),)


@pytest.fixture
def glyph() -> own_digits.Bytes:
    """Return a 7 of MNIST."""
    return mnist.test()[0][0]


@pytest.mark.parametrize("strokes", [(), SEVEN])
def test_variants_differ_and_the_first_is_the_digit_itself(
    glyph: own_digits.Bytes, strokes: tuple[own_digits.Floats, ...]
) -> None:
    made = own_digits.variants(OwnDigit(glyph, 7, strokes), 8, np.random.default_rng(1))
    assert (made.shape, made.dtype) == ((8, 28, 28), np.uint8)
    assert (made[0] == glyph).all()
    assert len({variant.tobytes() for variant in made}) == 8
    assert (made.max(axis=(1, 2)) > 150).all()  # each has ink
    again = own_digits.variants(OwnDigit(glyph, 7, strokes), 8, np.random.default_rng(1))
    assert (made == again).all()


def test_a_single_variant_is_the_digit_itself(glyph: own_digits.Bytes) -> None:
    made = own_digits.variants(OwnDigit(glyph, 7), 1, np.random.default_rng(1))
    assert (made == glyph[None]).all()


def test_strokes_are_drawn_anew(glyph: own_digits.Bytes) -> None:
    one = np.zeros_like(glyph)
    one[4:24, 13:15] = 255
    made = own_digits.variants(OwnDigit(one, 7, SEVEN), 9, np.random.default_rng(1))
    spread = (made > 100).any(axis=1).sum(axis=1)  # columns with ink
    assert spread[0] == 2
    assert (spread[1:] > 5).all()  # they are of the strokes, a 7


@pytest.mark.parametrize("labels", [[4] * 10, list(range(10)) * 3, [1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8]])
def test_parts_are_even_in_size_and_in_each_label(labels: list[int]) -> None:
    part = own_digits.folds(labels, 5, np.random.default_rng(1))
    sizes = np.bincount(part, minlength=5)
    assert sizes.sum() == len(labels)
    assert sizes.max() - sizes.min() <= 1
    for label in set(labels):
        of_label = np.bincount(part[np.array(labels) == label], minlength=5)
        assert of_label.max() - of_label.min() <= 1
