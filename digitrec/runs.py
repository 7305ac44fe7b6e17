"""Start, watch, stop and resume training runs. Each trains in a process of its own; its folder is the truth.

One run trains at a time. The others' processes wait for their turn, so that a queue goes on without
the server that it was started from.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digitrec import card as cards
from digitrec import runfolder as rf
from digitrec import settings
from digitrec.errors import RecipeError, RunError
from digitrec.recipe import Recipe

RATE_WINDOW = 60  # events; some 15 seconds of training decide what the time left is reckoned from

ID = re.compile(r"\w[\w.-]{,79}", re.ASCII)

ACTIVE = ("queued", "starting", "running", "stopping")
"""States in which a process waits or trains; the others are finished, stopped, failed and interrupted."""

RESUMABLE = ("stopped", "interrupted", "failed")

INTERRUPTED = (
    "The training process ended before its time: it was killed, the machine was restarted, or the disk is full. "
    "Resume goes on from the last checkpoint."
)


@dataclass(frozen=True)
class Run:
    """One training run, as its folder tells it at the moment.

    Attributes:
        id: The folder's name.
        folder: Its folder.
        recipe: What it trains.
        state: queued, starting, running, stopping, finished, stopped, failed or interrupted.
        message: A sentence on why it failed or was interrupted; otherwise empty.
        place: How many runs train or wait before this one, while it is queued.
    """

    id: str
    folder: Path
    recipe: Recipe
    state: str
    message: str = ""
    place: int = 0

    @property
    def active(self) -> bool:
        """Whether a process waits or trains."""
        return self.state in ACTIVE

    @property
    def resumable(self) -> bool:
        """Whether `resume` can go on with it."""
        return self.state in RESUMABLE

    @property
    def card(self) -> dict[str, Any] | None:
        """The trained model's card, once there is one."""
        return cards.read(self.folder)


@dataclass(frozen=True)
class Curves:
    """A run's losses and accuracies, by batch and by epoch; accuracies are 0 to 1, epochs count from 0."""

    batch_epoch: list[float] = field(default_factory=list)
    batch_loss: list[float] = field(default_factory=list)
    batch_accuracy: list[float] = field(default_factory=list)
    epoch: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        epochs: Epochs done, with fractions.
        of: Epochs in all.
        seconds: Seconds of training so far.
        seconds_left: Seconds still to go at the pace of the last quarter minute, or None before there is one.
        digits_per_second: Training digits a second of late, or None.
        accuracy: Accuracy on the training digits of late, 0 to 1, or None.
        testing: Whether training is over and the test digits are being read.
    """

    epochs: float
    of: int
    seconds: float
    seconds_left: float | None
    digits_per_second: float | None
    accuracy: float | None
    testing: bool

    @property
    def share(self) -> float:
        """Share of the epochs done, 0 to 1."""
        return min(1.0, max(0.0, self.epochs / self.of))


def start(recipe: Recipe) -> Run:
    """Start a run, or queue it behind those that train.

    Raises:
        RunError: If the folder for runs cannot be written.
    """
    with _disk():
        folder = _new_folder(recipe.name)
        try:
            rf.write_json(folder / rf.RECIPE, recipe.to_json())
            return _launch(folder)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def resume(run: Run) -> Run:
    """Go on with a run that was stopped, interrupted or failed, from its last checkpoint.

    Raises:
        RunError: If the run trains already, or is finished.
    """
    run = get(run.id)
    if not run.resumable:
        raise RunError(f"Only a stopped, interrupted or failed run can be resumed. This one is {run.state}.")
    with _disk():
        (run.folder / rf.STOP).unlink(missing_ok=True)
        return _launch(run.folder)


def stop(run: Run) -> Run:
    """Ask a run to stop; it ends within a second or two and keeps what was learned.

    Raises:
        RunError: If the run is not under way.
    """
    run = get(run.id)
    if not run.active:
        raise RunError(f"Only a run under way can be stopped. This one is {run.state}.")
    with _disk():
        (run.folder / rf.STOP).touch()
    return get(run.id)


def delete(run: Run) -> None:
    """Delete a run and its folder.

    Raises:
        RunError: If the run is under way, or its files cannot be removed.
    """
    if get(run.id).active:
        raise RunError("A run under way cannot be deleted. Stop it first.")
    with _disk():
        shutil.rmtree(run.folder)


def get(run_id: str) -> Run:
    """Return the run with this id.

    Raises:
        RunError: If there is none, or its folder is damaged.
    """
    folder = settings.runs_folder() / run_id
    if not ID.fullmatch(run_id) or not (folder / rf.RECIPE).is_file():
        raise RunError(f"There is no run of this name. Choose one from the list. Received: {run_id[:60]!r}")
    return _read(folder)


def runs() -> list[Run]:
    """Return all runs, newest first; a folder that is damaged is left out."""
    found = []
    for folder in settings.runs_folder().glob("*/"):
        if ID.fullmatch(folder.name):
            with contextlib.suppress(RunError):
                found.append(_read(folder))
    return sorted(found, key=lambda run: run.id, reverse=True)


def curves(run: Run) -> Curves:
    """Return the run's losses and accuracies so far."""
    result = Curves()
    for event in rf.read_events(run.folder):
        if event.get("kind") == "batch":
            result.batch_epoch.append(event["epoch"])
            result.batch_loss.append(event["loss"])
            result.batch_accuracy.append(event["accuracy"])
        elif event.get("kind") == "epoch":
            for key in ("epoch", "loss", "accuracy", "val_loss", "val_accuracy"):
                getattr(result, key).append(event[key])
    return result


