"""Training yields to visitors: it has a lower priority, and one core while a visitor has digits read.

The web process touches the file `last-reading` in the home at each reading. A training process checks it once a second.
It uses all cores again when nothing has been read for a while. A cluster's workers do neither: nobody reads there.
"""

import contextlib
import os
import threading
import time
from pathlib import Path

from digitrec import settings

FILE = "last-reading"
NICER = 10  # how much lower the priority is: it gets about a tenth of the processor time of a reading
TOUCH_EVERY = 2.0  # seconds
GONE_AFTER = 10.0  # seconds without a reading
CHECK_EVERY = 1.0  # seconds


class Visitors:
    """Whether visitors are reading digits: the file changes then, so that a clock that is set plays no part."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.last_change = _changed(file)
        fresh = self.last_change is not None and abs(time.time() - self.last_change / 1e9) < GONE_AFTER
        self.until = time.monotonic() + GONE_AFTER if fresh else 0.0

    def are_reading(self) -> bool:
        """Return whether there was a reading within GONE_AFTER seconds."""
        changed = _changed(self.file)
        if changed is not None and changed != self.last_change:
            self.last_change, self.until = changed, time.monotonic() + GONE_AFTER
        return time.monotonic() < self.until


_touched = 0.0


def note() -> None:
    """Let trainings know that digits are being read; costs nothing within TOUCH_EVERY seconds of the last time."""
    global _touched
    now = time.monotonic()
    if now - _touched > TOUCH_EVERY:
        _touched = now
        with contextlib.suppress(OSError):  # read-only: then nothing trains here either
            (settings.home() / FILE).touch()


def give_way() -> None:
    """Lower this process's priority, and from now on keep it on one core while a visitor reads.

    Call it once per process, before TensorFlow is loaded. Where the system lacks the means, it does less.
    """
    with contextlib.suppress(OSError, AttributeError):
        _lower_priority()
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = os.sched_getaffinity(0)
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(len(cores)))  # not only those that it may use at the moment
    visitors = Visitors(settings.home() / FILE)
    reading = visitors.are_reading()
    _keep_to(cores, reading)
    threading.Thread(target=_watch, args=(visitors, cores, reading), daemon=True).start()


def _lower_priority() -> None:
    """Lower the priority of all threads, and of the session if it is this process's own: autogroups go by that."""
    wanted = min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICER)
    for thread in _threads():
        os.setpriority(os.PRIO_PROCESS, thread, wanted)
    group = Path("/proc/self/autogroup")
    if os.getsid(0) == os.getpid() and group.exists():
        group.write_text(str(wanted))


def _watch(visitors: Visitors, cores: set[int], before: bool) -> None:
    """Change the cores when readings begin or end; `before`: whether visitors were reading when cores were last set."""
    while True:
        time.sleep(CHECK_EVERY)
        now = visitors.are_reading()
        if now != before:
            _keep_to(cores, now)
        before = now


def _keep_to(cores: set[int], one: bool) -> None:
    """Let all threads run on one of these cores, or on all."""
    for thread in _threads():
        with contextlib.suppress(OSError):  # it has ended
            os.sched_setaffinity(thread, {max(cores)} if one else cores)


def _threads() -> list[int]:
    return [int(task.name) for task in Path("/proc/self/task").iterdir()]


def _changed(file: Path) -> int | None:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None
