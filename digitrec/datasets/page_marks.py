"""Marks by hand and printed furniture of synthetic pages, none of which is a digit: ticks, signatures, bar codes."""

import numpy as np
from numpy.typing import NDArray

from digitrec.datasets import page_texts
from digitrec.datasets.page_texts import pick
from digitrec.datasets.page_writer import Area, Writer

Points = NDArray[np.float64]


def pen_width(page: Writer, height: float, layer: str = "ink") -> float:
    """Return the width of a pen's line beside digits of this height, in page units."""
    return float(np.clip(page.writer_of(layer).width * height, 0.8, 6.0))


def smooth(points: Points, times: int = 2) -> Points:
    """Return a line (N, 2) with its corners cut, so many times (Chaikin 1974)."""
    for _ in range(times):
        near, far = 0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]
        inner = np.stack([near, far], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], inner, points[-1:]])
    return points


def stroke(page: Writer, points: Points, width: float, layer: str = "ink") -> None:
    """Draw a smooth pen stroke through about these points (N, 2)."""
    page.canvas.curve(smooth(points), width, layer, page.writer_of(layer).opacity)


def tick(page: Writer, x: float, y: float, size: float, layer: str = "ink") -> None:
    """Draw a tick, or at times a cross, with its middle near (x, y)."""
    rng, width = page.rng, pen_width(page, size, layer)
    if rng.random() < 0.3:
        for way in (-1.0, 1.0):
            ends = np.array([[-0.4 * way, -0.4], [0.4 * way, 0.4]]) + rng.normal(0.0, 0.08, (2, 2))
            page.canvas.curve(ends * size + (x, y), width, layer, page.writer_of(layer).opacity)
        return
    shape = np.array([[-0.45, 0.0], [-0.2, 0.4], [0.6, -0.6]]) + rng.normal(0.0, 0.08, (3, 2))
    page.canvas.curve(shape * size + (x, y), width, layer, page.writer_of(layer).opacity)


def loop(page: Writer, area: Area, width: float, layer: str = "ink") -> None:
    """Draw a ring by hand round an area, not quite closed or a little more than closed."""
    rng = page.rng
    turn = np.linspace(0.0, 2 * np.pi + rng.normal(0.15, 0.3), 22) + rng.uniform(0.0, 2 * np.pi)
    radii = np.array([0.55 * area.width + 3.0, 0.7 * area.height + 2.0]) * rng.uniform(0.95, 1.2)
    points = (
        np.column_stack([np.cos(turn), np.sin(turn)]) * radii * np.linspace(1.0, rng.uniform(0.95, 1.1), 22)[:, None]
    )
    page.canvas.curve(points + area.middle, width, layer, page.writer_of(layer).opacity)


def underline(page: Writer, area: Area, times: int, width: float, layer: str = "ink") -> None:
    """Underline an area by hand, once or more."""
    gap = max(2.5 * width, 3.0)
    for place in range(times):
        y = area.bottom + gap * (place + 1) + page.rng.normal(0.0, 0.6)
        ends = np.array([[area.left - 2.0, y], [area.middle[0], y], [area.right + 3.0, y]])
        page.canvas.curve(ends + page.rng.normal(0.0, 0.8, (3, 2)), width, layer, page.writer_of(layer).opacity)


def scribble(page: Writer, area: Area, width: float, layer: str = "ink") -> None:
    """Scribble an area full, as people delete a word."""
    rng = page.rng
    count = int(np.clip(area.width / max(area.height, 1.0) * 6, 5, 26))
    x = np.linspace(area.left, area.right, count)
    y = np.where(np.arange(count) % 2, area.top, area.bottom) + rng.normal(0.0, 0.12 * area.height, count)
    if rng.random() < 0.4:
        x = x + rng.normal(0.0, 0.25 * area.width, count)
    stroke(page, np.column_stack([x, y]), width, layer)


def signature(page: Writer, area: Area, layer: str = "ink") -> None:
    """Sign in an area: waves and loops that run together, at times with a line below."""
    rng = page.rng
    height = min(area.height, 0.45 * area.width)
    count = int(rng.integers(8, 22))
    x = np.linspace(0.0, 1.0, count) + rng.normal(0.0, 0.035, count)
    y = rng.normal(0.0, 0.22, count) * np.linspace(1.3, 0.6, count)
    y[: int(rng.integers(1, 4))] *= 1.8
    width = min(area.width, height * rng.uniform(2.0, 4.5))
    start = area.left + rng.uniform(0.0, 1.0) * (area.width - width)
    points = np.column_stack([start + x * width, area.middle[1] + np.clip(y, -0.6, 0.6) * height])
    line = pen_width(page, max(height * 0.5, 10.0), layer) * 0.8
    stroke(page, points, line, layer)
    if rng.random() < 0.4:
        tail = np.array([[start, 0.45 * height], [start + 0.6 * width, 0.3 * height], [start + width, 0.4 * height]])
        stroke(page, tail + np.array([0.0, area.middle[1]]), line, layer)


def tally(page: Writer, x: float, y: float, height: float, count: int, layer: str = "ink") -> float:
    """Draw so many fives of tally marks, the fifth across: without it they could be ones. Return the right end x."""
    width, step = pen_width(page, height, layer), 0.3 * height
    for place in range(5 * count):
        opacity = page.writer_of(layer).opacity
        if place % 5 == 4:
            ends = np.array([[x - 4.4 * step, y + 0.4 * height], [x, y - 0.4 * height]])
            page.canvas.curve(ends, width, layer, opacity)
            x += 1.4 * step
            continue
        ends = np.array([[x, y - 0.5 * height], [x, y + 0.5 * height]]) + page.rng.normal(0.0, 0.04 * height, (2, 2))
        page.canvas.curve(ends, width, layer, opacity)
        x += step
    return x


