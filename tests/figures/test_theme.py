"""Figures: what they hold, that plotly accepts them, that their text twins say the same."""

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitrec.figures import answers, confusion, curves, network_diagram, page_picture, theme
from digitrec.jobs.runs import Curves
from digitrec.recognition.normalize import Box
from digitrec.recognition.results import Digit
from digitrec.training.presets import PRESETS, Preset, PublishedCurve
from digitrec.training.recipe import LayerInfo

PICTURE = "data:image/jpeg;base64,"
SURE = np.array([0.002, 0.001, 0, 0, 0, 0, 0, 0.983, 0.004, 0.01], np.float32)


def a_digit(box: Box, flag: str | None = None, shares: Mapping[int, float] | None = None) -> Digit:
    """Return a digit with these shares, a sure 7 unless told."""
    probabilities = np.zeros(10, np.float32)
    for each, share in (shares or {7: 0.991, 9: 0.009}).items():
        probabilities[each] = share
    best = int(probabilities.argmax())
    glyph = np.ones((28, 28), np.float32)
    return Digit(0, box, glyph, (), best, float(probabilities[best]), probabilities, 1.0, flag)


def first_epoch(batches: int = 40) -> Curves:
    places = (np.arange(1, batches + 1) / 100).tolist()
    return Curves(places, [2.3 - 0.01 * p for p in places], [0.1 + 0.001 * p for p in places])


def trained(batches: int = 3000) -> Curves:
    places = (3 * np.arange(1, batches + 1) / batches).tolist()
    return Curves(
        places,
        [2.3 / (1 + 5 * p) for p in places],
        [1 - 0.9 / (1 + 9 * p) for p in places],
        [1, 2, 3],
        [0.5, 0.3, 0.2],
        [0.85, 0.9, 0.94],
        [0.4, 0.3, 0.31],
        [0.88, 0.93, 0.92],
    )


def a_figure_of_each() -> list[go.Figure]:
    colours = {"a": theme.BLUE, "b": theme.ORANGE}
    counts = np.diag(np.full(10, 90)) + np.eye(10, k=1, dtype=int) * 3
    digit = a_digit(Box(4, 5, 20, 30))
    return [
        answers.softmax_bars(SURE, theme.BLUE),
        answers.softmax_bars(SURE, theme.BLUE, rejected=True),
        curves.learning_curves({"a": trained(), "b": first_epoch()}, colours),
        confusion.confusion_matrix(counts, (3, 4)),
        network_diagram.network_diagram(PRESETS["cnn-5x5"].recipe.layers(), theme.SKY),
        page_picture.page_picture(PICTURE, (200, 60), [digit]),
    ]


