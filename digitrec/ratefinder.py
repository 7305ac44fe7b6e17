"""Try learning rates from very small to very large, one a batch: `python -m digitrec.ratefinder FOLDER`.

A process of its own, as a run's worker is; what it finds goes into the test's folder (see `rates`).
"""

import contextlib
import itertools
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from digitrec import process, rates, readers, worker
from digitrec import runfolder as rf
from digitrec.errors import DigitrecError
from digitrec.recipe import Recipe

if TYPE_CHECKING:
    from digitrec.dataset import Split

REPORT_EVERY = 0.25  # seconds
RUNS_AWAY = 4.0  # times the lowest smoothed loss: higher rates would only be worse


def main(folder: Path) -> None:
    """Run the test of a folder and write what came of it."""
    with FileLock(folder / rf.ALIVE, timeout=10):
        try:
            _status(folder, "starting")
            stopped = _test(folder)
            _status(folder, "stopped" if stopped else "finished")
        except Exception as error:
            _status(folder, "failed", _reason(error))
            with contextlib.suppress(OSError):
                traceback.print_exception(error)


def _reason(error: Exception) -> str:
    """Return why a test failed, for people."""
    if isinstance(error, DigitrecError):
        return str(error)
    if worker.is_want_of_memory(error):
        return "There is not enough memory. Wait until no run trains, then start the test again."
    if isinstance(error, OSError):
        return "The disk is full or read-only. Free some space, then start the test again."
    return f"The test broke off with an internal error ({type(error).__name__})."


def _test(folder: Path) -> bool:
    """Try the rates; return whether it was asked to stop."""
    from digitrec import dataset

    recipe = Recipe.from_json(rf.read_json(folder / rf.RECIPE))
    tried: list[float] = []
    losses: list[float] = []
    began = told = 0.0
    for rate, loss in losses_of(recipe, dataset.split(recipe), (folder / rf.STOP).exists):
        tried.append(rate)
        losses.append(loss)
        if time.monotonic() - told > REPORT_EVERY:
            if not told:
                _status(folder, "running")
                began = time.monotonic()
            told = time.monotonic()
            _write(folder, tried, losses, told - began)
    _write(folder, tried, losses, time.monotonic() - began)
    return (folder / rf.STOP).exists() and len(tried) < rates.BATCHES


def losses_of(recipe: Recipe, split: "Split", should_stop: Callable[[], bool]) -> Iterator[tuple[float, float]]:
    """Train a fresh network with a higher rate at each batch and yield each rate with its batch's loss.

    Ends when the loss runs away: no number, or four times the lowest one.

    Args:
        recipe: What to train; its own rate and schedule play no part.
        split: Digits to train on.
        should_stop: Asked before each batch.
    """
    if should_stop():
        return
    import keras

    from digitrec import network, train

    keras.utils.set_random_seed(recipe.seed)
    model = network.trainable(recipe, rates.BATCHES)
    steps = train.Steps(model, recipe)
    seen: list[float] = []
    for rate, (x, y) in zip(rates.ladder(), _batches(recipe, split), strict=False):
        if should_stop():
            return
        model.optimizer.learning_rate.assign(rate)
        loss = float(steps.learn(x, y)[0]) / len(x)
        if not np.isfinite(loss):
            return
        seen.append(loss)
        yield float(rate), loss
        level = rates.smoothed(np.array(seen))
        if len(seen) > rates.FEWEST and level[-1] > RUNS_AWAY * level.min():
            return


def _batches(recipe: Recipe, split: "Split") -> Iterator[tuple[NDArray[np.generic], NDArray[np.generic]]]:
    """Yield whole batches, epoch after epoch; a smaller last one would be noisier."""
    from digitrec import train

    labels, whole = train.targets(split.y, recipe), max(1, len(split.x) // recipe.batch_size)
    for step in itertools.count():
        yield train.batches(split.x, labels, recipe, step // whole, step % whole, 1)


def _write(folder: Path, tried: list[float], losses: list[float], seconds: float) -> None:
    rf.write_json(folder / rates.LOSSES, {"rates": tried, "losses": losses, "seconds": seconds})


def _status(folder: Path, state: str, message: str = "") -> None:
    before = rf.read_json(folder / rf.STATUS) or {}
    values = {"state": state, "message": message, "process": process.name()}
    rf.write_json(folder / rf.STATUS, before | values)


if __name__ == "__main__":
    readers.give_way()
    main(Path(sys.argv[1]))
