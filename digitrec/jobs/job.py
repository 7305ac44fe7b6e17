"""A job: a folder, the process that works in it, and what became of it. Runs, exports and shipping are jobs.

    status.json     state, message and what else `Status` holds; one kind of job may add to it
    stop            exists when the job was asked to stop
    alive.lock      locked by the job's process as long as it lives
    out.log         what that process printed

The folder is the truth: every server sees the same, and a job goes on without the server that launched it.
"""

import contextlib
import errno
import os
import platform
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from filelock import FileLock

from digitrec import files, settings
from digitrec.errors import DigitrecError, RunError

STATUS = "status.json"
STOP = "stop"
ALIVE = "alive.lock"
LOG = "out.log"

QUEUED = "queued"
UNDER_WAY = (QUEUED, "starting", "running")
ENDED = ("finished", "stopped", "failed")
"""The states that `status.json` may hold; `snapshot` adds stopping and interrupted."""

LAUNCH_SECONDS = 20.0  # in which a new process may take its lock before it counts as gone
CLOCK_SECONDS = 2.0  # by which a start time may differ: clocks are corrected; no process number comes back so soon
GRACE_SECONDS = 60.0  # after a stop request, in which a process must use the processor or write
LONGEST_SILENCE = 900.0  # seconds in which even a busy one must write: testing a large network takes minutes

INTERRUPTED = "The process ended early: it was killed, the memory ran out, the machine restarted, or the disk is full."
HUNG = "The process did not respond and was ended."
DISK_FULL = "The disk is full or read-only. Free some space."
DAMAGED = "Its status file is damaged."

NO_MEMORY = ("can't start new thread", "failed to map segment", "Cannot allocate memory", "cannot allocate memory")
"""How errors of other types say that memory ran out: a thread's, and those of a library that is being loaded."""


class Advice(NamedTuple):
    """What a person can do after a job of some kind has failed.

    Attributes:
        again: How it can continue, as a sentence.
        memory: How it needs less memory, as a sentence.
    """

    again: str
    memory: str


class Status(NamedTuple):
    """What `status.json` says.

    Attributes:
        state: One of UNDER_WAY and ENDED; in a `snapshot` also stopping or interrupted.
        message: Why it failed, as a sentence; what it does at the moment; or nothing.
        queued_at: When it joined the queue, in seconds since 1970.
        started: When its process was launched, in seconds since 1970.
        cluster: Whether a cluster runs it: it waits there for a worker, in no queue of ours.
        process: Which process works on it, see `process_id`; empty before one does.
        began: When its turn came, in seconds since 1970; 0 where that is not recorded.
    """

    state: str
    message: str
    queued_at: float
    started: float
    cluster: bool = False
    process: str = ""
    began: float = 0.0


def new_status(queued_at: float = 0.0, cluster: bool = False) -> dict[str, Any]:
    """Return what `status.json` says of a job that is launched now; see `Status`."""
    now = time.time()
    return {"state": QUEUED, "message": "", "queued_at": queued_at or now, "started": now, "cluster": cluster}


def read_status(folder: Path) -> Status:
    """Return what a job's `status.json` says; a missing or damaged one is that of a job that failed."""
    values = files.read_json(folder / STATUS) or {}
    state, message, process = values.get("state"), values.get("message", ""), values.get("process")
    queued_at, started, began = (
        float(value) if files.is_number(value := values.get(key)) else 0.0 for key in ("queued_at", "started", "began")
    )
    if state not in (*UNDER_WAY, *ENDED) or not isinstance(message, str):
        return Status("failed", DAMAGED, queued_at, started)
    process = process if isinstance(process, str) else ""
    return Status(state, message, queued_at, started, values.get("cluster") is True, process, began)


def update(folder: Path, **values: object) -> None:
    """Write values into a job's `status.json`; the others stay."""
    files.write_json(folder / STATUS, (files.read_json(folder / STATUS) or {}) | values)


