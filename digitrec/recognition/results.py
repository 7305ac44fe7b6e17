"""What reading a picture gives: digits with their boxes and probabilities, and the steps on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.imaging import ink as imaging_ink
from digitrec.imaging import rotation
from digitrec.recognition.normalize import Box

Floats = NDArray[np.float32]


SURE = 0.95
"""Probability that one digit must have, or several together, to be sure."""

NAMED = 3
"""Digits that `either` names; more would tell nothing."""

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
        punctuation: Whether its place among the others shows that it is a bracket, a slash or a comma: a non-digit too.
        by_hand: "digit" where a person put the answer right, "box" where one drew the box, else None.
        evidence: Logit that the detector finds a digit here, the classifier left out; None where it was not asked.
        trust: Weight of the classifier's rejection score beside `evidence`.
        detected: float32 (10,), what detector and crop classifier say of the digits, as `fusion.seen` returns it; None
            where they were not asked.
        weight: Of the classifier's log probabilities beside `detected`.
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
    punctuation: bool = False
    by_hand: str | None = None
    begins: bool | None = None
    evidence: float | None = None
    trust: float = 0.0
    detected: Floats | None = None
    weight: float = 1.0

    @property
    def likely(self) -> tuple[int, ...]:
        """The fewest digits, most likely first, that together have the probability SURE."""
        return likely(self.probabilities)


class Page:
    """An upright picture and its ink, which is looked for when it is first asked for.

    Attributes:
        picture: The picture, reduced where it is large.
    """

    def __init__(self, picture: Image.Image, ink: Floats | None = None) -> None:
        """Keep a picture, and its ink where it is known: float32 (H, W), 0 paper, 1 ink."""
        self.picture = picture
        if ink is not None:
            self.ink = ink

    @cached_property
    def ink(self) -> Floats:
        """Ink of the picture: float32 (H, W), 0 paper, 1 ink."""
        return imaging_ink.from_picture(self.picture)

    @property
    def in_grey(self) -> Floats:
        """The picture (H, W), 0 white, 1 black; what is transparent is white, or black under light strokes."""
        grey = 1.0 - np.asarray(self.picture.convert("L"), dtype=np.float32) / 255.0
        alpha = self.picture.getchannel("A") if self.picture.mode == "RGBA" else None
        if alpha is None or alpha.getextrema() == (255, 255):
            return grey
        cover = np.asarray(alpha, dtype=np.float32) / 255.0
        ground = 1.0 if (grey * cover).sum() < 0.5 * cover.sum() else 0.0
        return np.asarray(grey * cover + ground * (1.0 - cover), dtype=np.float32)


@dataclass(frozen=True)
class Reading:
    """All that was read in a picture.

    Attributes:
        size: Width and height of the upright picture.
        original: Width and height of the picture as a viewer shows it.
        angle: By how many degrees counter-clockwise it was rotated to be upright, 0.0 to 360.0.
        digits: Row by row, each from left to right; those flagged `not-a-digit` among them.
        page: The upright picture and its ink; None where it is not kept.
        notice: What a person has to know of how it was read, one sentence or two; None for nothing.
    """

    size: tuple[int, int]
    original: tuple[int, int]
    angle: float
    digits: tuple[Digit, ...]
    page: Page | None = None
    notice: str | None = None

    @property
    def ink(self) -> Floats:
        """Ink of the page, float32 (H, W), 0 paper, 1 ink; (0, 0) where the page is not kept."""
        return np.zeros((0, 0), np.float32) if self.page is None else self.page.ink

    @property
    def steps(self) -> tuple[Step, ...]:
        """The page and its ink, where it is kept."""
        if self.page is None:
            return ()
        return (
            Step("Picture", f"The picture in grey, {'upright' if self.angle else 'as it came'}.", self.page.in_grey),
            Step("Ink", "What differs from the paper is ink; shadows, lines and specks are left out.", self.page.ink),
        )

    @property
    def accepted(self) -> tuple[Digit, ...]:
        """The digits without those flagged `not-a-digit`."""
        return tuple(digit for digit in self.digits if digit.flag != NOT_A_DIGIT)

    @property
    def text(self) -> str:
        """The accepted digits, rows separated by `/`."""
        kept = self.accepted
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
    matrix, _ = rotation.rotation(rotated.original, rotated.angle)
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


def scaled(box: Box, size: Sequence[int], other: Sequence[int]) -> Box:
    """Return a box in pixels of another picture of the same.

    Args:
        box: In pixels of the picture.
        size: Width and height of the picture.
        other: Width and height of the other one.
    """
    across, down = other[0] / size[0], other[1] / size[1]
    left, top = round(box.x * across), round(box.y * down)
    right, bottom = round((box.x + box.width) * across), round((box.y + box.height) * down)
    return Box(left, top, max(1, right - left), max(1, bottom - top))


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
