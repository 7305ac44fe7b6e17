"""Start, watch, stop and resume training runs. Each is a job (see `job`).

Its folder also holds:

    recipe.json         the recipe
    duel.json           for one of a duel's two runs, which duel (see `duel`)
    events.jsonl        what happened, one event per line (see `training.events`)
    checkpoint.keras    weights with the optimizer's state, and the position (see `checkpoint`)
    best.npz            with early stopping, the weights with the lowest validation loss so far
    model.keras, model.tflite, test.npz, card.json      the trained model
    insight.npz         what Compare shows of it (see `precomputed`)
    watch.bin, own/     what the network predicted for a few digits while it learned (see `probes`)

On this machine one run trains at a time. The others' processes wait for their turn (see `queue`), so that a queue goes
on without the server that it was started from. A cluster has a queue of its own (see `scheduler`), and `status.json`
then also says how many of its workers have taken the run (`takes`).
"""

import contextlib
import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digitrec import files as files_module
from digitrec import settings
from digitrec.errors import RecipeError, RunError
from digitrec.jobs import job, queue, scheduler
from digitrec.registry import card as cards
from digitrec.training import events as training_events
from digitrec.training import model_files
from digitrec.training.recipe import Recipe

QUIET_MINUTES = 2  # after which a run that writes nothing is reported as silent

RATE_WINDOW = 60  # events; the time left is computed from the last 15 seconds of training or so

UNWRITABLE = "The folder for runs cannot be written"

ID = re.compile(r"\w[\w.-]{,79}", re.ASCII)

ACTIVE = ("queued", "starting", "running", "stopping")
"""States in which a process waits or trains; the others are finished, stopped, failed and interrupted."""

RESUMABLE = ("stopped", "interrupted", "failed")


@dataclass(frozen=True)
class Run:
    """One training run, as its folder describes it at the moment.

    Attributes:
        id: The folder's name.
        folder: Its folder.
        recipe: What it trains.
        state: queued, starting, running, stopping, finished, stopped, failed or interrupted.
        message: Why it failed or was interrupted, or that it has written nothing for long; otherwise empty.
        place: How many runs train or wait before this one, while it is queued; 0 for one that waits on a cluster.
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
        """Whether `resume` can continue it."""
        return self.state in RESUMABLE

    @property
    def card(self) -> dict[str, Any] | None:
        """The trained model's card, once there is one."""
        return cards.read(self.folder)


