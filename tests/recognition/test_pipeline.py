"""Readings of drawn pictures with a predictor that answers by the glyph alone."""

import dataclasses
import io
import math
from functools import partial

import cv2
import detectiondata
import numpy as np
import pytest
from detectiondata import FlagDetector
from PIL import Image

from digitrec.imaging import decode, rotation
from digitrec.imaging.warp import turned
from digitrec.recognition import answering, candidates, pipeline, results, shipped
from digitrec.recognition.calibration import Answers

AVAILABLE = shipped.available


@pytest.fixture(autouse=True)
def detector(monkeypatch):
    """Return a detector that sees flags, and the ink step alone is asked of all else: no test knows the shipped one."""
    monkeypatch.setattr(shipped, "available", lambda: None)
    return FlagDetector(objectness=0.999)


@pytest.fixture
def with_detector(monkeypatch, detector):
    monkeypatch.setattr(shipped, "available", lambda: detectiondata.models(detector))


@pytest.fixture
def without_windows(monkeypatch):
    """Have the windows find nothing, so that ink and detector are all that tells."""
    monkeypatch.setattr(pipeline, "_slid", lambda blank, *_: blank)


class Halves:
    """Says 1 where most of the glyph's ink is in the upper half, else 0; the other eight share what is left."""

    def __init__(self, sure: float = 0.99, is_digit: float = 1.0) -> None:
        self.sure = sure
        self.is_digit = is_digit
        self.seen = 0

    def answers(self, glyphs: np.ndarray) -> Answers:
        assert glyphs.dtype == np.float32
        self.seen += len(glyphs)
        answers = np.full((len(glyphs), 10), (1.0 - self.sure) / 9.0, np.float32)
        upper = glyphs[:, :13].sum(axis=(1, 2)) > glyphs[:, 15:].sum(axis=(1, 2))
        answers[np.arange(len(glyphs)), upper.astype(int)] = self.sure
        return Answers(answers, np.full(len(glyphs), self.is_digit, np.float32))


def canvas(text: str = "7", ground: tuple[int, ...] = (255, 255, 255, 255)) -> np.ndarray:
    """Return uint8 (280, H, 4): digits drawn in black on `ground`."""
    sheet = np.zeros((280, 80 + 180 * len(text), 4), np.uint8)
    sheet[:] = ground
    for i, digit in enumerate(text):
        cv2.putText(sheet, digit, (40 + 180 * i, 220), cv2.FONT_HERSHEY_SIMPLEX, 7, (20, 20, 20, 255), 16, cv2.LINE_AA)
    return sheet


def on_canvas(image: Image.Image, model: Halves) -> results.Reading:
    """Read a picture as if it had been drawn."""
    return pipeline.read_canvas(np.asarray(image.convert("RGBA")), model)


def uploaded(rgba: np.ndarray) -> Image.Image:
    file = io.BytesIO()
    Image.fromarray(rgba).save(file, "PNG")
    return decode.opened(file.getvalue()).image


@pytest.mark.parametrize("ground", [(255, 255, 255, 255), (0, 0, 0, 0), (240, 242, 246, 255)])
def test_a_drawing_and_its_upload_give_the_same_glyph(ground):
    drawn = pipeline.read_canvas(canvas("5", ground), Halves())
    sent = pipeline.read(uploaded(canvas("5", ground)), Halves(), single=True)
    np.testing.assert_array_equal(drawn.digits[0].glyph, sent.digits[0].glyph)
    assert drawn.digits[0].box == sent.digits[0].box
    assert drawn.text == sent.text


@pytest.mark.parametrize("single", [True, False])
def test_ruled_lines_are_looked_for_where_a_number_is_drawn(single):
    drawn = canvas("5")
    for y in range(20, 280, 50):
        drawn[y : y + 3] = (20, 20, 20, 255)
    line = pipeline.read_canvas(drawn, Halves(), single).ink[21, :40]
    np.testing.assert_array_equal(line, 1.0 if single else 0.0)


