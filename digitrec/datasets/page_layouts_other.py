"""Layouts that hold few digits or none, and what is taken for them: other scripts, drawn shapes, rows of dashes."""

import numpy as np
from numpy.typing import NDArray

from digitrec.datasets import page_marks, page_texts, scripts
from digitrec.datasets.hands import Hand
from digitrec.datasets.page_layouts_free import body_height
from digitrec.datasets.page_texts import log_uniform, pick
from digitrec.datasets.page_writer import Area, Writer

Points = NDArray[np.float64]


def other_scripts(page: Writer, area: Area) -> None:
    """Lines of another script, printed or by hand, at times with handwritten numbers between them."""
    rng = page.rng
    page.hand = Hand.random(rng)
    known = scripts.of_part(page.canvas.characters.part)
    script = known[int(rng.integers(len(known)))] if known else None
    height, written = body_height(page, area), rng.random() < 0.7
    pitch, y = height * rng.uniform(1.6, 2.6), area.top + height
    numbers = float(pick(rng, (0.0, 0.0, 0.25, 0.5)))
    for _ in range(min(int(rng.choice([1, 4, 30])), max(int(area.height / pitch), 1))):
        x = area.left + rng.uniform(0.0, 0.1) * area.width
        while x < area.right - 4 * height:
            if rng.random() < numbers:
                text = page_texts.value(rng, pick(rng, ("small", "date", "amount", "plain")))
                if page.width(text, height) < area.right - x:
                    x = page.number(text, x, y, height) + 0.6 * height
                    continue
            x = script_line(page, script, x, y, height, area.right, written) + 0.6 * height
        y += pitch


def script_line(
    page: Writer, script: scripts.Script | None, x: float, y: float, height: float, right: float, written: bool
) -> float:
    """Write or print some words from x on, none beyond `right`; return where they end. Without a script: Latin."""
    rng = page.rng
    if script is None:
        return page.canvas.word(None, x, y, height, page.hand)
    picture = scripts.line(rng, script, int(rng.integers(1, 5)))
    scale = 1.35 * height / scripts.HEIGHT
    picture = picture[:, : max(8, int((right - x) / scale))]
    if written:
        picture = scripts.by_hand(rng, picture)
    wide, high = picture.shape[1] * scale, picture.shape[0] * scale
    page.canvas.image(picture, x + wide / 2, y, wide, high, "ink" if written else "print")
    return float(x + wide)


def shapes(page: Writer, area: Area) -> None:
    """Shapes drawn by hand, scattered or in rows, filled or not, at times one large one."""
    rng = page.rng
    page.hand = Hand.random(rng)
    usual = log_uniform(rng, 16.0, 160.0)
    width, layer = float(rng.uniform(0.8, 4.0)), pick(rng, ("ink", "ink", "ink2", "print"))
    in_rows, count = rng.random() < 0.4, int(rng.choice([1, 4, 12, 40]))
    kinds = [pick(rng, tuple(SHAPES)) for _ in range(int(rng.integers(1, 8)))]
    placed: list[tuple[float, float, float]] = []
    for number in range(count):
        size = usual if in_rows else min(usual * float(np.exp(rng.normal(0.0, 0.4))), 0.6 * area.width)
        x, y = rng.uniform(area.left, area.right), rng.uniform(area.top, area.bottom)
        if in_rows:
            across = max(1, int(area.width / (1.5 * size)))
            x = area.left + (number % across + 0.5) * 1.5 * size
            y = area.top + (number // across + 0.5) * 1.5 * size
        if y > area.bottom or any(abs(x - a) + abs(y - b) < 0.7 * (size + c) for a, b, c in placed):
            continue
        placed.append((x, y, size))
        shape(page, pick(rng, kinds), x, y, size, width, layer)


def shape(page: Writer, kind: str, x: float, y: float, size: float, width: float, layer: str) -> None:
    """Draw one shape of `SHAPES` or a group of lines by hand about (x, y)."""
    rng = page.rng
    turn = rng.normal(0.0, 0.2)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    stretch = np.exp(rng.normal(0.0, 0.15, 2))
    opacity = page.writer_of("ink2" if layer == "ink2" else "ink").opacity
    for part in SHAPES[kind]:
        points = (part + rng.normal(0.0, 0.012, part.shape)) * stretch @ rotation * size + (x, y)
        if len(points) > 6:
            points = page_marks.smooth(points, 1)
        page.canvas.curve(points, width, layer, opacity)
        if len(part) > 3 and rng.random() < 0.1:
            page.canvas.polygon(points, layer, opacity)


def _ring(
    corners: int, step: int = 1, start: float = -0.25, radius: float = 0.5, at: tuple[float, float] = (0.0, 0.0)
) -> Points:
    turn = (np.arange(corners + 1) * step / corners + start) * 2 * np.pi
    return np.asarray(np.column_stack([np.cos(turn), np.sin(turn)]) * radius + at, np.float64)


def _lines(*parts: list[tuple[float, float]]) -> list[Points]:
    return [np.array(part, np.float64) for part in parts]


def _spiral() -> Points:
    turn = np.linspace(0.0, 3.2 * 2 * np.pi, 60)
    return np.asarray(np.column_stack([np.cos(turn), np.sin(turn)]) * turn[:, None] / turn[-1] / 2)


def _heart() -> Points:
    turn = np.linspace(0.0, 2 * np.pi, 30)
    x, y = 16 * np.sin(turn) ** 3, 13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)
    return np.asarray(np.column_stack([x, -y]) / 34)


