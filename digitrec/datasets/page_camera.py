"""What camera, scanner and software do to a picture: blur, resampling, noise, tone, bilevel scans, JPEG."""

from dataclasses import dataclass

import cv2
import numpy as np

from digitrec.datasets.page_backdrops import Bytes
from digitrec.datasets.page_textures import NOISE_DEVIATION, Textures


@dataclass(frozen=True)
class Legibility:
    """What limits blur and noise so that writing can still be read.

    Attributes:
        height: Frame pixels, height of the small digits of the frame.
        contrast: Grey levels between ink and paper in the frame's light.
    """

    height: float
    contrast: float

    @property
    def blur(self) -> float:
        """Pixels, the largest standard deviation of blur: 0.55 for digits of 10 pixels, less for faint ones."""
        return float(np.clip(self.height / 20, 0.4, 3.0)) * (0.7 if self.contrast < 30 else 1.1)


def photograph(rng: np.random.Generator, picture: Bytes, textures: Textures, legibility: Legibility) -> Bytes:
    """Return uint8 (side, side, 3) as a phone's camera gives it: not quite sharp, noisy, processed."""
    picture = _blurred(rng, picture, legibility)
    if rng.random() < 0.2:
        picture = resampled(rng, picture, legibility)
    picture = noisy(rng, picture, textures, legibility, float(rng.choice([0, 2.5, 5, 11], p=[0.25, 0.4, 0.27, 0.08])))
    if rng.random() < 0.2:
        soft = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.8, 2)))
        amount = float(rng.uniform(0.3, 1.3))
        picture = np.asarray(cv2.addWeighted(picture, 1 + amount, soft, -amount, 0), np.uint8)
    return toned(rng, picture, legibility)


def _blurred(rng: np.random.Generator, picture: Bytes, legibility: Legibility) -> Bytes:
    """Return the picture out of focus or shaken, as far as its digits stay legible."""
    kind = rng.random()
    if kind < 0.6:
        deviation = float(rng.uniform(0.3, 1.0)) * legibility.blur
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), deviation), np.uint8)
    if kind < 0.7:
        length = int(rng.integers(2, 3 + int(3.2 * legibility.blur)))
        kernel = np.zeros((length, length), np.float32)
        ends = rng.integers(0, length, 4)
        cv2.line(kernel, (int(ends[0]), int(ends[1])), (int(ends[2]), int(ends[3])), 1.0)
        return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.uint8)
    return picture


def resampled(rng: np.random.Generator, picture: Bytes, legibility: Legibility) -> Bytes:
    """Return the picture made smaller and enlarged again, as far as its smallest digits keep about 10 pixels."""
    least = max(0.4, 10 / legibility.height)
    if least >= 0.95:
        return picture
    factor, side = float(rng.uniform(least, 0.95)), len(picture)
    small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    method = cv2.INTER_LINEAR if rng.random() < 0.6 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(small, (side, side), interpolation=method), np.uint8)


def noisy(
    rng: np.random.Generator, picture: Bytes, textures: Textures, legibility: Legibility, deviation: float
) -> Bytes:
    """Return the picture with noise of `deviation` grey levels, at most three tenths of the ink's contrast."""
    deviation = min(deviation * float(rng.uniform(0.6, 1.4)), 0.3 * legibility.contrast)
    if deviation < 0.3:
        return picture
    factor = deviation / NOISE_DEVIATION
    noise = textures.noise(rng, len(picture))
    return np.asarray(cv2.addWeighted(picture, 1.0, noise, factor, -128 * factor), np.uint8)


def toned(rng: np.random.Generator, picture: Bytes, legibility: Legibility) -> Bytes:
    """Return the picture with another gamma, paler, greyed or inverted, each now and then."""
    values = np.arange(256, dtype=np.float64) / 255
    if rng.random() < 0.3:
        values = values ** rng.uniform(0.65, 1.5)
    if rng.random() < 0.15:
        low, high = rng.uniform(-0.1, 0.25), rng.uniform(0.75, 1.15)
        if legibility.contrast < 50:
            low, high = min(low, 0.05), max(high, 1.0)
        values = low + values * (high - low)
    if rng.random() < 0.1:
        picture = np.asarray(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)
    if rng.random() < 0.02:
        values = 1 - values
    return np.asarray(cv2.LUT(picture, np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)), np.uint8)


def flattened(rng: np.random.Generator, picture: Bytes) -> Bytes:
    """Return the picture as a scanning app gives it: even white paper, strong ink."""
    side = len(picture)
    small = cv2.resize(picture, (side // 8, side // 8), interpolation=cv2.INTER_AREA)
    ground = cv2.GaussianBlur(cv2.dilate(small, np.ones((3, 3), np.uint8)), (0, 0), 3.0)
    ground = np.maximum(cv2.resize(ground, (side, side), interpolation=cv2.INTER_LINEAR), 20)
    even = cv2.divide(picture, ground, scale=255)
    table = (np.arange(256) / 255.0) ** rng.uniform(1.0, 2.5) * 255
    return np.asarray(cv2.LUT(even, table.astype(np.uint8)), np.uint8)


def bilevel(rng: np.random.Generator, picture: Bytes, paper: float, ink: float) -> Bytes:
    """Return the picture in black and white, as faxes and old scans are.

    Args:
        rng: Random numbers.
        picture: uint8 (side, side, 3).
        paper: Grey level of the paper.
        ink: Grey level of the ink, darker or lighter than the paper.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    limit = paper + (ink - paper) * rng.uniform(0.22, 0.42)
    if rng.random() < 0.25:  # the resolution of a fax
        side = len(picture)
        grey = cv2.resize(grey, None, fx=0.75, fy=float(rng.choice([0.75, 0.5])), interpolation=cv2.INTER_AREA)
        grey = cv2.resize(grey, (side, side), interpolation=cv2.INTER_LINEAR)
    black = cv2.threshold(grey, limit, 255, cv2.THRESH_BINARY)[1]
    if rng.random() < 0.4:  # specks
        count = int(rng.integers(10, 600))
        black[rng.integers(0, len(black), count), rng.integers(0, len(black), count)] = 0
    return np.asarray(cv2.cvtColor(black, cv2.COLOR_GRAY2RGB), np.uint8)


def jpeg(rng: np.random.Generator, picture: Bytes, legibility: Legibility) -> Bytes:
    """Return the picture after JPEG of quality 25 to 95; faint writing and small digits keep 55 or more."""
    least = 25 if legibility.contrast > 60 and legibility.height > 14 else 55
    quality = int(rng.uniform(least, 95))
    swapped = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
