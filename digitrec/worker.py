"""Train one run in a process of its own: `python -m digitrec.worker RUN_FOLDER`.

Everything it does goes into the run folder (see runfolder.py); nothing is returned.
"""

import contextlib
import json
import math
import platform
import subprocess
import sys
import time
import traceback
import zipfile
import zlib
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from digitrec import runfolder as rf
from digitrec import settings
from digitrec.errors import DigitrecError, RunError
from digitrec.recipe import NONE, Recipe

if TYPE_CHECKING:
    import keras

    from digitrec.dataset import Split
    from digitrec.train import Event, Fitted, Position, Weights
    from digitrec.watch import Recorder

TURN = 0.5  # seconds between two looks at the queue
CARD_FORMAT = 1


def main(folder: Path) -> None:
    """Wait for the run's turn, train, test and write what came of it."""
    with FileLock(folder / rf.ALIVE, timeout=10):
        try:
            if _wait(folder):
                _train(folder)
            else:
                _status(folder, "stopped")
        except DigitrecError as error:
            _status(folder, "failed", str(error))
        except OSError as error:
            traceback.print_exception(error)
            _status(folder, "failed", "The disk is full or read-only. Free some space, then resume this run.")
        except MemoryError:
            _status(folder, "failed", "There is not enough memory. Use a smaller batch or a smaller network.")
        except Exception as error:
            traceback.print_exception(error)
            message = f"The training broke off with an internal error ({type(error).__name__}). Its log says more."
            _status(folder, "failed", message)


def _wait(folder: Path) -> bool:
    """Wait until no earlier run trains or waits; false when asked to stop meanwhile."""
    while not (folder / rf.STOP).exists():
        if not rf.ahead(folder):
            return True
        time.sleep(TURN)
    return False


def _train(folder: Path) -> None:
    _status(folder, "starting")
    for leftover in folder.glob(".*-*"):  # files half written when an earlier worker was killed
        leftover.unlink(missing_ok=True)
    import numpy as np

    from digitrec import dataset, train, watch  # TensorFlow takes seconds: only when it is this run's turn

    recipe = Recipe.from_json(rf.read_json(folder / rf.RECIPE))
    resume = _checkpoint(folder)
    split = dataset.split(recipe)
    steps = train.steps_per_epoch(recipe, split)
    done = resume[1].epoch + resume[1].step / steps if resume else 0.0
    recorder = watch.Recorder(folder, recipe, split, done)
    with contextlib.closing(recorder), _Events(folder, resume[1] if resume else None, steps) as events:
        fitted = train.fit(
            recipe,
            split,
            events.report,
            (folder / rf.STOP).exists,
            lambda model, position: _save_checkpoint(folder, model, position),
            resume,
            lambda model: rf.write(folder / rf.BEST, lambda temporary: np.savez(temporary, *model.get_weights())),
            _best(folder) if resume else None,
            lambda model, position: _look(recorder, model, position.epoch + position.step / steps),
        )
        events.report({"kind": "testing"})
    _finish(folder, recipe, split, fitted)
    _status(folder, "stopped" if fitted.stopped else "finished")


def _look(recorder: "Recorder", model: "keras.Model", epoch: float) -> None:
    first = next(layer for layer in model.layers if layer.name in ("conv_1", "dense_1"))
    recorder.look(epoch, lambda glyphs: model(glyphs, training=False).numpy(), first.kernel.numpy())


class _Events:
    """The run's events.jsonl, cut back to the checkpoint that training resumes from."""

    def __init__(self, folder: Path, position: "Position | None", steps: int) -> None:
        done = position.epoch + position.step / steps if position else 0.0
        kept = [e for e in rf.read_events(folder) if "epoch" in e and e["epoch"] <= done + 1e-4] if position else []
        text = "".join(json.dumps(event) + "\n" for event in kept)
        rf.write(folder / rf.EVENTS, lambda temporary: temporary.write_text(text))
        self.folder = folder
        self.running = False

    def __enter__(self) -> "_Events":
        self.stream = (self.folder / rf.EVENTS).open("a")
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def report(self, event: "Event") -> None:
        try:
            line = json.dumps(event, allow_nan=False) + "\n"
        except ValueError as error:
            raise RunError("The loss is no longer a number. Start again with a smaller learning rate.") from error
        self.stream.write(line)
        self.stream.flush()
        if not self.running:
            _status(self.folder, "running")
            self.running = True


def _status(folder: Path, state: str, message: str = "") -> None:
    before = rf.read_json(folder / rf.STATUS) or {}
    rf.write_json(folder / rf.STATUS, before | {"state": state, "message": message})


