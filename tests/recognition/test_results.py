"""Which digits are likely, and boxes of a rotated picture in pixels of the picture as it came."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from digitrec.imaging import rotation
from digitrec.recognition import results
from digitrec.recognition.normalize import Box


@pytest.mark.parametrize(
    ("shares", "expected", "sentence"),
    [
        ({4: 0.951, 9: 0.049}, (4,), "4"),
        ({4: 0.62, 9: 0.35}, (4, 9), "4 or 9"),
        ({9: 0.5, 4: 0.3, 7: 0.2}, (9, 4, 7), "9, 4 or 7"),
        ({0: 1.0}, (0,), "0"),
        (dict.fromkeys(range(10), 0.1), tuple(range(10)), "0, 1, 2 or another"),
    ],
)
def test_the_fewest_digits_that_together_have_95_percent(shares, expected, sentence):
    probabilities = np.zeros(10, np.float32)
    probabilities[list(shares)] = list(shares.values())
    assert results.likely(probabilities) == expected
    assert results.either(results.likely(probabilities)) == sentence


@given(st.lists(st.floats(0, 1), min_size=10, max_size=10).filter(lambda weights: sum(weights) > 0.1))
def test_likely_digits_have_enough_and_without_the_last_too_little(weights):
    probabilities = (np.array(weights) / sum(weights)).astype(np.float32)
    found = results.likely(probabilities)
    assert found[0] == probabilities.argmax()
    assert len(set(found)) == len(found) <= 10
    assert probabilities[list(found)].sum() >= 0.95 - 1e-6
    assert probabilities[list(found[:-1])].sum() < 0.95 + 1e-6


def rotation_of(size: tuple[int, int], angle: float) -> results.Reading:
    """Return a reading of a picture of a size that was rotated by an angle."""
    return results.Reading(rotation.rotation(size, angle)[1], size, angle, ())


def test_the_ink_of_a_page_is_looked_for_once_when_it_is_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(results.imaging_ink, "from_picture", lambda picture: asked.append(picture) or np.ones((2, 3)))
    picture = Image.new("RGB", (3, 2), "white")
    reading = results.Reading((3, 2), (3, 2), 0.0, (), results.Page(picture))
    assert not asked
    assert reading.ink.shape == (2, 3)
    assert [step.title for step in reading.steps] == ["Picture", "Ink"]
    assert asked == [picture]
    known = results.Page(picture, np.zeros((2, 3), np.float32))
    assert not known.ink.any()
    assert len(asked) == 1


def test_a_reading_whose_page_is_not_kept_has_neither_ink_nor_steps():
    reading = rotation_of((30, 20), 10.0)
    assert reading.ink.size == 0
    assert reading.steps == ()


sides = st.integers(1, 3000)


@given(sides, sides, st.floats(0.0, 360.0), st.floats(0, 1), st.floats(0, 1), st.integers(1, 400), st.integers(1, 400))
def test_corners_come_back_where_they_were(width, height, angle, x, y, wide, high):
    rotated = rotation_of((width, height), angle)
    box = Box(int(x * rotated.size[0]), int(y * rotated.size[1]), wide, high)
    corners = np.array(results.corners_as_it_came(box, rotated), float)
    matrix, _ = rotation.rotation(rotated.original, angle)
    back = corners @ matrix[:, :2].T + matrix[:, 2]
    expected = [(box.x, box.y), (box.x + wide, box.y), (box.x + wide, box.y + high), (box.x, box.y + high)]
    np.testing.assert_allclose(back, expected, atol=0.75)  # whole pixels, turned


@given(sides, sides, st.floats(0.0, 360.0), st.floats(0, 1), st.floats(0, 1))
def test_a_box_as_it_came_lies_in_the_picture_around_its_corners(width, height, angle, x, y):
    rotated = rotation_of((width, height), angle)
    box = Box(int(x * rotated.size[0]), int(y * rotated.size[1]), 20, 30)
    around = results.as_it_came(box, rotated)
    assert min(around) >= 0
    assert min(around.width, around.height) >= 1
    corners = np.clip(results.corners_as_it_came(box, rotated), 0, rotated.original)
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    assert around == (left, top, max(1, right - left), max(1, bottom - top))


@given(sides, sides, st.sampled_from([0.0, 90.0, 180.0, 270.0]), st.data())
def test_quarter_turns_of_a_box_are_exact(width, height, angle, data):
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    wide, high = data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y))
    where = np.zeros((2, 4))
    where[0] = [x, x + wide, x, x + wide]
    where[1] = [y, y, y + high, y + high]
    matrix, _ = rotation.rotation((width, height), angle)
    turned_where = matrix[:, :2] @ where + matrix[:, 2:]
    (left, top), (right, bottom) = turned_where.min(axis=1).astype(int), turned_where.max(axis=1).astype(int)
    box = Box(int(left), int(top), int(right - left), int(bottom - top))
    assert results.as_it_came(box, rotation_of((width, height), angle)) == (x, y, wide, high)


@given(
    st.builds(Box, st.integers(0, 900), st.integers(0, 900), st.integers(1, 99), st.integers(1, 99)),
    st.integers(20, 3000),
)
def test_a_box_scaled_covers_the_same_share_to_a_pixel(box: Box, side: int) -> None:
    made = results.scaled(box, (1000, 1000), (side, side))
    assert min(made.width, made.height) >= 1
    assert abs(made.x - box.x * side / 1000) <= 0.5
    assert made.width == 1 or abs(made.x + made.width - (box.x + box.width) * side / 1000) <= 0.5
    assert results.scaled(box, (1000, 1000), (1000, 1000)) == box