def test_a_row_is_read_from_left_to_right():
    found = pipeline.read(Image.fromarray(canvas("407")), Halves())
    assert len(found.digits) == 3
    assert [d.box.x for d in found.digits] == sorted(d.box.x for d in found.digits)
    assert found.text == "".join(str(d.digit) for d in found.digits)
    assert found.size == (620, 280)


def test_a_digit_holds_the_models_answer():
    [digit] = pipeline.read_canvas(canvas(), Halves(0.96, 0.75)).digits
    assert digit.probabilities.shape == (10,)
    assert digit.digit == int(digit.probabilities.argmax())
    assert digit.confidence == pytest.approx(0.96)
    assert digit.is_digit == 0.75
    assert digit.likely == (digit.digit,)
    assert digit.flag is None


def test_a_doubtful_digit_is_flagged_and_still_in_the_text():
    found = pipeline.read_canvas(canvas(), Halves(0.94))
    assert found.digits[0].flag == "uncertain"
    assert len(found.digits[0].likely) == 3  # each of the others has 0.0067
    assert len(found.text) == 1


class Sides:
    """Says of a glyph what its place in the batch tells, and keeps what it was shown."""

    def __init__(self, shares: np.ndarray) -> None:
        self.shares = shares
        self.shown = np.zeros((0, 28, 28), np.float32)

    def answers(self, glyphs: np.ndarray) -> Answers:
        self.shown = glyphs
        return Answers(self.shares[: len(glyphs)], np.zeros(len(glyphs), np.float32))


def shares(*pairs: tuple[int, float]) -> np.ndarray:
    """Return float32 (N, 10): each row's digit has its probability, the others the rest."""
    rows = [[sure if place == digit else (1 - sure) / 9 for place in range(10)] for digit, sure in pairs]
    return np.array(rows, np.float32)


def test_what_is_in_doubt_is_looked_at_again_turned_to_each_side():
    seen = np.stack([digit.glyph for digit in pipeline.read_canvas(canvas("4711"), Halves(), False).digits])
    answers = Answers(shares((3, 0.97), (5, 0.6), (1, 0.5), (2, 0.94)), np.array([1.0, 1.0, 0.4, 0.5], np.float32))
    sides = Sides(shares((6, 0.9), (2, 0.99), (6, 0.8), (2, 0.9)))  # first all turned one way, then the other
    found = answering.test_time_augmented(seen, answers, sides)
    for place, degrees in enumerate((-answering.TILT, answering.TILT)):
        np.testing.assert_array_equal(sides.shown[2 * place : 2 * place + 2], turned(seen[[1, 3]], degrees))
    np.testing.assert_array_equal(found.probabilities[[0, 2]], answers.probabilities[[0, 2]])
    np.testing.assert_array_equal(found.is_digit, answers.is_digit)
    product = answers.probabilities[1].astype(float) * sides.shares[0] * sides.shares[2]
    np.testing.assert_allclose(found.probabilities[1], np.cbrt(product) / np.cbrt(product).sum(), rtol=1e-5)
    assert found.probabilities.argmax(axis=1).tolist() == [3, 6, 1, 2]
    assert found.probabilities[3, 2] > 0.94


def test_what_is_sure_is_looked_at_once():
    model = Halves(0.96)
    pipeline.read_canvas(canvas(), model)
    assert model.seen == 1


@pytest.mark.parametrize("sure", [0.4, 0.99])
def test_a_non_digit_is_flagged_whatever_its_probabilities_and_left_out_of_the_text(sure):
    found = pipeline.read_canvas(canvas(), Halves(sure, 0.49))
    assert found.digits[0].flag == "not-a-digit"
    assert found.text == ""
    assert pipeline.read_canvas(canvas(), Halves(sure, 0.5)).digits[0].flag != "not-a-digit"


