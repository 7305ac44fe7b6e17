"""What is exported, held against ONNX Runtime, TensorFlow, Keras and LiteRT."""

import json

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

from digitrec import settings
from digitrec.datasets import mnist
from digitrec.errors import ModelError
from digitrec.registry import export, registry
from digitrec.training import events as training_events
from digitrec.training import model_files, network
from digitrec.training.recipe import ACTIVATIONS, ConvBlock, Recipe


def silent(step):
    assert step


def run_onnx(file, pictures):
    return onnxruntime.InferenceSession(file).run(["probabilities"], {"pictures": pictures})[0]


@pytest.mark.parametrize("name", ["mlp-128", "cnn-3x3", "reader"])
def test_all_files_of_a_model_agree_on_its_golden_digits(name, tmp_path):
    model = registry.get(name)
    trees = {kind: tmp_path / kind for kind in ("onnx", "savedmodel")}
    for kind, tree in trees.items():
        tree.mkdir()
        export.WRITERS[kind](model.folder, tree, silent)
    golden = json.loads((trees["onnx"] / "golden.json").read_text())
    assert golden == json.loads((trees["savedmodel"] / "golden.json").read_text())
    pictures, expected = np.array(golden["pictures"], np.uint8), np.array(golden["probabilities"])
    assert pictures.shape == (10, 28, 28)
    glyphs = mnist.glyphs(pictures)

    trained = keras.saving.load_model(model.folder / model_files.KERAS, compile=False)
    logits = keras.Model(trained.input, trained.get_layer("logits").output)(glyphs)
    served = tf.saved_model.load(trees["savedmodel"] / "model")
    answers = {
        "onnx": run_onnx(trees["onnx"] / "model.onnx", pictures),
        "savedmodel": served.serve(pictures)["probabilities"],
        "signature": served.signatures["serving_default"](pictures=tf.constant(pictures))["probabilities"],
        "keras": model.calibration.answers(np.asarray(logits)).probabilities,
    }
    for file, probabilities in answers.items():
        np.testing.assert_allclose(probabilities, expected, atol=1e-5, err_msg=file)
    # A .tflite file folds batch norm into the weights before it rounds them to half precision, a .keras file does not.
    np.testing.assert_allclose(registry.predictor(name).answers(glyphs).probabilities, expected, atol=0.006)
    off_without_calibration = np.abs(np.asarray(trained(glyphs)) - expected).max()
    assert off_without_calibration > 10 * golden["tolerance"]


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "relu"])
def test_what_no_shipped_model_has_is_in_the_onnx_file(activation, tmp_path):
    blocks = (ConvBlock(3, 3, 2, batch_norm=True), ConvBlock(4, 5, 1, padding="valid"))
    recipe = Recipe("all", "cnn", blocks=blocks, hidden=(6,), dropout=0.5, activation=activation, scaling="unit-length")
    model = network.build(recipe)
    random = np.random.default_rng(1)
    model.set_weights([random.uniform(0.1, 1, weight.shape) for weight in model.get_weights()])
    pictures = np.concatenate([mnist.test()[0][:5], np.zeros((1, 28, 28), np.uint8)])
    expected = np.asarray(model(mnist.glyphs(pictures)))
    export.portable(model, 1.0).export(tmp_path / "all.onnx", format="onnx", verbose=False)
    np.testing.assert_allclose(run_onnx(tmp_path / "all.onnx", pictures), expected, atol=1e-5)


@pytest.mark.parametrize("value", [0.3, np.nan])
def test_what_answers_otherwise_is_refused(value):
    expected = np.full((10, 10), 0.1, np.float32)
    export.check(expected + np.float32(0.0005), expected)
    wrong = expected.copy()
    wrong[7, 2] = value
    with pytest.raises(ModelError, match="on ten digits its probabilities"):
        export.check(wrong, expected)


def test_the_curves_are_those_of_the_run(tiny_run, tmp_path):
    export.WRITERS["tensorboard"](tiny_run, tmp_path, silent)
    events = [event for event in training_events.read_events(tiny_run) if "loss" in event]
    epochs = [event for event in events if event["kind"] == "epoch"]
    train, validation = (read_summaries(tmp_path / part) for part in ("train", "validation"))
    assert len(train) == len(events)
    assert validation == [
        (event["epoch"], {"epoch_loss": event["val_loss"], "epoch_accuracy": event["val_accuracy"]}) for event in epochs
    ]
    assert train[-1] == (2, {"epoch_loss": epochs[-1]["loss"], "epoch_accuracy": epochs[-1]["accuracy"]})


def read_summaries(folder):
    """Return each event's step and values by tag."""
    (file,) = folder.glob("*tfevents*")
    version, *records = map(tf.compat.v1.Event.FromString, tf.data.TFRecordDataset(str(file)).as_numpy_iterator())
    assert version.file_version == "brain.Event:2"
    return [(r.step, {v.tag: pytest.approx(v.simple_value) for v in r.summary.value}) for r in records]


def test_a_shipped_model_has_no_curves(tmp_path):
    with pytest.raises(ModelError, match="no curves"):
        export.WRITERS["tensorboard"](settings.SHIPPED_MODELS / "reader", tmp_path, silent)
