"""Files as pictures: JPEG, PNG and other formats decoded, checked against the limits, and reduced."""

import contextlib
import io
import threading
import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from digitrec import settings
from digitrec.errors import PictureError
from digitrec.imaging import damage, frames

Floats = NDArray[np.float32]


WORKING_SIDE = 1200
"""Larger pictures are reduced by a whole factor to about this longest side, in pixels, before they are read."""

SMALLEST = 5
"""Pictures whose longer side has fewer pixels hold no digit that could be read."""

FORMATS = (*(name.upper() for name in settings.PICTURE_FORMATS if name != "HEIC"), "DIB")
"""What Pillow may open by itself, by its own names: it knows sixty more formats, one of which runs another program.

DIB is a BMP without its first header.
"""

BAND = 4_000_000  # pixels of 16 bits or more that are scaled at a time

_decoding = threading.Lock()


class Opened(NamedTuple):
    """A picture that was decoded.

    Attributes:
        image: RGB, or RGBA where the file has transparency, 8 bit, upright as a viewer shows it.
        note: A sentence on what of the file was read where that is not all of it, else None.
    """

    image: Image.Image
    note: str | None = None


def opened(data: bytes) -> Opened:
    """Decode a picture file.

    Of an animation the first frame that is not blank is decoded, of a damaged PNG or JPEG what is there, if that is
    nearly all of it.

    One picture is decoded at a time: the warnings filter that keeps Pillow quiet belongs to the whole process,
    and a few large photos decoded at once would not fit a small server.

    Args:
        data: The file's bytes, in one of `settings.PICTURE_FORMATS`.

    Raises:
        PictureError: If the bytes are empty, too many, no picture, cut short, or too many pixels.
    """
    if not data:
        raise PictureError("The file is empty. Choose a picture file. Received: 0 bytes.")
    check_size(data)
    with _decoding, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _decode(data)


def check_size(data: bytes) -> None:
    """Refuse a file of too many bytes.

    Raises:
        PictureError: With the limit and the size.
    """
    limit, size = settings.limit("megabytes"), len(data) / 2**20
    if size > limit:
        raise PictureError(f"The file is too large. Choose one of at most {limit} MB. Received: {size:.1f} MB.")


def _decode(data: bytes) -> Opened:
    """Return the picture in `data`, upright, as RGB or RGBA."""
    try:
        with _recognized(data) as image:
            _check_pixels(image)
            if frames.count(image) > 1:
                frame, note = frames.first_written(image)
                return Opened(_upright(frame), note)
            image.load()
            return Opened(_upright(image))
    except Image.DecompressionBombError as error:
        raise _too_many_pixels("far more") from error
    except UnidentifiedImageError as error:
        raise PictureError(
            f"This is not a picture that can be read. Choose {settings.FORMAT_WORDS}. "
            f"Received: {len(data):,} bytes in another format."
        ) from error
    except MemoryError as error:
        raise _too_many_pixels("more than fits in memory") from error
    except damage.ERRORS as error:
        with contextlib.suppress(*damage.ERRORS):
            if rescued := damage.rescued(data):
                return Opened(_upright(rescued[0]), rescued[1])
        raise PictureError(
            "The picture is damaged or cut short. Save or send it again. "
            f"Received: {len(data):,} bytes, incomplete or damaged."
        ) from error


def _check_pixels(image: Image.Image) -> None:
    """Refuse a picture of too many pixels, or too few, before it is decoded.

    Raises:
        PictureError: With the limit and the size.
    """
    width, height = image.size
    if width * height > settings.limit("megapixels") * 1_000_000:
        raise _too_many_pixels(f"{width} x {height}")
    if max(width, height) < SMALLEST:
        raise PictureError(f"The picture is too small to hold a digit. Received: {width} x {height} pixels.")


def _upright(image: Image.Image) -> Image.Image:
    with contextlib.suppress(*damage.ERRORS):  # damaged EXIF: the picture stays as it lies
        ImageOps.exif_transpose(image, in_place=True)
    return plain_mode(image)


def _recognized(data: bytes) -> ImageFile.ImageFile:
    """Open `data` without decoding its pixels; HEIC support is loaded for HEIC files only, it is slow to import."""
    if data[4:8] == b"ftyp":
        import pillow_heif

        pillow_heif.register_heif_opener()
        return Image.open(io.BytesIO(data), formats=["HEIF"])
    return Image.open(io.BytesIO(data), formats=FORMATS)


def _too_many_pixels(received: str) -> PictureError:
    limit = settings.limit("megapixels")
    return PictureError(f"The picture is too large. Use one of at most {limit} million pixels. Received: {received}.")


def plain_mode(image: Image.Image) -> Image.Image:
    """Return `image` as 8-bit RGB, or RGBA where it has transparency."""
    if image.mode.startswith(("I", "F")):
        return _eight_bit(image).convert("RGB")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit, 32-bit or float grey to 8 bit, a band of rows at a time, for floats take much room.

    The scale is 16 bit where the mode says so or the values ask for it, 8 bit where they fit into 8 bit, and
    the picture's own range otherwise.
    """
    rows = max(1, BAND // image.width)
    tops = range(0, image.height, rows)
    ranges = [_extremes(_band(image, top, rows)) for top in tops]
    low, high = min(0.0, *(low for low, _ in ranges)), max(0.0, *(high for _, high in ranges))
    if low >= 0.0 and image.mode.startswith("I") and (image.mode != "I" or 255.0 < high <= 65535.0):
        top_value = 65535.0
    elif low >= 0.0 and 1.0 < high <= 255.0:
        top_value = 255.0
    else:
        top_value = high - low or 1.0
    floor = low * (top_value == high - low)
    grey = np.empty((image.height, image.width), np.uint8)
    for top in tops:
        scaled = (_band(image, top, rows) - floor) * (255.0 / top_value)
        grey[top : top + rows] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return Image.fromarray(grey)


def _band(image: Image.Image, top: int, rows: int) -> Floats:
    """Return some rows as floats; what is no number is 0."""
    band = image.crop((0, top, image.width, min(image.height, top + rows)))
    return np.nan_to_num(np.asarray(band, dtype=np.float32), posinf=0.0, neginf=0.0)


def _extremes(values: Floats) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def reduced(image: Image.Image) -> Image.Image:
    """Return `image` reduced by a whole factor to a longest side of about `WORKING_SIDE`, or as it is if small."""
    factor = max(1, round(max(image.size) / WORKING_SIDE))
    return image.reduce(factor) if factor > 1 else image


def within(image: Image.Image, side: int) -> Image.Image:
    """Return `image` with its longest side at most `side` pixels, averaged down; as it is if it is smaller."""
    scale = side / max(image.size)
    if scale >= 1.0:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BOX)
