"""A network as data -> a Keras model, a LiteRT model, and what both read. Only `jobs.imports` uses this."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from digitrec.datasets import mnist
from digitrec.errors import ModelError
from digitrec.recognition.digits import SIDE
from digitrec.registry.importing.network import Layer, Network
from digitrec.registry.importing.outline import recipe_of
from digitrec.registry.importing.scalings import Measured, Way, best, script, ways
from digitrec.training import metrics
from digitrec.training import network as own

Floats = NDArray[np.float32]
Say = Callable[[str], None]

FIRST = 300
"""Test digits that are read in each way."""

SECOND = 1_500
"""Test digits that are read in ways that come close to the best, and in a script's; then all 10,000 in the best one."""

CLOSE = 0.02
"""How close, in accuracy; ways read the same digits, so they differ by less than each of them varies."""

MOST = 2
"""Ways that come close, at most."""

BATCH = 300

_NAMES = {
    "Conv2D": "conv", "DepthwiseConv2D": "conv", "SeparableConv2D": "conv", "Dense": "dense", "MaxPooling2D": "pool",
    "AveragePooling2D": "pool", "Activation": "activation", "ReLU": "activation", "BatchNormalization": "norm",
}  # fmt: skip
"""What a layer is called in the model that is built, with a number; all others are called `step`."""

SHOWN = 24
"""Layers whose activations the model gives at most, for Compare."""


def raw(found: Network) -> keras.Model:
    """Return a network as a Keras model of its own input, scaled as it was trained, that gives ten logits."""
    start = keras.Input(found.input_shape)
    return keras.Model(start, _connected(found, start))


def whole(found: Network, way: Way) -> keras.Model:
    """Return a network as the app's models are: of a `glyph`, 0 paper .. 1 ink, with `logits` and `probabilities`."""
    if recipe := recipe_of(found, way):
        same = own.build(recipe)
        same.set_weights([array for layer in found.layers for array in layer.weights])
        return same
    glyph = keras.Input((SIDE, SIDE), name="glyph")
    scale, offset = way.affine
    x: Any = glyph
    if (scale, offset) != (1.0, 0.0):
        x = keras.layers.Rescaling(scale, offset, name="scaled")(x)
    if way.axes:
        x = own.unit_length("unit_length", x, way.axes)
    if found.input_shape != (SIDE, SIDE):
        x = keras.layers.Reshape(found.input_shape, name="shaped")(x)
    logits = _connected(found, x)
    model = keras.Model(glyph, keras.layers.Softmax(name="probabilities")(logits), name="imported")
    model(np.zeros((1, SIDE, SIDE), np.float32))  # Keras exports only what was called once
    return model


def names(found: Network) -> dict[str, str]:
    """Return what each layer is called in the model that is built; the last one is `logits`."""
    counts: dict[str, int] = {}
    called = {}
    for layer in found.layers[1:]:
        kind = _NAMES.get(layer.kind, "step")
        counts[kind] = counts.get(kind, 0) + 1
        called[layer.name] = f"{kind}_{counts[kind]}"
    last = found.layers[-1]
    called[last.name] = "logits"
    return called


def shown(found: Network) -> list[str]:
    """Return the names of the layers worth showing, in order; one that batch normalisation follows is left out."""
    called = names(found)
    active = {layer.inputs[0] for layer in found.layers if layer.kind in ("Activation", "ReLU")}
    normed = {layer.inputs[0] for layer in found.layers if layer.kind == "BatchNormalization" and layer.name in active}
    chosen = [
        called[layer.name]
        for layer in found.layers[1:-1]
        if called[layer.name].startswith(("conv_", "pool_", "dense_", "activation_")) and layer.name not in normed
    ]
    return chosen[:SHOWN]


def _connected(found: Network, start: Any) -> Any:
    """Return the ten logits of a network that is given a tensor."""
    called = names(found)
    made: dict[str, Any] = {found.layers[0].name: start}
    for layer in found.layers[1:]:
        given = [made[name] for name in layer.inputs]
        one = _layer(layer, called[layer.name])
        made[layer.name] = one(given if layer.kind in ("Add", "Concatenate") else given[0])
        if layer.weights:
            one.set_weights(list(layer.weights))
    last = found.layers[-1]
    if last.kind == "Dense":
        return made[last.name]
    return keras.layers.Rescaling(1.0, name="logits_again" if called[last.name] == "logits" else "logits")(
        made[last.name]
    )


def _layer(layer: Layer, name: str) -> Any:
    if layer.kind == "UnitLength":
        return functools.partial(own.unit_length, name, axes=layer.options["axes"])
    return getattr(keras.layers, layer.kind)(**layer.options, name=name)


def read_all(model: Callable[..., Any], inputs: Floats) -> Floats:
    """Return what a model, or a function made of it, gives for inputs, (N, ...) -> float32 (N, 10), some at a time.

    Raises:
        ModelError: If it returns NaN or infinity.
    """
    parts = [np.asarray(model(tf.constant(inputs[at : at + BATCH]))) for at in range(0, len(inputs), BATCH)]
    found = np.concatenate(parts).astype(np.float32)
    if not np.isfinite(found).all():
        raise ModelError("The model returned NaN or infinity. Train it again.")
    return found


def sample() -> NDArray[np.int64]:
    """Return which of MNIST's test digits are read in several ways, (SECOND,); the first FIRST of them in all ways."""
    count = len(mnist.test()[1])
    return np.random.default_rng(1).permutation(count)[:SECOND].astype(np.int64)


def measure(found: Network, say: Say) -> tuple[list[Measured], Floats]:
    """Return the accuracy in each way, and the logits of the best way for the test digits of `sample`.

    Args:
        found: The network.
        say: Called with each step.

    Returns:
        The accuracies, and float32 (SECOND, 10).

    Raises:
        ModelError: If it returns NaN or infinity.
    """
    pictures, truth = (array[sample()] for array in mnist.test())
    glyphs, model = mnist.glyphs(pictures), tf.function(raw(found))
    tried = ways(flat=len(found.input_shape) == 1)
    logits: dict[Way, Floats] = {}

    def read(way: Way, count: int) -> Measured:
        logits[way] = read_all(model, way.apply(glyphs[:count]).reshape(-1, *found.input_shape))
        return one(way, logits[way], truth[:count])

    measured = {}
    for number, way in enumerate(tried, 1):
        say(f"ways of scaling are tried: {number} of {len(tried)}")
        measured[way] = read(way, FIRST)
    top = max(each.accuracy for each in measured.values())
    close = [each for each in measured.values() if each.accuracy >= top - CLOSE]
    for each in sorted(close, key=lambda each: round(each.loss, 3))[:MOST]:
        measured[each.way] = read(each.way, SECOND)
    way = best(list(measured.values())).way
    if measured[script(way)].digits < SECOND:
        measured[script(way)] = read(script(way), SECOND)
    return list(measured.values()), logits[way]


def one(way: Way, logits: Floats, truth: NDArray[np.uint8]) -> Measured:
    """Return the accuracy and the loss of logits, (N, 10), for digits of these labels, (N,)."""
    scores = np.asarray(logits, np.float64)
    losses = np.logaddexp.reduce(scores, axis=1) - scores[np.arange(len(truth)), truth]
    return Measured(way, metrics.accuracy(logits, truth), len(truth), round(float(losses.mean()), 6))


def export(model: keras.Model, file: Path) -> None:
    """Write a model for LiteRT, with its layers' activations as outputs; weights stay float32, as in the file."""
    own.with_activations(model).export(file, format="litert", verbose=False)
