"""ONNX files: operators of a list become layers. The graph is read, never run; other files are not opened."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx

from digitrec.registry.importing.network import Network, damage_reported, fail
from digitrec.registry.importing.onnx_graph import CONVERT, Node, Operand, Read, Reader, attributes, constant, node_name
from digitrec.registry.importing.onnx_shapes import part_of_size, size, sizes
from digitrec.registry.importing.values import NORM, Array, Value, per_channel, same_borders

DAMAGED = "This ONNX file is damaged. Export the model again."


def looks_like(data: bytes) -> bool:
    """Return whether a file may be ONNX, which has no mark of its own: it begins with the version of its format."""
    return data[:1] == b"\x08" and data[1:2] != b"" and data[1] < 20


def read(data: bytes) -> Network:
    """Return the network in an ONNX file.

    Raises:
        ModelError: If it is damaged, or holds what is not supported.
    """
    with damage_reported(DAMAGED):
        return Reader(onnx.ModelProto.FromString(data).graph, OPERATORS).network()


def _numbers(values: Any, count: int, default: int) -> list[int]:
    found = [default] * count if values is None else [int(value) for value in values]
    if len(found) != count:
        raise ValueError("another number of axes")
    return found


def _slid(node: Node, sides: Sequence[int]) -> tuple[dict[str, Any], list[int]]:
    """Return a kernel's options but its size, and the borders: top, left, bottom, right; `same` where they are that."""
    given = attributes(node)
    kernel = _numbers(given.get("kernel_shape"), 2, 1)
    strides, dilation = _numbers(given.get("strides"), 2, 1), _numbers(given.get("dilations"), 2, 1)
    same = same_borders(sides, kernel, strides, dilation)
    automatic = given.get("auto_pad", b"NOTSET")
    if automatic not in (b"NOTSET", b"VALID", b"SAME_UPPER"):
        raise fail(node_name(node), f"has auto_pad = {automatic!r:.30}, which is not supported. {CONVERT}")
    borders = same if automatic == b"SAME_UPPER" else _numbers(given.get("pads"), 4, 0)
    if given.get("ceil_mode"):
        raise fail(node_name(node), f"rounds its size up (ceil_mode), which is not supported. {CONVERT}")
    padding = "same" if borders == same and any(borders) else "valid"
    return {"strides": strides, "padding": padding, "dilation_rate": dilation}, borders


def _conv(reader: Reader, node: Node) -> Value:
    value, kernel = reader.maps(node), reader.array(node, 1)
    if kernel.ndim != 4:
        raise fail(node_name(node), f"needs kernels of four axes. {CONVERT}")
    given = attributes(node)
    if "kernel_shape" in given and list(given["kernel_shape"]) != list(kernel.shape[2:]):
        raise fail(node_name(node), f"says another size than its kernels have. {CONVERT}")
    if "kernel_shape" not in given:
        node.attribute.append(onnx.helper.make_attribute("kernel_shape", list(kernel.shape[2:])))
    options, borders = _slid(node, value.shape[:2])
    if options["padding"] == "valid" and any(borders):
        top, left, bottom, right = borders
        value = reader.built.add(node_name(node), "ZeroPadding2D", [value], {"padding": ((top, bottom), (left, right))}, channels_last=True)  # fmt: skip  # noqa: E501
    weights = [kernel]
    if reader.has(node, 2):
        weights.append(reader.array(node, 2))
    options |= {"kernel_size": list(kernel.shape[2:]), "use_bias": len(weights) == 2, "activation": "linear"}
    groups, channels = int(given.get("group", 1)), value.shape[2]
    if groups == 1:
        weights[0] = kernel.transpose(2, 3, 1, 0)
        return reader.built.add(node_name(node), "Conv2D", [value], options | {"filters": kernel.shape[0]}, tuple(weights), True)  # fmt: skip  # noqa: E501
    times = kernel.shape[0] // channels
    if groups != channels or kernel.shape[1] != 1 or kernel.shape[0] != channels * times:
        raise fail(node_name(node), f"is a convolution in {groups} groups, which is not supported. {CONVERT}")
    weights[0] = kernel.reshape(channels, times, *kernel.shape[2:]).transpose(2, 3, 0, 1)
    return reader.built.add(node_name(node), "DepthwiseConv2D", [value], options | {"depth_multiplier": times}, tuple(weights), True)  # fmt: skip  # noqa: E501


