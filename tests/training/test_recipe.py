import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitrec.errors import RecipeError
from digitrec.imaging.augmentation import AUGMENTATION_LIMITS, Augmentation
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import (
    ACTIVATIONS,
    KINDS,
    MAX_PARAMETERS,
    OPTIMIZERS,
    PADDINGS,
    SCALINGS,
    SCHEDULES,
    ConvBlock,
    Recipe,
)

BLOCK = ConvBlock(8, 3, 2)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
rubbish = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


@st.composite
def recipes(draw):
    """Return recipes that can work, of every kind."""
    kind = draw(st.sampled_from(KINDS))
    block = st.builds(
        ConvBlock,
        filters=st.integers(1, 6),
        kernel=st.integers(1, 3),
        pool=st.integers(1, 2),
        batch_norm=st.booleans(),
        padding=st.sampled_from(PADDINGS),
        bias=st.booleans(),
    )
    block |= st.builds(ConvBlock, filters=st.integers(1, 6), pool=st.just(1), stride=st.just(2))
    amounts = {
        name: st.just(0.0) | st.floats(0, limit).map(lambda v: round(v, 3))
        for name, limit in AUGMENTATION_LIMITS.items()
    }
    return Recipe(
        name=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", fullmatch=True)),
        kind=kind,
        blocks=tuple(draw(st.lists(block, min_size=1, max_size=3))) if kind == "cnn" else (),
        hidden=tuple(draw(st.lists(st.integers(1, 40), min_size=kind == "mlp", max_size=3))),
        mean_maps=kind == "cnn" and draw(st.booleans()),
        hidden_norm=draw(st.booleans()),
        norm_momentum=draw(st.just(0.99) | st.floats(0.5, 0.999).map(lambda v: round(v, 3))),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        dropout=draw(st.just(0.0) | st.floats(0, 0.9).map(lambda v: round(v, 3))),
        optimizer=draw(st.sampled_from(OPTIMIZERS)),
        learning_rate=draw(st.floats(1e-7, 10) | st.just(1)),
        schedule=draw(st.sampled_from(SCHEDULES)),
        batch_size=draw(st.integers(1, 4096)),
        epochs=draw(st.integers(1, 200)),
        validation=draw(st.floats(0.01, 0.5)),
        scaling=draw(st.sampled_from(SCALINGS)),
        augmentation=draw(st.builds(Augmentation, **amounts)),
        patience=draw(st.integers(0, 200)),
        seed=draw(st.integers(0, 2**31 - 1)),
    )


def assert_sentence(error):
    text = str(error)
    assert text[0].isupper(), text
    assert ". " in text or text.endswith("."), text
    assert len(text) < 250, text


# Layers


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("mlp-128", 784 * 128 + 128 + 128 * 10 + 10),
        ("mlp-128-128", 118_282),
        ("mlp-30-10", 23_970),
        ("cnn-5x5", 3_274_634),  # TensorFlow's Deep MNIST for Experts
        ("cnn-3x3", 225_034),
    ],
)
def test_presets_have_their_sources_parameters(name, parameters):
    assert PRESETS[name].recipe.parameters == parameters


def test_layers_of_a_cnn_by_hand():
    recipe = Recipe(
        "a",
        kind="cnn",
        blocks=(ConvBlock(4, 5, 3, True, "valid"), ConvBlock(6, 3, 1)),
        hidden=(7,),
        dropout=0.25,
        activation="tanh",
        scaling="unit-length",
    )
    assert [(layer.name, layer.kind, layer.shape, layer.parameters) for layer in recipe.layers()] == [
        ("glyph", "input", (28, 28), 0),
        ("scaled", "columns to length 1", (28, 28), 0),
        ("conv_1", "5 x 5 convolution", (24, 24, 4), 4 * (25 + 1)),
        ("norm_1", "batch norm, tanh", (24, 24, 4), 16),
        ("pool_1", "3 x 3 max-pool", (8, 8, 4), 0),
        ("conv_2", "3 x 3 convolution, tanh", (8, 8, 6), 6 * (4 * 9 + 1)),
        ("flat", "flatten", (384,), 0),
        ("dense_1", "dense, tanh", (7,), 385 * 7),
        ("dropout_1", "dropout 0.25", (7,), 0),
        ("logits", "dense", (10,), 80),
        ("probabilities", "softmax", (10,), 0),
    ]


