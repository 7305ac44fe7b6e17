"""Pen strokes of UNIPEN: read from its folder, parted by writers, varied, and drawn as people draw in a browser.

A stroke is float32 (N, 2): x to the right, y down, in the tablet's own units. The data are not in the project.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.errors import DatasetError

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Strokes = tuple[Floats, ...]

SOURCE = (
    "UNIPEN train_r01_v07, International Unipen Foundation, CC BY 4.0, https://doi.org/10.5281/zenodo.1195803: "
    "its isolated characters as four files, unipen_1a_digits, unipen_1b_upper, unipen_1c_lower and "
    "unipen_1d_symbols (.jsonl.gz), a JSON object a line with src, file, writer (digits), label and "
    "strokes [[[x, y], ...], ...], y down"
)
FILES = {
    "digit": ("unipen_1a_digits.jsonl.gz", "bb7aa8b95540f81bbacddba707eebf2c6f484d03bbef46441278e44515fedd18"),
    "upper": ("unipen_1b_upper.jsonl.gz", "57f34847b658fedc95a781dd7d4231c6ea687ee46f896e6328709d68334056a2"),
    "lower": ("unipen_1c_lower.jsonl.gz", "2a943c5858489aa2601a9df6fb51f75b6b7440f0e47057c40dbbb45a77eb1b11"),
    "symbol": ("unipen_1d_symbols.jsonl.gz", "722eb20d4930436ad5282aa693971d96009fca84725bf855d31e4693ad286078"),
}

VALIDATION = frozenset({"imp", "lou", "tos"})
"""Sites of UNIPEN whose writers watch the training and set temperature and threshold."""

TEST = frozenset({"aga", "art", "pri"})
"""Sites of UNIPEN whose writers no training and no choice ever sees. A site has its own writers and tablets."""

AMBIGUOUS = frozenset("OolIiZzSsbqg|/\\()[]'`,!") | {2 * "\\"}
"""Letters and symbols that look like a digit without the word around them: neither digit nor none."""

CANVAS = 280  # pixels, the side of the canvas on the Draw page; it fits a phone
BRUSH = 18  # pixels, its brush

SHIFT = 4
"""Bits of a pixel's fraction that OpenCV draws with."""


@dataclass(frozen=True)
class Writing:
    """One character as somebody wrote it.

    Attributes:
        label: The character.
        kind: `digit`, `upper`, `lower` or `symbol`.
        writer: Site and writer; for letters, whose writers are unknown, site and file.
        strokes: At least one, each with at least one point.
    """

    label: str
    kind: str
    writer: str
    strokes: Strokes


def load(folder: Path, kinds: tuple[str, ...] = tuple(FILES)) -> list[Writing]:
    """Return the characters in the four files, in their order.

    Raises:
        DatasetError: If a file is missing, or is not the one that figures here were made with.
    """
    return [writing for kind in kinds for writing in _read(folder / FILES[kind][0], kind, FILES[kind][1])]


def _read(file: Path, kind: str, sha256: str) -> Iterator[Writing]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DatasetError(f"The pen strokes {file.name} are not available. Get them from {SOURCE}.") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DatasetError(f"The pen strokes {file.name} are damaged or another version. Get them from {SOURCE}.")
    for line in gzip.decompress(data).splitlines():
        values = json.loads(line)
        strokes = tuple(np.array(points, np.float32).reshape(-1, 2) for points in values["strokes"] if points)
        if strokes:
            writer = values.get("writer") or f"{values['src']}:{values['file']}"
            yield Writing(values["label"], kind, writer, strokes)


def part(writer: str) -> str:
    """Return what a writer's characters are for: `training`, `validation` or `test`."""
    site = writer.split(":")[0]
    return "validation" if site in VALIDATION else "test" if site in TEST else "training"


def held_out(writer: str) -> bool:
    """Return whether this writer's characters are kept for the final test."""
    return part(writer) == "test"


