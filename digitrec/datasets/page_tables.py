"""Tables of synthetic pages: columns of one kind each, printed or drawn rules, cells filled by hand or in print."""

from dataclasses import dataclass

import numpy as np

from digitrec.datasets import page_marks, page_texts
from digitrec.datasets.page_texts import pick
from digitrec.datasets.page_writer import Area, Writer

RULINGS = ("all", "all", "all", "horizontal", "vertical", "frame", "dotted", "double", "by hand", "none")

DIGITS = {
    kind: sum(pattern.count("d") for pattern in patterns) / len(patterns)
    for kind, patterns in page_texts.PATTERNS.items()
} | {"row": 1.5}
"""Mean number of digits of an entry, by its column's kind."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        kind: What stands in it: a key of `page_texts.PATTERNS`, or "index", "name", "item", "words", "signature",
            "tick", "printed", "printed_number" or "blank".
        share: Its width, relative to the other columns'.
        title: Its heading, or None: one that suits the kind.
        filled: Probability that a cell is filled.
    """

    kind: str
    share: float
    title: str | None = None
    filled: float = 0.9


@dataclass(frozen=True)
class Style:
    """How a table is ruled and written.

    Attributes:
        ruling: One of `RULINGS`.
        digit_height: Height of handwritten digits, as a share of the rows' height.
        align: Of handwritten numbers: "left", "centre" or "right".
        header: Height of the header row as a share of the rows' height; 0 for none.
        upright: Whether headings read upwards.
        banded: Whether every second row is tinted.
        layer: Layer of the handwriting.
        correction: Probability that an entry stands beside a deleted one.
        ringed: Probability that a handwritten number is ringed.
        printed_names: Whether names and items are printed.
        loose: How far entries may be off their places, in shares of the free room.
    """

    ruling: str = "all"
    digit_height: float = 0.6
    align: str = "centre"
    header: float = 1.0
    upright: bool = False
    banded: bool = False
    layer: str = "ink"
    correction: float = 0.02
    ringed: float = 0.02
    printed_names: bool = False
    loose: float = 0.12

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Style":
        """Return any style."""
        upright = bool(rng.random() < 0.12)
        return cls(
            ruling=pick(rng, RULINGS),
            digit_height=float(rng.choice([0.42, 0.52, 0.62, 0.72, 0.85], p=[0.2, 0.28, 0.27, 0.17, 0.08])),
            align=pick(rng, ("left", "centre", "centre", "right")),
            header=0.0 if rng.random() < 0.15 else float(rng.uniform(2.0, 4.0) if upright else rng.uniform(0.8, 1.7)),
            upright=upright,
            banded=bool(rng.random() < 0.15),
            layer="ink2" if rng.random() < 0.25 else "ink",
            correction=float(rng.choice([0.0, 0.02, 0.08], p=[0.55, 0.35, 0.1])),
            ringed=float(rng.choice([0.0, 0.02, 0.12], p=[0.6, 0.25, 0.15])),
            printed_names=bool(rng.random() < 0.45),
            loose=float(rng.choice([0.05, 0.12, 0.25], p=[0.4, 0.4, 0.2])),
        )


def table(
    page: Writer,
    area: Area,
    columns: list[Column],
    style: Style,
    row_height: float,
    first: int = 1,
    filled: float = 1.0,
) -> Area:
    """Draw a table from the top of an area down, with as many rows as fit, the last of them perhaps empty.

    Args:
        page: Where to draw.
        area: Where the table may lie; its width is used up.
        columns: Its columns from left to right.
        style: How it looks.
        row_height: In page units.
        first: Number of the first row.
        filled: Share of the rows with entries.

    Returns:
        The area that the table takes up.
    """
    header = style.header * row_height
    count = max(int((area.height - header) / row_height), 1)
    used = Area(area.left, area.top, area.right, area.top + header + count * row_height)
    across = used.columns([column.share for column in columns])
    edges = [used.top + header + place * row_height for place in range(count + 1)]
    if header > 0:
        _header(page, used, across, columns, style, header)
    if style.banded:
        for top in edges[1:-1:2]:
            page.tint(Area(used.left, top, used.right, top + row_height), 0.5)
    rules(page, used, [cell.left for cell in across], edges, style.ruling)
    per_row = sum(DIGITS.get(column.kind, 0.0) * column.filled for column in columns)
    share = min(1.0, 0.9 * page.room / max(per_row * count * filled, 1.0))
    scattered = page.rng.random() < 0.5
    last = round(filled * count * (1.0 if scattered else share))
    for row in range(count):
        for column, cell in zip(columns, across, strict=True):
            inside = Area(cell.left, edges[row], cell.right, edges[row + 1])
            drawn = row < last and (not scattered or column.kind not in DIGITS or page.rng.random() < share)
            if drawn or column.kind in ("index", "printed", "printed_number"):
                entry(page, inside, column, style, first + row)
    return used