def snapshot(folder: Path, advice: Advice) -> Status:
    """Return a job's status at this moment: interrupted where its process is gone, stopping where it was asked to.

    Args:
        folder: The job's.
        advice: What follows the reason of an interruption.
    """
    status = read_status(folder)
    if status.state not in UNDER_WAY:
        return status._replace(message=f"{DAMAGED} {advice.again}") if status.message == DAMAGED else status
    alive, asked = is_alive(folder), (folder / STOP).exists()
    if not alive and read_status(folder) != status:  # it ended, or went on, in between
        return snapshot(folder, advice)
    own = child(folder)
    launching = is_launching(status) if own is None else status.state == QUEUED and own.poll() is None
    if alive or (launching and not status.cluster):
        return status._replace(state="stopping") if asked else status
    if status.cluster:  # no worker has it: none yet, or one that was lost
        return status._replace(state="stopped" if asked else QUEUED)
    return status._replace(state="interrupted", message=f"{INTERRUPTED} {advice.again}")


@contextlib.contextmanager
def writing(failure: str) -> Iterator[None]:
    """Turn an OSError that is raised within into a RunError; `failure` says what then cannot be done."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{failure}: the disk is full or read-only. Free some space, or set DIGITREC_HOME to another folder."
        ) from error


def is_alive(folder: Path) -> bool:
    """Return whether a process works on a job; one that ends in any way lets go of its lock."""
    try:
        with (folder / ALIVE).open("rb") as file:
            return _is_locked(file.fileno())
    except OSError:
        return False


if sys.platform == "win32":

    def _is_locked(descriptor: int) -> bool:
        """Return whether another process holds the first byte, which is what filelock locks."""
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return True
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        return False

else:

    def _is_locked(descriptor: int) -> bool:
        """Return whether a process holds the file. Shared, so that two that ask at once do not see each other."""
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        return False


def is_launching(status: Status) -> bool:
    """Return whether a job's process was launched so recently that it may not have taken its lock yet."""
    return status.state == QUEUED and abs(time.time() - status.started) < LAUNCH_SECONDS


def last_write(folder: Path) -> float:
    """Return when a job last wrote something, in seconds since 1970."""
    times = [0.0]
    with contextlib.suppress(OSError):
        for path in (folder, *folder.iterdir()):
            with contextlib.suppress(OSError):  # moved into place, or removed, at this moment
                times.append(path.stat().st_mtime)
    return max(times)


# Processes, seen from the server.


def launch(
    folder: Path | None, module: str, *arguments: str, stdin: int = subprocess.DEVNULL, own_session: bool = True
) -> "subprocess.Popen[bytes]":
    """Start `python -m MODULE ARGUMENTS`, the process of a job.

    Args:
        folder: The job's; what the process prints goes to its log. None for a process that waits for a job.
        module: The module.
        *arguments: Its command line.
        stdin: As `subprocess.Popen` has it.
        own_session: Whether it outlives this process, and Ctrl-C here does not reach it.
    """
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((folder / LOG).open("ab")) if folder else subprocess.DEVNULL
        started = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=settings.PROJECT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=stdin,
            stdout=log,
            stderr=log,
            start_new_session=own_session,
        )
    if folder:
        adopt(folder, started)
    return started


def adopt(folder: Path, process: "subprocess.Popen[bytes]") -> None:
    """Remember which process this server has started for a job."""
    for other in list(_children.values()):
        other.poll()  # reaps those that have ended
    _children[folder, read_status(folder).started] = process


def child(folder: Path) -> "subprocess.Popen[bytes] | None":
    """Return the process that this server has started for a job as it is now, or None."""
    return _children.get((folder, read_status(folder).started))


def any_child_works() -> bool:
    """Return whether a process that this server has started works on a job."""
    return any(process.poll() is None for process in list(_children.values()))


def process_id() -> str:
    """Return this process's number, when it started (seconds since 1970), and on which machine."""
    own = psutil.Process()
    return f"{own.pid} {own.create_time():.2f} {platform.node()}"


