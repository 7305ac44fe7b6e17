"""Pictures of one character, and labelled crops of where it is and where it is not."""

from pathlib import Path

import numpy as np
import pytest
import strokedata

from digitrec.datasets import page_crops, rare_forms, single_pictures
from digitrec.datasets.single_pictures import Single, SingleMaker
from digitrec.recognition import sliding
from digitrec.recognition.crop_outputs import NONE

COUNT = 60


@pytest.fixture
def maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SingleMaker:
    """Pictures of the strokes of `strokedata`, whose digits are 0, 1 and 7."""
    strokedata.write(tmp_path, monkeypatch)
    made = SingleMaker("training", tmp_path)
    for digit in "2345689":
        made._digits[digit] = made._digits["7"]
    return made


def test_pictures_hold_one_character_where_its_box_says(maker: SingleMaker) -> None:
    pictures = [maker.picture(np.random.default_rng(number)) for number in range(COUNT)]
    assert {single.digit for single in pictures} == {*range(10), NONE}
    assert 0.15 < np.mean([single.digit == NONE for single in pictures]) < 0.55
    for single in pictures:
        height, width = single.image.shape[:2]
        assert max(height, width) <= sliding.THRESHOLDS.side
        left, top = single.box[:2] - single.box[2:] / 2
        assert -1 <= left < left + single.box[2] <= width + 1
        assert -1 <= top < top + single.box[3] <= height + 1
        inside = single.image[max(0, int(top)) : int(top + single.box[3]) + 1, max(0, int(left)) :]
        assert inside[:, : int(single.box[2]) + 1].std() > 3


def test_the_same_seed_makes_the_same_picture(maker: SingleMaker) -> None:
    first, again = (maker.picture(np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.image, again.image)


def test_no_digit_is_of_another_parts_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strokedata.write(tmp_path, monkeypatch)
    for part, site in (("training", "abc"), ("validation", "tos")):
        made = SingleMaker(part, tmp_path)
        written = [*made._others, *(writing for some in made._digits.values() for writing in some)]
        assert {writing.writer[:3] for writing in written} == {site}


def test_of_the_crops_one_shows_the_digit_and_the_others_do_not() -> None:
    image = np.full((200, 200, 3), 255, np.uint8)
    image[40:120, 60:100] = 0
    single = Single(image, np.array([80, 80, 40, 80], np.float32), 4)
    for seed in range(20):
        crops = single_pictures.crops_of(single, np.random.default_rng(seed))
        assert crops.classes.tolist() == [4, NONE, NONE]
        assert crops.images.shape == (3, page_crops.SIDE, page_crops.SIDE, 3)
        dark = crops.images[0, 30:42, 30:42].mean()
        assert dark < 200  # its middle


def test_what_is_no_digit_is_none_everywhere(maker: SingleMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_pictures, "WITHOUT", 1.0)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        assert set(single_pictures.crops_of(maker.picture(rng), rng).classes.tolist()) == {NONE}


def test_rare_forms_are_among_them(maker: SingleMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(rare_forms, "of", lambda name, writing, rng: asked.append(name))
    for seed in range(COUNT):
        maker.picture(np.random.default_rng(seed))
    assert {rare_forms.FORMS[name].digit for name in asked} >= {"7"}
