"""Readings as JSON, CSV, plain text and workbooks."""

import csv
import io
import json
from collections.abc import Callable

import numpy as np
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from uploaddata import Always, correct, one, strokes

from digitrec.recognition import pipeline, shipped
from digitrec.recognition.results import Reading
from digitrec.uploads import batch as uploads_batch
from digitrec.uploads import corrections as edits
from digitrec.uploads import serialize
from digitrec.uploads.batch import Batch, File


@pytest.fixture(autouse=True)
def _models_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read without the detector: what is tested here is what becomes of a reading, whoever made it."""
    monkeypatch.setattr(shipped, "available", lambda: None)


def test_a_rotated_picture_has_its_corners_in_the_record() -> None:
    """A stroke of 100 by 12 pixels that leans to the right by 30 degrees: its corners are where it was drawn."""
    image = Image.new("RGB", (400, 300), "white")
    along, middle = np.array([np.sin(np.pi / 6), -np.cos(np.pi / 6)]), np.array([200, 150])
    ImageDraw.Draw(image).line([tuple(middle + 44 * along), tuple(middle - 44 * along)], "black", 12)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    annotations = uploads_batch.first(stream.getvalue(), 0, False, Always(1), 30.0).annotations
    record = serialize.record("a.png", "m", edits.reading(edits.answered(annotations, "m", Always(1)), "m"))
    assert record["angle"] == 30.0
    [digit] = record["digits"]
    assert list(digit)[:4] == ["row", "box", "corners", "digit"]
    corners = np.array(digit["corners"])
    across, down = np.array([np.cos(np.pi / 6), np.sin(np.pi / 6)]), -along
    drawn = [middle + x * across + y * down for x, y in ((-6, -44), (6, -44), (6, 44), (-6, 44))]
    assert np.abs(corners - drawn).max() < 4  # from its own top left clockwise
    left, top, width, height = digit["box"]
    assert np.abs(np.array([left, top]) - corners.min(axis=0)).max() <= 1
    assert np.abs(np.array([left + width, top + height]) - corners.max(axis=0)).max() <= 1
    assert json.loads(json.dumps(record)) == record
    [straight] = records(serialize.record)[0]["digits"][:1]
    assert "corners" not in straight


@pytest.mark.parametrize(("angle", "rounded"), [(359.98, 0.0), (44.649, 44.6), (0.0, 0.0)])
def test_the_angle_of_a_record_has_one_decimal(angle: float, rounded: float) -> None:
    blank = Reading((10, 10), (10, 10), angle, ())
    assert serialize.record("a.png", "m", blank)["angle"] == rounded


def records(made: Callable[..., dict] = serialize.numbered) -> list[dict]:
    batch = Batch()
    files = {"=1+1.png": strokes(2), "blank.png": strokes(0), 'odd, "name"\n.png': b"broken"}
    batch.replace(File(name, "", data) for name, data in files.items())
    return [made(p.name, "always-1", batch.outcome(p, False, Always(1))) for p in batch.pictures]


def test_a_record_is_what_the_command_line_prints() -> None:
    first, blank, broken = records(serialize.record)
    assert list(first) == ["file", "model", "text", "digits", "error", "angle", "note"]
    assert list(broken) == ["file", "model", "text", "digits", "error", "angle"]
    assert first["note"] == pipeline.NO_DETECTOR
    assert (first["file"], first["model"], first["text"], first["error"]) == ("=1+1.png", "always-1", "11", None)
    keys = ["row", "box", "digit", "confidence", "probabilities", "is_digit", "flag"]
    assert list(first["digits"][0]) == keys
    assert first["digits"][0]["digit"] == 1
    assert first["digits"][0]["confidence"] == pytest.approx(0.91)
    assert len(first["digits"][0]["probabilities"]) == 10
    assert (blank["text"], blank["digits"], blank["error"]) == ("", [], None)
    assert (broken["text"], broken["digits"]) == ("", [])
    assert "not a picture" in broken["error"]


def test_json_holds_the_records() -> None:
    assert json.loads(serialize.as_json(records())) == records()
    assert json.loads(serialize.as_json([])) == []


def test_csv_has_a_line_a_digit_and_one_for_a_picture_without() -> None:
    rows = list(csv.DictReader(io.StringIO(serialize.as_csv(records()))))
    assert tuple(rows[0]) == serialize.COLUMNS
    assert [(row["file"], row["digit"]) for row in rows] == [
        ("'=1+1.png", "1"),
        ("'=1+1.png", "1"),
        ("blank.png", ""),
        ('odd, "name"\n.png', ""),
    ]
    assert rows[0]["box"].split() == [str(value) for value in records()[0]["digits"][0]["box"]]
    assert (rows[0]["row"], rows[0]["error"]) == ("0", "")
    assert (rows[0]["flag"], rows[0]["is_digit"], rows[0]["likely"]) == ("uncertain", "1.0", "1, 0, 2 or another")
    assert "not a picture" in rows[3]["error"]


def test_corrections_are_in_every_format() -> None:
    batch, picture = one(strokes(3))
    batch.outcome(picture, False, Always(1))
    correct(batch, picture, 0, 6)
    correct(batch, picture, 1, edits.NO_DIGIT)
    record = serialize.numbered("a.png", "m", batch.outcome(picture, False, Always(1)))
    assert record["text"] == "61"
    assert [digit.get("corrected") for digit in record["digits"]] == ["digit", "digit", None]
    rows = list(csv.DictReader(io.StringIO(serialize.as_csv([record]))))
    assert [row["corrected"] for row in rows] == ["digit", "digit", ""]
    assert [row["likely"] for row in rows] == ["6", "", "1, 0, 2 or another"]


def test_plain_text_has_a_row_a_line_and_names_where_there_are_more() -> None:
    numbers = [{"row": row, "text": text} for row, text in ((0, "01"), (0, "51"), (1, "229"))]
    sheet, blank = {"file": "a.png", "numbers": numbers, "error": None}, {"file": "b.png", "numbers": [], "error": None}
    broken = {"file": "c\n.png", "numbers": [], "error": "The file is empty."}
    assert serialize.as_text([sheet]) == "01 51\n229\n"
    text = "a.png\n01 51\n229\n\nb.png\n\nc\ufffd.png\nThe file is empty.\n"
    assert serialize.as_text([sheet, blank, broken]) == text


def test_numbers_are_in_every_form_and_the_text_stays_digits() -> None:
    image = Image.new("RGB", (700, 120), "white")
    for left in (30, 70, 300, 340, 380, 650):
        ImageDraw.Draw(image).line([(left, 20), (left, 100)], "black", 12)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    batch, picture = one(stream.getvalue())
    batch.outcome(picture, False, Always(1))
    correct(batch, picture, 1, 4)
    for turns in range(2):
        record = serialize.numbered("a.png", "m", batch.outcome(picture, False, Always(1)))
        if not turns:
            assert record["text"] == "141111"
            assert [(n["row"], n["text"], n["digits"]) for n in record["numbers"]] == [
                (0, "14", [0, 1]), (0, "111", [2, 3, 4]), (0, "1", [5]),
            ]  # fmt: skip
            assert record["numbers"][0]["confidence"] == pytest.approx(0.91)  # the other one was put right
            assert serialize.as_text([record]) == "14 111 1\n"
            rows = list(csv.DictReader(io.StringIO(serialize.as_csv([record]))))
            assert [row["number"] for row in rows] == ["0", "0", "1", "1", "1", "2"]
            assert [row["number_text"] for row in rows] == ["14", "14", "111", "111", "111", "1"]
        for number in record["numbers"]:
            boxes = [record["digits"][place]["box"] for place in number["digits"]]
            assert number["box"][:2] == [min(box[axis] for box in boxes) for axis in (0, 1)]
        batch.turn(picture, False, Always(1))


def numbered(file: str, text: str, **more: object) -> dict:
    """Return the record of a number that the model read surely."""
    shares = [0.0] * 10
    digits = [
        {"row": 0, "box": [9 * place, 0, 8, 8], "digit": int(digit), "confidence": 0.998, "is_digit": 0.5, "flag": None}
        | {"probabilities": [*shares[: int(digit)], 1.0, *shares[int(digit) + 1 :]]}
        for place, digit in enumerate(text)
    ]
    number = {"row": 0, "box": [0, 0, 99, 8], "text": text, "confidence": 0.9, "digits": list(range(len(text)))}
    record = {"file": file, "model": "reader", "text": text, "digits": digits, "error": None, "angle": 0.0}
    return record | {"numbers": [number] if text else []} | more


def cells(workbook: bytes) -> list[list[object]]:
    """Return a workbook's rows as a spreadsheet shows them."""
    return [list(row) for row in openpyxl.load_workbook(io.BytesIO(workbook)).active.iter_rows(values_only=True)]


