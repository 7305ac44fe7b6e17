"""Pen strokes -> glyphs to train on, made by our own ink and glyph steps; kept in a file, for they take minutes.

Digits of UNIPEN, each drawn several times, some in rare forms, some of straight strokes and some in drawings that are
hard to read; letters, symbols, other scripts, shapes, pairs of digits, scribbles and blots are non-digits.
"""

import itertools
import zipfile
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec import files, settings
from digitrec.datasets import hard_drawings, rare_forms, scripts, shapes, unipen
from digitrec.datasets.hard_drawings import Drawing
from digitrec.datasets.unipen import Writing
from digitrec.imaging import ink
from digitrec.recognition import normalize
from digitrec.recognition.digits import NONE

Bytes = NDArray[np.uint8]
Draw = Callable[[np.random.Generator], Bytes | Drawing]

VERSION = 8  # of what is drawn and how: raised with every change, so that no older file is taken for this one
DRAWN = 3  # times that each digit of the training is drawn, each time otherwise
LETTERS, SYMBOLS = 3_000, 1_500  # at most so many of each letter and each symbol
ANGULAR = 1_500  # digits of straight strokes, to train on
OTHERS = {"training": (7_000, 2_000, 800, 800), "validation": (400, 400, 200, 100)}  # pairs, scribbles, blots, dabs
FORMS = {"training": 500, "validation": 40}  # digits in each rare form
DRAWINGS = {"training": 1_500, "validation": 100}  # digits in each kind of hard drawing, and half as many letters
SHAPES = {"training": 2_500, "validation": 300}
SCRIPTS = {"training": 12_000, "validation": 600}  # characters of other scripts, where fonts with such are installed
CHUNK = 500
OFF = 0.03  # standard deviation of the edges of a detected box, as a share of its longer side
SEED = 2026


class Bank(NamedTuple):
    """Glyphs made of pen strokes.

    Attributes:
        x: uint8 (N, 28, 28), 0 paper .. 255 ink, to train on.
        y: uint8 (N,), their digits, or NONE.
        x_validation: uint8 (M, 28, 28), by other writers.
        y_validation: uint8 (M,).
    """

    x: Bytes
    y: Bytes
    x_validation: Bytes
    y_validation: Bytes


def available() -> bool:
    """Return whether there are pen strokes, or glyphs made of them."""
    return _file().exists() or all((settings.strokes_folder() / name).exists() for name, _ in unipen.FILES.values())


def _file() -> Path:
    return settings.bank_folder() / f"strokes-{VERSION}.npz"


def bank() -> Bank:
    """Return the glyphs made of the pen strokes, from the file of an earlier call where there is one.

    Raises:
        DatasetError: If the strokes are not available.
    """
    kept = _kept()
    if kept is not None:
        return kept
    writings = unipen.load(settings.strokes_folder())
    made = Bank(*_glyphs_of(writings, "training"), *_glyphs_of(writings, "validation"))
    _file().parent.mkdir(parents=True, exist_ok=True)
    files.write(_file(), lambda temporary: np.savez_compressed(temporary, **made._asdict()))
    return made


