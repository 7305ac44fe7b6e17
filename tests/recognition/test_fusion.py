"""Detector and classifier together: which way each piece of evidence pulls, whatever the fitted weights are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digitrec.recognition import fusion
from digitrec.recognition.fusion import FEATURES, WEIGHTS

shares = st.floats(0.0, 1.0)
heats = st.floats(-30.0, 30.0)
ten = arrays(np.float32, (3, 10), elements=st.floats(0.0, 1.0, width=32)).filter(lambda a: (a.sum(axis=1) > 0.01).all())


def probabilities(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum(axis=1, keepdims=True)


def features(heat: object, flat: bool = False, **given: object) -> np.ndarray:
    """Return what is known of candidates far from each other that differ in their heat only."""
    values = np.asarray(heat, np.float32)
    boxes = np.tile(np.array([0.0, 0.0, 20.0, 30.0]), (len(values), 1))
    boxes[:, 0] = 5000.0 * np.arange(len(values))
    arguments = {
        "fitting": values,
        "from_ink": np.zeros(len(values), bool),
        "boxes": boxes,
        "crop": np.zeros(len(values)),
    } | given
    return fusion.features(values, flat=flat, **arguments)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("from_ink", [False, True])
@given(st.lists(heats, min_size=2, max_size=2, unique=True))
def test_more_objectness_never_makes_a_digit_less_likely(from_ink: bool, flat: bool, some: list[float]) -> None:
    known = [features([heat], flat, from_ink=np.array([from_ink])) for heat in sorted(some)]
    low, high = (float(fusion.evidence(each)[0]) for each in known)
    assert low <= high
    if not from_ink and sorted(some)[0] < 7.0 and sorted(some)[1] > -7.0 and abs(some[0] - some[1]) > 0.5:
        assert low < high


@given(st.floats(-10.0, 10.0), st.sampled_from([WEIGHTS.rejection, 1.0]), shares, shares)
def test_a_higher_rejection_score_never_makes_a_digit_less_likely(
    evidence: float, trust: float, one: float, other: float
) -> None:
    low, high = (float(fusion.is_digit(evidence, trust, score)) for score in sorted((one, other)))
    assert 0.0 <= low <= high <= 1.0


@given(st.floats(-10.0, 10.0), st.floats(0.0, 2.0), shares)
def test_evidence_and_rejection_add_up_as_in_a_logistic_regression(evidence: float, trust: float, score: float) -> None:
    odds = np.clip(np.log(max(score, 1e-12) / max(1 - score, 1e-12)), -8.0, 8.0)
    expected = 1.0 / (1.0 + np.exp(-(evidence + trust * odds)))
    assert float(fusion.is_digit(evidence, trust, score)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("flat", [False, True])
@given(heats)
def test_what_the_ink_finds_is_a_weighted_sum_in_which_the_classifier_counts_more(flat: bool, heat: float) -> None:
    known = features([heat], flat, from_ink=np.array([True]))
    for alone, weights in ((False, WEIGHTS.ink), (True, WEIGHTS.alone)):
        expected = known[0] @ np.array(weights.linear) + weights.bias
        assert fusion.evidence(known, alone=alone)[0] == pytest.approx(expected, abs=1e-3)
        assert fusion.trust(known, alone=alone)[0] == np.float32(weights.rejection)
    of_detector = features([heat], flat)
    assert fusion.evidence(of_detector, alone=True) == fusion.evidence(of_detector)
    assert fusion.trust(of_detector, alone=True) == fusion.trust(of_detector)
    assert WEIGHTS.alone.rejection > WEIGHTS.ink.rejection > WEIGHTS.rejection


@pytest.mark.parametrize("flat", [False, True])
def test_ink_is_a_digit_where_all_see_one_and_none_where_none_does(flat: bool) -> None:
    for sure, digit in ((6.0, True), (-6.0, False)):
        known = features([sure] * 4, flat, from_ink=np.ones(4, bool), crop=np.full(4, sure))
        score = 1.0 / (1.0 + np.exp(-sure))
        assert ((fusion.is_digit(fusion.evidence(known), fusion.trust(known), score) > 0.5) == digit).all()


@given(heats)
def test_what_the_detector_finds_is_weighed_whatever_its_heat(heat: float) -> None:
    known = features([heat])
    assert fusion.trust(known)[0] == np.float32(WEIGHTS.rejection)
    units = [
        np.tanh(known[0] @ np.array(unit) + bias)
        for unit, bias in zip(WEIGHTS.hidden, WEIGHTS.hidden_bias, strict=True)
    ]
    expected = known[0] @ np.array(WEIGHTS.linear) + np.dot(units, WEIGHTS.outputs) + WEIGHTS.bias
    assert fusion.evidence(known)[0] == pytest.approx(expected, abs=1e-3)


def test_there_is_a_weight_for_each_feature() -> None:
    assert len(WEIGHTS.linear) == len(FEATURES) == features([0.0, 1.0]).shape[1]
    assert {len(unit) for unit in WEIGHTS.hidden} == {len(FEATURES)}
    assert len(WEIGHTS.hidden) == len(WEIGHTS.hidden_bias) == len(WEIGHTS.outputs)
    assert features([0.0]).dtype == np.float32


@given(shares)
def test_a_logit_is_that_of_the_probability_and_finite(probability: float) -> None:
    value = float(fusion.logit(probability))
    assert -8.0 <= value <= 8.0
    if 0.001 < probability < 0.999:
        assert 1.0 / (1.0 + np.exp(-value)) == pytest.approx(probability, abs=1e-4)


@given(ten, arrays(np.float32, (3, 10), elements=st.floats(-50.0, 0.0, width=32)))
def test_the_digits_probabilities_add_up_to_one(classified: np.ndarray, detected: np.ndarray) -> None:
    together = fusion.classes(probabilities(classified), detected)
    assert together.dtype == np.float32
    assert (together >= 0.0).all()
    np.testing.assert_allclose(together.sum(axis=1), 1.0, rtol=1e-5)


@given(ten, st.floats(-400.0, 0.0))
def test_a_detector_that_knows_nothing_leaves_the_classifiers_answer(classified: np.ndarray, level: float) -> None:
    alone = probabilities(classified)
    together = fusion.classes(alone, np.full((3, 10), level, np.float32), 1.0)
    np.testing.assert_allclose(together, alone, atol=1e-4)


@given(ten, st.integers(0, 9), st.floats(0.1, 5.0))
def test_what_the_detector_says_becomes_likelier(classified: np.ndarray, digit: int, more: float) -> None:
    detected = np.full((3, 10), -3.0, np.float32)
    alone = fusion.classes(probabilities(classified), detected)
    detected[:, digit] += more
    together = fusion.classes(probabilities(classified), detected)
    assert (together[:, digit] >= alone[:, digit] - 1e-6).all()


@pytest.mark.parametrize("place", [FEATURES.index(name) for name in fusion.RISING])
@given(arrays(np.float32, len(FEATURES), elements=st.floats(-8.0, 8.0, width=32)), st.floats(0.0, 8.0))
def test_what_speaks_for_a_digit_never_makes_one_less_likely(place: int, known: np.ndarray, more: float) -> None:
    known[fusion.FROM_INK] = 0.0
    raised = known.copy()
    raised[place] += more
    assert fusion.evidence(raised) >= fusion.evidence(known) - 1e-4


@given(heats, st.lists(heats, min_size=2, max_size=2, unique=True))
def test_a_crop_that_looks_like_a_digit_never_makes_one_less_likely(heat: float, some: list[float]) -> None:
    known = [features([heat], crop=np.array([crop])) for crop in sorted(some)]
    low, high = (float(fusion.evidence(each)[0]) for each in known)
    assert low <= high


def test_what_detector_and_crop_classifier_say_is_weighed() -> None:
    weights = fusion.Weights(detected=2.0, cropped=3.0)
    detected, cropped = np.log(probabilities(np.arange(1.0, 21.0).reshape(2, 10))).astype(np.float32)
    seen = fusion.seen(detected, cropped, weights)
    np.testing.assert_allclose(seen, 2.0 * detected + 3.0 * cropped, rtol=1e-5)
    together = fusion.classes(np.full((1, 10), 0.1), seen[None])
    assert together[0].argmax() == seen.argmax()


def test_size_is_against_the_usual_of_those_the_detector_is_sure_of() -> None:
    heights = np.array([20.0, 20.0, 40.0, 10.0, 500.0])
    boxes = np.stack([np.zeros(5), np.zeros(5), heights / 2, heights], axis=1)
    found = features([5.0, 5.0, 5.0, -5.0, -5.0], boxes=boxes)[:, FEATURES.index("size")]
    np.testing.assert_allclose(found, [0.0, 0.0, np.log(2), np.log(2), 3.0], atol=1e-5)
    found = features([-5.0] * 5, boxes=boxes)[:, FEATURES.index("size")]
    np.testing.assert_allclose(found[:2], 0.0, atol=1e-5)


def test_unlikely_candidates_make_a_page_less_likely_to_hold_digits() -> None:
    place = FEATURES.index("likely")
    alone, among = features([5.0])[:, place], features([5.0] + [-5.0] * 20)[:, place]
    many = features([5.0] * 20 + [-5.0])[:, place]
    assert among[0] < alone[0] < many[0] < 1.0
    assert fusion.evidence(features([5.0] + [-5.0] * 20))[0] < fusion.evidence(features([5.0]))[0]


def test_likely_neighbours_make_a_candidate_likelier() -> None:
    place = FEATURES.index("beside")
    boxes = np.array([[0.0, 0.0, 20.0, 30.0], [25.0, 0.0, 20.0, 30.0], [3000.0, 0.0, 20.0, 30.0]])
    beside = features([1.0, 1.0, 1.0], boxes=boxes, crop=np.array([0.0, 3.0, 3.0]))[:, place]
    assert beside[0] > 1.0
    np.testing.assert_allclose(beside[1:], 0.0, atol=1e-3)
    assert WEIGHTS.linear[place] > 0


def test_no_candidates_have_no_features() -> None:
    assert features([]).shape == (0, len(FEATURES))
    assert fusion.evidence(features([])).shape == (0,)


SURE = [3.0, 2.5, 4.0]


@pytest.mark.parametrize(
    ("logits", "expected"),
    [
        ([*SURE, -1.2, -0.9, 0.2, 0.3], -0.35),  # letters below, digits above
        ([*SURE, -1.9, -0.1, 0.0], -1.0),
        (SURE, -0.65),  # nothing between
        ([3.0, 2.5, -1.9, -0.1], 0.0),  # too few are sure
        ([*SURE, *np.linspace(-2, 0.7, 9)], 0.0),  # no gap
        ([], 0.0),
    ],
)
def test_a_page_tells_its_own_threshold_where_its_candidates_lie_apart(logits: list[float], expected: float) -> None:
    assert fusion.threshold(np.array(logits, np.float32)) == pytest.approx(expected, abs=1e-6)


@given(st.lists(st.floats(-8, 8, width=32), max_size=30))
def test_what_is_clear_stays_so_whatever_the_threshold(logits: list[float]) -> None:
    found = fusion.threshold(np.array(logits, np.float32))
    assert fusion.THRESHOLDS.lowest < found < fusion.THRESHOLDS.highest
