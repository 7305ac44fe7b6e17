"""Windows all over a picture, and the digit that is found with them where ink and detector do not tell."""

import cv2
import numpy as np
import pytest
from PIL import Image

from digitrec.datasets import mnist
from digitrec.recognition import pipeline, sliding
from digitrec.recognition.crop_classifier import CropAnswers
from digitrec.recognition.results import Reading
from digitrec.registry import registry


@pytest.mark.parametrize("size", [(352, 352), (28, 28), (352, 80), (80, 352), (1, 1), (352, 1)])
def test_windows_lie_evenly_in_a_picture_of_any_shape(size: tuple[int, int]) -> None:
    height, width = size
    found = sliding.windows(height, width)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.unique(found[:, 3]) / max(size), sliding.THRESHOLDS.sizes, rtol=1e-5)
    for high in np.unique(found[:, 3]):
        middles = found[found[:, 3] == high, :2]
        np.testing.assert_allclose(middles.mean(axis=0), (width / 2, height / 2), rtol=1e-4)
        for axis, length, side in ((0, width, high * sliding.THRESHOLDS.narrow), (1, height, high)):
            assert (np.abs(middles[:, axis] - length / 2) <= max(length - side, 0) / 2 + 1e-3).all()


class Dark:
    """Takes the crops for digits whose middle is dark: the darker, the surer."""

    def answers(self, crops: np.ndarray) -> CropAnswers:
        dark = (255.0 - crops[:, 18:30, 18:30].mean(axis=(1, 2, 3))) / 16.0
        return CropAnswers(dark.astype(np.float32), np.full((len(crops), 10), -2.3, np.float32), np.zeros((0, 4)))


@pytest.mark.parametrize("middle", [(100, 90), (230, 260), (176, 176)])
def test_it_is_located_where_the_windows_are_likeliest(middle: tuple[int, int]) -> None:
    page = np.full((352, 352, 3), 255, np.uint8)
    x, y = middle
    page[y - 45 : y + 45, x - 30 : x + 30] = 0
    found = sliding.located(page, Dark())  # type: ignore[arg-type]  # what a crop classifier answers is all it needs
    np.testing.assert_allclose(found.box[:2], middle, atol=20)
    assert found.is_digit > 10
    np.testing.assert_allclose(found.digits, -2.3, rtol=1e-5)


def scribbled() -> tuple[list[Image.Image], list[int]]:
    """Return test digits on a thin scribble, and what they are."""
    x, y = mnist.test()
    made = []
    for number, digit in enumerate(x[:12]):
        rng = np.random.default_rng(number)
        side = 28 * int(rng.integers(3, 8))
        picture = np.full((int(1.6 * side), int(1.6 * side)), 255, np.uint8)
        line = rng.uniform(0.05, 0.95, (12, 1, 2)) * len(picture)
        cv2.polylines(picture, [line.astype(np.int32)], False, (60,), 1)
        left, top = rng.integers(0, len(picture) - side, 2)
        cover = cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC)
        place = picture[top : top + side, left : left + side]
        place[:] = np.minimum(place, 255 - cover)
        made.append(Image.fromarray(picture).convert("RGB"))
    return made, y[:12].tolist()


def right(readings: list[Reading], labels: list[int]) -> int:
    return sum(bool(r.accepted) and r.accepted[0].digit == label for r, label in zip(readings, labels, strict=True))


def test_a_digit_with_a_scribble_behind_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, (pictures, labels) = registry.predictor("reader"), scribbled()
    found = [pipeline.read(picture, reader, single=True) for picture in pictures]
    monkeypatch.setattr(pipeline, "_slid", lambda blank, *_: blank)
    without = [pipeline.read(picture, reader, single=True) for picture in pictures]
    assert right(found, labels) >= max(8, right(without, labels) + 4)


def test_what_is_no_digit_stays_rejected() -> None:
    rng = np.random.default_rng(1)
    noise = Image.fromarray(rng.integers(0, 255, (120, 120, 3), dtype=np.uint8))
    assert not pipeline.read(noise, registry.predictor("reader"), single=True).accepted


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 2), (9, 9)])
def test_pictures_of_any_shape_are_read_and_a_box_lies_inside(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    picture = Image.fromarray(rng.integers(0, 255, (*size, 3), dtype=np.uint8))
    for single in (True, False):
        for digit in pipeline.read(picture, registry.predictor("reader"), single=single).digits:
            assert 0 <= digit.box.x < digit.box.x + digit.box.width <= picture.width
            assert 0 <= digit.box.y < digit.box.y + digit.box.height <= picture.height
