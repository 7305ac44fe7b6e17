"""Compare's figures: plotly's own checks, and that they carry the numbers."""

from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest

from digitrec.analysis.robustness import DISTORTIONS, REACH
from digitrec.datasets import mnist
from digitrec.figures import compare, confusion

COLOURS = {"one": "#E69F00", "two": "#009E73"}


def checked(figure: go.Figure) -> go.Figure:
    """Return the figure, made once more with plotly's checks of every property."""
    return go.Figure(figure.to_dict())


def test_evidence_has_a_colour_only_where_ink_is() -> None:
    values = np.zeros((28, 28), np.float32)
    values[3, 4], values[20, 20] = 1.5, -0.25
    figure = checked(compare.evidence(values, np.abs(values), 2.0))
    z = figure.data[1].z
    assert (z[3][4], z[20][20], z[0][0]) == (1.5, -0.25, None)
    assert (figure.data[1].zmin, figure.data[1].zmax) == (-2, 2)
    assert compare.describe_evidence(values, "one", 7) == (
        "Evidence in the ink for 7 according to one: most for it at top left, +1.50; "
        "most against it at bottom right, -0.25."
    )
    assert compare.describe_evidence(0 * values, "one", 7).endswith("none.")


def test_the_map_of_shifts_names_the_digits_that_took_over() -> None:
    answers = np.full((21, 21), 7)
    answers[0, 0] = 2
    figure = checked(compare.shift_map(answers, np.full((21, 21), 0.9), "#009E73"))
    assert figure.data[0].text[0][0] == "2"
    assert figure.data[0].text[REACH][REACH] == ""
    assert (figure.data[0].z[0][0], figure.data[0].z[REACH][REACH]) == (-1, 0.9)


def test_curves_have_a_panel_a_distortion_and_a_line_a_model() -> None:
    values = {name: [np.linspace(0, 1, len(d.levels)) for d in DISTORTIONS] for name in COLOURS}
    figure = checked(compare.curves(DISTORTIONS, [d.levels for d in DISTORTIONS], values, COLOURS, "probability, %"))
    assert len(figure.data) == 2 * len(DISTORTIONS)
    assert [trace.name for trace in figure.data if trace.showlegend] == ["one", "two"]
    assert {trace.line.dash for trace in figure.data} == {"solid", "dash"}
    assert figure.data[0].y[-1] == 100
    domains = [figure.layout[f"yaxis{end}"].domain for end in ("", 2, 3, 4, 5)]
    assert all(above[0] > below[1] for above, below in pairwise(domains))


def test_growth_marks_the_moment() -> None:
    shares = np.tile(np.eye(10)[3], (24, 1))
    figure = checked(compare.growth(shares, "#009E73", 11))
    assert figure.data[0].z[3][5] == 100
    assert figure.layout.shapes[0].x0 == figure.data[0].x[11] == 50


def test_the_map_of_digits_holds_them_and_this_one() -> None:
    labels = mnist.test()[1][:20]
    figure = checked(compare.digit_map(np.zeros((20, 2)), labels, np.array([3.0, 4.0])))
    assert [str(label) for label in labels] == list(figure.data[0].text)
    assert (figure.data[1].x[0], figure.data[1].y[0]) == (3, 4)


def test_errors_stand_beside_each_other() -> None:
    errors = {"one": list(range(10)), "two": [0] * 10}
    figure = checked(compare.errors_per_digit(errors, COLOURS))
    assert [list(trace.y) for trace in figure.data] == list(errors.values())
    assert "one misreads 0 of the 0s, 1 of the 1s" in compare.describe_errors(errors)


def test_mistakes_leave_the_diagonal_out_and_send_clicks() -> None:
    counts = np.diag(np.full(10, 900))
    counts[4, 9] = 16
    figure = checked(compare.mistakes(counts, 64, (4, 9)))
    assert figure.data[0].z[4][9] == 0.5
    assert figure.data[0].z[4][4] == 0
    assert figure.data[0].text[4][9] == "16"
    place = figure.data[1].text.index("4 read as 9: 16")
    assert confusion.clicked_cell([{"customdata": figure.data[1].customdata[place]}]) == (4, 9)
    assert figure.layout.shapes[0].x0 == 8.5


@pytest.mark.parametrize("change", [-5, 5])
def test_differences_have_signs(change: int) -> None:
    counts = np.zeros((10, 10), int)
    counts[4, 9], counts[0, 1] = change, -1
    figure = checked(compare.mistakes(counts, 5))
    assert figure.data[0].text[4][9] == f"{change:+d}"
    assert figure.data[0].z[4][9] == np.sign(change)
