"""Ink, glyphs and photos as pictures to show; ink is black on white, each pixel a crisp square."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

FOR, AGAINST = (230, 97, 0), (0, 90, 181)  # orange and blue, which every kind of colour vision tells apart


def tones(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
    """Return ink (height, width), 0 paper .. 1 ink, as grey levels, 255 paper .. 0 ink."""
    paper = 1 - np.clip(values, 0, 1)
    levels: npt.NDArray[np.uint8] = np.rint(255 * paper).astype(np.uint8)
    return levels


def jpeg_uri(image: Image.Image, quality: int) -> str:
    """Return a picture, on white where it is transparent, as a JPEG data URI of this quality, 1 to 95."""
    layers = image.convert("RGBA")
    opaque = Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("RGB")
    buffer = io.BytesIO()
    opaque.save(buffer, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def picture(values: npt.NDArray[np.floating[Any]], side: int = 140) -> npt.NDArray[np.uint8]:
    """Return ink as a crisp black on white picture, for `st.image`.

    Args:
        values: (height, width), 0 paper .. 1 ink.
        side: Pixels that the shorter side is enlarged to, by a whole factor, as near as it gets; never made smaller.

    Returns:
        uint8 (height * factor, width * factor), 255 paper .. 0 ink.
    """
    levels = tones(values)
    factor = max(1, round(side / min(levels.shape)))
    crisp: npt.NDArray[np.uint8] = levels.repeat(factor, axis=0).repeat(factor, axis=1)
    return crisp


def signed(values: npt.NDArray[np.floating[Any]], most: float) -> npt.NDArray[np.uint8]:
    """Return numbers as colours: 0 is white, `most` full orange, `-most` full blue; uint8, with a last axis of 3."""
    share = np.clip(np.asarray(values, np.float32) / (most or 1.0), -1, 1)[..., None]
    full = np.where(share > 0, np.array(FOR, np.float32), np.array(AGAINST, np.float32))
    colours: npt.NDArray[np.uint8] = (255 + np.abs(share) * (full - 255)).round().astype(np.uint8)
    return colours


def png_uri(values: npt.NDArray[np.uint8]) -> str:
    """Return a picture, grey (H, W), RGB or RGBA, as a PNG data URI."""
    to_opencv = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    channels = values if values.ndim == 2 else cv2.cvtColor(values, to_opencv[values.shape[2]])
    _, encoded = cv2.imencode(
        ".png", channels, [cv2.IMWRITE_PNG_COMPRESSION, 1]
    )  # small ones five times as fast as PIL
    return "data:image/png;base64," + base64.b64encode(encoded.tobytes()).decode()


def montage(
    glyphs: npt.NDArray[np.floating[Any]], captions: Sequence[str] = (), columns: int = 8, side: int = 84
) -> npt.NDArray[np.uint8]:
    """Return many glyphs as one picture, a white card each, row by row; see `tiles`."""
    return tiles(tones(glyphs), captions, columns, side)


def tiles(
    glyphs: npt.NDArray[np.uint8], captions: Sequence[str] = (), columns: int = 8, side: int = 84
) -> npt.NDArray[np.uint8]:
    """Return many small pictures as one, a white card each, row by row.

    Args:
        glyphs: Grey levels (N, height, width) or colours (N, height, width, 3), N at least 1.
        captions: A few plain letters below each; none leaves the captions out.
        columns: Cards a row.
        side: Pixels of a glyph's side.

    Returns:
        uint8 (rows, columns of pixels, 4): RGBA, transparent between the cards.

    Raises:
        ValueError: If there are captions, but not one a glyph.
    """
    if captions and len(captions) != len(glyphs):
        raise ValueError(f"There must be one caption a glyph. Received: {len(captions)} for {len(glyphs)}")
    columns = min(columns, len(glyphs))
    gap, below = 4, 20 if captions else 0
    step_x, step_y = side + gap, side + below + gap
    canvas = Image.new("RGBA", (columns * step_x - gap, -(-len(glyphs) // columns) * step_y - gap))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(13)
    for number, glyph in enumerate(glyphs):
        left, top = number % columns * step_x, number // columns * step_y
        draw.rectangle((left, top, left + side - 1, top + side + below - 1), fill="white")
        tile = Image.fromarray(glyph).resize((side, side), Image.Resampling.NEAREST)
        canvas.paste(tile, (left, top))
        if captions:
            draw.text((left + side / 2, top + side + below / 2), captions[number], "black", font, anchor="mm")
    return np.asarray(canvas)
