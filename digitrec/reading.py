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
from digitrec import order as orders
from digitrec import sheet
from digitrec.calibration import Answers
from digitrec.distort import turned as tilted
from digitrec.errors import PictureError
from digitrec.glyph import Box, Cut
from digitrec.recognition import candidates, fusion, shipped
from digitrec.recognition.candidates import Candidate, Found
from digitrec.sheet import Mark
from digitrec.sheet import Reader as Reader  # what a reading needs of a model, for those who call it

Floats = NDArray[np.float32]

SURE = 0.95
"""Probability that one digit must have, or several together, to be sure."""

TILT = 8.0
"""Degrees by which a digit in doubt is turned to each side; of 5, 8 and 11 it mends most held-out UNIPEN digits."""

NAMED = 3
"""Digits that `either` names; more would tell nothing."""

MOST_DRAWN = 4 * 2048**2
"""Values of a drawing, four a pixel: Draw's canvases have 0.3 and 0.9 million."""

NO_DETECTOR = (
    "The digit detector is missing or damaged, so only the strokes of plain drawings are found reliably. "
    "Get a fresh copy of the project."
)

UNCERTAIN, NOT_A_DIGIT = "uncertain", "not-a-digit"


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
        sign: Whether its place among the others says that it is a bracket, a slash or a comma: no digit either.
        by_hand: "digit" where a person put the answer right, "box" where one drew the box, else None.
        evidence: Logit that the detector finds a digit here, the classifier left out; None where it was not asked.
        trust: Weight of the classifier's rejection score beside `evidence`.
        detected: float32 (10,), the detector's log probabilities of the digits; None where it was not asked.
        begins: Whether a person said that a number begins with it, or that it goes on with the one before it; None
            where nobody did.
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
    sign: bool = False
    by_hand: str | None = None
    begins: bool | None = None
    evidence: float | None = None
    trust: float = 0.0
    detected: Floats | None = None

    @property
    def likely(self) -> tuple[int, ...]:
        """The fewest digits, most likely first, that together have the probability SURE."""
        return likely(self.probabilities)


@dataclass(frozen=True)
class Reading:
    """All that was read in a picture.

    Attributes:
        size: Width and height of the upright picture.
        original: Width and height of the picture as a viewer shows it.
        angle: By how many degrees counter-clockwise it was rotated to be upright, 0.0 to 360.0.
        ink: float32 (H, W), 0 paper, 1 ink, of the upright picture; smaller where that is large.
        digits: Row by row, each from left to right; those flagged `not-a-digit` among them.
        steps: The picture and its ink.
        notice: What a person has to know of how it was read, one sentence or two; None for nothing.
    """

    size: tuple[int, int]
    original: tuple[int, int]
    angle: float
    ink: Floats
    digits: tuple[Digit, ...]
    steps: tuple[Step, ...]
    notice: str | None = None

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


def read(
    image: Image.Image,
    predictor: Reader,
    single: bool = False,
    finder: Reader | None = None,
    angle: float | None = None,
) -> Reading:
    """Read a picture.

    Args:
        image: A picture, as `ink.open_picture` returns it.
        predictor: The model that reads.
        single: Whether the picture is known to hold exactly one digit, upright.
        finder: The model that finds the digits; the one that reads unless given.
        angle: By how many degrees counter-clockwise it is upright; found out unless given.
    """
    finder = finder or predictor
    detector = shipped.available()
    if detector is None:
        notice = None if single else NO_DETECTOR
        return _read(dataclasses.replace(inked(image, angle or 0.0), notice=notice), predictor, single, finder)
    plain = candidates.is_plain(image)
    if plain:
        drawing = inked(image, angle or 0.0)
        if single or not candidates.needs_detector(drawing.ink):
            return _read(drawing, predictor, single, finder)
    found = candidates.find(image, finder, detector, (angle or 0.0) if single else angle, plain=plain)
    blank = _inked(image, found.angle, found.ink)
    reading = _settled(blank, candidates.scaled(found, blank.size), predictor)
    return _likeliest(reading) or _read(blank, predictor, True, finder) if single else reading


