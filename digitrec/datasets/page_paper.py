"""Paper, boards and their inks: colours in keeping with each other, and the layers of a page painted one on another.

Pictures here are three planes float32 (3, side, side), red, green and blue, 0 to 255; covers are float32 (side, side),
0 nothing to 1 fully covered.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.datasets.page_backdrops import Bytes, Floats, any_colour
from digitrec.datasets.page_textures import Textures

LAYERS = ("fields", "rules", "print", "ink", "ink2")
"""Names of a page's layers in painting order."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in a grey level (ITU-R BT.601)."""

FAINTEST = 12.0
"""Grey levels between ink and paper in the frame's light that even a faint pencil has."""

PENS = (
    ((14, 14, 16), 0.24),
    ((34, 36, 42), 0.12),
    ((22, 30, 96), 0.14),
    ((28, 46, 150), 0.14),
    ((52, 70, 168), 0.07),
    ((84, 84, 88), 0.12),
    ((168, 24, 30), 0.06),
    ((20, 92, 40), 0.03),
    ((92, 36, 116), 0.03),
    ((70, 48, 30), 0.03),
    ((0, 120, 150), 0.02),
)
"""Colours (red, green, blue) and shares of what people write with on light paper."""

CORRECTIONS = (
    ((196, 22, 30), 0.5),
    ((28, 46, 150), 0.2),
    ((20, 110, 50), 0.12),
    ((110, 40, 130), 0.08),
    ((20, 20, 22), 0.1),
)
"""Colours and shares of the second pen."""

PRINTS = (((18, 18, 20), 0.6), ((70, 70, 74), 0.14), ((26, 50, 120), 0.12), ((150, 30, 36), 0.06), ((24, 96, 60), 0.08))
"""Colours and shares of printers' inks."""

LINES = (
    ((120, 150, 205), 0.4),
    ((140, 140, 146), 0.3),
    ((40, 40, 44), 0.16),
    ((205, 110, 120), 0.07),
    ((110, 175, 140), 0.07),
)
"""Colours and shares of ruled lines."""

CHALKS = (
    ((240, 240, 236), 0.7),
    ((240, 222, 130), 0.12),
    ((244, 170, 190), 0.08),
    ((150, 210, 240), 0.06),
    ((180, 235, 160), 0.04),
)
"""Colours and shares of chalk and of pale pens on dark ground."""

MARKERS = (((24, 24, 28), 0.4), ((24, 52, 170), 0.28), ((200, 26, 36), 0.18), ((16, 130, 60), 0.14))
"""Colours and shares of whiteboard markers."""

Weighted = tuple[tuple[tuple[int, int, int], float], ...]


@dataclass(frozen=True)
class Inks:
    """Colours float32 (3,), 0 to 255, of the ground and of each layer, and how strongly each layer covers (0 to 1)."""

    ground: Floats
    colours: Mapping[str, Floats]
    cover: Mapping[str, float]


@dataclass(frozen=True)
class Drawn:
    """What is written and printed on a page, in frame coordinates at twice the frame's resolution.

    Attributes:
        layers: uint8 (2 side, 2 side) by name, 0 nothing to 255 full; any may be missing or empty.
        grain: Grain of the pencil or chalk in `ink`, 0 to 1.
        side: Pixels of the frame's side.
        digit_height: Frame pixels, about the height of the smallest digits.
    """

    layers: Mapping[str, Bytes]
    grain: float
    side: int
    digit_height: float

    def covers(self) -> dict[str, Floats]:
        """Return the layers that hold anything as covers float32 (side, side), 0 to 1."""
        found = {}
        for name in LAYERS:
            layer = self.layers.get(name)
            if layer is not None and cv2.countNonZero(layer):
                small = cv2.resize(layer, (self.side, self.side), interpolation=cv2.INTER_AREA)
                found[name] = np.multiply(small, np.float32(1 / 255), dtype=np.float32)
        return found

    def handwriting(self) -> Bytes | None:
        """Return both pens as one cover uint8 (side, side), or None where there is neither."""
        found = [self.layers[name] for name in ("ink", "ink2") if name in self.layers]
        if not found:
            return None
        both = found[0] if len(found) == 1 else cv2.max(found[0], found[1])
        return np.asarray(cv2.resize(both, (self.side, self.side), interpolation=cv2.INTER_AREA), np.uint8)


def merged(planes: Floats) -> Bytes:
    """Return planes (3, side, side), 0 to 255, as a picture uint8 (side, side, 3); negative values become 0."""
    np.maximum(planes, 0, out=planes)
    return np.asarray(cv2.merge([cv2.convertScaleAbs(plane) for plane in planes]), np.uint8)


def split(picture: Bytes) -> Floats:
    """Return a picture uint8 (side, side, 3) as planes float32 (3, side, side), 0 to 255."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32)


def greyed(picture: Bytes) -> Bytes:
    """Return a picture (side, side, 3) without its colours."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)


