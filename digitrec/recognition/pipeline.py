"""Picture + predictor -> reading: the digits in their rows, how sure each is, and the steps as pictures."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.errors import PictureError
from digitrec.imaging import background, decode, rotation
from digitrec.imaging import ink as imaging_ink
from digitrec.recognition import answering, candidates, fusion, local_ink, segmentation, shipped, sliding
from digitrec.recognition import normalize as glyphs
from digitrec.recognition import reading_order as orders
from digitrec.recognition.calibration import Answers
from digitrec.recognition.candidates import Candidate, Found
from digitrec.recognition.connected_parts import (
    Reader as Reader,  # what a reading needs of a model, for those who call it
)
from digitrec.recognition.connected_parts import Segment
from digitrec.recognition.normalize import Box, Cut
from digitrec.recognition.results import NOT_A_DIGIT, Digit, Page, Reading, Step, enlarged

Floats = NDArray[np.float32]


MOST_DRAWN = 4 * 2048**2
"""Values of a drawing, four a pixel: Draw's canvases have 0.3 and 0.9 million."""

NO_DETECTOR = (
    "The digit detector is missing or damaged, so only the strokes of plain drawings are found reliably. "
    "Install digitrec again."
)


def read(
    image: Image.Image,
    predictor: Reader,
    single: bool = False,
    finder: Reader | None = None,
    angle: float | None = None,
) -> Reading:
    """Read a picture.

    Args:
        image: A picture, as `decode.opened` returns it.
        predictor: The model that reads.
        single: Whether the picture is known to hold exactly one digit, upright.
        finder: The model that finds the digits; the one that reads unless given.
        angle: By how many degrees counter-clockwise it is upright; found out unless given.
    """
    finder = finder or predictor
    small = decode.reduced(image)
    photo = photo_on_a_page(image, small)
    if photo is not None:
        return _placed(read(image.crop(photo), predictor, single, finder, angle), image, photo)
    models = shipped.available()
    if models is None:
        notice = None if single else NO_DETECTOR
        return _read(dataclasses.replace(unread(image, angle or 0.0), notice=notice), predictor, single, finder)
    plain, drawn, lying = candidates.is_plain(small), None, angle or 0.0
    if single:
        return _read_single(image, small, predictor, finder, models, lying, plain)
    if plain:
        drawing = unread(image, lying)
        if not candidates.needs_detector(parts := candidates.parts_of(drawing.ink)):
            drawn = _read(drawing, predictor, False, finder)
            if _sureness(drawn) >= candidates.THRESHOLDS.sure and not candidates.has_area(parts):
                return drawn
    found = candidates.find(image, finder, models, angle, plain=plain)
    blank = _blank(image.size, found.page, found.angle)
    reading = _settled(blank, candidates.scaled(found, blank.size), predictor, finder, False)
    alone = drawn if drawn and len(drawn.digits) == 1 else None
    if drawn and found.angle != lying and len(drawn.digits) >= candidates.THRESHOLDS.fewest:
        drawn = max(drawn, _read(blank, predictor, False, finder), key=_sureness)
    likely = drawn and not alone and _sureness(drawn) >= candidates.THRESHOLDS.likely
    if drawn and likely and len(drawn.accepted) >= len(reading.accepted):
        return drawn
    if not reading.accepted or (alone and len(reading.accepted) == 1):  # it may hold one digit, very large or faint
        page = blank if found.angle == lying else unread(image, lying)
        detected = alone and _likeliest(_settled(blank, candidates.scaled(found, blank.size), predictor, finder, True))
        best = _one_of([detected, alone], page, rotation.rotated(small, lying), predictor, models)
        return best if best and (best.accepted or alone) else reading
    return reading


