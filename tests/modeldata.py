"""Model files of each format, made by hand: 784 numbers -> 16, relu -> 10, softmax; and what such a model answers."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import flatbuffers
import h5py
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]
UNITS = 16


@cache
def weights() -> tuple[Floats, Floats, Floats, Floats]:
    """Return the four arrays: (784, 16), (16,), (16, 10), (10,)."""
    rng = np.random.default_rng(3)
    shapes = (784, UNITS), (UNITS,), (UNITS, 10), (10,)
    first, second, third, fourth = (rng.normal(0, 0.1, shape).astype(np.float32) for shape in shapes)
    return first, second, third, fourth


def logits(pixels: Floats) -> Floats:
    """Return what the model computes before its softmax: (N, 784) -> (N, 10)."""
    first, second, third, fourth = weights()
    return np.asarray(np.maximum(pixels @ first + second, 0) @ third + fourth, np.float32)


def keras3(layers: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the description of a Sequential model as Keras 3 writes it."""
    found = described() if layers is None else layers
    return {"module": "keras", "class_name": "Sequential", "config": {"name": "sequential", "layers": found},
            "registered_name": None}  # fmt: skip


def one(kind: str, name: str, module: str = "keras.layers", **config: Any) -> dict[str, Any]:
    """Return the description of one layer as Keras 3 writes it."""
    return {"module": module, "class_name": kind, "config": {"name": name, **config}, "registered_name": None}


def described() -> list[dict[str, Any]]:
    """Return the layers of the model as Keras 3 describes them."""
    return [
        one("InputLayer", "input_layer", batch_shape=[None, 28, 28]),
        one("Flatten", "flatten", data_format="channels_last"),
        one("Dense", "dense", units=UNITS, activation="relu", use_bias=True),
        one("Dropout", "dropout", rate=0.2),
        one("Dense", "dense_1", units=10, activation="softmax", use_bias=True),
    ]


