"""Annotations: what a person puts right, whatever model reads, and how it is undone."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from uploaddata import Always

from digitrec.errors import PictureError
from digitrec.imaging import ink as imaging_ink
from digitrec.recognition import by_hand, normalize, pipeline, results, shipped
from digitrec.recognition import number_grouping as numbers
from digitrec.recognition.calibration import Answers
from digitrec.recognition.connected_parts import Segment
from digitrec.recognition.normalize import Box, Cut
from digitrec.recognition.results import NOT_A_DIGIT, Digit, Reading
from digitrec.uploads import corrections as edits
from digitrec.uploads.corrections import NO_DIGIT, Annotations

STROKES = ((30, 20), (110, 20), (190, 20), (30, 140), (110, 140))  # two rows of upright strokes, 80 high
SIZE = (300, 240)


@pytest.fixture(autouse=True)
def _models_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read without the detector: what is tested here is kept of a reading, whoever made it."""
    monkeypatch.setattr(shipped, "available", lambda: None)


def sheet(*strokes: tuple[int, int], size: tuple[int, int] = SIZE) -> Image.Image:
    image = Image.new("RGB", size, "white")
    for left, top in strokes:
        ImageDraw.Draw(image).line([(left, top), (left, top + 80)], "black", 12)
    return image


def opened(image: Image.Image | None = None, *readers: Always, angle: float = 0.0) -> Annotations:
    """Return a picture's annotations, read by models (by one that says 1)."""
    annotations = edits.of(pipeline.read(image or sheet(*STROKES), Always(1), angle=angle))
    for reader in readers or (Always(1),):
        annotations = edits.answered(annotations, reader.name, reader)
    return annotations


def boxed(annotations: Annotations, box: Box, image: Image.Image | None = None) -> Digit:
    """Return the digit in a box that a person drew on a picture."""
    return by_hand.digit(image or sheet(*STROKES), annotations.angle, normalize.clipped(box, annotations.size[::-1]))


def joined(annotations: Annotations, *places: int) -> Annotations:
    """Return the annotations of `sheet(*STROKES)` with some entries joined."""
    return edits.joined(annotations, places, boxed(annotations, edits.to_join(annotations, places)))


def text(annotations: Annotations, digit: int = 1) -> str:
    model = Always(digit)
    return edits.reading(edits.answered(annotations, model.name, model), model.name).text


def test_annotations_read_as_their_reading_did() -> None:
    image = sheet(*STROKES)
    found, model = pipeline.read(image, Always(1), angle=0.0), Always(1)
    made = edits.reading(edits.answered(edits.of(found), model.name, model), model.name)
    assert (made.text, made.size, made.original, made.angle) == ("111/11", SIZE, SIZE, 0.0)
    assert (found.text, found.size, found.original, found.angle) == ("111/11", SIZE, SIZE, 0.0)
    for mine, theirs in zip(made.digits, found.digits, strict=True):
        assert (mine.box, mine.row, mine.flag, mine.by_hand) == (theirs.box, theirs.row, theirs.flag, None)
        assert np.array_equal(mine.glyph, theirs.glyph)


def rejected(place: int, boxes: int = 3, evidence: float | None = -9.0) -> Reading:
    """Return a reading of strokes in a row, of which the detector holds one for none."""
    glyph = np.zeros((28, 28), np.float32)
    glyph[4:24, 12:16] = 1.0
    detected = np.log(np.full(10, 0.1, np.float32))
    digits = [
        Digit(
            0, Box(40 * each + 10, 10, 10, 40), glyph, (results.Step("Cropped", "", glyph),), 1, 0.9,
            np.full(10, 0.1, np.float32), 1.0, None, evidence=evidence if each == place else 9.0, detected=detected,
        )
        for each in range(boxes)
    ]  # fmt: skip
    return Reading((40 * boxes, 60), (90, 130), 44.6, tuple(digits), notice="Said above it.")