def _pool(kind: str) -> Read:
    def read(reader: Reader, node: Node) -> Value:
        value = reader.maps(node)
        options, borders = _slid(node, value.shape[:2])
        counted = any(borders) and kind == "AveragePooling2D" and attributes(node).get("count_include_pad")
        if counted or (any(borders) and options["padding"] == "valid") or options.pop("dilation_rate") != [1, 1]:
            raise fail(node_name(node), f"pools over a border or with gaps in a way that is not supported. {CONVERT}")
        options["pool_size"] = list(attributes(node)["kernel_shape"])
        return reader.built.add(node_name(node), kind, [value], options, (), True)

    return read


def _global(kind: str) -> Read:
    def read(reader: Reader, node: Node) -> Value:
        return reader.built.add(node_name(node), kind, [reader.maps(node)], {"keepdims": True}, (), True)

    return read


def _mean(reader: Reader, node: Node) -> Value:
    """Read a mean over the height and width of maps."""
    given, value = attributes(node), reader.value(node)
    axes = reader.array(node, 1).tolist() if reader.has(node, 1) else given.get("axes", [])
    spatial = {2, 3} if value.channels_last else {1, 2}
    if len(value.shape) != 3 or {int(axis) % 4 for axis in axes} != spatial:
        raise fail(node_name(node), f"is a mean over other axes than height and width. {CONVERT}")
    keep = bool(given.get("keepdims", 1))
    return reader.built.add(node_name(node), "GlobalAveragePooling2D", [value], {"keepdims": keep}, (), keep and value.channels_last)  # fmt: skip  # noqa: E501


def _dense(reader: Reader, node: Node) -> Value:
    """Read `Gemm` and `MatMul`."""
    given, kernel = attributes(node), reader.array(node, 1)
    value = reader.as_filed(node, reader.value(node))
    if kernel.ndim != 2 or given.get("transA") or len(value.shape) != 1:
        raise fail(node_name(node), f"({node.op_type}) multiplies in a way that is not supported. {CONVERT}")
    weights = [(kernel.T if given.get("transB") else kernel) * np.float32(given.get("alpha", 1.0))]
    if reader.has(node, 2):
        bias = np.asarray(reader.array(node, 2)).reshape(-1) * np.float32(given.get("beta", 1.0))
        if bias.size not in (1, weights[0].shape[1]):
            raise fail(
                node_name(node), f"adds {bias.size} numbers to weights of {weights[0].shape[1]} units. {CONVERT}"
            )
        weights.append(np.broadcast_to(bias, weights[0].shape[1:]))
    options = {"units": weights[0].shape[1], "use_bias": len(weights) == 2, "activation": "linear"}
    return reader.built.add(node_name(node), "Dense", [value], options, tuple(weights))


def _along(reader: Reader, node: Node, value: Value, array: Array) -> Array:
    """Return a constant as one number per channel, or one; refuse what varies along another axis."""
    if array.size == 1:
        return array.reshape(-1)
    rank = len(value.shape) + 1
    sides = [1] * (rank - array.ndim) + list(array.shape)
    channel = 1 if value.channels_last else rank - 1
    if len(sides) != rank or any(side != 1 for axis, side in enumerate(sides) if axis != channel):
        raise fail(node_name(node), f"({node.op_type}) works with numbers that differ from pixel to pixel. {CONVERT}")
    return array.reshape(-1)