def test_a_workbook_has_the_rows_of_the_csv_with_numbers_as_they_are_written() -> None:
    read = [
        numbered("a.png", "05221859"),
        numbered("b.png", "13961169638", note="The file is cut off; what is there was read."),
        numbered("c.png", "", error="The file is empty."),
    ]
    head, *rows = cells(serialize.as_xlsx(read))
    assert tuple(head) == serialize.COLUMNS
    in_csv = list(csv.DictReader(io.StringIO(serialize.as_csv(read))))
    assert [["" if value is None else str(value) for value in row] for row in rows] == [
        list(row.values()) for row in in_csv
    ]
    table = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["number_text"] for row in table] == ["05221859"] * 8 + ["13961169638"] * 11 + [None]
    assert (table[0]["confidence"], table[0]["digit"], table[0]["box"]) == (0.998, 0, "0 0 8 8")
    assert (table[-1]["error"], table[-2]["note"]) == ("The file is empty.", read[1]["note"])


def test_a_workbook_of_nothing_has_its_head() -> None:
    assert cells(serialize.as_xlsx([])) == [list(serialize.COLUMNS)]


@given(st.text(max_size=40))
def test_a_workbook_takes_any_name(name: str) -> None:
    for odd in (name, f"{name}\x00\ud800\uffff\x1b"):
        [_, row] = cells(serialize.as_xlsx([numbered(odd, "7")]))
        assert len(str(row[0] or "")) <= len(odd)
        assert row[3] == "7"


