"""A network as plain data: layers of a few known kinds, their options and their weights, all of it checked.

The readers of files make one, `building` makes a Keras model of it. Nothing in it can be run, see `kinds`. No
TensorFlow here.
"""

import contextlib
import json
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec.errors import ModelError
from digitrec.recognition.digits import CLASSES, SIDE
from digitrec.registry.importing.kinds import KINDS, MOST_VALUES, Shape, Shapes, whole

Weights = tuple[NDArray[np.float32], ...]

MOST_LAYERS = 200
MOST_PARAMETERS = 20_000_000

INPUTS = ((SIDE, SIDE), (SIDE, SIDE, 1), (SIDE * SIDE,))
"""Shapes of the input that are accepted, without the axis of the digits."""


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


@contextlib.contextmanager
def damage_reported(sentence: str) -> Iterator[None]:
    """Turn whatever a damaged file has a decoder raise within into a sentence; decoders fail in many ways.

    Raises:
        ModelError: If anything is raised but that memory ran out.
    """
    try:
        yield
    except (ModelError, MemoryError):
        raise
    except Exception as error:
        raise ModelError(sentence) from error


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
        raise ModelError(f"A model may have 2 to {MOST_LAYERS} layers. Import a smaller one. Received: {len(layers)}")
    shapes: dict[str, Shape] = {}
    expected: dict[str, list[Shape]] = {}
    made, values, parameters = [], 0, 0
    for given in layers:
        layer, (shape, weights) = layer_shapes(given, shapes)
        values += math.prod(shape)
        parameters += sum(map(math.prod, weights))
        if values > MOST_VALUES or parameters > MOST_PARAMETERS:
            limit = f"{MOST_PARAMETERS:,} weights and {MOST_VALUES:,} numbers per digit"
            raise fail(layer.name, f"makes the model larger than {limit}. Import a smaller one.")
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
        raise fail(layer.name, f"({layer.kind}) {error}. Import a model whose layers fit together.") from error


def _checked_layer(layer: Layer, known: Mapping[str, Shape]) -> Layer:
    """Return a layer with its options in one form."""
    kind = KINDS.get(layer.kind)
    if kind is None:
        raise fail(
            layer.name, f"is of the kind {layer.kind[:60]!r}, which is not supported. Supported: {', '.join(KINDS)}."
        )
    if layer.name in known:
        raise fail(layer.name, "is there twice. Give each layer a name of its own.")
    low, high = kind.inputs
    if not low <= len(layer.inputs) <= high or any(name not in known for name in layer.inputs):
        raise fail(
            layer.name, "is not connected to the layers before it. Import a model that runs from input to output."
        )
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
        raise fail(loose[0], "is not connected to the output. Leave the layer out.")


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
        raise ModelError("This model cannot be read: its data are inconsistent. Save it again.") from error
    return checked(layers)
