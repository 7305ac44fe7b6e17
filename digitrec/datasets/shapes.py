"""Shapes that people draw, all non-digits: stars, hearts, houses, arrows. As pen strokes, each time otherwise."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from digitrec.datasets.unipen import Writing

Places = Sequence[tuple[float, float]]


def draw(rng: np.random.Generator, name: str | None = None) -> Writing:
    """Return a shape, a name of SHAPES or any: stretched, rotated a little, its corners off and its lines shaky."""
    name = name or list(SHAPES)[int(rng.integers(len(SHAPES)))]
    angle = rng.normal(0.0, 0.12)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = matrix @ np.diag([np.exp(rng.normal(0.0, 0.2)), 1.0])
    strokes = tuple(_by_hand(np.array(line, np.float64), rng) @ matrix.T for line in SHAPES[name](rng))
    return Writing("#", "shape", "", tuple(np.asarray(stroke, np.float32) for stroke in strokes))


def _by_hand(line: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a line through places (N, 2) that a hand draws: each place a little off, and between them not straight."""
    off = line + rng.normal(0.0, 0.025, line.shape)
    at = np.linspace(0, len(off) - 1, max(2, 6 * (len(off) - 1)) + 1)
    fine = np.column_stack([np.interp(at, np.arange(len(off)), off[:, axis]) for axis in (0, 1)])
    return np.asarray(fine + rng.normal(0.0, 0.006, fine.shape))


def _arc(x: float, y: float, across: float, down: float, first: float = 0, last: float = 360) -> Places:
    """Return places on an ellipse about (x, y), from one angle to another in degrees, clockwise from the right."""
    angles = np.deg2rad(np.linspace(first, last, max(4, int(abs(last - first) / 18))))
    return [(x + across * float(np.cos(a)), y + down * float(np.sin(a))) for a in angles]


def _triangle(rng: np.random.Generator) -> list[Places]:
    angles = np.deg2rad(rng.uniform(0, 360) + 120 * np.arange(4))
    return [[(0.5 * float(np.cos(a)), 0.5 * float(np.sin(a))) for a in angles]]


def _square(_: np.random.Generator) -> list[Places]:
    return [[(-0.4, -0.4), (0.4, -0.4), (0.4, 0.4), (-0.4, 0.4), (-0.4, -0.4)]]


def _star(rng: np.random.Generator) -> list[Places]:
    if rng.random() < 0.5:  # in one line, crossing itself
        angles = np.deg2rad(-90 + 144 * np.arange(6))
        return [[(0.5 * float(np.cos(a)), 0.5 * float(np.sin(a))) for a in angles]]
    radii = np.where(np.arange(11) % 2, 0.22, 0.5)
    angles = np.deg2rad(-90 + 36 * np.arange(11))
    return [[(float(r * np.cos(a)), float(r * np.sin(a))) for r, a in zip(radii, angles, strict=True)]]


def _heart(_: np.random.Generator) -> list[Places]:
    t = np.linspace(0, 2 * np.pi, 24)
    across = 0.5 * np.sin(t) ** 3
    down = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 32
    return [list(zip(across.tolist(), down.tolist(), strict=True))]


def _spiral(rng: np.random.Generator) -> list[Places]:
    t = np.linspace(0, rng.uniform(2.2, 4) * 2 * np.pi, 50)
    return [list(zip((t * np.cos(t) / t[-1] / 2).tolist(), (t * np.sin(t) / t[-1] / 2).tolist(), strict=True))]


def _arrow(rng: np.random.Generator) -> list[Places]:
    head = rng.uniform(0.15, 0.3)
    return [[(-0.5, 0), (0.5, 0)], [(0.5 - head, -head), (0.5, 0), (0.5 - head, head)]]


def _house(_: np.random.Generator) -> list[Places]:
    return [[(-0.4, 0.5), (-0.4, -0.1), (0, -0.5), (0.4, -0.1), (0.4, 0.5), (-0.4, 0.5)], [(-0.4, -0.1), (0.4, -0.1)]]


def _face(_: np.random.Generator) -> list[Places]:
    eyes = [_arc(x, -0.15, 0.03, 0.03) for x in (-0.17, 0.17)]
    return [_arc(0, 0, 0.5, 0.5), *eyes, _arc(0, 0.08, 0.24, 0.2, 10, 170)]


def _grid(_: np.random.Generator) -> list[Places]:
    return [line for at in (-0.17, 0.17) for line in ([(at, -0.5), (at, 0.5)], [(-0.5, at), (0.5, at)])]


def _cross(rng: np.random.Generator) -> list[Places]:
    if rng.random() < 0.5:
        return [[(-0.4, -0.5), (0.4, 0.5)], [(0.4, -0.5), (-0.4, 0.5)]]
    return [[(-0.5, 0), (0.5, 0)], [(0, -0.5), (0, 0.5)]]


def _waves(rng: np.random.Generator) -> list[Places]:
    across = np.linspace(-0.5, 0.5, 30)
    wave = 0.12 * np.sin(across * rng.uniform(14, 26))
    return [list(zip(across.tolist(), (wave + y).tolist(), strict=True)) for y in (0.0, 0.3)[: int(rng.integers(1, 3))]]


def _flower(_: np.random.Generator) -> list[Places]:
    petals: list[Places] = [
        _arc(0.25 * np.cos(a), 0.25 * np.sin(a) - 0.2, 0.14, 0.14) for a in np.deg2rad(72 * np.arange(5))
    ]
    return [*petals, [(0, -0.05), (0, 0.5)]]


def _box_with_a_cross(rng: np.random.Generator) -> list[Places]:
    return [
        [(-0.4, -0.4), (0.4, -0.4), (0.4, 0.4), (-0.4, 0.4), (-0.4, -0.4)],
        [(-0.3, -0.3), (0.3, 0.3)],
        [(0.3, -0.3), (-0.3, 0.3)],
    ]


def _sun(_: np.random.Generator) -> list[Places]:
    rays = np.deg2rad(45 * np.arange(8))
    return [_arc(0, 0, 0.22, 0.22)] + [
        [(0.3 * np.cos(a), 0.3 * np.sin(a)), (0.5 * np.cos(a), 0.5 * np.sin(a))] for a in rays
    ]


SHAPES: dict[str, Callable[[np.random.Generator], list[Places]]] = {
    "triangle": _triangle,
    "square": _square,
    "star": _star,
    "heart": _heart,
    "spiral": _spiral,
    "arrow": _arrow,
    "house": _house,
    "face": _face,
    "grid": _grid,
    "cross": _cross,
    "waves": _waves,
    "flower": _flower,
    "box with a cross": _box_with_a_cross,
    "sun": _sun,
    "tick": lambda rng: [[(-0.3, 0.1), (-0.1, 0.4), (0.4, -0.5)]],
}