def _process(process: str) -> psutil.Process | None:
    """Return the process of a `process_id` if it is on this machine and still the same."""
    try:
        pid, started, machine = process.split(" ", 2)
        found = psutil.Process(int(pid))
        same = machine == platform.node() and abs(found.create_time() - float(started)) < CLOCK_SECONDS
    except (ValueError, OverflowError, psutil.Error):
        return None
    return found if same else None


def processor_seconds(process: str) -> float:
    """Return the processor time that the process of a `process_id` has used; 0 where it is not here."""
    found = _process(process)
    with contextlib.suppress(psutil.Error):
        return sum(found.cpu_times()[:2]) if found else 0.0  # user, system
    return 0.0


def kill(folder: Path) -> bool:
    """End a job's process at once; return whether it was found. No other process is ever ended."""
    own = child(folder)
    if own and own.poll() is None:
        own.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # where a disk does not answer
            own.wait(1.0)
        return True
    found = _process(read_status(folder).process)
    with contextlib.suppress(psutil.Error):
        if found:
            found.kill()
            return True
    return False


def stop(folder: Path, advice: Advice) -> None:
    """Ask a job to stop, and make sure, without waiting, that it ends though its process may hang.

    Raises:
        OSError: If the request cannot be written.
    """
    (folder / STOP).touch()
    threading.Thread(target=end_if_it_hangs, args=(folder, advice), daemon=True).start()


def end_if_it_hangs(folder: Path, advice: Advice) -> None:
    """Wait until a job's process has ended; end it once it has neither worked nor written for GRACE_SECONDS."""
    process = read_status(folder).process
    wrote = worked = time.monotonic()
    last, work = last_write(folder), processor_seconds(process)
    while is_alive(folder) and read_status(folder).process == process:
        now = time.monotonic()
        if (latest := last_write(folder)) != last:
            last, wrote, worked = latest, now, now
        if (used := processor_seconds(process)) - work > 1.0:  # more than a thread that waits needs
            work, worked = used, now
        if now - worked > GRACE_SECONDS or now - wrote > LONGEST_SILENCE:
            if kill(folder):
                with contextlib.suppress(OSError):
                    update(folder, state="failed", message=f"{HUNG} {advice.again}")
            return
        time.sleep(1.0)


# A job, seen from its own process.


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a job's lock, and write which process holds it, so that it can be ended should it hang."""
    with FileLock(folder / ALIVE, timeout=10):
        update(folder, process=process_id())
        yield


@contextlib.contextmanager
def failures(folder: Path, advice: Advice) -> Iterator[None]:
    """Have an error that is raised within fail the job: the reason in its status, the trace in its log."""
    try:
        yield
    except Exception as error:
        print_trace(error)
        update(folder, state="failed", message=reason(error, advice))


def print_trace(error: Exception) -> None:
    """Print a trace to the log, if the disk has room for it."""
    with contextlib.suppress(OSError):
        traceback.print_exception(error)


def reason(error: Exception, advice: Advice) -> str:
    """Return why a job failed, and what can be done about it, in a sentence or two."""
    if isinstance(error, DigitrecError):
        return str(error)
    if is_out_of_memory(error):
        return f"There is not enough memory. {advice.memory}"
    if isinstance(error, OSError):
        return f"{DISK_FULL} {advice.again}"
    kind = type(error).__name__
    return f"This failed with an internal error ({kind}). The server's operator can find details in its log."


def is_out_of_memory(error: BaseException | None) -> bool:
    """Return whether an error, or what caused it, is that memory ran out, as Python, Linux or TensorFlow says it."""
    if error is None:
        return False
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or type(error).__name__ == "ResourceExhaustedError"  # TensorFlow's, which may not be loaded
        or any(sign in str(error) for sign in NO_MEMORY)
        or is_out_of_memory(error.__cause__ or error.__context__)
    )


_children: dict[tuple[Path, float], "subprocess.Popen[bytes]"] = {}
