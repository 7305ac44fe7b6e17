"""Batches: order, what is kept, a bad file among good ones, CSV and JSON."""

import base64
import csv
import dataclasses
import io
import json

import numpy as np
import pytest
from PIL import Image
from uploaddata import Always, correct, one, strokes

from digitrec.errors import PictureError
from digitrec.imaging import decode, documents
from digitrec.recognition import pipeline, shipped
from digitrec.recognition.results import Reading
from digitrec.uploads import batch as uploads_batch
from digitrec.uploads import corrections as edits
from digitrec.uploads import serialize
from digitrec.uploads.batch import Batch, File
from tests.imaging.test_pdf import document


@pytest.fixture(autouse=True)
def _models_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read without the detector: what is tested here is what becomes of a reading, whoever made it."""
    monkeypatch.setattr(shipped, "available", lambda: None)


def test_pictures_are_in_natural_order_of_their_names() -> None:
    batch = Batch()
    batch.replace(File(name, "", b"") for name in ("digit10.png", "Digit2.png", "digit1.png", "b/1.png", "b/01.png"))
    assert [p.name for p in batch.pictures] == ["b/01.png", "b/1.png", "digit1.png", "Digit2.png", "digit10.png"]


def test_pictures_beyond_what_is_allowed_at_once_are_left_out_and_counted() -> None:
    batch = Batch()
    batch.replace((File(f"{n}.png", "", b"") for n in (3, 1, 2)), 2)
    assert ([picture.name for picture in batch.pictures], batch.left_out) == (["1.png", "2.png"], 1)
    batch.replace([File("1.png", "", b"")], 2)
    assert batch.left_out == 0


def test_a_picture_is_read_as_reading_reads_it() -> None:
    data = strokes(3)
    batch, picture = one(data)
    found = batch.outcome(picture, False, Always(1))
    whole = pipeline.read(decode.opened(data).image, Always(1))
    assert isinstance(found, Reading)
    assert found.text == whole.text == "111"
    assert [d.box for d in found.digits] == [d.box for d in whole.digits]
    assert all(np.array_equal(a.glyph, b.glyph) for a, b in zip(found.digits, whole.digits, strict=True))
    assert found.ink.size == 0
    assert not found.steps
    assert not any(digit.steps for digit in found.digits)


def test_a_picture_is_read_once_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    batch, picture = one(strokes(2))
    opened = []
    monkeypatch.setattr(decode, "opened", lambda data, real=decode.opened: opened.append(1) or real(data))
    first, second = Always(1, sure=0.96), Always(7, sure=0.96)  # sure: no test-time augmentation
    assert not batch.is_read(picture, False)
    texts = [batch.outcome(picture, False, model).text for model in (first, second, first, second)]
    assert texts == ["11", "77", "11", "77"]
    assert (second.asked, len(opened)) == (1, 1)
    assert batch.is_read(picture, False)
    assert not batch.is_read(picture, True)
    assert batch.outcome(picture, True, first).text == "1"


@pytest.mark.parametrize("bad", [b"", b"no picture", strokes(1, kind="JPEG")[:600]])
def test_a_bad_file_has_a_sentence_and_the_others_are_read(bad: bytes) -> None:
    batch = Batch()
    batch.replace([File("1.png", "", strokes(1)), File("2.png", "", bad), File("3.png", "", strokes(2))])
    first, broken, last = (batch.outcome(picture, False, Always(1)) for picture in batch.pictures)
    assert isinstance(first, Reading)
    assert isinstance(last, Reading)
    assert (first.text, last.text) == ("1", "11")
    assert isinstance(broken, PictureError)
    with pytest.raises(PictureError) as raised:
        decode.opened(bad)
    assert str(broken) == str(raised.value)
    assert broken.__traceback__ is None
    assert set(batch.thumbnails) == {batch.pictures[0].key, batch.pictures[2].key}


def test_what_was_read_stays_when_files_are_added_and_goes_with_its_file() -> None:
    batch, picture = one(strokes(1))
    model = Always(1)
    batch.outcome(picture, False, model)
    asked = model.asked
    batch.replace([File("b.png", "2", strokes(1)), File("c.png", "3", strokes(2))])
    assert batch.is_read(batch.pictures[0], False)
    assert batch.outcome(batch.pictures[0], False, model).text == "1"
    assert model.asked == asked
    batch.replace([])
    assert not batch.pictures
    assert not batch.thumbnails
    assert not batch.is_read(picture, False)


def test_files_are_kept_up_to_a_limit_and_their_readings_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = strokes(1), strokes(2, (400, 120), "BMP")
    monkeypatch.setattr(uploads_batch, "KEPT_BYTES", len(small) + 10)
    batch = Batch()
    batch.replace([File("1.png", "", large), File("2.png", "", small)])
    first, second = batch.pictures
    assert batch.data(first) is None
    assert batch.data(second) == small
    missing = batch.outcome(first, False, Always(1))
    assert isinstance(missing, PictureError)
    assert "Choose it again" in str(missing)
    assert batch.outcome(first, False, Always(1), large).text == "11"
    assert batch.outcome(first, False, Always(7)).text == "77"


def shown(close: uploads_batch.Closeup) -> Image.Image:
    """Return the picture of a closeup's data URI."""
    return Image.open(io.BytesIO(base64.b64decode(close.picture.partition(",")[2])))


