"""Layouts of tables filled by hand: examination marks, scores, numbered lists, logs and answer sheets."""

import numpy as np

from digitrec.datasets import page_marks, page_texts
from digitrec.datasets.page_tables import Column, Style, entry, rules, table
from digitrec.datasets.page_texts import log_uniform, pick
from digitrec.datasets.page_writer import Area, Writer


def heading(page: Writer, area: Area, size: float) -> Area:
    """Print or write a title and perhaps a line or two below it; return the area below them."""
    rng, y = page.rng, area.top + size
    if area.height < 8 * size:
        return area
    align = pick(rng, ("left", "centre"))
    x = area.left if align == "left" else area.middle[0]
    if rng.random() < 0.75:
        page.printed(pick(rng, page_texts.TITLES), x, y, size, align, 0.9 * area.width)
    else:
        end = page.text(page_texts.words(rng, 2).capitalize(), area.left, y, size * 1.1)
        if rng.random() < 0.5:
            page_marks.underline(page, Area(area.left, y - size, end, y + size / 2), 1, 1.2)
    y += 1.9 * size
    for _ in range(int(rng.integers(0, 3))):
        labelled_line(page, Area(area.left, y - size * 0.8, area.right, y + size * 0.8), 0.55 * size)
        y += 1.9 * size
    return Area(area.left, y, area.right, area.bottom)


def labelled_line(page: Writer, line: Area, size: float) -> None:
    """Print one to three labels in a line, each with a dotted or solid rule on which something is written."""
    rng = page.rng
    for part in line.columns(rng.uniform(0.6, 1.4, int(rng.integers(1, 4))).tolist()):
        label, kind = pick(rng, page_texts.FIELDS)
        end = page.printed(
            f"{label}{pick(rng, (':', '', ' :'))}", part.left, part.middle[1], size, "left", 0.5 * part.width
        )
        room = Area(end + 0.5 * size, part.top, part.right - size, part.bottom)
        if rng.random() < 0.7:
            page.line(
                room.left, part.middle[1] + size * 0.7, room.right, part.middle[1] + size * 0.7, 1.0, rng.random() < 0.5
            )
        if rng.random() < 0.75:
            written_field(page, room, kind, size * rng.uniform(1.0, 1.7))


def written_field(page: Writer, room: Area, kind: str, height: float, layer: str = "ink") -> None:
    """Write what belongs into a field of this kind (see `page_texts.FIELDS`)."""
    rng = page.rng
    if room.width < height:
        return
    if kind == "signature":
        page_marks.signature(page, room, layer)
    elif kind in ("name", "words"):
        text = page_texts.name(rng) if kind == "name" else page_texts.words(rng, int(rng.integers(1, 4)))
        page.cell(text, room, height, layer, "left", 0.05)
    else:
        page.cell(page_texts.value(rng, kind), room, height, layer, pick(rng, ("left", "left", "centre")), 0.08)


def marks_table(page: Writer, area: Area) -> None:
    """Marks of an examination: rows of students by questions, or the grid on the front of an answer book."""
    rng = page.rng
    if rng.random() < 0.35:
        question_grid(page, area)
        return
    area = heading(page, area, log_uniform(rng, 9, 20)) if rng.random() < 0.6 else area
    questions = int(rng.integers(1, 11))
    row = log_uniform(rng, 15, 46)
    wide = area.width / (questions + 6)
    row = min(row, 1.5 * wide) if questions > 5 else row
    columns = [Column("index", 0.7)] if rng.random() < 0.6 else []
    if rng.random() < 0.4:
        columns.append(Column("code", 2.2))
    if rng.random() < 0.7:
        columns.append(Column("name", 3.2))
    kind = pick(rng, ("mark", "small"))
    titled = rng.random() < 0.6
    columns += [Column(kind, 1.0, f"{pick(rng, ('Q', '', ''))}{i + 1}" if titled else None) for i in range(questions)]
    if rng.random() < 0.7:
        columns.append(Column("total", 1.5))
    if rng.random() < 0.25:
        columns.append(Column("signature", 2.0))
    used = table(page, area, columns, Style.random(rng), row, filled=pick(rng, (1.0, 1.0, 0.8, 0.4)))
    sums_below(page, used, area, row)


