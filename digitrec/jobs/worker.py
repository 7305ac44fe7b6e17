"""Train one run in a process of its own: `python -m digitrec.jobs.worker RUN_FOLDER`.

Everything it does goes into the run folder (see runfolder.py); nothing is returned. `--tied RUN_FOLDER` ends when
standard input does, that is, when the process that started it ends; `--spare` reads the folder from standard input.
"""

import contextlib
import errno
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from digitrec import files, settings
from digitrec.errors import DigitrecError, RunError
from digitrec.jobs import process, run_folder, sweep, throttle
from digitrec.recognition.digits import NONE
from digitrec.training import events as training_events
from digitrec.training import model_files
from digitrec.training.recipe import Recipe

if TYPE_CHECKING:
    import keras

    from digitrec.training.probes import Recorder
    from digitrec.training.splits import Split
    from digitrec.training.trainer import Event, Fitted, Position, Weights
from digitrec.jobs import checkpoint

TURN = 0.5  # seconds between two looks at the queue
LOADING = 2.0  # seconds that a run waits for a spare process that is not ready
CARD_FORMAT = 1
NO_MEMORY = ("can't start new thread", "failed to map segment", "Cannot allocate memory", "cannot allocate memory")
"""How errors of other kinds say that memory ran out: a thread's, and those of a library that is being loaded."""


def main(folder: Path) -> Path | None:
    """Wait for the run's turn, train, test and write what came of it.

    Returns:
        The folder of the next run of its sweep, for this process to train, or None.
    """
    with FileLock(folder / run_folder.ALIVE, timeout=10):
        try:
            _say_who(folder)
            if _wait(folder):
                _train(folder)
            else:
                _status(folder, "stopped")
        except Exception as error:
            _status(folder, "failed", _reason(error))
            _print(error)
        try:
            return sweep.follow(folder)
        except (DigitrecError, OSError) as error:
            _print(error)
            return None


def _reason(error: Exception) -> str:
    """Return why a training failed, for people."""
    if isinstance(error, DigitrecError):
        return str(error)
    if is_want_of_memory(error):
        return "There is not enough memory. Use a smaller batch or a smaller network, then start again."
    if isinstance(error, OSError):
        return "The disk is full or read-only. Free some space, then resume this run."
    return f"The training broke off with an internal error ({type(error).__name__}). Its log says more."


def is_want_of_memory(error: BaseException | None) -> bool:
    """Return whether an error, or what caused it, is that memory ran out, as Python, Linux or TensorFlow says it."""
    if error is None:
        return False
    said = (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or type(error).__name__ == "ResourceExhaustedError"  # TensorFlow's, which may not be loaded
        or any(sign in str(error) for sign in NO_MEMORY)
    )
    return said or is_want_of_memory(error.__cause__ or error.__context__)


def _print(error: Exception) -> None:
    """Print a trace to the log, if the disk has room for it."""
    with contextlib.suppress(OSError):
        traceback.print_exception(error)


def _wait(folder: Path) -> bool:
    """Wait until no earlier run trains or waits; false when asked to stop meanwhile."""
    while not (folder / run_folder.STOP).exists():
        if not run_folder.ahead(folder):
            return True
        time.sleep(TURN)
    return False


