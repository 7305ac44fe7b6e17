"""Ways of scaling a digit's pixels before a network gets them, and what the accuracy under each of them teaches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec import formats
from digitrec.training.layers import MNIST_DEVIATION, MNIST_MEAN

Floats = NDArray[np.float32]

WORDS = {
    "unit-range": "pixels from 0 to 1",
    "bytes": "pixels from 0 to 255",
    "unit-length": "columns scaled to length 1 (normalize, axis=1)",
    "centred": "pixels from -1 to 1",
    "standard": "standardised pixels (mean 0, deviation 1)",
    "unit-vector": "the whole digit scaled to length 1",
}
"""Each scaling, in words that follow *given*."""

SHORT = {
    "unit-range": "0 to 1",
    "bytes": "0 to 255",
    "unit-length": "Columns of length 1",
    "centred": "-1 to 1",
    "standard": "Standardised",
    "unit-vector": "Digit of length 1",
}
"""Each scaling as a label of a figure."""

LIGHT, DARK = "light ink on dark paper", "dark ink on light paper"

_AFFINE = {
    "unit-range": (1.0, 0.0),
    "bytes": (255.0, 0.0),
    "centred": (2.0, -1.0),
    "standard": (1 / MNIST_DEVIATION, -MNIST_MEAN / MNIST_DEVIATION),
}
_AXES: dict[str, tuple[int, ...]] = {"unit-length": (1,), "unit-vector": (1, 2)}

EQUAL = 0.01
"""By how much the accuracy of two ways may differ for the loss to decide between them."""

WEAK = 0.5
"""Accuracy below which a model does not seem to be one of MNIST's digits."""


@dataclass(frozen=True)
class Way:
    """A way of scaling.

    Attributes:
        scaling: A key of WORDS.
        dark_ink: Whether ink is dark on light paper, as on a photo; MNIST's is light on dark.
    """

    scaling: str
    dark_ink: bool = False

    @property
    def words(self) -> str:
        """The way, in words that follow *given*."""
        return f"{WORDS[self.scaling]}, {DARK if self.dark_ink else LIGHT}"

    @property
    def affine(self) -> tuple[float, float]:
        """By what a glyph, 0 paper .. 1 ink, is multiplied and what is added then; before a length is divided by."""
        scale, offset = _AFFINE.get(self.scaling, (1.0, 0.0))
        if not self.dark_ink:
            return scale, offset
        if self.scaling == "standard":
            return -scale, -offset  # the mean of inverted pixels is 1 minus the mean
        return -scale, scale + offset

    @property
    def axes(self) -> tuple[int, ...]:
        """Along which axes of (N, 28, 28) the length is made 1; none where it is not."""
        return _AXES.get(self.scaling, ())

    def apply(self, glyphs: Floats) -> Floats:
        """Return scaled glyphs: float32 (N, 28, 28), 0 paper .. 1 ink, of the same shape."""
        scale, offset = self.affine
        scaled = glyphs * np.float32(scale) + np.float32(offset)
        if self.axes:
            length = np.sqrt(np.square(scaled).sum(axis=self.axes, keepdims=True))
            scaled = scaled / np.where(length > 0, length, np.float32(1))
        return np.asarray(scaled, np.float32)

    def undone(self, values: Floats) -> Floats:
        """Return what a model of the app must be given for its network to get these values, float32 of any shape.

        Where the length is made 1, that is done to them as well.
        """
        scale, offset = self.affine
        return np.asarray((values - np.float32(offset)) / np.float32(scale), np.float32)


@dataclass(frozen=True)
class Measured:
    """How well a model reads MNIST's test digits in one way.

    Attributes:
        way: How they were scaled.
        accuracy: 0 to 1.
        digits: How many of the test digits were read, from the first.
        loss: Mean cross-entropy of its probabilities: high where it is sure and wrong.
    """

    way: Way
    accuracy: float
    digits: int
    loss: float = 0.0


def ways(flat: bool) -> list[Way]:
    """Return the ways to try.

    Args:
        flat: Whether the model takes a row of 784 numbers, of which axis 1 is the whole digit.
    """
    names = [name for name in WORDS if flat or name != "unit-vector"]
    return [Way(name, dark) for dark in (False, True) for name in names]


def best(measured: Sequence[Measured]) -> Measured:
    """Return the best of those that were measured on the most digits.

    A network often reads as well on pixels that are multiplied by a number, but is then sure of all that it says. So of
    those that are about as accurate, the one with the lowest loss is what it was trained on; where a network scales by
    itself, all are the same to it, and the first one is taken.
    """
    most = max(each.digits for each in measured)
    whole = [each for each in measured if each.digits == most]
    top = max(each.accuracy for each in whole)
    return min((each for each in whole if each.accuracy >= top - EQUAL), key=lambda each: round(each.loss, 3))


def script(way: Way) -> Way:
    """Return how scripts scale that were not written for a model of this way: 0 to 255, or 0 to 1 where that is it."""
    return Way("unit-range" if way.scaling == "bytes" else "bytes", way.dark_ink)


def lesson(measured: Sequence[Measured]) -> list[str]:
    """Return what the accuracies teach, sentence by sentence."""
    found = best(measured)
    if found.accuracy < WEAK:
        return [
            f"However its input is scaled, this model reads at most {_percent(found)} of MNIST's test digits. It was "
            "trained on something else, or takes its digits rotated or mirrored.",
        ]
    way = found.way
    sentences = [
        f"Your model reads {_percent(found)} of MNIST's test digits when given {way.words}; this app uses that scaling."
    ]
    others = {each.way: each for each in measured}
    fed = others[script(way)]
    verb = "reads about as many" if fed.accuracy > found.accuracy - EQUAL else "reads fewer"
    surer = ", but is much surer of its mistakes" if fed.loss > 2 * found.loss and "about" in verb else ""
    sentences.append(f"A script that feeds it {WORDS[fed.way.scaling]} {verb}: {_percent(fed)}{surer}.")
    inverted = others[Way(way.scaling, not way.dark_ink)]
    forgot = "does not invert its picture" if not way.dark_ink else "inverts its picture"
    sentences.append(f"A script that {forgot} ({DARK if inverted.way.dark_ink else LIGHT}) reads {_percent(inverted)}.")
    return sentences


def _percent(measured: Measured) -> str:
    return formats.percentage(measured.accuracy, 2 if measured.digits >= 10_000 else 1)


def of_card(facts: Mapping[str, Any]) -> list[Measured]:
    """Return the accuracies in what a card says of an import, see `Model.imported`."""
    return [
        Measured(Way(each["scaling"], each["dark_ink"]), each["accuracy"], each["digits"], each["loss"])
        for each in facts["measured"]
    ]