def correction(page: Writer, cell: Area, height: float, layer: str = "ink") -> Area:
    """Delete something at a cell's left with a scribble; return what is left of the cell for the new entry."""
    width = min(0.4 * cell.width, 1.6 * height)
    gone = Area(cell.left + 2.0, cell.middle[1] - 0.4 * height, cell.left + width, cell.middle[1] + 0.4 * height)
    scribble(page, gone, pen_width(page, height, layer), layer)
    return Area(gone.right + 0.2 * height, cell.top, cell.right, cell.bottom)


def check_box(page: Writer, x: float, y: float, size: float, filled: float = 0.4) -> float:
    """Print a check box (or a ring) with its left end at x, ticked in a share of cases; return its right end x."""
    area = Area(x, y - size / 2, x + size, y + size / 2)
    if page.rng.random() < 0.15:
        turn = np.linspace(0.0, 2 * np.pi, 17)
        ring = np.column_stack([np.cos(turn), np.sin(turn)]) * size / 2 + area.middle
        page.canvas.curve(ring, page.rule, "rules", page.rule_opacity)
    else:
        page.box(area)
    if page.rng.random() < filled:
        tick(page, *area.middle, size * page.rng.uniform(0.8, 1.6))
    return area.right


def bar_code(page: Writer, area: Area) -> None:
    """Print a bar code with its number below, unless digits are written there."""
    if not page.canvas.is_free(area.left - 2, area.top - 2, area.width + 4, 1.3 * area.height + 4):
        return
    count = int(np.clip(area.width / 1.6, 20, 95))
    bars = np.repeat((page.rng.random(count) < 0.5)[None, :] * np.uint8(255), 8, axis=0).astype(np.uint8)
    bars = np.repeat(bars, 3, axis=1)
    page.canvas.image(bars, *area.middle, area.width, area.height, "print")
    if page.rng.random() < 0.8:
        size = max(4.0, 0.16 * area.height)
        number = page_texts.digits(page.rng, int(page.rng.integers(8, 14)))
        page.printed(number, area.middle[0], area.bottom + size, size, "centre", area.width)


def matrix_code(page: Writer, area: Area) -> None:
    """Print a square two-dimensional code."""
    side = int(page.rng.integers(19, 34))
    cells = (page.rng.random((side, side)) < 0.5).astype(np.uint8) * np.uint8(255)
    for top, left in ((0, 0), (0, side - 7), (side - 7, 0)):
        cells[top : top + 7, left : left + 7] = 255
        cells[top + 1 : top + 6, left + 1 : left + 6] = 0
        cells[top + 2 : top + 5, left + 2 : left + 5] = 255
    size = min(area.width, area.height)
    page.canvas.image(np.repeat(np.repeat(cells, 3, 0), 3, 1), *area.middle, size, size, "print")


def paragraph(page: Writer, area: Area, size: float, lead: float = 1.7) -> float:
    """Print a paragraph of small print in one piece, `size` the capitals' height; return its bottom y."""
    rng, rows = page.rng, int(area.height / (lead * size))
    if rows < 1:
        return area.top
    length = int(np.clip(area.width / (0.62 * size), 6, 110))
    source = [
        page.canvas.characters.print_line(rng, page_texts.sentence(rng, length + 12), page.font)
        for _ in range(min(rows, 3))
    ]
    pitch = round(32 * lead)
    width = round(area.width / size * 32)
    block = np.zeros((rows * pitch, width), np.uint8)
    for row in range(rows):
        strip = source[row % len(source)]
        spaces = word_spaces(strip)
        first = int(spaces[min(int(rng.integers(0, 6)), len(spaces) - 1)]) if row >= len(source) else 0
        end = width if row < rows - 1 else int(width * rng.uniform(0.2, 1.0))
        last = spaces[spaces <= first + end].max(initial=first)
        part = strip[6 : 6 + pitch, first:last]
        block[row * pitch : row * pitch + part.shape[0], : part.shape[1]] = part
    height = rows * lead * size
    page.canvas.image(block, area.middle[0], area.top + height / 2, area.width, height, "print")
    return area.top + height


def word_spaces(strip: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the columns of a printed line (64, w) where a space between words ends, 0 and w among them."""
    wide = np.convolve(strip.any(axis=0), np.ones(7), "same") == 0
    ends = np.flatnonzero(wide[:-1] & ~wide[1:]) + 3
    return np.concatenate([[0], ends, [strip.shape[1]]])


def vertical_print(page: Writer, text: str, x: float, y: float, height: float, length: float) -> None:
    """Print a text that reads upwards, its middle at (x, y), no longer than `length`."""
    raster = page.canvas.characters.print_line(page.rng, text, page.font)
    wide = raster.shape[1] / 32 * height
    scale = min(1.0, length / wide)
    if height * scale >= 3.0:
        turned = np.ascontiguousarray(np.rot90(raster))
        page.canvas.image(turned, x, y, raster.shape[0] / 32 * height * scale, wide * scale, "print")


def emblem(page: Writer, area: Area) -> None:
    """Print an emblem of rings or a shield, as institutions have."""
    rng, (x, y) = page.rng, area.middle
    size = min(area.width, area.height) / 2
    sides = int(pick(rng, (3, 4, 6, 24)))
    turn = np.linspace(0.0, 2 * np.pi, sides + 1) + rng.uniform(0.0, 1.0)
    for scale in rng.uniform(0.4, 1.0, 2):
        page.canvas.curve(np.column_stack([np.cos(turn), np.sin(turn)]) * size * scale + (x, y), 1.2, "print", 1.0)
    page.printed(pick(rng, ("ABC", "U", "N", "S.A.", "M&K")), x, y, 0.4 * size, "centre", 1.2 * size)
