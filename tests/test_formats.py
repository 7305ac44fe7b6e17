"""Percentages, durations and counts: nothing is rounded to all, to nothing or to another unit's end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitrec import formats

SHARES = st.floats(0, 1)


@given(SHARES, st.integers(0, 3))
def test_only_all_is_100_percent_and_only_nothing_is_0(part: float, decimals: int) -> None:
    text = formats.percentage(part, decimals)
    assert (float(text.removesuffix(" %").lstrip("<> ")) == 100) == (part == 1)
    assert (float(text.removesuffix(" %").lstrip("<> ")) == 0) == (100 * part == 0)


@given(SHARES)
def test_a_percentage_is_right_to_its_last_decimal(part: float) -> None:
    text = formats.percentage(part)
    value = float(text.removesuffix(" %").lstrip("<> "))
    assert abs(value - 100 * part) <= (0.1 if text[0] in "<>" else 0.05 + 1e-9)


@pytest.mark.parametrize(
    ("part", "decimals", "text"),
    [
        (0.983, 1, "98.3 %"),
        (0.9996, 1, "> 99.9 %"),
        (0.0004, 1, "< 0.1 %"),
        (0.996, 0, "> 99 %"),
        (0.99996, 2, "> 99.99 %"),
        (1, 2, "100.00 %"),
        (0, 1, "0.0 %"),
        (float("nan"), 1, "nan %"),
    ],
)
def test_percentages(part: float, decimals: int, text: str) -> None:
    assert formats.percentage(part, decimals) == text


def test_an_interval_has_one_unit() -> None:
    assert formats.interval(0.97123, 0.9775) == "97.12 to 97.75 %"
    assert formats.interval(0.9, 1, 1) == "90.0 to 100.0 %"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (89.4, "89 s"), (90, "2 min"), (3600, "60 min"), (5400, "1.5 h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(("size", "text"), [(48_000, "0.05 MB"), (1_000_000, "1.0 MB"), (20_260_000, "20.3 MB")])
def test_sizes(size: int, text: str) -> None:
    assert formats.megabytes(size) == text


def test_time_left_ends_in_words() -> None:
    assert formats.time_left(12.3) == "about 12 s left"
    assert formats.time_left(300) == "about 5 min left"
    assert formats.time_left(0.9) == formats.time_left(-3) == "nearly done"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 epochs"), (1, "1 epoch"), (0.25, "0.25 epochs"), (1.5, "1.5 epochs"), (1200, "1,200 epochs")],
)
def test_counts(count: float, text: str) -> None:
    assert formats.plural(count, "epoch") == text


def test_times() -> None:
    assert [formats.times(count) for count in (0, 1, 2, 1234)] == ["never", "once", "2 times", "1,234 times"]
