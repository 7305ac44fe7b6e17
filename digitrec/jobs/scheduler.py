"""Have runs trained: by processes on this machine, or by the workers of a Dask cluster (`DIGITREC_SCHEDULER`).

Either way it is `python -m digitrec.jobs.worker RUN_FOLDER`, and what becomes of a run is read from its folder alone.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from digitrec import files, settings
from digitrec.errors import RunError
from digitrec.jobs import process as processes
from digitrec.jobs import run_folder

PATIENCE = 5.0  # seconds in which a scheduler has to answer
MOST_TAKES = 3  # times that a run is taken up by workers of a cluster; what killed three kills the fourth, too

GRACE = 60.0  # seconds after Stop in which a process must work, or write
LONGEST = 900.0  # seconds in which one that works must write: the tests of a large net take minutes

BROKEN_OFF = (
    "The training process ended before its time: it was killed, the memory ran out, the machine was restarted, or the "
    "disk is full. Resume goes on from the last checkpoint."
)
HUNG = "The training process hung, and was ended. Resume goes on from the last checkpoint."


def submit(folder: Path, started: float) -> None:
    """Have the run in a folder trained.

    Args:
        folder: The run's, with its recipe and a status that says queued.
        started: The time in that status; a run started anew has another one.

    Raises:
        RunError: If there is a cluster and it cannot be reached.
        SettingsError: If `DIGITREC_SCHEDULER` is no address.
    """
    if address := settings.scheduler():
        _send(address, folder, started)
        return
    for child in list(_children.values()):
        child.poll()  # reaps those that ended
    _children[folder, started] = _spare.take(folder) or _process([str(folder)], folder)


def process(folder: Path, started: float) -> "subprocess.Popen[bytes] | None":
    """Return the process that this very one started for the run at that time, or None."""
    return _children.get((folder, started))


def end_if_it_hangs(folder: Path) -> None:
    """See to it, without waiting, that a run which was asked to stop ends, though its process may hang."""
    child = process(folder, run_folder.read_status(folder).started)
    threading.Thread(target=_end_hanging, args=(folder, child), daemon=True).start()


def _end_hanging(folder: Path, child: "subprocess.Popen[bytes] | None") -> None:
    """Wait until a run's process has ended; end it once it has neither worked nor written for GRACE seconds.

    Args:
        folder: The run's.
        child: Its process, where this one started it.
    """
    named = run_folder.read_status(folder).process
    wrote = worked = time.monotonic()
    sign, work = run_folder.last_sign(folder), processes.seconds(named) or 0.0
    while run_folder.is_alive(folder) and run_folder.read_status(folder).process == named:
        now = time.monotonic()
        if (latest := run_folder.last_sign(folder)) != sign:
            sign, wrote, worked = latest, now, now
        if (spent := processes.seconds(named) or 0.0) - work > 1.0:  # not only its clocks
            work, worked = spent, now
        if now - worked > GRACE or now - wrote > LONGEST:
            ended = processes.kill(named)
            if child and not ended:
                child.kill()
            if child or ended:
                with contextlib.suppress(OSError):
                    _fail(folder, HUNG)
            return
        time.sleep(1.0)


def warm() -> None:
    """Have a process loaded with TensorFlow, at the lowest priority, that takes the next run on this machine.

    There is one a server, and none while a run started here trains. It ends unused after `DIGITREC_WARM_MINUTES`, or
    when the server ends.
    """
    training = any(child.poll() is None for child in list(_children.values()))
    if settings.warm_minutes() and not settings.scheduler() and not training:
        with contextlib.suppress(OSError):
            _spare.prepare()


def train(folder: str, started: float) -> None:
    """Train the run in a folder, on a worker of a cluster, unless it has ended or was started anew meanwhile."""
    run = Path(folder)
    if not _is_current(run, started):
        return
    values = files.read_json(run / run_folder.STATUS) or {}
    takes = values.get("takes", 0) + 1
    if takes > MOST_TAKES:
        _fail(run, f"{MOST_TAKES} workers of the cluster were lost in the middle of this run. Resume tries again.")
        return
    files.write_json(run / run_folder.STATUS, values | {"takes": takes})
    with _process(["--tied", folder], run, subprocess.PIPE) as child:
        while child.poll() is None:  # the pipe to it stays open: the child ends when this process does
            if (run / run_folder.STOP).exists():
                _end_hanging(run, child)
            time.sleep(1.0)
    if _is_current(run, started) and not run_folder.is_alive(run):
        _fail(run, BROKEN_OFF)


def _is_current(folder: Path, started: float) -> bool:
    status = run_folder.read_status(folder)
    return status.started == started and status.state in run_folder.UNDER_WAY


def _fail(folder: Path, message: str) -> None:
    values = files.read_json(folder / run_folder.STATUS) or {}
    files.write_json(folder / run_folder.STATUS, values | {"state": "failed", "message": message})


def _send(address: str, folder: Path, started: float) -> None:
    """Give a run to the cluster's scheduler; it goes on without this process."""
    try:
        import distributed  # half a second and 20 MB: only with a cluster
    except ImportError as error:
        raise RunError(
            "DIGITREC_SCHEDULER is set, but Dask is not installed here. "
            "Run `pip install -r requirements-cluster.txt`, or unset it."
        ) from error

    def task(folder: str, started: float) -> None:  # sent as code: only the workers need this project
        from digitrec.jobs import scheduler

        scheduler.train(folder, started)

    async def send() -> None:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False, asynchronous=True)
        try:
            await asyncio.wait_for(client, PATIENCE)  # its own time-out leaves out a peer that never speaks
            future = client.submit(task, str(folder), started, key=f"{folder.name}-{started}", pure=False)
            await asyncio.wait_for(_arrival(client, future.key), PATIENCE)
            distributed.fire_and_forget(future)
        finally:
            await asyncio.wait_for(client.close(), PATIENCE)

    try:
        with ThreadPoolExecutor(1) as thread:  # of its own, for the caller's may have an event loop already
            thread.submit(lambda: asyncio.run(send())).result()
    except Exception as error:  # what answers there may be anything but a scheduler, and its bytes mean anything
        raise RunError(
            "The Dask scheduler did not answer. See that it runs and that DIGITREC_SCHEDULER is its address, "
            f"then press Resume. Received: {address[:60]!r}"
        ) from error


