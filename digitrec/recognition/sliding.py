"""A picture that is known to hold one digit -> where it is: the crop classifier looks at windows all over it.

The detector sees digits as pages have them. A digit with a scribble behind it, or drawn over a photo, it may miss; a
sliding window costs little where only one digit is looked for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.imaging import decode
from digitrec.imaging import ink as imaging_ink
from digitrec.recognition import crop_classifier
from digitrec.recognition.crop_classifier import CropClassifier

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Thresholds:
    """Settings; chosen on synthetic validation pictures (`tests/bench/misread_kinds.py`).

    Attributes:
        side: Larger pictures are reduced to this longest side, in pixels.
        sizes: Heights of the windows, as shares of that side.
        step: Of the windows, as a share of their height.
        narrow: Width of a window, as a share of its height.
        wide: Width of the box in which the digit's ink is looked for, as a share of the windows' height.
        near: Distance from the likeliest window, as a share of its height, up to which windows show the same digit.
        alike: How many times larger or smaller than that one they may be.
        most: Of these, the likeliest tell where the digit is and which.
        prior: Added to the logit that a digit is there, for the likeliest of many windows looks likelier than it is.
        rejection: Weight of the classifier's rejection score beside that.
        classified: Weight of the classifier's log probabilities of the digits beside those of the windows.
        confirms: Weight of the windows' logit that a digit is there beside that of ink whose digit is uncertain.
        confirmed: Added to it first.
    """

    side: int = 352
    sizes: tuple[float, ...] = (0.3, 0.42, 0.6, 0.85)
    step: float = 0.25
    narrow: float = 0.7
    wide: float = 0.9
    near: float = 0.4
    alike: float = 1.7
    most: int = 8
    prior: float = -2.5
    rejection: float = 0.2
    classified: float = 0.6
    confirms: float = 0.5
    confirmed: float = -1.0


THRESHOLDS = Thresholds()


@dataclass(frozen=True)
class Located:
    """Where the digit of a picture is.

    Attributes:
        box: float32 (4,): x and y of the middle, width and height, in pixels of the reduced picture.
        is_digit: Logit that a digit is there, as the crop classifier says of the windows.
        digits: float32 (10,), its log probabilities of the digits.
    """

    box: Floats
    is_digit: float
    digits: Floats


def reduced(image: Image.Image, thresholds: Thresholds = THRESHOLDS) -> Bytes:
    """Return a picture, as `decode.opened` returns it, as the windows see it: uint8 (H, W, 3), RGB."""
    return imaging_ink.on_paper(decode.within(image, thresholds.side))


def windows(height: int, width: int, thresholds: Thresholds = THRESHOLDS) -> Floats:
    """Return the windows of a picture, float32 (N, 4): x and y of the middle, width and height, in pixels."""
    longest, found = max(height, width), []
    for share in thresholds.sizes:
        high = share * longest
        wide, step = thresholds.narrow * high, thresholds.step * high
        rows, columns = _middles(height, high, step), _middles(width, wide, step)
        found += [(x, y, wide, high) for y in rows for x in columns]
    return np.array(found, np.float32)


def _middles(length: int, size: float, step: float) -> Floats:
    """Return where windows of a size stand along one side: evenly inside it, one in the middle where it is smaller."""
    room = max(length - size, 0.0)
    count = int(room / step + 1e-6)
    return np.asarray(length / 2 + step * (np.arange(count + 1) - count / 2), np.float32)


def located(page: Bytes, crops: CropClassifier, thresholds: Thresholds = THRESHOLDS) -> Located:
    """Return where the digit of a picture is.

    Args:
        page: uint8 (H, W, 3), as `reduced` returns it.
        crops: Judges the windows.
        thresholds: The settings.
    """
    places = windows(page.shape[0], page.shape[1], thresholds)
    answers = crops.answers(crop_classifier.crops_of(page, places, np.zeros(len(places), np.float32)))
    best = places[answers.is_digit.argmax()]
    near = np.abs(places[:, :2] - best[:2]).max(axis=1) <= thresholds.near * best[3]
    alike = np.abs(np.log(places[:, 3] / best[3])) <= np.log(thresholds.alike)
    same = np.flatnonzero(near & alike)
    same = same[np.argsort(-answers.is_digit[same], kind="stable")][: thresholds.most]
    weights = np.exp(answers.is_digit[same] - answers.is_digit[same].max())
    weights /= weights.sum()
    x, y, _, high = (weights @ places[same]).tolist()
    return Located(
        np.array([x, y, thresholds.wide * high, high], np.float32),
        float(weights @ answers.is_digit[same]),
        (weights @ answers.digits[same]).astype(np.float32),
    )
