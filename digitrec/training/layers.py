"""The layers of a network, one value each, from which its Keras model, script, picture and parameter count are made.

Plain values, no Keras. `Recipe.keras_layers` puts a network together from the functions below.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from digitrec.errors import RecipeError
from digitrec.recognition.digits import CLASSES, SIDE

MNIST_MEAN, MNIST_DEVIATION = 0.1307, 0.3081
"""Mean and standard deviation of all pixels of MNIST's training digits, 0 paper .. 1 ink; a test measures them."""

KERAS_MOMENTUM = 0.99
"""What `keras.layers.BatchNormalization` has where no momentum is given."""


@dataclass(frozen=True)
class LayerInfo:
    """One layer of a network before it is built.

    Attributes:
        name: The layer's name in the Keras model.
        kind: What it does, in words for the page, such as `3 x 3 convolution, relu`; empty where the words of the
            layer before it include it, and the page leaves it out.
        shape: Shape of its output without the batch axis.
        parameters: Its weights, those that are not trained included.
        keras: Its class in `keras.layers`.
        arguments: What the class is called with, by position.
        options: What the class is called with, by name.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    keras: str = ""
    arguments: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ConvBlock:
    """A convolution, batch normalisation if wanted, the activation, then max-pooling if wanted.

    Attributes:
        filters: Feature maps that it makes, 1 to 512.
        kernel: Side of the square kernel in pixels, 1 to 11.
        pool: Side of the square that max-pooling keeps one value of, in pixels; 1 for no pooling.
        batch_norm: Whether batch normalisation comes before the activation.
        padding: `same` keeps the size, `valid` loses `kernel - 1` pixels.
        stride: Step of the kernel in pixels, 1 to 4: 2 halves the sides.
        bias: Whether a number is added to each map; batch normalisation takes it away again.
    """

    filters: int = 32
    kernel: int = 3
    pool: int = 2
    batch_norm: bool = False
    padding: str = "same"
    stride: int = 1
    bias: bool = True


def input_layers(scaling: str, channel: bool) -> list[LayerInfo]:
    """Return the input and what prepares its pixels: the scaling, and the channel axis that convolutions need."""
    layers = [LayerInfo("glyph", "input", (SIDE, SIDE), 0, "Input", ((SIDE, SIDE),))]
    if scaling == "unit-length":
        layers.append(LayerInfo("scaled", "columns to length 1", (SIDE, SIDE), 0, "UnitNormalization", (), {"axis": 1}))
    elif scaling == "standard":
        numbers = (1 / MNIST_DEVIATION, -MNIST_MEAN / MNIST_DEVIATION)
        layers.append(LayerInfo("scaled", "mean to 0, spread to 1", (SIDE, SIDE), 0, "Rescaling", numbers))
    if channel:
        shape = (SIDE, SIDE, 1)
        layers.append(LayerInfo("channel", "", shape, 0, "Reshape", (shape,)))
    return layers


def conv_block(
    number: int, block: ConvBlock, before: tuple[int, ...], activation: str, momentum: float
) -> list[LayerInfo]:
    """Return the layers of a convolution block.

    Args:
        number: Its place among the blocks, from 1.
        block: Its settings.
        before: Shape of what it is given, (height, width, channels).
        activation: The activation after it.
        momentum: That of batch normalisation.

    Raises:
        RecipeError: If a convolution or a pooling leaves less than one pixel.
    """
    side = before[0] - (0 if block.padding == "same" else block.kernel - 1)
    _check_pixels(side, f"The convolution of block {number}", "smaller kernels or padding `same`")
    side = -(-side // block.stride)
    shape = (side, side, block.filters)
    kind = f"{block.kernel} x {block.kernel} convolution"
    options: dict[str, Any] = {}
    if block.stride > 1:
        kind += f", stride {block.stride}"
        options["strides"] = block.stride
    options["padding"] = block.padding
    if not block.batch_norm:
        kind += f", {activation}"
        options["activation"] = activation
    if not block.bias:
        options["use_bias"] = False
    weights = (block.kernel**2 * before[-1] + block.bias) * block.filters
    layers = [LayerInfo(f"conv_{number}", kind, shape, weights, "Conv2D", (block.filters, block.kernel), options)]
    if block.batch_norm:
        layers += _norm("", number, shape, activation, momentum)
    if block.pool > 1:
        side //= block.pool
        _check_pixels(side, f"The pooling of block {number}", "less pooling or fewer blocks")
        kind, shape = f"{block.pool} x {block.pool} max-pool", (side, side, block.filters)
        layers.append(LayerInfo(f"pool_{number}", kind, shape, 0, "MaxPooling2D", (block.pool,)))
    return layers


def row_layer(before: tuple[int, ...], mean_maps: bool) -> LayerInfo:
    """Return the layer that makes one row of numbers of pixels or maps: of all their values, or of each map's mean."""
    if mean_maps:
        return LayerInfo("means", "mean of each map", before[-1:], 0, "GlobalAveragePooling2D")
    return LayerInfo("flat", "flatten", (math.prod(before),), 0, "Flatten")


def hidden_layers(
    number: int, width: int, before: int, activation: str, norm: bool, momentum: float, dropout: float
) -> list[LayerInfo]:
    """Return a hidden dense layer, with its batch normalisation and dropout if wanted.

    Args:
        number: Its place among the hidden layers, from 1.
        width: Its units.
        before: Numbers that it is given.
        activation: The activation after it.
        norm: Whether batch normalisation comes before the activation, and there is no bias.
        momentum: That of batch normalisation.
        dropout: Fraction of its outputs left out in training; 0 for none.
    """
    kind, options = ("dense", {"use_bias": False}) if norm else (f"dense, {activation}", {"activation": activation})
    weights = (before + (not norm)) * width
    layers = [LayerInfo(f"dense_{number}", kind, (width,), weights, "Dense", (width,), options)]
    if norm:
        layers += _norm("dense_", number, (width,), activation, momentum)
    if dropout:
        layers.append(LayerInfo(f"dropout_{number}", f"dropout {dropout:g}", (width,), 0, "Dropout", (dropout,)))
    return layers


def output_layers(before: int, precision: str) -> list[LayerInfo]:
    """Return the logits, float32 whatever the precision before them, and the softmax that makes probabilities."""
    exact = {"dtype": "float32"} if precision != "float32" else {}
    return [
        LayerInfo("logits", "dense", (CLASSES,), (before + 1) * CLASSES, "Dense", (CLASSES,), exact),
        LayerInfo("probabilities", "softmax", (CLASSES,), 0, "Softmax", (), exact),
    ]


def _norm(prefix: str, number: int, shape: tuple[int, ...], activation: str, momentum: float) -> list[LayerInfo]:
    """Return batch normalisation and the activation after it, which has no words of its own."""
    kind = f"batch norm, {activation}"
    options = {} if momentum == KERAS_MOMENTUM else {"momentum": momentum}
    return [
        LayerInfo(f"{prefix}norm_{number}", kind, shape, 4 * shape[-1], "BatchNormalization", (), options),
        LayerInfo(f"{prefix}activation_{number}", "", shape, 0, "Activation", (activation,)),
    ]


def _check_pixels(side: int, what: str, remedy: str) -> None:
    if side < 1:
        raise RecipeError(f"{what} would leave less than 1 pixel. Use {remedy}. Received: {side} pixels")
