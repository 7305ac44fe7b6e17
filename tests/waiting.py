"""How tests wait for other processes: for what happens there, however long a busy machine takes."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from digitrec.jobs import job
from digitrec.training.events import read_events

DEADLOCK = 1200  # seconds after which a test gives up


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition holds.

    Args:
        condition: Asked twenty times a second.
        what: What is waited for, in the words of the failure.
    """
    end = time.monotonic() + DEADLOCK
    while not condition():
        assert time.monotonic() < end, f"never {what}"
        time.sleep(0.05)


@contextlib.contextmanager
def suspended(run: Path) -> Iterator[None]:
    """Suspend the process of a run once it trains, so that the run neither ends nor goes on meanwhile."""
    until(lambda: job.read_status(run).state == "running" and len(read_events(run)) > 1, "running")
    process = psutil.Process(int(job.read_status(run).process.split()[0]))
    process.suspend()
    try:
        yield
    finally:
        process.resume()
