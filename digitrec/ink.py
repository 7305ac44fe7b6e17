"""Picture -> ink: how much of each pixel is pen, 0 on paper and 1 in the core of a stroke.

Ink is what differs from the paper, in whatever colour and whichever of the two is the lighter. A drawing has
one paper colour: the commonest. In a photo the paper changes from place to place, so its colour is estimated
around each pixel and the noise of the paper decides what is too faint to be ink.
"""

import io
import struct
import threading
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from digitrec import settings
from digitrec.clutter import grown, joined, upper_quartile, without_lines, without_surroundings
from digitrec.desk import without_desk
from digitrec.errors import PictureError

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

WORKING_SIDE = 1200
"""Larger pictures are reduced by a whole factor to about this longest side, in pixels, before they are read."""

PAPER_SIDE = 160
"""Longest side at which the paper of a photo is estimated: paper has no detail worth more."""

SMOOTH = 0.05
"""Standard deviation of the blur that carries paper on under the ink, as a share of the picture's longer side."""

SAME = 2.0
"""RGB distance, of 0 to 441, up to which two pixels have the same colour."""

FAINTEST_DRAWN = 8.0
"""Smallest RGB distance that counts as ink in a drawing, about 5 grey levels."""

FAINTEST_IN_PHOTO = 18.0
"""Smallest RGB distance that counts as ink where paper has shadows and grain, about 10 grey levels."""

FADED = 0.4
"""Core of the faintest strokes that are followed to their ends, as a share of the core of all."""

NEARBY = 0.015
"""Standard deviation of the blur that tells how dark the strokes around a pixel are; a share of the longer side."""

SMALLEST = 5
"""Pictures whose longer side has fewer pixels hold no digit that could be read."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF")
"""What Pillow may open: it knows sixty more formats, one of which runs another program."""

BAND = 4_000_000  # pixels of 16 bits or more that are scaled at a time

# Pillow refuses twice as many, also where the canvas decodes a drawing.
Image.MAX_IMAGE_PIXELS = settings.LIMITS["megapixels"].high * 1_000_000 // 2

_decoding = threading.Lock()


class _Paper(NamedTuple):
    """What is known of the paper after looking for it."""

    distance: Floats  # (H, W), RGB distance from the paper, 0 to 441
    noise: float  # how far paper itself strays from its colour
    faintest: float  # the smallest distance that may be ink


def open_picture(data: bytes) -> Image.Image:
    """Decode a picture file.

    One picture is decoded at a time: the warnings filter that keeps Pillow quiet belongs to the whole process,
    and a few large photos decoded at once would not fit a small server.

    Args:
        data: The file's bytes: PNG, JPEG, WebP, BMP, GIF, TIFF or HEIC.

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
            "This is not a picture that can be read. Choose PNG, JPEG, WebP, BMP, GIF, TIFF or HEIC; "
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
        return _inked(_Paper(cover * 255.0, 0.0, FAINTEST_DRAWN))
    colours = without_desk(colours)
    return _inked(_flat_paper(colours) or _uneven_paper(colours))


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
    paper = _commonest(colours[opaque][:, None])
    share = alpha[..., None].astype(np.float32) / 255.0
    return np.rint(colours * share + paper * (1.0 - share)).astype(np.uint8), None


def _commonest(colours: Bytes) -> Bytes:
    """Return the commonest colour (3,) of RGB (H, W, 3), found in bins of 16 levels; its median inside the bin."""
    some = np.ascontiguousarray(_some(colours, 20_000))
    counts = cv2.calcHist([some], [0, 1, 2], None, [16, 16, 16], [0, 256] * 3)
    low = 16 * np.array(np.unravel_index(counts.argmax(), counts.shape))
    inside = cv2.inRange(some, low, low + 15)
    levels = [cv2.calcHist([some], [channel], inside, [256], [0, 256]).cumsum() for channel in range(3)]
    return np.array([np.searchsorted(upto, upto[-1] / 2) for upto in levels], np.uint8)


def _some(values: NDArray[Any], enough: int) -> NDArray[Any]:
    """Return evenly spread rows and columns of `values` (H, W, ...): about `enough` pixels, all where they are few."""
    step = max(1, round(float(np.sqrt(values.shape[0] * values.shape[1] / enough))))
    return values[::step, ::step]


def _distance(colours: NDArray[Any], paper: NDArray[Any]) -> Floats:
    """Return each pixel's RGB distance (H, W) from `paper` (H, W, 3), both of one type."""
    return _length([np.asarray(channel, dtype=np.float32) for channel in cv2.split(cv2.absdiff(colours, paper))])


def _length(channels: Sequence[Floats]) -> Floats:
    """Return the length (H, W) of what has three components, each (H, W)."""
    red, green, blue = channels
    return np.asarray(cv2.magnitude(cv2.magnitude(red, green), blue), dtype=np.float32)


