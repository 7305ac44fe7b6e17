"""Layouts of forms: fields with labels, combs and boxes, cheques, envelopes."""

import numpy as np

from digitrec.datasets import page_marks, page_texts
from digitrec.datasets.page_layouts_tables import heading, labelled_line, written_field
from digitrec.datasets.page_tables import Column, Style, table
from digitrec.datasets.page_texts import log_uniform, pick
from digitrec.datasets.page_writer import Area, Writer


def comb(page: Writer, x: float, y: float, size: float, text: str, look: str, filled: bool = True) -> float:
    """Print cells for one character each and write a text into them; return the right end x.

    Args:
        page: Where to draw.
        x: Left end.
        y: Vertical middle.
        size: Height of the cells, in page units.
        text: One character a cell; signs such as "/" are printed between the cells.
        look: "boxes" touching each other, "apart", "comb" (low ticks) or "dashes".
        filled: Whether the text is written.
    """
    rng = page.rng
    width = size * rng.uniform(0.72, 1.1)
    height = min(size, 1.25 * width) * rng.uniform(0.5, 0.88)
    for char in text:
        if not char.isalnum():
            if char != " ":
                page.printed(char, x + 0.25 * width, y, 0.5 * size, "centre")
            x += 0.5 * width
            continue
        cell = Area(x, y - size / 2, x + width, y + size / 2)
        _comb_cell(page, cell, look)
        if filled:
            off = rng.normal(0.0, 0.05, 2) * size
            if char.isdigit():
                page.digit(int(char), cell.middle[0] + off[0], y + off[1], height)
            else:
                page.canvas.word(char, cell.left + 0.2 * width + off[0], y + off[1], height, page.hand, "ink")
        x += width * (1.15 if look in ("apart", "dashes") else 1.0)
    return x


def _comb_cell(page: Writer, cell: Area, look: str) -> None:
    if look in ("boxes", "apart"):
        page.box(cell)
        return
    page.line(cell.left, cell.bottom, cell.right, cell.bottom)
    if look == "comb":
        for x in (cell.left, cell.right):
            page.line(x, cell.bottom - 0.35 * cell.height, x, cell.bottom)


def comb_text(page: Writer, most: int) -> str:
    """Return a text for a comb with at most so many cells: a date, a number, a code, at times a name."""
    rng = page.rng
    kind = pick(rng, ("date", "plain", "phone", "code", "postcode", "name"))
    text = {
        "date": pick(rng, ("dd/dd/dddd", "dd dd dddd", "dd.dd.dd", "dd-dd-dd")),
        "plain": "d" * int(rng.integers(2, 13)),
        "phone": pick(rng, ("dddddddddd", "ddd ddd dddd", "ddd-ddd-dddd")),
        "code": pick(rng, ("dddd dddd dddd", "dd-dd-dd", "Kdddddd", "ABdddd", "dddd dddd dddd dddd")),
        "postcode": pick(rng, ("ddddd", "dddddd", "dddd")),
        "name": "",
    }[kind]
    text = (
        page_texts.fill(rng, text) if text else f"{pick(rng, page_texts.NAMES)} {pick(rng, page_texts.NAMES)}".upper()
    )
    return text[:most].rstrip(" -/.")


def comb_field(page: Writer, row: Area, size: float) -> None:
    """Print a label and beside or above it a comb, filled or not."""
    rng = page.rng
    cell = min(0.72 * row.height, row.width / 6)
    label, _ = pick(rng, page_texts.FIELDS)
    above = rng.random() < 0.35 and row.height > 26
    y = row.middle[1] + (0.18 * row.height if above else 0.0)
    cell *= 0.8 if above else 1.0
    left = row.left
    end = page.printed(
        label, left, row.top + 0.6 * size if above else y, size, "left", row.width if above else 0.35 * row.width
    )
    left = row.left if above else end + size
    most = int((row.right - left) / (1.2 * cell))
    if most >= 2:
        look = pick(rng, ("boxes", "boxes", "apart", "comb", "dashes"))
        comb(page, left, y, cell, comb_text(page, most), look, bool(rng.random() < 0.85))


def box_fields(page: Writer, row: Area, size: float) -> None:
    """Print one to four boxes side by side, a small label inside at the top left of each; write below the label."""
    rng = page.rng
    tinted, apart = rng.random() < 0.25, rng.choice([0.0, 4.0])
    for part in row.columns(rng.uniform(0.5, 1.5, int(rng.integers(1, 5))).tolist()):
        box = part.inset(apart, 0.04 * row.height)
        if tinted:
            page.tint(box)
        page.box(box)
        label, kind = pick(rng, page_texts.FIELDS)
        if rng.random() < 0.3:
            label = f"{rng.integers(1, 40)}{pick(rng, ('', '.', 'a', ')'))} {label}"
        small = min(size, 0.26 * row.height)
        page.printed(label, box.left + 3, box.top + 0.9 * small, small, "left", box.width - 5)
        if rng.random() < 0.8:
            room = Area(box.left + 3, box.top + 1.4 * small, box.right - 2, box.bottom)
            written_field(page, room, kind, room.height * rng.uniform(0.55, 1.0))


