"""Readings of drawn pictures with a predictor that answers by the glyph alone."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from digitrec import ink, reading


class Halves:
    """Says 1 where most of the glyph's ink is in the upper half, else 0; surer the clearer it is."""

    def __init__(self, sure: float = 0.9) -> None:
        self.sure = sure
        self.seen = 0

    def probabilities(self, glyphs: np.ndarray) -> np.ndarray:
        assert glyphs.dtype == np.float32
        self.seen += len(glyphs)
        answers = np.full((len(glyphs), 10), (1.0 - self.sure) / 9.0, np.float32)
        upper = glyphs[:, :13].sum(axis=(1, 2)) > glyphs[:, 15:].sum(axis=(1, 2))
        answers[np.arange(len(glyphs)), upper.astype(int)] = self.sure
        return answers


def canvas(text: str = "7", ground: tuple[int, ...] = (255, 255, 255, 255)) -> np.ndarray:
    """Return uint8 (280, H, 4): digits drawn in black on `ground`."""
    sheet = np.zeros((280, 80 + 180 * len(text), 4), np.uint8)
    sheet[:] = ground
    for i, digit in enumerate(text):
        cv2.putText(sheet, digit, (40 + 180 * i, 220), cv2.FONT_HERSHEY_SIMPLEX, 7, (20, 20, 20, 255), 16, cv2.LINE_AA)
    return sheet


def uploaded(rgba: np.ndarray) -> Image.Image:
    file = io.BytesIO()
    Image.fromarray(rgba).save(file, "PNG")
    return ink.open_picture(file.getvalue())


@pytest.mark.parametrize("ground", [(255, 255, 255, 255), (0, 0, 0, 0), (240, 242, 246, 255)])
def test_a_drawing_and_its_upload_give_the_same_glyph(ground):
    drawn = reading.read_canvas(canvas("5", ground), Halves())
    sent = reading.read(uploaded(canvas("5", ground)), Halves(), single=True)
    np.testing.assert_array_equal(drawn.digits[0].glyph, sent.digits[0].glyph)
    assert drawn.digits[0].box == sent.digits[0].box
    assert drawn.text == sent.text


def test_a_row_is_read_from_left_to_right():
    found = reading.read(Image.fromarray(canvas("407")), Halves())
    assert len(found.digits) == 3
    assert [d.box.x for d in found.digits] == sorted(d.box.x for d in found.digits)
    assert found.text == "".join(str(d.digit) for d in found.digits)
    assert found.size == (620, 280)


def test_a_digit_holds_the_models_answer():
    [digit] = reading.read_canvas(canvas(), Halves(0.9)).digits
    assert digit.probabilities.shape == (10,)
    assert digit.digit == int(digit.probabilities.argmax())
    assert digit.confidence == pytest.approx(0.9)
    assert digit.flag is None


def test_a_doubtful_digit_is_flagged_and_still_in_the_text():
    found = reading.read_canvas(canvas(), Halves(0.4))
    assert found.digits[0].flag == "uncertain"
    assert len(found.text) == 1


def test_every_step_has_a_title_a_sentence_and_a_picture():
    found = reading.read_canvas(canvas(), Halves())
    steps = found.steps + found.digits[0].steps
    assert [step.title for step in steps] == ["Picture", "Ink", "Cropped", "Stroke width", "20 x 20", "Centred"]
    for step in steps:
        assert step.caption.endswith(".")
        assert step.image.dtype == np.float32
        assert step.image.ndim == 2
        assert 0.0 <= step.image.min() <= step.image.max() <= 1.0
    np.testing.assert_array_equal(steps[-1].image, found.digits[0].glyph)


def test_the_first_step_shows_what_a_person_sees_on_transparent_paper():
    dark = reading.read_canvas(canvas("5", (0, 0, 0, 0)), Halves()).steps[0].image
    assert dark[0, 0] == 0.0
    assert dark.max() > 0.8


@pytest.mark.parametrize("single", [True, False])
def test_a_blank_picture_has_no_digits_and_asks_no_model(single):
    model = Halves()
    found = reading.read(Image.new("RGB", (100, 80), "white"), model, single)
    assert found.digits == ()
    assert found.text == ""
    assert model.seen == 0


def test_boxes_of_a_large_photo_are_in_its_own_pixels():
    small = canvas("7")[..., :3]
    large = Image.fromarray(cv2.resize(small, None, fx=10, fy=10, interpolation=cv2.INTER_CUBIC))
    [digit] = reading.read(large, Halves(), single=True).digits
    [same] = reading.read(Image.fromarray(small), Halves(), single=True).digits
    assert np.array(digit.box) / 10.0 == pytest.approx(np.array(same.box), abs=2.0)


def test_rereading_keeps_boxes_and_glyphs():
    first = reading.read(Image.fromarray(canvas("40")), Halves(0.9))
    second = reading.reread(first, Halves(0.4))
    assert [d.flag for d in second.digits] == ["uncertain", "uncertain"]
    for a, b in zip(first.digits, second.digits, strict=True):
        assert a.box == b.box
        np.testing.assert_array_equal(a.glyph, b.glyph)
    assert [d.confidence for d in first.digits] == pytest.approx([0.9, 0.9])


def test_text_leaves_out_what_is_no_digit_and_parts_rows():
    def digit(row: int, answer: int, flag: str | None) -> reading.Digit:
        empty = np.zeros((28, 28), np.float32)
        return reading.Digit(row, reading.Box(0, 0, 1, 1), empty, (), answer, 1.0, np.zeros(10, np.float32), flag)

    digits = (digit(0, 1, None), digit(0, 2, "not-a-digit"), digit(1, 3, "not-a-digit"), digit(2, 4, "uncertain"))
    assert reading.Reading((1, 1), np.zeros((1, 1), np.float32), digits, ()).text == "1/4"
