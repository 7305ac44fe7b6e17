"""Sheets on a desk: the desk goes, the sheet and its strokes stay, and nothing else is taken for a desk."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from digitrec import ink as inks
from digitrec.desk import without_desk

WOOD, PAPER, PEN = (120, 85, 60), (235, 233, 225), (40, 40, 60)
CORNERS = ((110, 60), (520, 90), (500, 420), (80, 400))
STROKE = ((200, 150), (230, 300))


def photo(desk: tuple[int, int, int] = WOOD, corners: tuple[tuple[int, int], ...] = CORNERS) -> np.ndarray:
    """Return a noisy photo, 480 x 640, of a sheet with one stroke on it."""
    picture = np.full((480, 640, 3), desk, np.uint8)
    cv2.fillConvexPoly(picture, np.array(corners, np.int32), PAPER, cv2.LINE_AA)
    cv2.line(picture, *STROKE, PEN, 5, cv2.LINE_AA)
    noisy = picture + np.random.default_rng(0).normal(0, 3, picture.shape)
    return np.clip(cv2.GaussianBlur(noisy, (0, 0), 1.0), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("desk", [WOOD, (60, 60, 65), (165, 140, 110), (30, 90, 40)])
@pytest.mark.parametrize(
    "corners", [CORNERS, ((-20, 60), (520, 90), (500, 420), (-20, 400)), ((320, 30), (590, 250), (330, 450), (40, 220))]
)
def test_the_desk_becomes_paper_and_the_sheet_stays(
    desk: tuple[int, int, int], corners: tuple[tuple[int, int], ...]
) -> None:
    picture = photo(desk, corners)
    alone = without_desk(picture)
    assert np.abs(alone[[3, -4], 3:-3].astype(int) - PAPER).max() < 40
    assert np.array_equal(alone[140:310, 190:240], picture[140:310, 190:240])
    rows, columns = np.nonzero(inks.from_picture(Image.fromarray(picture)) > 0.5)
    assert columns.min() > 190
    assert columns.max() < 240
    assert rows.min() > 140
    assert rows.max() < 310


def test_a_frame_a_shadow_and_a_note_without_edges_are_no_sheets() -> None:
    frame = np.full((480, 640, 3), PAPER, np.uint8)
    cv2.polylines(frame, [np.array(CORNERS, np.int32)], True, PEN, 6)
    lit = np.full((480, 640, 3), PAPER, np.uint8)
    lit[:, 300:] //= 2
    round_ = np.full((480, 640, 3), WOOD, np.uint8)
    cv2.circle(round_, (320, 240), 200, PAPER, -1)
    for picture in (frame, lit, round_):
        assert without_desk(picture) is picture


@pytest.mark.parametrize(
    "shadow",
    [
        ((190, -9), (700, -9), (700, 500), (180, 500)),  # all but a strip
        ((-9, -9), (700, -9), (700, 150), (-9, 230)),  # from one side, with a slanting edge
        ((180, -9), (460, -9), (430, 500), (150, 500)),  # a band across
    ],
)
def test_the_edges_of_a_shadow_are_no_sheets(shadow: tuple[tuple[int, int], ...]) -> None:
    lit = photo(PAPER)
    dark = np.zeros(lit.shape[:2], np.uint8)
    cv2.fillConvexPoly(dark, np.array(shadow, np.int32), 1)
    picture = np.where(dark[..., None] > 0, (0.55 * lit).astype(np.uint8), lit)
    assert without_desk(picture) is picture


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_any_picture_has_an_answer_of_its_shape(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (height, width, 3), np.uint8)
    picture[: height // 2] = rng.integers(0, 256, 3, np.uint8)
    assert without_desk(picture).shape == picture.shape
    assert without_desk(picture).dtype == np.uint8
