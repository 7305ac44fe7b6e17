"""Connected strokes of a drawing as candidates for digits, and what a classifier says of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.imaging.components import connected_components, dilated, thickness
from digitrec.recognition import normalize
from digitrec.recognition.calibration import Answers
from digitrec.recognition.normalize import EDGE, Box, Cut

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]


DIGIT = 0.5
"""`is_digit` from which a segment is a digit."""

FAINT = 0.25
"""Ink above which a pixel belongs to a part: strokes that fade stay whole."""

SPECK, DOT = 0.03, 0.12
"""Sizes of a part, as shares of the largest and of the usual one, below which it is a speck and a dot."""

SMALLEST = 3
"""Pixels of a part's longer side below which it is a speck in any picture: noise has hundreds of them."""

MOST_STROKES = 12
"""Parts that are tried as one digit at once."""


class Reader(Protocol):
    """What finding and reading need of a model: `classifier.Predictor` is one."""

    def answers(self, glyphs: Floats) -> Answers:
        """Return probabilities (N, 10) and is_digit (N,) of glyphs float32 (N, 28, 28), 0 paper, 1 ink."""
        ...


class Segment(NamedTuple):
    """A digit, or what may be one.

    Attributes:
        box: Where it is, in pixels of the ink.
        cut: The glyph and the pictures on the way to it.
        punctuation: Whether its place among the others shows that it is a non-digit: a bracket, a slash, a comma.
        answer: What the reader that found it says of its glyph: probabilities (10,) and is_digit, where it was asked.
    """

    box: Box
    cut: Cut
    punctuation: bool = False
    answer: tuple[Floats, float] | None = None


@dataclass(frozen=True, eq=False)
class Candidate:
    """Parts taken for one digit: their box, ink, glyph and what the reader says."""

    box: Box
    own: Floats  # the ink in the box with a pixel of margin, other parts left out
    cut: Cut
    ink: float
    is_digit: float = 0.0
    probabilities: Floats = field(default_factory=lambda: np.zeros(10, np.float32))  # none before it is read
    digit: int = 0
    confidence: float = 0.0

    @property
    def sure(self) -> float:
        """How likely it is this very digit."""
        return self.is_digit * self.confidence

    @property
    def value(self) -> float:
        """The ink that it explains."""
        return self.ink * self.sure


def part_crops(ink: Floats) -> list[tuple[Box, Floats]]:
    """Return the connected parts of the ink, the largest first: their boxes, and their own ink with a margin."""
    labels, stats = _with_dots(ink > FAINT)
    sizes = stats[1:, 2:4].max(axis=1, initial=0)
    large = np.argsort(-sizes, kind="stable")[: normalize.MOST_PARTS]
    large = large[(sizes[large] > SPECK * sizes.max(initial=0)) & (sizes[large] >= SMALLEST)] + 1
    return [(box, _own(ink, labels, int(i), box)) for i in large for box in [Box(*(int(v) for v in stats[i, :4]))]]


def _with_dots(inside: Mask) -> tuple[Ints, Ints]:
    """Return the parts of the ink as `parts` does, dots joined to what is next to them: a hair's line is dotted."""
    labels, stats = connected_components(inside)
    sizes = stats[1:, 2:4].max(axis=1, initial=0)
    usual = typical_height(np.asarray(sizes, np.float64)) if len(sizes) else 0.0
    dots = np.concatenate([[False], sizes < DOT * usual])
    reach = int(0.03 * usual)
    if not dots.any() or not reach:
        return labels, stats
    grown_dots = cv2.dilate(dots.take(labels).astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    labels, stats = connected_components(inside | (grown_dots > 0))
    labels[~inside] = 0
    return labels, stats


def _own(ink: Floats, labels: Ints, part: int, box: Box) -> Floats:
    """Return the ink of one part, (height + 2, width + 2), with its soft edge."""
    near = window(labels, box)
    mine = dilated(near == part) & ((near == part) | (near == 0))
    return np.where(mine, window(ink, box), np.float32(0.0)).astype(np.float32)


def window(picture: NDArray[Any], box: Box) -> NDArray[Any]:
    """Return `picture` (H, W) in a box and one pixel around it, 0 beyond its edges."""
    top, left = max(0, box.y - 1), max(0, box.x - 1)
    bottom, right = box.y + box.height + 1, box.x + box.width + 1
    height, width = picture.shape
    beyond = ((top - box.y + 1, max(0, bottom - height)), (left - box.x + 1, max(0, right - width)))
    return np.pad(picture[top:bottom, left:right], beyond)


def make_candidate(box: Box, own: Floats) -> Candidate:
    """Return a candidate, not yet classified, of the ink within a box; `own` has one empty pixel around it."""
    made = normalize.cut(own, Box(1, 1, box.width, box.height))
    return Candidate(box, own, made, float(np.count_nonzero(own > EDGE)))


def classified(candidates: Sequence[Candidate], reader: Reader) -> list[Candidate]:
    """Return the candidates with what the reader says of them."""
    if not candidates:
        return []
    answers = reader.answers(np.stack([candidate.cut.glyph for candidate in candidates]))
    best = answers.probabilities.argmax(axis=1)
    return [
        replace(c, is_digit=float(score), probabilities=shares, digit=int(digit), confidence=float(shares[digit]))
        for c, shares, score, digit in zip(candidates, answers.probabilities, answers.is_digit, best, strict=True)
    ]


def union(some: Iterable[Candidate], bridged: bool = False) -> Candidate:
    """Return candidates taken for one; where they are to be bridged, with strokes over the gaps between them."""
    some = list(some)
    box = normalize.around([c.box for c in some])
    own = np.zeros((box.height + 2, box.width + 2), np.float32)
    for c in some:
        left, top = c.box.x - box.x, c.box.y - box.y
        place = own[top : top + c.own.shape[0], left : left + c.own.shape[1]]
        np.maximum(place, c.own, out=place)
    if not bridged:
        return make_candidate(box, own)
    written = float(np.count_nonzero(own > EDGE))
    return replace(make_candidate(box, _bridged(own)), ink=written)


def _bridged(own: Floats) -> Floats:
    """Return ink (H, W) with each part joined to the nearest of the others, as where a pen skipped."""
    inside = own > FAINT
    pen = max(1, round(thickness(np.pad(inside, 1))))
    whole = own.copy()
    for _ in range(MOST_STROKES):
        labels, stats = connected_components(whole > FAINT)
        if len(stats) < 3:
            break
        first = 1 + int(np.argmin(stats[1:, 4]))
        away = np.where(labels == first, np.uint8(0), np.uint8(1))
        distance, nearest = cv2.distanceTransformWithLabels(away, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        distance = np.where((labels > 0) & (labels != first), distance, np.inf)
        end = np.unravel_index(int(distance.argmin()), distance.shape)
        own_places = np.argwhere(away == 0)
        start = own_places[np.argmax(nearest[away == 0] == nearest[end])]
        cv2.line(whole, tuple(map(int, start[::-1])), tuple(map(int, end[::-1])), 1.0, pen)
    return whole


def typical_height(heights: NDArray[np.float64]) -> float:
    """Return the height at which half of all heights together is reached: few digits outweigh many specks."""
    ordered = np.sort(heights)
    return float(ordered[np.searchsorted(np.cumsum(ordered), ordered.sum() / 2)])


def is_sure(segment: Candidate) -> bool:
    """Return whether a candidate is clearly a digit, and clearly which."""
    return segment.is_digit > 0.9 and segment.confidence > 0.9


def box_size(box: Box) -> int:
    """Return the longer side of a box, in pixels."""
    return max(box.width, box.height)
