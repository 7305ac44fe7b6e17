"""What a lesson gives: writers teach a model some of their digits, and it reads others of theirs.

    DIGITREC_STROKES=... python -m tests.bench.teaching [--writers N] [--group GROUP] [--pictures FOLDER] [MODEL...]

A MODEL may be the path of a model's file, which is then imported first. Groups of writers, none of which had a part in
how lessons are given (`teaching.Plan`):

- held out: those of UNIPEN's test part, strangers to every model. None wrote 130 digits, so each digit is read by a
  model that learned from the writer's others, in five parts, at most 30 of them.
- many: of the training part, those who wrote 130 digits: 30 teach, 100 others are read. Strangers only to models that
  learned from no pen strokes, so `reader` is left out.
- pictures: people who photographed or drew at least 15 digits, see `real_digits` for FOLDER, in five parts as well.

Rate, steps and labels were chosen on 24 writers of the training part with 60 to 129 digits. Intervals are those of
10,000 draws of writers.
"""

import argparse
import collections
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec import settings
from digitrec.datasets import glyph_bank, mnist, own_digits, unipen
from digitrec.datasets.own_digits import OwnDigit
from digitrec.datasets.unipen import Writing
from digitrec.imaging import decode
from digitrec.jobs import checkpoint, imports
from digitrec.jobs.teaching import FOLDS, LEAST, SEED, has_odds
from digitrec.recognition import pipeline
from digitrec.registry import registry
from digitrec.registry.registry import Model
from digitrec.training import metrics, splits, teaching

MODELS = ("mlp-128-128", "cnn-5x5", "reader")
GROUPS = ("held out", "many", "pictures")
LEAST_PICTURES = 15
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


def painters(folder: Path, most: int) -> list[list[OwnDigit]]:
    """Return the digits of each writer of a folder of labelled pictures, as Upload reads them."""
    by_writer = collections.defaultdict(list)
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        by_writer[row["writer"]].append(row)
    chosen = sorted(name for name, rows in by_writer.items() if len(rows) >= LEAST_PICTURES)[:most]
    return [[found for row in by_writer[name] if (found := _read(folder, row))] for name in chosen]


def _read(folder: Path, row: dict[str, str]) -> OwnDigit | None:
    picture = decode.opened((folder / row["file"]).read_bytes()).image
    digits = pipeline.read(picture, registry.predictor(registry.default()), True, registry.finder()).digits
    glyph = np.rint(255 * digits[0].glyph).astype(np.uint8) if digits else np.zeros((28, 28), np.uint8)
    return OwnDigit(glyph, int(row["label"])) if glyph.any() else None


def available(name: str, scratch: Path) -> Model:
    """Return the model of this name, or the one in a file of this path, imported."""
    if not Path(name).is_file():
        return registry.get(name)
    made = scratch / Path(name).stem
    made.mkdir()
    imports.make(Path(name).read_bytes(), Path(name).name, made, lambda step: None)
    return registry.read_folder(made)


def lessons(digits: list[OwnDigit], group: str) -> list[tuple[Places, Places]]:
    """Return the places of the digits that are taught and of those that are then read, of each lesson."""
    if group == "many":
        return [(np.arange(TAUGHT), np.arange(TAUGHT, len(digits)))]
    part = own_digits.folds([digit.label for digit in digits], FOLDS, np.random.default_rng(SEED))
    return [(np.flatnonzero(part != fold)[:TAUGHT], np.flatnonzero(part == fold)) for fold in range(FOLDS)]


def interval(before: Places, after: Places) -> tuple[float, float]:
    """Return the 95 % interval of the change of errors, of those of each writer before and after, (N,) each."""
    drawn = np.random.default_rng(SEED).integers(0, len(before), (10_000, len(before)))
    one, two = before[drawn].sum(axis=1), after[drawn].sum(axis=1)
    low, high = np.percentile((two - one)[one > 0] / one[one > 0], (2.5, 97.5))
    return float(low), float(high)


def measure(model: Model, group: str, all_digits: list[list[OwnDigit]]) -> None:
    """Teach a model by each writer and print what that gave."""
    pupil = teaching.Pupil(checkpoint.model(model.folder), has_odds(model), teaching.PLAN)
    pictures, truth = mnist.test()
    test = pupil.features(mnist.glyphs(pictures))
    mnist_before = float((pupil.read(test) == truth).mean())
    split = splits.digits(model.recipe if model.imported is None else imports.RECIPE)
    pupil.study(split.x, split.y, SEED)
    before, after, mnist_after, seconds, wrong = [], [], [], [], []
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
        count = sum(len(read) for _, read in lessons(digits, group))
        wrong.append([count - sum(right[-count:]) for right in (before, after)])
        seconds.append(time.process_time() - began)
        mnist_after.append(float((pupil.read(test) == truth).mean()))
    one, two = np.array(wrong).T
    low, high = interval(one, two)
    tested = metrics.mcnemar(np.array(before), np.array(after), ("the model before", "the one after"))
    print(
        f"{model.name}, {group}: {len(all_digits)} writers, {len(before)} digits read, "
        f"errors {one.sum()} -> {two.sum()} "
        f"({(two.sum() - one.sum()) / max(1, one.sum()):+.0%}, {low:+.0%} to {high:+.0%}). {tested.sentence}\n"
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
    parser.add_argument("--pictures", type=Path, help="the folder of labelled pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        models = [available(name, Path(scratch)) for name in options.models]
        for group in [options.group] if options.group else GROUPS:
            if group == "pictures" and options.pictures is None:
                continue
            pictures = group == "pictures"
            found = painters(options.pictures, options.writers) if pictures else writers(group, options.writers)
            for model in models:
                if group != "many" or not has_odds(model):
                    measure(model, group, found)


if __name__ == "__main__":
    main()
