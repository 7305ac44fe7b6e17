"""Handwritten and printed characters that pages are made of, parted into training and validation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from digitrec.datasets import fonts, texts, unipen
from digitrec.datasets import mnist as datasets_mnist
from digitrec.datasets.unipen import Bytes, Floats, Strokes

MNIST_VALIDATION = 5000
"""How many of the last MNIST training digits belong to the validation part."""

CAP_HEIGHT = 32
"""Pixels: the height of printed capitals; a printed line has half as much above and below them."""

POOL = 1500
"""How many printed lines a process makes once and then takes at random."""

POINTS = 40
"""At most so many points a stroke."""

DEVIATION = 0.004
"""How far the thinned stroke may leave the written one, as a share of the character's longer side."""

LENGTHS = (1.7, 0.6, 1.5, 1.7, 1.7, 1.4, 1.5, 1.2, 2.0, 1.6)
"""Shortest strokes of each digit, in longer sides: what is shorter lacks strokes, or was labelled wrongly."""

UPRIGHT, LYING = frozenset("/()|[]{}!:;"), frozenset("-=_~")
"""Symbols that are much higher than wide, and much wider than high."""

SPREAD = frozenset("acemnorsuvwxzMW")
"""Letters that some write much wider than high."""

BORDER = 1
"""Pixels of empty border round a cropped MNIST digit."""


