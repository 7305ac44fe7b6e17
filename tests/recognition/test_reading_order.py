"""The reading order of boxes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digitrec.recognition.normalize import Box
from digitrec.recognition.reading_order import order


def test_rows_of_unsteady_and_sloping_writing() -> None:
    rng = np.random.default_rng(0)
    for slope in (-0.12, 0.0, 0.12):
        boxes = [
            Box(60 * i, int(200 + 110 * row + slope * 60 * i + rng.integers(-14, 15)), 40, 60)
            for row in range(3)
            for i in range(10)
        ]
        assert order(boxes) == [list(range(10 * row, 10 * row + 10)) for row in range(3)]


def test_a_digit_that_hangs_down_from_its_row_stays_in_it() -> None:
    above = [Box(x, 100, 30, 60) for x in (60, 120, 180, 240)]
    below = [Box(x, 200, 30, 50) for x in (50, 110, 170, 230)]
    hanging = Box(0, 121, 30, 110)
    assert order([hanging, *above, *below]) == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]


@given(
    st.lists(
        st.builds(Box, st.integers(0, 500), st.integers(0, 500), st.integers(1, 200), st.integers(1, 200)), max_size=20
    )
)
def test_any_boxes_are_put_in_order_each_once(boxes: list[Box]) -> None:
    rows = order(boxes)
    assert sorted(place for row in rows for place in row) == list(range(len(boxes)))
    for row in rows:
        assert [boxes[place].x for place in row] == sorted(boxes[place].x for place in row)
