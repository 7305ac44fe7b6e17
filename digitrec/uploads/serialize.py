"""Readings as JSON, CSV and text."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from digitrec.errors import PictureError
from digitrec.recognition import normalize as glyphs
from digitrec.recognition import number_grouping as numbers
from digitrec.recognition import results
from digitrec.recognition.results import Digit, Reading
from digitrec.uploads import corrections as ledgers
from digitrec.uploads.batch import Outcome
from digitrec.uploads.names import shown_name

COLUMNS = (
    *("file", "row", "number", "number_text", "box", "digit", "confidence", "likely", "is_digit", "flag", "corrected"),
    *("model", "error"),
)


def record(name: str, model: str, outcome: Outcome) -> dict[str, Any]:
    """Return a reading as the command line prints it; see contracts.md.

    A box is in pixels of the picture as a viewer shows it. Where the picture was rotated to be read, the box is the
    upright one around the digit, and `corners` says where the digit lies in it.
    What a person changed has one more entry, `corrected`: `digit` where the digit was corrected, `box` where the box
    was drawn.
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
    return answer | {"text": outcome.text, "angle": round(outcome.angle, 1) % 360.0, "digits": digits}


def _corners(digit: Digit, reading: Reading) -> list[list[int]]:
    """Return where a digit's box lies in the picture as a viewer shows it: x, y, clockwise from its own top left."""
    return [list(corner) for corner in results.corners_as_it_came(digit.box, reading)]


def numbered(name: str, model: str, outcome: Outcome) -> dict[str, Any]:
    """Return a record with `numbers`: which digits stand together, by their places among `digits`."""
    found = [] if isinstance(outcome, PictureError) else _numbers(outcome)
    return record(name, model, outcome) | {"numbers": found}


def _numbers(reading: Reading) -> list[dict[str, Any]]:
    """Return the numbers of a reading, without what is no digit."""
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


def as_csv(records: Iterable[dict[str, Any]]) -> str:
    """Return records with numbers as CSV, a digit a line, with COLUMNS; a picture without digits has a line of its own.

    A box is x, y, width and height with spaces between; `likely` is the digits that it takes to be 95 % sure, as in
    `4 or 9`, the digit where a person corrected it, and empty for what is not a digit. `number` counts the picture's
    numbers from 0, and `number_text` is the whole number that the digit stands in. A name that a spreadsheet would
    take for a formula is given an apostrophe in front.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for each in records:
        common = {"file": _no_formula(each["file"]), "model": each["model"], "error": each["error"]}
        inside = {place: count for count, number in enumerate(each["numbers"]) for place in number["digits"]}
        for place, digit in enumerate(each["digits"] or [{}]):
            cells = common | (_cells(digit) if digit else {})
            if place in inside:
                cells |= {"number": inside[place], "number_text": each["numbers"][inside[place]]["text"]}
            table.writerow(digit | cells)
    return text.getvalue()


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
    settled = digit.get("corrected") == ledgers.PUT_RIGHT
    digits = (digit["digit"],) if settled else results.likely(digit["probabilities"])
    likely = "" if none else results.either(digits)
    return {"box": " ".join(map(str, digit["box"])), "likely": likely}


def _no_formula(name: str) -> str:
    """OWASP's list of what begins a formula: https://owasp.org/www-community/attacks/CSV_Injection."""
    return f"'{name}" if name[:1] in (*"=+-@\t\r\n", *"＝＋－＠") else name
