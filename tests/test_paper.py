"""How far pixels are from the paper, in drawings and in photos."""

import numpy as np

from digitrec import paper


def test_a_drawing_has_one_paper_and_a_photo_has_none_for_all() -> None:
    drawn = np.full((80, 120, 3), (250, 240, 200), np.uint8)
    drawn[30:50, 40:44] = (10, 20, 30)
    flat = paper.flat(drawn)
    assert flat is not None
    assert flat.noise == 0.0
    np.testing.assert_array_equal(flat.distance > 0, (drawn == (10, 20, 30)).all(axis=2))
    shade = np.linspace(120, 250, 120)[None, :, None].repeat(80, axis=0).repeat(3, axis=2)
    assert paper.flat(shade.astype(np.uint8)) is None


def test_in_a_photo_the_paper_is_what_lies_around_a_stroke() -> None:
    light = np.linspace(150, 250, 300)[None, :, None].repeat(200, axis=0).repeat(3, axis=2)
    light[80:120, 150:154] -= 100
    found = paper.uneven(light.astype(np.uint8))
    assert found.distance[85:115, 151:153].min() > 100
    assert np.median(found.distance) < found.faintest


def test_the_commonest_colour_is_that_of_most_pixels() -> None:
    drawn = np.full((40, 40, 3), (200, 100, 50), np.uint8)
    drawn[:10] = 0
    assert tuple(paper.commonest(drawn)) == (200, 100, 50)
