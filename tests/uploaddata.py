"""A model without weights and small pictures, for tests of batches."""

import io

import numpy as np
from PIL import Image, ImageDraw

from digitrec.recognition.calibration import Answers
from digitrec.uploads import corrections as edits
from digitrec.uploads.batch import Batch, File, Picture


class Always:
    """A model that gives every glyph the same answer, and counts how often it is asked."""

    def __init__(self, digit: int, is_digit: float = 1.0, sure: float = 0.91) -> None:
        self.name = f"always-{digit}"
        self.digit = digit
        self.is_digit = is_digit
        self.sure = sure
        self.asked = 0

    def answers(self, glyphs: np.ndarray) -> Answers:
        self.asked += 1
        probabilities = np.full((len(glyphs), 10), (1 - self.sure) / 9, np.float32)
        probabilities[:, self.digit] = self.sure
        return Answers(probabilities, np.full(len(glyphs), self.is_digit, np.float32))


def strokes(count: int, size: tuple[int, int] = (400, 120), kind: str = "PNG") -> bytes:
    """Return a picture of upright strokes in a row."""
    image = Image.new("RGB", size, "white")
    for number in range(count):
        left = 30 + 80 * number
        ImageDraw.Draw(image).line([(left, 20), (left, size[1] - 20)], "black", 12)
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def one(data: bytes, name: str = "a.png") -> tuple[Batch, Picture]:
    batch = Batch()
    batch.replace([File(name, "1", data)])
    return batch, batch.pictures[0]


def correct(batch: Batch, picture: Picture, place: int, truth: int) -> None:
    batch.change(picture, False, lambda mine: edits.corrected(mine, place, truth))
