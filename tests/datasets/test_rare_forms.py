"""Rare forms of digits: made of strokes that can have them, of their digit, and shaped as their names say."""

import itertools

import numpy as np
import pytest
from scipy import ndimage

from digitrec.datasets import rare_forms, unipen
from digitrec.datasets.unipen import Strokes, Writing

ANGLES = np.linspace(-np.pi / 2, 1.5 * np.pi, 40)
RING = np.column_stack([0.25 * np.cos(ANGLES), 0.25 * np.sin(ANGLES)])
LINE = np.linspace(0, 1, 12)[:, None]


def line(*places: tuple[float, float]) -> np.ndarray:
    ends = np.array(places, np.float64)
    return np.concatenate([a + LINE * (b - a) for a, b in itertools.pairwise(ends)]).astype(np.float32)


def ring(x: float, y: float, across: float = 1.0) -> np.ndarray:
    return (RING * [across, 1.0] + [x, y]).astype(np.float32)


COMMON: dict[str, Strokes] = {
    "1": (line((0.0, -0.5), (0.02, 0.5)),),
    "4": (line((-0.1, -0.5), (-0.3, 0.1), (0.3, 0.1)), line((0.2, -0.4), (0.15, 0.5))),
    "6": (np.concatenate([line((0.2, -0.5), (-0.25, 0.1)), ring(0.0, 0.25)[10:], ring(0.0, 0.25)[:10]]),),
    "7": (line((-0.3, -0.5), (0.3, -0.5), (-0.1, 0.5)),),
    "8": (np.concatenate([ring(0.0, -0.25), ring(0.0, 0.25)]),),
    "9": (np.concatenate([ring(0.0, -0.25), line((0.25, -0.25), (0.2, 0.5))]),),
}


def shaped(name: str, seed: int = 0) -> Strokes:
    digit = rare_forms.FORMS[name].digit
    made = rare_forms.of(name, Writing(digit, "digit", "abc:1", COMMON[digit]), np.random.default_rng(seed))
    assert made is not None
    assert (made.label, made.writer) == (digit, "abc:1")
    return made.strokes


def extent(strokes: Strokes) -> np.ndarray:
    return np.ptp(np.concatenate(strokes), axis=0)


def hole(strokes: Strokes) -> float:
    """Return the height of the largest hole as a share of the digit's."""
    drawn = unipen.cover(strokes, 200, 150, 3, False, np.random.default_rng(0)) > 0
    holes, count = ndimage.label(~drawn)
    heights = [np.ptp(np.nonzero(holes == i)[0]) for i in range(1, count + 1) if i != holes[0, 0]]
    return float(max(heights) / np.ptp(np.nonzero(drawn)[0]))


@pytest.mark.parametrize("name", rare_forms.FORMS)
def test_a_form_is_made_of_a_common_digit_and_differs_each_time(name: str) -> None:
    first, again, other = shaped(name, 1), shaped(name, 1), shaped(name, 2)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == np.float32
        assert np.isfinite(a).all()
    assert any(len(a) != len(b) or not np.allclose(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_the_loop_of_a_six_is_fat_or_tiny(seed: int) -> None:
    common = hole(COMMON["6"])
    assert hole(shaped("6, fat loop", seed)) > common + 0.05
    assert hole(shaped("6, tiny loop", seed)) < common - 0.05


@pytest.mark.parametrize("seed", range(5))
def test_an_eight_is_fat_or_narrow(seed: int) -> None:
    (wide, high), (narrow, tall) = extent(shaped("8, fat", seed)), extent(shaped("8, narrow", seed))
    assert wide / high > 0.8
    assert narrow / tall < 0.35


@pytest.mark.parametrize("seed", range(5))
def test_parts_are_added_where_they_belong(seed: int) -> None:
    nose = shaped("7, hanging nose", seed)[0]
    assert nose[0, 1] > nose[1, 1] + 0.1
    assert len(shaped("7, crossed low", seed)) == 2
    one = shaped("1, long nose and foot", seed)
    assert len(one) == 3
    assert extent(one)[0] > 0.4
    for name in ("9, like a g", "9, straight hook"):
        tail = shaped(name, seed)[-1]
        assert tail[-1, 0] < tail[:, 0].max() - 0.2


def test_strokes_that_cannot_have_a_form_are_left_out() -> None:
    rng = np.random.default_rng(1)
    wide_open = Writing("6", "digit", "abc:1", (line((0.2, -0.5), (-0.25, 0.1), (-0.2, 0.5), (0.5, 0.5)),))
    two = Writing("7", "digit", "abc:1", (*COMMON["7"], line((-0.2, 0.0), (0.2, 0.0))))
    leaning = Writing("1", "digit", "abc:1", (line((-0.4, -0.5), (0.4, 0.5)),))
    assert rare_forms.of("6, fat loop", wide_open, rng) is None
    assert rare_forms.of("7, crossed low", two, rng) is None
    assert rare_forms.of("1, long nose and foot", leaning, rng) is None
