"""Keras's description of a model, as JSON -> layers without their weights. Sequential and functional, Keras 2 and 3.

Only what is named here is taken from it: classes of a list, and of each class the options that decide what it
computes. What trains or starts a layer (initializers, regularizers, constraints) is left aside; what would change
what it computes and is not known is refused.
"""

import graphlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from digitrec.errors import ModelError
from digitrec.registry.importing.kinds import ACTIVATIONS, KINDS
from digitrec.registry.importing.network import Layer, fail
from digitrec.registry.importing.unit_length import UNIT, Part, after

DAMAGED = "The description of the model in this file is damaged. Save the model again."

LAMBDA = "is a Lambda, which holds a program. It is not run here; replace it by layers, and save the model again."

IGNORED = ("Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout", "ActivityRegularization")
"""Layers that do something in training only."""

SIMPLE = KINDS.keys() - {"InputLayer", "ReLU", "UnitLength"}
"""Classes that become the kind of the same name, with its options. UnitLength is none of Keras's."""

DEFAULTS: dict[str, Any] = {
    "activation": "linear", "use_bias": True, "strides": [1, 1], "padding": "valid", "dilation_rate": [1, 1],
    "depth_multiplier": 1, "keepdims": False, "epsilon": 1e-3, "scale": True, "center": True, "axis": -1, "offset": 0.0,
}  # fmt: skip
"""What an option is where a file leaves it out, as older versions did."""

KEEP = {
    "data_format": (None, "channels_last"),
    "groups": (None, 1),
    "renorm": (None, False),
    "virtual_batch_size": (None,),
    "quantization_config": (None,),
    "lora_rank": (None,),
    "ragged": (None, False),
    "sparse": (None, False),
}
"""Options that are accepted with these values only."""

LENGTHS = {"Square": "square", "Sum": "sum", "Sqrt": "sqrt", "Greater": "greater", "Where": "select",
           "TrueDivide": "divide", "Divide": "divide", "Multiply": "multiply"}  # fmt: skip
"""Keras's operations, and a layer, that help to give columns length 1, by the names that `unit_length` has for them."""

Named = tuple[Layer, str]


def layers(text: bytes) -> list[Named]:
    """Return the layers of a model, each after those that it is given.

    Args:
        text: The JSON.

    Returns:
        Each layer with the folder in which a `.keras` archive has its weights: `dense`, `dense_1` ...

    Raises:
        ModelError: If it is damaged, or holds what is not supported; the sentence names the layer.
    """
    try:
        values = json.loads(text)
        kind, config = _class(values), values["config"]
        if kind == "Sequential":
            found = _sequential(config)
        elif kind in ("Functional", "Model"):
            found = _functional(config)
        else:
            raise ModelError(
                "Only Sequential and Functional models are supported. Rebuild it as one of them, and save it again. "
                f"Received: {kind[:60]!r}"
            )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ModelError(DAMAGED) from error
    return found


def _class(values: Any) -> str:
    """Return the class that JSON names; one of somebody's own is refused."""
    name = values["class_name"]
    registered = values.get("registered_name")
    module = values.get("module") or "keras"
    if not isinstance(name, str):
        raise TypeError("a class has a name")
    own = isinstance(registered, str) and registered not in ("", name) and not registered.startswith("keras")
    if own or not (isinstance(module, str) and re.fullmatch(r"keras(\.[\w.]+)?|tensorflow\.keras[\w.]*", module)):
        raise ModelError(
            f"This model uses a class of its own, {name[:60]!r}, whose program is not in the file. Rebuild it from "
            "layers of Keras, and save it again."
        )
    return name


def _name(values: Any) -> str:
    name = values["config"].get("name") or values.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= 200:
        raise TypeError("a layer has a name")
    return name


