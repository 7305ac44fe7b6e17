"""A network learns one person's digits without forgetting MNIST's, wherever it comes from.

Its dense layers learn; its convolutions stay as they are, so what they make of each digit is computed once, however
often the dense layers are taught. Half of each batch are variants of the person's digits, half are digits of MNIST.
How a network scales its input is part of it, and stays.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from digitrec.datasets import mnist, own_digits
from digitrec.datasets.own_digits import OwnDigit
from digitrec.errors import ModelError
from digitrec.imaging.augmentation import Augmentation
from digitrec.imaging.warp import distort
from digitrec.recognition.digits import CLASSES

Floats = NDArray[np.float32]

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
LARGE = 8.0  # times that trained weights may be as large as new ones until their rate grows; `reader-mlp` has 8.04
MOST_FEATURES = 100_000_000  # numbers of the features that are kept, 400 MB; a wide network learns from fewer digits

NOTHING = "This model cannot be taught: its branches join after its last trainable layer. Choose another model."

PLAN = Plan()


class Pupil:
    """A network that is taught again and again, each time from its first weights."""

    def __init__(self, model: keras.Model, odds: bool, plan: Plan) -> None:
        """Take a network apart.

        Args:
            model: The network, of a `glyph` and with a softmax at its end, just built or loaded; it learns itself.
            odds: Whether its logits are against non-digits, an eleventh class whose logit is always 0, as those of a
                network are that learned from pen strokes.
            plan: How it is taught.

        Raises:
            ModelError: If no layer of it can learn, see `learning`.
        """
        self.model = model
        self.body, self.head, self.entry = _halves(model, odds)
        most = MOST_FEATURES // int(np.prod(self.body.output.shape[1:])) // 2
        self.plan = replace(plan, digits=min(plan.digits, most), variants=min(plan.variants, most))
        self.made = tf.function(lambda glyphs: self.body(glyphs, training=False), reduce_retracing=True)
        self.classes = CLASSES + odds
        self.blank, self.span = np.float32(0), np.float32(1)
        if not self.body.weights and isinstance(self.entry, keras.layers.Dense) and self.entry.use_bias:
            paper, ink = self.body(np.stack([np.zeros((28, 28)), np.ones((28, 28))]).astype(np.float32)).numpy()
            self.blank, self.span = paper, np.float32(max(1.0, np.abs(ink - paper).max()))
            kernel, bias = self.entry.get_weights()
            self.entry.set_weights([kernel * self.span, bias + paper @ kernel])
        self.first = self.head.get_weights()
        self.optimizers = [
            (self._optimizer(layer), layer.trainable_variables) for layer in self.head.layers if _learns(layer)
        ]
        self.dropouts = [layer.seed_generator.state for layer in self.head.layers if hasattr(layer, "seed_generator")]
        self.dropped = [state.numpy() for state in self.dropouts]
        self.others: tuple[Floats, Floats] | None = None
        self.step = tf.function(self._step, autograph=False, reduce_retracing=True)

    def features(self, glyphs: Floats, report: Callable[[float], object] = lambda done: None) -> Floats:
        """Return what the layers that learn are given of glyphs (N, 28, 28): float32 (N, D), or maps.

        To a network of dense layers alone these are pixels as it scales them, up to 255 perhaps, or dark ink on light
        paper. It learns from 0 paper .. 1 ink all the same, with its first weights changed to fit until `weights`.
        """
        parts = []
        for first in range(0, len(glyphs), CHUNK):
            made = self.made(tf.constant(glyphs[first : first + CHUNK])).numpy()
            parts.append((made - self.blank) / self.span)
            report(min(1.0, (first + CHUNK) / len(glyphs)))
        return np.concatenate(parts)

    def answers(self, features: Floats) -> Floats:
        """Return the probabilities of all classes for features, float32 (N, 10), or 11 with a class for non-digits."""
        return np.asarray(self.head(features, training=False).numpy(), np.float32)

    def read(self, features: Floats) -> NDArray[np.int64]:
        """Return the digits read in features, int64 (N,)."""
        return np.asarray(self.answers(features)[:, :CLASSES].argmax(axis=1), np.int64)

    def weights(self) -> list[Floats]:
        """Return the network's weights as they are now, for its own scaling, in the order of `model.get_weights`."""
        if np.ndim(self.blank) == 0:
            return list(self.model.get_weights())
        kernel, bias = now = self.entry.get_weights()
        self.entry.set_weights([kernel / self.span, bias - self.blank @ (kernel / self.span)])
        found = list(self.model.get_weights())
        self.entry.set_weights(now)
        return found

    def study(
        self,
        pictures: NDArray[np.uint8],
        truth: NDArray[np.uint8],
        seed: int,
        report: Callable[[float], object] = lambda done: None,
    ) -> None:
        """Compute what is mixed in: some of MNIST's digits, half of them distorted, with their labels.

        Args:
            pictures: uint8 (N, 28, 28), 0 paper .. 255 ink: MNIST's digits, none that it is calibrated on later.
            truth: uint8 (N,), their labels.
            seed: Decides which.
            report: Called with the share that is done.
        """
        rng = np.random.default_rng((seed, 1))
        chosen = rng.choice(len(pictures), min(self.plan.digits, len(pictures)), replace=False)
        glyphs, half = mnist.glyphs(pictures[chosen]), len(chosen) // 2
        glyphs[:half] = distort(glyphs[:half], self.plan.light, rng)
        self.others = self.features(glyphs, report), np.eye(self.classes, dtype=np.float32)[truth[chosen]]

    def teach(self, features: Floats, labels: NDArray[np.int64], seed: int) -> None:
        """Have the network learn the person's digits, from its first weights on.

        Args:
            features: float32 (N, V, ...), of V variants of each of N digits.
            labels: int64 (N,).
            seed: Decides the order.
        """
        plan, rng = self.plan, np.random.default_rng((seed, 2))
        assert self.others is not None
        self.head.set_weights(self.first)
        for variable in (each for optimizer, _ in self.optimizers for each in optimizer.variables):
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
        slopes = tape.gradient(loss, [weights for _, weights in self.optimizers])
        for (optimizer, weights), of_them in zip(self.optimizers, slopes, strict=True):
            optimizer.apply(of_them, weights)

    def _optimizer(self, layer: keras.layers.Layer) -> keras.optimizers.Optimizer:
        """Return what teaches a layer: slower or faster where its weights are far smaller or larger than new ones."""
        kernel = layer.trainable_variables[0].numpy()
        new = np.sqrt(2 / (kernel.size / kernel.shape[-1] + kernel.size / kernel.shape[-2]))  # Glorot's
        times = float(np.sqrt(np.mean(np.square(kernel)))) / new
        rate = self.plan.rate * times / min(max(times, 1.0), LARGE)
        made = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, self.plan.steps))
        made.build(layer.trainable_variables)
        return made


