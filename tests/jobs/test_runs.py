"""Runs as their folders describe them, whole and damaged; nothing trains."""

import json
import shutil
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec import files
from digitrec.errors import RunError
from digitrec.jobs import job, queue, runs
from digitrec.settings import runs_folder
from digitrec.training import events as training_events
from digitrec.training import model_files
from digitrec.training.recipe import Recipe
from tests.waiting import DEADLOCK

SHORT = Recipe("short", hidden=(8,), batch_size=512, epochs=2, validation=0.01)


def hand_made(name: str, state: str, started: float, recipe: Recipe = SHORT) -> Path:
    """A run folder without a process."""
    folder = runs_folder() / name
    folder.mkdir(parents=True)
    files.write_json(folder / model_files.RECIPE, recipe.to_json())
    files.write_json(folder / job.STATUS, {"state": state, "message": "", "queued_at": started, "started": started})
    return folder


def test_a_new_process_has_time_to_take_its_lock() -> None:
    now = time.time()
    hand_made("new", "queued", now)
    hand_made("old", "queued", now - job.LAUNCH_SECONDS - 1)
    assert runs.get("new").state == "starting"
    assert runs.get("old").state == "interrupted"


def test_a_run_waits_for_one_started_before_whose_lock_is_not_taken_yet() -> None:
    now = time.time()
    first, second = hand_made("first", "queued", now - 1), hand_made("second", "queued", now)
    assert queue.ahead(first) == []
    assert queue.ahead(second) == [first]
    assert (runs.get("second").state, runs.get("second").place) == ("queued", 1)


def test_a_run_that_had_its_lock_and_has_it_no_more_is_interrupted_at_once() -> None:
    for state in ("starting", "running"):
        hand_made(state, state, time.time())
        assert runs.get(state).state == "interrupted"


def test_a_worker_that_cannot_start_is_interrupted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    run = runs.start(SHORT)
    child = job.child(run.folder)
    assert child
    child.wait(DEADLOCK)
    assert runs.get(run.id).state == "interrupted"
    monkeypatch.setattr(job, "is_launching", lambda status: True)
    assert runs.get(run.id).state == "interrupted"


@pytest.mark.parametrize("age", [0.0, 100.0])
def test_a_run_that_ends_between_two_looks_is_not_interrupted(monkeypatch: pytest.MonkeyPatch, age: float) -> None:
    folder = hand_made("run", "running", time.time() - age)

    def ends_now(folder: Path) -> bool:
        files.write_json(folder / job.STATUS, {"state": "finished", "message": "", "queued_at": 1, "started": 1})
        return False

    monkeypatch.setattr(job, "is_alive", ends_now)
    assert runs.get(folder.name).state == "finished"


def test_a_run_under_way_cannot_be_deleted_or_resumed_others_can() -> None:
    hand_made("alive", "queued", time.time())
    dead = hand_made("dead", "failed", time.time())
    with pytest.raises(RunError, match="Stop it first"):
        runs.delete(runs.get("alive"))
    with pytest.raises(RunError, match="starting"):
        runs.resume(runs.get("alive"))
    runs.delete(runs.get("dead"))
    assert not dead.exists()
    assert [run.id for run in runs.runs()] == ["alive"]


@pytest.mark.parametrize("name", ["", "..", "../x", ".", "/", "a/b", "none", "a\0b", "x" * 300, ".hidden"])
def test_an_unknown_run_is_refused(name: str) -> None:
    hand_made("x", "failed", 0)
    with pytest.raises(RunError, match="There is no run"):
        runs.get(name)


def test_a_parent_folder_is_no_run(home: Path) -> None:
    hand_made("x", "failed", 0)
    shutil.copy(home / "runs" / "x" / model_files.RECIPE, home)
    with pytest.raises(RunError, match="There is no run"):
        runs.get("..")


def test_a_home_that_cannot_be_written_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_HOME", "/proc/digitrec")
    assert runs.runs() == []
    with pytest.raises(RunError, match="cannot be written"):
        runs.start(SHORT)


