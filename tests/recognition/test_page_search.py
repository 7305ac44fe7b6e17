"""The page's angle and the looks at it, with a detector that sees drawn flags and makes no mistake of its own."""

import math

import cv2
import detectiondata
import numpy as np
import pytest
from detectiondata import FlagDetector
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.imaging.rotation import rotation
from digitrec.recognition import detector_maps as maps
from digitrec.recognition import page_search
from digitrec.recognition.page_search import THRESHOLDS, Search, page_angle

WITHIN = 3.0
"""Pixels that a digit of a page of 1000 may be off: a look at a third of the size rounds to whole pixels of its own."""


def off(found: float, expected: float) -> float:
    """Return by how many degrees two angles differ."""
    return abs((found - expected + 180.0) % 360.0 - 180.0)


def rows(angle: float, seed: int = 0, height: float = 30.0, jitter: float = 0.01) -> np.ndarray:
    """Return labels of three rows of about six digits at an angle in degrees, clockwise; no two heights are alike."""
    rng = np.random.default_rng(seed)
    some = [detectiondata.row_of(int(rng.integers(5, 8)), 500, 400 + 2.2 * height * i, height) for i in (-1, 0, 1)]
    labels = np.concatenate(some)
    labels[:, 1:3] += rng.normal(0.0, jitter * height, (len(labels), 2))
    labels[:, 3:5] *= rng.uniform(0.85, 1.15, (len(labels), 1))
    return detectiondata.turned(labels, math.radians(angle), (500, 400))


@settings(max_examples=150)
@given(st.floats(0.0, 360.0), st.integers(0, 2**32 - 1))
def test_rows_tell_an_angle_finer_than_the_bins(angle: float, seed: int) -> None:
    found = page_angle(detectiondata.detections(rows(angle, seed), nearest=True))
    if found == 0.0:
        assert off(0.0, angle) <= THRESHOLDS.upright + 1.0
    else:
        assert off(0.0, angle) >= THRESHOLDS.upright - 1.0
        assert off(found, angle) <= 1.0
        assert 0.0 < found < 360.0


@pytest.mark.xfail(strict=True, reason="a digit of the next row, half a step aside, is averaged in: 1.9 degrees off")
def test_rows_that_are_indented_tell_the_angle_too() -> None:
    rows = [detectiondata.row_of(n, 450, y, 60, step=1.6) for n, y in ((5, 230), (4, 370))]
    labels = detectiondata.turned(np.concatenate(rows), math.radians(14.0), (450, 300))
    assert off(page_angle(detectiondata.detections(labels)), 14.0) <= 1.0


@given(st.floats(0.0, 360.0), st.integers(1, 6))
def test_bins_alone_tell_the_angle_of_digits_that_stand_apart(angle: float, count: int) -> None:
    labels = detectiondata.turned(detectiondata.row_of(count, 80, 80, 40, step=9.0), math.radians(angle), (80, 80))
    found = page_angle(detectiondata.detections(labels))
    if count < THRESHOLDS.fewest:
        assert found == 0.0
    else:
        assert off(found, angle) <= (THRESHOLDS.upright + 0.5 if found == 0.0 else 0.5)


@pytest.mark.parametrize("angle", [0.0, 3.0, -3.0, 360.0])
def test_a_page_that_lies_nearly_upright_is_left_as_it_is(angle: float) -> None:
    assert page_angle(detectiondata.detections(rows(angle))) == 0.0


@pytest.mark.parametrize("angle", [6.0, 45.0, 90.0, 180.0, 271.0])
def test_a_few_that_lie_otherwise_are_outvoted(angle: float) -> None:
    labels = rows(angle)
    labels[::6, 5] += math.pi / 2
    labels[1::6, 5] += math.pi
    assert off(page_angle(detectiondata.detections(labels)), angle) <= 1.0


def test_the_faint_have_no_say() -> None:
    labels, others = rows(60.0), rows(200.0, seed=1)
    both = detectiondata.detections(np.concatenate([labels, others, others]), np.repeat([0.9, 0.25], [len(labels), 2 * len(others)]))  # fmt: skip  # noqa: E501
    assert off(page_angle(both), 60.0) <= 1.0


def test_nothing_tells_no_angle() -> None:
    assert page_angle(detectiondata.detections(np.zeros((0, 6)))) == 0.0
    assert page_angle(detectiondata.detections(rows(70.0), 0.14)) == 0.0


