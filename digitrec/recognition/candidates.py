"""Picture -> candidates for digits: the detector's, and on drawings and photos of little ink those of the ink."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.imaging import background, decode, rotation
from digitrec.imaging import ink as imaging_ink
from digitrec.imaging.components import connected_components
from digitrec.recognition import connected_parts, crop_classifier, fusion, local_ink, page_search, segmentation
from digitrec.recognition import detector as detection
from digitrec.recognition import detector_maps as maps
from digitrec.recognition.crop_classifier import CropAnswers, CropClassifier
from digitrec.recognition.crop_outputs import ALIKE
from digitrec.recognition.detector import Detections
from digitrec.recognition.normalize import Box, Cut
from digitrec.recognition.page_search import Pass, Search
from digitrec.recognition.results import Page
from digitrec.recognition.shipped import PageModels

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Parts = tuple[NDArray[np.int32], NDArray[np.int32]]


@dataclass(frozen=True)
class Thresholds:
    """Settings; chosen on synthetic validation pages.

    Attributes:
        most_side: Larger pictures are reduced to this longest side, in pixels, before digits are looked for.
        single_side: The same before the ink of a picture that is known to hold one digit is looked for.
        most_alone: Connected components of a drawing up to which the ink step needs no detector.
        solid: Share of a component's shorter side that the widest circle in it has from which it is an area, such as
            paper on a table, and no stroke; that side is at least the second share of the picture's longest one.
        most_parts: Connected components of the ink of a photo, and digits that the detector sees, up to which the ink
            step looks for digits too.
        same: Intersection over union from which a segment of the ink and a detection are the same digit.
        inside: Share of a smaller box inside another one from which only the likelier is kept.
        least: Objectness below which a detection is no candidate: with the weights of `fusion` it would be rejected
            whatever the classifier says.
        most: Candidates that are looked at, the likeliest.
        telling: Objectness from which a candidate tells which way up the page is.
        fewest: Candidates that tell it, at least.
        most_asked: Candidates that tell it, at most.
        votes: Weight of the detector's log probabilities of the four ways up beside the crop classifier's.
        doubted: Probability that is added to each of those four, so that none is ruled out.
        turned: By how much likelier (mean log probability) the digits must lie another way up for the page to be
            rotated by quarters.
        fitting: Pixels of its longer side at which the detector sees a digit best.
        about: Width of the bell curve, over the logarithm of that size, by which passes count.
        sure: How sure the classifier must be, on average, of the strokes of a drawing for the detector not to be asked.
        likely: The same for the strokes to count where the detector finds no more digits than they show.
    """

    most_side: int = 2600
    single_side: int = 640
    most_alone: int = 12
    solid: tuple[float, float] = (0.5, 0.3)
    most_parts: int = 4
    same: float = 0.3
    inside: float = 0.5
    least: float = 0.25
    most: int = 400
    telling: float = 0.3
    fewest: int = 3
    most_asked: int = 40
    votes: float = 0.1
    doubted: float = 0.02
    turned: float = 0.1
    fitting: float = 40.0
    about: float = 0.6
    sure: float = 0.95
    likely: float = 0.7


THRESHOLDS = Thresholds()


@dataclass(frozen=True)
class Candidate:
    """What may be a digit.

    Attributes:
        box: In pixels of the page.
        cut: Its glyph and the steps to it.
        known: float32 (9,), what is known of it beside the classifier's rejection score; see `fusion.FEATURES`.
        detected: float32 (10,), the detector's log probabilities of the digits.
        cropped: float32 (10,), those of the crop classifier.
        answer: What the classifier that rejects non-digits says of the glyph: probabilities (10,) and is_digit.
    """

    box: Box
    cut: Cut
    known: Floats
    detected: Floats
    cropped: Floats
    answer: tuple[Floats, float]

    @property
    def seen(self) -> Floats:
        """What detector and crop classifier say of the digits, float32 (10,): added to the classifier's logarithms."""
        return fusion.seen(self.detected, self.cropped)


