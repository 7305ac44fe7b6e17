"""Each format of model files is read as numbers: what it computes stays, what it could run is refused by name."""

# ruff: noqa: E501  # tables of cases, one a line

import copy
import io
import json
import mmap
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import modeldata
import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from modeldata import one
from onnx import TensorProto, helper

from digitrec.errors import ModelError
from digitrec.registry.importing import network, reading, sandbox, tidy
from digitrec.registry.importing.network import Network

PIXELS = np.random.default_rng(7).uniform(0, 1, (40, 784)).astype(np.float32)


def computed(found: Network, pixels: np.ndarray) -> np.ndarray:
    """Return the logits of a network of dense layers, with NumPy alone."""
    x = pixels
    for layer in found.layers:
        if layer.kind == "Dense":
            x = x @ layer.weights[0] + (layer.weights[1] if len(layer.weights) > 1 else 0)
            x = np.maximum(x, 0) if layer.options["activation"] == "relu" else x
    return x


@pytest.mark.parametrize("name", modeldata.FILES)
def test_each_format_holds_the_same_network(name: str) -> None:
    found = tidy.tidied(sandbox.read(modeldata.FILES[name]()))
    assert (found.outputs, found.classes, found.network.parameters) == ("probabilities", 10, 784 * 16 + 16 + 160 + 10)
    np.testing.assert_allclose(computed(found.network, PIXELS), modeldata.logits(PIXELS), atol=1e-5)


def test_a_network_crosses_as_bytes_and_is_checked_again() -> None:
    found = reading.read(modeldata.archive())
    again = network.unpacked(network.packed(found))
    assert [layer.kind for layer in again.layers] == [layer.kind for layer in found.layers]
    assert np.array_equal(computed(again, PIXELS), computed(found, PIXELS))
    data = network.packed(found)
    for bad in (
        b"",
        data[:40],
        data[:-8],
        b"\xff" * 40,
        data.replace(b"relu", b"evil"),
        data.replace(b"Dense", b"Lambd"),
    ):
        with pytest.raises(ModelError):
            network.unpacked(bad)


def test_int8_weights_are_read_as_the_numbers_that_they_stand_for() -> None:
    model = modeldata.tflite_model()
    scale = np.abs(modeldata.weights()[0]).max(axis=0) / 127
    tensor = model.subgraphs[0].tensors[5]
    tensor.type, tensor.quantization = schema.TensorType.INT8, schema.QuantizationParametersT()
    tensor.quantization.scale, tensor.quantization.zeroPoint = scale, np.zeros(16, np.int64)
    tensor.quantization.quantizedDimension = 0
    rounded = np.rint(modeldata.weights()[0] / scale).astype(np.int8)
    model.buffers[tensor.buffer].data = np.frombuffer(np.ascontiguousarray(rounded.T).tobytes(), np.uint8)
    found = tidy.tidied(sandbox.read(modeldata.tflite_file(model)))
    np.testing.assert_allclose(found.network.layers[2].weights[0], rounded * scale, rtol=1e-6)


def test_an_eleventh_class_is_subtracted() -> None:
    layers = modeldata.described()
    layers[-1] = one("Dense", "dense_1", units=11, activation="linear")
    third, fourth = np.ones((16, 11), np.float32), np.arange(11, dtype=np.float32)
    first, second, *_ = modeldata.weights()
    names = ("dense/vars/0", "dense/vars/1", "dense_1/vars/0", "dense_1/vars/1")
    data = modeldata.archive(modeldata.keras3(layers), dict(zip(names, (first, second, third, fourth), strict=True)))
    found = tidy.tidied(sandbox.read(data))
    assert (found.outputs, found.classes) == ("logits", 11)
    np.testing.assert_allclose(computed(found.network, PIXELS)[0], fourth[:10] - 10, atol=1e-4)