@dataclass(frozen=True)
class Curves:
    """A run's losses and accuracies, by batch and by epoch, and when in epochs and seconds each was reached.

    Accuracies are 0 to 1, epochs count from 0, seconds are those of training.
    """

    batch_epoch: list[float] = field(default_factory=list)
    batch_loss: list[float] = field(default_factory=list)
    batch_accuracy: list[float] = field(default_factory=list)
    epoch: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    batch_seconds: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        epochs: Epochs done, with fractions.
        of: Epochs in all.
        seconds: Seconds of training so far.
        seconds_left: Seconds still to go at the pace of the last quarter minute, or None before there is one.
        digits_per_second: Training digits per second of late, or None.
        testing: Whether training is over and the test digits are being read.
        of_seconds: Seconds after the first steps at which training ends, or 0 where only the epochs end it.
    """

    epochs: float
    of: int
    seconds: float
    seconds_left: float | None
    digits_per_second: float | None
    testing: bool
    of_seconds: float = 0.0

    @property
    def share(self) -> float:
        """Share of the epochs, or of the seconds, done, 0 to 1."""
        done = self.epochs / self.of
        if self.of_seconds:
            done = 0.0 if self.seconds_left is None else 1 - self.seconds_left / self.of_seconds
        return min(1.0, max(0.0, done))


def start(recipe: Recipe, duel: dict[str, Any] | None = None) -> Run:
    """Start a run, or queue it behind those that train.

    Where the cluster cannot be reached, the run has failed, and can be resumed.

    Args:
        recipe: What to train.
        duel: For one of a duel's two runs, what its folder says of the duel (see `duel`).

    Raises:
        RunError: If the folder for runs cannot be written.
        SettingsError: If `DIGITREC_SCHEDULER` is no address.
    """
    with job.writing(UNWRITABLE):
        files = {model_files.RECIPE: recipe.to_json(), job.STATUS: _queued()}
        if duel:
            files[queue.DUEL] = duel
        folder = _new_folder(recipe.name, files)
        try:
            return _launch(folder)
        except OSError:
            files_module.remove_folder(folder)
            raise


def start_as(run_id: str, recipe: Recipe, launch: bool = True) -> Run | None:
    """Start a run under an id of its own, or return None where there is one of this id.

    Args:
        run_id: The folder's name.
        recipe: What to train.
        launch: False where the calling process will train it itself.

    Raises:
        RunError: If the folder for runs cannot be written.
    """
    with job.writing(UNWRITABLE):
        folder = settings.runs_folder() / run_id
        try:
            files_module.new_folder(folder, {model_files.RECIPE: recipe.to_json(), job.STATUS: _queued()})
        except FileExistsError:
            return None
        return _launch(folder) if launch else get(run_id)


def resume(run: Run) -> Run:
    """Continue a run that was stopped, interrupted or failed, from its last checkpoint.

    Raises:
        RunError: If the run trains already, or is finished.
        SettingsError: If `DIGITREC_SCHEDULER` is no address.
    """
    run = get(run.id)
    if not run.resumable:
        raise RunError(f"Only a stopped, interrupted or failed run can be resumed. This one is {run.state}.")
    with job.writing(UNWRITABLE):
        status = _queued()
        (run.folder / job.STOP).unlink(missing_ok=True)
        files_module.write_json(run.folder / job.STATUS, status)
        return _launch(run.folder)


def stop(run: Run) -> Run:
    """Ask a run to stop; it ends within a second or two and keeps what it learned. One that hangs is ended by force.

    Raises:
        RunError: If the run is not under way.
    """
    run = get(run.id)
    if not run.active:
        raise RunError(f"Only an active run can be stopped. This one is {run.state}.")
    with job.writing(UNWRITABLE):
        job.stop(run.folder, scheduler.ADVICE)
    return get(run.id)


def delete(run: Run) -> None:
    """Delete a run and its folder.

    Raises:
        RunError: If the run is under way, or its files cannot be removed.
    """
    if get(run.id).active:
        raise RunError("An active run cannot be deleted. Stop it first.")
    with job.writing(UNWRITABLE):
        files_module.remove_folder(run.folder)


def damaged() -> list[str]:
    """Return the names of the run folders that are left out because their recipe is missing or damaged."""
    found = []
    for folder in files_module.folders(settings.runs_folder()):
        if any((folder / file).exists() for file in (model_files.RECIPE, job.STATUS, training_events.EVENTS)):
            try:
                _read(folder)
            except RunError:
                found.append(folder.name)
    return sorted(found)


def discard(name: str) -> None:
    """Delete a damaged run folder.

    Raises:
        RunError: If it is not one, a process holds it, or its files cannot be removed.
    """
    if name not in damaged():
        raise RunError(f"There is no damaged run of this name. Received: {name[:60]!r}")
    folder = settings.runs_folder() / name
    if job.is_alive(folder):
        raise RunError("A process still works in this folder. Wait until it has ended.")
    with job.writing(UNWRITABLE):
        files_module.remove_folder(folder)


def get(run_id: str) -> Run:
    """Return the run with this id.

    Raises:
        RunError: If there is none, or its folder is damaged.
    """
    folder = settings.runs_folder() / run_id
    if not ID.fullmatch(run_id) or not (folder / model_files.RECIPE).is_file():
        raise RunError(f"There is no run of this name. Choose one from the list. Received: {run_id[:60]!r}")
    return _read(folder)


def runs() -> list[Run]:
    """Return all runs, newest first; a folder that is damaged is left out."""
    found = []
    for folder in files_module.folders(settings.runs_folder()):
        if ID.fullmatch(folder.name):
            with contextlib.suppress(RunError):
                found.append(_read(folder))
    return sorted(found, key=lambda run: run.id, reverse=True)


def progress_and_curves(run: Run) -> tuple[Progress, Curves]:
    """Return how far the run has come, how long it still takes, and its curves; its events are read once."""
    events = training_events.read_events(run.folder)
    return _progress(run.recipe, events), _curves(events)


def curves_in(folder: Path) -> Curves:
    """Return the losses and accuracies in the folder of a run or a saved model; none where it has no events."""
    return _curves(training_events.read_events(folder))


def _curves(events: list[dict[str, Any]]) -> Curves:
    result = Curves()
    for event in events:
        if event.get("kind") == "batch":
            result.batch_epoch.append(event["epoch"])
            result.batch_seconds.append(event["seconds"])
            result.batch_loss.append(event["loss"])
            result.batch_accuracy.append(event["accuracy"])
        elif event.get("kind") == "epoch":
            for key in ("epoch", "seconds", "loss", "accuracy", "val_loss", "val_accuracy"):
                getattr(result, key).append(event[key])
    return result


def _progress(recipe: Recipe, events: list[dict[str, Any]]) -> Progress:
    steps = [event for event in events if "seconds" in event]
    if not steps:
        return Progress(0.0, recipe.epochs, 0.0, None, None, False, recipe.seconds)
    last = steps[-1]
    recent = deque(steps, RATE_WINDOW)
    epochs, seconds = last["epoch"] - recent[0]["epoch"], last["seconds"] - recent[0]["seconds"]
    left = (recipe.epochs - last["epoch"]) * seconds / epochs if epochs > 0 else None
    if recipe.seconds:
        left = max(0.0, recipe.seconds - (last["seconds"] - steps[0]["seconds"]))
    return Progress(
        last["epoch"],
        recipe.epochs,
        last["seconds"],
        left,
        last["digits_per_second"],
        events[-1].get("kind") == "testing",
        recipe.seconds,
    )


def history_csv(run: Run) -> str:
    """Return the curves as CSV: a header, then one row per event."""
    columns = ("kind", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds", "digits_per_second")
    rows = [
        columns,
        *([event.get(c, "") for c in columns] for event in training_events.read_events(run.folder) if "loss" in event),
    ]
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def _read(folder: Path) -> Run:
    if files_module.has_links(folder):
        raise RunError(
            "The folder of this run is a symbolic link or contains one. Replace the link with a copy of the files."
        )
    try:
        recipe = Recipe.from_json(files_module.read_json(folder / model_files.RECIPE))
    except RecipeError as error:
        raise RunError("The folder of this run is damaged. Delete it and start again.") from error
    return Run(folder.name, folder, recipe, *_state(folder))


def _state(folder: Path) -> tuple[str, str, int]:
    """Return the run's state, message and place in the queue."""
    status = job.snapshot(folder, scheduler.ADVICE)
    if status.state in ("starting", "running", "stopping"):
        return status.state, _silence(folder), 0
    if status.state == job.QUEUED and not status.cluster:
        place = len(queue.ahead(folder))
        return ("queued" if place else "starting"), "", place
    return status.state, status.message, 0


def _silence(folder: Path) -> str:
    """Return a sentence if a run has written nothing for long."""
    minutes = int((time.time() - job.last_write(folder)) / 60)
    if minutes < QUIET_MINUTES:  # below zero where the clock was set back
        return ""
    return f"It has written nothing for {minutes} minutes. If it hangs, Stop ends it."


def _new_folder(name: str, files: Mapping[str, dict[str, Any]]) -> Path:
    base = f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
    for suffix in ("", *(f".{n}" for n in range(2, 100))):
        folder = settings.runs_folder() / (base + suffix)
        with contextlib.suppress(FileExistsError):
            files_module.new_folder(folder, files)
            return folder
    raise RunError("Too many runs were started within a second. Wait a moment and start again.")


def _queued() -> dict[str, Any]:
    """Return the status of a run that joins the queue now."""
    return job.new_status(queue.next_turn(settings.runs_folder()), settings.scheduler() is not None)


def _launch(folder: Path) -> Run:
    try:
        scheduler.submit(folder)
    except RunError as error:
        job.update(folder, state="failed", message=str(error))
    return get(folder.name)
