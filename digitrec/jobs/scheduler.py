"""Have runs trained: by processes on this machine, or by the workers of a Dask cluster (`DIGITREC_SCHEDULER`).

Either way it is `python -m digitrec.jobs.worker RUN_FOLDER`, and what becomes of a run is read from its folder alone.
"""

import asyncio
import contextlib
import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from digitrec import files, settings
from digitrec.errors import RunError
from digitrec.jobs import job

WORKER = "digitrec.jobs.worker"
PATIENCE = 5.0  # seconds in which a scheduler has to answer
MOST_TAKES = 3  # times that a run is taken up by workers of a cluster; what killed three kills the fourth, too

ADVICE = job.Advice(
    again="Resume continues from the last checkpoint.",
    memory="Use a smaller batch or a smaller network, then start again.",
)
"""What can be done after a training has failed."""


def submit(folder: Path) -> None:
    """Have the run in a folder trained.

    Args:
        folder: The run's, with its recipe and a status that says queued.

    Raises:
        RunError: If there is a cluster and it cannot be reached, or none and TensorFlow is not installed.
        SettingsError: If `DIGITREC_SCHEDULER` is no address.
    """
    if address := settings.scheduler():
        _send(address, folder, job.read_status(folder).started)
    elif not settings.has_tensorflow():
        raise RunError(settings.NO_TENSORFLOW)
    elif spare := _spare.take(folder):
        job.adopt(folder, spare)
    else:
        job.launch(folder, WORKER, str(folder))


def warm() -> None:
    """Have a process loaded with TensorFlow, at the lowest priority, that takes the next run on this machine.

    There is one per server, and none while a job launched here works. It ends unused after `DIGITREC_WARM_MINUTES`, or
    when the server ends.
    """
    here = settings.has_tensorflow() and not settings.scheduler()
    if here and settings.warm_minutes() and not job.any_child_works():
        with contextlib.suppress(OSError):
            _spare.prepare()


def train(folder: str, started: float) -> None:
    """Train the run in a folder, on a worker of a cluster, unless it has ended or was started anew meanwhile."""
    run = Path(folder)
    if not _is_current(run, started):
        return
    takes = (files.read_json(run / job.STATUS) or {}).get("takes", 0) + 1
    if takes > MOST_TAKES:
        lost = f"{MOST_TAKES} workers of the cluster were lost during this run. Resume tries again."
        job.update(run, state="failed", message=lost)
        return
    job.update(run, takes=takes)
    with job.launch(run, WORKER, "--tied", folder, stdin=subprocess.PIPE) as child:
        while child.poll() is None:  # the pipe to it stays open: the child ends when this process does
            if (run / job.STOP).exists():
                job.end_if_it_hangs(run, ADVICE)
            time.sleep(1.0)
    if _is_current(run, started) and not job.is_alive(run):
        job.update(run, state="failed", message=f"{job.INTERRUPTED} {ADVICE.again}")


def _is_current(folder: Path, started: float) -> bool:
    status = job.read_status(folder)
    return status.started == started and status.state in job.UNDER_WAY


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
    """Wait until the scheduler knows a task: what is asked about one it does not know yet is lost."""
    while not (await client.scheduler.get_task_status(keys=[key]))[key]:
        await asyncio.sleep(0.02)


class _Spare:
    """The process that waits for a run; it reads from a pipe which, and that the server has ended."""

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
            self.child = job.launch(None, WORKER, "--spare", stdin=subprocess.PIPE, own_session=False)
            threading.Thread(target=self._end_in_time, args=(self.child,), daemon=True).start()

    def take(self, folder: Path) -> "subprocess.Popen[bytes] | None":
        """Give it a run and return it; None where there is none."""
        with self.lock:
            child, self.child = self.child, None
        if child is None:
            return None
        try:
            _send_folder(child, os.fsencode(folder))
        except OSError:  # it has ended, for want of memory perhaps
            return None
        return child if child.poll() is None else None

    def end(self) -> None:
        """End it, if it is still there."""
        with self.lock:
            child, self.child = self.child, None
        if child:
            with contextlib.suppress(OSError):
                _send_folder(child, b"")
            child.wait()

    def _end_in_time(self, child: "subprocess.Popen[bytes]") -> None:
        """End it once nobody has wanted it for long enough."""
        while (left := self.until - time.monotonic()) > 0:
            if self.child is not child:
                return
            time.sleep(min(left, 5))
        self.end()


def _send_folder(child: "subprocess.Popen[bytes]", folder: bytes) -> None:
    assert child.stdin
    with child.stdin as pipe:
        pipe.write(folder)


_spare = _Spare()
