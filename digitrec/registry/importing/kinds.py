"""The kinds of layers that are supported, the options that each may have, and the shapes that follow from them.

A kind is a name, an option is a number, a word of a list, or a few numbers: nothing that can be run.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from digitrec.recognition.digits import SIDE

Shape = tuple[int, ...]

MOST_VALUES = 4_000_000
"""Numbers that all layers together may compute per digit; `reader` computes 0.1 million."""

ACTIVATIONS = (
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "hard_sigmoid", "tanh", "softplus",
    "softsign", "silu", "exponential", "softmax", "log_softmax",
)  # fmt: skip
"""Activations by Keras's names."""

# Options. Each check takes what a file says and returns it in one form, or raises ValueError.


def whole(low: int, high: int) -> Callable[[Any], int]:
    """Return a check of a whole number."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

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


def _unit(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    if len(set(options["axes"])) != len(options["axes"]) or max(options["axes"]) > len(shapes[0]):
        raise ValueError("must name axes of its input, each once")
    return shapes[0], []


def _padded(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    height, width, channels = _maps(shapes)
    (top, bottom), (left, right) = options["padding"]
    return (height + top + bottom, width + left + right, channels), []


def _added(_: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    if len(set(shapes)) != 1:
        raise ValueError("adds inputs of different shapes")
    return shapes[0], []


def _joined(options: Mapping[str, Any], shapes: Sequence[Shape]) -> Shapes:
    rank = len(shapes[0])
    axis = options["axis"] - 1 if options["axis"] > 0 else options["axis"] + rank
    others = {shape[:axis] + shape[axis + 1 :] for shape in shapes}
    if not 0 <= axis < rank or {len(shape) for shape in shapes} != {rank} or len(others) != 1:
        raise ValueError("concatenates inputs whose shapes do not match")
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
    "ReLU": Kind(
        _same, {"max_value": or_none(real(0, 1e6)), "negative_slope": real(0, 1e3), "threshold": real(0, 1e6)}
    ),
    "Rescaling": Kind(_same, {"scale": real(-1e6, 1e6), "offset": real(-1e6, 1e6)}),
    "UnitLength": Kind(_unit, {"axes": numbers(1, 3, 3)}),
    "ZeroPadding2D": Kind(_padded, {"padding": borders}),
    "Add": Kind(_added, {}, (2, 16)),
    "Concatenate": Kind(_joined, {"axis": whole(-4, 4)}, (1, 16)),
}  # fmt: skip
"""The layers that are supported, by Keras's names, and their options. Whatever is not here is refused.

UnitLength is none of Keras's: it divides by the length along some axes, see `unit_length`.
"""
