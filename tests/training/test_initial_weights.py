"""Weights in PyTorch's file layout, written here without PyTorch; whatever else a file holds is refused and not run."""

import collections
import io
import pickle
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from digitrec.errors import ModelError
from digitrec.recognition import detector_maps as maps
from digitrec.training import detector_network, initial_weights

State = dict[str, np.ndarray]

OUTPUTS = 17
"""Of the network in PyTorch: the last two are the cosine and the sine of the angle."""


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network with the layers of the real one and few filters."""
    monkeypatch.setattr(detector_network, "STAGES", ((3, 1), (4, 3), (5, 3), (6, 4)))
    monkeypatch.setattr(detector_network, "UP", (7, 5, 4))
    monkeypatch.setattr(detector_network, "STEM", 2)
    monkeypatch.setattr(detector_network, "HEAD", 3)


def stored(values: np.ndarray) -> np.ndarray:
    """Return the array that holds an array's numbers."""
    return values.base if isinstance(values.base, np.ndarray) else values


class Tensor:
    """What PyTorch pickles as a tensor: it refers to a storage that lies beside the pickle."""

    def __init__(self, values: np.ndarray, key: str, rebuild: Callable[..., Any], kind: type) -> None:
        self.values, self.key, self.rebuild, self.kind = values, key, rebuild, kind

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        steps = tuple(step // self.values.itemsize for step in self.values.strides)
        first = self.values.ctypes.data - stored(self.values).ctypes.data
        return self.rebuild, (
            Storage(self),
            first // self.values.itemsize,
            self.values.shape,
            steps,
            False,
            collections.OrderedDict(),
        )


class Storage:
    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, Storage):
            tensor = obj.tensor
            return "storage", tensor.kind, tensor.key, "cpu", tensor.values.size
        return None


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The names of PyTorch that its files hold; nothing of it is called."""
    fake, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for kind in (*initial_weights.KINDS, "BoolStorage"):
        setattr(fake, kind, type(kind, (), {"__module__": "torch"}))

    def rebuild() -> None: ...

    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = rebuild  # type: ignore[attr-defined]
    fake._utils = utils  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", fake)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return fake


def write(state: dict[str, Any], file: Path, torch: Any, kind: str | None = None) -> None:
    """Write a state as `torch.save` does: a zip with a pickle, and a file for each tensor's numbers."""
    names = {np.dtype(dtype): name for name, dtype in initial_weights.KINDS.items()}
    tensors = {
        name: Tensor(values, str(number), torch._utils._rebuild_tensor_v2, getattr(torch, kind or names[values.dtype]))
        for number, (name, values) in enumerate(state.items())
    }
    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump(collections.OrderedDict(tensors))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("weights/data.pkl", stream.getvalue())
        archive.writestr("weights/byteorder", "little")
        for tensor in tensors.values():
            archive.writestr(f"weights/data/{tensor.key}", stored(tensor.values).tobytes())
        archive.writestr("weights/version", "3")


def state_for(model: keras.Model) -> State:
    """Return random weights by PyTorch's names and in its layout, for a network of Keras."""
    rng = np.random.default_rng(0)
    state: State = {}

    def convolution(name: str, kernel: tuple[int, ...], bias: bool, outputs: int | None = None) -> None:
        high, wide, given, made = kernel
        made = outputs or made
        state[f"{name}.weight"] = rng.normal(size=(made, given, high, wide)).astype(np.float32)
        if bias:
            state[f"{name}.bias"] = rng.normal(size=made).astype(np.float32)

    for ours, theirs in initial_weights._pairs():
        convolution(f"{theirs}.0", model.get_layer(f"{ours}_conv").kernel.shape, False)
        count = model.get_layer(f"{ours}_norm").gamma.shape[0]
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"{theirs}.1.{part}"] = rng.uniform(0.5, 2.0, count).astype(np.float32)
        state[f"{theirs}.1.num_batches_tracked"] = np.array([7], np.int64)
    for ours, theirs in initial_weights.CONVOLUTIONS.items():
        convolution(theirs, model.get_layer(ours).kernel.shape, True)
    convolution("out", model.get_layer("maps").kernel.shape, True, OUTPUTS)
    return state