def _saved_as(kind: str) -> str:
    """Return a class's name in the style of an archive's folders: `Conv2D` -> `conv2d`, `ReLU` -> `re_lu`."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", re.sub(r"\W+", "", kind))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _sequential(config: Any) -> list[Named]:
    described = config["layers"] if isinstance(config, dict) else config  # Keras before 2.2 wrote a list
    if not isinstance(described, list):
        raise TypeError("layers are a list")
    made: list[Named] = []
    before = ""
    first = described[0]
    if _class(first) != "InputLayer":
        shape = first["config"].get("batch_input_shape") or first["config"].get("batch_shape")
        shape = shape or (config.get("build_input_shape") if isinstance(config, dict) else None)
        made.append((Layer("input", "InputLayer", (), {"shape": _input_shape(shape, _name(first))}), "input_layer"))
        before = "input"
    for values in described:
        layer, saved_as = _layer(values, (before,) if before else ())
        if layer is not None:
            made.append((layer, saved_as))
            before = layer.name
    return _filed(made, [_name(values) for values in described])


def _functional(config: Any) -> list[Named]:
    described = {_name(values): values for values in config["layers"]}
    if len(described) != len(config["layers"]):
        raise ModelError("Two layers of this model have the same name. Name them differently, and save it again.")
    _one_end(config["input_layers"], "input")
    output = _one_end(config["output_layers"], "output")
    inputs = {name: tuple(_given(values, name)) for name, values in described.items()}
    for name, given in inputs.items():
        if missing := [other for other in given if other not in described]:
            raise fail(name, f"has an input from a layer that is missing: {missing[0][:60]!r}. Save the model again.")
    try:
        order = list(graphlib.TopologicalSorter(inputs).static_order())
    except graphlib.CycleError as error:
        raise fail(str(error.args[1][0]), "depends on its own output: the layers form a cycle. Save the model again.") from error  # fmt: skip  # noqa: E501
    stands_for: dict[str, str] = {}  # a layer that is left out -> the one before it
    made: dict[str, Named] = {}
    parts: dict[str, Any] = {}
    for name in order:
        given = tuple(stands_for.get(other, other) for other in inputs[name])
        if (kind := _class(described[name])) in (*LENGTHS, "OnesLike"):
            part = parts[name] = _part(described[name], kind, name, parts)
            if isinstance(part, Part) and part.step == UNIT:
                made[name] = Layer(name, "UnitLength", (str(part.of),), {"axes": part.axes}), _saved_as(kind)
            continue
        layer, saved_as = _layer(described[name], given)
        if layer is None:
            stands_for[name] = given[0]
        else:
            made[name] = (layer, saved_as)
    end = stands_for.get(output, output)
    if end not in made:
        raise KeyError(end)
    return _filed([made[name] for name in order if name in made and name != end] + [made[end]], list(described))


def _part(values: Any, kind: str, name: str, parts: Mapping[str, Any]) -> Any:
    """Return what an operation computes on the way to length 1, a Part or a number; see `unit_length`."""
    if kind == "OnesLike":
        return 1.0
    [node] = values["inbound_nodes"]
    given = node["args"][0] if isinstance(node["args"][0], list) else node["args"]
    known = [parts.get(each, each) for value in given for each in (list(_tensors([value])) or [value])]
    axis = values["config"].get("axis") if values["config"].get("keepdims") else None
    found = after(LENGTHS[kind], known, tuple(axis) if isinstance(axis, list) else (axis,) if axis else ())
    if found is None:
        raise fail(name, f"is a {kind}, which is built only where it helps to give columns length 1. Leave it out.")
    return found


def _filed(found: list[Named], order: list[str]) -> list[Named]:
    """Return layers with the folders of their weights: those of one class are numbered in the order of the file."""
    places = {name: place for place, name in enumerate(order)}
    counts: dict[str, int] = {}
    folders = {}
    for layer, kind in sorted(found, key=lambda each: places.get(each[0].name, -1)):
        number = counts[kind] = counts.get(kind, -1) + 1
        folders[layer.name] = f"{kind}_{number}" if number else kind
    return [(layer, folders[layer.name]) for layer, _ in found]


def _one_end(ends: Any, what: str) -> str:
    """Return the one layer that a model begins or ends with: `[["name", 0, 0]]`, or `["name", 0, 0]`."""
    ends = [ends] if ends and isinstance(ends[0], str) else ends
    if isinstance(ends, list) and len(ends) == 1 and isinstance(ends[0][0], str):
        return str(ends[0][0])
    raise ModelError(f"A model must have one {what}. Import one with a single {what}. Received: {len(ends)}")


def _given(values: Any, name: str) -> Iterator[str]:
    """Yield the names of the layers that a layer is given, as Keras 3 or Keras 2 writes them."""
    nodes = values.get("inbound_nodes") or []
    if len(nodes) > 1:
        raise fail(name, "is used twice, with the same weights. That is not supported; use two layers.")
    for node in nodes:
        if isinstance(node, dict):  # Keras 3
            yield from _tensors(node["args"])
            if any(True for _ in _tensors(list((node.get("kwargs") or {}).values()))):
                raise fail(name, "is given layers by name. Save the model again with a newer Keras.")
        else:  # Keras 2: [[name, node, tensor, {}], ...], or one of these alone
            for other in [node] if node and isinstance(node[0], str) else node:
                if len(other) > 3 and other[3]:
                    raise fail(name, "is called with options, which are not read. Save the model again without them.")
                yield str(other[0])


def _tensors(values: Any, depth: int = 0) -> Iterator[str]:
    if depth > 8:
        raise ValueError("too deep")
    if isinstance(values, dict) and values.get("class_name") == "__keras_tensor__":
        yield str(values["config"]["keras_history"][0])
    elif isinstance(values, list):
        for value in values:
            yield from _tensors(value, depth + 1)


def _input_shape(shape: Any, name: str) -> list[Any]:
    if not isinstance(shape, list) or len(shape) < 2:
        raise fail(name, "does not say the shape of its input. Call the model once, and save it again.")
    return shape[1:]


def _layer(values: Any, inputs: tuple[str, ...]) -> tuple[Layer | None, str]:
    """Return a layer and the name of its kind in an archive; None for one that does nothing but in training."""
    kind, config, name = _class(values), values["config"], _name(values)
    if kind in ("Lambda", "TFOpLambda"):
        raise fail(name, LAMBDA)
    if kind in ("Sequential", "Functional", "Model"):
        raise fail(name, "is a model within the model. Put its layers into the model itself, and save it again.")
    for option, allowed in KEEP.items():
        if config.get(option) not in allowed:
            value = str(config[option])[:40]
            raise fail(name, f"has {option} = {value!r}, which is not supported. Build it without, and save it again.")
    saved_as = _saved_as(kind)
    if kind == "InputLayer":
        shape = config.get("batch_shape") or config.get("batch_input_shape")
        return Layer(name, kind, (), {"shape": _input_shape(shape, name)}), saved_as
    if not inputs:
        raise fail(name, "has no input. Import a model that runs from input to output.")
    if kind in IGNORED:
        return None, saved_as
    if kind in SPECIAL:
        made_kind, options = SPECIAL[kind](config, name)
        return Layer(name, made_kind, inputs, options), saved_as
    if kind not in SIMPLE:
        known = ", ".join(sorted({*SIMPLE, *SPECIAL, *IGNORED}))
        raise fail(name, f"is a {kind[:60]}, which is not supported. Supported: {known}.")
    options = {option: _option(config, option, kind, name) for option in KINDS[kind].options}
    return Layer(name, kind, inputs, options), saved_as


def _option(config: Mapping[str, Any], option: str, kind: str, name: str) -> Any:
    if option == "activation":
        return _activation(config.get(option), name)
    if option == "axis" and isinstance(config.get(option), list) and len(config[option]) == 1:
        return config[option][0]
    if option == "strides" and kind.endswith("Pooling2D"):
        return config.get(option)
    if option in config and config[option] is not None:
        return config[option]
    if option not in DEFAULTS:
        raise fail(name, f"({kind}) lacks the option {option!r}. Save the model again.")
    return DEFAULTS[option]


def _activation(value: Any, name: str) -> str:
    """Return the name of an activation; one of somebody's own is refused."""
    if isinstance(value, dict):  # a class or a function of Keras
        value = value.get("config") if value.get("class_name") == "function" else _class(value).lower()
    value = {None: "linear", "swish": "silu"}.get(value, value) if value is None or isinstance(value, str) else value
    if not isinstance(value, str) or value not in ACTIVATIONS:
        raise fail(
            name, f"has an activation that is not supported: {str(value)[:40]!r}. Supported: {', '.join(ACTIVATIONS)}."
        )
    return value


def _relu(config: Mapping[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    most, slope = config.get("max_value"), config.get("negative_slope", 0.0)
    return "ReLU", {"max_value": most, "negative_slope": slope or 0.0, "threshold": config.get("threshold") or 0.0}


def _leaky(config: Mapping[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    slope = config.get("negative_slope", config.get("alpha", 0.3))
    return "ReLU", {"max_value": None, "negative_slope": slope, "threshold": 0.0}


def _elu(config: Mapping[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    if config.get("alpha", 1.0) != 1.0:
        raise fail(name, "is an ELU with an alpha other than 1, which is not supported. Use alpha=1.")
    return "Activation", {"activation": "elu"}


SPECIAL: dict[str, Callable[[Mapping[str, Any], str], tuple[str, dict[str, Any]]]] = {
    "ReLU": _relu,
    "LeakyReLU": _leaky,
    "ELU": _elu,
}
"""Classes that become a layer of another kind, or of other options."""
