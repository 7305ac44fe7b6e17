"""What names a digit best where a choice was made: the way up of a page, a photo's one digit, a box drawn by hand.

    python -m tests.bench.page_choices --ways [--pages N]      pages in each of the four ways up
    python -m tests.bench.page_choices --single [--pages N]    photos of one digit
    python -m tests.bench.page_choices --boxes [--pages N]     boxes that a person draws around the digits of photos

Synthetic validation pages, as in `tests.bench.synthetic`. Needs the pen strokes.
"""

import argparse
import dataclasses
import sys

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec import settings
from digitrec.datasets.characters import Characters
from digitrec.datasets.synthetic_pages import SORTS, PageMaker
from digitrec.errors import PictureError
from digitrec.imaging import decode, ink, rotation
from digitrec.recognition import answering, by_hand, candidates, fusion, normalize, pipeline, results, shipped
from digitrec.recognition import detector_maps as maps
from digitrec.recognition.connected_parts import Segment
from digitrec.recognition.crop_outputs import ALIKE
from digitrec.recognition.normalize import Box
from digitrec.registry import registry
from tests.bench.synthetic import pages, spread

LEAST = 40.0
"""Pixels of a photo's one digit: smaller ones are not what people mean by one."""

SMALLEST, AROUND = 12.0, (0.03, 0.25)
"""Pixels of the digits that a person draws boxes around, and the margins of these, as shares of the longer side."""

WEIGHTS = (0.0, 0.1, 0.2, 0.4, 0.7, 1.0)
"""Weights of the classifier beside the crop classifier in such a box, see `by_hand.CLASSIFIED`."""

QUARTERS = np.eye(4)[np.round(np.arange(maps.ANGLE_BINS) / (maps.ANGLE_BINS / 4)).astype(int) % 4]


def ways(first: int, count: int, seed: int) -> list[dict[str, bool]]:
    """Return by what the way up of some pages, each in all four, is found correctly."""
    cv2.setNumThreads(1)
    models, model, settled = shipped.available(), registry.predictor("reader"), candidates.THRESHOLDS
    assert models is not None
    found_right = []
    for number, page in enumerate(pages(first, count, seed), first):
        digits = page.labels[page.labels[:, 0] >= 0]
        direction = np.exp(1j * digits[:, 5]).mean() if len(digits) > 3 else 0.0
        if SORTS[number % len(SORTS)].name in ("drawings", "large") or abs(direction) < 0.9:
            continue
        image = ink.on_paper(decode.within(Image.fromarray(page.image), settled.most_side))
        for quarter in range(4):
            angle = (float(np.degrees(np.angle(direction))) + 90.0 * quarter) % 360.0
            looked = candidates._looked(image, models, angle, settled)
            telling = np.flatnonzero(looked.found.objectness > settled.telling)[: settled.most_asked]
            if len(telling) < settled.fewest:
                continue
            votes = np.log(looked.found.angles[telling] @ QUARTERS + settled.doubted)
            unlike = 1.0 - np.exp(looked.cropped.digits[telling])[:, ALIKE].sum(axis=1, keepdims=True)
            cropped = unlike * looked.cropped.ways[telling]
            glyphs = np.stack([cut.glyph for cut in candidates._detected(looked).cuts])[telling]
            rotated = [model.answers(np.ascontiguousarray(np.rot90(glyphs, k, axes=(1, 2)))) for k in range(4)]
            alike = [np.isin(each.probabilities.argmax(axis=1), ALIKE) for each in rotated]
            read = [
                np.where(same, 0.0, each.is_digit * each.probabilities.max(axis=1)).mean()
                for each, same in zip(rotated, alike, strict=True)
            ]
            by = {
                "the detector's votes": votes.mean(axis=0),
                "the classifier on rotated glyphs": np.array(read),
                "the crop classifier": cropped.mean(axis=0),
                "crop classifier and votes": (cropped + settled.votes * votes).mean(axis=0),
            }
            found_right.append({name: int(each.argmax()) == -quarter % 4 for name, each in by.items()})
    return found_right


