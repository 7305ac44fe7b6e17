"""A fine-tuning cycle: a trained network is trained for a few more epochs, and the weights before and after averaged.

The learning rate is a tenth, and each distortion half, of the training before. The mean lies nearer the middle of a
flat region of the loss than either end does.

References:
    P. Izmailov et al.: Averaging weights leads to wider optima and better generalization, UAI 2018, arXiv 1803.05407.
"""

from dataclasses import astuple
from typing import TYPE_CHECKING

import keras
import numpy as np

from digitrec.datasets.mnist import glyphs
from digitrec.imaging.augmentation import Augmentation
from digitrec.training import batches, network
from digitrec.training.recipe import Recipe
from digitrec.training.splits import Split

if TYPE_CHECKING:
    from digitrec.training.trainer import Fitted, Weights

RATE_FACTOR, DISTORTION_FACTOR = 0.1, 0.5


def fine_tuning_recipe(recipe: Recipe, epochs: int) -> Recipe:
    """Return the recipe of the cycle after the training of a recipe."""
    weaker = Augmentation(*(amount * DISTORTION_FACTOR for amount in astuple(recipe.augmentation)))
    rate = recipe.learning_rate * RATE_FACTOR
    return recipe.replace(epochs=epochs, learning_rate=rate, augmentation=weaker, patience=0, seconds=0.0)


def fine_tune(
    recipe: Recipe, split: Split, weights: "Weights", epochs: int, teacher: keras.Model | None = None
) -> "Fitted":
    """Train a network for its fine-tuning cycle.

    Args:
        recipe: What it was trained by.
        split: The digits that it was trained on.
        weights: Its weights after that training.
        epochs: How many more.
        teacher: The recipe's, see `trainer.fit`.

    Returns:
        The network with the means of the weights before and after.

    Raises:
        RunError: If the loss is no longer a number.
    """
    from digitrec.training import trainer  # here alone: other backends than TensorFlow use the rest

    cycle = fine_tuning_recipe(recipe, epochs)
    keras.utils.set_random_seed(recipe.seed)
    model = network.trainable(cycle, epochs * batches.steps_per_epoch(cycle, split))
    model.set_weights(weights)
    fitted = trainer.fit(cycle, split, trainer.NO_HOOKS, (model, trainer.Position()), teacher=teacher)
    fitted.model.set_weights(mean(weights, fitted.model.get_weights()))
    return fitted


def mean(before: "Weights", after: "Weights") -> "Weights":
    """Return the means of two networks' weights."""
    return [np.float32(0.5) * (first + second) for first, second in zip(before, after, strict=True)]


def validation_accuracy(recipe: Recipe, split: Split, weights: "Weights") -> float:
    """Return the accuracy of a network with these weights on the validation digits, 0 to 1."""
    model = network.trainable(recipe, 1)
    model.set_weights(weights)
    answers = model.predict(glyphs(split.x_validation), batch_size=1000, verbose=0).argmax(axis=1)
    return float((answers == split.y_validation).mean())
