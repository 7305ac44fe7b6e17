"""A model that works without digitrec: bytes in, calibrated probabilities out; and a run's curves for TensorBoard.

Only `export` uses this, in a process of its own.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from digitrec import files
from digitrec.datasets import mnist
from digitrec.errors import ModelError
from digitrec.recognition.calibration import Calibration
from digitrec.recognition.classifier import Predictor
from digitrec.recognition.digits import CLASSES, SIDE
from digitrec.registry import export_texts
from digitrec.training import events as training_events
from digitrec.training import model_files

Say = Callable[[str], None]

AMONG = 500  # MNIST's first test digits, from which the golden ones are chosen: at least 38 of each class

TOLERANCE = 1e-3
"""How far a golden probability may differ: other processors add up in another order."""

APP_TOLERANCE = 0.02
"""How far the app's own probabilities may differ: LiteRT's weights have 11 bits. 0.001 at most on shipped models."""

OPSET = 18  # of ONNX, of December 2022: old enough for every runtime in use


class Golden(NamedTuple):
    """Ten digits, and the probabilities that a model must give for them.

    Attributes:
        pictures: uint8 (10, 28, 28), 0 paper .. 255 ink: a 0, a 1 ... a 9.
        probabilities: float32 (10, 10).
    """

    pictures: NDArray[np.uint8]
    probabilities: NDArray[np.float32]


def portable(model: keras.Model, temperature: float) -> keras.Model:
    """Return the network with preprocessing and calibration inside.

    Args:
        model: As `network.build` makes it; not to be used afterwards.
        temperature: What its logits are divided by (see `calibration`); 1 leaves it as it is.

    Returns:
        A model of `pictures`, uint8 (N, 28, 28), 0 paper .. 255 ink, whose output `probabilities` is float32 (N, 10).
    """
    for layer in model.layers:
        if getattr(layer, "activation", None) is keras.activations.gelu:
            layer.activation = _gelu
    pictures = keras.Input((SIDE, SIDE), dtype="uint8", name="pictures")
    glyphs = keras.layers.Rescaling(1 / 255, name="glyphs")(pictures)
    logits = keras.Model(model.input, model.get_layer("logits").output, name="network")(glyphs)
    calibrated = keras.layers.Rescaling(1 / temperature, name="calibrated")(logits)
    whole = keras.Model(pictures, {"probabilities": keras.layers.Softmax(name="softmax")(calibrated)})
    whole(np.zeros((1, SIDE, SIDE), np.uint8))  # Keras exports only what was called once
    return whole


def _gelu(x: tf.Tensor) -> tf.Tensor:
    """Return what Keras's `gelu` returns; that one uses an operation that tf2onnx does not know, `Erfc`."""
    return 0.5 * x * (1.0 + tf.math.erf(x * 0.5**0.5))


def golden(model: keras.Model, app: Predictor) -> Golden:
    """Return the digits that the model is least sure of, one per class, and its probabilities for them.

    For a digit that it is sure of, a wrong temperature would hardly change them.

    Args:
        model: As `portable` makes it.
        app: The same model as the app uses it.

    Raises:
        ModelError: If the app gives other probabilities.
    """
    pictures, truth = (array[:AMONG] for array in mnist.test())
    expected = app.answers(mnist.glyphs(pictures)).probabilities
    sureness = expected.max(axis=1)
    chosen = [min(np.flatnonzero(truth == digit), key=sureness.__getitem__) for digit in range(CLASSES)]
    probabilities = np.asarray(model(pictures[chosen])["probabilities"])
    check(expected[chosen], probabilities, APP_TOLERANCE)
    return Golden(pictures[chosen], probabilities)


def check(found: NDArray[np.float32], expected: NDArray[np.float32], tolerance: float = TOLERANCE) -> None:
    """Compare probabilities with those that they must be.

    Raises:
        ModelError: If one differs by more than `tolerance`, or is not a number.
    """
    off = float(np.abs(found - expected).max())
    if not off <= tolerance:
        raise ModelError(
            f"The export failed its check: on ten digits its probabilities must be within {tolerance:g} of its own. "
            f"Train the model again. Received: a difference of {off:.3f}"
        )


