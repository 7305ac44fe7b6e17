"""Pictures rotated by any angle keep their pixels, lengths and corners."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from digitrec.imaging import rotation


def noise(width: int, height: int, bands: int = 3) -> Image.Image:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, bands)).astype(np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("bands", [3, 4])
@pytest.mark.parametrize("angle", [90.0, 180.0, 270.0, -90.0, 450.0])
def test_quarter_turns_keep_every_pixel(angle, bands):
    image = noise(31, 17, bands)
    made = rotation.rotated(image, angle)
    assert made.mode == image.mode
    np.testing.assert_array_equal(np.asarray(made), np.rot90(np.asarray(image), round(angle / 90)))
    assert rotation.rotation(image.size, angle)[1] == made.size


@pytest.mark.parametrize("angle", [0.0, 360.0, -360.0])
def test_no_rotation_gives_the_same_picture(angle):
    image = noise(31, 17)
    assert rotation.rotated(image, angle) is image
    matrix, size = rotation.rotation(image.size, angle)
    np.testing.assert_array_equal(matrix, [[1, 0, 0], [0, 1, 0]])
    assert size == image.size


@pytest.mark.parametrize(("bands", "mode"), [(3, "RGB"), (4, "RGBA")])
@pytest.mark.parametrize("angle", [10.0, 133.0, 301.5])
def test_a_rotated_picture_is_as_large_as_it_must_be_and_its_corners_are_paper(angle, bands, mode):
    paper = (240, 230, 220, 255)[:bands]
    image = Image.new(mode, (120, 70), paper)
    image.paste((10,) * 3 + (255,) * (bands - 3), (50, 30, 60, 50))
    made = rotation.rotated(image, angle)
    matrix, size = rotation.rotation(image.size, angle)
    assert made.mode == mode
    assert made.size == size
    np.testing.assert_allclose(np.asarray(made)[[0, 0, -1, -1], [0, -1, 0, -1]], [paper] * 4, atol=1)
    dark = 240.0 - np.asarray(made)[..., 0]
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    middle = np.array([(dark * x).sum(), (dark * y).sum()]) / dark.sum()
    np.testing.assert_allclose(middle, matrix @ (55, 40, 1), atol=0.1)


@given(st.integers(1, 4000), st.integers(1, 4000), st.floats(-720.0, 720.0))
def test_a_rotation_keeps_lengths_and_all_corners_fit_tightly(width, height, angle):
    matrix, size = rotation.rotation((width, height), angle)
    np.testing.assert_allclose(matrix[:, :2] @ matrix[:, :2].T, np.eye(2), atol=1e-9)
    assert np.linalg.det(matrix[:, :2]) == pytest.approx(1.0)
    corners = np.array([(0, 0), (width, 0), (0, height), (width, height)]) @ matrix[:, :2].T + matrix[:, 2]
    assert corners.min() >= -1e-3
    assert (corners.max(axis=0) <= np.array(size) + 1e-3).all()
    assert (np.ptp(corners, axis=0) > np.array(size) - 1.0 - 1e-3).all()
    radians = np.radians(angle)
    np.testing.assert_allclose(matrix[:, :2] @ (1, 0), (np.cos(radians), -np.sin(radians)), atol=1e-9)  # y is down


@given(st.integers(1, 4000), st.integers(1, 4000), st.floats(0.0, 360.0))
def test_rotating_back_by_the_inverse_gives_the_same_places(width, height, angle):
    matrix, size = rotation.rotation((width, height), angle)
    back, _ = rotation.rotation(size, -angle)
    middle = np.array([width, height]) / 2
    for place in ((0.0, 0.0), (width, height), (0.3 * width, 0.8 * height)):
        there = matrix @ (*place, 1)
        np.testing.assert_allclose(back[:, :2] @ (there - np.array(size) / 2) + middle, place, atol=1e-6)