def test_weak_candidates_tell_where_many_lie_the_same_way() -> None:
    some = rows(70.0)
    assert len(some) >= THRESHOLDS.many
    assert off(page_angle(detectiondata.detections(some, 0.2)), 70.0) <= 1.0
    assert page_angle(detectiondata.detections(some[: THRESHOLDS.many - 1], 0.2)) == 0.0
    some[:, 5] += np.linspace(0, 2 * math.pi, len(some))
    assert page_angle(detectiondata.detections(some, 0.2)) == 0.0


def as_they_came(search: Search, size: tuple[int, int]) -> np.ndarray:
    """Return the middles (N, 2) of what was found, in pixels of the picture as it came."""
    matrix, _ = rotation(size, search.angle)
    return (search.found.boxes[:, :2].astype(np.float64) - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T


def assert_found(search: Search, labels: np.ndarray, size: tuple[int, int], within: float) -> None:
    """Hold what was found to labels of the picture as it came: each once, in place, of the right size."""
    assert len(search.found) == len(labels)
    places = as_they_came(search, size)
    apart = np.hypot(*np.moveaxis(places[:, None] - labels[None, :, 1:3], 2, 0))
    nearest = apart.argmin(axis=0)
    assert sorted(nearest) == list(range(len(labels)))
    assert apart.min(axis=0).max() < within
    np.testing.assert_allclose(search.found.boxes[nearest, 2:], labels[:, 3:5], rtol=0.12, atol=1.5)


@settings(max_examples=30)
@given(st.floats(0.0, 360.0), st.integers(0, 2**32 - 1))
def test_digits_of_a_page_at_any_angle_are_found_where_they_are(angle: float, seed: int) -> None:
    size = (1000, 800)
    labels = rows(angle, seed, height=40.0)
    search = page_search.search(detectiondata.flags(labels, size), FlagDetector())
    assert off(search.angle, angle) <= (5.0 if search.angle == 0.0 else 1.0)
    assert_found(search, labels, size, within=WITHIN)
    if search.angle:
        assert np.abs(np.degrees(search.found.direction)).max() < 2.0  # on the upright page they stand upright


@pytest.mark.parametrize("angle", [0.0, 37.0, 90.0, 200.0])
def test_a_given_angle_is_taken_and_the_bins_are_not_asked(angle: float) -> None:
    labels, size = rows(120.0), (1000, 800)
    search = page_search.search(detectiondata.flags(labels, size), FlagDetector(), angle)
    assert search.angle == angle
    assert_found(search, labels, size, within=WITHIN)


@pytest.mark.parametrize("size", [(1000, 800), (300, 200), (28, 28), (3000, 500), (1, 1), (1, 400), (4000, 1)])
def test_where_nothing_is_found_nothing_is_rotated_and_no_closer_look_is_taken(size: tuple[int, int]) -> None:
    fake = FlagDetector()
    search = page_search.search(np.full((size[1], size[0], 3), 255, np.uint8), fake)
    assert search.angle == 0.0
    assert len(search.found) == 0
    assert len(fake.seen) == len(search.passes) <= 2
    for shape in fake.seen:
        assert max(shape) <= min(THRESHOLDS.first_side, THRESHOLDS.most_enlarged * max(size))


def test_digits_as_large_as_the_picture_are_found() -> None:
    labels = detectiondata.labels_of([(0, 1000, 800, 700, 1400, 0.0)])
    search = page_search.search(detectiondata.flags(labels, (2000, 1600)), FlagDetector())
    assert_found(search, labels, (2000, 1600), within=5.0)


def test_a_small_drawing_is_enlarged() -> None:
    labels = detectiondata.labels_of([(0, 14, 14, 8, 20, 0.0)])
    fake = FlagDetector()
    search = page_search.search(detectiondata.flags(labels, (28, 28)), fake)
    assert fake.seen == [(112, 112)]
    assert_found(search, labels, (28, 28), within=0.5)


def small_digits(angle: float) -> np.ndarray:
    """Return labels about the middle of a page of 2400 x 2000, at an angle in degrees: a large row and small ones."""
    large = detectiondata.row_of(3, 1200, 860, 60, step=2.0)
    small = [detectiondata.row_of(8, 1200, 980 + 70 * i, 24, step=1.8) for i in range(4)]
    return detectiondata.turned(np.concatenate([large, *small]), math.radians(angle), (1200, 1000))


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 250.0])
def test_small_digits_are_looked_at_closely_and_then_found(angle: float) -> None:
    labels, fake = small_digits(angle), FlagDetector(smallest=9.0)
    search = page_search.search(detectiondata.flags(labels, (2400, 2000)), fake)
    assert off(search.angle, angle) <= 1.0
    assert_found(search, labels, (2400, 2000), within=2.0)
    closest = search.passes[-1]
    assert closest.scale * maps.STRIDE > THRESHOLDS.gain * THRESHOLDS.first_side / 2400 - 1e-6
    assert closest.left > 0.0
    assert closest.top > 0.0
    assert fake.seen[-1][0] * fake.seen[-1][1] <= 1.01 * THRESHOLDS.most_pixels


