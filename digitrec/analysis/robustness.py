"""How far a digit can be shifted, rotated, scaled, thickened, made noisy or blurred before a model misreads it.

Everywhere `read` is a function from glyphs, float32 (N, 28, 28), to logits (N, 10): `Predictor.logits`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec.imaging import warp
from digitrec.recognition.digits import SIDE

Floats = NDArray[np.float32]
Read = Callable[[Floats], Floats]

REACH = 10
"""Pixels that the map of shifts covers in each direction: half of a digit, which is 20 px high."""

SEED = 1  # the same noise for every model


@dataclass(frozen=True)
class Distortion:
    """One way to distort glyphs, by how much, and in words.

    Attributes:
        name: Its name.
        axis: The title of its axis, with the unit.
        neutral: The amount that changes nothing.
        levels: The amounts of a curve, ascending, the neutral one among them.
        coarse: Those at which the accuracy on the test digits is measured.
        apply: Glyphs and an amount to glyphs.
        words: The distortion in words, with `{}` for the amount.
    """

    name: str
    axis: str
    neutral: float
    levels: tuple[float, ...]
    coarse: tuple[float, ...]
    apply: Callable[[Floats, float], Floats]
    words: str


def _steps(first: float, last: float, step: float) -> tuple[float, ...]:
    return tuple(round(first + step * number, 3) for number in range(round((last - first) / step) + 1))


def _shifted_round(glyphs: Floats, px: float) -> Floats:
    """Move each glyph by `px`, every eighth in the same one of eight directions."""
    result = np.empty(glyphs.shape, np.float32)
    for eighth in range(8):
        angle = np.pi * eighth / 4
        part = glyphs[eighth::8]
        if len(part):
            result[eighth::8] = warp.moved(part, px * np.cos(angle), px * np.sin(angle))
    return result


def _noised(glyphs: Floats, sigma: float) -> Floats:
    return warp.noised(glyphs, sigma, np.random.default_rng(SEED))


SHIFT = Distortion(
    "shift", "shift, px", 0, _steps(0, REACH, 1), (0, 1, 2, 3, 4, 5, 6, 8, 10), _shifted_round, "shifted by {} px"
)
DISTORTIONS = (
    Distortion("turn", "rotation, degrees", 0, _steps(-90, 90, 6), _steps(-60, 60, 15), warp.turned, "rotated by {}°"),
    Distortion("size", "scale, times", 1, _steps(0.3, 1.7, 0.1), _steps(0.4, 1.6, 0.2), warp.zoomed, "scaled {} times"),
    Distortion(
        "stroke",
        "stroke width, px more",
        0,
        _steps(-2, 2, 0.5),
        _steps(-2, 2, 1),
        warp.thickened,
        "thicker by {} px",
    ),
    Distortion(
        "noise", "noise, fraction of full ink", 0, _steps(0, 0.8, 0.1), _steps(0, 0.8, 0.2), _noised, "noisy by {}"
    ),
    Distortion("blur", "blur, px", 0, _steps(0, 4, 0.5), _steps(0, 4, 1), warp.blurred, "blurred by {} px"),
)
"""What the curves are drawn for; the shift has a map of its own."""

MEASURED = (SHIFT, *DISTORTIONS)
"""The distortions under which the accuracy on the test digits is measured."""


def shifts(glyph: Floats) -> Floats:
    """Return a glyph (28, 28) at every shift of -REACH to REACH pixels, (441, 28, 28): dy by dy, in each dx by dx."""
    framed = np.pad(glyph, REACH)
    views = np.lib.stride_tricks.sliding_window_view(framed, (SIDE, SIDE))[::-1, ::-1]
    return np.ascontiguousarray(views, np.float32).reshape(-1, SIDE, SIDE)


def variants(glyph: Floats, distortion: Distortion) -> Floats:
    """Return a glyph (28, 28) at each of the distortion's levels, (levels, 28, 28)."""
    return np.concatenate([distortion.apply(glyph[None], level) for level in distortion.levels])


def lost_shift(answers: NDArray[np.integer[Any]]) -> int | None:
    """Return the fewest pixels, sideways or up and down, at which some shift changes the answer.

    Args:
        answers: (21, 21), the answer at each shift as `shifts` orders them.

    Returns:
        Pixels, or None if no shift changes it.
    """
    size = 2 * REACH + 1
    rows, columns = np.indices((size, size)) - REACH
    lost = np.asarray(answers).reshape(size, size) != np.asarray(answers).reshape(size, size)[REACH, REACH]
    return int(np.maximum(np.abs(rows), np.abs(columns))[lost].min()) if lost.any() else None


def lost_level(distortion: Distortion, answers: NDArray[np.integer[Any]]) -> float | None:
    """Return the level nearest to the neutral one at which the answer (levels,) is another; None if at none."""
    neutral = distortion.levels.index(distortion.neutral)
    lost = [level for level, answer in zip(distortion.levels, answers, strict=True) if answer != answers[neutral]]
    return min(lost, key=lambda level: abs(level - distortion.neutral), default=None)


def accuracies(
    read: Read, glyphs: Floats, truth: NDArray[np.integer[Any]], distortions: tuple[Distortion, ...] = MEASURED
) -> Mapping[str, Floats]:
    """Return the accuracy, 0 to 1, under each distortion at each of its coarse levels, by its name.

    Args:
        read: Glyphs to logits.
        glyphs: float32 (N, 28, 28), N at least 1.
        truth: (N,), 0 to 9.
        distortions: Which.
    """
    plain = float((read(glyphs).argmax(axis=1) == truth).mean())

    def accuracy(distortion: Distortion, level: float) -> float:
        if level == distortion.neutral:
            return plain
        return float((read(distortion.apply(glyphs, level)).argmax(axis=1) == truth).mean())

    return {d.name: np.array([accuracy(d, level) for level in d.coarse], np.float32) for d in distortions}
