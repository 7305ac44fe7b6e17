"""Ink -> the digits of a sheet, in rows: the reader itself says which strokes are one digit and which segments are two.

Strokes that touch are a part. Parts near each other are joined where the reader is surer of them together than of
each alone, and a part that it takes for no digit is cut where two digits may touch. What counts is how much of the
ink is explained by digits.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitrec.recognition import normalize
from digitrec.recognition.connected_parts import (
    DIGIT,
    MOST_STROKES,
    Candidate,
    Reader,
    Segment,
    box_size,
    classified,
    is_sure,
    make_candidate,
    part_crops,
    typical_height,
    union,
    window,
)
from digitrec.recognition.normalize import EDGE, Box, is_dab
from digitrec.recognition.reading_order import order
from digitrec.recognition.splitting import MOST_CUT, best_pieces, pieces

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_Group = tuple[Sequence[int], float]
"""Places of candidates that may be one digit, and what their places speak for it."""

NEAR = 0.3
"""Gap up to which two parts may be one digit, as a share of the taller one's height."""

TOGETHER, NESTED = 0.2, 0.35
"""What speaks for two parts that overlap as the strokes of a digit do, or lie in each other; a share of their ink."""

HIGH, ALONE = 2.0, 1.5
"""Usual sizes of a sheet's parts, and sizes of the largest of them, from which several are too large for one digit."""

FLAT = 1.8
"""Widths of a segment, in its heights, from which it is a dash."""

SOLID = 0.6
"""Share of a small segment's box that its ink fills where it is a dot."""

OTHERS = 0.1
"""Share of a sheet's segments that are clearly no digits, above which doubtful ones are none either."""

BOWED = 0.15
"""Bow of a bracket, as a share of its height."""

MOST_TRIED, MOST_PAIRS = 150, 300
"""Groups of parts that are tried in a round, those with most ink, and pairs in all rounds: gravel has more."""

ROUNDS = 4
"""Times that neighbours are joined: a digit of five strokes takes three."""


def find(ink: Floats, reader: Reader) -> list[list[Segment]]:
    """Find the digits of a sheet.

    Args:
        ink: float32 (H, W), 0 paper, 1 ink, upright.
        reader: A model that rejects non-digits.

    Returns:
        Rows from top to bottom, each from left to right, in pixels of `ink`; [] where there is no ink.
    """
    return _rows(_marks(_read_parts(ink, reader), reader))


def _rows(found: list[Candidate]) -> list[list[Segment]]:
    """Return segments in reading order, those too small left out and those that are non-digits by their place named."""
    segments = _large_enough(found)
    rows = [[segments[i] for i in row] for row in order([segment.box for segment in segments])]
    others = sum(segment.is_digit < DIGIT for segment in segments) > OTHERS * len(segments)
    return [
        [
            Segment(segment.box, segment.cut, punctuation, (segment.probabilities, segment.is_digit))
            for segment, punctuation in _with_punctuation(row, others)
        ]
        for row in rows
    ]


def _read_parts(ink: Floats, reader: Reader) -> list[Candidate]:
    """Return the connected parts of the ink, the largest first, with what the reader says of each."""
    return classified([make_candidate(box, own) for box, own in part_crops(ink)], reader)


def _marks(parts: list[Candidate], reader: Reader) -> list[Candidate]:
    """Return all segments, parts joined to digits and cut into digits."""
    found = _joined(parts, reader)
    found.sort(key=lambda segment: -segment.ink)
    return [piece for segment in found[:MOST_CUT] for piece in pieces(segment, reader)] + found[MOST_CUT:]


def split(ink: Floats, box: Box, reader: Reader) -> list[Segment]:
    """Return the digits that touch in a box, left to right: two or more, or one segment where no cut leaves two."""
    whole = make_candidate(box, window(ink, box))
    return [Segment(piece.box, piece.cut) for piece in best_pieces(whole, reader) or [whole]]


