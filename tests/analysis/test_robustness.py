"""Shifts against copies of the picture; losses and accuracies by counting."""

import numpy as np
import pytest

from digitrec.analysis import robustness
from digitrec.analysis.robustness import DISTORTIONS, MEASURED, REACH, SHIFT
from digitrec.datasets import mnist


@pytest.fixture(scope="module")
def seven() -> np.ndarray:
    return mnist.glyphs(mnist.test()[0][0])


def test_shifts_are_shifted_copies(seven: np.ndarray) -> None:
    moved = robustness.shifts(seven).reshape(21, 21, 28, 28)
    np.testing.assert_array_equal(moved[REACH, REACH], seven)
    np.testing.assert_array_equal(moved[REACH - 2, REACH + 3][:-2, 3:], seven[2:, :-3])  # 3 right, 2 up
    assert not moved[REACH, REACH + 3][:, :3].any()
    np.testing.assert_array_equal(moved[2 * REACH, 0][10:, :-10], seven[:-10, 10:])


@pytest.mark.parametrize("distortion", MEASURED, ids=lambda d: d.name)
def test_the_neutral_level_changes_nothing_and_the_others_do(seven: np.ndarray, distortion) -> None:
    variants = robustness.variants(seven, distortion)
    assert variants.shape == (len(distortion.levels), 28, 28)
    assert 0 <= variants.min() <= variants.max() <= 1
    changed = np.abs(variants - seven).max(axis=(1, 2)) > 1e-3
    assert changed.tolist() == [level != distortion.neutral for level in distortion.levels]
    assert set(distortion.coarse) <= set(distortion.levels) | {level for level in distortion.coarse if level % 6}
    assert distortion.neutral in distortion.coarse
    assert list(distortion.levels) == sorted(distortion.levels)


def test_map_and_curves_are_about_a_thousand_variants() -> None:
    assert 900 <= 2 * ((2 * REACH + 1) ** 2 + sum(len(d.levels) for d in DISTORTIONS)) <= 1_100


def test_a_digit_is_lost_at_the_nearest_shift_that_changes_the_answer() -> None:
    answers = np.full((21, 21), 7)
    assert robustness.lost_shift(answers) is None
    answers[REACH - 6, REACH + 2] = 1
    assert robustness.lost_shift(answers) == 6
    answers[REACH + 1, REACH - 3] = 2
    assert robustness.lost_shift(answers.ravel()) == 3


def test_a_digit_is_lost_at_the_nearest_level_that_changes_the_answer() -> None:
    turn = DISTORTIONS[0]
    answers = np.full(len(turn.levels), 4)
    assert robustness.lost_level(turn, answers) is None
    answers[0] = 9
    assert robustness.lost_level(turn, answers) == -90
    answers[turn.levels.index(24)] = 9
    assert robustness.lost_level(turn, answers) == 24


def test_accuracy_is_the_share_that_is_still_read(seven: np.ndarray) -> None:
    """A net that says 7 where the middle has ink enough, so that moved digits are lost."""

    def read(glyphs: np.ndarray) -> np.ndarray:
        logits = np.zeros((len(glyphs), 10), np.float32)
        logits[:, 7] = glyphs[:, 6:22, 6:22].sum(axis=(1, 2)) - 40
        return logits

    glyphs = np.repeat(seven[None], 16, axis=0)
    found = robustness.accuracies(read, glyphs, np.full(16, 7), (SHIFT,))["shift"]
    expected = [np.mean([read(SHIFT.apply(glyphs, px))[i].argmax() == 7 for i in range(16)]) for px in SHIFT.coarse]
    assert found.tolist() == pytest.approx(expected)
    assert found[0] == 1
    assert found[-1] < 1


def test_shifts_of_the_test_digits_go_in_eight_directions() -> None:
    dots = np.zeros((8, 28, 28), np.float32)
    dots[:, 14, 14] = 1
    centres = np.array([np.unravel_index(g.argmax(), g.shape) for g in SHIFT.apply(dots, 4)]) - 14
    assert len(np.unique(centres, axis=0)) == 8
    assert np.abs(np.hypot(*centres.T) - 4).max() <= 0.5
