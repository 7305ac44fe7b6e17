"""Letters and digits that are rejected, drawn as on our canvas from the strokes of writers unseen in training.

    python -m tests.bench.no_digit [--model NAME]... [--each N] STROKES_FOLDER

The folder holds UNIPEN's isolated characters, see `digitrec.datasets.unipen`; they are not in this project. A
character is drawn and read as on the Draw page. Letters that look the same as a digit are left out.
"""

import argparse
import collections
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from digitrec.datasets import unipen
from digitrec.datasets.unipen import AMBIGUOUS, Writing
from digitrec.recognition import pipeline
from digitrec.recognition.results import NOT_A_DIGIT, Reading
from digitrec.registry import registry

SEED = 1
SHARES = (0.003, 0.01, 0.02)
"""Shares of digits marked at which the letters are counted too, with the threshold moved there."""


def chosen(folder: Path, each: int) -> list[Writing]:
    """Return digits and letters of held-out writers, at most `each` of every character, drawn by lot."""
    rng = np.random.default_rng(SEED)
    kept = [w for w in unipen.load(folder) if w.kind != "symbol" and unipen.held_out(w.writer)]
    by_label: dict[str, list[Writing]] = collections.defaultdict(list)
    for place in rng.permutation(len(kept)):
        if len(by_label[kept[place].label]) < each:
            by_label[kept[place].label].append(kept[place])
    return [writing for label in sorted(by_label) for writing in by_label[label]]


def report(name: str, writings: Sequence[Writing], read: Sequence[Reading]) -> None:
    """Print one model's shares."""
    scores = np.array([found.digits[0].is_digit if found.digits else 0.0 for found in read])
    marked = np.array([all(digit.flag == NOT_A_DIGIT for digit in found.digits) for found in read])
    digit = np.array([writing.kind == "digit" for writing in writings])
    plain = np.array([writing.kind != "digit" and writing.label not in AMBIGUOUS for writing in writings])
    right = [found.text == writing.label for found, writing in zip(read, writings, strict=True)]
    print(f"\n{name}")
    print(f"  letters rejected        {marked[plain].mean():7.2%} of {plain.sum():,}")
    print(f"  digits rejected         {marked[digit].mean():7.2%} of {digit.sum():,}")
    print(f"  digits read right       {np.mean(np.array(right)[digit]):7.2%}")
    for share in SHARES:
        threshold = np.quantile(scores[digit], share)
        print(f"  with {share:.1%} of digits marked: {np.mean(scores[plain] < threshold):7.2%} of letters")
    by_label: dict[str, list[bool]] = collections.defaultdict(list)
    for writing, mark in zip(writings, marked, strict=True):
        by_label[writing.label].append(bool(mark))
    for title, labels in (
        ("digits", "0123456789"),
        ("letters", sorted({w.label for w in writings if w.kind != "digit"} - AMBIGUOUS)),
        ("left out, look like digits", sorted(AMBIGUOUS)),
    ):
        shares = {label: float(np.mean(by_label[label])) for label in labels if label in by_label}
        print(f"  {title}: " + "  ".join(f"{label} {s:.0%}" for label, s in sorted(shares.items(), key=lambda e: e[1])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", action="append", help="default: every available model")
    parser.add_argument("--each", type=int, default=50, help="at most so many of every character (default: 50)")
    options = parser.parse_args()
    writings = chosen(options.folder, options.each)
    names = options.model or [model.name for model in registry.models()]
    predictors = [registry.predictor(name) for name in names]
    rng = np.random.default_rng(SEED)
    drawn = [pipeline.read_canvas(unipen.canvas(writing, rng), predictors[0]) for writing in writings]
    print(f"{len(writings):,} characters of {len({writing.writer for writing in writings})} held-out writers")
    for name, predictor in zip(names, predictors, strict=True):
        report(name, writings, [pipeline.reread(found, predictor) for found in drawn])


if __name__ == "__main__":
    main()
