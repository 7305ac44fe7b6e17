"""A model's files, written alike by a training, an import and a lesson: for Keras, for LiteRT, its tests, its card."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitrec import files
from digitrec.analysis import precomputed
from digitrec.analysis.explain import Outline
from digitrec.datasets import mnist
from digitrec.recognition import calibration
from digitrec.recognition.calibration import Calibration
from digitrec.recognition.classifier import Predictor
from digitrec.recognition.digits import NONE
from digitrec.training import metrics, model_files
from digitrec.training.splits import Split

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    Facts = Callable[[NDArray[np.float32]], dict[str, Any]]


def write(
    folder: Path,
    model: "keras.Model",
    export: "Callable[[keras.Model, Path], None]",
    calibrated_on: Split | Calibration,
    facts: "Facts",
    outline: Outline | None = None,
) -> None:
    """Write a model for Keras and for LiteRT, what the latter says of digits, and last the card.

    Args:
        folder: Where the files go; those of the same names are replaced.
        model: The network: of a `glyph`, with `logits` and `probabilities`.
        export: Writes it for LiteRT.
        calibrated_on: What it was trained on, whose validation digits calibrate it; or its calibration.
        facts: Returns what the card says of it beside what is measured here; given the logits of MNIST's test digits,
            float32 (10000, 10).
        outline: Which of its layers are worth showing; then what Compare shows of it is computed as well.

    Raises:
        ModelError: If the model returns NaN or infinity, and whatever `facts` raises.
    """
    files.write(folder / model_files.KERAS, model.save)
    files.write(folder / model_files.TFLITE, lambda temporary: export(model, temporary))
    predictors = [Predictor(folder.name, folder / model_files.TFLITE) for _ in range(2)]  # two threads read

    def logits(pictures: "NDArray[np.uint8]") -> "NDArray[np.float32]":
        halves = np.array_split(mnist.glyphs(pictures), 2)
        with ThreadPoolExecutor(2) as pool:
            return np.concatenate(list(pool.map(lambda p, half: p.logits(half), predictors, halves)))

    if isinstance(calibrated_on, Calibration):
        calibrated = calibrated_on
    else:
        found, none = logits(calibrated_on.x_validation), calibrated_on.y_validation == NONE
        digits = calibrated_on.y_validation[~none]
        calibrated = calibration.fit(found[~none], digits, found[none] if none.any() else None)
    pictures, truth = mnist.test()
    answers = logits(pictures)
    card = facts(answers)
    probabilities = np.round(calibrated.answers(answers).probabilities, 5)  # finer than shown, a third of the bytes
    files.write(
        folder / model_files.TEST, lambda temporary: np.savez_compressed(temporary, probabilities=probabilities)
    )
    if outline:
        precomputed.write(folder, outline)
    scores = metrics.scores(probabilities, truth)
    files.write_json(
        folder / model_files.CARD,
        card
        | {
            "accuracy": scores.accuracy,
            "interval": list(scores.interval),
            "errors": scores.errors,
            "confusion": scores.confusion.tolist(),
            "parameters": int(model.count_params()),
            "bytes": {
                name: (folder / name).stat().st_size
                for name in (model_files.KERAS, model_files.TFLITE, model_files.TEST)
            },
            "calibration": calibrated.to_json(),
        },
    )