async def _arrival(client: Any, key: str) -> None:
    """Wait until the scheduler knows a task: what is asked of one that it does not know yet, it forgets."""
    while not (await client.scheduler.get_task_status(keys=[key]))[key]:
        await asyncio.sleep(0.02)


def _process(
    arguments: list[str], folder: Path | None, stdin: int = subprocess.DEVNULL, own_session: bool = True
) -> "subprocess.Popen[bytes]":
    """Start a worker's process; what it prints goes to the run's log, or nowhere while it has no run."""
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((folder / run_folder.LOG).open("ab")) if folder else subprocess.DEVNULL
        return subprocess.Popen(
            [sys.executable, "-m", "digitrec.jobs.worker", *arguments],
            cwd=settings.PROJECT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=stdin,
            stdout=log,
            stderr=log,
            start_new_session=own_session,  # it outlives the server, and Ctrl-C there does not reach it
        )


class _Spare:
    """The process that waits for a run; a pipe tells it which, and that the server has ended."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.child: subprocess.Popen[bytes] | None = None
        self.until = 0.0

    def prepare(self) -> None:
        """Start one where there is none; the one that is there waits longer."""
        with self.lock:
            self.until = time.monotonic() + 60 * settings.warm_minutes()
            if self.child and self.child.poll() is None:
                return
            if self.child and self.child.stdin:
                self.child.stdin.close()
            self.child = _process(["--spare"], None, subprocess.PIPE, own_session=False)
            threading.Thread(target=self._end_in_time, args=(self.child,), daemon=True).start()

    def take(self, folder: Path) -> "subprocess.Popen[bytes] | None":
        """Give it a run and return it; None where there is none."""
        with self.lock:
            child, self.child = self.child, None
        if child is None:
            return None
        try:
            _tell(child, os.fsencode(folder))
        except OSError:  # it has ended, for want of memory perhaps
            return None
        return child if child.poll() is None else None

    def end(self) -> None:
        """End it, if it is still there."""
        with self.lock:
            child, self.child = self.child, None
        if child:
            with contextlib.suppress(OSError):
                _tell(child, b"")
            child.wait()

    def _end_in_time(self, child: "subprocess.Popen[bytes]") -> None:
        """End it once nobody has wanted it for long enough."""
        while (left := self.until - time.monotonic()) > 0:
            if self.child is not child:
                return
            time.sleep(min(left, 5))
        self.end()


def _tell(child: "subprocess.Popen[bytes]", folder: bytes) -> None:
    assert child.stdin
    with child.stdin as pipe:
        pipe.write(folder)


_children: dict[tuple[Path, float], "subprocess.Popen[bytes]"] = {}
_spare = _Spare()
