"""Synthetic pages with labels: what the detector learns from, and what its choices and the accuracy gate are made on.

    python -m digitrec.datasets.synthetic_pages 24 sheet.png      draws a contact sheet of pages with their labels

Pages are the same for the same seed, on a machine with the same fonts.
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec import settings
from digitrec.datasets import page_layouts, page_scenes
from digitrec.datasets.characters import Characters
from digitrec.datasets.page_canvas import PageCanvas
from digitrec.datasets.page_clutter import clutter
from digitrec.datasets.page_paper import Drawn
from digitrec.datasets.page_textures import Textures

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIDE = 640
"""Pixels of a page's side in training."""

WITHOUT_DIGITS = 0.12
"""Share of the pages whose layout holds no handwritten digit."""

CLUTTERED = 0.3
"""Share of the pages with scribbles, ticks, stamps or holes beside the layout's own."""

SMALLEST = 7.0
"""Pixels of the picture itself of a digit's longer side below which it need not be found."""

VISIBLE = 0.9
"""Share of a digit that must lie on the sheet and in the picture for it to have to be found."""

LEAST_CONTRAST, LEAST_SEPARATION = 20.0, 0.6
"""RGB distance, of 0 to 441, between a digit's ink and what lies around it, and the same over the standard deviations
of both along that direction, below which nobody sees the digit: it need not be found."""

GRAINY = 0.3
"""Share of the pages that are written in pencil."""


@dataclass(frozen=True)
class Page:
    """A page and where its handwritten digits are.

    Attributes:
        image: uint8 (side, side, 3), RGB.
        labels: float32 (N, 6): class 0 to 9, or -1 for what is neither right nor wrong to find; x and y of the
            middle, width and height along the digit's own axes, in pixels; angle in radians, 0 upright, clockwise.
        scene: How it was taken, such as `photo`.
        layout: What is on it, such as `form`; `""` where it was left to chance, or there is no page.
    """

    image: Bytes
    labels: Floats
    scene: str
    layout: str


@dataclass(frozen=True)
class Sort:
    """A kind of picture that people upload.

    Attributes:
        name: Of the sort.
        scenes: One of them is taken; any where it is empty.
        layouts: One of them is taken; any where it is empty.
        sides: Pixels of the picture's side, one of them.
        digits: Whether there are handwritten digits; left to chance where it is None.
    """

    name: str
    scenes: tuple[str, ...]
    layouts: tuple[str, ...]
    sides: tuple[int, ...]
    digits: bool | None = None


_SHEETS = ("photo", "photo", "photo", "scan", "whiteboard", "blackboard", "screen")
_WRITTEN = ("rows", "notes", "sums", "collection", "scattered", "letters")

SORTS = (
    Sort("drawings", ("drawing", "drawing", "small"), ("rows", "large", "scattered", "sums", "letters"), (640,)),
    Sort("large", ("photo", "photo", "scan", "whiteboard", "overlay", "drawing"), ("large",), (640, 960)),
    Sort("free", _SHEETS, _WRITTEN, (640, 960)),
    Sort("documents", (), (), (640, 960, 1280)),
)
"""Drawings, a few large digits, handwritten pages, and anything, mostly documents."""

EMPTY = Sort("empty", ("nothing", "nothing", "nothing", "photo", "scan", "screen"), (), (640, 960, 1280), digits=False)
"""Pictures without a handwritten digit: wood, cloth, roads, hands and shapes, and documents of print and words."""


