"""Numbers as pages and figures write them: percentages, durations and counts, each in one way."""

from collections.abc import Sequence
from typing import SupportsFloat


def percentage(part: SupportsFloat, decimals: int = 1) -> str:
    """Return a probability or a share, 0 to 1, as `98.3 %`; only all is `100.0 %`, and only nothing is `0.0 %`."""
    percent, step = 100 * float(part), 10.0**-decimals
    rounded = round(percent, decimals)
    if percent < 100 <= rounded:
        return f"> {100 - step:.{decimals}f} %"
    if percent > 0 >= rounded:
        return f"< {step:.{decimals}f} %"
    return f"{percent:.{decimals}f} %"


def interval(low: float, high: float, decimals: int = 2) -> str:
    """Return an interval of shares, 0 to 1, as `97.12 to 97.75 %`."""
    return f"{100 * low:.{decimals}f} to {100 * high:.{decimals}f} %"


def duration(seconds: float) -> str:
    """Return `45 s`, `12 min` or `1.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def time_left(seconds: float) -> str:
    """Return `about 12 s left`, or `nearly done` for the last second."""
    return f"about {duration(seconds)} left" if seconds >= 1 else "nearly done"


def megabytes(size: int) -> str:
    """Return a size in bytes as `1.2 MB`; below one, as `0.05 MB`."""
    return f"{size / 1e6:.{1 if size >= 1e6 else 2}f} MB"


def number(value: float) -> str:
    """Return `1,234` or `0.25`: at most two decimals, without zeros at the end."""
    text = f"{value:,.2f}"
    return text.rstrip("0").rstrip(".")


def plural(count: float, noun: str) -> str:
    """Return `1 digit` or `1,234 digits`."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def times(count: int) -> str:
    """Return `never`, `once` or `1,234 times`."""
    return "never" if count == 0 else "once" if count == 1 else plural(count, "time")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as text, its columns two spaces apart."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *rows]]
    return "\n".join(line.rstrip() for line in lines)
