"""A job that a person waits for, an export, an import or a lesson: how far it has come, its turn, and its end."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from digitrec.jobs import job

TURN = "turn.lock"
UNDER_WAY = (*job.UNDER_WAY, "stopping")


@dataclass(frozen=True)
class Progress:
    """How far a job has come.

    Attributes:
        state: `none` (never asked for, or stopped), `making`, `ready` or `failed`.
        message: While it is made, the present step; when it failed, why, as a sentence.
        seconds: While it is made, for how long; 0 while it waits for its turn.
    """

    state: str
    message: str = ""
    seconds: float = 0.0


def progress(folder: Path, advice: job.Advice, ready: Callable[[], bool]) -> tuple[str, str, float]:
    """Return a job's state, message and seconds, see `Progress`; `ready` says whether what it makes is there."""
    asked, status = (folder / job.STATUS).exists(), job.snapshot(folder, advice)
    if ready():
        return "ready", "", 0.0
    if not asked:
        return "none", "", 0.0
    if status.state in UNDER_WAY:
        return "making", status.message, max(0.0, time.time() - status.began) if status.began else 0.0
    return "failed", status.message or f"{job.INTERRUPTED} {advice.again}", 0.0


def stop(folder: Path, advice: job.Advice) -> bool:
    """End a job that is under way, and wait until its process is gone; return whether it was found."""
    until, killed = time.monotonic() + job.LAUNCH_SECONDS, False
    while time.monotonic() < until and (
        job.is_alive(folder) or (not killed and job.snapshot(folder, advice).state in UNDER_WAY)
    ):
        killed = job.kill(folder) or killed  # another server's process may not have written yet which it is
        time.sleep(0.05)
    return killed


@contextlib.contextmanager
def turn(folder: Path, advice: job.Advice, kind: Path, step: str) -> Iterator[None]:
    """Work on a job, in its process, and write what becomes of it: one of its kind at a time.

    Args:
        folder: The job's.
        advice: What follows the reason of a failure.
        kind: The folder of all jobs of its kind; each of them takes as much memory as a training.
        step: The first thing that it does.
    """
    with job.held(folder), job.failures(folder, advice):
        job.update(folder, state=job.QUEUED, message="", began=0.0)
        with FileLock(kind / TURN):
            job.update(folder, state="running", message=step, began=time.time())
            yield
            job.update(folder, state="finished", message="")