def _header(page: Writer, used: Area, across: list[Area], columns: list[Column], style: Style, height: float) -> None:
    """Print or write the headings, at times on a tinted ground."""
    rng = page.rng
    if rng.random() < 0.3:
        page.tint(Area(used.left, used.top, used.right, used.top + height))
    by_hand = style.ruling == "by hand" and rng.random() < 0.7
    row = height / max(style.header, 1.0)
    size = row * rng.uniform(0.28, 0.5)
    for column, cell in zip(columns, across, strict=True):
        title = pick(rng, page_texts.HEADERS.get(column.kind, ("",))) if column.title is None else column.title
        x, y = cell.middle[0], used.top + height / 2
        if by_hand:
            page.cell(title, Area(cell.left, used.top, cell.right, used.top + height), row * 0.45, align="centre")
        elif style.upright and title:
            page_marks.vertical_print(page, title, x, y, min(size, 0.5 * cell.width), 0.9 * height)
        else:
            page.printed(title, x, y, size, "centre", 0.92 * cell.width)
    if style.ruling != "none" and not by_hand:
        page.line(used.left, used.top + height, used.right, used.top + height, rng.choice([1.0, 2.0]))


def rules(page: Writer, used: Area, lefts: list[float], tops: list[float], ruling: str) -> None:
    """Draw the rules of a table: between its columns (left edges) and rows (top edges)."""
    if ruling == "none":
        return
    if ruling == "by hand":
        _rules_by_hand(page, used, lefts, tops)
        return
    if ruling != "vertical":
        for y in tops:
            page.line(used.left, y, used.right, y, dotted=ruling == "dotted")
    if ruling not in ("horizontal", "dotted"):
        for x in lefts[1:]:
            page.line(x, used.top, x, used.bottom, 2.0 if ruling == "double" and page.rng.random() < 0.3 else 1.0)
    if ruling in ("all", "frame", "double"):
        page.box(used, 2.0 if ruling in ("frame", "double") else 1.0)


def _rules_by_hand(page: Writer, used: Area, lefts: list[float], tops: list[float]) -> None:
    """Draw rules with a pen, with a ruler or without, a little too long or short."""
    rng, row = page.rng, (used.bottom - used.top) / max(len(tops), 1)
    width, wobble = page_marks.pen_width(page, 0.5 * row), float(rng.choice([0.0, 0.4, 1.2]))
    layer = pick(rng, ("ink", "ink", "ink2"))
    for y in tops:
        off = rng.normal(0.0, 2.0, 4)
        page.canvas.line((used.left + off[0], y), (used.right + off[1], y + off[2]), width, layer, 1.0, wobble)
    for x in [*lefts, used.right]:
        off = rng.normal(0.0, 2.0, 4)
        page.canvas.line((x, used.top + off[0]), (x + off[2], used.bottom + off[1]), width, layer, 1.0, wobble)


def entry(page: Writer, cell: Area, column: Column, style: Style, row: int) -> None:
    """Fill a cell by its column's kind, in print or by hand, or leave it empty."""
    rng, kind, height = page.rng, column.kind, style.digit_height * cell.height
    small = 0.36 * cell.height
    if kind == "index":
        text = pick(rng, ("{}", "{}", "{}.")).format(row)
        page.printed(text, cell.middle[0], cell.middle[1], small, "centre", 0.9 * cell.width)
    elif kind == "printed":
        page.printed(
            page_texts.words(rng, 1).capitalize(), cell.left + 3, cell.middle[1], small, "left", cell.width - 5
        )
    elif kind == "printed_number":
        text = page_texts.value(rng, pick(rng, ("amount", "plain", "total")))
        page.printed(text, cell.right - 3, cell.middle[1], small, "right", cell.width - 5)
    elif kind == "blank" or rng.random() > column.filled:
        return
    elif kind in ("name", "item", "words"):
        _words(page, cell, kind, style)
    elif kind == "signature":
        page_marks.signature(page, cell.inset(0.08 * cell.width, 0.1 * cell.height))
    elif kind == "tick":
        page_marks.tick(page, *cell.middle, min(0.6 * cell.height, 0.5 * cell.width))
    elif kind == "row":
        _number(page, cell, pick(rng, ("{}", "{}.", "{})")).format(row), height, style)
    else:
        _number(page, cell, page_texts.value(rng, kind), height, style)


def _words(page: Writer, cell: Area, kind: str, style: Style) -> None:
    """Print or write a name, an item or a remark."""
    rng = page.rng
    if kind == "name":
        text = page_texts.name(rng)
    elif kind == "item" or rng.random() < 0.5:
        text = page_texts.words(rng, int(rng.integers(1, 3)))
    else:
        text = page_texts.remark(rng)
    if style.printed_names and kind != "words":
        page.printed(text.title(), cell.left + 3.0, cell.middle[1], 0.36 * cell.height, "left", cell.width - 5.0)
    else:
        page.cell(text, cell, min(style.digit_height, 0.6) * cell.height, "ink", "left", style.loose / 2)


def _number(page: Writer, cell: Area, text: str, height: float, style: Style) -> None:
    """Write a number into a cell; some are corrected, ringed, or given as a dash or in words."""
    rng = page.rng
    share = rng.random()
    if share < 0.02:
        page.cell(pick(rng, ("-", "ab", "A", "nil", "--")), cell, height, style.layer, style.align, style.loose)
        return
    if share < 0.02 + style.correction and cell.width > 3 * height:
        cell = page_marks.correction(page, cell, height, style.layer)
    place = page.cell(text, cell, height, style.layer, style.align, style.loose)
    if rng.random() < style.ringed:
        page_marks.loop(page, place, page_marks.pen_width(page, height), pick(rng, ("ink", "ink2")))
