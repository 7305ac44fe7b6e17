"""A digit after each step, against OpenCV and SciPy, and the sentence on which step made the difference."""

import dataclasses
import io

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from digitrec.datasets import example, mnist
from digitrec.recognition import ablation, normalize, pipeline, results, shipped
from digitrec.recognition.ablation import Prediction
from digitrec.recognition.calibration import Answers
from digitrec.registry import registry


class Dark:
    """Reads a 1 where the mean of the numbers is above a limit, else a 0; what is nearly blank is a non-digit to it."""

    def __init__(self, limit: float = 0.1) -> None:
        self.limit = limit
        self.calls = 0

    def answers(self, glyphs: np.ndarray) -> Answers:
        assert glyphs.dtype == np.float32
        self.calls += 1
        means = glyphs.mean(axis=(1, 2))
        shares = np.full((len(glyphs), 10), 0.01, np.float32)
        shares[np.arange(len(glyphs)), (means > self.limit).astype(int)] = 0.91
        return Answers(shares, np.where(means > 0.02, 0.9, 0.1).astype(np.float32))


def picture(number: int, ink: int = 20, ground: int = 255, width: int = 200) -> np.ndarray:
    """Return uint8 (150, width): a test digit of MNIST, 60 pixels high, at the top left of even paper."""
    share = np.zeros((150, width))
    share[10:70, 20:80] = cv2.resize(mnist.test()[0][number], (60, 60)) / 255.0
    return np.rint(ground + (ink - ground) * share).astype(np.uint8)


def read(pixels: np.ndarray, single: bool = True) -> results.Reading:
    return pipeline.read(Image.fromarray(pixels).convert("RGB"), Dark(), single)


def trail(pixels: np.ndarray) -> tuple[ablation.Row, ...]:
    found = read(pixels)
    return ablation.trail(found, found.digits[0])


@pytest.fixture(scope="module")
def sheet() -> results.Reading:
    return pipeline.read(Image.open(io.BytesIO(example.sheet(mnist.test()[0]))), Dark())


def canvas() -> np.ndarray:
    """Return uint8 (280, 280, 4): a small seven drawn in the corner."""
    rgba = np.full((280, 280, 4), 255, np.uint8)
    line = np.array([(20, 30), (70, 30), (40, 110)], np.int32)
    cv2.polylines(rgba, [line], False, (0, 0, 0, 255), 14, cv2.LINE_AA)
    return rgba


def test_the_last_row_is_what_the_models_see(sheet):
    assert len(sheet.digits) == len(example.TEXT)
    for found in (sheet, pipeline.read_canvas(canvas(), Dark()), read(picture(4))):
        for digit in found.digits:
            np.testing.assert_array_equal(ablation.trail(found, digit)[-1].glyph, digit.glyph)


def test_every_row_is_a_picture_for_a_net(sheet):
    for digit in sheet.digits:
        rows = ablation.trail(sheet, digit)
        assert len({row.title for row in rows}) == len(rows) == 7
        for row in rows:
            assert row.glyph.shape == (28, 28)
            assert row.glyph.dtype == np.float32
            assert row.glyph.min() >= 0.0
            assert row.glyph.max() <= row.top
            assert 0.2 < row.shown.max() <= 1.0


@pytest.mark.parametrize("ground", [255, 40])
def test_the_first_row_is_what_the_scripts_compute(ground):
    pixels = picture(0, ink=295 - ground, ground=ground)
    expected = np.invert(cv2.resize(pixels, (28, 28)))
    first = trail(pixels)[0]
    assert first.top == 255
    np.testing.assert_array_equal(first.glyph, expected.astype(np.float32))


@pytest.mark.parametrize(("ink", "ground"), [(20, 255), (255, 0)])
def test_the_second_row_has_bright_ink_whatever_the_paper(ink, ground):
    rows = trail(picture(0, ink, ground))
    assert np.median(rows[1].glyph) == 0.0
    assert rows[1].glyph.max() > 0.5
    same = rows[0].glyph / 255 if ground == 255 else 1 - rows[0].glyph / 255
    np.testing.assert_allclose(rows[1].glyph, same, atol=1e-6)


