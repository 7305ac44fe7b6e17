"""Training yields to visitors who read digits: it keeps to one core then, whatever the clock says."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digitrec.jobs import throttle
from digitrec.settings import PROJECT
from tests.waiting import until

TRAINS = """
import os, time
from digitrec.jobs import throttle
throttle.GONE_AFTER = 2.0
throttle.give_way()
print(os.environ["TF_NUM_INTRAOP_THREADS"], flush=True)
time.sleep(600)
"""


def test_visitors_count_as_reading_for_a_while_after_each_reading(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, now = home / throttle.FILE, 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(throttle, "_touched", 0.0)
    visitors = throttle.Visitors(file)
    assert not visitors.are_reading()
    throttle.note()
    assert visitors.are_reading()
    now += throttle.GONE_AFTER - 1
    assert visitors.are_reading()
    now += 2
    assert not visitors.are_reading()
    os.utime(file, (1, 1))  # a reading after the clock was set back
    assert visitors.are_reading()
    assert not throttle.Visitors(file).are_reading(), "an old reading, for one that comes later"


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
def test_what_trains_has_a_lower_priority_and_one_core_while_a_visitor_reads(home: Path) -> None:
    cores, mine = os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, 0)
    with subprocess.Popen(
        [sys.executable, "-c", TRAINS], cwd=PROJECT, stdout=subprocess.PIPE, start_new_session=True
    ) as child:
        try:
            assert child.stdout
            assert int(child.stdout.readline()) == len(cores)
            assert os.getpriority(os.PRIO_PROCESS, child.pid) == min(19, mine + throttle.NICER)
            group = Path(f"/proc/{child.pid}/autogroup")
            if group.exists() and (members := group.read_text().split()):
                assert int(members[-1]) == min(19, mine + throttle.NICER)
            assert os.sched_getaffinity(child.pid) == cores
            tasks = Path(f"/proc/{child.pid}/task")

            def kept_to_one() -> bool:
                (home / throttle.FILE).touch()
                return all(os.sched_getaffinity(int(task.name)) == {max(cores)} for task in tasks.iterdir())

            until(kept_to_one, "on one core")
            until(lambda: os.sched_getaffinity(child.pid) == cores, "on all cores again")
        finally:
            child.kill()
