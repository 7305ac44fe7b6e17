"""Weights of a detector trained in PyTorch -> the same network in Keras, to train on; PyTorch is not needed."""

import collections
import pickle
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np
from numpy.typing import NDArray

from digitrec.errors import ModelError
from digitrec.recognition import detector_maps as maps

KINDS = {"FloatStorage": np.float32, "HalfStorage": np.float16, "LongStorage": np.int64}

SHARPNESS = 8.0
"""Concentration of the angle's bins made from a cosine and a sine: a standard deviation of 20 degrees."""

DAMAGED = (zipfile.BadZipFile, pickle.UnpicklingError)

CONVOLUTIONS = {"top": "l32", "side_1": "l16", "reduce_2": "r8", "side_2": "l8", "reduce_3": "r4", "side_3": "l4"}
NORMED = {"stem": "stem", "merge_1": "f16", "merge_2": "f8", "merge_3": "f4.0", "head": "f4.1"}
STAGES = (("s4", 1), ("s8", 3), ("s16", 3), ("s32", 4))


def load(model: keras.Model, file: Path) -> None:
    """Set a detector's weights from a PyTorch state: trunk, centre, digit, place and size as they are.

    The angle's bins are made of its regressed cosine and sine: bin k starts as SHARPNESS times the cosine of the
    angle between.

    Raises:
        ModelError: If the file holds something else.
    """
    try:
        state = _state(file)
        for ours, theirs in _pairs():
            kernel = _kernel(state, f"{theirs}.0.weight")
            if ours == "stem":
                kernel = kernel[:, :, ::-1]  # its pictures are BGR
            model.get_layer(f"{ours}_conv").set_weights([kernel])
            norm = [state[f"{theirs}.1.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
            model.get_layer(f"{ours}_norm").set_weights(norm)
        for ours, theirs in CONVOLUTIONS.items():
            model.get_layer(ours).set_weights([_kernel(state, f"{theirs}.weight"), state[f"{theirs}.bias"]])
        model.get_layer("maps").set_weights([_outputs(_kernel(state, "out.weight")), _outputs(state["out.bias"])])
    except (OSError, LookupError, ValueError, TypeError, AttributeError, EOFError, *DAMAGED) as error:
        raise ModelError(f"These are no weights of this detector. Received: {file.name} ({error})") from error


def _pairs() -> list[tuple[str, str]]:
    pairs = list(NORMED.items())
    for number, (theirs, blocks) in enumerate(STAGES, 1):
        pairs.append((f"down_{number}_0", f"{theirs}.0"))
        for block in range(1, blocks + 1):
            pairs += [(f"down_{number}_{block}{part}", f"{theirs}.{block}.{part}") for part in "ab"]
    return pairs


def _kernel(state: dict[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    """Return a convolution's kernel (height, width, in, out), as Keras has it."""
    return np.asarray(state[name], np.float32).transpose(2, 3, 1, 0)


def _outputs(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the output layer's weights (..., 17) as ours (..., CHANNELS)."""
    first = maps.ANGLE.start
    cosine, sine = values[..., first : first + 1], values[..., first + 1 : first + 2]
    bins = SHARPNESS * (np.cos(maps.BIN_ANGLES) * cosine + np.sin(maps.BIN_ANGLES) * sine)
    return np.concatenate([values[..., :first], bins], axis=-1).astype(np.float32)


class _Unpickler(pickle.Unpickler):
    """Unpickles tensors as arrays, and nothing else."""

    def __init__(self, stream: BinaryIO, archive: zipfile.ZipFile, root: str) -> None:
        super().__init__(stream)
        self._archive, self._root = archive, root

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch" and name in KINDS:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is not expected in weights")

    def persistent_load(self, pid: tuple[Any, ...]) -> NDArray[Any]:
        _, kind, key, *_ = pid
        return np.frombuffer(self._archive.read(f"{self._root}/data/{key}"), KINDS[kind])


def _tensor(storage: NDArray[Any], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Any:
    last = offset + sum((extent - 1) * step for extent, step in zip(size, stride, strict=True))
    if not 0 <= offset <= last < len(storage) or min(stride, default=0) < 0:
        raise ValueError("a tensor goes beyond its storage")
    steps = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps).astype(np.float32)


def _state(file: Path) -> dict[str, NDArray[np.float32]]:
    with zipfile.ZipFile(file) as archive:
        root = archive.namelist()[0].partition("/")[0]
        with archive.open(f"{root}/data.pkl") as stream:
            state: dict[str, NDArray[np.float32]] = _Unpickler(stream, archive, root).load()  # type: ignore[arg-type]
            return state
