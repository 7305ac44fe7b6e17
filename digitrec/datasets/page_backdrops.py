"""Pictures of what lies under and around a sheet: wood, cloth, stone, plants, metal, keyboards, screens, skin, sky.

Each family is a function `(rng, side) -> uint8 (side, side, 3)`, RGB. They cost 10 to 80 ms each, so `Textures` keeps
a pool of them. There is never a digit in them.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Colour = tuple[float, float, float]

WOODS: tuple[tuple[Colour, ...], ...] = (
    ((92, 58, 32), (158, 108, 66), (196, 150, 102)),
    ((52, 32, 22), (92, 60, 42), (120, 84, 60)),
    ((150, 104, 62), (206, 164, 112), (232, 200, 152)),
    ((186, 176, 162), (214, 206, 194), (232, 226, 216)),
    ((28, 22, 20), (50, 42, 38), (74, 64, 58)),
    ((96, 92, 86), (142, 136, 128), (176, 170, 160)),
    ((104, 46, 26), (150, 74, 42), (182, 104, 64)),
)
"""Colour ramps (dark to light) of oak, walnut, pine, white laminate, wenge, weathered grey wood and cherry."""

GREENS: tuple[Colour, ...] = ((18, 30, 12), (46, 80, 26), (98, 138, 52), (176, 196, 96))
"""Colour ramp of leaves and grass."""

SKINS: tuple[tuple[Colour, ...], ...] = (
    ((150, 96, 74), (218, 164, 136), (244, 208, 186)),
    ((96, 58, 40), (160, 108, 78), (204, 156, 122)),
    ((40, 24, 18), (84, 52, 38), (128, 88, 66)),
)
"""Colour ramps of skin in shade and in light."""


def smooth_noise(rng: np.random.Generator, height: int, width: int, cells: float, aspect: float = 1.0) -> Floats:
    """Return noise float32 (height, width), -0.5 to 0.5, with `cells` bumps across and `cells * aspect` down."""
    rows, columns = max(2, round(cells * aspect)), max(2, round(cells))
    coarse = rng.random((min(rows, height), min(columns, width)), dtype=np.float32) - np.float32(0.5)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def fractal_noise(rng: np.random.Generator, side: int, cells: float, octaves: int, decay: float = 0.55) -> Floats:
    """Return noise float32 (side, side), about -0.5 to 0.5, of several octaves from `cells` bumps across."""
    total, weight = np.zeros((side, side), np.float32), 1.0
    for octave in range(octaves):
        total += np.float32(weight) * smooth_noise(rng, side, side, cells * 2**octave)
        weight *= decay
    return total


def ramp(value: Floats, colours: Sequence[Colour]) -> Bytes:
    """Return values float32 (H, W), 0 to 1, as colours between those given: uint8 (H, W, 3)."""
    places = np.linspace(0, 255, len(colours))
    table = np.stack([np.interp(np.arange(256), places, [c[i] for c in colours]) for i in range(3)], axis=1)
    index = cv2.convertScaleAbs(np.clip(value, 0.0, 1.0), alpha=255.0)
    return np.asarray(np.asarray(np.rint(table), np.uint8)[index], np.uint8)


def any_colour(rng: np.random.Generator, low: float = 20, high: float = 240, saturation: float = 0.35) -> Colour:
    """Return a colour with a mean of `low` to `high` whose channels differ from it by up to `saturation` of it."""
    channels = rng.uniform(low, high) * (1 + rng.uniform(-saturation, saturation, 3))
    red, green, blue = (float(v) for v in np.clip(channels, 0, 255))
    return red, green, blue


def shades(rng: np.random.Generator, spread: float = 0.5) -> list[Colour]:
    """Return a ramp of three shades of one colour."""
    base = np.array(any_colour(rng, 50, 200, rng.choice([0.06, 0.2, 0.5], p=[0.5, 0.35, 0.15])))
    dark, light = base * (1 - spread), base + (255 - base) * spread * 0.8
    return [(float(c[0]), float(c[1]), float(c[2])) for c in (dark, base, light)]


def _wood(rng: np.random.Generator, side: int) -> Bytes:
    down, across = (np.arange(side, dtype=np.float32) / side)[:, None], smooth_noise(rng, side, side, 2, 3)
    rings = np.sin(2 * np.pi * (down * rng.uniform(4, 16) + across * rng.uniform(0.5, 3)), dtype=np.float32)
    fibre = smooth_noise(rng, side, side, rng.uniform(3, 8), 60) + smooth_noise(rng, side, side, 20, 30)
    value = 0.5 + rng.uniform(0.03, 0.16) * rings + rng.uniform(0.15, 0.5) * fibre
    value += 0.3 * smooth_noise(rng, side, side, 2)
    if rng.random() < 0.5:
        _planks(rng, value)
    return ramp(value, WOODS[int(rng.integers(len(WOODS)))])


def _planks(rng: np.random.Generator, value: Floats) -> None:
    """Part a value map into boards of different tones with dark seams."""
    side, top = len(value), 0
    while top < side:
        bottom = top + int(rng.uniform(0.08, 0.35) * side)
        value[top:bottom] += rng.normal(0, 0.08)
        value[bottom : bottom + int(rng.integers(1, 4))] -= rng.uniform(0.2, 0.6)
        top = bottom


def _cloth(rng: np.random.Generator, side: int) -> Bytes:
    period = rng.uniform(3, 12)
    x = np.arange(side, dtype=np.float32) * (2 * np.pi / period)
    weave = np.sin(x)[None] * np.sin(x * rng.uniform(0.7, 1.4))[:, None]
    value = 0.5 + rng.uniform(0.05, 0.2) * weave + 0.15 * smooth_noise(rng, side, side, side // 3)
    value += 0.5 * fractal_noise(rng, side, 3, 2)
    picture = ramp(value, shades(rng))
    if rng.random() < 0.4:  # a plaid
        stripes = _stripe_profile(rng, side)
        plaid = 0.5 + 0.25 * (stripes[None] + _stripe_profile(rng, side)[:, None])
        picture = np.asarray(cv2.addWeighted(picture, 0.5, ramp(plaid, shades(rng, 0.8)), 0.5, 0), np.uint8)
    return picture


def _stripe_profile(rng: np.random.Generator, side: int) -> Floats:
    period, shift = rng.uniform(15, 160), rng.uniform(-0.6, 0.6)
    wave = np.sin(2 * np.pi * np.arange(side, dtype=np.float32) / period) + shift
    return np.asarray(np.clip(wave * rng.choice([2, 20]), -1, 1), np.float32)


def _stripes(rng: np.random.Generator, side: int) -> Bytes:
    value = 0.5 + 0.3 * np.repeat(_stripe_profile(rng, side)[None], side, axis=0)
    if rng.random() < 0.5:
        value += 0.3 * _stripe_profile(rng, side)[:, None]
    return ramp(value + 0.2 * fractal_noise(rng, side, 5, 3), shades(rng, rng.uniform(0.2, 0.9)))


def _stone(rng: np.random.Generator, side: int) -> Bytes:
    """Carpet, asphalt, granite, plaster: fine grain, at times with specks."""
    value = 0.5 + rng.uniform(0.1, 0.7) * smooth_noise(rng, side, side, rng.uniform(150, side))
    value += 0.4 * smooth_noise(rng, side, side, rng.uniform(30, 120)) + 0.3 * fractal_noise(rng, side, 3, 2)
    if rng.random() < 0.5:
        specks = smooth_noise(rng, side, side, rng.uniform(80, 300)) > rng.uniform(0.2, 0.4)
        value += np.float32(rng.uniform(-0.5, 0.5)) * specks
    grey = [(c, c, c) for c in np.sort(rng.uniform(20, 230, 3))]
    return ramp(value, grey if rng.random() < 0.5 else shades(rng, rng.uniform(0.2, 0.7)))


def _marble(rng: np.random.Generator, side: int) -> Bytes:
    bend = fractal_noise(rng, side, 3, 5)
    value = 1 - np.exp(-np.abs(bend) * np.float32(rng.uniform(8, 30)))
    value += 0.3 * fractal_noise(rng, side, 6, 4)
    colours = shades(rng, rng.uniform(0.1, 0.6))
    return ramp(value if rng.random() < 0.7 else 1 - value, colours)


def _pebbles(rng: np.random.Generator, side: int) -> Bytes:
    """Gravel, pebbles, or leaves and grass, drawn from the back to the front."""
    green, size = rng.random() < 0.5, np.exp(rng.uniform(np.log(6), np.log(60)))
    flat, count = rng.uniform(0.15, 0.5) if green else rng.uniform(0.5, 1.0), int(min(1600, 2.2 * (side / size) ** 2))
    value = np.full((side, side), 0.1, np.float32)
    for level in np.linspace(0.15, 1.0, count):
        middle, radius = rng.integers(0, side, 2), size * rng.uniform(0.5, 1.3)
        axes = (max(1, int(radius)), max(1, int(radius * flat)))
        tone = float(level * rng.uniform(0.4, 1.0))
        angle = float(rng.uniform(0, 180))
        place = (int(middle[0]), int(middle[1]))
        cv2.ellipse(value, place, (axes[0] + 1, axes[1] + 1), angle, 0, 360, tone * 0.6, -1)
        cv2.ellipse(value, place, axes, angle, 0, 360, tone, -1, cv2.LINE_AA)
    value += 0.2 * smooth_noise(rng, side, side, side // 5)
    return ramp(value, GREENS if green else shades(rng, 0.7))


def _tiles(rng: np.random.Generator, side: int) -> Bytes:
    """Floor tiles or bricks with joints."""
    width, height = rng.uniform(50, 300), rng.uniform(30, 200)
    brick, joint = rng.random() < 0.4, int(rng.integers(1, 7))
    value = 0.5 + 0.3 * fractal_noise(rng, side, 10, 4)
    for row, top in enumerate(np.arange(0, side, height)):
        shift = width / 2 if brick and row % 2 else 0.0
        for left in np.arange(-shift, side, width):
            x, y = max(0, int(left)), int(top)
            value[y : int(top + height), x : int(left + width)] += np.float32(rng.normal(0, 0.06))
            value[y : int(top + height), x : x + joint] -= np.float32(0.4)
        value[int(top) : int(top) + joint] -= np.float32(0.4)
    return ramp(value if rng.random() < 0.7 else 1 - value, shades(rng))


def _metal(rng: np.random.Generator, side: int) -> Bytes:
    value = 0.5 + 0.25 * smooth_noise(rng, side, side, 4, 150) + 0.7 * smooth_noise(rng, side, side, 4, 1)
    grey = rng.uniform(90, 200)
    return ramp(value, [(grey * 0.4, grey * 0.42, grey * 0.45), (grey, grey, grey), (240, 242, 245)])


def _sky(rng: np.random.Generator, side: int) -> Bytes:
    """A gradient of two colours, at times with clouds or discs of light out of focus."""
    value = np.repeat(np.linspace(0, 1, side, dtype=np.float32)[:, None], side, axis=1)
    value += rng.uniform(0, 0.9) * fractal_noise(rng, side, rng.uniform(1, 4), 5)
    picture = ramp(value, [any_colour(rng, 20, 250, 0.5), any_colour(rng, 20, 250, 0.5)])
    if rng.random() < 0.35:
        lights = np.zeros_like(picture)
        for _ in range(int(rng.integers(5, 40))):
            x, y, radius = int(rng.integers(side)), int(rng.integers(side)), int(rng.integers(8, 60))
            cv2.circle(lights, (x, y), radius, any_colour(rng, 20, 110, 0.6), -1, cv2.LINE_AA)
        picture = np.asarray(cv2.add(picture, cv2.GaussianBlur(lights, (0, 0), 2)), np.uint8)
    return picture


def _shelf(rng: np.random.Generator, side: int) -> Bytes:
    """Backs of books, cartons or folders, with bands in place of titles."""
    picture = np.full((side, side, 3), any_colour(rng, 20, 120, 0.2), np.uint8)
    row = int(rng.uniform(0.25, 0.7) * side)
    for bottom in range(row, side + row, row):
        left = 0
        while left < side:
            width, height = int(rng.integers(14, 90)), int(row * rng.uniform(0.6, 0.95))
            colour, top = any_colour(rng, 20, 230, 0.5), bottom - height
            cv2.rectangle(picture, (left, top), (left + width, bottom - 6), colour, -1)
            cv2.rectangle(picture, (left, top), (left + width, bottom - 6), tuple(v * 0.5 for v in colour), 2)
            for _ in range(int(rng.integers(0, 4))):
                y, thick = top + int(rng.uniform(0.1, 0.9) * height), int(rng.integers(2, 14))
                band = any_colour(rng, 20, 250, 0.4)
                cv2.rectangle(picture, (left + 3, y), (left + max(4, width - 3), y + thick), band, -1)
            left += width + int(rng.choice([1, 2, 20]))
    return picture


def _keyboard(rng: np.random.Generator, side: int) -> Bytes:
    dark = rng.random() < 0.6
    ground, key = (any_colour(rng, 10, 60, 0.1), any_colour(rng, 25, 80, 0.1)) if dark else ((190,) * 3, (236,) * 3)
    mark = (225.0, 225.0, 225.0) if dark else (60.0, 60.0, 65.0)
    picture, pitch = np.full((side, side, 3), ground, np.uint8), int(rng.integers(34, 90))
    for row in range(side // pitch + 1):
        left = -int(rng.integers(pitch))
        while left < side:
            width = pitch * (1 if rng.random() < 0.85 else 2)
            corner, far = (left + 2, row * pitch + 2), (left + width - 3, row * pitch + pitch - 3)
            cv2.rectangle(picture, corner, far, key, -1)
            cv2.line(picture, (corner[0], far[1]), far, tuple(v * 0.6 for v in key), 2)
            letter = chr(int(rng.choice(list(b"ACDEFHKMNPRTUVWXY"))))
            place = (left + pitch // 4, row * pitch + pitch // 2)
            cv2.putText(picture, letter, place, 0, pitch / 90, mark, 1, cv2.LINE_AA)
            left += width
    return picture


def _window(rng: np.random.Generator, side: int) -> Bytes:
    """Windows of programs with bars, panels and grey lines in place of text."""
    picture = np.full((side, side, 3), any_colour(rng, 20, 250, 0.2), np.uint8)
    for _ in range(int(rng.integers(2, 7))):
        x, y = (int(v) for v in rng.integers(-50, side - 100, 2))
        width, height = (int(v) for v in rng.integers(120, 600, 2))
        light = rng.random() < 0.6
        ground, text = any_colour(rng, 225, 255, 0.03) if light else any_colour(rng, 20, 60, 0.1), 110 if light else 150
        cv2.rectangle(picture, (x, y), (x + width, y + height), ground, -1)
        cv2.rectangle(picture, (x, y), (x + width, y + 22), any_colour(rng, 40, 220, 0.3), -1)
        for line in range(y + 36, y + height - 12, int(rng.integers(10, 26))):
            left = x + 12
            while left < x + width * rng.uniform(0.3, 0.9):
                word = int(rng.integers(8, 60))
                cv2.rectangle(picture, (left, line), (left + word, line + 4), (text, text, text), -1)
                left += word + 8
    return picture


def _things(rng: np.random.Generator, side: int) -> Bytes:
    """A heap of things: shaded discs, boxes and bars with shadows, often out of focus."""
    picture = ramp(0.5 + 0.6 * fractal_noise(rng, side, 2, 4), shades(rng))
    for _ in range(int(rng.integers(6, 40))):
        middle = rng.uniform(0, side, 2)
        width, height = np.exp(rng.uniform(np.log(10), np.log(260), 2))
        box = cv2.boxPoints(((middle[0], middle[1]), (width, height), float(rng.uniform(0, 180)))).astype(np.int32)
        colour = any_colour(rng, 15, 245, 0.5)
        if rng.random() < 0.5:
            cv2.fillPoly(picture, [box + 5], tuple(v * 0.25 for v in colour), cv2.LINE_AA)
            cv2.fillPoly(picture, [box], colour, cv2.LINE_AA)
        else:
            place = (int(middle[0]), int(middle[1]))
            for share in (1.0, 0.8, 0.6, 0.4):
                axes = (max(1, int(width * share / 2)), max(1, int(height * share / 2)))
                tone = tuple(min(255.0, v * (1.3 - 0.4 * share)) for v in colour)
                cv2.ellipse(picture, place, axes, 0, 0, 360, tone, -1, cv2.LINE_AA)
    return picture


def _skin(rng: np.random.Generator, side: int) -> Bytes:
    """Fingers or an arm, close up."""
    value = np.full((side, side), 0.2, np.float32)
    for _ in range(int(rng.integers(2, 6))):
        start, end = rng.uniform(-0.2, 1.2, (2, 2)) * side
        first, last = (int(start[0]), int(start[1])), (int(end[0]), int(end[1]))
        width, tone = int(rng.uniform(0.08, 0.3) * side), rng.uniform(0.4, 0.7)
        for share in np.linspace(1.0, 0.2, 5):
            cv2.line(value, first, last, float(tone * (1.15 - 0.3 * share)), max(1, int(width * share)), cv2.LINE_AA)
    value = cv2.GaussianBlur(value, (0, 0), 6) + 0.1 * fractal_noise(rng, side, 20, 4)
    return ramp(value, SKINS[int(rng.integers(len(SKINS)))])


FAMILIES: dict[str, tuple[Callable[[np.random.Generator, int], Bytes], float]] = {
    "wood": (_wood, 0.26),
    "cloth": (_cloth, 0.1),
    "stripes": (_stripes, 0.04),
    "stone": (_stone, 0.14),
    "marble": (_marble, 0.05),
    "pebbles": (_pebbles, 0.07),
    "tiles": (_tiles, 0.06),
    "metal": (_metal, 0.04),
    "sky": (_sky, 0.06),
    "shelf": (_shelf, 0.03),
    "keyboard": (_keyboard, 0.03),
    "window": (_window, 0.03),
    "things": (_things, 0.06),
    "skin": (_skin, 0.03),
}
"""Each family's function and its share of the backdrops."""


def texture(rng: np.random.Generator, side: int, family: str | None = None) -> Bytes:
    """Return a picture of one family (any, by its share, where None): uint8 (side, side, 3), RGB.

    Some are seen from aslant, some are out of focus.
    """
    if family is None:
        weights = np.array([weight for _, weight in FAMILIES.values()])
        family = list(FAMILIES)[int(rng.choice(len(FAMILIES), p=weights / weights.sum()))]
    picture = FAMILIES[family][0](rng, side)
    if rng.random() < 0.4:
        corners = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32)
        outer = corners + np.sign(corners - side / 2) * rng.uniform(0, 0.35, (4, 2)).astype(np.float32) * side
        matrix = cv2.getPerspectiveTransform(corners, outer.astype(np.float32))
        warped = cv2.warpPerspective(picture, matrix, (side, side), borderMode=cv2.BORDER_REFLECT)
        picture = np.asarray(warped, np.uint8)
    if rng.random() < 0.4:
        return np.asarray(
            cv2.GaussianBlur(picture, (0, 0), float(np.exp(rng.uniform(np.log(0.6), np.log(8))))), np.uint8
        )
    return picture
