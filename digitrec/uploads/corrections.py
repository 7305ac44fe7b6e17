"""A picture's digits as annotations: each with its box, what models read in it, and a person's correction.

Annotations are a value: each change gives new ones that remember those before. What a person settled stays
whatever model reads.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.errors import PictureError
from digitrec.recognition import normalize as glyphs
from digitrec.recognition import pipeline, reading_order
from digitrec.recognition.connected_parts import Reader
from digitrec.recognition.normalize import Box, Cut
from digitrec.recognition.results import NOT_A_DIGIT, Digit, Reading

Floats = NDArray[np.float32]

NO_DIGIT = -1
"""A person's answer for a non-digit; 0 to 9 for a digit."""

CORRECTED, BOXED = "digit", "box"
"""What was done by hand: see `Digit.by_hand`."""

MOST_UNDONE = 50
"""Changes that are remembered."""


@dataclass(frozen=True, eq=False)
class Entry:
    """One candidate of a picture.

    Attributes:
        digit: Its row, box and glyph; what models predict is in `predictions`.
        crop: Its own ink as a PNG file, from which the glyph was made.
        predictions: By a model's name, what it reads.
        truth: What a person says that it is, 0 to 9 or NO_DIGIT; None where nobody said.
    """

    digit: Digit
    crop: bytes
    predictions: Mapping[str, Digit] = field(default_factory=dict)
    truth: int | None = None

    @property
    def box(self) -> Box:
        """Where it is, in pixels of the upright picture."""
        return self.digit.box

    def cut(self) -> Cut:
        """Return the pictures from the crop to the glyph."""
        crop = unpacked(self.crop)
        return replace(glyphs.cut(crop, Box(0, 0, crop.shape[1], crop.shape[0])), crop=crop, glyph=self.digit.glyph)


@dataclass(frozen=True, eq=False)
class Annotations:
    """All candidates of a picture, row by row, each from left to right.

    Attributes:
        size: Width and height of the upright picture, which boxes refer to.
        original: Width and height of the picture as a viewer shows it.
        angle: Degrees counter-clockwise by which the picture was rotated to be upright, 0.0 to 360.0.
        entries: The candidates: digits, and what was taken for none.
        before: The annotations before each change, the last one last; they have none before them.
        notice: A sentence to show above the reading, or None.
    """

    size: tuple[int, int]
    original: tuple[int, int]
    angle: float
    entries: tuple[Entry, ...]
    before: "tuple[Annotations, ...]" = ()
    notice: str | None = None


def of(reading: Reading) -> Annotations:
    """Return the annotations of a reading with its steps, as `reading.read` returns it; its answers are left out."""
    entries = tuple(map(_entry, reading.digits))
    return Annotations(reading.size, reading.original, reading.angle, entries, notice=reading.notice)


def after(annotations: Annotations, before: Annotations) -> Annotations:
    """Return annotations made anew, with which the one before it comes back when it is undone."""
    return replace(annotations, before=_past(before))


def answered(annotations: Annotations, name: str, reader: Reader) -> Annotations:
    """Return the annotations with what a model reads in the candidates that it has not read yet."""
    unread = [entry for entry in annotations.entries if name not in entry.predictions]
    if not unread:
        return annotations
    blank = _reading(annotations, tuple(entry.digit for entry in unread))
    new = dict(zip(map(id, unread), pipeline.reread(blank, reader).digits, strict=True))
    entries = tuple(
        replace(entry, predictions={**entry.predictions, name: new[id(entry)]}) if id(entry) in new else entry
        for entry in annotations.entries
    )
    return replace(annotations, entries=entries)


def reading(annotations: Annotations, name: str) -> Reading:
    """Return what the model of this name reads, with a person's corrections; without ink and steps."""
    return _reading(annotations, tuple(_settled(entry, entry.predictions[name]) for entry in annotations.entries))


def _reading(annotations: Annotations, digits: tuple[Digit, ...]) -> Reading:
    """Return a reading of the picture with these digits; without ink and steps."""
    return Reading(annotations.size, annotations.original, annotations.angle, digits, notice=annotations.notice)


def left_out(annotations: Annotations, name: str) -> frozenset[int]:
    """Return the places of the candidates that the model of this name rejects; what a person touched is none of them.

    Args:
        annotations: The annotations.
        name: The model; what it has not read yet counts as a digit.
    """
    return frozenset(
        place
        for place, entry in enumerate(annotations.entries)
        if entry.truth is None
        and entry.digit.by_hand is None
        and (predicted := entry.predictions.get(name)) is not None
        and predicted.flag == NOT_A_DIGIT
    )


def _settled(entry: Entry, predicted: Digit) -> Digit:
    """Return an entry's digit: a person's answer where there is one, else what a model said."""
    now = replace(predicted, row=entry.digit.row, by_hand=entry.digit.by_hand, begins=entry.digit.begins)
    if entry.truth is None:
        return now
    if entry.truth == NO_DIGIT:
        return replace(now, flag=NOT_A_DIGIT, by_hand=CORRECTED)
    confidence = float(predicted.probabilities[entry.truth])
    return replace(now, digit=entry.truth, confidence=confidence, flag=None, by_hand=CORRECTED)


