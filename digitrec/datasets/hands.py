"""Hands: how one person writes with one pen."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Hand:
    """One person's hand with one pen.

    Lengths are shares of the height of a digit.

    Attributes:
        pen: `ball`, `pencil`, `felt`, `marker`, `brush` or `chalk`.
        aspect: Width of the characters; 1 as their writer wrote them.
        slant: How far the top leans to the right, as a share of the height.
        gap: Between digits.
        letter_gap: Between letters.
        x_height: Height of small letters.
        size_variation: Standard deviation of the logarithm of the characters' heights.
        wander: Standard deviation of the characters' distances from the baseline.
        slope: How fast a line of text falls: its tangent against the page, y down.
        width: Stroke width.
        opacity: 0 to 1.
        grain: 0 smooth to 1 coarse pencil or chalk; drawn by the scene.
        pressure: How much the width varies: 0 not at all, 1 strongly.
        nib: Angle in radians along which a flat pen is thinnest, or None: a round pen.
        pressed_opacity: Whether the opacity follows the pressure.
        hard: No anti-aliasing: whole pixels of the frame, as simple paint programs draw.
        skipping: Share of the strokes' length that is missing.
        tremor: Standard deviation of the points' places.
        source: `unipen` or `mnist`: whose digits these are; letters are always UNIPEN's.
        joined: Whether the letters of words are joined.
        angular: Whether digits are written like those of a seven-segment display.
        crossed_seven: Probability of a bar through a seven.
        slashed_zero: Probability of a slash through a nought.
        flagged_one: Probability of a nose at the top of a straight one.
        footed_one: Probability of a foot under a straight one.
        consistent: Whether each character always looks nearly the same.
        habit: Chooses which forms a consistent hand writes.
    """

    pen: str = "ball"
    aspect: float = 1.0
    slant: float = 0.0
    gap: float = 0.2
    letter_gap: float = 0.08
    x_height: float = 0.6
    size_variation: float = 0.05
    wander: float = 0.02
    slope: float = 0.0
    width: float = 0.07
    opacity: float = 1.0
    grain: float = 0.0
    pressure: float = 0.0
    nib: float | None = None
    pressed_opacity: bool = False
    hard: bool = False
    skipping: float = 0.0
    tremor: float = 0.0
    source: str = "unipen"
    joined: bool = False
    angular: bool = False
    crossed_seven: float = 0.2
    slashed_zero: float = 0.1
    flagged_one: float = 0.4
    footed_one: float = 0.2
    consistent: bool = False
    habit: int = 0

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Hand":
        """Return anybody's hand with any pen."""
        return cls(**_writer(rng), **_pen(rng))


def _writer(rng: np.random.Generator) -> dict[str, Any]:
    """Return the attributes that belong to the person."""
    return {
        "aspect": float(np.exp(rng.normal(0.0, 0.13))),
        "slant": float(rng.normal(0.06, 0.15)),
        "gap": float(rng.choice([0.04, 0.12, 0.2, 0.35, 0.7, 1.4], p=[0.08, 0.22, 0.34, 0.2, 0.1, 0.06])),
        "letter_gap": float(rng.uniform(0.02, 0.16)),
        "x_height": float(rng.uniform(0.48, 0.75)),
        "size_variation": float(rng.choice([0.03, 0.08, 0.2], p=[0.45, 0.45, 0.1])),
        "wander": float(rng.uniform(0.0, 0.08)),
        "slope": float(rng.normal(0.0, 0.015)),
        "tremor": float(rng.uniform(0.003, 0.015)) if rng.random() < 0.2 else 0.0,
        "source": "mnist" if rng.random() < 0.25 else "unipen",
        "joined": bool(rng.random() < 0.3),
        "angular": bool(rng.random() < 0.015),
        "crossed_seven": _habit(rng, 0.3),
        "slashed_zero": _habit(rng, 0.1),
        "flagged_one": _habit(rng, 0.4),
        "footed_one": _habit(rng, 0.2),
        "consistent": bool(rng.random() < 0.5),
        "habit": int(rng.integers(0, 1 << 30)),
    }


def _habit(rng: np.random.Generator, share: float) -> float:
    """Return how often one of the people does what this share of all of them do: nearly never or nearly always."""
    return 0.92 if rng.random() < share else 0.03


def _pen(rng: np.random.Generator) -> dict[str, Any]:
    """Return the attributes that belong to the pen."""
    pen = str(rng.choice(["ball", "pencil", "felt", "marker", "brush", "chalk"], p=[0.4, 0.22, 0.14, 0.1, 0.09, 0.05]))
    low, high = {
        "ball": (0.028, 0.1),
        "pencil": (0.03, 0.1),
        "felt": (0.07, 0.16),
        "marker": (0.13, 0.24),
        "brush": (0.06, 0.2),
        "chalk": (0.06, 0.15),
    }[pen]
    opacity = {"ball": 0.7, "pencil": 0.4, "chalk": 0.6}.get(pen, 0.9)
    soft = pen in ("pencil", "chalk")
    uneven = {"ball": 0.35, "pencil": 0.6, "felt": 0.3, "marker": 0.2, "brush": 1.0, "chalk": 0.6}[pen]
    pressure = rng.uniform(0.2, 0.6) if rng.random() < uneven else 0.0
    flat = (pen == "brush" and rng.random() < 0.5) or (pen == "marker" and rng.random() < 0.2)
    return {
        "pen": pen,
        "width": float(np.exp(rng.uniform(np.log(low), np.log(high)))),
        "opacity": float(rng.uniform(opacity, 1.0)),
        "grain": float(rng.uniform(0.2, 0.9)) if soft else 0.0,
        "pressure": float(pressure * (1.5 if pen == "brush" else 1.0)),
        "nib": float(rng.uniform(0.0, np.pi)) if flat else None,
        "pressed_opacity": bool(soft or (pen == "ball" and rng.random() < 0.4)),
        "hard": bool(rng.random() < 0.03),
        "skipping": float(rng.uniform(0.03, 0.3)) if rng.random() < (0.15 if pen == "chalk" else 0.04) else 0.0,
    }