def progress(run: Run) -> Progress:
    """Return how far the run has come and how long it still takes."""
    events = rf.read_events(run.folder)
    steps = [event for event in events if "seconds" in event]
    if not steps:
        return Progress(0.0, run.recipe.epochs, 0.0, None, None, None, False)
    last = steps[-1]
    recent = deque(steps, RATE_WINDOW)
    epochs, seconds = last["epoch"] - recent[0]["epoch"], last["seconds"] - recent[0]["seconds"]
    left = (run.recipe.epochs - last["epoch"]) * seconds / epochs if epochs > 0 else None
    return Progress(
        last["epoch"],
        run.recipe.epochs,
        last["seconds"],
        left,
        last["digits_per_second"],
        last["accuracy"],
        events[-1].get("kind") == "testing",
    )


def history_csv(run: Run) -> str:
    """Return the curves as CSV, a row an event, with a header."""
    columns = ("kind", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds", "digits_per_second")
    rows = [columns, *([event.get(c, "") for c in columns] for event in rf.read_events(run.folder) if "loss" in event)]
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def _read(folder: Path) -> Run:
    if rf.has_links(folder):
        raise RunError("The folder of this run is a link, or holds one. Copy the files themselves.")
    try:
        recipe = Recipe.from_json(rf.read_json(folder / rf.RECIPE))
    except RecipeError as error:
        raise RunError("The folder of this run is damaged. Delete it and start again.") from error
    return Run(folder.name, folder, recipe, *_state(folder))


def _state(folder: Path) -> tuple[str, str, int]:
    """Return the run's state, message and place in the queue."""
    status = rf.read_status(folder)
    if status.state not in rf.UNDER_WAY:
        return status.state, status.message, 0
    if not rf.is_alive(folder) and (_has_died(folder, status.started) or not rf.is_launching(folder)):
        if rf.read_status(folder) != status:  # it ended, or went on, between the two looks
            return _state(folder)
        return "interrupted", INTERRUPTED, 0
    if (folder / rf.STOP).exists():
        return "stopping", "", 0
    if status.state != rf.WAITING:
        return status.state, "", 0
    place = len(rf.ahead(folder))
    return ("queued" if place else "starting"), "", place


def _has_died(folder: Path, started: float) -> bool:
    """Whether this very process started the run's worker at that time and saw it end."""
    child = _children.get((folder, started))
    return child is not None and child.poll() is not None


def _new_folder(name: str) -> Path:
    base = f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
    for suffix in ("", *(f".{n}" for n in range(2, 100))):
        folder = settings.runs_folder() / (base + suffix)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
    raise RunError("Too many runs were started within a second. Wait a moment and start again.")


def _launch(folder: Path) -> Run:
    now = time.time()
    rf.write_json(folder / rf.STATUS, {"state": "queued", "message": "", "queued_at": now, "started": now})
    with (folder / rf.LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "digitrec.worker", str(folder)],
            cwd=settings.PROJECT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # it outlives the server, and Ctrl-C there does not reach it
        )
    for child in list(_children.values()):
        child.poll()  # reaps those that ended
    _children[folder, now] = process
    return get(folder.name)


_children: dict[tuple[Path, float], "subprocess.Popen[bytes]"] = {}


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(
            "The folder for runs cannot be written: the disk is full or read-only. "
            "Free some space, or set DIGITREC_HOME to a folder that can be written."
        ) from error