def test_a_closeup_shows_small_steps_and_boxes_on_the_copy() -> None:
    data = strokes(2, (3000, 900))
    close = uploads_batch.closeup(data, 0, 0)
    found = pipeline.read(decode.opened(data).image, Always(1))
    image = shown(close)
    assert (image.size, max(image.size)) == (close.size, uploads_batch.COPY_SIDE)
    assert [step.title for step in close.steps] == ["Picture", "Ink"]
    assert all(0 < max(step.image.shape) <= uploads_batch.STEP_SIDE for step in close.steps)
    for digit in uploads_batch.on_copy(found.digits, found.size, close.size):
        x, y, width, height = digit.box
        inside = np.asarray(image.convert("L"))[y : y + height, x : x + width]
        assert inside.mean() < 80  # the box is filled by its stroke


def test_a_tiny_picture_is_enlarged_without_blur() -> None:
    image = Image.new("L", (28, 28), 255)
    image.paste(0, (10, 5, 14, 23))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    close = uploads_batch.closeup(stream.getvalue(), 0, 0)
    assert close.size == shown(close).size == (308, 308)
    tones = np.asarray(shown(close).convert("L")).astype(int)
    assert np.count_nonzero((tones > 20) & (tones < 235)) < 0.01 * tones.size  # JPEG's ripples beside the edges


def test_corrections_outlive_other_models_and_more_files() -> None:
    batch, picture = one(strokes(3))
    assert batch.outcome(picture, False, Always(1)).text == "111"
    correct(batch, picture, 1, 8)
    assert batch.outcome(picture, False, Always(1)).text == "181"
    assert batch.outcome(picture, False, Always(4)).text == "484"
    batch.replace([File("a.png", "1", strokes(3)), File("b.png", "2", strokes(1)), File("c.png", "3", strokes(3))])
    texts = [batch.outcome(each, False, Always(7)).text for each in batch.pictures]
    assert texts == ["787", "7", "787"]
    batch.change(picture, False, edits.undone)
    assert batch.outcome(picture, False, Always(7)).text == "777"
    assert batch.outcome(picture, True, Always(7)).text == "7"


