"""Kinds of single digits that were misread: how many of each are read, by writers who had no part in training.

    python -m tests.bench.misread_kinds [--model NAME]... [--each N] [--part test|validation] [--show FOLDER] STROKES

STROKES holds UNIPEN's isolated characters, see `digitrec.datasets.unipen`; they are not in this project. The forms are
those of `rare_forms`, drawn with pens of any width; the other kinds are whole pictures. All are read as pictures of one
digit; of non-digits it is counted how many are rejected. `--show` writes a sheet of each kind.
"""

import argparse
import collections
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from digitrec.datasets import fonts, hard_drawings, rare_forms, scripts, shapes, unipen
from digitrec.datasets.unipen import Writing
from digitrec.recognition import pipeline
from digitrec.recognition.results import NOT_A_DIGIT
from digitrec.registry import registry

Bytes = NDArray[np.uint8]
Draw = Callable[[Writing, np.random.Generator], Bytes]
Characters = dict[str, list[Writing]]

SEED = 19
NONE = "?"
SANS = [file for file in fonts.of_part("validation")[0] if "sans" in file.stem.lower()]


def any_width(writing: Writing, rng: np.random.Generator) -> Bytes:
    """Return a digit drawn with any pen: a third with a line of one pixel, a third very thick."""
    way = rng.random()
    if way < 1 / 3:
        return unipen.picture(writing, rng)
    side = int(rng.integers(28, 141))
    size = side * rng.uniform(0.6, 0.9)
    width = 1 if way < 2 / 3 else max(2, round(size * rng.uniform(0.11, 0.16)))
    alpha = unipen.cover(writing.strokes, side, size, width, side > 40, rng)
    return unipen.on_white(alpha)


def grainy(writing: Writing, rng: np.random.Generator) -> Bytes:
    """Return a large picture of a digit with grain of one pixel."""
    side = int(rng.integers(1000, 2200))
    alpha = unipen.cover(
        writing.strokes, side, side * rng.uniform(0.4, 0.8), int(side * rng.uniform(0.01, 0.05)), True, rng
    )
    grey = (235 - alpha * np.float32(0.75))[..., None] + rng.normal(0, rng.uniform(15, 45), (side, side, 1))
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8), 3, axis=2)


def printed_one(writing: Writing, rng: np.random.Generator) -> Bytes:
    """Return a one printed in a font without serifs."""
    font = ImageFont.truetype(str(SANS[int(rng.integers(len(SANS)))]), int(rng.integers(30, 200)))
    side = int(font.size * 1.6)
    image = Image.new("RGB", (side, side), "white")
    ImageDraw.Draw(image).text((side / 2, side / 2), writing.label, "black", font, anchor="mm")
    return np.asarray(image)


def dab(rng: np.random.Generator) -> Bytes:
    """Return one or two dabs of a pen, no digit."""
    side = int(rng.choice([28, 56, 140, 280]))
    width = max(2, round(side * rng.uniform(0.06, 0.14)))
    picture = np.full((side, side, 4), 255, np.uint8)
    for _ in range(int(rng.integers(1, 3))):
        start = rng.uniform(0.2, 0.8, 2) * side
        line = np.array([start, start + rng.normal(0.0, 0.15, 2) * width])
        cv2.polylines(picture, [unipen.in_fractions(line)], False, (0, 0, 0, 255), width, cv2.LINE_AA, unipen.SHIFT)
    return picture


def hard_drawing(kind: str, writing: Writing, rng: np.random.Generator) -> Bytes:
    """Return a drawing of this kind."""
    return HARD[kind](writing, rng).picture


HARD = hard_drawings.DRAWINGS | hard_drawings.PHOTOS

PICTURES: dict[str, tuple[str, Draw]] = {
    **{kind: ("0123456789", partial(hard_drawing, kind)) for kind in HARD},
    "grain of one pixel, large": ("0123456789", grainy),
    "1, printed, sans-serif": ("1", printed_one),
}


OTHERS: dict[str, Callable[[Characters, np.random.Generator], Bytes]] = {
    "dabs": lambda _, rng: dab(rng),
    "letters": lambda others, rng: unipen.picture(one_of(others["letters"], rng), rng),
    "signs": lambda others, rng: unipen.picture(one_of(others["signs"], rng), rng),
    "shapes": lambda _, rng: unipen.picture(shapes.draw(rng), rng),
    "other scripts": lambda _, rng: scripts.character(rng, "validation"),
}
"""Kinds of non-digits: characters of UNIPEN by kind and a source of chance -> a picture."""


