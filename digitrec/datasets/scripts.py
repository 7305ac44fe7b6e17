"""Writing in other scripts: which installed fonts have it, and lines of it as print and as if written by hand."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from digitrec.datasets import fonts, unipen

Bytes = NDArray[np.uint8]

HEIGHT = 48
"""Pixels of a line's font."""

_BLOCKS = {
    "Arabic": "0628-063a 0641-064a 0662-0664 0667-0668",
    "Devanagari": "0905-0914 0915-0939 0967 096a-096b 096d-096f",
    "Bengali": "0985-0990 0993-09a8 09aa-09b0 09e7 09e9-09ec 09ef",
    "Tamil": "0b85-0b8a 0b95 0b99-0b9a 0ba3-0ba4 0ba8-0baa 0bae-0bb9",
    "Thai": "0e01-0e2e 0e52-0e54 0e56-0e59",
    "Hebrew": "05d0-05d4 05d6-05de 05e0 05e2-05ea",
    "Georgian": "10d0-10f0",
    "Armenian": "0531-0554 0561-0584",
    "Gujarati": "0a85-0a8b 0a95-0aa8 0aaa-0ab0",
    "Telugu": "0c05-0c0c 0c15-0c28 0c2a-0c39",
    "Ethiopic": "1200-1240 1260-1290",
    "MicroHei": "4e03-4e27 5200-5300 6700-6800 3042-3062 30a2-30c4",
    "DejaVuSans": "0411 0414-0419 041b 0426-042f 0434-043d 0444-044f 0391-0398 03a0-03a9 03b1-03b5 03ba-03c9",
}
"""By a part of a font's name: characters that nobody takes for a Latin digit, as ranges of code points."""


_LIKE_DIGITS = frozenset("БЗзЧчЬьЪъЭэыΖΘθιεםזרד٧٨")
"""Of these, characters that alone, without the word around them, somebody may take for a Latin digit."""


@dataclass(frozen=True)
class Script:
    """A font with the characters of another script.

    Attributes:
        file: Of the font.
        characters: What may be written with it.
    """

    file: Path
    characters: str


@lru_cache(maxsize=2)
def of_part(part: str) -> tuple[Script, ...]:
    """Return the scripts of `training` or `validation`; empty where no such font is installed."""
    found = []
    for file in fonts.installed():
        block = next((block for name, block in _BLOCKS.items() if name in file.stem), None)
        if block is None:
            continue
        ranges = [tuple(int(end, 16) for end in item.split("-")) for item in block.split()]
        wanted = [chr(code) for ends in ranges for code in range(ends[0], ends[-1] + 1)]
        font = ImageFont.truetype(str(file), 16)
        if fonts.part_of_family(font.getname()[0] or file.stem) != part:
            continue
        missing = bytes(font.getmask("\uffff"))
        there = "".join(char for char in wanted if bytes(font.getmask(char)) not in (missing, b""))
        if len(there) > 10:
            found.append(Script(file, there))
    return tuple(found)


def line(rng: np.random.Generator, script: Script, words: int) -> Bytes:
    """Return a line of made-up words: uint8 (h, w), coverage 0 to 255, about twice as high as its letters."""
    letters = script.characters
    text = " ".join(
        "".join(letters[i] for i in rng.integers(0, len(letters), int(rng.integers(1, 7)))) for _ in range(words)
    )
    font = _font(script.file)
    picture = Image.new("L", (int(font.getlength(text)) + HEIGHT, 2 * HEIGHT))
    ImageDraw.Draw(picture).text((HEIGHT // 2, int(1.4 * HEIGHT)), text, 255, font, "ls")
    return np.asarray(picture)


def character(rng: np.random.Generator, part: str) -> Bytes:
    """Return one character as if somebody had written it, black on white: uint8 (H, H, 4).

    Args:
        rng: Source of chance.
        part: `training` or `validation`, of which fonts with other scripts must be installed, see `of_part`.
    """
    found = of_part(part)
    script = found[int(rng.integers(len(found)))]
    alone = [char for char in script.characters if char not in _LIKE_DIGITS]
    text = alone[int(rng.integers(len(alone)))]
    picture = Image.new("L", (3 * HEIGHT, 3 * HEIGHT))
    ImageDraw.Draw(picture).text((1.5 * HEIGHT, 1.5 * HEIGHT), text, 255, _font(script.file), "mm")
    return unipen.on_white(by_hand(rng, np.asarray(picture)))


@lru_cache(maxsize=200)
def _font(file: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file), HEIGHT)


def by_hand(rng: np.random.Generator, picture: Bytes) -> Bytes:
    """Return a printed line (h, w) as if somebody had written it: uneven, slanted, with another pen; the same shape."""
    height, width = picture.shape
    coarse = rng.normal(0.0, 1.0, (2, 5, max(3, width // 24))).astype(np.float32)
    x, y = (cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC) for field in coarse)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    strength = float(rng.uniform(1.0, 3.5))
    columns += strength * x + float(rng.normal(0.0, 0.15)) * (rows - height / 2)
    moved = cv2.remap(picture, columns, rows + strength * y, cv2.INTER_LINEAR, borderValue=0)
    if rng.random() < 0.4:
        change = cv2.erode if rng.random() < 0.5 else cv2.dilate
        moved = change(moved, np.ones((2, 2), np.uint8))
    return np.asarray(moved, np.uint8)
