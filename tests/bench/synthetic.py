"""Synthetic validation pages read from picture to digits: the share read correctly, and false digits per page.

    python -m tests.bench.synthetic [--pages N] [--seed S] [--kinds]      figures, by scene and layout with --kinds
    python -m tests.bench.synthetic --set page_search.wanted=34 candidates.most_parts=8      with other thresholds
    python -m tests.bench.synthetic --side 2048                           large pages, with digits as small as on others
    python -m tests.bench.synthetic --empty                               pictures without handwritten digits
    python -m tests.bench.synthetic --drawings                            drawings alone
    python -m tests.bench.synthetic --angles                              how well the detector tells a digit's angle
    python -m tests.bench.synthetic --fit                                 the weights of `recognition/fusion.py`
    python -m tests.bench.synthetic --fit-alone                           those for pictures of one character

Writers, MNIST digits and fonts are those held out from the detector's training. Needs the pen strokes.
"""

import argparse
import collections
import functools
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec import settings
from digitrec.datasets import single_pictures
from digitrec.datasets.characters import Characters
from digitrec.datasets.labels import label_at
from digitrec.datasets.synthetic_pages import EMPTY, SORTS, Page, PageMaker, Sort
from digitrec.recognition import answering, candidates, fusion, page_search, pipeline, results, shipped
from digitrec.recognition.crop_outputs import NONE
from digitrec.recognition.normalize import Box
from digitrec.registry import registry
from digitrec.training import fusion_fit

ENLARGED = 1.6
"""How far pages are enlarged for `--angles`."""

CHUNK = 12


@dataclass(frozen=True)
class Score:
    """How one page was read.

    Attributes:
        kind: Scene and layout.
        digits: Handwritten digits on it.
        found: Those in whose box something was found.
        right: Those that were read right.
        false: Digits reported where none is.
        mix: Which of SORTS.
        seconds: Of one core.
        off: Degrees between the angle found and the page's; None where fewer than three digits tell.
    """

    kind: str
    digits: int
    found: int
    right: int
    false: int
    seconds: float
    off: float | None
    mix: str = ""


def middle(box: Box, read: results.Reading) -> NDArray[np.float64]:
    """Return the middle of a box in pixels of the picture as it came."""
    return np.array(results.corners_as_it_came(box, read), np.float64).mean(axis=0)


def score(page: Page, read: results.Reading, seconds: float) -> Score:
    """Compare a reading with a page's labels; what is to be ignored is neither right nor wrong."""
    found: dict[int, int] = {}
    false = 0
    for digit in read.digits:
        if digit.flag == results.NOT_A_DIGIT:
            continue
        place = label_at(page.labels, middle(digit.box, read))
        if place < 0 or place in found:
            false += 1
        else:
            found[place] = digit.digit
    truth = {place: int(label[0]) for place, label in enumerate(page.labels) if label[0] >= 0}
    right = sum(found.get(place) == digit for place, digit in truth.items())
    hit = sum(place in found for place in truth)
    off = None
    if len(truth) > 2:
        rest = np.exp(1j * (page.labels[list(truth), 5] - np.radians(read.angle))).mean()
        off = abs(float(np.degrees(np.angle(rest))))
    return Score(f"{page.scene} {page.layout}".strip(), len(truth), hit, right, false, seconds, off)


def pages(first: int, count: int, seed: int, side: int | None = None, sorts: Sequence[Sort] = SORTS) -> list[Page]:
    """Return validation pages, the same ones for the same arguments: each of some sorts in turn; `side` in pixels."""
    maker = PageMaker(Characters.load("validation", settings.strokes_folder()), seed)
    sorts = [replace(sort, sides=(side,)) for sort in sorts] if side else sorts
    return [maker.page_of(sorts[number % len(sorts)], number) for number in range(first, first + count)]


def scores(first: int, count: int, seed: int, side: int | None = None, sorts: Sequence[Sort] = SORTS) -> list[Score]:
    """Return how some pages are read; what a worker process does."""
    cv2.setNumThreads(1)
    model = registry.predictor("reader")
    result = []
    for number, page in enumerate(pages(first, count, seed, side, sorts), first):
        start = time.process_time()
        read = pipeline.read(Image.fromarray(page.image), model)
        made = score(page, read, time.process_time() - start)
        result.append(replace(made, mix=sorts[number % len(sorts)].name))
    return result


def pictures_of_one(first: int, count: int, seed: int) -> list[Page]:
    """Return validation pictures of one character, digits and others, the same ones for the same arguments."""
    maker, made = single_pictures.SingleMaker("validation", settings.strokes_folder()), []
    for number in range(first, first + count):
        picture = maker.picture(np.random.default_rng((seed, number)))
        label = np.array([[picture.digit, *picture.box, 0.0]], np.float32)[: picture.digit != NONE]
        made.append(Page(picture.image, label, "one character", ""))
    return made


