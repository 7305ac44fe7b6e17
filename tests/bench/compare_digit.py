"""Compare after a change of digit: what section 1, section 2 and the search of section 3 compute.

python -m tests.bench.compare_digit [MODEL MODEL]

Milliseconds of processor time for both models together, so that a busy machine counts less; the median of many digits.
"""

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from digitrec.analysis import explain, robustness
from digitrec.datasets import mnist
from digitrec.figures import compare
from digitrec.recognition.classifier import Predictor
from digitrec.registry import registry

DIGITS = 10
LIMITS = {"section 1: activations, evidence and their figures": 150, "section 2: map of shifts and curves": 1_500}


def section_1(predictors: list[Predictor], glyph: np.ndarray) -> None:
    for predictor in predictors:
        activations = predictor.activations(glyph[None])
        values = explain.occlusion(predictor.logits, glyph, int(activations["logits"][0].argmax()))
        compare.evidence(values, glyph, 1.0)


def section_2(predictors: list[Predictor], glyph: np.ndarray) -> None:
    shifts = robustness.shifts(glyph)
    variants = np.concatenate([robustness.variants(glyph, d) for d in robustness.DISTORTIONS])
    for predictor in predictors:
        predictor.logits(shifts)
        predictor.logits(variants)


def section_3(predictors: list[Predictor], glyph: np.ndarray) -> None:
    for predictor in predictors:
        explain.smallest_change(predictor.logits, glyph)


def median(call: Callable[[list[Predictor], np.ndarray], None], predictors: list[Predictor]) -> float:
    """Return the median milliseconds of processor time of a call, over the first digits."""
    took = []
    for picture in mnist.test()[0][:DIGITS]:
        glyph = mnist.glyphs(picture)
        started = time.process_time()
        call(predictors, glyph)
        took.append(1000 * (time.process_time() - started))
    return statistics.median(took)


def main() -> None:
    names = sys.argv[1:] or ["reader-mlp", "reader"]
    predictors = [registry.predictor(name) for name in names]
    for (title, limit), call in zip(LIMITS.items(), (section_1, section_2), strict=True):
        print(f"{title}, {' and '.join(names)}: {median(call, predictors):.0f} ms (limit {limit:,} ms)")
    print(f"section 3: the smallest changes: {median(section_3, predictors):.0f} ms")


if __name__ == "__main__":
    main()
