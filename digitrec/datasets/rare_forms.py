"""Rare forms of digits, made of the pen strokes of common ones: as whole countries write, and few people in datasets.

Each form bends or lengthens the strokes of a digit that somebody wrote. `glyph_bank` trains on them, and
`tests.bench.misread_kinds` counts how many of other writers are read.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitrec.datasets import unipen
from digitrec.datasets.unipen import Strokes, Writing

Points = NDArray[np.float64]

CLOSED = 0.35
"""Longest gap between the end of a six's loop and the rest that is closed, as a share of the digit's longer side."""


@dataclass(frozen=True)
class Form:
    """A rare form.

    Attributes:
        digit: Which digit has it.
        shaped: Strokes about 0, their longer side 1, and a source of chance -> the strokes of the form, or None where
            these strokes cannot have it.
    """

    digit: str
    shaped: Callable[[Strokes, np.random.Generator], Strokes | None]


def of(form: str, writing: Writing, rng: np.random.Generator) -> Writing | None:
    """Return a digit in a form, a name of FORMS, or None where it cannot have it."""
    strokes = FORMS[form].shaped(unipen.unit(writing.strokes), rng)
    return None if strokes is None else replace(writing, strokes=strokes)


def _warped(strokes: Strokes, power: float, top: float, bottom: float) -> Strokes:
    """Return strokes with their heights bent by a power and their widths scaled, from `top` to `bottom`."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    middle, height = (low[0] + high[0]) / 2, max(float(high[1] - low[1]), 1e-6)
    warped = []
    for stroke in strokes:
        share = np.clip((stroke[:, 1] - low[1]) / height, 0.0, 1.0)
        width = top + (bottom - top) * share
        warped.append(np.column_stack([middle + (stroke[:, 0] - middle) * width, low[1] + share**power * height]))
    return _floats(*warped)


def _floats(*strokes: NDArray[np.floating]) -> Strokes:
    return tuple(np.asarray(stroke, np.float32) for stroke in strokes)