def _kept() -> Bank | None:
    """Return the glyphs of an earlier call, or None where there are none or the file is damaged."""
    try:
        with np.load(_file()) as stored:
            return Bank(*(stored[name] for name in Bank._fields))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _glyphs_of(writings: list[Writing], part: str) -> tuple[Bytes, Bytes]:
    """Return glyphs (N, 28, 28) and labels (N,) of one part's writers."""
    rng = np.random.default_rng((SEED, part == "training"))
    mine = [w for w in writings if unipen.part(w.writer) == part]
    digits = [w for w in mine if w.kind == "digit"]
    none = _at_most([w for w in mine if w.kind != "digit" and w.label not in unipen.AMBIGUOUS], rng)
    pairs, scribbles, blots, dabs = OTHERS[part]
    work: list[tuple[Draw, int]] = []
    for writing in digits:
        work += [(partial(_drawn, writing), int(writing.label))] * DRAWN
    if part == "training":
        corners = [unipen.angular(rng) for _ in range(ANGULAR)]
        work += [(partial(_drawn, writing), int(writing.label)) for writing in corners]
    work += [(partial(_drawn, writing), int(writing.label)) for writing in _in_rare_forms(digits, FORMS[part], rng)]
    for draw in hard_drawings.DRAWINGS.values():
        chosen = [digits[i] for i in rng.integers(0, len(digits), DRAWINGS[part])]
        work += [(partial(draw, writing), int(writing.label)) for writing in chosen]
        chosen = [none[i] for i in rng.integers(0, len(none), DRAWINGS[part] // 2)]
        work += [(partial(draw, writing), NONE) for writing in chosen]
    work += [(partial(_drawn, writing), NONE) for writing in none]
    work += [(_shape, NONE)] * SHAPES[part]
    if scripts.of_part(part):
        work += [(partial(scripts.character, part=part), NONE)] * SCRIPTS[part]
    work += [(partial(_drawn, _pair(digits, rng)), NONE) for _ in range(pairs)]
    work += [(_scribble, NONE)] * scribbles + [(_blot, NONE)] * blots + [(_dabs, NONE)] * dabs
    chunks = [work[first : first + CHUNK] for first in range(0, len(work), CHUNK)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        results = list(pool.map(_chunk, chunks, range(len(chunks))))
    return np.concatenate([x for x, _ in results]), np.concatenate([y for _, y in results])


def _in_rare_forms(digits: list[Writing], each: int, rng: np.random.Generator) -> list[Writing]:
    """Return so many digits of each rare form, made of those of these digits that can have it."""
    made = []
    for name, form in rare_forms.FORMS.items():
        mine = [writing for writing in digits if writing.label == form.digit]
        places = rng.integers(0, len(mine), 40 * each) if mine else ()
        tried = (rare_forms.of(name, mine[i], rng) for i in places)
        made += list(itertools.islice((writing for writing in tried if writing is not None), each))
    return made


def _at_most(writings: list[Writing], rng: np.random.Generator) -> list[Writing]:
    kept: dict[tuple[str, str], int] = {}
    chosen = []
    for i in rng.permutation(len(writings)):
        key = (writings[i].kind, writings[i].label)
        kept[key] = kept.get(key, 0) + 1
        if kept[key] <= (SYMBOLS if writings[i].kind == "symbol" else LETTERS):
            chosen.append(writings[i])
    return chosen


def _chunk(work: Sequence[tuple[Draw, int]], number: int) -> tuple[Bytes, Bytes]:
    cv2.setNumThreads(1)
    rng = np.random.default_rng((SEED, number, len(work)))
    glyphs, labels = [], []
    for draw, label in work:
        drawn = draw(rng)
        made = glyph_within(drawn, rng) if isinstance(drawn, Drawing) else glyph_of(drawn)
        if made is not None:
            glyphs.append(made)
            labels.append(label)
    return np.array(glyphs, np.uint8).reshape(-1, normalize.SIDE, normalize.SIDE), np.array(labels, np.uint8)


def glyph_of(picture: Bytes) -> Bytes | None:
    """Return the one glyph in a drawing, uint8 (28, 28), 0 paper .. 255 ink, or None where there is no ink.

    Args:
        picture: uint8 (H, W, 4).
    """
    found = ink.from_canvas(picture)
    box = normalize.only(found)
    return np.rint(normalize.cut(found, box).glyph * 255).astype(np.uint8) if box else None


def glyph_within(drawing: Drawing, rng: np.random.Generator) -> Bytes:
    """Return the glyph in the box of a drawing's digit, as it is where a detector found the digit: a little off.

    Args:
        drawing: With other things on it than the digit.
        rng: Source of chance.
    """
    columns, rows = (np.flatnonzero(drawing.cover.any(axis=axis)) for axis in (0, 1))
    edges = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    size = max(edges[2] - edges[0], edges[3] - edges[1])
    left, top, right, bottom = np.rint(edges + rng.normal(0.0, OFF * size, 4)).astype(int).tolist()
    box = normalize.Box(left, top, max(2, right - left), max(2, bottom - top))
    return np.rint(normalize.cut(ink.from_canvas(drawing.picture), box).glyph * 255).astype(np.uint8)


def _drawn(writing: Writing, rng: np.random.Generator) -> Bytes:
    hand = unipen.varied(writing, rng)
    return unipen.canvas(hand, rng, side=140) if rng.random() < 0.25 else unipen.picture(hand, rng)


def _shape(rng: np.random.Generator) -> Bytes:
    return unipen.picture(shapes.draw(rng), rng)


def _pair(digits: list[Writing], rng: np.random.Generator) -> Writing:
    """Return two digits side by side, near enough to be taken for one, or touching."""
    first, second = (digits[i] for i in rng.integers(0, len(digits), 2))
    a, b = (np.concatenate(w.strokes) for w in (first, second))
    scale = np.ptp(a, axis=0).max() / max(float(np.ptp(b, axis=0).max()), 1e-6) * rng.uniform(0.8, 1.25)
    narrower = min(np.ptp(a, axis=0)[0], np.ptp(b, axis=0)[0] * scale)
    gap = max(np.ptp(a, axis=0).max() * rng.uniform(-0.08, 0.25), -0.25 * narrower)
    right = a.max(axis=0)[0] + gap - b.min(axis=0)[0] * scale
    down = a.mean(axis=0)[1] - b.mean(axis=0)[1] * scale
    moved = tuple((s * scale + [right, down]).astype(np.float32) for s in second.strokes)
    return Writing(first.label + second.label, "pair", first.writer, (*first.strokes, *moved))


def _scribble(rng: np.random.Generator) -> Bytes:
    """Return a scribble: one or two lines through 7 to 25 places, round or angular."""
    lines = []
    for _ in range(int(rng.integers(1, 3))):
        places = rng.random((int(rng.integers(7, 26)), 2)) * rng.uniform(0.4, 1.0, 2)
        if rng.random() < 0.7:
            at = np.linspace(0, len(places) - 1, 12 * len(places))
            places = np.column_stack([_round(places[:, axis], at) for axis in (0, 1)])
        lines.append(places.astype(np.float32))
    return unipen.picture(Writing("~", "scribble", "", tuple(lines)), rng)


def _round(values: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a smooth curve through `values`, taken at places `at` between them."""
    coarse = np.interp(at, np.arange(len(values)), values)
    return np.convolve(np.pad(coarse, 9, mode="edge"), np.hanning(19) / np.hanning(19).sum(), mode="valid")


def _blot(rng: np.random.Generator) -> Bytes:
    """Return blots as shadows, stains and textures leave them after the ink step."""
    side = int(rng.integers(28, 80))
    noise = cv2.GaussianBlur(rng.standard_normal((side, side)), (0, 0), side * rng.uniform(0.02, 0.12))
    dark = noise > np.quantile(noise, rng.uniform(0.6, 0.9))
    return unipen.on_white(np.where(dark, 255, 0))


def _dabs(rng: np.random.Generator) -> Bytes:
    """Return two or three dabs of a pen: dots, and strokes shorter than the pen is wide."""
    side = int(rng.integers(28, 141))
    width = max(2, round(side * rng.uniform(0.05, 0.2)))
    places = side * rng.uniform(0.3, 0.7) + side * rng.normal(0.0, 0.15, (int(rng.integers(2, 4)), 2))
    alpha = np.zeros((side, side), np.uint8)
    for place in np.clip(places, width, side - width):
        line = unipen.in_fractions(np.array([place, place + rng.normal(0.0, 0.3, 2) * width]))
        cv2.polylines(alpha, [line], False, 255, width, cv2.LINE_AA, unipen.SHIFT)
    return unipen.on_white(alpha)
