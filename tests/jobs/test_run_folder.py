"""What readers and writers of a run folder may rely on."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec import files
from digitrec.jobs import run_folder
from digitrec.training import events as training_events

PROBE = """
import sys
from pathlib import Path
from digitrec.jobs import run_folder
print(*{run_folder.is_alive(Path(sys.argv[1])) for _ in range(3000)})
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
            answers.add(str(run_folder.is_alive(folder)))

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
    assert not run_folder.is_alive(room)
    assert not run_folder.is_alive(room / "none")
    assert list(room.iterdir()) == []


def test_a_run_is_alive_as_long_as_its_lock_is_held(room: Path) -> None:
    with FileLock(room / run_folder.ALIVE):
        assert run_folder.is_alive(room)
    assert (room / run_folder.ALIVE).exists()
    assert not run_folder.is_alive(room)


def test_probes_at_once_never_see_each_other(room: Path) -> None:
    (room / run_folder.ALIVE).touch()
    assert probes(room) == {"False"}


def test_probes_at_once_always_see_the_worker(room: Path) -> None:
    with FileLock(room / run_folder.ALIVE):
        assert probes(room) == {"True"}


def test_a_worker_gets_its_lock_though_it_is_probed_all_the_time(room: Path) -> None:
    (room / run_folder.ALIVE).touch()
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            run_folder.is_alive(room)

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        for _ in range(20):
            with FileLock(room / run_folder.ALIVE, timeout=10):
                assert run_folder.is_alive(room)
    finally:
        done.set()
        for asker in askers:
            asker.join()


def test_a_probe_writes_nothing(room: Path) -> None:
    lock = room / run_folder.ALIVE
    lock.touch(mode=0o444)
    before = lock.stat()
    assert not run_folder.is_alive(room)
    assert (lock.stat().st_mtime_ns, lock.stat().st_size) == (before.st_mtime_ns, 0)


def test_write_moves_a_whole_file_into_place(room: Path) -> None:
    file = room / "model.keras"
    seen: list[str] = []

    def fill(temporary: Path) -> None:
        seen.append(temporary.suffix)
        temporary.write_text("new")
        assert file.read_text() == "old"

    file.write_text("old")
    files.write(file, fill)
    assert file.read_text() == "new"
    assert seen == [".keras"]
    assert list(room.iterdir()) == [file]


def test_a_write_that_fails_changes_nothing(room: Path) -> None:
    file = room / "status.json"
    files.write_json(file, {"state": "running"})

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        files.write(file, fail)
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(file, {"loss": float("nan")})
    assert files.read_json(file) == {"state": "running"}
    assert list(room.iterdir()) == [file]


def test_threads_that_write_the_same_file_do_not_meet(room: Path) -> None:
    file = room / "status.json"
    failures: list[OSError] = []

    def write(number: int) -> None:
        try:
            for _ in range(200):
                files.write_json(file, {"number": number})
                assert files.read_json(file) is not None
        except OSError as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert list(room.iterdir()) == [file]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NUMBER = st.integers() | st.floats() | st.just(10**400) | JSON


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@settings(deadline=None)
@given(values=st.dictionaries(st.sampled_from(["state", "message", "queued_at", "started"]), NUMBER) | JSON)
def test_any_status_is_read_as_one_with_a_known_state(folder: Path, values: object) -> None:
    (folder / run_folder.STATUS).write_text(json.dumps(values))
    status = run_folder.read_status(folder)
    assert status.state in ("queued", "starting", "running", "finished", "stopped", "failed")
    assert isinstance(status.message, str)
    assert abs(status.queued_at) < 1e15
    assert abs(status.started) < 1e15


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"state": "runn', '"x"', "[" * 100_000, "\udcff"])
def test_damaged_json_is_as_good_as_none(room: Path, text: str) -> None:
    (room / run_folder.STATUS).write_bytes(text.encode(errors="surrogateescape"))
    assert files.read_json(room / run_folder.STATUS) is None
    status = run_folder.read_status(room)
    assert (status.state, status.queued_at) == ("failed", 0)
    assert "damaged" in status.message


STEP = {"kind": "batch", "epoch": 0.5, "loss": 1.0, "accuracy": 0.5, "seconds": 1.0, "digits_per_second": 10}
EPOCH = STEP | {"kind": "epoch", "epoch": 1, "val_loss": 1.0, "val_accuracy": 0.5}


@settings(deadline=None)
@given(events=st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(EPOCH, NUMBER)) | JSON, max_size=4))
def test_events_have_all_their_numbers_or_are_left_out(folder: Path, events: list[object]) -> None:
    lines = [json.dumps(event) for event in [STEP, *events, EPOCH]]
    (folder / training_events.EVENTS).write_text("\n".join(lines) + '\n{"kind": "batch", "epo')
    read = training_events.read_events(folder)
    assert (read[0], read[-1]) == (STEP, EPOCH)
    for event in read:
        wanted = {"batch": STEP, "epoch": EPOCH, "testing": {}}[event["kind"]]
        assert all(isinstance(event[key], int | float) for key in wanted if key != "kind")


def test_events_are_read_in_their_order(room: Path) -> None:
    assert training_events.read_events(room) == []
    events = [STEP, EPOCH, {"kind": "testing"}]
    (room / training_events.EVENTS).write_text("".join(json.dumps(event) + "\n" for event in events))
    assert training_events.read_events(room) == events


def queue(parent: Path, name: str, at: float, state: str = "queued", started: float = 0) -> Path:
    folder = parent / name
    folder.mkdir()
    files.write_json(folder / run_folder.STATUS, {"state": state, "message": "", "queued_at": at, "started": started})
    return folder


def test_the_queue_is_in_order_of_joining_and_of_living_runs_only(room: Path) -> None:
    last = queue(room, "last", 9)
    living = [queue(room, name, at) for name, at in (("b", 2), ("a", 5), ("same", 5), ("later", 10))]
    queue(room, "dead", 1, "running")
    (room / "a file").touch()
    (room / "empty").mkdir()
    locks = [FileLock(folder / run_folder.ALIVE) for folder in living]
    for lock in locks:
        lock.acquire()
    try:
        assert [folder.name for folder in run_folder.ahead(last)] == ["b", "a", "same"]
        assert run_folder.ahead(living[0]) == []
    finally:
        for lock in locks:
            lock.release()
    assert run_folder.ahead(last) == []


def test_the_two_runs_of_a_duel_at_once_do_not_wait_for_each_other_but_others_wait_for_both(room: Path) -> None:
    first, second, other = (queue(room, name, at) for name, at in (("first", 1), ("second", 2), ("other", 3)))
    locks = [FileLock(folder / run_folder.ALIVE) for folder in (first, second)]
    for lock in locks:
        lock.acquire()
    try:
        for at_once, waits_for in ((True, []), (False, [first])):
            for folder in (first, second):
                files.write_json(folder / run_folder.DUEL, {"id": "abc", "at_once": at_once})
            assert run_folder.ahead(second) == waits_for
            assert run_folder.ahead(other) == [first, second]
        files.write_json(first / run_folder.DUEL, {"id": "another", "at_once": True})
        files.write_json(second / run_folder.DUEL, {"id": "abc", "at_once": True})
        assert run_folder.ahead(second) == [first]
        (second / run_folder.DUEL).write_text("{")
        assert run_folder.ahead(second) == [first]
    finally:
        for lock in locks:
            lock.release()


def test_importing_it_pulls_in_nothing_heavy() -> None:
    code = (
        "import sys, digitrec.jobs.run_folder; print(*{'tensorflow', 'keras', 'numpy', 'streamlit'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == ""
