"""A batch of pictures: put in order, read one by one, kept small, written down as CSV and JSON."""

import csv
import dataclasses
import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec import ink as inks
from digitrec import pictures
from digitrec import reading as readings
from digitrec.errors import PictureError
from digitrec.glyph import Box
from digitrec.reading import Digit, Reading, Step

KEPT_BYTES = 32 * 2**20
"""Bytes of files that a batch keeps; the readings of the others stay, their steps cannot be shown again."""

THUMBNAIL_SIDE = 120
COPY_SIDE = 1000  # longest side of the copy that is shown with boxes
STEP_SIDE = 264  # pixels; twice what a page gives a step, for sharp screens

COLUMNS = ("file", "row", "box", "digit", "confidence", "likely", "is_digit", "flag", "model", "error")

Outcome = Reading | PictureError
"""What was read in a picture, or why it could not be read."""


class NamedReader(readings.Reader, Protocol):
    """What a batch needs of a model: `predict.Predictor` is one."""

    name: str


class File(NamedTuple):
    """A file as it was chosen: its name, what the page knows it by, its bytes."""

    name: str
    source: str
    data: bytes


class Picture(NamedTuple):
    """A picture of a batch.

    Attributes:
        name: The file's name as it came.
        source: What the page knows the file by.
        key: SHA-256 of its bytes, so that the same file is read once.
    """

    name: str
    source: str
    key: str


class Closeup(NamedTuple):
    """What is shown of one picture.

    Attributes:
        image: A small copy, RGB or RGBA.
        reading: What was read, with steps of at most STEP_SIDE pixels and without ink.
    """

    image: Image.Image
    reading: Reading


class Batch:
    """Pictures in natural order of their names, and what each model reads in them.

    It lives as long as a visit, so it keeps glyphs and answers (about 3 kB a digit), a thumbnail a picture and at
    most KEPT_BYTES of files.

    Attributes:
        pictures: The pictures chosen.
        thumbnails: By a picture's key, a small copy as a data URI.
    """

    def __init__(self) -> None:
        self.pictures: list[Picture] = []
        self.thumbnails: dict[str, str] = {}
        self._kept: dict[str, bytes] = {}
        self._outcomes: dict[tuple[str, bool], dict[str, Outcome]] = {}

    def replace(self, files: Iterable[File]) -> None:
        """Take these files in place of those before; what was read in files that are among both stays."""
        ordered = sorted(files, key=lambda file: natural(file.name))
        self.pictures = [Picture(f.name, f.source, hashlib.sha256(f.data).hexdigest()) for f in ordered]
        keys = {picture.key for picture in self.pictures}
        self.thumbnails = {key: uri for key, uri in self.thumbnails.items() if key in keys}
        self._outcomes = {key: outcome for key, outcome in self._outcomes.items() if key[0] in keys}
        self._kept, room = {}, KEPT_BYTES
        for picture, file in zip(self.pictures, ordered, strict=True):
            if picture.key not in self._kept and len(file.data) <= room:
                self._kept[picture.key] = file.data
                room -= len(file.data)

    def data(self, picture: Picture) -> bytes | None:
        """Return the file's bytes, or None where they are no longer kept."""
        return self._kept.get(picture.key)

    def is_read(self, picture: Picture, single: bool) -> bool:
        """Return whether a model has read it already, so that another one is quick."""
        return (picture.key, single) in self._outcomes

    def outcome(self, picture: Picture, single: bool, reader: NamedReader, data: bytes | None = None) -> Outcome:
        """Return what a model reads in a picture, from memory where it can.

        Args:
            picture: One of the batch.
            single: Whether it is known to hold exactly one digit.
            reader: The model.
            data: The file's bytes, where the page has them; otherwise those kept are used.
        """
        answers = self._outcomes.get((picture.key, single), {})
        if reader.name not in answers:
            found = next(iter(answers.values()), None)
            if isinstance(found, Reading):
                answers[reader.name] = readings.reread(found, reader)
            else:
                data = self.data(picture) if data is None else data
                if data is None:
                    return PictureError("This file is no longer here. Choose it again to read it in this way.")
                answers[reader.name] = found or self._first(picture, data, single, reader)
            self._outcomes[picture.key, single] = answers
        return answers[reader.name]

    def _first(self, picture: Picture, data: bytes, single: bool, reader: NamedReader) -> Outcome:
        try:
            image = inks.open_picture(data)
        except PictureError as error:
            return PictureError(str(error))  # the one raised holds on to the picture through its traceback
        self.thumbnails[picture.key] = _thumbnail(image)
        found = readings.read(image, reader, single)
        nothing = np.zeros((0, 0), np.float32)
        digits = tuple(dataclasses.replace(digit, steps=()) for digit in found.digits)
        return dataclasses.replace(found, ink=nothing, steps=(), digits=digits)