def test_what_a_reading_says_of_its_picture_stays_through_every_change() -> None:
    annotations = edits.answered(edits.of(rejected(0)), "always-1", Always(1))
    glyph = np.eye(28, dtype=np.float32)
    one = pipeline.unanswered(0, Segment(Box(3, 3, 20, 20), Cut(glyph, glyph, glyph, glyph)))
    changes = (
        edits.corrected(annotations, 0, 7),
        edits.deleted(annotations, {1}),
        edits.added(annotations, one),
        edits.undone(edits.deleted(annotations, {1})),
    )
    for changed in changes:
        read = edits.reading(edits.answered(changed, "always-1", Always(1)), "always-1")
        for each in (changed, read):
            assert (each.size, each.original, each.angle, each.notice) == ((120, 60), (90, 130), 44.6, "Said above it.")


def test_what_the_detector_says_counts_for_every_model_and_is_kept() -> None:
    found = rejected(1)
    annotations = edits.of(found)
    assert [entry.digit.evidence for entry in annotations.entries] == [9.0, -9.0, 9.0]
    assert all(
        np.array_equal(entry.digit.detected, digit.detected)
        for entry, digit in zip(annotations.entries, found.digits, strict=True)
    )
    for model in (Always(1), Always(7)):
        mine = edits.reading(edits.answered(annotations, model.name, model), model.name)
        theirs = pipeline.reread(found, model)
        assert [digit.flag == NOT_A_DIGIT for digit in mine.digits] == [False, True, False]
        for one, other in zip(mine.digits, theirs.digits, strict=True):
            assert (one.digit, one.confidence, one.is_digit, one.flag) == (
                other.digit, other.confidence, other.is_digit, other.flag,
            )  # fmt: skip


def test_left_out_is_what_a_model_rejects_and_nobody_touched() -> None:
    class Picky(Always):
        """Takes the first two glyphs that it is shown for none."""

        def answers(self, glyphs: np.ndarray) -> Answers:
            answers = super().answers(glyphs)
            return answers._replace(is_digit=np.where(np.arange(len(glyphs)) < 2, 0.01, 0.99).astype(np.float32))

    picky = Picky(4, sure=0.97)
    annotations = opened(None, Always(1), picky)
    assert edits.left_out(annotations, "always-1") == frozenset()
    assert edits.left_out(annotations, "always-4") == {0, 1}
    assert edits.left_out(annotations, "not asked yet") == frozenset()
    assert edits.left_out(edits.corrected(annotations, 0, 3), "always-4") == {1}
    assert edits.left_out(edits.corrected(annotations, 0, NO_DIGIT), "always-4") == {1}  # its correction stays in sight
    assert edits.left_out(edits.undone(edits.corrected(annotations, 0, 3)), "always-4") == {0, 1}
    drawn = edits.answered(joined(annotations, 2, 3), "always-4", Always(4, is_digit=0.01))
    new = next(place for place, entry in enumerate(drawn.entries) if entry.digit.by_hand == "box")
    assert drawn.entries[new].predictions["always-4"].flag == NOT_A_DIGIT
    assert new not in edits.left_out(drawn, "always-4")


def test_a_model_is_asked_once_and_for_what_is_new_only() -> None:
    model = Always(1, sure=0.96)  # sure: no test-time augmentation
    annotations = opened(None, model)
    model.asked = 0
    assert edits.answered(annotations, model.name, model) is annotations
    assert model.asked == 0
    more = edits.answered(joined(annotations, 0, 1), model.name, model)
    assert model.asked == 1
    assert [entry.predictions[model.name] for entry in more.entries[1:]] == [
        entry.predictions[model.name] for entry in annotations.entries[2:]
    ]


def test_a_corrected_digit_stays_right_whatever_model_reads() -> None:
    annotations = opened()
    right = edits.corrected(annotations, 3, 7)
    assert (text(right), text(right, 4)) == ("111/71", "444/74")
    digit = edits.reading(right, "always-1").digits[3]
    assert (digit.digit, digit.flag, digit.by_hand) == (7, None, "digit")
    assert digit.confidence == pytest.approx(0.01)  # what the model gave the 7
    assert text(annotations) == "111/11"  # the one before is as it was


def test_a_mark_can_be_no_digit_and_be_left_to_the_models_again() -> None:
    annotations = opened()
    none = edits.corrected(annotations, 0, NO_DIGIT)
    assert text(none) == "11/11"
    assert edits.reading(none, "always-1").digits[0].flag == "not-a-digit"
    assert text(edits.corrected(none, 0, None)) == "111/11"
    assert edits.corrected(none, 0, NO_DIGIT) is none


