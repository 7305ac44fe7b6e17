"""A picture with its digits: boxes that show certainty, labels that cover no writing, and room to zoom."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitrec.figures import page_picture
from digitrec.recognition.normalize import Box
from digitrec.recognition.results import Digit

PICTURE = "data:image/jpeg;base64,"


def a_digit(box: Box, flag: str | None = None, shares: Mapping[int, float] | None = None) -> Digit:
    """Return a digit with these probabilities, a sure 7 by default."""
    probabilities = np.zeros(10, np.float32)
    for each, share in (shares or {7: 0.991, 9: 0.009}).items():
        probabilities[each] = share
    best = int(probabilities.argmax())
    glyph = np.ones((28, 28), np.float32)
    return Digit(0, box, glyph, (), best, float(probabilities[best]), probabilities, 1.0, flag)


FOUR = [
    a_digit(Box(10, 30, 8, 20)),
    a_digit(Box(60, 30, 8, 20), "uncertain", {4: 0.62, 9: 0.35, 1: 0.03}),
    a_digit(Box(110, 30, 8, 20), "uncertain", {9: 0.5, 4: 0.3, 7: 0.2}),
    a_digit(Box(160, 30, 8, 20), "not-a-digit"),
]


def texts(figure: go.Figure) -> list[str]:
    """Return the labels beside the boxes."""
    return [note.text.removeprefix("<b>").removesuffix("</b>") for note in figure.layout.annotations]


def test_page_picture_marks_certainty_with_more_than_colour() -> None:
    corrected = replace(a_digit(Box(210, 30, 8, 20)), by_hand="digit")
    figure = page_picture.page_picture(PICTURE, (250, 80), [*FOUR, corrected])
    hovers = ("7, 99.1 %", "4 or 9, 62.0 % for 4", "9, 4 or 7, 50.0 % for 9", "not a digit")
    assert figure.data[0].text == (*hovers, "7, corrected by hand")
    assert texts(figure) == ["7", "4 or 9", "9?", "7 ✓"]  # what was left out has a box only
    lines = [(shape.line.dash, shape.line.color) for shape in figure.layout.shapes]
    assert lines[1] == lines[2]
    assert len({dash for dash, _ in lines}) == len({colour for _, colour in lines}) == 4


def test_page_picture_marks_what_a_person_changed() -> None:
    right = replace(a_digit(Box(0, 35, 8, 20)), by_hand="digit")
    none = replace(a_digit(Box(60, 35, 8, 20), "not-a-digit"), by_hand="digit")
    drawn = replace(a_digit(Box(120, 35, 8, 20), "uncertain", {4: 0.62, 9: 0.35, 1: 0.03}), by_hand="box")
    refused = replace(a_digit(Box(180, 35, 8, 20), "not-a-digit"), by_hand="box")
    figure = page_picture.page_picture(PICTURE, (220, 80), [right, none, drawn, refused], drawing=True)
    assert figure.data[0].text == (
        "7, corrected by hand", "not a digit, corrected by hand", "4 or 9, 62.0 % for 4", "not a digit",
    )  # fmt: skip
    assert texts(figure) == ["7 ✓", "× ✓", "4 or 9", "?"]
    assert figure.layout.dragmode == "select"


def test_page_picture_can_be_moved_and_zoomed() -> None:
    layout = page_picture.page_picture(PICTURE, (250, 80), FOUR).layout
    assert layout.dragmode == "pan"
    assert not layout.xaxis.fixedrange
    assert not layout.yaxis.fixedrange
    assert layout.yaxis.scaleanchor == "x"
    assert layout.height is None  # it is as high as its place on the page


def test_page_picture_frames_digits_thinly_and_from_outside() -> None:
    figure = page_picture.page_picture(PICTURE, (1600, 1200), FOUR)
    for digit, shape in zip(FOUR, figure.layout.shapes, strict=True):
        assert shape.line.width == 1
        assert shape.fillcolor is None
        x, y, width, height = digit.box
        gaps = (x - shape.x0, y - shape.y0, shape.x1 - x - width, shape.y1 - y - height)
        assert all(1 < gap < 8 for gap in gaps)  # two screen pixels, of which one is about two of the picture's


def test_page_picture_draws_those_that_are_shown_with_their_places_among_all() -> None:
    figure = page_picture.page_picture(PICTURE, (250, 80), FOUR, [2, 0])
    assert len(figure.layout.shapes) == 2
    assert [place for [place] in figure.data[0].customdata] == [2, 0]
    assert figure.data[0].text == ("9, 4 or 7, 50.0 % for 9", "7, 99.1 %")
    assert figure.layout.shapes[1].x0 < 10 < figure.layout.shapes[1].x1
    assert texts(figure) == ["9?", "7"]
    nothing = page_picture.page_picture(PICTURE, (250, 80), FOUR, [])
    assert not nothing.layout.shapes
    assert not nothing.layout.annotations
    assert not page_picture.page_picture(PICTURE, (250, 80), []).layout.shapes


def label_edges(figure: go.Figure, size: tuple[int, int]) -> np.ndarray:
    """Return left, top, right and bottom of each label's letters, in pixels of the picture."""
    scale = max(size[0] / page_picture.SCREEN[0], size[1] / page_picture.SCREEN[1])
    edges = []
    for note, text in zip(figure.layout.annotations, texts(figure), strict=True):
        wide, high = 0.55 * note.font.size * len(text) * scale, 0.75 * note.font.size * scale
        left = note.x - {"left": 0, "center": wide / 2, "right": wide}[note.xanchor]
        top = note.y - {"top": 0, "middle": high / 2, "bottom": high}[note.yanchor]
        edges.append((left, top, left + wide, top + high))
    return np.array(edges)


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the areas that rectangles have in common (N, M)."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.maximum(high - low, 0).prod(axis=2)