def _joined(found: list[Candidate], reader: Reader) -> list[Candidate]:
    """Return the parts, joined where together they are more of a digit than each alone."""
    if len(found) < 2:
        return found
    for bridged in (False, True):
        found = _take(found, _most_ink(found, _groups(found)), reader, bridged)
    tried = set[tuple[Candidate, ...]]()
    for _ in range(ROUNDS):
        pairs = [pair for pair in _near_pairs(found) if tuple(found[i] for i in pair[0]) not in tried]
        pairs = _most_ink(found, pairs)[: MOST_PAIRS - len(tried)]
        tried.update(tuple(found[i] for i in pair) for pair, _ in pairs)
        joined = _take(found, pairs, reader)
        if len(joined) == len(found):
            break
        found = joined
    return found


def _most_ink(found: list[Candidate], groups: Sequence[_Group]) -> list[_Group]:
    """Return the groups with most ink, at most MOST_TRIED."""
    return sorted(groups, key=lambda group: -sum(found[i].ink for i in group[0]))[:MOST_TRIED]


def _take(found: list[Candidate], groups: Sequence[_Group], reader: Reader, bridged: bool = False) -> list[Candidate]:
    """Return the candidates with those groups joined that explain more ink so, the best first."""
    unions = classified([union((found[i] for i in group), bridged) for group, _ in groups], reader)
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


def _gain(union: Candidate, alone: list[Candidate], together: float) -> float:
    """Return how much more ink a union explains than its parts; nothing where it is less of a digit than one of them.

    A rule that touches digits has much ink, and would pay for them.
    """
    digits = sum(is_sure(c) and c.digit != 1 for c in alone)
    if union.sure < (0.9 if digits > 1 else 0.7) * max(c.sure for c in alone):
        return 0.0
    return union.value + together * union.ink - sum(c.value for c in alone)


def _groups(found: list[Candidate]) -> list[_Group]:
    """Return groups of parts that may be one digit: three or more over each other, or fragments near each other."""
    if len(found) < 2:
        return []
    overlap, _ = _overlap(found)
    box = np.array([c.box for c in found], np.float64)
    size = box[:, 2:].max(axis=1)
    usual = typical_height(size)
    fragment = (size < 0.8 * usual) & np.array([not (is_sure(c) and c.digit != 1) for c in found])
    near = (_gaps(box) < NEAR * usual) & np.logical_and.outer(fragment, fragment)
    lying: list[_Group] = [
        (group, 0.0)
        for group in _connected(overlap)
        if 2 < len(group) <= MOST_STROKES and _fit([found[i] for i in group], usual)
    ]
    fragments: list[_Group] = [
        (group, TOGETHER)
        for group in _connected(near)
        if 1 < len(group) <= MOST_STROKES and box_size(normalize.around([found[i].box for i in group])) < 1.3 * usual
    ]
    return lying + fragments


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


def _near_pairs(found: list[Candidate]) -> list[_Group]:
    """Return which two may be one digit, with what their places speak for it."""
    if len(found) < 2:
        return []
    overlap, near = _overlap(found)
    usual = typical_height(np.array([box_size(c.box) for c in found], np.float64))
    first, second = np.nonzero(np.triu(near | overlap, 1))
    return [
        ((int(i), int(j)), _speaking(found[i], found[j]) if overlap[i, j] else 0.0)
        for i, j in zip(first, second, strict=True)
        if (overlap[i, j] or min(found[i].is_digit, found[j].is_digit) < DIGIT) and _fit([found[i], found[j]], usual)
    ]


def _fit(some: Sequence[Candidate], usual: float) -> bool:
    """Return whether together they are not far larger than the parts of a sheet usually are, nor than each alone."""
    return box_size(normalize.around([c.box for c in some])) < max(
        HIGH * usual, ALONE * max(box_size(c.box) for c in some)
    )


def _speaking(a: Candidate, b: Candidate) -> float:
    """Return what speaks for two strokes that overlap to be one digit: little where both alone are digits, but 1s."""
    if _shared(a.box, b.box) > 0.5 * min(a.box.width * a.box.height, b.box.width * b.box.height):
        return NESTED
    return TOGETHER if 1 in (a.digit, b.digit) else TOGETHER * (1.0 - min(a.sure, b.sure))