@pytest.fixture
def model() -> keras.Model:
    return detector_network.build()


def convolved(image: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    """Return a convolution as PyTorch defines it, by loops: image (C, H, W), weight (out, C, 3, 3), padding 1."""
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    height, width = ((side + 2 - 3) // stride + 1 for side in image.shape[1:])
    made = np.zeros((len(weight), height, width))
    for y in range(height):
        for x in range(width):
            part = padded[:, stride * y : stride * y + 3, stride * x : stride * x + 3]
            made[:, y, x] = (weight * part).sum(axis=(1, 2, 3))
    return made


def test_the_first_layers_compute_what_pytorch_would(model: keras.Model, torch: Any, tmp_path: Path) -> None:
    state = state_for(model)
    write(state, tmp_path / "weights.pt", torch)
    initial_weights.load(model, tmp_path / "weights.pt")
    rgb = np.random.default_rng(1).uniform(0, 255, (32, 32, 3)).astype(np.float32)
    bgr = ((rgb[..., ::-1] - 127.5) / 64).transpose(2, 0, 1)  # as it was trained
    expected = bgr
    for name in ("stem", "s4.0"):
        gamma, beta, mean, variance = (
            state[f"{name}.1.{part}"][:, None, None] for part in ("weight", "bias", "running_mean", "running_var")
        )
        expected = convolved(expected, state[f"{name}.0.weight"], 2)
        expected = np.maximum((expected - mean) / np.sqrt(variance + 1e-5) * gamma + beta, 0.0)
    trunk = keras.Model(model.input, model.get_layer("down_1_0_relu").output)
    found = keras.ops.convert_to_numpy(trunk(rgb[None], training=False))[0]
    np.testing.assert_allclose(found, expected.transpose(1, 2, 0), rtol=1e-3, atol=1e-4)


def test_all_weights_are_set(model: keras.Model, torch: Any, tmp_path: Path) -> None:
    before = model.get_weights()
    state = state_for(model)
    write(state, tmp_path / "weights.pt", torch)
    initial_weights.load(model, tmp_path / "weights.pt")
    for old, new in zip(before, model.get_weights(), strict=True):
        assert not np.array_equal(old, new)
    kernel, bias = model.get_layer("side_2").get_weights()
    np.testing.assert_array_equal(kernel, state["l8.weight"].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(bias, state["l8.bias"])


def test_the_angles_bins_say_what_cosine_and_sine_said(model: keras.Model, torch: Any, tmp_path: Path) -> None:
    state = state_for(model)
    state["out.weight"][:] = 0.0
    for degrees in (0, 30, 100, 270, 350):
        state["out.bias"][-2:] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        write(state, tmp_path / "weights.pt", torch)
        initial_weights.load(model, tmp_path / "weights.pt")
        output = keras.ops.convert_to_numpy(model(np.zeros((1, 32, 32, 3), np.float32)))[0, 0, 0]
        assert output[maps.ANGLE].argmax() == degrees // 10
        np.testing.assert_allclose(output[: maps.ANGLE.start], state["out.bias"][:-2], rtol=1e-5)


def test_tensors_may_be_of_half_precision_and_lie_otherwise(model: keras.Model, torch: Any, tmp_path: Path) -> None:
    state = state_for(model)
    transposed = state["l32.weight"].transpose(1, 0, 2, 3).copy().transpose(1, 0, 2, 3)
    assert not transposed.flags.c_contiguous
    state["l32.weight"] = transposed
    state["l16.weight"] = state["l16.weight"].astype(np.float16)
    shared = np.concatenate([np.full(9, 99, np.float32), state["l16.bias"]])
    state["l16.bias"] = shared[9:]  # a part of a larger storage
    write(state, tmp_path / "weights.pt", torch)
    initial_weights.load(model, tmp_path / "weights.pt")
    np.testing.assert_array_equal(model.get_layer("top").get_weights()[0], transposed.transpose(2, 3, 1, 0))
    kernel, bias = model.get_layer("side_1").get_weights()
    np.testing.assert_array_equal(kernel, state["l16.weight"].transpose(2, 3, 1, 0).astype(np.float32))
    np.testing.assert_array_equal(bias, shared[9:])


def assert_refused(model: keras.Model, file: Path) -> None:
    with pytest.raises(ModelError, match="no weights of this detector") as caught:
        initial_weights.load(model, file)
    assert file.name in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut"])
def test_what_is_no_zip_is_refused(model: keras.Model, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.pt").write_bytes(content)
    assert_refused(model, tmp_path / "weights.pt")


def test_a_missing_file_is_refused(model: keras.Model, tmp_path: Path) -> None:
    assert_refused(model, tmp_path / "weights.pt")


def test_a_file_that_was_cut_is_refused(model: keras.Model, torch: Any, tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    write(state_for(model), file, torch)
    whole = file.read_bytes()
    for share in (0.1, 0.5, 0.99):
        file.write_bytes(whole[: int(share * len(whole))])
        assert_refused(model, file)


@pytest.mark.parametrize("name", ["stem.0.weight", "s16.2.b.1.running_var", "l4.bias", "out.bias"])
def test_a_missing_tensor_is_refused(model: keras.Model, torch: Any, tmp_path: Path, name: str) -> None:
    state = state_for(model)
    del state[name]
    write(state, tmp_path / "weights.pt", torch)
    assert_refused(model, tmp_path / "weights.pt")


@pytest.mark.parametrize("name", ["stem.0.weight", "s16.2.b.1.running_var", "l4.bias"])
def test_a_tensor_of_another_shape_is_refused(model: keras.Model, torch: Any, tmp_path: Path, name: str) -> None:
    state = state_for(model)
    state[name] = np.concatenate([state[name]] * 2)
    write(state, tmp_path / "weights.pt", torch)
    assert_refused(model, tmp_path / "weights.pt")


def test_other_kinds_of_numbers_are_refused(model: keras.Model, torch: Any, tmp_path: Path) -> None:
    write(state_for(model), tmp_path / "weights.pt", torch, kind="BoolStorage")
    assert_refused(model, tmp_path / "weights.pt")


class Runs:
    """A pickle of it makes a file where it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.file,)


def zipped(file: Path, data: bytes, name: str = "weights/data.pkl") -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)


def test_nothing_that_a_file_asks_for_is_run(model: keras.Model, tmp_path: Path) -> None:
    mark = tmp_path / "run"
    zipped(tmp_path / "weights.pt", pickle.dumps({"stem.0.weight": Runs(mark)}))
    assert_refused(model, tmp_path / "weights.pt")
    assert not mark.exists()


def test_a_zip_of_something_else_is_refused(model: keras.Model, tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    for data in (b"", pickle.dumps(7), pickle.dumps([1, 2]), pickle.dumps({"stem.0.weight": "text"})):
        zipped(file, data)
        assert_refused(model, file)
    zipped(file, b"", "readme.txt")
    assert_refused(model, file)
    with zipfile.ZipFile(file, "w"):
        pass
    assert_refused(model, file)


def test_a_tensor_larger_than_its_storage_is_refused(model: keras.Model, torch: Any, tmp_path: Path) -> None:
    file, state = tmp_path / "weights.pt", state_for(model)
    write(state, file, torch)
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["weights/data/0"] = parts["weights/data/0"][: len(parts["weights/data/0"]) // 2]
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    assert_refused(model, file)