def single(first: int, count: int, seed: int) -> list[dict[str, bool]]:
    """Return by what the one digit of some photos is named right."""
    cv2.setNumThreads(1)
    models, model = shipped.available(), registry.predictor("reader")
    assert models is not None
    maker = PageMaker(Characters.load("validation", settings.strokes_folder()), seed)
    [large] = [sort for sort in SORTS if sort.name == "large"]
    named = []
    for number in range(first, first + count):
        page = maker.page_of(large, number)
        if len(page.labels) != 1 or page.labels[0, 0] < 0 or abs(page.labels[0, 5]) > 0.5 or page.labels[0, 4] < LEAST:
            continue
        found = candidates.find(Image.fromarray(page.image), model, models, 0.0, single=True).candidates
        if not found:
            continue
        glyphs = np.stack([each.cut.glyph for each in found])
        answers = answering.test_time_augmented(glyphs, model.answers(glyphs), model)
        known = np.stack([each.known for each in found])
        evidence, trust = fusion.evidence(known, alone=True), fusion.trust(known, alone=True)
        best = int(np.argmax(fusion.is_digit(evidence, trust, answers.is_digit)))
        classified, chosen = answers.probabilities[best][None], found[best]
        by: dict[str, NDArray[np.float32]] = {
            "the classifier": classified[0],
            "the detector": chosen.detected,
            "the crop classifier": chosen.cropped,
            "all three, weighed": fusion.classes(classified, chosen.seen[None])[0],
            "classifier and detector": fusion.classes(classified, chosen.detected[None], 1.0)[0],
        }
        named.append({name: int(each.argmax()) == int(page.labels[0, 0]) for name, each in by.items()})
    return named


def boxes(first: int, count: int, seed: int) -> list[dict[str, bool]]:
    """Return by what the digits in boxes drawn by hand are named right, and whether they are taken for digits."""
    cv2.setNumThreads(1)
    model = registry.predictor("reader")
    named = []
    for number, page in enumerate(pages(first, count, seed), first):
        digits = page.labels[(page.labels[:, 0] >= 0) & (page.labels[:, 4] >= SMALLEST)]
        image, rng = Image.fromarray(page.image), np.random.default_rng((seed, number))
        if not len(digits) or candidates.is_plain(decode.reduced(image)):
            continue
        angle = float(np.degrees(np.angle(np.exp(1j * digits[:, 5]).mean()))) % 360.0
        whole = pipeline.unread(image, angle)
        matrix, _ = rotation.rotation(image.size, angle)
        for label in digits:
            tilt = float(label[5]) - np.radians(angle)
            across, down = abs(np.cos(tilt)), abs(np.sin(tilt))
            size = np.array([across * label[3] + down * label[4], down * label[3] + across * label[4]])
            margins = rng.uniform(*AROUND, 4) * size.max()
            low = matrix[:, :2] @ label[1:3] + matrix[:, 2] - size / 2 - margins[:2]
            high = low + size + margins[:2] + margins[2:]
            left, top = np.maximum(np.rint(low), 0).astype(int).tolist()
            right, bottom = np.minimum(np.rint(high), whole.size).astype(int).tolist()
            box, truth = Box(left, top, right - left, bottom - top), int(label[0])
            try:
                seen = by_hand.digit(image, angle, box)
            except PictureError:  # too faint to be ink
                seen = pipeline.unanswered(0, Segment(box, normalize.cut(np.zeros_like(whole.ink), Box(0, 0, 1, 1))))
            cut = normalize.cut(whole.ink, results.scaled(box, whole.size, whole.ink.shape[::-1]))
            ways = {
                "the ink of the whole": pipeline.unanswered(0, Segment(box, cut)),
                "the ink around the box": dataclasses.replace(seen, detected=None),
                "and the crop classifier": seen,
            }
            ways |= {f"the same, classifier weighed {w}": dataclasses.replace(seen, weight=w) for w in WEIGHTS}
            read = pipeline.reread(dataclasses.replace(whole, digits=tuple(ways.values())), model).digits
            right_ones = {way: digit.digit == truth for way, digit in zip(ways, read, strict=True)}
            taken = {f"{way}: no doubt": d.flag != results.NOT_A_DIGIT for way, d in zip(ways, read, strict=True)}
            named.append(right_ones | taken)
    return named


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pages", type=int)
    parser.add_argument("--workers", type=int, default=2)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--ways", action="store_true")
    choice.add_argument("--single", action="store_true")
    choice.add_argument("--boxes", action="store_true")
    given = parser.parse_args()
    task, count, seed = (ways, 160, 777) if given.ways else (single, 1200, 555) if given.single else (boxes, 96, 333)
    right = [each for part in spread(task, given.pages or count, seed, given.workers) for each in part]
    for name in right[0] if right else ():
        print(f"{name}: {np.mean([each[name] for each in right]):.3f} of {len(right)} right")


if __name__ == "__main__":
    sys.exit(main())