def _closed_six(strokes: Strokes) -> Strokes | None:
    """Return the strokes of a six whose loop ends where it began, or None where it is wide open."""
    last = strokes[-1]
    if len(strokes) != 1 or len(last) < 8:
        return None
    distances = np.hypot(*(last[: len(last) * 2 // 3] - last[-1]).T)
    nearest = int(distances.argmin())
    return None if distances[nearest] > CLOSED else (np.concatenate([last, last[nearest : nearest + 1]]),)


def _fat_six(strokes: Strokes, rng: np.random.Generator) -> Strokes | None:
    closed = _closed_six(strokes)
    return closed and _warped(closed, rng.uniform(1.5, 2.4), rng.uniform(0.6, 1.0), rng.uniform(1.0, 1.5))


def _tiny_six(strokes: Strokes, rng: np.random.Generator) -> Strokes | None:
    closed = _closed_six(strokes)
    return closed and _warped(closed, rng.uniform(0.4, 0.65), rng.uniform(0.8, 1.1), rng.uniform(0.35, 0.6))


def _fat_eight(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    width = rng.uniform(0.85, 1.3) / max(float(np.ptp(np.concatenate(strokes)[:, 0])), 0.2)
    return _warped(strokes, 1.0, width, width)


def _narrow_eight(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    width = rng.uniform(0.2, 0.32) / max(float(np.ptp(np.concatenate(strokes)[:, 0])), 0.2)
    return _warped(strokes, 1.0, width, width)


def _leaning(strokes: Strokes, lean: float) -> Strokes:
    return _floats(*(stroke @ np.array([[1.0, 0.0], [-lean, 1.0]]) for stroke in strokes))


def _with_nose(strokes: Strokes, length: float, away: float) -> Strokes | None:
    """Return the strokes of a seven with a nose that hangs from its left end, or None where that is not at the top."""
    first = strokes[0]
    if not len(first) or len(strokes) > 2 or first[0, 0] > -0.05 or first[0, 1] > -0.2:
        return None
    return (np.concatenate([_floats(first[:1] + np.array([away, length]))[0], first]), *strokes[1:])


def _hanging_seven(strokes: Strokes, rng: np.random.Generator) -> Strokes | None:
    return _with_nose(strokes, rng.uniform(0.14, 0.36), rng.uniform(-0.1, 0.05))


def _slanted_seven(strokes: Strokes, rng: np.random.Generator) -> Strokes | None:
    narrow = _warped(strokes, 1.0, *[rng.uniform(0.6, 0.95)] * 2)
    hooked = _with_nose(narrow, rng.uniform(0.06, 0.18), rng.uniform(-0.06, 0.06))
    return hooked and _leaning(hooked, rng.uniform(0.15, 0.45))


def _low_crossed_seven(strokes: Strokes, rng: np.random.Generator) -> Strokes | None:
    if len(strokes) != 1:
        return None
    along = unipen.lengths(strokes[0])
    middle = np.array([np.interp(rng.uniform(0.68, 0.88) * along[-1], along, strokes[0][:, axis]) for axis in (0, 1)])
    half = np.array([rng.uniform(0.16, 0.36), rng.uniform(-0.12, 0.06)])
    return (*strokes, *_floats(np.array([middle - half, middle + half])))


def _pointed_four(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    return _warped(strokes, rng.uniform(0.8, 1.1), rng.uniform(0.0, 0.25), rng.uniform(1.0, 1.4))


def _open_four(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    return _warped(strokes, rng.uniform(0.8, 1.2), rng.uniform(1.3, 1.9), rng.uniform(0.5, 0.9))


def _tailed_nine(strokes: Strokes, rng: np.random.Generator, bent: bool) -> Strokes | None:
    """Return the strokes of a nine whose tail ends in a hook to the left: round as that of a g, or straight."""
    last = strokes[-1]
    end = np.asarray(last[-1], np.float64)
    if end[1] < 0.2:
        return None
    corner = end + np.array([0.0, rng.uniform(0.0, 0.1)])
    if bent:
        tip = corner - np.array([rng.uniform(0.3, 0.6), rng.uniform(0.0, 0.2)])
        deepest = (corner + tip) / 2 + np.array([0.0, rng.uniform(0.1, 0.22)])
        return (*strokes[:-1], np.concatenate([last, unipen.curve(corner, deepest, tip)]))
    tip = corner + np.array([-rng.uniform(0.2, 0.5), rng.uniform(-0.14, 0.05)])
    return (*strokes[:-1], np.concatenate([last, *_floats(np.array([corner, tip]))]))


def _round_nine(strokes: Strokes, rng: np.random.Generator) -> Strokes | None:
    return _tailed_nine(strokes, rng, bent=True)


def _hooked_nine(strokes: Strokes, rng: np.random.Generator) -> Strokes | None:
    return _tailed_nine(strokes, rng, bent=False)


def _footed_one(strokes: Strokes, rng: np.random.Generator) -> Strokes | None:
    """Return the strokes of a straight one with a long nose and a long foot, or None where it is not straight."""
    points = np.concatenate(strokes).astype(np.float64)
    extent = np.ptp(points, axis=0)
    if len(strokes) != 1 or extent[0] > 0.35 * extent[1]:
        return None
    top, foot = points[points[:, 1].argmin()], points[points[:, 1].argmax()]
    length, angle = rng.uniform(0.3, 0.7), np.deg2rad(rng.uniform(30, 65))
    end = top + length * np.array([-np.cos(angle), np.sin(angle)])
    nose = unipen.curve(end, (top + end) / 2 + rng.normal(0.0, 0.02, 2), top)
    tilt = rng.normal(0.0, 0.03)
    left, right = rng.uniform(0.22, 0.45, 2)
    bar = foot + np.array([[-left, -tilt], [right, tilt]])
    return (*strokes, nose, *_floats(bar))


FORMS = {
    "6, fat loop": Form("6", _fat_six),
    "6, tiny loop": Form("6", _tiny_six),
    "8, fat": Form("8", _fat_eight),
    "8, narrow": Form("8", _narrow_eight),
    "7, hanging nose": Form("7", _hanging_seven),
    "7, slanted with a hook": Form("7", _slanted_seven),
    "7, crossed low": Form("7", _low_crossed_seven),
    "4, pointed top": Form("4", _pointed_four),
    "4, open top": Form("4", _open_four),
    "9, like a g": Form("9", _round_nine),
    "9, straight hook": Form("9", _hooked_nine),
    "1, long nose and foot": Form("1", _footed_one),
}
