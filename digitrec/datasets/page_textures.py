"""The costly random fields of made scenes, kept in a pool: backdrops, sensor noise, paper grain and crumpled paper."""

import cv2
import numpy as np

from digitrec.datasets.page_backdrops import Bytes, Floats, fractal_noise, smooth_noise, texture

POOL = 24
"""Backdrops kept at a time; 24 of 840 x 840 pixels take 51 MB."""

BACKDROP_SIDE = 840
"""Pixels, the side of a backdrop."""

FIELD_SIDE = 1000
"""Pixels, the side of noise and grain fields; larger frames see them mirrored."""

NOISE_DEVIATION = 28.0
"""Grey levels, the standard deviation of the noise fields about 128."""


class Textures:
    """Backdrops and fields to crop from, made once a process (2 to 3 s), read by `render` and never changed by it.

    Attributes:
        backdrops: uint8 (840, 840, 3) each, RGB.
        noises: uint8 (1000, 1000, 3) each, about 128: white, correlated and blotchy sensor noise.
        grains: uint8 (1000, 1000) each, about 128: paper's tooth, fine to coarse.
        creases: uint8 (1000, 1000) each, about 128: light on crumpled or creased paper.
    """

    def __init__(self, rng: np.random.Generator):
        self.backdrops = [texture(rng, BACKDROP_SIDE) for _ in range(POOL)]
        self.noises = [_noise(rng, blur) for blur in (0.0, 0.7, 1.6)]
        self.grains = [_grain(rng, blur) for blur in (0.6, 1.0, 1.8, 3.0)]
        self.creases = [_creases(rng) for _ in range(5)]

    def renew(self, rng: np.random.Generator, count: int = 1) -> None:
        """Replace `count` backdrops by new ones (about 60 ms each): call it every 16 frames or so."""
        for _ in range(count):
            self.backdrops[int(rng.integers(len(self.backdrops)))] = texture(rng, BACKDROP_SIDE)

    def noise(self, rng: np.random.Generator, side: int) -> Bytes:
        """Return sensor noise uint8 (side, side, 3) about 128 with a deviation of `NOISE_DEVIATION`."""
        return _crop(rng, self.noises[int(rng.integers(len(self.noises)))], side)

    def grain(self, rng: np.random.Generator, side: int) -> Floats:
        """Return paper's tooth float32 (side, side), 0 to 1 about 0.5."""
        field = _crop(rng, self.grains[int(rng.integers(len(self.grains)))], side)
        return np.multiply(field, np.float32(1 / 255), dtype=np.float32)

    def crease(self, rng: np.random.Generator, side: int) -> Floats:
        """Return the light on crumpled paper float32 (side, side), about -1 to 1 about 0."""
        field = _crop(rng, self.creases[int(rng.integers(len(self.creases)))], side)
        return np.asarray((field.astype(np.float32) - 128) * np.float32(1 / 90))

    def backdrop(self, rng: np.random.Generator, side: int) -> Bytes:
        """Return part of a backdrop at any zoom, turned and tinted at times: uint8 (side, side, 3), RGB."""
        picture = self.backdrops[int(rng.integers(len(self.backdrops)))]
        extent = int(rng.uniform(0.45, 1.0) * len(picture))
        turned = np.ascontiguousarray(np.rot90(_crop(rng, picture, extent), int(rng.integers(4))))
        scaled = cv2.resize(turned, (side, side), interpolation=cv2.INTER_LINEAR)
        return np.asarray(scaled[..., rng.permutation(3)] if rng.random() < 0.1 else scaled, np.uint8, order="C")


def _crop(rng: np.random.Generator, field: Bytes, side: int) -> Bytes:
    """Return a square of a field, mirrored where it is too small."""
    if side > len(field):
        beyond = side - len(field)
        field = np.asarray(cv2.copyMakeBorder(field, 0, beyond, 0, beyond, cv2.BORDER_REFLECT_101), np.uint8)
    top, left = (int(v) for v in rng.integers(0, len(field) - side + 1, 2))
    return field[top : top + side, left : left + side]


def _noise(rng: np.random.Generator, blur: float) -> Bytes:
    """Return noise of which brightness has more than colour, correlated over `blur` pixels."""
    shape = (FIELD_SIDE, FIELD_SIDE)
    noise = np.float32(0.5) * rng.standard_normal((*shape, 3), np.float32)
    noise += rng.standard_normal((*shape, 1), np.float32)
    if blur:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), blur), np.float32)
    noise *= np.float32(NOISE_DEVIATION) / noise.std()
    return np.asarray(np.clip(noise + 128, 0, 255), np.uint8)


def _grain(rng: np.random.Generator, blur: float) -> Bytes:
    field = cv2.GaussianBlur(rng.standard_normal((FIELD_SIDE, FIELD_SIDE), np.float32), (0, 0), blur)
    return np.asarray(np.clip(128 + 55 * field / field.std(), 0, 255), np.uint8)


def _creases(rng: np.random.Generator) -> Bytes:
    """Return light on paper that was crumpled (facets with sharp ridges) or lies wavy."""
    if rng.random() < 0.3:
        field = fractal_noise(rng, FIELD_SIDE, rng.uniform(2, 5), 3)
    else:
        x, y = (axis.astype(np.float32) for axis in np.meshgrid(np.arange(FIELD_SIDE), np.arange(FIELD_SIDE)))
        field = np.zeros((FIELD_SIDE, FIELD_SIDE), np.float32)
        for _ in range(int(rng.integers(8, 26))):
            angle, place = rng.uniform(0, np.pi), rng.uniform(0, FIELD_SIDE, 2)
            distance = (x - place[0]) * np.float32(np.cos(angle)) + (y - place[1]) * np.float32(np.sin(angle))
            distance += 40 * smooth_noise(rng, FIELD_SIDE, FIELD_SIDE, 5)
            near = np.clip(1.2 - 3 * np.abs(smooth_noise(rng, FIELD_SIDE, FIELD_SIDE, 3)), 0, 1)
            side_light = distance / (np.float32(rng.uniform(3, 12)) + np.abs(distance))
            decay = 1 + np.abs(distance) / np.float32(rng.uniform(20, 90))
            field += np.float32(rng.normal()) * near * side_light / decay
    return np.asarray(np.clip(128 + 40 * (field - field.mean()) / field.std(), 0, 255), np.uint8)
