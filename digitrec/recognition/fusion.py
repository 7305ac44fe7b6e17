"""What detector, crop classifier and classifier say of a candidate, put together: is it a digit, and which.

Each is good where the others are not: the detector knows the page, the crop classifier the surroundings (letters,
print, rules), the classifier the glyph. On what the detector found alone, a small network weighs them; on what the ink
step found, on drawings and on photos of little ink, a weighted sum in which the classifier counts more; and on what it
found in a picture of one character, another sum, in which the classifier counts most.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FEATURES = ("objectness", "fitting", "from_ink", "flat", "size", "below", "likely", "surest", "beside")
"""What is known of a candidate beside the classifier's rejection score; see `features`."""

FROM_INK, FLAT = FEATURES.index("from_ink"), FEATURES.index("flat")

RISING = ("objectness", "fitting", "below", "likely", "surest", "beside")
"""Those of which more never makes a digit less likely; nor does a higher rejection score."""

REACH = 2.0
"""Heights of a candidate within which others count as its neighbours, the nearer the more."""


@dataclass(frozen=True)
class WeightedSum:
    """A logit that a candidate is a digit, as a weighted sum.

    Attributes:
        bias: Added to the sum.
        linear: Of FEATURES, in their order.
        rejection: Of the logit of the classifier's rejection score.
    """

    bias: float
    linear: tuple[float, ...]
    rejection: float


@dataclass(frozen=True)
class Weights:
    """Weights fitted to candidates on synthetic validation pages by `python -m tests.bench.synthetic --fit`.

    Attributes:
        bias: Of the logit that a candidate is a digit.
        linear: Of FEATURES, in their order.
        hidden: The same of each hidden unit.
        hidden_bias: Of the hidden units.
        outputs: Weights of the units' hyperbolic tangents.
        rejection: Of the logit of the classifier's rejection score.
        ink: Of what the ink step found.
        alone: Of what it found in a picture of one character (`--fit-alone`): letters, shapes and other scripts look
            like digits to the detector and the crop classifier there.
        classified: Of the classifier's log probabilities of the ten digits.
        detected: Of the detector's.
        cropped: Of the crop classifier's.
    """

    bias: float = -1.451
    linear: tuple[float, ...] = (0.0, 0.805, 0.0, 0.551, 0.349, 0.124, 1.875, 0.0, 0.145)
    hidden: tuple[tuple[float, ...], ...] = (
        (0.0, 0.431, 0.0, -0.085, -3.074, 0.0, 0.0, 0.0, 0.068),
        (0.0, 0.0, 0.0, -0.8, 0.018, 0.373, 0.0, 0.0, 0.0),
        (0.0, 0.242, 0.0, 0.471, -0.575, 0.148, 0.0, 0.356, 0.168),
        (0.0, 0.0, 0.0, -0.135, -0.741, 0.0, 3.806, 0.33, 0.094),
    )
    hidden_bias: tuple[float, ...] = (0.252, 2.32, -1.796, -1.785)
    outputs: tuple[float, ...] = (1.275, 1.573, 0.979, 1.689)
    rejection: float = 0.084
    ink: WeightedSum = WeightedSum(1.079, (0.0, 0.769, 0.0, -1.993, -0.11, 0.38, 3.464, 0.175, 0.0), 0.134)
    alone: WeightedSum = WeightedSum(-0.395, (0.03, 0.311, 0.0, -0.37, -2.565, 1.302, 0.0, 0.509, 0.249), 0.539)
    classified: float = 0.23
    detected: float = 0.39
    cropped: float = 0.57


WEIGHTS = Weights()


@dataclass(frozen=True)
class Thresholds:
    """Where a page's own candidates tell digits from others better than one threshold for all pages.

    Nets are less sure on some photos than on others, but digits and letters of one page still lie apart. Chosen on
    synthetic validation pages; `python -m tests.bench.synthetic --set fusion.sure=1000` reads them without.

    Attributes:
        lowest: Logit that a candidate is a digit, below which it never is.
        highest: The same above which it always is.
        least: Width of a gap between two logits that counts.
        sure: Candidates above `highest` that a page must have.
    """

    lowest: float = -2.0
    highest: float = 0.7
    least: float = 0.4
    sure: int = 3


THRESHOLDS = Thresholds()


def logit(probability: Floats | float) -> Floats:
    """Return log(p / (1 - p)), cut at 8."""
    p = np.clip(np.asarray(probability, np.float64), 1e-9, 1 - 1e-9)
    return np.clip(np.log(p / (1 - p)), -8.0, 8.0).astype(np.float32)


