"""The shipped crop classifier: what it says of crops, in any number, and damaged files."""

from pathlib import Path

import numpy as np
import pytest

from digitrec import settings
from digitrec.errors import ModelError
from digitrec.recognition import crop_classifier, crop_outputs, shipped
from digitrec.recognition.crop_classifier import CropAnswers, CropClassifier
from digitrec.recognition.crop_outputs import SIDE

WHOLE = shipped.CROPS_FILE.read_bytes()
NO_CLASSIFIERS = {
    "empty": b"",
    "text": b"This is no model.\n" * 100,
    "cut in the middle": WHOLE[: len(WHOLE) // 2],
    "a digit classifier": (settings.SHIPPED_MODELS / "cnn-small/model.tflite").read_bytes(),
    "the detector": shipped.FILE.read_bytes(),
}


@pytest.fixture(scope="module")
def opened() -> CropClassifier:
    return CropClassifier(shipped.CROPS_FILE)


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, SIDE, SIDE, 3)).astype(np.uint8)


@pytest.mark.parametrize("count", [1, 2, 19])
def test_a_crop_gets_the_same_answer_among_any_others(opened: CropClassifier, count: int) -> None:
    crops = noise(count)
    together = opened.outputs(crops)
    assert together.shape == (count, crop_outputs.OUTPUTS)
    np.testing.assert_allclose(together[-1], opened.outputs(crops[-1:])[0], atol=1e-3)


def test_no_crops_have_no_answers(opened: CropClassifier) -> None:
    nothing = opened.answers(crop_classifier.crops_of(np.zeros((9, 9, 3), np.uint8), np.zeros((0, 4)), np.zeros(0)))
    assert nothing.is_digit.shape == (0,)
    assert nothing.digits.shape == (0, 10)
    assert nothing.ways.shape == (0, 4)


def test_probabilities_add_up_to_one(opened: CropClassifier) -> None:
    answers = opened.answers(noise(5))
    np.testing.assert_allclose(np.exp(answers.digits).sum(axis=1), 1.0, atol=1e-4)
    np.testing.assert_allclose(np.exp(answers.ways).sum(axis=1), 1.0, atol=1e-4)
    assert np.isfinite(answers.is_digit).all()


def test_empty_paper_is_a_non_digit(opened: CropClassifier) -> None:
    assert (opened.answers(np.full((3, SIDE, SIDE, 3), 235, np.uint8)).is_digit < 0.0).all()


def test_answers_are_put_together_row_by_row() -> None:
    first, second = (CropAnswers(np.full(2, v), np.full((2, 10), v), np.full((2, 4), v)) for v in (1.0, 2.0))
    both = first.and_those(second, np.array([False, True]))
    np.testing.assert_array_equal(both.is_digit, [1.0, 1.0, 2.0])
    assert both.digits.shape == (3, 10)
    assert both.ways.shape == (3, 4)


@pytest.mark.parametrize("content", [None, *NO_CLASSIFIERS.values()], ids=["missing", *NO_CLASSIFIERS])
def test_a_damaged_or_missing_file_is_reported_without_its_path(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "crop_classifier.tflite"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ModelError, match=r"missing|damaged|does not match this version") as caught:
        CropClassifier(file)
    message = str(caught.value)
    assert message.startswith(("The crop classifier is ", "The crop classifier does not match "))
    assert message.endswith(".")
    assert str(tmp_path) not in message
