"""Small valid pictures of a 7 and a 1, as files of each format that Upload takes."""

import io
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw


@cache
def paper() -> Image.Image:
    """Return a picture of a 7 and a 1."""
    image = Image.new("L", (72, 48), 235)
    ImageDraw.Draw(image).line([(8, 8), (30, 8), (18, 40)], 20, 4)
    ImageDraw.Draw(image).line([(52, 8), (50, 40)], 20, 4)
    return image


def saved(kind: str, *modes: str, **options: Any) -> list[bytes]:
    made = []
    for mode in modes:
        stream = io.BytesIO()
        paper().convert(mode).save(stream, kind, **options)
        made.append(stream.getvalue())
    return made


def frames(kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    frames = [paper().rotate(90 * turn).convert("RGB") for turn in range(3)]
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:], duration=40, **options)
    return stream.getvalue()


def turned() -> bytes:
    """Return EXIF that says that a picture is to be turned."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "notes"
    return exif.tobytes()


def png() -> list[bytes]:
    deep = io.BytesIO()
    Image.fromarray(np.asarray(paper()).astype(np.uint16) * 257).save(deep, "PNG")
    icc = saved("PNG", "RGB", icc_profile=bytes(range(200)), exif=turned())
    return [*saved("PNG", "L", "RGB", "RGBA", "1", "P", "LA"), deep.getvalue(), *icc, frames("PNG"), interlaced()]


def jpeg() -> list[bytes]:
    return [*saved("JPEG", "L", "RGB", "CMYK"), *saved("JPEG", "RGB", progressive=True, exif=turned())]


def webp() -> list[bytes]:
    return [*saved("WEBP", "RGB", exif=turned()), *saved("WEBP", "RGBA", lossless=True), frames("WEBP")]


def tiff() -> list[bytes]:
    plain = saved("TIFF", "L", "RGBA", "I;16", "F", "CMYK")
    packed = [file for kind in ("tiff_lzw", "tiff_deflate", "jpeg") for file in saved("TIFF", "RGB", compression=kind)]
    pages = [frames("TIFF"), frames("TIFF", big_tiff=True)]
    return [*plain, *packed, *saved("TIFF", "1", compression="group4"), *pages]


def interlaced() -> bytes:
    """Return a PNG whose pixels come in seven passes (Adam7), which Pillow reads and does not write."""
    pixels = np.asarray(paper())
    passes = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))
    rows = (row for top, down, left, across in passes for row in pixels[top::down, left::across])
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    head = struct.pack(">IIBBBBB", *paper().size, 8, 0, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def heic() -> list[bytes]:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return [*saved("HEIF", "RGB", "RGBA"), *saved("HEIF", "L", exif=turned())]


def pdf() -> list[bytes]:
    drawn = b"4 w 10 60 m 40 60 l 22 10 l S BT /F 40 Tf 60 20 Td (27) Tj ET"
    written = document(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R 3 0 R]/Count 2>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 120 80]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    return [*saved("PDF", "L", "RGB"), frames("PDF"), written, form("71")]


def form(typed: str) -> bytes:
    """Return a PDF with one form field, which holds what was typed but says nothing of how that looks."""
    return document(
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]/DA(/F 0 Tf 0 g)/DR<</Font<</F 5 0 R>>>>>>>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 100]/Annots[4 0 R]>>",
        b"<</Type/Annot/Subtype/Widget/FT/Tx/T(number)/V(%s)/F 4/Rect[20 30 280 70]/DA(/F 28 Tf 0 g)/P 3 0 R>>"
        % typed.encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )


def document(*objects: bytes) -> bytes:
    """Return a PDF of these objects, the first its catalogue, without the table that says where they are."""
    made = b"%PDF-1.4\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % each for each in enumerate(objects, 1))
    return made + b"trailer<</Size %d/Root 1 0 R>>\n%%%%EOF" % (len(objects) + 1)
