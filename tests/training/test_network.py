import keras
import numpy as np
import pytest

from digitrec.datasets import mnist
from digitrec.training import network
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import ACTIVATIONS, OPTIMIZERS, ConvBlock, Recipe

CUSTOM = {
    "norm-valid": Recipe(
        "norm-valid",
        kind="cnn",
        blocks=(ConvBlock(3, 5, 3, True, "valid"), ConvBlock(4, 3, 1, True), ConvBlock(5, 1, 2)),
        hidden=(7,),
    ),
    "pool-1": Recipe("pool-1", kind="cnn", blocks=(ConvBlock(2, 2, 1), ConvBlock(2, 11, 1, False, "valid")), hidden=()),
    "one-pixel": Recipe("one-pixel", kind="cnn", blocks=(ConvBlock(2, 3, 7), ConvBlock(3, 3, 4)), hidden=(5, 4)),
    "wide-norm": Recipe(
        "wide-norm", kind="cnn", blocks=(ConvBlock(2, 3, 2, True),), hidden=(5,), dropout=0.3, scaling="unit-length"
    ),
    "strides": Recipe(
        "strides",
        kind="cnn",
        blocks=(
            ConvBlock(3, 5, 2, True, "valid", 2, False),
            ConvBlock(4, 3, 1, stride=3),
            ConvBlock(2, 2, 1, bias=False),
        ),
        mean_maps=True,
        hidden=(6, 5),
        hidden_norm=True,
        norm_momentum=0.9,
        dropout=0.2,
        scaling="standard",
    ),
    "deep": Recipe("deep", hidden=(9, 8, 7, 6, 5, 4, 3, 2), dropout=0.9, activation="gelu"),
    "1.0_odd-name.": Recipe("1.0_odd-name.", hidden=(3,)),
    "probabilities": Recipe("probabilities", hidden=(3,)),
}
RECIPES = {name: preset.recipe for name, preset in PRESETS.items()} | CUSTOM


@pytest.fixture(scope="module")
def glyphs():
    """Return 20 test digits, float32 (20, 28, 28)."""
    return mnist.glyphs(mnist.test()[0][:20])


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_network_is_what_its_recipe_tells(recipe):
    model = network.build(recipe)
    listed = {layer.name: layer for layer in recipe.layers()}
    built = {layer.name: layer for layer in model.layers}
    assert [name for name in built if name in listed] == list(listed)
    for name, layer in listed.items():
        assert tuple(built[name].output.shape[1:]) == layer.shape, name
        assert built[name].count_params() == layer.parameters, name
    assert all(built[name].count_params() == 0 for name in set(built) - set(listed))
    assert model.count_params() == recipe.parameters


@pytest.mark.parametrize("recipe", CUSTOM.values(), ids=CUSTOM)
def test_it_gives_probabilities(recipe, glyphs):
    probabilities = network.build(recipe)(glyphs).numpy()
    assert probabilities.shape == (20, 10)
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_unit_length_is_keras_normalize(glyphs):
    model = network.build(Recipe("a", hidden=(4,), scaling="unit-length"))
    scaled = keras.Model(model.input, model.get_layer("scaled").output)(glyphs).numpy()
    np.testing.assert_allclose(scaled, keras.utils.normalize(glyphs, axis=1), atol=1e-6)
    assert np.isfinite(scaled).all()


def test_blank_paper_gives_numbers_with_either_scaling():
    for scaling in ("unit-range", "unit-length"):
        model = network.build(Recipe("a", hidden=(4,), scaling=scaling))
        assert np.isfinite(model(np.zeros((1, 28, 28), np.float32)).numpy()).all()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_optimiser_is_the_one_asked_for(optimizer):
    model = network.trainable(Recipe("a", hidden=(2,), optimizer=optimizer, learning_rate=0.25), 10)
    assert type(model.optimizer).__name__.lower() == optimizer
    assert float(model.optimizer.learning_rate) == 0.25


def test_a_whole_learning_rate_is_one():
    assert float(network.trainable(Recipe("a", hidden=(2,), learning_rate=1), 10).optimizer.learning_rate) == 1.0


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_activation_is_after_each_layer_but_the_last(activation):
    block = ConvBlock(2, 3, 4)
    model = network.build(
        Recipe("a", kind="cnn", blocks=(block, ConvBlock(2, 3, 4, True)), hidden=(3,), activation=activation)
    )
    names = {layer.name: layer.activation.__name__ for layer in model.layers if hasattr(layer, "activation")}
    assert names == {
        "conv_1": activation,
        "conv_2": "linear",
        "activation_2": activation,
        "dense_1": activation,
        "logits": "linear",
    }


