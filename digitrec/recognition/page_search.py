"""Picture -> candidates for digits and the page's rotation, by passes of the detector at fitting sizes.

The first pass sees the whole picture at a moderate size. It tells at which angle the page lies and how small the digits
are; a second one looks at the part that is written on, upright, at the size that its digits want.
"""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.imaging.rotation import for_opencv, rotation
from digitrec.recognition import detector_maps as maps
from digitrec.recognition.detector import Detections, Detector, concatenated, mean_direction

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Thresholds:
    """Settings of the search; chosen on synthetic validation pages (`tests/bench/synthetic.py`).

    Attributes:
        small_side: Pixels of the longest side in the first pass, which sees digits as large as the picture.
        first_side: The same in the second pass.
        most_enlarged: A small picture is enlarged at most so much.
        telling: Objectness from which a candidate tells the angle and the digits' size.
        weak: The same on a page without any of those, if many lie the same way.
        many: So many of these at least, as most pages of weak candidates hold no digit.
        alike: Share of their votes that the likeliest direction and its neighbours must have.
        fewest: Candidates that tell an angle at least; one digit alone may be a 6 or a 9.
        faint: Objectness from which a candidate belongs to the part that is written on.
        upright: Degrees within which a page is read as it lies.
        in_rows: Clearness from which the direction of rows refines the angle.
        wanted: Pixels that the smallest tenth of the digits shall have in the second pass.
        gain: Enlargement from which a second pass is worth its time.
        closest: Enlargement of the picture itself in the second pass, at most; a small picture's may be `gain` times
            that of the first.
        most_pixels: Of the second pass.
        clear: Objectness of the one digit of a picture from which no second pass is needed.
        large: Its height in pixels of the first pass, at least.
    """

    small_side: int = 352
    first_side: int = 1280
    most_enlarged: float = 4.0
    telling: float = 0.3
    weak: float = 0.15
    many: int = 12
    alike: float = 0.5
    fewest: int = 3
    faint: float = 0.1
    upright: float = 4.0
    in_rows: float = 0.4
    wanted: float = 40.0
    gain: float = 1.25
    closest: float = 1.6
    most_pixels: float = 4.5e6
    clear: float = 0.5
    large: float = 24.0


THRESHOLDS = Thresholds()


@dataclass(frozen=True)
class Pass:
    """One look of the detector at a part of the page.

    Attributes:
        heat: float32 (h, w), objectness logits.
        scale: Cells of `heat` per pixel of the page.
        left: x of the part's left edge, in pixels of the page.
        top: y of its upper edge.
    """

    heat: Floats
    scale: float
    left: float
    top: float


@dataclass(frozen=True)
class Search:
    """What the detector found on a page.

    Attributes:
        angle: By how many degrees counter-clockwise the picture was rotated to make the page upright; 0.0 to 360.0.
        found: Candidates, in pixels of the upright page.
        passes: The looks at the upright page.
    """

    angle: float
    found: Detections
    passes: tuple[Pass, ...]


