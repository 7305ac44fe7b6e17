"""Where the sheet lies in the frame, where writing belongs on it, and the lines printed on the paper.

Frame coordinates are pixels, x right and y down; page coordinates have their origin in the middle of the page.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Numbers = NDArray[np.floating[Any]]
Area = tuple[float, float, float, float]

KINDS: dict[str, float] = {
    "photo": 0.48,
    "scan": 0.15,
    "whiteboard": 0.03,
    "blackboard": 0.03,
    "screen": 0.05,
    "drawing": 0.13,
    "overlay": 0.03,
    "small": 0.04,
    "nothing": 0.06,
}
"""Share of each kind of frame."""

SHEETS = (0.707, 1.414, 0.75, 1.33, 1.0, 0.4, 2.3, 1.6)
"""Width by height of sheets: upright and wide A4, 3:4 both ways, square notes, receipts, cheques, cards."""


SMALL_LAYOUTS: tuple[str, ...] = ("large", "collection", "rows", "scattered")
"""Layouts that suit small drawings; those of 28 to 64 pixels only the first."""


@dataclass(frozen=True)
class Ruling:
    """Lines printed on paper.

    Attributes:
        pattern: `lines`, `squares`, `dots` or `seyes` (French school paper: strong lines with three fine ones between).
        step: Page units between lines.
        width: Page units, width of a line.
        opacity: 0 to 1.
        offset: 0 to 1, where the first line lies within a step.
        margin: x of a margin line in page units, or None.
    """

    pattern: str
    step: float
    width: float
    opacity: float
    offset: float
    margin: float | None


@dataclass(frozen=True)
class Scene:
    """What a frame shows and how the page lies in it.

    Attributes:
        kind: One of `KINDS`.
        page_to_frame: float64 (3, 3), homography from page units to frame pixels.
        area: (left, top, right, bottom) in page units where writing belongs.
        page: float64 (4, 2), corners of the sheet in page units, clockwise, or None where it fills the frame.
        ruling: Lines of the paper, or None.
        margins: Pixels (left, top, right, bottom) of empty bands around the picture in the frame.
        resolution: Pixels of the picture itself per pixel of the frame: 1, but for `small` 0.05 to 0.5. A digit under
            about 9 / resolution frame pixels high cannot be read.
        layouts: Names of the layouts that suit this scene; empty where all do.
    """

    kind: str
    page_to_frame: Matrix
    area: Area
    page: Matrix | None = None
    ruling: Ruling | None = None
    margins: tuple[int, int, int, int] = (0, 0, 0, 0)
    resolution: float = 1.0
    layouts: tuple[str, ...] = field(default=())


def choose(rng: np.random.Generator, side: int = 640, kind: str | None = None) -> Scene:
    """Return a random scene for a frame of `side` pixels, of one kind or of any by `KINDS`."""
    if kind is None:
        kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    if kind == "small":
        return _small(rng, side)
    if kind in ("drawing", "overlay", "nothing"):
        return _flat(rng, side, kind)
    return _sheet(rng, side, kind)


def to_frame(matrix: Numbers, points: Numbers) -> Matrix:
    """Return points (N, 2) mapped by a homography (3, 3)."""
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def visibility(scene: Scene, labels: NDArray[np.float32], side: int = 640) -> NDArray[np.float32]:
    """Return which share of each label's box lies on the sheet and inside the picture: float32 (N,), 0 to 1.

    Args:
        scene: Where the sheet lies.
        labels: float32 (N, 6): class, x, y, width, height, angle, in frame pixels.
        side: Pixels of the frame's side.
    """
    grid = np.stack(np.meshgrid(np.linspace(-0.45, 0.45, 5), np.linspace(-0.45, 0.45, 5)), axis=-1).reshape(-1, 2)
    values = np.asarray(labels, np.float64).reshape(-1, 6)
    offset = grid[None] * values[:, None, 3:5]
    cos, sin = np.cos(values[:, 5:]), np.sin(values[:, 5:])
    x = values[:, 1:2] + offset[..., 0] * cos - offset[..., 1] * sin
    y = values[:, 2:3] + offset[..., 0] * sin + offset[..., 1] * cos
    left, top, right, bottom = scene.margins
    inside = (x > left) & (y > top) & (x < side - right) & (y < side - bottom)
    if scene.page is not None:
        corners = to_frame(scene.page_to_frame, scene.page)
        for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            inside &= (end[0] - start[0]) * (y - start[1]) > (end[1] - start[1]) * (x - start[0])
    return np.asarray(inside.mean(axis=1), np.float32)


def draw_ruling(line: Callable[..., None], scene: Scene, rng: np.random.Generator, side: int = 640) -> None:
    """Draw the lines of the paper by `line(start, end, width, layer="rules", opacity=..., dash=...)`, if it has any."""
    ruling = scene.ruling
    if ruling is None:
        return
    left, top, right, bottom = _extent(scene, side)
    dash = (ruling.width, ruling.step - ruling.width) if ruling.pattern == "dots" else None
    fine = ruling.pattern == "seyes"
    for i, y in enumerate(np.arange(top + ruling.offset * ruling.step, bottom, ruling.step)):
        weak = 0.45 if fine and i % 4 else 1.0
        line((left, y), (right, y), ruling.width, layer="rules", opacity=ruling.opacity * weak, dash=dash)
    if ruling.pattern in ("squares", "seyes"):
        step = ruling.step * (4 if fine else 1)
        for x in np.arange(left + float(rng.random()) * step, right, step):
            line((x, top), (x, bottom), ruling.width, layer="rules", opacity=ruling.opacity)
    if ruling.margin is not None:
        x, strong = ruling.margin, min(1.0, 1.5 * ruling.opacity)
        line((x, top), (x, bottom), ruling.width, layer="rules", opacity=strong)


def _extent(scene: Scene, side: int) -> Area:
    """Return the bounding box of the sheet, or of the frame where the sheet fills it, in page units."""
    points = scene.page
    if points is None:
        frame = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float64)
        points = to_frame(np.linalg.inv(scene.page_to_frame), frame)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def _angle(rng: np.random.Generator, kind: str) -> float:
    """Return how the page is turned: half of photos and scans are upright, half lie at any angle."""
    if kind in ("photo", "scan") and rng.random() < 0.5:
        return float(rng.uniform(-np.pi, np.pi))
    if kind == "scan" and rng.random() < 0.7:
        return float(np.deg2rad(rng.normal(0, 1.2)))
    return float(np.deg2rad(rng.normal(0, 4) if rng.random() < 0.75 else rng.uniform(-16, 16)))


def _homography(rng: np.random.Generator, middle: Matrix, angle: float, tilt: float, scale: float) -> Matrix:
    """Return the map of a page turned by `angle`, seen with a `tilt` of 0 (from above) to about 2 (from aslant)."""
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
    stretch, view = np.eye(3), np.eye(3)
    if tilt:
        stretch[:2, :2] += rng.normal(0, 0.05 * tilt, (2, 2)) * [[1, 0.6], [0, 1]]
        view[2, :2] = np.clip(rng.normal(0, 0.00022 * tilt, 2), -0.0007, 0.0007)
    shift = np.array([[1, 0, middle[0]], [0, 1, middle[1]], [0, 0, 1.0]])
    return np.asarray(shift @ view @ turn @ stretch)


def _margins(rng: np.random.Generator, side: int, kind: str) -> tuple[int, int, int, int]:
    """Return the bands around a picture: those of a wide or tall picture in a square frame, or an even border."""
    if kind not in ("photo", "scan") or rng.random() > 0.12:
        return 0, 0, 0, 0
    if rng.random() < 0.25:
        border = int(rng.uniform(0.02, 0.15) * side)
        return border, border, border, border
    band = rng.uniform(0.05, 0.5) * side
    first = int(band * (0.5 if rng.random() < 0.7 else rng.choice([0.0, 1.0])))
    second = int(band) - first
    return (first, 0, second, 0) if rng.random() < 0.5 else (0, first, 0, second)


def _tilt(rng: np.random.Generator, kind: str) -> float:
    if kind == "scan":
        return 0.0
    return float(rng.choice([0.0, 1.0, 2.2], p=[0.3, 0.6, 0.1]))


def _sheet(rng: np.random.Generator, side: int, kind: str) -> Scene:
    """Return a scene with a sheet, a board or a screen: it fills the frame, lies in it, or runs out of it."""
    margins, angle = _margins(rng, side, kind), _angle(rng, kind)
    size = np.array([side - margins[0] - margins[2], side - margins[1] - margins[3]], np.float64)
    middle = np.array(margins[:2]) + size / 2
    matrix = _homography(rng, middle + rng.normal(0, 8, 2), angle, _tilt(rng, kind), float(rng.uniform(0.9, 1.1)))
    turn = np.abs([[math.cos(angle), math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    half, outer = turn @ size / 2, (turn @ np.ones(2)).max() ** 2
    if rng.random() < (0.35 if kind == "scan" else 0.55):
        area = _margined(rng, half * (1 / outer + (1 - 1 / outer) * rng.uniform(0.25, 0.8)))
        scene = Scene(kind, matrix, area, None, None, margins)
    else:
        page = _page(rng, kind, size, turn)
        if rng.random() < 0.35:
            matrix[:2] += np.outer(rng.uniform(-0.28, 0.28, 2) * size, matrix[2])
        scene = Scene(kind, matrix, _inside(rng, page, matrix, side), page, None, margins)
    return Scene(kind, matrix, scene.area, scene.page, _ruling(rng, kind, scene.area), margins)


def _page(rng: np.random.Generator, kind: str, size: Matrix, turn: Matrix) -> Matrix:
    """Return the corners (4, 2) of a sheet that fits a picture of `size`, or is up to half again as large."""
    shape = float(rng.choice(SHEETS if kind in ("photo", "scan") else SHEETS[1:4]))
    unit = np.array([math.sqrt(shape), 1 / math.sqrt(shape)])
    fitting = float((size / (turn @ unit)).min())
    scale = fitting * (rng.uniform(0.7, 1.05) if rng.random() < 0.65 else rng.uniform(1.05, 1.5))
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * unit * scale / 2
    if kind == "photo" and rng.random() < 0.15:
        corners += rng.normal(0, 6, corners.shape)
    return np.asarray(corners)


def _inside(rng: np.random.Generator, page: Matrix, matrix: Matrix, side: int) -> Area:
    """Return where writing belongs on a sheet: within its edges and within the bounding box of the frame."""
    frame = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float64)
    seen = to_frame(np.linalg.inv(matrix), frame)
    low, high = np.maximum(page.min(axis=0), seen.min(axis=0)), np.minimum(page.max(axis=0), seen.max(axis=0))
    margin = rng.uniform(0.03, 0.1) * (page.max(axis=0) - page.min(axis=0)).min()
    return float(low[0] + margin), float(low[1] + margin), float(high[0] - margin), float(high[1] - margin)


def _margined(rng: np.random.Generator, half: Matrix) -> Area:
    """Return an area about (0, 0) with margins; now and then only a part of it."""
    half = half * (1 - rng.uniform(0.02, 0.12))
    low, high = -half, half
    if rng.random() < 0.2:
        share, place = rng.uniform(0.4, 1.0, 2), rng.uniform(0, 1, 2)
        low = -half + place * (1 - share) * 2 * half
        high = low + share * 2 * half
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _ruling(rng: np.random.Generator, kind: str, area: Area) -> Ruling | None:
    """Return the lines of the paper: on two sheets of five, rarely on boards and screens."""
    if rng.random() > {"photo": 0.42, "scan": 0.35}.get(kind, 0.07):
        return None
    pattern = str(rng.choice(["lines", "squares", "dots", "seyes"], p=[0.5, 0.36, 0.07, 0.07]))
    low, high = {"lines": (14, 70), "squares": (11, 60), "dots": (12, 30), "seyes": (8, 18)}[pattern]
    step = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    width = float(rng.uniform(1.2, 2.2) if pattern == "dots" else rng.uniform(0.4, 2.0))
    margin = area[0] + float(rng.uniform(0.0, 0.2)) * (area[2] - area[0]) if rng.random() < 0.3 else None
    return Ruling(pattern, step, width, float(rng.uniform(0.25, 1.0)), float(rng.random()), margin)


def _flat(rng: np.random.Generator, side: int, kind: str) -> Scene:
    """Return a scene whose page is the frame itself, at times turned a little."""
    angle = float(np.deg2rad(rng.normal(0, 6))) if kind != "nothing" and rng.random() < 0.25 else 0.0
    if kind == "overlay" and rng.random() < 0.3:
        angle = float(rng.uniform(-np.pi, np.pi))
    matrix = _homography(rng, np.full(2, side / 2), angle, 0.0, 1.0)
    half = np.full(2, side / 2 / (abs(math.cos(angle)) + abs(math.sin(angle))))
    return Scene(kind, matrix, _margined(rng, half), None, _ruling(rng, kind, (0, 0, 0, 0)))


def _small(rng: np.random.Generator, side: int) -> Scene:
    """Return a drawing of 28 to 64 pixels (one to five digits), or of 96 to 300, enlarged to a part of the frame."""
    extent = side if rng.random() < 0.6 else int(rng.uniform(0.3, 1.0) * side)
    left, top = (int(v) for v in rng.integers(0, side - extent + 1, 2))
    layouts: tuple[str, ...]
    if rng.random() < 0.6:
        pixels, layouts = int(rng.choice([28, 32, 40, 48, 64])), ("large",)
    else:
        pixels, layouts = int(rng.integers(96, 300)), SMALL_LAYOUTS
    pixels = min(pixels, extent)
    matrix = _homography(rng, np.array([left + extent / 2, top + extent / 2]), 0.0, 0.0, 1.0)
    margins = (left, top, side - left - extent, side - top - extent)
    reach = 0.475 * extent
    area = (-reach, -reach, reach, reach)
    return Scene("small", matrix, area, None, None, margins, pixels / extent, layouts)
