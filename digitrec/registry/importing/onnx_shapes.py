"""ONNX's operators that compute a shape, as exporters write them before a reshape. They are computed while reading."""

import numpy as np

from digitrec.registry.importing.network import fail
from digitrec.registry.importing.onnx_graph import CONVERT, Node, Reader, node_name
from digitrec.registry.importing.values import Array


def size(reader: Reader, node: Node) -> Array:
    """Read `Shape`: the length of the digits' axis is open, and written as -1."""
    value = reader.value(node)
    shape = value.shape
    if value.channels_last:
        shape = (shape[2], *shape[:2])
    return np.array([-1, *shape], np.int64)


def part_of_size(reader: Reader, node: Node) -> Array:
    """Read `Gather` and `Slice`, of a shape only."""
    found = sizes(reader, node)
    if node.op_type == "Gather":
        return np.asarray(found[reader.array(node, 1).astype(np.int64)])
    start, end = (int(reader.array(node, place).reshape(-1)[0]) for place in (1, 2))
    return found[start:end]


def sizes(reader: Reader, node: Node, place: int = 0) -> Array:
    """Return an input of a node that is a shape: at most eight whole numbers.

    Raises:
        ModelError: If it is anything else.
    """
    found = np.atleast_1d(reader.array(node, place))
    if found.dtype.kind != "i" or found.ndim != 1 or found.size > 8:
        raise fail(node_name(node), f"({node.op_type}) computes with more than a shape. {CONVERT}")
    return found