def _arithmetic(reader: Reader, node: Node) -> Operand:
    """Read `Add`, `Sub`, `Mul`, `Div`: of two values, which are added, or of a value and a constant per channel."""
    first, second = (reader.known.get(name) for name in node.input)
    kind = node.op_type
    if isinstance(first, Value) and isinstance(second, Value):
        if kind != "Add":
            raise fail(node_name(node), f"is a {kind} of two computed values, which is not supported. {CONVERT}")
        if first.channels_last != second.channels_last:
            first, second = (reader.as_filed(node, each) for each in (first, second))
        return reader.built.add(node_name(node), "Add", [first, second], {}, (), first.channels_last)
    value, constant = (first, second) if isinstance(first, Value) else (second, first)
    if not isinstance(value, Value) or not isinstance(constant, np.ndarray):
        raise fail(node_name(node), f"({kind}) has no computed input. {CONVERT}")
    numbers = _along(reader, node, value, np.asarray(constant, np.float32))
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    if kind == "Div" and value is second:
        raise fail(node_name(node), f"divides by what is computed, which is not supported. {CONVERT}")
    scale, offset = {
        "Add": (one, numbers),
        "Sub": (one, -numbers) if value is first else (-one, numbers),
        "Mul": (numbers, zero),
        "Div": (one / numbers, zero),
    }[kind]
    if kind == "Add" and (merged := _with_bias(reader, value, numbers)):
        return merged
    weights = per_channel(scale, offset, value.shape[-1], node_name(node))
    return reader.built.add(node_name(node), "BatchNormalization", [value], NORM, weights, value.channels_last)


def _with_bias(reader: Reader, value: Value, numbers: Array) -> Value | None:
    """Give the last layer, a dense one without bias, the numbers that are added to it; None if it is not one."""
    last = reader.built.layers[-1]
    if last.name != value.layer or last.kind != "Dense" or last.options["use_bias"] or numbers.size != value.shape[-1]:
        return None
    users = sum(
        name in node.input for node in reader.graph.node for name, known in reader.known.items() if known is value
    )
    if users != 1:
        return None
    reader.built.replace_last(options={**last.options, "use_bias": True}, weights=(*last.weights, numbers))
    return value


def _norm(reader: Reader, node: Node) -> Value:
    value = reader.value(node)
    if len(value.shape) == 3:
        value = reader.maps(node)
    weights = tuple(np.asarray(reader.array(node, place), np.float32).reshape(-1) for place in range(1, 5))
    epsilon = float(attributes(node).get("epsilon", 1e-5))
    return reader.built.add(node_name(node), "BatchNormalization", [value], NORM | {"epsilon": epsilon}, weights, value.channels_last)  # fmt: skip  # noqa: E501


def _elu(reader: Reader, node: Node) -> Operand:
    if _plain_options(node):
        return _activation("elu")(reader, node)
    raise fail(node_name(node), f"({node.op_type}) has options that are not supported. {CONVERT}")


def _plain_options(node: Node) -> bool:
    """Return whether an activation's options are the usual ones."""
    given = attributes(node)
    return given.get("alpha", 1.0) == 1.0 and given.get("approximate", b"none") == b"none" and "gamma" not in given


def _activation(name: str) -> Read:
    def read(reader: Reader, node: Node) -> Value:
        value = reader.value(node)
        return reader.built.add(node_name(node), "Activation", [value], {"activation": name}, (), value.channels_last)

    return read


def _last_axis(name: str) -> Read:
    """Return what reads a softmax, which must be along the last axis of a row of numbers."""

    def read(reader: Reader, node: Node) -> Value:
        value = reader.value(node)
        if len(value.shape) != 1 or attributes(node).get("axis", -1) not in (-1, 1):
            raise fail(node_name(node), f"is a softmax over something else than a row of numbers. {CONVERT}")
        return reader.built.add(node_name(node), "Activation", [value], {"activation": name})

    return read


def _leaky(reader: Reader, node: Node) -> Value:
    value = reader.value(node)
    slope = float(attributes(node).get("alpha", 0.01))
    options = {"max_value": None, "negative_slope": slope, "threshold": 0.0}
    return reader.built.add(node_name(node), "ReLU", [value], options, (), value.channels_last)


