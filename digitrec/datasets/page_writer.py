"""What layouts of synthetic pages share: areas of a page, and writing and printing that fits into them."""

import dataclasses
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from digitrec.datasets import page_texts
from digitrec.datasets.hands import Hand
from digitrec.datasets.page_canvas import PageCanvas
from digitrec.datasets.page_texts import pick

MOST_LABELS = 150
"""Handwritten digits a page has at most."""

SMALLEST = 7.5
"""Height of the smallest handwriting, in page units: a longer text than fits is cut."""


class Area(NamedTuple):
    """A rectangle of the page, in page units."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Distance from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Distance from top to bottom."""
        return self.bottom - self.top

    @property
    def middle(self) -> tuple[float, float]:
        """The middle (x, y)."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def inset(self, x: float, y: float) -> "Area":
        """Return the area without a margin of `x` on the left and right and of `y` at the top and bottom."""
        return Area(self.left + x, self.top + y, self.right - x, self.bottom - y)

    def columns(self, shares: Sequence[float]) -> "list[Area]":
        """Return the area cut into columns of these shares of its width."""
        edges = self.left + self.width * np.concatenate([[0.0], np.cumsum(shares) / sum(shares)])
        return [Area(float(a), self.top, float(b), self.bottom) for a, b in pairwise(edges)]

    def rows(self, shares: Sequence[float]) -> "list[Area]":
        """Return the area cut into rows of these shares of its height."""
        edges = self.top + self.height * np.concatenate([[0.0], np.cumsum(shares) / sum(shares)])
        return [Area(self.left, float(a), self.right, float(b)) for a, b in pairwise(edges)]


def document_hand(rng: np.random.Generator) -> Hand:
    """Return a hand as it fills documents: no fat marker, digits near each other and on their line."""
    hand = Hand.random(rng)
    return dataclasses.replace(
        hand,
        width=float(np.clip(hand.width, 0.045, 0.17)),
        gap=float(np.clip(hand.gap, 0.0, 0.35)),
        wander=min(hand.wander, 0.08),
    )


class Writer:
    """Writes and prints one document onto a canvas; counts the digits so that no page has too many.

    Attributes:
        canvas: Where it is drawn.
        rng: Source of chance.
        digits: Whether handwritten digits are wanted; if not, words stand where they would.
        hand: Who writes in layer "ink".
        second: Who writes in layer "ink2", such as a teacher.
        font: Number of the font of the print.
        rule: Width of printed rules, in page units.
        rule_opacity: Opacity of printed rules, 0 to 1.
    """

    def __init__(self, canvas: PageCanvas, rng: np.random.Generator, digits: bool = True):
        self.canvas, self.rng, self.digits = canvas, rng, digits
        self.hand, self.second = document_hand(rng), document_hand(rng)
        self.fonts = len(canvas.characters.print_fonts)
        self.font = int(rng.integers(self.fonts))
        self.rule, self.rule_opacity = float(rng.choice([0.6, 0.9, 1.3, 2.2])), float(rng.uniform(0.35, 1.0))

    @property
    def room(self) -> int:
        """How many more labels the page may have."""
        return MOST_LABELS - self.canvas.label_count

    # ---- by hand

    def writer_of(self, layer: str) -> Hand:
        """Return the hand that writes in this layer."""
        return self.second if layer == "ink2" else self.hand

    def digit(self, digit: int, x: float, y: float, height: float, layer: str = "ink") -> float:
        """Write a digit about (x, y) and return its width; a letter if no digits are wanted, nothing on a full page."""
        if not self.digits:
            self.canvas.word(pick(self.rng, "xkmnhtv"), x - 0.25 * height, y, height, self.writer_of(layer), layer)
        if not self.digits or self.room < 1:
            return 0.6 * height
        return self.canvas.digit(digit, x, y, height, self.writer_of(layer), layer)

    def number(self, text: str, x: float, y: float, height: float, layer: str = "ink") -> float:
        """Write a number from (x, y) on and return its end; a word if no digits are wanted, nothing on a full page."""
        count = sum(char.isdigit() for char in text)
        hand = self.writer_of(layer)
        if count and not self.digits:
            return self.canvas.word(page_texts.remark(self.rng)[: len(text)], x, y, height, hand, layer)
        if count > self.room:
            return x
        return self.canvas.number(text, x, y, height, hand, layer)

    def text(self, text: str, x: float, y: float, height: float, layer: str = "ink") -> float:
        """Write words and numbers from (x, y) on; return the right end x."""
        for place, token in enumerate(text.split()):
            x += 0.65 * height if place else 0.0
            if any(char.isalpha() for char in token) and not any(char.isdigit() for char in token):
                x = self.canvas.word(token, x, y, height, self.writer_of(layer), layer)
            else:
                x = self.number(token, x, y, height, layer)
        return x

    def width(self, text: str, height: float, layer: str = "ink") -> float:
        """Return about how wide a text will be when written."""
        hand = self.writer_of(layer)
        sizes = {**dict.fromkeys(".,:'", 0.3), **dict.fromkeys("/-()1", 0.45), " ": 0.5}
        each = sum(sizes.get(char, 0.7 if char.isdigit() else 0.62) * hand.aspect for char in text)
        gaps = hand.gap * sum(char.isdigit() for char in text)
        return 1.12 * height * (each + gaps)

    def cell(
        self, text: str, cell: Area, height: float, layer: str = "ink", align: str = "left", loose: float = 0.12
    ) -> Area:
        """Write a text into a cell, smaller if it would not fit; return where it stands.

        Args:
            text: Words and numbers.
            cell: Where to write.
            height: Height of the digits if there is room; at least 0.6 of it, then the text's end is left out.
            layer: "ink" or "ink2".
            align: "left", "centre" or "right".
            loose: How far off its place it may be, in shares of the free room, so that some touch the rules.
        """
        room = 0.92 * cell.width
        while len(text) > 1 and self.width(text, max(0.6 * height, SMALLEST), layer) > room:
            text = text[:-1]
        width = self.width(text, height, layer)
        if width > room:
            height, width = height * room / width, room
        free = np.array([cell.width - width, cell.height - height])
        x = cell.left + free[0] * {"left": 0.12, "centre": 0.5, "right": 0.88}[align]
        off = self.rng.normal(0.0, loose, 2) * np.abs(free)
        x, y = float(x + off[0]), float(cell.middle[1] + off[1])
        end = self.text(text, x, y, height, layer)
        return Area(x, y - height / 2, end, y + height / 2)

    # ---- in print

    def printed(
        self,
        text: str,
        x: float,
        y: float,
        height: float,
        align: str = "left",
        width: float | None = None,
        layer: str = "print",
        opacity: float = 1.0,
    ) -> float:
        """Print a text at (x, y), which is its left end, centre or right end; return its right end x.

        A text wider than `width` is printed smaller; one that would be lower than 3 units then is left out.
        """
        if not text:
            return x
        wide = self.canvas.printed_width(text, height, self.font) if width is not None or align != "left" else 0.0
        if width is not None and wide > width:
            height, wide = height * width / wide, width
        if height < 3.0:
            return x
        x -= wide * {"left": 0.0, "centre": 0.5, "right": 1.0}[align]
        return self.canvas.printed(text, x, y, height, layer=layer, font=self.font, opacity=opacity)

    def line(self, x0: float, y0: float, x1: float, y1: float, width: float = 1.0, dotted: bool = False) -> None:
        """Print a rule, `width` times as wide as the document's, solid or dotted."""
        dash = (max(1.0, 1.2 * self.rule), 3.0) if dotted else None
        self.canvas.line((x0, y0), (x1, y1), self.rule * width, opacity=self.rule_opacity, dash=dash)

    def box(self, area: Area, width: float = 1.0) -> None:
        """Print a frame, its lines `width` times as wide as the document's."""
        self.canvas.box(area.left, area.top, area.width, area.height, self.rule * width, opacity=self.rule_opacity)

    def tint(self, area: Area, opacity: float | None = None) -> None:
        """Tint an area."""
        corners = np.array([[area.left, area.top], [area.right, area.top], area[2:], [area.left, area.bottom]])
        self.canvas.polygon(corners, "fields", float(self.rng.uniform(0.2, 1.0)) if opacity is None else opacity)
