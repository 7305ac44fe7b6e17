"""Small valid pictures of a 7 and a 1, as files of each format that Upload takes."""

import io
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
    return [*saved("PNG", "L", "RGB", "RGBA", "1", "P", "LA"), deep.getvalue(), *icc, frames("PNG")]


def jpeg() -> list[bytes]:
    return [*saved("JPEG", "L", "RGB", "CMYK"), *saved("JPEG", "RGB", progressive=True, exif=turned())]


def webp() -> list[bytes]:
    return [*saved("WEBP", "RGB", exif=turned()), *saved("WEBP", "RGBA", lossless=True), frames("WEBP")]


def tiff() -> list[bytes]:
    plain = saved("TIFF", "L", "RGBA", "I;16", "F", "CMYK")
    packed = [file for kind in ("tiff_lzw", "tiff_deflate", "jpeg") for file in saved("TIFF", "RGB", compression=kind)]
    return [*plain, *packed, *saved("TIFF", "1", compression="group4"), frames("TIFF")]


def heic() -> list[bytes]:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return [*saved("HEIF", "RGB", "RGBA"), *saved("HEIF", "L", exif=turned())]


def pdf() -> list[bytes]:
    drawn = b"4 w 10 60 m 40 60 l 22 10 l S BT /F 40 Tf 60 20 Td (27) Tj ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R 3 0 R]/Count 2>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 120 80]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    made = b"%PDF-1.4\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % each for each in enumerate(objects, 1))
    return [*saved("PDF", "L", "RGB"), frames("PDF"), made + b"trailer<</Size 6/Root 1 0 R>>\n%%EOF"]