def test_layers_with_strides_means_and_norms_by_hand():
    recipe = Recipe(
        "a",
        kind="cnn",
        blocks=(ConvBlock(4, 4, 1, True, "valid", 2, False), ConvBlock(6, 3, 2, stride=3)),
        mean_maps=True,
        hidden=(7,),
        hidden_norm=True,
        scaling="standard",
    )
    assert [(layer.name, layer.kind, layer.shape, layer.parameters) for layer in recipe.layers()] == [
        ("glyph", "input", (28, 28), 0),
        ("scaled", "mean to 0, spread to 1", (28, 28), 0),
        ("conv_1", "4 x 4 convolution, stride 2", (13, 13, 4), 4 * 16),
        ("norm_1", "batch norm, relu", (13, 13, 4), 16),
        ("conv_2", "3 x 3 convolution, stride 3, relu", (5, 5, 6), 6 * (4 * 9 + 1)),
        ("pool_2", "2 x 2 max-pool", (2, 2, 6), 0),
        ("means", "mean of each map", (6,), 0),
        ("dense_1", "dense", (7,), 6 * 7),
        ("dense_norm_1", "batch norm, relu", (7,), 28),
        ("logits", "dense", (10,), 80),
        ("probabilities", "softmax", (10,), 0),
    ]


def test_digits_held_out_and_steps_are_those_of_the_sources():
    assert PRESETS["cnn-3x3"].recipe.validation_digits == 12_000
    assert PRESETS["cnn-3x3"].recipe.steps_per_epoch == 1_500
    assert PRESETS["cnn-5x5"].recipe.validation_digits == 5_000
    assert PRESETS["cnn-5x5"].recipe.steps_per_epoch == 860  # 55,000 / 64, the last batch smaller


@given(recipes())
def test_layers_follow_from_one_another(recipe):
    layers = recipe.layers()
    assert len({layer.name for layer in layers}) == len(layers)
    assert all(min(layer.shape) >= 1 and layer.parameters >= 0 for layer in layers)
    flat = next(i for i, layer in enumerate(layers) if layer.name in ("flat", "means"))
    before = layers[flat - 1].shape
    assert layers[flat].shape == (before[-1] if recipe.mean_maps else math.prod(before),)
    assert layers[-1].shape == (10,)
    assert recipe.parameters == sum(layer.parameters for layer in layers)


