"""Digits found on sheets of ink, by what the reader says of them."""

import cv2
import numpy as np
import pytest

from digitrec import registry, sheet
from digitrec.predict import Predictor


@pytest.fixture(scope="module")
def reader() -> Predictor:
    return registry.predictor("reader")


def typed(text: str, gap: int = 70) -> np.ndarray:
    """Return ink of a row of digits."""
    ink = np.zeros((120, 40 + gap * len(text)), np.uint8)
    for i, digit in enumerate(text):
        cv2.putText(ink, digit, (20 + gap * i, 90), cv2.FONT_HERSHEY_SIMPLEX, 2.4, 255, 5, cv2.LINE_AA)
    return ink.astype(np.float32) / 255.0


@pytest.mark.parametrize("text", ["7", "42", "1111", "0123456789"])
def test_a_row_of_separate_digits(text: str, reader: Predictor) -> None:
    [row] = sheet.find(typed(text), reader)
    assert len(row) == len(text)
    assert [mark.box.x for mark in row] == sorted(mark.box.x for mark in row)


def test_rows_go_from_top_to_bottom(reader: Predictor) -> None:
    ink = np.zeros((400, 300), np.float32)
    ink[10:130, :250] = typed("405")[:, :250]
    ink[200:320, :180] = typed("29")[:, :180]
    assert [len(row) for row in sheet.find(ink, reader)] == [3, 2]


def test_blank_ink_holds_nothing(reader: Predictor) -> None:
    assert sheet.find(np.zeros((50, 50), np.float32), reader) == []