def test_a_full_disk_at_the_start_is_reported_and_leaves_nothing() -> None:
    import resource

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, limit[1]))  # smaller than a recipe
    try:
        with pytest.raises(RunError, match="disk is full"):
            runs.start(SHORT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert runs.runs() == []
    assert list(runs_folder().iterdir()) == []


def steady(folder: Path, count: int) -> None:
    """Events of a training at an even pace: 0.05 epochs and 0.5 seconds each."""
    events = [
        {"kind": "batch", "epoch": n / 20, "loss": 1, "accuracy": 0.5, "seconds": n / 2, "digits_per_second": 100}
        for n in range(1, count + 1)
    ]
    (folder / training_events.EVENTS).write_text("".join(json.dumps(event) + "\n" for event in events))


def test_time_left_is_computed_from_the_pace() -> None:
    folder = hand_made("run", "failed", 0, SHORT.replace(epochs=10))
    run = runs.get("run")
    assert runs.progress_and_curves(run)[0] == runs.Progress(0.0, 10, 0.0, None, None, False)
    steady(folder, 1)
    assert runs.progress_and_curves(run)[0].seconds_left is None
    for count in (2, 100, 200):
        steady(folder, count)
        progress = runs.progress_and_curves(run)[0]
        assert progress.seconds_left == pytest.approx((200 - count) * 0.5)
        assert progress.share == pytest.approx(count / 200)
        assert (progress.seconds, progress.digits_per_second) == (count / 2, 100)


def test_a_run_that_its_seconds_end_counts_them_from_its_first_steps() -> None:
    folder = hand_made("run", "failed", 0, SHORT.replace(epochs=200, seconds=10.0))
    assert runs.progress_and_curves(runs.get("run"))[0].share == 0
    for count, left in ((1, 10), (11, 5), (21, 0), (30, 0)):
        steady(folder, count)
        progress = runs.progress_and_curves(runs.get("run"))[0]
        assert (progress.seconds_left, progress.share) == (left, 1 - left / 10)


def test_a_damaged_run_is_named_and_can_be_discarded_others_cannot() -> None:
    good, bad, foreign = (hand_made(name, "failed", 0) for name in ("good", "bad", "foreign"))
    (bad / model_files.RECIPE).write_text("{")
    for file in foreign.iterdir():
        file.unlink()  # somebody's empty folder is no run
    assert runs.damaged() == ["bad"]
    for name in ("good", "foreign", "..", "none"):
        with pytest.raises(RunError, match="no damaged run"):
            runs.discard(name)
    with FileLock(bad / job.ALIVE), pytest.raises(RunError, match="still works"):
        runs.discard("bad")
    runs.discard("bad")
    assert (good.exists(), bad.exists(), foreign.exists()) == (True, False, True)


def look_at_everything(run_id: str) -> None:
    """Call all that a page calls; only a RunError may come out."""
    runs.runs()
    try:
        run = runs.get(run_id)
    except RunError:
        return
    assert 0 <= runs.progress_and_curves(run)[0].share <= 1
    curves = runs.curves_in(run.folder)
    assert len(curves.epoch) == len(curves.val_accuracy)
    assert runs.history_csv(run).startswith("kind,epoch,loss,")
    assert run.card is None or isinstance(run.card, dict)


@pytest.fixture
def victim(tiny_run: Path, home: Path) -> Path:
    """A finished run, to damage."""
    folder = home / "runs" / "victim"
    shutil.copytree(tiny_run, folder)
    return folder


@pytest.mark.parametrize("name", [model_files.RECIPE, job.STATUS, training_events.EVENTS, model_files.CARD])
def test_a_damaged_file_raises_nothing_but_run_errors(victim: Path, name: str) -> None:
    file = victim / name
    whole = file.read_bytes()

    @given(cut=st.integers(0, len(whole)), tail=st.just(b"") | st.binary(max_size=8))
    @settings(deadline=None, max_examples=60)
    def damage(cut: int, tail: bytes) -> None:
        file.write_bytes(whole[:cut] + tail)
        look_at_everything("victim")
        file.write_bytes(whole[:cut] + tail + whole[cut + len(tail) :])
        look_at_everything("victim")

    try:
        damage()
    finally:
        file.write_bytes(whole)


def test_a_run_with_a_damaged_recipe_is_left_out_and_refused(victim: Path) -> None:
    whole = (victim / model_files.RECIPE).read_bytes()
    (victim / model_files.RECIPE).write_bytes(whole[: len(whole) // 2])
    try:
        with pytest.raises(RunError, match="damaged"):
            runs.get("victim")
        assert "victim" not in [run.id for run in runs.runs()]
    finally:
        (victim / model_files.RECIPE).write_bytes(whole)
    assert "victim" in [run.id for run in runs.runs()]


def test_a_run_with_a_damaged_status_says_so_and_can_be_resumed(victim: Path) -> None:
    whole = (victim / job.STATUS).read_bytes()
    (victim / job.STATUS).write_bytes(whole[: len(whole) // 2])
    try:
        run = runs.get("victim")
    finally:
        (victim / job.STATUS).write_bytes(whole)
    assert (run.state, run.resumable) == ("failed", True)
    assert "damaged" in run.message


def test_a_damaged_line_costs_that_line_only(victim: Path) -> None:
    whole = (victim / training_events.EVENTS).read_bytes()
    lines = whole.splitlines(keepends=True)
    (victim / training_events.EVENTS).write_bytes(lines[0][:20] + b"\xff\n" + b"".join(lines[1:])[:-5])
    try:
        assert training_events.read_events(victim) == [json.loads(line) for line in lines[1:-1]]
    finally:
        (victim / training_events.EVENTS).write_bytes(whole)
