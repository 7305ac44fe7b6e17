import ast
import runpy

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings

from digitrec.datasets import mnist
from digitrec.imaging import warp
from digitrec.imaging.augmentation import AUGMENTATION_LIMITS, Augmentation
from digitrec.training import network, splits
from digitrec.training.keras_script import keras_script
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import ConvBlock, Recipe
from digitrec.training.schedule import learning_rates
from tests.training.test_recipe import recipes

FEW = {"epochs": 1, "validation": 0.01, "seed": 5}  # 600 validation digits
CUSTOM = Recipe(
    "a.custom-one_",
    kind="cnn",
    blocks=(ConvBlock(3, 5, 3, True, "valid"), ConvBlock(4, 3, 1)),
    hidden=(),
    activation="gelu",
    dropout=0.25,
    optimizer="rmsprop",
    learning_rate=1,
    scaling="unit-length",
    patience=2,
)
NEW = Recipe(
    "new",
    kind="cnn",
    blocks=(ConvBlock(3, 5, 2, True, "valid", 2, False), ConvBlock(4, 3, 1, stride=2, bias=False)),
    mean_maps=True,
    hidden=(6,),
    hidden_norm=True,
    norm_momentum=0.9,
    schedule="one-cycle",
    scaling="standard",
)
SOFT = Recipe("soft", hidden=(8,), label_smoothing=0.05, precision="bfloat16", optimizer="adamw", schedule="cosine")
TRAINED = {"custom": CUSTOM, "new": NEW, "soft": SOFT}
RECIPES = {name: preset.recipe for name, preset in PRESETS.items()} | TRAINED


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return a function that runs a recipe's script on a few digits, in an empty folder, and returns its names.

    Where it is not to train, only what comes before is run: to get a large network ready for that takes seconds.
    """
    x, y = (array[:900] for array in mnist.training())
    x_test, y_test = (array[:100] for array in mnist.test())
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: ((x, y), (x_test, y_test)))
    monkeypatch.setattr(mnist, "training", lambda: (x, y))
    monkeypatch.chdir(tmp_path)

    def run(recipe, train=True):
        file, script = tmp_path / "script.py", keras_script(recipe)
        file.write_text(script if train else script[: script.index("model.fit(")], encoding="utf-8")
        return runpy.run_path(str(file))

    yield run
    keras.config.set_dtype_policy("float32")


LEARN = (
    "Reshape",
    "Conv2D",
    "BatchNormalization",
    "Rescaling",
    "GlobalAveragePooling2D",
    "Activation",
    "MaxPooling2D",
    "Flatten",
    "Dense",
    "Dropout",
    "Softmax",
)


def learned_layers(model):
    """Return the class, settings, output shape and parameters of each layer, names and scaling left out."""
    return [
        (
            type(layer).__name__,
            {key: value for key, value in layer.get_config().items() if key not in ("name", "dtype")},
            tuple(layer.output.shape),
            layer.count_params(),
        )
        for layer in model.layers
        if type(layer).__name__ in LEARN
    ]


def learning_rate(model):
    """Return the settings of a schedule, or the rate where it is constant."""
    rate = model.optimizer._learning_rate
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return {key: value for key, value in rate.get_config().items() if key != "name"}
    return float(rate)


def test_a_script_says_that_its_recipe_has_a_teacher():
    recipe = Recipe("a", teacher="cnn-best")
    assert "probabilities that another model, cnn-best, gives for each" in keras_script(recipe)
    assert "another model" not in keras_script(recipe.replace(teacher=""))


def test_the_script_can_use_each_schedule(run):
    recipe = Recipe("a", hidden=(4,), schedule="exponential", learning_rate=0.5, **FEW)
    assert learning_rate(run(recipe, train=False)["model"]) == learning_rate(network.trainable(recipe, 10))


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle", "exponential"])
def test_the_scripts_learning_rates_are_those_that_are_drawn(schedule):
    recipe = Recipe("a", schedule=schedule, learning_rate=0.5, epochs=2, batch_size=100)
    script = keras_script(recipe)
    begin = script.index("@keras.saving" if schedule == "one-cycle" else "steps = ")
    names = {"keras": keras, "x_train": range(1000)}
    exec(compile(script[begin : script.index("\nmodel.compile")], "script", "exec"), names)
    rates = [float(names["rate"](step)) for step in range(20)]
    np.testing.assert_allclose(rates, learning_rates(recipe, 20), rtol=1e-4, atol=1e-9)


def as_digits(labels):
    return labels.argmax(axis=1) if labels.ndim == 2 else labels


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_script_builds_the_recipes_network_for_the_same_digits(run, recipe):
    recipe = recipe.replace(**FEW)
    names = run(recipe, train=False)
    steps = recipe.epochs * -(-300 // recipe.batch_size)
    model, own = names["model"], network.trainable(recipe.replace(strokes=False), steps)
    assert model.count_params() == own.count_params() == recipe.parameters
    assert learned_layers(model) == learned_layers(own)
    assert type(model.optimizer) is type(own.optimizer)
    assert learning_rate(model) == learning_rate(own)
    assert keras.losses.serialize(keras.losses.get(model.loss)) == keras.losses.serialize(keras.losses.get(own.loss))

    glyphs = mnist.glyphs(mnist.test()[0][:20])
    own.set_weights(model.get_weights())
    np.testing.assert_allclose(model(glyphs), own(glyphs), atol=1e-4 if recipe.precision == "float32" else 0.02)

    parts = splits.split(recipe.replace(strokes=False))
    np.testing.assert_array_equal(names["x_val"], mnist.glyphs(parts.x_validation))
    np.testing.assert_array_equal(as_digits(names["y_val"]), parts.y_validation)
    np.testing.assert_array_equal(names["x_train"], mnist.glyphs(parts.x))
    np.testing.assert_array_equal(as_digits(names["y_train"]), parts.y)


@pytest.mark.parametrize("recipe", TRAINED.values(), ids=TRAINED)
def test_the_script_trains_tests_and_saves(run, recipe, tmp_path, capsys):
    recipe = recipe.replace(**FEW)
    names = run(recipe)
    model, glyphs = names["model"], mnist.glyphs(mnist.test()[0][:20])
    assert len(model.history.epoch) == 1
    assert model.history.params["steps"] == -(-300 // recipe.batch_size)
    assert f"Test digits read: {names['accuracy']:.2%}" in capsys.readouterr().out
    loaded = keras.saving.load_model(tmp_path / f"{recipe.name}.keras")
    np.testing.assert_allclose(loaded(glyphs), model(glyphs), atol=1e-6)


def test_patience_ends_the_scripts_training_with_the_best_weights(run):
    names = run(Recipe("a", hidden=(8,), optimizer="sgd", learning_rate=2, patience=1, **(FEW | {"epochs": 60})))
    losses = names["model"].history.history["val_loss"]
    assert len(losses) < 60
    assert losses[-1] >= min(losses)
    loss, _ = names["model"].evaluate(names["x_val"], names["y_val"], verbose=0)
    assert loss == pytest.approx(min(losses), rel=1e-3)


# Distortions


def dots(places):
    """Return pictures of one soft dot each, float32 (N, 28, 28), at places (N, 2), row and column."""
    rows, columns = np.mgrid[:28, :28]
    away = (rows - places[:, :1, None]) ** 2 + (columns - places[:, 1:, None]) ** 2
    return np.exp(-away / 2).astype(np.float32)


def middles(pictures):
    """Return the centres of mass, (N, 2), row and column."""
    rows, columns = np.mgrid[:28, :28]
    mass = pictures.sum(axis=(1, 2))
    return np.stack([(pictures * axis).sum(axis=(1, 2)) / mass for axis in (rows, columns)], axis=1)


@pytest.fixture(scope="module")
def distorted():
    """Return a function that distorts pictures as the script of a recipe with these amounts does."""

    def distorted(pictures, **amounts):
        recipe = Recipe("a", hidden=(2,), augmentation=Augmentation(**amounts))
        names = section(keras_script(recipe))
        out, labels = names["distorted"](tf.constant(pictures), tf.range(len(pictures)))
        np.testing.assert_array_equal(labels, np.arange(len(pictures)))
        return out.numpy()

    return distorted


def section(script):
    """Run a script's imports, seed and functions, up to where batches are made of them; return the names."""
    lines = script[: script.index("train = (")]
    head, rest = lines[: lines.index("# MNIST")], lines[lines.index("# Distort") :]
    names = {}
    exec(compile(head + rest, "script", "exec"), names)
    return names


