"""Which step saved it? One digit as a model would get it after each step of the pipeline, and its prediction.

The first row is what published scripts do with a picture (`cv2.resize(img, (28, 28))`, `np.invert`, values left
at 0 to 255); each row after it adds one step, and the last one is how the reading came about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec import formats
from digitrec.recognition.answering import TILT, fused, test_time_augmented
from digitrec.recognition.calibration import Answers
from digitrec.recognition.connected_parts import Reader
from digitrec.recognition.normalize import DIGIT, FINE, SIDE, Box, centred, resized, tight
from digitrec.recognition.results import SURE, Digit, Reading

Floats = NDArray[np.float32]

MARGIN = 0.25
"""Paper that a person leaves around a digit when cropping it by hand, as a share of its longest side."""

NO_DIGIT = "?"

TEXTS = (
    (
        "As published scripts do it",
        "The picture resized to 28 x 28 and inverted, with values from 0 to 255. Two of the five tutorials train on "
        "scaled values but predict on unscaled ones like these: a model can then be very confident and wrong.",
        "the scripts' way",
    ),
    (
        "Scaled to 0 to 1",
        "The same picture with the values that the models were trained on: 0 is paper, 1 is ink, whichever is darker.",
        "scaling to 0 to 1",
    ),
    (
        "Ink alone",
        "Only what differs from the paper is kept, so shadows, ruled lines and pale ink do not matter.",
        "removing the paper",
    ),
    (
        "Crop",
        "The digit alone, its longest side 20 pixels as in MNIST, its box in the middle of 28 x 28. "
        "Now it has its true proportions.",
        "the crop",
    ),
    (
        "Centre of mass",
        "Moved so that its centre of mass, not its box, is in the middle, as in MNIST.",
        "centring",
    ),
    (
        "Stroke width",
        "Strokes made as wide as those of MNIST's pens. This is what the models see.",
        "the stroke width",
    ),
    (
        "Test-time augmentation",
        f"The same 28 x 28. If a model is less than {100 * SURE:.0f} % sure, it also reads the digit rotated by "
        f"{TILT:.0f}° to each side, and the three predictions are averaged.",
        "test-time augmentation",
    ),
)
"""Title, caption and action of each row; see `Row`."""

WITH_DETECTOR = (
    "With the detector",
    f"The same 28 x 28. The model's prediction, with test-time augmentation where it is less than {100 * SURE:.0f} % "
    "sure, is combined with what the detector sees in the picture.",
    "the detector",
)
"""The same of the last row where the detector also read the digit."""

CUT_OUT = "Of a sheet, this digit with some paper around it, as cut out by hand. "


@dataclass(frozen=True)
class Row:
    """A digit after one more step.

    Attributes:
        title: Two to five words.
        caption: A sentence or two on what the step does and why.
        action: The step as the subject of a sentence, such as `the crop`.
        glyph: float32 (28, 28), what a model gets, 0 to `top`.
        top: The number that stands for ink: 255 in the first row, 1 in the others.
        detected: The digit, in the last row alone, where the detector also read it; else None.
    """

    title: str
    caption: str
    action: str
    glyph: Floats
    top: int = 1
    detected: Digit | None = None

    @property
    def shown(self) -> Floats:
        """The glyph as ink, 0 to 1, to be shown as a picture."""
        return self.glyph / np.float32(self.top)


class Prediction(NamedTuple):
    """What a model predicts for a row: a digit, or `?` where it sees none, and its confidence, 0 to 1."""

    answer: str
    confidence: float


def trail(reading: Reading, digit: Digit) -> tuple[Row, ...]:
    """Return a digit after each step, from what published scripts make of it to what our models see.

    Args:
        reading: What was read, with its ink and the picture among its steps.
        digit: One of its digits, with its steps. Where there are more, its surroundings stand for the picture.

    Returns:
        Seven rows; the glyph of the last two is `digit.glyph`.
    """
    sheet = len(reading.digits) > 1
    view = _surroundings(reading, digit.box) if sheet else (slice(None), slice(None))
    script = _as_scripts_do(reading.steps[0].image[view])
    fine = _fine(digit.steps[0].image)
    glyphs = (
        script,
        _scaled(script),
        _squeezed(reading.ink[view]),
        _boxed(fine),
        _centred(fine),
        digit.glyph,
        digit.glyph,
    )
    rows = [Row(*texts, glyph) for texts, glyph in zip(TEXTS, glyphs, strict=True)]
    rows[0] = replace(rows[0], top=255, caption=f"{CUT_OUT if sheet else ''}{rows[0].caption}")
    if digit.detected is not None:
        rows[-1] = Row(*WITH_DETECTOR, digit.glyph, detected=digit)
    return tuple(rows)


def read(rows: Sequence[Row], predictor: Reader) -> tuple[Prediction, ...]:
    """Return what a model predicts for each row; the last one has test-time augmentation and what the detector saw."""
    glyphs = np.stack([row.glyph for row in rows])
    first = predictor.answers(glyphs)
    last = test_time_augmented(glyphs[-1:], Answers(first.probabilities[-1:], first.is_digit[-1:]), predictor)
    if (digit := rows[-1].detected) is not None:
        last = fused((digit,), last)
    probabilities = np.concatenate([first.probabilities[:-1], last.probabilities])
    is_digit = np.concatenate([first.is_digit[:-1], last.is_digit])
    return tuple(
        Prediction(
            str(int(shares.argmax())) if score >= 0.5 and (row.glyph.any() or row.detected) else NO_DIGIT,
            float(shares.max()),
        )
        for row, shares, score in zip(rows, probabilities, is_digit, strict=True)
    )


def changed(predictions: Sequence[Prediction]) -> list[bool]:
    """Return for each row whether its answer differs from that of the row above."""
    return [False, *(now.answer != above.answer for above, now in pairwise(predictions))]


def verdict(rows: Sequence[Row], predictions: Mapping[str, Sequence[Prediction]]) -> list[str]:
    """Say in a sentence a model, or one for both, which step made the difference.

    A step "saved it" only where the models agree at the end and are sure; nobody knows what the digit was meant to be.

    Args:
        rows: As `trail` returns them.
        predictions: By a model's name, what it predicts for each row.
    """
    stories = {name: [each.answer for each in answers] for name, answers in predictions.items()}
    sure = {name: answers[-1].confidence for name, answers in predictions.items()}
    settled = len({answers[-1] for answers in stories.values()}) == 1
    if len(predictions) > 1 and len({tuple(answers) for answers in stories.values()}) == 1:
        stories = {"both models": next(iter(stories.values()))}
        sure = {"both models": min(sure.values())}
    sentences = [_story(rows, name, answers, sure[name], settled) for name, answers in stories.items()]
    return sentences if settled else [*sentences, "The models still differ after the last step."]


def _story(rows: Sequence[Row], name: str, answers: Sequence[str], confidence: float, settled: bool) -> str:
    """Return the sentence on one model; `settled` where all models agree at the end."""
    end = answers[-1]
    since = max((place + 1 for place, answer in enumerate(answers) if answer != end), default=0)
    doubted = end != NO_DIGIT and confidence < SURE
    good = settled and end != NO_DIGIT and not doubted
    doubt = f" ({formats.percentage(confidence)} sure at the end)" if doubted else ""
    if not since:
        return f"At every step {name} read {_named(end)}{': nothing was needed' if good else doubt}."
    before = [_named(answer) for answer, _ in groupby(answers[:since])]
    earlier = ", then ".join(before)
    again = " again" if end in answers[:since] else ""
    action = f"{rows[since].action.capitalize()} {'saved it' if good else 'made the difference'}"
    return f"{action}: {name} read {earlier} before it and {_named(end)}{again} from there on{doubt}."


def _named(answer: str) -> str:
    return "no digit" if answer == NO_DIGIT else answer


def _surroundings(reading: Reading, box: Box) -> tuple[slice, slice]:
    """Return where a digit and a margin around it lie in the picture and the ink of a reading."""
    height, width = reading.ink.shape
    across, down = width / reading.size[0], height / reading.size[1]
    margin = MARGIN * max(box.width * across, box.height * down)
    left, right = box.x * across - margin, (box.x + box.width) * across + margin
    top, bottom = box.y * down - margin, (box.y + box.height) * down + margin
    return slice(max(0, int(top)), int(bottom) + 1), slice(max(0, int(left)), int(right) + 1)


def _squeezed(picture: NDArray[Any]) -> NDArray[Any]:
    """Return (H, W) at 28 x 28 the way scripts do: OpenCV's default keeps no proportions and skips pixels."""
    return np.asarray(cv2.resize(picture, (SIDE, SIDE)), dtype=picture.dtype)


