"""Runs with real worker processes: small MLPs, seconds each."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec import files
from digitrec.errors import RunError
from digitrec.jobs import run_folder, runs, scheduler
from digitrec.settings import PROJECT
from digitrec.training import events as training_events
from digitrec.training import model_files
from digitrec.training.recipe import Recipe

SHORT = Recipe("short", hidden=(8,), batch_size=512, epochs=2, validation=0.01)
LONG = SHORT.replace(name="long", epochs=14)
STEPS = SHORT.steps_per_epoch
DEADLOCK = 300  # seconds after which a test gives up

START_AND_DIE = f"""
from digitrec.jobs import runs, scheduler
from digitrec.training.recipe import Recipe
print(runs.start(Recipe.from_json({SHORT.to_json()!r})).id)
"""


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + DEADLOCK
    while not condition():
        assert time.monotonic() < end, f"never {what}"
        time.sleep(0.02)


def wait(run: runs.Run, *states: str) -> runs.Run:
    until(lambda: runs.get(run.id).state in states, f"{states}; {run.id} is {runs.get(run.id).state}")
    return runs.get(run.id)


def batches_trained(folder: Path) -> int:
    """The optimiser's own count, from the checkpoint."""
    with zipfile.ZipFile(folder / run_folder.CHECKPOINT) as archive:
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights) as file:
        return int(file["optimizer/vars/0"][()])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_HOME", str(home))


@pytest.fixture(scope="module")
def module_home(home: Path) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITREC_HOME", str(home))
        yield home


@dataclass
class Story:
    """What was seen of three runs started one after the other; the first by a process that ended at once."""

    first: runs.Run
    second: runs.Run
    states: list[list[str]] = field(default_factory=lambda: [[], [], []])
    started_second: runs.Run | None = None
    third: list[runs.Run] = field(default_factory=list)
    trained_at_once: bool = False


@pytest.fixture(scope="module")
def story(module_home: Path) -> Iterator[Story]:
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    starter = subprocess.run(
        [sys.executable, "-c", START_AND_DIE], env=environment, cwd=PROJECT, capture_output=True, text=True, check=True
    )
    first = runs.get(starter.stdout.strip())
    story = Story(first, first)

    def watch(seen: list[str]) -> None:
        while seen[-1:] not in (["finished"], ["failed"], ["interrupted"]):
            state = runs.get(first.id).state
            if not seen or seen[-1] != state:
                seen.append(state)
            if (
                state in runs.ACTIVE
                and story.second is not first
                and (story.second.folder / training_events.EVENTS).exists()
            ):
                story.trained_at_once = True
            time.sleep(0.001)

    watchers = [threading.Thread(target=watch, args=(seen,)) for seen in story.states]
    for watcher in watchers:
        watcher.start()
    story.started_second = story.second = runs.start(LONG)
    third = runs.start(SHORT)
    story.third += [third, runs.stop(third), wait(third, "stopped")]
    for watcher in watchers:
        watcher.join(DEADLOCK)
    yield story
    for run in runs.runs():
        if run.active:
            runs.stop(run)
            wait(run, "stopped", "finished", "failed", "interrupted")


@dataclass
class Broken:
    """A run that was stopped, resumed, killed and resumed again."""

    run: runs.Run
    stopped_files: set[str]
    stopped_card: dict[str, object]
    stopped_at: float
    stopped_batches: int
    stopped_events: list[dict[str, object]]
    killed: runs.Run
    ended: runs.Run
    shares: list[float]


@pytest.fixture(scope="module")
def broken(story: Story, module_home: Path) -> Broken:
    run = wait(story.second, "running")
    until(lambda: runs.progress(run).epochs > 1, "in its second epoch")
    runs.stop(run)
    run = wait(run, "stopped")
    stopped = {
        "stopped_files": {file.name for file in run.folder.iterdir()},
        "stopped_card": run.card or {},
        "stopped_at": runs.progress(run).epochs,
        "stopped_batches": batches_trained(run.folder),
        "stopped_events": training_events.read_events(run.folder),
    }
    runs.resume(run)
    until(lambda: runs.progress(run).epochs > stopped["stopped_at"] + 1, "an epoch further")
    child = scheduler.process(run.folder, run_folder.read_status(run.folder).started)
    assert child
    os.kill(child.pid, signal.SIGKILL)
    killed = wait(run, "interrupted", "finished")
    runs.resume(run)
    shares = []

    def ended() -> bool:
        shares.append(runs.progress(run).share)
        return not runs.get(run.id).active

    until(ended, "at an end")
    return Broken(run=run, killed=killed, ended=runs.get(run.id), shares=shares, **stopped)


