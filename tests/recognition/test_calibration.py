"""Calibration: what it recovers from answers made up with a known one, and what a card may hold."""

import json

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from digitrec.recognition import calibration
from digitrec.recognition.calibration import Calibration, fit
from tests.calibration_error import expected_calibration_error


def digits(count: int = 20_000, temperature: float = 1.0, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return logits (N, 10) and truths drawn from their softmax; the logits are then made too large by a factor."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, 2.0, (count, 10)) + 6.0 * np.eye(10)[rng.integers(0, 10, count)]
    truth = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)  # a draw from the softmax
    return temperature * logits, truth


def test_the_default_is_the_softmax_and_takes_all_for_digits():
    logits = np.random.default_rng(1).normal(0, 30, (50, 10))
    answers = Calibration().answers(logits)
    np.testing.assert_allclose(answers.probabilities, scipy.special.softmax(logits, axis=1), atol=1e-6)
    assert (answers.is_digit == 1).all()
    assert answers.probabilities.dtype == answers.is_digit.dtype == np.float32


def test_answers_are_the_softmax_and_the_sigmoid_of_the_energy():
    logits = np.random.default_rng(1).normal(0, 4, (50, 10)).astype(np.float32)
    answers = Calibration(2.0, 3.0, 0.7).answers(logits)
    np.testing.assert_allclose(answers.probabilities, scipy.special.softmax(logits / 2, axis=1), atol=1e-6)
    energies = scipy.special.logsumexp(logits.astype(np.float64) / 2, axis=1)
    np.testing.assert_allclose(answers.is_digit, scipy.special.expit((energies - 3) / 0.7), atol=1e-6)


@given(
    st.lists(st.lists(st.floats(-1e6, 1e6, width=32), min_size=10, max_size=10), max_size=5),
    st.floats(calibration.SMALLEST, calibration.LARGEST),
    st.floats(-calibration.LARGEST, calibration.LARGEST),
    st.floats(calibration.SMALLEST, calibration.LARGEST),
)
def test_answers_are_numbers_whatever_the_logits(rows, temperature, energy, spread):
    answers = Calibration(temperature, energy, spread).answers(np.array(rows, np.float32).reshape(-1, 10))
    assert answers.probabilities.shape == (len(rows), 10)
    assert ((answers.is_digit >= 0) & (answers.is_digit <= 1)).all()
    np.testing.assert_allclose(answers.probabilities.sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_fit_finds_the_temperature_and_takes_the_error_away(temperature):
    logits, truth = digits(temperature=temperature)
    fitted = fit(logits, truth)
    assert fitted.temperature == pytest.approx(temperature, rel=0.05)
    other, other_truth = digits(temperature=temperature, seed=2)

    def error(made: Calibration) -> float:
        probabilities = made.answers(other).probabilities
        return expected_calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == other_truth)

    assert error(fitted) < 0.01
    if temperature != 1.0:
        assert error(Calibration()) > 3 * error(fitted)


@pytest.mark.parametrize("share", [0.003, 0.05])
def test_fit_marks_the_share_of_digits_asked_for(share):
    logits, truth = digits()
    negatives = np.random.default_rng(3).normal(0, 1, (3000, 10))
    for fitted in (fit(logits, truth, share=share), fit(logits, truth, negatives, share)):
        assert (fitted.answers(logits).is_digit < 0.5).mean() == pytest.approx(share, abs=1e-4)
    assert (fitted.answers(negatives).is_digit < 0.5).mean() > 0.5


def test_without_negatives_the_middle_digit_is_a_typical_one():
    logits, truth = digits()
    assert np.median(fit(logits, truth).answers(logits).is_digit) == pytest.approx(calibration.TYPICAL, abs=1e-4)


def test_negatives_give_the_spread_of_a_logistic_regression():
    """Digits and negatives whose energies are drawn from the sigmoid itself: its spread is found again."""
    rng = np.random.default_rng(5)
    energies = rng.uniform(-10, 10, 200_000)
    is_digit = rng.random(len(energies)) < scipy.special.expit(energies / 1.5)
    logits = np.full((len(energies), 10), -50.0)
    logits[:, 3] = energies
    digit, none = logits[is_digit], logits[~is_digit]
    share = float((digit[:, 3] < 0).mean())  # so that the energy is the true one, 0
    truth = np.where(rng.random(len(digit)) < 1, 3, 0)
    fitted = fit(digit, truth, none, share)
    assert fitted.energy / fitted.spread == pytest.approx(0.0, abs=0.05)
    assert fitted.spread * fitted.temperature == pytest.approx(1.5, rel=0.03)


def test_digits_that_are_all_alike_can_be_fitted():
    fitted = fit(np.tile(np.arange(10.0), (5, 1)), np.full(5, 9))
    assert fitted == Calibration.from_card({"calibration": json.loads(json.dumps(fitted.to_json()))})


@pytest.mark.parametrize(
    ("logits", "truth", "none"),
    [
        (np.zeros((0, 10)), np.zeros(0, int), None),
        (np.zeros((2, 10)), np.zeros(3, int), None),
        (np.full((1, 10), np.nan), np.zeros(1, int), None),
        (np.zeros((1, 10)), np.zeros(1, int), np.full((1, 10), np.inf)),
    ],
)
def test_fit_refuses_what_it_cannot_learn_from(logits, truth, none):
    with pytest.raises(ValueError, match="logits must be numbers"):
        fit(logits, truth, none)


def test_an_older_card_has_none_and_a_newer_one_may_hold_more():
    assert Calibration.from_card({"format": 1}) == Calibration()
    values = {"temperature": 1.5, "energy": 4, "spread": 0.5, "digits": 5000}
    assert Calibration.from_card({"calibration": values}) == Calibration(1.5, 4.0, 0.5)


NONSENSE = st.one_of(
    st.none(), st.booleans(), st.text(), st.just(float("nan")), st.just(10**400), st.lists(st.integers())
)


@given(NONSENSE, st.sampled_from(["temperature", "energy", "spread", None]))
def test_a_card_with_nonsense_is_refused(value, at):
    values = {"temperature": 1.5, "energy": 4.0, "spread": 0.5}
    with pytest.raises(ValueError, match="Received"):
        Calibration.from_card({"calibration": values | {at: value} if at else value})


# The calibration error


def test_the_error_is_that_of_a_count_by_hand():
    confidence = np.array([0.95, 0.95, 0.95, 0.55])  # bins 15 and 9
    right = np.array([True, True, False, True])
    assert expected_calibration_error(confidence, right) == pytest.approx((3 * abs(0.95 - 2 / 3) + 0.45) / 4)


def test_gaps_of_one_bin_cancel_and_those_of_two_do_not():
    right = np.array([True, False])
    assert expected_calibration_error(np.array([0.5, 0.5]), right) == pytest.approx(0.0)
    assert expected_calibration_error(np.array([0.1, 0.9]), right) == pytest.approx(0.9)
    assert expected_calibration_error(np.array([0.1, 0.9]), right, bins=1) == pytest.approx(0.0)


def test_the_ends_have_their_bins():
    assert expected_calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0.0


def test_the_error_of_nothing_is_refused():
    with pytest.raises(ValueError, match="One confidence an answer"):
        expected_calibration_error(np.zeros(0), np.zeros(0, bool))
