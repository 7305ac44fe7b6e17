"""LiteRT's files (`.tflite`): operators of a list become layers. The graph is read as a table, never run.

Weights may be float32, float16 or int8; int8 ones are read as the numbers that they stand for. A file whose input is
int8 as well is refused: what it computes are whole numbers, which no layer of Keras computes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from digitrec.errors import ModelError
from digitrec.registry.importing.network import INPUTS, MOST_LAYERS, MOST_PARAMETERS, Network, checked, fail
from digitrec.registry.importing.values import NORM, Array, Builder, Value, per_channel

DAMAGED = "This .tflite file is damaged. Convert the model again."
CONVERT = "Convert the model again without it."
WHOLE = (
    "This .tflite file computes with whole numbers (int8) from its input on, which is not built here. Convert the "
    "model again with float32 inputs: without `inference_input_type`, and without a representative data set."
)

_TYPES: dict[int, Any] = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
}
_NAMES = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
_FUSED = {0: "linear", 1: "relu", 3: "relu6", 4: "tanh"}

SIZES = ("SHAPE", "STRIDED_SLICE", "PACK", "GATHER", "REDUCE_PROD")
"""Operators that compute the shape of a reshape; that shape stands in the file as well."""


def read(data: bytes) -> Network:
    """Return the network in a `.tflite` file.

    Raises:
        ModelError: If it is damaged, or holds what is not built here.
    """
    try:
        model = schema.Model.GetRootAsModel(data, 0)
        if model.SubgraphsLength() != 1:
            raise ModelError(f"A .tflite file must hold one graph. {CONVERT} Received: {model.SubgraphsLength()}")
        return _Reader(model).network()
    except ModelError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # flatbuffers and NumPy fail in many ways
        raise ModelError(DAMAGED) from error


@dataclass(frozen=True, eq=False)
class Operator:
    """One operator of the graph.

    Attributes:
        kind: Its name, such as `CONV_2D`.
        name: That of its output, for sentences.
        inputs: Numbers of its tensors; -1 where one is left out.
        output: Number of its output.
        options: Its table of options; None where it has none.
    """

    kind: str
    name: str
    inputs: tuple[int, ...]
    output: int
    options: Any

    def table(self, kind: Any) -> Any:
        """Return its options as a table of this kind."""
        made = kind()
        made.Init(self.options.Bytes, self.options.Pos)
        return made


class _Reader:
    """One file's graph, read from its input to its output."""

    def __init__(self, model: Any) -> None:
        self.model, self.graph = model, model.Subgraphs(0)
        counts = self.graph.OperatorsLength(), self.graph.TensorsLength(), model.BuffersLength()
        if max(counts) > 20 * MOST_LAYERS or counts[0] > 2 * MOST_LAYERS:
            raise ModelError(f"This model has {counts[0]:,} operators; {2 * MOST_LAYERS} are the most. Bring a smaller one.")
        if self.graph.InputsLength() != 1 or self.graph.OutputsLength() != 1:
            received = f"{self.graph.InputsLength()} and {self.graph.OutputsLength()}"
            raise ModelError(
                f"A model must have one input and one output. Bring one with a single input and output. Received: {received}"
            )
        self.built = Builder()
        place = int(self.graph.Inputs(0))
        shape = self.shape(place)
        if self.tensor(place).Type() in (schema.TensorType.INT8, schema.TensorType.UINT8):
            raise ModelError(WHOLE)
        if shape not in INPUTS or self.tensor(place).Type() != schema.TensorType.FLOAT32:
            received = " x ".join(map(str, shape)) or "nothing"
            raise ModelError(f"The input must be 28 x 28, 28 x 28 x 1 or 784 numbers, float32. Received: {received}")
        self.known: dict[int, Value] = {place: self.built.add("input", "InputLayer", (), {"shape": shape})}
        self.constants: dict[int, Array] = {}

    def tensor(self, place: int) -> Any:
        """Return a tensor's table."""
        if not 0 <= place < self.graph.TensorsLength():
            raise ValueError("no such tensor")
        return self.graph.Tensors(place)

    def shape(self, place: int) -> tuple[int, ...]:
        """Return a tensor's shape, without the axis of the digits."""
        tensor = self.tensor(place)
        if not 0 <= tensor.ShapeLength() <= 6:
            raise ValueError("too many axes")
        return tuple(int(tensor.Shape(axis)) for axis in range(1, tensor.ShapeLength()))

    def operators(self) -> list[Operator]:
        """Return the operators, in order."""
        return [self._operator(self.graph.Operators(place)) for place in range(self.graph.OperatorsLength())]

    def _operator(self, found: Any) -> Operator:
        code = self.model.OperatorCodes(found.OpcodeIndex())
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        kind = _NAMES.get(number, f"operator {number}")
        if kind == "CUSTOM":
            kind = (code.CustomCode() or b"CUSTOM").decode(errors="replace")[:40]
        if found.OutputsLength() != 1 or not 1 <= found.InputsLength() <= 16:
            raise fail(kind, f"has {found.OutputsLength()} outputs, and one is read. {CONVERT}")
        output = int(found.Outputs(0))
        name = (self.tensor(output).Name() or b"").decode(errors="replace").rpartition(";")[2][:120]
        inputs = tuple(int(found.Inputs(place)) for place in range(found.InputsLength()))
        return Operator(kind, name or kind, inputs, output, found.BuiltinOptions())

    def network(self) -> Network:
        """Return the network."""
        sizes: set[int] = set()
        for operator in self.operators():
            if operator.kind in SIZES:
                sizes.add(operator.output)
                continue
            if operator.kind == "DEQUANTIZE" and operator.inputs[0] not in self.known:
                self.constants[operator.output] = self.constant(operator.inputs[0], operator)
                continue
            read = OPERATORS.get(operator.kind)
            if operator.kind in ("QUANTIZE", "DEQUANTIZE"):
                raise ModelError(WHOLE)
            if read is None:
                known = ", ".join(sorted(OPERATORS))
                raise fail(operator.name, f"is a {operator.kind}, which is not built here. Use: {known}.")
            if any(place in sizes for place in operator.inputs) and operator.kind != "RESHAPE":
                raise fail(operator.name, f"computes with the size of its input, which is not built here. {CONVERT}")
            made = read(self, operator)
            if self.shape(operator.output) != made.shape:
                raise fail(operator.name, "says another shape than it computes. Convert the model again.")
            self.known[operator.output] = made
        end = self.known.get(int(self.graph.Outputs(0)))
        if end is None:
            raise ModelError("The output of this model does not depend on its input. Convert it again.")
        others = [layer for layer in self.built.layers if layer.name != end.layer]
        return checked([*others, *(layer for layer in self.built.layers if layer.name == end.layer)])

    def value(self, operator: Operator, place: int = 0) -> Value:
        """Return an input that is computed."""
        found = self.known.get(operator.inputs[place]) if place < len(operator.inputs) else None
        if found is None:
            raise fail(operator.name, f"({operator.kind}) is given nothing that is computed. {CONVERT}")
        return found

    def weights(self, operator: Operator, place: int) -> NDArray[np.float32]:
        """Return an input that is a constant, as the numbers that it stands for."""
        return np.asarray(self.constant(operator.inputs[place], operator), np.float32)

    def numbers(self, operator: Operator, place: int) -> list[int]:
        """Return an input that is a few whole numbers."""
        found = self.constant(operator.inputs[place], operator)
        if found.dtype.kind != "i" or found.size > 16:
            raise fail(operator.name, f"({operator.kind}) needs a few whole numbers. {CONVERT}")
        return [int(value) for value in found.reshape(-1)]

    def has(self, operator: Operator, place: int) -> bool:
        """Return whether an operator has this input."""
        return place < len(operator.inputs) and operator.inputs[place] >= 0

    def constant(self, place: int, operator: Operator) -> Array:
        """Return a constant tensor's array, dequantized."""
        if place in self.constants:
            return self.constants[place]
        tensor = self.tensor(place)
        kind = _TYPES.get(tensor.Type())
        if kind is None or tensor.Sparsity() is not None or tensor.ShapeLength() > 6:
            raise fail(operator.name, f"has weights of a kind that is not read. {CONVERT}")
        sides = [int(tensor.Shape(axis)) for axis in range(tensor.ShapeLength())]
        if any(side < 0 for side in sides) or int(np.prod(sides, dtype=object)) > MOST_PARAMETERS:
            raise fail(operator.name, f"has more than {MOST_PARAMETERS:,} weights. Bring a smaller model.")
        if not 0 <= tensor.Buffer() < self.model.BuffersLength():
            raise ValueError("no such buffer")
        raw = self.model.Buffers(tensor.Buffer()).DataAsNumpy()
        content = raw.tobytes() if isinstance(raw, np.ndarray) else b""
        count = int(np.prod(sides, dtype=object))
        if len(content) != count * np.dtype(kind).itemsize:
            raise fail(operator.name, "is given fewer weights than it needs. Convert the model again.")
        found = np.frombuffer(content, kind).reshape(sides)
        return _dequantized(found, tensor.Quantization(), operator) if kind is np.int8 else found


