"""What can be relied on about a job's folder, its lock and its process."""

import errno
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st
from jsondata import JSON, NUMBER

from digitrec import files
from digitrec.errors import RunError
from digitrec.jobs import job
from tests.waiting import DEADLOCK, until

ADVICE = job.Advice("Try again.", "Use less.")

PROBE = """
import sys
from pathlib import Path
from digitrec.jobs import job
print(*{job.is_alive(Path(sys.argv[1])) for _ in range(3000)})
"""


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "room"
    folder.mkdir()
    return folder


def probes(folder: Path, processes: int = 2, threads: int = 3) -> set[str]:
    """Ask many times at once, from several processes and threads; return the answers seen."""
    command = [sys.executable, "-c", PROBE, str(folder)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    answers: set[str] = set()

    def ask() -> None:
        while any(child.poll() is None for child in children):
            answers.add(str(job.is_alive(folder)))

    askers = [threading.Thread(target=ask) for _ in range(threads)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    for child in children:
        answers |= set(child.communicate()[0].split())
        assert child.returncode == 0
    return answers


def test_a_run_without_a_lock_file_is_not_alive(room: Path) -> None:
    assert not job.is_alive(room)
    assert not job.is_alive(room / "none")
    assert list(room.iterdir()) == []


def test_a_run_is_alive_as_long_as_its_lock_is_held(room: Path) -> None:
    with FileLock(room / job.ALIVE):
        assert job.is_alive(room)
    assert (room / job.ALIVE).exists()
    assert not job.is_alive(room)


def test_probes_at_once_never_see_each_other(room: Path) -> None:
    (room / job.ALIVE).touch()
    assert probes(room) == {"False"}


def test_probes_at_once_always_see_the_worker(room: Path) -> None:
    with FileLock(room / job.ALIVE):
        assert probes(room) == {"True"}


def test_a_worker_gets_its_lock_though_it_is_probed_all_the_time(room: Path) -> None:
    (room / job.ALIVE).touch()
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            job.is_alive(room)

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        for _ in range(20):
            with FileLock(room / job.ALIVE, timeout=10):
                assert job.is_alive(room)
    finally:
        done.set()
        for asker in askers:
            asker.join()


def test_a_probe_writes_nothing(room: Path) -> None:
    lock = room / job.ALIVE
    lock.touch(mode=0o444)
    before = lock.stat()
    assert not job.is_alive(room)
    assert (lock.stat().st_mtime_ns, lock.stat().st_size) == (before.st_mtime_ns, 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@settings(deadline=None)
@given(values=st.dictionaries(st.sampled_from(["state", "message", "queued_at", "started"]), NUMBER) | JSON)
def test_any_status_is_read_as_one_with_a_known_state(folder: Path, values: object) -> None:
    (folder / job.STATUS).write_text(json.dumps(values))
    status = job.read_status(folder)
    assert status.state in ("queued", "starting", "running", "finished", "stopped", "failed")
    assert isinstance(status.message, str)
    assert abs(status.queued_at) < 1e15
    assert abs(status.started) < 1e15


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"state": "runn', '"x"', "[" * 100_000, "\udcff"])
def test_damaged_json_is_as_good_as_none(room: Path, text: str) -> None:
    (room / job.STATUS).write_bytes(text.encode(errors="surrogateescape"))
    assert files.read_json(room / job.STATUS) is None
    status = job.read_status(room)
    assert (status.state, status.queued_at) == ("failed", 0)
    assert "damaged" in status.message


def process_id(pid: int) -> str:
    """What a process would say of itself."""
    machine = job.process_id().split(" ", 2)[2]
    return f"{pid} {psutil.Process(pid).create_time():.2f} {machine}"


def test_the_processor_time_of_a_process_grows() -> None:
    own = job.process_id()
    assert own == process_id(os.getpid())
    before = job.processor_seconds(own)
    assert before > 0
    until(lambda: sum(range(1_000_000)) and job.processor_seconds(own) > before, "more than before")


def test_no_process_is_ended_but_the_one_that_the_folder_names(room: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3000)"]) as running:
        own = process_id(running.pid)
        pid, started, machine = own.split(" ", 2)
        earlier = f"{pid} {float(started) - 10} {machine}"
        damaged = ("", "x", "0 1 a", f"-1 1 {machine}", f"{pid} nan {machine}", f"{'9' * 30} 1 {machine}")
        for other in (*damaged, earlier, f"{own} elsewhere"):
            files.write_json(room / job.STATUS, job.new_status() | {"process": other})
            assert not job.kill(room)
            assert job.processor_seconds(other) == 0
        assert running.poll() is None
        job.update(room, process=f"{pid} {float(started) + job.CLOCK_SECONDS / 2} {machine}")  # the clock was corrected
        assert job.kill(room)
        assert running.wait(DEADLOCK) != 0
        assert not job.kill(room)


def test_a_job_is_launched_logs_and_is_interrupted_when_its_process_ends(room: Path) -> None:
    files.write_json(room / job.STATUS, job.new_status())
    assert job.snapshot(room, ADVICE).state == job.QUEUED
    launched = job.launch(room, "platform", "--terse")
    assert job.child(room) is launched
    launched.wait(DEADLOCK)
    assert (room / job.LOG).read_text().strip()
    assert job.snapshot(room, ADVICE).state == "interrupted"
    assert job.snapshot(room, ADVICE).message == f"{job.INTERRUPTED} Try again."
    job.update(room, started=time.time())  # launched anew, by another server
    assert job.child(room) is None
    assert job.snapshot(room, ADVICE).state == job.QUEUED
    job.update(room, started=time.time() - job.LAUNCH_SECONDS - 1)
    assert job.snapshot(room, ADVICE).state == "interrupted"


def test_a_job_that_is_held_says_by_whom_and_that_it_was_asked_to_stop(room: Path) -> None:
    files.write_json(room / job.STATUS, job.new_status() | {"state": "running"})
    with job.held(room):
        assert job.read_status(room).process == job.process_id()
        assert job.snapshot(room, ADVICE).state == "running"
        (room / job.STOP).touch()
        assert job.snapshot(room, ADVICE).state == "stopping"
    assert job.snapshot(room, ADVICE).state == "interrupted"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RunError("The loss is no longer a number."), "The loss is no longer a number."),
        (MemoryError(), "There is not enough memory. Use less."),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "There is not enough memory. Use less."),
        (RuntimeError("can't start new thread"), "There is not enough memory. Use less."),
        (OSError(errno.ENOSPC, "No space left on device"), f"{job.DISK_FULL} Try again."),
        (
            KeyError("x"),
            "This failed with an internal error (KeyError). The server's operator can find details in its log.",
        ),
    ],
    ids=["ours", "memory", "memory of Linux", "threads", "disk", "internal"],
)
def test_an_error_becomes_the_reason_of_the_failure(room: Path, error: Exception, message: str) -> None:
    files.write_json(room / job.STATUS, job.new_status())
    with job.failures(room, ADVICE):
        raise error
    assert job.read_status(room)[:2] == ("failed", message)


def test_the_last_write_is_that_of_the_newest_file(room: Path) -> None:
    for name, seconds in (("a", 500), ("b", 700), ("c", 600)):
        (room / name).touch()
        os.utime(room / name, (seconds, seconds))
    os.utime(room, (100, 100))
    assert job.last_write(room) == 700
    assert job.last_write(room / "none") == 0
