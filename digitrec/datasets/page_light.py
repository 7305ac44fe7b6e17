"""Light on a photographed sheet: gradients, vignette, hard and soft shadows, glare, colour casts, folds."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.datasets.page_backdrops import Floats

CASTS = (
    (1.0, 1.0, 1.0),
    (1.06, 1.0, 0.86),
    (1.1, 0.98, 0.74),
    (0.9, 0.98, 1.08),
    (0.96, 1.03, 0.96),
    (1.02, 0.96, 1.02),
)
"""Gains of red, green and blue: daylight, warm, tungsten, cool shade, fluorescent, a magenta cast."""

COARSE = 8
"""Soft light is computed once every so many pixels."""


def light(rng: np.random.Generator, side: int, strength: float = 1.0) -> Floats:
    """Return the light that falls on each place: float32 (side, side), 1 where full, under 1 in shade.

    Args:
        rng: Random numbers.
        side: Pixels.
        strength: 0 (even light) to 1 (as in photos).
    """
    cells = side // COARSE
    y, x = (axis.astype(np.float32) / cells - 0.5 for axis in np.mgrid[0:cells, 0:cells])
    field = np.ones((cells, cells), np.float32)
    if rng.random() < 0.75:
        angle, slope = rng.uniform(0, 2 * np.pi), strength * rng.uniform(0, 0.6)
        field += np.float32(slope) * (np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y)
    if rng.random() < 0.45:
        middle = rng.uniform(-0.4, 0.4, 2)
        distance = (x - np.float32(middle[0])) ** 2 + (y - np.float32(middle[1])) ** 2
        field *= 1 - np.float32(strength * rng.uniform(0.1, 0.8)) * np.clip(distance, 0, 1)
    if rng.random() < 0.15:
        middle, radius = rng.uniform(-0.5, 0.5, 2), rng.uniform(0.1, 0.4)
        distance = (x - np.float32(middle[0])) ** 2 + (y - np.float32(middle[1])) ** 2
        field += np.float32(strength * rng.uniform(0.1, 0.45)) * np.exp(-distance / np.float32(radius**2))
    shade = cv2.resize(field, (side, side), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.4 * strength:
        shade = shade * (1 - np.float32(rng.uniform(0.12, 0.6) * strength) * shadow(rng, side))
    return np.asarray(np.maximum(shade, np.float32(0.08)))


def shadow(rng: np.random.Generator, side: int) -> Floats:
    """Return a shadow's cover float32 (side, side), 0 to 1: of a hand, a phone, window bars, an edge or leaves."""
    mask = np.zeros((side, side), np.uint8)
    shape = rng.choice(["edge", "hand", "phone", "bars", "leaves"], p=[0.35, 0.25, 0.15, 0.15, 0.1])
    if shape == "hand":
        _hand(rng, mask)
    elif shape == "phone":
        _phone(rng, mask)
    elif shape == "leaves":
        for _ in range(int(rng.integers(8, 60))):
            place, size = rng.integers(0, side, 2), rng.integers(5, 60, 2)
            angle = float(rng.uniform(0, 180))
            cv2.ellipse(mask, (int(place[0]), int(place[1])), (int(size[0]), int(size[1])), angle, 0, 360, 255, -1)
    else:
        _bars(rng, mask, 1 if shape == "edge" else int(rng.integers(2, 7)))
    softness = float(np.exp(rng.uniform(np.log(0.7), np.log(45))))
    if softness < 4:
        return np.multiply(cv2.GaussianBlur(mask, (0, 0), softness), np.float32(1 / 255), dtype=np.float32)
    small = cv2.resize(mask, (side // COARSE, side // COARSE), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small.astype(np.float32) / 255, (0, 0), softness / COARSE)
    return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR))