def _train(folder: Path) -> None:
    _status(folder, "starting")
    for leftover in folder.glob(".*-*"):  # files half written when an earlier worker was killed
        leftover.unlink(missing_ok=True)
    if run_folder.at_once(folder):  # the rival has the other half of the machine
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(max(1, (os.cpu_count() or 1) // 2))
    import numpy as np

    from digitrec.training import (
        probes,  # TensorFlow takes seconds: only when it is this run's turn
        splits,
        trainer,
    )

    recipe = Recipe.from_json(files.read_json(folder / model_files.RECIPE))
    resume = checkpoint.load_checkpoint(folder)
    split = splits.split(recipe)
    steps = trainer.steps_per_epoch(recipe, split)
    asked = (folder / run_folder.STOP).exists
    done = resume[1].epoch + resume[1].step / steps if resume else 0.0
    recorder = probes.Recorder(folder, recipe, split, done)
    with contextlib.closing(recorder), _Events(folder, resume[1] if resume else None, steps) as events:
        fitted = trainer.fit(
            recipe,
            split,
            events.report,
            lambda: asked() or events.behind or 0 < recipe.seconds <= events.spent,
            lambda model, position: checkpoint.save_checkpoint(folder, model, position),
            resume,
            lambda model: files.write(
                folder / run_folder.BEST, lambda temporary: np.savez(temporary, *model.get_weights())
            ),
            checkpoint.load_best(folder) if resume else None,
            lambda model, position: _look(recorder, model, position.epoch + position.step / steps),
            teacher(recipe),
        )
        if events.behind and fitted.stopped and not asked():
            _status(folder, "stopped", sweep.BEHIND)
            return
        events.report({"kind": "testing"})
    fitted = replace(fitted, stopped=fitted.stopped and asked())  # the end of its time is an end like any other
    _finish(folder, recipe, split, fitted)
    _status(folder, "stopped" if fitted.stopped else "finished")


def teacher(recipe: Recipe) -> "keras.Model | None":
    """Return the network that a recipe is taught by, or None.

    Raises:
        ModelError: If it is not at hand.
    """
    if not recipe.teacher:
        return None
    from digitrec.registry import registry
    from digitrec.training import network

    model = registry.get(recipe.teacher)
    net = network.trainable(model.recipe.replace(precision=recipe.precision, strokes=False), 1)
    net.set_weights(checkpoint.weights(model.folder))
    net.trainable = False
    return net


def _look(recorder: "Recorder", model: "keras.Model", epoch: float) -> None:
    first = next(layer for layer in model.layers if layer.name in ("conv_1", "dense_1"))
    recorder.look(epoch, lambda glyphs: model(glyphs, training=False).numpy(), first.kernel.numpy())


class _Events:
    """The run's events.jsonl, cut back to the checkpoint that training resumes from."""

    def __init__(self, folder: Path, position: "Position | None", steps: int) -> None:
        done = position.epoch + position.step / steps if position else 0.0
        kept = (
            [e for e in training_events.read_events(folder) if "epoch" in e and e["epoch"] <= done + 1e-4]
            if position
            else []
        )
        text = "".join(json.dumps(event) + "\n" for event in kept)
        files.write(folder / training_events.EVENTS, lambda temporary: temporary.write_text(text))
        self.folder = folder
        self.running = False
        self.ready = next((e["seconds"] for e in kept), None)  # TensorFlow had made its graphs: the clock starts
        self.spent = position.seconds - (self.ready or 0.0) if position else 0.0
        self.behind = False  # the others of its sweep

    def __enter__(self) -> "_Events":
        self.stream = (self.folder / training_events.EVENTS).open("a")
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
        if "seconds" in event:
            self.ready = event["seconds"] if self.ready is None else self.ready
            self.spent = event["seconds"] - self.ready
        if not self.running:
            _status(self.folder, "running")
            self.running = True
        if event["kind"] == "epoch":
            self.behind = sweep.is_behind(self.folder)


def _say_who(folder: Path) -> None:
    """Write which process this is, so that it can be ended should it hang."""
    before = files.read_json(folder / run_folder.STATUS) or {}
    files.write_json(folder / run_folder.STATUS, before | {"process": process.name()})


def _status(folder: Path, state: str, message: str = "") -> None:
    before = files.read_json(folder / run_folder.STATUS) or {}
    files.write_json(folder / run_folder.STATUS, before | {"state": state, "message": message})


def _finish(folder: Path, recipe: Recipe, split: "Split", fitted: "Fitted") -> None:
    """Write what came of a training."""
    from digitrec.training import trainer

    (folder / model_files.CARD).unlink(missing_ok=True)  # of before it was resumed: it would not fit the files to come
    epochs = [event for event in training_events.read_events(folder) if event["kind"] == "epoch"]
    position = fitted.position
    write_model(
        folder,
        recipe,
        fitted.model.get_weights(),
        split,
        {
            "validation_accuracy": _validation_accuracy(recipe, epochs),
            "epochs": round(position.epoch + position.step / trainer.steps_per_epoch(recipe, split), 2),
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

    from digitrec.analysis import precomputed
    from digitrec.datasets import mnist
    from digitrec.recognition import calibration
    from digitrec.recognition.classifier import Predictor
    from digitrec.training import metrics, network

    model = network.build(recipe)
    model.set_weights(weights)
    files.write(folder / model_files.KERAS, model.save)
    files.write(folder / model_files.TFLITE, lambda temporary: network.export(model, temporary))
    predictor = Predictor(recipe.name, folder / model_files.TFLITE)
    logits, none = predictor.logits(mnist.glyphs(split.x_validation)), split.y_validation == NONE
    calibrated = calibration.fit(logits[~none], split.y_validation[~none], logits[none] if none.any() else None)
    pictures, truth = mnist.test()
    probabilities = calibrated.answers(predictor.logits(mnist.glyphs(pictures))).probabilities
    probabilities = np.round(probabilities, 5)  # finer than any figure shows them, and a third of the bytes
    files.write(
        folder / model_files.TEST, lambda temporary: np.savez_compressed(temporary, probabilities=probabilities)
    )
    precomputed.write(folder, recipe)
    scores = metrics.scores(probabilities, truth)
    files.write_json(
        folder / model_files.CARD,
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
            "bytes": {
                name: (folder / name).stat().st_size
                for name in (model_files.KERAS, model_files.TFLITE, model_files.TEST)
            },
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


def _spare() -> None:
    """Load TensorFlow, wait for a run's folder on standard input, and train it; end where none comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the server, whose end is seen in the pipe
    loading = threading.Thread(target=_load, daemon=True)
    loading.start()
    folder = Path(os.fsdecode(sys.stdin.buffer.read()))
    if folder == Path():
        os._exit(0)  # TensorFlow, half loaded, would not end in peace
    if hasattr(os, "setsid"):
        os.setsid()  # from here on it outlives the server
    _print_to_log(folder)
    loading.join(LOADING if hasattr(os, "setpriority") else None)
    if loading.is_alive():  # other work leaves it no time: begin again at the usual priority
        os.execv(sys.executable, [sys.executable, "-m", "digitrec.jobs.worker", str(folder)])
    throttle.give_way()
    _train_all(folder)


def _train_all(folder: Path) -> None:
    """Train a run, and the next ones of its sweep."""
    following = main(folder)
    while following:
        _print_to_log(following)
        following = main(following)


def _print_to_log(folder: Path) -> None:
    with (folder / run_folder.LOG).open("ab") as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)


def _load() -> None:
    """Import what training needs, at the lowest priority where a thread can have one of its own (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
    from digitrec.training import trainer  # noqa: F401


def _end_with_parent() -> None:
    """End this process as soon as standard input is closed."""

    def wait() -> None:
        os.read(0, 1)  # not sys.stdin: at the end of a run Python would wait for its lock
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _command(arguments: list[str]) -> None:
    for unneeded in ("sklearn", "pandas"):  # Keras would load them where they are installed: 0.9 s, 70 MB
        sys.modules.setdefault(unneeded, None)  # type: ignore[arg-type]
    if arguments == ["--spare"]:
        _spare()
        return
    if arguments[0] == "--tied":
        _end_with_parent()
    else:
        throttle.give_way()
    _train_all(Path(arguments[-1]))


if __name__ == "__main__":
    _command(sys.argv[1:])
