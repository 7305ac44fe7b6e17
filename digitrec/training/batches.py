"""The batches of digits that a network is trained on: their order, their distortions and their labels. No Keras."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from digitrec.datasets.mnist import Labels, Pictures, glyphs
from digitrec.imaging.warp import distort
from digitrec.recognition.digits import CLASSES
from digitrec.training.recipe import Recipe
from digitrec.training.splits import Split


def steps_per_epoch(recipe: Recipe, split: Split) -> int:
    """Return the number of batches per epoch; the last one may be smaller."""
    return math.ceil(len(split.x) / recipe.batch_size)


def batches(
    x: Pictures, y: NDArray[np.generic], recipe: Recipe, epoch: int, first: int, count: int
) -> tuple[Pictures | NDArray[np.float32], NDArray[np.generic]]:
    """Return `count` batches of an epoch from number `first` on, joined, in an order that the seed decides.

    Args:
        x: uint8 (N, 28, 28), all digits to train on.
        y: (N, ...), their labels.
        recipe: What is trained.
        epoch: Epochs done before.
        first: Batches of this epoch done before.
        count: How many to make; the epoch's last batch may be smaller.

    Returns:
        The pictures, uint8 as they are or distorted, float32, 0 paper .. 1 ink; and their labels.
    """
    size = recipe.batch_size
    order = _order(recipe.seed, epoch, len(x))[first * size : (first + count) * size]
    if not recipe.augmentation.any:
        return x[order], y[order]
    parts = (order[start : start + size] for start in range(0, len(order), size))
    rngs = (np.random.default_rng((recipe.seed, epoch, step)) for step in range(first, first + count))
    distorted = [distort(glyphs(x[part]), recipe.augmentation, rng) for part, rng in zip(parts, rngs, strict=True)]
    return np.concatenate(distorted), y[order]


@lru_cache(maxsize=2)  # a call asks for a few batches only, and some for those of the next epoch
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Return the order (count,) of an epoch's digits, which cannot be written to."""
    order = np.random.default_rng((seed, epoch)).permutation(count)
    order.flags.writeable = False
    return order


def targets(y: Labels, recipe: Recipe) -> NDArray[np.generic]:
    """Return labels as the recipe's loss wants them: numbers, or one-hot, as `recipe.one_hot` says."""
    return np.eye(CLASSES + recipe.strokes, dtype=np.float32)[y] if recipe.one_hot else y