def test_shifts_go_as_far_as_the_recipe_says(distorted):
    places = np.full((400, 2), 13.5)
    moved = middles(distorted(dots(places), shift=3.0)) - places
    assert np.abs(moved).max() <= 3.01
    assert (np.abs(moved).max(axis=0) > 2.8).all()
    assert moved.std(axis=0) == pytest.approx(3 / np.sqrt(3), rel=0.15)  # evenly drawn


def test_turns_go_as_far_as_the_recipe_says(distorted):
    places = np.tile([13.5, 20.5], (400, 1))
    rows, columns = (middles(distorted(dots(places), turn=20.0)) - 13.5).T
    degrees = np.rad2deg(np.arctan2(rows, columns))
    assert np.abs(degrees).max() <= 20.1
    assert degrees.max() > 18
    assert degrees.min() < -18


def test_zooms_go_as_far_as_the_recipe_says(distorted):
    places = np.tile([13.5, 20.5], (400, 1))
    rows, columns = (middles(distorted(dots(places), zoom=0.2)) - 13.5).T
    np.testing.assert_allclose(rows, 0, atol=0.05)
    sizes = columns / 7
    assert 0.8 < sizes.min() < 0.86
    assert 1.18 < sizes.max() < 1.27


def test_digits_lean_as_far_as_the_recipe_says(distorted):
    places = np.tile([20.5, 13.5], (400, 1))
    rows, columns = (middles(distorted(dots(places), shear=0.3)) - 13.5).T
    np.testing.assert_allclose(rows, 7, atol=0.05)
    assert np.abs(columns).max() <= 7 * 0.3 + 0.2
    assert columns.max() > 1.7
    assert columns.min() < -1.7


