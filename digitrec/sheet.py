"""Ink -> the digits of a sheet, in rows: the reader itself says which strokes are one digit and which marks are two.

Strokes that touch are a part. Parts near each other are joined where the reader is surer of them together than of
each alone, and a part that it takes for no digit is cut where two digits may touch. What counts is how much of the
ink is explained by digits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec import glyph
from digitrec.calibration import Answers
from digitrec.clutter import grown, parts, thickness
from digitrec.glyph import EDGE, Box, Cut
from digitrec.order import order as order  # the reading order, for those who have boxes only

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]

DIGIT = 0.5
"""`is_digit` from which a mark is a digit."""

FAINT = 0.25
"""Ink above which a pixel belongs to a part: strokes that fade stay whole."""

SPECK, DOT = 0.03, 0.12
"""Sizes of a part, as shares of the largest and of the usual one, below which it is a speck and a dot."""

NEAR = 0.3
"""Gap up to which two parts may be one digit, as a share of the taller one's height."""

TOGETHER, NESTED = 0.2, 0.35
"""What speaks for two parts that overlap as the strokes of a digit do, or lie in each other; a share of their ink."""

HIGH, ALONE = 2.0, 1.5
"""Usual sizes of a sheet's parts, and sizes of the largest of them, from which several are too large for one digit."""

FLAT = 1.8
"""Widths of a mark, in its heights, from which it is a dash."""

SOLID = 0.6
"""Share of a small mark's box that its ink fills where it is a dot."""

OTHERS = 0.1
"""Share of a sheet's marks that are clearly no digits, above which doubtful ones are none either."""

BOWED = 0.15
"""Bow of a bracket, as a share of its height."""

MOST_TRIED = 150
"""Groups of parts that are tried in a round, those with most ink: gravel has more."""

MOST_CUT = 100
"""Marks, those with most ink, that are cut where digits may touch."""

MOST_STROKES = 12
"""Parts that are tried as one digit at once."""

ROUNDS = 4
"""Times that neighbours are joined: a digit of five strokes takes three."""


class Reader(Protocol):
    """What finding and reading need of a model: `predict.Predictor` is one."""

    def answers(self, glyphs: Floats) -> Answers:
        """Return probabilities (N, 10) and is_digit (N,) of glyphs float32 (N, 28, 28), 0 paper, 1 ink."""
        ...


class Mark(NamedTuple):
    """A digit, or what may be one.

    Attributes:
        box: Where it is, in pixels of the ink.
        cut: The glyph and the pictures on the way to it.
        sign: Whether its place among the others says that it is no digit: a bracket, a slash, a comma.
        said: What the reader that found it says of its glyph: probabilities (10,) and is_digit, where it was asked.
    """

    box: Box
    cut: Cut
    sign: bool = False
    said: tuple[Floats, float] | None = None


@dataclass(frozen=True, eq=False)
class _Candidate:
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


def find(ink: Floats, reader: Reader) -> list[list[Mark]]:
    """Find the digits of a sheet.

    Args:
        ink: float32 (H, W), 0 paper, 1 ink, upright.
        reader: A model that knows what is no digit.

    Returns:
        Rows from top to bottom, each from left to right, in pixels of `ink`; [] where there is no ink.
    """
    return _rows(_marks(_read_parts(ink, reader), reader))


def _rows(found: list[_Candidate]) -> list[list[Mark]]:
    """Return marks in reading order, those too small left out and those that are no digits by their place named."""
    marks = _large_enough(found)
    rows = [[marks[i] for i in row] for row in order([mark.box for mark in marks])]
    others = sum(mark.is_digit < DIGIT for mark in marks) > OTHERS * len(marks)
    return [
        [Mark(mark.box, mark.cut, sign, (mark.probabilities, mark.is_digit)) for mark, sign in _with_signs(row, others)]
        for row in rows
    ]


