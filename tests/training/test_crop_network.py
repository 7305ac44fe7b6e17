"""The crop classifier as built by Keras and as read by LiteRT, and its loss."""

from pathlib import Path

import keras
import numpy as np
import pytest

from digitrec.recognition import crop_outputs
from digitrec.recognition.crop_classifier import CropClassifier
from digitrec.recognition.crop_outputs import NONE, OUTPUTS, SIDE
from digitrec.training import crop_network, quantization
from digitrec.training.crop_network import NOT_COUNTED, CropLoss


def test_litert_reads_what_keras_computes(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    model = crop_network.build()
    file = tmp_path / "crop_classifier.tflite"
    quantization.export(model, file)
    assert file.stat().st_size < 2_000_000
    crops = np.random.default_rng(2).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)
    expected = np.asarray(model(crops.astype(np.float32)))
    np.testing.assert_allclose(CropClassifier(file).outputs(crops), expected, atol=0.02)


def loss(truth: list[tuple[int, int]], logits: np.ndarray) -> np.ndarray:
    each = CropLoss(reduction="none")(np.array(truth, np.int32), logits.astype(np.float32))
    return np.asarray(each)


def test_a_right_answer_costs_less_than_a_wrong_one() -> None:
    logits = np.zeros((4, OUTPUTS))
    logits[:, 3], logits[:, crop_outputs.WAYS.start + 1] = 5.0, 5.0
    right, other_class, other_way, none = loss([(3, 1), (4, 1), (3, 2), (NONE, 1)], logits)
    assert right < min(other_class, other_way, none)


@pytest.mark.parametrize("way", [NOT_COUNTED, 0])
def test_what_is_not_counted_costs_nothing_and_has_no_say(way: int) -> None:
    some = np.random.default_rng(1).normal(size=(1, OUTPUTS))
    other = some.copy()
    other[:, crop_outputs.CLASSES] += np.arange(11)
    assert loss([(NOT_COUNTED, way)], some) == pytest.approx(loss([(NOT_COUNTED, way)], other))
    assert (loss([(NOT_COUNTED, NOT_COUNTED)], some) == 0.0).all()
