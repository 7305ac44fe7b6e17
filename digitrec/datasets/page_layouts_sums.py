"""Layout of calculations by hand: equations, fractions, additions in columns, long divisions."""

import numpy as np

from digitrec.datasets import page_marks, page_texts
from digitrec.datasets.page_layouts_free import body_height
from digitrec.datasets.page_texts import pick
from digitrec.datasets.page_writer import Area, Writer

EQUATIONS = (
    *("d+d=d", "dd-d=dd", "dxd=dd", "dd/d=d", "(d+d)xd=dd", "x=dd", "dx+d=dd", "d*d=d", "d.dd+d.d=d.d", "y=dx-d"),
    *("d%", "ddd:d=dd", "d,d-d,d=", "dddd+ddd=dddd", "x=-d", "dd-dd=d", "d/d+d/d=d"),
)


def sums(page: Writer, area: Area) -> None:
    """Calculations: equations in lines, fractions, additions in columns, long divisions."""
    rng = page.rng
    height = body_height(page, area)
    kinds = (_equation, _fractions, _addition, _division)
    weights = rng.dirichlet([0.8, 0.5, 0.8, 0.4]).tolist()
    y = area.top
    while y < area.bottom - 1.5 * height:
        x, lowest = area.left + rng.uniform(0.0, 2.0) * height, y + height
        while x < area.right - 4 * height:
            kind = pick(rng, kinds, weights) if y + 9 * height < area.bottom else _equation
            x, bottom = kind(page, x, y + height, height, area.right)
            x, lowest = x + height * rng.uniform(1.0, 3.0), max(lowest, bottom)
            if rng.random() < 0.3:
                break
        y = lowest + height * rng.uniform(0.4, 1.2)
        if page.room < 20 or rng.random() < 0.08:
            break


def _equation(page: Writer, x: float, y: float, height: float, limit: float) -> tuple[float, float]:
    """Write an equation, not beyond the limit; return its right end and its bottom."""
    rng = page.rng
    text = page_texts.fill(rng, pick(rng, EQUATIONS))
    while page.width(text, height) > limit - x:
        text = text[:-1]
    end = page.text(text, x, y, height)
    if rng.random() < 0.1:
        page_marks.loop(page, Area(x, y - height / 2, end, y + height / 2), page_marks.pen_width(page, height), "ink2")
    return end, y + 0.6 * height


def _fractions(page: Writer, x: float, y: float, height: float, limit: float) -> tuple[float, float]:
    """Write fractions with bars and signs between, not beyond the limit; return the right end and the bottom."""
    rng, size = page.rng, 0.75 * height
    middle = y + 0.35 * height
    for place in range(int(rng.integers(1, 4))):
        if x > limit - 3 * size:
            break
        if place:
            x = page.canvas.symbol(pick(rng, "+-="), x + 0.3 * size, middle, size, page.hand) + 0.3 * size
        ends = [x + 0.8 * size]
        for side in (-0.75, 0.75):
            number = page_texts.digits(rng, int(rng.integers(1, 3)))
            ends.append(page.number(number, x, middle + side * size, size))
        _rule(page, x - 0.15 * size, max(ends) + 0.15 * size, middle, size)
        x = max(ends)
    return x, middle + 1.3 * size


def _addition(page: Writer, x: float, y: float, height: float, limit: float) -> tuple[float, float]:
    """Write numbers below each other, a line and the result; return the right end and the bottom."""
    rng, pitch = page.rng, 0.85 * height
    count = 2 if rng.random() < 0.6 else int(rng.integers(2, 5))
    length = min(int(rng.integers(1, 5)), max(int((limit - x) / pitch - 1.6), 1))
    right = x + (length + 1.6) * pitch
    for place in range(count):
        shorter = int(place > 0 and length > 1 and rng.random() < 0.3)
        _column(page, page_texts.digits(rng, length - shorter), right, y, height, pitch)
        if place == count - 1:
            page.canvas.symbol(pick(rng, "+-x" if count == 2 else "+"), x, y, 0.8 * height, page.hand)
        y += 1.35 * height
    _rule(page, x, right + 0.2 * height, y - 0.6 * height, height)
    if rng.random() < 0.85:
        longer = int(rng.random() < 0.4)
        _column(page, page_texts.digits(rng, length + longer), right, y + 0.1 * height, height, pitch)
        if rng.random() < 0.3:
            result = Area(x + pitch, y, right, y + 0.7 * height)
            page_marks.underline(page, result, int(rng.integers(1, 3)), page_marks.pen_width(page, height))
    return right, y + 1.1 * height


def _division(page: Writer, x: float, y: float, height: float, limit: float) -> tuple[float, float]:
    """Write a long division with its steps; return the right end and the bottom."""
    rng, pitch = page.rng, 0.8 * height
    left = page.number(page_texts.digits(rng, int(rng.integers(1, 3))), x, y + 1.3 * height, height) + 0.3 * height
    length = min(int(rng.integers(2, 5)), max(int((limit - left) / pitch - 0.6), 1))
    right = left + (length + 0.6) * pitch
    house = np.array([[left, y + 2.0 * height], [left, y + 0.65 * height], [right, y + 0.65 * height]])
    house += rng.normal(0.0, 0.04 * height, (3, 2))
    page.canvas.curve(house, page_marks.pen_width(page, height), "ink", page.hand.opacity)
    _column(page, page_texts.digits(rng, int(rng.integers(1, length + 1))), right, y, height, pitch)
    y += 1.35 * height
    _column(page, page_texts.digits(rng, length), right, y, height, pitch)
    for step in range(int(rng.integers(0, 3))):
        y += 1.3 * height
        end = right - (length - 1 - min(step, length - 1)) * pitch * 0.8
        _column(page, page_texts.digits(rng, 2), end, y, height, pitch)
        if step % 2 == 0:
            _rule(page, end - 2.2 * pitch, end, y + 0.62 * height, height)
    return right, y + 0.8 * height


def _column(page: Writer, text: str, right: float, y: float, height: float, pitch: float) -> None:
    """Write digits each in its column: the last ends at `right`, each is `pitch` from the next."""
    for place, char in enumerate(reversed(text)):
        off = page.rng.normal(0.0, 0.04, 2) * height
        page.digit(int(char), right - (place + 0.5) * pitch + off[0], y + off[1], height)


def _rule(page: Writer, left: float, right: float, y: float, height: float) -> None:
    """Draw a line by hand, in the pen that writes digits of this height."""
    ends = np.array([[left, y], [right, y]]) + page.rng.normal(0.0, 0.04 * height, (2, 2))
    page.canvas.curve(ends, page_marks.pen_width(page, height), "ink", page.hand.opacity)
