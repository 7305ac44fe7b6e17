"""The fit of the weights of `recognition/fusion.py` that tell digits from others (`tests.bench.synthetic --fit`)."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from digitrec.recognition import fusion
from digitrec.recognition.fusion import FEATURES, RISING, WeightedSum, Weights

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

UNITS, PENALTY = 4, 5e-4
"""Hidden units, and of the sum of the squared weights; chosen by cross-validation over the pages."""

LOST = 8.0
"""How often a digit of a photo counts in the fit for ink: often it is the only one, and without it nothing is read.
On synthetic validation pages as many others are taken for digits so as when the classifier decided alone, 29 of 98
instead of 30, and fewer digits are lost, 4 of 95 instead of 9."""

STARTS = 8
"""Fits from other random weights, of which the best is kept."""

REJECTION_SCALE = 3.0
"""What the rejection's logits are divided by in the fit, so that the penalty treats all alike."""


def fit(known: Floats, rejection: Floats, is_digit: Mask, weight: Floats) -> Weights:
    """Return the weights for what the detector alone found, the others as they are; see `_fitted`."""
    hidden, hidden_bias, outputs, linear, trust, bias = _fitted(known, rejection, is_digit, weight, UNITS)
    return replace(
        fusion.WEIGHTS,
        bias=bias,
        linear=_rounded(linear),
        hidden=tuple(_rounded(unit) for unit in hidden.T),
        hidden_bias=_rounded(hidden_bias),
        outputs=_rounded(outputs),
        rejection=trust,
    )


def fit_ink(known: Floats, rejection: Floats, is_digit: Mask, weight: Floats) -> Weights:
    """Return the weights for what the ink step found, the others as they are; see `_fitted` and LOST."""
    weight = np.where((known[:, fusion.FLAT] == 0) & is_digit, np.float32(LOST), np.float32(1.0)) * weight
    return replace(fusion.WEIGHTS, ink=_sum(known, rejection, is_digit, weight))


def fit_alone(known: Floats, rejection: Floats, is_digit: Mask, weight: Floats) -> Weights:
    """Return the weights for what it found in pictures of one character, the others as they are; see `_fitted`."""
    return replace(fusion.WEIGHTS, alone=_sum(known, rejection, is_digit, weight))


def _sum(known: Floats, rejection: Floats, is_digit: Mask, weight: Floats) -> WeightedSum:
    _, _, _, linear, trust, bias = _fitted(known, rejection, is_digit, weight, 0)
    return WeightedSum(bias, _rounded(linear), trust)


def _fitted(known: Floats, rejection: Floats, is_digit: Mask, weight: Floats, units: int) -> tuple[Any, ...]:
    """Return the weights with the lowest log loss under the penalty: hidden, its bias, outputs, linear, trust, bias.

    Args:
        known: (N, 9), as `fusion.features` returns it.
        rejection: (N,), logits of the classifier's rejection score.
        is_digit: (N,), whether they are digits.
        weight: (N,), of each in the fit.
        units: Hidden units.
    """
    mean, spread = known.mean(axis=0), known.std(axis=0)
    spread = np.where(spread > 1e-6, spread, 1.0)  # what is the same of all is left alone
    inputs, further = ((known - mean) / spread).astype(np.float64), rejection.astype(np.float64) / REJECTION_SCALE
    share = weight.astype(np.float64) / weight.sum()
    count = len(FEATURES)
    shapes = [(count, units), (units,), (units,), (count,), (), ()]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    rising = np.isin(FEATURES, RISING)
    least = np.concatenate(
        [
            np.where(np.repeat(rising, units), 0.0, -np.inf),
            np.full(units, -np.inf),
            np.zeros(units),
            np.where(rising, 0.0, -np.inf),
            [0.0, -np.inf],
        ]
    )

    def parts(values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        return [part.reshape(shape) for part, shape in zip(np.split(values, ends[:-1]), shapes, strict=True)]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        hidden, hidden_bias, outputs, linear, trust, bias = parts(values)
        active = np.tanh(inputs @ hidden + hidden_bias)
        logits = active @ outputs + inputs @ linear + trust * further + bias
        error = share * (1.0 / (1.0 + np.exp(-logits)) - is_digit)
        back = np.outer(error, outputs) * (1.0 - active**2)
        slopes = (inputs.T @ back, back.sum(axis=0), active.T @ error, inputs.T @ error, error @ further, error.sum())
        gradient = np.concatenate([np.ravel(slope) for slope in slopes]) + 2.0 * PENALTY * values
        value = (share * (np.logaddexp(0.0, logits) - is_digit * logits)).sum() + PENALTY * (values**2).sum()
        return float(value), gradient

    def minimum(seed: int) -> Any:
        start = np.random.default_rng(seed).normal(0.0, 0.3, ends[-1])
        start = np.where(np.isfinite(least), np.abs(start), start)
        bounds = [(low, None) for low in least]
        return minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 1000})

    best = min((minimum(seed) for seed in range(STARTS)), key=lambda found: float(found.fun))
    hidden, hidden_bias, outputs, linear, trust, bias = parts(best.x)
    hidden, linear = hidden / spread[:, None], linear / spread  # for features as they come
    return (
        hidden,
        hidden_bias - mean @ hidden,
        outputs,
        linear,
        round(float(trust) / REJECTION_SCALE, 3),
        round(float(bias - mean @ linear), 3),
    )


def log_loss(
    weights: Weights, known: Floats, rejection: Floats, is_digit: Mask, weight: Floats, alone: bool = False
) -> float:
    """Return the mean log loss of candidates (N,), `alone` for those in pictures of one character; see `fit`."""
    evidence, trust = fusion.evidence(known, weights, alone), fusion.trust(known, weights, alone)
    logits = (evidence + trust * rejection).astype(np.float64)
    return float(np.average(np.logaddexp(0.0, logits) - is_digit * logits, weights=weight))


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple((np.round(values, 3) + 0.0).tolist())  # no -0.0
