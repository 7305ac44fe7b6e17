"""Picture -> ink: how much of each pixel is pen, 0 on paper and 1 in the core of a stroke.

Ink is what differs from the paper, in whatever colour and whichever of the two is the lighter. A drawing has
one paper colour: the commonest. In a photo the paper changes from place to place, so its colour is estimated
around each pixel and the noise of the paper decides what is too faint to be ink.
"""

import io
import struct
import threading
import warnings

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from digitrec import paper as papers
from digitrec import settings
from digitrec.clutter import grown, joined, upper_quartile, without_lines
from digitrec.errors import PictureError
from digitrec.paper import Paper

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

WORKING_SIDE = 1200
"""Larger pictures are reduced by a whole factor to about this longest side, in pixels, before they are read."""

FADED = 0.4
"""Core of the faintest strokes that are followed to their ends, as a share of the core of all."""

MOST_DOTTED = 1.06
"""Ink with dotted strokes followed, at most, as a share of the ink without."""

NEARBY = 0.015
"""Standard deviation of the blur that tells how dark the strokes around a pixel are; a share of the longer side."""

SMALLEST = 5
"""Pictures whose longer side has fewer pixels hold no digit that could be read."""

FORMATS = (*(name.upper() for name in settings.PICTURE_FORMATS if name != "HEIC"), "DIB")
"""What Pillow may open by itself, by its own names: it knows sixty more formats, one of which runs another program.

DIB is a BMP without its first header.
"""

BAND = 4_000_000  # pixels of 16 bits or more that are scaled at a time

# Pillow refuses twice as many, also where the canvas decodes a drawing.
Image.MAX_IMAGE_PIXELS = settings.LIMITS["megapixels"].high * 1_000_000 // 2

_decoding = threading.Lock()


def open_picture(data: bytes) -> Image.Image:
    """Decode a picture file.

    One picture is decoded at a time: the warnings filter that keeps Pillow quiet belongs to the whole process,
    and a few large photos decoded at once would not fit a small server.

    Args:
        data: The file's bytes, in one of `settings.PICTURE_FORMATS`.

    Returns:
        RGB, or RGBA where the file has transparency, 8 bit, upright as a viewer shows it; the first frame of
        an animation.

    Raises:
        PictureError: If the bytes are empty, too many, no picture, cut short, or too many pixels.
    """
    if not data:
        raise PictureError("The file is empty. Choose a picture file; received 0 bytes.")
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
        raise PictureError(f"The file is too large. Choose one of at most {limit} MB; received {size:.1f} MB.")


def _decode(data: bytes) -> Image.Image:
    """Return the first frame of `data`, upright, as RGB or RGBA."""
    try:
        with _opened(data) as image:
            width, height = image.size
            if width * height > settings.limit("megapixels") * 1_000_000:
                raise _too_many_pixels(f"received {width} x {height}")
            if max(width, height) < SMALLEST:
                raise PictureError(f"The picture is too small to hold a digit. Received: {width} x {height} pixels.")
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return _plain(image)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels("received far more") from error
    except UnidentifiedImageError as error:
        raise PictureError(
            f"This is not a picture that can be read. Choose {settings.FORMAT_WORDS}; "
            f"received {len(data):,} bytes of something else."
        ) from error
    except MemoryError as error:
        raise _too_many_pixels("received more than there is memory for") from error
    except (OSError, ValueError, TypeError, SyntaxError, LookupError, EOFError, RuntimeError, struct.error) as error:
        raise PictureError(
            "The picture is damaged or cut short. Save or send it again; "
            f"received {len(data):,} bytes that end or break in the middle of the picture."
        ) from error


def _opened(data: bytes) -> Image.Image:
    """Open `data` without decoding its pixels; HEIC support is loaded for HEIC files only, it is slow to import."""
    if data[4:8] == b"ftyp":
        import pillow_heif

        pillow_heif.register_heif_opener()
        return Image.open(io.BytesIO(data), formats=["HEIF"])
    return Image.open(io.BytesIO(data), formats=FORMATS)