def test_nothing_but_computing_is_possible_where_a_file_is_read() -> None:
    """On a system without the filter this would fail, and should."""

    def attempt() -> bytes:
        import socket

        tries: dict[str, Callable[[], Any]] = {
            "open": lambda: Path("/etc/passwd").read_text(), "connect": lambda: socket.socket(), "list": lambda: os.listdir("/"),
            "fork": os.fork, "run": lambda: os.execv("/bin/true", ["true"]), "kill": lambda: os.kill(os.getppid(), 0),
            "remove": lambda: os.unlink("/tmp/none"), "write": lambda: os.open("/tmp/none", os.O_CREAT | os.O_WRONLY),
        }  # fmt: skip
        worked = []
        for what, attempted in tries.items():
            try:
                attempted()
                worked.append(what)
            except PermissionError:
                pass
        return ",".join(worked).encode()

    assert sandbox.computed(attempt) == b""


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: bytes(3 * 2**30), "memory"),
        (lambda: os.abort(), "damaged"),
        (lambda: os._exit(0), "damaged"),
        (lambda: struct.pack("I", {}), "damaged"),
    ],
)
def test_a_reader_that_crashes_or_takes_all_memory_is_a_sentence(work: Callable[[], bytes], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        sandbox.computed(work)


def test_a_file_is_read_in_a_server_that_has_a_gigabyte_itself() -> None:
    with mmap.mmap(-1, sandbox.MEMORY, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS):
        assert sandbox.computed(lambda: str(len(bytes(2**26))).encode()) == str(2**26).encode()


def test_a_reader_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 1)

    def hang() -> bytes:
        while True:
            pass

    with pytest.raises(ModelError, match=r"took longer|damaged"):
        sandbox.computed(hang)


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch /tmp/evil",)


def zipped(**content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, data)
    return packed.getvalue()


def with_layer(layer: dict[str, Any]) -> bytes:
    layers = modeldata.described()
    layers.insert(2, layer)
    return modeldata.archive(modeldata.keras3(layers))


def without(key: str) -> dict[str, Any]:
    config = modeldata.keras3()
    del config[key]
    return config


def circle() -> bytes:
    """Return a functional model in which two layers are given each other's output."""

    def given(name: str) -> list[dict[str, Any]]:
        tensor = {"class_name": "__keras_tensor__", "config": {"shape": [None, 16], "keras_history": [name, 0, 0]}}
        return [{"args": [tensor], "kwargs": {}}]

    layers = [
        {**one("InputLayer", "a", batch_shape=[None, 784]), "name": "a", "inbound_nodes": []},
        {**one("Dense", "b", units=784), "name": "b", "inbound_nodes": given("c")},
        {**one("Dense", "c", units=784), "name": "c", "inbound_nodes": given("b")},
    ]
    config = {"layers": layers, "input_layers": [["a", 0, 0]], "output_layers": [["c", 0, 0]]}
    return modeldata.archive({"module": "keras", "class_name": "Functional", "config": config})


def linked(link: Any) -> bytes:
    def change(file: h5py.File) -> None:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = link

    return modeldata.archive(change=change)