def test_a_shadow_is_gone_with_the_paper():
    shade = np.linspace(1.0, 0.6, 200)[None]
    rows = trail(np.rint(picture(0) * shade).astype(np.uint8))
    assert rows[1].glyph[-5:, -5:].min() > 0.3
    assert rows[2].glyph[-5:, -5:].max() == 0.0


def test_the_crop_fills_20_pixels_and_its_box_is_in_the_middle():
    for number in range(10):
        crop = trail(picture(number))[3].glyph > 0.4
        ys, xs = (np.flatnonzero(crop.any(axis=axis)) for axis in (1, 0))
        height, width = np.ptp(ys) + 1, np.ptp(xs) + 1
        assert max(height, width) in (19, 20)
        assert abs(ys.mean() - 13.5) <= 0.5
        assert abs(xs.mean() - 13.5) <= 0.5


def test_centring_puts_the_centre_of_mass_where_mnist_has_it():
    for number in range(10):
        rows = trail(picture(number))
        assert ndimage.center_of_mass(rows[4].glyph) == pytest.approx((normalize.MIDDLE, normalize.MIDDLE), abs=0.1)
        assert rows[4].glyph.sum() == pytest.approx(rows[3].glyph.sum(), rel=0.01)


def test_on_a_sheet_a_digit_has_its_own_surroundings():
    two = picture(0, width=400)
    two[:, 200:] = picture(2)
    other = two.copy()
    other[:, 200:] = picture(4)
    before, after = read(two, single=False), read(other, single=False)
    assert len(before.digits) == len(after.digits) == 2
    rows, same = ablation.trail(before, before.digits[0]), ablation.trail(after, after.digits[0])
    for place in (0, 1):
        np.testing.assert_array_equal(rows[place].glyph, same[place].glyph)
    np.testing.assert_allclose(rows[2].glyph, same[2].glyph, atol=0.05)  # how dark ink is, is found on the whole sheet
    assert "around it" in ablation.trail(before, before.digits[0])[0].caption
    assert "around it" not in trail(picture(0))[0].caption
    left, right = (ablation.trail(before, digit)[1].glyph for digit in before.digits)
    assert np.abs(left - right).max() > 0.5
    assert left.sum() > 2 * trail(picture(0))[1].glyph.sum()  # it fills more of its surroundings than of the page


def test_a_large_picture_is_looked_at_where_its_digit_is():
    sheet = cv2.resize(np.hstack([picture(0), picture(2)]), (4000, 1500), interpolation=cv2.INTER_CUBIC)
    found = read(sheet, single=False)
    assert found.size[0] > 2 * found.ink.shape[1]
    small = read(np.hstack([picture(0), picture(2)]), single=False)
    for place in (0, 1):
        large_row = ablation.trail(found, found.digits[place])[2].glyph
        small_row = ablation.trail(small, small.digits[place])[2].glyph
        assert np.corrcoef(large_row.ravel(), small_row.ravel())[0, 1] > 0.8


def test_a_mark_without_ink_gives_blank_paper():
    found = read(picture(0))
    empty = results.Step("Cropped", "", np.zeros((1, 1), np.float32))
    blank = np.zeros((28, 28), np.float32)
    digit = dataclasses.replace(found.digits[0], steps=(empty,), glyph=blank, evidence=None, detected=None)
    rows = ablation.trail(found, digit)
    assert not any(row.glyph.any() for row in rows[3:])
    assert [each.answer for each in ablation.read(rows, Dark())][3:] == ["?"] * 4


def test_a_model_reads_all_rows_at_once_and_in_doubt_looks_again(monkeypatch):
    monkeypatch.setattr(shipped, "available", lambda: None)  # it alone is asked
    model = Dark()
    predictions = ablation.read(trail(picture(0)), model)
    assert model.calls == 2
    assert [each.answer for each in predictions[:3]] == ["1", "?", "?"]  # 0 to 255; then a small digit on a large page
    assert predictions[0].confidence == pytest.approx(0.91)
    assert predictions[-1].answer in "01"