@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 8), st.booleans()), min_size=1, max_size=60, unique=True),
    st.sampled_from([(1600, 1200), (800, 600), (400, 300)]),
)
def test_labels_cover_neither_writing_nor_one_another_where_there_is_room(
    cells: list[tuple[int, int, bool]], size: tuple[int, int]
) -> None:
    """Digits anywhere on a grid, in half of its cells at the left and at the right; also those that are not shown."""
    unit = size[0] / 1600
    boxes = [
        Box(*(round(unit * value) for value in (130 * column + 30 + 50 * right, 130 * row + 40, 36, 60)))
        for column, row, right in cells
    ]
    digits = [a_digit(box, "not-a-digit" if place % 5 == 4 else None) for place, box in enumerate(boxes)]
    figure = page_picture.page_picture(PICTURE, size, digits)
    labels = label_edges(figure, size)
    writing = np.array([(x, y, x + width, y + height) for x, y, width, height in boxes], float)
    assert overlap(labels, writing).max(initial=0) == 0
    assert np.triu(overlap(labels, labels), 1).max(initial=0) == 0
    assert labels[:, 2].max(initial=0) <= size[0]


def test_labels_go_beside_where_rows_leave_no_room_above() -> None:
    """Rows so near each other that a label above would lie on the row above it."""
    size = (1600, 1200)
    digits = [a_digit(Box(200 * column + 50, 70 * row + 100, 40, 60)) for column in range(7) for row in range(8)]
    figure = page_picture.page_picture(PICTURE, size, digits)
    writing = np.array(
        [(x, y, x + width, y + height) for x, y, width, height in (digit.box for digit in digits)], float
    )
    assert overlap(label_edges(figure, size), writing).max() == 0
    assert {(note.xanchor, note.yanchor) for note in figure.layout.annotations} >= {("left", "bottom"), ("left", "top")}


def test_labels_that_are_wider_than_their_boxes_keep_off_one_another() -> None:
    doubt = {4: 0.62, 9: 0.35, 1: 0.03}
    digits = [a_digit(Box(36 * place + 100, 300, 30, 60), "uncertain", doubt) for place in range(8)]
    figure = page_picture.page_picture(PICTURE, (800, 690), digits)
    labels = label_edges(figure, (800, 690))
    assert np.triu(overlap(labels, labels), 1).max() == 0
    writing = np.array(
        [(x, y, x + width, y + height) for x, y, width, height in (digit.box for digit in digits)], float
    )
    assert overlap(labels, writing).max() == 0


def test_labels_of_many_digits_are_smaller_and_shorter() -> None:
    doubt = {4: 0.62, 9: 0.35, 1: 0.03}
    sizes = {}
    for count in (page_picture.MANY, page_picture.MANY + 1):
        digits = [a_digit(Box(20 * place, 50, 10, 20), "uncertain", doubt) for place in range(count)]
        figure = page_picture.page_picture(PICTURE, (1600, 1200), digits)
        [sizes[count]] = {note.font.size for note in figure.layout.annotations}
        [sizes[-count]] = set(texts(figure))
    assert sizes[page_picture.MANY] > sizes[page_picture.MANY + 1]
    assert (sizes[-page_picture.MANY], sizes[-page_picture.MANY - 1]) == ("4 or 9", "4?")


@pytest.mark.parametrize("size", [(3000, 1500), (1, 1), (7, 3000), (3000, 7), (640, 480)])
def test_page_picture_shows_all_of_a_picture_of_any_shape(size: tuple[int, int]) -> None:
    figure = page_picture.page_picture(PICTURE, size, [])
    [image] = figure.layout.images
    assert image.source == PICTURE
    assert (image.x, image.y, image.sizex, image.sizey) == (0, 0, *size)
    (left, right), (bottom, top) = figure.layout.xaxis.range, figure.layout.yaxis.range
    assert left <= 0 < size[0] <= right
    assert top <= 0 < size[1] <= bottom
    assert (left + right, top + bottom) == pytest.approx(size)  # in the middle
    assert (right - left, bottom - top) == pytest.approx(page_picture.page_extent(size))
    assert 0.75 <= (right - left) / (bottom - top) <= 5.0 + 1e-9  # room to zoom into, whatever its shape


def test_a_page_picture_is_valid_and_leaves_the_theme_its_part() -> None:
    figure = page_picture.page_picture(PICTURE, (200, 60), [a_digit(Box(4, 5, 20, 30))])
    layout = go.Figure(figure.to_dict(), skip_invalid=False).layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert "family" not in figure.to_json()
    assert not figure.layout.template.layout.to_plotly_json()


def test_where_digits_nearly_touch_no_label_of_a_certain_one_lies_on_the_writing() -> None:
    size = (800, 690)
    flags = {21: "uncertain", 40: "uncertain"}
    boxes = [Box(20 + 32 * column, 20 + 32 * row, 28, 28) for row in range(20) for column in range(24)]
    digits = [a_digit(box, flags.get(place)) for place, box in enumerate(boxes)]
    figure = page_picture.page_picture(PICTURE, size, digits)
    certain = [label for label in figure.layout.annotations if "?" not in label.text]
    assert len(figure.layout.annotations) - len(certain) == 2  # what needs a look keeps its label
    figure.layout.annotations = certain
    edges = label_edges(figure, size)
    writing = np.array([[box.x, box.y, box.x + box.width, box.y + box.height] for box in boxes], float)
    areas = (edges[:, 2:] - edges[:, :2]).prod(axis=1)
    assert (overlap(edges, writing).sum(axis=1) <= 0.15 * areas).all()
    assert certain  # at the upper edge there is room
