"""A page to write, print and draw on, as the camera sees it, with a label for each handwritten digit."""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitrec.datasets import lettering, pens, texts
from digitrec.datasets.characters import BORDER, CAP_HEIGHT, Characters, smoothed
from digitrec.datasets.hands import Hand
from digitrec.datasets.labels import MAX_LABELS, PageLabels
from digitrec.datasets.lettering import Placed
from digitrec.datasets.unipen import AMBIGUOUS, Bytes

Homography = NDArray[np.float64]

LAYERS = ("fields", "rules", "print", "ink", "ink2")
"""In painting order."""

SMOOTHED = 60.0
"""Pixels of the frame from which on a character's strokes are smoothed; from three times as many, twice."""


FINEST = 0.9
"""Pixels of the frame: thinner lines would not be seen in a picture; less for digits of under 10 pixels."""


class PageCanvas:
    """A page seen by a camera.

    Page units are about pixels of the frame; x runs right, y down, and (0, 0) is the middle of the page.

    Attributes:
        characters: What handwriting and print are made of.
        page_to_frame: float64 (3, 3) homography.
        side: Pixels of the frame's side.
        font: Which of the fonts prints given texts, by default.
        layers: Coverage of what was drawn, uint8 (2 * side, 2 * side), by name.
    """

    def __init__(
        self, rng: np.random.Generator, characters: Characters, page_to_frame: ArrayLike, side: int = 640
    ) -> None:
        self.rng = rng
        self.characters = characters
        self.page_to_frame: Homography = np.asarray(page_to_frame, np.float64)
        self.side = side
        self._rows = self.page_to_frame.tolist()
        self.font = int(rng.integers(max(1, len(characters.print_fonts))))
        self.layers: dict[str, Bytes] = {}
        self._labels = PageLabels(side)

    def layer(self, name: str) -> Bytes:
        """Return a layer, empty at first use: `fields`, `rules`, `print`, `ink` or `ink2`."""
        if name not in LAYERS:
            raise ValueError(f"A layer is one of {', '.join(LAYERS)}. Received: {name}")
        if name not in self.layers:
            self.layers[name] = np.zeros((pens.SCALE * self.side, pens.SCALE * self.side), np.uint8)
        return self.layers[name]

    def labels(self) -> NDArray[np.float32]:
        """Return class, x, y, width, height and angle of each handwritten digit: float32 (N, 6), N at most 160.

        The class is 0 to 9, or -1 for what neither trains nor punishes: cut by the frame's edge, longer side under
        7 pixels, or readable as a digit as well as a letter. The box is tight about the ink, along the page's axes
        there; in pixels of the frame, whose pixels' middles lie at halves.
        """
        return self._labels.rows()

    def is_free(self, left: float, top: float, width: float, height: float) -> bool:
        """Return whether no label lies in a part of the page."""
        return self._labels.is_free(left, top, width, height)

    @property
    def label_count(self) -> int:
        """How many labels there are; from 160 on, no digits are drawn."""
        return len(self._labels)

    def scale_at(self, x: float, y: float) -> float:
        """Return how many pixels of the frame a page unit is at a place of the page; 0 behind the camera."""
        return self._local(x, y)[0]

    # handwriting

    def digit(self, digit: int, x: float, y: float, height: float, hand: Hand, layer: str = "ink") -> float:
        """Write a labelled digit about (x, y); return its width."""
        return self.character("digit", str(digit), x, y, height, hand, layer)

    def number(
        self, text: str, x: float, y: float, height: float, hand: Hand, layer: str = "ink", gap: float | None = None
    ) -> float:
        """Write digits, each labelled, and signs and letters from x on; return where they end.

        Args:
            text: What to write.
            x: Left end.
            y: Middle of the digits.
            height: Of the digits.
            hand: Whose.
            layer: On which layer.
            gap: After a digit, in heights; None: the hand's.
        """
        return self._write(text, x, y, height, hand, layer, hand.gap if gap is None else gap)

    def word(self, text: str | None, x: float, y: float, height: float, hand: Hand, layer: str = "ink") -> float:
        """Write letters (None: any word) from x on; return where they end. Its digits are labelled.

        A word of up to three letters that may all be digits, such as `I` or `SO`, is to be ignored.
        """
        return self._write(texts.word(self.rng) if text is None else text, x, y, height, hand, layer, 0.12)

    def symbol(self, char: str, x: float, y: float, height: float, hand: Hand, layer: str = "ink") -> float:
        """Write a sign, without a label, from x on; return where it ends."""
        char = lettering.ALIASES.get(char, char)
        at = lettering.place(self.characters, self.rng, lettering.kind_of(char), char, height, hand, False)
        self._draw([_moved(at, x + at.width / 2, y + at.y)], hand, layer, labelled=False)
        return x + at.width

    def character(
        self, kind: str, char: str, x: float, y: float, height: float, hand: Hand, layer: str = "ink"
    ) -> float:
        """Write a lone character about (x, y); return its width. One that may be a digit is to be ignored.

        Args:
            kind: `digit` (labelled), `upper`, `lower` or `symbol`.
            char: Which.
            x: Its middle.
            y: Middle of a digit's body there.
            height: Of a digit.
            hand: Whose.
            layer: On which layer.
        """
        at = lettering.place(self.characters, self.rng, kind, char, height, hand, self._raster(x, y, height))
        self._draw([_moved(at, x, y + at.y)], hand, layer, ambiguous=kind != "digit" and char in AMBIGUOUS)
        return at.width

    def _write(self, text: str, x: float, y: float, height: float, hand: Hand, layer: str, gap: float) -> float:
        raster = self._raster(x, y, height)
        placed = lettering.set_line(self.characters, self.rng, text, height, hand, gap, raster)
        line = [_moved(at, x + at.x, y + at.y) for at in placed]
        self._draw(line, hand, layer, ambiguous=lettering.is_ambiguous(text.strip()))
        return line[-1].x + line[-1].width / 2 if line else x

    def _raster(self, x: float, y: float, height: float) -> bool:
        return height * self.scale_at(x, y) < lettering.MNIST_HEIGHT

    def _draw(self, line: list[Placed], hand: Hand, layer: str, labelled: bool = True, ambiguous: bool = False) -> None:
        """Draw characters at their places, and label digits and, if they are, ambiguous ones."""
        count, kept, strokes, ends = len(self._labels), [], [], [0]
        for at in line:
            is_labelled = labelled and (at.kind == "digit" or ambiguous)
            if is_labelled and count >= MAX_LABELS:
                continue
            count += is_labelled
            label = (int(at.char) if at.kind == "digit" else -1) if is_labelled else None
            if at.picture is not None:
                self._paste_digit(at, hand, layer, label)
            elif at.shape:
                strokes += [stroke + np.array((at.x, at.y), np.float32) for stroke in at.shape]
                kept.append((label, at))
                ends.append(len(strokes))
        if not kept:
            return
        height = kept[0][1].height
        pieces = strokes + lettering.joins([at for _, at in kept], hand)
        scale, angle = self._local(kept[0][1].x, kept[0][1].y)
        for _ in range(int(height * scale > SMOOTHED) + int(height * scale > 3 * SMOOTHED)):
            pieces = [smoothed(stroke, 0.08 * height) for stroke in pieces]
        starts = np.cumsum([0, *map(len, pieces)])
        points = pens.project(self.page_to_frame, np.concatenate(pieces))
        if points is None or not pens.visible(points, 2 * height * scale, self.side):
            return
        mapped = [points[a:b] for a, b in pairwise(starts)]
        size = height * scale
        width = max(hand.width * size, min(FINEST, 0.09 * size))
        radius = pens.trace(self.layer(layer), mapped, width, size, hand, self.rng)
        for (label, at), first, last in zip(kept, ends[:-1], ends[1:], strict=True):
            if label is not None:
                here = slice(starts[first], starts[last])
                angle = self._local(at.x, at.y)[1]
                self._labels.add(
                    label, points[here], radius if isinstance(radius, float) else radius[here], angle, _page_box(at)
                )

    def _paste_digit(self, at: Placed, hand: Hand, layer: str, label: int | None) -> None:
        """Paste a digit of MNIST, its contrast raised, as dark as the hand and about as wide as its pen."""
        picture = at.picture
        if picture is None:
            return
        rows, columns = picture.shape[0] - 2 * BORDER, picture.shape[1] - 2 * BORDER
        across, down = at.width / columns, at.height / rows
        lean = hand.slant * 0.5 * down
        matrix = np.array([[across, -lean, at.x], [0, down, at.y], [0, 0, 1.0]])
        matrix[:2, 2] -= matrix[:2, :2] @ (picture.shape[1] / 2, picture.shape[0] / 2)
        middle = float(np.clip(0.62 - 2.2 * hand.width + self.rng.normal(0.0, 0.05), 0.25, 0.65))
        gain = max(0.55 / middle, 0.6 * down * self.scale_at(at.x, at.y) * self.rng.uniform(0.5, 1.6))
        look = np.clip(((np.arange(256) / 255 - middle) * gain + 0.5), 0.0, 1.0) * 255 * hand.opacity
        to_frame = self.page_to_frame @ matrix
        corners = pens.paste(self.layer(layer), picture, to_frame, look.astype(np.uint8))
        if corners is None or label is None:
            return
        ink = np.argwhere(picture > 255 * middle)[:, ::-1].astype(np.float64) + 0.5
        points = pens.project(to_frame, ink) if len(ink) else None
        if points is not None:
            scale, angle = self._local(at.x, at.y)
            self._labels.add(label, points, 0.5 * (across + down) / 2 * scale, angle, _page_box(at))

    # print

    def printed(
        self,
        text: str | None,
        x: float,
        y: float,
        height: float,
        layer: str = "print",
        font: int | None = None,
        opacity: float = 1.0,
        hand_font: bool = False,
    ) -> float:
        """Print a text without labels from x on; return where it ends.

        Args:
            text: What to print; None: anything, in any font.
            x: Left end.
            y: Middle of the capitals.
            height: Of the capitals.
            layer: On which layer.
            font: Which font; None: the page's.
            opacity: 0 to 1.
            hand_font: Whether to print with a font that looks handwritten; its digits are to be ignored.
        """
        if hand_font and self.characters.hand_fonts:
            return self._hand_printed(text, x, y, height, layer, font, opacity)
        if text is None:
            text, chosen, line = self.characters.pooled_line(self.rng)
        else:
            chosen, line = self.font if font is None else font, None
        if not text:
            return x
        files = self.characters.print_fonts
        cap = 4 * CAP_HEIGHT if height * self.scale_at(x, y) > 2 * CAP_HEIGHT else CAP_HEIGHT
        if line is None or cap > CAP_HEIGHT:
            line = self.characters.render(text, files[chosen % len(files)], cap)
        return self._paste_line(line, x, y, height, layer, opacity)

    def printed_width(self, text: str, height: float, font: int | None = None) -> float:
        """Return how wide `printed` prints a text in a font (None: the page's), in page units."""
        files = self.characters.print_fonts
        file = files[(self.font if font is None else font) % len(files)]
        return float(height * self.characters.text_width(text, file))

    def _hand_printed(
        self, text: str | None, x: float, y: float, height: float, layer: str, font: int | None, opacity: float
    ) -> float:
        text = texts.printed(self.rng) if text is None else text
        files = self.characters.hand_fonts
        file = files[(int(self.rng.integers(len(files))) if font is None else font) % len(files)]
        cap = 4 * CAP_HEIGHT if height * self.scale_at(x, y) > 2 * CAP_HEIGHT else CAP_HEIGHT
        end = self._paste_line(self.characters.render(text, file, cap), x, y, height, layer, opacity)
        for place, char in enumerate(text):
            if char in "0123456789":
                left, right = (self.characters.text_width(text[:n], file) for n in (place, place + 1))
                self._ignore(x + left * height, y - height / 2, (right - left) * height, height)
        return end

    def _ignore(self, left: float, top: float, width: float, height: float) -> None:
        """Have a part of the page be ignored."""
        x, y = left + width / 2, top + height / 2
        corners = np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])
        points = pens.project(self.page_to_frame, corners)
        if points is not None and len(self._labels) < MAX_LABELS:
            self._labels.add(-1, points, 0.0, self._local(x, y)[1], (left, top, left + width, top + height))

    def _paste_line(self, line: Bytes, x: float, y: float, height: float, layer: str, opacity: float) -> float:
        """Paste a printed line, whose middle half of rows are the capitals, in pieces where it leans."""
        scale = 2 * height / line.shape[0]
        margin = height / 4
        end = float(x + line.shape[1] * scale - 2 * margin)
        matrix = np.array([[scale, 0, x - margin], [0, scale, y - height], [0, 0, 1.0]])
        angle = self._local(x, y)[1]
        leans = abs(np.sin(2 * angle)) > 0.2
        pieces = max(1, round(line.shape[1] / (2 * line.shape[0]))) if leans else 1
        edges = np.linspace(0, line.shape[1], pieces + 1).astype(int)
        look = None if opacity >= 1 else (np.arange(256) * opacity).astype(np.uint8)
        target = self.layer(layer)
        for left, right in pairwise(edges.tolist()):
            left, right = max(0, left - 2), min(line.shape[1], right + 2)  # the pieces overlap
            shift = np.array([[1, 0, left], [0, 1, 0], [0, 0, 1.0]])
            pens.paste(target, line[:, left:right], self.page_to_frame @ matrix @ shift, look)
        return end

    def image(self, coverage: Bytes, x: float, y: float, width: float, height: float, layer: str = "print") -> None:
        """Paste a picture, uint8 (h, w) coverage 0 to 255, about (x, y)."""
        across, down = width / coverage.shape[1], height / coverage.shape[0]
        matrix = np.array([[across, 0, x - width / 2], [0, down, y - height / 2], [0, 0, 1.0]])
        pens.paste(self.layer(layer), coverage, self.page_to_frame @ matrix)

    # lines

    def line(
        self,
        start: ArrayLike,
        end: ArrayLike,
        width: float,
        layer: str = "rules",
        opacity: float = 1.0,
        wobble: float = 0.0,
        dash: tuple[float, float] | None = None,
    ) -> None:
        """Draw a straight line.

        Args:
            start: (x, y).
            end: (x, y).
            width: In page units.
            layer: On which layer.
            opacity: 0 to 1.
            wobble: How far it strays, in page units.
            dash: Lengths of the dashes and of the gaps between them, in page units.
        """
        ends = pens.in_front(self.page_to_frame, np.asarray(start, np.float64), np.asarray(end, np.float64))
        if ends is None:
            return
        first, last = ends
        length = float(np.hypot(*(last - first)))
        if dash is not None and length > sum(dash) > 0:
            at = np.arange(0.0, length, sum(dash))[:, None] / length
            pieces = np.stack(
                [first + at * (last - first), first + (at + dash[0] / length).clip(0, 1) * (last - first)], 1
            )
        elif wobble:
            count = int(np.clip(length / 15, 4, 40))
            stray = np.cumsum(self.rng.normal(0.0, 1.0, (count, 2)), axis=0) * wobble / np.sqrt(count)
            pieces = (np.linspace(first, last, count) + stray - np.linspace(0, 1, count)[:, None] * stray[-1])[None]
        else:
            pieces = np.stack([first, last])[None]
        self._lines(pieces, width, layer, opacity)

    def curve(self, points: ArrayLike, width: float, layer: str = "ink", opacity: float = 1.0) -> None:
        """Draw a line through points (N, 2) of the page, `width` page units wide."""
        self._lines(np.asarray(points, np.float64).reshape(1, -1, 2), width, layer, opacity)

    def box(
        self,
        left: float,
        top: float,
        width: float,
        height: float,
        line_width: float,
        layer: str = "rules",
        opacity: float = 1.0,
        wobble: float = 0.0,
    ) -> None:
        """Draw the outline of a rectangle; arguments as those of `line`."""
        corners = np.add((left, top), [(0, 0), (width, 0), (width, height), (0, height), (0, 0)])
        if not wobble:
            self.curve(corners, line_width, layer, opacity)
            return
        for start, end in pairwise(corners):
            self.line(start, end, line_width, layer, opacity, wobble)

    def polygon(self, corners: ArrayLike, layer: str = "fields", opacity: float = 1.0) -> None:
        """Fill a polygon of corners (N, 2) of the page."""
        points = pens.project(self.page_to_frame, np.asarray(corners, np.float64))
        if points is not None and pens.visible(points, 1.0, self.side):
            pens.fill(self.layer(layer), points, opacity)

    def _lines(self, pieces: NDArray[np.float64], width: float, layer: str, opacity: float) -> None:
        """Draw lines (M, N, 2) of the page."""
        flat = pieces.reshape(-1, 2)
        points = pens.project(self.page_to_frame, flat)
        if points is None or not len(points) or not pens.visible(points, 2 * width, self.side):
            return
        scale = self.scale_at(*flat.mean(axis=0).tolist()) or 1.0
        pens.draw_lines(self.layer(layer), points.reshape(pieces.shape), width * scale, opacity)

    def _local(self, x: float, y: float) -> tuple[float, float]:
        """Return pixels of the frame per page unit and the angle of the page's axes at a place of the page."""
        (a, b, c), (d, e, f), (g, h, i) = self._rows
        depth = g * x + h * y + i
        if depth <= 1e-6:
            return 0.0, 0.0
        u, v = (a * x + b * y + c) / depth, (d * x + e * y + f) / depth
        right = complex(a - g * u, d - g * v) / depth
        down = complex(b - h * u, e - h * v) / depth
        up_right = right / (abs(right) or 1.0) + down * -1j / (abs(down) or 1.0)
        return (abs(right) * abs(down)) ** 0.5, float(np.angle(up_right))


def _moved(at: Placed, x: float, y: float) -> Placed:
    return Placed(at.char, at.kind, x, y, at.height, at.width, at.shape, at.picture)


def _page_box(at: Placed) -> tuple[float, float, float, float]:
    half, high = at.width / 2, at.height / 2
    return at.x - half, at.y - high, at.x + half, at.y + high
