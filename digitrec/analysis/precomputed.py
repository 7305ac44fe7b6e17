"""What Compare shows of a model that takes too long to compute on a page: computed once, a file beside the model.

Accuracy under distortions, and codes: the features of its last hidden layer, in a few bytes per digit.
"""

import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec import files
from digitrec.analysis import explain, robustness
from digitrec.analysis.explain import Axes, Outline, last_hidden, principal_axes
from digitrec.datasets import mnist
from digitrec.recognition.classifier import Predictor
from digitrec.training import model_files

Codes = NDArray[np.int8]

MEASURED = 500  # test digits that are distorted: an accuracy of 90 % is known to 3 percentage points
TRAINING = 5_000  # training digits among which neighbours are searched
MAPPED = 600  # test digits on the map; more would hide each other
VERSION = 1
LARGEST = 2**24  # bytes of the file unpacked; those of our models take 0.1 MB


@dataclass(frozen=True, eq=False)
class Insight:
    """What was computed of a model.

    Attributes:
        accuracy: By name of the distortion, float32 (coarse levels,), 0 to 1.
        digits: How many test digits those were measured on.
        layer: The last hidden layer.
        axes: Its principal axes on the training digits.
        training: int8 (TRAINING, K), codes of the first training digits.
        test: int8 (MAPPED, K), codes of the first test digits.
    """

    accuracy: dict[str, NDArray[np.float32]]
    digits: int
    layer: str
    axes: Axes
    training: Codes
    test: Codes


def compute(file: Path, outline: Outline) -> Insight:
    """Compute it from a model's `.tflite` file, with two interpreters on two threads."""
    predictors = [Predictor(file.parent.name, file) for _ in range(2)]
    pictures, truth = mnist.test()
    glyphs, truth = mnist.glyphs(pictures[:MEASURED]), truth[:MEASURED]
    half = -(-len(glyphs) // 2)
    parts = [slice(0, half), slice(half, None)]
    with ThreadPoolExecutor(2) as pool:
        measured = list(
            pool.map(lambda p, part: robustness.accuracies(p.logits, glyphs[part], truth[part]), predictors, parts)
        )
    weights = [half, len(glyphs) - half]
    accuracy = {
        name: np.average([part[name] for part in measured], axis=0, weights=weights).astype(np.float32)
        for name in measured[0]
    }
    layer = last_hidden(outline, predictors[0].layers)
    training, test = mnist.first_training(TRAINING)[0], pictures[:MAPPED]
    features = _features(predictors, mnist.glyphs(training), layer)
    axes = principal_axes(features)
    mapped = explain.features(predictors[0].activations(mnist.glyphs(test), (layer,))[layer])
    return Insight(accuracy, len(glyphs), layer, axes, axes.codes(features), axes.codes(mapped))


def _features(predictors: list[Predictor], glyphs: NDArray[np.float32], layer: str) -> NDArray[np.float32]:
    """Return the features of glyphs at a layer, float32 (N, D)."""
    halves = np.array_split(glyphs, len(predictors))
    with ThreadPoolExecutor(len(predictors)) as pool:
        made = pool.map(lambda p, half: p.activations(half, (layer,))[layer], predictors, halves)
    return explain.features(np.concatenate(list(made)))


def write(folder: Path, outline: Outline) -> None:
    """Compute it for the model in a folder and write it beside the model."""
    made = compute(folder / model_files.TFLITE, outline)
    arrays: dict[str, NDArray[np.generic]] = {
        "version": np.array(VERSION),
        "model": np.array(_checksum(folder)),
        "digits": np.array(made.digits),
        "layer": np.array(made.layer),
        "mean": made.axes.mean.astype(np.float16),
        "axes": made.axes.axes.astype(np.float16),
        "scale": np.array(made.axes.scale),
        "training": made.training,
        "test": made.test,
    }
    arrays |= {f"accuracy_{name}": levels for name, levels in made.accuracy.items()}
    files.write(
        folder / model_files.INSIGHT, lambda temporary: np.savez_compressed(temporary, allow_pickle=False, **arrays)
    )


def read(folder: Path) -> Insight | None:
    """Return what was computed of a model; None where nothing was, or it is damaged, or of another version or model."""
    try:
        arrays = files.read_arrays(folder / model_files.INSIGHT, LARGEST)
        if arrays["version"] != VERSION or arrays["model"] != _checksum(folder):
            return None
        accuracy = {d.name: arrays[f"accuracy_{d.name}"] for d in robustness.MEASURED}
        axes = Axes(arrays["mean"].astype(np.float32), arrays["axes"].astype(np.float32), float(arrays["scale"]))
        made = Insight(accuracy, int(arrays["digits"]), str(arrays["layer"]), axes, arrays["training"], arrays["test"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return made if _is_whole(made) else None


def _checksum(folder: Path) -> int:
    """Return a checksum of the model, by which figures of an earlier model of this name are recognised."""
    return zlib.crc32((folder / model_files.TFLITE).read_bytes())


def _is_whole(made: Insight) -> bool:
    count, width = made.axes.axes.shape if made.axes.axes.ndim == 2 else (0, 0)
    return (
        made.axes.mean.shape == (width,)
        and all(codes.dtype == np.int8 and codes.ndim == 2 and codes.shape[1] == count
                for codes in (made.training, made.test))
        and all(made.accuracy[d.name].shape == (len(d.coarse),) for d in robustness.MEASURED)
    )  # fmt: skip