def check_row(page: Writer, row: Area, size: float) -> None:
    """Print a question with check boxes, some ticked."""
    rng, box = page.rng, min(0.6 * row.height, 18.0) * page.rng.uniform(0.7, 1.0)
    x, y = row.left, row.middle[1]
    if rng.random() < 0.6:
        x = page.printed(page_texts.sentence(rng, int(rng.integers(8, 24))), x, y, size, "left", 0.5 * row.width) + 8
    while x < row.right - 5 * box:
        x = page_marks.check_box(page, x, y, box) + 0.4 * box
        label = pick(
            rng, ("Yes", "No", "M", "F", "1", "2", "Cash", "Card", "Other", "Ja", "Nein", "Oui", "N/A", "18-25", "30+")
        )
        x = page.printed(label, x, y, size) + rng.uniform(0.5, 2.0) * box
        if rng.random() < 0.2:
            break


def section_bar(page: Writer, row: Area, size: float) -> None:
    """Print a section's title, at times on a tinted bar or over a rule."""
    rng = page.rng
    if rng.random() < 0.5:
        page.tint(row.inset(0.0, 0.15 * row.height))
    elif rng.random() < 0.5:
        page.line(row.left, row.bottom, row.right, row.bottom, 2.0)
    page.printed(pick(rng, page_texts.SECTIONS), row.left + 3, row.middle[1], 1.15 * size, "left", 0.8 * row.width)


def small_print(page: Writer, row: Area, size: float) -> None:
    """Print a paragraph of small print."""
    page_marks.paragraph(page, row.inset(0.0, 0.05 * row.height), max(0.7 * size, 4.0), page.rng.uniform(1.5, 1.9))


def form_table(page: Writer, row: Area, size: float) -> None:
    """Print a small table within a form."""
    rng = page.rng
    kinds = ("item", "quantity", "amount", "date", "code", "mark", "printed", "index", "small", "words")
    columns = [Column(pick(rng, kinds), float(rng.uniform(0.7, 1.6))) for _ in range(int(rng.integers(2, 6)))]
    table(page, row, columns, Style.random(rng), 2.4 * size, filled=float(rng.uniform(0.3, 1.0)))


def form(page: Writer, area: Area) -> None:
    """A form: sections of labelled lines, boxes, combs, check boxes, small print and tables, filled by hand."""
    rng = page.rng
    row = log_uniform(rng, 20, 54)
    size = float(np.clip(row * rng.uniform(0.2, 0.38), 5.0, 13.0))
    if rng.random() < 0.12:
        page.tint(area.inset(-4, -4), rng.uniform(0.1, 0.6))
    if rng.random() < 0.25:
        page.box(area.inset(-5, -5), pick(rng, (1.0, 2.0)))
    rest = heading(page, area, 1.5 * size) if rng.random() < 0.6 else area
    blocks = (labelled_line, comb_field, box_fields, check_row, section_bar, small_print, form_table)
    weights = rng.dirichlet([1.8, 1.8, 1.8, 0.5, 0.6, 0.5, 0.5])
    heights = (1.0, 1.0, 1.15, 0.8, 0.9, 2.0, 4.0)
    halves = rng.random() < 0.2
    for part in rest.columns([1.0, 1.0]) if halves else [rest]:
        y, last = part.top, part.bottom
        while y < last - 0.8 * row:
            place = pick(rng, range(len(blocks)), weights.tolist())
            bottom = min(y + heights[place] * row, last)
            gap = 8.0 if halves else 0.0
            blocks[place](page, Area(part.left, y, part.right - gap, bottom), size)
            y = bottom + row * float(rng.choice([0.0, 0.05, 0.3]))
    if rng.random() < 0.12:
        page_marks.bar_code(page, Area(area.right - 110, area.top, area.right - 10, area.top + 24))


