"""Digits that touch, cut apart along seams."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.recognition.connected_parts import DIGIT, Candidate, Reader, classified, make_candidate, window
from digitrec.recognition.normalize import EDGE, Box

Floats = NDArray[np.float32]


MOST_CUT = 100
"""Segments, those with most ink, that are cut where digits may touch."""

LOWEST_CUT = 8
"""Pixels of a segment's height from which it is cut: two digits of fewer rows look like noise."""


def pieces(segment: Candidate, reader: Reader) -> list[Candidate]:
    """Return the touching digits of a segment that is rejected as a whole; otherwise the segment itself."""
    if segment.is_digit >= DIGIT or segment.box.height < LOWEST_CUT or segment.box.width < 0.6 * segment.box.height:
        return [segment]
    pieces = best_pieces(segment, reader)
    good = all(piece.is_digit > 0.8 and piece.confidence > 0.8 for piece in pieces)
    return pieces if len(pieces) > 1 and good and any(piece.digit != 1 for piece in pieces) else [segment]


def best_pieces(segment: Candidate, reader: Reader) -> list[Candidate]:
    """Return the cuts of a segment from top to bottom that explain most of its ink by digits, left to right."""
    seams = _seams(segment.own)
    ends = [np.zeros(len(segment.own), np.int64), *seams, np.full(len(segment.own), segment.own.shape[1])]
    spans = [(i, j) for i in range(len(ends)) for j in range(i + 1, len(ends)) if j - i < len(ends) - 1]
    cut_out = [(span, _between(segment, ends[span[0]], ends[span[1]])) for span in spans]
    usable = [(span, c) for span, c in cut_out if c is not None]
    read = dict(zip([span for span, _ in usable], classified([c for _, c in usable], reader), strict=True))
    best: list[tuple[float, list[Candidate]]] = [(0.0, [])]
    for j in range(1, len(ends)):
        ways = [
            (best[i][0] + piece.value, [*best[i][1], piece])
            for i in range(j)
            if (piece := read.get((i, j))) is not None
        ]
        best.append(max(ways, key=lambda way: way[0], default=(-np.inf, [])))
    return best[-1][1]


def _between(segment: Candidate, left: NDArray[np.int64], right: NDArray[np.int64]) -> Candidate | None:
    """Return what of a segment lies between two seams, or None where that is no piece of a digit's size."""
    columns = np.arange(segment.own.shape[1])[None, :]
    own = np.where((columns >= left[:, None]) & (columns < right[:, None]), segment.own, np.float32(0.0))
    inside = own > EDGE
    if not inside.any():
        return None
    rows, across = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    box = Box(int(across[0]), int(rows[0]), int(np.ptp(across)) + 1, int(np.ptp(rows)) + 1)
    if box.height < 0.5 * segment.box.height or box.width > 1.3 * segment.box.height:
        return None
    piece = make_candidate(box, window(own.astype(np.float32), box))
    return replace(piece, box=Box(segment.box.x + box.x - 1, segment.box.y + box.y - 1, box.width, box.height))


FINE = 40  # pixels of a segment's height at which its seams are sought
SEAMS = 6


def _seams(own: Floats) -> list[NDArray[np.int64]]:
    """Return the ways down a segment that cross least ink: columns (H,), left to right."""
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