# Refusals


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "A name has"),
        ({"name": "../up"}, "A name has"),
        ({"name": "a" * 41}, "A name has"),
        ({"name": "a\n"}, "A name has"),
        ({"name": 5}, "A name has"),
        ({"kind": "rnn"}, "one of mlp, cnn. Received: 'rnn'"),
        ({"activation": "softplus"}, "The activation must be one of relu"),
        ({"activation": None}, "The activation must be one of relu"),
        ({"optimizer": "lbfgs"}, "The optimiser must be one of adam"),
        ({"scaling": "none"}, "The scaling must be one of unit-range"),
        (
            {"schedule": "step"},
            "The schedule must be one of constant, one-cycle, cosine, exponential. Received: 'step'",
        ),
        ({"precision": "float8"}, "The precision must be one of auto, float32, bfloat16. Received: 'float8'"),
        ({"label_smoothing": 0.6}, "Label smoothing must be a number from 0 to 0.5. Received: 0.6"),
        ({"teacher": 1}, "The model to distill from must be a model's name, or empty. Received: '1'"),
        ({"teacher": "../reader"}, "The model to distill from must be a model's name, or empty. Received: '../reader'"),
        ({"teacher": "reader", "strokes": True}, "Distillation does not support non-digits."),
        ({"strokes": 1}, "Training on pen strokes must be true or false. Received: 1"),
        ({"dropout": 0.95}, "Dropout must be a number from 0 to 0.9. Received: 0.95"),
        ({"dropout": math.nan}, "Received: nan"),
        ({"learning_rate": 0}, "The learning rate must be"),
        ({"learning_rate": -0.1}, "Received: -0.1"),
        ({"learning_rate": math.nan}, "Received: nan"),
        ({"learning_rate": math.inf}, "Received: inf"),
        ({"learning_rate": "fast"}, "Received: fast"),
        ({"learning_rate": True}, "Received: True"),
        ({"batch_size": 0}, "The batch size must be a whole number from 1 to 4096"),
        ({"batch_size": 32.0}, "Received: 32.0"),
        ({"epochs": 0}, "Epochs must be a whole number from 1 to 200. Received: 0"),
        ({"epochs": 201}, "Received: 201"),
        ({"epochs": "three"}, "Received: three"),
        ({"epochs": "3"}, "Received: 3"),
        ({"epochs": 2.5}, "Received: 2.5"),
        ({"epochs": True}, "Received: True"),
        ({"epochs": math.nan}, "Received: nan"),
        ({"epochs": None}, "Received: None"),
        ({"validation": 0}, "The validation fraction must be"),
        ({"validation": 0.6}, "The validation fraction must be"),
        ({"validation": math.nan}, "Received: nan"),
        ({"patience": -1}, "Patience must be"),
        ({"seconds": -1}, "Seconds of training must be a number from 0 to 86400"),
        ({"epochs": 201}, "a whole number from 1 to 200. Received: 201"),
        ({"seed": -1}, "The seed must be"),
        ({"seed": 2**31}, "The seed must be"),
        ({"augmentation": Augmentation(shift=8.5)}, "Augmentation by shift must be a number from 0 to 8"),
        ({"augmentation": Augmentation(turn=-1)}, "Augmentation by turn"),
        ({"augmentation": Augmentation(zoom=math.nan)}, "Augmentation by zoom"),
        ({"augmentation": Augmentation(thickness="thick")}, "Received: thick"),
        ({"augmentation": Augmentation(elastic=math.inf)}, "Augmentation by elastic"),
        ({"hidden": ()}, "at least one hidden layer"),
        ({"hidden": (0,)}, "The width of a hidden layer must be"),
        ({"hidden": (4097,)}, "The width of a hidden layer must be"),
        ({"hidden": ("128",)}, "Received: 128"),
        ({"hidden": (8,) * 9}, "At most 8 hidden layers"),
        ({"hidden": (4096,) * 8}, "parameters; the limit is 20,000,000"),
        ({"blocks": (BLOCK,)}, "An MLP has no convolution blocks"),
        ({"kind": "cnn"}, "A CNN needs at least one convolution block"),
        ({"kind": "cnn", "blocks": (BLOCK,) * 9}, "8 blocks"),
        ({"kind": "cnn", "blocks": (ConvBlock(filters=0),)}, "Filters must be"),
        ({"kind": "cnn", "blocks": (ConvBlock(kernel=12),)}, "The kernel's side must be"),
        ({"kind": "cnn", "blocks": (ConvBlock(kernel=0),)}, "The kernel's side must be"),
        ({"kind": "cnn", "blocks": (ConvBlock(pool=8),)}, "The pooling side must be"),
        ({"kind": "cnn", "blocks": (ConvBlock(pool=0),)}, "The pooling side must be"),
        ({"kind": "cnn", "blocks": (ConvBlock(padding="full"),)}, "The padding must be one of same, valid"),
        ({"kind": "cnn", "blocks": (ConvBlock(batch_norm="no"),)}, "Batch norm must be true or false"),
        ({"kind": "cnn", "blocks": (ConvBlock(bias=0),)}, "A block's bias must be true or false"),
        ({"kind": "cnn", "blocks": (ConvBlock(stride=5),)}, "The stride must be a whole number from 1 to 4"),
        ({"mean_maps": True}, "An MLP has no maps"),
        ({"mean_maps": 1}, "Averaging each map must be true or false"),
        ({"hidden_norm": 1}, "Batch norm of hidden layers must be true or false"),
        ({"norm_momentum": 1.0}, "The momentum of batch norm must be a number from 0.5 to 0.999"),
        ({"kind": "cnn", "blocks": (BLOCK,) * 5}, "The pooling of block 5 would leave less than 1 pixel"),
        (
            {"kind": "cnn", "blocks": (ConvBlock(2, 11, 7, padding="valid"), ConvBlock(2, 3, 1, padding="valid"))},
            "The convolution of block 2 would leave less than 1 pixel",
        ),
        ({"kind": "cnn", "blocks": (ConvBlock(512, 1, 1),), "hidden": (4096,)}, "the limit is 20,000,000"),
        ({"kind": "cnn", "blocks": (ConvBlock(512, 3, 4),), "hidden": (8,), "batch_size": 4096}, "Use a smaller batch"),
    ],
    ids=str,
)
def test_what_cannot_work_is_refused_with_a_sentence(changes, words):
    with pytest.raises(RecipeError) as caught:
        Recipe(**({"name": "a"} | changes))
    assert words in str(caught.value)
    assert_sentence(caught.value)
    with pytest.raises(RecipeError):
        Recipe("a").replace(**changes)


