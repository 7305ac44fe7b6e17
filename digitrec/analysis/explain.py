"""Why a model predicts what it does: evidence in the ink, the smallest change that changes the prediction, neighbours.

`read` is a function from glyphs, float32 (N, 28, 28), 0 paper .. 1 ink, to logits (N, 10): `Predictor.logits`, or that
of any other network. Only inputs and outputs are used, so an MLP and a CNN are treated alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from digitrec.recognition.digits import SIDE
from digitrec.training.recipe import Recipe

Floats = NDArray[np.float32]
Read = Callable[[Floats], Floats]

Outline = Recipe | tuple[str, ...]
"""What tells which layers of a model are worth showing, see `shown_layers`."""


@dataclass(frozen=True)
class Thresholds:
    """What the explanations are made with. No data chose these values: each one has its reason beside it.

    Attributes:
        window: Side in pixels of the paper laid on the ink: the width of a stroke with its soft edges.
        stride: Pixels from one window to the next, so that each pixel lies under four windows.
        faint: Ink, 0 to 1, below which a pixel has no evidence of its own.
        ink: Ink, 0 to 1, from which a pixel counts as ink in the search for a change.
        pixels_per_step: Pixels changed before the rest are ranked again: three times as fast as one, and the changes
            that turn out not to be needed are undone.
        most_pixels: Pixels at which the search ends: more is another digit, not a small change.
        components: Principal components that a code keeps: the first two are the map, all of them find neighbours.
    """

    window: int = 4
    stride: int = 2
    faint: float = 0.1
    ink: float = 0.5
    pixels_per_step: int = 3
    most_pixels: int = 60
    components: int = 16


THRESHOLDS = Thresholds()

_UNIT = 127  # codes are int8


def odds(logits: NDArray[np.floating[Any]], answer: int) -> NDArray[np.float64]:
    """Return the odds of an answer in powers of ten, (N, 10) -> (N,): 2 is 100 to 1 for it, -2 against it."""
    scores = np.asarray(logits, np.float64)
    others = np.logaddexp.reduce(np.delete(scores, answer, axis=1), axis=1)
    return np.asarray((scores[:, answer] - others) / np.log(10), np.float64)


def occlusion(read: Read, glyph: Floats, answer: int) -> Floats:
    """Return how much each pixel of ink is evidence for an answer.

    A window of paper is laid on the ink, place by place. Where the answer's odds fall, that ink is evidence for it;
    where they rise, against it. A pixel gets the mean over the windows on it, bare paper gets 0.

    Args:
        read: Glyphs to logits.
        glyph: float32 (28, 28).
        answer: 0 to 9.

    Returns:
        float32 (28, 28), in powers of ten of the odds; above 0 is for the answer.

    References:
        Zeiler and Fergus: Visualizing and understanding convolutional networks, ECCV 2014.
    """
    masks = _windows()
    masks = masks[(masks & (glyph > THRESHOLDS.faint)).any(axis=(1, 2))]
    if not len(masks):
        return np.zeros(glyph.shape, np.float32)
    level, *covered = odds(read(np.concatenate([glyph[None], np.where(masks, np.float32(0), glyph)])), answer)
    drops = level - np.array(covered)
    total = np.tensordot(drops, masks, axes=1) / np.maximum(masks.sum(axis=0), 1)
    return np.where(glyph > THRESHOLDS.faint, total, 0).astype(np.float32)


def _windows() -> NDArray[np.bool_]:
    """Return all windows, bool (N, 28, 28); those at the edges are cut off, so that each pixel has four."""
    window, stride = THRESHOLDS.window, THRESHOLDS.stride
    starts = range(stride - window, SIDE, stride)
    masks = np.zeros((len(starts) ** 2, SIDE, SIDE), bool)
    for number, (top, left) in enumerate((top, left) for top in starts for left in starts):
        masks[number, max(0, top) : top + window, max(0, left) : left + window] = True
    return masks


@dataclass(frozen=True, eq=False)
class Flip:
    """A small change of the ink that changes an answer.

    Attributes:
        added: bool (28, 28), where paper became ink.
        removed: bool (28, 28), where ink became paper.
        answer: What the model reads it as, 0 to 9.
    """

    added: NDArray[np.bool_]
    removed: NDArray[np.bool_]
    answer: int

    @property
    def pixels(self) -> int:
        """How many pixels were changed."""
        return int(self.added.sum() + self.removed.sum())


def smallest_change(read: Read, glyph: Floats, most: int = THRESHOLDS.most_pixels) -> Flip | None:
    """Search for the fewest pixels along the ink that, added or removed, change the answer.

    Greedy: the changes that lower the answer's margin most are made, a few per step, until it changes; then all that
    turn out not to be needed are undone. There may be a smaller change that this search does not find.

    Args:
        read: Glyphs to logits.
        glyph: float32 (28, 28).
        most: Pixels changed at which the search gives up.

    Returns:
        The change, or None if none was found.
    """
    now = np.array(glyph, np.float32)
    answer = int(read(now[None])[0].argmax())
    changed = np.zeros(glyph.shape, bool)
    while changed.sum() < most:
        places = np.argwhere(_along_ink(glyph) & ~changed)
        if not len(places):
            return None
        worst = np.argsort(_margins(read(_toggled(now, glyph, places)), answer), kind="stable")
        for row, column in places[worst[: min(THRESHOLDS.pixels_per_step, most - int(changed.sum()))]]:
            now[row, column] = _other(glyph[row, column])
            changed[row, column] = True
            if read(now[None])[0].argmax() != answer:
                return _pruned(read, glyph, now, changed, answer)
    return None


def _along_ink(glyph: Floats) -> NDArray[np.bool_]:
    """Return the ink and the paper that touches it."""
    ink = np.pad(glyph >= THRESHOLDS.ink, 1)
    return np.asarray(ink[1:-1, 1:-1] | ink[:-2, 1:-1] | ink[2:, 1:-1] | ink[1:-1, :-2] | ink[1:-1, 2:], bool)


def _other(value: np.float32) -> float:
    return 0.0 if value >= THRESHOLDS.ink else 1.0


def _toggled(now: Floats, glyph: Floats, places: NDArray[np.intp]) -> Floats:
    """Return a copy for each place (N, 2), with that pixel of the original turned to ink or to paper."""
    copies = np.repeat(now[None], len(places), axis=0)
    rows, columns = places.T
    copies[np.arange(len(places)), rows, columns] = np.where(glyph[rows, columns] >= THRESHOLDS.ink, 0, 1)
    return copies


def _margins(logits: Floats, answer: int) -> Floats:
    """Return how far the answer lies before the best other one, (N, 10) -> (N,); below 0 it is lost."""
    return np.asarray(logits[:, answer] - np.delete(logits, answer, axis=1).max(axis=1), np.float32)


def _pruned(read: Read, glyph: Floats, now: Floats, changed: NDArray[np.bool_], answer: int) -> Flip:
    """Undo every change without which the answer is still another one, the least needed first."""
    while True:
        places = np.argwhere(changed)
        undone = np.repeat(now[None], len(places), axis=0)
        rows, columns = places.T
        undone[np.arange(len(places)), rows, columns] = glyph[rows, columns]
        margins = _margins(read(undone), answer)
        least = int(margins.argmin())
        if margins[least] >= 0 or len(places) == 1:
            break
        now, changed[rows[least], columns[least]] = undone[least], False
    ink = glyph >= THRESHOLDS.ink
    return Flip(changed & ~ink, changed & ink, int(read(now[None])[0].argmax()))


def last_hidden(outline: Outline, layers: tuple[str, ...]) -> str:
    """Return the last layer before the logits of those that a predictor returns; the logits if it has no other."""
    return ["logits", *shown_layers(outline, layers)][-1]


def shown_layers(outline: Outline, layers: tuple[str, ...]) -> list[str]:
    """Return the layers worth showing, in order: where there is batch normalisation, the activation after it only.

    Args:
        outline: The model's recipe, or the names of such layers.
        layers: Those that a predictor returns.
    """
    if isinstance(outline, tuple):
        return [name for name in outline if name in layers]
    names: list[str] = []
    for layer in outline.keras_layers():
        if layer.keras == "BatchNormalization":
            names.pop()
        elif layer.name in layers:
            names.append(layer.name)
    return [name for name in names if name not in ("logits", "probabilities")]


def features(activation: Floats) -> Floats:
    """Return a layer's activation for N glyphs as (N, D): a map (N, H, W, D) by its mean, units as they are."""
    return activation.mean(axis=(1, 2)) if activation.ndim == 4 else activation


