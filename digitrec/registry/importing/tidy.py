"""A network as it was saved -> one whose last layer gives ten logits, and whose layers end with their activations."""

from dataclasses import dataclass, replace

import numpy as np

from digitrec.recognition.digits import CLASSES
from digitrec.registry.importing.network import Layer, Network, checked

PROBABILITIES, SIGMOIDS, LOGITS = "probabilities", "sigmoids", "logits"

_ENDINGS = {"softmax": PROBABILITIES, "log_softmax": PROBABILITIES, "sigmoid": SIGMOIDS}
_WITH_ACTIVATION = ("Dense", "Conv2D", "DepthwiseConv2D", "SeparableConv2D")


@dataclass(frozen=True, eq=False)
class Tidied:
    """A network that gives ten logits.

    Attributes:
        network: The network.
        outputs: What the file's own network gives: `probabilities`, `sigmoids` or `logits`.
        classes: How many it has: ten, or eleven, the last of which is for non-digits.
    """

    network: Network
    outputs: str
    classes: int


def tidied(found: Network) -> Tidied:
    """Return a network without the softmax or the sigmoid at its end.

    Where it tells eleven classes apart, the eleventh logit is subtracted from the others: their sum of exponentials
    is then the odds of being a digit.
    """
    layers = _fused(list(found.layers))
    last = layers[-1]
    ending = "linear"
    if last.kind == "Softmax":
        ending, layers = "softmax", layers[:-1]
    elif last.kind == "Activation":
        ending, layers = last.options["activation"], layers[:-1] if last.options["activation"] in _ENDINGS else layers
    elif last.kind in _WITH_ACTIVATION and last.options["activation"] in _ENDINGS:
        ending = last.options["activation"]
        layers[-1] = replace(last, options={**last.options, "activation": "linear"})
    classes = found.shapes[found.layers[-1].name][0]
    if classes > CLASSES:
        kernel = np.concatenate([np.eye(CLASSES, dtype=np.float32), -np.ones((1, CLASSES), np.float32)])
        options = {"units": CLASSES, "activation": "linear", "use_bias": False}
        layers.append(Layer("ten of eleven", "Dense", (layers[-1].name,), options, (kernel,)))
    return Tidied(checked(layers), _ENDINGS.get(ending, LOGITS), classes)


def _fused(layers: list[Layer]) -> list[Layer]:
    """Give layers the activation that follows them, where nothing else is given what they compute."""
    users = [name for layer in layers for name in layer.inputs]
    by_name = {layer.name: layer for layer in layers}
    gone: dict[str, str] = {}  # an activation -> the layer that it became part of
    for layer in layers:
        if layer.kind != "Activation" or layer.options["activation"] in _ENDINGS:
            continue
        before = by_name[layer.inputs[0]]
        fits = before.kind in _WITH_ACTIVATION and before.options["activation"] == "linear"
        if fits and users.count(before.name) == 1:
            by_name[before.name] = replace(before, options={**before.options, **layer.options})
            gone[layer.name] = before.name
    kept = [by_name[layer.name] for layer in layers if layer.name not in gone]
    return [replace(layer, inputs=tuple(gone.get(name, name) for name in layer.inputs)) for layer in kept]