def test_a_turned_picture_is_found_anew_upright_and_its_record_has_boxes_as_it_came() -> None:
    batch, picture = one(strokes(3))
    first = serialize.record("a.png", "m", batch.outcome(picture, False, Always(1)))
    batch.turn(picture, False, Always(1))
    found = batch.outcome(picture, False, Always(1))
    assert isinstance(found, Reading)
    assert (found.size, found.original, found.angle) == ((120, 400), (400, 120), 270.0)
    assert [digit.row for digit in found.digits] == [0, 1, 2]
    again = serialize.record("a.png", "m", found)
    assert (first["angle"], again["angle"]) == (0.0, 270.0)
    assert sorted(digit["box"] for digit in again["digits"]) == sorted(digit["box"] for digit in first["digits"])
    upright = pipeline.unread(decode.opened(strokes(3)).image, found.angle).ink
    assert upright.shape == (400, 120)
    assert all(upright[d.box.y + 6, d.box.x + 40] == 1.0 for d in found.digits)
    close = uploads_batch.closeup(strokes(3), 0, found.angle)
    assert close.size == (120, 400) == shown(close).size
    assert close.steps[0].image.shape[0] > close.steps[0].image.shape[1]
    for _ in range(3):
        batch.turn(picture, False, Always(1))
    assert batch.outcome(picture, False, Always(1)).angle == 0.0


def test_a_picture_at_any_angle_is_turned_by_quarters_from_there_and_back_to_it() -> None:
    batch, picture = one(strokes(3))
    batch.outcome(picture, False, Always(1))
    batch.change(picture, False, lambda annotations: dataclasses.replace(annotations, angle=44.6))
    angles = [batch.turn(picture, False, Always(1)).angle for _ in range(4)]
    assert angles == [314.6, 224.6, 134.6, 44.6]


def test_boxes_drawn_on_a_rotated_picture_are_cut_from_its_rotated_ink() -> None:
    batch, picture = one(strokes(1, (200, 160)))
    batch.outcome(picture, False, Always(1))
    batch.turn(picture, False, Always(1))
    annotations = batch.annotations(picture, False)
    [entry] = annotations.entries
    batch.change(picture, False, lambda mine: edits.deleted(mine, {0}))
    batch.change(picture, False, lambda now: edits.added(now, batch.boxed(picture, now.angle, entry.box)))
    [again] = batch.annotations(picture, False).entries
    assert np.abs(again.digit.glyph - entry.digit.glyph).max() < 0.1


def test_boxes_need_the_file_and_corrections_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads_batch, "KEPT_BYTES", 0)
    batch, picture = one(strokes(1))
    batch.outcome(picture, False, Always(1), strokes(1))
    [entry] = batch.annotations(picture, False).entries
    assert batch.boxed(picture, 0.0, entry.box, strokes(1)).box == entry.box
    with pytest.raises(PictureError, match="Choose it again to change its boxes"):
        batch.boxed(picture, 0.0, entry.box)
    with pytest.raises(PictureError, match="Choose it again to change its boxes"):
        batch.parts(picture, 0.0, entry.box, Always(1))
    with pytest.raises(PictureError, match="Choose it again to rotate it"):
        batch.turn(picture, False, Always(1))
    correct(batch, picture, 0, 5)
    assert batch.outcome(picture, False, Always(1)).text == "5"


def test_a_picture_that_could_not_be_read_has_no_annotations() -> None:
    batch, picture = one(b"no picture")
    with pytest.raises(PictureError, match="no longer on the server"):
        batch.annotations(picture, False)
    batch.outcome(picture, False, Always(1))
    with pytest.raises(PictureError, match="not a picture"):
        batch.annotations(picture, False)


def test_the_pages_of_a_pdf_are_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_PAGES", 2)
    batch = Batch()
    batch.replace([File("z.png", "", strokes(2)), File("scan.pdf", "", document(4)), File("one.pdf", "", document(1))])
    assert [p.name for p in batch.pictures] == [
        "one.pdf", "scan.pdf, page 1", "scan.pdf, page 2", "scan.pdf, pages 3 to 4", "z.png",
    ]  # fmt: skip
    found = [batch.outcome(picture, False, Always(1)) for picture in batch.pictures]
    assert [str(each) if isinstance(each, PictureError) else each.text for each in found] == [
        "1", "1", "11", "Only the first 2 pages of a file are read. Split the file to read the others.", "11",
    ]  # fmt: skip
    correct(batch, batch.pictures[1], 0, 5)
    [entry, _] = batch.annotations(batch.pictures[2], False).entries
    assert batch.boxed(batch.pictures[2], 0.0, entry.box).box == entry.box
    assert [batch.outcome(picture, False, Always(1)).text for picture in batch.pictures[:3]] == ["1", "5", "11"]