def test_a_blank_glyph_is_a_non_digit_whatever_a_model_says():
    found = pipeline.read_canvas(canvas(), Halves())
    blank = dataclasses.replace(found.digits[0], glyph=np.zeros((28, 28), np.float32))
    again = pipeline.reread(dataclasses.replace(found, digits=(blank,)), Halves())
    assert again.digits[0].flag == "not-a-digit"


def test_every_step_has_a_title_a_sentence_and_a_picture():
    found = pipeline.read_canvas(canvas(), Halves())
    steps = found.steps + found.digits[0].steps
    assert [step.title for step in steps] == ["Picture", "Ink", "Cropped", "Stroke width", "20 x 20", "Centred"]
    for step in steps:
        assert step.caption.endswith(".")
        assert step.image.dtype == np.float32
        assert step.image.ndim == 2
        assert 0.0 <= step.image.min() <= step.image.max() <= 1.0
    np.testing.assert_array_equal(steps[-1].image, found.digits[0].glyph)


def test_the_first_step_shows_what_a_person_sees_on_transparent_paper():
    dark = pipeline.read_canvas(canvas("5", (0, 0, 0, 0)), Halves()).steps[0].image
    assert dark[0, 0] == 0.0
    assert dark.max() > 0.8


@pytest.mark.parametrize("single", [True, False])
def test_a_blank_picture_has_no_digits_and_asks_no_model(single):
    model = Halves()
    found = pipeline.read(Image.new("RGB", (100, 80), "white"), model, single)
    assert found.digits == ()
    assert found.text == ""
    assert model.seen == 0


def test_boxes_of_a_large_photo_are_in_its_own_pixels():
    small = canvas("7")[..., :3]
    large = Image.fromarray(cv2.resize(small, None, fx=10, fy=10, interpolation=cv2.INTER_CUBIC))
    [digit] = pipeline.read(large, Halves(), single=True).digits
    [same] = pipeline.read(Image.fromarray(small), Halves(), single=True).digits
    assert np.array(digit.box) / 10.0 == pytest.approx(np.array(same.box), abs=2.0)


def test_rereading_keeps_boxes_and_glyphs():
    first = pipeline.read(Image.fromarray(canvas("40")), Halves(0.99))
    second = pipeline.reread(first, Halves(0.4))
    assert [d.flag for d in second.digits] == ["uncertain", "uncertain"]
    for a, b in zip(first.digits, second.digits, strict=True):
        assert a.box == b.box
        np.testing.assert_array_equal(a.glyph, b.glyph)
    assert [d.confidence for d in first.digits] == pytest.approx([0.99, 0.99])


def test_text_leaves_out_non_digits_and_separates_rows():
    def digit(row: int, answer: int, flag: str | None) -> results.Digit:
        empty = np.zeros((28, 28), np.float32)
        return results.Digit(row, pipeline.Box(0, 0, 1, 1), empty, (), answer, 1.0, np.zeros(10, np.float32), 1.0, flag)

    digits = (digit(0, 1, None), digit(0, 2, "not-a-digit"), digit(1, 3, "not-a-digit"), digit(2, 4, "uncertain"))
    assert results.Reading((1, 1), (1, 1), 0.0, digits).text == "1/4"


def test_without_a_detector_the_ink_is_read_and_the_page_says_so():
    found = pipeline.read(Image.fromarray(canvas("40")), Halves())
    assert len(found.text) == 2
    assert found.notice == pipeline.NO_DETECTOR
    assert found.notice.endswith(".")


@pytest.mark.usefixtures("with_detector")
def test_with_a_detector_there_is_nothing_to_say():
    assert pipeline.read(Image.fromarray(canvas("40")), Halves()).notice is None