def _clip(reader: Reader, node: Node) -> Value:
    given, value = attributes(node), reader.value(node)
    low = float(reader.array(node, 1)) if reader.has(node, 1) else given.get("min")
    high = float(reader.array(node, 2)) if reader.has(node, 2) else given.get("max")
    if low != 0.0:
        raise fail(node_name(node), f"cuts off at another number than 0, which is not supported. {CONVERT}")
    options = {"max_value": high, "negative_slope": 0.0, "threshold": 0.0}
    return reader.built.add(node_name(node), "ReLU", [value], options, (), value.channels_last)


def _reshaped(reader: Reader, node: Node, shape: Sequence[int]) -> Value:
    """Return a value in another shape, which is one in the file's order of axes."""
    value = reader.value(node)
    if value.channels_last and list(shape) == [value.shape[2], *value.shape[:2]]:
        return value
    if value.channels_last and value.shape[2] == 1 and len(shape) > 1:  # one map: both orders are the same numbers
        value = Value(value.layer, value.shape)
    return reader.built.add(node_name(node), "Reshape", [reader.as_filed(node, value)], {"target_shape": tuple(shape)})


def _reshape(reader: Reader, node: Node) -> Value:
    target = [int(side) for side in reader.array(node, 1).reshape(-1)]
    value = reader.value(node)
    if len(target) < 2 or target[0] not in (-1, 0, 1) or 0 in target[1:] or target[1:].count(-1) > 1:
        raise fail(node_name(node), f"gives the digits' axis another length, which is not supported. {CONVERT}")
    total = int(np.prod(value.shape))
    known = int(np.prod([side for side in target[1:] if side > 0]))
    shape = [total // known if side == -1 else side for side in target[1:]] if known else target[1:]
    if target[0] == -1 and -1 not in target[1:] and known != total:
        raise fail(node_name(node), f"mixes several digits, which is not supported. {CONVERT}")
    return _reshaped(reader, node, shape)


def _flatten(reader: Reader, node: Node) -> Value:
    if attributes(node).get("axis", 1) != 1:
        raise fail(node_name(node), f"flattens the digits' axis, which is not supported. {CONVERT}")
    return _reshaped(reader, node, [int(np.prod(reader.value(node).shape))])


def _squeeze(reader: Reader, node: Node) -> Operand:
    if isinstance(reader.known.get(node.input[0]), np.ndarray):
        return sizes(reader, node)
    value = reader.as_filed(node, reader.value(node))
    axes = reader.array(node, 1).reshape(-1).tolist() if reader.has(node, 1) else attributes(node).get("axes", [])
    gone = {int(axis) % (len(value.shape) + 1) for axis in axes}
    if not gone or 0 in gone or any(value.shape[axis - 1] != 1 for axis in gone):
        raise fail(node_name(node), f"takes away an axis that is longer than 1, or the digits'. {CONVERT}")
    shape = [side for axis, side in enumerate(value.shape, 1) if axis not in gone]
    return reader.built.add(node_name(node), "Reshape", [value], {"target_shape": tuple(shape)})


def _unsqueeze(reader: Reader, node: Node) -> Operand:
    if isinstance(reader.known.get(node.input[0]), np.ndarray):
        return sizes(reader, node)
    value = reader.as_filed(node, reader.value(node))
    axes = reader.array(node, 1).reshape(-1).tolist() if reader.has(node, 1) else attributes(node).get("axes", [])
    rank = len(value.shape) + 1 + len(axes)
    added = {int(axis) % rank for axis in axes}
    if 0 in added or rank > 5:
        raise fail(node_name(node), f"adds an axis before the digits'. {CONVERT}")
    left = list(value.shape)
    shape = [1 if axis in added else left.pop(0) for axis in range(1, rank)]
    return reader.built.add(node_name(node), "Reshape", [value], {"target_shape": tuple(shape)})


def _transpose(reader: Reader, node: Node) -> Value:
    order, value = [int(axis) for axis in attributes(node).get("perm", [])], reader.value(node)
    if not order or order[0] != 0 or sorted(order) != list(range(len(value.shape) + 1)):
        raise fail(node_name(node), f"moves the digits' axis, which is not supported. {CONVERT}")
    if order == [0, 2, 3, 1] and value.channels_last:
        return Value(value.layer, value.shape)
    if order == [0, 3, 1, 2] and len(value.shape) == 3 and not value.channels_last:
        return Value(value.layer, value.shape, True)
    return reader.built.add(node_name(node), "Permute", [reader.as_filed(node, value)], {"dims": tuple(order[1:])})


def _concat(reader: Reader, node: Node) -> Operand:
    if all(isinstance(reader.known.get(name), np.ndarray) for name in node.input):
        return np.concatenate([sizes(reader, node, place) for place in range(len(node.input))])
    values = [reader.value(node, place) for place in range(len(node.input))]
    rank = len(values[0].shape) + 1
    axis = int(attributes(node).get("axis", 1)) % rank
    last = all(value.channels_last for value in values)
    if axis == 0:
        raise fail(node_name(node), f"joins along the digits' axis, which is not supported. {CONVERT}")
    if last:
        axis = {1: 3, 2: 1, 3: 2}[axis]
    values = values if last else [reader.as_filed(node, value) for value in values]
    return reader.built.add(node_name(node), "Concatenate", values, {"axis": axis}, (), last)


def _pad(reader: Reader, node: Node) -> Value:
    given, value = attributes(node), reader.maps(node)
    borders = [int(side) for side in (reader.array(node, 1).reshape(-1) if reader.has(node, 1) else given["pads"])]
    filled = float(reader.array(node, 2).reshape(-1)[0]) if reader.has(node, 2) else float(given.get("value", 0.0))
    if len(borders) != 8 or any(borders[place] for place in (0, 1, 4, 5)) or filled or given.get("mode", b"constant") != b"constant":  # fmt: skip  # noqa: E501
        raise fail(node_name(node), f"adds a border of other numbers than 0, or in another direction. {CONVERT}")
    padding = ((borders[2], borders[6]), (borders[3], borders[7]))
    return reader.built.add(node_name(node), "ZeroPadding2D", [value], {"padding": padding}, (), True)


def _kept(reader: Reader, node: Node) -> Operand:
    """Read what changes nothing when a digit is read: `Identity`, `Dropout`, `Cast`."""
    found = reader.known.get(node.input[0])
    if found is None:
        raise fail(node_name(node), f"({node.op_type}) has no known input. {CONVERT}")
    whole = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16)
    if node.op_type == "Cast" and isinstance(found, Value) and attributes(node).get("to") not in whole:
        raise fail(node_name(node), f"makes whole numbers, which is not supported. {CONVERT}")
    return found