@dataclass(frozen=True)
class Found:
    """The candidates of a picture.

    Attributes:
        angle: By how many degrees counter-clockwise the picture was rotated to be upright.
        size: Width and height of the picture that the boxes refer to.
        page: The page reduced.
        candidates: None of them twice.
    """

    angle: float
    size: tuple[int, int]
    page: Page
    candidates: tuple[Candidate, ...]


class _Looked(NamedTuple):
    """What both nets see on a page rotated to an angle: the likely candidates and what the crop classifier says."""

    search: Search
    upright: Bytes
    found: Detections
    cropped: CropAnswers


@dataclass(frozen=True)
class _Some:
    """Candidates before they are weighed: boxes (N, 4) of left, top, width, height, and one row each."""

    boxes: Floats
    cuts: list[Cut]
    detected: Floats  # (N, 10)
    cropped: CropAnswers
    from_ink: NDArray[np.bool_]  # (N,)


def find(
    image: Image.Image,
    classifier: connected_parts.Reader,
    models: PageModels,
    angle: float | None = None,
    thresholds: Thresholds = THRESHOLDS,
    plain: bool | None = None,
    single: bool = False,
) -> Found:
    """Find what may be digits.

    Args:
        image: As `decode.opened` returns it.
        classifier: The model that rejects non-digits.
        models: The nets that find digits.
        angle: By how many degrees counter-clockwise the page is upright; found out unless given.
        thresholds: The settings.
        plain: Whether it is a drawing, as `is_plain` says; found out unless given.
        single: Whether it is known to hold one digit.
    """
    pixels = imaging_ink.on_paper(decode.within(image, thresholds.most_side))
    looked = _looked(pixels, models, angle, thresholds, single)
    turns = _turns(looked.found, looked.cropped, thresholds) if angle is None else 0
    if turns:
        looked = _looked(pixels, models, looked.search.angle + 90.0 * turns, thresholds)
    search, upright, some = looked.search, looked.upright, _detected(looked)
    size = (upright.shape[1], upright.shape[0])
    small = decode.within(decode.reduced(image), thresholds.single_side) if single else decode.reduced(image)
    page = Page(rotation.rotated(small, search.angle))
    flat = is_plain(image) if plain is None else plain
    if flat or (_few(looked.found, thresholds) and _count(parts_of(page.ink)) <= thresholds.most_parts):
        some = _merged(_marked(page.ink, classifier, upright, models.crop_classifier), some, thresholds)
    return Found(search.angle, size, page, _weighed(some, search, flat, classifier, thresholds))


def _few(found: Detections, thresholds: Thresholds) -> bool:
    """Return whether the detector sees so few digits that a photo may be one of little ink."""
    return int((found.objectness > 0.5).sum()) <= thresholds.most_parts


def is_plain(image: Image.Image) -> bool:
    """Return whether a picture is a drawing: strokes on a ground of one colour, or on none."""
    small = np.asarray(decode.reduced(decode.plain_mode(image)))
    return bool(small.shape[2] == 4 and np.ptp(small[..., 3]) > 0) or background.flat(small[..., :3]) is not None


def parts_of(ink: Floats) -> Parts:
    """Return the connected parts of ink, float32 (H, W), as `connected_components` does."""
    return connected_components(ink > connected_parts.FAINT)


def _count(parts: Parts) -> int:
    return len(parts[1]) - 1


def needs_detector(parts: Parts, thresholds: Thresholds = THRESHOLDS) -> bool:
    """Return whether a drawing's ink has so many parts that print or letters may be among them."""
    return _count(parts) > thresholds.most_alone


def has_area(parts: Parts, thresholds: Thresholds = THRESHOLDS) -> bool:
    """Return whether a part of a drawing's ink is too wide for a stroke, as paper on a table is."""
    labels, boxes = parts
    thick, side = thresholds.solid
    for number, (left, top, width, height, _) in enumerate(boxes[1:], 1):
        if min(width, height) > side * max(labels.shape):
            mask = (labels[top : top + height, left : left + width] == number).astype(np.uint8)
            within = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 3)
            if 2.0 * float(within.max()) > thick * min(width, height):
                return True
    return False


