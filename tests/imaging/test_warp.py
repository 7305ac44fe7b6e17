"""Distortions, against scipy's rotation and affine maps and against arithmetic."""

import cv2
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digitrec.imaging import warp
from digitrec.imaging.augmentation import AUGMENTATION_LIMITS, Augmentation

ALL = Augmentation(**AUGMENTATION_LIMITS)
MIDDLE = 13.5


def strokes(count: int = 6) -> np.ndarray:
    """Return crosses with a ring, soft at the edges, float32 (count, 28, 28)."""
    canvas = np.zeros((28, 28), np.float32)
    canvas[13:16, 6:22] = canvas[6:22, 10:13] = 1
    cv2.circle(canvas, (17, 9), 4, 1.0, 2)
    return np.stack([cv2.GaussianBlur(canvas, (0, 0), 0.5 + 0.05 * number) for number in range(count)])


def test_nothing_on_changes_nothing() -> None:
    glyphs = strokes()
    result = warp.distort(glyphs, Augmentation(), np.random.default_rng(1))
    np.testing.assert_array_equal(result, glyphs)
    assert not np.shares_memory(result, glyphs)


@pytest.mark.parametrize("name", AUGMENTATION_LIMITS)
def test_each_distortion_alone_changes_each_glyph(name: str) -> None:
    glyphs = strokes(6)[[2] * 6]
    result = warp.distort(glyphs, Augmentation(**{name: AUGMENTATION_LIMITS[name] / 2}), np.random.default_rng(1))
    assert (np.abs(result - glyphs).max(axis=(1, 2)) > 0.01).all()
    assert len(np.unique(result, axis=0)) == 6


@given(
    arrays(np.float32, st.tuples(st.integers(0, 5), st.just(28), st.just(28)), elements=st.floats(0, 1, width=32)),
    st.builds(Augmentation, **{name: st.floats(0, limit) for name, limit in AUGMENTATION_LIMITS.items()}),
    st.integers(0, 2**31 - 1),
)
def test_any_amounts_keep_shape_and_range(glyphs: np.ndarray, amounts: Augmentation, seed: int) -> None:
    before = glyphs.copy()
    result = warp.distort(glyphs, amounts, np.random.default_rng(seed))
    assert result.shape == glyphs.shape
    assert result.dtype == np.float32
    assert result.size == 0 or 0 <= result.min() <= result.max() <= 1
    np.testing.assert_array_equal(glyphs, before)


def test_a_seed_gives_the_same_pictures() -> None:
    glyphs = strokes()
    first, again, other = (warp.distort(glyphs, ALL, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_more_glyphs_than_a_resampling_holds() -> None:
    glyphs = np.repeat(strokes(1), 1100, axis=0)
    glyphs[1050:] = 0
    result = warp.distort(glyphs, Augmentation(shift=2, thickness=1), np.random.default_rng(1))
    assert (result[:1050].sum(axis=(1, 2)) > 20).all()
    assert not result[1050:].any()


def test_digits_lean_about_the_middle_and_keep_their_rows() -> None:
    stems = np.zeros((400, 28, 28), np.float32)
    stems[:, 4:24, 13:15] = 1
    result = warp.distort(stems, Augmentation(shear=0.3), np.random.default_rng(1))
    np.testing.assert_allclose(result.sum(axis=2)[:, 4:24], 2, atol=1e-3)
    columns = (result * np.arange(28)).sum(axis=2)[:, 4:24] / 2
    slopes = np.polyfit(np.arange(20), columns.T, 1)[0]
    assert np.abs(slopes).max() <= 0.3 + 1e-3
    assert slopes.max() > 0.28
    assert slopes.min() < -0.28
    np.testing.assert_allclose(columns.mean(axis=1), 13.5, atol=1e-3)


def test_shifts_stay_within_their_amount() -> None:
    dots = np.zeros((400, 28, 28), np.float32)
    dots[:, 14, 14] = 1
    result = warp.distort(dots, Augmentation(shift=3), np.random.default_rng(1))
    centres = np.array([scipy.ndimage.center_of_mass(glyph) for glyph in result]) - 14
    assert np.abs(centres).max() <= 3 + 1e-4
    assert (centres.max(axis=0) > 2.8).all()
    assert (centres.min(axis=0) < -2.8).all()
    assert abs(np.corrcoef(centres.T)[0, 1]) < 0.15  # sideways says nothing about up and down


def test_elastic_wanders_smoothly_and_no_further_than_its_amount() -> None:
    ramps = np.tile(np.arange(28, dtype=np.float32) / 27, (200, 28, 1))  # a pixel's tone tells where it is from
    result = warp.distort(ramps, Augmentation(elastic=2), np.random.default_rng(1))
    wandered = 27 * (result - ramps)[:, 2:-2, 2:-2]
    assert 1.6 < np.abs(wandered).max() <= 2 + 1e-4
    assert abs(wandered.mean()) < 0.1
    assert np.abs(np.diff(wandered, axis=1)).max() < 1  # a stroke bends, it does not tear


def test_moved_by_whole_pixels_is_a_shifted_copy() -> None:
    glyphs = strokes()
    result = warp.moved(glyphs, 3, -2)
    np.testing.assert_allclose(result[:, :-2, 3:], glyphs[:, 2:, :-3], atol=1e-6)
    assert not result[:, -2:].any()
    assert not result[:, :, :3].any()


def test_moved_far_away_leaves_paper() -> None:
    assert not warp.moved(strokes(), 100, 0).any()


def test_moved_halfway_is_the_mean_of_neighbours() -> None:
    glyphs = strokes()
    expected = (glyphs[:, :, 1:] + glyphs[:, :, :-1]) / 2
    np.testing.assert_allclose(warp.moved(glyphs, 0.5, 0)[:, :, 1:], expected, atol=1e-5)


@pytest.mark.parametrize("degrees", [-40, -7.5, 10, 33, 90])
def test_turned_is_scipys_rotation(degrees: float) -> None:
    for glyph, result in zip(strokes(), warp.turned(strokes(), degrees), strict=True):
        expected = scipy.ndimage.rotate(glyph, degrees, reshape=False, order=1)
        np.testing.assert_allclose(result, expected, atol=1e-4)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.25])
