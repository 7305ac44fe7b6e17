"""Where the characters of handwritten text lie, and how they vary, before any of them is drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from digitrec.datasets.characters import BORDER, Characters
from digitrec.datasets.hands import Hand
from digitrec.datasets.unipen import AMBIGUOUS, Bytes, Floats

Shape = list[Floats]
"""Strokes about 0, each float32 (N, 2); a digit is 1 high."""

ASCENDERS, DESCENDERS, SHORT = frozenset("bdfhkl"), frozenset("gpqyj"), frozenset("it")
"""Small letters that rise above, hang below, or rise a little above the others."""

SYMBOLS = {
    ".": (0.09, 0.46),
    ",": (0.22, 0.5),
    "'": (0.25, -0.42),
    "`": (0.22, -0.42),
    "-": (0.42, 0.03),
    "_": (0.6, 0.5),
    "~": (0.5, 0.0),
    ":": (0.5, 0.12),
    ";": (0.6, 0.18),
    "^": (0.4, -0.3),
    "*": (0.5, -0.1),
    "+": (0.62, 0.05),
    "=": (0.5, 0.03),
    "<": (0.6, 0.05),
    ">": (0.6, 0.05),
    "(": (1.25, 0.05),
    ")": (1.25, 0.05),
    "/": (1.2, 0.02),
    "[": (1.2, 0.02),
    "]": (1.2, 0.02),
    "|": (1.2, 0.02),
    "{": (1.25, 0.02),
    "}": (1.25, 0.02),
}
"""Longer side, and how far below the middle of the digits, in heights of a digit; (1, 0) where not listed."""

ALIASES = {"×": "x", "–": "-", "—": "-", "·": ".", "’": "'", "−": "-", "“": "'", "”": "'", "∙": "."}

MNIST_HEIGHT = 150
"""Pixels of the frame up to which MNIST's 20-pixel digits look written; strokes are drawn above it."""


@dataclass(frozen=True)
class Placed:
    """A character at its place.

    Attributes:
        char: Which character.
        kind: `digit`, `upper`, `lower` or `symbol`.
        x: Middle, in page units.
        y: Middle, in page units.
        height: Of a digit's body here, in page units.
        width: In page units.
        shape: Strokes about the middle in page units; empty for a picture.
        picture: A picture with one empty pixel around the ink, or None.
    """

    char: str
    kind: str
    x: float
    y: float
    height: float
    width: float
    shape: Shape
    picture: Bytes | None = None


def kind_of(char: str) -> str:
    """Return which of UNIPEN's kinds a character belongs to."""
    if char in "0123456789":
        return "digit"
    if "A" <= char <= "Z":
        return "upper"
    return "lower" if "a" <= char <= "z" else "symbol"


def place(
    characters: Characters, rng: np.random.Generator, kind: str, char: str, height: float, hand: Hand, raster: bool
) -> Placed:
    """Return a character as the hand writes it, its body's middle at 0.

    Args:
        characters: What to take it from.
        rng: Chooses and varies it.
        kind: `digit`, `upper`, `lower` or `symbol`.
        char: Which character.
        height: Of a digit, in page units.
        hand: Whose.
        raster: Whether a digit of a hand with source `mnist` is taken from MNIST.
    """
    if kind == "digit" and raster and hand.source == "mnist" and not hand.angular and characters.mnist[int(char)]:
        return _mnist_digit(characters, rng, char, height, hand)
    shape, drop = _shape(characters, rng, kind, char, hand)
    if not shape:
        return Placed(char, kind, 0.0, 0.0, height, 0.4 * height, [])
    points = np.concatenate(shape)
    left, right = float(points[:, 0].min()), float(points[:, 0].max())
    matrix = np.array([[hand.aspect, 0.0], [-hand.slant, 1.0]], np.float32) * np.float32(height)
    moved = _parted((points - np.array(((left + right) / 2, 0.0), np.float32)) @ matrix, shape)
    width = max((right - left) * hand.aspect, 0.1) * height
    return Placed(char, kind, 0.0, drop * height, height, width, moved)


