"""Colours -> how far each pixel is from the paper: one colour in a drawing, one around each pixel in a photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.imaging.components import connected_components, dilated, hysteresis_threshold, thickness

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Thresholds:
    """Settings, chosen on photos of MNIST digits and on synthetic sheets.

    Lengths are fractions of the picture's longer side, distances those of two RGB colours, 0 to 441.

    Attributes:
        paper_side: Longest side in pixels at which the paper of a photo is estimated: paper has no detail worth more.
        smooth: Standard deviation of the blur that carries paper on under the ink.
        widest: About half the width of the widest strokes of a picture of one digit.
        fine: About half the width of the strokes of a sheet. This, `far_thicker` and `written` are for sheets with
            strips of shade or light: 95 of 100 of their digits were read with them, 64 without.
        far_thicker: Depth of a strip of shade at least, half its width, in thicknesses of the strokes.
        written: So many characters apart from what is thick, and half as dark at least, are the writing: the thick is
            no stroke.
        same: Distance up to which two pixels have the same colour.
        faintest_drawn: Smallest distance that counts as ink in a drawing, about 5 grey levels.
        faintest_in_photo: The same where paper has shadows and grain, about 10 grey levels.
        margin: Width of the ground beside a photo on it at which it is one.
        edge: Share of each of a photo's four edges that differs from the ground it lies on.
    """

    paper_side: int = 160
    smooth: float = 0.05
    widest: float = 0.13
    fine: float = 0.018
    far_thicker: float = 2.0
    written: int = 4
    same: float = 2.0
    faintest_drawn: float = 8.0
    faintest_in_photo: float = 18.0
    margin: float = 0.02
    edge: float = 0.7


THRESHOLDS = Thresholds()


class Paper(NamedTuple):
    """What is known of the paper after looking for it."""

    distance: Floats  # (H, W), RGB distance from the paper, 0 to 441
    noise: float  # how far paper itself strays from its colour
    faintest: float  # the smallest distance that may be ink


def commonest(colours: Bytes) -> Bytes:
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


def _from_one_colour(colours: Bytes, paper: Bytes) -> Floats:
    """Return each pixel's RGB distance (H, W) from one colour (3,); most pixels of a drawing have this very colour."""
    channels = cv2.split(cv2.absdiff(np.ascontiguousarray(colours), np.append(paper, 0).astype(np.float64)))
    left, top, width, height = cv2.boundingRect(cv2.bitwise_or(cv2.bitwise_or(channels[0], channels[1]), channels[2]))
    distance = np.zeros(colours.shape[:2], np.float32)
    if width:
        box = np.s_[top : top + height, left : left + width]
        distance[box] = _length([channel[box].astype(np.float32) for channel in channels])
    return distance


def _length(channels: Sequence[Floats]) -> Floats:
    """Return the length (H, W) of what has three components, each (H, W)."""
    red, green, blue = channels
    return np.asarray(cv2.magnitude(cv2.magnitude(red, green), blue), dtype=np.float32)


def flat(colours: Bytes) -> Paper | None:
    """Return the paper of a drawing, or None where most of the picture is not of one very colour.

    Beside its paper a drawing has strokes and their soft edges; what changes gradually is the shade of a photo.
    """
    paper = commonest(colours)
    some = _some(colours, 100_000)
    distance = _from_one_colour(some, paper)
    same, strong = (
        np.count_nonzero(mask) / mask.size
        for mask in (distance <= THRESHOLDS.same, distance > THRESHOLDS.faintest_in_photo)
    )
    if same < 0.5 or 1.0 - same - strong > max(0.03, strong):
        return None
    if some.shape != colours.shape:
        distance = _from_one_colour(colours, paper)
    return Paper(distance, 0.0, THRESHOLDS.faintest_drawn)


