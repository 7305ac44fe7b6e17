"""An ONNX file's graph, value by value; `onnx_files` knows its operators.

ONNX's maps are (channels, height, width), Keras's (height, width, channels). A value remembers in which of the two
orders its layer gives it, and axes are swapped only where a row of numbers is made of maps.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from digitrec.errors import ModelError
from digitrec.recognition.digits import SIDE
from digitrec.registry.importing.network import MOST_LAYERS, MOST_PARAMETERS, Network, checked, fail
from digitrec.registry.importing.values import Array, Builder, Value

CONVERT = "Export the model again without it."

Node = onnx.NodeProto
Operand = Value | Array
Read = Callable[["Reader", Node], Operand]
"""Reads one node."""

PLAIN = ((SIDE, SIDE), (SIDE, SIDE, 1), (SIDE * SIDE,))
CHANNELS_FIRST = (1, SIDE, SIDE)


class Reader:
    """One file's graph, read from its input to its output."""

    def __init__(self, graph: onnx.GraphProto, operators: Mapping[str, "Read"]) -> None:
        if len(graph.node) > 4 * MOST_LAYERS:
            raise ModelError(f"This model has {len(graph.node):,} operators; {4 * MOST_LAYERS} are the most.")
        self.graph, self.operators = graph, operators
        self.built = Builder()
        self.known: dict[str, Operand] = {each.name: constant(each) for each in graph.initializer}
        inputs = [each for each in graph.input if each.name not in self.known]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise ModelError(
                "A model must have one input and one output. Import one with a single input and output. "
                f"Received: {len(inputs)} and {len(graph.output)}"
            )
        sides = [dim.dim_value for dim in inputs[0].type.tensor_type.shape.dim][1:]
        shape = tuple(sides)
        if shape not in (*PLAIN, CHANNELS_FIRST):
            received = " x ".join(map(str, shape)) or "nothing"
            raise ModelError(
                f"The input must be 28 x 28, 28 x 28 x 1, 1 x 28 x 28 or 784 numbers. Received: {received}"
            )
        first = shape == CHANNELS_FIRST
        self.known[inputs[0].name] = self.built.add(
            "input", "InputLayer", (), {"shape": (SIDE, SIDE, 1) if first else shape}, channels_last=first
        )

    def network(self) -> Network:
        """Return the network."""
        for node in self.graph.node:
            if node.domain not in ("", "ai.onnx"):
                raise fail(
                    node_name(node), f"is an operator of {node.domain[:40]!r}, which is not supported. {CONVERT}"
                )
            read = self.operators.get(node.op_type)
            if read is None:
                known = ", ".join(sorted(self.operators))
                raise fail(node_name(node), f"is a {node.op_type[:40]}, which is not supported. Supported: {known}.")
            if len(node.output) != 1 and node.op_type not in ("Dropout", "MaxPool", "BatchNormalization"):
                raise fail(node_name(node), f"({node.op_type}) has {len(node.output)} outputs. {CONVERT}")
            self.known[node.output[0]] = read(self, node)
        end = self.known.get(self.graph.output[0].name)
        if not isinstance(end, Value):
            raise ModelError("The output of this model does not depend on its input. Export it again.")
        needed = _needed(self.built, end.layer)
        return checked([layer for layer in self.built.layers if layer.name in needed and layer.name != end.layer]
                       + [layer for layer in self.built.layers if layer.name == end.layer])  # fmt: skip

    def value(self, node: Node, place: int = 0) -> Value:
        """Return an input of a node that is computed."""
        found = self.known.get(node.input[place]) if place < len(node.input) else None
        if not isinstance(found, Value):
            raise fail(node_name(node), f"({node.op_type}) has no computed input. {CONVERT}")
        return found

    def array(self, node: Node, place: int) -> Array:
        """Return an input of a node that is a constant."""
        found = self.known.get(node.input[place]) if place < len(node.input) else None
        if not isinstance(found, np.ndarray):
            raise fail(node_name(node), f"({node.op_type}) needs weights that are constants. {CONVERT}")
        return found

    def has(self, node: Node, place: int) -> bool:
        """Return whether a node has this input."""
        return place < len(node.input) and bool(node.input[place])

    def as_filed(self, node: Node, value: Value) -> Value:
        """Return a value in the order of axes that the file means: maps as (channels, height, width)."""
        if not value.channels_last:
            return value
        return self.built.add(node_name(node), "Permute", [value], {"dims": (3, 1, 2)})

    def maps(self, node: Node) -> Value:
        """Return maps as (height, width, channels)."""
        value = self.value(node)
        if len(value.shape) != 3:
            raise fail(node_name(node), f"({node.op_type}) needs maps: channels, height, width. {CONVERT}")
        if value.channels_last:
            return value
        return self.built.add(node_name(node), "Permute", [value], {"dims": (2, 3, 1)}, channels_last=True)


def _needed(built: Builder, end: str) -> set[str]:
    """Return the layers that one depends on, and itself."""
    by_name = {layer.name: layer for layer in built.layers}
    found, waiting = set(), [end]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += by_name[name].inputs
    return found


def node_name(node: Node) -> str:
    """Return what sentences call a node."""
    return (node.name or node.output[0])[:120] or node.op_type


def constant(tensor: onnx.TensorProto) -> Array:
    """Return a constant; one whose numbers lie in another file, or that are too many, is refused."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise fail(tensor.name, "keeps its weights in another file. Export the model as one file.")
    sides = list(tensor.dims)
    if len(sides) > 6 or any(side < 0 for side in sides) or int(np.prod(sides, dtype=object)) > MOST_PARAMETERS:
        raise fail(tensor.name, f"holds more than {MOST_PARAMETERS:,} numbers. Import a smaller model.")
    kinds = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.INT32,
             onnx.TensorProto.INT64, onnx.TensorProto.BOOL)  # fmt: skip
    if tensor.data_type not in kinds:
        raise fail(tensor.name, "holds numbers of a kind that is not read, such as int8. Export it as float32.")
    return np.asarray(numpy_helper.to_array(tensor))


def attributes(node: Node) -> dict[str, Any]:
    """Return a node's attributes, by name."""
    return {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