def test_limits_themselves_are_allowed():
    Recipe("a" * 40, learning_rate=10, batch_size=4096, epochs=200, validation=0.5, dropout=0.9, seed=2**31 - 1)
    Recipe("a", learning_rate=1e-7, batch_size=1, epochs=1, validation=0.01, dropout=0, seed=0)
    Recipe("a", augmentation=Augmentation(**AUGMENTATION_LIMITS))
    Recipe("a", seconds=86_400)
    one_pixel = Recipe("a", kind="cnn", blocks=(ConvBlock(4, 1, 7), ConvBlock(4, 1, 4)), hidden=())
    assert one_pixel.layers()[-4].shape == (1, 1, 4)
    widest = Recipe("a", hidden=(4096, 3600))
    assert MAX_PARAMETERS * 0.85 < widest.parameters <= MAX_PARAMETERS


def test_augmentation_knows_whether_there_is_any():
    assert not Augmentation().any
    for name in AUGMENTATION_LIMITS:
        assert Augmentation(**{name: 0.1}).any


# JSON


@given(recipes())
def test_a_recipe_survives_json(recipe):
    text = json.dumps(recipe.to_json(), allow_nan=False)
    assert Recipe.from_json(json.loads(text)) == recipe


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json_and_bear_their_names(name):
    recipe = PRESETS[name].recipe
    assert recipe.name == name
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_what_is_left_out_of_json_has_its_default():
    assert Recipe.from_json({"name": "a"}) == Recipe("a")
    made = Recipe.from_json({"name": "a", "kind": "cnn", "blocks": [{"filters": 4}], "augmentation": {"shift": 2}})
    assert made.blocks == (ConvBlock(4),)
    assert made.augmentation == Augmentation(shift=2)


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        "mlp-128",
        {},
        {"name": "a", "colour": "red"},
        {"name": "a", 1: 2, "b": 3},
        {"name": "a", "hidden": 128},
        {"name": "a", "hidden": "128"},
        {"name": "a", "blocks": None},
        {"name": "a", "kind": "cnn", "blocks": [[32, 3]]},
        {"name": "a", "kind": "cnn", "blocks": [{"filter": 3}]},
        {"name": "a", "augmentation": 3},
        {"name": "a", "augmentation": {"rotate": 3}},
        {"name": ["a"]},
        {"name": "a", "kind": ["mlp"]},
    ],
    ids=str,
)
def test_json_that_is_no_recipe_is_refused_with_a_sentence(values):
    with pytest.raises(RecipeError) as caught:
        Recipe.from_json(values)
    assert_sentence(caught.value)


@given(rubbish.filter(lambda values: not isinstance(values, dict) or "name" not in values))
def test_rubbish_is_refused_by_nothing_but_a_recipe_error(values):
    with pytest.raises(RecipeError) as caught:
        Recipe.from_json(values)
    assert_sentence(caught.value)


@given(recipes(), st.data())
def test_a_recipe_with_a_value_spoilt_is_refused_or_still_a_recipe(recipe, data):
    values = json.loads(json.dumps(recipe.to_json()))
    target = data.draw(st.sampled_from([values, values["augmentation"], *values["blocks"]]))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(rubbish)
    try:
        made = Recipe.from_json(values)
    except RecipeError as error:
        assert_sentence(error)
    else:
        assert Recipe.from_json(json.loads(json.dumps(made.to_json(), allow_nan=False))) == made


# Presets


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_presets_tell_where_they_are_from_and_teach(preset):
    assert len(preset.title) > 10
    assert preset.source.endswith(".")
    assert preset.lesson.endswith(".")
    if preset.accuracy is None:
        assert preset.published in ("no figure", "")
    else:
        assert f"{preset.accuracy * 100:g} %" in preset.published