def features(
    heat: Floats, fitting: Floats, from_ink: NDArray[np.bool_], flat: bool, boxes: Floats, crop: Floats
) -> Floats:
    """Return what is known of N candidates, float32 (N, 9), in the order of FEATURES.

    The last four are of the page and of the neighbours: where there is print, wood or cloth, many candidates are
    unlikely ones, and digits stand beside digits: by how much the crop classifier is less sure than of the page's
    surest, the share that the detector takes for digits, how sure that surest is, and the neighbours. They were chosen
    among more than twenty by cross-validation over synthetic validation pages.

    Args:
        heat: (N,), the detector's objectness logits where they lie.
        fitting: (N,), the same at sizes that fit it; see `candidates.heat_in`.
        from_ink: (N,), whether the ink step found them.
        flat: Whether the picture is a drawing on an even ground.
        boxes: (N, 4): left, top, width and height.
        crop: (N,), the crop classifier's logits that they are digits.
    """
    if not len(heat):
        return np.zeros((0, len(FEATURES)), np.float32)
    heat, fitting, crop = (np.clip(logits, -8.0, 8.0) for logits in (heat, fitting, crop))
    heights = np.maximum(boxes[:, 3], 1e-3)
    usual = float(np.median(heights[heat > 0.0] if (heat > 0.0).any() else heights))
    size = np.minimum(np.abs(np.log(heights / max(usual, 1e-3))), 3.0)
    likely = (float((heat > 0.0).sum()) + 1.0) / (len(heat) + 2.0)  # a lone candidate says little about a page
    surest = float(np.quantile(crop, 0.9))
    below = crop - surest
    middle = boxes[:, :2] + boxes[:, 2:] / 2
    away = np.linalg.norm(middle[None] - middle[:, None], axis=-1) / heights[:, None]
    near = np.exp(-((away / REACH) ** 2))
    np.fill_diagonal(near, 0.0)
    beside = (near * np.clip(crop, -4.0, 4.0)).sum(axis=1) / (near.sum(axis=1) + 0.3)
    columns = (heat, fitting, from_ink, flat, size, below, likely, surest, beside)
    return np.stack(np.broadcast_arrays(*columns), axis=1).astype(np.float32)


def evidence(known: Floats, weights: Weights = WEIGHTS, alone: bool = False) -> Floats:
    """Return what speaks for a digit beside the classifier: logits (N,).

    Args:
        known: (N, 9), as `features` returns it.
        weights: The weights.
        alone: Whether the picture is one of one character.
    """
    weighed = known @ np.array(weights.linear, np.float32) + np.float32(weights.bias)
    hidden = known @ np.array(weights.hidden, np.float32).T + np.array(weights.hidden_bias, np.float32)
    weighed = weighed + np.tanh(hidden) @ np.array(weights.outputs, np.float32)
    ink = weights.alone if alone else weights.ink
    of_ink = known @ np.array(ink.linear, np.float32) + np.float32(ink.bias)
    return np.asarray(np.where(known[..., FROM_INK] > 0, of_ink, weighed), np.float32)


def trust(known: Floats, weights: Weights = WEIGHTS, alone: bool = False) -> Floats:
    """Return the weight (N,) of the classifier's rejection score; see `evidence`."""
    ink = weights.alone if alone else weights.ink
    return np.where(known[..., FROM_INK] > 0, np.float32(ink.rejection), np.float32(weights.rejection))


def is_digit(evidence: Floats | float, trust: Floats | float, rejection: Floats | float) -> Floats:
    """Return the probability that candidates are digits.

    Args:
        evidence: As the function of that name returns it.
        trust: As the function of that name returns it.
        rejection: The classifier's rejection score, 0 to 1.
    """
    total = np.asarray(evidence) + np.asarray(trust) * logit(rejection)
    return np.asarray(1.0 / (1.0 + np.exp(-total)), np.float32)


def threshold(logits: Floats, gap: Thresholds = THRESHOLDS) -> float:
    """Return the logit from which candidates of a page are digits: the middle of the widest gap, 0 without one.

    Args:
        logits: (N,), that candidates are digits.
        gap: Where it is looked for.
    """
    if (logits > gap.highest).sum() < gap.sure:
        return 0.0
    between = np.sort(logits[(logits > gap.lowest) & (logits < gap.highest)])
    edges = np.concatenate([[gap.lowest], between, [gap.highest]])
    widest = int(np.diff(edges).argmax())
    low, high = float(edges[widest]), float(edges[widest + 1])
    return (low + high) / 2 if high - low >= gap.least else 0.0


def seen(detected: Floats, cropped: Floats, weights: Weights = WEIGHTS) -> Floats:
    """Return what detector and crop classifier say of the digits together; both log probabilities (..., 10)."""
    return np.asarray(weights.detected * detected + weights.cropped * cropped, np.float32)


def classes(classified: Floats, seen: Floats, weight: float = WEIGHTS.classified) -> Floats:
    """Return the digits' probabilities (N, 10).

    Args:
        classified: (N, 10), the classifier's probabilities.
        seen: (N, 10), as the function of that name returns it.
        weight: Of the classifier's log probabilities.
    """
    total = weight * np.log(np.maximum(classified, 1e-9)) + seen
    together = np.exp(total - total.max(axis=1, keepdims=True))
    return np.asarray(together / together.sum(axis=1, keepdims=True), np.float32)
