"""What was read of a file and built anew computes what the file's model computes: Keras and ONNX are oracles."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from digitrec import settings
from digitrec.datasets import mnist
from digitrec.recognition.calibration import Calibration
from digitrec.recognition.classifier import Predictor
from digitrec.registry.importing import reading, scalings, tidy

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
PICTURES = mnist.glyphs(mnist.test()[0][:24])


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """Return a folder with a model of nearly all kinds of layers in each format, and its probabilities."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(5)
    layers, folder = keras.layers, tmp_path_factory.mktemp("everything")
    start = keras.Input((28, 28, 1))
    x = layers.Rescaling(2.0, -1.0)(start)
    x = layers.ZeroPadding2D(1)(x)
    x = first = layers.Conv2D(6, 3, activation="relu")(x)
    x = layers.SeparableConv2D(6, 3, padding="same", activation="tanh")(x)
    x = layers.Add()([first, x])
    x = layers.MaxPooling2D()(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
    x = layers.BatchNormalization()(x)
    x = layers.LeakyReLU(negative_slope=0.1)(x)
    x = layers.SpatialDropout2D(0.2)(x)
    x = layers.Concatenate()([layers.AveragePooling2D(2)(x), layers.MaxPooling2D(2)(x)])
    one, other = layers.GlobalAveragePooling2D()(x), layers.Flatten()(x)
    x = layers.Concatenate()([one, layers.Dense(12, activation="elu")(other)])
    x = layers.BatchNormalization()(layers.Dense(16, use_bias=False)(x))
    x = layers.Dropout(0.3)(layers.Activation("relu")(x))
    model = keras.Model(start, layers.Softmax()(layers.Dense(10)(x)))
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            size = layer.gamma.shape[0]
            rng = np.random.default_rng(size)
            layer.set_weights([rng.uniform(0.5, 2, size), rng.normal(size=size), rng.normal(size=size), rng.uniform(0.2, 3, size)])  # fmt: skip  # noqa: E501
    probabilities = np.asarray(model(PICTURES[..., None]))
    model.save(folder / "m.keras"), model.save(folder / "m.h5")
    model.export(folder / "m.onnx", format="onnx", verbose=False)
    (folder / "m.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    return folder, probabilities


@pytest.mark.parametrize("ending", ["keras", "h5", "onnx", "tflite"])
def test_a_model_of_all_kinds_of_layers_computes_the_same(everything: tuple[Path, np.ndarray], ending: str) -> None:
    from digitrec.registry.importing import building

    folder, probabilities = everything
    found = tidy.tidied(reading.read((folder / f"m.{ending}").read_bytes()))
    logits = building.read_all(building.raw(found.network), PICTURES.reshape(-1, 28, 28, 1))
    np.testing.assert_allclose(Calibration().answers(logits).probabilities, probabilities, atol=1e-5)


def test_its_litert_model_scales_by_itself_and_gives_its_layers(
    everything: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    from digitrec.registry.importing import building

    found = tidy.tidied(reading.read((everything[0] / "m.keras").read_bytes())).network
    raw = building.raw(found)
    for way in (scalings.Way("unit-length", True), scalings.Way("standard")):
        building.export(building.whole(found, way), tmp_path / "model.tflite")
        reader = Predictor("mine", tmp_path / "model.tflite")
        expected = building.read_all(raw, way.apply(PICTURES).reshape(-1, 28, 28, 1))
        np.testing.assert_allclose(reader.logits(PICTURES), expected, atol=1e-4)
    assert set(building.shown(found)) <= set(reader.layers)
    kernels = reader.weights("conv_1")
    assert kernels is not None
    np.testing.assert_allclose(kernels, np.moveaxis(found.layers[3].weights[0], -1, 0), atol=1e-6)


@pytest.mark.parametrize("same", [True, False])
def test_a_network_of_blocks_is_described_by_its_recipe(same: bool) -> None:
    """One whose pooling goes over the border is not."""
    from digitrec.registry.importing import building
    from digitrec.registry.importing.network import Layer, checked
    from digitrec.registry.importing.outline import recipe_of

    rng = np.random.default_rng(1)
    conv = {"filters": 3, "kernel_size": (5, 5), "strides": (1, 1), "padding": "same" if same else "valid",
            "dilation_rate": (1, 1), "use_bias": True, "activation": "relu"}  # fmt: skip
    pool = {"pool_size": (2, 2) if same else (5, 5), "strides": None, "padding": "same"}
    size = 14 * 14 * 3 if same else 5 * 5 * 3
    shapes = [(5, 5, 1, 3), (3,)], [(size, 8), (8,)], [(8, 10), (10,)]
    weights = [tuple(rng.normal(0, 0.1, shape).astype(np.float32) for shape in each) for each in shapes]
    network = checked([
        Layer("in", "InputLayer", (), {"shape": (28, 28, 1)}),
        Layer("conv", "Conv2D", ("in",), conv, weights[0]),
        Layer("pool", "MaxPooling2D", ("conv",), pool),
        Layer("flat", "Flatten", ("pool",)),
        Layer("one", "Dense", ("flat",), {"units": 8, "use_bias": True, "activation": "relu"}, weights[1]),
        Layer("two", "Dense", ("one",), {"units": 10, "use_bias": True, "activation": "linear"}, weights[2]),
    ])  # fmt: skip
    way = scalings.Way("standard")
    recipe = recipe_of(network, way)
    assert (recipe is not None) == same
    assert recipe_of(network, scalings.Way("bytes")) is None
    made = building.whole(network, way)
    expected = building.read_all(building.raw(network), way.apply(PICTURES)[..., None])
    found = np.asarray(made(PICTURES))
    np.testing.assert_allclose(found, Calibration().answers(expected).probabilities, atol=1e-5)


def test_a_model_of_pytorch_computes_the_same() -> None:
    """Its maps are flattened channel by channel: another order than Keras's."""
    from digitrec.registry.importing import building

    rng = np.random.default_rng(2)
    arrays = {
        "k": rng.normal(0, 0.3, (4, 1, 5, 5)), "kb": rng.normal(0, 1, 4), "w": rng.normal(0, 0.1, (10, 4 * 12 * 12)),
        "wb": rng.normal(0, 1, 10), "shape": np.array([-1, 4 * 12 * 12]),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "k", "kb"], ["c"], kernel_shape=[5, 5]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Reshape", ["p", "shape"], ["f"]),
        helper.make_node("Gemm", ["f", "w", "wb"], ["y"], transB=1),
        helper.make_node("LogSoftmax", ["y"], ["out"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 28, 28])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(a.astype(np.int64 if n == "shape" else np.float32), n) for n, a in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    onnx.checker.check_model(model)
    (expected,) = ReferenceEvaluator(model).run(None, {"x": PICTURES[:, None]})
    found = tidy.tidied(reading.read(model.SerializeToString()))
    logits = building.read_all(building.raw(found.network), PICTURES[..., None])
    np.testing.assert_allclose(Calibration().answers(logits).probabilities, np.exp(expected), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "file"),
    [("mlp-128", "model.tflite"), ("mlp-128", "model.keras"), ("reader", "model.tflite"), ("cnn-fast", "model.tflite")],
)
def test_a_model_of_this_app_comes_back_as_it_was(name: str, file: str) -> None:
    """Also one that gives columns length 1 by itself, with its layers as outputs, and weights of 11 bits."""
    from digitrec.registry.importing import building

    folder = settings.SHIPPED_MODELS / name
    found = tidy.tidied(reading.read((folder / file).read_bytes()))
    expected = Predictor(name, folder / "model.tflite").logits(PICTURES)
    logits = building.read_all(building.raw(found.network), PICTURES.reshape(-1, *found.network.input_shape))
    np.testing.assert_allclose(logits, expected, atol=1e-4)
