"""A drawing as it grew, against how much ink there is."""

import numpy as np
import pytest

from digitrec.analysis import stroke_replay

STROKE = {"type": "path", "strokeWidth": 18, "path": [["M", 50, 50], ["Q", 50, 50, 100, 50], ["L", 200, 50]]}
DOT = {"type": "path", "strokeWidth": 10, "path": [["M", 140, 200], ["L", 140, 200]]}


def ink(canvas: np.ndarray) -> np.ndarray:
    return 255 - canvas[..., 0].astype(int)


def test_paths_become_points() -> None:
    first, dot = stroke_replay.lines([STROKE, {"type": "image"}, {"path": []}, DOT])
    assert first.width == 18
    assert first.points[0].tolist() == [50, 50]
    assert first.points[-1].tolist() == [200, 50]
    assert (np.diff(first.points[:, 0]) >= 0).all()
    assert len(dot.points) == 2


def test_a_curve_bends() -> None:
    (line,) = stroke_replay.lines([{"strokeWidth": 2, "path": [["M", 0, 0], ["Q", 10, 0, 10, 10]]}])
    assert line.points[2].tolist() == pytest.approx([7.5, 2.5])  # at a half: (0 + 2 * 10 + 10) / 4, (0 + 0 + 10) / 4


def test_ink_grows_along_the_strokes() -> None:
    lines = stroke_replay.lines([STROKE, DOT])
    amounts = [ink(stroke_replay.drawn(lines, share, 280)).sum() for share in np.linspace(0, 1, 9)]
    assert amounts[0] == 0
    assert amounts == sorted(amounts)
    half = stroke_replay.drawn(lines, 0.5, 280)
    assert half.shape == (280, 280, 4)
    assert ink(half)[50, 110] == 255
    assert not ink(half)[50, 140:].any()
    whole = ink(stroke_replay.drawn(lines, 1, 280))
    assert whole[50, 195] == whole[200, 140] == 255
    assert whole[42:58, 120].min() == 255
    assert not whole[30:39].any()


def test_no_strokes_are_blank() -> None:
    assert not ink(stroke_replay.drawn([], 1, 28)).any()