def _bars(rng: np.random.Generator, mask: NDArray[np.uint8], count: int) -> None:
    """Draw one wide or several narrow stripes of shadow across the frame."""
    side = len(mask)
    angle, place = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.9, 2) * side
    across = np.array([np.cos(angle), np.sin(angle)])
    along = np.array([-across[1], across[0]]) * 3 * side
    width = rng.uniform(0.1, 1.5) * side if count == 1 else rng.uniform(0.03, 0.15) * side
    for i in range(count):
        start = place + across * width * 2 * (i - count // 2)
        end = start + across * width
        corners = np.array([start - along, start + along, end + along, end - along])
        cv2.fillPoly(mask, [corners.astype(np.int32)], 255, cv2.LINE_AA)


def _hand(rng: np.random.Generator, mask: NDArray[np.uint8]) -> None:
    """Draw a palm that comes in from the frame's edge, and fingers."""
    side = len(mask)
    angle = rng.uniform(0, 2 * np.pi)
    inward = -np.array([np.cos(angle), np.sin(angle)])
    palm = side / 2 - inward * side * rng.uniform(0.35, 0.6)
    size = side * rng.uniform(0.12, 0.25)
    start = palm - inward * side
    cv2.line(mask, _pixel(start), _pixel(palm), 255, int(size * 1.2))
    cv2.circle(mask, _pixel(palm), int(size), 255, -1)
    for spread in np.linspace(-0.7, 0.7, int(rng.integers(1, 5))) + rng.normal(0, 0.1):
        turn = np.array([[np.cos(spread), -np.sin(spread)], [np.sin(spread), np.cos(spread)]])
        tip = palm + turn @ inward * size * rng.uniform(1.6, 2.6)
        cv2.line(mask, _pixel(palm), _pixel(tip), 255, max(2, int(size * 0.4)))


def _phone(rng: np.random.Generator, mask: NDArray[np.uint8]) -> None:
    """Draw the phone that takes the picture, and the arms that hold it."""
    side = len(mask)
    place, width = rng.uniform(0.1, 0.9, 2) * side, side * rng.uniform(0.15, 0.35)
    angle = float(rng.normal(0, 15) + rng.choice([0, 90]))
    box = cv2.boxPoints(((place[0], place[1]), (width, 2 * width), angle))
    cv2.fillPoly(mask, [box.astype(np.int32)], 255, cv2.LINE_AA)
    for shift in (-1.0, 1.0):
        end = place + np.array([shift * width * 2, side * 1.5])
        cv2.line(mask, _pixel(place), _pixel(end), 255, int(width * 0.6))


def _pixel(point: NDArray[np.float64]) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def fold(rng: np.random.Generator, side: int) -> Floats:
    """Return the light on a sheet folded once or twice: float32 (side, side), about 1."""
    cells = side // 4
    y, x = (axis.astype(np.float32) * 4 for axis in np.mgrid[0:cells, 0:cells])
    field, first = np.ones((cells, cells), np.float32), rng.uniform(0, np.pi)
    for i in range(int(rng.integers(1, 4))):
        angle = first + (np.pi / 2 if i % 2 else 0.0) + rng.normal(0, 0.02)
        place, amount = rng.uniform(0.1, 0.9, 2) * side, rng.normal(0, 0.08)
        distance = (x - np.float32(place[0])) * np.float32(np.cos(angle))
        distance += (y - np.float32(place[1])) * np.float32(np.sin(angle))
        field += np.float32(amount) * distance / (np.float32(rng.uniform(10, 120)) + np.abs(distance))
        field += np.float32(rng.normal(0, 0.12)) * np.exp(-((distance / np.float32(rng.uniform(3, 6))) ** 2))
    return np.asarray(cv2.resize(field, (side, side), interpolation=cv2.INTER_LINEAR))


def glare(rng: np.random.Generator, side: int) -> Floats:
    """Return the share of white that lamps or windows add as reflections: float32 (side, side), 0 to 0.7."""
    cells = side // COARSE
    mask = np.zeros((cells, cells), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        place, size = rng.uniform(0, cells, 2), rng.uniform(0.03, 0.2, 2) * cells
        box = cv2.boxPoints(((place[0], place[1]), (2 * size[0], 2 * size[1]), float(rng.uniform(0, 180))))
        cv2.fillPoly(mask, [box.astype(np.int32)], float(rng.uniform(0.2, 0.7)))
    soft = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(1.5, 8)))
    return np.asarray(cv2.resize(soft, (side, side), interpolation=cv2.INTER_LINEAR))


def cast(rng: np.random.Generator) -> tuple[float, float, float]:
    """Return the gains of red, green and blue by the colour of the light and the camera's balance."""
    chosen = np.array(CASTS[0 if rng.random() < 0.5 else int(rng.integers(len(CASTS)))])
    red, green, blue = chosen * (1 + rng.normal(0, 0.025, 3))
    return float(red), float(green), float(blue)
