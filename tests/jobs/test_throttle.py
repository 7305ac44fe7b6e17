"""Training yields to readers: it sees that they come and go, whatever the clock says, and keeps to one core then."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from digitrec.jobs import throttle
from digitrec.settings import PROJECT

DEADLOCK = 300  # seconds after which a test gives up

TRAINS = """
import os, time
from digitrec.jobs import throttle
throttle.GONE_AFTER = 2.0
throttle.give_way()
print(os.environ["TF_NUM_INTRAOP_THREADS"], flush=True)
time.sleep(600)
"""


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + DEADLOCK
    while not condition():
        assert time.monotonic() < end, f"never {what}"
        time.sleep(0.02)


def test_readers_are_there_for_a_while_after_each_reading(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, now = home / throttle.FILE, 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(throttle, "_touched", 0.0)
    seen = throttle.Readers(file)
    assert not seen.are_there()
    throttle.note()
    assert seen.are_there()
    now += throttle.GONE_AFTER - 1
    assert seen.are_there()
    now += 2
    assert not seen.are_there()
    os.utime(file, (1, 1))  # a reading after the clock was set back
    assert seen.are_there()
    assert not throttle.Readers(file).are_there(), "an old reading, for one that comes later"


def test_readings_in_quick_succession_touch_the_file_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "_touched", 0.0)
    throttle.note()
    os.utime(home / throttle.FILE, (1, 1))
    throttle.note()
    assert (home / throttle.FILE).stat().st_mtime == 1


def test_a_home_that_cannot_be_written_stops_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_HOME", "/proc/digitrec")
    monkeypatch.setattr(throttle, "_touched", 0.0)
    throttle.note()


@pytest.mark.skipif(sys.platform != "linux", reason="cores and priorities of threads are Linux's")
def test_what_trains_has_a_lower_priority_and_one_core_while_somebody_reads(home: Path) -> None:
    cores, mine = os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, 0)
    with subprocess.Popen(
        [sys.executable, "-c", TRAINS], cwd=PROJECT, stdout=subprocess.PIPE, start_new_session=True
    ) as child:
        try:
            assert child.stdout
            assert int(child.stdout.readline()) == len(cores)
            assert os.getpriority(os.PRIO_PROCESS, child.pid) == min(19, mine + throttle.NICER)
            group = Path(f"/proc/{child.pid}/autogroup")
            if group.exists() and (said := group.read_text().split()):
                assert int(said[-1]) == min(19, mine + throttle.NICER)
            assert os.sched_getaffinity(child.pid) == cores
            tasks = Path(f"/proc/{child.pid}/task")

            def kept_to_one() -> bool:
                (home / throttle.FILE).touch()
                return all(os.sched_getaffinity(int(task.name)) == {max(cores)} for task in tasks.iterdir())

            until(kept_to_one, "on one core")
            until(lambda: os.sched_getaffinity(child.pid) == cores, "on all cores again")
        finally:
            child.kill()
