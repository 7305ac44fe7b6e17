"""The learning rate's figures: valid for plotly, and described in words."""

import numpy as np
import plotly.graph_objects as go

from digitrec.figures import schedule

BLUE = "#0072B2"


def test_a_schedule_keeps_its_peak_and_its_ends() -> None:
    values = np.interp(np.arange(5_000), [0, 1_000, 5_000], [0, 0.01, 0])
    drawn = go.Figure(schedule.schedule(values, 4, BLUE).to_dict())  # checked by plotly
    line = drawn.data[0]
    assert len(line.x) == schedule.POINTS
    assert (line.x[0], line.y[0]) == (0, 0)
    assert max(line.y) > 0.0099
    assert line.x[-1] == 3.999
    assert drawn.layout.yaxis.title.text == "learning rate"
    assert len(schedule.schedule(values[:3], 4, BLUE).data[0].x) == 3