def _dequantized(found: Array, scheme: Any, operator: Operator) -> Array:
    """Return int8 weights as the numbers that they stand for."""
    count = scheme.ScaleLength() if scheme is not None else 0
    axis = scheme.QuantizedDimension() if scheme is not None else 0
    if not 0 < count <= 65536 or not (count == 1 or (0 <= axis < found.ndim and found.shape[axis] == count)):
        raise fail(operator.name, "has int8 weights without a scale. Convert the model again.")
    sides = [1] * found.ndim
    if count > 1:
        sides[axis] = count
    scale = scheme.ScaleAsNumpy().astype(np.float32).reshape(sides if found.ndim else ())
    zero = np.zeros(1, np.float32)
    if scheme.ZeroPointLength() == count:
        zero = scheme.ZeroPointAsNumpy().astype(np.float32).reshape(sides if found.ndim else ())
    return np.asarray((found.astype(np.float32) - zero) * scale, np.float32)


def _fused(reader: _Reader, operator: Operator, number: int) -> str:
    if number not in _FUSED:
        raise fail(operator.name, f"has an activation that is not built here. {CONVERT}")
    return _FUSED[number]


def _then(reader: _Reader, operator: Operator, value: Value, number: int) -> Value:
    """Return a value after the activation that an operator ends with."""
    activation = _fused(reader, operator, number)
    return value if activation == "linear" else reader.built.add(operator.name, "Activation", [value], {"activation": activation})  # fmt: skip  # noqa: E501