def _read_parts(ink: Floats, reader: Reader) -> list[_Candidate]:
    """Return the connected parts of the ink, the largest first, with what the reader says of each."""
    return _read([_candidate(box, own) for box, own in _parts(ink)], reader)


def _marks(parts: list[_Candidate], reader: Reader) -> list[_Candidate]:
    """Return all marks, parts joined to digits and cut into digits."""
    found = _joined(parts, reader)
    found.sort(key=lambda mark: -mark.ink)
    return [piece for mark in found[:MOST_CUT] for piece in _pieces(mark, reader)] + found[MOST_CUT:]


def split(ink: Floats, box: Box, reader: Reader) -> list[Mark]:
    """Return the digits that touch in a box, left to right: two or more, or one mark where no cut leaves two."""
    whole = _candidate(box, _window(ink, box))
    return [Mark(piece.box, piece.cut) for piece in _best_pieces(whole, reader) or [whole]]


def _parts(ink: Floats) -> list[tuple[Box, Floats]]:
    """Return the connected parts of the ink, the largest first: their boxes, and their own ink with a margin."""
    labels, stats = _with_dots(ink > FAINT)
    sizes = stats[1:, 2:4].max(axis=1, initial=0)
    large = np.argsort(-sizes, kind="stable")[: glyph.MOST_PARTS]
    large = large[sizes[large] > SPECK * sizes.max(initial=0)] + 1
    return [(box, _own(ink, labels, int(i), box)) for i in large for box in [Box(*(int(v) for v in stats[i, :4]))]]


