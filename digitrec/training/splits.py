"""MNIST's training digits split into those to train on and those to validate with, by recipe and seed."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitrec.datasets import glyph_bank, mnist
from digitrec.recognition.digits import NONE
from digitrec.training.recipe import Recipe

Pictures = NDArray[np.uint8]
Labels = NDArray[np.uint8]


class Split(NamedTuple):
    """Training and validation digits.

    Attributes:
        x: uint8 (N, 28, 28), 0 paper .. 255 ink, to train on.
        y: uint8 (N,), their labels; NONE for a non-digit.
        x_validation: uint8 (M, 28, 28), held out.
        y_validation: uint8 (M,).
    """

    x: Pictures
    y: Labels
    x_validation: Pictures
    y_validation: Labels


def split(recipe: Recipe) -> Split:
    """Return the training digits, split by the recipe's validation fraction and seed.

    A recipe with pen strokes gets the glyphs made of them too, split by writers, where they are available.

    Raises:
        DatasetError: If the bundled file is missing or damaged.
    """
    mnist_digits = digits(recipe)
    if not recipe.strokes or not glyph_bank.available():
        return mnist_digits
    drawn = glyph_bank.bank()
    return Split(*(np.concatenate(pair) for pair in zip(mnist_digits, drawn, strict=True)))


def sources(split: Split) -> str:
    """Return what a card says that a network was trained on."""
    return "MNIST and UNIPEN" if (split.y == NONE).any() else "MNIST"


def digits(recipe: Recipe) -> Split:
    """Return MNIST's training digits alone, split as `split` does.

    Raises:
        DatasetError: If the bundled file is missing or damaged.
    """
    x, y = mnist.training()
    order = np.random.default_rng(recipe.seed).permutation(len(x))
    held_out, rest = np.split(order, [recipe.validation_digits])
    return Split(x[rest], y[rest], x[held_out], y[held_out])
