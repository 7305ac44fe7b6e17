"""Layouts that are mostly print: bills, receipts, worksheets, calendars, graph axes, pages of text."""

import numpy as np

from digitrec.datasets import page_marks, page_texts
from digitrec.datasets.page_layouts_tables import heading, labelled_line, sums_below
from digitrec.datasets.page_tables import Column, Style, rules, table
from digitrec.datasets.page_texts import log_uniform, pick
from digitrec.datasets.page_writer import Area, Writer


def bill(page: Writer, area: Area) -> None:
    """A bill, invoice or delivery note: printed head, items by hand or in print, totals by hand, a signature."""
    rng = page.rng
    size = log_uniform(rng, 6, 12)
    page.printed(
        pick(rng, ("SHREE TRADERS", "Garage Muller", "A. Novak & Co", "HARDWARE STORE", "La Casa")),
        area.middle[0],
        area.top + size,
        1.8 * size,
        "centre",
    )
    if rng.random() < 0.4:
        page_marks.emblem(page, Area(area.left, area.top, area.left + 5 * size, area.top + 5 * size))
    page.printed(
        page_texts.sentence(rng, 34), area.middle[0], area.top + 3.4 * size, 0.9 * size, "centre", 0.7 * area.width
    )
    y = area.top + 5.6 * size
    number = page_texts.digits(rng, int(rng.integers(3, 6)))
    end = page.printed(pick(rng, ("No.", "Invoice", "N°", "Bill No.")), area.left, y, size)
    page.printed(number, end + size, y, 1.4 * size, layer=pick(rng, ("print", "ink2", "ink2")))
    labelled_line(page, Area(area.middle[0], y - 1.2 * size, area.right, y + 1.2 * size), size)
    for _ in range(int(rng.integers(0, 3))):
        y += 2.4 * size
        labelled_line(page, Area(area.left, y - 1.2 * size, area.right, y + 1.2 * size), size)
    schemas = (
        [
            Column("index", 0.5),
            Column("item", 3.0),
            Column("quantity", 0.9),
            Column("amount", 1.1),
            Column("amount", 1.3),
        ],
        [Column("quantity", 0.9), Column("item", 3.2), Column("amount", 1.3)],
        [Column("printed", 2.4), Column("printed_number", 1.0), Column("small", 0.7), Column("amount", 1.3)],
        [Column("item", 3.0), Column("amount", 1.2, "Rs."), Column("small", 0.5, "P.")],
        [
            Column("code", 1.2),
            Column("item", 2.4),
            Column("quantity", 0.8),
            Column("printed_number", 1.0),
            Column("amount", 1.2),
        ],
    )
    row = log_uniform(rng, 16, 38)
    body = Area(area.left, y + 2 * size, area.right, area.bottom - 1.4 * row)
    if body.height < 3 * row:
        return
    used = table(page, body, pick(rng, schemas), Style.random(rng), row, filled=pick(rng, (0.9, 0.6, 0.3)))
    sums_below(page, used, Area(area.left, area.top, area.right, area.bottom), row)


