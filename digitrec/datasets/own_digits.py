"""Digits that one person wrote, with their labels, and many variants of each to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitrec.datasets import glyph_bank, mnist, unipen
from digitrec.datasets.unipen import Writing
from digitrec.imaging.augmentation import Augmentation
from digitrec.imaging.warp import distort

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIDE = 140
"""Pixels of the canvas that variants are drawn on, half of the Draw page's: a quarter of the time."""

PIXELS = Augmentation(shift=1.0, turn=8.0, zoom=0.08, shear=0.1, thickness=0.4, elastic=1.0)
"""How glyphs are distorted that have no strokes."""


@dataclass(frozen=True, eq=False)
class OwnDigit:
    """One digit that somebody wrote.

    Attributes:
        glyph: uint8 (28, 28), 0 paper .. 255 ink, as models see it.
        label: 0 to 9.
        strokes: As they were drawn, each float32 (N, 2), x to the right, y down, in any unit; empty for a digit of a
            picture.
    """

    glyph: Bytes
    label: int
    strokes: tuple[Floats, ...] = ()


def variants(digit: OwnDigit, count: int, rng: np.random.Generator) -> Bytes:
    """Return a digit as the same person might have written it at other times: uint8 (count, 28, 28).

    Strokes lean, bend and tremble and are drawn anew with a pen of another width, as the strokes are that `reader`
    learned from. Without strokes the pixels are distorted. The first variant is the digit itself.
    """
    made = [digit.glyph]
    if digit.strokes:
        writing = Writing(str(digit.label), "own", "", digit.strokes)  # no digit of a data set: no national habits
        drawn = (unipen.canvas(unipen.varied(writing, rng), rng, SIDE) for _ in range(count - 1))
        made += [glyph if (glyph := glyph_bank.glyph_of(each)) is not None else digit.glyph for each in drawn]
    elif count > 1:
        glyphs = np.repeat(mnist.glyphs(digit.glyph[None]), count - 1, axis=0)
        made += list(np.rint(255 * distort(glyphs, PIXELS, rng)).astype(np.uint8))
    return np.stack(made[:count])


def folds(labels: Sequence[int], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return for each digit in which of `count` parts it is, (N,); each part has its share of every label."""
    part = np.zeros(len(labels), np.int64)
    following = 0
    for label in range(10):
        places = rng.permutation(np.flatnonzero(np.asarray(labels) == label))
        part[places] = (following + np.arange(len(places))) % count
        following += len(places)
    return part
