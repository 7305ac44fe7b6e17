"""What a run costs on top of plain `model.fit`: wall time of both, in processes of their own, in alternation.

    python -m tests.bench.run_overhead [--rounds 5] [--recipe mlp-128-128:3] [--recipe cnn-3x3:1]

Plain: building and compiling the recipe's network, then `model.fit` and its validation on float32 arrays in
Keras' default way (steps_per_execution 1).
Run: `worker._train` from its first line to the end of training: recipe and status files, building the network,
every event, every check for a stop request, the validation, the checkpoints.
Neither counts imports, nor loading MNIST. What a run does after training (export to LiteRT, reading the 10,000
test digits, the card) has no counterpart in `model.fit` and is not counted; it is printed beside it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
LIMIT = 1.05


def plain(name: str, epochs: int) -> dict[str, float]:
    """Train with `model.fit` alone and return the seconds."""
    from digitrec.datasets import mnist
    from digitrec.training import network, splits
    from digitrec.training.presets import PRESETS

    recipe = PRESETS[name].recipe.replace(epochs=epochs)
    split = splits.split(recipe)
    x, x_validation = mnist.glyphs(split.x), mnist.glyphs(split.x_validation)
    began = time.perf_counter()
    model = network.trainable(recipe, epochs * recipe.steps_per_epoch)
    optimizer = type(model.optimizer)(recipe.learning_rate)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        x,
        split.y,
        validation_data=(x_validation, split.y_validation),
        epochs=epochs,
        batch_size=recipe.batch_size,
        verbose=0,
    )
    return {"training": time.perf_counter() - began}


def run(name: str, epochs: int) -> dict[str, float]:
    """Train as the worker does and return the seconds of training, and of what comes after it."""
    from digitrec import files
    from digitrec.jobs import worker
    from digitrec.training import events as training_events
    from digitrec.training import model_files, splits
    from digitrec.training.presets import PRESETS

    recipe = PRESETS[name].recipe.replace(epochs=epochs)
    split = splits.split(recipe)
    splits.split = lambda recipe: split
    finish, marks = worker._finish, []

    def finish_and_mark(*arguments: Any) -> None:
        marks.append(time.perf_counter())
        finish(*arguments)
        marks.append(time.perf_counter())

    worker._finish = finish_and_mark
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files.write_json(folder / model_files.RECIPE, recipe.to_json())
        began = time.perf_counter()
        worker._train(folder)
        events = len(training_events.read_events(folder))
    return {"training": marks[0] - began, "after": marks[1] - marks[0], "events": events}


def child(way: str, name: str, epochs: int) -> dict[str, float]:
    """Measure one way in a new process."""
    command = [sys.executable, __file__, "--child", way, "--recipe", f"{name}:{epochs}"]
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def compare(name: str, epochs: int, rounds: int) -> None:
    """Measure both ways in alternation and print medians and ratio."""
    results: dict[str, list[dict[str, float]]] = {"plain": [], "run": []}
    for number in range(rounds):
        for way in ("plain", "run") if number % 2 == 0 else ("run", "plain"):
            results[way].append(child(way, name, epochs))
    print(f"{name}, {epochs} epochs, {rounds} rounds, {os.cpu_count()} cores; seconds of training, imports left out")
    medians = {}
    for way, found in results.items():
        seconds = [result["training"] for result in found]
        medians[way] = statistics.median(seconds)
        print(f"  {way:5}  median {medians[way]:6.2f}   from {min(seconds):.2f} to {max(seconds):.2f}")
    after = statistics.median(result["after"] for result in results["run"])
    events = statistics.median(result["events"] for result in results["run"])
    print(f"  ratio  {medians['run'] / medians['plain']:.3f}   limit {LIMIT}")
    print(f"  a run wrote {events:.0f} events; after training it took {after:.1f} s to export and test, not counted")


def main() -> None:
    """Measure the recipes asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recipe", action="append", help="name:epochs; may be given again")
    parser.add_argument("--child", choices=("plain", "run"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    recipes = [recipe.split(":") for recipe in options.recipe or ["mlp-128-128:3"]]
    if options.child:
        [(name, epochs)] = recipes
        print(json.dumps({"plain": plain, "run": run}[options.child](name, int(epochs))))
        return
    for name, epochs in recipes:
        compare(name, int(epochs), options.rounds)


if __name__ == "__main__":
    main()