def test_goes_from_starting_to_finished_and_is_never_taken_for_interrupted(story: Story) -> None:
    for seen in story.states:
        assert seen[-1] == "finished"
        assert seen[0] in ("starting", "running")
        assert seen == sorted(seen, key=["starting", "running", "finished"].index)
    assert any("running" in seen for seen in story.states)


def test_finishes_though_the_process_that_started_it_has_ended(story: Story) -> None:
    run = runs.get(story.first.id)
    assert run.state == "finished"
    assert not run.active
    assert not run.resumable
    assert {
        *model_files.MODEL_FILES,
        model_files.RECIPE,
        run_folder.STATUS,
        training_events.EVENTS,
        run_folder.LOG,
    } <= {file.name for file in run.folder.iterdir()}
    assert not list(run.folder.glob(".*")), "temporary files are left"
    assert batches_trained(run.folder) == STEPS * SHORT.epochs


def test_a_second_run_waits_for_its_turn_and_starts_by_itself(story: Story, broken: Broken) -> None:
    assert story.started_second is not None
    assert (story.started_second.state, story.started_second.place) == ("queued", 1)
    assert not story.trained_at_once
    assert broken.stopped_events[0]["kind"] == "batch"


def test_a_queued_run_can_be_stopped(story: Story) -> None:
    started, asked, ended = story.third
    assert (started.state, started.place) == ("queued", 2)
    assert asked.state in ("stopping", "stopped")
    assert ended.state == "stopped"
    assert ended.card is None
    assert training_events.read_events(ended.folder) == []


def test_stop_keeps_what_was_learned(broken: Broken) -> None:
    assert set(model_files.MODEL_FILES) <= broken.stopped_files
    assert broken.stopped_card["stopped"] is True
    assert 1 < broken.stopped_at < LONG.epochs
    assert broken.stopped_card["epochs"] == pytest.approx(broken.stopped_at, abs=0.01)
    assert broken.stopped_batches == pytest.approx(broken.stopped_at * STEPS, abs=0.01)
    assert broken.stopped_events[-1] == {"kind": "testing"}


def test_a_killed_run_is_interrupted(broken: Broken) -> None:
    assert broken.killed.state == "interrupted"
    assert broken.killed.resumable
    assert "Resume" in broken.killed.message


def test_resume_goes_on_with_the_optimiser_where_the_run_was(broken: Broken) -> None:
    assert broken.ended.state == "finished"
    assert broken.ended.card is not None
    assert broken.ended.card["stopped"] is False
    assert broken.ended.card["epochs"] == LONG.epochs
    assert batches_trained(broken.ended.folder) == STEPS * LONG.epochs


def test_resume_neither_repeats_nor_loses_events(broken: Broken) -> None:
    curves = runs.curves(broken.ended)
    assert curves.epoch == list(range(1, LONG.epochs + 1))
    assert len(curves.seconds) == len(curves.epoch)
    assert len(curves.batch_seconds) == len(curves.batch_epoch)
    assert curves.batch_epoch == sorted(set(curves.batch_epoch))
    before = [event for event in broken.stopped_events if "epoch" in event]
    assert training_events.read_events(broken.ended.folder)[: len(before)] == before
    seconds = [event["seconds"] for event in training_events.read_events(broken.ended.folder) if "seconds" in event]
    assert seconds == sorted(seconds)
    assert broken.ended.card is not None
    assert broken.ended.card["seconds"] == pytest.approx(seconds[-1], abs=0.1)


def test_progress_grows_to_the_end(broken: Broken) -> None:
    assert broken.shares[0] < 1
    assert broken.shares[-1] == 1
    assert all(0 <= share <= 1 for share in broken.shares)
    growing = broken.shares[next(i for i, s in enumerate(broken.shares) if s != broken.shares[0]) :]
    assert growing == sorted(growing)
    end = runs.progress(broken.ended)
    assert (end.epochs, end.of, end.seconds_left, end.testing) == (LONG.epochs, LONG.epochs, 0, True)