def test_first_weights_follow_the_seed_set():
    weights = []
    for seed in (3, 3, 4):
        keras.utils.set_random_seed(seed)
        weights.append(network.build(Recipe("a", hidden=(4,))).get_weights()[0])
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_what_is_trained_has_the_weights_of_what_is_used(recipe):
    trained, used = network.trainable(recipe, 10), network.build(recipe)
    assert [weight.shape for weight in trained.weights] == [weight.shape for weight in used.weights]
    assert {weight.dtype for weight in trained.weights} == {"float32"}
    assert trained.output.shape == (None, 11 if recipe.strokes else 10)
    assert trained.output.dtype == used.output.dtype == "float32"


def test_a_non_digit_is_an_eleventh_answer_whose_logit_is_0(glyphs):
    recipe = Recipe("a", hidden=(4,), strokes=True)
    trained, used = network.trainable(recipe, 10), network.build(recipe)
    used.set_weights(trained.get_weights())
    logits = network.with_activations(used)(glyphs)["logits"].numpy()
    padded = np.pad(logits, ((0, 0), (0, 1)))
    np.testing.assert_allclose(trained(glyphs), np.exp(padded) / np.exp(padded).sum(axis=1, keepdims=True), atol=1e-6)


def test_the_cosine_rises_for_a_twentieth_of_the_steps_and_falls_to_0():
    recipe = Recipe("a", hidden=(2,), schedule="cosine", learning_rate=0.5)
    rate = network.trainable(recipe, 200).optimizer._learning_rate
    assert [round(float(rate(step)), 6) for step in (0, 5, 10, 105, 200)] == [0.0, 0.25, 0.5, 0.25, 0.0]


def test_one_cycle_rises_for_a_fifth_of_the_steps_and_falls_to_0():
    recipe = Recipe("a", hidden=(2,), schedule="one-cycle", learning_rate=0.5)
    rate = network.trainable(recipe, 200).optimizer._learning_rate
    assert [round(float(rate(step)), 6) for step in (0, 20, 40, 120, 200)] == [0.0, 0.25, 0.5, 0.25, 0.0]
    assert all(np.isfinite(float(network.OneCycle(0.5, 1)(step))) for step in (0, 1))


def test_the_exponential_falls_to_a_hundredth():
    recipe = Recipe("a", hidden=(2,), schedule="exponential", learning_rate=0.5)
    rate = network.trainable(recipe, 200).optimizer._learning_rate
    assert [round(float(rate(step)), 6) for step in (0, 100, 200)] == [0.5, 0.05, 0.005]


def test_standard_digits_have_mean_0_and_spread_1():
    glyphs = mnist.glyphs(mnist.training()[0][:5000])
    model = network.build(CUSTOM["strides"])
    scaled = keras.Model(model.input, model.get_layer("scaled").output)(glyphs).numpy()
    assert scaled.mean() == pytest.approx(0, abs=0.01)
    assert scaled.std() == pytest.approx(1, abs=0.01)


def test_batch_norm_has_the_momentum_asked_for_and_none_of_its_layers_needs_a_bias():
    model = network.build(CUSTOM["strides"])
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert [layer.name for layer in norms] == ["norm_1", "dense_norm_1", "dense_norm_2"]
    assert {layer.momentum for layer in norms} == {0.9}
    biases = {layer.name for layer in model.layers if getattr(layer, "use_bias", False)}
    assert biases == {"conv_2", "logits"}


def test_bfloat16_is_for_this_network_alone_and_gives_nearly_the_same(glyphs):
    recipe = CUSTOM["wide-norm"]
    exact = network.trainable(recipe, 10)
    short = network.trainable(recipe.replace(precision="bfloat16"), 10)
    assert keras.config.dtype_policy().name == "float32"
    assert short.get_layer("conv_1").compute_dtype == "bfloat16"
    short.set_weights(exact.get_weights())
    np.testing.assert_allclose(short(glyphs), exact(glyphs), atol=0.02)
    assert not np.array_equal(short(glyphs), exact(glyphs))


def test_activations_are_those_of_the_layers(glyphs):
    model = network.build(CUSTOM["wide-norm"])
    outputs = network.with_activations(model)(glyphs)
    assert list(outputs) == ["conv_1", "norm_1", "activation_1", "pool_1", "dense_1", "logits", "probabilities"]
    np.testing.assert_allclose(outputs["probabilities"], model(glyphs), atol=1e-6)
    np.testing.assert_allclose(keras.ops.softmax(outputs["logits"]), outputs["probabilities"], atol=1e-6)
    shapes = {layer.name: layer.shape for layer in CUSTOM["wide-norm"].layers()}
    for name in set(outputs) & set(shapes):
        assert tuple(outputs[name].shape[1:]) == shapes[name]
