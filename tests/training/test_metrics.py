"""How well a model reads, against scipy's tests and plain counting."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from digitrec.training import metrics

digits = st.integers(0, 9)


def sure(answers: list[int], confidence: float = 0.9) -> np.ndarray:
    """Return probabilities that answer this."""
    rest = (1 - confidence) / 9
    return np.where(np.eye(10)[answers] == 1, confidence, rest)


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_ends_where_the_accuracy_is_just_plausible(counts: tuple[int, int]) -> None:
    """At either end the observed accuracy lies 1.96 standard errors of that end away: that is how it is defined."""
    right, total = counts
    low, high = metrics.wilson(right, total)
    assert 0 <= low <= right / total <= high <= 1
    for end in (low, high):
        away = NormalDist().inv_cdf(0.975) * math.sqrt(end * (1 - end) / total)
        assert abs(right / total - end) == pytest.approx(away, abs=1e-9) or (right, end) in ((0, 0.0), (total, 1.0))


@pytest.mark.parametrize(("right", "total"), [(-1, 5), (6, 5), (0, 0)])
def test_wilson_refuses_nonsense(right: int, total: int) -> None:
    with pytest.raises(ValueError, match="Received"):
        metrics.wilson(right, total)


@given(st.lists(st.tuples(digits, digits), max_size=60))
def test_confusion_counts_each_pair(pairs: list[tuple[int, int]]) -> None:
    truth, answers = np.array([t for t, _ in pairs], int), np.array([a for _, a in pairs], int)
    counts = metrics.confusion(truth, answers)
    assert counts.shape == (10, 10)
    assert all(counts[t, a] == pairs.count((t, a)) for t in range(10) for a in range(10))


@pytest.mark.parametrize(("truth", "answers"), [([1, 2], [1]), ([10], [1]), ([1], [-1])])
def test_confusion_refuses_non_digits(truth: list[int], answers: list[int]) -> None:
    with pytest.raises(ValueError, match="Received"):
        metrics.confusion(np.array(truth), np.array(answers))


def test_confusion_takes_labels_of_one_byte() -> None:
    labels = np.full(300, 9, np.uint8)
    assert metrics.confusion(labels, labels)[9, 9] == 300


def test_scores_agree_with_each_other() -> None:
    truth = np.array([0, 0, 1, 2, 2, 2])
    scores = metrics.scores(sure([0, 1, 1, 2, 3, 4]), truth)
    assert scores.accuracy == 0.5
    assert scores.errors == 3
    assert scores.interval == metrics.wilson(3, 6)
    assert scores.confusion[2].tolist() == [0, 0, 1, 1, 1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("function", [metrics.scores, metrics.accuracy])
def test_no_digits_have_no_accuracy(function: object) -> None:
    with pytest.raises(ValueError, match="Received: 0"):
        function(np.zeros((0, 10)), np.zeros(0, int))  # type: ignore[operator]


def test_mistakes_come_most_confident_first() -> None:
    probabilities = np.concatenate([sure([5], c) for c in (0.6, 0.9, 0.7, 0.9)])
    truth = np.array([1, 5, 1, 1])
    assert metrics.mistakes(probabilities, truth, 9).tolist() == [3, 2, 0]
    assert metrics.mistakes(probabilities, truth, 2).tolist() == [3, 2]
    assert metrics.mistakes(probabilities, np.full(4, 5), 9).tolist() == []
    assert metrics.mistakes(probabilities, truth, -1).tolist() == []


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=80))
def test_mcnemar_is_the_exact_binomial_test(pairs: list[tuple[bool, bool]]) -> None:
    a, b = np.array([a for a, _ in pairs], bool), np.array([b for _, b in pairs], bool)
    result = metrics.mcnemar(a, b)
    assert (result.only_a, result.only_b) == (pairs.count((True, False)), pairs.count((False, True)))
    differing = result.only_a + result.only_b
    expected = binomtest(result.only_a, differing).pvalue if differing else 1.0
    assert result.p == pytest.approx(expected, abs=1e-9)


def apart(only_a: int, only_b: int) -> metrics.McNemar:
    a = np.array([True] * only_a + [False] * only_b + [True])
    b = np.array([False] * only_a + [True] * only_b + [True])
    return metrics.mcnemar(a, b, ("cnn-3x3", "mlp-128"))


def test_mcnemar_says_what_it_means() -> None:
    assert apart(20, 5).sentence == (
        "The difference is significant (p = 0.0041): 20 digits read correctly by cnn-3x3 only, "
        "5 digits by mlp-128 only."
    )
    assert apart(3, 1).sentence == (
        "The difference could be chance (p = 0.62): 3 digits read correctly by cnn-3x3 only, 1 digit by mlp-128 only."
    )
    assert apart(0, 0).sentence == "No difference: cnn-3x3 and mlp-128 read the same digits correctly."


def test_mcnemar_holds_for_the_whole_test_set() -> None:
    assert apart(10_000, 0).p == 0.0
    assert apart(10_000, 0).sentence.startswith("The difference is significant (p < 0.001): 10,000 digits")
    assert apart(5_000, 5_000).p == 1.0


def test_mcnemar_refuses_different_digits() -> None:
    with pytest.raises(ValueError, match="Received: 1 and 2"):
        metrics.mcnemar(np.array([True]), np.array([True, False]))