def scan(*strokes_of_pages: int) -> bytes:
    """Return a TIFF of pages with so many strokes."""
    made = [Image.open(io.BytesIO(strokes(count))) for count in strokes_of_pages]
    stream = io.BytesIO()
    made[0].save(stream, "TIFF", save_all=True, append_images=made[1:])
    return stream.getvalue()


def test_the_pages_of_a_tiff_are_pictures_as_those_of_a_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_PAGES", 2)
    batch = Batch()
    batch.replace([File("scan.tif", "", scan(1, 3, 2, 2)), File("one.tiff", "", scan(2))])
    assert [(p.name, p.page) for p in batch.pictures] == [
        ("one.tiff", 1), ("scan.tif, page 1", 1), ("scan.tif, page 2", 2), ("scan.tif, pages 3 to 4", 3),
    ]  # fmt: skip
    found = [batch.outcome(picture, False, Always(1)) for picture in batch.pictures]
    assert [str(each) if isinstance(each, PictureError) else each.text for each in found] == [
        "11", "1", "111", "Only the first 2 pages of a file are read. Split the file to read the others.",
    ]  # fmt: skip
    second = batch.pictures[2]
    assert uploads_batch.closeup(scan(1, 3), second.page, 0).size == (400, 120)
    assert batch.turn(second, False, Always(1)).angle == 270.0
    assert [digit.row for digit in batch.outcome(second, False, Always(1)).digits] == [0, 1, 2]
    box = batch.annotations(second, False).entries[2].box
    assert batch.boxed(second, 270.0, box).box == box
    rows = list(csv.DictReader(io.StringIO(serialize.as_csv([serialize.numbered(second.name, "m", found[2])]))))
    assert [row["file"] for row in rows] == ["scan.tif, page 2"] * 3


def animation(*strokes_of_frames: int) -> bytes:
    made = [Image.open(io.BytesIO(strokes(count))) for count in strokes_of_frames]
    stream = io.BytesIO()
    made[0].save(stream, "GIF", save_all=True, append_images=made[1:])
    return stream.getvalue()


def test_what_there_is_to_know_of_a_file_is_in_its_reading_and_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = Batch()
    batch.replace(
        [
            File("1.gif", "", animation(0, 2, 3)),
            File("2.jpg", "", strokes(2, kind="JPEG")[:-4]),
            File("3.png", "", strokes(2)),
        ]
    )
    found = [batch.outcome(picture, False, Always(1)) for picture in batch.pictures]
    frame = "This is an animation: frame 2 of 3 was read, the first that is not blank."
    cut = "The file is cut off; what is there was read."
    assert [(each.text, each.notice) for each in found if isinstance(each, Reading)] == [
        ("11", f"{frame} {pipeline.NO_DETECTOR}"),
        ("11", f"{cut} {pipeline.NO_DETECTOR}"),
        ("11", pipeline.NO_DETECTOR),
    ]
    assert batch.outcome(batch.pictures[1], True, Always(1)).notice == cut
    assert batch.outcome(batch.pictures[2], True, Always(1)).notice is None
    correct(batch, batch.pictures[0], 0, 5)
    batch.turn(batch.pictures[0], False, Always(1))
    records = [serialize.numbered(p.name, "m", batch.outcome(p, False, Always(1))) for p in batch.pictures]
    assert [record["note"] for record in records] == [each.notice for each in found]
    assert json.loads(serialize.as_json(records))[1]["note"].startswith(cut)
    rows = list(csv.DictReader(io.StringIO(serialize.as_csv(records))))
    assert [row["note"] for row in rows] == [each.notice for each in found for _ in range(2)]