def test_a_damaged_detector_leaves_single_digits_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "available", AVAILABLE)
    whole = pipeline.read(Image.fromarray(canvas()), Halves(), single=True)
    for content in (None, b"nothing"):
        file = tmp_path / "detector.tflite"
        if content is not None:
            file.write_bytes(content)
        monkeypatch.setattr(shipped, "FILE", file)
        shipped._detector.cache_clear()
        found = pipeline.read(Image.fromarray(canvas()), Halves(), single=True)
        assert found.notice is None
        assert found.text == whole.text
        np.testing.assert_array_equal(found.digits[0].glyph, whole.digits[0].glyph)
        assert pipeline.read(Image.fromarray(canvas("40")), Halves()).notice == pipeline.NO_DETECTOR
    shipped._detector.cache_clear()


def label_page(angle: float, size: tuple[int, int] = (900, 600)) -> tuple[Image.Image, np.ndarray]:
    """Return a photo of two rows of flags at an angle in degrees, clockwise, and its labels."""
    rows = np.concatenate([detectiondata.row_of(n, 450, y, 60, step=1.6) for n, y in ((5, 230), (4, 370))])
    labels = detectiondata.turned(rows, math.radians(angle), (450, 300))
    return Image.fromarray(detectiondata.photographed(detectiondata.flags(labels, size))), labels


@pytest.mark.usefixtures("with_detector")
@pytest.mark.parametrize("angle", [0.0, 14.0, 45.0, 90.0, 180.0, 233.0, 270.0])
def test_a_page_at_any_angle_is_read_in_order_and_its_boxes_lie_on_the_digits(angle):
    image, labels = label_page(angle)
    found = pipeline.read(image, Halves())
    assert found.original == image.size
    assert abs((found.angle - angle + 180) % 360 - 180) <= 2.5
    kept = [digit for digit in found.digits if digit.flag != results.NOT_A_DIGIT]
    assert [digit.row for digit in kept] == [0] * 5 + [1] * 4
    for digit, label in zip(kept, labels, strict=True):
        corners = np.array(results.corners_as_it_came(digit.box, found), float)
        np.testing.assert_allclose(corners.mean(axis=0), label[1:3], atol=5)
        top = corners[:2].mean(axis=0) - corners[2:].mean(axis=0)  # from its foot to its head
        np.testing.assert_allclose(top / 60, (math.sin(label[5]), -math.cos(label[5])), atol=0.2)
        around = results.as_it_came(digit.box, found)
        assert around.x <= label[1] <= around.x + around.width
        assert around.y <= label[2] <= around.y + around.height


@pytest.mark.usefixtures("with_detector")
@pytest.mark.parametrize("ground", [255, 128, 0])
@pytest.mark.parametrize("angle", [0.0, 14.0, 90.0])
def test_a_photo_on_a_page_is_read_as_the_photo_alone(ground, angle):
    image, _ = label_page(angle)
    photo = Image.fromarray(detectiondata.photographed(np.asarray(image) - np.minimum(np.asarray(image), 30)))
    page = Image.new("RGB", (photo.width + 300, photo.height + 450), (ground,) * 3)
    page.paste(photo, (210, 130))
    alone, read = pipeline.read(photo, Halves()), pipeline.read(page, Halves())
    assert (read.text, read.angle) == (alone.text, alone.angle)
    assert (read.original, len(read.digits)) == (page.size, len(alone.digits))
    for here, there in zip(read.digits, alone.digits, strict=True):
        moved = np.add(results.corners_as_it_came(there.box, alone), (210, 130))
        np.testing.assert_allclose(results.corners_as_it_came(here.box, read), moved, atol=2)


@pytest.mark.usefixtures("with_detector", "without_windows")
def test_the_one_digit_of_a_photo_is_the_likeliest(detector):
    labels = detectiondata.labels_of([(0, 300, 200, 90, 180, 0.0), (0, 500, 80, 40, 80, 0.0)])
    image = Image.fromarray(detectiondata.photographed(detectiondata.flags(labels, (600, 400))))
    [digit] = pipeline.read(image, Halves(), single=True).digits
    assert (digit.row, digit.flag == results.NOT_A_DIGIT) == (0, False)
    assert any(digit.box.x < x < digit.box.x + digit.box.width for x in labels[:, 1])
    detector.smallest = 1e9  # where it sees nothing, all ink is the digit
    assert len(pipeline.read(image, Halves(), single=True).digits) == 1


