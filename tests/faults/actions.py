"""What the app writes, each action to be broken off anywhere; and what must be true of a home afterwards."""

import fcntl
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from digitrec import files, settings
from digitrec.datasets import mnist
from digitrec.errors import DigitrecError
from digitrec.jobs import checkpoint, duel, job, limits, runs, scheduler, sweep, worker
from digitrec.registry import registry
from digitrec.training import events as training_events
from digitrec.training import model_files
from digitrec.training.recipe import Recipe

RECIPE = Recipe("small", hidden=(8,), batch_size=512, epochs=1, validation=0.01)
SHIPPED = settings.SHIPPED_MODELS / "mlp-30-10"
ENDED = ("finished", "stopped", "failed", "interrupted")
SWEEP = {"seed": [1, 2]}


class Action(NamedTuple):
    """Something the app writes.

    Attributes:
        name: What it is.
        do: Does it.
        done: Whether it is done, asked afterwards; what was broken off must be possible again until it is.
        by_worker: Whether a training does it, which says in the run's status what an OSError means.
    """

    name: str
    do: Callable[[], object]
    done: Callable[[], bool]
    by_worker: bool = False


def seed(home: Path) -> None:
    """Fill a home: two models, a run that finished, one that was stopped, one half way, one damaged, a sweep."""
    for name in ("kept", "mine"):
        shutil.copytree(SHIPPED, home / "models" / name)
    for name, state in (("ended", "finished"), ("halted", "stopped"), ("under-way", "running"), ("damaged", "failed")):
        folder = home / "runs" / name
        shutil.copytree(SHIPPED, folder)
        files.write_json(folder / model_files.RECIPE, RECIPE.to_json())
        files.write_json(folder / job.STATUS, {"state": state, "message": "", "queued_at": 1.0, "started": 1.0})
        _save_checkpoint(folder, 1)
        (folder / job.ALIVE).touch()
    shutil.copytree(home / "runs" / "ended", home / "runs" / "ancient")
    os.utime(home / "runs" / "ancient" / job.STATUS, (1, 1))
    (home / "runs" / "damaged" / model_files.RECIPE).write_text("{")
    files.new_folder(home / "sweeps" / "old", {sweep.FILE: _sweep()})
    files.new_folder(home / "sweeps" / "asked", {sweep.FILE: _sweep()})
    runs.start_as("asked-00", RECIPE.replace(seed=1), launch=False)
    runs.start_as("old-00", RECIPE.replace(seed=1), launch=False)
    for name in ("asked-00", "old-00"):
        files.write_json(home / "runs" / name / job.STATUS, {"state": "finished", "message": "", "queued_at": 1.0})


def _sweep() -> dict[str, object]:
    return {"recipe": RECIPE.to_json(), "settings": SWEEP, "early": False}


def actions(home: Path) -> list[Action]:
    """Return all actions, to be done in a home that `seed` filled, each in one of its own."""
    models, folder, sweeps = home / "models", home / "runs", home / "sweeps"
    before = len(list(folder.iterdir()))  # one of them is damaged, and one goes when a duel is started

    def state(name: str) -> str:
        return job.read_status(folder / name).state

    def started(count: int = 1) -> bool:
        return len(runs.runs()) >= before - 2 + count

    return [
        Action("start a run", lambda: runs.start(RECIPE), started),
        Action(
            "start a duel", lambda: duel.start(RECIPE, RECIPE.replace(seed=2), "epochs", 1, True), lambda: started(2)
        ),
        Action("resume a run", lambda: runs.resume(runs.get("halted")), lambda: state("halted") == "queued"),
        Action("stop a run", lambda: _stop(folder / "under-way"), (folder / "under-way" / job.STOP).exists),
        Action("delete a run", lambda: runs.delete(runs.get("ended")), lambda: not (folder / "ended").exists()),
        Action("discard a run", lambda: runs.discard("damaged"), lambda: not (folder / "damaged").exists()),
        Action("clear old runs", _clear, lambda: not (folder / "ancient").exists()),
        Action("save a model", lambda: registry.add("new", folder / "ended"), (models / "new").exists),
        Action("rename a model", lambda: registry.rename("mine", "yours"), (models / "yours").exists),
        Action("delete a model", lambda: registry.remove("mine"), lambda: not (models / "mine").exists()),
        Action("start a sweep", lambda: sweep.start(RECIPE, SWEEP), started),
        Action("continue a sweep", lambda: sweep.follow(folder / "asked-00"), (folder / "asked-01").exists),
        Action("stop a sweep", lambda: sweep.stop(sweep.get("asked")), (sweeps / "asked" / job.STOP).exists),
        Action("resume a sweep", lambda: sweep.resume(sweep.get("old")), (folder / "old-01").exists),
        Action("delete a sweep", lambda: sweep.delete(sweep.get("old")), lambda: not (sweeps / "old").exists()),
        Action(
            "save a checkpoint", lambda: _save_checkpoint(folder / "under-way", 2), lambda: _step(folder) == 2, True
        ),
        Action("write events", lambda: _report(folder / "under-way"), lambda: len(_events(folder)) == 20, True),
        Action("write a state", lambda: job.update(folder / "under-way", state="finished"), lambda: True, True),
    ]


