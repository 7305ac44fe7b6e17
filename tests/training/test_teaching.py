"""A network is taught: it learns, keeps its convolutions, and begins from the same weights each time."""

import numpy as np
import pytest

from digitrec.datasets import mnist
from digitrec.datasets.own_digits import OwnDigit
from digitrec.training import network, teaching
from digitrec.training.recipe import ConvBlock, Recipe

PLAN = teaching.Plan(steps=60, batch=32, rate=3e-3, digits=200, variants=60)
CNN = Recipe("tiny-cnn", kind="cnn", blocks=(ConvBlock(4, 3, 2, True),), hidden=(16,), hidden_norm=True, strokes=True)
MLP = Recipe("tiny", hidden=(16,), scaling="unit-length", dropout=0.2)


def odd() -> list[OwnDigit]:
    """Digits whose label no network would guess: pictures of 1 that are 7 to whom they belong."""
    pictures, labels = mnist.first_training(200)
    return [OwnDigit(picture, 7) for picture in pictures[labels == 1][:12]]


@pytest.fixture(params=[MLP, CNN], ids=["mlp", "cnn"])
def pupil(request: pytest.FixtureRequest) -> teaching.Pupil:
    made = teaching.Pupil(network.build(request.param), request.param.strokes, PLAN)
    made.study(*mnist.first_training(1000), seed=1)
    return made


def test_it_learns_what_it_is_taught_and_begins_anew_each_time(pupil: teaching.Pupil) -> None:
    digits = odd()
    variants = teaching.varied(digits, PLAN, 1)
    assert variants.shape == (12, 5, 28, 28)
    assert (variants[:, 0] == mnist.glyphs(np.stack([digit.glyph for digit in digits]))).all()
    features = pupil.features(variants.reshape(-1, 28, 28)).reshape(12, 5, -1)
    before = pupil.answers(features[:, 0])
    labels = np.full(12, 7)
    pupil.teach(features, labels, 1)
    first = pupil.answers(features[:, 0])
    assert first.shape[1] == pupil.classes
    assert np.allclose(first.sum(axis=1), 1, atol=1e-5)
    assert (pupil.read(features[:, 0]) == 7).all()
    assert not np.allclose(before, first)
    pupil.teach(features, labels, 1)
    assert np.allclose(pupil.answers(features[:, 0]), first, atol=1e-5)


def test_convolutions_and_means_of_many_writers_stay(pupil: teaching.Pupil) -> None:
    features = pupil.features(teaching.varied(odd(), PLAN, 1).reshape(-1, 28, 28)).reshape(12, 5, -1)
    before = {layer.name: layer.get_weights() for layer in pupil.model.layers}
    pupil.teach(features, np.full(12, 7), 1)
    moved = set()
    for layer in pupil.model.layers:
        pairs = zip(before[layer.name], layer.get_weights(), strict=True)
        if any(not np.array_equal(one, two) for one, two in pairs):
            moved.add(layer.name)
    assert moved == {"dense_1", "logits"}


def test_the_halves_are_the_network(pupil: teaching.Pupil) -> None:
    glyphs = mnist.glyphs(mnist.test()[0][:20])
    whole = pupil.model(glyphs, training=False).numpy()
    parts = pupil.answers(pupil.features(glyphs))[:, :10]
    assert np.allclose(whole, parts / parts.sum(axis=1, keepdims=True), atol=1e-5)
