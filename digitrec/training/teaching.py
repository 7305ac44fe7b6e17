"""A trained network learns one person's digits without forgetting MNIST's.

Its dense layers learn; its convolutions stay as they are, so what they make of each digit is computed once, however
often the dense layers are taught. Half of each batch are variants of the person's digits, half are digits of MNIST.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from digitrec.datasets import mnist, own_digits
from digitrec.datasets.own_digits import OwnDigit
from digitrec.imaging.augmentation import Augmentation
from digitrec.imaging.warp import distort
from digitrec.recognition.digits import CLASSES
from digitrec.training import network, splits
from digitrec.training.recipe import Recipe
from digitrec.training.trainer import Weights

Floats = NDArray[np.float32]

ROWS = ("flat", "means")
"""Layers that make one row of numbers of what comes before; the dense layers follow."""


LIGHT = Augmentation(shift=1.0, turn=6.0, zoom=0.06, shear=0.06, thickness=0.3, elastic=0.6)


@dataclass(frozen=True)
class Plan:
    """How a network is taught. Rate, steps and labels were chosen on writers that `tests/bench/teaching.py` leaves out.

    Attributes:
        steps: Batches of one training.
        batch: Digits of a batch.
        own: Share of them that are the person's.
        rate: The learning rate at its highest.
        smoothing: Probability that the person's labels give to the other classes.
        digits: Digits of MNIST that are mixed in.
        variants: Variants of the person's digits, of all together.
        light: How all of them are distorted.
    """

    steps: int = 120
    batch: int = 128
    own: float = 0.5
    rate: float = 3e-4
    smoothing: float = 0.05
    digits: int = 4_000
    variants: int = 600
    light: Augmentation = LIGHT


LEAST = 3  # variants of each digit
CHUNK = 250  # digits whose features are computed at once


PLAN = Plan()


class Pupil:
    """A network that is taught again and again, each time from its first weights."""

    def __init__(self, recipe: Recipe, weights: Weights, plan: Plan = PLAN) -> None:
        """Build the network.

        Args:
            recipe: What it was trained by.
            weights: Its weights, as `network.build` orders them.
            plan: How it is taught.
        """
        self.recipe, self.plan = recipe, plan
        self.model = network.build(recipe)
        self.model.set_weights(weights)
        self.body, self.head = _halves(self.model, recipe.strokes)
        self.classes = CLASSES + recipe.strokes
        self.first = self.head.get_weights()
        self.optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(self.plan.rate, self.plan.steps))
        self.optimizer.build(self.head.trainable_variables)
        self.dropouts = [layer.seed_generator.state for layer in self.head.layers if hasattr(layer, "seed_generator")]
        self.dropped = [state.numpy() for state in self.dropouts]
        self.others: tuple[Floats, Floats] | None = None
        self.step = tf.function(self._step, autograph=False, reduce_retracing=True)

    def features(self, glyphs: Floats, report: Callable[[float], object] = lambda done: None) -> Floats:
        """Return what the dense layers are given of glyphs (N, 28, 28): float32 (N, D)."""
        parts = []
        for first in range(0, len(glyphs), CHUNK):
            parts.append(self.body(glyphs[first : first + CHUNK], training=False).numpy())
            report(min(1.0, (first + CHUNK) / len(glyphs)))
        return np.concatenate(parts)

    def answers(self, features: Floats) -> Floats:
        """Return the probabilities of all classes for features, float32 (N, 10), or 11 with a class for non-digits."""
        return np.asarray(self.head(features, training=False).numpy(), np.float32)

    def read(self, features: Floats) -> NDArray[np.int64]:
        """Return the digits read in features, int64 (N,)."""
        return np.asarray(self.answers(features)[:, :CLASSES].argmax(axis=1), np.int64)

    def study(self, seed: int, report: Callable[[float], object] = lambda done: None) -> None:
        """Compute what is mixed in: digits of MNIST, half of them distorted, with their labels."""
        rng = np.random.default_rng((seed, 1))
        pictures, truth, *_ = splits.digits(self.recipe)  # none that it is calibrated on later
        chosen = rng.choice(len(pictures), self.plan.digits, replace=False)
        glyphs, half = mnist.glyphs(pictures[chosen]), self.plan.digits // 2
        glyphs[:half] = distort(glyphs[:half], self.plan.light, rng)
        self.others = self.features(glyphs, report), np.eye(self.classes, dtype=np.float32)[truth[chosen]]

    def teach(self, features: Floats, labels: NDArray[np.int64], seed: int) -> None:
        """Have the network learn the person's digits, from its first weights on.

        Args:
            features: float32 (N, V, D), of V variants of each of N digits.
            labels: int64 (N,).
            seed: Decides the order.
        """
        plan, rng = self.plan, np.random.default_rng((seed, 2))
        assert self.others is not None
        self.head.set_weights(self.first)
        for variable in self.optimizer.variables:
            variable.assign(tf.zeros_like(variable))
        for state, first in zip(self.dropouts, self.dropped, strict=True):
            state.assign(first)
        own = round(plan.own * plan.batch)
        certain = np.eye(self.classes, dtype=np.float32)[:CLASSES] * (1 - plan.smoothing)
        certain[:, :CLASSES] += plan.smoothing / CLASSES
        for _ in range(plan.steps):
            digits = rng.integers(0, len(features), own)
            others = rng.integers(0, len(self.others[0]), plan.batch - own)
            x = np.concatenate([features[digits, rng.integers(0, features.shape[1], own)], self.others[0][others]])
            self.step(tf.constant(x), tf.constant(np.concatenate([certain[labels[digits]], self.others[1][others]])))

    def _step(self, x: tf.Tensor, y: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.categorical_crossentropy(y, self.head(x, training=True)))
        weights = self.head.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)


def _halves(model: keras.Model, strokes: bool) -> tuple[keras.Model, keras.Model]:
    """Return a network's layers up to the row of numbers, and those after it, which share the network's weights."""
    names = [layer.name for layer in model.layers]
    row = next(place for place, name in enumerate(names) if name in ROWS)
    body = keras.Model(model.input, model.layers[row].output)
    features = x = keras.Input(body.output.shape[1:])
    for layer in model.layers[row + 1 : -1]:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False  # its means stay those of many writers
        x = layer(x)
    if strokes:
        x = keras.ops.pad(x, ((0, 0), (0, 1)))  # the class of non-digits, see `network.trainable`
    return body, keras.Model(features, keras.layers.Softmax()(x))


def varied(
    digits: Sequence[OwnDigit], plan: Plan, seed: int, report: Callable[[float], object] = lambda done: None
) -> Floats:
    """Return variants of each digit, float32 (N, V, 28, 28), 0 paper .. 1 ink; the first is the digit itself."""
    count = max(LEAST, plan.variants // max(1, len(digits)))
    rng, made = np.random.default_rng((seed, 3)), []
    for number, digit in enumerate(digits, 1):
        own = mnist.glyphs(own_digits.variants(digit, count, rng))
        made.append(np.concatenate([own[:1], distort(own[1:], plan.light, rng)]))
        report(number / len(digits))
    return np.stack(made)
