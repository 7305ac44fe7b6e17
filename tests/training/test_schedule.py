"""The learning rate that is drawn is the one that Keras uses."""

import numpy as np
import pytest

from digitrec.training import network
from digitrec.training.recipe import SCHEDULES, Recipe
from digitrec.training.schedule import describe, learning_rates

PEAK = 0.004


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 7, 400])
def test_it_is_what_training_uses(schedule: str, steps: int) -> None:
    recipe = Recipe("net", learning_rate=PEAK, schedule=schedule)
    used = network._learning_rate(recipe, steps)
    keras = [float(used(step)) if callable(used) else used for step in range(steps)]
    np.testing.assert_allclose(learning_rates(recipe, steps), keras, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_it_reaches_the_recipes_rate_and_is_described(schedule: str) -> None:
    recipe = Recipe("net", learning_rate=PEAK, schedule=schedule)
    assert learning_rates(recipe, 1_000).max() == pytest.approx(PEAK)
    sentence = describe(recipe, 1_000)
    assert "0.004" in sentence
    assert "1,000 steps" in sentence
