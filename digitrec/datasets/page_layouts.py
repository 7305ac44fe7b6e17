"""What is written and printed where on a synthetic page: chooses a layout and draws it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from digitrec.datasets import page_layouts_forms as forms
from digitrec.datasets import page_layouts_free as free
from digitrec.datasets import page_layouts_other as other
from digitrec.datasets import page_layouts_print as printed
from digitrec.datasets import page_layouts_sums as calculations
from digitrec.datasets import page_layouts_tables as tables
from digitrec.datasets import page_marks, page_texts
from digitrec.datasets.page_canvas import PageCanvas
from digitrec.datasets.page_texts import log_uniform, pick
from digitrec.datasets.page_writer import Area, Writer


@dataclass(frozen=True)
class Layout:
    """A kind of page.

    Attributes:
        draw: Draws it onto a page, into an area.
        weight: How often it is chosen, relative to the others.
    """

    draw: Callable[[Writer, Area], None]
    weight: float


LAYOUTS: dict[str, Layout] = {
    "rows": Layout(free.rows, 8.0),
    "notes": Layout(free.notes, 8.0),
    "sums": Layout(calculations.sums, 6.0),
    "collection": Layout(free.collection, 6.0),
    "scattered": Layout(free.scattered, 4.0),
    "large": Layout(free.large, 6.0),
    "letters": Layout(free.letters, 3.0),
    "blank": Layout(free.blank, 1.5),
    "other_scripts": Layout(other.other_scripts, 4.0),
    "shapes": Layout(other.shapes, 4.0),
    "dashes": Layout(other.dashes, 2.5),
    "form": Layout(forms.form, 12.0),
    "cheque": Layout(forms.cheque, 4.0),
    "envelope": Layout(forms.envelope, 3.0),
    "marks_table": Layout(tables.marks_table, 11.0),
    "score_sheet": Layout(tables.score_sheet, 4.0),
    "ruled_list": Layout(tables.ruled_list, 7.0),
    "log_sheet": Layout(tables.log_sheet, 4.0),
    "answer_sheet": Layout(tables.answer_sheet, 3.0),
    "bill": Layout(printed.bill, 6.0),
    "receipt": Layout(printed.receipt, 2.5),
    "worksheet": Layout(printed.worksheet, 5.0),
    "calendar": Layout(printed.calendar, 1.5),
    "axes": Layout(printed.axes, 2.0),
    "text_page": Layout(printed.text_page, 4.0),
}
"""The layouts by name. Documents have more than half of the weight: that is where digits are missed most."""

SPLIT = 0.12
"""Share of the pages of any kind whose area is cut into two with a layout each."""

MIDDLING = ("rows", "notes", "sums", "form", "marks_table", "ruled_list", "bill", "worksheet", "letters", "log_sheet")
"""Layouts that also suit half a page."""


def draw(
    canvas: PageCanvas,
    area: tuple[float, float, float, float],
    rng: np.random.Generator,
    kind: str | None = None,
    digits: bool = True,
) -> None:
    """Draw a layout onto a page.

    Args:
        canvas: The page.
        area: Where writing belongs: left, top, right and bottom in page units.
        rng: Source of chance.
        kind: A name from `LAYOUTS`, or None: any, by weight, at times two.
        digits: Whether digits are written by hand; if not, words stand in their place or fields stay empty.

    Raises:
        KeyError: If there is no such layout.
    """
    page, whole = Writer(canvas, rng, digits), Area(*area)
    if kind is None and rng.random() < SPLIT and min(whole.width, whole.height) > 300:
        share = rng.uniform(0.35, 0.65)
        parts = whole.rows([share, 1 - share]) if rng.random() < 0.7 else whole.columns([share, 1 - share])
        for part in parts:
            LAYOUTS[pick(rng, MIDDLING)].draw(page, part.inset(6.0, 6.0))
        add_margin(page, whole)
        return
    if kind is None:
        kind = pick(rng, tuple(LAYOUTS), [layout.weight for layout in LAYOUTS.values()])
    LAYOUTS[kind].draw(page, whole)
    if kind not in ("large", "blank", "letters", "other_scripts", "shapes", "dashes"):
        add_margin(page, whole)


def add_margin(page: Writer, area: Area) -> None:
    """Add what stands at the margin of many pages: page number, date, a teacher's mark, a printed form number."""
    rng, height = page.rng, log_uniform(page.rng, 9.0, 30.0)
    corners = [(x, y) for x in (area.left, area.right - 5 * height) for y in (area.top, area.bottom - 1.5 * height)]
    left, top = pick(rng, corners)
    if rng.random() > 0.25 or not page.canvas.is_free(left - 4, top - 4, 5 * height + 8, 1.5 * height + 8):
        return
    room = Area(left, top, left + 5 * height, top + 1.5 * height)
    share = rng.random()
    if share < 0.3:
        page.printed(
            page.canvas.characters.random_text(rng), *room.middle, min(0.5 * height, 9.0), "centre", room.width
        )
    elif share < 0.6:
        page.cell(page_texts.value(rng, pick(rng, ("small", "date", "code"))), room, height, "ink", "centre", 0.0)
    else:
        place = page.cell(page_texts.value(rng, pick(rng, ("mark", "total"))), room, height, "ink2", "centre", 0.0)
        if rng.random() < 0.6:
            page_marks.loop(page, place, page_marks.pen_width(page, height, "ink2"), "ink2")
