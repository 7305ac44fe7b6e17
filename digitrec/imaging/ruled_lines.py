"""Ink -> ink without what is no writing: specks, and the lines of ruled and squared paper, tables, forms and frames."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.imaging.components import EMPTY_PAGE, connected_components, dilated, large_parts, meaningful, thickness

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Thresholds:
    """Settings, chosen on synthetic sheets whose lines slope, bend, wobble, end early or are as dark as the pen.

    Attributes:
        edge: Ink above which a pixel counts as inside a line or a stroke.
        fainter: How dark a line may be, beside the writing, to be a printed rule whatever touches it.
        longer: How long it must be for that, beside the writing.
        shortest: Shortest line looked for, as a fraction of the picture's longer side.
        bend: Furthest that a line strays from straight, as a fraction of its length: a bent sheet's do by half of that.
        end: Columns at the end of a piece of a line that tell where it leads.
        most_chains: Pieces of lines looked at, the longest first.
    """

    edge: float = 0.25
    fainter: float = 0.4
    longer: float = 1.5
    shortest: float = 0.2
    bend: float = 0.05
    end: int = 30
    most_chains: int = 500


THRESHOLDS = Thresholds()


class _Runs(NamedTuple):
    """Runs of ink straight across the lines looked for, (N,) each, column by column."""

    shape: tuple[int, int]  # columns and rows of the picture
    start: Ints  # first place of a run: its row, and for each column before it one more than there are rows
    end: Ints  # the place after its last
    column: Ints
    size: Ints
    centre: Floats  # row


class _Writing(NamedTuple):
    """What is not line."""

    size: float  # of a large character, in pixels
    length: float  # of all strokes, roughly
    weight: float  # thickness of the strokes in pixels, times how dark they are
    dark: float  # how dark they are, 0 to 1


class _Line(NamedTuple):
    """A line traced from column to column."""

    length: int  # columns
    through: bool  # whether it runs from one side of the picture to the other, or nearly
    first: int  # a little before its first column
    curve: Doubles  # its row in each column from there on, to a little after its last
    thick: float  # rows
    runs: Ints  # which runs are the line's alone, no stroke crossing it there


def remove_ruled_lines(ink: Floats, dark: Floats | None = None) -> Floats:
    """Return the ink without the lines of ruled and squared paper, tables, forms and frames.

    Lines run level, upright or aslant, may bend, wobble and end anywhere, and are long beside the writing. Where a
    stroke crosses a line, the pixels stay with the stroke.

    Args:
        ink: float32 (H, W), 0 paper, 1 ink.
        dark: The same with faint strokes left faint, which tells printed rules from the pen; `ink` unless given.
    """
    dark = ink if dark is None else dark
    mask = ink > THRESHOLDS.edge
    across, down = _runs(mask.T), _runs(mask)
    traced = _lines(across), _lines(down)
    level, upright = traced
    if not (level or upright):
        return ink
    rest, _ = _without(mask, across, down, level, upright)
    ruled = {id(line) for line in _rules(level, rest.T) + _rules(upright, rest)}
    while level or upright:
        rest, _ = _without(mask, across, down, level, upright)
        if not meaningful(rest):
            rules = sum(line.through or sum(_cross(line, other) for other in upright) > 1 for line in level)
            return large_parts(ink, rest) if rules >= EMPTY_PAGE else ink
        writing = _writing(dark, rest)
        longer = [line for line in level if id(line) in ruled or _outlasts(line, writing, upright, dark.T)]
        taller = [line for line in upright if id(line) in ruled or _outlasts(line, writing, level, dark)]
        if len(longer) == len(level) and len(taller) == len(upright):
            break
        level, upright = longer, taller  # what is short beside the rest is writing too, and makes the rest larger
    else:
        return ink
    level = _no_writing(level, dark.T, rest.T, writing, ruled)
    upright = _no_writing(upright, dark, rest, writing, ruled)
    level, upright = _with_tables(level, traced[0], upright), _with_tables(upright, traced[1], level)
    rest, lines = _without(mask, across, down, level, upright)
    return np.where(lines & ~dilated(rest), np.float32(0.0), ink).astype(np.float32)


def _runs(picture: Mask) -> _Runs:
    """Return the runs of ink in `picture` (columns, rows)."""
    columns, rows = picture.shape
    flat = np.zeros(columns * (rows + 1) + 1, bool)
    flat[1:].reshape(columns, rows + 1)[:, :rows] = picture
    edges = np.flatnonzero(flat[1:] != flat[:-1]).astype(np.int32)
    start, end = edges[::2], edges[1::2]
    column = start // (rows + 1)
    centre = (0.5 * (start + end - 1) - column * (rows + 1)).astype(np.float32)
    return _Runs((columns, rows), start, end, column, end - start, centre)


def _lines(runs: _Runs) -> list[_Line]:
    """Return what may be lines: thin, long against the picture, without gaps."""
    least = max(12.0, THRESHOLDS.shortest * max(runs.shape))
    if runs.size.size < least:
        return []
    common = np.bincount(runs.size[runs.size < 64], minlength=2)
    thin = runs.size <= 1.6 * float((common[:-1] + common[1:]).argmax() + 0.5) + 1.0
    order, first, last = _chains(runs, thin)
    length = last - first
    if length[length >= 4].sum() < 0.7 * least:
        return []
    some = np.argsort(-length, kind="stable")[: THRESHOLDS.most_chains]
    some = some[length[some] >= 4]
    traces = [
        np.concatenate([order[first[some[i]] : last[some[i]]] for i in trace])
        for trace in _linked(runs, order, first[some], last[some])
    ]
    lines = [_traced(runs, own) for own in traces if runs.column[own[-1]] - runs.column[own[0]] >= least]
    return [line for line in lines if line.length >= 8.0 * line.thick and _bend(line) <= THRESHOLDS.bend * line.length]


def _chains(runs: _Runs, thin: Mask) -> tuple[Ints, Ints, Ints]:
    """Return the thin runs chain by chain, and where in that order each chain begins and ends.

    In a chain each run touches one in the column before and one in the column after it and no other, so that chains
    end where strokes meet.
    """
    step = runs.shape[1] + 1
    after = np.searchsorted(runs.end, runs.start + step)
    many_after = np.searchsorted(runs.start, runs.end + step, side="right") - after
    before = np.searchsorted(runs.end, runs.start - step)
    many_before = np.searchsorted(runs.start, runs.end - step, side="right") - before
    everyone = np.arange(len(thin))
    linked = thin & (many_before == 1)
    earlier = np.where(linked, before, everyone)
    linked &= thin[earlier] & (many_after[earlier] == 1)
    head = np.where(linked, earlier, everyone)
    while not np.array_equal(further := head[head], head):
        head = further
    order = np.flatnonzero(thin)
    order = order[np.argsort(head[order], kind="stable")]
    first = np.flatnonzero(np.diff(head[order], prepend=-1))
    ends = np.append(first[1:], len(order))
    return order.astype(np.int32), first.astype(np.int32), ends.astype(np.int32)


def _linked(runs: _Runs, order: Ints, first: Ints, last: Ints) -> list[list[int]]:
    """Return which chains, from left to right, make one line: each goes on where the one before leads.

    Between them is ink, that of the strokes that cross: bars of digits that line up have paper between them.
    """
    row, slope = _ends(runs.centre[order], first, last)
    left, right = runs.column[order[first]], runs.column[order[last - 1]]
    length, thick = last - first, float(np.median(runs.size[order]))
    gap = left[None, :] - right[:, None]
    reach = np.maximum(6.0 * thick, np.minimum(0.12 * runs.shape[0], length[:, None] + length[None, :]))
    a, b = np.nonzero((gap > 0) & (gap <= reach))
    across = gap[a, b]
    miss = np.abs(row[0, b] - row[1, a] - 0.5 * across * (slope[1, a] + slope[0, b]))
    fits = miss <= 0.6 * thick + 1.0 + 0.05 * across
    fits &= np.abs(slope[1, a] - slope[0, b]) <= 0.12 + 2.0 / np.minimum(length[a], length[b])
    a, b, across, miss = a[fits], b[fits], across[fits], miss[fits]
    fits = (across <= 3.0 * thick) | (_inked(runs, right[a], row[1, a], left[b], row[0, b]) > 0.7)
    cost = np.full((len(first), len(first)), np.inf)
    cost[a[fits], b[fits]] = (across + 3.0 * miss)[fits]
    after, before = cost.argmin(axis=1), cost.argmin(axis=0)
    following = {i: int(j) for i, j in enumerate(after) if before[j] == i and np.isfinite(cost[i, j])}
    traces = [[i] for i in sorted(set(range(len(first))) - set(following.values()))]
    for trace in traces:
        while trace[-1] in following:
            trace.append(following[trace[-1]])
    return traces


def _ends(centre: Floats, first: Ints, last: Ints) -> tuple[Doubles, Doubles]:
    """Return the row and the slope of chains at both ends, each (2, N), of straight lines through `end` columns."""
    place = np.arange(len(centre))
    total, moment = (np.append(0.0, np.cumsum(values, dtype=np.float64)) for values in (centre, place * centre))
    many = np.minimum(last - first, THRESHOLDS.end)
    begin = np.stack([first, last - many])
    mean = (total[begin + many] - total[begin]) / many
    spread = many * (many.astype(np.float64) ** 2 - 1.0) / 12.0
    slope = (moment[begin + many] - moment[begin] - many * mean * (begin + (many - 1) / 2.0)) / spread
    return mean + slope * (many - 1) / 2.0 * np.array([[-1.0], [1.0]]), slope


def _inked(runs: _Runs, x0: Ints, y0: Doubles, x1: Ints, y1: Doubles) -> Doubles:
    """Return how much of the straight ways from (x0, y0) to (x1, y1) is ink, (N,)."""
    share = np.linspace(0.1, 0.9, 9)
    column = np.rint(x0[:, None] + (x1 - x0)[:, None] * share).astype(np.int64)
    row = np.clip(np.rint(y0[:, None] + (y1 - y0)[:, None] * share), 0, runs.shape[1] - 1)
    place = column * (runs.shape[1] + 1) + row.astype(np.int64)
    nearest = np.searchsorted(runs.end, place - 1)  # the first run that ends no more than a pixel before
    nearest = np.minimum(nearest, len(runs.end) - 1)
    return np.asarray((runs.start[nearest] <= place + 1).mean(axis=1))


def _traced(runs: _Runs, own: Ints) -> _Line:
    """Return the line that chains of runs make."""
    column, thick = runs.column[own], float(np.median(runs.size[own]))
    window = 2 * int(2.0 * thick + 4.0) + 1
    first, last = max(0, int(column[0]) - window // 2), min(runs.shape[0] - 1, int(column[-1]) + window // 2)
    curve = np.interp(np.arange(first - window, last + window + 1), column, runs.centre[own])
    curve = np.convolve(curve, np.full(window, 1.0 / window), mode="same")[window:-window]
    low, high = np.searchsorted(runs.column, (first, last + 1))
    near = np.abs(runs.centre[low:high] - curve[runs.column[low:high] - first]) <= 0.5 * thick + 1.0
    alone = near & (runs.size[low:high] <= 1.4 * thick + 1.0)
    length = int(column[-1] - column[0]) + 1
    return _Line(
        length, length > 0.9 * runs.shape[0], first, curve, thick, (low + np.flatnonzero(alone)).astype(np.int32)
    )


def _bend(line: _Line) -> float:
    """Return how far a line strays from straight, in rows."""
    ends = np.linspace(line.curve[0], line.curve[-1], len(line.curve))
    return float(np.abs(line.curve - ends).max())


def _drawn(runs: _Runs, lines: list[_Line]) -> Mask:
    """Return the pixels (columns, rows) of the lines, without those of the strokes that cross."""
    own = np.concatenate([line.runs for line in lines] or [np.zeros(0, np.int32)])
    size = runs.size[own]
    flat = np.zeros((runs.shape[0], runs.shape[1] + 1), bool)
    first = np.repeat(runs.start[own] - np.append(0, np.cumsum(size))[:-1], size)
    flat.reshape(-1)[first + np.arange(len(first))] = True
    return flat[:, :-1]


def _without(mask: Mask, across: _Runs, down: _Runs, level: list[_Line], upright: list[_Line]) -> tuple[Mask, Mask]:
    """Return `mask` (H, W) without lines and the crumbs that they leave, such as where two cross; and all close by."""
    band = np.zeros(mask.shape, np.uint8)
    for line, step in [(line, 1) for line in level] + [(line, -1) for line in upright]:
        places = np.stack([line.first + np.arange(len(line.curve)), np.rint(line.curve)], axis=1)[:, ::step]
        cv2.polylines(band, [places.astype(np.int32)], False, 1, int(line.thick) + 4)
    lines = _drawn(across, level).T | _drawn(down, upright)
    rest = mask & ~lines
    labels, stats = connected_components(rest)
    beside = np.bincount(labels[rest & (band == 0)], minlength=len(stats)) > 0
    return np.asarray(beside.take(labels)), (band > 0) | dilated(lines)


def _writing(ink: Floats, rest: Mask) -> _Writing:
    """Return what the writing is like: a third of its strokes are in characters of its size or larger."""
    sizes = connected_components(rest)[1][1:, 2:4].max(axis=1)
    dark = float(ink[rest].mean())
    return _Writing(_typical(sizes), float(sizes.sum()), thickness(rest) * dark, dark)


def _typical(sizes: Ints) -> float:
    """Return the size that a third of all strokes have or exceed, of the sizes (N,) of what is written; 0 if none."""
    sizes = np.sort(sizes)
    upto = np.cumsum(sizes)
    return float(sizes[np.searchsorted(upto, 2.0 / 3.0 * upto[-1])]) if sizes.size else 0.0


def _rules(lines: list[_Line], rest: Mask) -> list[_Line]:
    """Return the lines that are the rules of a sheet, or none.

    Rules are several, parallel, of one thickness, longer than half of the picture's side and far longer than what is
    in `rest` (columns, rows) is tall. Pieces of others, such as in the picture's corner, go with them.
    """
    tall = 2.5 * _typical(connected_components(rest)[1][1:, 2])
    long = [line for line in lines if line.length > max(tall, 0.5 * rest.shape[0])]
    if len(long) < EMPTY_PAGE:
        return []
    slope, thick = np.median([_slope(line) for line in long]), np.median([line.thick for line in long])
    alike = [line for line in lines if abs(_slope(line) - slope) < 0.1 and 0.6 < line.thick / thick < 1.7]
    return (
        [line for line in alike if line.length > tall]
        if sum(line.length > 0.5 * rest.shape[0] for line in alike) >= EMPTY_PAGE
        else []
    )


def _slope(line: _Line) -> float:
    """Return how many rows a line falls a column, from end to end."""
    return float(line.curve[-1] - line.curve[0]) / len(line.curve)


def _outlasts(line: _Line, writing: _Writing, others: list[_Line], ink: Floats) -> bool:
    """Return whether a line may be no writing: longer or fainter than characters, or across the picture or a table."""
    long = line.through or line.length > 4.0 * writing.size
    return long or _in_table(line, others) or _faint(line, writing, ink)


def _faint(line: _Line, writing: _Writing, ink: Floats) -> bool:
    """Return whether a line across the columns of `ink` (columns, rows) is a printed rule, whatever touches it."""
    reach = int(line.thick) + 2  # the middle of a bend may lie beside its ink
    faint = _darkness(line, ink, reach) < THRESHOLDS.fainter * writing.dark
    return faint and line.length > THRESHOLDS.longer * writing.size


def _in_table(line: _Line, others: list[_Line]) -> bool:
    """Return whether a line meets three or more of those that run across it, about half, and is as thick as they are.

    A tall digit on ruled paper meets some rules, and its pen is seldom as thin as they are.
    """
    met = [other for other in others if _cross(line, other)]
    alike = [other for other in met if 0.6 < line.thick / other.thick < 1.7]
    return len(alike) > 2 and len(met) > 0.4 * len(others)


def _no_writing(lines: list[_Line], ink: Floats, rest: Mask, writing: _Writing, ruled: set[int]) -> list[_Line]:
    """Return which lines across the columns of `ink` and `rest` (columns, rows) are no writing.

    They are long against the writing; those right through the picture are of less weight, or apart or several and
    stick out of it. Their ends are free, or most of those beside them, while the side of a 0 goes on into the writing.
    """
    ends = [_free_ends(line, rest) for line in lines]
    several = sum(line.through for line in lines)
    many = sum(line.length > 4.0 * writing.size for line in lines) > 2
    inked = np.flatnonzero(rest.any(axis=1))

    def goes(line: _Line) -> bool:
        long = line.length > 4.0 * writing.size
        if id(line) in ruled or (long and (writing.length > 0.5 * line.length or many)):
            return True
        if not line.through:
            return False
        beyond = min(inked[0] - line.first, line.first + len(line.curve) - 1 - inked[-1])
        sticks_out = beyond > 0.05 * line.length and line.length > 2.2 * writing.size
        return (sticks_out and (several > 2 or _apart(line, rest))) or line.thick * _darkness(
            line, ink
        ) < 0.6 * writing.weight

    usual = sum(ends) > 1.4 * len(lines)
    return [
        line
        for line, free in zip(lines, ends, strict=True)
        if ((usual or free == 2) and goes(line)) or _faint(line, writing, ink)
    ]


def _with_tables(gone: list[_Line], lines: list[_Line], others: list[_Line]) -> list[_Line]:
    """Return the lines that are gone already, and those of tables whose `others` are."""
    known = {id(line) for line in gone}
    return [line for line in lines if id(line) in known or _in_table(line, others)]


def _cross(line: _Line, other: _Line) -> bool:
    """Return whether two lines meet, `other` running down the columns of `line`."""
    near = 2.0 * (line.thick + other.thick) + 4.0
    column = float(other.curve[len(other.curve) // 2])
    row = float(line.curve[min(max(0, round(column) - line.first), len(line.curve) - 1)])
    column = float(other.curve[min(max(0, round(row) - other.first), len(other.curve) - 1)])
    within = line.first - near < column < line.first + len(line.curve) + near
    return within and other.first - near < row < other.first + len(other.curve) + near


def _free_ends(line: _Line, rest: Mask) -> int:
    """Return how many ends of a line have no writing around them: 0 to 2."""
    reach = int(2.0 * line.thick) + 2
    ends = [(line.first, line.curve[0]), (line.first + len(line.curve) - 1, line.curve[-1])]
    boxes = [(max(0, column - reach), max(0, round(float(row)) - reach)) for column, row in ends]
    return sum(not rest[x : x + 2 * reach + 1, y : y + 2 * reach + 1].any() for x, y in boxes)


def _apart(line: _Line, rest: Mask) -> bool:
    """Return whether a line touches almost nothing of the writing."""
    columns = line.first + np.arange(len(line.curve))
    touched = np.zeros(len(columns), bool)
    for side in (-1.0, 1.0):
        row = np.rint(line.curve + side * (0.5 * line.thick + 2.0)).astype(np.int64)
        touched |= rest[columns, np.clip(row, 0, rest.shape[1] - 1)]
    return bool(touched.mean() < 0.02)


def _darkness(line: _Line, ink: Floats, reach: int = 0) -> float:
    """Return how dark a line is in the middle, or where it is darkest up to some rows beside it, 0 to 1."""
    rows = np.rint(line.curve)[:, None] + np.arange(-reach, reach + 1)
    rows = np.clip(rows, 0, ink.shape[1] - 1).astype(np.int64)
    columns = line.first + np.arange(len(rows))
    return float(np.median(ink[columns[:, None], rows].max(axis=1)))
