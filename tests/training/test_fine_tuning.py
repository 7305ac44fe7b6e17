"""A fine-tuning cycle: its recipe, and the mean of the weights before and after it."""

import keras
import numpy as np
import pytest

from digitrec.datasets.mnist import glyphs
from digitrec.imaging.augmentation import Augmentation
from digitrec.training import fine_tuning, network, trainer
from digitrec.training.recipe import Recipe
from digitrec.training.splits import Split

RECIPE = Recipe(
    "net",
    hidden=(16,),
    optimizer="sgd",
    learning_rate=0.5,
    batch_size=16,
    epochs=30,
    patience=3,
    augmentation=Augmentation(shift=2, turn=10),
)


def test_the_cycle_has_a_tenth_of_the_rate_and_half_of_each_distortion() -> None:
    cycle = fine_tuning.fine_tuning_recipe(RECIPE, 6)
    assert cycle.learning_rate == pytest.approx(0.05)
    assert cycle == RECIPE.replace(
        epochs=6, learning_rate=cycle.learning_rate, patience=0, augmentation=Augmentation(shift=1, turn=5)
    )


def test_the_weights_are_the_mean_of_those_before_and_after(few: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    keras.utils.set_random_seed(3)
    before = network.build(RECIPE).get_weights()
    after: list[np.ndarray] = []
    fit = trainer.fit

    def watched(*args: object, **options: object) -> trainer.Fitted:
        done = fit(*args, **options)  # type: ignore[arg-type]
        after.extend(done.model.get_weights())
        return done

    monkeypatch.setattr(trainer, "fit", watched)
    tuned = fine_tuning.fine_tune(RECIPE, few, before, 3)
    assert any(np.abs(last - first).max() > 0.01 for first, last in zip(before, after, strict=True))
    weights = tuned.model.get_weights()
    for first, last, mean in zip(before, after, weights, strict=True):
        np.testing.assert_allclose(mean, (first + last) / 2, atol=1e-6)
    model = network.build(RECIPE)
    model.set_weights(weights)
    right = model(glyphs(few.x_validation)).numpy().argmax(axis=1) == few.y_validation
    assert fine_tuning.validation_accuracy(RECIPE, few, weights) == pytest.approx(right.mean(), abs=1e-6)
    assert tuned.position.seconds > 0


def test_the_seed_decides_the_weights(few: Split) -> None:
    keras.utils.set_random_seed(3)
    before = network.build(RECIPE).get_weights()
    one, same = (fine_tuning.fine_tune(RECIPE, few, before, 1).model.get_weights() for _ in range(2))
    for a, b in zip(one, same, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
