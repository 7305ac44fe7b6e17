"""Where the doubts of a batch are, and which digit comes next when it is corrected one by one."""

from collections.abc import Sequence
from typing import NamedTuple

from digitrec.uploads.corrections import Annotations, left_out


class Spot(NamedTuple):
    """A digit of a batch: the place of its picture, and its own place in the picture."""

    picture: int
    place: int


def doubtful(annotations: Annotations, name: str) -> list[int]:
    """Return the places of the digits that need a look: uncertain ones, and boxes in which no digit was read.

    Args:
        annotations: The annotations of a picture.
        name: The model; what it has not read yet is no doubt, nor what a person corrected or what is not shown.
    """
    hidden = left_out(annotations, name)
    return [
        place
        for place, entry in enumerate(annotations.entries)
        if entry.truth is None and place not in hidden and name in entry.predictions and entry.predictions[name].flag
    ]


def following(spots: Sequence[Sequence[int]], at: Spot | None) -> Spot | None:
    """Return the spot that comes next: in the same picture, then in the following ones, and round to the first.

    Args:
        spots: Places in each picture, in the order in which the pictures are gone through.
        at: Where to start; that digit itself is the last to be returned. None starts before the first picture.
    """
    ordered = sorted(Spot(picture, place) for picture, places in enumerate(spots) for place in places)
    later = (spot for spot in ordered if at is None or spot > at)
    return next(later, ordered[0] if ordered else None)


def after_correction(
    doubts: Sequence[Sequence[int]], unsettled: Sequence[Sequence[int]], at: Spot, was_doubt: bool
) -> Spot:
    """Return the digit that comes after the one that was just corrected, so that typing on corrects no digit twice.

    It is the next doubt of the picture; without one, the next doubt of another picture if a doubt was corrected, else
    the next digit of the picture that nobody corrected, else the first such digit of a following picture.

    Args:
        doubts: The doubts that are left in each picture.
        unsettled: The shown digits of each picture that nobody corrected.
        at: The digit that was corrected.
        was_doubt: Whether it was a doubt before.

    Returns:
        The next digit; the same one if all are corrected.
    """
    everywhere = [following(doubts, at)] if was_doubt else []
    candidates = [_here(doubts, at), *everywhere, _here(unsettled, at), following(unsettled, at)]
    return next((spot for spot in candidates if spot), at)


def _here(spots: Sequence[Sequence[int]], at: Spot) -> Spot | None:
    """Return the next spot of the same picture, round to its first."""
    return following([places if picture == at.picture else () for picture, places in enumerate(spots)], at)
