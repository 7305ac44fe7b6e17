"""Picture -> ink: how much of each pixel is pen, 0 on paper and 1 in the core of a stroke.

Ink is what differs from the paper, in whatever colour and whichever of the two is the lighter. A drawing has
one paper colour: the commonest. In a photo the paper changes from place to place, so its colour is estimated
around each pixel and the noise of the paper decides what is too faint to be ink.
"""

import io
import struct
import threading
import warnings
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from digitrec.errors import PictureError
from digitrec.settings import MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int32]
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

EMPTY_PAGE = 4
"""So many lines right across a picture with no writing beside them are ruled paper: no digit has as many."""

SMALLEST = 5
"""Pictures whose longer side has fewer pixels hold no digit that could be read."""

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
    if len(data) > MAX_PICTURE_BYTES:
        limit, size = MAX_PICTURE_BYTES // 2**20, len(data) / 2**20
        raise PictureError(f"The file is too large. Choose one of at most {limit} MB; received {size:.1f} MB.")
    with _decoding, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _decode(data)


def _decode(data: bytes) -> Image.Image:
    """Return the first frame of `data`, upright, as RGB or RGBA."""
    try:
        with _opened(data) as image:
            width, height = image.size
            if width * height > MAX_PICTURE_PIXELS:
                raise _too_many_pixels(f"received {width} x {height}")
            if max(width, height) < SMALLEST:
                raise PictureError(f"The picture is too small to hold a digit. Received: {width} x {height} pixels.")
            image.load()
            return _plain(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError as error:
        raise _too_many_pixels("received far more") from error
    except UnidentifiedImageError as error:
        raise PictureError(
            "This is not a picture that can be read. Choose PNG, JPEG, WebP, BMP, GIF, TIFF or HEIC; "
            f"received {len(data):,} bytes of something else."
        ) from error
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
    return Image.open(io.BytesIO(data))


def _too_many_pixels(received: str) -> PictureError:
    limit = MAX_PICTURE_PIXELS // 1_000_000
    return PictureError(f"The picture is too large. Use one of at most {limit} million pixels; {received}.")


def _plain(image: Image.Image) -> Image.Image:
    """Return `image` as 8-bit RGB, or RGBA where it has transparency."""
    if image.mode.startswith(("I", "F")):
        return _eight_bit(image).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit, 32-bit or float grey to 8 bit.

    The scale is 16 bit where the mode says so or the values ask for it, 8 bit where they fit into 8 bit, and
    the picture's own range otherwise.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    if low >= 0.0 and image.mode.startswith("I") and (image.mode != "I" or 255.0 < high <= 65535.0):
        top = 65535.0
    elif low >= 0.0 and 1.0 < high <= 255.0:
        top = 255.0
    else:
        top = high - low or 1.0
    scaled = (values - low * (top == high - low)) * (255.0 / top)
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))


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
    return _inked(_flat_paper(colours) or _uneven_paper(colours))


def _flattened(pixels: Bytes) -> tuple[Bytes, Floats | None]:
    """Return RGB (H, W, 3), and the ink's cover (H, W) of 0 to 1 where ink lies on a transparent ground.

    Where the opaque part is more than strokes (a drawing with its paper on a transparent margin), the margin
    is given the paper's colour.
    """
    colours = np.ascontiguousarray(pixels[..., :3])
    if pixels.shape[2] == 3:
        return colours, None
    alpha = pixels[..., 3]
    if alpha.min() == alpha.max():
        return colours, None
    opaque = alpha >= 128
    if opaque.mean() <= 0.45:
        return colours, alpha.astype(np.float32) / 255.0
    paper = _commonest(colours[opaque][None])
    share = alpha[..., None].astype(np.float32) / 255.0
    return np.rint(colours * share + paper * (1.0 - share)).astype(np.uint8), None


