"""How far pixels are from the paper, in drawings and in photos."""

import cv2
import numpy as np
import pytest

from digitrec.imaging import background


def test_a_drawing_has_one_paper_and_a_photo_has_none_for_all() -> None:
    drawn = np.full((80, 120, 3), (250, 240, 200), np.uint8)
    drawn[30:50, 40:44] = (10, 20, 30)
    flat = background.flat(drawn)
    assert flat is not None
    assert flat.noise == 0.0
    np.testing.assert_array_equal(flat.distance > 0, (drawn == (10, 20, 30)).all(axis=2))
    shade = np.linspace(120, 250, 120)[None, :, None].repeat(80, axis=0).repeat(3, axis=2)
    assert background.flat(shade.astype(np.uint8)) is None


def test_in_a_photo_the_paper_is_what_lies_around_a_stroke() -> None:
    light = np.linspace(150, 250, 300)[None, :, None].repeat(200, axis=0).repeat(3, axis=2)
    light[80:120, 150:154] -= 100
    found = background.uneven(light.astype(np.uint8))
    assert found.distance[85:115, 151:153].min() > 100
    assert np.median(found.distance) < found.faintest


def test_the_commonest_colour_is_that_of_most_pixels() -> None:
    drawn = np.full((40, 40, 3), (200, 100, 50), np.uint8)
    drawn[:10] = 0
    assert tuple(background.commonest(drawn)) == (200, 100, 50)


def sheet_in_shade(shade: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a photo (600, 800, 3) of short strokes, some of them in a strip of shade, or of light, and the strokes."""
    strokes = np.zeros((600, 800), bool)
    for x in range(60, 780, 60):
        for y in (100, 300, 500):
            strokes[y : y + 40, x : x + 5] = True
    y, x = np.mgrid[:600, :800]
    light = np.where((x > 300 + 0.2 * y) & (x < 400 + 0.1 * y), shade, 1.0)
    level = np.where(strokes, 60.0, 180.0) * light + np.random.default_rng(0).normal(0, 2, light.shape)
    return np.clip(level, 0, 255)[..., None].repeat(3, axis=2).astype(np.uint8), strokes


@pytest.mark.parametrize("shade", [0.55, 1.4])
def test_strokes_in_a_strip_of_shade_or_of_light_are_far_from_their_paper_and_the_strip_is_not(shade: float) -> None:
    photo, strokes = sheet_in_shade(shade)
    found = background.uneven(photo)
    assert np.quantile(found.distance[strokes], 0.02) > 50.0
    assert np.quantile(found.distance[~strokes], 0.98) < found.faintest


def test_a_thick_stroke_among_specks_is_no_strip_of_shade() -> None:
    photo = np.full((600, 800, 3), 200, np.uint8)
    photo[100:500, 350:430] = 60
    for x in range(40, 780, 60):
        photo[20:26, x : x + 20] = 170
    assert background.uneven(photo).distance[120:480, 360:420].min() > 200.0


def photo_of(height: int, width: int) -> np.ndarray:
    """Return a picture of grain in uneven light, uint8 (height, width, 3)."""
    light = np.linspace(90, 200, width)[None, :, None] + np.random.default_rng(0).normal(0, 6, (height, width, 1))
    return np.clip(light.repeat(3, axis=2), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("ground", [(255, 255, 255), (128, 128, 128), (0, 0, 0), (250, 240, 210)])
def test_a_photo_on_a_ground_of_one_colour_is_found(ground: tuple[int, int, int]) -> None:
    page = np.full((500, 400, 3), ground, np.uint8)
    page[60:260, 50:350] = photo_of(200, 300)
    assert background.inset(page) == (50, 60, 350, 260)
    assert background.inset(page[60:260, 50:350]) is None
    page[60:260, 50:350] = (90, 120, 60)  # a block of colour is a drawing
    assert background.inset(page) is None
    assert background.inset(np.full((500, 400, 3), ground, np.uint8)) is None


def test_a_drawing_in_its_margin_is_no_photo() -> None:
    page = np.full((500, 400, 3), 255, np.uint8)
    cv2.rectangle(page, (60, 60), (340, 440), (0, 0, 0), 6)  # a frame
    cv2.circle(page, (200, 250), 100, (30, 30, 90), 40, cv2.LINE_AA)
    assert background.inset(page) is None
    page[:] = 255
    cv2.line(page, (200, 60), (200, 400), (0, 0, 0), 60)  # a fat 1 fills its frame
    assert background.inset(page) is None
