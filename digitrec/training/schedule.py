"""The learning rate at each step of a training, as numbers to draw; `network` has the same for Keras."""

import numpy as np
from numpy.typing import NDArray

from digitrec.training.recipe import Recipe

WARM_UP = 20  # cosine: the rate rises in the first twentieth of all steps
RISE = 5  # one-cycle: and here in the first fifth
FALL = 0.01  # exponential: what is left of the rate at the end


def learning_rates(recipe: Recipe, steps: int) -> NDArray[np.float64]:
    """Return the learning rate at each of `ablation` batches, (steps,).

    `constant`: the recipe's. `cosine`: up from 0 to it, then down to 0 along half a cosine wave. `one-cycle`: up and
    down in straight lines. `exponential`: down from it by the same factor each step.

    References:
        I. Loshchilov, F. Hutter: SGDR, ICLR 2017 (cosine). L. Smith, N. Topin: Super-convergence, 2017 (one-cycle).
    """
    step = np.arange(steps, dtype=np.float64)
    if recipe.schedule == "constant":
        share = np.ones(steps)
    elif recipe.schedule == "exponential":
        share = FALL ** (step / max(1, steps))
    else:
        rising = max(1, steps // (WARM_UP if recipe.schedule == "cosine" else RISE))
        left = np.clip((step - rising) / max(1, steps - rising), 0, 1)
        falling = (1 + np.cos(np.pi * left)) / 2 if recipe.schedule == "cosine" else 1 - left
        share = np.where(step < rising, step / rising, falling)
    return np.asarray(recipe.learning_rate * share, np.float64)


def describe(recipe: Recipe, steps: int) -> str:
    """Say how the learning rate goes, in a sentence."""
    rate = f"{recipe.learning_rate:g}"
    said = {
        "constant": f"The learning rate stays at {rate}",
        "cosine": f"The learning rate goes up to {rate} in the first twentieth, then down to 0 along a cosine",
        "one-cycle": f"The learning rate goes straight up to {rate} in the first fifth, then straight down to 0",
        "exponential": f"The learning rate starts at {rate} and shrinks by the same factor each step, to a hundredth",
    }[recipe.schedule]
    return f"{said}: {steps:,} steps."