def closeup(data: bytes, single: bool, reader: readings.Reader) -> Closeup:
    """Read a picture again, to show it with its steps.

    Raises:
        PictureError: If it cannot be read.
    """
    image = inks.open_picture(data)
    found = readings.read(image, reader, single)
    digits = tuple(dataclasses.replace(digit, steps=_small(digit.steps)) for digit in found.digits)
    nothing = np.zeros((0, 0), np.float32)
    return Closeup(_copy(image), dataclasses.replace(found, ink=nothing, steps=_small(found.steps), digits=digits))


def on_copy(digits: Sequence[Digit], size: tuple[int, int], copy: tuple[int, int]) -> list[Digit]:
    """Return the digits with their boxes in pixels of a copy.

    Args:
        digits: With boxes in pixels of the picture.
        size: Width and height of the picture.
        copy: Width and height of the copy.
    """
    across, down = copy[0] / size[0], copy[1] / size[1]
    boxes = [
        Box(round(x * across), round(y * down), max(1, round(width * across)), max(1, round(height * down)))
        for x, y, width, height in (digit.box for digit in digits)
    ]
    return [dataclasses.replace(digit, box=box) for digit, box in zip(digits, boxes, strict=True)]


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return a key that orders names as people do: digit2.png before digit10.png."""
    parts = re.split(r"([0-9]+)", name.casefold())
    numbers = [part.lstrip("0") for part in parts[1::2]]
    parts[1::2] = numbers  # of two numbers the longer one is larger; as text, for int refuses very long ones
    return [(len(part) if place % 2 else 0, part) for place, part in enumerate(parts)], name


def shown_name(name: str, longest: int = 60) -> str:
    """Return a file's name on one short line: nothing invisible in it, the middle left out where it is long."""
    plain = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c)[0] in "CZ" and c != " " else c for c in name)
    plain = plain.strip() or "(no name)"
    if len(plain) <= longest:
        return plain
    half = (longest - 1) // 2
    return f"{plain[:half]}…{plain[-half:]}"


def record(name: str, model: str, outcome: Outcome) -> dict[str, Any]:
    """Return a reading as the command line prints it; see contracts.md. Boxes are those of the picture as it came."""
    answer: dict[str, Any] = {"file": name, "model": model, "text": "", "digits": [], "error": None, "turned": 0}
    if isinstance(outcome, PictureError):
        return answer | {"error": str(outcome)}
    digits = [
        {
            "row": digit.row,
            "box": list(readings.as_it_came(digit.box, outcome.size, outcome.turned)),
            "digit": digit.digit,
            "confidence": round(digit.confidence, 6),
            "probabilities": [round(float(p), 6) for p in digit.probabilities],
            "is_digit": round(digit.is_digit, 6),
            "flag": digit.flag,
        }
        for digit in outcome.digits
    ]
    return answer | {"text": outcome.text, "turned": 90 * outcome.turned, "digits": digits}


def as_json(records: Sequence[dict[str, Any]]) -> str:
    """Return records as a JSON list, a record a line."""
    return "[\n" + ",\n".join(json.dumps(each) for each in records) + "\n]\n"


def as_csv(records: Iterable[dict[str, Any]]) -> str:
    """Return records as CSV, a digit a line, with COLUMNS; a picture without digits has a line of its own.

    A box is x, y, width and height with spaces between; `likely` is the digits that it takes to be 95 % sure, as in
    `4 or 9`, and empty for what is no digit. A name that a spreadsheet would take for a formula is given
    an apostrophe in front.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for each in records:
        common = {"file": _no_formula(each["file"]), "model": each["model"], "error": each["error"]}
        for digit in each["digits"] or [{}]:
            table.writerow(digit | common | (_cells(digit) if digit else {}))
    return text.getvalue()


def _cells(digit: dict[str, Any]) -> dict[str, str]:
    """Return what a record holds as lists in the form that a table has it."""
    none = digit["flag"] == readings.NOT_A_DIGIT
    likely = "" if none else readings.either(readings.likely(digit["probabilities"]))
    return {"box": " ".join(map(str, digit["box"])), "likely": likely}


def _no_formula(name: str) -> str:
    """OWASP's list of what begins a formula: https://owasp.org/www-community/attacks/CSV_Injection."""
    return f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t", "\r") else name


def _copy(image: Image.Image) -> Image.Image:
    """Return a copy of at most COPY_SIDE; a tiny picture is enlarged, each of its pixels to a square."""
    factor = 320 // max(image.size)
    if factor > 1:
        return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    return _within(image, COPY_SIDE)


def _thumbnail(image: Image.Image) -> str:
    """Return a small copy, on white where it is transparent, as a data URI."""
    return pictures.jpeg_uri(_within(image, THUMBNAIL_SIDE), quality=80)


def _within(image: Image.Image, side: int) -> Image.Image:
    """Return `image` with its longest side at most `side`."""
    scale = side / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, reducing_gap=2.0)


def _small(steps: Iterable[Step]) -> tuple[Step, ...]:
    return tuple(dataclasses.replace(step, image=_reduced(step.image)) for step in steps)


def _reduced(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (H, W) with its longest side at most STEP_SIDE."""
    scale = STEP_SIDE / max(image.shape)
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
