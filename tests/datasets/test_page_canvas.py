import math
from dataclasses import replace

import charactersdata
import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec.datasets.hands import Hand
from digitrec.datasets.labels import MAX_LABELS
from digitrec.datasets.page_canvas import PageCanvas

PLAIN = Hand(crossed_seven=0.0, slashed_zero=0.0, flagged_one=0.0, footed_one=0.0)
HANDS = {
    "plain": PLAIN,
    "pressed": replace(PLAIN, pen="brush", width=0.12, pressure=0.6, pressed_opacity=True),
    "hard": replace(PLAIN, hard=True),
    "mnist": replace(PLAIN, source="mnist", slant=0.1),
    "angular": replace(PLAIN, angular=True),
}


def view(angle: float = 0.0, tilt: float = 0.0, side: int = 640) -> NDArray[np.float64]:
    """Return a page turned by an angle in radians and seen a little from the side, in the middle of the frame."""
    turn = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    middle = np.array([[1, 0, side / 2], [0, 1, side / 2], [0, 0, 1]])
    return middle @ np.array([[1, 0, 0], [0, 1, 0], [tilt, tilt / 2, 1]]) @ turn


def canvas(angle: float = 0.0, tilt: float = 0.0, seed: int = 0) -> PageCanvas:
    return PageCanvas(np.random.default_rng(seed), charactersdata.characters(), view(angle, tilt))


def ink_box(layer: NDArray[np.uint8], angle: float) -> tuple[float, ...]:
    """Return left, top, right and bottom of a layer's ink in axes turned by an angle, in pixels of the frame."""
    y, x = np.nonzero(layer > 60)
    points = (np.column_stack([x, y]) + 0.5) / 2
    own = points @ np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return (*own.min(axis=0), *own.max(axis=0))


def label_box(row: NDArray[np.float32]) -> tuple[float, ...]:
    _, x, y, width, height, angle = row.tolist()
    own_x, own_y = x * math.cos(angle) + y * math.sin(angle), -x * math.sin(angle) + y * math.cos(angle)
    return own_x - width / 2, own_y - height / 2, own_x + width / 2, own_y + height / 2


@pytest.mark.parametrize("angle", [0.0, 0.4, -1.3, math.pi])
@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("height", [20.0, 90.0])
def test_box_is_tight_about_the_ink(angle: float, hand: str, height: float) -> None:
    page = canvas(angle, tilt=0.0003)
    page.digit(7, 30, -40, height, HANDS[hand])
    (row,) = page.labels()
    assert row[0] == 7
    assert math.cos(row[5] - angle) > 0.99
    assert label_box(row) == pytest.approx(ink_box(page.layer("ink"), row[5]), abs=2.0)


def test_angle_follows_the_page() -> None:
    page = canvas(angle=0.7)
    page.digit(1, 0, 0, 40, PLAIN)
    assert page.labels()[0, 5] == pytest.approx(0.7, abs=1e-5)


def test_number_labels_its_digits_in_order_and_no_signs() -> None:
    page = canvas()
    end = page.number("17+0/7", -100, 0, 30, PLAIN)
    labels = page.labels()
    assert labels[:, 0].tolist() == [1, 7, 0, 7]
    assert (np.diff(labels[:, 1]) > 0).all()
    assert labels[-1, 1] - 320 < end < labels[-1, 1] - 320 + 40


def test_words_and_signs_are_not_labelled() -> None:
    page = canvas()
    page.word("Em", -100, 0, 30, PLAIN)
    page.symbol("+", 50, 0, 30, PLAIN)
    page.character("upper", "E", 0, 60, 30, PLAIN)
    assert page.layer("ink").any()
    assert len(page.labels()) == 0


def test_what_may_be_a_digit_is_ignored_when_it_stands_alone() -> None:
    page = canvas()
    page.character("upper", "O", 0, 0, 30, PLAIN)
    page.word("l", 60, 0, 30, PLAIN)
    assert page.labels()[:, 0].tolist() == [-1, -1]


