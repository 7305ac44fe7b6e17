"""Whose turn it is."""

from pathlib import Path

import pytest
from filelock import FileLock

from digitrec import files
from digitrec.jobs import job, queue


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "room"
    folder.mkdir()
    return folder


def waiting(parent: Path, name: str, at: float, state: str = "queued", started: float = 0) -> Path:
    folder = parent / name
    folder.mkdir()
    files.write_json(folder / job.STATUS, {"state": state, "message": "", "queued_at": at, "started": started})
    return folder


def test_the_queue_is_in_order_of_joining_and_of_living_runs_only(room: Path) -> None:
    last = waiting(room, "last", 9)
    living = [waiting(room, name, at) for name, at in (("b", 2), ("a", 5), ("same", 5), ("later", 10))]
    waiting(room, "dead", 1, "running")
    (room / "a file").touch()
    (room / "empty").mkdir()
    locks = [FileLock(folder / job.ALIVE) for folder in living]
    for lock in locks:
        lock.acquire()
    try:
        assert [folder.name for folder in queue.ahead(last)] == ["b", "a", "same"]
        assert queue.ahead(living[0]) == []
    finally:
        for lock in locks:
            lock.release()
    assert queue.ahead(last) == []


def test_the_two_runs_of_a_duel_at_once_do_not_wait_for_each_other_but_others_wait_for_both(room: Path) -> None:
    first, second, other = (waiting(room, name, at) for name, at in (("first", 1), ("second", 2), ("other", 3)))
    locks = [FileLock(folder / job.ALIVE) for folder in (first, second)]
    for lock in locks:
        lock.acquire()
    try:
        for at_once, waits_for in ((True, []), (False, [first])):
            for folder in (first, second):
                files.write_json(folder / queue.DUEL, {"id": "abc", "at_once": at_once})
            assert queue.ahead(second) == waits_for
            assert queue.ahead(other) == [first, second]
        files.write_json(first / queue.DUEL, {"id": "another", "at_once": True})
        files.write_json(second / queue.DUEL, {"id": "abc", "at_once": True})
        assert queue.ahead(second) == [first]
        (second / queue.DUEL).write_text("{")
        assert queue.ahead(second) == [first]
    finally:
        for lock in locks:
            lock.release()