def receipt(page: Writer, area: Area) -> None:
    """A till receipt: printed items and prices, totals, a bar code; sums, a tip or rings added by hand."""
    rng = page.rng
    width = min(area.width, log_uniform(rng, 180, 420))
    left = area.left + rng.uniform(0.0, 1.0) * (area.width - width)
    strip = Area(left, area.top, left + width, area.bottom)
    size = float(np.clip(width / rng.uniform(26, 44), 5.0, 13.0))
    pitch, y = size * rng.uniform(1.7, 2.4), strip.top + 1.5 * size
    page.printed(
        pick(rng, ("SUPERMARKET", "Cafe Central", "SHOP 24", "TANKSTELLE", "Pharmacie")),
        strip.middle[0],
        y,
        1.6 * size,
        "centre",
    )
    for _ in range(int(rng.integers(1, 4))):
        y += pitch
        page.printed(page_texts.sentence(rng, 18), strip.middle[0], y, 0.9 * size, "centre", width)
    y += 1.5 * pitch
    for _ in range(int(rng.integers(3, 16))):
        if y > strip.bottom - 5 * pitch:
            break
        page.printed(page_texts.words(rng, int(rng.integers(1, 3))).upper(), strip.left, y, size, "left", 0.6 * width)
        page.printed(
            page_texts.fill(rng, pick(rng, ("d.dd", "dd.dd", "d,dd", "dd.dd A"))), strip.right, y, size, "right"
        )
        if rng.random() < 0.15:
            page_marks.tick(page, strip.right + 8, y, 1.4 * size)
        y += pitch
    page.line(strip.left, y - pitch / 2, strip.right, y - pitch / 2, 1.0, rng.random() < 0.5)
    for label in ("TOTAL", "VAT 19%", "CASH")[: int(rng.integers(1, 4))]:
        page.printed(label, strip.left, y, 1.2 * size)
        end = strip.right
        page.printed(page_texts.fill(rng, "ddd.dd"), end, y, 1.2 * size, "right")
        if rng.random() < 0.2:
            page_marks.loop(
                page, Area(end - 6 * size, y - size / 2, end, y + size / 2), 1.4, pick(rng, ("ink", "ink2"))
            )
        y += 1.3 * pitch
    _added_by_hand(page, Area(area.left, y, area.right, strip.bottom), size)


def _added_by_hand(page: Writer, room: Area, size: float) -> None:
    """Write sums and dates into the room below a receipt, or print a bar code there."""
    rng = page.rng
    height = size * rng.uniform(1.2, 3.0)
    y = room.top + height
    while y < room.bottom - height:
        if rng.random() < 0.15:
            page_marks.bar_code(
                page, Area(room.left + 0.2 * room.width, y, room.right - 0.2 * room.width, min(y + 40, room.bottom - 8))
            )
            return
        if rng.random() < 0.7:
            label = page.printed(pick(rng, ("Tip", "Total", "Table", "Date", "")), room.left + 5, y, size)
            line = Area(label + 8, y - 0.7 * height, room.right, y + 0.7 * height)
            place = page.cell(
                page_texts.value(rng, pick(rng, ("amount", "amount", "date", "plain", "time"))), line, height
            )
            if rng.random() < 0.3:
                page_marks.underline(page, place, int(rng.integers(1, 3)), 1.3)
        y += 2.0 * height


def worksheet(page: Writer, area: Area) -> None:
    """Printed exercises with handwritten answers: equations, sums, digits to copy, number squares and lines."""
    rng = page.rng
    rest = heading(page, area, log_uniform(rng, 9, 20)) if rng.random() < 0.7 else area
    size = log_uniform(rng, 11, 34)
    kind = pick(rng, (_equations, _column_sums, _copying, _number_square, _equations, _number_line))
    kind(page, rest, size)


def _equations(page: Writer, area: Area, size: float) -> None:
    """Print equations in columns; write the answers behind them, into boxes or onto lines."""
    rng = page.rng
    pitch = size * rng.uniform(1.8, 3.2)
    boxed, numbered, number = rng.random() < 0.4, rng.random() < 0.4, 1
    for column in area.columns([1.0] * max(1, int(min(float(rng.integers(1, 5)), area.width / (9 * size))))):
        for place in range(int(area.height / pitch)):
            y = column.top + (place + 0.5) * pitch
            x = column.left
            if numbered:
                x = page.printed(f"{number})", x, y, 0.7 * size) + size
                number += 1
            text = page_texts.fill(
                rng, pick(rng, ("d + d =", "dd - d =", "d x d =", "dd : d =", "dd + dd =", "dd × dd =", "d² ="))
            )
            x = page.printed(text, x, y, size) + 0.4 * size
            room = Area(x, y - 0.7 * size, min(x + 2.6 * size, column.right), y + 0.7 * size)
            if boxed:
                page.box(room)
            elif rng.random() < 0.6:
                page.line(room.left, y + 0.6 * size, room.right, y + 0.6 * size, 1.0, rng.random() < 0.3)
            if rng.random() < 0.85 and room.width > size:
                page.cell(
                    page_texts.value(rng, pick(rng, ("small", "plain", "mark"))), room, size * rng.uniform(0.9, 1.3)
                )
            if rng.random() < 0.15:
                page_marks.tick(page, room.right + 0.4 * size, y, 0.9 * size, "ink2")


