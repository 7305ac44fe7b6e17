"""Labelled crops of a page, as a detector that sees drawn flags finds its candidates."""

import math

import detectiondata
import numpy as np
import pytest
from detectiondata import FlagDetector

from digitrec.datasets import page_crops
from digitrec.datasets.synthetic_pages import Page
from digitrec.recognition.crop_outputs import NONE

SIZE = (900, 900)
ROW = detectiondata.row_of(5, 450, 450, 60, step=2.0)
BLIND = FlagDetector(smallest=1e9)


def page(labels: np.ndarray, drawn: np.ndarray | None = None) -> Page:
    image = detectiondata.flags(labels if drawn is None else drawn, SIZE)
    return Page(image, labels.astype(np.float32), "photo", "rows")


def made(some: Page, detector: FlagDetector) -> page_crops.Crops:
    return page_crops.of_page(some, detector, np.random.default_rng(1))


def digits(crops: page_crops.Crops) -> list[int]:
    return sorted(int(each) for each in crops.classes if each != NONE)


@pytest.mark.parametrize("detector", [FlagDetector(), BLIND], ids=["found", "missed"])
@pytest.mark.parametrize("angle", [0.0, 40.0, 180.0])
def test_every_digit_is_there_once_upright_with_its_class(detector: FlagDetector, angle: float) -> None:
    crops = made(page(detectiondata.turned(ROW, math.radians(angle), (450, 450))), detector)
    assert digits(crops) == sorted(ROW[:, 0])
    assert crops.images.shape[1:] == (page_crops.SIDE, page_crops.SIDE, 3)
    for image in crops.images[crops.classes != NONE]:
        middle = image[24:48, 24:48].astype(int)
        red, blue = middle[..., 0] - middle[..., 2] > 100, middle[..., 2] - middle[..., 0] > 100
        assert np.nonzero(red)[0].mean() < np.nonzero(blue)[0].mean()  # the flag's head is on top


def test_what_is_found_where_no_digit_is_counts_as_none() -> None:
    crops = made(page(ROW[:2], drawn=ROW), FlagDetector())
    assert digits(crops) == [0, 1]
    assert (crops.classes == NONE).sum() >= 3


def test_what_need_not_be_found_counts_neither_way() -> None:
    labels = ROW.copy()
    labels[2:, 0] = -1
    without = made(page(ROW[:2]), FlagDetector())
    crops = made(page(labels, drawn=ROW), FlagDetector())
    assert digits(crops) == digits(without) == [0, 1]
    assert max((some.classes == NONE).sum() for some in (crops, without)) <= page_crops.ELSEWHERE


def test_a_candidate_of_half_a_digits_size_counts_neither_way() -> None:
    drawn = ROW.copy()
    drawn[0, 3:5] *= 0.4
    assert digits(made(page(ROW, drawn), FlagDetector())) == [1, 2, 3, 4]


def test_a_page_without_digits_has_others_only() -> None:
    crops = made(page(ROW[:0], drawn=ROW), FlagDetector())
    assert len(crops.classes) > page_crops.ELSEWHERE
    assert not digits(crops)


def test_no_more_than_so_many_of_each_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_crops, "MOST", 3)
    crops = made(page(ROW), FlagDetector())
    assert (crops.classes != NONE).sum() == 3
    assert (crops.classes == NONE).sum() == 3