def inset(colours: Bytes) -> tuple[int, int, int, int] | None:
    """Return where a photo lies on a ground of one colour, as on a page of a document: left, top, right and bottom.

    None where a picture is no such thing. A drawing is none: its strokes leave most of their frame to the ground, or
    are of one colour.

    Args:
        colours: uint8 (H, W, 3), RGB; or (H, W, 4), RGBA, which is a drawing.
    """
    if colours.shape[2] == 4:
        return None
    corners = colours[[0, 0, -1, -1], [0, -1, 0, -1]].astype(np.int16)
    if np.abs(corners - corners[0]).max() > THRESHOLDS.same:
        return None
    mask = _from_one_colour(colours, colours[0, 0]) > THRESHOLDS.faintest_drawn
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    sides = (left, top, mask.shape[1] - left - width, mask.shape[0] - top - height)
    if not width or max(sides) < THRESHOLDS.margin * max(mask.shape):
        return None
    photo = mask[top : top + height, left : left + width]
    just_inside = max(1, round(0.01 * min(height, width)))
    edges = photo[just_inside - 1], photo[-just_inside], photo[:, just_inside - 1], photo[:, -just_inside]
    if min(edge.mean() for edge in edges) < THRESHOLDS.edge:
        return None
    alone = flat(np.ascontiguousarray(colours[top : top + height, left : left + width]))
    return (left, top, left + width, top + height) if alone is None else None