def _too_many_pixels(received: str) -> PictureError:
    limit = settings.limit("megapixels")
    return PictureError(f"The picture is too large. Use one of at most {limit} million pixels; {received}.")


def _plain(image: Image.Image) -> Image.Image:
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


def rotated(image: Image.Image, angle: float) -> Image.Image:
    """Return `image` rotated counter-clockwise by degrees, as large as it needs to be, corners in its median colour."""
    quarters, rest = divmod(angle % 360.0, 90.0)
    if rest == 0.0:
        turns = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
        return image.transpose(turns[int(quarters)]) if quarters else image
    some = np.asarray(image.resize((32, 32), Image.Resampling.BOX)).reshape(-1, len(image.getbands()))
    fill = tuple(int(value) for value in np.median(some, axis=0))
    matrix, size = rotation(image.size, angle)
    matrix[:, 2] += 0.5 * (matrix[:, :2].sum(axis=1) - 1.0)  # OpenCV's pixels have integer middles
    done = cv2.warpAffine(
        np.asarray(image), matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=fill
    )
    return Image.fromarray(done)


def rotation(size: tuple[int, int], angle: float) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Return the affine map (2, 3) of a rotation, and the rotated picture's width and height.

    Args:
        size: Width and height.
        angle: Degrees counter-clockwise, as seen.
    """
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    if angle % 90.0 == 0.0:
        cos, sin = np.rint(cos), np.rint(sin)
    width, height = size
    extent = (abs(width * cos) + abs(height * sin), abs(width * sin) + abs(height * cos))
    new = (max(1, int(np.ceil(extent[0] - 1e-6))), max(1, int(np.ceil(extent[1] - 1e-6))))
    turn = np.array([[cos, sin], [-sin, cos]])
    move = np.array(new) / 2 - turn @ (np.array(size) / 2)
    return np.column_stack([turn, move]), new


def on_paper(image: Image.Image) -> Bytes:
    """Return a picture as RGB, uint8 (H, W, 3); what is transparent is white, or black under light strokes."""
    if image.mode != "RGBA":
        return np.asarray(image.convert("RGB"))
    pixels = np.asarray(image)
    colours, cover = _flattened(pixels)
    if cover is None:
        return colours
    light = (colours.mean(axis=2) * cover).sum() > 128.0 * cover.sum()
    ground = 0.0 if light else 255.0
    mixed = colours * cover[..., None] + ground * (1.0 - cover[..., None])
    return np.rint(mixed).astype(np.uint8)


def from_picture(image: Image.Image) -> Floats:
    """Return the ink of a picture.

    Args:
        image: Any mode; drawn or photographed, dark on light or light on dark, opaque or transparent.

    Returns:
        float32 (H, W), 0 paper, 1 the core of a stroke; exactly 0 on paper. A blank picture is all zeros.
    """
    plain = image if image.mode in ("RGB", "RGBA") else _plain(image)
    return from_canvas(np.asarray(plain))


def from_canvas(pixels: Bytes) -> Floats:
    """Return the ink of a drawing on a canvas: the very same way as a picture's, so that both give one glyph.

    Args:
        pixels: uint8 (H, W, 4) or (H, W, 3), strokes on an even or a transparent ground.

    Returns:
        float32 (H, W), 0 paper, 1 the core of a stroke. An empty canvas is all zeros.
    """
    colours, cover = _flattened(pixels)
    if cover is not None:
        return _inked(Paper(cover * 255.0, 0.0, papers.FAINTEST_DRAWN))
    return _inked(papers.flat(colours) or papers.uneven(colours))


def _flattened(pixels: Bytes) -> tuple[Bytes, Floats | None]:
    """Return RGB (H, W, 3), and the ink's cover (H, W) of 0 to 1 where ink lies on a transparent ground.

    Where the opaque part is more than strokes (a drawing with its paper on a transparent margin), the margin
    is given the paper's colour.
    """
    if pixels.shape[2] == 3:
        return np.ascontiguousarray(pixels), None
    colours = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), dtype=np.uint8)
    alpha = pixels[..., 3]
    if alpha.min() == alpha.max():
        return colours, None
    opaque = alpha >= 128
    if opaque.mean() <= 0.45:
        return colours, alpha.astype(np.float32) / 255.0
    paper = papers.commonest(colours[opaque][:, None])
    share = alpha[..., None].astype(np.float32) / 255.0
    return np.rint(colours * share + paper * (1.0 - share)).astype(np.uint8), None


def _inked(paper: Paper) -> Floats:
    """Return ink (H, W), 0 to 1, from distances: strong ink, what joins it, and nothing else."""
    distance = paper.distance
    nothing = np.zeros(distance.shape, np.float32)
    candidates = distance[distance > max(paper.faintest, 4.0 * paper.noise)]
    if not candidates.size:
        return nothing
    core = _core(candidates)
    if core < 6.0 * paper.noise:
        return nothing
    high = max(0.4 * core, 4.0 * paper.noise, min(paper.faintest, 0.8 * core))
    strong = distance > high
    kept = _followed(distance, _lowest(core, paper), strong, paper.noise)
    near = _core_nearby(distance, kept, core)
    low = _lowest(near, paper)
    kept = _followed(distance, low, strong, paper.noise)
    soft = grown(kept)
    left, top, width, height = cv2.boundingRect(soft.view(np.uint8))
    box = np.s_[top : top + height, left : left + width]
    ink, dark = nothing, nothing.copy()
    for made, full in ((ink, near[box]), (dark, np.float32(core))):
        made[box] = np.where(soft[box], _ramp(distance[box], low[box], full), np.float32(0.0))
    return without_lines(ink, dark)


def _followed(distance: Floats, low: Floats, strong: Mask, noise: float) -> Mask:
    """Return the pixels (H, W) above `low` that join strong ones, also over small gaps where few of all do so.

    A ball that presses little on rough paper leaves dots. Where they would be much of the ink, they are faint rules.
    """
    weak = distance > low
    joining = joined(weak, strong, specks=noise == 0.0)
    if noise == 0.0:
        return joining
    clear = (weak & (distance > 4.0 * noise)).astype(np.uint8)
    dotted = cv2.morphologyEx(clear, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0
    followed = weak & joined(weak | dotted, strong, specks=False)
    return followed if followed.sum() < MOST_DOTTED * joining.sum() else joining


def _core(distances: Floats) -> float:
    """Return the distance of a stroke's core, from what is on the ink's side of Otsu's threshold."""
    strong = distances[distances >= papers.split(distances.reshape(1, -1))]
    return upper_quartile(strong)


