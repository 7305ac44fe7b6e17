"""Drawings that are hard to read: the digit is still on them, and what makes them hard is, too."""

import cv2
import numpy as np
import pytest

from digitrec.datasets import hard_drawings, shapes, unipen
from digitrec.datasets.unipen import Writing

SEVEN = Writing("7", "digit", "abc:1", (np.array([[-0.3, -0.5], [0.3, -0.5], [-0.1, 0.5]], np.float32),))


@pytest.mark.parametrize("name", hard_drawings.DRAWINGS)
@pytest.mark.parametrize("seed", range(4))
def test_a_drawing_is_opaque_and_the_same_for_a_seed(name: str, seed: int) -> None:
    draw = hard_drawings.DRAWINGS[name]
    picture, cover = draw(SEVEN, np.random.default_rng(seed))
    np.testing.assert_array_equal(picture, draw(SEVEN, np.random.default_rng(seed)).picture)
    assert cover.shape == picture.shape[:2]
    assert picture[..., 0][cover > 200].mean() < picture[..., 0][cover == 0].mean()
    assert picture.dtype == np.uint8
    assert picture.shape == (len(picture), len(picture), 4)
    assert (picture[..., 3] == 255).all()
    assert picture[..., :3].min() < 100
    assert np.median(picture[..., 0]) > 140


@pytest.mark.parametrize("seed", range(4))
def test_hollow_strokes_have_paper_inside(seed: int) -> None:
    picture = hard_drawings.hollow(SEVEN, np.random.default_rng(seed)).picture
    dark = picture[..., 0] < 128
    middle = dark[np.nonzero(dark.any(axis=1))[0].mean().astype(int)]
    assert np.diff(middle.astype(int)).clip(0).sum() == 2  # two lines across the one stroke


@pytest.mark.parametrize("name", ["a thin scribble behind", "pale lines across"])
def test_there_is_more_on_it_than_the_digit(name: str) -> None:
    rng = np.random.default_rng(3)
    picture, cover = hard_drawings.DRAWINGS[name](SEVEN, rng)
    elsewhere = cv2.dilate(cover, np.ones((5, 5), np.uint8)) == 0
    assert (picture[elsewhere, :3].min(axis=1) < 230).sum() > 50


@pytest.mark.parametrize("name", shapes.SHAPES)
def test_a_shape_is_drawn_by_hand_and_never_twice_alike(name: str) -> None:
    rng = np.random.default_rng(5)
    first, second = shapes.draw(rng, name), shapes.draw(rng, name)
    assert (first.kind, first.label) == ("shape", "#")
    assert len(first.strokes) >= 1
    assert not np.allclose(first.strokes[0][:2], second.strokes[0][:2])
    assert (unipen.picture(first, rng)[..., 0] < 128).any()
