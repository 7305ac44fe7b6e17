"""Where the doubts of a batch are, and which digit comes next."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digitrec.recognition.normalize import Box
from digitrec.recognition.results import NOT_A_DIGIT, UNCERTAIN, Digit
from digitrec.uploads import corrections
from digitrec.uploads.corrections import BOXED, NO_DIGIT, Annotations, Entry
from digitrec.uploads.doubts import Spot, after_correction, doubtful, following

BLANK = Digit(0, Box(0, 0, 1, 1), np.zeros((28, 28), np.float32), (), 0, 0.9, np.full(10, 0.1, np.float32), 1.0, None)


def annotations(*flags: str | None) -> Annotations:
    entries = tuple(Entry(BLANK, b"", {"m": replace(BLANK, flag=flag)}) for flag in flags)
    return Annotations((9, 9), (9, 9), 0.0, entries)


def test_uncertain_digits_are_doubts_until_somebody_corrects_them() -> None:
    found = annotations(None, UNCERTAIN, NOT_A_DIGIT, UNCERTAIN)
    assert doubtful(found, "m") == [1, 3]
    assert doubtful(corrections.corrected(found, 1, 4), "m") == [3]
    assert doubtful(corrections.corrected(found, 3, NO_DIGIT), "m") == [1]
    assert doubtful(found, "another") == []


def test_a_box_by_hand_in_which_no_digit_was_read_is_a_doubt() -> None:
    found = annotations(NOT_A_DIGIT)
    entry = replace(found.entries[0], digit=replace(BLANK, by_hand=BOXED))
    assert doubtful(replace(found, entries=(entry,)), "m") == [0]


def test_the_next_doubt_goes_through_all_pictures_and_round() -> None:
    doubts = [[], [2, 5], [0], [], [7]]
    walked, at = [], None
    for _ in range(6):
        at = following(doubts, at)
        walked.append(at)
    assert walked == [(1, 2), (1, 5), (2, 0), (4, 7), (1, 2), (1, 5)]
    assert following(doubts, Spot(1, 3)) == (1, 5)
    assert following([[], [], [0]], Spot(2, 0)) == (2, 0)
    assert following([[], []], Spot(0, 0)) is None
    assert following([], None) is None


def test_after_a_doubt_comes_the_next_one_wherever_it_is() -> None:
    unsettled = [[0, 1, 2], [0, 1]]
    assert after_correction([[2], [1]], unsettled, Spot(0, 0), was_doubt=False) == (0, 2)
    assert after_correction([[], [1]], unsettled, Spot(0, 2), was_doubt=True) == (1, 1)
    assert after_correction([[], [1]], [[0, 1], [0, 1]], Spot(0, 2), was_doubt=False) == (0, 0)
    assert after_correction([[], []], [[], [0, 1]], Spot(0, 2), was_doubt=False) == (1, 0)
    assert after_correction([[], []], [[], []], Spot(0, 2), was_doubt=True) == (0, 2)


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=6), min_size=1, max_size=4), st.data())
def test_typing_on_corrects_each_digit_of_a_batch_once(pictures: list[list[bool]], data: st.DataObject) -> None:
    left = {Spot(p, d): doubt for p, digits in enumerate(pictures) for d, doubt in enumerate(digits)}
    at = data.draw(st.sampled_from(sorted(left)))
    for _ in range(len(left)):
        was_doubt = left.pop(at)  # fails where one comes twice
        doubts = [[s.place for s in sorted(left) if s.picture == p and left[s]] for p in range(len(pictures))]
        unsettled = [[s.place for s in sorted(left) if s.picture == p] for p in range(len(pictures))]
        at = after_correction(doubts, unsettled, at, was_doubt)
    assert not left