def _with_dots(inside: Mask) -> tuple[Ints, Ints]:
    """Return the parts of the ink as `parts` does, dots joined to what is next to them: a hair's line is dotted."""
    labels, stats = parts(inside)
    sizes = stats[1:, 2:4].max(axis=1, initial=0)
    usual = _typical(np.asarray(sizes, np.float64)) if len(sizes) else 0.0
    dots = np.concatenate([[False], sizes < DOT * usual])
    reach = int(0.03 * usual)
    if not dots.any() or not reach:
        return labels, stats
    grown_dots = cv2.dilate(dots.take(labels).astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    labels, stats = parts(inside | (grown_dots > 0))
    labels[~inside] = 0
    return labels, stats


def _own(ink: Floats, labels: Ints, part: int, box: Box) -> Floats:
    """Return the ink of one part, (height + 2, width + 2), with its soft edge."""
    near = _window(labels, box)
    mine = grown(near == part) & ((near == part) | (near == 0))
    return np.where(mine, _window(ink, box), np.float32(0.0)).astype(np.float32)


def _window(picture: NDArray[Any], box: Box) -> NDArray[Any]:
    """Return `picture` (H, W) in a box and one pixel around it, 0 beyond its edges."""
    top, left = max(0, box.y - 1), max(0, box.x - 1)
    bottom, right = box.y + box.height + 1, box.x + box.width + 1
    height, width = picture.shape
    beyond = ((top - box.y + 1, max(0, bottom - height)), (left - box.x + 1, max(0, right - width)))
    return np.pad(picture[top:bottom, left:right], beyond)


def _candidate(box: Box, own: Floats) -> _Candidate:
    made = glyph.cut(own, Box(1, 1, box.width, box.height))
    return _Candidate(box, own, made, float(np.count_nonzero(own > EDGE)))


def _read(candidates: Sequence[_Candidate], reader: Reader) -> list[_Candidate]:
    """Return the candidates with what the reader says of them."""
    if not candidates:
        return []
    said = reader.answers(np.stack([candidate.cut.glyph for candidate in candidates]))
    best = said.probabilities.argmax(axis=1)
    return [
        replace(c, is_digit=float(score), probabilities=shares, digit=int(digit), confidence=float(shares[digit]))
        for c, shares, score, digit in zip(candidates, said.probabilities, said.is_digit, best, strict=True)
    ]


def _union(some: Iterable[_Candidate], bridged: bool = False) -> _Candidate:
    """Return candidates taken for one; where they are to be bridged, with strokes over the gaps between them."""
    some = list(some)
    box = glyph.around([c.box for c in some])
    own = np.zeros((box.height + 2, box.width + 2), np.float32)
    for c in some:
        left, top = c.box.x - box.x, c.box.y - box.y
        place = own[top : top + c.own.shape[0], left : left + c.own.shape[1]]
        np.maximum(place, c.own, out=place)
    if not bridged:
        return _candidate(box, own)
    written = float(np.count_nonzero(own > EDGE))
    return replace(_candidate(box, _bridged(own)), ink=written)


def _bridged(own: Floats) -> Floats:
    """Return ink (H, W) with each part joined to the nearest of the others, as where a pen skipped."""
    inside = own > FAINT
    pen = max(1, round(thickness(np.pad(inside, 1))))
    whole = own.copy()
    for _ in range(MOST_STROKES):
        labels, stats = parts(whole > FAINT)
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


def _joined(found: list[_Candidate], reader: Reader) -> list[_Candidate]:
    """Return the parts, joined where together they are more of a digit than each alone."""
    if len(found) < 2:
        return found
    found = _take(found, _groups(found), reader)
    found = _take(found, _groups(found), reader, bridged=True)
    for _ in range(ROUNDS):
        joined = _take(found, _near_pairs(found), reader)
        if len(joined) == len(found):
            break
        found = joined
    return found


def _take(
    found: list[_Candidate], groups: Sequence[tuple[Sequence[int], float]], reader: Reader, bridged: bool = False
) -> list[_Candidate]:
    """Return the candidates with those groups joined that explain more ink so, the best first."""
    groups = sorted(groups, key=lambda group: -sum(found[i].ink for i in group[0]))[:MOST_TRIED]
    unions = _read([_union((found[i] for i in group), bridged) for group, _ in groups], reader)
    gains = [
        _gain(union, [found[i] for i in group], together)
        for union, (group, together) in zip(unions, groups, strict=True)
    ]
    taken: set[int] = set()
    result = []
    for place in np.argsort(-np.array(gains), kind="stable"):
        group = groups[place][0]
        if gains[place] > 0 and not taken.intersection(group):
            taken.update(group)
            result.append(unions[place])
    return [c for i, c in enumerate(found) if i not in taken] + result


def _gain(union: _Candidate, alone: list[_Candidate], together: float) -> float:
    """Return how much more ink a union explains than its parts; nothing where it is less of a digit than one of them.

    A rule that touches digits has much ink, and would pay for them.
    """
    digits = sum(_is_sure(c) and c.digit != 1 for c in alone)
    if union.sure < (0.9 if digits > 1 else 0.7) * max(c.sure for c in alone):
        return 0.0
    return union.value + together * union.ink - sum(c.value for c in alone)


def _groups(found: list[_Candidate]) -> list[tuple[list[int], float]]:
    """Return groups of parts that may be one digit: three or more over each other, or fragments near each other."""
    if len(found) < 2:
        return []
    overlap, _ = _overlap(found)
    box = np.array([c.box for c in found], np.float64)
    size = box[:, 2:].max(axis=1)
    usual = _typical(size)
    fragment = (size < 0.8 * usual) & np.array([not (_is_sure(c) and c.digit != 1) for c in found])
    near = (_gaps(box) < NEAR * usual) & np.logical_and.outer(fragment, fragment)
    lying = [
        (group, 0.0)
        for group in _connected(overlap)
        if 2 < len(group) <= MOST_STROKES and _fit([found[i] for i in group], usual)
    ]
    pieces = [
        (group, TOGETHER)
        for group in _connected(near)
        if 1 < len(group) <= MOST_STROKES and _size(glyph.around([found[i].box for i in group])) < 1.3 * usual
    ]
    return lying + pieces


def _connected(joined: Mask) -> list[list[int]]:
    """Return the groups of places that the symmetric (N, N) `joined` connects."""
    labels = np.arange(len(joined))
    while True:
        lowest = np.minimum(labels, np.where(joined, labels, len(labels)).min(axis=1))
        if (lowest == labels).all():
            return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
        labels = lowest


def _gaps(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the gaps (N, N) between boxes (N, 4), across and down together; 0 where they overlap."""
    left, top, width, height = box.T
    across = np.maximum.outer(left, left) - np.minimum.outer(left + width, left + width)
    down = np.maximum.outer(top, top) - np.minimum.outer(top + height, top + height)
    return np.asarray(np.maximum(across, 0) + np.maximum(down, 0))


def _near_pairs(found: list[_Candidate]) -> list[tuple[tuple[int, int], float]]:
    """Return which two may be one digit, with what their places speak for it."""
    if len(found) < 2:
        return []
    overlap, near = _overlap(found)
    usual = _typical(np.array([_size(c.box) for c in found], np.float64))
    first, second = np.nonzero(np.triu(near | overlap, 1))
    return [
        ((int(i), int(j)), _speaking(found[i], found[j]) if overlap[i, j] else 0.0)
        for i, j in zip(first, second, strict=True)
        if (overlap[i, j] or min(found[i].is_digit, found[j].is_digit) < DIGIT) and _fit([found[i], found[j]], usual)
    ]


def _fit(some: Sequence[_Candidate], usual: float) -> bool:
    """Return whether together they are not far larger than the parts of a sheet usually are, nor than each alone."""
    return _size(glyph.around([c.box for c in some])) < max(HIGH * usual, ALONE * max(_size(c.box) for c in some))


def _speaking(a: _Candidate, b: _Candidate) -> float:
    """Return what speaks for two strokes that overlap to be one digit: little where both alone are digits, but 1s."""
    if _shared(a.box, b.box) > 0.5 * min(a.box.width * a.box.height, b.box.width * b.box.height):
        return NESTED
    return TOGETHER if 1 in (a.digit, b.digit) else TOGETHER * (1.0 - min(a.sure, b.sure))


def _shared(a: Box, b: Box) -> int:
    """Return the pixels that two boxes share."""
    across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return max(across, 0) * max(down, 0)


def _overlap(found: list[_Candidate]) -> tuple[Mask, Mask]:
    """Return which two (N, N) lie as the strokes of one digit do, and which are near each other."""
    box = np.array([c.box for c in found], np.float64)
    left, top, width, height = box.T
    across = np.minimum.outer(left + width, left + width) - np.maximum.outer(left, left)  # overlap, below 0 a gap
    down = np.minimum.outer(top + height, top + height) - np.maximum.outer(top, top)
    size = np.maximum(width, height)
    large, small = np.maximum.outer(size, size), np.minimum.outer(size, size)
    share = across / np.minimum.outer(width, width)  # how much of the narrower lies over or under the other
    inside = (across > -0.03 * large) & (down > 0) & ((share > 0.3) | (down > 0.3 * np.minimum.outer(height, height)))
    stacked = (share > 0.4) & (down > -0.25 * large)
    stroke = small > 0.1 * large  # what is smaller is a speck
    return (inside | stacked) & stroke, (_gaps(box) < NEAR * large) & stroke


def _pieces(mark: _Candidate, reader: Reader) -> list[_Candidate]:
    """Return the digits that touch in a mark that is no digit; the mark itself where it is one, or makes none."""
    if mark.is_digit >= DIGIT or mark.box.width < 0.6 * mark.box.height:
        return [mark]
    pieces = _best_pieces(mark, reader)
    good = all(piece.is_digit > 0.8 and piece.confidence > 0.8 for piece in pieces)
    return pieces if len(pieces) > 1 and good and any(piece.digit != 1 for piece in pieces) else [mark]


def _best_pieces(mark: _Candidate, reader: Reader) -> list[_Candidate]:
    """Return the cuts of a mark from top to bottom that explain most of its ink by digits, left to right."""
    seams = _seams(mark.own)
    ends = [np.zeros(len(mark.own), np.int64), *seams, np.full(len(mark.own), mark.own.shape[1])]
    spans = [(i, j) for i in range(len(ends)) for j in range(i + 1, len(ends)) if j - i < len(ends) - 1]
    cut_out = [(span, _between(mark, ends[span[0]], ends[span[1]])) for span in spans]
    usable = [(span, c) for span, c in cut_out if c is not None]
    read = dict(zip([span for span, _ in usable], _read([c for _, c in usable], reader), strict=True))
    best: list[tuple[float, list[_Candidate]]] = [(0.0, [])]
    for j in range(1, len(ends)):
        ways = [
            (best[i][0] + piece.value, [*best[i][1], piece])
            for i in range(j)
            if (piece := read.get((i, j))) is not None
        ]
        best.append(max(ways, key=lambda way: way[0], default=(-np.inf, [])))
    return best[-1][1]


def _between(mark: _Candidate, left: NDArray[np.int64], right: NDArray[np.int64]) -> _Candidate | None:
    """Return what of a mark lies between two seams, or None where that is no piece of a digit's size."""
    columns = np.arange(mark.own.shape[1])[None, :]
    own = np.where((columns >= left[:, None]) & (columns < right[:, None]), mark.own, np.float32(0.0))
    inside = own > EDGE
    if not inside.any():
        return None
    rows, across = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    box = Box(int(across[0]), int(rows[0]), int(np.ptp(across)) + 1, int(np.ptp(rows)) + 1)
    if box.height < 0.5 * mark.box.height or box.width > 1.3 * mark.box.height:
        return None
    piece = _candidate(box, _window(own.astype(np.float32), box))
    return replace(piece, box=Box(mark.box.x + box.x - 1, mark.box.y + box.y - 1, box.width, box.height))


FINE = 40  # pixels of a mark's height at which its seams are sought
SEAMS = 6


def _seams(own: Floats) -> list[NDArray[np.int64]]:
    """Return the ways down a mark that cross least ink: columns (H,), left to right."""
    scale = FINE / own.shape[0]
    width = max(3, round(own.shape[1] * scale))
    small = np.asarray(cv2.resize(own, (width, FINE), interpolation=cv2.INTER_AREA))
    reach = FINE // 4  # columns that a seam may stray
    starts = np.arange(FINE // 6, width - FINE // 6, 2)
    if not len(starts):
        return []
    offsets = np.arange(-reach, reach + 1)
    columns = np.clip(starts[:, None] + offsets, 0, width - 1)  # (starts, offsets)
    drift = 0.004 * np.abs(offsets)
    total = small[0][columns] + drift
    came = np.zeros((FINE, *columns.shape), np.int64)
    for row in range(1, FINE):
        padded = np.pad(total, ((0, 0), (1, 1)), constant_values=np.inf)
        ways = np.stack([padded[:, :-2] + 0.02, padded[:, 1:-1], padded[:, 2:] + 0.02])
        came[row] = ways.argmin(axis=0) - 1
        total = ways.min(axis=0) + small[row][columns] + drift
    cost, last = total.min(axis=1), total.argmin(axis=1)
    chosen = [i for i in range(len(starts)) if cost[i] <= cost[max(0, i - 2) : i + 3].min()]
    chosen = sorted(sorted(chosen, key=lambda i: cost[i])[:SEAMS])
    rows = (np.arange(own.shape[0]) * scale).astype(np.int64).clip(0, FINE - 1)
    paths = []
    for i in chosen:
        path, place = np.zeros(FINE, np.int64), int(last[i])
        for row in range(FINE - 1, -1, -1):
            path[row] = columns[i, place]
            place = int(np.clip(place + came[row, i, place], 0, len(offsets) - 1))
        paths.append(np.rint((path[rows] + 0.5) / scale).astype(np.int64))
    return paths


def _large_enough(marks: list[_Candidate]) -> list[_Candidate]:
    """Return the marks without specks, dots and dashes: small digits stay where the reader is sure of them."""
    upright = [m for m in marks if m.box.width < FLAT * m.box.height]
    heights = np.array([m.box.height for m in upright if m.is_digit >= DIGIT] or [m.box.height for m in marks], float)
    usual = _typical(heights) if len(heights) else 0.0
    return [m for m in marks if _counts(m, usual) and not any(_speck(m, other) for other in marks)]


def _typical(heights: NDArray[np.float64]) -> float:
    """Return the height at which half of all heights together is reached: few digits outweigh many specks."""
    ordered = np.sort(heights)
    return float(ordered[np.searchsorted(np.cumsum(ordered), ordered.sum() / 2)])


def _counts(mark: _Candidate, usual: float) -> bool:
    """Return whether a mark is high enough beside digits of the usual height, or a small digit without doubt."""
    solid = mark.ink > SOLID * mark.box.width * mark.box.height
    without_doubt = _is_sure(mark) and mark.digit != 1 and not solid and mark.box.width < FLAT * mark.box.height
    return mark.box.height > (0.12 if without_doubt else 0.35) * usual


def _speck(mark: _Candidate, other: _Candidate) -> bool:
    """Return whether a mark is a small spot in the box of another."""
    a, b = mark.box, other.box
    inside = _shared(a, b) > 0.5 * a.width * a.height
    return inside and mark is not other and _size(a) < 0.35 * _size(b)


def _with_signs(row: list[_Candidate], others: bool) -> list[tuple[_Candidate, bool]]:
    """Return the marks of a row, each with whether it is a sign; see `_is_sign`.

    A bracket taken for a digit makes another one look no larger than the digits, so they are asked twice.
    """
    digits = [mark for mark in row if not _is_sign(mark, row, others)]
    return [(mark, _is_sign(mark, digits, others)) for mark in row]


def _is_sign(mark: _Candidate, row: Sequence[_Candidate], others: bool) -> bool:
    """Return whether a mark among sure digits is none: a dash, a bracket, a slash or a comma, or doubtful both ways.

    Args:
        mark: The mark.
        row: Its row.
        others: Whether more than digits is written on the sheet: only then a doubtful mark is none.
    """
    width, height = mark.box.width, mark.box.height
    heights = [m.box.height for m in row if m is not mark and m.digit != 1 and _is_sure(m)]
    if width >= FLAT * height:
        return True
    if len(heights) < 2:
        return False
    if others and max(mark.is_digit, mark.confidence) < 0.9:
        return True
    relative, bow = height / float(np.median(heights)), _bow(mark.cut.crop)
    if mark.digit != 1:
        return width < 0.4 * height and bow > 0.2 and relative > 1.25
    bracket = (bow > BOWED and relative > 1.1) or (bow > 0.5 * BOWED and relative > 1.4)
    slash = width > 0.28 * height and relative > 1.4
    return width < 0.5 * height and (relative < 0.45 or bracket or slash)


def _is_sure(mark: _Candidate) -> bool:
    return mark.is_digit > 0.9 and mark.confidence > 0.9


def _bow(crop: Floats) -> float:
    """Return how far the middle of an upright stroke (h, w) lies beside its ends, as a share of its height."""
    columns = np.arange(crop.shape[1])
    rows = np.flatnonzero(crop.max(axis=1) > EDGE)
    middles = (crop[rows] @ columns) / crop[rows].sum(axis=1)
    if len(rows) < 5:
        return 0.0
    curve = np.polyfit(rows / crop.shape[0], middles / crop.shape[0], 2)
    return float(abs(curve[0]) / 4)


def _size(box: Box) -> int:
    return max(box.width, box.height)