def _evenly(paper: Bytes, like: Bytes) -> Bytes:
    """Return one colour (3,) as a picture (H, W, 3)."""
    return np.repeat(np.tile(paper, (1, like.shape[1], 1)), like.shape[0], axis=0)


def _flat_paper(colours: Bytes) -> _Paper | None:
    """Return the paper of a drawing, or None where most of the picture is not of one very colour.

    Beside its paper a drawing has strokes and their soft edges; what changes gradually is the shade of a photo.
    """
    paper = _commonest(colours)
    some = _some(colours, 100_000)
    distance = _distance(some, _evenly(paper, some))
    same, strong = (np.count_nonzero(mask) / mask.size for mask in (distance <= SAME, distance > FAINTEST_IN_PHOTO))
    if same < 0.5 or 1.0 - same - strong > max(0.03, strong):
        return None
    if some.shape != colours.shape:
        distance = _distance(colours, _evenly(paper, colours))
    return _Paper(distance, 0.0, FAINTEST_DRAWN)


def _uneven_paper(colours: Bytes) -> _Paper:
    """Return the paper of a photo, its colour estimated around each pixel.

    A smooth surface takes away what falls off towards the corners. Closing what is left with a square wider than
    any stroke gives the paper under the strokes. What differs much from that is ink; the rest, averaged close by,
    is the paper, but at the edges of shadows and tables, which an average blurs and closing and opening keep.
    """
    height, width = colours.shape[:2]
    scale = min(1.0, PAPER_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    surface = _surface(small) - 128.0
    level = small - surface
    above, below, darker = _closed(level, surface)
    paper = _filled(level, _distance(level, np.where(darker, above, below)))
    paper = np.clip(paper, below, above) + surface
    noise = 1.5 * float(np.median(_some(_distance(colours, _full(paper, colours)), 100_000)))
    nearest = _nearest(colours, paper)
    faintest = FAINTEST_IN_PHOTO if noise > SAME else FAINTEST_DRAWN
    return _Paper(_signed(colours, nearest, _distance(colours, nearest)), noise, faintest)


def _full(paper: Floats, colours: Bytes) -> Bytes:
    """Return `paper` (h, w, 3) as large as `colours` (H, W, 3)."""
    small = np.clip(np.rint(paper), 0.0, 255.0).astype(np.uint8)
    return np.asarray(cv2.resize(small, colours.shape[1::-1]), dtype=np.uint8)


def _nearest(colours: Bytes, paper: Floats) -> Bytes:
    """Return, for each pixel of `colours` (H, W, 3), the colour of paper close by that is nearest to it.

    Of the edge of a shadow, blurred where `paper` (h, w, 3) is enlarged, so no line is left.
    """
    around = np.ones((3, 3), np.uint8)
    if paper.shape == colours.shape:
        return _full(paper, colours)
    darkest, lightest = (_full(np.asarray(change(paper, around)), colours) for change in (cv2.erode, cv2.dilate))
    return np.asarray(cv2.min(cv2.max(colours, darkest), lightest), dtype=np.uint8)


def _surface(small: Floats) -> Floats:
    """Return a quadratic surface (h, w, 3) through the paper's colours: fitted, then fitted again without ink."""
    height, width = small.shape[:2]
    y, x = np.meshgrid(np.linspace(-1.0, 1.0, height), np.linspace(-1.0, 1.0, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    values = small.reshape(-1, 3)
    surface = np.median(values, axis=0)
    for _ in range(4):
        error = np.linalg.norm(values - surface, axis=1)
        weight = (1.0 + (error / (np.median(error) + 1.0)) ** 2) ** -2
        weighted = terms * weight[:, None]
        normal = weighted.T @ terms + 1e-3 * np.eye(6)
        surface = terms @ np.linalg.solve(normal, weighted.T @ values)
    return np.asarray(surface.reshape(small.shape), dtype=np.float32)


def _closed(level: Floats, surface: Floats) -> tuple[Floats, Floats, Mask]:
    """Return `level` (h, w, 3), about 128, without dark and without light strokes, and where (3,) ink is the darker.

    Each is taken with and without the surface, and what is nearer to the level counts: a surface through the edge of
    a shadow leaves hollows beside it, and corners fall off without.
    """
    height, width = level.shape[:2]
    plain, raw = (np.clip(np.rint(values), 0.0, 255.0).astype(np.uint8) for values in (level, level + surface))
    window = min(255, max(3, int(0.5 * min(max(height, width), 2 * min(height, width))) | 1))
    usual = np.asarray(cv2.medianBlur(plain, window) if min(height, width) > 1 else plain, dtype=np.uint8)
    votes = _leaning(plain, np.full_like(plain, 128)) + _leaning(plain, usual)
    above = np.minimum(_wide(plain, cv2.MORPH_CLOSE), _wide(raw, cv2.MORPH_CLOSE) - surface)
    below = np.maximum(_wide(plain, cv2.MORPH_OPEN), _wide(raw, cv2.MORPH_OPEN) - surface)
    thinner = [_thick(level[..., i] - below[..., i]) - _thick(above[..., i] - level[..., i]) for i in range(3)]
    return above, below, votes - np.sign(thinner) < 0


def _wide(picture: Bytes, operation: int) -> Floats:
    """Return `picture` (h, w, 3) closed or opened by a square wider than any stroke.

    What touches the edge goes on outside the picture: the corner of a table is no stroke.
    """
    height, width = picture.shape[:2]
    size = 2 * int(0.13 * max(height, width)) + 3
    wider = cv2.copyMakeBorder(picture, size, size, size, size, cv2.BORDER_REPLICATE)
    done = cv2.morphologyEx(wider, operation, np.ones((size, size), np.uint8))
    return np.asarray(done[size : size + height, size : size + width], dtype=np.float32)


def _leaning(level: Bytes, paper: Bytes) -> NDArray[np.float64]:
    """Return, for each channel, whether what differs most from `paper` is brighter, 1, or darker, -1.

    A table round the page misleads a median over half the picture, a shadow misleads one paper colour for all,
    and thick strokes mislead a look at which side is thinner: so the three vote.
    """
    distance = _distance(level, paper)
    strong = distance >= max(_split(distance), 1e-3)
    difference = level[strong].astype(np.float64) - paper[strong]
    return np.asarray(np.sign(difference.sum(axis=0)))


def _thick(above: Floats) -> float:
    """Return how thick, on average, the parts are that stand out."""
    out = (above > 0.4 * above.max(initial=0)).astype(np.uint8)
    if above.max(initial=0) < FAINTEST_DRAWN or not out.any():
        return float(max(above.shape))
    return float(cv2.distanceTransform(out, cv2.DIST_L2, 3)[out > 0].mean())


def _filled(level: Floats, distance: Floats) -> Floats:
    """Return the paper's colour (h, w, 3): `level` averaged close by over what is not ink."""
    limit = max(_split(distance), 4.0 * float(np.median(distance)), FAINTEST_DRAWN)
    ink = cv2.dilate((distance > limit * 0.6).astype(np.uint8), np.ones((3, 3), np.uint8))
    weight = (1.0 - ink).astype(np.float32) + 1e-4
    sigma = max(1.0, SMOOTH * max(distance.shape))
    total = cv2.GaussianBlur(level * weight[..., None], (0, 0), sigma)
    return np.asarray(total / cv2.GaussianBlur(weight, (0, 0), sigma)[..., None], dtype=np.float32)


def _signed(colours: Bytes, paper: Bytes, distance: Floats) -> Floats:
    """Return the distance (H, W) from the paper, 0 where it leads away from the ink's colour.

    A highlight beside dark ink is no ink, nor is a shadow beside chalk.
    """
    difference = np.asarray(cv2.subtract(colours, paper, dtype=cv2.CV_16S), dtype=np.int16)
    some = _some(distance, 100_000)
    strongest = some >= np.percentile(some, 98.0)
    direction = _some(difference, 100_000)[strongest].mean(axis=0)
    direction *= 32.0 / max(float(np.linalg.norm(direction)), 1e-6)  # the products stay below 2**15
    along = np.asarray(cv2.transform(difference, direction[None]))
    return np.where(along > 0, distance, np.float32(0.0))


def _split(distance: Floats) -> float:
    """Return Otsu's threshold between paper and ink."""
    top = float(distance.max())
    if top <= 0.0:
        return 0.0
    levels = (distance * (255.0 / top)).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(threshold) * top / 255.0


def _inked(paper: _Paper) -> Floats:
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
    specks = paper.noise == 0.0
    kept = joined(distance > _lowest(core, paper), strong, specks)
    near = _core_nearby(distance, kept, core)
    low = _lowest(near, paper)
    kept = joined(distance > low, strong, specks)
    soft = grown(kept)
    ink, dark = (np.where(soft, _ramp(distance, low, top), np.float32(0.0)) for top in (near, np.float32(core)))
    return without_surroundings(without_lines(ink, dark))


def _core(distances: Floats) -> float:
    """Return the distance of a stroke's core, from what is on the ink's side of Otsu's threshold."""
    strong = distances[distances >= _split(distances.reshape(1, -1))]
    return upper_quartile(strong)


def _lowest(core: Floats | float, paper: _Paper) -> Floats:
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
