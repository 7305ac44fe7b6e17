"""What the readers of ONNX and LiteRT files share: a graph of operators becomes layers, one value after another."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec.registry.importing.kinds import Shape
from digitrec.registry.importing.network import MOST_LAYERS, Layer, Weights, fail, layer_shapes

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Value:
    """What an operator computes.

    Attributes:
        layer: The layer that computes it.
        shape: Its shape, without the axis of the digits.
        channels_last: Only with ONNX, for maps: whether the layer gives (height, width, channels) where the file says
            (channels, height, width).
    """

    layer: str
    shape: Shape
    channels_last: bool = False


@dataclass
class Builder:
    """Layers that grow operator by operator; each is checked as soon as it is added.

    Attributes:
        layers: Those that were added.
    """

    layers: list[Layer] = field(default_factory=list)
    _shapes: dict[str, Shape] = field(default_factory=dict)

    def add(
        self,
        name: str,
        kind: str,
        inputs: Sequence[Value],
        options: Mapping[str, Any] | None = None,
        weights: Weights = (),
        channels_last: bool = False,
    ) -> Value:
        """Add a layer and return what it computes.

        Args:
            name: The operator's, for sentences; a number is added where it is taken.
            kind: A key of `network.KINDS`.
            inputs: What it is given.
            options: All options of the kind.
            weights: In Keras's layout.
            channels_last: See `Value`.

        Raises:
            ModelError: If the layer is not accepted.
        """
        unique, number = name, 1
        while unique in self._shapes:
            number += 1
            unique = f"{name} ({number})"
        if len(self.layers) >= MOST_LAYERS:
            raise fail(name, f"comes after {MOST_LAYERS} others; a model may have no more. Import a smaller one.")
        layer = Layer(unique, kind, tuple(value.layer for value in inputs), dict(options or {}), weights)
        self._shapes[unique] = layer_shapes(layer, self._shapes)[1][0]
        self.layers.append(layer)
        return Value(unique, self._shapes[unique], channels_last)

    def replace_last(self, **changes: Any) -> None:
        """Change the layer that was added last; its name and shape stay."""
        self.layers[-1] = dataclasses.replace(self.layers[-1], **changes)


def per_channel(scale: Array, offset: Array, count: int, name: str) -> Weights:
    """Return the weights of a batch normalisation that multiplies and adds: gamma, beta, mean 0, variance 1.

    Args:
        scale: What each channel is multiplied by; one number, or one per channel.
        offset: What is added then.
        count: The channels.
        name: The operator's.
    """
    arrays = []
    for array in (scale, offset):
        flat = np.asarray(array, np.float32).reshape(-1)
        if flat.size not in (1, count):
            raise fail(name, f"works with {flat.size} numbers where one, or {count}, are needed. Export it again.")
        arrays.append(np.broadcast_to(flat, (count,)))
    return (*arrays, np.zeros(count, np.float32), np.ones(count, np.float32))


NORM = {"axis": -1, "epsilon": 0.0, "scale": True, "center": True}
"""Options of the batch normalisation of `per_channel`."""


def same_borders(
    sides: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> list[int]:
    """Return how many pixels `same` adds: top, left, bottom, right."""
    before, after = [], []
    for side, size, stride, apart in zip(sides, kernel, strides, dilation, strict=True):
        total = max(0, (-(-side // stride) - 1) * stride + (size - 1) * apart + 1 - side)
        before.append(total // 2)
        after.append(total - total // 2)
    return [*before, *after]