def test_the_last_row_says_what_the_reading_says():
    model = registry.predictor("mlp-30-10")
    doubts = 0
    for number in range(200):
        found = pipeline.read(Image.fromarray(picture(number)), model, single=True)
        predictions = ablation.read(ablation.trail(found, found.digits[0]), model)
        assert predictions[-1].confidence == pytest.approx(found.digits[0].confidence, abs=1e-5)
        assert predictions[-1].answer == (found.text or "?")
        doubts += predictions[-1] != predictions[-2]
    assert doubts > 3


def test_where_the_detector_was_asked_the_last_row_says_so():
    found = read(picture(0))
    [digit] = found.digits
    assert digit.detected is not None
    rows, alone = ablation.trail(found, digit), ablation.trail(found, dataclasses.replace(digit, detected=None))
    assert (rows[-1].title, alone[-1].title) == ("With the detector", "Test-time augmentation")
    assert ablation.read(rows, Dark())[-1] == (found.text, pytest.approx(digit.confidence))
    assert ablation.read(rows, Dark())[:-1] == ablation.read(alone, Dark())[:-1]


@pytest.mark.parametrize("name", ["mlp-30-10", "mlp-128-128", "cnn-3x3", "cnn-5x5"])
def test_numbers_up_to_255_do_not_overflow(name):
    rows = trail(picture(0))
    predictions = ablation.read(rows, registry.predictor(name))
    assert all(np.isfinite(each.confidence) and 0.0 < each.confidence <= 1.0 for each in predictions)
    assert predictions[-1].answer == "7"


def test_what_differs_from_the_row_above_is_marked():
    predictions = [Prediction(answer, 0.9) for answer in "337?77"]
    assert ablation.changed(predictions) == [False, False, True, True, True, False]


def verdict(*answers: str, confidence: float = 0.99) -> list[str]:
    rows = trail(picture(0))
    names = ("reader-mlp", "reader")
    predictions = {
        name: [*(Prediction(a, 0.5) for a in each[:-1]), Prediction(each[-1], confidence)]
        for name, each in zip(names, answers, strict=False)
    }
    return ablation.verdict(rows, predictions)


@pytest.mark.parametrize(
    ("answers", "sentences"),
    [
        (["777777"], ["At every step reader-mlp read 7: nothing was needed."]),
        (["777777", "777777"], ["At every step both models read 7: nothing was needed."]),
        (["333777"], ["The crop saved it: reader-mlp read 3 before it and 7 from there on."]),
        (["377777"], ["Scaling to 0 to 1 saved it: reader-mlp read 3 before it and 7 from there on."]),
        (["?55777"], ["The crop saved it: reader-mlp read no digit, then 5 before it and 7 from there on."]),
        (["733377"], ["Centring saved it: reader-mlp read 7, then 3 before it and 7 again from there on."]),
        (["333777", "333777"], ["The crop saved it: both models read 3 before it and 7 from there on."]),
        (
            ["333337", "777777"],
            [
                "The stroke width saved it: reader-mlp read 3 before it and 7 from there on.",
                "At every step reader read 7: nothing was needed.",
            ],
        ),
        (
            ["333333", "377777"],
            [
                "At every step reader-mlp read 3.",
                "Scaling to 0 to 1 made the difference: reader read 3 before it and 7 from there on.",
                "The models still differ after the last step.",
            ],
        ),
        (["??????"], ["At every step reader-mlp read no digit."]),
        (["444???"], ["The crop made the difference: reader-mlp read 4 before it and no digit from there on."]),
    ],
)
def test_the_verdict_names_the_step_from_which_the_answer_stays(answers, sentences):
    assert verdict(*answers) == sentences


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ("777777", "At every step reader-mlp read 7 (61.0 % sure at the end)."),
        (
            "333777",
            "The crop made the difference: reader-mlp read 3 before it and 7 from there on (61.0 % sure at the end).",
        ),
        ("333???", "The crop made the difference: reader-mlp read 3 before it and no digit from there on."),
    ],
)
def test_what_is_not_sure_at_the_end_is_not_called_saved(answers, sentence):
    assert verdict(answers, confidence=0.61) == [sentence]