def unit(strokes: Strokes) -> Strokes:
    """Return strokes moved and scaled evenly so that they lie about 0 and their longer side is 1."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    size = max(float((high - low).max()), 1e-6)
    return tuple((stroke - (low + high) / 2) / size for stroke in strokes)


def varied(writing: Writing, rng: np.random.Generator) -> Writing:
    """Return the character as another hand might have written it: leaning, stretched, with smaller loops, shaky.

    Of the digits, some sevens get a bar, some noughts a slash and some ones a nose or a foot, which whole countries
    write; some lose short pieces, as pens skip.
    """
    strokes = unit(writing.strokes)
    if writing.kind == "digit":
        strokes = _national(writing.label, strokes, rng)
        if rng.random() < 0.08:
            strokes = _broken(strokes, rng)
    bend = np.exp(rng.normal(0.0, 0.22, 2))
    lean, stretch = rng.normal(0.0, 0.12), np.exp(rng.normal(0.0, 0.16))
    angle = rng.normal(0.0, 0.09)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ [[stretch, lean], [0.0, 1.0]]
    changed = tuple((_bent(stroke, bend) @ matrix.T).astype(np.float32) for stroke in strokes)
    if rng.random() < 0.35:
        changed = tuple(_jagged(stroke, rng) for stroke in changed)
    return Writing(writing.label, writing.kind, writing.writer, changed)


def _bent(stroke: Floats, power: NDArray[np.float64]) -> Floats:
    """Return points of a character about 0 with more room for one side and less for the other."""
    share = np.clip(stroke + 0.5, 0.0, 1.0)
    return np.asarray(share**power - 0.5, dtype=np.float32)


def _jagged(stroke: Floats, rng: np.random.Generator) -> Floats:
    """Return a stroke as a mouse makes it: some of its points, each a little off."""
    keep = rng.random(len(stroke)) < rng.uniform(0.25, 1.0)
    keep[[0, -1]] = True
    return np.asarray(stroke[keep] + rng.normal(0.0, rng.uniform(0.003, 0.02), (keep.sum(), 2)), dtype=np.float32)


def _national(label: str, strokes: Strokes, rng: np.random.Generator) -> Strokes:
    if label == "7" and len(strokes) == 1 and rng.random() < 0.2:
        points = strokes[0]
        middle = points[int(len(points) * rng.uniform(0.6, 0.8))]
        half = np.array([rng.uniform(0.12, 0.28), rng.uniform(-0.1, 0.06)])
        return (*strokes, np.array([middle - half, middle + half], np.float32))
    points = np.concatenate(strokes)
    extent = np.ptp(points, axis=0)
    if label == "0" and len(strokes) == 1 and rng.random() < 0.15:
        angle, way = np.deg2rad(rng.uniform(30, 75)), -1.0 if rng.random() < 0.3 else 1.0
        half = np.array([way * np.cos(angle), -np.sin(angle)]) * rng.uniform(0.3, 0.65) * extent
        middle = (points.max(axis=0) + points.min(axis=0)) / 2 + rng.normal(0.0, 0.04, 2)
        return (*strokes, np.array([middle - half, middle + half], np.float32))
    if label == "1" and len(strokes) == 1 and extent[0] < 0.3 * extent[1]:
        added: list[Floats] = []
        top, foot = points[points[:, 1].argmin()], points[points[:, 1].argmax()]
        if rng.random() < 0.45:
            upright = abs(top[0] - foot[0]) < 0.1 * extent[1]  # a leaning stem with a flat nose is a seven
            length, angle = rng.uniform(0.15, 0.8), np.deg2rad(rng.uniform(22 if upright else 32, 65))
            end = top + length * np.array([-np.cos(angle), np.sin(angle)])
            sag = np.array([0.0, rng.uniform(-0.02, 0.12) * length]) + rng.normal(0.0, 0.01, 2)
            added.append(curve(end, (top + end) / 2 + sag, top))
        if rng.random() < 0.2:
            left, right = np.array([rng.uniform(0.1, 0.35), 0.0]), np.array([rng.uniform(0.1, 0.35), 0.0])
            added.append(np.array([foot - left, foot + right], np.float32))
        return (*strokes, *added)
    return strokes


def curve(start: NDArray[np.float64], middle: NDArray[np.float64], end: NDArray[np.float64]) -> Floats:
    """Return a curve of nine points from `start` by way of `middle` to `end`."""
    share = np.linspace(0.0, 1.0, 9)[:, None]
    pulled = 2 * middle - (start + end) / 2
    return np.asarray((1 - share) ** 2 * start + 2 * share * (1 - share) * pulled + share**2 * end, dtype=np.float32)


def _broken(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """Return a character about 0 of size 1 whose longest stroke lacks one to three pieces, each 0.04 to 0.14 long."""
    for _ in range(int(rng.choice([1, 2, 3], p=[0.6, 0.25, 0.15]))):
        longest = max(range(len(strokes)), key=lambda i: lengths(strokes[i])[-1])
        along = lengths(strokes[longest])
        gap, total = rng.uniform(0.04, 0.14), float(along[-1])
        if total < 4 * gap:
            break
        first = rng.uniform(0.15 * total, 0.85 * total - gap)
        pieces = (piece(strokes[longest], along, 0.0, first), piece(strokes[longest], along, first + gap, total))
        strokes = (*strokes[:longest], *pieces, *strokes[longest + 1 :])
    return strokes


def lengths(stroke: Floats) -> NDArray[np.float64]:
    """Return how far along the stroke each of its points lies (N,)."""
    steps = np.hypot(*np.diff(np.asarray(stroke, np.float64), axis=0).T)
    return np.concatenate([[0.0], np.cumsum(steps)])


def piece(stroke: Floats, along: NDArray[np.float64], first: float, last: float) -> Floats:
    """Return the part of a stroke from `first` to `last` along it."""
    places = np.concatenate([[first], along[(along > first) & (along < last)], [last]])
    return np.column_stack([np.interp(places, along, stroke[:, axis]) for axis in (0, 1)]).astype(np.float32)


_SEGMENTS = {  # from, to, in (x, y) of a grid 1 wide and 2 high: what each digit lights of a seven-segment display
    "a": ((0, 0), (1, 0)),
    "b": ((1, 0), (1, 1)),
    "c": ((1, 1), (1, 2)),
    "d": ((1, 2), (0, 2)),
    "e": ((0, 2), (0, 1)),
    "f": ((0, 1), (0, 0)),
    "g": ((0, 1), (1, 1)),
}
_LIT = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")


def angular(rng: np.random.Generator) -> Writing:
    """Return a digit of straight strokes, as people write who think of a display: corners a little off."""
    digit = int(rng.integers(0, 10))
    off = {place: rng.normal(0.0, 0.05, 2) for place in ((x, y) for x in (0, 1) for y in (0, 1, 2))}
    size = np.array([rng.uniform(0.45, 1.3), 1.0])

    def corner(place: tuple[int, int]) -> NDArray[np.float64]:
        return np.asarray((np.array(place) + off[place]) * size)

    lit = tuple(np.array([corner(a), corner(b)], np.float32) for a, b in (_SEGMENTS[letter] for letter in _LIT[digit]))
    return Writing(str(digit), "angular", "", lit)


def canvas(writing: Writing, rng: np.random.Generator, side: int = CANVAS) -> Bytes:
    """Return the character as the Draw page's canvas gives it: uint8 (side, side, 4), black on nothing, soft edges."""
    width = max(1, round(BRUSH * side / CANVAS * rng.uniform(0.7, 1.3)))
    size = side * rng.uniform(0.45, 0.8)
    alpha = cover(writing.strokes, side, size, width, True, rng)
    return np.dstack([np.zeros((side, side, 3), np.uint8), alpha])