def evidence(first: int, count: int, seed: int, alone: bool = False) -> tuple[NDArray[np.float32], ...]:
    """Return, of the candidates on some pages, what is known, the rejection's logit, what each is, the classifier's
    probabilities, the log probabilities of detector and crop classifier, and the weight in the fit.

    Args:
        first: Number of the first page.
        count: Of pages.
        seed: Of chance.
        alone: Whether the pages are pictures of one character.
    """
    cv2.setNumThreads(1)
    model, models = registry.predictor("reader"), shipped.available()
    assert models is not None
    rows: list[tuple[NDArray[np.float32], ...]] = []
    made = pictures_of_one(first, count, seed) if alone else pages(first, count, seed, sorts=(*SORTS, EMPTY))
    for page in made:
        image = Image.fromarray(page.image)
        found = candidates.find(image, model, models)
        if not found.candidates:
            continue
        frame = results.Reading(found.size, image.size, found.angle, ())
        share = np.float32(len(found.candidates) ** -0.5)  # a page of many does not drown the others
        glyphs = np.stack([each.cut.glyph for each in found.candidates])
        answers = answering.test_time_augmented(glyphs, model.answers(glyphs), model)
        for place, each in enumerate(found.candidates):
            label = label_at(page.labels, middle(each.box, frame))
            truth = np.float32(-2.0 if label < 0 else page.labels[label, 0])
            if truth != -1.0:
                rejection, classified = fusion.logit(answers.is_digit[place]), answers.probabilities[place]
                rows.append((each.known, rejection, truth, classified, each.detected, each.cropped, share))
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


def fit_alone(count: int, seed: int, workers: int) -> None:
    """Print the weights of the fusion for what the ink step finds in pictures of one character."""
    parts = spread(functools.partial(evidence, alone=True), count, seed, workers)
    known, rejection, truth, *_, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    of_ink = known[:, fusion.FROM_INK] > 0
    some = known[of_ink], rejection[of_ink], truth[of_ink] >= 0, weight[of_ink]
    made = fusion_fit.fit_alone(*some)
    print(f"{len(some[0])} candidates, {some[2].mean():.3f} are digits")
    before, after = (fusion_fit.log_loss(weights, *some, alone=True) for weights in (fusion.WEIGHTS, made))
    print(f"log loss {after:.4f}; with the weights of today {before:.4f}")
    print(made.alone)


def fit(count: int, seed: int, workers: int) -> None:
    """Print the weights of the fusion."""
    from scipy.optimize import minimize

    parts = spread(evidence, count, seed, workers)
    known, rejection, truth, classified, detected, cropped, weight = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    is_digit = truth >= 0
    of_ink = known[:, fusion.FROM_INK] > 0
    for what, chosen, fitted in (
        ("the detector alone", ~of_ink, fusion_fit.fit),
        ("the ink", of_ink, fusion_fit.fit_ink),
    ):
        some = known[chosen], rejection[chosen], is_digit[chosen], weight[chosen]
        made = fitted(*some)
        print(f"{len(some[0])} candidates of {what}, {some[2].mean():.3f} are digits")
        before, after = (fusion_fit.log_loss(weights, *some) for weights in (fusion.WEIGHTS, made))
        print(f"log loss {after:.4f}; with the weights of today {before:.4f}")
        print(made)
    classified, detected, cropped = classified[is_digit], detected[is_digit], cropped[is_digit]
    digit = truth[is_digit].astype(int)

    def together(weights: NDArray[np.float64]) -> NDArray[np.float32]:
        some = fusion.Weights(detected=weights[1], cropped=weights[2])
        return fusion.classes(classified, fusion.seen(detected, cropped, some), weights[0])

    def surprise(weights: NDArray[np.float64]) -> float:
        return float(-np.log(np.maximum(together(weights)[np.arange(len(digit)), digit], 1e-9)).mean())

    weights = minimize(surprise, np.full(3, 0.5), method="Nelder-Mead").x
    for name, answer in (
        ("classifier alone", classified),
        ("detector alone", detected),
        ("crop classifier alone", cropped),
        (f"all, weights {weights.round(2)}", together(weights)),
    ):
        print(f"{name}: {np.mean(answer.argmax(axis=1) == digit):.4f} of {len(digit)} digits right")