def _read_single(
    image: Image.Image,
    small: Image.Image,
    predictor: Reader,
    finder: Reader,
    models: shipped.PageModels,
    angle: float,
    plain: bool,
) -> Reading:
    """Return the one digit of a picture, as the ink, the detector or windows all over it show it; see `read`.

    The next of the three is asked only while the digit is uncertain.
    """
    drawn = _read(unread(image, angle), predictor, True, finder) if plain else None
    if drawn and _is_sure(drawn):
        return drawn
    found = candidates.find(small, finder, models, angle, plain=plain, single=True)
    blank = _blank(image.size, found.page, found.angle)
    detected = _likeliest(_settled(blank, candidates.scaled(found, blank.size), predictor, finder, True))
    best = _one_of([detected, drawn], blank, found.page.picture, predictor, models)
    return best or _read(blank, predictor, True, finder)


def _is_sure(reading: Reading) -> bool:
    return bool(reading.accepted) and reading.digits[0].flag is None


def _surest(readings: list[Reading]) -> Reading | None:
    """Return of readings of one digit the surest one with a digit, None where none has one."""
    some = [reading for reading in readings if reading.accepted]
    return max(some, key=lambda reading: reading.digits[0].confidence, default=None)


def _one_of(
    readings: list[Reading | None],
    blank: Reading,
    page: Image.Image,
    predictor: Reader,
    models: shipped.PageModels,
) -> Reading | None:
    """Return the surest of some readings of one digit, and while none is sure, of what windows all over the page show.

    Where the ink alone says that there is a digit, the windows have a say in it.

    Args:
        readings: Of the ink and of the detector.
        blank: A reading without digits.
        page: The picture, reduced and upright.
        predictor: The model that reads.
        models: The nets that find digits.
    """
    some = [reading for reading in readings if reading]
    best = _surest(some)
    if best and _is_sure(best):
        return best
    seen = sliding.reduced(page)
    found = sliding.located(seen, models.crop_classifier)
    again = [_confirmed(reading, found, predictor) if reading.accepted else reading for reading in some]
    return _surest([*again, _slid(blank, seen, found, predictor)]) or next(iter(again), None)


def _confirmed(reading: Reading, found: sliding.Located, predictor: Reader) -> Reading:
    """Return a reading of one digit in which the windows have a say in whether ink that was read alone is a digit."""
    evidence = sliding.THRESHOLDS.confirms * (found.is_digit + sliding.THRESHOLDS.confirmed)
    digits = tuple(
        dataclasses.replace(
            digit,
            evidence=evidence,
            trust=1.0,
            detected=np.zeros(10, np.float32),
        )
        if digit.evidence is None
        else digit
        for digit in reading.digits
    )
    return dataclasses.replace(reading, digits=answering.asked(digits, predictor))


def _slid(blank: Reading, seen: sliding.Bytes, found: sliding.Located, predictor: Reader) -> Reading:
    """Return a reading with the digit where the crop classifier sees it in windows all over the page.

    Args:
        blank: The reading without digits.
        seen: The page as the windows see it.
        found: Where they see the digit.
        predictor: The model that reads.
    """
    around = local_ink.tight(seen, found.box, 0.0)
    left, top = np.floor(around[:2] - around[2:] / 2).astype(int).tolist()
    right, bottom = np.ceil(around[:2] + around[2:] / 2).astype(int).tolist()
    inside = glyphs.clipped(Box(left, top, right - left, bottom - top), seen.shape)
    box = enlarged(inside, (blank.size[0] / seen.shape[1], blank.size[1] / seen.shape[0]), blank.size)
    digit = dataclasses.replace(
        unanswered(0, Segment(box, local_ink.glyph_of(seen, around, 0.0))),
        evidence=found.is_digit + sliding.THRESHOLDS.prior,
        trust=sliding.THRESHOLDS.rejection,
        detected=found.digits,
        weight=sliding.THRESHOLDS.classified,
    )
    return dataclasses.replace(blank, digits=answering.asked((digit,), predictor))


def photo_on_a_page(image: Image.Image, small: Image.Image) -> tuple[int, int, int, int] | None:
    """Return where a photo lies on a ground of one colour: left, top, right and bottom; None where there is none.

    Args:
        image: The picture.
        small: The same, reduced.
    """
    photo = background.inset(np.asarray(decode.plain_mode(small)))
    if photo is None:
        return None
    across, down = image.width / small.width, image.height / small.height
    left, top, right, bottom = photo
    return int(left * across), int(top * down), math.ceil(right * across), math.ceil(bottom * down)


