"""The digits that a visitor collects for a lesson, kept with their tab."""

from collections import Counter
from collections.abc import Iterable, Sequence

import streamlit as st

from digitrec.datasets.own_digits import OwnDigit
from digitrec.jobs.teaching import MOST

KEY = "teach_digits"

EACH = 3
"""Times that each digit is asked for."""


def digits() -> list[OwnDigit]:
    """Return the digits collected so far."""
    return list(st.session_state.get(KEY) or [])


def add(new: Iterable[OwnDigit]) -> int:
    """Add digits that are not there yet, as long as there is room; return how many were added."""
    held = digits()
    known = {_identity(digit) for digit in held}
    added: list[OwnDigit] = []
    for digit in new:
        if len(held) + len(added) < MOST and _identity(digit) not in known:
            known.add(_identity(digit))
            added.append(digit)
    st.session_state[KEY] = held + added
    return len(added)


def remove(places: Sequence[int]) -> None:
    """Remove the digits at these places."""
    st.session_state[KEY] = [digit for place, digit in enumerate(digits()) if place not in set(places)]


def wanted(skipped: int = 0) -> int:
    """Return the digit to ask for next: the one of which there are fewest, the lowest of those.

    Args:
        skipped: How many of those to pass over.
    """
    counts = Counter(digit.label for digit in digits())
    order = sorted(range(10), key=lambda label: (counts[label], label))
    return order[skipped % len(order)]


def missing() -> int:
    """Return how many digits are missing until there are EACH of every one."""
    counts = Counter(digit.label for digit in digits())
    return sum(max(0, EACH - counts[label]) for label in range(10))


def size() -> int:
    """Return about how many bytes they take."""
    return sum(digit.glyph.nbytes + sum(stroke.nbytes for stroke in digit.strokes) for digit in digits())


def _identity(digit: OwnDigit) -> tuple[int, bytes]:
    return digit.label, digit.glyph.tobytes()
