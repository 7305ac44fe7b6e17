"""Which test digits are worth watching: those that networks learn late but read well in the end, one per class.

    python -m tests.bench.watched_digits [--seeds 3]

Trains `mlp-128` for three epochs and `cnn-3x3` for one, for each seed, and reads all test digits at each snapshot of
`trainer.fit`. A digit is worth watching if every network gives it more than 90 % in the end; of those, the one with
the smallest mean probability of the true digit on the way comes first. Prints three per class: their indices, that
mean, and the probabilities in per cent at each snapshot of the first seed.
"""

import argparse

import numpy as np

from digitrec.datasets import mnist
from digitrec.training import splits, trainer
from digitrec.training.presets import PRESETS

EPOCHS = {"mlp-128": 3, "cnn-3x3": 1}
SURE = 0.9


def shares(name: str, seed: int) -> np.ndarray:
    """Return the true digit's share of each test digit at each look, (looks, 10000)."""
    recipe = PRESETS[name].recipe.replace(epochs=EPOCHS[name], seed=seed)
    pictures, truth = mnist.test()
    glyphs, seen = mnist.glyphs(pictures), []

    def look(model, position):
        read = np.concatenate([model(part, training=False) for part in np.split(glyphs, 10)])
        seen.append(read[np.arange(len(truth)), truth])

    trainer.fit(recipe, splits.split(recipe), trainer.Hooks(snapshot=look))
    return np.array(seen)


def main() -> None:
    """Train, choose and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(1, parser.parse_args().seeds + 1)
    nets = {name: [shares(name, seed) for seed in seeds] for name in EPOCHS}
    truth = mnist.test()[1]
    way = sum(np.mean([seen[1:-1].mean(axis=0) for seen in runs], axis=0) for runs in nets.values()) / len(nets)
    end = np.min([seen[-1] for runs in nets.values() for seen in runs], axis=0)
    for digit in range(10):
        fit = np.flatnonzero((truth == digit) & (end > SURE))
        best = fit[np.argsort(way[fit])][:3]
        for place in best:
            found = (
                f"{name} " + " ".join(f"{100 * share:.0f}" for share in runs[0][:, place])
                for name, runs in nets.items()
            )
            print(digit, place, f"mean on the way {100 * way[place]:.0f} %;", "; ".join(found), flush=True)


if __name__ == "__main__":
    main()
