"""Range tests, which propose a learning rate: start, watch and stop them. Each is a process and a folder of its own.

A test's folder is named by what it tests, so that it outlives a reload and the same question is answered once:

    recipe.json, status.json, stop, alive.lock, out.log   as in a run folder, see `runfolder`
    losses.json     `rates` tried so far, the training `losses` at each, one a batch, and the `seconds` they took

References:
    L. Smith: Cyclical learning rates for training neural networks, WACV 2017, section 3.3.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from digitrec import executor, settings
from digitrec import runfolder as rf
from digitrec.errors import RecipeError, RunError
from digitrec.recipe import Recipe

LOWEST, HIGHEST = 1e-6, 1.0
BATCHES = 200
LOSSES = "losses.json"
KEPT = 50  # tests; older ones are deleted

WIDTH = 5.0  # batches; the losses are smoothed by a Gaussian of this standard deviation
FEWEST = 30  # batches before anything is proposed
LEARNT = 0.9  # of the first loss: what the lowest must be below, or nothing was learnt

INTERRUPTED = "The test ended before its time: it was killed, or the machine was restarted. Start it again."


@dataclass(frozen=True)
class Test:
    """A range test, as its folder tells it at the moment.

    Attributes:
        id: The folder's name.
        recipe: What it tests.
        state: starting, running, stopping, finished, stopped, failed or interrupted.
        message: A sentence on why it failed or was interrupted; otherwise empty.
        rates: (N,), tried so far, rising.
        losses: (N,), training loss at each.
        seconds: How long they took.
    """

    id: str
    recipe: Recipe
    state: str
    message: str
    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    seconds: float

    @property
    def active(self) -> bool:
        """Whether its process is there."""
        return self.state in ("starting", "running", "stopping")

    @property
    def folder(self) -> Path:
        """Its folder."""
        return settings.rates_folder() / self.id


def ladder() -> NDArray[np.float64]:
    """Return the rates that a test tries, one a batch, (BATCHES,), each the same factor above the one before."""
    return np.geomspace(LOWEST, HIGHEST, BATCHES)


def smoothed(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return losses without the noise of single batches."""
    return np.asarray(gaussian_filter1d(losses, WIDTH, mode="nearest")) if len(losses) else losses


def steepest(rates: NDArray[np.float64], losses: NDArray[np.float64]) -> float:
    """Return the rate at which the smoothed loss falls fastest, before it is lowest."""
    level = smoothed(losses)
    lowest = max(2, int(level.argmin()) + 1)
    return float(rates[np.gradient(level[:lowest]).argmin()])


def proposal(rates: NDArray[np.float64], losses: NDArray[np.float64]) -> float | None:
    """Return the rate half way, in powers of ten, from where the loss falls fastest to where it is lowest.

    To one digit; None where nothing was learnt. At the steepest place a short training does not get far, at the
    lowest the steps are about to become too large; tests/bench/range_test.py compares such rules.
    """
    if len(losses) < FEWEST:
        return None
    level = smoothed(losses)
    lowest = int(level.argmin())
    if level[lowest] > LEARNT * level[0]:
        return None
    return float(f"{np.sqrt(steepest(rates, losses) * rates[lowest]):.0e}")


def about(recipe: Recipe) -> Recipe:
    """Return what a test is about: the recipe on MNIST alone, without what a range test has no use for."""
    return recipe.replace(
        name="range-test", learning_rate=LOWEST, schedule="constant", epochs=1, strokes=False, patience=0,
        validation=0.01, seconds=0.0,
    )  # fmt: skip


def name(recipe: Recipe) -> str:
    """Return the id of the test of a recipe; recipes that differ in the rate, its schedule or the epochs share it."""
    text = json.dumps(about(recipe).to_json(), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def start(recipe: Recipe) -> Test:
    """Start the test of a recipe; one that is under way or finished is returned as it is.

    Raises:
        RunError: If another test is under way, or the folder cannot be written.
    """
    wanted = settings.rates_folder() / name(recipe)
    with contextlib.suppress(RunError):
        known = get(wanted.name)
        if known.active or (known.state == "finished" and len(known.rates)):
            return known
    with _disk():
        if any(_is_there(other) for other in rf.folders(settings.rates_folder())):
            raise RunError("Another range test is under way. It takes less than a minute; start yours after it.")
        _make_room()
        if wanted.exists():
            rf.remove_folder(wanted)
        now = time.time()
        status = {"state": rf.WAITING, "message": "", "queued_at": now, "started": now}
        rf.new_folder(wanted, {rf.RECIPE: about(recipe).to_json(), rf.STATUS: status})
        _launch(wanted)
    return get(wanted.name)


def stop(test: Test) -> None:
    """Ask a test to stop; what it found stays.

    Raises:
        RunError: If the folder cannot be written.
    """
    with _disk():
        (test.folder / rf.STOP).touch()
    executor.end_if_it_hangs(test.folder)


def get(test_id: str) -> Test:
    """Return the test of this id.

    Raises:
        RunError: If there is none, or its folder is damaged.
    """
    folder = settings.rates_folder() / test_id
    if not re.fullmatch(r"[0-9a-f]{16}", test_id) or not (folder / rf.RECIPE).is_file():
        raise RunError("There is no such range test any more. Start it again.")
    try:
        recipe = Recipe.from_json(rf.read_json(folder / rf.RECIPE))
    except RecipeError as error:
        raise RunError("The folder of this range test is damaged. Start it again.") from error
    state, message = _state(folder)
    return Test(test_id, recipe, state, message, *_losses(folder))


def _losses(folder: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    values = rf.read_json(folder / LOSSES) or {}
    none = np.empty(0), np.empty(0), 0.0
    try:
        rates, losses = (np.array(values[key], np.float64) for key in ("rates", "losses"))
        seconds = float(values["seconds"])
    except (KeyError, TypeError, ValueError):
        return none
    whole = rates.ndim == 1 and rates.shape == losses.shape and np.isfinite([*rates, *losses, seconds]).all()
    return (rates, losses, seconds) if whole and (rates > 0).all() else none


def _state(folder: Path) -> tuple[str, str]:
    status = rf.read_status(folder)
    if status.state not in rf.UNDER_WAY:
        return status.state, status.message
    if not _is_there(folder):
        if rf.read_status(folder) != status:  # it ended between the two looks
            return _state(folder)
        return "interrupted", INTERRUPTED
    if (folder / rf.STOP).exists():
        return "stopping", ""
    return ("starting" if status.state == rf.WAITING else status.state), ""


def _is_there(folder: Path) -> bool:
    child = _children.get(folder)
    ended = child is not None and child.poll() is not None
    return rf.is_alive(folder) or (rf.is_launching(folder) and not ended)


def _launch(folder: Path) -> None:
    for child in _children.values():
        child.poll()  # reaps those that ended
    with (folder / rf.LOG).open("ab") as log:
        _children[folder] = subprocess.Popen(
            [sys.executable, "-m", "digitrec.ratefinder", str(folder)],
            cwd=settings.PROJECT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # as with runs: it outlives the server
        )


_children: dict[Path, "subprocess.Popen[bytes]"] = {}


def _make_room() -> None:
    """Delete the oldest tests beyond KEPT."""
    folders = sorted(rf.folders(settings.rates_folder()), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[KEPT - 1 :]:
        shutil.rmtree(folder, ignore_errors=True)
        _children.pop(folder, None)


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError("The range test cannot be written: the disk is full or read-only. Free some space.") from error
