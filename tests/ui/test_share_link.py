"""Addresses: what comes out is what went in, and nonsense is left out with a sentence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digitrec.datasets import mnist
from digitrec.ui import share_link

NAMES = ("reader", "reader-mlp")


@given(arrays(np.uint8, (28, 28)))
def test_a_glyph_survives_its_letters(levels: np.ndarray) -> None:
    glyph = (levels / np.float32(255)).astype(np.float32)
    np.testing.assert_array_equal(share_link.unpacked(share_link.packed(glyph)), glyph)


def test_a_digit_is_short_and_needs_no_escapes() -> None:
    letters = [share_link.packed(mnist.glyphs(picture)) for picture in mnist.test()[0][:200]]
    assert max(map(len, letters)) < 600
    assert all(text.replace("-", "").replace("_", "").isalnum() for text in letters)


@given(st.text())
def test_any_letters_are_a_glyph_or_none(text: str) -> None:
    glyph = share_link.unpacked(text)
    assert glyph is None or glyph.shape == (28, 28)


@given(st.dictionaries(st.sampled_from(["model_1", "model_2", "digit", "ink", "x"]), st.text()))
def test_any_address_is_read(parts: dict[str, str]) -> None:
    found = share_link.choices(parts, NAMES)
    assert found.digit is None or 0 <= found.digit < 10_000
    assert found.model_1 in (*NAMES, None)


def test_what_makes_sense_is_taken() -> None:
    ink = np.eye(28, dtype=np.float32)
    found = share_link.choices(
        {"model_1": "reader", "model_2": "reader-mlp", "digit": "61", "ink": share_link.packed(ink)}, NAMES
    )
    assert (found.model_1, found.model_2, found.digit, found.ignored) == ("reader", "reader-mlp", 61, ())
    np.testing.assert_array_equal(found.ink, ink)


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("model_1", "gone", "'gone', which does not exist here"),
        ("digit", "10000", "numbered 0 to 9999"),
        ("digit", "-1", "numbered"),
        ("digit", "²", "numbered"),
        ("ink", "eJw", "cut short or damaged"),
        ("ink", "A" * 5000, "cut short or damaged"),
        ("ink", "", "cut short or damaged"),
    ],
)
def test_a_wrong_part_is_reported(part: str, value: str, reason: str) -> None:
    found = share_link.choices({part: value}, NAMES)
    assert (found.model_1, found.digit, found.ink) == (None, None, None)
    assert len(found.ignored) == 1
    assert reason in found.ignored[0]