def test_history_is_csv_with_a_row_an_event(broken: Broken) -> None:
    rows = list(csv.DictReader(io.StringIO(runs.history_csv(broken.ended))))
    curves = runs.curves(broken.ended)
    assert [float(row["loss"]) for row in rows if row["kind"] == "epoch"] == curves.loss
    assert [float(row["val_accuracy"]) for row in rows if row["kind"] == "epoch"] == curves.val_accuracy
    assert [float(row["epoch"]) for row in rows if row["kind"] == "batch"] == curves.batch_epoch
    assert {row["val_loss"] for row in rows if row["kind"] == "batch"} == {""}
    assert len(rows) == len(curves.epoch) + len(curves.batch_epoch)


def test_all_runs_are_listed_newest_first(story: Story) -> None:
    listed = [run.id for run in runs.runs()]
    assert {story.first.id, story.second.id, story.third[0].id} <= set(listed)
    assert listed == sorted(listed, reverse=True)


def test_a_finished_run_is_neither_stopped_nor_resumed(story: Story) -> None:
    with pytest.raises(RunError, match="finished"):
        runs.stop(story.first)
    with pytest.raises(RunError, match="finished"):
        runs.resume(story.first)


def hand_made(name: str, state: str, started: float, recipe: Recipe = SHORT) -> Path:
    """A run folder without a process."""
    from digitrec.settings import runs_folder

    folder = runs_folder() / name
    folder.mkdir(parents=True)
    files.write_json(folder / model_files.RECIPE, recipe.to_json())
    files.write_json(
        folder / run_folder.STATUS, {"state": state, "message": "", "queued_at": started, "started": started}
    )
    return folder


@pytest.fixture
def other_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIGITREC_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("other_home")
def test_a_new_process_has_time_to_take_its_lock() -> None:
    now = time.time()
    hand_made("new", "queued", now)
    hand_made("old", "queued", now - run_folder.STARTING_TIME - 1)
    assert runs.get("new").state == "starting"
    assert runs.get("old").state == "interrupted"


@pytest.mark.usefixtures("other_home")
def test_a_run_waits_for_one_started_before_whose_lock_is_not_taken_yet() -> None:
    now = time.time()
    first, second = hand_made("first", "queued", now - 1), hand_made("second", "queued", now)
    assert run_folder.ahead(first) == []
    assert run_folder.ahead(second) == [first]
    assert (runs.get("second").state, runs.get("second").place) == ("queued", 1)


@pytest.mark.usefixtures("other_home")
def test_a_run_that_had_its_lock_and_has_it_no_more_is_interrupted_at_once() -> None:
    for state in ("starting", "running"):
        hand_made(state, state, time.time())
        assert runs.get(state).state == "interrupted"


@pytest.mark.usefixtures("other_home")
def test_a_worker_that_cannot_start_is_interrupted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    run = runs.start(SHORT)
    child = scheduler.process(run.folder, run_folder.read_status(run.folder).started)
    assert child
    child.wait(DEADLOCK)
    assert runs.get(run.id).state == "interrupted"
    monkeypatch.setattr(run_folder, "is_launching", lambda folder: True)
    assert runs.get(run.id).state == "interrupted"


@pytest.mark.usefixtures("other_home")
@pytest.mark.parametrize("age", [0.0, 100.0])
def test_a_run_that_ends_between_two_looks_is_not_interrupted(monkeypatch: pytest.MonkeyPatch, age: float) -> None:
    folder = hand_made("run", "running", time.time() - age)

    def ends_now(folder: Path) -> bool:
        files.write_json(folder / run_folder.STATUS, {"state": "finished", "message": "", "queued_at": 1, "started": 1})
        return False

    monkeypatch.setattr(run_folder, "is_alive", ends_now)
    assert runs.get(folder.name).state == "finished"


@pytest.mark.usefixtures("other_home")
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


@pytest.mark.usefixtures("other_home")
@pytest.mark.parametrize("name", ["", "..", "../x", ".", "/", "a/b", "none", "a\0b", "x" * 300, ".hidden"])
def test_an_unknown_run_is_refused(name: str) -> None:
    hand_made("x", "failed", 0)
    with pytest.raises(RunError, match="There is no run"):
        runs.get(name)