def _as_scripts_do(picture: Floats) -> Floats:
    """Return (28, 28), 0 to 255, of a picture, 0 white, 1 black: always inverted, be its paper light or dark."""
    grey = np.rint(255.0 * (1.0 - picture)).astype(np.uint8)
    return np.asarray(np.invert(_squeezed(grey)), dtype=np.float32)


def _scaled(script: Floats) -> Floats:
    """Return 0 to 255 as 0 to 1, inverted again where most of it is dark and so must be paper."""
    scaled = script / np.float32(255.0)
    return np.asarray(1.0 - scaled if np.median(scaled) > 0.5 else scaled, dtype=np.float32)


def _fine(crop: Floats) -> Floats:
    """Return a digit's ink without empty rows and columns, its longest side 20 pixels of a glyph, on the fine grid."""
    if not crop.any():
        return np.zeros((1, 1), np.float32)
    digit = tight(crop, 0.5)
    scale = DIGIT * FINE / max(digit.shape)
    size = max(1, round(digit.shape[1] * scale)), max(1, round(digit.shape[0] * scale))
    return resized(digit, size, cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR)


def _boxed(fine: Floats) -> Floats:
    """Return the glyph of a digit on the fine grid with its box in the middle."""
    side = SIDE * FINE
    top, left = (side - fine.shape[0]) // 2, (side - fine.shape[1]) // 2
    canvas = np.zeros((side, side), np.float32)
    canvas[top : top + fine.shape[0], left : left + fine.shape[1]] = fine
    return resized(canvas, (SIDE, SIDE), cv2.INTER_AREA)


def _centred(fine: Floats) -> Floats:
    """Return the glyph of a digit on the fine grid with its centre of mass in the middle; blank where it is."""
    return centred(fine) if fine.any() else np.zeros((SIDE, SIDE), np.float32)