def picture(writing: Writing, rng: np.random.Generator) -> Bytes:
    """Return the character drawn with any pen in any program: uint8 (H, H, 4), black or grey on white.

    Most real ones are 28 x 28 pixels with a hard pencil of 1 or 2; the others are brushes of 2 to 20 % of the
    digit's size on 32 to 140 pixels, soft or hard, some of them the pens of tablets, which press.
    """
    if rng.random() < 0.45:
        side = 28 if rng.random() < 0.7 else int(rng.integers(20, 48))
        size, width, soft = side * rng.uniform(0.45, 0.95), int(rng.choice([1, 2, 3], p=[0.5, 0.4, 0.1])), False
        width = max(width, round(0.03 * size))
    else:
        side = int(rng.integers(32, 140))
        size, soft = side * rng.uniform(0.35, 0.95), bool(rng.random() < 0.7)
        width = max(1, round(size * np.exp(rng.uniform(np.log(0.02), np.log(0.2)))))
    if soft and rng.random() < 0.4:
        alpha = _pressed(writing.strokes, side, size, width, rng)
    else:
        alpha = cover(writing.strokes, side, size, width, soft, rng)
    ink = rng.integers(0, 120) if rng.random() < 0.3 else 0
    return on_white((255 - ink) * (alpha / 255.0))