def _likeliest(reading: Reading) -> Reading | None:
    """Return a reading with the likeliest of its digits alone, or None where there is none."""
    digit = max(reading.digits, key=lambda digit: digit.is_digit, default=None)
    if digit is None or digit.flag == NOT_A_DIGIT:
        return None
    return dataclasses.replace(reading, digits=(dataclasses.replace(digit, row=0),))


def inked(image: Image.Image, angle: float) -> Reading:
    """Return a picture's ink and its steps, as `read` does, with no digit looked for."""
    return _inked(image, angle, inks.from_picture(inks.rotated(inks.reduced(image), angle)))


def upright(image: Image.Image, angle: float) -> Image.Image:
    """Return `image` rotated counter-clockwise by degrees, as large as it needs to be, corners in its median colour."""
    return inks.rotated(image, angle)


def _inked(image: Image.Image, angle: float, ink: Floats) -> Reading:
    """Return an upright picture with its ink, without digits."""
    size = inks.rotation(image.size, angle)[1]
    picture = _in_grey(inks.rotated(inks.reduced(image), angle))
    steps = (
        Step("Picture", "The picture in grey, as it came." if not angle else "The picture in grey, upright.", picture),
        Step("Ink", "What differs from the paper is ink; shadows, lines and specks are left out.", ink),
    )
    return Reading(size, image.size, angle % 360.0, ink, (), steps)


def _settled(blank: Reading, found: Found, predictor: Reader) -> Reading:
    """Return a reading with the digits among the candidates in reading order, the rejected ones beside them."""
    digits = _asked(tuple(_from_candidate(each) for each in found.candidates), predictor)
    accepted = [digit for digit in digits if digit.flag != NOT_A_DIGIT]
    rejected = [digit for digit in digits if digit.flag == NOT_A_DIGIT]
    rows = [[accepted[place] for place in row] for row in orders.order([digit.box for digit in accepted])]
    levels = [float(np.mean([_middle(digit.box) for digit in row])) for row in rows]
    for digit in rejected:
        nearest = int(np.argmin([abs(level - _middle(digit.box)) for level in levels])) if levels else 0
        if rows:
            rows[nearest].append(digit)
        else:
            rows.append([digit])
    ordered = [
        dataclasses.replace(digit, row=number)
        for number, row in enumerate(rows)
        for digit in sorted(row, key=lambda digit: digit.box.x)
    ]
    return dataclasses.replace(blank, digits=tuple(ordered))


def _middle(box: Box) -> float:
    return box.y + box.height / 2


def _from_candidate(candidate: Candidate) -> Digit:
    """Return a candidate as a digit that no model has seen yet."""
    blank = _unanswered(0, Mark(candidate.box, candidate.cut), (1.0, 1.0), (2**31, 2**31))
    return dataclasses.replace(blank, evidence=candidate.evidence, trust=candidate.trust, detected=candidate.detected)


def read_canvas(
    rgba: NDArray[np.uint8], predictor: Reader, single: bool = True, finder: Reader | None = None
) -> Reading:
    """Read what was drawn on a canvas, uint8 (H, W, 4); see `read`.

    Raises:
        PictureError: If a browser sent something else, or far more than a canvas holds.
    """
    if rgba.ndim != 3 or rgba.shape[2] != 4 or rgba.dtype != np.uint8 or not 0 < rgba.size <= MOST_DRAWN:
        raise PictureError(f"The drawing is damaged. Clear the canvas and draw again. Received: {rgba.shape}")
    return _read(_inked(Image.fromarray(rgba), 0.0, inks.from_canvas(rgba)), predictor, single, finder or predictor)


def reread(reading: Reading, predictor: Reader) -> Reading:
    """Return the same boxes and glyphs read by another model."""
    return dataclasses.replace(reading, digits=_asked(reading.digits, predictor))


