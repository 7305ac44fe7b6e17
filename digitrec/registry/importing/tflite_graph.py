"""A `.tflite` file's graph, tensor by tensor; `tflite_files` knows its operators.

Weights may be float32, float16 or int8; int8 ones are read as the numbers that they stand for. A file whose input is
int8 as well is refused: what it computes are whole numbers, which no layer of Keras computes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from digitrec.errors import ModelError
from digitrec.registry.importing.network import INPUTS, MOST_LAYERS, MOST_PARAMETERS, Network, checked, fail
from digitrec.registry.importing.unit_length import Part
from digitrec.registry.importing.values import Array, Builder, Value

CONVERT = "Convert the model again without it."
WHOLE = (
    "This .tflite file computes with whole numbers (int8) from its input on, which is not supported. Convert the "
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

SIZES = ("SHAPE", "STRIDED_SLICE", "PACK", "GATHER", "REDUCE_PROD")
"""Operators that compute the shape of a reshape; that shape stands in the file as well."""


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


class Reader:
    """One file's graph, read from its input to its output."""

    def __init__(self, model: Any, known: Mapping[str, "Read"]) -> None:
        self.model, self.graph, self.read_by = model, model.Subgraphs(0), known
        counts = self.graph.OperatorsLength(), self.graph.TensorsLength(), model.BuffersLength()
        if max(counts) > 20 * MOST_LAYERS or counts[0] > 2 * MOST_LAYERS:
            raise ModelError(
                f"This model has {counts[0]:,} operators; {2 * MOST_LAYERS} are the most. Import a smaller one."
            )
        ends = self._ends()
        if self.graph.InputsLength() != 1 or len(ends) != 1:
            received = f"{self.graph.InputsLength()} and {len(ends)}"
            raise ModelError(
                f"A model must have one input and one output. Import one with a single of each. Received: {received}"
            )
        self.built = Builder()
        self.end, place = ends[0], int(self.graph.Inputs(0))
        shape = self.shape(place)
        if self.tensor(place).Type() in (schema.TensorType.INT8, schema.TensorType.UINT8):
            raise ModelError(WHOLE)
        if shape not in INPUTS or self.tensor(place).Type() != schema.TensorType.FLOAT32:
            received = " x ".join(map(str, shape)) or "nothing"
            raise ModelError(f"The input must be 28 x 28, 28 x 28 x 1 or 784 numbers, float32. Received: {received}")
        self.known: dict[int, Value | Part] = {place: self.built.add("input", "InputLayer", (), {"shape": shape})}
        self.constants: dict[int, Array] = {}

    def _ends(self) -> list[int]:
        """Return its outputs; those of layers in between, which this app's own files have, are left out."""
        outputs = [int(self.graph.Outputs(place)) for place in range(self.graph.OutputsLength())]
        if len(outputs) < 2:
            return outputs
        all_ = (self.graph.Operators(place) for place in range(self.graph.OperatorsLength()))
        given = {int(each.Inputs(place)) for each in all_ for place in range(min(16, each.InputsLength()))}
        return [place for place in outputs if place not in given]

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
            if operator.kind == "BROADCAST_TO" and operator.inputs[0] not in self.known:
                self.constants[operator.output] = self.constant(operator.inputs[0], operator)  # one number, repeated
                continue
            read = self.read_by.get(operator.kind)
            if operator.kind in ("QUANTIZE", "DEQUANTIZE"):
                raise ModelError(WHOLE)
            if read is None:
                known = ", ".join(sorted(self.read_by))
                raise fail(operator.name, f"is a {operator.kind}, which is not supported. Supported: {known}.")
            if any(place in sizes for place in operator.inputs) and operator.kind != "RESHAPE":
                raise fail(operator.name, f"computes with the size of its input, which is not supported. {CONVERT}")
            made = read(self, operator)
            if isinstance(made, Value) and self.shape(operator.output) != made.shape:
                raise fail(operator.name, "says another shape than it computes. Convert the model again.")
            self.known[operator.output] = made
        end = self.known.get(self.end)
        if not isinstance(end, Value):
            raise ModelError("The output of this model does not depend on its input. Convert it again.")
        others = [layer for layer in self.built.layers if layer.name != end.layer]
        return checked([*others, *(layer for layer in self.built.layers if layer.name == end.layer)])

    def value(self, operator: Operator, place: int = 0) -> Value:
        """Return an input that is computed."""
        found = self.known.get(operator.inputs[place]) if place < len(operator.inputs) else None
        if not isinstance(found, Value):
            raise fail(operator.name, f"({operator.kind}) has no computed input. {CONVERT}")
        return found

    def operand(self, operator: Operator, place: int) -> Value | Part | Array:
        """Return an input, computed or constant."""
        return self.known.get(operator.inputs[place]) or self.constant(operator.inputs[place], operator)

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
            raise fail(operator.name, f"has more than {MOST_PARAMETERS:,} weights. Import a smaller model.")
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


Read = Callable[[Reader, Operator], Value | Part]
"""Reads one operator."""
