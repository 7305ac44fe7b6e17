"""Work in a process aside: what it answers, and what comes of a process that dies, hangs or cannot be started."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from loky import get_reusable_executor

from digitrec import settings
from digitrec.datasets import example, mnist
from digitrec.errors import PictureError
from digitrec.recognition.classifier import Predictor
from digitrec.registry import registry
from digitrec.uploads import batch, isolation


@pytest.fixture(autouse=True)
def no_process_stays() -> Iterator[None]:
    yield
    get_reusable_executor(max_workers=1, timeout=isolation.IDLE, initializer=isolation._give_way).shutdown()


def priority() -> int:
    return os.nice(0)


def end_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def end_this_process_once(mark: Path) -> int:
    if not mark.exists():
        mark.touch()
        end_this_process()
    return os.getpid()


def which(predictor: Predictor) -> int:
    return id(predictor)


def test_it_is_another_process_that_stays_and_gives_way() -> None:
    process = isolation.call(os.getpid)
    assert process != os.getpid()
    assert isolation.call(os.getpid) == process
    assert isolation.call(priority) == os.nice(0) + isolation.NICER


def test_a_picture_is_read_as_it_is_here() -> None:
    data = example.sheet(mnist.test()[0])
    finder = registry.predictor(registry.default())
    here, there = batch.first(data, 0, False, finder), isolation.call(batch.first, data, 0, False, finder)
    assert there.thumbnail == here.thumbnail
    assert [entry.box for entry in there.annotations.entries] == [entry.box for entry in here.annotations.entries]
    assert len(here.annotations.entries) == len(example.TEXT)
    for one, other in zip(here.annotations.entries, there.annotations.entries, strict=True):
        assert np.array_equal(one.digit.glyph, other.digit.glyph)


def test_a_model_is_opened_there_once() -> None:
    finder = registry.predictor(registry.default())
    assert isolation.call(which, finder) == isolation.call(which, finder)


def test_a_files_error_is_reported_in_the_same_words() -> None:
    with pytest.raises(PictureError, match="This is not a picture that can be read"):
        isolation.call(batch.closeup, b"no picture", 0, 0)


def test_a_process_that_was_ended_meanwhile_is_replaced() -> None:
    before = isolation.call(os.getpid)
    os.kill(before, signal.SIGKILL)
    assert isolation.call(os.getpid) != before


def test_what_ended_the_process_once_is_tried_again(tmp_path: Path) -> None:
    assert isolation.call(end_this_process_once, tmp_path / "ended") != os.getpid()


def test_what_ends_the_process_twice_is_reported_and_the_next_picture_is_read() -> None:
    with pytest.raises(PictureError, match="decoding it crashed"):
        isolation.call(end_this_process)
    assert isolation.call(priority) >= isolation.NICER


def test_what_hangs_is_given_up_and_the_next_picture_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    process = isolation.call(os.getpid)
    monkeypatch.setattr(isolation, "LONGEST", 0.5)
    with pytest.raises(PictureError, match="took longer than"):
        isolation.call(time.sleep, 60)
    assert not psutil.pid_exists(process)
    monkeypatch.undo()
    assert isolation.call(os.getpid) != process


def test_no_room_for_a_process_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(isolation, "get_reusable_executor", refuse)
    with pytest.raises(PictureError, match="not have enough memory to read pictures now"):
        isolation.call(os.getpid)


def test_a_process_without_work_ends_and_the_next_picture_starts_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "IDLE", 1)
    process = isolation.call(os.getpid)
    deadline = time.monotonic() + 20
    while psutil.pid_exists(process) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not psutil.pid_exists(process)
    assert isolation.call(os.getpid) != process


SERVER = """
import os, signal
from digitrec.uploads import isolation
isolation.IDLE = 2
print(isolation.call(os.getpid), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_does_not_outlive_a_server_that_is_killed() -> None:
    done = subprocess.run([sys.executable, "-c", SERVER], cwd=settings.PROJECT, stdout=subprocess.PIPE, check=False)
    process = int(done.stdout)
    deadline = time.monotonic() + 20
    while psutil.pid_exists(process) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not psutil.pid_exists(process)
