"""Picture + predictor -> reading: the digits in their rows, how sure each is, and the steps as pictures."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec import glyph as glyphs
from digitrec import ink as inks
from digitrec.calibration import Answers
from digitrec.glyph import Box, Cut

Floats = NDArray[np.float32]

SURE = 0.95
"""Probability that one digit must have, or several together, to be sure."""

NAMED = 3
"""Digits that `either` names; more would tell nothing."""

UNCERTAIN, NOT_A_DIGIT = "uncertain", "not-a-digit"


class Reader(Protocol):
    """What a reading needs of a model: `predict.Predictor` is one."""

    def answers(self, glyphs: Floats) -> Answers:
        """Return probabilities (N, 10) and is_digit (N,) of glyphs float32 (N, 28, 28), 0 paper, 1 ink."""


@dataclass(frozen=True)
class Step:
    """One picture on the way from the file to the glyph.

    Attributes:
        title: Two or three words.
        caption: One sentence that says what was done and why.
        image: float32 (H, W), 0 paper, 1 ink.
    """

    title: str
    caption: str
    image: Floats


@dataclass(frozen=True)
class Digit:
    """One digit that was found and read.

    Attributes:
        row: Its row, 0 the topmost.
        box: Where it is, in pixels of the upright picture.
        glyph: float32 (28, 28), what the model sees.
        steps: The pictures from the crop to the glyph.
        digit: The answer, 0 to 9.
        confidence: The answer's probability.
        probabilities: float32 (10,).
        is_digit: How sure the model is that it is a digit at all, 0 to 1.
        flag: "not-a-digit" where `is_digit` is below 0.5 or the glyph is blank, "uncertain" where it takes more than
            one digit to be SURE, else None.
    """

    row: int
    box: Box
    glyph: Floats
    steps: tuple[Step, ...]
    digit: int
    confidence: float
    probabilities: Floats
    is_digit: float
    flag: str | None

    @property
    def likely(self) -> tuple[int, ...]:
        """The fewest digits, most likely first, that together have the probability SURE."""
        return likely(self.probabilities)


@dataclass(frozen=True)
class Reading:
    """All that was read in a picture.

    Attributes:
        size: Width and height of the upright picture.
        ink: float32 (H, W), 0 paper, 1 ink; smaller than the picture where that is large.
        digits: Row by row, each from left to right.
        steps: The picture and its ink.
    """

    size: tuple[int, int]
    ink: Floats
    digits: tuple[Digit, ...]
    steps: tuple[Step, ...]

    @property
    def text(self) -> str:
        """The digits, rows separated by `/`, without what is no digit."""
        kept = [d for d in self.digits if d.flag != NOT_A_DIGIT]
        rows = sorted({d.row for d in kept})
        return "/".join("".join(str(d.digit) for d in kept if d.row == row) for row in rows)


def likely(probabilities: Sequence[float] | Floats) -> tuple[int, ...]:
    """Return the fewest digits, most likely first, that together have the probability SURE.

    Args:
        probabilities: Ten.
    """
    order = np.argsort(-np.asarray(probabilities), kind="stable")
    together = np.cumsum(np.asarray(probabilities, np.float64)[order])
    return tuple(int(digit) for digit in order[: 1 + int((together < SURE).sum())])


def either(digits: Sequence[int]) -> str:
    """Return digits as people say them: `4`, `4 or 9`, `4, 9 or 7`; of more than three, `4, 9, 7 or another`."""
    *first, last = [str(digit) for digit in digits] if len(digits) <= NAMED else [*map(str, digits[:NAMED]), "another"]
    return f"{', '.join(first)} or {last}" if first else last


def read(image: Image.Image, predictor: Reader, single: bool = False) -> Reading:
    """Read a picture.

    Args:
        image: An upright picture, as `ink.open_picture` returns it.
        predictor: The model that reads.
        single: Whether the picture is known to hold exactly one digit.
    """
    small = inks.reduced(image)
    return _read(inks.from_picture(small), _in_grey(small), image.size, predictor, single)


def read_canvas(rgba: NDArray[np.uint8], predictor: Reader, single: bool = True) -> Reading:
    """Read what was drawn on a canvas: uint8 (H, W, 4)."""
    picture = _in_grey(Image.fromarray(rgba))
    return _read(inks.from_canvas(rgba), picture, (rgba.shape[1], rgba.shape[0]), predictor, single)


def reread(reading: Reading, predictor: Reader) -> Reading:
    """Return the same boxes and glyphs read by another model."""
    return dataclasses.replace(reading, digits=_answered(reading.digits, predictor))


def _in_grey(image: Image.Image) -> Floats:
    """Return the picture (H, W), 0 white, 1 black; what is transparent is white, or black under light strokes."""
    grey = 1.0 - np.asarray(image.convert("L"), dtype=np.float32) / 255.0
    if image.mode != "RGBA":
        return grey
    cover = np.asarray(image.getchannel("A"), dtype=np.float32) / 255.0
    ground = 1.0 if (grey * cover).sum() < 0.5 * cover.sum() else 0.0
    return np.asarray(grey * cover + ground * (1.0 - cover), dtype=np.float32)


def _read(ink: Floats, picture: Floats, size: tuple[int, int], predictor: Reader, single: bool) -> Reading:
    """Find, cut and answer; `ink` and `picture` may be smaller than `size`."""
    scale = size[0] / ink.shape[1], size[1] / ink.shape[0]
    rows = glyphs.find(ink, single)
    found = [_unanswered(row, box, glyphs.cut(ink, box), scale, size) for row, r in enumerate(rows) for box in r]
    steps = (
        Step("Picture", "The picture in grey, as it came.", picture),
        Step("Ink", "What differs from the paper is ink; shadows, lines and specks are left out.", ink),
    )
    return Reading(size, ink, _answered(tuple(found), predictor), steps)


def _unanswered(row: int, box: Box, cut: Cut, scale: tuple[float, float], size: tuple[int, int]) -> Digit:
    """Return a digit that no model has seen yet."""
    nothing = np.full(10, 0.1, np.float32)
    return Digit(row, _enlarged(box, scale, size), cut.glyph, _steps(cut), 0, 0.1, nothing, 0.0, NOT_A_DIGIT)


def _enlarged(box: Box, scale: tuple[float, float], size: tuple[int, int]) -> Box:
    """Return a box of the ink in pixels of the upright picture."""
    left, top = int(box.x * scale[0]), int(box.y * scale[1])
    right = min(size[0], round((box.x + box.width) * scale[0]))
    bottom = min(size[1], round((box.y + box.height) * scale[1]))
    return Box(left, top, max(1, right - left), max(1, bottom - top))


def _steps(cut: Cut) -> tuple[Step, ...]:
    return (
        Step("Cropped", "The digit alone, cut out along its edges.", cut.crop),
        Step("Stroke width", "Strokes are made as wide as the pens that MNIST was written with.", cut.stroke),
        Step("20 x 20", "The longest side is scaled to 20 pixels, as in MNIST.", cut.scaled),
        Step("Centred", "The centre of mass is put in the middle of 28 x 28: this is what the model sees.", cut.glyph),
    )


def _answered(digits: tuple[Digit, ...], predictor: Reader) -> tuple[Digit, ...]:
    """Return the digits with the model's answers."""
    if not digits:
        return ()
    probabilities, is_digit = predictor.answers(np.stack([digit.glyph for digit in digits]))
    return tuple(
        dataclasses.replace(digit, **_answer(digit.glyph, shares, float(score)))
        for digit, shares, score in zip(digits, probabilities, is_digit, strict=True)
    )


def _answer(glyph: Floats, probabilities: Floats, is_digit: float) -> dict[str, Any]:
    """Return the fields of `Digit` that a model decides."""
    best = int(probabilities.argmax())
    flag = None if len(likely(probabilities)) == 1 else UNCERTAIN
    if is_digit < 0.5 or not glyph.any():
        flag = NOT_A_DIGIT
    answer = {"digit": best, "confidence": float(probabilities[best]), "probabilities": probabilities}
    return answer | {"is_digit": is_digit, "flag": flag}