@dataclass(frozen=True, eq=False)
class Axes:
    """The principal components of a layer's features, which turn them into short codes.

    Attributes:
        mean: float32 (D,), of the features.
        axes: float32 (K, D), rows of length 1, the one with the largest variance first.
        scale: What one step of a code stands for.
    """

    mean: Floats
    axes: Floats
    scale: float

    def codes(self, features: Floats) -> NDArray[np.int8]:
        """Return features (N, D) as int8 (N, K)."""
        steps = np.clip(np.rint(self.project(features) / self.scale), -_UNIT, _UNIT)
        codes: NDArray[np.int8] = steps.astype(np.int8)
        return codes

    def project(self, features: Floats) -> Floats:
        """Return features (N, D) on the axes, float32 (N, K)."""
        return np.asarray((features - self.mean) @ self.axes.T, np.float32)


def principal_axes(features: Floats, count: int = THRESHOLDS.components) -> Axes:
    """Return the axes with the largest variance of features (N, D), each with its largest weight positive."""
    mean = features.mean(axis=0, dtype=np.float64)
    centred = features - mean
    width = features.shape[1]
    widest = [max(0, width - count), width - 1]
    _, vectors = scipy.linalg.eigh(centred.T @ centred, subset_by_index=widest)  # ascending
    axes = vectors[:, ::-1].T
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    axes = axes * np.where(largest < 0, -1, 1)
    reach = float(np.abs(centred @ axes.T).max()) or 1.0
    return Axes(mean.astype(np.float32), axes.astype(np.float32), reach / _UNIT)


def nearest(codes: NDArray[np.int8], code: Floats, count: int) -> tuple[NDArray[np.intp], Floats]:
    """Return the places of the `count` codes (N, K) nearest to `code` (K,), and their distances, nearest first."""
    distances = np.sqrt(np.square(codes.astype(np.float32) - code).sum(axis=1))
    order = np.argsort(distances, kind="stable")[:count]
    return order, distances[order]


def top_units(activation: Floats, count: int) -> NDArray[np.intp]:
    """Return the places of the strongest units (U,) or maps (H, W, U) of a layer, the strongest first."""
    strength = activation if activation.ndim == 1 else activation.mean(axis=(0, 1))
    return np.argsort(-strength, kind="stable")[:count]
