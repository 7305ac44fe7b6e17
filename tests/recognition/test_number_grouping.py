"""Numbers: digits that stand together, whatever the size of the writing and the writer's gaps."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitrec.recognition import number_grouping
from digitrec.recognition.normalize import Box
from digitrec.recognition.results import NOT_A_DIGIT, Digit, Reading

GLYPH = np.zeros((28, 28), np.float32)
SHARES = np.full(10, 0.1, np.float32)


def digit(box: Box, value: int = 1, row: int = 0, flag: str | None = None, by_hand: str | None = None) -> Digit:
    return Digit(row, box, GLYPH, (), value, 0.9, SHARES, 1.0, flag, by_hand=by_hand)


def row(gaps: Sequence[float], height: int = 100, width: float = 0.6, at: int = 0) -> list[Digit]:
    """Return a row of digits 0, 1, 2, ... with these gaps, in heights, between them."""
    found, x = [], 0.0
    for place, gap in enumerate((*gaps, 0.0)):
        found.append(digit(Box(round(x), 200 * at, round(width * height), height), place % 10, at))
        x += (width + gap) * height
    return found


BOXES = st.builds(Box, st.integers(0, 2000), st.integers(0, 2000), st.integers(1, 300), st.integers(1, 300))
MARKS = st.builds(
    digit, BOXES, st.integers(0, 9), st.integers(0, 4), st.sampled_from([None, None, "uncertain", NOT_A_DIGIT])
)
SHEETS = st.lists(MARKS, max_size=30).map(lambda marks: sorted(marks, key=lambda mark: (mark.row, mark.box.x)))


@given(SHEETS)
def test_each_mark_is_in_one_number_of_one_row_in_its_order(marks: list[Digit]) -> None:
    groups = number_grouping.places(marks)
    assert [place for group in groups for place in group] == list(range(len(marks)))
    for group in groups:
        assert len({marks[place].row for place in group}) == 1
        assert len(group) == 1 or not any(marks[place].flag == NOT_A_DIGIT for place in group)


@given(SHEETS, st.integers(2, 9), st.integers(0, 500))
def test_numbers_are_the_same_on_a_larger_picture_and_elsewhere_on_it(
    marks: list[Digit], scale: int, shift: int
) -> None:
    moved = [
        digit(Box(*(scale * side for side in (m.box.x + shift, m.box.y, m.box.width, m.box.height))), 1, m.row, m.flag)
        for m in marks
    ]
    assert number_grouping.places(moved) == number_grouping.places(marks)


@given(SHEETS)
def test_the_text_without_spaces_is_that_of_the_reading(marks: list[Digit]) -> None:
    text = number_grouping.text(marks)
    assert text.replace(" ", "").replace("\n", "/") == Reading((1, 1), (1, 1), 0.0, tuple(marks)).text
    assert "  " not in text


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ((0.2, 0.2, 1.0, 0.2), "012 34"),
        ((-0.1, 0.05, 0.7, 0.0), "012 34"),  # digits that lean over each other
        ((0.45, 0.4, 0.45, 0.4), "01234"),
        ((1.0, 1.0, 1.0, 1.0), "01234"),  # a writer who leaves wide gaps
        ((0.6, 0.5, 1.3, 0.6), "012 34"),
        ((0.9, 0.7, 1.3, 0.8), "01234"),  # and uneven ones
        ((0.3, 1.0, 0.35, 1.1, 0.3, 0.9, 0.3), "01 23 45 67"),  # half of all gaps divide
        ((2.0, 2.0, 2.0, 2.0), "0 1 2 3 4"),
        ((0.2, 5.0, 0.2, 0.9), "01 23 4"),
        ((), "0"),
    ],
)
def test_a_gap_divides_where_it_is_wider_than_the_writers_gaps_are(gaps: tuple[float, ...], expected: str) -> None:
    assert number_grouping.text(row(gaps)) == expected


def test_the_gaps_of_the_whole_picture_tell_what_is_usual() -> None:
    assert number_grouping.text([*row((0.2, 0.2)), *row((0.8,), at=1)]) == "012\n0 1"
    assert number_grouping.text(row((0.8, 0.8))) == "012"


def test_a_narrow_digit_in_a_square_of_its_own_does_not_divide() -> None:
    """Squares of 1.1 heights, digits in their middles: a 1 has 0.85 heights free on each side, a 0 has 0.5."""
    digits = [
        digit(Box(round(110 * n - 50 * w), 0, round(100 * w), 100), n) for n, w in enumerate((0.6, 0.6, 0.1, 0.6))
    ]
    assert number_grouping.text(digits) == "0123"


def test_a_non_digit_ends_a_number_and_is_left_out() -> None:
    digits = row((0.1, 0.1, 0.1))
    digits[2] = digit(digits[2].box, 2, flag=NOT_A_DIGIT)
    assert number_grouping.places(digits) == [[0, 1], [2], [3]]
    assert number_grouping.text(digits) == "01 3"
    assert number_grouping.text([digits[2]]) == number_grouping.text([]) == ""


def test_a_number_is_as_sure_as_all_its_digits_together() -> None:
    digits = row((0.1, 0.1))
    assert number_grouping.confidence(digits) == pytest.approx(0.9**3)
    digits[0] = digit(digits[0].box, 7, by_hand="digit")
    assert number_grouping.confidence(digits) == pytest.approx(0.9**2)
    assert number_grouping.confidence([]) == 1.0


def test_what_a_person_says_of_a_gap_counts_instead_of_its_width() -> None:
    digits = row((0.2, 0.2, 2.0, 0.2))
    assert number_grouping.text(digits) == "012 34"
    assert (
        number_grouping.text([replace(d, begins={1: True, 3: False}.get(i)) for i, d in enumerate(digits)]) == "0 1234"
    )


def test_two_rows_or_a_non_digit_cannot_become_one_number() -> None:
    digits = [*row((0.2,)), digit(Box(300, 0, 60, 100), 2, flag=NOT_A_DIGIT), *row((0.2,), at=1)]
    joined = [replace(d, begins=False) for d in digits]
    assert number_grouping.places(joined) == [[0, 1], [2], [3, 4]]


def test_the_next_number_is_one_of_the_same_row() -> None:
    digits = [*row((0.2, 2.0)), *row((0.2,), at=1)]
    assert number_grouping.places(digits) == [[0, 1], [2], [3, 4]]
    assert [number_grouping.following(digits, group) for group in number_grouping.places(digits)] == [2, None, None]
