"""Train one run in a process of its own: `python -m digitrec.jobs.worker RUN_FOLDER`.

Everything it makes goes into the run folder (see `runs`); nothing is returned. `--tied RUN_FOLDER` ends when standard
input does, that is, when the process that started it ends; `--spare` reads the folder from standard input.
"""

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitrec import files, settings
from digitrec.errors import DigitrecError, RunError
from digitrec.jobs import checkpoint, job, queue, sweep, throttle
from digitrec.jobs.scheduler import ADVICE
from digitrec.training import events as training_events
from digitrec.training import model_files, precision
from digitrec.training.recipe import Recipe

if TYPE_CHECKING:
    import keras

    from digitrec.recognition.calibration import Calibration
    from digitrec.training.probes import Recorder
    from digitrec.training.splits import Split
    from digitrec.training.trainer import Event, Fitted, Position, Weights

TURN_SECONDS = 0.5  # between two checks of the queue
LOADING_SECONDS = 2.0  # that a run waits for a spare process that is not ready
CARD_FORMAT = 1


def main(folder: Path) -> Path | None:
    """Wait for the run's turn, train, test and write what became of it.

    Returns:
        The folder of the next run of its sweep, for this process to train, or None.
    """
    with job.held(folder):
        with job.failures(folder, ADVICE):
            if _wait(folder):
                _train(folder)
            else:
                job.update(folder, state="stopped", message="")
        try:
            return sweep.follow(folder)
        except (DigitrecError, OSError) as error:
            job.print_trace(error)
            return None


def _wait(folder: Path) -> bool:
    """Wait until no earlier run trains or waits; false when asked to stop meanwhile."""
    while not (folder / job.STOP).exists():
        if not queue.ahead(folder):
            return True
        time.sleep(TURN_SECONDS)
    return False


def _train(folder: Path) -> None:
    job.update(folder, state="starting", message="")
    for leftover in folder.glob(".*-*"):  # files half written when an earlier worker was killed
        leftover.unlink(missing_ok=True)
    if queue.at_once(folder):  # the rival has the other half of the machine
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(max(1, (os.cpu_count() or 1) // 2))
    import numpy as np

    from digitrec.training import batches, probes, splits, trainer  # TensorFlow takes seconds: only at this run's turn

    recipe = Recipe.from_json(files.read_json(folder / model_files.RECIPE))
    resume = checkpoint.load_checkpoint(folder)
    split = splits.split(recipe)
    steps = batches.steps_per_epoch(recipe, split)
    asked = (folder / job.STOP).exists
    done = resume[1].epoch + resume[1].step / steps if resume else 0.0
    recorder = probes.Recorder(folder, recipe, split, done)
    with contextlib.closing(recorder), _Events(folder, resume[1] if resume else None, steps) as events:
        hooks = trainer.Hooks(
            report=events.report,
            should_stop=lambda: asked() or events.behind or 0 < recipe.seconds <= events.spent,
            save=lambda model, position: checkpoint.save_checkpoint(folder, model, position),
            keep_best=lambda model: files.write(
                folder / checkpoint.BEST, lambda temporary: np.savez(temporary, *model.get_weights())
            ),
            snapshot=lambda model, position: _snapshot(recorder, model, position.epoch + position.step / steps),
        )
        best = checkpoint.load_best(folder) if resume else None
        fitted = trainer.fit(recipe, split, hooks, resume, best, teacher(recipe))
        if events.behind and fitted.stopped and not asked():
            job.update(folder, state="stopped", message=sweep.BEHIND)
            return
        events.report({"kind": "testing"})
    fitted = replace(fitted, stopped=fitted.stopped and asked())  # the end of its time is an end like any other
    _finish(folder, recipe, split, fitted)
    job.update(folder, state="stopped" if fitted.stopped else "finished", message="")


def teacher(recipe: Recipe) -> "keras.Model | None":
    """Return the network that a recipe is taught by, or None.

    Raises:
        ModelError: If it is not available.
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


def _snapshot(recorder: "Recorder", model: "keras.Model", epoch: float) -> None:
    first = next(layer for layer in model.layers if layer.name in ("conv_1", "dense_1"))
    recorder.record(epoch, lambda glyphs: model(glyphs, training=False).numpy(), first.kernel.numpy())


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
            job.update(self.folder, state="running", message="")
            self.running = True
        if event["kind"] == "epoch":
            self.behind = sweep.is_behind(self.folder)


def _finish(folder: Path, recipe: Recipe, split: "Split", fitted: "Fitted") -> None:
    """Write what came of a training."""
    from digitrec.training import batches, splits

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
            "epochs": round(position.epoch + position.step / batches.steps_per_epoch(recipe, split), 2),
            "stopped": fitted.stopped,
            "seconds": round(position.seconds, 1),
            "precision": precision.computed(recipe.precision),
            "trained_on": splits.sources(split),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": _commit(),
            "versions": {"python": platform.python_version()}
            | {package: version(package) for package in ("tensorflow", "keras", "numpy", "ai-edge-litert")},
        },
    )


def write_model(
    folder: Path,
    recipe: Recipe,
    weights: "Weights",
    calibrated_on: "Split | Calibration",
    facts: dict[str, Any],
    insight: bool = True,
) -> None:
    """Write a trained model's files and its card, see `writing.write`.

    Args:
        folder: Where the files go; those of the same names are replaced.
        recipe: What it was trained by.
        weights: The network's, as `network.build` orders them.
        calibrated_on: What it was trained on, whose validation digits calibrate it; or its calibration.
        facts: What the card says of the training; what it says of the model is replaced.
        insight: Whether what Compare shows of it is computed in advance.
    """
    from digitrec.jobs import writing
    from digitrec.training import network

    model = network.build(recipe)
    model.set_weights(weights)
    card = facts | {"format": CARD_FORMAT, "name": recipe.name, "recipe": recipe.to_json()}
    writing.write(folder, model, network.export, calibrated_on, lambda logits: card, recipe if insight else None)


def _validation_accuracy(recipe: Recipe, epochs: list[dict[str, Any]]) -> float | None:
    """Return that of the weights that were kept: the last epoch's, or with `patience` the best one's."""
    if not epochs:
        return None
    kept = min(epochs, key=lambda event: event["val_loss"]) if recipe.patience else epochs[-1]
    return float(kept["val_accuracy"])


def _commit() -> str | None:
    """The project's commit, with `+` where files differ from it; None outside a git checkout."""
    if settings.INSTALLED:
        return None  # a checkout around site-packages is another project's
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
    loading.join(LOADING_SECONDS if hasattr(os, "setpriority") else None)
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
    with (folder / job.LOG).open("ab") as log:
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
