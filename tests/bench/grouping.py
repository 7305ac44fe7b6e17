"""How well digits are grouped into numbers: `python -m tests.bench.grouping [--count N] [--tune] STROKES_FOLDER`.

Sheets of numbers in rows on plain paper are drawn from the pen strokes of UNIPEN writers held out from all training,
or with `--tune` from those of the others, on whom the thresholds in `number_grouping.py` were chosen. Each sheet has
its own usual gap. Printed for each layout, over the sheets where as many digits were found as written: the share of
gaps that are classified correctly, the same for a rule of one fixed gap, and the share of sheets without an error.
"""

import argparse
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.datasets import unipen
from digitrec.datasets.unipen import Writing
from digitrec.recognition import number_grouping, pipeline, results
from digitrec.recognition.results import Digit
from digitrec.registry import registry

Floats = NDArray[np.float32]
SEED = 4

MISLABELLED = {("aga:crlmtchl", "1"), ("aga:crlmtchl", "7")}
"""Writers and labels whose characters are something else."""

Rng = np.random.Generator

WAYS = ("sheets", "spaced", "squares", "columns", "short", "one wide number")
SIZE, ROWS = 60.0, (1, 7)  # pixels; least and most rows, the most left out
FIXED = 0.8
"""Gap that divides in the rule for comparison, in heights of the digit before it."""


def by_writer(writings: list[Writing], fewest: int = 8) -> dict[str, dict[str, list[Writing]]]:
    """Return each writer's digits by label, of writers with at least `fewest` different ones."""
    found: dict[str, dict[str, list[Writing]]] = defaultdict(lambda: defaultdict(list))
    for writing in writings:
        if writing.kind == "digit" and (writing.writer, writing.label) not in MISLABELLED:
            found[writing.writer][writing.label].append(writing)
    return {writer: dict(digits) for writer, digits in found.items() if len(digits) >= fewest}


def row(way: str, usual: float, spread: float, rng: Rng) -> list[tuple[bool, float]]:
    """Return, for each digit of a row, whether it ends a number, and the gap after it in heights."""
    if way == "sheets":
        ends = rng.random(rng.integers(1, 9)) < 0.12
        return [(bool(end), rng.uniform(0.22, 0.6) + end * rng.uniform(0.8, 1.4)) for end in ends]
    lengths = rng.integers(1, 7, rng.integers(1, 5))
    if way == "short":
        lengths = rng.choice([1, 2, 2, 2], rng.integers(3, 8))
    if way == "one wide number":
        lengths = lengths[:1]
    ends = [place == length - 1 for length in lengths for place in range(length)]
    if way == "squares":  # each digit in one; one or two are left free
        return [(end, 1.0 + end * float(rng.integers(1, 3))) for end in ends]
    far = 2.5 if way == "columns" else usual + rng.uniform(0.5, 1.5)
    return [(end, max(usual + 0.35, rng.normal(far, 0.15)) if end else rng.normal(usual, spread)) for end in ends]


def sheet(writers: dict[str, dict[str, list[Writing]]], way: str, rng: Rng) -> tuple[NDArray[np.uint8], str]:
    """Return a sheet, uint8 (H, W, 3), and its text: a row a line, a space between two numbers."""
    digits = writers[str(rng.choice(sorted(writers)))]
    usual = rng.uniform(0.05, 1.1 if way == "one wide number" else 0.5)
    spread = rng.uniform(0.1, 0.3) * max(usual, 0.3)  # who leaves wide gaps leaves uneven ones
    pen, square = SIZE * rng.uniform(0.05, 0.12), rng.uniform(0.85, 1.2) * SIZE
    rows = [row(way, usual, spread, rng) for _ in range(rng.integers(*ROWS))]
    cover = np.zeros((int(1.8 * SIZE * (len(rows) + 0.4)), int(60 * SIZE)), np.float32)
    lines, right = [], 0.0
    for number_of, each in enumerate(rows):
        x, y, line = SIZE, 1.8 * SIZE * (number_of + 0.7), ""
        for end, gap in each:
            label = str(rng.choice(sorted(digits)))
            writing = digits[label][rng.integers(len(digits[label]))]
            width = _draw(cover, writing, x, y, way == "squares", pen, rng)
            x += gap * square if way == "squares" else width + max(gap, -0.1) * SIZE
            right, line = max(right, x + width), line + label + (" " if end else "")
        lines.append(line.strip())
    cover = cover[:, : int(min(cover.shape[1], right + SIZE))]
    page = np.rint(245.0 - 200.0 * np.clip(cover, 0.0, 1.0)).astype(np.uint8)
    return np.dstack([page] * 3), "\n".join(lines)