def on_white(cover: NDArray[Any]) -> Bytes:
    """Return a picture (H, W, 4) of black ink on white that covers it (H, W), 0 to 255."""
    grey = np.rint(255 - cover).astype(np.uint8)
    return np.dstack([grey, grey, grey, np.full_like(grey, 255)])


def cover(strokes: Strokes, side: int, size: float, width: int, soft: bool, rng: np.random.Generator) -> Bytes:
    """Return cover (side, side), 0 to 255, of strokes `size` pixels long and `width` wide, anywhere they fit."""
    drawn = np.zeros((side, side), np.uint8)
    for stroke in _placed(strokes, side, size, width, rng):
        points = in_fractions(stroke)
        if len(points) == 1:
            points = np.repeat(points, 2, axis=0)
        cv2.polylines(drawn, [points], False, 255, width, cv2.LINE_AA if soft else cv2.LINE_8, SHIFT)
    return drawn


def _pressed(strokes: Strokes, side: int, size: float, width: int, rng: np.random.Generator) -> Bytes:
    """Return what `cover` does, by a soft pen that is wider where it presses, goes down or across its nib."""
    placed = _placed(strokes, side, size, width, rng)
    how, nib, much = rng.random(), rng.uniform(0.0, np.pi), rng.uniform(0.3, 1.1)
    drawn = np.zeros((side, side), np.uint8)
    for stroke in placed:
        length = float(lengths(stroke)[-1])
        points = evenly(stroke, max(2, int(length)))
        if how < 0.5:
            pressure = wandering(length / size, len(points), rng)
        else:
            across, down = np.gradient(points, axis=0).T
            angle = np.arctan2(down, across)
            pressure = 1.6 * ((np.abs(np.sin(angle - nib)) if how < 0.75 else np.clip(np.sin(angle), 0.0, 1.0)) - 0.4)
            pressure = cv2.blur(pressure[:, None], (1, max(1, int(size / 8))))[:, 0]
        stamp(drawn, points, np.clip(width * np.exp(much * pressure), 1.0, 0.3 * size))
    return drawn


def evenly(stroke: Floats, count: int) -> NDArray[np.float64]:
    """Return `count` points (count, 2) at even distances along a stroke."""
    along = lengths(stroke)
    at = np.linspace(0.0, along[-1], count)
    return np.column_stack([np.interp(at, along, stroke[:, axis]) for axis in (0, 1)])


def wandering(length: float, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how hard a pen presses at `count` points of a stroke as long as so many digits are high: about 0."""
    turns = int(length * 2.5) + 2
    return np.interp(np.linspace(0, turns - 1, count), np.arange(turns), rng.normal(0.0, 0.7, turns))


def stamp(drawn: Bytes, points: NDArray[np.float64], widths: NDArray[np.float64]) -> None:
    """Draw a soft line of changing widths (N,) into a picture (H, W), 255 its ink: a disc at each of the points."""
    for place, radius in zip(in_fractions(points).tolist(), in_fractions(widths / 2).tolist(), strict=True):
        cv2.circle(drawn, place, radius, 255, -1, cv2.LINE_AA, SHIFT)


def _placed(strokes: Strokes, side: int, size: float, width: int, rng: np.random.Generator) -> list[Floats]:
    """Return strokes `size` pixels long, where they fit with this width into a square of `side` pixels."""
    small = unit(strokes)
    half = np.ptp(np.concatenate(small), axis=0) * size / 2
    room = np.maximum(side / 2 - half - width / 2, 0.0)
    middle = side / 2 + rng.uniform(-1.0, 1.0, 2) * room
    return [(stroke * size + middle - 0.5).astype(np.float32) for stroke in small]


def in_fractions(pixels: NDArray[Any]) -> NDArray[np.int32]:
    """Return places and lengths in the fractions of a pixel that OpenCV draws with."""
    return np.asarray(np.rint(pixels * (1 << SHIFT)), dtype=np.int32)