def _placed(reading: Reading, image: Image.Image, photo: tuple[int, int, int, int]) -> Reading:
    """Return the reading of a photo as one of the picture that it lies on: both are rotated by the same angle."""
    whole = unread(image, reading.angle)
    within, _ = rotation.rotation(reading.original, reading.angle)
    around, _ = rotation.rotation(image.size, reading.angle)
    x, y = np.rint(around[:, :2] @ photo[:2] + around[:, 2] - within[:, 2]).astype(int).tolist()
    moved = tuple(
        dataclasses.replace(digit, box=digit.box._replace(x=digit.box.x + x, y=digit.box.y + y))
        for digit in reading.digits
    )
    return dataclasses.replace(whole, digits=moved, notice=reading.notice)


def _sureness(reading: Reading) -> float:
    """Return how sure a reading's digits are on average, 0 to 1; a rejected candidate counts as 0."""
    sure = [d.confidence * d.is_digit if d.flag != NOT_A_DIGIT else 0.0 for d in reading.digits]
    return float(np.mean(sure)) if sure else 0.0


def _likeliest(reading: Reading) -> Reading | None:
    """Return a reading with the likeliest of its digits alone, or None where there is none."""
    digit = max(reading.digits, key=lambda digit: digit.is_digit, default=None)
    if digit is None or digit.flag == NOT_A_DIGIT:
        return None
    return dataclasses.replace(reading, digits=(dataclasses.replace(digit, row=0),))


def unread(image: Image.Image, angle: float) -> Reading:
    """Return a picture as `read` does, with no digit looked for."""
    return _blank(image.size, Page(rotation.rotated(decode.reduced(image), angle)), angle)


def _blank(original: tuple[int, int], page: Page, angle: float) -> Reading:
    """Return a picture without digits.

    Args:
        original: Width and height of the picture as it came.
        page: The picture reduced and rotated.
        angle: By how many degrees counter-clockwise.
    """
    return Reading(rotation.rotation(original, angle)[1], original, angle % 360.0, (), page)


def _settled(blank: Reading, found: Found, predictor: Reader, finder: Reader, single: bool) -> Reading:
    """Return a reading with the digits among the candidates in reading order, the rejected ones beside them."""
    digits = tuple(_from_candidate(each, single) for each in found.candidates)
    answers = [each.answer for each in found.candidates] if predictor is finder else []
    digits = answering.asked(digits, predictor, _together(answers))
    accepted = [digit for digit in digits if digit.flag != NOT_A_DIGIT]
    rejected = [digit for digit in digits if digit.flag == NOT_A_DIGIT]
    rows = [[accepted[place] for place in row] for row in orders.order([digit.box for digit in accepted])]
    levels = [float(np.mean([_middle(digit.box) for digit in row])) for row in rows]
    for digit in rejected:
        nearest = int(np.argmin([abs(level - _middle(digit.box)) for level in levels])) if levels else 0
        if rows:
            rows[nearest].append(digit)
        else:
            rows.append([digit])
    ordered = [
        dataclasses.replace(digit, row=number)
        for number, row in enumerate(rows)
        for digit in sorted(row, key=lambda digit: digit.box.x)
    ]
    return dataclasses.replace(blank, digits=tuple(ordered))


def _middle(box: Box) -> float:
    return box.y + box.height / 2


def _from_candidate(candidate: Candidate, single: bool) -> Digit:
    """Return a candidate as a digit that no model has seen yet.

    Where a picture is known to hold one digit, classifier and detector name it, with weights of 1: there the crop
    classifier gives nothing (`python -m tests.bench.page_choices`).
    """
    seen, weight = (candidate.detected, 1.0) if single else (candidate.seen, fusion.WEIGHTS.classified)
    return dataclasses.replace(
        unanswered(0, Segment(candidate.box, candidate.cut)),
        evidence=float(fusion.evidence(candidate.known, alone=single)),
        trust=float(fusion.trust(candidate.known, alone=single)),
        detected=seen,
        weight=weight,
    )


