"""The learning rate at each step of a training: the numbers that `network` and `keras_script` use too, and a sentence.

`constant` stays at the recipe's rate. `one-cycle` goes up from 0 and down to 0 in straight lines. `cosine` goes up from
0 in a straight line, then down to 0 along half a cosine wave. `exponential` goes down by the same factor each step.

References:
    L. N. Smith, N. Topin: Super-convergence, arXiv 1708.07120, 2017 (one-cycle; its rates start and end a little
    above 0). I. Loshchilov, F. Hutter: SGDR, ICLR 2017 (cosine).
"""

from typing import TYPE_CHECKING

from digitrec.training.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RISE = {"one-cycle": 5, "cosine": 20}
"""The learning rate rises in the first fifth, or twentieth, of all steps."""

FALL = 0.01
"""What is left of the learning rate at the end of `exponential`."""


def rising_steps(schedule: str, steps: int) -> int:
    """Return in how many of all steps the learning rate rises, at least 1, for a schedule of RISE."""
    return max(1, steps // RISE[schedule])


def learning_rates(recipe: Recipe, steps: int) -> "NDArray[np.float64]":
    """Return the learning rate at each of `steps` batches, (steps,)."""
    import numpy as np  # not at the top: the script's text needs the numbers above without it

    step = np.arange(steps, dtype=np.float64)
    if recipe.schedule == "constant":
        factor = np.ones(steps)
    elif recipe.schedule == "exponential":
        factor = FALL ** (step / max(1, steps))
    else:
        rising = rising_steps(recipe.schedule, steps)
        done = np.clip((step - rising) / max(1, steps - rising), 0, 1)
        falling = (1 + np.cos(np.pi * done)) / 2 if recipe.schedule == "cosine" else 1 - done
        factor = np.where(step < rising, step / rising, falling)
    return np.asarray(recipe.learning_rate * factor, np.float64)


def describe(recipe: Recipe, steps: int) -> str:
    """Return how the learning rate changes, in a sentence."""
    rate = f"{recipe.learning_rate:g}"
    sentence = {
        "constant": f"The learning rate stays at {rate}",
        "cosine": f"The learning rate rises to {rate} in the first twentieth, then falls to 0 along a cosine",
        "one-cycle": f"The learning rate rises to {rate} in the first fifth, then falls to 0, both in straight lines",
        "exponential": f"The learning rate starts at {rate} and falls by the same factor at each step, to a hundredth",
    }[recipe.schedule]
    return f"{sentence}: {steps:,} steps."
