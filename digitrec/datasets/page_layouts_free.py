"""Layouts without a printed form: rows, notes, sheets of digits, scattered and large digits, letters."""

import numpy as np

from digitrec.datasets import page_marks, page_texts
from digitrec.datasets.hands import Hand
from digitrec.datasets.page_tables import rules
from digitrec.datasets.page_texts import log_uniform, pick
from digitrec.datasets.page_writer import Area, Writer

CLEAR_LETTERS = "AEFHKMNPRTUVWXY"
"""Capitals that nobody takes for a digit."""


def body_height(page: Writer, area: Area) -> float:
    """Return a height for the digits of free writing, 7 to 110 units, mostly 12 to 45."""
    high = 45.0 if page.rng.random() < 0.75 else 110.0
    low = 12.0 if page.rng.random() < 0.85 else 7.0
    return min(log_uniform(page.rng, low, high), 0.45 * area.height, 0.45 * area.width)


def start(page: Writer, area: Area, rows: float) -> float:
    """Return the top of a block `rows` units high somewhere in the area."""
    return area.top + float(page.rng.uniform(0.0, 1.0)) * max(area.height - rows, 0.0)


def rows(page: Writer, area: Area) -> None:
    """Rows of digits or numbers, tight or loose, straight or sloping, one hand or many."""
    rng = page.rng
    page.hand = Hand.random(rng)
    height = body_height(page, area)
    pitch = height * rng.uniform(1.25, 2.3)
    count = int(min(max(area.height / pitch, 1), rng.choice([1, 2, 3, 6, 12, 30])))
    y = start(page, area, count * pitch) + pitch / 2
    length = int(rng.choice([1, 2, 4, 10]))
    gap = height * rng.uniform(0.4, 1.6)
    most = int(rng.choice([1, 3, 30]))
    indent = float(rng.choice([0.0, 0.3])) * area.width
    in_order = rng.random() < 0.15
    mixed = rng.random() < 0.2
    for row in range(count):
        x, place = area.left + indent * rng.random(), 0
        if mixed and rng.random() < 0.3:
            page.hand = Hand.random(rng)
        while place < most:
            text = page_texts.digits(rng, max(1, int(rng.poisson(length))))
            text = "0123456789"[row % 10] * len(text) if in_order else text
            room = int((area.right - x) / (height * (0.65 * page.hand.aspect + page.hand.gap)))
            if room < 1:
                break
            x = page.number(text[:room], x, y, height) + gap
            place += 1
        y += pitch * rng.uniform(0.94, 1.06)


def notes(page: Writer, area: Area) -> None:
    """Notes: headings, words and numbers, lists with bullets or numbers, telephone numbers, dates, deletions."""
    rng = page.rng
    height = body_height(page, area)
    pitch = height * rng.uniform(1.4, 2.4)
    y, x = area.top + pitch / 2, area.left + rng.uniform(0.0, 0.15) * area.width
    if rng.random() < 0.5:
        end = page.text(page_texts.words(rng, 2).title(), x, y, min(1.2 * height, area.width / 9))
        if rng.random() < 0.5:
            page_marks.underline(
                page, Area(x, y, end, y + 0.6 * height), int(rng.integers(1, 3)), page_marks.pen_width(page, height)
            )
        y += 1.2 * pitch
    kinds = [pick(rng, ("phone", "date", "amount", "time", "measure", "plain", "quantity")) for _ in range(2)]
    bullet, lines = pick(rng, ("", "", "-", "*", "1.", "1)")), int(rng.choice([2, 5, 30]))
    for line in range(min(lines, max(int((area.bottom - y) / pitch), 0))):
        parts = [f"{line + 1}{bullet[1]}" if bullet[:1] == "1" else bullet]
        order = rng.random()
        if order < 0.75:
            parts.append(page_texts.words(rng, int(rng.integers(1, 4))))
        if order > 0.2:
            parts.append(page_texts.value(rng, pick(rng, kinds)))
        if rng.random() < 0.2:
            parts.append(pick(rng, page_texts.REMARKS))
        room = Area(x, y - pitch / 2, area.right, y + pitch / 2)
        if rng.random() < 0.05:
            room = page_marks.correction(page, room, height)
        place = page.cell(" ".join(parts).strip(), room, height, "ink", "left", 0.01)
        if rng.random() < 0.05:
            page_marks.tick(page, min(place.right + height, area.right), y, height, "ink2")
        y += pitch * rng.uniform(0.95, 1.1)


