"""Length 1 inside a network: the operators that scale columns, or the whole digit, recognized by their order.

`x / where(sqrt(sum(x ** 2)) > 0, sqrt(sum(x ** 2)), 1)`: what `training.network.unit_length` writes, for Keras and for
LiteRT. Each reader passes on its operators under the names that are used here.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

UNIT = "unit"
"""The last step: the value itself, scaled to length 1."""


@dataclass(frozen=True)
class Part:
    """What one of these operators computes.

    Attributes:
        step: `square`, `sum`, `root`, `positive`, `length`, `inverse` or UNIT.
        of: The value that is scaled, as a reader names it.
        axes: Along which axes, the digits' counted; empty before the sum.
    """

    step: str
    of: Hashable
    axes: tuple[int, ...] = ()


def after(operator: str, given: Sequence[Any], axes: tuple[int, ...] = ()) -> Part | None:
    """Return what an operator computes, or None where it is no part of this.

    Args:
        operator: `square`, `sum` (its axes kept), `sqrt`, `greater`, `select`, `divide` or `multiply`.
        given: What it is given: a Part, a number, or the name of another value.
        axes: Those of a sum.
    """
    match operator, list(given):
        case "square", [x] if not isinstance(x, Part):
            return Part("square", x)
        case "sum", [Part("square", x)] if axes:
            return Part("sum", x, axes)
        case "sqrt", [Part("sum", x, along)]:
            return Part("root", x, along)
        case "greater", [Part("root", x, along), zero] if _is(zero, 0.0):
            return Part("positive", x, along)
        case "select", [Part("positive", x, along), root, one] if root == Part("root", x, along) and _is(one, 1.0):
            return Part("length", x, along)
        case "divide", [one, Part("length", x, along)] if _is(one, 1.0):
            return Part("inverse", x, along)
        case "multiply", [x, Part("inverse", of, along)] | [Part("inverse", of, along), x] if x == of:
            return Part(UNIT, of, along)
    return None


def _is(value: Any, number: float) -> bool:
    """Return whether a constant is this number."""
    return isinstance(value, int | float | np.ndarray | np.generic) and np.array_equal(np.reshape(value, -1), [number])
