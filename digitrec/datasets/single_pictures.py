"""Pictures that hold one character, a digit or none -> labelled crops: where the digit is, and where it is not.

The crop classifier learns from them too, for where a digit is alone in its picture it looks for it everywhere; see
`recognition/sliding`.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.datasets import hard_drawings, page_crops, rare_forms, scripts, shapes, unipen
from digitrec.datasets.hard_drawings import Drawing
from digitrec.datasets.page_crops import Crops
from digitrec.datasets.unipen import Writing
from digitrec.imaging import ink
from digitrec.recognition import sliding
from digitrec.recognition.crop_outputs import HEIGHT, NONE
from digitrec.recognition.crops import crop

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

PLAIN, RARE = 0.3, 0.2
"""Shares of the digits that are drawn plainly, and in a rare form; the others are hard to read."""

WITHOUT = 0.35
"""Share of the pictures that hold no digit but a letter, a symbol, a shape or a character of another script."""

OFF = (0.08, 0.2)
"""Standard deviation of the crops around a digit: of their middle, as a share of the digit's longer side, and of the
logarithm of their size."""

AWAY, OTHER_SIZE = 0.6, 2.0
"""From so many longer sides away, or so much larger or smaller, a crop shows no digit."""

ELSEWHERE = 2
"""Crops of other places, per picture."""


@dataclass(frozen=True)
class Single:
    """A picture of one character.

    Attributes:
        image: uint8 (H, W, 3), RGB, as large as in reading.
        box: float32 (4,): x and y of the middle, width and height of the character, in pixels.
        digit: 0 to 9, or NONE.
    """

    image: Bytes
    box: Floats
    digit: int


class SingleMaker:
    """Makes pictures of one part's writers."""

    def __init__(self, part: str, strokes_folder: Path) -> None:
        self._part = part
        self._digits: dict[str, list[Writing]] = defaultdict(list)
        self._others: list[Writing] = []
        for writing in unipen.load(strokes_folder):
            if unipen.part(writing.writer) == part and writing.kind == "digit":
                self._digits[writing.label].append(writing)
            elif unipen.part(writing.writer) == part and writing.label not in unipen.AMBIGUOUS:
                self._others.append(writing)

    def picture(self, rng: np.random.Generator) -> Single:
        """Return a picture.

        Args:
            rng: Source of chance.
        """
        if rng.random() < WITHOUT:
            return _single(self._without(rng), NONE)
        digit = int(rng.integers(10))
        return _single(self._with(str(digit), rng), digit)

    def _with(self, digit: str, rng: np.random.Generator) -> Drawing:
        """Return a picture of a digit, plain or hard to read."""
        writing = unipen.varied(_one_of(self._digits[digit], rng), rng)
        way = rng.random()
        if way < RARE:
            forms = [name for name, form in rare_forms.FORMS.items() if form.digit == digit]
            rare = rare_forms.of(forms[int(rng.integers(len(forms)))], writing, rng) if forms else None
            writing = rare or writing
        if way < RARE + PLAIN:
            return _plain(unipen.picture(writing, rng))
        return _hard(writing, rng)

    def _without(self, rng: np.random.Generator) -> Drawing:
        """Return a picture of what is no digit."""
        way = rng.random()
        if way < 0.15 and scripts.of_part(self._part):
            return _plain(scripts.character(rng, self._part))
        writing = shapes.draw(rng) if way < 0.3 else _one_of(self._others, rng)
        return _hard(writing, rng) if rng.random() < 0.5 else _plain(unipen.picture(writing, rng))


def _one_of(writings: list[Writing], rng: np.random.Generator) -> Writing:
    return writings[int(rng.integers(len(writings)))]


def _hard(writing: Writing, rng: np.random.Generator) -> Drawing:
    """Return a picture in which a character is hard to read."""
    draws = [*hard_drawings.DRAWINGS.values(), *hard_drawings.PHOTOS.values()]
    return draws[int(rng.integers(len(draws)))](writing, rng)


def _plain(picture: Bytes) -> Drawing:
    """Return a drawing, uint8 (H, H, 4), and where its ink is."""
    return Drawing(picture, np.rint(255 * ink.from_canvas(picture)).astype(np.uint8))


def _single(drawn: Drawing, digit: int) -> Single:
    """Return a picture as large as in reading, with the box of its character."""
    image = sliding.reduced(Image.fromarray(drawn.picture))
    columns, rows = (np.flatnonzero((drawn.cover > 96).any(axis=axis)) for axis in (0, 1))
    if not len(columns):
        columns, rows = (np.array([0, side - 1]) for side in drawn.cover.shape[::-1])
    scale = image.shape[1] / drawn.cover.shape[1]
    edges = scale * np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
    box = np.concatenate([(edges[:2] + edges[2:]) / 2, edges[2:] - edges[:2]])
    return Single(image, box.astype(np.float32), digit)


def crops_of(single: Single, rng: np.random.Generator) -> Crops:
    """Return a crop of the character, a little off its place, and some of other places.

    Args:
        single: The picture.
        rng: Source of chance.
    """
    side = float(single.box[2:].max())
    near = single.box.copy()
    near[:2] += OFF[0] * side * rng.standard_normal(2)
    near[2:] *= np.exp(OFF[1] * float(np.clip(rng.standard_normal(), -2.0, 2.0)))
    windows = sliding.windows(single.image.shape[0], single.image.shape[1])
    longer = windows[:, 2:].max(axis=1)
    away = np.hypot(*(windows[:, :2] - single.box[:2]).T) > AWAY * side
    other = np.abs(np.log(longer / side)) > np.log(OTHER_SIZE)
    elsewhere = rng.permutation(np.flatnonzero(away | other))[:ELSEWHERE]
    boxes = [near, *windows[elsewhere]]
    images = [crop(single.image, box, 0.0, page_crops.SIDE, HEIGHT) for box in boxes]
    return Crops(np.stack(images), np.array([single.digit] + [NONE] * len(elsewhere), np.int8))