def _looked(
    page: Bytes, models: PageModels, angle: float | None, thresholds: Thresholds, single: bool = False
) -> _Looked:
    """Return what both nets see on a page, uint8 (H, W, 3); see `find`."""
    search = page_search.search(page, models.detector, angle, single=single)
    upright = page_search.rotated(page, search.angle)
    likely = np.flatnonzero(search.found.objectness >= thresholds.least)
    found = search.found.take(likely[: thresholds.most])
    crops = crop_classifier.crops_of(upright, found.boxes, found.tilt)
    return _Looked(search, upright, found, models.crop_classifier.answers(crops))


def _turns(found: Detections, cropped: CropAnswers, thresholds: Thresholds) -> int:
    """Return by how many more quarter turns counter-clockwise the digits are upright, mostly 0.

    The first pass takes some pages for the wrong way up. Here the crop classifier tells, and the detector again, which
    saw the digits larger since. A 0, a 1 and an 8 tell the crop classifier nothing: they look the same both ways.
    """
    telling = np.flatnonzero(found.objectness > thresholds.telling)[: thresholds.most_asked]
    if len(telling) < thresholds.fewest:
        return 0
    unlike = 1.0 - np.exp(cropped.digits[telling])[:, ALIKE].sum(axis=1, keepdims=True)
    quarters = np.round(np.arange(maps.ANGLE_BINS) / (maps.ANGLE_BINS / 4)).astype(int) % 4
    votes = found.angles[telling] @ np.eye(4, dtype=np.float32)[quarters]
    ways = (unlike * cropped.ways[telling] + thresholds.votes * np.log(votes + thresholds.doubted)).mean(axis=0)
    best = int(ways.argmax())
    return best if ways[best] > ways[0] + thresholds.turned else 0


def _detected(looked: _Looked) -> _Some:
    """Return the detector's candidates with glyphs from the ink around each."""
    found = looked.found
    cuts = [
        local_ink.glyph_of(looked.upright, box, float(angle))
        for box, angle in zip(found.boxes, found.tilt, strict=True)
    ]
    edges = detection.extents(found)
    boxes = np.concatenate([edges[:, :2], edges[:, 2:] - edges[:, :2]], axis=1)
    logits = found.classes - found.classes.max(axis=1, keepdims=True)
    detected = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return _Some(boxes, cuts, detected.astype(np.float32), looked.cropped, np.zeros(len(found), bool))


