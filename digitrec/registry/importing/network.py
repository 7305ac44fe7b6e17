"""A network as plain data: layers of a few known kinds, their options and their weights, all of it checked.

The readers of files make one, `building` makes a Keras model of it. Nothing in it can be run: a kind is a name of the
table KINDS, an option is a number, a word of a list, or a few numbers. No TensorFlow here.
"""

import json
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec.errors import ModelError
from digitrec.recognition.digits import CLASSES, SIDE

Shape = tuple[int, ...]
Weights = tuple[NDArray[np.float32], ...]

MOST_LAYERS = 200
MOST_PARAMETERS = 20_000_000
MOST_VALUES = 4_000_000
"""Numbers that all layers together may compute per digit; `reader` computes 0.1 million."""

INPUTS = ((SIDE, SIDE), (SIDE, SIDE, 1), (SIDE * SIDE,))
"""Shapes of the input that are accepted, without the axis of the digits."""

ACTIVATIONS = (
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "hard_sigmoid", "tanh", "softplus",
    "softsign", "silu", "exponential", "softmax", "log_softmax",
)  # fmt: skip
"""Activations by Keras's names."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer.

    Attributes:
        name: Its name in the file, for sentences; unique.
        kind: A key of KINDS.
        inputs: Names of the layers that it is given.
        options: As Keras's layer of this kind names them; see KINDS.
        weights: float32, in Keras's order and layout; empty until they are read.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: Weights = ()


@dataclass(frozen=True, eq=False)
class Network:
    """A checked network: its first layer is the input, its last one gives a row of ten or eleven numbers.

    Attributes:
        layers: In an order in which each follows those that it is given.
        shapes: Of each layer's output, by its name, without the axis of the digits.
    """

    layers: tuple[Layer, ...]
    shapes: Mapping[str, Shape]

    @property
    def input_shape(self) -> Shape:
        """One of INPUTS."""
        return self.shapes[self.layers[0].name]

    @property
    def parameters(self) -> int:
        """How many weights it has."""
        return sum(array.size for layer in self.layers for array in layer.weights)


def fail(layer: str, why: str) -> ModelError:
    """Return the error on one layer.

    Args:
        layer: Its name, or its kind.
        why: What is wrong with it, and what to do, in words that follow the layer's name.
    """
    return ModelError(f"The layer {layer[:60]!r} {why}")


# Options. Each check takes what a file says and returns it in one form, or raises ValueError.


def whole(low: int, high: int) -> Callable[[Any], int]:
    """Return a check of a whole number."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return check


def real(low: float, high: float) -> Callable[[Any], float]:
    """Return a check of a number."""

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"must be a number from {low:g} to {high:g}")
        return float(value)

    return check


def pair(low: int, high: int) -> Callable[[Any], tuple[int, int]]:
    """Return a check of one whole number for both directions, or one each."""

    def check(value: Any) -> tuple[int, int]:
        values = [value, value] if isinstance(value, int) else value
        if not isinstance(values, list | tuple) or len(values) != 2:
            raise ValueError("must be one or two whole numbers")
        first, second = (whole(low, high)(each) for each in values)
        return first, second

    return check


def word(*allowed: str) -> Callable[[Any], str]:
    """Return a check of a word of a list."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return check


def flag(value: Any) -> bool:
    """Check true or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def numbers(low: int, high: int, most: int) -> Callable[[Any], tuple[int, ...]]:
    """Return a check of a few whole numbers."""

    def check(value: Any) -> tuple[int, ...]:
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= most:
            raise ValueError(f"must be 1 to {most} whole numbers")
        return tuple(whole(low, high)(each) for each in value)

    return check