def test_cut_tiny_and_outer_digits() -> None:
    page = canvas()
    page.digit(7, -318, 0, 60, PLAIN)
    page.digit(7, 0, 0, 4, PLAIN)
    page.digit(7, 900, 0, 60, PLAIN)
    labels = page.labels()
    assert labels[:, 0].tolist() == [-1, -1]
    assert labels[0, 1] > 0


def test_never_more_labels_than_allowed_nor_digits_without() -> None:
    page = canvas()
    for number in range(MAX_LABELS):
        page.digit(7, -300 + number % 40 * 15, -200 + number // 40 * 15, 12, PLAIN)
    before = page.layer("ink").copy()
    page.number("777", 0, 200, 30, PLAIN)
    assert len(page.labels()) == page.label_count == MAX_LABELS
    assert (page.layer("ink") == before).all()


def test_the_seed_decides_everything() -> None:
    def drawn(seed: int) -> PageCanvas:
        page = canvas(0.2, 0.0002, seed)
        page.number("170", -100, 0, 40, Hand.random(page.rng))
        page.line((-200, 50), (200, 50), 1.5, wobble=2.0)
        return page

    first, again, other = drawn(1), drawn(1), drawn(2)
    assert all((first.layers[name] == again.layers[name]).all() for name in ("ink", "rules"))
    assert (first.labels() == again.labels()).all()
    assert (first.layer("ink") != other.layer("ink")).any()


def test_is_free() -> None:
    page = canvas()
    page.digit(7, 0, 0, 40, PLAIN)
    assert not page.is_free(-10, -10, 20, 20)
    assert page.is_free(50, -10, 20, 20)


def test_lines_boxes_polygons_and_pictures_go_where_they_are_sent() -> None:
    page = canvas()
    page.line((-100, 0), (100, 0), 2)
    page.line((-100, 50), (100, 50), 2, dash=(10, 10))
    page.box(-200, -200, 100, 100, 1)
    page.polygon([(100, 100), (200, 100), (200, 200), (100, 200)], opacity=0.5)
    page.image(np.full((10, 20), 255, np.uint8), 0, -100, 40, 20, "print")
    rules = page.layer("rules")
    assert rules[640, 640] == 255
    assert 0.4 < (rules[740, 440:840] > 127).mean() < 0.65
    assert rules[440, 240]
    assert not rules[300, 300]
    assert page.layer("fields")[940, 940] == 128
    assert ink_box(page.layer("print"), 0.0) == pytest.approx((300, 210, 340, 230), abs=1.0)


@pytest.mark.parametrize("angle", [0.0, 0.8])
def test_print_is_where_it_should_be_and_is_not_labelled(angle: float) -> None:
    font = charactersdata.a_font()
    if not font:
        pytest.skip("no font is installed")
    page = PageCanvas(np.random.default_rng(0), charactersdata.characters(font, font), view(angle))
    end = page.printed("H12H", -100, 0, 30)
    assert end == pytest.approx(-100 + page.printed_width("H12H", 30), abs=2.0)
    assert len(page.labels()) == 0
    middle_x, middle_y = math.cos(angle) * 320 + math.sin(angle) * 320, math.cos(angle) * 320 - math.sin(angle) * 320
    left, top, right, bottom = ink_box(page.layer("print"), angle)
    assert (left, top, bottom) == pytest.approx((middle_x - 100, middle_y - 15, middle_y + 15), abs=4.0)
    assert right == pytest.approx(middle_x + end, abs=5.0)
    page.printed("H1", -100, 80, 30, hand_font=True)
    assert page.labels()[:, 0].tolist() == [-1]


def test_unknown_layer_is_an_error() -> None:
    with pytest.raises(ValueError, match="Received: inc"):
        canvas().layer("inc")


def test_what_lies_behind_the_camera_is_not_drawn() -> None:
    page = canvas(tilt=0.01)
    page.number("707", -400, 0, 30, PLAIN)
    page.line((-500, 0), (-450, 0), 1)
    assert not page.layer("ink").any()
    assert not page.layer("rules").any()
    page.line((-500, 0), (100, 0), 1)
    assert page.layer("rules")[640, :640].all()
    assert len(page.labels()) == 0
