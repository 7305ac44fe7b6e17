"""The learning rate's figures: valid for plotly, and said in words."""

import numpy as np
import plotly.graph_objects as go

from digitrec import figures_rate, rates

BLUE = "#0072B2"


def test_a_schedule_keeps_its_peak_and_its_ends() -> None:
    values = np.interp(np.arange(5_000), [0, 1_000, 5_000], [0, 0.01, 0])
    drawn = go.Figure(figures_rate.schedule(values, 4, BLUE).to_dict())  # checked by plotly
    line = drawn.data[0]
    assert len(line.x) == figures_rate.POINTS
    assert (line.x[0], line.y[0]) == (0, 0)
    assert max(line.y) > 0.0099
    assert line.x[-1] == 3.999
    assert drawn.layout.yaxis.title.text == "learning rate"
    assert len(figures_rate.schedule(values[:3], 4, BLUE).data[0].x) == 3


def test_a_range_test_shows_its_curve_and_the_rate_proposed() -> None:
    tried = rates.ladder()[:150]
    losses = 2.3 - np.clip(np.log10(tried) + 4, 0, None)
    drawn = go.Figure(figures_rate.range_test(tried, losses, 0.002, BLUE).to_dict())
    assert drawn.layout.xaxis.type == "log"
    assert drawn.layout.shapes[0].x0 == 0.002
    assert drawn.layout.annotations[0].text == "<b>0.002</b>"
    assert len(drawn.data[1].x) == 150
    said = figures_rate.describe_range(tried, losses, 0.002)
    assert "begins at 2.30" in said
    assert said.endswith("Proposed: 0.002.")


def test_a_range_test_that_proposes_nothing_says_so() -> None:
    tried = rates.ladder()[:5]
    drawn = go.Figure(figures_rate.range_test(tried, np.full(5, 2.3), None, BLUE).to_dict())
    assert not drawn.layout.shapes
    assert figures_rate.describe_range(tried, np.full(5, 2.3), None).endswith("Nothing is proposed.")
    assert figures_rate.describe_range(tried[:0], np.empty(0), None) == "No batch yet."