def test_parts_wander_as_far_as_the_recipe_says(distorted):
    places = np.full((400, 2), 13.5)
    moved = np.hypot(*(middles(distorted(dots(places), elastic=2.0)) - places).T)
    assert moved.max() <= 2.3  # a bent dot's middle goes a little further
    assert moved.max() > 1
    pictures = dots(np.tile([[13.5, 9.5]], (400, 1))) + dots(np.tile([[13.5, 17.5]], (400, 1)))
    bent = distorted(pictures, elastic=2.0)
    left, right = (middles(half) for half in (bent * (np.arange(28) < 13.5), bent * (np.arange(28) > 13.5)))
    assert np.hypot(*(right - left - [0, 8]).T).max() > 1  # not all parts the same way


def test_strokes_grow_and_shrink_as_in_the_app():
    names = section(keras_script(Recipe("a", hidden=(2,), augmentation=Augmentation(thickness=2.0))))
    glyphs = np.pad(mnist.glyphs(mnist.test()[0][:50])[:, 1:-1, 1:-1], ((0, 0), (1, 1), (1, 1)))
    x = tf.constant(glyphs[..., None])
    np.testing.assert_allclose(names["grow"](x)[..., 0], warp.thickened(glyphs, 2), atol=1e-5)
    np.testing.assert_allclose(names["shrink"](x)[..., 0], warp.thickened(glyphs, -2), atol=1e-5)
    ink = names["thickness"](x).numpy().sum(axis=(1, 2, 3)) / glyphs.sum(axis=(1, 2))
    assert ink.min() < 0.8
    assert ink.max() > 1.2


def test_the_script_trains_on_distorted_digits(run):
    recipe = Recipe("a", hidden=(4,), augmentation=Augmentation(2, 10, 0.1, 0.1, 1, 1), **FEW)
    names = run(recipe)
    assert len(names["model"].history.epoch) == 1
    assert learned_layers(names["model"]) == learned_layers(network.build(recipe))
    (first, y), (second, _) = (next(iter(names["train"])) for _ in range(2))
    assert first.shape == (32, 28, 28)
    assert y.shape == (32,)
    assert not np.array_equal(first, second)
    assert np.asarray(first).min() >= -1e-5
    assert np.asarray(first).max() <= 1 + 1e-5


# The text


def numbers(script):
    return [node.value for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Constant)]


@given(recipes())
@example(PRESETS["cnn-fast"].recipe.replace(schedule="cosine", learning_rate=1.0000000000000001e-07))
@settings(max_examples=40)
def test_any_recipes_script_compiles_and_names_its_numbers(recipe):
    script = keras_script(recipe)
    compile(script, "script", "exec")
    named = numbers(script)
    wanted = [recipe.seed, recipe.batch_size, recipe.epochs, recipe.learning_rate, recipe.validation_digits]
    wanted += [*recipe.hidden, *(value for block in recipe.blocks for value in (block.filters, block.kernel))]
    dropout = recipe.dropout if recipe.hidden else 0.0  # it stands after hidden layers
    wanted += [value for value in (dropout, recipe.patience) if value]
    wanted += [amount for name in AUGMENTATION_LIMITS if (amount := getattr(recipe.augmentation, name))]
    assert [value for value in wanted if value not in named] == []
    assert f"{recipe.name}.keras" in named
    assert ("EarlyStopping" in script) == bool(recipe.patience)
    assert ("Dropout(" in script) == bool(dropout)
    assert ("GlobalAveragePooling2D(" in script) == recipe.mean_maps
    assert ("UnitNormalization" in script) == (recipe.scaling == "unit-length")
    assert max(map(len, script.splitlines())) <= 130


WORDS = {
    "shift": "RandomTranslation",
    "turn": "RandomRotation",
    "zoom": "RandomZoom",
    "shear": "def lean",
    "elastic": "def elastic",
    "thickness": "def thickness",
}


@pytest.mark.parametrize("used", [None, *WORDS])
def test_only_the_distortions_used_appear(used):
    script = keras_script(Recipe("a", augmentation=Augmentation(**({used: 0.5} if used else {}))))
    assert [name for name, word in WORDS.items() if word in script] == ([used] if used else [])
    assert ("import tensorflow" in script) == bool(used)
    assert ("def distorted" in script) == bool(used)


def test_a_script_teaches_why_digits_are_held_out():
    script = keras_script(PRESETS["cnn-3x3"].recipe)
    assert "# Hold 12,000 digits out for validation. The network never trains on them" in script
    assert script.index("model.fit(") < script.index("model.evaluate(x_test, y_test")
