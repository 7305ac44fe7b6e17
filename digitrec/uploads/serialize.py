"""Readings as JSON, CSV, Excel workbook and text."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from digitrec.errors import PictureError
from digitrec.recognition import normalize as glyphs
from digitrec.recognition import number_grouping as numbers
from digitrec.recognition import results
from digitrec.recognition.results import Digit, Reading
from digitrec.uploads import corrections as edits
from digitrec.uploads.batch import Outcome
from digitrec.uploads.names import shown_name

COLUMNS = (
    *("file", "row", "number", "number_text", "box", "digit", "confidence", "likely", "is_digit", "flag", "corrected"),
    *("model", "error", "note"),
)
"""Of the tables."""

_NOT_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def record(name: str, model: str, outcome: Outcome) -> dict[str, Any]:
    """Return a reading as the command line prints it; see docs/pipeline.md.

    A box is in pixels of the picture as a viewer shows it. Where the picture was rotated to be read, the box is the
    upright one around the digit, and `corners` says where the digit lies in it.
    What a person changed has one more entry, `corrected`: `digit` where the digit was corrected, `box` where the box
    was drawn. What there is to know of how the file was read is the entry `note`.
    """
    answer: dict[str, Any] = {"file": name, "model": model, "text": "", "digits": [], "error": None, "angle": 0.0}
    if isinstance(outcome, PictureError):
        return answer | {"error": str(outcome)}
    digits = [
        {"row": digit.row, "box": list(results.as_it_came(digit.box, outcome))}
        | ({"corners": _corners(digit, outcome)} if outcome.angle else {})
        | {
            "digit": digit.digit,
            "confidence": round(digit.confidence, 6),
            "probabilities": [round(float(p), 6) for p in digit.probabilities],
            "is_digit": round(digit.is_digit, 6),
            "flag": digit.flag,
        }
        | ({"corrected": digit.by_hand} if digit.by_hand else {})
        for digit in outcome.digits
    ]
    read = {"text": outcome.text, "angle": round(outcome.angle, 1) % 360.0, "digits": digits}
    return answer | read | ({"note": outcome.notice} if outcome.notice else {})


def _corners(digit: Digit, reading: Reading) -> list[list[int]]:
    """Return where a digit's box lies in the picture as a viewer shows it: x, y, clockwise from its own top left."""
    return [list(corner) for corner in results.corners_as_it_came(digit.box, reading)]


def numbered(name: str, model: str, outcome: Outcome) -> dict[str, Any]:
    """Return a record with `numbers`: which digits stand together, by their places among `digits`."""
    found = [] if isinstance(outcome, PictureError) else _numbers(outcome)
    return record(name, model, outcome) | {"numbers": found}


def _numbers(reading: Reading) -> list[dict[str, Any]]:
    """Return the numbers of a reading, without non-digits."""
    found = []
    for places in numbers.places(reading.digits):
        digits = [reading.digits[place] for place in places]
        if written := numbers.written(digits):
            box = results.as_it_came(glyphs.around([digit.box for digit in digits]), reading)
            sure = round(numbers.confidence(digits), 6)
            row = digits[0].row
            found.append({"row": row, "box": list(box), "text": written, "confidence": sure, "digits": places})
    return found


def as_json(records: Sequence[dict[str, Any]]) -> str:
    """Return records as a JSON list, a record a line."""
    return "[\n" + ",\n".join(json.dumps(each) for each in records) + "\n]\n"


def as_csv(records: Iterable[dict[str, Any]], formulas: bool = False) -> str:
    """Return records with numbers as CSV; see `_table`.

    A name that a spreadsheet would take for a formula is given an apostrophe in front.

    Args:
        records: As `numbered` returns them.
        formulas: Whether a number is written as the formula `="007"`, which a spreadsheet shows as 007; programs do
            not understand it.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for row in _table(records):
        number = row["number_text"]
        kept = {"number_text": f'="{number}"'} if formulas and number else {}
        table.writerow(row | kept | {"file": _no_formula(row["file"])})
    return text.getvalue()


def as_xlsx(records: Iterable[dict[str, Any]]) -> bytes:
    """Return records with numbers as an Excel workbook, made in memory; see `_table`.

    Whatever is not a measured number is text, also where it looks like a number or a formula: `007` stays `007`.
    """
    import xlsxwriter  # here, for most visitors never ask for one

    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        text = book.add_format({"num_format": "@"})  # stays text when a person edits it
        sheet = book.add_worksheet("Readings")
        sheet.freeze_panes(1, 0)
        sheet.ignore_errors({"number_stored_as_text": f"A1:{xlsxwriter.utility.xl_col_to_name(len(COLUMNS))}1048576"})
        sheet.write_row(0, 0, COLUMNS, book.add_format({"bold": True}))
        for place, row in enumerate(_table(records), 1):
            for column, value in enumerate(row.values()):
                if isinstance(value, str):
                    sheet.write_string(place, column, _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value), text)
                elif value is not None:
                    sheet.write_number(place, column, value)
    return stream.getvalue()


def _table(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a row per digit, with COLUMNS; a picture without digits has a row of its own.

    A box is x, y, width and height with spaces between; `likely` is the digits that it takes to be 95 % sure, as in
    `4 or 9`, the digit where a person corrected it, and empty for what is not a digit. `number` counts the picture's
    numbers from 0, and `number_text` is the whole number that the digit stands in.
    """
    for each in records:
        inside = {place: count for count, number in enumerate(each["numbers"]) for place in number["digits"]}
        for place, digit in enumerate(each["digits"] or [{}]):
            cells = each | digit | (_cells(digit) if digit else {})
            if place in inside:
                cells |= {"number": inside[place], "number_text": each["numbers"][inside[place]]["text"]}
            yield {column: cells.get(column) for column in COLUMNS}


def as_text(records: Sequence[dict[str, Any]]) -> str:
    """Return the numbers read, a row a line; of more than one picture each has its name above, a blank line below."""
    if len(records) == 1:
        return _rows(records[0])
    return "\n".join(f"{shown_name(each['file'], 200)}\n{_rows(each)}" for each in records)


def _rows(record: dict[str, Any]) -> str:
    lines = str(record["error"] or numbers.lines((each["row"], each["text"]) for each in record["numbers"]))
    return f"{lines}\n" if lines else ""


def _cells(digit: dict[str, Any]) -> dict[str, str]:
    """Return what a record holds as lists in the form that a table has it."""
    none = digit["flag"] == results.NOT_A_DIGIT
    settled = digit.get("corrected") == edits.CORRECTED
    digits = (digit["digit"],) if settled else results.likely(digit["probabilities"])
    likely = "" if none else results.either(digits)
    return {"box": " ".join(map(str, digit["box"])), "likely": likely}


def _no_formula(name: str) -> str:
    """OWASP's list of what begins a formula: https://owasp.org/www-community/attacks/CSV_Injection."""
    return f"'{name}" if name[:1] in (*"=+-@\t\r\n", *"＝＋－＠") else name