def _column_sums(page: Writer, area: Area, size: float) -> None:
    """Print sums to add up in columns, framed or not; write carries and results."""
    rng = page.rng
    width, height = 5.5 * size, 7.0 * size
    framed = rng.random() < 0.5
    for row in area.rows([1.0] * max(1, int(area.height / height))):
        for cell in row.columns([1.0] * max(1, int(area.width / width))):
            if framed:
                page.box(cell.inset(2, 2))
            right, y, length = cell.right - 1.2 * size, cell.top + 1.6 * size, int(rng.integers(1, 4))
            for sign in ("", pick(rng, ("+", "-", "x"))):
                text = f"{sign} {' '.join(page_texts.digits(rng, length))}".strip()
                page.printed(text, right, y, size, "right", 0.8 * cell.width)
                y += 1.5 * size
            page.line(cell.left + 0.8 * size, y - 0.6 * size, cell.right - 0.8 * size, y - 0.6 * size, 1.5)
            if rng.random() < 0.85:
                room = Area(cell.left + 0.6 * size, y - 0.5 * size, cell.right - 0.6 * size, y + 1.1 * size)
                page.cell(
                    page_texts.digits(rng, length + int(rng.integers(0, 2))), room, 1.2 * size, "ink", "right", 0.03
                )


def _copying(page: Writer, area: Area, size: float) -> None:
    """Print rows of digits, and below each a row of boxes or a line on which they are copied by hand."""
    rng = page.rng
    count = int(np.clip(area.width / (2.2 * size), 3, 12))
    cells = area.columns([1.0] * count)
    boxed, y = rng.random() < 0.7, area.top + size
    order = "1234567890ABC" if rng.random() < 0.6 else "0123456789XYZ"
    while y + 4.2 * size < area.bottom:
        for place, cell in enumerate(cells):
            page.printed(order[place], cell.middle[0], y, 0.8 * size, "centre")
        y += 2.2 * size
        for place, cell in enumerate(cells):
            box = Area(cell.left + 2, y - size, cell.right - 2, y + size)
            if boxed:
                page.box(box)
            if rng.random() < 0.9 and order[place].isdigit():
                off = rng.normal(0.0, 0.08, 2) * size
                page.digit(int(order[place]), cell.middle[0] + off[0], y + off[1], 1.3 * size)
        if not boxed:
            page.line(area.left, y + 0.8 * size, area.right, y + 0.8 * size)
        y += 2.2 * size


def _number_square(page: Writer, area: Area, size: float) -> None:
    """Print a square of consecutive numbers with gaps, which are filled by hand; or a puzzle of single digits."""
    rng = page.rng
    puzzle = rng.random() < 0.4
    count = 9 if puzzle else int(rng.integers(5, 11))
    side = min(area.width, area.height, count * size * 2.4)
    left = area.left + rng.uniform(0.0, 1.0) * (area.width - side)
    square = Area(left, area.top, left + side, area.top + side)
    columns, rows = square.columns([1.0] * count), square.rows([1.0] * count)
    rules(page, square, [cell.left for cell in columns], [cell.top for cell in rows], "all")
    if puzzle:
        for part in [*square.columns([1.0] * 3), *square.rows([1.0] * 3)]:
            page.box(part, 2.2)
    height, missing = 0.55 * side / count, rng.uniform(0.2, 0.7)
    for y, row in enumerate(rows):
        for x, column in enumerate(columns):
            cell = Area(column.left, row.top, column.right, row.bottom)
            text = page_texts.digits(rng, 1) if puzzle else str(y * count + x + 1)
            if rng.random() > missing:
                page.printed(text, *cell.middle, 0.85 * height, "centre", 0.8 * cell.width)
            elif rng.random() < 0.75:
                page.cell(text, cell, height * rng.uniform(0.9, 1.3), "ink", "centre", 0.1)


