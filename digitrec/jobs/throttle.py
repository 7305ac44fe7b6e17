"""Training yields to readers: it runs at a lower priority, and on one core while somebody reads.

The web process touches the file `readers` in the home at each reading. What trains looks at it once a second. It takes
all cores again when nobody has read for a while. A cluster's workers do neither: nobody reads on their machines.
"""

import contextlib
import os
import threading
import time
from pathlib import Path

from digitrec import settings

FILE = "readers"
NICER = 10  # how much lower the priority is: the processor's share is about a tenth of a reader's
TOUCH_EVERY = 2.0  # seconds
GONE_AFTER = 10.0  # seconds without a reading
LOOK_EVERY = 1.0  # seconds


class Readers:
    """Whether somebody reads; told from a change of the file, so that a clock that is set plays no part."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.seen = _changed(file)
        fresh = self.seen is not None and abs(time.time() - self.seen / 1e9) < GONE_AFTER
        self.until = time.monotonic() + GONE_AFTER if fresh else 0.0

    def are_there(self) -> bool:
        """Return whether there was a reading within GONE_AFTER seconds."""
        changed = _changed(self.file)
        if changed is not None and changed != self.seen:
            self.seen, self.until = changed, time.monotonic() + GONE_AFTER
        return time.monotonic() < self.until


_touched = 0.0


def note() -> None:
    """Tell what trains that somebody reads; costs nothing within TOUCH_EVERY seconds of the last time."""
    global _touched
    now = time.monotonic()
    if now - _touched > TOUCH_EVERY:
        _touched = now
        with contextlib.suppress(OSError):  # read-only: then nothing trains here either
            (settings.home() / FILE).touch()


def give_way() -> None:
    """Lower this process's priority, and from now on keep it on one core while somebody reads.

    To be called before TensorFlow is loaded, and once a process; where the system has no such thing, less is done.
    """
    with contextlib.suppress(OSError, AttributeError):
        _lower_priority()
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = os.sched_getaffinity(0)
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(len(cores)))  # else those that it may use at the moment
    readers = Readers(settings.home() / FILE)
    there = readers.are_there()
    _keep_to(cores, there)
    threading.Thread(target=_watch, args=(readers, cores, there), daemon=True).start()


def _lower_priority() -> None:
    """Lower the priority of all threads, and of the session if it is this process's own: autogroups go by that."""
    wanted = min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICER)
    for thread in _threads():
        os.setpriority(os.PRIO_PROCESS, thread, wanted)
    group = Path("/proc/self/autogroup")
    if os.getsid(0) == os.getpid() and group.exists():
        group.write_text(str(wanted))


def _watch(readers: Readers, cores: set[int], before: bool) -> None:
    """Change the cores whenever readers come or go; `before` is whether they were there when cores were last set."""
    while True:
        time.sleep(LOOK_EVERY)
        now = readers.are_there()
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