class NarrowOnly(Halves):
    def answers(self, glyphs: np.ndarray) -> Answers:
        wide = [np.ptp(np.flatnonzero((glyph > 0.2).any(axis=0))) > 14 for glyph in glyphs]
        return super().answers(glyphs)._replace(is_digit=1.0 - np.array(wide, np.float32))


@pytest.mark.usefixtures("with_detector", "without_windows")
def test_the_detector_is_asked_for_the_one_digit_of_a_drawing_where_the_whole_is_rejected(detector, monkeypatch):
    """A neighbour that is cut off at the edge is no part of it."""
    drawing = detectiondata.flags(detectiondata.labels_of([(0, 150, 150, 70, 140, 0.0)]), (300, 300))
    assert pipeline.read(Image.fromarray(drawing), NarrowOnly(), single=True).accepted
    assert detector.seen == []
    drawing[60:240, 290:] = 0
    [digit] = pipeline.read(Image.fromarray(drawing), NarrowOnly(), single=True).accepted
    assert digit.box.x + digit.box.width < 200
    detector.smallest, crops = 1e9, detectiondata.FlagCrops(-3.0)  # where neither net sees one, the rejection stays
    monkeypatch.setattr(shipped, "available", lambda: detectiondata.models(detector, crops))
    assert not pipeline.read(Image.fromarray(drawing), NarrowOnly(), single=True).accepted


@pytest.mark.usefixtures("with_detector", "without_windows")
def test_the_detector_is_asked_for_the_one_digit_of_a_drawing_that_is_uncertain_and_the_surer_answer_counts(detector):
    drawing = detectiondata.flags(detectiondata.labels_of([(1, 150, 150, 70, 140, 0.0)]), (300, 300))
    [digit] = pipeline.read(Image.fromarray(drawing), Halves(sure=0.6), single=True).accepted
    assert detector.seen
    detector.smallest = 1e9  # where it sees nothing, the answer stays
    [alone] = pipeline.read(Image.fromarray(drawing), Halves(sure=0.6), single=True).accepted
    assert digit.detected.any()
    assert np.ptp(alone.detected) == 0.0
    assert digit.confidence > alone.confidence


@pytest.mark.usefixtures("with_detector", "without_windows")
@pytest.mark.parametrize(("sure", "asked", "heard"), [(0.99, False, False), (0.9, True, False), (0.6, True, True)])
def test_the_detector_is_asked_for_the_digits_of_a_drawing_unless_the_ink_is_sure(detector, sure, asked, heard):
    labels = detectiondata.labels_of([(0, 100 + 120 * i, 150, 50, 100, 0.0) for i in range(4)])
    reading = pipeline.read(Image.fromarray(detectiondata.flags(labels, (560, 300))), Halves(sure))
    assert len(reading.accepted) == 4
    assert bool(detector.seen) == asked
    assert all((digit.evidence is not None) == heard for digit in reading.digits)


@pytest.mark.usefixtures("with_detector", "without_windows")
def test_an_uncertain_drawing_that_lies_on_its_side_is_read_upright(detector):
    labels = detectiondata.labels_of([(0, 100 + 120 * i, 150, 50, 100, 0.0) for i in range(4)])
    drawing = np.rot90(detectiondata.flags(labels, (560, 300)))
    reading = pipeline.read(Image.fromarray(np.ascontiguousarray(drawing)), Halves(0.9))
    assert len(reading.accepted) == 4
    assert abs(reading.angle - 270.0) < 5.0