def uneven(colours: Bytes) -> Paper:
    """Return the paper of a photo, its colour estimated around each pixel.

    A smooth surface takes away what falls off towards the corners. Closing what is left with a square wider than
    any stroke gives the paper under the strokes. What differs much from that is ink; the rest, averaged close by,
    is the paper, but at the edges of shadows and tables, which an average blurs and closing and opening keep. Where
    a sheet has strips of shade, narrower than that square, one that is hardly wider than its strokes is taken.
    """
    height, width = colours.shape[:2]
    scale = min(1.0, THRESHOLDS.paper_side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    surface = _surface(small) - 128.0
    paper = _estimated(small, surface, THRESHOLDS.widest)
    if scale < 0.5:  # the grain of small pictures looks like strokes
        finer = _estimated(small, surface, THRESHOLDS.fine)
        paper = finer if _has_strips(_distance(small, paper), _distance(small, finer)) else paper
    some = (_some(pixels, 100_000) for pixels in (colours, _full(paper, colours)))
    noise = 1.5 * float(np.median(_distance(*some)))
    nearest = _nearest(colours, paper)
    faintest = THRESHOLDS.faintest_in_photo if noise > THRESHOLDS.same else THRESHOLDS.faintest_drawn
    return Paper(_signed(colours, nearest, _distance(colours, nearest)), noise, faintest)


def _estimated(small: Floats, surface: Floats, share: float) -> Floats:
    """Return the paper's colour (h, w, 3) under strokes up to twice `share` of the longer side wide."""
    level = small - surface
    above, below, darker = _closed(level, surface, share)
    paper = _filled(level, _distance(level, np.where(darker, above, below)))
    return np.asarray(np.clip(paper, below, above) + surface, dtype=np.float32)


def _has_strips(distance: Floats, finer: Floats) -> bool:
    """Return whether what is far thicker than the strokes of a sheet is shade, or light, and no stroke.

    Args:
        distance: (h, w), from the paper under strokes of any width.
        finer: (h, w), from the paper under the strokes of a sheet.
    """
    strokes = finer > _limit(finer)
    thick = (distance > _limit(distance)) & ~dilated(strokes)
    depth = cv2.distanceTransform(np.pad(thick, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    deepest = float(depth.max())
    if not strokes.any() or deepest < THRESHOLDS.far_thicker * thickness(np.pad(strokes, 1)):
        return False
    core = depth > 0.7 * deepest
    apart = cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 3) > 2.0 * deepest
    written = hysteresis_threshold(strokes & apart, finer > 0.5 * float(np.median(distance[core])))
    sizes = connected_components(written)[1][1:, 2:4].max(axis=1, initial=0)
    return bool(((sizes > 2) & (sizes < 0.3 * max(strokes.shape))).sum() >= THRESHOLDS.written)


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


def _closed(level: Floats, surface: Floats, share: float) -> tuple[Floats, Floats, Mask]:
    """Return `level` (h, w, 3), about 128, without dark and without light strokes, and where (3,) ink is the darker.

    Each is taken with and without the surface, and what is nearer to the level counts: a surface through the edge of
    a shadow leaves hollows beside it, and corners fall off without.
    """
    height, width = level.shape[:2]
    plain, raw = (np.clip(np.rint(values), 0.0, 255.0).astype(np.uint8) for values in (level, level + surface))
    window = min(255, max(3, int(0.5 * min(max(height, width), 2 * min(height, width))) | 1))
    usual = np.asarray(cv2.medianBlur(plain, window) if min(height, width) > 1 else plain, dtype=np.uint8)
    votes = _leaning(plain, np.full_like(plain, 128)) + _leaning(plain, usual)
    above = np.minimum(_wide(plain, cv2.MORPH_CLOSE, share), _wide(raw, cv2.MORPH_CLOSE, share) - surface)
    below = np.maximum(_wide(plain, cv2.MORPH_OPEN, share), _wide(raw, cv2.MORPH_OPEN, share) - surface)
    thinner = [_thick(level[..., i] - below[..., i]) - _thick(above[..., i] - level[..., i]) for i in range(3)]
    return above, below, votes - np.sign(thinner) < 0


def _wide(picture: Bytes, operation: int, share: float) -> Floats:
    """Return `picture` (h, w, 3) closed or opened by a square wider than its strokes: twice `share` of its longer side.

    What touches the edge goes on outside the picture: the corner of a table is no stroke.
    """
    height, width = picture.shape[:2]
    size = 2 * int(share * max(height, width)) + 3
    wider = cv2.copyMakeBorder(picture, size, size, size, size, cv2.BORDER_REPLICATE)
    done = cv2.morphologyEx(wider, operation, np.ones((size, size), np.uint8))
    return np.asarray(done[size : size + height, size : size + width], dtype=np.float32)


def _leaning(level: Bytes, paper: Bytes) -> NDArray[np.float64]:
    """Return, for each channel, whether what differs most from `paper` is brighter, 1, or darker, -1.

    A table round the page misleads a median over half the picture, a shadow misleads one paper colour for all,
    and thick strokes mislead a look at which side is thinner: so the three vote.
    """
    distance = _distance(level, paper)
    strong = distance >= max(split(distance), 1e-3)
    difference = level[strong].astype(np.float64) - paper[strong]
    return np.asarray(np.sign(difference.sum(axis=0)))


def _thick(above: Floats) -> float:
    """Return how thick, on average, the parts are that stand out."""
    out = (above > 0.4 * above.max(initial=0)).astype(np.uint8)
    if above.max(initial=0) < THRESHOLDS.faintest_drawn or not out.any():
        return float(max(above.shape))
    return float(cv2.distanceTransform(out, cv2.DIST_L2, 3)[out > 0].mean())


def _filled(level: Floats, distance: Floats) -> Floats:
    """Return the paper's colour (h, w, 3): `level` averaged close by over what is not ink."""
    ink = cv2.dilate((distance > _limit(distance) * 0.6).astype(np.uint8), np.ones((3, 3), np.uint8))
    weight = (1.0 - ink).astype(np.float32) + 1e-4
    sigma = max(1.0, THRESHOLDS.smooth * max(distance.shape))
    total = cv2.GaussianBlur(level * weight[..., None], (0, 0), sigma)
    return np.asarray(total / cv2.GaussianBlur(weight, (0, 0), sigma)[..., None], dtype=np.float32)


def _limit(distance: Floats) -> float:
    """Return the distance above which a pixel of a small picture is ink."""
    return max(split(distance), 4.0 * float(np.median(distance)), THRESHOLDS.faintest_drawn)


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


def split(distance: Floats) -> float:
    """Return Otsu's threshold between paper and ink."""
    top = float(distance.max())
    if top <= 0.0:
        return 0.0
    levels = (distance * (255.0 / top)).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(threshold) * top / 255.0