def test_all_digits_of_a_number_are_corrected_at_once() -> None:
    annotations = opened()
    right = edits.renumbered(annotations, [0, 1, 2], " 90 4 ")
    assert (text(right), text(right, 7)) == ("904/11", "904/77")
    assert text(edits.undone(right)) == "111/11"
    assert edits.renumbered(right, [0, 1, 2], "904") is right
    assert {digit.by_hand for digit in edits.reading(right, "always-1").digits[:3]} == {"digit"}


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("90", "found in this number: 3. Digits typed: 2, 90"),
        ("9044", "Digits typed: 4, 9044"),
        ("9o4", "digits 0 to 9. Received: 9o4"),
        ("٣٤٥", "digits 0 to 9"),
        ("-12", "digits 0 to 9. Received: -12"),
        ("  ", "Received: nothing"),
    ],
)
def test_what_is_no_number_of_as_many_digits_is_refused_in_a_sentence(typed: str, message: str) -> None:
    annotations = opened()
    with pytest.raises(PictureError, match=message):
        edits.renumbered(annotations, [0, 1, 2], typed)


def apart(annotations: Annotations) -> str:
    return numbers.text(edits.reading(annotations, "always-1").digits)


def test_numbers_are_parted_and_joined_by_hand_and_that_is_undone() -> None:
    annotations = opened(sheet(*STROKES, (290, 20), size=(400, 240)))
    assert apart(annotations) == "1111\n11"
    split = edits.parted(annotations, 2, True)
    assert apart(split) == "11 11\n11"
    assert text(split) == text(annotations)
    assert edits.parted(split, 2, True) is split
    assert apart(edits.parted(split, 2, False)) == apart(edits.undone(split)) == "1111\n11"


def test_where_a_number_begins_stays_whatever_model_reads_and_whatever_else_is_corrected() -> None:
    annotations = opened()
    changed = edits.corrected(edits.parted(annotations, 1, True), 1, 7)
    assert apart(changed) == "1 71\n11"
    changed = edits.answered(joined(changed, 3, 4), "always-1", Always(1))
    assert apart(changed).splitlines()[0] == "1 71"


def test_marks_are_deleted_and_rows_close_up() -> None:
    annotations = opened()
    assert text(edits.deleted(annotations, {1})) == "11/11"
    rest = edits.deleted(annotations, {0, 1, 2})
    assert text(rest) == "11"
    assert [entry.digit.row for entry in rest.entries] == [0, 0]
    assert text(edits.deleted(annotations, range(5))) == ""


def test_two_marks_are_joined_by_a_box_around_both() -> None:
    annotations = opened()
    one = joined(annotations, 0, 1)
    assert text(one) == "11/11"
    first, second = annotations.entries[0].box, annotations.entries[1].box
    box = one.entries[0].box
    assert (box.x, box.y, box.x + box.width) == (first.x, min(first.y, second.y), second.x + second.width)
    assert one.entries[0].digit.by_hand == "box"
    glyph = one.entries[0].digit.glyph
    assert glyph[:, :10].max() > 0.5 < glyph[:, 18:].max()  # both strokes are in it
    with pytest.raises(PictureError, match="two or more"):
        edits.to_join(annotations, [0])


def test_a_box_that_was_missed_is_read() -> None:
    annotations = opened()
    less = edits.deleted(annotations, {1})
    box = annotations.entries[1].box
    more = edits.added(less, boxed(less, Box(box.x - 4, box.y - 4, box.width + 8, box.height + 8)))
    assert text(more) == "111/11"
    assert more.entries[1].box == Box(box.x - 4, box.y - 4, box.width + 8, box.height + 8)
    assert np.abs(more.entries[1].digit.glyph - annotations.entries[1].digit.glyph).max() < 0.1