def angle_errors(first: int, count: int, seed: int) -> list[tuple[float, float | None]]:
    """Return the angle of each digit on some photos and scans, and how far the detector is off; None if it is missed.

    Degrees. The detector looks at the page once, enlarged: what the directions of rows tell is not among it.
    """
    maker = PageMaker(Characters.load("validation", settings.strokes_folder()), seed)
    errors: list[tuple[float, float | None]] = []
    for number in range(first, first + count):
        page = maker.page(number, 640, "photo" if number % 2 else "scan")
        enlarged = cv2.resize(page.image, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
        found, _ = shipped.detector().detect(np.asarray(enlarged, np.uint8))
        for _, x, y, _, height, angle in page.labels[page.labels[:, 0] >= 0] * [1, *[ENLARGED] * 4, 1]:
            away = np.hypot(found.boxes[:, 0] - x, found.boxes[:, 1] - y)
            near = int(away.argmin()) if len(found) and away.min() < 0.4 * height else None
            off = None if near is None else float(np.degrees(found.direction[near] - angle) + 180) % 360 - 180
            errors.append((float(np.degrees(angle)), off))
    return errors


def print_angles(count: int, seed: int, workers: int) -> None:
    """Print how many digits have their angle found, separately for those near a quarter turn and those between two."""
    errors = [each for part in spread(angle_errors, count, seed, workers) for each in part]
    between = np.array([abs((angle + 180) % 90 - 45) < 22.5 for angle, _ in errors])
    for what, chosen in (("near a quarter turn", ~between), ("between quarter turns", between)):
        offs = [off for (_, off), here in zip(errors, chosen, strict=True) if here]
        off = np.abs(np.array([each for each in offs if each is not None]))
        print(
            f"{what}: {len(offs)} digits, {len(off)} found; "
            f"angle within 15 degrees {np.mean(off < 15):.3f}, within 30 {np.mean(off < 30):.3f}"
        )


def change(settings_of: Sequence[str]) -> None:
    """Change thresholds, each `module.name=number`, in this process."""
    for each in settings_of:
        name, _, value = each.partition("=")
        module, _, field = name.partition(".")
        thresholds = {"candidates": candidates, "page_search": page_search, "fusion": fusion}[module].THRESHOLDS
        object.__setattr__(thresholds, field, type(getattr(thresholds, field))(value))


def spread(task: object, count: int, seed: int, workers: int, changes: Sequence[str] = ()) -> list:  # type: ignore[type-arg]
    """Return what a task says of pages, chunk by chunk, in worker processes with changed thresholds."""
    firsts = range(0, count, CHUNK)
    with ProcessPoolExecutor(workers, get_context("spawn"), change, (changes,)) as pool:
        return list(pool.map(task, firsts, [CHUNK] * len(firsts), [seed] * len(firsts)))  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kinds", action="store_true")
    parser.add_argument("--set", nargs="+", default=[], metavar="MODULE.NAME=NUMBER", dest="changes")
    parser.add_argument("--side", type=int)
    parser.add_argument("--empty", action="store_true")
    parser.add_argument("--drawings", action="store_true")
    parser.add_argument("--angles", action="store_true")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--fit-alone", action="store_true")
    given = parser.parse_args()
    if given.angles:
        print_angles(given.pages, given.seed, given.workers)
        return
    if given.fit or given.fit_alone:
        (fit if given.fit else fit_alone)(given.pages, given.seed + 1, given.workers)
        return
    sorts = (EMPTY,) if given.empty else SORTS[:1] if given.drawings else SORTS
    task = functools.partial(scores, side=given.side, sorts=sorts)
    result = [each for part in spread(task, given.pages, given.seed, given.workers, given.changes) for each in part]
    groups: dict[str, list[Score]] = collections.defaultdict(list)
    for each in result:
        groups["all"].append(each)
        groups[f"mix {each.mix}"].append(each)
        if given.kinds:
            scene, _, layout = each.kind.partition(" ")
            groups[f"scene {scene}"].append(each)
            groups[f"layout {layout or 'any'}"].append(each)
    for kind, some in sorted(groups.items()):
        digits = sum(each.digits for each in some)
        share = [sum(values) / max(digits, 1) for values in ([e.found for e in some], [e.right for e in some])]
        off = np.array([e.off for e in some if e.off is not None] or [0.0])
        print(
            f"{kind:24s} {len(some):4d} pages {digits:6d} digits: found {share[0]:.4f}, right {share[1]:.4f}, "
            f"false per page {sum(e.false for e in some) / len(some):.2f}, {np.mean([e.seconds for e in some]):.2f} s, "
            f"angle within 5 degrees {np.mean(off < 5):.3f}, median off {np.median(off):.1f}"
        )


if __name__ == "__main__":
    sys.exit(main())