def or_none(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a check that lets None pass."""
    return lambda value: None if value is None else check(value)


def borders(value: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Check how many rows and columns of zeros are added before and after."""
    if isinstance(value, int):
        value = (value, value)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("must be two pairs of whole numbers")
    first, second = (pair(0, SIDE)(each) for each in value)
    return first, second


# Shapes. Each function takes the options and the shapes of the inputs, and returns the output's and the weights'.

Shapes = tuple[Shape, list[Shape]]


def _same(_: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    return shapes[0], []


def _maps(shapes: Sequence[Shape]) -> tuple[int, int, int]:
    if len(shapes[0]) != 3:
        raise ValueError("needs maps: height, width, channels")
    height, width, channels = shapes[0]
    return height, width, channels


def _side(side: int, kernel: int, stride: int, padding: str, dilation: int = 1) -> int:
    left = side if padding == "same" else side - (kernel - 1) * dilation
    if left < 1:
        raise ValueError("would leave less than one pixel")
    return -(-left // stride)


def _slid(options: Mapping[str, Any], shapes: Sequence[Shape]) -> tuple[int, int]:
    """Return the height and width after a kernel was slid over maps."""
    height, width, _ = _maps(shapes)
    kernel = options.get("kernel_size") or options["pool_size"]
    dilation = options.get("dilation_rate", (1, 1))
    strides = options["strides"] or kernel
    if max(dilation) > 1 and max(strides) > 1:
        raise ValueError("has both strides and dilation, of which only one may be above 1")
    sides = [
        _side(side, kernel[i], strides[i], options["padding"], dilation[i]) for i, side in enumerate((height, width))
    ]
    return sides[0], sides[1]


def _dense(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    units = options["units"]
    return (*shapes[0][:-1], units), [(shapes[0][-1], units), *_bias(options, units)]


def _bias(options: Mapping[str, Any], count: int) -> list[Shape]:
    return [(count,)] if options["use_bias"] else []


def _conv(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    channels, filters = _maps(shapes)[2], options["filters"]
    kernel = (*options["kernel_size"], channels, filters)
    return (*_slid(options, shapes), filters), [kernel, *_bias(options, filters)]


def _depthwise(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    channels, times = _maps(shapes)[2], options["depth_multiplier"]
    made = channels * times
    return (*_slid(options, shapes), made), [(*options["kernel_size"], channels, times), *_bias(options, made)]


def _separable(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    (height, width, made), (depthwise, *_) = _depthwise(options, shapes)
    filters = options["filters"]
    return (height, width, filters), [depthwise, (1, 1, made, filters), *_bias(options, filters)]


def _pool(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    return (*_slid(options, shapes), _maps(shapes)[2]), []


def _global(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    channels = _maps(shapes)[2]
    return ((1, 1, channels) if options["keepdims"] else (channels,)), []


def _flat(_: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    return (math.prod(shapes[0]),), []


def _reshape(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    target, count = list(options["target_shape"]), math.prod(shapes[0])
    if target.count(-1) == 1:
        known = math.prod(side for side in target if side != -1)
        target[target.index(-1)] = count // known if known else 0
    if min(target) < 1 or math.prod(target) != count:
        raise ValueError(f"cannot give {count} numbers the shape {tuple(options['target_shape'])}")
    return tuple(target), []


def _permute(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    if sorted(options["dims"]) != list(range(1, len(shapes[0]) + 1)):
        raise ValueError("must name each axis once")
    return tuple(shapes[0][axis - 1] for axis in options["dims"]), []


def _last(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    if options["axis"] not in (-1, len(shapes[0])):
        raise ValueError("works on another axis than the last one")
    return shapes[0], []


def _norm(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    _last(options, shapes)
    count = 2 + options["scale"] + options["center"]
    return shapes[0], [shapes[0][-1:]] * count


def _padded(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    height, width, channels = _maps(shapes)
    (top, bottom), (left, right) = options["padding"]
    return (height + top + bottom, width + left + right, channels), []


def _added(_: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    if len(set(shapes)) != 1:
        raise ValueError("adds what has different shapes")
    return shapes[0], []


def _joined(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    rank = len(shapes[0])
    axis = options["axis"] - 1 if options["axis"] > 0 else options["axis"] + rank
    others = {shape[:axis] + shape[axis + 1 :] for shape in shapes}
    if not 0 <= axis < rank or {len(shape) for shape in shapes} != {rank} or len(others) != 1:
        raise ValueError("joins what does not fit together")
    return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :]), []


def _input(options: Mapping[str, Any], _: Sequence[Shape]) -> Shapes:
    return options["shape"], []


@dataclass(frozen=True)
class Kind:
    """What a kind of layer may be.

    Attributes:
        shape: Returns the shapes of its output and of its weights.
        options: The check of each option, by its name.
        inputs: The fewest and the most layers that it is given.
    """

    shape: Callable[[Mapping[str, Any], Sequence[Shape]], Shapes]
    options: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    inputs: tuple[int, int] = (1, 1)


_SIZE, _PADDING = pair(1, SIDE), word("same", "valid")
_ENDING = {"use_bias": flag, "activation": word(*ACTIVATIONS)}
_SLIDING = {"kernel_size": _SIZE, "strides": _SIZE, "padding": _PADDING, "dilation_rate": _SIZE}
_POOLING = {"pool_size": _SIZE, "strides": or_none(_SIZE), "padding": _PADDING}
_FILTERS = {"filters": whole(1, 4096)}

KINDS: dict[str, Kind] = {
    "InputLayer": Kind(_input, {"shape": numbers(1, SIDE * SIDE, 3)}, (0, 0)),
    "Dense": Kind(_dense, {"units": whole(1, 16384)} | _ENDING),
    "Conv2D": Kind(_conv, _FILTERS | _SLIDING | _ENDING),
    "DepthwiseConv2D": Kind(_depthwise, {"depth_multiplier": whole(1, 64)} | _SLIDING | _ENDING),
    "SeparableConv2D": Kind(_separable, {"depth_multiplier": whole(1, 64)} | _FILTERS | _SLIDING | _ENDING),
    "MaxPooling2D": Kind(_pool, _POOLING),
    "AveragePooling2D": Kind(_pool, _POOLING),
    "GlobalAveragePooling2D": Kind(_global, {"keepdims": flag}),
    "GlobalMaxPooling2D": Kind(_global, {"keepdims": flag}),
    "Flatten": Kind(_flat),
    "Reshape": Kind(_reshape, {"target_shape": numbers(-1, MOST_VALUES, 4)}),
    "Permute": Kind(_permute, {"dims": numbers(1, 4, 4)}),
    "BatchNormalization": Kind(_norm, {"axis": whole(-1, 4), "epsilon": real(0, 1), "scale": flag, "center": flag}),
    "Activation": Kind(_same, {"activation": word(*ACTIVATIONS)}),
    "Softmax": Kind(_last, {"axis": whole(-1, 4)}),
    "ReLU": Kind(_same, {"max_value": or_none(real(0, 1e6)), "negative_slope": real(0, 1e3), "threshold": real(0, 1e6)}),
    "Rescaling": Kind(_same, {"scale": real(-1e6, 1e6), "offset": real(-1e6, 1e6)}),
    "ZeroPadding2D": Kind(_padded, {"padding": borders}),
    "Add": Kind(_added, {}, (2, 16)),
    "Concatenate": Kind(_joined, {"axis": whole(-4, 4)}, (1, 16)),
}  # fmt: skip
"""The layers that are built, by Keras's names, and their options. Whatever is not here is refused."""


def outlined(layers: Sequence[Layer]) -> tuple[Network, dict[str, list[Shape]]]:
    """Check layers before their weights are known.

    Args:
        layers: Each after those that it is given, the input first, the output last.

    Returns:
        The network, and the shapes that each layer's weights must have, by the layer's name.

    Raises:
        ModelError: If a kind, an option or a shape is not accepted, or the network is too large.
    """
    if not 2 <= len(layers) <= MOST_LAYERS:
        raise ModelError(f"A model may have 2 to {MOST_LAYERS} layers. Bring a smaller one. Received: {len(layers)}")
    shapes: dict[str, Shape] = {}
    expected: dict[str, list[Shape]] = {}
    made, values, parameters = [], 0, 0
    for given in layers:
        layer, (shape, weights) = layer_shapes(given, shapes)
        values += math.prod(shape)
        parameters += sum(map(math.prod, weights))
        if values > MOST_VALUES or parameters > MOST_PARAMETERS:
            limit = f"{MOST_PARAMETERS:,} weights and {MOST_VALUES:,} numbers per digit"
            raise fail(layer.name, f"makes the model larger than {limit}. Bring a smaller one.")
        shapes[layer.name], expected[layer.name] = shape, weights
        made.append(layer)
    _check_ends(made, shapes)
    return Network(tuple(made), shapes), expected


def layer_shapes(layer: Layer, known: Mapping[str, Shape]) -> tuple[Layer, Shapes]:
    """Return a layer with its options checked, and the shapes of its output and its weights.

    Args:
        layer: The layer.
        known: The shapes of those before it.

    Raises:
        ModelError: If its kind or an option is not accepted, or it does not fit to its inputs.
    """
    layer = _checked_layer(layer, known)
    try:
        return layer, KINDS[layer.kind].shape(layer.options, [known[name] for name in layer.inputs])
    except ValueError as error:
        raise fail(layer.name, f"({layer.kind}) {error}. Bring a model whose layers fit together.") from error


def _checked_layer(layer: Layer, known: Mapping[str, Shape]) -> Layer:
    """Return a layer with its options in one form."""
    kind = KINDS.get(layer.kind)
    if kind is None:
        raise fail(layer.name, f"is of the kind {layer.kind[:60]!r}, which is not built here. Use: {', '.join(KINDS)}.")
    if layer.name in known:
        raise fail(layer.name, "is there twice. Give each layer a name of its own.")
    low, high = kind.inputs
    if not low <= len(layer.inputs) <= high or any(name not in known for name in layer.inputs):
        raise fail(layer.name, "is not connected to the layers before it. Bring a model that runs from input to output.")
    options = {}
    if set(layer.options) != set(kind.options):
        odd = sorted(set(layer.options) ^ set(kind.options))[0]
        raise fail(layer.name, f"({layer.kind}) has an option {odd[:40]!r} too many or too few. Save the model again.")
    for name, check in kind.options.items():
        try:
            options[name] = check(layer.options[name])
        except ValueError as error:
            received = str(layer.options[name])[:40]
            raise fail(layer.name, f"({layer.kind}): {name} {error}. Received: {received!r}") from error
    return replace(layer, options=options)


def _check_ends(layers: Sequence[Layer], shapes: Mapping[str, Shape]) -> None:
    """Check that there is one input and one output, of a shape that digits have."""
    inputs = [layer for layer in layers if layer.kind == "InputLayer"]
    if len(inputs) != 1 or layers[0] is not inputs[0]:
        raise ModelError(f"A model must have one input, a digit. Received: {len(inputs)} inputs")
    shape, output = shapes[layers[0].name], shapes[layers[-1].name]
    if shape not in INPUTS:
        raise ModelError(f"The input must be 28 x 28, 28 x 28 x 1 or 784 numbers. Received: {_times(shape)}")
    if output not in ((CLASSES,), (CLASSES + 1,)):
        raise ModelError(f"The output must be ten numbers, one per digit, or eleven. Received: {_times(output)}")
    used = {name for layer in layers for name in layer.inputs}
    if loose := [layer.name for layer in layers[:-1] if layer.name not in used]:
        raise fail(loose[0], "leads nowhere: a model must have one output. Leave the layer out.")


def _times(shape: Shape) -> str:
    return " x ".join(map(str, shape))


def weighted(outline: Network, expected: Mapping[str, list[Shape]], found: Mapping[str, Weights]) -> Network:
    """Return a network with its weights.

    Args:
        outline: As `outlined` returns it.
        expected: The shapes that it returns.
        found: Each layer's weights, by its name; layers without any may be missing.

    Raises:
        ModelError: If there are too few or too many, one has another shape, or is not a number.
    """
    layers = []
    for layer in outline.layers:
        weights, shapes = found.get(layer.name, ()), expected[layer.name]
        if [array.shape for array in weights] != shapes:
            received = ", ".join(_times(array.shape) for array in weights) or "none"
            wanted = ", ".join(map(_times, shapes)) or "none"
            raise fail(layer.name, f"needs weights of the shapes {wanted}. Save the model again. Received: {received}")
        arrays = tuple(np.ascontiguousarray(array, np.float32) for array in weights)
        if not all(np.isfinite(array).all() for array in arrays):
            raise fail(layer.name, "has weights that are not numbers (NaN or infinity). Train the model again.")
        if layer.kind == "BatchNormalization" and not (arrays[-1] + layer.options["epsilon"] > 0).all():
            raise fail(layer.name, "has a variance that is not above 0. Train the model again.")
        layers.append(replace(layer, weights=arrays))
    return Network(tuple(layers), outline.shapes)


def checked(layers: Sequence[Layer]) -> Network:
    """Return layers that have their weights as a checked network.

    Raises:
        ModelError: As `outlined` and `weighted` do.
    """
    outline, expected = outlined(layers)
    return weighted(outline, expected, {layer.name: layer.weights for layer in layers})


# A network as bytes: how it crosses from the process that reads a file. Whoever unpacks them checks all of it again.

MOST_HEADER = 2**20


def packed(network: Network) -> bytes:
    """Return a network as bytes: the length of a JSON header, the header, the weights as float32."""
    head = [
        {
            "name": layer.name,
            "kind": layer.kind,
            "inputs": layer.inputs,
            "options": layer.options,
            "weights": [array.shape for array in layer.weights],
        }
        for layer in network.layers
    ]
    header = json.dumps(head).encode()
    arrays = [array.astype("<f4").tobytes() for layer in network.layers for array in layer.weights]
    return b"".join([struct.pack("<I", len(header)), header, *arrays])


def unpacked(data: bytes) -> Network:
    """Return the network that `packed` made bytes of, checked as if anybody could have made them.

    Raises:
        ModelError: If they are no such bytes, or the network is not accepted.
    """
    try:
        (size,) = struct.unpack_from("<I", data)
        if size > MOST_HEADER:
            raise ValueError("too large")
        head, at = json.loads(data[4 : 4 + size]), 4 + size
        layers = []
        for each in head:
            arrays = []
            for shape in each["weights"]:
                sides = [whole(1, MOST_PARAMETERS)(side) for side in shape]
                count = math.prod(sides)
                arrays.append(np.frombuffer(data, "<f4", count, at).reshape(sides))
                at += 4 * count
            layers.append(Layer(str(each["name"]), str(each["kind"]), tuple(map(str, each["inputs"])),
                                dict(each["options"]), tuple(arrays)))  # fmt: skip
    except (ValueError, KeyError, TypeError, struct.error, RecursionError) as error:
        raise ModelError("This model cannot be read: its reading failed. Save it again.") from error
    return checked(layers)