def _wave() -> Points:
    turn = np.linspace(0.0, 3 * 2 * np.pi, 40)
    return np.asarray(np.column_stack([turn / turn[-1] - 0.5, 0.12 * np.sin(turn)]))


_FACE = [_ring(24), *(_ring(8, radius=0.05, at=(side, -0.12)) for side in (-0.17, 0.17))]
_FACE.append(np.array([(-0.2, 0.12), (-0.1, 0.25), (0.1, 0.25), (0.2, 0.12)]))

SHAPES: dict[str, list[Points]] = {
    "triangle": [_ring(3)],
    "square": [_ring(4, start=0.125)],
    "rectangle": [_ring(4, start=0.125) * (1.3, 0.6)],
    "diamond": [_ring(4)],
    "pentagon": [_ring(5)],
    "hexagon": [_ring(6)],
    "star": [_ring(5, 2)],
    "star of lines": _lines([(-0.5, 0), (0.5, 0)], [(-0.3, -0.4), (0.3, 0.4)], [(-0.3, 0.4), (0.3, -0.4)]),
    "ring": [_ring(24)],
    "double ring": [_ring(24), _ring(24, radius=0.3)],
    "ellipse": [_ring(24) * (1.2, 0.6)],
    "arrow": _lines([(-0.5, 0), (0.5, 0)], [(0.25, -0.2), (0.5, 0), (0.25, 0.2)]),
    "bent arrow": _lines([(-0.4, 0.5), (-0.4, -0.2), (0.5, -0.2)], [(0.25, -0.4), (0.5, -0.2), (0.25, 0.0)]),
    "cross": _lines([(-0.5, 0), (0.5, 0)], [(0, -0.5), (0, 0.5)]),
    "slanted cross": _lines([(-0.4, -0.4), (0.4, 0.4)], [(-0.4, 0.4), (0.4, -0.4)]),
    "hash": _lines(*([(a, -0.5), (a, 0.5)] for a in (-0.15, 0.15)), *([(-0.5, a), (0.5, a)] for a in (-0.15, 0.15))),
    "spiral": [_spiral()],
    "heart": [_heart()],
    "wave": [_wave()],
    "zigzag": [np.array([(i / 8 - 0.5, 0.15 * (-1) ** i) for i in range(9)])],
    "face": _FACE,
    "house": [np.array([(-0.4, 0.5), (-0.4, -0.1), (0, -0.5), (0.4, -0.1), (0.4, 0.5), (-0.4, 0.5)])],
    "person": [
        _ring(12, radius=0.14, at=(0, -0.36)),
        *_lines([(0, -0.22), (0, 0.2), (-0.2, 0.5)], [(0, 0.2), (0.2, 0.5)], [(-0.25, -0.05), (0.25, -0.05)]),
    ],
    "flower": [_ring(12, radius=0.12), *(_ring(10, radius=0.15, at=(x, y)) for x, y in _ring(6, radius=0.27)[:-1])],
    "cube": [_ring(4, start=0.125, radius=0.4), _ring(4, start=0.125, radius=0.4, at=(0.2, -0.2))],
    "moon": [np.concatenate([_ring(24)[:15], _ring(24, radius=0.45, at=(0.2, 0.0))[14:2:-1]])],
    "check": _lines([(-0.4, 0.0), (-0.15, 0.35), (0.45, -0.45)]),
}
"""Lines (N, 2) of each shape, about 0 and of size 1, y down."""


def dashes(page: Writer, area: Area) -> None:
    """Rows of one repeated non-digit: dashes, dots, crosses, waves, plus signs, hatching."""
    rng = page.rng
    page.hand = Hand.random(rng)
    size = log_uniform(rng, 6.0, 60.0)
    width, layer = max(0.8, size * float(rng.uniform(0.04, 0.2))), pick(rng, ("ink", "ink2", "print", "rules"))
    mark = pick(rng, ("dash", "dash", "dash", "dot", "cross", "slanted cross", "wave", "zigzag", "hatch", "arrow"))
    step, pitch = size * rng.uniform(1.15, 2.2), size * rng.uniform(0.7, 3.0)
    rows = min(int(rng.choice([1, 3, 12, 40])), int(area.height / pitch))
    steady = rng.random() < 0.4
    for row in range(rows):
        y, x = area.top + (row + 0.5) * pitch, area.left + size
        while x < area.right:
            at = np.array([x, y]) + rng.normal(0.0, 0.0 if steady else 0.06 * size, 2)
            if mark in SHAPES:
                shape(page, mark, float(at[0]), float(at[1]), size, width, layer)
            else:
                slope = {"dash": 0.0, "dot": 0.0, "hatch": 1.0}[mark] + rng.normal(0.0, 0.0 if steady else 0.08)
                half = np.array([1.0, -slope]) * (0.5 * size if mark != "dot" else 0.1 * size)
                page.canvas.curve(np.stack([at - half, at + half]), width, layer, 1.0)
            x += 0.4 * step if mark == "hatch" else step
