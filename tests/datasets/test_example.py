"""The sheet to try the app with."""

import numpy as np
import pytest

from digitrec.datasets import example, mnist
from digitrec.imaging import decode
from digitrec.recognition import pipeline
from digitrec.registry import registry


@pytest.fixture(scope="module")
def sheet() -> bytes:
    return example.sheet(mnist.test()[0])


def test_it_is_the_same_each_time(sheet: bytes) -> None:
    assert example.sheet(mnist.test()[0]) == sheet


def test_its_text_is_what_was_written() -> None:
    labels = mnist.test()[1][list(example.PLACES)]
    assert "".join(map(str, labels)) == example.TEXT


def test_it_is_a_photo_of_one_row_of_digits(sheet: bytes) -> None:
    image = decode.opened(sheet).image
    assert image.size == (example.WIDTH, example.HEIGHT)
    assert len(np.unique(np.asarray(image).reshape(-1, 3), axis=0)) > 500  # paper has grain and shadow
    assert pipeline.read(image, registry.predictor("reader")).text == example.TEXT
