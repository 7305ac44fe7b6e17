"""Picture -> ink: how much of each pixel is pen, 0 on paper and 1 in the core of a stroke.

Ink is what differs from the paper, in whatever colour and whichever of the two is the lighter. A drawing has
one paper colour: the commonest. In a photo the paper changes from place to place, so its colour is estimated
around each pixel and the noise of the paper decides what is too faint to be ink.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec import settings
from digitrec.imaging import background as papers
from digitrec.imaging.background import Paper
from digitrec.imaging.components import dilated, hysteresis_threshold, quantile
from digitrec.imaging.decode import plain_mode
from digitrec.imaging.ruled_lines import remove_ruled_lines

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Thresholds:
    """Settings, chosen on photos of MNIST digits and on synthetic sheets.

    Attributes:
        faded: Core of the faintest strokes that are followed to their ends, as a fraction of the core of all. For pale
            strokes on sheets photographed on a desk.
        nearby: Standard deviation of the blur that tells how dark the strokes around a pixel are, as a fraction of the
            longer side. With it 98.8 % of the digits of photos were read, 98.1 % without; 83 and 72 % of those written
            with a pen that skips.
        most_dotted: Ink with dotted strokes followed, at most, as a multiple of the ink without: where they are more,
            they are faint rules.
    """

    faded: float = 0.4
    nearby: float = 0.015
    most_dotted: float = 1.06


THRESHOLDS = Thresholds()

# Pillow refuses twice as many, also where the canvas decodes a drawing.
Image.MAX_IMAGE_PIXELS = settings.LIMITS["megapixels"].high * 1_000_000 // 2


def on_paper(image: Image.Image) -> Bytes:
    """Return a picture as RGB, uint8 (H, W, 3); what is transparent is white, or black under light strokes."""
    pixels = np.asarray(plain_mode(image))
    if pixels.shape[2] == 3:
        return pixels
    colours, cover = _flattened(pixels)
    if cover is None:
        return colours
    light = (colours.mean(axis=2) * cover).sum() > 128.0 * cover.sum()
    ground = 0.0 if light else 255.0
    mixed = colours * cover[..., None] + ground * (1.0 - cover[..., None])
    return np.rint(mixed).astype(np.uint8)


def from_picture(image: Image.Image) -> Floats:
    """Return the ink of a picture; of a photo on a ground of one colour, that of the photo.

    Args:
        image: Any mode; drawn or photographed, dark on light or light on dark, opaque or transparent.

    Returns:
        float32 (H, W), 0 paper, 1 the core of a stroke; exactly 0 on paper. A blank picture is all zeros.
    """
    pixels = np.asarray(plain_mode(image))
    photo = papers.inset(pixels)
    if photo is None:
        return from_canvas(pixels)
    left, top, right, bottom = photo
    ink = np.zeros(pixels.shape[:2], np.float32)
    ink[top:bottom, left:right] = from_canvas(pixels[top:bottom, left:right])
    return ink


def from_canvas(pixels: Bytes, ruled: bool = True) -> Floats:
    """Return the ink of a drawing on a canvas: the very same way as a picture's, so that both give one glyph.

    Args:
        pixels: uint8 (H, W, 4) or (H, W, 3), strokes on an even or a transparent ground.
        ruled: Whether there may be ruled lines, which are removed. To look for them takes a quarter of the time.

    Returns:
        float32 (H, W), 0 paper, 1 the core of a stroke. An empty canvas is all zeros.
    """
    colours, cover = _flattened(pixels)
    if cover is not None:
        return _inked(Paper(cover * 255.0, 0.0, papers.THRESHOLDS.faintest_drawn), ruled)
    return _inked(papers.flat(colours) or papers.uneven(colours), ruled)


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


def _inked(paper: Paper, ruled: bool) -> Floats:
    """Return ink (H, W), 0 to 1, from distances: strong ink, what joins it, and nothing else; see `from_canvas`."""
    distance = paper.distance
    candidates = distance[distance > max(paper.faintest, 4.0 * paper.noise)]
    if not candidates.size:
        return np.zeros(distance.shape, np.float32)
    core = _core(candidates)
    if core < 6.0 * paper.noise:
        return np.zeros(distance.shape, np.float32)
    high = max(0.4 * core, 4.0 * paper.noise, min(paper.faintest, 0.8 * core))
    box = _box(distance > 0.0, 1) if paper.noise == 0.0 else np.s_[:, :]  # most of a drawing is blank
    inside = distance[box]
    strong = inside > high
    kept = _followed(inside, _lowest(core, paper), strong, paper.noise)
    own = np.zeros(distance.shape, np.float32)
    own[box] = np.where(kept, inside, np.float32(0.0))
    near = _core_nearby(own, core)[box]
    low = _lowest(near, paper)
    soft = dilated(_followed(inside, low, strong, paper.noise))
    written = _box(soft, 0)

    def with_core(full: Floats | np.float32) -> Floats:
        made = np.zeros(distance.shape, np.float32)
        made[box][written] = np.where(soft[written], _ramp(inside[written], low[written], full), np.float32(0.0))
        return made

    ink = with_core(near[written])
    return remove_ruled_lines(ink, with_core(np.float32(core))) if ruled else ink


def _box(mask: Mask, margin: int) -> tuple[slice, slice]:
    """Return where in a mask (H, W) all that is set lies, and so many pixels around it."""
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    return np.s_[max(0, top - margin) : top + height + margin, max(0, left - margin) : left + width + margin]


def _followed(distance: Floats, low: Floats, strong: Mask, noise: float) -> Mask:
    """Return the pixels (H, W) above `low` that join strong ones, also over small gaps where few of all do so.

    A ball that presses little on rough paper leaves dots. Where they would be much of the ink, they are faint rules.
    """
    weak = distance > low
    joining = hysteresis_threshold(weak, strong, specks=noise == 0.0)
    if noise == 0.0:
        return joining
    clear = (weak & (distance > 4.0 * noise)).astype(np.uint8)
    dotted = cv2.morphologyEx(clear, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0
    followed = weak & hysteresis_threshold(weak | dotted, strong, specks=False)
    return followed if followed.sum() < THRESHOLDS.most_dotted * joining.sum() else joining


def _core(distances: Floats) -> float:
    """Return the distance of a stroke's core, from what is on the ink's side of Otsu's threshold."""
    strong = distances[distances >= papers.split(distances.reshape(1, -1))]
    return quantile(strong, 0.75)


