"""Clutter of synthetic pages: scribbles, arrows, rings, deleted words, stamps, holes. It hides no labelled digit."""

from collections.abc import Callable

import numpy as np

from digitrec.datasets import page_marks, page_texts
from digitrec.datasets.page_canvas import PageCanvas
from digitrec.datasets.page_texts import log_uniform, pick
from digitrec.datasets.page_writer import Area, Writer


def clutter(canvas: PageCanvas, area: tuple[float, float, float, float], rng: np.random.Generator) -> None:
    """Draw none to about eight non-digits where there is no digit.

    Args:
        canvas: The page, its digits already written.
        area: Where writing belongs: left, top, right and bottom in page units.
        rng: Source of chance.
    """
    page, whole = Writer(canvas, rng, digits=False), Area(*area)
    for _ in range(int(rng.choice([0, 1, 2, 4, 8], p=[0.4, 0.2, 0.2, 0.13, 0.07]))):
        thing, width, height = pick(rng, THINGS, WEIGHTS)
        size = log_uniform(rng, 0.7, 1.6)
        place = _free_place(canvas, whole, width * size, height * size, rng)
        if place is not None:
            thing(page, place)
    if rng.random() < 0.04:
        holes(page, whole)


def _free_place(canvas: PageCanvas, area: Area, width: float, height: float, rng: np.random.Generator) -> Area | None:
    """Return a place of this size without a label, or None if three tries find none."""
    for _ in range(3):
        left = area.left + rng.uniform(0.0, 1.0) * max(area.width - width, 1.0)
        top = area.top + rng.uniform(0.0, 1.0) * max(area.height - height, 1.0)
        if canvas.is_free(left - 3, top - 3, width + 6, height + 6):
            return Area(left, top, left + width, top + height)
    return None


def _layer(page: Writer) -> str:
    return "ink2" if page.rng.random() < 0.35 else "ink"


def scribble(page: Writer, place: Area) -> None:
    """A random walk of the pen, or a zigzag."""
    rng, layer = page.rng, _layer(page)
    width = float(rng.uniform(0.8, 3.5))
    if rng.random() < 0.4:
        page_marks.scribble(page, place, width, layer)
        return
    steps = np.cumsum(rng.normal(0.0, 0.22, (int(rng.integers(14, 40)), 2)), axis=0)
    steps = (steps - steps.mean(axis=0)) / (2 * np.abs(steps - steps.mean(axis=0)).max(axis=0) + 1e-6)
    page_marks.stroke(page, steps * (place.width, place.height) + place.middle, width, layer)


def long_line(page: Writer, place: Area) -> None:
    """A pen line, as under a heading or between two parts of a page; at times double."""
    for _ in range(int(page.rng.integers(1, 3))):
        y = page.rng.uniform(place.top, place.bottom, 2)
        page.canvas.line((place.left, y[0]), (place.right, y[1]), page.rng.uniform(0.8, 3.0), _layer(page), 1.0, 0.4)


def arrow(page: Writer, place: Area) -> None:
    """An arrow, straight or bent."""
    rng, layer, width = page.rng, _layer(page), float(page.rng.uniform(0.9, 3.0))
    ends = rng.uniform(0.0, 1.0, (3, 2)) * (place.width, place.height) + place[:2]
    page_marks.stroke(page, ends, width, layer)
    way = (ends[1] - ends[2]) / max(float(np.hypot(*(ends[1] - ends[2]))), 1.0) * rng.uniform(6.0, 16.0)
    side = np.array([-way[1], way[0]]) * 0.5
    page.canvas.curve(np.array([ends[2] + way + side, ends[2], ends[2] + way - side]), width, layer, 1.0)


def ring(page: Writer, place: Area) -> None:
    """A ring round a word: an empty one could be a nought."""
    inner = place.inset(0.2 * place.width, 0.3 * place.height)
    layer = _layer(page)
    page.cell(page_texts.words(page.rng, 1), inner, 0.8 * inner.height, layer)
    page_marks.loop(page, inner, float(page.rng.uniform(0.8, 3.0)), pick(page.rng, ("ink", "ink2")))


def tick(page: Writer, place: Area) -> None:
    """A tick or cross."""
    page_marks.tick(page, *place.middle, min(place.width, place.height), _layer(page))


def deleted_word(page: Writer, place: Area) -> None:
    """A word with lines through it or scribbled over."""
    rng, layer = page.rng, _layer(page)
    height = 0.6 * place.height
    where = page.cell(page_texts.words(rng, 1), place, height, layer)
    width = page_marks.pen_width(page, height, layer)
    if rng.random() < 0.5:
        page_marks.scribble(page, where, width, layer)
    else:
        for _ in range(int(rng.integers(1, 4))):
            y = where.middle[1] + rng.normal(0.0, 0.15, 2) * height
            page.canvas.line((where.left - 3, y[0]), (where.right + 3, y[1]), width, layer, 1.0, 0.3)