@dataclass(frozen=True)
class _Position:
    """How far a training has come, as far as it is written; `trainer.Position` comes with TensorFlow."""

    step: int
    best_loss: float = 1.0


class _Net:
    """A trained network as far as it is written: a Keras file, in several pieces."""

    def save(self, file: Path) -> None:
        content = (SHIPPED / model_files.KERAS).read_bytes()
        with file.open("wb", buffering=0) as stream:
            for start in range(0, len(content), 4096):
                stream.write(content[start : start + 4096])


def _save_checkpoint(folder: Path, step: int) -> None:
    checkpoint.save_checkpoint(folder, _Net(), _Position(step))  # type: ignore[arg-type]


def _step(folder: Path) -> int:
    with zipfile.ZipFile(folder / "under-way" / checkpoint.CHECKPOINT) as packed:
        return int(json.loads(packed.read(checkpoint.POSITION))["step"])


def _report(folder: Path) -> None:
    numbers = {"loss": 1.0, "accuracy": 0.5, "seconds": 1.0, "digits_per_second": 10}
    with worker._Events(folder, None, 100) as events:
        for step in range(20):
            events.report({"kind": "batch", "epoch": step / 100} | numbers)


def _events(folder: Path) -> list[object]:
    return list(training_events.read_events(folder / "under-way"))


def _stop(folder: Path) -> None:
    with (folder / job.ALIVE).open("rb") as lock:  # on a read-only disk, too
        fcntl.flock(lock, fcntl.LOCK_EX)
        runs.stop(runs.get(folder.name))


def _clear() -> None:
    limits.clear_runs()


@contextmanager
def nobody_trains() -> Iterator[None]:
    """Write all that a start writes, but start no process: TensorFlow takes seconds. `kills` has real ones, too."""
    submit, seconds = scheduler.submit, job.LAUNCH_SECONDS
    scheduler.submit = lambda folder: None
    job.LAUNCH_SECONDS = 0.0  # a run without a process is seen at once
    try:
        yield
    finally:
        scheduler.submit, job.LAUNCH_SECONDS = submit, seconds


def wrong(home: Path, gone: tuple[str, ...] = ()) -> list[str]:
    """Return what is not as it must be in a home, whatever was broken off in it.

    Args:
        home: The home.
        gone: Models that may be there or not.
    """
    found = [f"left out: {sentence}" for sentence in registry.damaged()]
    available = {model.name for model in registry.models() if not model.shipped}
    found += [f"no model {name}" for name in {"kept", "mine"} - available - set(gone)]
    glyphs = mnist.glyphs(mnist.test()[0][:4])
    expected = registry.predictor(SHIPPED.name).probabilities(glyphs)
    for name in available:
        try:
            if not np.allclose(registry.predictor(name).probabilities(glyphs), expected, atol=1e-5):
                found.append(f"the model {name} predicts something else")
        except DigitrecError as error:
            found.append(str(error))
    known = {run.id: run for run in runs.runs()}
    for folder in files.folders(settings.runs_folder()):
        if folder.name not in known and folder.name != "damaged":
            found.append(f"the run {folder.name} is lost: {sorted(file.name for file in folder.iterdir())}")
    for run in known.values():
        if run.state not in ENDED or (run.state in ("failed", "interrupted") and not run.message):
            found.append(f"the run {run.id} is {run.state} {run.message!r}")
        if job.is_alive(run.folder):
            found.append(f"the run {run.id} is locked")
        if (run.folder / checkpoint.CHECKPOINT).exists():
            with zipfile.ZipFile(run.folder / checkpoint.CHECKPOINT) as packed:
                if packed.testzip() is not None or checkpoint.POSITION not in packed.namelist():
                    found.append(f"the checkpoint of {run.id} is half a file")
    for name in sweep.sweeps():
        sweep.get(name)
    return found