def test_zoomed_is_scipys_affine_map(factor: float) -> None:
    offset = MIDDLE - MIDDLE / factor
    for glyph, result in zip(strokes(), warp.zoomed(strokes(), factor), strict=True):
        expected = scipy.ndimage.affine_transform(glyph, [1 / factor] * 2, offset, order=1, mode="constant")
        np.testing.assert_allclose(result, expected, atol=1e-4)


@pytest.mark.parametrize("factor", [0, -1, float("nan")])
def test_zoomed_refuses_to_vanish(factor: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        warp.zoomed(strokes(), factor)


def bar(width: int) -> np.ndarray:
    """Return an upright stroke `width` pixels wide, float32 (1, 28, 28)."""
    glyphs = np.zeros((1, 28, 28), np.float32)
    glyphs[0, :, 10 : 10 + width] = 1
    return glyphs


@pytest.mark.parametrize("px", [-2, -1.3, -0.5, 0, 0.4, 1, 2])
def test_thickened_changes_the_width_by_so_many_pixels(px: float) -> None:
    widths = warp.thickened(bar(5), px)[0].sum(axis=1)
    np.testing.assert_allclose(widths[1:-1], 5 + px, atol=1e-5)


def test_thickened_grows_the_same_in_all_directions() -> None:
    disc = np.zeros((28, 28), np.float32)
    cv2.circle(disc, (14, 14), 7, 1.0, -1)
    before, after = (np.sqrt(glyph.sum() / np.pi) for glyph in (disc, warp.thickened(disc[None], 2)))
    assert after - before == pytest.approx(1, abs=0.15)


def test_thickened_never_loses_a_thin_stroke() -> None:
    for width in (1, 2):
        thin = warp.thickened(bar(width), -2)[0]
        assert thin.max(axis=1).min() == 1


def test_thicker_is_never_thinner() -> None:
    glyphs = strokes()
    amounts = [warp.thickened(glyphs, px).sum(axis=(1, 2)) for px in (-2, -1, 0, 1, 2)]
    assert (np.diff(amounts, axis=0) > 0).all()


@pytest.mark.parametrize("px", [-2.1, 3, float("nan")])
def test_thickened_refuses_more_than_two_pixels(px: float) -> None:
    with pytest.raises(ValueError, match="from -2 to 2"):
        warp.thickened(strokes(), px)


def test_noise_has_its_spread_and_stays_in_range() -> None:
    grey = np.full((50, 28, 28), 0.5, np.float32)
    noised = warp.noised(grey, 0.1, np.random.default_rng(1))
    assert abs(noised.std() - 0.1) < 0.002
    assert abs(noised.mean() - 0.5) < 0.002
    loud = warp.noised(strokes(), 3.0, np.random.default_rng(1))
    assert (loud.min(), loud.max()) == (0, 1)
    np.testing.assert_array_equal(warp.noised(strokes(), 0, np.random.default_rng(1)), strokes())


def test_blur_is_opencvs_and_keeps_glyphs_apart() -> None:
    glyphs = strokes()
    glyphs[3] = 0
    result = warp.blurred(glyphs, 1.5)
    for glyph, soft in zip(glyphs, result, strict=True):
        expected = cv2.GaussianBlur(glyph, (13, 13), 1.5, borderType=cv2.BORDER_CONSTANT)
        np.testing.assert_allclose(soft, expected, atol=2e-3)
    np.testing.assert_array_equal(warp.blurred(glyphs, 0), glyphs)
