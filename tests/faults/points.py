"""Make a child process fail at its n-th write: killed there, or refused as if the disk were full or read-only.

Python announces each file that is opened, moved or removed to its audit hooks, before it is done; so what is tested is
the code as it is, with nothing put in its place.
"""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from digitrec.errors import DigitrecError
from digitrec.jobs import job

WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.utime", "os.truncate"}
GROWS = {"os.mkdir", "open"}
"""What needs room on a disk; a full one still lets files be moved and removed."""

DONE, REFUSED, DISK, BROKE, KILLED = 0, 3, 4, 5, -signal.SIGKILL
"""How a child ends: it did it, it gave the reason in a DigitrecError or an OSError, something else came out, killed."""


def is_write(event: str, arguments: tuple[Any, ...], home: Path) -> bool:
    """Return whether an audit event is a write in the home; paths relative to an open folder are."""
    if event == "open":
        path, _, flags = arguments
        if not (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)):
            return False
    elif event in WRITES:
        path = arguments[0]
    else:
        return False
    if not isinstance(path, str | bytes | os.PathLike):
        return False
    name = os.fsdecode(path)
    if name.endswith(job.ALIVE):  # the lock of a process that the action needs, not of the action
        return False
    return not os.path.isabs(name) or name.startswith(f"{home}/")


def kill_at(number: int, home: Path) -> Callable[[], None]:
    """Return what has a process killed at its write of this number, from 1."""

    def arm() -> None:
        done = 0

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal done
            if is_write(event, arguments, home):
                done += 1
                if done == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)

    return arm


def refuse_from(number: int, home: Path, code: int) -> Callable[[], None]:
    """Return what has a process's writes fail from this number on: ENOSPC where room is needed, EROFS everywhere."""

    def arm() -> None:
        done = 0

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal done
            if is_write(event, arguments, home):
                done += 1
                if done >= number and (code != errno.ENOSPC or event in GROWS):
                    raise OSError(code, os.strerror(code))

        sys.addaudithook(hook)

    return arm


def start(action: Callable[[], object], arm: Callable[[], None] = lambda: None) -> int:
    """Do an action in a child process; return its number."""
    pid = os.fork()
    if pid:
        return pid
    try:
        arm()
        action()
        os._exit(DONE)
    except DigitrecError:
        os._exit(REFUSED)
    except OSError:
        os._exit(DISK)
    except BaseException:
        traceback.print_exc()
        os._exit(BROKE)


def end(pid: int) -> int:
    """Wait for a child; return how it ended: DONE, REFUSED, BROKE or KILLED."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