def _draw(cover: Floats, writing: Writing, x: float, y: float, centred: bool, pen: float, rng: Rng) -> float:
    """Draw a digit with its left edge, or its middle, at x, and return its width."""
    points = np.concatenate(writing.strokes)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = SIZE * rng.uniform(0.85, 1.15) / max(float(extent.max()), 1e-6)
    corner = np.array([x - centred * extent[0] * scale / 2, y + rng.normal(0, 0.05) * SIZE - extent[1] * scale / 2])
    drawn = np.zeros(cover.shape, np.uint8)
    for stroke in writing.strokes:
        places = np.rint(((stroke - low) * scale + corner) * 16).astype(np.int32)
        cv2.polylines(drawn, [np.repeat(places, 2, axis=0)], False, 255, max(1, round(pen)), cv2.LINE_AA, 4)
    np.maximum(cover, drawn.astype(np.float32) / 255, out=cover)
    return float(extent[0] * scale + pen)


def numbers(text: str) -> list[str]:
    """Return what is after each digit but the last: a space, the end of a row, or nothing."""
    return [after if not after.isdigit() else "" for digit, after in pairwise(text) if digit.isdigit()]


def fixed(digits: tuple[Digit, ...]) -> list[str]:
    """Return the same by a gap of FIXED heights, with rows as they were found."""
    kept = [digit for digit in digits if digit.flag != results.NOT_A_DIGIT]
    wide = (b.box.x - a.box.x - a.box.width > FIXED * a.box.height for a, b in pairwise(kept))
    return ["\n" if b.row > a.row else " " * int(far) for (a, b), far in zip(pairwise(kept), wide, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Part the digits of sheets made for this into numbers.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=40, help="sheets of each way of writing")
    parser.add_argument("--tune", action="store_true", help="writers by whom the limits were chosen")
    options = parser.parse_args()
    written = [w for w in unipen.load(options.folder, ("digit",)) if unipen.held_out(w.writer) != options.tune]
    writers, reader = by_writer(written), registry.finder()
    for way in WAYS:
        gaps = right = plain = whole = used = 0
        for count in range(options.count):
            made, text = sheet(writers, way, np.random.default_rng((SEED, WAYS.index(way), count)))
            digits = pipeline.read(Image.fromarray(made), reader, angle=0.0).digits
            truth, ours, simple = numbers(text), numbers(number_grouping.text(digits)), fixed(digits)
            if len(ours) == len(truth) == len(simple) and truth:
                inside = [place for place, after in enumerate(truth) if after != "\n"]  # rows are not what is asked
                hits = sum(truth[place] == ours[place] for place in inside)
                plain += sum(truth[place] == simple[place] for place in inside)
                used, gaps, right, whole = used + 1, gaps + len(inside), right + hits, whole + (hits == len(inside))
        shares = f"right {right / gaps:.1%}  by a fixed gap {plain / gaps:.1%}  all of a sheet {whole / used:.0%}"
        print(f"{way:16s} {used:3d} of {options.count} sheets  {gaps:4d} gaps  {shares}")


if __name__ == "__main__":
    main()
