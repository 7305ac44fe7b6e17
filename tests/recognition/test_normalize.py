"""Glyphs of drawn ink and of MNIST's own digits; boxes of drawn rows."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from digitrec.datasets import mnist
from digitrec.recognition import normalize
from digitrec.recognition.normalize import Box


def drawn(side: int, thickness: int, points: list[list[float]] | None = None) -> np.ndarray:
    """Return ink (side, side) of a 7, or of the line through `points`, in shares of the side."""
    sheet = np.zeros((side, side), np.uint8)
    line = np.array(points or [[0.25, 0.2], [0.7, 0.2], [0.4, 0.8]]) * side
    cv2.polylines(sheet, [line.astype(np.int32)], False, 255, thickness, cv2.LINE_AA)
    return sheet.astype(np.float32) / 255.0


def only(ink: np.ndarray) -> Box:
    box = normalize.only(ink)
    assert box is not None
    return box


@pytest.mark.parametrize("side", [28, 100, 700])
@pytest.mark.parametrize("share", [0.0, 0.06, 0.15])
def test_a_glyph_has_20_pixels_and_its_mass_in_the_middle(side, share):
    ink = drawn(side, max(1, int(share * side)))
    made = normalize.cut(ink, only(ink))
    assert made.glyph.shape == (28, 28)
    assert made.glyph.dtype == np.float32
    assert made.glyph.min() >= 0.0
    assert 0.9 < made.glyph.max() <= 1.0
    assert ndimage.center_of_mass(made.glyph) == pytest.approx((14.0, 14.0), abs=0.3)
    assert max(made.scaled.shape) == pytest.approx(20, abs=1)
    rows = np.flatnonzero((made.glyph > 0.4).any(axis=1))
    assert 18 <= rows[-1] - rows[0] + 1 <= 21


def width(picture: np.ndarray) -> float:
    """Return the width of a stroke, by SciPy's exact distances on the stroke's middle line."""
    fine = cv2.resize(picture, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC) > 0.5
    depth = ndimage.distance_transform_edt(fine)
    ridge = fine & (depth >= ndimage.maximum_filter(depth, 3))
    return float(2.0 * np.median(depth[ridge]) / 8.0)


@pytest.mark.parametrize("thickness", [1, 2, 4, 10, 20, 40, 60])
def test_strokes_come_near_mnist_width(thickness):
    ink = drawn(400, thickness)
    assert 2.0 < width(normalize.cut(ink, only(ink)).glyph) < 4.4


def test_where_a_pen_presses_strokes_come_nearer_to_each_other():
    picture = np.zeros((200, 200), np.float32)
    cv2.line(picture, (60, 20), (60, 180), 1.0, 6, cv2.LINE_AA)  # a hair beside a fat stroke
    cv2.line(picture, (60, 180), (140, 180), 1.0, 6, cv2.LINE_AA)
    cv2.line(picture, (140, 180), (140, 20), 1.0, 34, cv2.LINE_AA)
    row = normalize.cut(picture, only(picture)).glyph[10]
    middle = int(np.flatnonzero(row < 0.1)[np.flatnonzero(row < 0.1) > 8][0])
    thin, fat = row[:middle].sum(), row[middle:].sum()
    assert 1.8 < thin < 2.8
    assert fat < 4.5
    assert fat / thin < 2.2  # 5.7 in the picture


def test_mnist_digits_come_back_nearly_as_they_are():
    x, _ = mnist.training()
    digits = x[:200].reshape(-1, 28, 28).astype(np.float32) / 255.0
    back = np.array([normalize.cut(digit, only(digit)).glyph for digit in digits])
    assert np.abs(back - digits).mean() < 0.05
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(digits, back, strict=True)]
    assert np.median(alike) > 0.93
    assert np.percentile(alike, 5) > 0.8  # below it: very thick or thin pens, and specks that MNIST has kept


@pytest.mark.parametrize("factor", [2, 5])
def test_size_and_place_do_not_matter(factor):
    ink = drawn(100, 8)
    large = np.pad(cv2.resize(ink, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), ((50, 5), (3, 90)))
    large = large.clip(0.0, 1.0)
    a, b = normalize.cut(ink, only(ink)).glyph, normalize.cut(large, only(large)).glyph
    assert np.abs(a - b).mean() < 0.02


def test_pale_ink_gives_the_same_glyph():
    ink = drawn(100, 8)
    box = only(ink)
    assert np.abs(normalize.cut(ink, box).glyph - normalize.cut(ink * 0.6, box).glyph).mean() < 0.01


def test_a_stroke_is_followed_where_the_pen_presses_less():
    ink = drawn(100, 8)
    faded = ink.copy()
    faded[40:70] *= 0.35
    whole, paler = (normalize.cut(each, only(ink)).glyph for each in (ink, faded))
    assert np.abs(whole - paler).mean() < 0.05
    soft = cv2.GaussianBlur(ink, (0, 0), 2.0)  # the edge of a dark stroke is no stroke
    assert np.abs(whole - normalize.cut(soft, only(ink)).glyph).mean() < 0.02


def test_a_neighbour_that_reaches_into_the_box_is_left_out():
    ink = drawn(100, 6)
    box = only(ink)
    crowded = ink.copy()
    cv2.line(crowded, (box.x + box.width - 4, box.y + 45), (99, box.y + 50), 1.0, 4)
    assert np.abs(normalize.cut(ink, box).glyph - normalize.cut(crowded, box).glyph).max() < 0.1


@pytest.mark.parametrize("box", [Box(0, 0, 50, 50), Box(-20, -20, 10, 10), Box(40, 40, 0, 0), Box(90, 90, 99, 99)])
def test_a_box_without_ink_gives_an_empty_glyph(box):
    made = normalize.cut(np.zeros((50, 50), np.float32), box)
    assert made.glyph.shape == (28, 28)
    assert not made.glyph.any()


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 40), st.floats(0.0, 1.0), st.integers(0, 2**32 - 1),
    st.tuples(st.integers(-5, 45), st.integers(-5, 45), st.integers(0, 50), st.integers(0, 50)),
)  # fmt: skip
def test_any_ink_and_any_box(height, width, share, seed, place):
    rng = np.random.default_rng(seed)
    ink = (rng.random((height, width)) * (rng.random((height, width)) < share)).astype(np.float32)
    found = normalize.only(ink)
    boxes = [found] if found else []
    for box in boxes:
        assert 0 <= box.x < box.x + box.width <= width
        assert 0 <= box.y < box.y + box.height <= height
    assert bool(boxes) == bool((ink > normalize.EDGE).any())
    for box in [*boxes, Box(*place)]:
        made = normalize.cut(ink, box).glyph
        assert made.shape == (28, 28)
        assert made.dtype == np.float32
        assert np.isfinite(made).all()
        assert 0.0 <= made.min() <= made.max() <= 1.0 + 1e-6


def test_blank_ink_has_no_box():
    assert normalize.only(np.zeros((50, 50), np.float32)) is None


def broken_five() -> np.ndarray:
    """Return ink of a 5 whose bar does not join its body."""
    sheet = np.zeros((120, 120), np.uint8)
    cv2.line(sheet, (52, 22), (85, 22), 255, 6)
    cv2.line(sheet, (45, 32), (45, 55), 255, 6)
    cv2.ellipse(sheet, (55, 75), (25, 22), 0, -110, 130, 255, 6)
    return sheet.astype(np.float32) / 255.0


def test_strokes_that_do_not_join_are_one_digit():
    box = only(broken_five())
    assert box.y <= 20
    assert box.y + box.height >= 96


def test_specks_do_not_move_the_box():
    ink = drawn(200, 12)
    clean = only(ink)
    for x, y in [(5, 5), (190, 8), (12, 180), (185, 190)]:
        cv2.circle(ink, (x, y), 2, 1.0, -1)
    assert only(ink) == clean


def dab(moved: int, pen: int = 18) -> np.ndarray:
    """Return the ink of a pen that was pressed down and moved a little."""
    ink = np.zeros((64, 64), np.uint8)
    cv2.line(ink, (32, 20), (32, 20 + moved), 255, pen, cv2.LINE_AA)
    return ink.astype(np.float32) / 255


@pytest.mark.parametrize("pen", [12, 18, 24])
@pytest.mark.parametrize("share", [0.0, 0.15, 0.3])
def test_a_pen_pressed_down_makes_a_dab(pen, share):
    ink = dab(round(share * pen), pen)
    assert normalize.is_dab(normalize.cut(ink, normalize.only(ink)).crop)


def test_digits_are_no_dabs_not_even_the_fattest_and_the_shortest():
    pictures, _ = mnist.first_training(3000)
    inks = [np.pad(picture, 6).astype(np.float32) / 255 for picture in pictures]
    assert not any(normalize.is_dab(normalize.cut(ink, normalize.only(ink)).crop) for ink in inks)
    assert not normalize.is_dab(dab(30)[10:60, 20:44])
