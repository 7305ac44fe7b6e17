"""What is no writing goes, and writing stays."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from digitrec import clutter


def seven(side: int = 120) -> NDArray[np.float32]:
    """Return the ink of a 7 in the middle."""
    ink = np.zeros((side, side), np.float32)
    points = np.array([[0.35, 0.3], [0.65, 0.3], [0.5, 0.72]]) * side
    cv2.polylines(ink, [points.astype(np.int32)], False, 1.0, 6)
    return ink


def test_parts_are_those_that_touch_corners_too() -> None:
    mask = np.array([[1, 0, 0, 1], [0, 1, 0, 1]], bool)
    labels, stats = clutter.parts(mask)
    assert labels[0, 0] == labels[1, 1] != labels[0, 3]
    assert sorted(stats[1:, 4]) == [2, 2]
    assert sorted(map(tuple, stats[1:, :4])) == [(0, 0, 2, 2), (3, 0, 1, 2)]


@pytest.mark.parametrize("side", [60, 400])  # fewer and more pixels than OpenCV counts in 16 bit
def test_parts_are_scipys(side: int) -> None:
    mask = np.random.default_rng(0).random((side, side)) < 0.3
    mask[:7] = mask[:, -5:] = False
    labels, stats = clutter.parts(mask)
    theirs, count = ndimage.label(mask, np.ones((3, 3)))
    assert len(stats) == count + 1
    assert len(np.unique(np.stack([labels[mask], theirs[mask]]), axis=1).T) == count
    assert not labels[~mask].any()
    np.testing.assert_array_equal(stats[1:, 4], np.bincount(labels[mask], minlength=count + 1)[1:])


def test_a_blank_mask_has_no_parts() -> None:
    labels, stats = clutter.parts(np.zeros((5, 7), bool))
    assert labels.shape == (5, 7)
    assert len(stats) == 1


def test_grown_reaches_all_eight_neighbours() -> None:
    mask = np.zeros((5, 5), bool)
    mask[2, 2] = True
    assert clutter.grown(mask).sum() == 9


@pytest.mark.parametrize("values", [[1.0], [1, 2, 3, 4], list(range(101))])
def test_upper_quartile_is_reached_by_a_quarter(values: list[float]) -> None:
    array = np.array(values, np.float32)
    assert (array >= clutter.upper_quartile(array)).mean() >= 0.25


def test_specks_go_and_a_digit_stays() -> None:
    digit = seven() > 0.5
    dirty = digit.copy()
    dirty[10, 10] = dirty[100:102, 20] = True
    np.testing.assert_array_equal(clutter.joined(dirty, dirty, specks=False), digit)
    np.testing.assert_array_equal(clutter.joined(dirty, dirty), dirty)


def test_what_is_weak_stays_only_where_it_joins_what_is_strong() -> None:
    weak = np.zeros((9, 9), bool)
    weak[1, 1:8] = weak[6, 1:8] = True
    strong = np.zeros((9, 9), bool)
    strong[6, 3] = True
    np.testing.assert_array_equal(clutter.joined(weak, strong), weak & (np.arange(9)[:, None] == 6))


@pytest.mark.parametrize("turned", [False, True])
def test_the_lines_of_ruled_paper_go_and_a_digit_stays(turned: bool) -> None:
    ink = seven()
    ruled = ink.copy()
    for y in (15, 100):
        ruled[y : y + 2] = 0.7
    if turned:
        ink, ruled = ink.T, ruled.T
    np.testing.assert_array_equal(clutter.without_lines(ruled) > 0.5, ink > 0.5)


def test_ruled_paper_without_writing_is_blank() -> None:
    paper = np.zeros((120, 120), np.float32)
    paper[15::20] = 0.8
    assert not clutter.without_lines(paper).any()


def test_a_long_bar_alone_stays() -> None:
    bar = np.zeros((60, 60), np.float32)
    bar[28:32] = 1.0
    assert clutter.without_lines(bar).any()


def test_a_frame_round_the_picture_goes_and_a_digit_stays() -> None:
    framed = cv2.rectangle(seven(), (0, 0), (119, 119), 1.0, 5)
    np.testing.assert_array_equal(clutter.without_surroundings(framed) > 0.5, seven() > 0.5)


def test_the_corner_of_a_table_goes_and_a_digit_stays() -> None:
    ink = seven()
    corner = ink.copy()
    cv2.fillPoly(corner, [np.array([[0, 90], [0, 119], [28, 119]])], 1.0)
    np.testing.assert_array_equal(clutter.without_surroundings(corner) > 0.5, ink > 0.5)