def bordered(rng: np.random.Generator, margins: tuple[int, int, int, int], picture: Bytes) -> Bytes:
    """Paint bands of (left, top, right, bottom) pixels around a picture, in place: black, white, grey or any colour."""
    if any(margins):
        left, top, right, bottom = margins
        grey = float(rng.choice([0, 255, 114, float(rng.integers(256))], p=[0.35, 0.35, 0.15, 0.15]))
        colour = any_colour(rng) if rng.random() < 0.08 else (grey, grey, grey)
        side = len(picture)
        for part in (np.s_[:top], np.s_[side - bottom :], np.s_[:, :left], np.s_[:, side - right :]):
            picture[part] = colour
    return picture


def luma(colour: Floats) -> float:
    """Return the grey level of a colour (3,)."""
    return float(colour @ LUMA)


def pick(rng: np.random.Generator, weighted: Weighted, spread: float = 0.12) -> Floats:
    """Return one of the colours by their shares, a little lighter or darker: float32 (3,)."""
    shares = np.array([share for _, share in weighted])
    colour = np.array(weighted[int(rng.choice(len(weighted), p=shares / shares.sum()))][0], np.float32)
    return np.asarray(
        np.clip(colour * rng.uniform(1 - spread, 1 + 2 * spread) + rng.uniform(-6, 6, 3), 0, 255), np.float32
    )


def paper_colour(rng: np.random.Generator) -> Floats:
    """Return a paper's colour float32 (3,): mostly white, yellowish or grey, then tinted, brown or dark."""
    kind = rng.random()
    if kind < 0.46:
        colour = np.array([246, 246, 246]) - rng.uniform(0, 14) + rng.normal(0, 1.5, 3)
    elif kind < 0.66:
        colour = np.array([246, 240, 220]) * rng.uniform(0.86, 1.02) - np.array([0, 0, rng.uniform(0, 30)])
    elif kind < 0.8:
        colour = np.full(3, rng.uniform(170, 232)) + rng.normal(0, 4, 3)
    elif kind < 0.93:
        tint = np.array(any_colour(rng, 190, 235, 0.2))
        colour = tint + (240 - tint) * rng.uniform(0, 0.6)
    elif kind < 0.97:
        colour = np.array([196, 158, 112]) * rng.uniform(0.75, 1.1)
    else:
        colour = np.array(any_colour(rng, 15, 70, 0.3))
    return np.asarray(np.clip(colour, 5, 255), np.float32)


def choose_inks(rng: np.random.Generator, kind: str, grain: float) -> Inks:
    """Return colours in keeping for a page of one kind; with `grain` the first pen is a pencil or chalk."""
    if kind == "blackboard":
        base = ((34, 60, 48), (40, 44, 46), (22, 26, 28), (30, 50, 74), (52, 74, 56))[int(rng.integers(5))]
        ground = np.array(base, np.float32) * np.float32(rng.uniform(0.8, 1.5))
    elif kind == "whiteboard":
        ground = np.asarray(rng.uniform(224, 250) + rng.normal(0, 4, 3), np.float32)
    else:
        ground = paper_colour(rng)
    dark = luma(ground) < 110
    pens = CHALKS if dark else MARKERS if kind == "whiteboard" else PENS
    ink = pick(rng, pens)
    if grain > 0 and not dark and rng.random() < 0.8:
        ink = np.asarray(rng.uniform(40, 110) + rng.normal(0, 3, 3), np.float32)
    second = pick(rng, CHALKS if dark else MARKERS if kind == "whiteboard" else CORRECTIONS)
    lines = np.asarray(ground + (255 - ground) * np.float32(0.4), np.float32) if dark else pick(rng, LINES)
    printed = pick(rng, CHALKS if dark else PRINTS)
    tint = np.clip(np.array(any_colour(rng, 140, 235, 0.3), np.float32), 0, 255)
    fields = ground + np.float32(25) if dark else ground * tint / 255
    colours = {"fields": fields, "rules": lines, "print": printed, "ink": ink, "ink2": second}
    weak = float(rng.choice([1.0, 0.75, 0.5, 0.3, 0.18], p=[0.58, 0.18, 0.12, 0.08, 0.04]))
    cover = {
        "fields": float(rng.uniform(0.4, 1.0)),
        "rules": float(rng.uniform(0.5, 1.0)),
        "print": float(rng.uniform(0.6, 1.0)),
        "ink": weak,
        "ink2": min(1.0, weak * 1.2),
    }
    return Inks(ground, {name: np.asarray(c, np.float32) for name, c in colours.items()}, cover)


def strength(cover: Floats) -> float:
    """Return how much of the ground the middle of strokes covers, 0 to 1, by a cover float32 (side, side)."""
    part = cover[1::3, 1::3]
    part = part[part > 0.03]
    return float(np.percentile(part, 80)) if part.size else 1.0