def _number_line(page: Writer, area: Area, size: float) -> None:
    """Print number lines or scales with some numbers; write others below the ticks."""
    rng = page.rng
    y = area.top + 2 * size
    while y < area.bottom - 2 * size:
        count, first, step = int(rng.integers(5, 14)), int(rng.integers(0, 30)), int(pick(rng, (1, 2, 5, 10)))
        page.line(area.left, y, area.right, y, 1.5)
        for place, x in enumerate(np.linspace(area.left + size, area.right - size, count)):
            page.line(float(x), y - 0.4 * size, float(x), y + 0.4 * size)
            text, below = str(first + place * step), y + 1.2 * size
            half = 0.45 * area.width / count
            if rng.random() < 0.5:
                page.printed(text, float(x), below, 0.7 * size, "centre", 2 * half)
            elif rng.random() < 0.7:
                page.cell(
                    text,
                    Area(float(x) - half, below - size / 2, float(x) + half, below + size / 2),
                    size,
                    "ink",
                    "centre",
                    0.05,
                )
        y += size * rng.uniform(3.5, 6.0)


def calendar(page: Writer, area: Area) -> None:
    """A month of printed days, some with notes by hand."""
    rng = page.rng
    size = log_uniform(rng, 8, 22)
    page.printed(
        f"{pick(rng, ('January', 'MAY', 'August', 'Octobre', 'Juni'))} {rng.integers(1990, 2030)}",
        area.middle[0],
        area.top + size,
        1.3 * size,
        "centre",
    )
    month = Area(area.left, area.top + 2.5 * size, area.right, area.bottom)
    columns, rows = month.columns([1.0] * 7), month.rows([0.5, *([1.0] * 6)])
    if rng.random() < 0.7:
        rules(page, month, [cell.left for cell in columns], [row.top for row in rows], "all")
    for column, day in zip(columns, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True):
        page.printed(
            day,
            column.middle[0],
            rows[0].middle[1],
            min(0.7 * size, 0.5 * rows[0].height),
            "centre",
            0.9 * column.width,
        )
    number = 1 - int(rng.integers(0, 7))
    corner, written = rng.random() < 0.6, rng.choice([0.0, 0.15, 0.4])
    for row in rows[1:]:
        small = min(size, (0.28 if corner else 0.5) * row.height)
        for column in columns:
            cell = Area(column.left, row.top, column.right, row.bottom)
            if 1 <= number <= 31:
                x, y = (cell.left + small, cell.top + 0.9 * small) if corner else cell.middle
                page.printed(str(number), x, y, small, "centre")
                if rng.random() < written and corner:
                    room = Area(cell.left + 2, cell.top + 1.6 * small, cell.right - 2, cell.bottom - 2)
                    text = (
                        page_texts.value(rng, pick(rng, ("time", "plain", "small")))
                        if rng.random() < 0.6
                        else page_texts.words(rng, 1)
                    )
                    page.cell(text, room, min(0.6 * room.height, 20.0), "ink", "left")
                elif rng.random() < 0.06:
                    page_marks.loop(
                        page, Area(x - small, y - small / 2, x + small, y + small / 2), 1.4, pick(rng, ("ink", "ink2"))
                    )
            number += 1