@pytest.mark.parametrize("read", [partial(pipeline.read, single=True), on_canvas], ids=["picture", "canvas"])
@pytest.mark.parametrize(
    ("sure", "of_windows", "asked", "accepted"),
    [(0.99, 0.1, False, True), (0.6, 6.0, True, True), (0.6, 0.1, True, False)],
)
def test_uncertain_ink_that_is_hardly_a_digit_is_one_if_windows_agree(
    monkeypatch, detector, read, sure, of_windows, asked, accepted
):
    drawing = detectiondata.flags(detectiondata.labels_of([(0, 150, 150, 70, 140, 0.0)]), (300, 300))
    detector.smallest, crops = 1e9, detectiondata.FlagCrops(of_windows)
    monkeypatch.setattr(shipped, "available", lambda: detectiondata.models(detector, crops))
    found = read(Image.fromarray(drawing), Halves(sure, is_digit=0.6))
    assert (crops.seen > 0, len(found.accepted)) == (asked, accepted)
    [again] = pipeline.reread(found, Halves(sure, is_digit=0.6)).digits
    assert again.flag == found.digits[0].flag


@pytest.mark.usefixtures("without_windows")
@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize(("is_digit", "accepted"), [(0.01, 0), (0.8, 1)])
def test_what_the_classifier_rejects_alone_in_a_drawing_is_no_digit_though_the_detector_sees_one(
    monkeypatch, detector, single, is_digit, accepted
):
    crops = detectiondata.FlagCrops(0.1)
    monkeypatch.setattr(shipped, "available", lambda: detectiondata.models(detector, crops))
    drawing = detectiondata.flags(detectiondata.labels_of([(0, 150, 150, 70, 140, 0.0)]), (300, 300))
    found = pipeline.read(Image.fromarray(drawing), Halves(0.6, is_digit), single=single)
    assert detector.seen
    assert len(found.accepted) == accepted


@pytest.mark.usefixtures("with_detector")
def test_where_ink_and_detector_see_no_digit_windows_all_over_the_picture_show_it(detector):
    drawing = detectiondata.flags(detectiondata.labels_of([(0, 120, 160, 70, 140, 0.0)]), (300, 300))
    drawing[150:170, 294:] = 0
    detector.smallest = 1e9
    [digit] = pipeline.read(Image.fromarray(drawing), NarrowOnly(), single=True).accepted
    assert abs(digit.box.x + digit.box.width / 2 - 120) < 30
    assert abs(digit.box.y + digit.box.height / 2 - 160) < 40


@pytest.mark.usefixtures("with_detector")
def test_a_page_on_which_nothing_is_found_may_hold_one_digit_that_windows_show(detector):
    page = detectiondata.photographed(
        detectiondata.flags(detectiondata.labels_of([(0, 300, 200, 120, 240, 0.0)]), (600, 400))
    )
    detector.smallest = 1e9
    [digit] = pipeline.read(Image.fromarray(page), Halves()).accepted
    assert abs(digit.box.x + digit.box.width / 2 - 300) < 60
    assert abs(digit.box.y + digit.box.height / 2 - 200) < 60
    assert digit.evidence is not None
    rotated = pipeline.read(Image.fromarray(page), Halves(), angle=90.0)
    assert (rotated.angle, rotated.size) == (90.0, (400, 600))


@pytest.mark.usefixtures("with_detector")
def test_a_drawing_of_a_few_strokes_is_read_without_the_detector(detector):
    pipeline.read(Image.fromarray(canvas("40")), Halves())
    pipeline.read_canvas(canvas("40"), Halves(), single=False)
    assert detector.seen == []


@pytest.mark.usefixtures("with_detector")
def test_on_a_sheet_on_a_plain_table_the_detector_looks(detector):
    table = Image.new("RGB", (1400, 1200), (40, 40, 40))
    table.paste(Image.new("RGB", (900, 600), (235, 235, 235)), (250, 300))
    lying = table.rotate(3, fillcolor=(40, 40, 40))
    assert candidates.is_plain(lying)
    pipeline.read(lying, Halves())
    assert detector.seen