def _marked(ink: Floats, classifier: connected_parts.Reader, upright: Bytes, crops: CropClassifier) -> _Some:
    """Return the segments of the ink, of which the detector has said nothing yet."""
    segments = [segment for row in segmentation.find(ink, classifier) for segment in row]
    scale = np.array([upright.shape[1] / ink.shape[1], upright.shape[0] / ink.shape[0]] * 2, np.float32)
    boxes = np.array([segment.box for segment in segments], np.float32).reshape(-1, 4) * scale
    nothing = np.full((len(segments), 10), -np.log(10.0), np.float32)
    middles = np.concatenate([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)
    cropped = crops.answers(crop_classifier.crops_of(upright, middles, np.zeros(len(segments), np.float32)))
    return _Some(boxes, [segment.cut for segment in segments], nothing, cropped, np.ones(len(segments), bool))


def _merged(segments: _Some, detected: _Some, thresholds: Thresholds) -> _Some:
    """Return segments and detections together; of both on one digit, the segment with what the detector says."""
    shared, union, _ = _overlaps(segments.boxes, detected.boxes)
    same = shared > thresholds.same * union
    classes = segments.detected.copy()
    for segment, place in enumerate((shared / union).argmax(axis=1) if same.size else []):
        if same[segment, place]:
            classes[segment] = detected.detected[place]
    alone: NDArray[np.bool_] = np.logical_not(same.any(axis=0))
    return _Some(
        np.concatenate([segments.boxes, detected.boxes[alone]]),
        segments.cuts + [cut for cut, keep in zip(detected.cuts, alone, strict=True) if keep],
        np.concatenate([classes, detected.detected[alone]]),
        segments.cropped.and_those(detected.cropped, alone),
        np.concatenate([segments.from_ink, detected.from_ink[alone]]),
    )


def _overlaps(some: Floats, others: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the shared areas (N, M) of boxes (N, 4) and (M, 4), the areas of both together, and of the smaller."""
    left, top, width, height = (some[:, i, None] for i in range(4))
    x, y, wide, high = (others[None, :, i] for i in range(4))
    across = np.minimum(left + width, x + wide) - np.maximum(left, x)
    down = np.minimum(top + height, y + high) - np.maximum(top, y)
    shared = np.maximum(across, 0) * np.maximum(down, 0)
    first, second = width * height, wide * high
    return shared, np.maximum(first + second - shared, 1e-6), np.maximum(np.minimum(first, second), 1e-6)


def heat_in(boxes: Floats, passes: tuple[Pass, ...], thresholds: Thresholds = THRESHOLDS) -> tuple[Floats, Floats]:
    """Return the objectness logits in the middle half of boxes (N, 4) of left, top, width, height.

    Returns:
        The highest of all passes (N,), and their mean (N,), in which passes count that see a box at a fitting size.
    """
    seen = np.full((len(passes), len(boxes)), -8.0, np.float32)
    weights = np.zeros((len(passes), len(boxes)))
    for number, look in enumerate(passes):
        left, top, width, height = ((boxes - [look.left, look.top, 0, 0]) * look.scale).T
        rows, columns = look.heat.shape
        for i in range(len(boxes)):
            x0, x1 = int(left[i] + 0.25 * width[i]), int(left[i] + 0.75 * width[i]) + 1
            y0, y1 = int(top[i] + 0.25 * height[i]), int(top[i] + 0.75 * height[i]) + 1
            part = look.heat[max(0, y0) : min(rows, y1), max(0, x0) : min(columns, x1)]
            if part.size:
                seen[number, i] = part.max()
                weights[number, i] = 1.0
        pixels = maps.STRIDE * np.maximum(np.maximum(width, height), 1e-3)
        weights[number] *= np.exp(-0.5 * (np.log(pixels / thresholds.fitting) / thresholds.about) ** 2) + 1e-6
    seen = np.clip(seen, -8.0, 8.0)
    total = weights.sum(axis=0)
    fitting = np.where(total > 0.0, (weights * seen).sum(axis=0) / np.maximum(total, 1e-9), -8.0)
    return seen.max(axis=0, initial=-8.0), fitting.astype(np.float32)


def _weighed(
    some: _Some, search: Search, flat: bool, classifier: connected_parts.Reader, thresholds: Thresholds
) -> tuple[Candidate, ...]:
    """Return candidates with what speaks for each, and of those that overlap the likeliest."""
    if not len(some.boxes):
        return ()
    answers = classifier.answers(np.stack([cut.glyph for cut in some.cuts]))
    heat, fitting = heat_in(some.boxes, search.passes, thresholds)
    known = fusion.features(heat, fitting, some.from_ink, flat, some.boxes, some.cropped.is_digit)
    likely = fusion.is_digit(fusion.evidence(known), fusion.trust(known), answers.is_digit)
    shared, _, smaller = _overlaps(some.boxes, some.boxes)
    kept: list[int] = []
    for place in np.argsort(-likely, kind="stable"):
        if not any(shared[place, other] > thresholds.inside * smaller[place, other] for other in kept):
            kept.append(int(place))
    return tuple(
        Candidate(
            box=_whole(some.boxes[i]),
            cut=some.cuts[i],
            known=known[i],
            detected=some.detected[i],
            cropped=some.cropped.digits[i],
            answer=(answers.probabilities[i], float(answers.is_digit[i])),
        )
        for i in sorted(kept)
    )


def _whole(box: Floats) -> Box:
    """Return a box in whole pixels."""
    left, top = np.floor(box[:2])
    right, bottom = np.ceil(box[:2] + box[2:])
    return Box(int(left), int(top), max(1, int(right - left)), max(1, int(bottom - top)))


def scaled(found: Found, size: tuple[int, int]) -> Found:
    """Return the candidates with boxes in pixels of the upright picture of this width and height."""
    scale = np.array([size[0] / found.size[0], size[1] / found.size[1]] * 2)
    moved = tuple(replace(c, box=_whole((np.array(c.box) * scale).astype(np.float32))) for c in found.candidates)
    return replace(found, size=size, candidates=moved)