def _commonest(colours: Bytes) -> Floats:
    """Return the commonest colour (3,) of RGB (H, W, 3), found in bins of 16 levels and averaged inside the bin."""
    step = max(1, colours.shape[0] * colours.shape[1] // 20_000)
    some = colours.reshape(-1, 3)[::step]
    bins = (some >> 4).astype(np.int32) @ np.array([256, 16, 1], np.int32)
    best = some[bins == np.bincount(bins).argmax()]
    return np.asarray(np.median(best, axis=0), dtype=np.float32)


def _distance(colours: Bytes | Floats, paper: Floats) -> Floats:
    """Return each pixel's RGB distance (H, W) from `paper`, one colour (3,) or one a pixel (H, W, 3)."""
    difference = colours.astype(np.float32)
    difference -= paper
    red, green, blue = cv2.split(difference)
    return np.asarray(np.sqrt(red * red + green * green + blue * blue), dtype=np.float32)


def _flat_paper(colours: Bytes) -> _Paper | None:
    """Return the paper of a drawing, or None where most of the picture is not of one very colour.

    Beside its paper a drawing has strokes and their soft edges; what changes gradually is the shade of a photo.
    """
    distance = _distance(colours, _commonest(colours))
    gradual = (distance > SAME) & (distance <= FAINTEST_IN_PHOTO)
    strong = distance > FAINTEST_IN_PHOTO
    if (distance <= SAME).mean() < 0.5 or gradual.mean() > max(0.03, float(strong.mean())):
        return None
    return _Paper(distance, 0.0, FAINTEST_DRAWN)


def _uneven_paper(colours: Bytes) -> _Paper:
    """Return the paper of a photo, its colour estimated around each pixel.

    A smooth surface takes away what falls off towards the corners. Closing what is left with a square wider than
    any stroke gives the paper under the strokes, shadows with sharp edges included. What differs much from that
    is ink; the rest, averaged close by, is the paper.
    """
    height, width = colours.shape[:2]
    scale = min(1.0, PAPER_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    surface = _surface(small)
    level = small - surface + 128.0
    paper = _filled(level, _distance(level, _closed(level))) + surface - 128.0
    full = np.asarray(cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    distance = _distance(colours, full)
    noise = 1.5 * float(np.median(distance))
    faintest = FAINTEST_IN_PHOTO if noise > SAME else FAINTEST_DRAWN
    return _Paper(_signed(colours, full, distance), noise, faintest)


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


def _closed(level: Floats) -> Floats:
    """Return `level` (h, w, 3), about 128, with strokes closed: each channel from the side that its ink lies on."""
    height, width = level.shape[:2]
    size = 2 * int(0.13 * max(height, width)) + 3
    wider_than_strokes = np.ones((size, size), np.uint8)
    plain = np.clip(np.rint(level), 0.0, 255.0).astype(np.uint8)
    window = min(255, max(3, int(0.5 * min(max(height, width), 2 * min(height, width))) | 1))
    usual = np.asarray(cv2.medianBlur(plain, window) if min(height, width) > 1 else plain, dtype=np.uint8)
    votes = _leaning(plain, np.full_like(plain, 128)) + _leaning(plain, usual)
    channels = []
    for channel, vote in zip(cv2.split(plain), votes, strict=True):
        brighter = cv2.morphologyEx(channel, cv2.MORPH_CLOSE, wider_than_strokes)
        darker = cv2.morphologyEx(channel, cv2.MORPH_OPEN, wider_than_strokes)
        thinner = _thick(np.subtract(channel, darker)) - _thick(np.subtract(brighter, channel))
        channels.append(brighter if vote - np.sign(thinner) < 0 else darker)
    return np.asarray(cv2.merge(channels), dtype=np.float32)


def _leaning(level: Bytes, paper: Bytes) -> NDArray[np.float64]:
    """Return, for each channel, whether what differs most from `paper` is brighter, 1, or darker, -1.

    A table round the page misleads a median over half the picture, a shadow misleads one paper colour for all,
    and thick strokes mislead a look at which side is thinner: so the three vote.
    """
    distance = _distance(level, paper.astype(np.float32))
    strong = distance >= max(_split(distance), 1e-3)
    difference = level[strong].astype(np.float64) - paper[strong]
    return np.asarray(np.sign(difference.sum(axis=0)))


def _thick(above: Bytes) -> float:
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


def _signed(colours: Bytes, paper: Floats, distance: Floats) -> Floats:
    """Return the distance (H, W) from the paper, 0 where it leads away from the ink's colour.

    A highlight beside dark ink is no ink, nor is a shadow beside chalk.
    """
    difference = colours.astype(np.float32) - paper
    strongest = distance >= np.percentile(distance[:: max(1, distance.shape[0] // 300)], 98.0)
    direction = difference[strongest].mean(axis=0)
    return np.where(difference @ direction > 0.0, distance, np.float32(0.0)).astype(np.float32)


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
    candidates = distance > max(paper.faintest, 4.0 * paper.noise)
    if not candidates.any():
        return nothing
    core = _core(distance[candidates])
    low = max(0.2 * core, 2.5 * paper.noise, min(paper.faintest, 0.5 * core))
    high = max(0.4 * core, 4.0 * paper.noise, min(paper.faintest, 0.8 * core))
    kept = _joined(distance > low, distance > high)
    ramp = np.clip((distance - 0.5 * low) / max(core - 0.5 * low, 1e-3), 0.0, 1.0)
    if paper.noise > SAME:
        kept = _without_specks(kept)
    ink = np.where(grown(kept), ramp, np.float32(0.0)).astype(np.float32)
    return _without_surroundings(_without_lines(ink))


def _core(distances: Floats) -> float:
    """Return the distance of a stroke's core, from what is on the ink's side of Otsu's threshold."""
    strong = distances[distances >= _split(distances.reshape(1, -1))]
    return upper_quartile(strong)


def _joined(weak: Mask, strong: Mask) -> Mask:
    """Return the parts of `weak` that hold a pixel of `strong`."""
    labels, stats = parts(weak)
    chosen = np.zeros(len(stats), bool)
    chosen[labels[strong & weak]] = True
    chosen[0] = False
    return np.asarray(chosen[labels])


def upper_quartile(values: Floats) -> float:
    """Return the value that a quarter of `values` (N,) reach: what the core of strokes has, edges left out."""
    place = 3 * (values.size - 1) // 4
    return float(np.partition(values, place)[place])


def parts(mask: NDArray[Any]) -> tuple[Ints, Ints]:
    """Return the parts of a mask (H, W) that touch, corners too.

    Returns:
        The part of each pixel (H, W), 0 outside the mask; and a row a part (N, 5): left, top, width, height and
        pixels, row 0 being what is outside the mask.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return np.asarray(labels, dtype=np.int32), np.asarray(stats, dtype=np.int32)


def grown(mask: Mask) -> Mask:
    """Return `mask` (H, W) grown by a pixel to all eight sides, for the soft edge of its strokes."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)


def _without_specks(mask: Mask) -> Mask:
    """Return `mask` without parts as small as the grain of paper and sensor."""
    labels, stats = parts(mask)
    large = stats[:, 2:4].max(axis=1) >= max(4.0, 0.015 * max(mask.shape))
    large[0] = False
    return np.asarray(large[labels])


def _without_lines(ink: Floats) -> Floats:
    """Return the ink without the lines of ruled or squared paper and without a frame along the picture's edge."""
    across, down = _lines(ink > 0.5), _lines((ink > 0.5).T).T
    lines = across | down
    if not lines.any():
        return ink
    rest = np.where(grown(lines), np.float32(0.0), ink)
    if not _meaningful(rest > 0.5):
        return np.zeros_like(ink) if _count(across) >= EMPTY_PAGE else ink
    across &= _may_go(ink, across, rest, alone=True)
    down &= _may_go(ink.T, down.T, rest.T, alone=bool(across.any())).T
    removed = across | down
    return np.where(grown(removed) & ~grown((ink > 0.5) & ~lines), np.float32(0.0), ink).astype(np.float32)


def _lines(mask: Mask) -> Mask:
    """Return the pixels of `mask` on thin, nearly level lines from one side of the picture to the other.

    Where a stroke crosses the line, the pixels stay with the stroke.
    """
    height, width = mask.shape
    piece = np.ones((1, max(5, width // 12)), np.uint8)
    level = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, piece)
    if level.any(axis=0).mean() < 0.5:
        return np.zeros(mask.shape, bool)
    joined = cv2.dilate(level, np.ones((3, max(3, width // 20)), np.uint8))
    labels, stats = parts(joined)
    long = (stats[:, 2] > 0.9 * width) & (stats[:, 3] < max(5, 0.1 * height))
    long[0] = False
    if not long.any():
        return np.zeros(mask.shape, bool)
    found = long[labels] & (level > 0)
    return np.asarray(found & (_runs_down(mask) <= 1.6 * _thickness(found) + 1.0))


def _count(lines: Mask) -> int:
    """Return how many level lines there are."""
    return len(parts(cv2.dilate(lines.astype(np.uint8), np.ones((1, lines.shape[1] | 1), np.uint8)))[1]) - 1


def _runs_down(mask: Mask) -> Ints:
    """Return, for each pixel of `mask`, how many pixels of it stand over and under each other there."""
    rows = np.arange(mask.shape[0], dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(mask, -1, rows), axis=0)
    below = np.minimum.accumulate(np.where(mask, mask.shape[0], rows)[::-1], axis=0)[::-1]
    return np.where(mask, below - above - 1, 0).astype(np.int32)


def _thickness(lines: Mask) -> float:
    """Return how many pixels thick level lines are, 0 where there are none."""
    runs = _runs_down(lines)[lines]
    return float(np.median(runs)) if runs.size else 0.0


def _meaningful(mask: Mask) -> bool:
    """Return whether `mask` holds a part that may be writing: an eighth of the picture's shorter side or larger."""
    _, stats = parts(mask)
    return bool(stats[1:, 2:4].max(initial=0) >= max(4.0, min(mask.shape) / 8.0))


def _may_go(ink: Floats, lines: Mask, rest: Floats, alone: bool) -> Mask:
    """Return which of the level `lines` are no writing: thin or faint beside it.

    Where `alone`, so are lines that touch no writing, and several that stick out of it on both sides. Upright
    lines are judged so only on squared paper or in a frame: a 1 or a 4 may be as high as its picture.
    """
    labels, stats = parts(cv2.dilate(lines.astype(np.uint8), np.ones((3, max(3, lines.shape[1] // 10)), np.uint8)))
    columns = np.flatnonzero((rest > 0.5).any(axis=0))
    margin = 0.05 * lines.shape[1]
    sticks_out = columns[0] > margin and columns[-1] < lines.shape[1] - margin
    goes = np.zeros(len(stats), bool)
    for i in range(1, len(stats)):
        line = lines & (labels == i)
        goes[i] = _weak(ink, line, rest) or (alone and (_apart(line, rest) or (sticks_out and len(stats) > 2)))
    return np.asarray(goes[labels])


def _weak(ink: Floats, line: Mask, rest: Floats) -> bool:
    """Return whether a level line is much thinner or fainter than the writing."""
    return _weight(ink, line) < 0.6 * _weight(rest, rest > 0.5)


def _weight(ink: Floats, part: Mask) -> float:
    """Return how thick and dark `part` of the ink is."""
    depth = cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 3)
    return float(depth[part].mean()) * float(ink[part].mean())


def _apart(line: Mask, rest: Floats) -> bool:
    """Return whether a level line touches almost nothing of the writing."""
    near = cv2.dilate(line.astype(np.uint8), np.ones((7, 1), np.uint8)).astype(bool) & (rest > 0.5)
    return bool(near.any(axis=0).sum() < 0.02 * line.shape[1])


def _without_surroundings(ink: Floats) -> Floats:
    """Return the ink without frames around the writing and without what surrounds the paper, such as a table.

    Nothing goes unless writing remains.
    """
    mask = (ink > 0.25).astype(np.uint8)
    labels, stats = parts(mask)
    if len(stats) == 1:
        return ink
    outer = _surrounding(labels, stats, mask) | _framing(labels, stats)
    if outer.any() and _meaningful((labels > 0) & ~outer[labels]):
        return np.where(outer[labels], np.float32(0.0), ink).astype(np.float32)
    # Alone in the picture, what touches its edge and is thicker than any stroke is a shadow, a hand or a table.
    if len(stats) == 2 and outer[1] and _deepest(labels, 2, mask)[1] > 0.15 * max(mask.shape):
        return np.zeros_like(ink)
    return ink


def _surrounding(labels: Ints, stats: Ints, mask: Bytes) -> Mask:
    """Return which parts come in from outside the picture: along much of its edge, or far thicker than strokes."""
    edge = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    contact = np.bincount(edge, minlength=len(stats)) / edge.size
    contact[0] = 0.0
    if contact.max() <= 0.03:
        return np.zeros(len(stats), bool)
    deepest = _deepest(labels, len(stats), mask)
    others = deepest[contact <= 0.03][1:]
    usual = float(others.max(initial=0.0)) or np.inf
    return np.asarray((contact > 0.2) | ((contact > 0.03) & (deepest > 2.0 * usual)))


def _deepest(labels: Ints, count: int, mask: Bytes) -> Floats:
    """Return half the thickness of each part (count,), at its thickest."""
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    deepest = np.zeros(count, np.float32)
    np.maximum.at(deepest, labels[mask > 0], depth[mask > 0])
    return deepest


def _framing(labels: Ints, stats: Ints) -> Mask:
    """Return which parts run along all four sides of their own box, with most of the picture inside."""
    height, width = labels.shape
    found = np.zeros(len(stats), bool)
    for i in np.flatnonzero((stats[:, 2] > 0.5 * width) & (stats[:, 3] > 0.5 * height)):
        x, y, w, h = (int(v) for v in stats[i, :4])
        part = labels[y : y + h, x : x + w] == i
        band_x, band_y = max(1, w // 12), max(1, h // 12)
        level = min(part[:band_y].any(axis=0).mean(), part[-band_y:].any(axis=0).mean())
        upright = min(part[:, :band_x].any(axis=1).mean(), part[:, -band_x:].any(axis=1).mean())
        found[i] = i > 0 and min(level, upright) > 0.85
    return found