@pytest.mark.parametrize("figure", a_figure_of_each())
def test_figures_are_valid_and_leave_the_theme_its_part(figure: go.Figure) -> None:
    values = json.loads(figure.to_json())
    checked = go.Figure(values, skip_invalid=False)
    assert len(checked.data) == len(values["data"])
    assert values["layout"]["paper_bgcolor"] == values["layout"]["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert "family" not in json.dumps(values)
    assert set(values["layout"]["template"].get("layout", {})) == set()


def test_text_has_the_colour_that_streamlit_replaces() -> None:
    from streamlit.elements.lib import streamlit_plotly_theme

    assert theme.TEXT == streamlit_plotly_theme.GRAY_90


def test_every_model_keeps_its_colour_and_families_stay_apart() -> None:
    warm, cool = ({theme.model_colour(f"run-{n}", kind) for n in range(50)} for kind in ("mlp", "cnn"))
    assert warm == {theme.ORANGE, theme.VERMILLION, theme.PURPLE}
    assert cool == {theme.SKY, theme.BLUE, theme.GREEN}
    assert theme.model_colour("run-1", "cnn") == theme.model_colour("run-1", "cnn")


def test_shipped_models_differ_in_colour() -> None:
    colours = {theme.model_colour(name, preset.recipe.kind) for name, preset in PRESETS.items()}
    assert len(colours) == len(PRESETS)
    seen = [[_lab(colour, vision) for colour in colours] for vision in VISIONS]
    apart = [np.linalg.norm(a - b) for row in seen for a, b in itertools.combinations(row, 2)]
    assert min(apart) > 10


# Linear RGB as it is seen with full colour vision, and without red, green and blue cones: Machado et al. (2009).
VISIONS = (
    np.eye(3),
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
)


def _lab(colour: str, vision) -> np.ndarray:
    """A colour as it is seen, in CIE L*a*b*: distances there are about those that people see."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(vision) @ linear, 0, 1).astype(np.float32)
    srgb = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * np.maximum(seen, 0.0031308) ** (1 / 2.4) - 0.055)
    return cv2.cvtColor(srgb.astype(np.float32).reshape(1, 1, 3), cv2.COLOR_RGB2Lab).ravel()


def test_bars_mark_the_answer() -> None:
    bars = json.loads(answers.softmax_bars(SURE, theme.BLUE).to_json())
    trace, axis = bars["data"][0], bars["layout"]["xaxis"]
    assert trace["y"] == pytest.approx(100 * SURE, abs=0.01)
    assert [digit for digit in range(10) if trace["marker"]["opacity"][digit] == 1] == [7]
    assert [text for text in trace["text"] if text] == ["98.3 %"]
    assert axis["ticktext"][7] == "<b>7</b>"
    assert axis["ticktext"][8] == "8"


def test_bars_of_a_rejected_digit_are_pale_have_no_answer_and_say_so() -> None:
    bars = json.loads(answers.softmax_bars(SURE, theme.BLUE, rejected=True).to_json())
    trace, layout = bars["data"][0], bars["layout"]
    assert trace["y"] == pytest.approx(100 * SURE, abs=0.01)
    assert set(trace["text"]) == {""}
    assert "<b>" not in json.dumps(bars)
    assert theme.BLUE not in json.dumps(trace)
    assert [note["text"] for note in layout["annotations"]] == ["not a digit"]


def test_bars_of_an_empty_canvas_mark_nothing() -> None:
    bars = json.loads(answers.softmax_bars(np.zeros(10), theme.BLUE).to_json())
    assert set(bars["data"][0]["text"]) == {""}
    assert "<b>" not in json.dumps(bars)


def test_bars_are_light() -> None:
    assert len(answers.softmax_bars(SURE, theme.BLUE).to_json()) < 1500


def panels(figure: go.Figure) -> dict[tuple[str, str], go.Scatter]:
    return {(trace.yaxis, trace.name): trace for trace in figure.data}


def test_curves_show_loss_and_accuracy_by_batch_and_by_epoch() -> None:
    traces = panels(curves.learning_curves({"a": trained(100)}, {"a": theme.BLUE}))
    assert len(traces) == 6
    assert traces["y", "validation"].y == (0.4, 0.3, 0.31)
    assert traces["y2", "validation"].y == (88, 93, 92)
    assert traces["y2", "training by epoch"].x == (1, 2, 3)
    assert len(traces["y", "training by batch"].x) == 100


def test_training_and_validation_differ_in_more_than_colour() -> None:
    traces = panels(curves.learning_curves({"a": trained()}, {"a": theme.BLUE}))
    training, validation = traces["y", "training by epoch"], traces["y", "validation"]
    assert training.line.color == validation.line.color == theme.BLUE
    assert training.line.dash != validation.line.dash
    assert training.marker.symbol != validation.marker.symbol


PUBLISHED = PublishedCurve((1, 3), (0.9, 0.1), (0.8, 0.97), (0.75, 0.96))


def test_a_published_curve_is_dotted_within_the_axes_and_has_its_legend() -> None:
    figure = curves.learning_curves({"a": trained()}, {"a": theme.BLUE}, published=PUBLISHED)
    traces = panels(figure)
    assert traces["y", "published, training"].y == (0.9, 0.1)
    assert traces["y2", "published, training"].y == (80, 97)
    assert traces["y2", "published, validation"].y == (75, 96)
    assert {trace.line.dash for (_, name), trace in traces.items() if name.startswith("published")} == {"dot"}
    assert "dot" not in {trace.line.dash for (_, name), trace in traces.items() if not name.startswith("published")}
    named = [trace.name for trace in figure.data if trace.showlegend and trace.name.startswith("published")]
    assert sorted(named) == ["published, training", "published, validation"]
    assert figure.layout.yaxis.range[1] > 0.9
    assert figure.layout.yaxis2.range[0] < 75


@pytest.mark.parametrize(("run", "by"), [(first_epoch(), "epoch"), (trained(), "seconds")])
def test_a_published_curve_waits_for_an_epoch_and_has_no_seconds(run: Curves, by: Literal["epoch", "seconds"]) -> None:
    figure = curves.learning_curves({"a": run}, {"a": theme.BLUE}, by, PUBLISHED)
    assert not [trace.name for trace in figure.data if trace.name.startswith("published")]


@pytest.mark.parametrize("preset", [preset for preset in PRESETS.values() if preset.curve], ids=lambda p: p.recipe.name)
def test_published_curves_end_as_their_recipe_does(preset: Preset) -> None:
    assert preset.curve
    assert preset.curve.epochs[-1] == preset.recipe.epochs
    figure = curves.learning_curves({"a": trained()}, {"a": theme.BLUE}, published=preset.curve)
    assert panels(figure)["y2", "published, validation"].x == preset.curve.epochs


def test_several_runs_are_named_and_have_their_own_markers() -> None:
    runs = {name: trained() for name in ("a", "b")}
    traces = panels(curves.learning_curves(runs, {"a": theme.BLUE, "b": theme.ORANGE}))
    assert traces["y", "a, validation"].marker.symbol != traces["y", "b, validation"].marker.symbol
    assert traces["y2", "b, validation"].line.color == theme.ORANGE


def test_curves_by_seconds_stand_at_their_seconds() -> None:
    curve = Curves([0.5, 1], [2, 1], [0.1, 0.5], [1], [1.5], [0.3], [0.9], [0.8], batch_seconds=[4, 8], seconds=[9])
    figure = curves.learning_curves({"a": curve, "b": curve}, dict.fromkeys("ab", theme.BLUE), "seconds")
    traces = panels(figure)
    assert (traces["y", "a, training by batch"].x, traces["y2", "b, validation"].x) == ((4, 8), (9,))
    assert figure.layout.xaxis2.title.text == "training, seconds"
    assert "9.0 s" not in traces["y", "a, validation"].hovertemplate
    assert "%{x:.1f} s" in traces["y", "a, validation"].hovertemplate


def test_of_several_runs_each_is_in_the_legend_once_it_has_a_point() -> None:
    figure = curves.learning_curves({"a": trained(), "b": first_epoch()}, {"a": theme.BLUE, "b": theme.ORANGE})
    named = {trace.name for trace in figure.data if trace.showlegend and len(trace.x)}
    assert named == {"a, training by epoch", "a, validation", "b, training by batch"}


def test_colours_in_one_figure_differ_and_are_the_models_own_where_free() -> None:
    models = {str(n): ("cnn-5x5", "cnn") for n in range(4)} | {"m": ("mlp-128", "mlp"), "n": ("mlp-128", "mlp")}
    colours = theme.distinct_colours(models | {"o": ("my-own", "mlp"), "p": ("my-own", "cnn")})
    assert colours["0"] == theme.model_colour("cnn-5x5", "cnn")
    assert colours["m"] == theme.model_colour("mlp-128", "mlp")
    assert len(set(colours.values())) == len(colours) == 8


@given(st.integers(0, 4000), st.floats(0.1, 5))
def test_many_batches_are_thinned_without_a_bias(batches: int, slope: float) -> None:
    places = np.arange(batches) / 100
    curve = Curves(places.tolist(), (slope * places).tolist(), places.tolist())
    by_batch = panels(curves.learning_curves({"a": curve}, {"a": theme.BLUE}))["y", "training by batch"]
    assert min(batches, curves.BATCH_POINTS / 2) <= len(by_batch.x) <= curves.BATCH_POINTS
    np.testing.assert_allclose(by_batch.y, slope * np.array(by_batch.x), rtol=1e-3, atol=1e-3)


def test_axes_show_all_of_the_first_epoch_and_then_leave_out_its_start() -> None:
    early = curves.learning_curves({"a": first_epoch()}, {"a": theme.BLUE}).layout
    assert early.yaxis.range is None
    assert early.yaxis2.range == (0, 101)
    late = curves.learning_curves({"a": trained()}, {"a": theme.BLUE}).layout
    assert 0.5 <= late.yaxis.range[1] < 1
    assert 10 < late.yaxis2.range[0] <= 85
    assert late.yaxis2.range[1] >= 100


def test_curves_bear_what_a_failed_training_leaves() -> None:
    nan = float("nan")
    failed = Curves([0.1, 0.2], [2.3, nan], [0.1, 0.1], [1], [nan], [0.1], [nan], [0.1])
    values = json.loads(curves.learning_curves({"a": failed}, {"a": theme.BLUE}).to_json())
    assert values["data"][0]["y"] == [2.3, None]
    assert values["layout"]["yaxis"]["range"][1] > 2
    half_written = Curves([0.1], [2.3], [0.1], [1, 2], [1.0, 0.9], [0.7, 0.8], [1.0], [0.7])
    traces = panels(curves.learning_curves({"a": half_written}, {"a": theme.BLUE}))
    assert traces["y", "validation"].x == (1,)


def test_curves_without_a_point_are_empty_panels() -> None:
    figure = curves.learning_curves({"a": Curves()}, {"a": theme.BLUE})
    assert all(len(trace.x) == 0 for trace in figure.data)


COUNTS = np.diag(np.full(10, 90))
COUNTS[4, 9], COUNTS[9, 4] = 12, 1


def test_confusion_cells_carry_what_a_click_needs() -> None:
    squares = confusion.confusion_matrix(COUNTS).data[1]
    cells = {tuple(data): (x, y, text) for data, x, y, text in zip(
        squares.customdata, squares.x, squares.y, squares.text, strict=True)}  # fmt: skip
    assert len(cells) == 100
    assert cells[4, 9] == (9, 4, "4 read as 9: 12 times")
    assert cells[9, 4][2] == "9 read as 4: once"
    assert cells[0, 1][2] == "0 read as 1: never"


def test_confusion_colours_grow_with_mistakes_and_not_with_right_answers() -> None:
    z = np.array(confusion.confusion_matrix(COUNTS).data[0].z)
    assert z[4, 9] == 1
    assert 0 < z[9, 4] < z[4, 9]
    assert z[0, 1] == 0
    assert set(z.diagonal()) == {-0.25}


def test_confusion_writes_each_number_that_is_not_zero() -> None:
    notes = {(note.y, note.x): note.text for note in confusion.confusion_matrix(1000 * COUNTS).layout.annotations}
    assert len(notes) == 12
    assert notes[4, 9] == "12,000"


def test_confusion_frames_the_cell_selected() -> None:
    (frame,) = confusion.confusion_matrix(COUNTS, (4, 9)).layout.shapes
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (8.5, 9.5, 3.5, 4.5)
    assert not confusion.confusion_matrix(COUNTS).layout.shapes


def test_confusion_of_a_model_without_mistakes() -> None:
    z = np.array(confusion.confusion_matrix(np.diag(np.full(10, 5))).data[0].z)
    assert set(z[~np.eye(10, dtype=bool)]) == {0}


def test_clicked_cell_takes_what_streamlit_sends() -> None:
    assert confusion.clicked_cell([{"customdata": [4, 9], "x": 9}]) == (4, 9)
    assert confusion.clicked_cell([{"customdata": {"0": 4, "1": 9}}]) == (4, 9)
    assert confusion.clicked_cell([]) is None
    assert confusion.clicked_cell([{"x": 9}]) is None
    assert confusion.clicked_digit([{"customdata": [3]}]) == 3
    assert confusion.clicked_digit([{"customdata": 3}]) == 3
    assert confusion.clicked_digit([]) is None


def test_diagram_has_a_block_a_layer_with_shape_and_parameters() -> None:
    layers = PRESETS["cnn-5x5"].recipe.layers()
    figure = network_diagram.network_diagram(layers, theme.BLUE)
    notes = [note.text for note in figure.layout.annotations]
    assert len(figure.data[0].y) == len(layers)
    assert "14 × 14 × 64" in notes
    assert "3,212,288" in notes
    assert figure.layout.yaxis.ticktext[1] == "<b>conv_1</b><br>5 x 5 convolution, relu"


def test_diagram_tells_layers_that_learn_from_those_that_do_not() -> None:
    layers = [LayerInfo("flat", "flatten", (784,), 0), LayerInfo("logits", "dense", (10,), 7850)]
    fill = network_diagram.network_diagram(layers, theme.BLUE).data[0].marker.color
    opacity = [float(re.fullmatch(r"rgba\(0,114,178,(.*)\)", colour)[1]) for colour in fill]
    assert opacity[1] > 3 * opacity[0]


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
    said = ("7, 99.1 %", "4 or 9, 62.0 % for 4", "9, 4 or 7, 50.0 % for 9", "not a digit")
    assert figure.data[0].text == (*said, "7, corrected by hand")
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


def test_bars_in_words() -> None:
    assert answers.describe_bars(SURE, "mlp-128") == "mlp-128 predicts 7, 98.3 %. Second: 9, 1.0 %."
    assert answers.describe_bars(SURE, "m", rejected=True) == "m rejects this as not a digit. Most probable: 7, 98.3 %."
    assert answers.describe_bars(np.zeros(10), "mlp-128") == "mlp-128 makes no prediction."
    assert answers.describe_bars(np.eye(10)[3] * 0.9999, "m").startswith("m predicts 3, > 99.9 %.")


def test_curves_in_words() -> None:
    said = curves.describe_curves({"a": trained(), "b": first_epoch(), "c": Curves()})
    assert "a after epoch 3: training loss 0.200, training accuracy 94.0 %" in said
    assert (
        "validation loss 0.310, validation accuracy 92.0 %. The best validation accuracy was 93.0 %, after epoch 2."
        in said
    )
    assert "b is in its first epoch: loss 2.296, training accuracy 10.0 %." in said
    assert "c: no point yet." in said
    assert "Published" not in said


def test_a_published_curve_is_in_the_text_twin() -> None:
    text = curves.describe_curves({"a": trained()}, PUBLISHED)
    assert text.endswith(
        " Published: after epoch 1 training loss 0.9000, training accuracy 80.00 %, validation accuracy 75.00 %; "
        "after epoch 3 training loss 0.1000, training accuracy 97.00 %, validation accuracy 96.00 %."
    )
    assert "Published" not in curves.describe_curves({"a": first_epoch()}, PUBLISHED)


def test_confusion_in_words() -> None:
    assert confusion.describe_confusion(COUNTS) == (
        "13 errors in 913 digits. Most often 4 read as 9: 12 times; 9 read as 4: once."
    )
    assert confusion.describe_confusion(np.diag(np.full(10, 100))) == "All 1,000 digits were read right."