def legible(rng: np.random.Generator, inks: Inks, cover: Mapping[str, Floats], dimmest: float) -> tuple[Inks, float]:
    """Return inks of which both pens stand out, and the contrast of the weaker one in grey levels.

    Args:
        rng: Random numbers.
        inks: Colours and covers.
        cover: What each layer covers.
        dimmest: The weakest light on the page, 1 full: it lessens contrasts.
    """
    colours, amounts, contrasts = dict(inks.colours), dict(inks.cover), []
    ground = luma(inks.ground)
    grounds = np.array([ground, ground])
    if "fields" in cover:
        grounds[1] += (luma(inks.colours["fields"]) - ground) * inks.cover["fields"]
    least = FAINTEST + 20 * float(rng.random()) ** 1.4
    for name in ("ink", "ink2"):
        if name not in cover:
            continue
        reach = strength(cover[name]) * dimmest
        extreme = np.full(3, 8.0 if ground > 110 else 247.0, np.float32)
        wanted = min(least, 0.9 * float(np.abs(luma(extreme) - grounds).min()) * reach)
        for share in (0.0, 0.35, 0.7, 1.0):
            colour = inks.colours[name] + (extreme - inks.colours[name]) * np.float32(share)
            full = float(np.abs(luma(colour) - grounds).min()) * reach
            if full >= wanted:
                break
        colours[name] = np.asarray(colour, np.float32)
        amounts[name] = float(np.clip(max(amounts[name], wanted / max(full, 1e-3)), 0, 1))
        contrasts.append(full * amounts[name])
    return Inks(inks.ground, colours, amounts), min(contrasts, default=100.0)


def paint(planes: Floats, colour: Floats, cover: Floats, amount: float = 1.0) -> None:
    """Blend a colour (3,) into planes (3, side, side), in place, by a cover (side, side) times `amount`."""
    if amount < 1.0:
        cover = cover * np.float32(amount)
    for plane, level in zip(planes, colour, strict=True):
        plane += (level - plane) * cover


def surface(rng: np.random.Generator, ground: Floats, textures: Textures, side: int, rough: float = 1.0) -> Floats:
    """Return blank paper as planes float32 (3, side, side), with its tooth, fibres and blotches.

    Args:
        rng: Random numbers.
        ground: Colour (3,).
        textures: Grain.
        side: Pixels.
        rough: How strong the tooth is, 0 to 1.
    """
    planes = np.empty((3, side, side), np.float32)
    amount = rough * float(rng.choice([0.0, 0.03, 0.07, 0.16], p=[0.35, 0.37, 0.22, 0.06]))
    field: Floats | None = None
    if amount:
        field = textures.grain(rng, side)
        field -= np.float32(0.5)
        field *= np.float32(amount)
        field += np.float32(1)
    if rough and rng.random() < 0.12:  # stained or recycled paper
        cells = int(rng.integers(3, 12))
        blotches = cv2.resize(rng.random((cells, cells), dtype=np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
        blotches = 1 - np.float32(rng.uniform(0.03, 0.2)) * blotches
        field = blotches if field is None else field * blotches
    for plane, level in zip(planes, ground, strict=True):
        plane[:] = level if field is None else field * level
    return planes


def roughened(rng: np.random.Generator, cover: Floats, textures: Textures, grain: float) -> Floats:
    """Return the cover of a pencil or chalk that leaves the paper's hollows bare: float32 (side, side)."""
    if grain <= 0:
        return cover
    tooth = textures.grain(rng, len(cover))
    tooth *= np.float32(-min(grain, 0.9))
    tooth += np.float32(1)
    tooth *= cover
    return tooth


def compose(
    rng: np.random.Generator, planes: Floats, inks: Inks, cover: Mapping[str, Floats], textures: Textures, grain: float
) -> None:
    """Paint a page's layers onto its surface, planes (3, side, side), in place; at times writing shows through."""
    ink = cover.get("ink")
    if ink is not None and rng.random() < 0.06:
        _show_through(rng, planes, ink)
    for name in LAYERS:
        if name in cover:
            part = roughened(rng, cover[name], textures, grain) if name == "ink" else cover[name]
            paint(planes, inks.colours[name], part, inks.cover[name])


def _show_through(rng: np.random.Generator, planes: Floats, ink: Floats) -> None:
    """Darken where the writing of the other side, mirrored and blurred, shines through."""
    side = len(ink)
    other = np.roll(ink[:, ::-1], tuple(int(v) for v in rng.integers(-side // 3, side // 3, 2)), (0, 1))
    soft = cv2.GaussianBlur(np.ascontiguousarray(other), (0, 0), float(rng.uniform(1.2, 3)))
    planes *= 1 - np.float32(rng.uniform(0.02, 0.1)) * np.asarray(soft, np.float32)


def polygon(corners: NDArray[np.float64], side: int) -> Bytes:
    """Return the inside of a polygon, corners (N, 2) in pixels, as a cover uint8 (side, side), 0 to 255."""
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return mask