def _mnist_digit(characters: Characters, rng: np.random.Generator, char: str, height: float, hand: Hand) -> Placed:
    pictures = characters.mnist[int(char)]
    picture = pictures[int(rng.integers(len(pictures)))]
    scale = height / (picture.shape[0] - 2 * BORDER)
    width = (picture.shape[1] - 2 * BORDER) * scale * hand.aspect
    if width > 1.6 * height:  # a lying one of few rows
        width, height = 1.6 * height, height * 1.6 * height / width
    return Placed(char, "digit", 0.0, 0.0, height, width, [], picture)


def _shape(characters: Characters, rng: np.random.Generator, kind: str, char: str, hand: Hand) -> tuple[Shape, float]:
    """Return a character's strokes about its middle, and how far that lies below a digit's, in heights of a digit."""
    if kind == "digit" and hand.angular:
        return angular(int(char), rng), 0.0
    known = characters.strokes[kind].get(char)
    if not known:
        return drawn_sign(char), 0.0
    several = 3 if hand.consistent else len(known)
    which = (hand.habit * 31 + ord(char) * 7919) % len(known) if hand.consistent else 0
    strokes = list(known[(which + int(rng.integers(several))) % len(known)])
    if kind == "digit":
        return fitted(digit_varied(char, strokes, hand, rng)), 0.0
    strokes = bent(strokes, rng, 0.1, hand.tremor)
    if kind == "symbol":
        size, drop = SYMBOLS.get(char, (1.0, 0.0))
        size *= float(np.exp(rng.normal(0.0, 0.12)))
        return [stroke * np.float32(size) for stroke in strokes], drop + float(rng.normal(0.0, 0.02))
    size, drop = (1.0, 0.0) if kind == "upper" else _zone(char, hand.x_height)
    return [stroke * np.float32(size) for stroke in fitted(strokes)], drop


def _zone(char: str, x_height: float) -> tuple[float, float]:
    """Return a small letter's height, and how far its middle lies below a digit's, in heights of a digit."""
    if char in ASCENDERS:
        return 1.05, -0.02
    if char in DESCENDERS:
        return x_height + 0.38, (1 - x_height) / 2 + 0.19
    return (0.85, 0.075) if char in SHORT else (x_height, (1 - x_height) / 2)


def fitted(strokes: Shape) -> Shape:
    """Return strokes scaled evenly to a height of 1 and moved about 0; wide ones to a width of 1.3."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = 1 / max(float(high[1] - low[1]), float(high[0] - low[0]) / 1.3, 1e-3)
    middle = (low + high) / 2
    return [(stroke - middle) * np.float32(scale) for stroke in strokes]


def digit_varied(char: str, strokes: Shape, hand: Hand, rng: np.random.Generator) -> Shape:
    """Return a digit's strokes as other people write them: barred, slashed, flagged, leaning, stretched."""
    if char == "7" and len(strokes) == 1 and rng.random() < hand.crossed_seven:
        strokes = [*strokes, _bar(strokes[0], rng)]
    elif char == "0" and len(strokes) == 1 and rng.random() < hand.slashed_zero:
        strokes = [*strokes, _slash(strokes[0], rng)]
    elif char == "1" and len(strokes) == 1:
        strokes = _nose_and_foot(strokes, hand, rng)
    return bent(strokes, rng, 0.07 if hand.consistent else 0.2, hand.tremor)


def bent(strokes: Shape, rng: np.random.Generator, much: float, tremor: float) -> Shape:
    """Return strokes about 0 leaning, turned, stretched and with more room on one side, by about as much."""
    draws = rng.normal(0.0, 1.0, 5)
    power = np.exp(much * draws[:2])
    lean, angle, stretch = 0.5 * much * draws[2], 0.35 * much * draws[3], np.exp(0.7 * much * draws[4])
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos * stretch, sin * stretch], [cos * lean - sin, sin * lean + cos]])
    points = (np.clip(np.concatenate(strokes) + 0.5, 0.0, 1.0) ** power - 0.5) @ matrix
    if tremor:
        points += rng.normal(0.0, tremor, points.shape)
    return _parted(points.astype(np.float32), strokes)