def _given_constant(reader: Reader, node: Node) -> Array:
    value = attributes(node).get("value")
    if not isinstance(value, onnx.TensorProto):
        raise fail(node_name(node), f"is a constant of a kind that is not read. {CONVERT}")
    return constant(value)


OPERATORS: dict[str, Read] = {
    "Conv": _conv,
    "MaxPool": _pool("MaxPooling2D"),
    "AveragePool": _pool("AveragePooling2D"),
    "GlobalAveragePool": _global("GlobalAveragePooling2D"),
    "GlobalMaxPool": _global("GlobalMaxPooling2D"),
    "ReduceMean": _mean,
    "Gemm": _dense,
    "MatMul": _dense,
    "BatchNormalization": _norm,
    "Relu": _activation("relu"),
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "Elu": _elu,
    "Softplus": _activation("softplus"),
    "Softsign": _activation("softsign"),
    "LeakyRelu": _leaky,
    "Clip": _clip,
    "Softmax": _last_axis("softmax"),
    "LogSoftmax": _last_axis("log_softmax"),
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Shape": size,
    "Gather": part_of_size,
    "Slice": part_of_size,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Concat": _concat,
    "Pad": _pad,
    "Identity": _kept,
    "Dropout": _kept,
    "Cast": _kept,
    "Constant": _given_constant,
} | dict.fromkeys(("Add", "Sub", "Mul", "Div"), _arithmetic)
"""What reads each operator; others are refused."""
