import shutil
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import scipy.special

from digitrec.datasets import mnist
from digitrec.errors import ModelError
from digitrec.recognition.calibration import Calibration
from digitrec.recognition.classifier import CHUNK, Predictor
from digitrec.training import network
from digitrec.training.recipe import ConvBlock, Recipe

RECIPES = {
    "mlp": Recipe("mlp", hidden=(16, 8), scaling="unit-length"),
    "cnn": Recipe(
        "cnn",
        kind="cnn",
        blocks=(ConvBlock(4, 3, 2, True), ConvBlock(6, 3, 1, padding="valid")),
        hidden=(8,),
        dropout=0.2,
        activation="gelu",
    ),
}
LAYERS = {
    "mlp": {"dense_1", "dense_2", "logits", "probabilities"},
    "cnn": {"conv_1", "norm_1", "activation_1", "pool_1", "conv_2", "dense_1", "logits", "probabilities"},
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return each kind's network and its `.tflite` file."""
    folder = tmp_path_factory.mktemp("exported")
    made = {}
    for kind, recipe in RECIPES.items():
        keras.utils.set_random_seed(1)
        model = network.build(recipe)
        network.with_activations(model).export(folder / f"{kind}.tflite", format="litert", verbose=False)
        made[kind] = (model, folder / f"{kind}.tflite")
    return made


@pytest.fixture(scope="module", params=RECIPES)
def pair(request, exported):
    """Return the kind, its Keras network and its predictor."""
    model, file = exported[request.param]
    return request.param, model, Predictor(request.param, file)


@pytest.fixture(scope="module")
def glyphs():
    """Return 200 test digits and a blank one, float32 (201, 28, 28)."""
    return np.concatenate([mnist.glyphs(mnist.test()[0][:200]), np.zeros((1, 28, 28), np.float32)])


def test_it_reads_as_keras_does(pair, glyphs):
    _, model, predictor = pair
    np.testing.assert_allclose(predictor.probabilities(glyphs), model(glyphs), atol=1e-5)
    np.testing.assert_array_equal(predictor.answers(glyphs).is_digit, 1.0)


def test_answers_are_those_of_its_calibration(pair, exported, glyphs):
    kind, model, _ = pair
    logits = keras.Model(model.input, model.get_layer("logits").output)(glyphs)
    scores = scipy.special.logsumexp(np.asarray(logits) / 1.5, axis=1)
    calibration = Calibration(1.5, float(np.median(scores)), 0.25)
    answers = Predictor(kind, exported[kind][1], calibration).answers(glyphs)
    np.testing.assert_allclose(
        answers.probabilities, scipy.special.softmax(np.asarray(logits) / 1.5, axis=1), atol=1e-5
    )
    np.testing.assert_allclose(answers.is_digit, scipy.special.expit((scores - calibration.energy) / 0.25), atol=1e-4)
    assert (answers.is_digit < 0.5).mean() == pytest.approx(0.5, abs=0.01)


def test_activations_are_those_of_keras(pair, glyphs):
    kind, model, predictor = pair
    activations = predictor.activations(glyphs)
    assert set(activations) == set(predictor.layers) == LAYERS[kind]
    for name, values in activations.items():
        expected = keras.Model(model.input, model.get_layer(name).output)(glyphs)
        np.testing.assert_allclose(values, expected, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("count", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 200])
def test_any_number_of_glyphs(pair, glyphs, count):
    kind, model, predictor = pair
    probabilities = predictor.probabilities(glyphs[:count])
    assert probabilities.shape == (count, 10)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, np.asarray(model(glyphs))[:count], atol=1e-5)
    activations = predictor.activations(glyphs[:count])
    shapes = {layer.name: layer.shape for layer in RECIPES[kind].layers()}
    for name in set(activations) & set(shapes):
        assert activations[name].shape == (count, *shapes[name])


def test_answers_do_not_hang_together(pair, glyphs):
    """A glyph's answer is the same whatever stands beside it and was read before, and later reads leave it alone."""
    _, _, predictor = pair
    whole = predictor.probabilities(glyphs)
    kept = whole.copy()
    for i in (0, 63, 64, 200):
        np.testing.assert_allclose(predictor.probabilities(glyphs[i : i + 1])[0], kept[i], atol=1e-6)
    np.testing.assert_array_equal(whole, kept)


def test_views_and_other_number_types_are_read(pair, glyphs):
    _, _, predictor = pair
    expected = predictor.probabilities(np.ascontiguousarray(glyphs[:9:2]))
    np.testing.assert_allclose(predictor.probabilities(glyphs[:9:2]), expected, atol=1e-6)
    np.testing.assert_allclose(predictor.probabilities(glyphs[:9:2].astype(np.float64)), expected, atol=1e-6)
    np.testing.assert_allclose(predictor.probabilities(np.asfortranarray(glyphs[:9:2])), expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 27), (1, 28, 28, 1), (784,)], ids=str)