def _checkpoint(folder: Path) -> "tuple[keras.Model, Position] | None":
    import keras

    from digitrec.train import Position

    values = rf.read_json(folder / rf.POSITION)
    if values is None:
        return None
    try:
        model = keras.saving.load_model(folder / rf.CHECKPOINT)
        best = values.pop("best_loss")
        return model, Position(best_loss=math.inf if best is None else best, **values)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise RunError("The checkpoint of this run is damaged. Start the recipe again.") from error


def _best(folder: Path) -> "Weights | None":
    """Return the weights with the lowest validation loss so far, or None where none were kept."""
    import numpy as np

    try:
        with np.load(folder / rf.BEST) as arrays:
            return [arrays[name] for name in arrays.files]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _save_checkpoint(folder: Path, model: "keras.Model", position: "Position") -> None:
    rf.write(folder / rf.CHECKPOINT, model.save)
    best = position.best_loss if math.isfinite(position.best_loss) else None
    rf.write_json(folder / rf.POSITION, asdict(position) | {"best_loss": best})


def _finish(folder: Path, recipe: Recipe, split: "Split", fitted: "Fitted") -> None:
    """Write what came of a training."""
    from digitrec import train

    epochs = [event for event in rf.read_events(folder) if event["kind"] == "epoch"]
    position = fitted.position
    write_model(
        folder,
        recipe,
        fitted.model.get_weights(),
        split,
        {
            "validation_accuracy": _validation_accuracy(recipe, epochs),
            "epochs": round(position.epoch + position.step / train.steps_per_epoch(recipe, split), 2),
            "stopped": fitted.stopped,
            "seconds": round(position.seconds, 1),
            "trained_on": "MNIST and UNIPEN" if (split.y == NONE).any() else "MNIST",
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": _commit(),
            "versions": {"python": platform.python_version()}
            | {package: version(package) for package in ("tensorflow", "keras", "numpy", "ai-edge-litert")},
        },
    )


def write_model(folder: Path, recipe: Recipe, weights: "Weights", split: "Split", facts: dict[str, Any]) -> None:
    """Write a trained model for Keras and for LiteRT, what the latter says of digits, and the card.

    Args:
        folder: Where the files go; those of the same names are replaced.
        recipe: What it was trained by.
        weights: The network's, as `network.build` orders them.
        split: What it was trained on; its validation digits calibrate it.
        facts: What the card says of the training; what it says of the model is replaced.
    """
    import numpy as np

    from digitrec import calibration, dataset, evaluate, insight, network
    from digitrec.predict import Predictor

    model = network.build(recipe)
    model.set_weights(weights)
    rf.write(folder / rf.KERAS, model.save)
    rf.write(folder / rf.TFLITE, lambda temporary: network.export(model, temporary))
    predictor = Predictor(recipe.name, folder / rf.TFLITE)
    logits, none = predictor.logits(dataset.glyphs(split.x_validation)), split.y_validation == NONE
    calibrated = calibration.fit(logits[~none], split.y_validation[~none], logits[none] if none.any() else None)
    pictures, truth = dataset.test()
    probabilities = calibrated.answers(predictor.logits(dataset.glyphs(pictures))).probabilities
    rf.write(folder / rf.TEST, lambda temporary: np.savez_compressed(temporary, probabilities=probabilities))
    insight.write(folder, recipe)
    scores = evaluate.scores(probabilities, truth)
    rf.write_json(
        folder / rf.CARD,
        facts
        | {
            "format": CARD_FORMAT,
            "name": recipe.name,
            "recipe": recipe.to_json(),
            "accuracy": scores.accuracy,
            "interval": list(scores.interval),
            "errors": scores.errors,
            "confusion": scores.confusion.tolist(),
            "parameters": int(model.count_params()),
            "bytes": {name: (folder / name).stat().st_size for name in (rf.KERAS, rf.TFLITE, rf.TEST)},
            "calibration": calibrated.to_json(),
        },
    )


def _validation_accuracy(recipe: Recipe, epochs: list[dict[str, Any]]) -> float | None:
    """Return that of the weights that were kept: the last epoch's, or with `patience` the best one's."""
    if not epochs:
        return None
    kept = min(epochs, key=lambda event: event["val_loss"]) if recipe.patience else epochs[-1]
    return float(kept["val_accuracy"])


def _commit() -> str | None:
    """The project's commit, with `+` where files differ from it; None outside a git checkout."""
    command = ["git", "-C", str(settings.PROJECT), "describe", "--always", "--abbrev=12", "--dirty=+"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