def collection(page: Writer, area: Area) -> None:
    """A grid of single digits as sheets for collecting them have it: ruled, boxed or free, in order or not."""
    rng = page.rng
    page.hand = Hand.random(rng)
    lines, across = int(rng.integers(1, 14)), int(rng.integers(2, 14))
    lines = min(lines, 140 // across)
    share = rng.uniform(0.55, 1.0, 2)
    block = Area(area.left, area.top, area.left + area.width * share[0], area.top + area.height * share[1])
    if rng.random() < 0.6:
        side = min(block.width / across, block.height / lines)
        block = Area(
            block.left, block.top, block.left + side * across, block.top + side * lines * rng.uniform(0.9, 1.0)
        )
    off = rng.uniform(0.0, 1.0, 2) * (area.right - block.right, area.bottom - block.bottom)
    block = Area(block.left + off[0], block.top + off[1], block.right + off[0], block.bottom + off[1])
    look = pick(rng, ("all", "all", "by hand", "boxes", "none", "none", "horizontal"))
    columns, bands = block.columns([1.0] * across), block.rows([1.0] * lines)
    if look != "boxes":
        rules(page, block, [cell.left for cell in columns], [*(cell.top for cell in bands), block.bottom], look)
    order, filled = pick(rng, ("row", "column", "sequence", "any", "any")), pick(rng, (1.0, 0.95, 0.6))
    head = pick(rng, ("none", "none", "top", "left"))
    size = min(block.width / across, block.height / lines)
    height = size * rng.uniform(0.35, 0.95)
    each = rng.random() < 0.1
    for y, band in enumerate(bands):
        for x, column in enumerate(columns):
            cell = Area(column.left, band.top, column.right, band.bottom)
            if look == "boxes":
                page.box(cell.inset(0.08 * size, 0.08 * size))
            digit = {"row": y, "column": x, "sequence": y * across + x, "any": int(rng.integers(10))}[order] % 10
            if (head == "top" and y == 0) or (head == "left" and x == 0):
                page.printed(str(digit), *cell.middle, 0.5 * size, "centre")
            elif rng.random() < filled:
                if each:
                    page.hand = Hand.random(rng)
                away = rng.normal(0.0, 0.08, 2) * (cell.width - 0.6 * height, cell.height - height)
                page.digit(digit, cell.middle[0] + away[0], cell.middle[1] + away[1], height)


def scattered(page: Writer, area: Area) -> None:
    """Digits of different sizes and hands anywhere, with letters and signs among them, none over another."""
    rng = page.rng
    placed: list[tuple[float, float, float]] = []
    usual, mixed = log_uniform(rng, 14, 130), rng.random() < 0.5
    for _ in range(int(rng.choice([3, 8, 25, 60, 120]))):
        if mixed:
            page.hand = Hand.random(rng)
        height = min(usual * float(np.exp(rng.normal(0.0, 0.35))), 0.4 * area.height, 0.6 * area.width)
        x = rng.uniform(area.left + height / 2, max(area.left + height / 2 + 1, area.right - height / 2))
        y = rng.uniform(area.top + height / 2, max(area.top + height / 2 + 1, area.bottom - height / 2))
        if any(abs(x - a) < 0.5 * (height + c) and abs(y - b) < 0.55 * (height + c) for a, b, c in placed):
            continue
        placed.append((x, y, height))
        if rng.random() < 0.85:
            page.digit(int(rng.integers(10)), x, y, height)
        elif rng.random() < 0.7:
            page.canvas.character("upper", pick(rng, CLEAR_LETTERS), x, y, height, page.hand)
        else:
            page.canvas.symbol(pick(rng, "+-=x*%&#?<>@$"), x - 0.3 * height, y, height, page.hand)


def large(page: Writer, area: Area) -> None:
    """One to five large digits, up to the whole area."""
    rng = page.rng
    page.hand = Hand.random(rng)
    count = int(rng.choice([1, 2, 3, 5], p=[0.5, 0.2, 0.15, 0.15]))
    height = float(min(area.height * rng.uniform(0.3, 0.95), area.width / count * rng.uniform(0.7, 1.25), 560.0))
    y = area.top + height / 2 + rng.beta(2, 2) * max(area.height - height, 0.0)
    step = min(area.width / count, height * rng.uniform(0.8, 1.3))
    x = area.left + step / 2 + rng.beta(2, 2) * (area.width - count * step)
    for place in range(count):
        page.digit(int(rng.integers(10)), x + place * step, y + rng.normal(0.0, 0.03) * height, min(height, 1.3 * step))


def letters(page: Writer, area: Area) -> None:
    """Notes of words only, in one hand; at times single letters."""
    rng = page.rng
    height = body_height(page, area)
    pitch, y = height * rng.uniform(1.4, 2.4), area.top + height
    for _ in range(min(int(rng.choice([1, 4, 30])), max(int(area.height / pitch), 1))):
        x = area.left
        while x < area.right - 3 * height:
            if rng.random() < 0.1:
                x = (
                    page.canvas.character("upper", pick(rng, CLEAR_LETTERS), x + height / 2, y, height, page.hand)
                    + x
                    + height
                )
            elif rng.random() < 0.1:
                x = page.canvas.symbol(pick(rng, "+-=?!&%:;"), x, y, height, page.hand)
            else:
                text = None if rng.random() < 0.5 else pick(rng, (*page_texts.ITEMS, *page_texts.NAMES))
                x = page.canvas.word(text, x, y, height * rng.uniform(0.9, 1.05), page.hand)
            x += height * rng.uniform(0.4, 0.8)
        y += pitch


def blank(page: Writer, area: Area) -> None:
    """Nothing, or a line of print, an emblem or a bar code."""
    rng, share = page.rng, page.rng.random()
    if share < 0.3:
        page.printed(pick(rng, page_texts.TITLES), *area.middle, log_uniform(rng, 8, 40), "centre", area.width)
    elif share < 0.4:
        page_marks.emblem(page, area.inset(0.35 * area.width, 0.35 * area.height))
    elif share < 0.5:
        page_marks.bar_code(page, area.inset(0.3 * area.width, 0.4 * area.height))
    elif share < 0.55:
        page_marks.matrix_code(page, area.inset(0.35 * area.width, 0.35 * area.height))