def read_canvas(
    rgba: NDArray[np.uint8], predictor: Reader, single: bool = True, finder: Reader | None = None
) -> Reading:
    """Read what was drawn on a canvas, uint8 (H, W, 4); see `read`. On one digit nobody draws ruled lines.

    Raises:
        PictureError: If a browser sent something else, or far more than a canvas holds.
    """
    if rgba.ndim != 3 or rgba.shape[2] != 4 or rgba.dtype != np.uint8 or not 0 < rgba.size <= MOST_DRAWN:
        raise PictureError(f"The drawing is damaged. Clear the canvas and draw again. Received: {rgba.shape}")
    image = Image.fromarray(rgba)
    blank = _blank(image.size, Page(decode.reduced(image), imaging_ink.from_canvas(rgba, ruled=not single)), 0.0)
    drawn = _read(blank, predictor, single, finder or predictor)
    models = shipped.available() if single and drawn.accepted and not _is_sure(drawn) else None
    if models is None:
        return drawn
    return _confirmed(drawn, sliding.located(sliding.reduced(image), models.crop_classifier), predictor)


def reread(reading: Reading, predictor: Reader) -> Reading:
    """Return the same boxes and glyphs read by another model."""
    return dataclasses.replace(reading, digits=answering.asked(reading.digits, predictor))


def _read(blank: Reading, predictor: Reader, single: bool, finder: Reader) -> Reading:
    """Find, cut and answer the digits of a reading that has none yet and is upright."""
    rows = _only(blank.ink) if single else segmentation.find(blank.ink, finder)
    return _answered(blank, rows, predictor, finder)


def _answered(blank: Reading, rows: list[list[Segment]], predictor: Reader, finder: Reader) -> Reading:
    """Return a reading with its digits and their answers; its ink may be smaller than the picture.

    What the model said while it found the digits is not asked again.
    """
    ink, size = blank.ink, blank.size
    scale = size[0] / ink.shape[1], size[1] / ink.shape[0]
    segments = [(row, segment) for row, some in enumerate(rows) for segment in some]
    digits = tuple(
        unanswered(row, segment._replace(box=enlarged(segment.box, scale, size))) for row, segment in segments
    )
    answers = [segment.answer for _, segment in segments if segment.answer is not None and predictor is finder]
    known = _together(answers) if len(answers) == len(digits) else None
    return dataclasses.replace(blank, digits=answering.asked(digits, predictor, known))


def _together(answers: list[tuple[Floats, float]]) -> Answers | None:
    """Return the answers to some glyphs, each its probabilities and is_digit, as one; None where there are none."""
    if not answers:
        return None
    probabilities, scores = zip(*answers, strict=True)
    return Answers(np.stack(probabilities), np.array(scores, np.float32))


def _only(ink: Floats) -> list[list[Segment]]:
    """Return all ink as the one digit of a picture; a dab is none."""
    box = glyphs.only(ink)
    if box is None:
        return []
    cut = glyphs.cut(ink, box)
    return [[Segment(box, cut, punctuation=glyphs.is_dab(cut.crop))]]


def unanswered(row: int, segment: Segment) -> Digit:
    """Return a segment with its box in pixels of the picture as a digit that no model has seen yet."""
    nothing, cut = np.full(10, 0.1, np.float32), segment.cut
    return Digit(row, segment.box, cut.glyph, cut_steps(cut), 0, 0.1, nothing, 0.0, NOT_A_DIGIT, segment.punctuation)


def cut_steps(cut: Cut) -> tuple[Step, ...]:
    """Return the pictures from the crop to the glyph, each with what was done."""
    return (
        Step("Cropped", "The digit alone, cut out along its edges.", cut.crop),
        Step("Stroke width", "Strokes are made as wide as the pens that MNIST was written with.", cut.stroke),
        Step("20 x 20", "The longest side is scaled to 20 pixels, as in MNIST.", cut.scaled),
        Step("Centred", "The centre of mass is put in the middle of 28 x 28: this is what the model sees.", cut.glyph),
    )