def question_grid(page: Writer, area: Area) -> None:
    """The grid on the front of an answer book: printed question numbers, parts and handwritten marks, a total."""
    rng = page.rng
    area = heading(page, area, log_uniform(rng, 9, 20)) if rng.random() < 0.7 else area
    style = Style.random(rng)
    row = log_uniform(rng, 18, 60)
    layer = pick(rng, ("ink", "ink2"))
    while area.height > 3 * row:
        lines = int(rng.integers(2, 6))
        block = Area(area.left, area.top, area.right, min(area.top + lines * row, area.bottom))
        count = int(rng.integers(3, 13))
        shares = [rng.uniform(1.0, 2.5), *([1.0] * count), 1.4]
        cells, edges = block.columns(shares), [part.top for part in block.rows([1.0] * lines)]
        rules(page, block, [cell.left for cell in cells], [*edges, block.bottom], "all")
        kind, size = pick(rng, ("small", "mark")), min(style.digit_height * row, 0.9 * block.width / count)
        for line, top in enumerate(edges):
            titles = ("Question", "Part", "Max. marks", "Marks", "Examiner")
            page.printed(
                titles[0 if line == 0 else line % 5],
                cells[0].left + 3,
                top + row / 2,
                0.3 * row,
                "left",
                cells[0].width - 5,
            )
            for place, cell in enumerate(cells[1:]):
                inside = Area(cell.left, top, cell.right, top + row)
                if line == 0 or (line == 1 and lines > 2):
                    text = (
                        ("Total" if place == count else str(place + 1))
                        if line == 0
                        else pick(rng, ("5", "10", "a", "b", "20"))
                    )
                    page.printed(text, *inside.middle, 0.4 * row, "centre", 0.9 * inside.width)
                elif rng.random() < 0.75:
                    text = page_texts.value(rng, "total" if place == count else kind)
                    page.cell(text, inside, size, layer, "centre", style.loose)
        area = Area(area.left, block.bottom + row * rng.uniform(0.4, 2.0), area.right, area.bottom)
        if rng.random() < 0.25:
            break
    if area.height > 2 * row:
        labelled_line(page, Area(area.left, area.top, area.right, area.top + row), 0.32 * row)


def sums_below(page: Writer, used: Area, area: Area, row: float) -> None:
    """Write a total under a table, at times underlined twice or ringed, and sign."""
    rng = page.rng
    if area.bottom - used.bottom < 1.2 * row:
        return
    line = Area(used.left, used.bottom + 0.1 * row, used.right, used.bottom + 1.1 * row)
    if rng.random() < 0.6:
        x = line.left + rng.uniform(0.3, 0.7) * line.width
        page.printed(pick(rng, ("Total", "Sum", "TOTAL:", "Σ", "Balance")), x, line.middle[1], 0.4 * row, "right")
        room = Area(x + 0.3 * row, line.top, line.right, line.bottom)
        place = page.cell(page_texts.value(rng, pick(rng, ("total", "amount"))), room, 0.7 * row)
        share = rng.random()
        width = page_marks.pen_width(page, 0.7 * row)
        if share < 0.4:
            page_marks.underline(page, place, 2 if share < 0.25 else 1, width)
        elif share < 0.55:
            page_marks.loop(page, place, width, pick(rng, ("ink", "ink2")))
    elif rng.random() < 0.5:
        page_marks.signature(page, Area(line.left, line.top, line.left + 0.5 * line.width, line.bottom))


def score_sheet(page: Writer, area: Area) -> None:
    """Scores of a game: names on top, columns of numbers that add up below, tallies, double lines."""
    rng = page.rng
    players = int(rng.integers(2, 7))
    height = min(log_uniform(rng, 11, 40), 0.3 * area.width / players)
    pitch = height * rng.uniform(1.3, 2.2)
    columns = area.columns([1.0] * players)
    layer = pick(rng, ("ink", "ink", "ink2"))
    for column in columns:
        name = Area(column.left + 2, area.top, column.right, area.top + pitch)
        page.cell(pick(rng, page_texts.NAMES), name, 0.8 * height, layer)
    top = area.top + pitch
    style = pick(rng, ("by hand", "by hand", "vertical", "all", "none"))
    count = int(min((area.height - 2 * pitch) / pitch, float(rng.integers(2, 20))))
    if count < 1:
        return
    block = Area(area.left, top, area.right, top + count * pitch)
    edges = [block.top, block.bottom] if style == "by hand" else [block.top + i * pitch for i in range(count + 1)]
    rules(page, block, [column.left for column in columns], edges, style)
    kind = pick(rng, ("small", "plain", "total", "mark"))
    for column in columns:
        for row in range(int(count - rng.integers(0, 2))):
            cell = Area(column.left + 2, top + row * pitch, column.right - 2, top + (row + 1) * pitch)
            if rng.random() < 0.04:
                page_marks.tally(page, cell.left + 3, cell.middle[1], height, int(rng.integers(1, 4)), layer)
            elif rng.random() < 0.95:
                page.cell(page_texts.value(rng, kind), cell, height, layer, pick(rng, ("left", "centre")), 0.06)
        if rng.random() < 0.7:
            total = Area(column.left + 2, block.bottom, column.right - 2, block.bottom + pitch)
            place = page.cell(page_texts.value(rng, "total"), total, height, layer, "centre", 0.05)
            page_marks.underline(page, place, int(rng.integers(0, 3)), page_marks.pen_width(page, height))


