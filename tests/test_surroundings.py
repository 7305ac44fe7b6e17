"""What is around the writing goes, and writing stays."""

import cv2
import numpy as np
from test_clutter import seven, sheet

from digitrec.surroundings import without_surroundings


def test_a_frame_round_the_picture_goes_and_a_digit_stays() -> None:
    framed = cv2.rectangle(seven(), (0, 0), (119, 119), 1.0, 5)
    np.testing.assert_array_equal(without_surroundings(framed) > 0.5, seven() > 0.5)


def test_the_corner_of_a_table_goes_and_a_digit_stays() -> None:
    ink = seven()
    corner = ink.copy()
    cv2.fillPoly(corner, [np.array([[0, 90], [0, 119], [28, 119]])], 1.0)
    np.testing.assert_array_equal(without_surroundings(corner) > 0.5, ink > 0.5)


def test_a_table_round_a_sheet_of_small_digits_goes() -> None:
    ink = np.zeros((700, 700), np.float32)
    digits = sheet(2, 5)[::2, ::2]
    ink[300 : 300 + digits.shape[0], 200 : 200 + digits.shape[1]] = digits
    desk = np.maximum(ink, (np.arange(700) < 60).astype(np.float32)[:, None])
    np.testing.assert_array_equal(without_surroundings(desk), ink)


def stripes(rows: int) -> np.ndarray:
    """Return ink (400, 600) with stripes that run out of it at the top, and rows of digits below."""
    ink = np.zeros((400, 600), np.float32)
    for x in range(20, 580, 40):
        ink[:30, x : x + 12] = 1.0
    for y in range(rows):
        for x in range(100, 500, 80):
            cv2.circle(ink, (x, 120 + 80 * y), 20, 1.0, 5)
    return ink


def test_stripes_that_run_out_of_the_picture_go_where_more_is_written() -> None:
    found = without_surroundings(stripes(2))
    assert not found[:60].any()
    np.testing.assert_array_equal(found[60:], stripes(2)[60:])


def test_a_row_cropped_closely_stays() -> None:
    ink = stripes(0)
    np.testing.assert_array_equal(without_surroundings(ink), ink)


def test_a_shadow_alone_in_the_picture_goes_and_a_fat_digit_that_touches_its_edges_stays() -> None:
    y, x = np.mgrid[:100, :100]
    for alone in (y < 40, x + y < 60, (x - 50) ** 2 + y**2 < 45**2):
        assert not without_surroundings(alone.astype(np.float32)).any()
    two = np.zeros((28, 28), np.float32)
    cv2.polylines(two, [np.array([[4, 2], [22, 2], [22, 14], [5, 14], [5, 25], [23, 25]])], False, 1.0, 6)
    np.testing.assert_array_equal(without_surroundings(two), two)


def test_a_small_frame_with_gaps_goes_and_what_stands_in_it_stays_and_a_0_with_corners_too() -> None:
    ink = np.zeros((400, 600), np.float32)
    cv2.circle(ink, (150, 150), 20, 1.0, 4)
    kept = ink.copy()
    cv2.rectangle(ink, (100, 100), (200, 200), 1.0, 2)
    ink[150:160, 95:105] = 0.0
    ink[120:130, 95:105] = 0.0
    cv2.rectangle(ink, (350, 100), (420, 200), 1.0, 4)  # nothing in it: a digit
    cv2.rectangle(kept, (350, 100), (420, 200), 1.0, 4)
    np.testing.assert_array_equal(without_surroundings(ink), kept)
