"""The training time of our fast recipes compared with published ones by plain `model.fit`, and the accuracy of both.

    python -m tests.bench.fast_presets [--seeds 5] [--only cnn-fast]

`cnn-fast` is compared with `cnn-5x5`, whose ten epochs are extrapolated from two: the first, which compiles, and nine
times the faster of both. `mlp-fast` is compared with all three epochs of `mlp-128-128`. Each training has its own
process; ours and plain ones alternate. Counted: building and compiling the network, training, validation. Not counted:
imports, loading MNIST, and reading the 10,000 test digits at the end.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

PAIRS = {  # ours: the published one, its epochs, those measured, the share of its time and the accuracy aimed at
    "cnn-fast": ("cnn-5x5", 10, 2, 1 / 40, 0.9924),
    "mlp-fast": ("mlp-128-128", 3, 3, 0.6, 0.985),
}


def plain(name: str, measured: int) -> dict[str, list[float]]:
    """Train some epochs with `model.fit` in Keras' default way and return the seconds of each."""
    import keras

    from digitrec.datasets import mnist
    from digitrec.training import network, splits
    from digitrec.training.presets import PRESETS

    recipe = PRESETS[name].recipe
    split = splits.split(recipe)
    x, x_validation = mnist.glyphs(split.x), mnist.glyphs(split.x_validation)
    ends = [time.perf_counter()]
    model = network.trainable(recipe, measured * recipe.steps_per_epoch)
    model.fit(
        x,
        split.y,
        validation_data=(x_validation, split.y_validation),
        epochs=measured,
        batch_size=recipe.batch_size,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ends.append(time.perf_counter()))],
    )
    return {"epochs": [end - start for start, end in itertools.pairwise(ends)]}


def ours(name: str, seed: int) -> dict[str, float]:
    """Train as a run does and return the seconds, and the accuracy on the test digits."""
    from digitrec.datasets import mnist
    from digitrec.training import splits, trainer
    from digitrec.training.presets import PRESETS

    recipe = PRESETS[name].recipe.replace(seed=seed)
    split = splits.split(recipe)
    began = time.perf_counter()
    model = trainer.fit(recipe, split).model
    seconds = time.perf_counter() - began
    x, y = mnist.test()
    right = model.predict(mnist.glyphs(x), batch_size=1000, verbose=0).argmax(axis=1) == y
    return {"seconds": seconds, "accuracy": float(right.mean())}


def child(way: str, name: str, number: int) -> dict[str, list[float] | float]:
    """Measure one training in a new process."""
    command = [sys.executable, __file__, "--child", way, name, str(number)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    result: dict[str, list[float] | float] = json.loads(done.stdout.splitlines()[-1])
    return result


def compare(name: str, seeds: int) -> None:
    """Train both in turns and print times, their ratio and the accuracy."""
    published, epochs, measured, share, aim = PAIRS[name]
    turns = seeds if measured == epochs else 1  # a long one once, in the middle
    found, theirs = [], []
    for seed in range(1, seeds + 1):
        if turns == seeds or seed == (seeds + 1) // 2:
            theirs.append(child("plain", published, measured)["epochs"])
        found.append(child("ours", name, seed))
    wholes = [sum(each) if measured == epochs else each[0] + (epochs - 1) * min(each) for each in theirs]
    seconds = [each["seconds"] for each in found]
    accuracies = [each["accuracy"] for each in found]
    ratio = statistics.median(seconds) / statistics.median(wholes)
    how = "" if measured == epochs else f", reckoned from {measured}: {', '.join(f'{e:.1f} s' for e in theirs[0])}"
    print(f"{name}, {seeds} seeds, beside {published}, {epochs} epochs of plain model.fit; {os.cpu_count()} cores")
    print(f"  {published:12} median {statistics.median(wholes):7.1f} s{how}")
    print(f"  {name:12} median {statistics.median(seconds):7.1f} s   from {min(seconds):.1f} to {max(seconds):.1f}")
    print(f"  ratio        {ratio:.4f} = 1 / {1 / ratio:.1f}   at most {share:g} = 1 / {1 / share:.1f}")
    each = ", ".join(f"{accuracy:.2%}" for accuracy in accuracies)
    print(f"  test digits  mean {statistics.mean(accuracies):.3%}   at least {aim:.2%}   ({each})")


def main() -> None:
    """Measure the pairs asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=list(PAIRS))
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        way, name, number = options.child
        print(json.dumps({"plain": plain, "ours": ours}[way](name, int(number))))
        return
    for name in [options.only] if options.only else PAIRS:
        compare(name, options.seeds)


if __name__ == "__main__":
    main()
