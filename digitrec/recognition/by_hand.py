"""A box that a person drew on a picture -> the digit in it, or the digits that touch in it; no model has read them yet.

On a drawing all ink is alike, so the box cuts it from the ink of the whole picture. On a photo the ink is taken around
the box, at the photo's own size, and the crop classifier sees the place too: see `pages.md` in the docs.
"""

import dataclasses

import numpy as np
from PIL import Image

from digitrec.errors import PictureError
from digitrec.imaging import decode, rotation
from digitrec.imaging import ink as imaging_ink
from digitrec.recognition import candidates, crop_classifier, fusion, local_ink, pipeline, segmentation, shipped
from digitrec.recognition import normalize as glyphs
from digitrec.recognition.connected_parts import Reader, Segment
from digitrec.recognition.normalize import Box
from digitrec.recognition.results import Digit, enlarged, scaled

DRAWN = 3.5
"""Added to the crop classifier's logit that a place is a digit: of the crops that it learned from 36 % were digits, of
the boxes that people draw 95 % are taken to be. The difference of the log odds."""

CLASSIFIED = 0.4
"""Weight of the classifier's log probabilities of the digits beside the crop classifier's; of six, it reads most digits
(`python -m tests.bench.page_choices --boxes`)."""


def digit(image: Image.Image, angle: float, box: Box) -> Digit:
    """Return the digit in a box.

    Args:
        image: A picture, as `decode.opened` returns it.
        angle: By how many degrees counter-clockwise it is upright.
        box: In pixels of the upright picture, inside it.

    Raises:
        PictureError: If no ink is in the box, and the crop classifier sees no digit there.
    """
    small = decode.reduced(image)
    plain = candidates.is_plain(small) and pipeline.photo_on_a_page(image, small) is None
    found = _on_a_drawing(image, angle, box) if plain else _on_a_photo(image, angle, box)
    if not found.glyph.any() and (found.evidence is None or found.evidence < DRAWN):
        raise PictureError("There is no ink in this box. Draw it around a digit.")
    return found


def parts(image: Image.Image, angle: float, box: Box, finder: Reader) -> list[Digit]:
    """Return the digits that touch in a box, from left to right.

    Args:
        image: A picture, as `decode.opened` returns it.
        angle: By how many degrees counter-clockwise it is upright.
        box: In pixels of the upright picture.
        finder: The model that judges the cuts.

    Raises:
        PictureError: If no cut leaves two digits.
    """
    whole = pipeline.unread(image, angle)
    segments = segmentation.split(whole.ink, scaled(box, whole.size, whole.ink.shape[::-1]), finder)
    if len(segments) < 2:
        raise PictureError("No way to cut this candidate into digits was found. Delete it and draw the boxes yourself.")
    scale = whole.size[0] / whole.ink.shape[1], whole.size[1] / whole.ink.shape[0]
    return [
        pipeline.unanswered(0, segment._replace(box=enlarged(segment.box, scale, whole.size))) for segment in segments
    ]


def _on_a_drawing(image: Image.Image, angle: float, box: Box) -> Digit:
    """Return the digit in a box of a drawing, with the ink of the whole."""
    whole = pipeline.unread(image, angle)
    cut = glyphs.cut(whole.ink, scaled(box, whole.size, whole.ink.shape[::-1]))
    return pipeline.unanswered(0, Segment(box, cut))


def _on_a_photo(image: Image.Image, angle: float, box: Box) -> Digit:
    """Return the digit in a box of a photo: people draw boxes wide, so the ink in it tells where the digit is."""
    near, wide = _near(image, angle, box)
    tilt = float(np.radians(angle))
    tight = local_ink.tight(near, wide, tilt)
    found = pipeline.unanswered(0, Segment(box, local_ink.glyph_of(near, tight, tilt)))
    models = shipped.available()
    if models is None:
        return found
    crops = crop_classifier.crops_of(near, tight[None], np.array([tilt], np.float32))
    answers = models.crop_classifier.answers(crops)
    return dataclasses.replace(
        found,
        evidence=float(answers.is_digit[0]) + DRAWN,
        trust=fusion.WEIGHTS.rejection,
        detected=answers.digits[0],
        weight=CLASSIFIED,
    )


def _near(image: Image.Image, angle: float, box: Box) -> tuple[local_ink.Bytes, local_ink.Floats]:
    """Return the part of a picture around a box, RGB as it lies, and the box there, as `crops.crop` takes it."""
    matrix, _ = rotation.rotation(image.size, angle)
    middle = np.array([box.x + box.width / 2, box.y + box.height / 2])
    x, y = np.linalg.solve(matrix[:, :2], middle - matrix[:, 2])
    reach = 2.0 * max(box.width, box.height) + 8.0
    left, right = np.clip([x - reach, x + reach], 0, image.width).astype(int).tolist()
    top, bottom = np.clip([y - reach, y + reach], 0, image.height).astype(int).tolist()
    near = image.crop((left, top, right, bottom))
    return imaging_ink.on_paper(near), np.array([x - left, y - top, box.width, box.height], np.float32)
