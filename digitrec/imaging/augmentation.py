"""How far training digits are distorted."""

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True)
class Augmentation:
    """How far training digits are distorted, anew each epoch; 0 leaves a distortion out.

    Each digit draws its own amounts, evenly between minus and plus the value given.

    Attributes:
        shift: Pixels sideways and up or down, 0 to 8.
        turn: Degrees, 0 to 45.
        zoom: Share of the size, 0 to 0.5.
        shear: Pixels sideways a pixel of height, 0 to 0.5, as writing leans.
        thickness: Pixels that strokes grow or shrink by, 0 to 2.
        elastic: Pixels that parts of a digit wander by, 0 to 4.
    """

    shift: float = 0.0
    turn: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    thickness: float = 0.0
    elastic: float = 0.0

    @property
    def any(self) -> bool:
        """Whether anything is distorted at all."""
        return any(dataclasses.astuple(self))


AUGMENTATION_LIMITS = {"shift": 8.0, "turn": 45.0, "zoom": 0.5, "shear": 0.5, "thickness": 2.0, "elastic": 4.0}