class PageMaker:
    """Makes pages of one part's writers, digits and fonts."""

    def __init__(self, characters: Characters, seed: int) -> None:
        self.characters = characters
        self.seed = seed
        self._textures = Textures(np.random.default_rng((seed, 0)))

    def page(
        self,
        number: int,
        side: int = SIDE,
        scene: str | None = None,
        layout: str | None = None,
        digits: bool | None = None,
    ) -> Page:
        """Return one page.

        Args:
            number: Which; the same page for the same number and seed, but for the backdrops' order.
            side: Pixels of its side.
            scene: How it is taken; any unless given.
            layout: What is on it; any unless given.
            digits: Whether there are handwritten digits; left to chance unless given.
        """
        rng = np.random.default_rng((self.seed, 1, number))
        if number % 8 == 0:
            self._textures.renew(rng)
        taken = page_scenes.choose(rng, side, scene)
        canvas = PageCanvas(rng, self.characters, taken.page_to_frame, side)
        if taken.kind != "nothing":
            if layout is None and taken.layouts:
                layout = str(rng.choice(taken.layouts))
            page_scenes.draw_ruling(canvas.line, taken, rng, side)
            by_chance = bool(rng.random() >= WITHOUT_DIGITS)
            page_layouts.draw(canvas, taken.area, rng, layout, digits=by_chance if digits is None else digits)
            if rng.random() < CLUTTERED:
                clutter(canvas, taken.area, rng)
        grain = float(rng.uniform(0.2, 0.9)) if rng.random() < GRAINY else 0.0
        labels = canvas.labels()
        smallest = float(np.quantile(labels[:, 4], 0.1)) if len(labels) else 20.0
        image = page_scenes.render(
            rng, taken, canvas.layers, self._textures, grain=grain, side=side, digit_height=smallest
        )
        if len(labels):
            unreadable = labels[:, 3:5].max(axis=1) < SMALLEST / taken.resolution
            hidden = page_scenes.visibility(taken, labels, side) < VISIBLE
            ink = Drawn(canvas.layers, grain, side, smallest).handwriting()
            unseen = np.array([not is_seen(image, ink, label) for label in labels])
            labels[hidden | unreadable | unseen, 0] = -1
        return Page(image, labels, taken.kind, layout or "")

    def page_of(self, sort: Sort, number: int) -> Page:
        """Return one page of a sort; the same page for the same number and seed, but for the backdrops' order."""
        rng = np.random.default_rng((self.seed, 3, number))
        scene = str(rng.choice(sort.scenes)) if sort.scenes else None
        layout = str(rng.choice(sort.layouts)) if sort.layouts and scene != "small" else None
        return self.page(number, int(rng.choice(sort.sides)), scene, layout, sort.digits)


def is_seen(image: Bytes, ink: Bytes | None, label: Floats) -> bool:
    """Return whether a digit stands out from what lies around it.

    Args:
        image: uint8 (side, side, 3), RGB.
        ink: uint8 (side, side), how much handwriting covers it, 0 to 255; None for nowhere.
        label: float32 (6,), as in `Page.labels`.
    """
    reach = 0.62 * float(label[3:5].max()) + 2
    left, top = np.maximum(label[1:3] - reach, 0).astype(int)
    right, bottom = (label[1:3] + reach).astype(int)
    if ink is None or not (cover := ink[top:bottom, left:right]).size:
        return False
    pixels = image[top:bottom, left:right].astype(np.float32)
    most = float(np.quantile(cover, 0.97))
    stroke, paper = pixels[cover >= max(0.7 * most, 1.0)], pixels[cover <= 15]
    if min(len(stroke), len(paper)) < 3:
        return False
    difference = stroke.mean(axis=0) - paper.mean(axis=0)
    contrast = float(np.linalg.norm(difference))
    spread = sum(float((part @ difference).std()) for part in (stroke, paper)) / max(contrast, 1e-6)
    return contrast >= LEAST_CONTRAST and contrast >= LEAST_SEPARATION * (spread + 1.0)


def corners(labels: Floats) -> Floats:
    """Return the corners (N, 4, 2) of labels (N, 6), from the digit's own top left, clockwise."""
    cos, sin = np.cos(labels[:, 5]), np.sin(labels[:, 5])
    across = np.stack([cos, sin], axis=1) * labels[:, 3:4] / 2
    down = np.stack([-sin, cos], axis=1) * labels[:, 4:5] / 2
    middle = labels[:, 1:3]
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return np.stack([middle + a * across + b * down for a, b in signs], axis=1)


def annotated(page: Page) -> Bytes:
    """Return the picture of a page with its labels drawn in: green digits, grey what is ignored."""
    picture = page.image.copy()
    for label, box in zip(page.labels, corners(page.labels), strict=True):
        colour = (0, 170, 0) if label[0] >= 0 else (128, 128, 128)
        cv2.polylines(picture, [np.rint(box).astype(np.int32)], True, colour, 1, cv2.LINE_AA)
        if label[0] >= 0:
            place = (int(box[:, 0].min()), int(box[:, 1].min()) - 2)
            cv2.putText(picture, str(int(label[0])), place, cv2.FONT_HERSHEY_PLAIN, 0.8, colour, 1, cv2.LINE_AA)
    return picture


def contact_sheet(pages: list[Page], columns: int = 4) -> Bytes:
    """Return pages side by side, labels drawn in."""
    tiles = [annotated(page) for page in pages]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


def _main() -> None:
    count, file = int(sys.argv[1]), Path(sys.argv[2])
    maker = PageMaker(Characters.load("validation", settings.strokes_folder()), seed=7)
    sheet = contact_sheet([maker.page(number) for number in range(count)], max(1, round(math.sqrt(count))))
    cv2.imwrite(str(file), sheet[..., ::-1])


if __name__ == "__main__":
    _main()
