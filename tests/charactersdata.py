"""A few characters made here, to test pages with: no UNIPEN, and no font where none is installed."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import strokedata
from PIL import ImageFont

from digitrec.datasets import fonts, page_textures
from digitrec.datasets.characters import Characters, thinned


def characters(print_fonts: list[Path] | None = None, hand_fonts: list[Path] | None = None) -> Characters:
    """Return the shapes of `strokedata` and, of MNIST, ones made of a bar; digits all look like a seven or these."""
    strokes = {
        kind: {label: [thinned(tuple(np.array(stroke, np.float32) for stroke in shape))] for label, shape in shapes}
        for kind, shapes in strokedata.SHAPES.items()
    }
    for digit in "2345689":
        strokes["digit"][digit] = strokes["digit"]["7"]
    bar = np.pad(np.full((18, 6), 255, np.uint8), 1)
    return Characters("training", strokes, [[bar] for _ in range(10)], print_fonts or [], hand_fonts or [])


def few_textures(patch: pytest.MonkeyPatch) -> None:
    """Have pages be made of a few small textures: those of a training take two seconds."""
    patch.setattr(page_textures, "POOL", 3)
    patch.setattr(page_textures, "BACKDROP_SIDE", 300)
    patch.setattr(page_textures, "FIELD_SIDE", 300)


def a_font() -> list[Path]:
    """Return one installed font with letters and digits, or nothing."""
    return [path for path in fonts.installed() if fonts.family_of(path) is not None][:1]


def pillow_font(folder: Path) -> Path:
    """Write the font that Pillow brings into a folder and return its file: it is there on every machine."""
    file = folder / "pillow.ttf"
    font = ImageFont.load_default(20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    assert isinstance(font.path, BytesIO)
    file.write_bytes(font.path.getvalue())
    return file
