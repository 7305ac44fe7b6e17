"""Trains recipes on any Keras backend: `python -m digitrec.training.portable_training --folder OUT reader:1 reader:2`.

`make models` trains with TensorFlow; a machine with a GPU may have JAX or PyTorch alone (`KERAS_BACKEND`). There this
trains the same recipe on the same batches, its fine-tuning cycle too, by Keras' `fit`. What it leaves in OUT,
`python -m digitrec.tools.ship --trained OUT reader` makes models of where TensorFlow is. A training that was ended goes
on from its last epoch.
"""

import argparse
import itertools
import json
import os
import platform
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from digitrec import files
from digitrec.datasets.mnist import glyphs
from digitrec.errors import DigitrecError
from digitrec.training import fine_tuning, network, precision, splits
from digitrec.training.batches import batches, steps_per_epoch, targets
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import Recipe
from digitrec.training.splits import Split

Weights = list[NDArray[np.float32]]


def train(recipe: Recipe, cycle: int, folder: Path, workers: int) -> None:
    """Train a recipe and its fine-tuning cycle; leave weights and facts in `NAME-SEED.npz` and `.json` of a folder.

    Args:
        recipe: What to train; without a teacher.
        cycle: Epochs of the fine-tuning cycle, 0 for none.
        folder: For the results and, meanwhile, checkpoints.
        workers: Threads that distort digits.
    """
    name, split = f"{recipe.name}-{recipe.seed}", splits.split(recipe)
    weights, seconds = _kept(recipe, split, folder / f"{name}-before.npz", workers)
    if cycle:
        tuned = fine_tuning.fine_tuning_recipe(recipe, cycle)
        after, more = _kept(tuned, split, folder / f"{name}-after.npz", workers, weights)
        weights, seconds = fine_tuning.mean(weights, after), seconds + more
    files.write(folder / f"{name}.npz", lambda temporary: np.savez(temporary, *weights))
    files.write_json(
        folder / f"{name}.json", facts(recipe, cycle, fine_tuning.validation_accuracy(recipe, split, weights), seconds)
    )


def _kept(
    recipe: Recipe, split: Split, file: Path, workers: int, initial: Weights | None = None
) -> tuple[Weights, float]:
    """Return what `fit` does, from a file where an earlier call left it there."""
    if not file.exists():
        weights, seconds = fit(recipe, split, file.with_suffix(""), workers, initial)
        files.write(file, lambda temporary: np.savez(temporary, *weights, np.array(seconds)))
    with np.load(file) as stored:
        *arrays, took = (stored[name] for name in stored.files)
    return arrays, float(took)


def facts(recipe: Recipe, cycle: int, accuracy: float, seconds: float) -> dict[str, Any]:
    """Return what a model's card says of the training."""
    backend = keras.backend.backend()
    return {
        "recipe": recipe.to_json(),
        "validation_accuracy": round(accuracy, 5),
        "epochs": recipe.epochs + cycle,
        "seconds": round(seconds, 1),
        "precision": precision.computed(recipe.precision),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in (backend, "keras", "numpy")},
    }


def fit(
    recipe: Recipe, split: Split, checkpoint: Path, workers: int, initial: Weights | None = None
) -> tuple[Weights, float]:
    """Return the weights of a trained network and the seconds that this call took.

    Args:
        recipe: What to train.
        split: Digits to train on and digits to validate on.
        checkpoint: Folder in which an ended training is kept after each epoch.
        workers: Threads that distort digits.
        initial: The weights to begin with; random ones unless given.
    """
    keras.utils.set_random_seed(recipe.seed)
    model = network.trainable(recipe, recipe.epochs * steps_per_epoch(recipe, split))
    if initial is not None:
        model.set_weights(initial)
    held_out = glyphs(split.x_validation), targets(split.y_validation, recipe)
    started = time.monotonic()
    model.fit(
        stream(recipe, split, (files.read_json(checkpoint / "training_metadata.json") or {}).get("epoch", 0), workers),
        steps_per_epoch=steps_per_epoch(recipe, split),
        shuffle=False,  # each batch is in its place already
        epochs=recipe.epochs,
        validation_data=held_out,
        validation_batch_size=1000,
        callbacks=[keras.callbacks.BackupAndRestore(checkpoint)],
        verbose=2,
    )
    return [np.asarray(array, np.float32) for array in model.get_weights()], time.monotonic() - started


def stream(recipe: Recipe, split: Split, epoch: int, workers: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield the batches from the beginning of an epoch on, those that `trainer.fit` trains on, epoch after epoch.

    Args:
        recipe: What is trained.
        split: Its digits.
        epoch: Epochs done before.
        workers: Threads that distort digits, each some batches ahead.
    """
    labels, steps = targets(split.y, recipe), steps_per_epoch(recipe, split)

    def made(number: int) -> tuple[NDArray[Any], NDArray[Any]]:
        x, y = batches(split.x, labels, recipe, number // steps, number % steps, 1)
        return np.asarray(x, np.float32) / np.float32(255 if x.dtype == np.uint8 else 1), y

    numbers = itertools.count(epoch * steps)
    with ThreadPoolExecutor(workers) as pool:
        coming = deque(pool.submit(made, number) for number in itertools.islice(numbers, 4 * workers))
        while True:
            coming.append(pool.submit(made, next(numbers)))
            yield coming.popleft().result()


def main() -> None:
    """Train the recipes named on the command line, those that are done left out."""
    parser = argparse.ArgumentParser(description="Train recipes on any Keras backend.")
    parser.add_argument("trainings", nargs="+", metavar="RECIPE:SEED", help="names of recipes, each with a seed")
    parser.add_argument("--folder", type=Path, required=True, help="for weights, facts and checkpoints")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="threads that distort digits")
    parser.add_argument("--epochs", type=int, help="in place of the recipe's, to try it")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for training in options.trainings:
        name, _, seed = training.partition(":")
        if name not in PRESETS or not seed.isdecimal():
            sys.exit(f"Give the name of a recipe and a seed, as in reader:1. Received: {training[:60]!r}")
        preset = PRESETS[name]
        recipe = preset.recipe.replace(seed=int(seed), epochs=options.epochs or preset.recipe.epochs)
        if recipe.teacher:
            sys.exit(f"{name} is distilled from another model; train it with `make models`.")
        if not (options.folder / f"{name}-{seed}.json").exists():
            try:
                train(recipe, preset.fine_tuning, options.folder, options.workers)
            except DigitrecError as error:
                sys.exit(str(error))
            print(json.dumps(files.read_json(options.folder / f"{name}-{seed}.json")), flush=True)


if __name__ == "__main__":
    main()
