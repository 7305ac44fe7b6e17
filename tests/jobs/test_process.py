"""A process's name: its own, not the next one's with its number, and none where it has ended."""

import os
import signal
import subprocess
import sys

import pytest

from digitrec.jobs import process

DEADLOCK = 300  # seconds after which a test gives up
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process has no such name")


def test_its_own_name_has_its_number_and_its_time_grows() -> None:
    named = process.name()
    assert named == process.name(os.getpid())
    assert named.startswith(f"{os.getpid()} ")
    before = process.seconds(named)
    assert before is not None
    assert sum(number * number for number in range(2_000_000)) > 0
    assert (process.seconds(named) or 0) > before


def test_a_process_is_ended_by_its_own_name_only() -> None:
    with subprocess.Popen(["sleep", "300"]) as child:
        named = process.name(child.pid)
        number, began, *machine = named.split()
        for other in ("", "x", "0 1 2 3", f"{number} {int(began) + 1} {' '.join(machine)}", f"{number} {began} x y"):
            assert not process.kill(other)
            assert process.seconds(other) is None
        assert child.poll() is None
        assert process.seconds(named) is not None
        assert process.kill(named)
        assert child.wait(DEADLOCK) == -signal.SIGKILL
        assert not process.kill(named)