def _padding(number: int) -> str:
    return {0: "same", 1: "valid"}[number]


def _conv(reader: _Reader, operator: Operator) -> Value:
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


def _dense(reader: _Reader, operator: Operator) -> Value:
    table = operator.table(schema.FullyConnectedOptions)
    value, kernel = reader.value(operator), reader.weights(operator, 1)
    if kernel.ndim != 2 or table.WeightsFormat() or table.KeepNumDims():
        raise fail(operator.name, f"multiplies in a way that is not built here. {CONVERT}")
    if len(value.shape) > 1:
        value = reader.built.add(operator.name, "Flatten", [value])
    bias = [reader.weights(operator, 2)] if reader.has(operator, 2) else []
    options = {
        "units": kernel.shape[0],
        "use_bias": bool(bias),
        "activation": _fused(reader, operator, table.FusedActivationFunction()),
    }
    return reader.built.add(operator.name, "Dense", [value], options, (kernel.T, *bias))


def _pool(reader: _Reader, operator: Operator) -> Value:
    table = operator.table(schema.Pool2DOptions)
    kind = "MaxPooling2D" if operator.kind == "MAX_POOL_2D" else "AveragePooling2D"
    options = {
        "pool_size": (table.FilterHeight(), table.FilterWidth()),
        "strides": (table.StrideH(), table.StrideW()),
        "padding": _padding(table.Padding()),
    }
    value = reader.built.add(operator.name, kind, [reader.value(operator)], options)
    return _then(reader, operator, value, table.FusedActivationFunction())


def _mean(reader: _Reader, operator: Operator) -> Value:
    value = reader.value(operator)
    if {axis % 4 for axis in reader.numbers(operator, 1)} != {1, 2} or len(value.shape) != 3:
        raise fail(operator.name, f"is a mean over other axes than height and width. {CONVERT}")
    keep = bool(operator.table(schema.ReducerOptions).KeepDims())
    return reader.built.add(operator.name, "GlobalAveragePooling2D", [value], {"keepdims": keep})


