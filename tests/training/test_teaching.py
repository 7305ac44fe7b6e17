"""A network is taught: it learns, keeps its convolutions, and begins from the same weights each time."""

import keras
import numpy as np
import pytest

from digitrec.datasets import mnist
from digitrec.datasets.own_digits import OwnDigit
from digitrec.errors import ModelError
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


def ending(*layers: keras.layers.Layer) -> keras.Model:
    """Return a network of a digit, with these layers and a softmax at its end."""
    x = glyph = keras.Input((28, 28), name="glyph")
    for layer in (keras.layers.Reshape((28, 28, 1)), keras.layers.Conv2D(4, 3, name="first"), *layers):
        x = layer(x)
    return keras.Model(glyph, keras.layers.Softmax()(x))


def test_the_last_convolution_learns_where_no_layer_is_dense() -> None:
    layers = keras.layers
    model = ending(layers.MaxPooling2D(4), layers.Conv2D(10, 3, name="last"), layers.GlobalAveragePooling2D())
    pupil = teaching.Pupil(model, False, PLAN)
    assert [layer.name for layer in teaching.learning(model) if layer.trainable_weights] == ["last"]
    pupil.study(*mnist.first_training(400), seed=1)
    glyphs = teaching.varied(odd(), PLAN, 1)
    features = pupil.features(glyphs.reshape(-1, 28, 28))
    pupil.teach(features.reshape(12, 5, *features.shape[1:]), np.full(12, 7), 1)
    assert (pupil.read(features[::5]) == 7).all()


def test_a_network_whose_branches_join_at_the_end_cannot_be_taught() -> None:
    x = glyph = keras.Input((28, 28), name="glyph")
    x = keras.layers.Flatten()(x)
    both = keras.layers.Add()([keras.layers.Dense(10)(x), keras.layers.Dense(10)(x)])
    model = keras.Model(glyph, keras.layers.Softmax()(both))
    assert teaching.learning(model) == []
    with pytest.raises(ModelError, match="branches join"):
        teaching.Pupil(model, False, PLAN)


def test_of_a_wide_network_fewer_digits_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teaching, "MOST_FEATURES", 784 * 100)
    pupil = teaching.Pupil(network.build(MLP), False, PLAN)
    assert (pupil.plan.digits, pupil.plan.variants) == (50, 50)