def _write_onnx(folder: Path, tree: Path, say: Say) -> None:
    _write_model(folder, tree, say, "onnx", tree / "model.onnx", opset_version=OPSET)


def _write_savedmodel(folder: Path, tree: Path, say: Say) -> None:
    _write_model(folder, tree, say, "savedmodel", tree / "model")


def _write_model(folder: Path, tree: Path, say: Say, kind: str, file: Path, **options: int) -> None:
    """Write the model in a folder, the golden digits, the scripts and a README to a folder `tree`.

    Raises:
        ModelError: If the model is damaged, or what was written gives other probabilities.
    """
    say("the model is being converted")
    card = files.read_json(folder / model_files.CARD) or {}
    calibration = Calibration.from_card(card)
    try:
        network = keras.saving.load_model(folder / model_files.KERAS, compile=False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError("The model is damaged and cannot be converted. Train it again.") from error
    model = portable(network, calibration.temperature)
    model.export(file, format="tf_saved_model" if kind == "savedmodel" else kind, verbose=False, **options)
    say("the export is being checked on ten digits")
    expected = golden(model, Predictor(card["name"], folder / model_files.TFLITE, calibration))
    check(RUNNERS[kind](file, expected.pictures), expected.probabilities)
    _write_golden(tree / "golden.json", expected)
    (tree / "read.py").write_text(export_texts.READ[kind])
    (tree / "check.py").write_text(export_texts.CHECK[kind])
    (tree / "README.txt").write_text(export_texts.model_readme(card, kind, TOLERANCE))


def _run_onnx(file: Path, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    from onnx.reference import ReferenceEvaluator

    (probabilities,) = ReferenceEvaluator(str(file)).run(None, {"pictures": pictures})
    return np.asarray(probabilities)


def _run_savedmodel(file: Path, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    model = tf.saved_model.load(str(file))  # by a name: its weights go when it goes
    return np.asarray(model.serve(pictures)["probabilities"])


RUNNERS = {"onnx": _run_onnx, "savedmodel": _run_savedmodel}
"""What runs a written model on pictures, by its kind; without the code that wrote it."""


def _write_golden(file: Path, expected: Golden) -> None:
    values = {
        "pictures": expected.pictures.tolist(),
        "probabilities": [[round(float(value), 7) for value in row] for row in expected.probabilities],
        "tolerance": TOLERANCE,
    }
    file.write_text(json.dumps(values) + "\n")


def _write_tensorboard(folder: Path, tree: Path, say: Say) -> None:
    """Write a run's curves as Keras's own callback does: folders `train` and `validation`.

    Raises:
        ModelError: If the run has no curves.
    """
    say("the curves are being written")
    events = [event for event in training_events.read_events(folder) if "loss" in event]
    if not events:
        raise ModelError("This run has no curves. Start it again.")
    began = (folder / training_events.EVENTS).stat().st_mtime - events[-1]["seconds"]
    for part, prefix in (("train", ""), ("validation", "val_")):
        (tree / part).mkdir()
        with tf.io.TFRecordWriter(str(tree / part / f"events.out.tfevents.{began:.0f}.digitrec")) as writer:
            writer.write(tf.compat.v1.Event(wall_time=began, file_version="brain.Event:2").SerializeToString())
            for event in events:
                if f"{prefix}loss" in event:
                    writer.write(_summary(event, prefix, began).SerializeToString())
    (tree / "README.txt").write_text(export_texts.TENSORBOARD_README)


def _summary(event: dict[str, Any], prefix: str, began: float) -> Any:
    """Return the event's loss and accuracy for TensorBoard; a batch's step is a thousandth of an epoch."""
    kind = event["kind"]
    names = {f"{kind}_{name}": event[prefix + name] for name in ("loss", "accuracy")}
    values = [tf.compat.v1.Summary.Value(tag=tag, simple_value=value) for tag, value in names.items()]
    return tf.compat.v1.Event(
        wall_time=began + event["seconds"],
        step=round(event["epoch"] * (1000 if kind == "batch" else 1)),
        summary=tf.compat.v1.Summary(value=values),
    )


WRITERS = {"onnx": _write_onnx, "savedmodel": _write_savedmodel, "tensorboard": _write_tensorboard}
"""What writes an export of each kind of the model or run in a folder to a folder."""