def security_pattern(page: Writer, area: Area) -> None:
    """Tint an area as cheques are: fine waves or rosettes."""
    rng = page.rng
    page.tint(area, rng.uniform(0.15, 0.6))
    waves, length = int(rng.integers(6, 26)), rng.uniform(20.0, 120.0)
    x = np.linspace(area.left, area.right, 70)
    swing, bend = rng.uniform(2.0, 14.0), rng.uniform(0.0, 0.05)
    for place in range(waves):
        y = area.top + (place + 0.5) / waves * area.height
        points = np.column_stack([x, y + swing * np.sin(2 * np.pi * (x / length + place * bend))])
        points[:, 1] = np.clip(points[:, 1], area.top, area.bottom)
        page.canvas.curve(points, 0.6, "fields", float(rng.uniform(0.5, 1.0)))
    if rng.random() < 0.5:
        turn = np.linspace(0.0, 2 * np.pi, 150)
        radius = (1.0 + 0.3 * np.sin(int(rng.integers(5, 14)) * turn)) * 0.35 * area.height
        ring = np.column_stack([np.cos(turn), np.sin(turn)]) * radius[:, None]
        page.canvas.curve(ring + area.middle, 0.8, "fields", 1.0)


def cheque(page: Writer, area: Area) -> None:
    """Cheques or paying-in slips across the area: date, payee, amount in words and in figures, printed numbers."""
    rng = page.rng
    height = min(area.width * rng.uniform(0.38, 0.55), area.height)
    count = 2 if 2.1 * height < area.height and rng.random() < 0.5 else 1
    top = area.top + rng.uniform(0.0, 1.0) * (area.height - 1.05 * count * height)
    for place in range(count):
        y = top + place * 1.05 * height
        _cheque(page, Area(area.left, y, area.right, y + height))


def _cheque(page: Writer, area: Area) -> None:
    rng, line = page.rng, area.height / 7.5
    size = line * rng.uniform(0.24, 0.34)
    if rng.random() < 0.8:
        security_pattern(page, area)
    if rng.random() < 0.6:
        page.box(area)
    inner = area.inset(0.02 * area.width, 0.3 * line)
    y = inner.top + 0.6 * line
    page.printed(
        pick(rng, ("CITY BANK", "Union Bank", "BANQUE DU NORD", "State Bank", "Sparkasse", "FIRST NATIONAL")),
        inner.left,
        y,
        1.5 * size,
    )
    page.printed(page_texts.sentence(rng, 30), inner.left, y + 2.2 * size, 0.7 * size, "left", 0.4 * inner.width)
    _cheque_date(page, inner, y, line, size)
    written = float(np.clip(line * rng.uniform(0.42, 0.75), 8.0, 40.0))
    page.printed(
        page_texts.digits(rng, 6), inner.left + 0.45 * inner.width, y, 1.2 * size, layer=pick(rng, ("print", "ink2"))
    )
    y += 1.5 * line
    for label, text in (
        ("Pay", page_texts.name(rng)),
        (pick(rng, ("Rupees", "Sum of", "Dollars", "EUR")), "two thousand only"),
    ):
        end = page.printed(label, inner.left, y, size)
        right = inner.right - (0.0 if label == "Pay" else 0.3 * inner.width)
        page.line(end + 4, y + 0.3 * line, right, y + 0.3 * line)
        page.cell(text, Area(end + 8, y - line / 2, right, y + line / 2), 0.9 * written, "ink", "left", 0.03)
        y += line
    box = Area(inner.right - 0.29 * inner.width, y - 1.1 * line, inner.right, y + 0.1 * line)
    page.box(box, 1.5)
    sign = page.printed(pick(rng, ("Rs.", "$", "€", "£", "EUR", "CHF")), box.left + 4, box.middle[1], 1.2 * size)
    page.cell(
        page_texts.value(rng, "amount"), Area(sign + 4, box.top, box.right, box.bottom), written, "ink", "left", 0.08
    )
    page.printed(f"A/c No. {page_texts.digits(rng, int(rng.integers(8, 15)))}", inner.left, y + 0.6 * line, 1.1 * size)
    if rng.random() < 0.4:
        room = Area(inner.left + 0.05 * inner.width, y + line, inner.left + 0.4 * inner.width, y + 2 * line)
        page.cell(page_texts.value(rng, pick(rng, ("phone", "code"))), room, 0.8 * written)
    page_marks.signature(page, Area(inner.right - 0.35 * inner.width, y + 0.4 * line, inner.right, y + 1.8 * line))
    micr = "   ".join(page_texts.digits(rng, int(n)) for n in rng.integers(2, 10, 3))
    page.printed(f'"{micr}"', inner.left + rng.uniform(0.05, 0.25) * inner.width, area.bottom - 0.5 * line, 1.2 * size)


def _cheque_date(page: Writer, inner: Area, y: float, line: float, size: float) -> None:
    rng = page.rng
    left = inner.right - 0.28 * inner.width
    if rng.random() < 0.5:
        cell = min(0.75 * line, 0.28 * inner.width / 8.5)
        comb(page, left, y, cell, page_texts.digits(rng, 8), pick(rng, ("boxes", "boxes", "apart")))
        if rng.random() < 0.6:
            page.printed("D D M M Y Y Y Y", left, y + 0.8 * cell, 0.4 * cell, "left", 8 * cell)
        return
    end = page.printed(pick(rng, ("Date", "Le", "Datum", "Fecha")), left, y, size)
    page.line(end + 3, y + 0.35 * line, inner.right, y + 0.35 * line, 1.0, rng.random() < 0.5)
    page.cell(page_texts.value(rng, "date"), Area(end + 4, y - line / 2, inner.right, y + line / 2), 0.6 * line)