def one_of(writings: list[Writing], rng: np.random.Generator) -> Writing:
    """Return one of these characters."""
    return writings[int(rng.integers(len(writings)))]


def of_kind(
    kind: str, digits: dict[str, list[Writing]], others: dict[str, list[Writing]], each: int
) -> list[tuple[str, Bytes]]:
    """Return `each` pictures of a kind with what they should be read as."""
    rng = np.random.default_rng((SEED, *kind.encode()))
    made: list[tuple[str, Bytes]] = []
    while len(made) < each:
        if kind in rare_forms.FORMS:
            label = rare_forms.FORMS[kind].digit
            mine = digits[label]
            writing = rare_forms.of(kind, one_of(mine, rng), rng)
            if writing is not None:
                made.append((label, any_width(writing, rng)))
        elif kind in OTHERS:
            made.append((NONE, OTHERS[kind](others, rng)))
        else:
            labels, draw = PICTURES[kind]
            mine = digits[labels[len(made) % len(labels)]]
            writing = one_of(mine, rng)
            made.append((writing.label, draw(writing, rng)))
    return made


def sheet(made: list[tuple[str, Bytes]], notes: list[str]) -> Image.Image:
    """Return the first 60 pictures of a kind, twelve a row, with what was read below each."""
    picture = Image.new("RGB", (12 * 104, 5 * 122), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    for place, ((_, pixels), note) in enumerate(zip(made[:60], notes, strict=False)):
        x, y = place % 12 * 104, place // 12 * 122
        small = Image.fromarray(pixels).convert("RGB")
        small.thumbnail((100, 100))
        picture.paste(
            small.resize((100, round(100 * small.height / small.width))) if small.width < 100 else small, (x, y)
        )
        pen.text((x + 2, y + 102), note, "black" if note[0] == note[-1] else "red", font)
    return picture


def main() -> None:
    """Print how many of each kind each model reads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", action="append", help="default: reader")
    parser.add_argument("--each", type=int, default=120, help="pictures of each kind (default: 120)")
    parser.add_argument("--part", choices=("test", "validation"), default="test", help="whose digits (default: test)")
    parser.add_argument("--kind", action="append", help="default: all")
    parser.add_argument("--show", type=Path, help="folder for sheets of what was read")
    options = parser.parse_args()
    digits: Characters = collections.defaultdict(list)
    others: Characters = collections.defaultdict(list)
    for writing in unipen.load(options.folder):
        if unipen.part(writing.writer) != options.part or writing.label in unipen.AMBIGUOUS:
            continue
        if writing.kind == "digit":
            digits[writing.label].append(writing)
        else:
            others["signs" if writing.kind == "symbol" else "letters"].append(writing)
    for name in options.model or ["reader"]:
        predictor = registry.predictor(name)
        shares = []
        for kind in options.kind or [*rare_forms.FORMS, *PICTURES, *OTHERS]:
            made = of_kind(kind, digits, others, options.each)
            read = []
            for _, pixels in made:
                found = pipeline.read(Image.fromarray(pixels), predictor, single=True)
                digit = found.digits[0] if found.digits else None
                read.append(NONE if digit is None or digit.flag == NOT_A_DIGIT else str(digit.digit))
            answers = [(truth, answer) for (truth, _), answer in zip(made, read, strict=True)]
            wrong = collections.Counter(answer for truth, answer in answers if answer != truth)
            right = len(answers) - wrong.total()
            shares.append(right / len(made))
            print(f"{name:12s} {kind:30s} {right / len(made):7.1%}   wrong: {dict(wrong)}", flush=True)
            if options.show:
                options.show.mkdir(parents=True, exist_ok=True)
                notes = [f"{truth} -> {answer}" for truth, answer in answers]
                sheet(made, notes).save(options.show / f"{name}-{kind.replace(', ', '-').replace(' ', '-')}.png")
        print(f"{name}: mean of kinds {np.mean(shares):.1%}, lowest {min(shares):.1%}")


if __name__ == "__main__":
    main()