@pytest.mark.usefixtures("with_detector")
@pytest.mark.parametrize(("count", "of_the_sheet"), [(5, True), (1, False)])
def test_an_area_is_a_sheet_only_where_the_detector_finds_more_digits_on_it(count, of_the_sheet):
    """Otherwise it may be a digit drawn with a thick pen."""
    sheet = detectiondata.flags(detectiondata.row_of(count, 450, 300, 60, step=1.6), (900, 600))
    table = Image.new("RGB", (1400, 1200), (40, 40, 40))
    table.paste(Image.fromarray(sheet), (250, 300))
    lying = table.rotate(3, fillcolor=(40, 40, 40))
    assert candidates.has_area(candidates.parts_of(pipeline.unread(lying, 0.0).ink))
    read = pipeline.read(lying, Halves())
    assert len(read.accepted) == count
    assert (max(digit.box.width for digit in read.accepted) < 200) == of_the_sheet


@pytest.mark.usefixtures("with_detector")
def test_a_longer_drawing_asks_the_detector_for_its_angle_only_where_its_digits_are_in_doubt(detector):
    pipeline.read(Image.fromarray(canvas("4072")), Halves(sure=0.99))
    assert detector.seen == []
    pipeline.read(Image.fromarray(canvas("4072")), Halves(sure=0.6))
    assert detector.seen


@pytest.mark.usefixtures("with_detector")
def test_a_given_angle_is_taken():
    image, _ = label_page(90.0)
    for angle in (0.0, 90.0, 45.5):
        assert pipeline.read(image, Halves(), angle=angle).angle == angle
    assert pipeline.read(image, Halves(), single=True, angle=90.0).angle == 90.0


@pytest.mark.usefixtures("with_detector")
def test_what_is_rejected_stays_among_the_digits_and_out_of_the_text():
    image, labels = label_page(0.0)
    found = pipeline.read(image, Halves(is_digit=0.0))
    assert len(found.digits) == len(labels)
    accepted = [digit for digit in found.digits if digit.flag != results.NOT_A_DIGIT]
    assert len(found.text.replace("/", "")) == len(accepted)


@pytest.mark.usefixtures("with_detector")
def test_rereading_asks_the_detectors_words_again():
    first = pipeline.read(label_page(30.0)[0], Halves())
    again = pipeline.reread(first, Halves())
    for a, b in zip(first.digits, again.digits, strict=True):
        assert (a.box, a.digit, a.flag, a.evidence) == (b.box, b.digit, b.flag, b.evidence)
        assert b.probabilities == pytest.approx(a.probabilities, abs=1e-6)


@pytest.mark.parametrize("angle", [0.0, 90.0, 33.3])
def test_ink_of_a_picture_rotated_is_upright_with_no_digit_looked_for(angle):
    image, _ = label_page(angle)
    found = pipeline.unread(image, angle)
    assert found.digits == ()
    assert found.angle == angle
    assert found.size == rotation.rotation(image.size, angle)[1]
    assert found.ink.shape == (found.size[1], found.size[0])
    rows = np.flatnonzero((found.ink > 0.5).any(axis=1))
    gaps = np.flatnonzero(np.diff(rows) > 20)
    assert len(gaps) == 1  # two level rows


@pytest.mark.parametrize("single", [True, False])
def test_a_dab_is_a_non_digit_however_sure_the_model(single):
    rgba = np.zeros((280, 280, 4), np.uint8)
    cv2.circle(rgba, (140, 120), 9, (0, 0, 0, 255), -1, cv2.LINE_AA)
    assert [digit.flag for digit in pipeline.read_canvas(rgba, Halves(0.99), single).digits] == ["not-a-digit"]
    cv2.line(rgba, (140, 120), (140, 200), (0, 0, 0, 255), 18, cv2.LINE_AA)
    assert [digit.flag for digit in pipeline.read_canvas(rgba, Halves(0.99), single).digits] == [None]
    picture = Image.new("L", (280, 280), 255)
    picture.paste(0, (130, 110, 148, 128))
    assert [digit.flag for digit in pipeline.read(picture, Halves(0.99), single).digits] == ["not-a-digit"]