def corrected(annotations: Annotations, place: int, truth: int | None) -> Annotations:
    """Return the annotations with the digit at a place corrected.

    Args:
        annotations: The annotations.
        place: Which entry.
        truth: 0 to 9, NO_DIGIT, or None to leave it to the models again.
    """
    entries = list(annotations.entries)
    if entries[place].truth == truth:
        return annotations
    entries[place] = replace(entries[place], truth=truth)
    return replace(annotations, entries=tuple(entries), before=_past(annotations))


def renumbered(annotations: Annotations, places: Sequence[int], number: str) -> Annotations:
    """Return the annotations with all digits of a number corrected at once.

    Args:
        annotations: The annotations.
        places: The number's entries, from left to right.
        number: What it is, as it was typed; spaces in it count for nothing.

    Raises:
        PictureError: If it is no number, or has more or fewer digits than there are entries.
    """
    digits = "".join(number.split())
    if not (digits.isascii() and digits.isdigit()):
        raise PictureError(f"A number is made of the digits 0 to 9. Received: {number.strip()[:40] or 'nothing'}.")
    if len(digits) != len(places):
        raise PictureError(
            f"Digits found in this number: {len(places)}. Digits typed: {len(digits)}, {digits[:40]}. "
            "Make both the same: delete, join, split or add boxes first."
        )
    entries = list(annotations.entries)
    for place, digit in zip(places, digits, strict=True):
        entries[place] = replace(entries[place], truth=int(digit))
    if all(new.truth == old.truth for new, old in zip(entries, annotations.entries, strict=True)):
        return annotations
    return replace(annotations, entries=tuple(entries), before=_past(annotations))


def parted(annotations: Annotations, place: int, begins: bool) -> Annotations:
    """Return the annotations with a number that begins with an entry, or goes on with it; see `number.places`.

    Args:
        annotations: The annotations.
        place: Which entry, one with another before it in its row.
        begins: Whether it is the first digit of a number.
    """
    entries = list(annotations.entries)
    entry = entries[place]
    if entry.digit.begins == begins:
        return annotations
    entries[place] = replace(entry, digit=replace(entry.digit, begins=begins))
    return replace(annotations, entries=tuple(entries), before=_past(annotations))


def deleted(annotations: Annotations, places: Collection[int]) -> Annotations:
    """Return the annotations without the entries at these places."""
    kept = [entry for place, entry in enumerate(annotations.entries) if place not in places]
    return _changed(annotations, kept)


def to_join(annotations: Annotations, places: Collection[int]) -> Box:
    """Return the box around the entries at these places.

    Raises:
        PictureError: If there are fewer than two.
    """
    if len(places) < 2:
        raise PictureError("To join candidates, select two or more of them.")
    return glyphs.around([annotations.entries[place].box for place in places])


def joined(annotations: Annotations, places: Collection[int], one: Digit) -> Annotations:
    """Return the annotations with the entries at these places made one.

    Args:
        annotations: The annotations.
        places: Which entries.
        one: The digit in the box around them, as `by_hand.digit` returns it.
    """
    kept = [entry for place, entry in enumerate(annotations.entries) if place not in places]
    return _changed(annotations, [*kept, _boxed(one)])


def split(annotations: Annotations, place: int, parts: Sequence[Digit]) -> Annotations:
    """Return the annotations with other entries in place of one.

    Args:
        annotations: The annotations.
        place: Which entry.
        parts: The digits that touch in it, as `by_hand.parts` returns them.
    """
    entries = annotations.entries
    return _changed(annotations, [*entries[:place], *map(_boxed, parts), *entries[place + 1 :]])


def added(annotations: Annotations, one: Digit) -> Annotations:
    """Return the annotations with one more entry, a digit as `by_hand.digit` returns it."""
    return _changed(annotations, [*annotations.entries, _boxed(one)])


def undone(annotations: Annotations) -> Annotations:
    """Return the annotations before the last change, or the same where there was none."""
    return replace(annotations.before[-1], before=annotations.before[:-1]) if annotations.before else annotations


def packed(ink: Floats) -> bytes:
    """Return ink (H, W), 0 paper, 1 ink, as a PNG file of 256 tones."""
    _, png = cv2.imencode(".png", np.rint(np.clip(ink, 0.0, 1.0) * 255.0).astype(np.uint8))
    return png.tobytes()


def unpacked(png: bytes) -> Floats:
    """Return the ink of a file that `packed` made."""
    tones = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert tones is not None
    return np.asarray(tones, np.float32) / np.float32(255.0)


def _boxed(digit: Digit) -> Entry:
    """Return an entry for a box by hand, which no model has read yet."""
    return _entry(replace(digit, by_hand=BOXED))


def _entry(digit: Digit) -> Entry:
    """Return an entry for a digit with its steps, which no model has read yet."""
    return Entry(replace(digit, steps=()), packed(digit.steps[0].image))


def _changed(annotations: Annotations, entries: Sequence[Entry]) -> Annotations:
    """Return the annotations with other entries, put in rows."""
    rows = reading_order.order([entry.box for entry in entries])
    placed = [
        replace(entries[place], digit=replace(entries[place].digit, row=row))
        for row, places in enumerate(rows)
        for place in places
    ]
    return replace(annotations, entries=tuple(placed), before=_past(annotations))


def _past(annotations: Annotations) -> tuple[Annotations, ...]:
    """Return what a change of this annotations can be undone to."""
    return (*annotations.before, replace(annotations, before=()))[-MOST_UNDONE:]