@pytest.mark.parametrize(("size", "height"), [((1000, 800), 60.0), ((2400, 2000), 140.0), ((300, 300), 30.0)])
def test_digits_that_are_large_enough_are_not_looked_at_again(size: tuple[int, int], height: float) -> None:
    labels = detectiondata.row_of(4, size[0] / 2, size[1] / 2, height)
    fake = FlagDetector()
    search = page_search.search(detectiondata.flags(labels, size), fake)
    assert len(search.passes) == len(fake.seen) == 2
    assert_found(search, labels, size, within=2.0)


@pytest.mark.parametrize(("height", "looks"), [(400.0, 1), (100.0, 2)])
def test_the_one_digit_of_a_picture_is_looked_at_once_if_it_is_large(height: float, looks: int) -> None:
    labels = detectiondata.row_of(1, 800, 600, height)
    fake = FlagDetector()
    search = page_search.search(detectiondata.flags(labels, (1600, 1200)), fake, 0.0, single=True)
    assert len(search.passes) == len(fake.seen) == looks
    assert_found(search, labels, (1600, 1200), within=5.0)


@settings(max_examples=40)
@given(
    st.integers(600, 2600), st.integers(600, 2600), st.integers(0, 2**32 - 1), st.floats(12.0, 90.0), st.integers(1, 25)
)
def test_a_closer_look_stays_within_its_pixels(width: int, height: int, seed: int, digit: float, count: int) -> None:
    rng = np.random.default_rng(seed)
    places = rng.uniform(digit, (width - digit, height - digit), (count, 2))
    labels = detectiondata.labels_of([(0, x, y, digit / 2, digit, 0.0) for x, y in places])
    fake = FlagDetector(smallest=3.0)
    search = page_search.search(detectiondata.flags(labels, (width, height)), fake, 0.0)
    for shape in fake.seen[2:]:
        assert shape[0] * shape[1] <= 1.01 * THRESHOLDS.most_pixels
    for look in search.passes[2:]:
        first = search.passes[1].scale * maps.STRIDE
        assert look.scale * maps.STRIDE <= max(THRESHOLDS.closest, THRESHOLDS.gain * first) + 1e-6


def test_each_look_says_where_its_heat_lies() -> None:
    size = (2400, 2000)
    labels = np.concatenate([detectiondata.row_of(5, 1500, 1200 + 60 * i, 26, step=2.0) for i in range(3)])
    search = page_search.search(detectiondata.flags(labels, size), FlagDetector(smallest=3.0))
    assert len(search.passes) == 3
    for look in search.passes[1:]:
        rows, columns = np.nonzero(look.heat > 0.0)
        places = np.column_stack([columns, rows]) + 0.5
        places = places / look.scale + (look.left, look.top)
        apart = np.hypot(*np.moveaxis(places[:, None] - labels[None, :, 1:3], 2, 0)).min(axis=1)
        assert len(places) > 10
        assert apart.max() < 0.8 / look.scale


@pytest.mark.parametrize("angle", [0.0, 90.0, 180.0, 270.0])
def test_quarter_turns_are_exact(angle: float) -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 47, 3)).astype(np.uint8)
    np.testing.assert_array_equal(page_search.rotated(image, angle), np.rot90(image, int(angle // 90)))


@pytest.mark.parametrize("angle", [-370.5, 12.0, 45.0, 133.3])
def test_rotating_gives_the_size_and_the_places_that_rotation_tells(angle: float) -> None:
    image = detectiondata.flags(detectiondata.labels_of([(0, 60, 40, 12, 24, 0.0)]), (160, 90))
    matrix, size = rotation((160, 90), angle)
    made = page_search.rotated(image, angle)
    assert made.shape == (size[1], size[0], 3)
    cover = 1.0 - made[..., 1] / 255.0
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    place = np.array([(cover * x).sum(), (cover * y).sum()]) / cover.sum()
    np.testing.assert_allclose(place, matrix @ (60, 40, 1), atol=0.2)
    assert (made[0, 0] == 255).all()  # corners have the picture's median colour


def test_reducing_averages_and_one_is_the_same() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    assert page_search.resized(image, 1.0) is image
    np.testing.assert_array_equal(page_search.resized(image, 0.5), cv2.resize(image, (30, 20), interpolation=cv2.INTER_AREA))  # fmt: skip  # noqa: E501
    assert page_search.resized(image, 0.001).shape == (1, 1, 3)