def ruled_list(page: Writer, area: Area) -> None:
    """A numbered list: printed or handwritten line numbers, names, amounts, dates, times, signatures."""
    rng = page.rng
    area = heading(page, area, log_uniform(rng, 9, 22)) if rng.random() < 0.5 else area
    schemas = (
        [Column("index", 0.5), Column("item", 3.0), Column("amount", 1.6)],
        [Column("row", 0.6), Column("name", 3.0), Column("amount", 1.8)],
        [Column("index", 0.5), Column("name", 2.5), Column("phone", 2.4), Column("signature", 1.6)],
        [Column("date", 1.3), Column("name", 2.2), Column("time", 0.9), Column("time", 0.9), Column("signature", 1.3)],
        [Column("date", 1.3), Column("item", 2.4), Column("amount", 1.3), Column("amount", 1.3), Column("amount", 1.3)],
        [Column("row", 0.5), Column("code", 1.6), Column("quantity", 1.0), Column("amount", 1.4), Column("words", 1.2)],
        [Column("index", 0.5), Column("plain", 2.0)],
        [Column("index", 0.5), Column("words", 2.0, filled=0.6), Column("amount", 1.4, filled=0.6)],
        [Column("name", 2.0), *[Column(pick(rng, ("tick", "small")), 0.5, filled=0.7) for _ in range(8)]],
        [Column("item", 2.0), Column("quantity", 0.8), Column("item", 2.0), Column("quantity", 0.8)],
    )
    style = Style.random(rng)
    row = log_uniform(rng, 15, 50)
    used = table(
        page,
        area,
        pick(rng, schemas),
        style,
        row,
        int(pick(rng, (1, 1, 11, 26))),
        float(pick(rng, (1.0, 0.9, 0.6, 0.3))),
    )
    sums_below(page, used, area, row)


def log_sheet(page: Writer, area: Area) -> None:
    """Readings by time or place: printed first column, handwritten values in small cells, initials."""
    rng = page.rng
    area = heading(page, area, log_uniform(rng, 8, 18)) if rng.random() < 0.6 else area
    count = int(rng.integers(2, 8))
    kinds = [pick(rng, ("measure", "measure", "plain", "time", "mark", "code", "tick")) for _ in range(count)]
    same = rng.random() < 0.5
    columns = [Column(pick(rng, ("index", "printed", "date", "time", "printed_number")), 1.3)]
    columns += [Column(kinds[0] if same else kind, 1.0, filled=float(rng.uniform(0.5, 1.0))) for kind in kinds]
    row = min(log_uniform(rng, 14, 36), 0.9 * area.width / count)
    table(page, area, columns, Style.random(rng), row, filled=pick(rng, (1.0, 0.8, 0.5)))


def answer_sheet(page: Writer, area: Area) -> None:
    """Answers beside printed question numbers in columns: digits, letters and words on lines or in boxes; bubbles."""
    rng = page.rng
    area = heading(page, area, log_uniform(rng, 9, 20)) if rng.random() < 0.7 else area
    number, row = 1, log_uniform(rng, 18, 44)
    bubbles, boxed = rng.random() < 0.25, rng.random() < 0.5
    columns = area.columns([1.0] * int(np.clip(area.width / (row * rng.uniform(4.5, 12.0)), 1, 7)))
    for column in columns:
        for place in range(int(column.height / row)):
            y = column.top + (place + 0.5) * row
            end = page.printed(f"{number}{pick(rng, ('.', ')', ''))}", column.left, y, 0.4 * row)
            number += 1
            room = Area(
                end + 4, y - 0.45 * row, min(column.right - 8, end + rng.uniform(2.5, 3.0) * row), y + 0.45 * row
            )
            if bubbles:
                for letter, x in zip("ABCDE", range(5), strict=True):
                    size = 0.55 * row
                    left = room.left + x * 1.15 * size
                    page_marks.check_box(page, left, y, size, 0.2)
                    page.printed(letter, left + size / 2, y, 0.4 * size, "centre", opacity=0.7)
                continue
            if boxed:
                page.box(room)
            else:
                page.line(room.left, room.bottom, room.right, room.bottom, 1.0, rng.random() < 0.3)
            kind = pick(rng, ("plain", "mark", "mark", "words", "measure", "blank"))
            entry(page, room, Column(kind, 1.0), Style(digit_height=rng.uniform(0.5, 0.8)), number)
            if rng.random() < 0.3:
                page_marks.tick(page, room.right + 4, y, 0.5 * row, "ink2")
