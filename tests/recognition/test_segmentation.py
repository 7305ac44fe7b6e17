"""Digits found on sheets of ink, by what the reader says of them."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.datasets import mnist
from digitrec.recognition import connected_parts, normalize, segmentation
from digitrec.recognition.calibration import Answers
from digitrec.recognition.classifier import Predictor
from digitrec.recognition.connected_parts import Segment
from digitrec.recognition.normalize import Box
from digitrec.registry import registry

HERSHEY = cv2.FONT_HERSHEY_SIMPLEX
PLACES = {0: 3, 1: 2, 2: 1, 3: 30, 4: 4, 5: 15, 6: 11, 7: 0, 8: 61, 9: 7}  # of each digit among MNIST's test digits


@pytest.fixture(scope="module")
def reader() -> Predictor:
    return registry.predictor("reader")


@pytest.fixture(scope="module")
def digits() -> dict[int, np.ndarray]:
    """Ink (112, 112) of a test digit of each class."""
    pictures, labels = mnist.test()
    assert all(labels[place] == digit for digit, place in PLACES.items())
    return {digit: enlarged(pictures[place]) for digit, place in PLACES.items()}


def enlarged(picture: np.ndarray) -> np.ndarray:
    """Return the ink (112, 112) of a digit of MNIST."""
    return np.clip((cv2.resize(mnist.glyphs(picture), (112, 112)) - 0.35) / 0.3, 0, 1).astype(np.float32)


class Anything:
    """To it, all is a digit."""

    def answers(self, glyphs: np.ndarray) -> Answers:
        shares = np.full((len(glyphs), 10), 0.01, np.float32)
        shares[:, 1] = 0.91
        return Answers(shares, np.ones(len(glyphs), np.float32))


def written(text: str, digits: dict[int, np.ndarray], step: int = 100) -> np.ndarray:
    """Return ink of digits in a row, their pictures `step` pixels apart."""
    ink = np.zeros((152, 60 + step * len(text) + 112), np.float32)
    for i, character in enumerate(text):
        place = ink[20:132, 20 + step * i : 132 + step * i]
        np.maximum(place, digits[int(character)], out=place)
    return ink


def text_of(rows: list[list[Segment]], reader: Predictor) -> str:
    """Return what is read: rows separated by `/`, `?` for a non-digit."""
    return "/".join("".join(_one(segment, reader) for segment in row) for row in rows)


def _one(segment: Segment, reader: Predictor) -> str:
    answers = reader.answers(segment.cut.glyph[None])
    return "?" if segment.punctuation or answers.is_digit[0] < 0.5 else str(answers.probabilities[0].argmax())


@pytest.mark.parametrize("text", ["7", "42", "1111", "0123456789"])
def test_a_row_of_separate_digits(text: str, digits: dict[int, np.ndarray], reader: Predictor) -> None:
    assert text_of(segmentation.find(written(text, digits), reader), reader) == text


def test_rows_go_from_top_to_bottom(digits: dict[int, np.ndarray], reader: Predictor) -> None:
    ink = np.zeros((400, 600), np.float32)
    ink[10:162, :472] = written("405", digits)
    ink[200:352, 100:472] = written("29", digits)
    assert text_of(segmentation.find(ink, reader), reader) == "405/29"


def test_blank_ink_holds_nothing(reader: Predictor) -> None:
    assert segmentation.find(np.zeros((50, 50), np.float32), reader) == []


def test_digits_that_touch_are_parted(digits: dict[int, np.ndarray], reader: Predictor) -> None:
    ink = written("35", digits, step=72)
    cv2.line(ink, (80, 76), (112, 76), 1.0, 5)
    [[whole]] = [[Segment(box, normalize.cut(ink, box))] for box in [normalize.only(ink)] if box]
    assert _one(whole, reader) == "?"
    assert text_of(segmentation.find(ink, reader), reader) == "35"
    pieces = segmentation.split(ink, whole.box, reader)
    assert text_of([pieces], reader) == "35"
    assert pieces[0].box.x + pieces[0].box.width <= pieces[1].box.x + 4


def test_a_digit_cannot_be_split_where_there_is_nothing_to_cut(reader: Predictor) -> None:
    ink = np.zeros((20, 20), np.float32)
    ink[9:11, 9:11] = 1.0
    assert len(segmentation.split(ink, Box(9, 9, 2, 2), reader)) == 1


def broken_five() -> np.ndarray:
    """Return ink of a 5 whose bar does not join its body."""
    ink = np.zeros((120, 120), np.uint8)
    cv2.line(ink, (52, 22), (85, 22), 255, 6)
    cv2.line(ink, (45, 32), (45, 55), 255, 6)
    cv2.ellipse(ink, (55, 75), (25, 22), 0, -110, 130, 255, 6)
    return ink.astype(np.float32) / 255.0


def test_strokes_that_do_not_join_are_one_digit(reader: Predictor) -> None:
    [[segment]] = segmentation.find(broken_five(), reader)
    assert segment.box.y <= 20
    assert segment.box.y + segment.box.height >= 96


def test_a_dotted_hair_is_one_digit(reader: Predictor) -> None:
    ink = np.zeros((120, 120), np.float32)
    cv2.ellipse(ink, (60, 60), (28, 40), 0, 100, 300, 1.0, 1)
    for angle in np.linspace(-0.3 * np.pi, 0.55 * np.pi, 40):
        ink[int(60 + 40 * np.sin(angle)), int(60 + 28 * np.cos(angle))] = 1.0
    assert text_of(segmentation.find(ink, reader), reader) == "0"


@pytest.mark.parametrize(
    ("gap", "name", "least"), [(5, "reader", 19), (5, "reader-mlp", 24), (10, "reader", 7), (10, "reader-mlp", 5)]
)
def test_the_gaps_of_a_digit_where_the_pen_skipped_are_bridged(gap: int, name: str, least: int) -> None:
    """Of 30 digits 2 cut in four, one fewer may be read than the shipped models read; 10 pixels are a tenth of one."""
    reader = registry.predictor(name)
    pictures, labels = mnist.test()
    bridged = 0
    for picture in pictures[labels == 2][:30]:
        ink = written("2", {2: enlarged(picture)})
        for place in (45, 62, 84):
            ink[place : place + gap] = 0.0
        bridged += text_of(segmentation.find(ink, reader), reader) == "2"
    assert bridged >= least


def test_specks_are_non_digits_and_do_not_move_the_box(digits: dict[int, np.ndarray], reader: Predictor) -> None:
    ink = written("7", digits)
    [[clean]] = segmentation.find(ink, reader)
    for x, y in [(5, 5), (150, 8), (152, 140), (8, 146)]:
        cv2.circle(ink, (x, y), 2, 1.0, -1)
    [[segment]] = segmentation.find(ink, reader)
    assert segment.box == clean.box


def test_brackets_slashes_and_dashes_are_non_digits(digits: dict[int, np.ndarray], reader: Predictor) -> None:
    ink = np.zeros((200, 900), np.float32)
    ink[20:172, 90:562] = written("835", digits, 120)[:, :472]
    cv2.ellipse(ink, (92, 100), (22, 76), 0, 100, 260, 1.0, 7)
    cv2.ellipse(ink, (478, 100), (22, 76), 0, -80, 80, 1.0, 7)
    cv2.line(ink, (560, 180), (620, 24), 1.0, 7)
    cv2.line(ink, (660, 100), (720, 98), 1.0, 7)
    ink[20:172, 720:892] = np.maximum(ink[20:172, 720:892], written("6", digits)[:, :172])
    assert text_of(segmentation.find(ink, reader), reader).replace("?", "") == "8356"


def marked(shape: str, height: int, digit: int) -> connected_parts.Candidate:
    """Return a segment of a shape and a height, read as a digit without doubt."""
    own = np.zeros((height + 2, height + 2), np.float32)
    side = {"(": 1, ")": -1, "0": 0}[shape]
    middle, axes = (height // 2 + 1 + side * height // 3, height // 2), (height // 3, height // 2 - 4)
    start, end = {1: (110, 250), -1: (-70, 70), 0: (0, 360)}[side]
    cv2.ellipse(own, middle, axes, 0, start, end, 1.0, 5)
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    box = Box(int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
    made = connected_parts.make_candidate(box, connected_parts.window(own, box))
    return replace(made, is_digit=0.99, digit=digit, confidence=0.99)


def test_a_bracket_read_as_a_digit_does_not_hide_the_other() -> None:
    row = [marked("(", 145, 1), marked("0", 100, 0), marked("0", 130, 0), marked(")", 170, 2)]
    assert not segmentation._is_punctuation(row[0], row, False)
    assert [sign for _, sign in segmentation._with_punctuation(row, False)] == [True, False, False, True]


class Shapes:
    """To it a ring is a 0 without doubt, a block a doubtful 8, and a cross no digit."""

    def answers(self, glyphs: np.ndarray) -> Answers:
        block, ring = glyphs[:, 9, 9] > 0.5, glyphs[:, 14, 14] < 0.5
        shares = np.full((len(glyphs), 10), 0.01, np.float32)
        shares[ring, 0], shares[block, 8], shares[block, 9], shares[~ring & ~block, 1] = 0.91, 0.6, 0.32, 0.91
        return Answers(shares / shares.sum(axis=1, keepdims=True), np.select([ring, block], [0.99, 0.7], 0.1))


@pytest.mark.parametrize(("crosses", "sign"), [(0, False), (2, True)])
def test_a_doubtful_mark_is_a_digit_where_nothing_but_digits_is_written(crosses: int, sign: bool) -> None:
    ink = np.zeros((140, 1000), np.float32)
    for place in range(5):
        cv2.circle(ink, (70 + 110 * place, 70), 40, 1.0, 5)
    cv2.rectangle(ink, (596, 30), (644, 110), 1.0, -1)
    for place in range(crosses):
        middle = 740 + 120 * place
        cv2.line(ink, (middle - 40, 70), (middle + 40, 70), 1.0, 5)
        cv2.line(ink, (middle, 30), (middle, 110), 1.0, 5)
    [row] = segmentation.find(ink, Shapes())
    assert [segment.punctuation for segment in row[:5]] == [False] * 5
    assert row[5].punctuation is sign


def test_digits_of_a_column_are_not_taken_for_one() -> None:
    ink = np.zeros((360, 100), np.float32)
    for top in (20, 125, 230):
        cv2.line(ink, (50, top), (50, top + 85), 1.0, 6)
    assert [len(row) for row in segmentation.find(ink, Anything())] == [1, 1, 1]


def test_six_times_smaller_digits_are_read_too(digits: dict[int, np.ndarray], reader: Predictor) -> None:
    ink = np.zeros((500, 900), np.float32)
    large = cv2.resize(written("45", digits), None, fx=2.5, fy=2.5, interpolation=cv2.INTER_LINEAR)
    ink[20 : 20 + large.shape[0], : large.shape[1]] = large[:, :900]
    small = cv2.resize(written("362", digits), None, fx=0.42, fy=0.42, interpolation=cv2.INTER_AREA)
    ink[420 : 420 + small.shape[0], 300 : 300 + small.shape[1]] = small
    assert text_of(segmentation.find(ink, reader), reader) == "45/362"


def test_one_digit_far_larger_than_all_others_is_a_digit(digits: dict[int, np.ndarray], reader: Predictor) -> None:
    ink = np.zeros((1000, 1500), np.float32)
    for row, text in enumerate(("2345679", "9765432")):
        ink[20 + 160 * row : 172 + 160 * row, :872] = written(text, digits)
    cv2.polylines(ink, [np.array([(900, 420), (1200, 420), (1000, 950)])], False, 1.0, 14)
    assert text_of(segmentation.find(ink, reader), reader) == "2345679/9765432/7"


def test_a_mark_tells_what_its_reader_said(digits: dict[int, np.ndarray], reader: Predictor) -> None:
    for segment in (segment for row in segmentation.find(written("35", digits, step=72), reader) for segment in row):
        assert segment.answer is not None
        probabilities, is_digit = reader.answers(segment.cut.glyph[None])
        np.testing.assert_allclose(segment.answer[0], probabilities[0], atol=1e-5)
        assert abs(segment.answer[1] - is_digit[0]) < 1e-5


def test_a_model_that_knows_no_negatives_finds_parts() -> None:
    ink = np.zeros((120, 400), np.uint8)
    for i in range(4):
        cv2.putText(ink, "2", (20 + 90 * i, 90), HERSHEY, 2.4, 255, 5)
    assert [len(row) for row in segmentation.find(ink / np.float32(255), Anything())] == [4]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.0, 1.0), st.integers(0, 2**32 - 1))
def test_any_ink_has_marks_inside_it(height: int, width: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ink = (rng.random((height, width)) * (rng.random((height, width)) < share)).astype(np.float32)
    for segment in (segment for row in segmentation.find(ink, Anything()) for segment in row):
        assert 0 <= segment.box.x < segment.box.x + segment.box.width <= width
        assert 0 <= segment.box.y < segment.box.y + segment.box.height <= height
        assert segment.cut.glyph.shape == (28, 28)
        assert np.isfinite(segment.cut.glyph).all()


def test_gravel_is_looked_through_in_bounded_work(reader: Predictor) -> None:
    ink = (np.random.default_rng(0).random((600, 600)) < 0.05).astype(np.float32)
    assert sum(len(row) for row in segmentation.find(ink, reader)) <= normalize.MOST_PARTS


class Counting:
    """A reader that counts the glyphs that it is asked for."""

    def __init__(self, reader: Predictor) -> None:
        self.reader, self.asked = reader, 0

    def answers(self, glyphs: np.ndarray) -> Answers:
        self.asked += len(glyphs)
        return self.reader.answers(glyphs)


@pytest.mark.parametrize(("height", "width", "most"), [(28, 28, 100), (48, 72, 450)])
def test_a_small_picture_of_noise_is_little_work(reader: Predictor, height: int, width: int, most: int) -> None:
    """As many glyphs as a dense sheet of digits has strokes; they were more than twice as many."""
    for share in (0.05, 0.2, 0.3):
        counting = Counting(reader)
        segmentation.find((np.random.default_rng(0).random((height, width)) < share).astype(np.float32), counting)
        assert counting.asked <= most