def axes(page: Writer, area: Area) -> None:
    """A graph: axes with printed or handwritten numbers, a curve or bars, words along the axes."""
    rng = page.rng
    size = log_uniform(rng, 8, 24)
    plot = Area(area.left + 4.5 * size, area.top + size, area.right - size, area.bottom - 3 * size)
    by_hand, grid = rng.random() < 0.5, rng.random() < 0.4
    ends = ((plot.left, plot.bottom, plot.right, plot.bottom), (plot.left, plot.top, plot.left, plot.bottom))
    for x0, y0, x1, y1 in ends:
        if by_hand:
            page.canvas.line((x0, y0), (x1, y1), page_marks.pen_width(page, size), "ink", 1.0, 0.3)
        else:
            page.line(x0, y0, x1, y1, 1.5)
    count = int(rng.integers(3, 9))
    for place, share in enumerate(np.linspace(0.08, 0.95, count)):
        x, y = plot.left + share * plot.width, plot.bottom - share * plot.height
        if grid:
            page.line(x, plot.top, x, plot.bottom, 0.6)
            page.line(plot.left, y, plot.right, y, 0.6)
        half = 0.42 * plot.width / count
        texts = (
            str((place + 1) * pick(rng, (1, 2, 5, 10))),
            page_texts.fill(rng, pick(rng, ("d", "d.d", "dd", "d0", "ddd", "d00"))),
        )
        rooms = (
            Area(x - half, plot.bottom + 0.3 * size, x + half, plot.bottom + 1.7 * size),
            Area(area.left, y - size, plot.left - 5, y + size),
        )
        for text, room in zip(texts, rooms, strict=True):
            if by_hand:
                page.cell(text, room, size, "ink", "centre", 0.05)
            else:
                page.printed(text, *room.middle, 0.8 * size, "centre", room.width)
    turn = np.linspace(0.0, 1.0, 24)
    curve = plot.bottom - plot.height * np.clip(np.cumsum(rng.normal(0.04, 0.05, 24)), 0.0, 1.0)
    layer = "ink" if by_hand else pick(rng, ("print", "ink2"))
    page.canvas.curve(np.column_stack([plot.left + turn * plot.width, curve]), page.rule + 0.5, layer, 1.0)
    page.printed(
        pick(rng, ("t (s)", "Year", "x", "Time / min")), plot.right, area.bottom - 0.6 * size, 0.8 * size, "right"
    )


def text_page(page: Writer, area: Area) -> None:
    """Columns of printed text with headings and page numbers; notes, marks and corrections by hand in the gaps."""
    rng = page.rng
    size = log_uniform(rng, 4.5, 13)
    lead = rng.uniform(1.6, 2.3)
    margin = area.width * rng.choice([0.0, 0.12, 0.2])
    body = Area(area.left + margin, area.top, area.right, area.bottom - 3 * size)
    for column in body.columns([1.0] * int(pick(rng, (1, 1, 2, 2, 3)))):
        y, column = column.top, column.inset(size, 0.0)
        while y < column.bottom - 3 * size:
            if rng.random() < 0.3:
                page.printed(
                    f"{rng.integers(1, 12)}{pick(rng, ('.', ')', '.2'))} {page_texts.sentence(rng, 14)}",
                    column.left,
                    y + size,
                    1.2 * size,
                    "left",
                    column.width,
                )
                y += 2.6 * size
            height = min(size * lead * rng.integers(2, 12), column.bottom - y)
            y = page_marks.paragraph(page, Area(column.left, y, column.right, y + height), size, lead) + size
            if rng.random() < 0.45 and y + 5 * size < column.bottom:
                high = float(np.clip(size * rng.uniform(1.3, 2.6), 10.0, 34.0))
                room = Area(column.left, y, column.right, y + 1.7 * high)
                kind = pick(rng, ("plain", "measure", "amount", "date", "mark", "total", "words"))
                text = page_texts.words(rng, 3) if kind == "words" else page_texts.value(rng, kind)
                page.cell(text, room, high, "ink", pick(rng, ("left", "centre", "right")), 0.05)
                y = room.bottom + 0.5 * size
    for _ in range(int(rng.integers(0, 5)) if margin > 30 else 0):
        y = rng.uniform(area.top, area.bottom - 50)
        room = Area(area.left, y, area.left + margin, y + 30)
        if page.canvas.is_free(*room[:2], room.width, room.height):
            page.cell(
                page_texts.value(rng, pick(rng, ("mark", "small", "plain"))),
                room,
                log_uniform(rng, 10, 24),
                pick(rng, ("ink", "ink2")),
            )
    page.printed(
        str(rng.integers(1, 400)),
        pick(rng, (area.left + size, area.middle[0], area.right - 2 * size)),
        area.bottom - size,
        size,
    )