def _reshape(reader: _Reader, operator: Operator) -> Value:
    """Read what gives the numbers another shape; it stands in the file as that of the output."""
    return reader.built.add(
        operator.name, "Reshape", [reader.value(operator)], {"target_shape": reader.shape(operator.output)}
    )


def _arithmetic(reader: _Reader, operator: Operator) -> Value:
    """Read `ADD`, `SUB`, `MUL`, `DIV`: of two values, which are added, or of a value and a constant per channel."""
    kind = operator.kind
    tables = {"ADD": schema.AddOptions, "SUB": schema.SubOptions, "MUL": schema.MulOptions, "DIV": schema.DivOptions}
    fused = operator.table(tables[kind]).FusedActivationFunction() if operator.options else 0
    first, second = (reader.known.get(place) for place in operator.inputs)
    if first and second:
        if kind != "ADD":
            raise fail(operator.name, f"is a {kind} of two computed values, which is not built here. {CONVERT}")
        return _then(reader, operator, reader.built.add(operator.name, "Add", [first, second]), fused)
    value = reader.value(operator, 0 if first else 1)
    numbers = reader.weights(operator, 1 if first else 0)
    if numbers.size > 1 and numbers.shape[-1] != numbers.size:
        raise fail(operator.name, f"works with numbers that differ from pixel to pixel. {CONVERT}")
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    if kind == "DIV" and not first:
        raise fail(operator.name, f"divides by what is computed, which is not built here. {CONVERT}")
    scale, offset = {
        "ADD": (one, numbers),
        "SUB": (one, -numbers) if first else (-one, numbers),
        "MUL": (numbers, zero),
        "DIV": (one / numbers, zero),
    }[kind]
    weights = per_channel(scale, offset, value.shape[-1], operator.name)
    made = reader.built.add(operator.name, "BatchNormalization", [value], NORM, weights)
    return _then(reader, operator, made, fused)


def _activation(name: str) -> "Read":
    def read(reader: _Reader, operator: Operator) -> Value:
        return reader.built.add(operator.name, "Activation", [reader.value(operator)], {"activation": name})

    return read


def _softmax(reader: _Reader, operator: Operator) -> Value:
    value, beta = reader.value(operator), operator.table(schema.SoftmaxOptions).Beta()
    if beta != 1.0:
        value = reader.built.add(operator.name, "Rescaling", [value], {"scale": float(beta), "offset": 0.0})
    return reader.built.add(operator.name, "Activation", [value], {"activation": "softmax"})


def _leaky(reader: _Reader, operator: Operator) -> Value:
    slope = float(operator.table(schema.LeakyReluOptions).Alpha())
    options = {"max_value": None, "negative_slope": slope, "threshold": 0.0}
    return reader.built.add(operator.name, "ReLU", [reader.value(operator)], options)


def _transpose(reader: _Reader, operator: Operator) -> Value:
    order = reader.numbers(operator, 1)
    if not order or order[0] != 0:
        raise fail(operator.name, f"moves the digits' axis, which is not built here. {CONVERT}")
    return reader.built.add(operator.name, "Permute", [reader.value(operator)], {"dims": tuple(order[1:])})


def _concat(reader: _Reader, operator: Operator) -> Value:
    table = operator.table(schema.ConcatenationOptions)
    values = [reader.value(operator, place) for place in range(len(operator.inputs))]
    axis = table.Axis() % (len(values[0].shape) + 1)
    if not axis:
        raise fail(operator.name, f"joins along the digits' axis, which is not built here. {CONVERT}")
    made = reader.built.add(operator.name, "Concatenate", values, {"axis": axis})
    return _then(reader, operator, made, table.FusedActivationFunction())


def _pad(reader: _Reader, operator: Operator) -> Value:
    borders: Sequence[int] = reader.numbers(operator, 1)
    if len(borders) != 8 or any(borders[place] for place in (0, 1, 6, 7)):
        raise fail(operator.name, f"adds a border in another direction than height and width. {CONVERT}")
    padding = (tuple(borders[2:4]), tuple(borders[4:6]))
    return reader.built.add(operator.name, "ZeroPadding2D", [reader.value(operator)], {"padding": padding})


Read = Callable[[_Reader, Operator], Value]

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
} | dict.fromkeys(("ADD", "SUB", "MUL", "DIV"), _arithmetic)
"""What reads each operator; others are refused."""