def _lowest(core: Floats | float, paper: Paper) -> Floats:
    """Return the distance from which a pixel that joins strong ink of this core is ink."""
    low = np.maximum(np.maximum(0.2 * core, 2.5 * paper.noise), np.minimum(paper.faintest, 0.5 * core))
    return np.asarray(low, dtype=np.float32)


def _ramp(distance: Floats, low: Floats, core: Floats | np.float32) -> Floats:
    """Return how much of each pixel is ink, 0 to 1: all of it from the core on."""
    return np.clip((distance - 0.5 * low) / np.maximum(core - 0.5 * low, np.float32(1e-3)), 0.0, 1.0)


def _core_nearby(distance: Floats, kept: Mask, core: float) -> Floats:
    """Return the core (H, W) of the strokes around each pixel: where a pen presses less, all of its stroke is fainter.

    Args:
        distance: (H, W), from the paper.
        kept: (H, W), what is ink.
        core: The core of all strokes, of which the one nearby is at least FADED.
    """
    height, width = distance.shape
    own = np.where(kept, distance, np.float32(0.0))
    size = (max(1, width // 8), max(1, height // 8))
    first, second = (
        cv2.GaussianBlur(cv2.resize(values, size, interpolation=cv2.INTER_AREA), (0, 0), max(size) * NEARBY)
        for values in (own, own * own)
    )
    near = np.clip(1.15 * second / np.maximum(first, 1e-3), FADED * core, core)
    near = np.where(first > 0.0, near, np.float32(core)).astype(np.float32)
    return np.asarray(cv2.resize(near, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