def test_a_parent_folder_is_no_run(other_home: Path) -> None:
    hand_made("x", "failed", 0)
    shutil.copy(other_home / "runs" / "x" / model_files.RECIPE, other_home)
    with pytest.raises(RunError, match="There is no run"):
        runs.get("..")


def test_a_home_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_HOME", "/proc/digitrec")
    assert runs.runs() == []
    with pytest.raises(RunError, match="cannot be written"):
        runs.start(SHORT)


@pytest.mark.usefixtures("other_home")
def test_a_full_disk_at_the_start_is_told_and_leaves_nothing() -> None:
    import resource

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, limit[1]))  # smaller than a recipe
    try:
        with pytest.raises(RunError, match="disk is full"):
            runs.start(SHORT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert runs.runs() == []
    assert list(runs.settings.runs_folder().iterdir()) == []


def steady(folder: Path, count: int) -> None:
    """Events of a training at an even pace: 0.05 epochs and 0.5 seconds each."""
    events = [
        {"kind": "batch", "epoch": n / 20, "loss": 1, "accuracy": 0.5, "seconds": n / 2, "digits_per_second": 100}
        for n in range(1, count + 1)
    ]
    (folder / training_events.EVENTS).write_text("".join(json.dumps(event) + "\n" for event in events))


@pytest.mark.usefixtures("other_home")
def test_time_left_is_reckoned_from_the_pace() -> None:
    folder = hand_made("run", "failed", 0, SHORT.replace(epochs=10))
    run = runs.get("run")
    assert runs.progress(run) == runs.Progress(0.0, 10, 0.0, None, None, None, False)
    steady(folder, 1)
    assert runs.progress(run).seconds_left is None
    for count in (2, 100, 200):
        steady(folder, count)
        progress = runs.progress(run)
        assert progress.seconds_left == pytest.approx((200 - count) * 0.5)
        assert progress.share == pytest.approx(count / 200)
        assert (progress.seconds, progress.digits_per_second, progress.accuracy) == (count / 2, 100, 0.5)


@pytest.mark.usefixtures("other_home")
def test_a_run_that_its_seconds_end_counts_them_from_its_first_steps() -> None:
    folder = hand_made("run", "failed", 0, SHORT.replace(epochs=200, seconds=10.0))
    assert runs.progress(runs.get("run")).share == 0
    for count, left in ((1, 10), (11, 5), (21, 0), (30, 0)):
        steady(folder, count)
        progress = runs.progress(runs.get("run"))
        assert (progress.seconds_left, progress.share) == (left, 1 - left / 10)


@pytest.mark.usefixtures("other_home")
def test_a_damaged_run_is_named_and_can_be_discarded_others_cannot() -> None:
    good, bad, foreign = (hand_made(name, "failed", 0) for name in ("good", "bad", "foreign"))
    (bad / model_files.RECIPE).write_text("{")
    for file in foreign.iterdir():
        file.unlink()  # somebody's empty folder is no run
    assert runs.damaged() == ["bad"]
    for name in ("good", "foreign", "..", "none"):
        with pytest.raises(RunError, match="no damaged run"):
            runs.discard(name)
    with FileLock(bad / run_folder.ALIVE), pytest.raises(RunError, match="still works"):
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
    assert 0 <= runs.progress(run).share <= 1
    curves = runs.curves(run)
    assert len(curves.epoch) == len(curves.val_accuracy)
    assert runs.history_csv(run).startswith("kind,epoch,loss,")
    assert run.card is None or isinstance(run.card, dict)


@pytest.fixture(scope="module")
def victim(story: Story, home: Path) -> Path:
    folder = home / "runs" / "victim"
    shutil.copytree(story.first.folder, folder)
    return folder


@pytest.mark.parametrize("name", [model_files.RECIPE, run_folder.STATUS, training_events.EVENTS, model_files.CARD])
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
    whole = (victim / run_folder.STATUS).read_bytes()
    (victim / run_folder.STATUS).write_bytes(whole[: len(whole) // 2])
    try:
        run = runs.get("victim")
    finally:
        (victim / run_folder.STATUS).write_bytes(whole)
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