def learning(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers that learn, and all after them, in order; none where its end is not a row of layers.

    These are the dense layers at its end; without any, the last layer with weights.
    """
    made = {id(layer.output): layer for layer in model.layers}
    found: list[keras.layers.Layer] = []
    layer = made.get(id(model.output))
    while layer is not None and isinstance(layer.input, keras.KerasTensor):
        if len(layer.input.shape) > 2 and any(map(_learns, found)):
            break  # what comes before are maps, or the picture
        found.insert(0, layer)
        layer = made.get(id(layer.input))
    return found if any(map(_learns, found)) else []


def _learns(layer: keras.layers.Layer) -> bool:
    """Return whether a layer has weights that learn; means and variances stay those of many writers."""
    return bool(layer.trainable_weights) and not isinstance(layer, keras.layers.BatchNormalization)


def _halves(model: keras.Model, odds: bool) -> tuple[keras.Model, keras.Model, keras.layers.Layer]:
    """Return the layers before those that learn, the others, which share the network's weights, and their first."""
    layers = learning(model)
    if not layers:
        raise ModelError(NOTHING)
    body = keras.Model(model.input, layers[0].input)
    features = x = keras.Input(body.output.shape[1:])
    for layer in layers[:-1]:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
        x = layer(x)
    if odds:
        x = keras.ops.pad(x, ((0, 0), (0, 1)))  # the class of non-digits, see `network.trainable`
    return body, keras.Model(features, keras.layers.Softmax()(x)), layers[0]


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