def archive(
    config: dict[str, Any] | str | None = None,
    arrays: Mapping[str, Any] | None = None,
    change: Callable[[h5py.File], None] | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> bytes:
    """Return a `.keras` file.

    Args:
        config: Its description; the model's by default.
        arrays: Its weights, by their places in the file; the model's by default.
        change: Changes the file of weights before it is closed.
        extra: More files in the archive, by name.
    """
    first, second, third, fourth = weights()
    found = arrays or {"dense/vars/0": first, "dense/vars/1": second, "dense_1/vars/0": third, "dense_1/vars/1": fourth}
    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        for name, array in found.items():
            file[f"layers/{name}"] = array
        if change:
            change(file)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        zipped.writestr("config.json", config if isinstance(config, str) else json.dumps(config or keras3()))
        zipped.writestr("model.weights.h5", stored.getvalue())
        for name, content in (extra or {}).items():
            zipped.writestr(name, content)
    return packed.getvalue()


def keras2(change: Callable[[h5py.File], None] | None = None) -> bytes:
    """Return a `.h5` file in the layout of Keras 2.2, of 2019: no input layer, names of weights that end with `:0`."""
    layers = [
        {"class_name": "Flatten", "config": {"name": "flatten_1", "trainable": True, "dtype": "float32",
                                             "batch_input_shape": [None, 28, 28], "data_format": "channels_last"}},
        {"class_name": "Dense", "config": {"name": "dense_1", "trainable": True, "units": UNITS, "activation": "relu",
                                           "use_bias": True, "kernel_regularizer": None}},
        {"class_name": "Dropout", "config": {"name": "dropout_1", "trainable": True, "rate": 0.2}},
        {"class_name": "Dense", "config": {"name": "dense_2", "trainable": True, "units": 10,
                                           "activation": "softmax", "use_bias": True}},
    ]  # fmt: skip
    config = {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": layers}}
    first, second, third, fourth = weights()
    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        file.attrs["keras_version"] = b"2.2.4"
        file.attrs["backend"] = b"tensorflow"
        file.attrs["model_config"] = json.dumps(config).encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"flatten_1", b"dense_1", b"dropout_1", b"dense_2"]
        for name, pair in (
            ("flatten_1", ()),
            ("dense_1", (first, second)),
            ("dropout_1", ()),
            ("dense_2", (third, fourth)),
        ):
            own = group.create_group(name)
            names = [f"{name}/kernel:0", f"{name}/bias:0"][: len(pair)]
            own.attrs["weight_names"] = [each.encode() for each in names]
            for each, array in zip(names, pair, strict=True):
                own[each] = array
        if change:
            change(file)
    return stored.getvalue()


def onnx_graph() -> onnx.ModelProto:
    """Return the model for ONNX: (N, 28, 28), flattened."""
    names = ("first", "second", "third", "fourth")
    nodes = [
        helper.make_node("Flatten", ["pixels"], ["flat"], name="flatten"),
        helper.make_node("Gemm", ["flat", "first", "second"], ["hidden"], name="hidden"),
        helper.make_node("Relu", ["hidden"], ["active"], name="relu"),
        helper.make_node("Gemm", ["active", "third", "fourth"], ["scores"], name="scores"),
        helper.make_node("Softmax", ["scores"], ["answer"], name="softmax"),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["N", 28, 28])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(array, name) for name, array in zip(names, weights(), strict=True)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def onnx_file() -> bytes:
    """Return an `.onnx` file."""
    return bytes(onnx_graph().SerializeToString())


def tflite_model() -> Any:
    """Return the model as LiteRT's table of objects."""
    first, second, third, fourth = weights()
    constants = [first.T, second, third.T, fourth]
    shapes = [(1, 28, 28), (1, 784), (1, UNITS), (1, 10), (1, 10), *(array.shape for array in constants)]
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs = 3, [graph]
    model.buffers, graph.tensors = [schema.BufferT()], []
    for number, shape in enumerate(shapes):
        tensor = schema.TensorT()
        tensor.shape, tensor.name, tensor.buffer = list(shape), f"tensor_{number}", 0
        if number > 4:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(constants[number - 5]).tobytes(), np.uint8)
            model.buffers.append(buffer)
            tensor.buffer = len(model.buffers) - 1
        graph.tensors.append(tensor)
    operators = schema.BuiltinOperator
    codes = [operators.RESHAPE, operators.FULLY_CONNECTED, operators.SOFTMAX]
    model.operatorCodes = []
    for code in codes:
        made = schema.OperatorCodeT()
        made.builtinCode = made.deprecatedBuiltinCode = code
        model.operatorCodes.append(made)
    steps = ((0, [0], 1, None), (1, [1, 5, 6], 2, "relu"), (1, [2, 7, 8], 3, "dense"), (2, [3], 4, "softmax"))
    graph.operators, graph.inputs, graph.outputs = [], [0], [4]
    for code, given, output, what in steps:
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = code, given, [output]
        if what == "softmax":
            operator.builtinOptions, operator.builtinOptionsType = (
                schema.SoftmaxOptionsT(),
                schema.BuiltinOptions.SoftmaxOptions,
            )
            operator.builtinOptions.beta = 1.0
        elif what:
            operator.builtinOptions = schema.FullyConnectedOptionsT()
            operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
            operator.builtinOptions.fusedActivationFunction = int(what == "relu")
        graph.operators.append(operator)
    return model


def tflite_file(model: Any = None) -> bytes:
    """Return a `.tflite` file."""
    builder = flatbuffers.Builder(2**16)
    builder.Finish((model or tflite_model()).Pack(builder), b"TFL3")
    return bytes(builder.Output())


FILES: dict[str, Callable[[], bytes]] = {
    "keras": archive,
    "h5": keras2,
    "onnx": onnx_file,
    "tflite": tflite_file,
}
"""A valid file of each format."""