def rotated(image: Bytes, angle: float) -> Bytes:
    """Return a picture (H, W, 3) rotated counter-clockwise by degrees, as large as it needs to be."""
    if angle % 90.0 == 0.0:
        return np.ascontiguousarray(np.rot90(image, round(angle / 90.0)))
    matrix, size = rotation((image.shape[1], image.shape[0]), angle)
    fill = [float(value) for value in np.median(image.reshape(-1, 3)[:: max(1, image.size // 30_000)], axis=0)]
    done = cv2.warpAffine(image, for_opencv(matrix), size, borderMode=cv2.BORDER_CONSTANT, borderValue=fill)
    return np.asarray(done, np.uint8)


def search(
    image: Bytes,
    detector: Detector,
    angle: float | None = None,
    thresholds: Thresholds = THRESHOLDS,
    single: bool = False,
) -> Search:
    """Look for digits.

    Args:
        image: uint8 (H, W, 3), RGB.
        detector: The detector.
        angle: By how many degrees counter-clockwise the page is upright; found out unless given.
        thresholds: The settings.
        single: Whether the picture is known to hold one digit: if that is clear and large in the first pass, it is the
            only one.
    """
    size, scales = (image.shape[1], image.shape[0]), _first_scales(image, thresholds)
    first = scales[:1] if single else scales
    found, passes = _passes(image, first, detector, angle or 0.0)
    if single and _shown(found, scales[0], thresholds):
        return Search((angle or 0.0) % 360.0, found, tuple(passes))
    if further := scales[len(first) :]:
        more, others = _passes(image, further, detector, angle or 0.0)
        found, passes = concatenated([found, more]), passes + others
    guide, least = found, thresholds.gain * scales[-1]
    if angle is None:
        angle = page_angle(found, thresholds)
        if angle:
            guide, least = _turned(found, size, angle), 0.0
            found, passes = _passes(image, scales[:1], detector, angle)
    closer = _closer(guide, rotation(size, angle)[1], scales[-1], least, thresholds)
    if closer is not None:
        scale, (left, top, right, bottom) = closer
        more, heat = detector.detect(_window(image, angle, scale, (left, top, right, bottom)))
        passes.append(Pass(heat, scale / maps.STRIDE, left, top))
        found = concatenated([found, more.moved(1.0 / scale, left, top)])
    return Search(angle % 360.0, found, tuple(passes))


def _shown(found: Detections, scale: float, thresholds: Thresholds) -> bool:
    """Return whether the surest candidate of a pass at a scale is clear and large enough to need no larger one."""
    surest = found.take(found.objectness == found.objectness.max(initial=0.0))
    return bool(((surest.objectness > thresholds.clear) & (surest.boxes[:, 3] * scale > thresholds.large)).any())


def _first_scales(image: Bytes, thresholds: Thresholds) -> list[float]:
    side = max(image.shape[:2])
    return sorted({min(s / side, thresholds.most_enlarged) for s in (thresholds.small_side, thresholds.first_side)})


def _turned(found: Detections, size: tuple[int, int], angle: float) -> Detections:
    """Return candidates of a picture of this width and height where they lie when it is rotated; angles stay."""
    matrix, _ = rotation(size, angle)
    boxes = found.boxes.copy()
    boxes[:, :2] = found.boxes[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    return replace(found, boxes=boxes)


def _passes(image: Bytes, scales: list[float], detector: Detector, angle: float) -> tuple[Detections, list[Pass]]:
    """Return what looks at the whole page at some scales find, in pixels of the upright page, and the looks."""
    found, passes = [], []
    for scale in scales:
        seen = rotated(resized(image, scale), angle)
        some, heat = detector.detect(seen)
        found.append(some.moved(1.0 / scale))
        passes.append(Pass(heat, scale / maps.STRIDE, 0.0, 0.0))
    return concatenated(found), passes


def resized(image: Bytes, scale: float) -> Bytes:
    """Return a picture `scale` times as large."""
    if scale == 1.0:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8)


def _window(image: Bytes, angle: float, scale: float, box: tuple[float, float, float, float]) -> Bytes:
    """Return a part of the upright page at a scale, cut out of the picture in one step."""
    left, top, right, bottom = box
    size = (round((right - left) * scale), round((bottom - top) * scale))
    matrix, _ = rotation((image.shape[1], image.shape[0]), angle)
    if scale < 1.0:  # reduced by area first, as a plain warp would skip pixels
        image = resized(image, scale)
        matrix[:, 2] *= scale
        matrix[:, 2] -= np.array([left, top]) * scale
    else:
        matrix[:, 2] -= (left, top)
        matrix = matrix * scale
    return np.asarray(cv2.warpAffine(image, for_opencv(matrix), size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _closer(
    found: Detections, size: tuple[int, int], scale: float, least: float, thresholds: Thresholds
) -> tuple[float, tuple[float, float, float, float]] | None:
    """Return at which scale to look again, and at which part (left, top, right, bottom); None where it is not worth it.

    Args:
        found: Candidates, in pixels of the upright page.
        size: Width and height of that page.
        scale: Of the largest look so far.
        least: Smallest scale that is worth a look.
        thresholds: The settings.
    """
    sure = telling(found, thresholds)
    if not len(sure):
        return None
    small = float(np.quantile(sure.boxes[:, 3], 0.1))
    faint = found.take(found.objectness > thresholds.faint)
    margin = 3.0 * float(np.median(sure.boxes[:, 3]))
    left, top = np.maximum(faint.boxes[:, :2].min(axis=0) - margin, 0)
    right, bottom = np.minimum(faint.boxes[:, :2].max(axis=0) + margin, size)
    most = math.sqrt(thresholds.most_pixels / max(1.0, (right - left) * (bottom - top)))
    wanted = min(max(thresholds.wanted / small, scale), most, max(thresholds.closest, thresholds.gain * scale))
    if wanted < least:
        return None
    return wanted, (float(left), float(top), float(right), float(bottom))


def telling(found: Detections, thresholds: Thresholds = THRESHOLDS) -> Detections:
    """Return the candidates that tell the angle and the digits' size: the sure ones, or many weak ones that agree."""
    surest = float(found.objectness.max(initial=0.0))
    if surest > thresholds.telling:
        return found.take(found.objectness > thresholds.telling)
    weak = found.take(found.objectness > max(thresholds.weak, 0.5 * surest))
    votes = _votes(weak)
    near = votes[(np.arange(-2, 3) + _likeliest(votes)) % maps.ANGLE_BINS]
    agree = len(weak) >= thresholds.many and near.sum() >= thresholds.alike * votes.sum()
    return weak if agree else weak.take(np.arange(0))


def _votes(found: Detections) -> Floats:
    """Return what candidates say of the page's angle, each by its objectness: float32 (36,), of the bins."""
    return np.asarray((found.angles * found.objectness[:, None]).sum(axis=0), np.float32)


def _likeliest(votes: Floats) -> int:
    """Return the bin with the most votes, those of its neighbours counted in part."""
    smooth = votes + 0.7 * (np.roll(votes, 1) + np.roll(votes, -1)) + 0.3 * (np.roll(votes, 2) + np.roll(votes, -2))
    return int(smooth.argmax())


def page_angle(found: Detections, thresholds: Thresholds = THRESHOLDS) -> float:
    """Return by how many degrees counter-clockwise the page becomes upright, 0.0 where it is, or nothing tells.

    The bins of the digits' angles vote for a direction, each digit by its objectness. Where neighbouring digits lie in
    clear rows, these refine it: their direction is known but for quarter turns.
    """
    sure = telling(found, thresholds)
    sure = sure.take(sure.objectness > 0.5 * sure.objectness.max(initial=0.0))
    if len(sure) < thresholds.fewest:
        return 0.0
    best = float(maps.BIN_ANGLES[_likeliest(_votes(sure))])
    alike = np.cos(sure.direction - best) > math.cos(math.radians(30))
    angle = float(mean_direction(sure.direction[alike], sure.objectness[alike])) if alike.any() else best
    rows, clear = row_direction(sure)
    if clear > thresholds.in_rows:
        angle += math.remainder(rows - angle, math.pi / 2)
    degrees = (math.degrees(angle) + 180.0) % 360.0 - 180.0
    return 0.0 if abs(degrees) <= thresholds.upright else round(degrees, 1) % 360.0


def row_direction(found: Detections) -> tuple[float, float]:
    """Return the direction of rows or columns in radians, -pi / 4 to pi / 4, and how clear it is, 0 to 1.

    The directions from each digit to its two nearest neighbours are averaged, quarter turns left out of account.
    """
    if len(found) < 4:
        return 0.0, 0.0
    x, y = found.boxes[:, 0], found.boxes[:, 1]
    across, down = x[None] - x[:, None], y[None] - y[:, None]
    distance = np.hypot(across, down)
    np.fill_diagonal(distance, np.inf)
    size = found.boxes[:, 2:].max(axis=1)
    nearest = np.argsort(distance, axis=1)[:, :2]
    first = np.repeat(np.arange(len(found)), 2)
    second = nearest.ravel()
    close = distance[first, second] < 3.5 * np.maximum(size[first], size[second])
    weight = found.objectness[first] * found.objectness[second]
    angles = np.arctan2(down[first, second], across[first, second])
    total = (np.exp(4j * angles) * weight * close).sum()
    return float(np.angle(total)) / 4, float(abs(total) / max(float(weight.sum()), 1e-6))
