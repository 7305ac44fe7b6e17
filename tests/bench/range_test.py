"""Does the range test propose good rates? Short trainings at many rates beside three rules for reading the test.

    python -m tests.bench.range_test [--digits 12000] [--epochs 2]

For each net: the rate by each rule, the accuracy on 5,000 validation digits after short trainings at fixed rates
and at those proposed, and how far those are below the best one.
"""

import argparse

import numpy as np

from digitrec import dataset, ratefinder, rates, train
from digitrec.dataset import Split
from digitrec.recipe import ConvBlock, Recipe

NETS = (
    Recipe("mlp-adam", hidden=(256, 128), batch_size=128),
    Recipe("mlp-sgd", hidden=(256, 128), batch_size=128, optimizer="sgd"),
    Recipe("mlp-tanh-rmsprop", hidden=(64,), batch_size=32, activation="tanh", optimizer="rmsprop"),
    Recipe("cnn-adam", kind="cnn", blocks=(ConvBlock(8), ConvBlock(16)), hidden=(32,), batch_size=64),
    Recipe("cnn-norm-adamw", kind="cnn", blocks=(ConvBlock(8, 3, 2, True), ConvBlock(16, 3, 2, True)), hidden=(32,),
           batch_size=256, optimizer="adamw"),
)  # fmt: skip
TRIED = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)


def by_rules(tried: np.ndarray, losses: np.ndarray) -> dict[str, float | None]:
    """Return the rate that the app proposes, and those of two rules often used."""
    tenth = tried[rates.smoothed(losses).argmin()] / 10
    others = {"a tenth of the lowest loss's rate": tenth, "steepest fall": rates.steepest(tried, losses)}
    rounded: dict[str, float | None] = {rule: float(f"{rate:.0e}") for rule, rate in others.items()}
    return {"proposed": rates.proposal(tried, losses)} | rounded


def accuracy(recipe: Recipe, split: Split) -> float:
    """Return the validation accuracy after a short training, 0 where it ran away."""
    events: list[dict[str, float]] = []
    try:
        train.fit(recipe, split, events.append, lambda: False)
    except train.RunError:
        return 0.0
    return events[-1]["val_accuracy"]


def main() -> None:
    """Test, train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", type=int, default=12_000)
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    for net in NETS:
        recipe = net.replace(epochs=options.epochs)
        split = dataset.split(recipe)
        split = split._replace(x=split.x[: options.digits], y=split.y[: options.digits])
        found = list(ratefinder.losses_of(rates.about(recipe), split, lambda: False))
        tried, losses = (np.array(column) for column in zip(*found, strict=True))
        chosen = by_rules(tried, losses)
        reached = {rate: accuracy(recipe.replace(learning_rate=rate), split) for rate in TRIED}
        best = max(reached.values())
        print(f"{recipe.name}: " + ", ".join(f"{rate:g} {100 * share:.2f} %" for rate, share in reached.items()))
        for rule, rate in chosen.items():
            got = accuracy(recipe.replace(learning_rate=rate), split) if rate else 0.0
            print(f"  {rule}: {rate:g}, {100 * got:.2f} %, {100 * (best - got):.2f} below the best", flush=True)


if __name__ == "__main__":
    main()