def bracket(page: Writer, place: Area) -> None:
    """A brace or a square bracket in the margin."""
    way = 1.0 if page.rng.random() < 0.5 else -1.0
    shape = np.array([[0.5, -0.5], [0.0, -0.4], [0.0, -0.1], [-0.5, 0.0], [0.0, 0.1], [0.0, 0.4], [0.5, 0.5]])
    points = shape * (way * 0.6 * min(place.width, 0.3 * place.height), place.height) + place.middle
    page_marks.stroke(page, points, float(page.rng.uniform(0.8, 2.5)), _layer(page))


def rubber_stamp(page: Writer, place: Area) -> None:
    """A rubber stamp: ellipses or frames with print between, and a date."""
    rng, (x, y) = page.rng, place.middle
    opacity = float(rng.uniform(0.4, 0.9))
    turn, tilt = np.linspace(0.0, 2 * np.pi, 41), rng.normal(0.0, 0.25)
    rotation = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    shape = np.column_stack([np.cos(turn), np.sin(turn)])
    if rng.random() < 0.35:
        shape = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]], np.float64)
    for scale in (0.5, float(rng.choice([0.46, 0.36]))):
        points = (shape * (place.width * scale, place.height * scale * 0.9)) @ rotation + (x, y)
        page.canvas.curve(points, 1.6, "ink2", opacity)
    size = min(0.12 * place.height, 14.0)
    for line, text in enumerate(
        (pick(rng, ("RECEIVED", "PAID", "COPY", "Office", "VU")), page_texts.fill(rng, "dd.dd.dddd"))
    ):
        at = y + (line - 0.5) * 2.0 * size
        page.printed(text, x, at, size, "centre", 0.65 * place.width, "ink2", opacity)


def margin_print(page: Writer, place: Area) -> None:
    """A printed word or number where it does not belong, such as a page number or a trade mark."""
    text = page.canvas.characters.random_text(page.rng)
    page.printed(text, place.left, place.middle[1], min(0.5 * place.height, 22.0), "left", place.width)


def drawing(page: Writer, place: Area) -> None:
    """A doodle: a triangle, a star, a flower or a house; no plain ring, which could be a nought."""
    rng, layer, width = page.rng, _layer(page), float(page.rng.uniform(0.8, 3.0))
    size = np.array([place.width, place.height])
    corners, step = pick(rng, ((3, 1), (5, 2), (7, 3), (8, 3)))
    turn = np.arange(corners + 1) * step / corners * 2 * np.pi + rng.uniform(0.0, 1.0)
    points = np.column_stack([np.cos(turn), np.sin(turn)]) * rng.uniform(0.4, 0.5)
    if rng.random() < 0.3:
        points = np.array([[-0.4, 0.5], [-0.4, -0.1], [0.0, -0.5], [0.4, -0.1], [-0.4, -0.1], [0.4, 0.5], [0.4, -0.1]])
    points = points + rng.normal(0.0, 0.02, points.shape)
    page.canvas.curve(points * size + place.middle, width, layer, 1.0)


def word(page: Writer, place: Area) -> None:
    """A word or two by hand."""
    page.cell(page_texts.words(page.rng, int(page.rng.integers(1, 3))), place, 0.6 * place.height, _layer(page))


def sign(page: Writer, place: Area) -> None:
    """A signature."""
    page_marks.signature(page, place, _layer(page))


def code(page: Writer, place: Area) -> None:
    """A printed bar code or a square code."""
    draw = page_marks.bar_code if page.rng.random() < 0.6 else page_marks.matrix_code
    draw(page, place)


def holes(page: Writer, area: Area) -> None:
    """Punched holes along the left or upper edge, as filled rings."""
    rng = page.rng
    radius, off = rng.uniform(2.5, 7.0), rng.uniform(2.0, 10.0)
    turn = np.linspace(0.0, 2 * np.pi, 17)[:-1]
    for share in np.linspace(0.05, 0.95, int(rng.choice([2, 4, 12, 24]))):
        middle = (area.left - off, area.top + share * area.height)
        if page.canvas.is_free(middle[0] - radius, middle[1] - radius, 2 * radius, 2 * radius):
            page.canvas.polygon(np.column_stack([np.cos(turn), np.sin(turn)]) * radius + middle, "print", 0.8)


THINGS: tuple[tuple[Callable[[Writer, Area], None], float, float], ...] = (
    (scribble, 60.0, 26.0),
    (long_line, 220.0, 8.0),
    (arrow, 70.0, 50.0),
    (ring, 80.0, 40.0),
    (tick, 24.0, 24.0),
    (deleted_word, 80.0, 32.0),
    (bracket, 26.0, 90.0),
    (rubber_stamp, 130.0, 90.0),
    (margin_print, 110.0, 22.0),
    (drawing, 60.0, 60.0),
    (word, 110.0, 34.0),
    (sign, 120.0, 40.0),
    (code, 90.0, 60.0),
)
"""What is drawn, and its usual width and height in page units."""

WEIGHTS = (3.0, 2.0, 2.0, 2.0, 2.5, 2.0, 1.0, 1.5, 1.5, 1.5, 2.0, 1.0, 0.6)
"""How often each of `THINGS` is drawn, relative to the others."""
