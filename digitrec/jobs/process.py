"""A name for a process that no other process ever bears, so that the one which trains can be ended by any server.

Linux only; elsewhere a process has no such name, and is ended by the server alone that started it.
"""

import contextlib
import os
import signal
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 1


def name(pid: int | None = None) -> str:
    """Return a process's number, when it started, and on which machine since which boot; empty where it cannot be told.

    Args:
        pid: The process's number; this one's unless given.
    """
    pid = os.getpid() if pid is None else pid
    try:
        began = _stat(pid)[19]
        machine = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{pid} {began} {machine} {os.readlink('/proc/self/ns/pid')}"
    except (OSError, IndexError):
        return ""


def seconds(named: str) -> float | None:
    """Return the processor time that a process has taken, or None where it is not here."""
    pid = _here(named)
    if pid is None:
        return None
    with contextlib.suppress(OSError, IndexError, ValueError):
        return sum(map(int, _stat(pid)[11:13])) / _TICKS_A_SECOND
    return None


def kill(named: str) -> bool:
    """End a process at once; return whether it was here."""
    pid = _here(named)
    if pid is None:
        return False
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            if name(pid) == named:  # the handle is of this one, whoever gets its number later
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                return True
        finally:
            os.close(handle)
    return False


def _here(named: str) -> int | None:
    """Return a process's number, if it is on this machine and still the same."""
    number = named.partition(" ")[0]
    pid = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    return pid if pid and name(pid) == named else None


def _stat(pid: int) -> list[str]:
    """Return what /proc/PID/stat says from the state on: the name before it may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()
