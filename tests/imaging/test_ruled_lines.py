"""What is no writing goes, and writing stays."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from digitrec.imaging import components, ruled_lines


def seven(side: int = 120) -> NDArray[np.float32]:
    """Return the ink of a 7 in the middle."""
    ink = np.zeros((side, side), np.float32)
    points = np.array([[0.35, 0.3], [0.65, 0.3], [0.5, 0.72]]) * side
    cv2.polylines(ink, [points.astype(np.int32)], False, 1.0, 6)
    return ink


def test_parts_are_those_that_touch_corners_too() -> None:
    mask = np.array([[1, 0, 0, 1], [0, 1, 0, 1]], bool)
    labels, stats = components.connected_components(mask)
    assert labels[0, 0] == labels[1, 1] != labels[0, 3]
    assert sorted(stats[1:, 4]) == [2, 2]
    assert sorted(map(tuple, stats[1:, :4])) == [(0, 0, 2, 2), (3, 0, 1, 2)]


@pytest.mark.parametrize("side", [60, 400])  # fewer and more pixels than OpenCV counts in 16 bit
def test_parts_are_scipys(side: int) -> None:
    mask = np.random.default_rng(0).random((side, side)) < 0.3
    mask[:7] = mask[:, -5:] = False
    labels, stats = components.connected_components(mask)
    theirs, count = ndimage.label(mask, np.ones((3, 3)))
    assert len(stats) == count + 1
    assert len(np.unique(np.stack([labels[mask], theirs[mask]]), axis=1).T) == count
    assert not labels[~mask].any()
    np.testing.assert_array_equal(stats[1:, 4], np.bincount(labels[mask], minlength=count + 1)[1:])


def test_a_blank_mask_has_no_parts() -> None:
    labels, stats = components.connected_components(np.zeros((5, 7), bool))
    assert labels.shape == (5, 7)
    assert len(stats) == 1


def test_grown_reaches_all_eight_neighbours() -> None:
    mask = np.zeros((5, 5), bool)
    mask[2, 2] = True
    assert components.dilated(mask).sum() == 9


@pytest.mark.parametrize("values", [[1.0], [1, 2, 3, 4], list(range(101))])
def test_upper_quartile_is_reached_by_a_quarter(values: list[float]) -> None:
    array = np.array(values, np.float32)
    assert (array >= components.quantile(array, 0.75)).mean() >= 0.25


def test_specks_go_and_a_digit_stays() -> None:
    digit = seven() > 0.5
    dirty = digit.copy()
    dirty[10, 10] = dirty[100:102, 20] = True
    np.testing.assert_array_equal(components.hysteresis_threshold(dirty, dirty, specks=False), digit)
    np.testing.assert_array_equal(components.hysteresis_threshold(dirty, dirty), dirty)


def test_what_is_weak_stays_only_where_it_joins_what_is_strong() -> None:
    weak = np.zeros((9, 9), bool)
    weak[1, 1:8] = weak[6, 1:8] = True
    strong = np.zeros((9, 9), bool)
    strong[6, 3] = True
    np.testing.assert_array_equal(components.hysteresis_threshold(weak, strong), weak & (np.arange(9)[:, None] == 6))


@pytest.mark.parametrize("turned", [False, True])
def test_the_lines_of_ruled_paper_go_and_a_digit_stays(turned: bool) -> None:
    ink = seven()
    ruled = ink.copy()
    for y in (15, 100):
        ruled[y : y + 2] = 0.7
    if turned:
        ink, ruled = ink.T, ruled.T
    np.testing.assert_array_equal(ruled_lines.remove_ruled_lines(ruled) > 0.5, ink > 0.5)


def test_ruled_paper_without_writing_is_blank() -> None:
    paper = np.zeros((120, 120), np.float32)
    paper[15::20] = 0.8
    assert not ruled_lines.remove_ruled_lines(paper).any()


def test_a_long_bar_alone_stays() -> None:
    bar = np.zeros((60, 60), np.float32)
    bar[28:32] = 1.0
    assert ruled_lines.remove_ruled_lines(bar).any()


def sheet(rows: int = 3, columns: int = 6, width: int = 5) -> NDArray[np.float32]:
    """Return the ink of rows of digits of straight strokes, about 60 pixels tall: 1, 4, 7, a 1 with a foot and 0."""
    shapes: list[list[tuple[float, float]]] = [
        [(0.3, 0.25), (0.5, 0), (0.5, 1)],
        [(0.5, 0), (0.1, 0.65), (0.9, 0.65), (0.65, 0.65), (0.65, 0.3), (0.65, 1)],
        [(0.1, 0), (0.9, 0), (0.4, 1)],
        [(0.3, 0.2), (0.5, 0), (0.5, 1), (0.2, 1), (0.8, 1)],
        [(0.5, 0), (0.85, 0.3), (0.85, 0.7), (0.5, 1), (0.15, 0.7), (0.15, 0.3), (0.5, 0)],
    ]
    ink = np.zeros((60 + 110 * rows, 80 + 90 * columns), np.float32)
    for place in range(rows * columns):
        corner = np.array([50 + 90 * (place % columns), 50 + 110 * (place // columns)])
        points = np.array(shapes[place % len(shapes)]) * (50, 60) + corner
        cv2.polylines(ink, [np.rint(points).astype(np.int32)], False, 1.0, width)
    return ink


def rules(shape: tuple[int, ...], slope: float, bend: float, thick: int, end: float) -> NDArray[np.float32]:
    """Return the ink of rules 55 pixels apart that slope, bend and end at a share of the width."""
    ink = np.zeros(shape, np.float32)
    x = np.arange(0.06 * shape[1], end * shape[1], 4.0)
    for y in np.arange(20.0, shape[0], 55.0):
        across = x / shape[1] - 0.5
        points = np.stack([x, y + (slope * across + bend * across**2) * shape[1]], axis=1)
        cv2.polylines(ink, [np.rint(points).astype(np.int32)], False, 1.0, thick)
    return ink


def away(found: NDArray[np.float32], strokes: NDArray[np.float32]) -> tuple[float, float]:
    """Return how much ink lies off the strokes and how much of them has none, to 3 pixels, as shares of the strokes."""
    near = np.ones((7, 7), np.uint8)
    ink, truth = found > 0.4, strokes > 0.4
    off = ink & (cv2.dilate(truth.astype(np.uint8), near) == 0)
    lost = truth & (cv2.dilate(ink.astype(np.uint8), near) == 0)
    return off.sum() / truth.sum(), lost.sum() / truth.sum()


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("slope", "bend", "thick"), [(0.0, 0.0, 5), (0.1, 0.04, 2), (-0.17, 0.0, 3), (0.05, -0.06, 5)])
def test_rules_that_slope_bend_and_end_go_and_digits_on_them_stay(
    slope: float, bend: float, thick: int, turned: bool
) -> None:
    digits = sheet()
    page = np.maximum(digits, rules(digits.shape, slope, bend, thick, 0.93))
    if turned:
        digits, page = digits.T, page.T
    off, lost = away(ruled_lines.remove_ruled_lines(page), digits)
    assert off < 0.02
    assert lost < 0.03


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("slope", [0.0, -0.15])
def test_short_rules_go_beside_large_digits_and_little_writing(slope: float, turned: bool) -> None:
    digits = np.zeros((620, 400), np.float32)
    digits[5:135, 70:200] = cv2.resize(sheet(1, 1)[40:120, 40:120], (130, 130))
    page = np.maximum(digits, rules(digits.shape, slope, 0.0, 3, 0.85))
    if turned:
        digits, page = digits.T, page.T
    off, lost = away(ruled_lines.remove_ruled_lines(page), digits)
    assert off < 0.02
    assert lost < 0.03


@pytest.mark.parametrize("turned", [False, True])
def test_four_tall_ones_beside_other_digits_stay(turned: bool) -> None:
    ink = np.zeros((120, 400), np.float32)
    for x in (30, 90, 150, 210):
        ink[10:110, x : x + 5] = 1.0
    ink[:, 260:380] = seven()
    ink = ink.T if turned else ink
    np.testing.assert_array_equal(ruled_lines.remove_ruled_lines(ink), ink)


def test_a_table_drawn_by_hand_in_the_same_pen_goes_and_digits_that_touch_it_stay() -> None:
    digits, rng = sheet(), np.random.default_rng(0)
    page = digits.copy()
    for y in (30, 145, 252, 366):  # the second and the third cut through feet
        points = [(x, y + rng.normal(0, 1.5)) for x in np.linspace(12, 610, 9)]
        cv2.polylines(page, [np.rint(points).astype(np.int32)], False, 1.0, 5)
    for x in (15, 218, 400, 608):
        points = [(x + rng.normal(0, 1.5), y) for y in np.linspace(26, 372, 7)]
        cv2.polylines(page, [np.rint(points).astype(np.int32)], False, 1.0, 5)
    off, lost = away(ruled_lines.remove_ruled_lines(page), digits)
    assert off < 0.02
    assert lost < 0.03


@pytest.mark.parametrize("turned", [False, True])
def test_a_digit_that_stands_on_a_rule_keeps_its_foot(turned: bool) -> None:
    digits = sheet(1)
    page = digits.copy()
    page[108:112] = 1.0
    if turned:
        digits, page = digits.T, page.T
    found = ruled_lines.remove_ruled_lines(page)
    assert away(found, digits)[0] < 0.02
    four = np.s_[108:112, 169:175]
    assert (found.T if turned else found)[four].min() == 1.0


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 2), (1, 3), (1, 5), (3, 6)])
@pytest.mark.parametrize("crop", [0, 45])
@pytest.mark.parametrize("width", [3, 9])
@pytest.mark.parametrize("turned", [False, True])
def test_digits_alone_lose_nothing(rows: int, columns: int, crop: int, width: int, turned: bool) -> None:
    ink = sheet(rows, columns, width)
    ink = ink[crop : ink.shape[0] - crop, crop : ink.shape[1] - crop]
    ink = ink.T if turned else ink
    np.testing.assert_array_equal(ruled_lines.remove_ruled_lines(ink), ink)


@pytest.mark.parametrize("flag", [0, 10, 18])
@pytest.mark.parametrize("turned", [False, True])
def test_a_row_of_tall_ones_loses_nothing(flag: int, turned: bool) -> None:
    ink = np.zeros((120, 300), np.float32)
    for x in (40, 110, 180, 250):
        cv2.polylines(ink, [np.array([[x - flag, 12 + flag], [x, 12], [x, 108]])], False, 1.0, 4)
    ink = ink.T if turned else ink
    np.testing.assert_array_equal(ruled_lines.remove_ruled_lines(ink), ink)


def test_bars_of_digits_that_line_up_are_no_line() -> None:
    ink = np.zeros((120, 700), np.float32)
    for x in range(30, 650, 60):
        cv2.polylines(ink, [np.array([[x, 30], [x + 45, 30], [x + 20, 90]])], False, 1.0, 4)
    np.testing.assert_array_equal(ruled_lines.remove_ruled_lines(ink), ink)


def test_the_only_digits_of_a_ruled_page_stay() -> None:
    ink = np.zeros((400, 300), np.float32)
    ink[60:400:40] = 1.0
    ink[20:44, 30:34] = 1.0
    found = ruled_lines.remove_ruled_lines(ink) > 0.5
    assert found[20:44, 30:34].all()
    assert not found[58:].any()


def test_a_faint_rule_goes_whatever_touches_it_and_a_bold_stroke_stays() -> None:
    ink = np.zeros((200, 400), np.float32)
    for x in (120, 200, 280):
        cv2.line(ink, (x, 60), (x, 121), 1.0, 8)
    dark = ink.copy()
    dark[120:122, :280] = np.maximum(dark[120:122, :280], 0.2)
    ink[120:122, :280] = 1.0
    found = ruled_lines.remove_ruled_lines(ink, dark) > 0.5
    assert not found[118:, 130:190].any()
    assert found[70:110, 200].all()
