"""An imported network, as a recipe where one describes exactly this network, so that it can be taught."""

from collections.abc import Sequence
from typing import Any

from digitrec.errors import RecipeError
from digitrec.recognition.digits import CLASSES
from digitrec.registry.importing.network import Layer, Network
from digitrec.registry.importing.scalings import Way
from digitrec.training.recipe import ACTIVATIONS, SCALINGS, ConvBlock, Recipe


def recipe_of(found: Network, way: Way) -> Recipe | None:
    """Return the recipe whose network this is, weight by weight in the same order; None where there is none.

    Only what the network is comes from the file: how it was trained is not known, and stands at its defaults.

    Args:
        found: The network, which gives ten logits.
        way: How its input is scaled.
    """
    if way.dark_ink or way.scaling not in SCALINGS:
        return None
    layers, sides = list(found.layers[1:]), found.shapes
    in_a_row = all(layer.inputs == (before.name,) for before, layer in zip(found.layers, layers, strict=False))
    layers = [layer for layer in layers if layer.kind not in ("Flatten", "Reshape")]
    convolutions = sum(layer.kind in ("Conv2D", "MaxPooling2D") for layer in layers)
    dense = layers[convolutions:]
    if not in_a_row or not dense or any(layer.kind != "Dense" or not layer.options["use_bias"] for layer in dense):
        return None
    last = dense[-1].options
    active = {layer.options["activation"] for layer in layers[:-1] if layer.kind != "MaxPooling2D"}
    if last["units"] != CLASSES or last["activation"] != "linear" or len(active) != 1 or not active <= {*ACTIVATIONS}:
        return None
    try:
        return Recipe(
            "imported",
            kind="cnn" if convolutions else "mlp",
            blocks=tuple(_blocks(layers[:convolutions], sides)),
            hidden=tuple(layer.options["units"] for layer in dense[:-1]),
            activation=active.pop(),
            scaling=way.scaling,
        )
    except (RecipeError, ValueError):
        return None


def _blocks(layers: Sequence[Layer], sides: Any) -> list[ConvBlock]:
    """Return convolutions, each with the pooling after it, as blocks.

    Raises:
        ValueError: If no blocks describe them.
    """
    blocks: list[ConvBlock] = []
    for place, layer in enumerate(layers):
        options = layer.options
        if layer.kind == "MaxPooling2D":
            before, (pool, other) = sides[layer.inputs[0]], options["pool_size"]
            fits = pool == other and options["strides"] in (None, (pool, pool))
            if not fits or not place or layers[place - 1].kind != "Conv2D":
                raise ValueError("another pooling")
            if options["padding"] == "same" and (before[0] % pool or before[1] % pool):
                raise ValueError("pools over the border")
            continue
        (kernel, other), (stride, across) = options["kernel_size"], options["strides"]
        if kernel != other or stride != across or options["dilation_rate"] != (1, 1):
            raise ValueError("another convolution")
        after = layers[place + 1] if place + 1 < len(layers) else None
        pool = after.options["pool_size"][0] if after is not None and after.kind == "MaxPooling2D" else 1
        blocks.append(
            ConvBlock(options["filters"], kernel, pool, False, options["padding"], stride, options["use_bias"])
        )
    return blocks
