"""LiteRT's files (`.tflite`): operators of a list become layers. The graph is read as a table, never run."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from digitrec.errors import ModelError
from digitrec.registry.importing.network import Network, damage_reported, fail
from digitrec.registry.importing.tflite_graph import CONVERT, Operator, Read, Reader
from digitrec.registry.importing.unit_length import UNIT, Part, after
from digitrec.registry.importing.values import NORM, Value, per_channel

DAMAGED = "This .tflite file is damaged. Convert the model again."

_FUSED = {0: "linear", 1: "relu", 3: "relu6", 4: "tanh"}


def read(data: bytes) -> Network:
    """Return the network in a `.tflite` file.

    Raises:
        ModelError: If it is damaged, or holds what is not supported.
    """
    with damage_reported(DAMAGED):
        model = schema.Model.GetRootAsModel(data, 0)
        if model.SubgraphsLength() != 1:
            raise ModelError(f"A .tflite file must hold one graph. {CONVERT} Received: {model.SubgraphsLength()}")
        return Reader(model, OPERATORS).network()


def _fused(reader: Reader, operator: Operator, number: int) -> str:
    if number not in _FUSED:
        raise fail(operator.name, f"has an activation that is not supported. {CONVERT}")
    return _FUSED[number]


def _then(reader: Reader, operator: Operator, value: Value, number: int) -> Value:
    """Return a value after the activation that an operator ends with."""
    activation = _fused(reader, operator, number)
    return value if activation == "linear" else reader.built.add(operator.name, "Activation", [value], {"activation": activation})  # fmt: skip  # noqa: E501


def _padding(number: int) -> str:
    return {0: "same", 1: "valid"}[number]


def _conv(reader: Reader, operator: Operator) -> Value:
    depthwise = operator.kind == "DEPTHWISE_CONV_2D"
    table = operator.table(schema.DepthwiseConv2DOptions if depthwise else schema.Conv2DOptions)
    value, kernel = reader.value(operator), reader.weights(operator, 1)
    if kernel.ndim != 4 or len(value.shape) != 3:
        raise fail(operator.name, f"needs maps, and kernels of four axes. {CONVERT}")
    options: dict[str, Any] = {
        "kernel_size": kernel.shape[1:3],
        "strides": (table.StrideH(), table.StrideW()),
        "padding": _padding(table.Padding()),
        "dilation_rate": (table.DilationHFactor(), table.DilationWFactor()),
        "activation": _fused(reader, operator, table.FusedActivationFunction()),
        "use_bias": reader.has(operator, 2),
    }
    bias = [reader.weights(operator, 2)] if options["use_bias"] else []
    if not depthwise:
        weights = (kernel.transpose(1, 2, 3, 0), *bias)
        return reader.built.add(operator.name, "Conv2D", [value], options | {"filters": kernel.shape[0]}, weights)
    channels = value.shape[2]
    if kernel.shape[0] != 1 or kernel.shape[3] % channels:
        raise fail(operator.name, f"has kernels that do not fit to its maps. {CONVERT}")
    times = kernel.shape[3] // channels
    weights = (kernel.reshape(*kernel.shape[1:3], channels, times), *bias)
    return reader.built.add(operator.name, "DepthwiseConv2D", [value], options | {"depth_multiplier": times}, weights)


def _dense(reader: Reader, operator: Operator) -> Value:
    table = operator.table(schema.FullyConnectedOptions)
    value, kernel = reader.value(operator), reader.weights(operator, 1)
    if kernel.ndim != 2 or table.WeightsFormat() or table.KeepNumDims():
        raise fail(operator.name, f"multiplies in a way that is not supported. {CONVERT}")
    if len(value.shape) > 1:
        value = reader.built.add(operator.name, "Flatten", [value])
    bias = [reader.weights(operator, 2)] if reader.has(operator, 2) else []
    options = {
        "units": kernel.shape[0],
        "use_bias": bool(bias),
        "activation": _fused(reader, operator, table.FusedActivationFunction()),
    }
    return reader.built.add(operator.name, "Dense", [value], options, (kernel.T, *bias))


def _pool(reader: Reader, operator: Operator) -> Value:
    table = operator.table(schema.Pool2DOptions)
    kind = "MaxPooling2D" if operator.kind == "MAX_POOL_2D" else "AveragePooling2D"
    options = {
        "pool_size": (table.FilterHeight(), table.FilterWidth()),
        "strides": (table.StrideH(), table.StrideW()),
        "padding": _padding(table.Padding()),
    }
    value = reader.built.add(operator.name, kind, [reader.value(operator)], options)
    return _then(reader, operator, value, table.FusedActivationFunction())


def _mean(reader: Reader, operator: Operator) -> Value:
    value = reader.value(operator)
    if {axis % 4 for axis in reader.numbers(operator, 1)} != {1, 2} or len(value.shape) != 3:
        raise fail(operator.name, f"is a mean over other axes than height and width. {CONVERT}")
    keep = bool(operator.table(schema.ReducerOptions).KeepDims())
    return reader.built.add(operator.name, "GlobalAveragePooling2D", [value], {"keepdims": keep})


def _reshape(reader: Reader, operator: Operator) -> Value:
    """Read what gives the numbers another shape; it stands in the file as that of the output."""
    return reader.built.add(
        operator.name, "Reshape", [reader.value(operator)], {"target_shape": reader.shape(operator.output)}
    )


def _unit_length(reader: Reader, operator: Operator) -> Value | Part:
    """Read an operator that helps to give columns, or the whole digit, length 1; see `unit_length`."""
    axes: tuple[int, ...] = ()
    given = [reader.operand(operator, place) for place in range(len(operator.inputs))]
    if operator.kind == "SUM" and operator.table(schema.ReducerOptions).KeepDims():
        axes, given = tuple(axis % 4 for axis in reader.numbers(operator, 1)), given[:1]
    found = after(_LENGTHS[operator.kind], given, axes)
    if found is None:
        raise fail(operator.name, f"is a {operator.kind} that does not help to make a length 1. {CONVERT}")
    if found.step != UNIT:
        return found
    assert isinstance(found.of, Value)
    return reader.built.add(operator.name, "UnitLength", [found.of], {"axes": found.axes})


_LENGTHS = {"SQUARE": "square", "SUM": "sum", "SQRT": "sqrt", "GREATER": "greater", "SELECT": "select",
            "SELECT_V2": "select", "DIV": "divide", "MUL": "multiply"}  # fmt: skip


def _arithmetic(reader: Reader, operator: Operator) -> Value | Part:
    """Read `ADD`, `SUB`, `MUL`, `DIV`: of two values, which are added, or of a value and a constant per channel."""
    kind = operator.kind
    tables = {"ADD": schema.AddOptions, "SUB": schema.SubOptions, "MUL": schema.MulOptions, "DIV": schema.DivOptions}
    fused = operator.table(tables[kind]).FusedActivationFunction() if operator.options else 0
    first, second = (reader.known.get(place) for place in operator.inputs)
    if isinstance(first, Part) or isinstance(second, Part):
        return _unit_length(reader, operator)
    if first and second:
        if kind != "ADD":
            raise fail(operator.name, f"is a {kind} of two computed values, which is not supported. {CONVERT}")
        return _then(reader, operator, reader.built.add(operator.name, "Add", [first, second]), fused)
    value = reader.value(operator, 0 if first else 1)
    numbers = reader.weights(operator, 1 if first else 0)
    if numbers.size > 1 and numbers.shape[-1] != numbers.size:
        raise fail(operator.name, f"works with numbers that differ from pixel to pixel. {CONVERT}")
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    if kind == "DIV" and not first:
        raise fail(operator.name, f"divides by what is computed, which is not supported. {CONVERT}")
    scale, offset = {
        "ADD": (one, numbers),
        "SUB": (one, -numbers) if first else (-one, numbers),
        "MUL": (numbers, zero),
        "DIV": (one / numbers, zero),
    }[kind]
    weights = per_channel(scale, offset, value.shape[-1], operator.name)
    made = reader.built.add(operator.name, "BatchNormalization", [value], NORM, weights)
    return _then(reader, operator, made, fused)


def _activation(name: str) -> Read:
    def read(reader: Reader, operator: Operator) -> Value:
        return reader.built.add(operator.name, "Activation", [reader.value(operator)], {"activation": name})

    return read


def _softmax(reader: Reader, operator: Operator) -> Value:
    value, beta = reader.value(operator), operator.table(schema.SoftmaxOptions).Beta()
    if beta != 1.0:
        value = reader.built.add(operator.name, "Rescaling", [value], {"scale": float(beta), "offset": 0.0})
    return reader.built.add(operator.name, "Activation", [value], {"activation": "softmax"})


def _leaky(reader: Reader, operator: Operator) -> Value:
    slope = float(operator.table(schema.LeakyReluOptions).Alpha())
    options = {"max_value": None, "negative_slope": slope, "threshold": 0.0}
    return reader.built.add(operator.name, "ReLU", [reader.value(operator)], options)


def _transpose(reader: Reader, operator: Operator) -> Value:
    order = reader.numbers(operator, 1)
    if not order or order[0] != 0:
        raise fail(operator.name, f"moves the digits' axis, which is not supported. {CONVERT}")
    return reader.built.add(operator.name, "Permute", [reader.value(operator)], {"dims": tuple(order[1:])})


def _concat(reader: Reader, operator: Operator) -> Value:
    table = operator.table(schema.ConcatenationOptions)
    values = [reader.value(operator, place) for place in range(len(operator.inputs))]
    axis = table.Axis() % (len(values[0].shape) + 1)
    if not axis:
        raise fail(operator.name, f"joins along the digits' axis, which is not supported. {CONVERT}")
    made = reader.built.add(operator.name, "Concatenate", values, {"axis": axis})
    return _then(reader, operator, made, table.FusedActivationFunction())


def _pad(reader: Reader, operator: Operator) -> Value:
    borders: Sequence[int] = reader.numbers(operator, 1)
    if len(borders) != 8 or any(borders[place] for place in (0, 1, 6, 7)):
        raise fail(operator.name, f"adds a border in another direction than height and width. {CONVERT}")
    padding = (tuple(borders[2:4]), tuple(borders[4:6]))
    return reader.built.add(operator.name, "ZeroPadding2D", [reader.value(operator)], {"padding": padding})


OPERATORS: dict[str, Read] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _conv,
    "FULLY_CONNECTED": _dense,
    "MAX_POOL_2D": _pool,
    "AVERAGE_POOL_2D": _pool,
    "MEAN": _mean,
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "EXPAND_DIMS": _reshape,
    "SOFTMAX": _softmax,
    "LOG_SOFTMAX": _activation("log_softmax"),
    "LOGISTIC": _activation("sigmoid"),
    "RELU": _activation("relu"),
    "RELU6": _activation("relu6"),
    "TANH": _activation("tanh"),
    "ELU": _activation("elu"),
    "LEAKY_RELU": _leaky,
    "TRANSPOSE": _transpose,
    "CONCATENATION": _concat,
    "PAD": _pad,
} | (
    dict.fromkeys(("SQUARE", "SUM", "SQRT", "GREATER", "SELECT", "SELECT_V2"), _unit_length)
    | dict.fromkeys(("ADD", "SUB", "MUL", "DIV"), _arithmetic)
)
"""What reads each operator; others are refused."""