def _shared(a: Box, b: Box) -> int:
    """Return the pixels that two boxes share."""
    across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return max(across, 0) * max(down, 0)


def _overlap(found: list[Candidate]) -> tuple[Mask, Mask]:
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


def _large_enough(segments: list[Candidate]) -> list[Candidate]:
    """Return the segments without specks, dots and dashes: small digits stay where the reader is sure of them."""
    upright = [m for m in segments if m.box.width < FLAT * m.box.height]
    heights = np.array(
        [m.box.height for m in upright if m.is_digit >= DIGIT] or [m.box.height for m in segments], float
    )
    usual = typical_height(heights) if len(heights) else 0.0
    return [m for m, speck in zip(segments, _specks(segments), strict=True) if _counts(m, usual) and not speck]


def _counts(segment: Candidate, usual: float) -> bool:
    """Return whether a segment is high enough beside digits of the usual height, or a small digit without doubt."""
    solid = segment.ink > SOLID * segment.box.width * segment.box.height
    without_doubt = (
        is_sure(segment) and segment.digit != 1 and not solid and segment.box.width < FLAT * segment.box.height
    )
    return segment.box.height > (0.12 if without_doubt else 0.35) * usual


def _specks(segments: Sequence[Candidate]) -> Mask:
    """Return which segments (N,) are small spots in the box of another."""
    left, top, width, height = np.array([segment.box for segment in segments], np.float64).reshape(-1, 4).T
    across = np.minimum.outer(left + width, left + width) - np.maximum.outer(left, left)
    down = np.minimum.outer(top + height, top + height) - np.maximum.outer(top, top)
    size = np.maximum(width, height)
    inside = np.maximum(across, 0) * np.maximum(down, 0) > 0.5 * (width * height)[:, None]
    return np.asarray((inside & (size[:, None] < 0.35 * size[None, :])).any(axis=1), np.bool_)


def _with_punctuation(row: list[Candidate], others: bool) -> list[tuple[Candidate, bool]]:
    """Return the segments of a row, each with whether it is punctuation; see `_is_punctuation`.

    A bracket taken for a digit makes another one look no larger than the digits, so they are asked twice.
    """
    digits = [segment for segment in row if not _is_punctuation(segment, row, others)]
    return [(segment, _is_punctuation(segment, digits, others)) for segment in row]


def _is_punctuation(segment: Candidate, row: Sequence[Candidate], others: bool) -> bool:
    """Return whether a segment is a dash or dab or, among sure digits, a bracket, slash, comma or doubtful.

    Args:
        segment: The segment.
        row: Its row.
        others: Whether more than digits is written on the sheet: only then a doubtful segment is none.
    """
    width, height = segment.box.width, segment.box.height
    heights = [m.box.height for m in row if m is not segment and m.digit != 1 and is_sure(m)]
    if width >= FLAT * height or is_dab(segment.cut.crop):
        return True
    if len(heights) < 2:
        return False
    if others and max(segment.is_digit, segment.confidence) < 0.9:
        return True
    relative, bow = height / float(np.median(heights)), _bow(segment.cut.crop)
    if segment.digit != 1:
        return width < 0.4 * height and bow > 0.2 and relative > 1.25
    bracket = (bow > BOWED and relative > 1.1) or (bow > 0.5 * BOWED and relative > 1.4)
    slash = width > 0.28 * height and relative > 1.4
    return width < 0.5 * height and (relative < 0.45 or bracket or slash)


def _bow(crop: Floats) -> float:
    """Return how far the middle of an upright stroke (h, w) lies beside its ends, as a share of its height."""
    columns = np.arange(crop.shape[1])
    rows = np.flatnonzero(crop.max(axis=1) > EDGE)
    middles = (crop[rows] @ columns) / crop[rows].sum(axis=1)
    if len(rows) < 5:
        return 0.0
    curve = np.polyfit(rows / crop.shape[0], middles / crop.shape[0], 2)
    return float(abs(curve[0]) / 4)
