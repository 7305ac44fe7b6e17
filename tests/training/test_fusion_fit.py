"""The fit of the fusion's weights finds what tells digits from others; what speaks for digits never counts against."""

import numpy as np
import pytest

from digitrec.recognition import fusion
from digitrec.recognition.fusion import FEATURES, RISING
from digitrec.training import fusion_fit

COUNT = 500
FITTING, BELOW, SIZE = (FEATURES.index(name) for name in ("fitting", "below", "size"))


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, the rejection's logits and the weights of made candidates."""
    rng = np.random.default_rng(1)
    known = rng.normal(0.0, 2.0, (COUNT, len(FEATURES))).astype(np.float32)
    known[:, fusion.FROM_INK] = 0.0
    return known, rng.normal(0.0, 3.0, COUNT).astype(np.float32), rng.uniform(0.5, 1.0, COUNT).astype(np.float32)


def right(weights: fusion.Weights, known: np.ndarray, rejection: np.ndarray, is_digit: np.ndarray) -> float:
    logits = fusion.evidence(known, weights) + weights.rejection * rejection
    return float(np.mean((logits > 0) == is_digit))


def test_what_takes_two_kinds_of_evidence_at_once_is_learned(drawn: tuple[np.ndarray, ...]) -> None:
    known, rejection, weight = drawn
    is_digit = (known[:, FITTING] > 0) & (known[:, BELOW] > 0)
    made = fusion_fit.fit(known, rejection, is_digit, weight)
    assert right(made, known, rejection, is_digit) > 0.96
    assert fusion_fit.log_loss(made, known, rejection, is_digit, weight) < 0.15
    assert made == fusion_fit.fit(known, rejection, is_digit, weight)


def test_the_rejection_score_is_weighed(drawn: tuple[np.ndarray, ...]) -> None:
    known, rejection, weight = drawn
    made = fusion_fit.fit(known, rejection, rejection > 0, weight)
    assert made.rejection > 0.5
    assert right(made, known, rejection, rejection > 0) > 0.97


def test_no_fit_takes_chance_for_a_sign_against_a_digit(drawn: tuple[np.ndarray, ...]) -> None:
    known, rejection, weight = drawn
    made = fusion_fit.fit(known, rejection, known[:, FITTING] < 0, weight)
    for name in RISING:
        raised = known.copy()
        raised[:, FEATURES.index(name)] += 1.0
        assert (fusion.evidence(raised, made) >= fusion.evidence(known, made) - 1e-3).all()
    made = fusion_fit.fit(known, rejection, known[:, SIZE] < 0, weight)  # which may speak against one
    assert right(made, known, rejection, known[:, SIZE] < 0) > 0.95


def test_the_fit_for_ink_finds_a_weighted_sum_and_leaves_the_other_weights(drawn: tuple[np.ndarray, ...]) -> None:
    known, rejection, weight = drawn
    known = known.copy()
    known[:, fusion.FROM_INK] = 1.0
    is_digit = known[:, FITTING] + known[:, BELOW] + rejection > 0
    made = fusion_fit.fit_ink(known, rejection, is_digit, weight)
    said = fusion.is_digit(fusion.evidence(known, made), fusion.trust(known, made), 1.0 / (1.0 + np.exp(-rejection)))
    assert np.mean((said > 0.5) == is_digit) > 0.95
    assert (made.linear, made.hidden, made.rejection) == (
        fusion.WEIGHTS.linear,
        fusion.WEIGHTS.hidden,
        fusion.WEIGHTS.rejection,
    )
    assert fusion_fit.log_loss(made, known, rejection, is_digit, weight) < 0.2
    alone = fusion_fit.fit_alone(known, rejection, rejection > 0, weight)
    assert (alone.ink, alone.linear) == (fusion.WEIGHTS.ink, fusion.WEIGHTS.linear)
    assert fusion_fit.log_loss(alone, known, rejection, rejection > 0, weight, alone=True) < 0.2
    against = fusion_fit.fit_ink(known, rejection, known[:, FITTING] < 0, weight)
    assert against.ink.linear[FITTING] == 0.0  # chance is no sign against a digit