def _lowest(core: Floats | float, paper: Paper) -> Floats:
    """Return the distance from which a pixel that joins strong ink of this core is ink."""
    low = np.maximum(np.maximum(0.2 * core, 2.5 * paper.noise), np.minimum(paper.faintest, 0.5 * core))
    return np.asarray(low, dtype=np.float32)


def _ramp(distance: Floats, low: Floats, core: Floats | np.float32) -> Floats:
    """Return how much of each pixel is ink, 0 to 1: all of it from the core on."""
    return np.clip((distance - 0.5 * low) / np.maximum(core - 0.5 * low, np.float32(1e-3)), 0.0, 1.0)


def _core_nearby(own: Floats, core: float) -> Floats:
    """Return the core (H, W) of the strokes around each pixel: where a pen presses less, all of its stroke is fainter.

    Args:
        own: (H, W), the distance of ink from the paper, 0 elsewhere.
        core: The core of all strokes, of which the one nearby is at least the fraction `faded`.
    """
    height, width = own.shape
    size = (max(1, width // 8), max(1, height // 8))
    first, second = (
        cv2.GaussianBlur(cv2.resize(values, size, interpolation=cv2.INTER_AREA), (0, 0), max(size) * THRESHOLDS.nearby)
        for values in (own, own * own)
    )
    near = np.clip(1.15 * second / np.maximum(first, 1e-3), THRESHOLDS.faded * core, core)
    near = np.where(first > 0.0, near, np.float32(core)).astype(np.float32)
    return np.asarray(cv2.resize(near, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