def external(file: h5py.File) -> None:
    del file["layers/dense/vars/0"]
    file.create_dataset("layers/dense/vars/0", (784, 16), "f4", external=[("/etc/passwd", 0, 784 * 16 * 4)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((784, 16), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd.h5", "x", (784, 16))
    del file["layers/dense/vars/0"]
    file.create_virtual_dataset("layers/dense/vars/0", layout)


def huge(file: h5py.File) -> None:
    del file["layers/dense/vars/0"]
    file.create_dataset("layers/dense/vars/0", (10**6, 10**6), "f4", chunks=(1000, 1000), compression=9)


def objects(file: h5py.File) -> None:
    del file["layers/dense/vars/1"]
    file.create_dataset("layers/dense/vars/1", (16,), h5py.string_dtype())


def not_a_number() -> bytes:
    first, second, third, fourth = (array.copy() for array in modeldata.weights())
    third[3, 4] = np.nan
    names = ("dense/vars/0", "dense/vars/1", "dense_1/vars/0", "dense_1/vars/1")
    return modeldata.archive(None, dict(zip(names, (first, second, third, fourth), strict=True)))


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", json.dumps(modeldata.keras3()))
        with file.open("model.weights.h5", "w") as stream:
            for _ in range(300):
                stream.write(bytes(2**20))
    return packed.getvalue()


KERAS = {
    "a Lambda": (lambda: with_layer(one("Lambda", "my_code", function={"class_name": "__lambda__"})), "'my_code' is a Lambda"),
    "a class of one's own": (lambda: with_layer(one("Evil", "e", module="evil") | {"registered_name": "pkg>Evil"}), "'Evil'"),
    "a module of one's own": (lambda: with_layer(one("Dense", "e", module="os", units=3)), "class of its own"),
    "a layer that is not supported": (lambda: with_layer(one("LSTM", "memory", units=3)), "'memory' is a LSTM"),
    "a model within": (lambda: with_layer(one("Sequential", "inner", module="keras", layers=[])), "model within the model"),
    "an activation of one's own": (lambda: with_layer(one("Dense", "d", units=3, activation={"module": "builtins", "class_name": "function", "config": "evil"})), "'evil'"),
    "a size that is none": (lambda: with_layer(one("Dense", "d", units=-3)), "'d' .* units"),
    "a size that is too large": (lambda: with_layer(one("Dense", "d", units=10**12)), "'d' .* units"),
    "too many weights": (lambda: with_layer(one("Dense", "d", units=16384)) + b"", "weights|needs"),
    "maps that are none": (lambda: with_layer(one("Conv2D", "c", filters=4, kernel_size=[3, 3])), "'c' .* needs maps"),
    "no classes": (lambda: modeldata.archive(modeldata.keras3(modeldata.described()[:3])), "ten numbers"),
    "no layers": (lambda: modeldata.archive(without("config")), "damaged"),
    "no JSON": (lambda: modeldata.archive("[" * 100_000), "damaged"),
    "a circle": (circle, "form a cycle"),
    "a soft link": (lambda: linked(h5py.SoftLink("/layers/dense/vars/1")), "'dense' lacks"),
    "an external link": (lambda: linked(h5py.ExternalLink("/etc/passwd.h5", "/x")), "'dense' lacks"),
    "numbers in another file": (lambda: modeldata.archive(change=external), "'dense' keeps its weights in another file"),
    "a virtual array": (lambda: modeldata.archive(change=virtual), "'dense' keeps its weights in another file"),
    "an array of 4 TB": (lambda: modeldata.archive(change=huge), "'dense' needs weights of 784 x 16"),
    "an array of objects": (lambda: modeldata.archive(change=objects), "'dense' needs weights of 16"),
    "weights that are not numbers": (not_a_number, "'dense_1' has weights that are not numbers"),
    "a bomb": (bomb, "larger than 200 MB"),
    "weights without layers": (lambda: modeldata.keras2(lambda file: file.attrs.__delitem__("model_config")), "without their layers"),
    "weights that are missing": (lambda: modeldata.keras2(lambda file: file["model_weights"].__delitem__("dense_1")), "'dense_1' has no weights"),
    "a path among the weights' names": (lambda: modeldata.keras2(lambda file: file["model_weights/dense_1"].attrs.__setitem__("weight_names", [b"../../x", b"/etc/passwd"])), "'dense_1' has no weights"),
}  # fmt: skip

OTHERS = {
    "a pickle": (lambda: pickle.dumps(Evil()), "pickle"),
    "PyTorch's pickle": (lambda: zipped(**{"archive/data.pkl": pickle.dumps(Evil())}), "pickle"),
    "a SavedModel": (lambda: zipped(**{"mnist.model/saved_model.pb": b"x", "mnist.model/variables/variables.index": b"x"}), "SavedModel"),
    "path names": (lambda: zipped(**{"../../etc/cron.d/evil": b"x", "/root/.ssh/authorized_keys": b"x"}), "holds no model"),
    "an archive in an archive": (lambda: zipped(**{"a.keras": zipped(**{"b.h5": modeldata.keras2()})}), "holds no model"),
    "two models in an archive": (lambda: zipped(**{"a.h5": modeldata.keras2(), "b.h5": modeldata.keras2()}), "or several"),
    "a model in an archive that is a bomb": (lambda: zipped(**{"a.h5": bytes(101 * 2**20)}), "larger than 100 MB"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "no model file"),
    "a cut archive": (lambda: modeldata.archive()[:2000], "damaged"),
    "a cut HDF5 file": (lambda: modeldata.keras2()[:3000], "damaged"),
    "text": (lambda: b"hello", "no model file"),
    "nothing": (lambda: b"", "empty"),
}  # fmt: skip


@pytest.mark.parametrize("name", [*KERAS, *OTHERS])
def test_a_file_that_is_not_safe_or_not_whole_is_refused_by_name(name: str) -> None:
    make, message = (KERAS | OTHERS)[name]
    with pytest.raises(ModelError, match=message) as caught:
        sandbox.read(make())
    assert str(caught.value)[0].isupper()
    assert not os.path.exists("/tmp/evil")


def test_a_file_above_the_limit_is_not_read() -> None:
    with pytest.raises(ModelError, match="at most 100 MB"):
        sandbox.read(bytes(101 * 2**20))


def test_what_else_lies_in_an_archive_is_not_looked_at() -> None:
    evil = {"../../../tmp/evil": b"x", "/tmp/evil": b"x", "assets/data.pkl": pickle.dumps(Evil())}
    assert sandbox.read(modeldata.archive(extra=evil)).parameters == 12_730
    assert not os.path.exists("/tmp/evil")


@pytest.mark.parametrize("name", modeldata.FILES)
def test_a_model_is_read_within_a_zip_archive(name: str) -> None:
    data = zipped(
        **{f"mine/model.{name}": modeldata.FILES[name](), "__MACOSX/mine/._model.h5": b"x", "mine/card.json": b"x"}
    )
    assert sandbox.read(data).parameters == 12_730


def changed_onnx(change: Callable[[onnx.ModelProto], object]) -> bytes:
    model = modeldata.onnx_graph()
    change(model)
    return bytes(model.SerializeToString())


def outside(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")


def onnx_circle(model: onnx.ModelProto) -> None:
    model.graph.node[1].input[0] = "scores"


def enormous(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[:] = [2**40, 2**40]


ONNX = {
    "weights outside": (outside, "'first' keeps its weights in another file"),
    "an operator that is not supported": (lambda m: m.graph.node.insert(2, helper.make_node("Loop", ["hidden"], ["x"], name="around")), "'around' is a Loop"),
    "an operator of others": (lambda m: setattr(m.graph.node[2], "domain", "com.evil"), "'relu' is an operator of 'com.evil'"),
    "a circle": (onnx_circle, "'hidden' .* no computed input"),
    "an array that is too large": (enormous, "'first' holds more than"),
    "an array of another shape": (lambda m: m.graph.initializer[0].dims.__setitem__(slice(None), [16, 784]), "'hidden' adds 16 numbers"),
    "text as weights": (lambda m: setattr(m.graph.initializer[0], "data_type", TensorProto.STRING), "kind that is not read"),
    "two inputs": (lambda m: m.graph.input.append(helper.make_tensor_value_info("b", TensorProto.FLOAT, [1])), "one input and one output"),
    "another input": (lambda m: m.graph.input[0].type.tensor_type.shape.dim.__delitem__(2), "The input must be"),
    "an output that hangs in the air": (lambda m: setattr(m.graph.output[0], "name", "none"), "does not depend"),
}  # fmt: skip


@pytest.mark.parametrize("name", ONNX)
def test_an_onnx_file_that_is_not_safe_or_not_whole_is_refused_by_name(name: str) -> None:
    change, message = ONNX[name]
    with pytest.raises(ModelError, match=message):
        sandbox.read(changed_onnx(change))


def changed_tflite(change: Callable[[Any], object]) -> bytes:
    model = copy.deepcopy(modeldata.tflite_model())
    change(model)
    return modeldata.tflite_file(model)


def custom(model: Any) -> None:
    model.operatorCodes[2].builtinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[2].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[2].customCode = "FlexPyFunc"


def with_square(model: Any) -> None:
    """Have the first layer be given the square of the pixels, which no length comes of."""
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.SQUARE


def tflite_circle(model: Any) -> None:
    model.subgraphs[0].operators[1].inputs[0] = 3


TFLITE = {
    "an operator of others": (custom, "is a FlexPyFunc"),
    "an operator that is not supported": (lambda m: setattr(m.operatorCodes[0], "builtinCode", schema.BuiltinOperator.WHILE), "is a WHILE"),
    "a square without a length": (with_square, "no computed input"),
    "two ends": (lambda m: (m.subgraphs[0].outputs.append(9), m.subgraphs[0].tensors.append(m.subgraphs[0].tensors[4])), "one input and one output"),
    "int8 from the input on": (lambda m: setattr(m.subgraphs[0].tensors[0], "type", schema.TensorType.INT8), "whole numbers"),
    "a circle": (tflite_circle, "no computed input"),
    "another input": (lambda m: setattr(m.subgraphs[0].tensors[0], "shape", [1, 224, 224, 3]), "The input must be"),
    "too few weights": (lambda m: setattr(m.buffers[1], "data", m.buffers[1].data[:800]), "fewer weights"),
    "a buffer that is not there": (lambda m: setattr(m.subgraphs[0].tensors[5], "buffer", 99), "damaged"),
    "a tensor that is not there": (lambda m: m.subgraphs[0].operators[2].inputs.__setitem__(1, 10**6), "damaged"),
    "two graphs": (lambda m: m.subgraphs.append(m.subgraphs[0]), "one graph"),
    "a shape that is another": (lambda m: setattr(m.subgraphs[0].tensors[2], "shape", [1, 17]), "another shape"),
}  # fmt: skip


@pytest.mark.parametrize("name", TFLITE)
def test_a_tflite_file_that_is_not_safe_or_not_whole_is_refused_by_name(name: str) -> None:
    change, message = TFLITE[name]
    with pytest.raises(ModelError, match=message):
        sandbox.read(changed_tflite(change))