class Rotated(Protocol):
    """A picture that was rotated to be upright: a `Reading` is one."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        ...

    @property
    def original(self) -> tuple[int, int]:
        """Width and height of the picture as it came."""
        ...

    @property
    def angle(self) -> float:
        """By how many degrees counter-clockwise it was rotated."""
        ...


def corners_as_it_came(box: Box, rotated: Rotated) -> tuple[tuple[int, int], ...]:
    """Return a box's corners in pixels of the picture as it came, from the digit's own top left clockwise.

    Args:
        box: In pixels of the upright picture.
        rotated: How the picture was rotated.
    """
    right, bottom = box.x + box.width, box.y + box.height
    upright_corners = np.array([(box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom)], np.float64)
    matrix, _ = inks.rotation(rotated.original, rotated.angle)
    corners = (upright_corners - matrix[:, 2]) @ matrix[:, :2]  # a rotation's inverse is its transpose
    return tuple((round(float(x)), round(float(y))) for x, y in corners)


def as_it_came(box: Box, rotated: Rotated) -> Box:
    """Return the upright box around a digit in pixels of the picture as it came.

    Args:
        box: In pixels of the upright picture.
        rotated: How the picture was rotated.
    """
    corners = np.array(corners_as_it_came(box, rotated))
    left, top = np.clip(corners.min(axis=0), 0, rotated.original)
    right, bottom = np.clip(corners.max(axis=0), 0, rotated.original)
    return Box(int(left), int(top), max(1, int(right - left)), max(1, int(bottom - top)))


def _in_grey(image: Image.Image) -> Floats:
    """Return the picture (H, W), 0 white, 1 black; what is transparent is white, or black under light strokes."""
    grey = 1.0 - np.asarray(image.convert("L"), dtype=np.float32) / 255.0
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    if alpha is None or alpha.getextrema() == (255, 255):
        return grey
    cover = np.asarray(alpha, dtype=np.float32) / 255.0
    ground = 1.0 if (grey * cover).sum() < 0.5 * cover.sum() else 0.0
    return np.asarray(grey * cover + ground * (1.0 - cover), dtype=np.float32)


def _read(blank: Reading, predictor: Reader, single: bool, finder: Reader) -> Reading:
    """Find, cut and answer the digits of a reading that has none yet and is upright."""
    rows = _only(blank.ink) if single else sheet.find(blank.ink, finder)
    return _answered(blank, rows, predictor, finder)


def _answered(blank: Reading, rows: list[list[Mark]], predictor: Reader, finder: Reader) -> Reading:
    """Return a reading with its digits and their answers; its ink may be smaller than the picture.

    What the model said while it found the digits is not asked again.
    """
    ink, size = blank.ink, blank.size
    scale = size[0] / ink.shape[1], size[1] / ink.shape[0]
    marks = [(row, mark) for row, some in enumerate(rows) for mark in some]
    digits = tuple(_unanswered(row, mark, scale, size) for row, mark in marks)
    said = [mark.said for _, mark in marks if mark.said is not None and predictor is finder]
    known = None
    if said and len(said) == len(digits):
        known = Answers(np.stack([shares for shares, _ in said]), np.array([score for _, score in said], np.float32))
    return dataclasses.replace(blank, digits=_asked(digits, predictor, known))


def _only(ink: Floats) -> list[list[Mark]]:
    """Return all ink as the one digit of a picture."""
    box = glyphs.only(ink)
    return [[Mark(box, glyphs.cut(ink, box))]] if box else []


def _unanswered(row: int, mark: Mark, scale: tuple[float, float], size: tuple[int, int]) -> Digit:
    """Return a digit that no model has seen yet."""
    nothing, box, cut = np.full(10, 0.1, np.float32), enlarged(mark.box, scale, size), mark.cut
    return Digit(row, box, cut.glyph, cut_steps(cut), 0, 0.1, nothing, 0.0, NOT_A_DIGIT, mark.sign)


def enlarged(box: Box, scale: tuple[float, float], size: tuple[int, int]) -> Box:
    """Return a box of the ink in pixels of the upright picture.

    Args:
        box: In pixels of the ink.
        scale: Pixels of the picture a pixel of the ink, across and down.
        size: Width and height of the picture.
    """
    left, top = int(box.x * scale[0]), int(box.y * scale[1])
    right = min(size[0], round((box.x + box.width) * scale[0]))
    bottom = min(size[1], round((box.y + box.height) * scale[1]))
    return Box(left, top, max(1, right - left), max(1, bottom - top))


def cut_steps(cut: Cut) -> tuple[Step, ...]:
    """Return the pictures from the crop to the glyph, each with what was done."""
    return (
        Step("Cropped", "The digit alone, cut out along its edges.", cut.crop),
        Step("Stroke width", "Strokes are made as wide as the pens that MNIST was written with.", cut.stroke),
        Step("20 x 20", "The longest side is scaled to 20 pixels, as in MNIST.", cut.scaled),
        Step("Centred", "The centre of mass is put in the middle of 28 x 28: this is what the model sees.", cut.glyph),
    )


def _asked(digits: tuple[Digit, ...], predictor: Reader, known: Answers | None = None) -> tuple[Digit, ...]:
    """Return the digits with the model's answers, those in doubt looked at again.

    Args:
        digits: The digits.
        predictor: The model.
        known: What it says of their glyphs, where it was asked before.
    """
    if not digits:
        return ()
    seen = np.stack([digit.glyph for digit in digits])
    said = second_look(seen, predictor.answers(seen) if known is None else known, predictor)
    said = _fused(digits, said)
    return tuple(
        dataclasses.replace(digit, **_answer(digit, shares, float(score)))
        for digit, shares, score in zip(digits, said.probabilities, said.is_digit, strict=True)
    )


def _fused(digits: tuple[Digit, ...], said: Answers) -> Answers:
    """Return the answers with what the detector says of those digits that it was asked of."""
    probabilities, is_digit = said.probabilities.copy(), said.is_digit.copy()
    for place, digit in enumerate(digits):
        if digit.evidence is not None and digit.detected is not None:
            is_digit[place] = fusion.is_digit(digit.evidence, digit.trust, is_digit[place])
            probabilities[place] = fusion.classes(probabilities[place][None], digit.detected[None])[0]
    return Answers(probabilities, is_digit)


def in_doubt(said: Answers) -> NDArray[np.bool_]:
    """Return which of N answers (N,) are of a digit, but no one digit has the probability SURE."""
    return np.asarray((said.probabilities.max(axis=1) < SURE) & (said.is_digit >= sheet.DIGIT))


def second_look(seen: Floats, said: Answers, predictor: Reader) -> Answers:
    """Return answers in which a digit that is in doubt was looked at again, turned by TILT to each side.

    The three answers count alike: what the net computed is averaged before the softmax. What is sure stays as it is,
    and so does what is no digit.

    Args:
        seen: float32 (N, 28, 28), the glyphs.
        said: What the model says of them.
        predictor: The model.
    """
    doubted = in_doubt(said)
    if not doubted.any():
        return said
    sides = np.concatenate([tilted(seen[doubted], degrees) for degrees in (-TILT, TILT)])
    looks = np.stack([said.probabilities[doubted], *np.split(predictor.answers(sides).probabilities, 2)])
    logarithms = np.log(np.maximum(looks, np.finfo(np.float32).tiny)).mean(axis=0)
    shares = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    probabilities = said.probabilities.copy()
    probabilities[doubted] = shares / shares.sum(axis=1, keepdims=True)
    return Answers(probabilities, said.is_digit)


def _answer(digit: Digit, probabilities: Floats, is_digit: float) -> dict[str, Any]:
    """Return the fields of `Digit` that a model decides."""
    best = int(probabilities.argmax())
    flag = None if len(likely(probabilities)) == 1 else UNCERTAIN
    if is_digit < sheet.DIGIT or digit.sign or not (digit.glyph.any() or digit.detected is not None):
        flag = NOT_A_DIGIT
    answer = {"digit": best, "confidence": float(probabilities[best]), "probabilities": probabilities}
    return answer | {"is_digit": is_digit, "flag": flag}