def _parted(points: Floats, strokes: Shape) -> Shape:
    """Return all points (N, 2) as strokes as long as these."""
    ends = np.cumsum([0, *map(len, strokes)]).tolist()
    return [points[first:last] for first, last in pairwise(ends)]


def _bar(stroke: Floats, rng: np.random.Generator) -> Floats:
    """Return the bar of a crossed seven."""
    steps = np.abs(stroke[:, 1] - (stroke[:, 1].min() + rng.uniform(0.4, 0.6) * np.ptp(stroke[:, 1])))
    at = stroke[len(stroke) // 2 :][steps[len(stroke) // 2 :].argmin()]
    half = np.array([rng.uniform(0.13, 0.28), rng.uniform(-0.1, 0.06)])
    return np.asarray([at - half, at + half], np.float32)


def _slash(stroke: Floats, rng: np.random.Generator) -> Floats:
    """Return the slash of a nought."""
    angle, way = np.deg2rad(rng.uniform(30, 75)), -1.0 if rng.random() < 0.2 else 1.0
    half = np.array([way * np.cos(angle), -np.sin(angle)]) * rng.uniform(0.3, 0.62) * np.ptp(stroke, axis=0)
    middle = (stroke.max(axis=0) + stroke.min(axis=0)) / 2 + rng.normal(0.0, 0.03, 2)
    return np.asarray([middle - half, middle + half], np.float32)


def _nose_and_foot(strokes: Shape, hand: Hand, rng: np.random.Generator) -> Shape:
    """Return a one, with a nose or a foot if it is a plain stem."""
    points = strokes[0]
    extent = np.ptp(points, axis=0)
    if extent[0] > 0.3 * extent[1]:
        return strokes
    top, foot, added = points[points[:, 1].argmin()], points[points[:, 1].argmax()], []
    if rng.random() < hand.flagged_one:
        upright = abs(top[0] - foot[0]) < 0.1 * extent[1]  # a leaning stem with a flat nose is a seven
        length, angle = rng.uniform(0.15, 0.65), np.deg2rad(rng.uniform(22 if upright else 34, 65))
        end = top + length * np.array([-np.cos(angle), np.sin(angle)])
        bend = (top + end) / 2 + (0.0, rng.uniform(-0.02, 0.1) * length)
        added.append(np.asarray([end, bend, top], np.float32))
    if rng.random() < hand.footed_one:
        added.append(
            np.asarray(foot + np.array([[-rng.uniform(0.1, 0.32), 0], [rng.uniform(0.1, 0.32), 0]]), np.float32)
        )
    return [*strokes, *added]


_SEGMENTS = {"a": "AB", "b": "BD", "c": "DF", "d": "FE", "e": "EC", "f": "CA", "g": "CD"}
_LIT = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")


def angular(digit: int, rng: np.random.Generator) -> Shape:
    """Return a digit like that of a seven-segment display, 1 high, its corners a little off."""
    corners = np.array([[x, y] for y in (-0.5, 0.0, 0.5) for x in (-0.5, 0.5)]) + rng.normal(0.0, 0.025, (6, 2))
    corners[:, 0] *= rng.uniform(0.4, 0.75)
    place = dict(zip("ABCDEF", corners.astype(np.float32), strict=True))
    return [np.stack([place[a], place[b]]) for a, b in (tuple(_SEGMENTS[name]) for name in _LIT[digit])]


_SIGNS: dict[str, list[list[tuple[float, float]]]] = {
    "÷": [[(-0.3, 0.0), (0.3, 0.0)], [(0.0, -0.25), (0.01, -0.24)], [(0.0, 0.25), (0.01, 0.26)]],
    "•": [[(-0.04, 0.0), (0.04, 0.0)], [(0.0, -0.04), (0.0, 0.04)]],
    "✓": [[(-0.35, 0.05), (-0.12, 0.4), (0.45, -0.45)]],
    "√": [[(-0.5, 0.1), (-0.38, 0.0), (-0.2, 0.5), (0.05, -0.55), (0.6, -0.55)]],
    "→": [[(-0.5, 0.0), (0.5, 0.02)], [(0.3, -0.18), (0.5, 0.02), (0.28, 0.2)]],
    "€": [
        [(0.3, -0.35), (0.1, -0.5), (-0.2, -0.3), (-0.28, 0.0), (-0.2, 0.32), (0.08, 0.5), (0.32, 0.38)],
        [(-0.42, -0.1), (0.15, -0.12)],
        [(-0.42, 0.1), (0.12, 0.09)],
    ],
    "£": [
        [(0.3, -0.35), (0.12, -0.5), (-0.05, -0.35), (-0.05, 0.2), (-0.25, 0.48), (0.35, 0.46)],
        [(-0.25, 0.0), (0.2, 0.0)],
    ],
    "°": [[(0.0, -0.5), (-0.1, -0.4), (0.0, -0.3), (0.1, -0.4), (0.0, -0.5)]],
}


def drawn_sign(char: str) -> Shape:
    """Return the strokes of a sign that UNIPEN lacks, about 0 and about 1 high; nothing for an unknown one."""
    return [np.array(stroke, np.float32) for stroke in _SIGNS.get(char, [])]


def set_line(
    characters: Characters, rng: np.random.Generator, text: str, height: float, hand: Hand, gap: float, raster: bool
) -> Iterator[Placed]:
    """Yield the characters of a line of handwriting that begins at x = 0 about y = 0, in page units.

    Args:
        characters: What to take them from.
        rng: Chooses and varies them.
        text: What is written; unknown characters leave a gap.
        height: Of a digit.
        hand: Whose.
        gap: After a digit, in heights of a digit.
        raster: As `place` takes it.
    """
    x = 0.0
    for char in text:
        if char == " ":
            x += height * float(rng.uniform(0.35, 0.6))
            continue
        char = ALIASES.get(char, char)
        kind, size = kind_of(char), height * float(np.exp(rng.normal(0.0, hand.size_variation)))
        at = place(characters, rng, kind, char, size, hand, raster)
        y = at.y + hand.slope * x + height * float(rng.normal(0.0, hand.wander))
        yield Placed(at.char, kind, x + at.width / 2, y, size, at.width, at.shape, at.picture)
        space = (gap, 0.06) if kind == "digit" else (hand.letter_gap, 0.04)
        if kind == "symbol":
            space = (0.6 * gap + 0.03, 0.05)
        x += at.width + height * (max(float(rng.normal(*space)), -0.06) + 0.7 * hand.width)


def is_ambiguous(text: str) -> bool:
    """Return whether a text of one to three characters may as well be digits: `I`, `lO`, `/`."""
    return len(text) <= 3 and bool(text) and all(char in AMBIGUOUS for char in text)


def joins(line: list[Placed], hand: Hand) -> Shape:
    """Return the strokes from each letter of a line to a small letter after it, if the hand joins, in page units."""
    if not hand.joined:
        return []
    found = []
    for first, second in pairwise(line):
        if first.kind in ("upper", "lower") and second.kind == "lower" and first.shape and second.shape:
            start = first.shape[0][-1] + (first.x, first.y)
            end = second.shape[0][0] + (second.x, second.y)
            if 0 < end[0] - start[0] < 0.6 * first.height and abs(end[1] - start[1]) < 0.8 * first.height:
                middle = ((start[0] + end[0]) / 2, max(start[1], end[1]) + 0.03 * first.height)
                found.append(np.asarray([start, middle, end], np.float32))
    return found