def envelope(page: Writer, area: Area) -> None:
    """An envelope or parcel label: address with postcode, stamp, postmark, airmail border, sender, bar code."""
    rng = page.rng
    height = min(area.height, area.width * rng.uniform(0.5, 0.8))
    top = area.top + rng.uniform(0.0, 1.0) * (area.height - height)
    area = Area(area.left, top, area.right, top + height)
    if rng.random() < 0.25:
        airmail_border(page, area)
    inner = area.inset(0.05 * area.width, 0.07 * height)
    if rng.random() < 0.75:
        stamp_at = Area(inner.right - 0.17 * inner.width, inner.top, inner.right, inner.top + 0.3 * height)
        postage(page, stamp_at)
    size = log_uniform(rng, 13, 42)
    lines = [
        page_texts.name(rng),
        f"{page_texts.digits(rng, int(rng.integers(1, 4)))} {page_texts.words(rng, 1).title()} St",
    ]
    lines += [f"{page_texts.value(rng, 'postcode')} {pick(rng, page_texts.NAMES)}"]
    lines += [pick(rng, ("INDIA", "France", "USA", "Deutschland", page_texts.value(rng, "phone")))]
    step = min(1.9 * size, 0.6 * height / len(lines))
    x, y = inner.left + rng.uniform(0.1, 0.4) * inner.width, inner.top + 0.42 * height
    for text in lines:
        page.cell(text, Area(x, y - step / 2, inner.right, y + step / 2), min(size, 0.7 * step), "ink", "left", 0.02)
        if rng.random() < 0.15:
            page.line(x, y + 0.45 * step, inner.right, y + 0.45 * step)
        y += step
    if rng.random() < 0.35:
        cell = min(0.1 * height, 26.0)
        comb(
            page,
            inner.left,
            inner.bottom - cell,
            cell,
            page_texts.digits(rng, int(rng.integers(4, 8))),
            pick(rng, ("boxes", "apart")),
        )
    if rng.random() < 0.6:
        small_print(page, Area(inner.left, inner.top, inner.left + 0.3 * inner.width, inner.top + 0.2 * height), 8.0)
    if rng.random() < 0.25:
        page_marks.bar_code(
            page, Area(inner.right - 0.4 * inner.width, inner.bottom - 0.12 * height, inner.right, inner.bottom - 8)
        )


def airmail_border(page: Writer, area: Area) -> None:
    """Print slanted stripes round an area."""
    thick = page.rng.uniform(5.0, 11.0)
    step = 4.0 * thick
    for y in (area.top, area.bottom - thick):
        for x in np.arange(area.left, area.right - step / 2, step):
            corners = np.array([[x + thick, y], [x + step / 2 + thick, y], [x + step / 2, y + thick], [x, y + thick]])
            page.canvas.polygon(corners, pick(page.rng, ("print", "ink2")), 0.8)


def postage(page: Writer, area: Area) -> None:
    """Print a stamp with a price, and a postmark of rings, waves and a date over it."""
    rng = page.rng
    page.tint(area, 0.9)
    page.canvas.box(area.left, area.top, area.width, area.height, 2.0, "print", 0.7)
    page_marks.emblem(page, area.inset(0.15 * area.width, 0.25 * area.height))
    page.printed(
        pick(rng, ("5", "62", "1.10", "25c", "0,80")), area.left + 5, area.bottom - 10, min(11.0, 0.2 * area.height)
    )
    radius = 0.5 * area.width
    if rng.random() < 0.7:
        x, y = area.left - 0.3 * radius, area.middle[1]
        turn = np.linspace(0.0, 2 * np.pi, 33)
        for scale in (1.0, 0.65):
            ring = np.column_stack([np.cos(turn), np.sin(turn)]) * radius * scale + (x, y)
            page.canvas.curve(ring, 1.3, "print", 0.7)
        page.printed(page_texts.fill(rng, "dd.d.dd"), x, y, 0.22 * radius, "centre", opacity=0.8)
        for place in range(4):
            across = np.linspace(x - 3.5 * radius, x - 1.1 * radius, 20)
            wave = y + (place - 1.5) * 0.35 * radius + 0.1 * radius * np.sin(across / radius * 6)
            page.canvas.curve(np.column_stack([across, wave]), 1.3, "print", 0.7)
