"""What a lesson gives: writers of UNIPEN teach a model some of their digits, and it reads others of theirs.

    DIGITREC_STROKES=... python -m tests.bench.teaching [--writers N] [--group GROUP] [MODEL...]

Two groups of writers, neither of which had a part in how lessons are given (`teaching.Plan`):

- held out: those of UNIPEN's test part, strangers to every model. None wrote 130 digits, so each digit is read by a
  model that learned from the writer's others, in five parts, at most 30 of them.
- many: of the training part, those who wrote 130 digits: 30 teach, 100 others are read. Strangers only to models that
  learned from no pen strokes, so `reader` is left out.

Rate, steps and labels were chosen on 24 writers of the training part with 60 to 129 digits.
"""

import argparse
import collections
import time

import numpy as np
from numpy.typing import NDArray

from digitrec import settings
from digitrec.datasets import glyph_bank, mnist, own_digits, unipen
from digitrec.datasets.own_digits import OwnDigit
from digitrec.datasets.unipen import Writing
from digitrec.jobs import checkpoint
from digitrec.jobs.teaching import FOLDS, LEAST, SEED, has_odds
from digitrec.registry import registry
from digitrec.training import metrics, splits, teaching

MODELS = ("mlp-128-128", "cnn-5x5", "reader")
GROUPS = ("held out", "many")
TAUGHT, OTHERS = 30, 100
Places = NDArray[np.int64]


def writers(group: str, most: int) -> list[list[OwnDigit]]:
    """Return the digits of each writer of a group, drawn as on the Draw page's canvas, in a random order."""
    by_writer = collections.defaultdict(list)
    for writing in unipen.load(settings.strokes_folder(), ("digit",)):
        by_writer[writing.writer].append(writing)
    part, least = ("test", 2 * LEAST) if group == "held out" else ("training", TAUGHT + OTHERS)
    chosen = sorted(name for name, all_ in by_writer.items() if unipen.part(name) == part and len(all_) >= least)
    return [_drawn(by_writer[name], place) for place, name in enumerate(chosen[:most])]


def _drawn(writings: list[Writing], seed: int) -> list[OwnDigit]:
    rng = np.random.default_rng((SEED, seed))
    digits = []
    for place in rng.permutation(len(writings))[: TAUGHT + OTHERS]:
        glyph = glyph_bank.glyph_of(unipen.canvas(writings[place], rng))
        if glyph is not None:
            digits.append(OwnDigit(glyph, int(writings[place].label), writings[place].strokes))
    return digits


def lessons(digits: list[OwnDigit], group: str) -> list[tuple[Places, Places]]:
    """Return the places of the digits that are taught and of those that are then read, of each lesson."""
    if group == "many":
        return [(np.arange(TAUGHT), np.arange(TAUGHT, len(digits)))]
    part = own_digits.folds([digit.label for digit in digits], FOLDS, np.random.default_rng(SEED))
    return [(np.flatnonzero(part != fold)[:TAUGHT], np.flatnonzero(part == fold)) for fold in range(FOLDS)]


def measure(name: str, group: str, all_digits: list[list[OwnDigit]]) -> None:
    """Teach a model by each writer and print what that gave."""
    model = registry.get(name)
    pupil = teaching.Pupil(checkpoint.model(model.folder), has_odds(model), teaching.PLAN)
    pictures, truth = mnist.test()
    test = pupil.features(mnist.glyphs(pictures))
    mnist_before = float((pupil.read(test) == truth).mean())
    split = splits.digits(model.recipe)
    pupil.study(split.x, split.y, SEED)
    before, after, mnist_after, seconds = [], [], [], []
    for digits in all_digits:
        labels = np.array([digit.label for digit in digits])
        glyphs = pupil.features(mnist.glyphs(np.stack([digit.glyph for digit in digits])))
        began = time.process_time()
        varied = teaching.varied(digits[: TAUGHT if group == "many" else len(digits)], pupil.plan, SEED)
        features = pupil.features(varied.reshape(-1, 28, 28)).reshape(*varied.shape[:2], -1)
        for taught, read in lessons(digits, group):
            pupil.head.set_weights(pupil.first)
            before += list(pupil.read(glyphs[read]) == labels[read])
            pupil.teach(features[taught], labels[taught], SEED)
            after += list(pupil.read(glyphs[read]) == labels[read])
        seconds.append(time.process_time() - began)
        mnist_after.append(float((pupil.read(test) == truth).mean()))
    wrong = [int(np.sum(~np.array(right))) for right in (before, after)]
    tested = metrics.mcnemar(np.array(before), np.array(after), ("the model before", "the one after"))
    print(
        f"{name}, {group}: {len(all_digits)} writers, {len(before)} digits read, errors {wrong[0]} -> {wrong[1]} "
        f"({(wrong[1] - wrong[0]) / max(1, wrong[0]):+.0%}). {tested.sentence}\n"
        f"    MNIST {mnist_before:.2%} -> {np.mean(mnist_after):.2%} on average, {min(mnist_after):.2%} at worst; "
        f"{np.mean(seconds):.1f} s of processor time per writer",
        flush=True,
    )


def main() -> None:
    """Measure the models named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.teaching")
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--writers", type=int, default=30, help="at most so many of each group")
    parser.add_argument("--group", choices=GROUPS, help="one of the groups; both where it is not given")
    options = parser.parse_args()
    for group in [options.group] if options.group else GROUPS:
        found = writers(group, options.writers)
        for name in options.models:
            if group == "held out" or not registry.get(name).recipe.strokes:
                measure(name, group, found)


if __name__ == "__main__":
    main()