def test_another_shape_is_a_bug(pair, shape):
    with pytest.raises(ValueError, match="glyphs must be"):
        pair[2].probabilities(np.zeros(shape, np.float32))


def test_threads_may_share_it(pair, glyphs):
    _, _, predictor = pair
    expected = predictor.probabilities(glyphs)

    def read(i):
        first, count = i * 7 % 150, i % 40
        part = slice(first, first + count)
        both = (predictor.probabilities(glyphs[part]), predictor.activations(glyphs[part])["probabilities"])
        return all(np.allclose(answers, expected[part], atol=1e-6) for answers in both)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(80)))


# Damaged files


def flipped(content):
    damaged = bytearray(content)
    for place in range(0, 400, 40):
        damaged[place] ^= 255
    return bytes(damaged)


DAMAGES = {
    "empty": lambda content: b"",
    "cut off": lambda content: content[: len(content) // 3],
    "another kind": lambda content: b"\x89PNG\r\n\x1a\n" + content,
    "text": lambda content: b"no model\n" * 100,
    "zeros": lambda content: bytes(len(content)),
    "half zeros": lambda content: content[: len(content) // 2] + bytes(len(content) // 2),
    "flipped": flipped,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("kind", RECIPES)
def test_a_damaged_file_is_refused(exported, tmp_path, kind, damage):
    file = tmp_path / "model.tflite"
    file.write_bytes(damage(exported[kind][1].read_bytes()))
    with pytest.raises(
        ModelError, match=r"The model mine is damaged and cannot be opened\. Train it again\."
    ) as caught:
        Predictor("mine", file)
    assert str(tmp_path) not in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for file in (tmp_path / "model.tflite", tmp_path):
        with pytest.raises(ModelError, match="The model mine is damaged and cannot be opened"):
            Predictor("mine", file)


def test_a_model_of_something_else_is_refused(tmp_path):
    features = keras.Input((4,), name="features")
    other = keras.Model(features, {"price": keras.layers.Dense(1)(features)})
    other.export(tmp_path / "other.tflite", format="litert", verbose=False)
    with pytest.raises(ModelError):
        Predictor("other", tmp_path / "other.tflite")


def test_weights_that_are_no_numbers_are_reported(exported, tmp_path, glyphs):
    """Every weight that is no number: what a run whose loss ran away would have left."""
    keras.utils.set_random_seed(1)
    model = network.build(RECIPES["mlp"])
    content = exported["mlp"][1].read_bytes()
    kernel = model.get_layer("logits").kernel.numpy()
    found = [raw for raw in (kernel.tobytes(), kernel.T.tobytes()) if raw in content]
    assert len(found) == 1
    file = tmp_path / "model.tflite"
    file.write_bytes(content.replace(found[0], np.full_like(kernel, np.nan).tobytes()))
    with pytest.raises(ModelError, match=r"returned NaN or infinity\. Train it again\."):
        Predictor("mine", file).probabilities(glyphs[:2])


def test_damage_that_shows_only_while_reading_is_reported(exported, tmp_path, glyphs, monkeypatch):
    shutil.copyfile(exported["mlp"][1], tmp_path / "model.tflite")
    predictor = Predictor("mine", tmp_path / "model.tflite")

    class Broken:
        def __getattr__(self, name):
            raise RuntimeError("failed to prepare")

    monkeypatch.setattr(predictor, "_interpreter", Broken())
    with pytest.raises(ModelError, match=r"The model mine is damaged and cannot read\. Train it again\."):
        predictor.probabilities(glyphs[:1])


@pytest.mark.parametrize(
    ("kind", "layer"), [("mlp", "dense_1"), ("mlp", "dense_2"), ("cnn", "conv_1"), ("cnn", "conv_2")]
)
def test_weights_are_keras_ones(exported, tmp_path, kind, layer):
    model, _ = exported[kind]
    network.export(model, tmp_path / "model.tflite")
    weights = Predictor(kind, tmp_path / "model.tflite").weights(layer)
    kernel = np.asarray(model.get_layer(layer).kernel)
    expected = kernel.T if kernel.ndim == 2 else kernel.transpose(3, 0, 1, 2)
    np.testing.assert_allclose(weights, expected, atol=1e-3)


def test_weights_in_float32_are_found_too_and_those_of_an_unknown_layer_are_none(pair):
    _, model, predictor = pair
    assert predictor.weights("dense") is None
    np.testing.assert_allclose(predictor.weights("dense_1"), np.asarray(model.get_layer("dense_1").kernel).T, atol=1e-6)


def test_only_the_layers_asked_for_are_given(pair, glyphs):
    _, _, predictor = pair
    (name,) = predictor.activations(glyphs[:2], ("dense_1",))
    assert name == "dense_1"