class Characters:
    """Handwritten and printed characters of one part.

    Attributes:
        part: `training` or `validation`.
        strokes: For `digit`, `upper`, `lower` and `symbol`, for each label, how people wrote it: strokes about 0 whose
            longer side is 1, each float32 (2 to 40, 2).
        mnist: For each digit 0 to 9, MNIST's pictures of it: uint8 (h, w), 0 paper to 255 ink, one empty pixel around.
        print_fonts: Files of ordinary fonts.
        hand_fonts: Files of handwriting fonts; may be empty.
    """

    def __init__(
        self,
        part: str,
        strokes: dict[str, dict[str, list[Strokes]]],
        mnist: list[list[Bytes]],
        print_fonts: list[Path],
        hand_fonts: list[Path],
    ) -> None:
        self.part = part
        self.strokes = strokes
        self.mnist = mnist
        self.print_fonts = print_fonts
        self.hand_fonts = hand_fonts
        self._fonts: dict[tuple[Path, int], ImageFont.FreeTypeFont] = {}
        self._glyphs: dict[tuple[str, Path, int], tuple[Bytes, float]] = {}
        self._pool: list[tuple[str, int, Bytes]] = []

    @classmethod
    def load(cls, part: str, strokes_folder: Path) -> "Characters":
        """Return the characters of a part: `training` or `validation`.

        Args:
            part: Whose characters: UNIPEN is parted by writers, MNIST by order, fonts by name.
            strokes_folder: The folder with UNIPEN's four files.

        Raises:
            DatasetError: If UNIPEN, MNIST or all fonts are missing.
            ValueError: If the part is neither of the two.
        """
        if part not in ("training", "validation"):
            raise ValueError(f"The part must be training or validation. Received: {part}")
        print_fonts, hand_fonts = fonts.of_part(part)
        return cls(part, _written(part, strokes_folder), _mnist(part), print_fonts, hand_fonts)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_fonts": {}, "_glyphs": {}, "_pool": []}

    def random_text(self, rng: np.random.Generator, digits: bool = True) -> str:
        """Return a word, label, number, date or amount as printed on forms; with `digits` false, one without digits."""
        return texts.printed(rng, digits)

    def print_line(self, rng: np.random.Generator, text: str | None = None, font: int | None = None) -> Bytes:
        """Return a printed line: uint8 (64, w), coverage 0 to 255; capitals fill the rows 16 to 47.

        Args:
            rng: Chooses what is not given.
            text: What to print, or None: any of the lines made before.
            font: Which of `print_fonts` (counted on from the first after the last), or None: any; only with a text.
        """
        if text is None:
            return self.pooled_line(rng)[2]
        chosen = int(rng.integers(len(self.print_fonts))) if font is None else font
        return self.render(text, self.print_fonts[chosen % len(self.print_fonts)])

    def pooled_line(self, rng: np.random.Generator) -> tuple[str, int, Bytes]:
        """Return any of the printed lines that this process made at first use: its text, font and coverage."""
        if not self._pool:
            self._pool = list(self._lines(np.random.default_rng(0)))
        return self._pool[int(rng.integers(len(self._pool)))]

    def _lines(self, rng: np.random.Generator) -> Iterator[tuple[str, int, Bytes]]:
        for number in range(POOL):
            text, font = texts.printed(rng), number % len(self.print_fonts)
            yield text, font, self.print_line(rng, text, font)

    def render(self, text: str, file: Path, cap_height: int = CAP_HEIGHT) -> Bytes:
        """Return a line in a file's font: uint8 (2 * cap_height, w), capitals in the middle half of the rows."""
        glyphs = [self._glyph(char, file, cap_height) for char in text]
        starts = np.cumsum([0.0, *(advance for _, advance in glyphs)])
        line = np.zeros((2 * cap_height, int(starts[-1]) + 2 + cap_height // 2), np.uint8)
        for (picture, _), start in zip(glyphs, starts.round().astype(int).tolist(), strict=False):
            view = line[:, start : start + picture.shape[1]]
            np.maximum(view, picture, out=view)
        return line

    def text_width(self, text: str, file: Path) -> float:
        """Return how wide `render` prints a text, in heights of its capitals, without the margins of 1/4."""
        return sum(self._glyph(char, file, CAP_HEIGHT)[1] for char in text) / CAP_HEIGHT

    def _glyph(self, char: str, file: Path, cap_height: int) -> tuple[Bytes, float]:
        """Return a printed character, uint8 (2 * cap_height, w), margins of a quarter, and its advance in pixels."""
        key = (char, file, cap_height)
        if key not in self._glyphs:
            font, margin = self._font(file, cap_height), cap_height // 4
            advance = float(font.getlength(char))
            picture = Image.new("L", (int(advance) + 2 * margin, 2 * cap_height))
            ImageDraw.Draw(picture).text((margin, 1.5 * cap_height), char, 255, font, "ls")
            self._glyphs[key] = (np.asarray(picture), advance)
        return self._glyphs[key]

    def _font(self, file: Path, cap_height: int) -> ImageFont.FreeTypeFont:
        """Return a font whose capitals are so many pixels high."""
        if (file, cap_height) not in self._fonts:
            probe = ImageFont.truetype(str(file), 100, layout_engine=ImageFont.Layout.BASIC)
            _, top, _, bottom = probe.getbbox("H", anchor="ls")
            size = 100 * cap_height / max(bottom - top, 20)
            self._fonts[file, cap_height] = probe.font_variant(size=size)
        return self._fonts[file, cap_height]


def _written(part: str, folder: Path) -> dict[str, dict[str, list[Strokes]]]:
    """Return UNIPEN's characters by the writers of a part, thinned."""
    found: dict[str, dict[str, list[Strokes]]] = {kind: {} for kind in unipen.FILES}
    for writing in unipen.load(folder):
        if unipen.part(writing.writer) == part and is_plausible(
            unit := thinned(writing.strokes), writing.label, writing.kind
        ):
            found[writing.kind].setdefault(writing.label, []).append(unit)
    return found


def is_plausible(unit: Strokes, label: str, kind: str) -> bool:
    """Return whether a character whose longer side is 1 may be what its label says; about 3 in 100 are not."""
    width, height = np.ptp(np.concatenate(unit), axis=0)
    if label in UPRIGHT:
        return bool(height > 0.8)
    if label in LYING:
        return bool(width > 0.8)
    if kind != "digit":
        return kind == "symbol" or bool(height > (0.2 if label in SPREAD else 0.5) * width)
    is_pair = width > 1.1 * height and len(unit) > 1 and label in "0689"
    return bool(height > 0.4 * width and not is_pair and sum(map(_length, unit)) > LENGTHS[int(label)])


def _length(stroke: Floats) -> float:
    steps = np.diff(stroke, axis=0)
    return float(np.hypot(steps[:, 0], steps[:, 1]).sum())


def thinned(written: Strokes) -> Strokes:
    """Return strokes moved and scaled evenly to lie about 0 with a longer side of 1, of 2 to 40 points each."""
    points = np.concatenate(written)
    low, high = points.min(axis=0), points.max(axis=0)
    size = max(float((high - low).max()), 1e-6)
    return tuple(_thin(smoothed(((stroke - (low + high) / 2) / size).astype(np.float32))) for stroke in written)


def smoothed(stroke: Floats, limit: float = 0.08) -> Floats:
    """Return a stroke (N, 2) with its corners cut, (2N, 2), by G. Chaikin's algorithm (1974).

    No corner loses more than `limit` on either side, so that long straight lines keep meeting in corners.
    """
    steps = np.diff(stroke, axis=0)
    cut = np.minimum(0.25, limit / np.maximum(np.hypot(steps[:, 0], steps[:, 1]), 1e-6))[:, None] * steps
    finer = np.empty((2 * len(stroke), 2), np.float32)
    finer[0], finer[-1] = stroke[0], stroke[-1]
    finer[1:-1:2] = stroke[:-1] + cut
    finer[2:-1:2] = stroke[1:] - cut
    return finer


def _thin(stroke: Floats) -> Floats:
    """Return a stroke without its points on straight parts, and not more of them than `POINTS`."""
    if len(stroke) > 2:
        stroke = np.asarray(cv2.approxPolyDP(stroke, DEVIATION, False), np.float32).reshape(-1, 2)
    if len(stroke) > POINTS:
        stroke = stroke[np.linspace(0, len(stroke) - 1, POINTS).round().astype(int)]
    if len(stroke) == 1:
        stroke = np.concatenate([stroke, stroke + np.float32(0.01)])
    return stroke


def _mnist(part: str) -> list[list[Bytes]]:
    """Return MNIST's training digits of a part by their class, cropped."""
    pictures, labels = datasets_mnist.training()
    here = slice(None, -MNIST_VALIDATION) if part == "training" else slice(-MNIST_VALIDATION, None)
    found: list[list[Bytes]] = [[] for _ in range(10)]
    for picture, label in zip(pictures[here], labels[here].tolist(), strict=True):
        found[label].append(cropped(picture))
    return found


def cropped(picture: NDArray[np.uint8]) -> Bytes:
    """Return the ink of a picture (H, W) with one empty pixel around it."""
    ink = picture > 60
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size:
        return np.zeros((3, 3), np.uint8)
    inner = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.pad(inner, BORDER)