def test_a_workbook_is_made_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings are not written to the server's disk: SECURITY.md."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    serialize.as_xlsx([])  # its modules are imported
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    written = serialize.as_xlsx([numbered("a.png", "007")])
    monkeypatch.undo()
    assert cells(written)[1][3] == "007"


def test_a_csv_for_spreadsheets_keeps_zeros_and_the_plain_one_stays_plain() -> None:
    read = [numbered("=a.png", "007"), numbered("b.png", "")]
    plain, asked = serialize.as_csv(read), serialize.as_csv(read, formulas=True)
    assert plain.splitlines()[1].startswith("'=a.png,0,0,007,")
    assert asked.splitlines()[1].startswith("""'=a.png,0,0,"=""007""\",""")
    assert [row["number_text"] for row in csv.DictReader(io.StringIO(asked))] == ['="007"'] * 3 + [""]
    assert asked.replace('"=""007"""', "007") == plain


def test_csv_names_no_digits_for_what_is_none() -> None:
    batch, picture = one(strokes(1))
    record = serialize.numbered("a.png", "m", batch.outcome(picture, False, Always(1, is_digit=0.25)))
    assert (record["text"], record["digits"][0]["flag"], record["digits"][0]["is_digit"]) == ("", "not-a-digit", 0.25)
    [row] = csv.DictReader(io.StringIO(serialize.as_csv([record])))
    assert (row["flag"], row["likely"], row["is_digit"], row["number"]) == ("not-a-digit", "", "0.25", "")