@pytest.mark.parametrize("box", [Box(220, 10, 40, 40), Box(-50, -50, 20, 20), Box(1000, 1000, 5, 5), Box(30, 30, 0, 0)])
def test_a_box_without_ink_is_refused_in_a_sentence(box: Box) -> None:
    annotations = opened()
    image = sheet() if box.width == 0 else None
    with pytest.raises(PictureError, match="no ink"):
        boxed(annotations, box, image)


def test_a_box_that_reaches_out_of_the_picture_ends_at_its_edge() -> None:
    image = sheet((6, 20), (110, 20))
    annotations = opened(image)
    more = edits.added(edits.deleted(annotations, {0}), boxed(annotations, Box(-30, 5, 60, 110), image))
    assert more.entries[0].box == Box(0, 5, 30, 110)


def test_touching_digits_are_split_and_a_single_one_is_not() -> None:
    class Upright(Always):
        """Takes for a 1 what is narrow, and for no digit what is wide."""

        def answers(self, glyphs: np.ndarray):
            answers = super().answers(glyphs)
            widths = np.count_nonzero(glyphs.max(axis=1) > 0.3, axis=1)
            return answers._replace(is_digit=np.where(widths < 12, 0.99, 0.01).astype(np.float32))

    image = sheet((30, 20), (90, 20), (220, 20))
    ImageDraw.Draw(image).line([(30, 60), (90, 60)], "black", 2)
    annotations = edits.of(pipeline.read(image, Always(1), angle=0.0))
    assert len(annotations.entries) == 2
    first, second = (entry.box for entry in annotations.entries)
    parts = edits.split(annotations, 0, by_hand.parts(image, 0.0, first, Upright(1)))
    assert text(parts) == "111"
    assert [entry.digit.by_hand for entry in parts.entries] == ["box", "box", None]
    with pytest.raises(PictureError, match="No way to cut"):
        by_hand.parts(image, 0.0, second, Upright(1))


def test_every_change_is_undone_one_by_one() -> None:
    annotations = opened()
    one = edits.corrected(annotations, 0, 5)
    two = edits.deleted(one, {4})
    three = joined(two, 1, 2)
    texts = []
    while three.before:
        texts.append(text(three))
        three = edits.undone(three)
    assert [*texts, text(three)] == ["51/1", "511/1", "511/11", "111/11"]
    assert edits.undone(three) is three


def test_the_last_changes_only_are_remembered() -> None:
    annotations = opened()
    for number in range(edits.MOST_UNDONE + 30):
        annotations = edits.corrected(annotations, 0, number % 10)
    assert len(annotations.before) == edits.MOST_UNDONE
    assert not any(before.before for before in annotations.before)


def test_what_was_turned_can_be_undone() -> None:
    annotations = opened()
    right = edits.corrected(annotations, 0, 5)
    turned = edits.after(edits.of(pipeline.read(sheet(*STROKES), Always(1), angle=90.0)), right)
    assert (turned.size, turned.original, turned.angle) == ((240, 300), SIZE, 90.0)
    assert text(edits.undone(turned)) == "511/11"


def test_boxes_are_in_pixels_of_the_picture_where_its_ink_is_smaller() -> None:
    image = sheet(*STROKES).resize((3000, 2400))
    annotations = opened(image)
    assert pipeline.unread(image, 0.0).ink.shape < (2400, 3000)
    box = annotations.entries[1].box
    more = edits.added(edits.deleted(annotations, {1}), boxed(annotations, box, image))
    assert text(more) == "111/11"
    assert more.entries[1].box == box
    assert np.abs(more.entries[1].digit.glyph - annotations.entries[1].digit.glyph).max() < 0.2


def test_the_steps_of_an_entry_end_at_its_glyph() -> None:
    annotations = opened()
    for entry in (*annotations.entries, joined(annotations, 0, 1).entries[0]):
        cut = entry.cut()
        assert np.array_equal(cut.glyph, entry.digit.glyph)
        assert np.array_equal(cut.crop, edits.unpacked(entry.crop))
        assert max(cut.scaled.shape) == 20


def test_packed_ink_is_the_same_to_the_tone() -> None:
    ink = imaging_ink.from_picture(sheet(*STROKES))
    assert np.abs(edits.unpacked(edits.packed(ink)) - ink).max() <= 0.5 / 255 + 1e-6
    assert len(edits.packed(ink)) < 4000
