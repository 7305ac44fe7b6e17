"""Runs with real worker processes: small MLPs, seconds each."""

import csv
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import psutil
import pytest

from digitrec.errors import RunError
from digitrec.jobs import checkpoint, job, runs
from digitrec.settings import PROJECT
from digitrec.training import events as training_events
from digitrec.training import model_files
from digitrec.training.recipe import Recipe
from tests.small_trainings.sitecustomize import DIGITS
from tests.waiting import until

SHORT = Recipe("short", hidden=(8,), batch_size=64, epochs=2, validation=0.01)
LONG = SHORT.replace(name="long", epochs=60)
STEPS = -(-(DIGITS - SHORT.validation_digits) // SHORT.batch_size)
ENDED = ("stopped", "finished", "failed", "interrupted")

START_AND_DIE = f"""
from digitrec.jobs import runs
from digitrec.training.recipe import Recipe
print(runs.start(Recipe.from_json({SHORT.to_json()!r})).id)
"""


def wait(run: runs.Run, *states: str) -> runs.Run:
    until(lambda: runs.get(run.id).state in states, f"in one of the states {states}")
    return runs.get(run.id)


def batches_trained(folder: Path) -> int:
    """The optimiser's own count, from the checkpoint."""
    with zipfile.ZipFile(folder / checkpoint.CHECKPOINT) as archive:
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
    """Three runs, of which the first was started by a process that ended at once, and held until the others waited."""

    first: runs.Run
    second: runs.Run
    third: list[runs.Run]
    states: list[str] = field(default_factory=list)
    trained_at_once: bool = False


@pytest.fixture(scope="module")
def story(module_home: Path, small_trainings: None) -> Iterator[Story]:
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(PROJECT)])
    starter = subprocess.run(
        [sys.executable, "-c", START_AND_DIE],
        env=os.environ | {"PYTHONPATH": path},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    first = runs.get(starter.stdout.strip())
    until(lambda: job.read_status(first.folder).process, "at work")
    process = psutil.Process(int(job.read_status(first.folder).process.split()[0]))
    process.suspend()
    second, third = runs.start(LONG), runs.start(SHORT)
    story = Story(first, second, [third, runs.stop(third), wait(third, "stopped")])

    def ended() -> bool:
        other_trains = (second.folder / training_events.EVENTS).exists()
        state = runs.get(first.id).state
        story.states += [state] if story.states[-1:] != [state] else []
        story.trained_at_once |= other_trains and state in runs.ACTIVE
        return state in ENDED

    assert not ended()
    process.resume()
    until(ended, "at an end")
    yield story
    for run in runs.runs():
        if run.active:
            runs.stop(run)
            wait(run, *ENDED)


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
    until(lambda: runs.progress_and_curves(run)[0].epochs > 1, "in its second epoch")
    runs.stop(run)
    run = wait(run, "stopped")
    stopped = {
        "stopped_files": {file.name for file in run.folder.iterdir()},
        "stopped_card": run.card or {},
        "stopped_at": runs.progress_and_curves(run)[0].epochs,
        "stopped_batches": batches_trained(run.folder),
        "stopped_events": training_events.read_events(run.folder),
    }
    runs.resume(run)
    until(lambda: runs.progress_and_curves(run)[0].epochs > stopped["stopped_at"] + 1, "an epoch further")
    child = job.child(run.folder)
    assert child
    child.kill()
    killed = wait(run, *ENDED)
    runs.resume(run)
    shares = []

    def ended() -> bool:
        shares.append(runs.progress_and_curves(run)[0].share)
        return not runs.get(run.id).active

    until(ended, "at an end")
    return Broken(run=run, killed=killed, ended=runs.get(run.id), shares=shares, **stopped)


def test_goes_from_starting_to_finished_and_is_never_taken_for_interrupted(story: Story) -> None:
    order = ["starting", "running", "finished"]
    assert story.states[-1] == "finished"
    assert story.states == sorted(set(story.states), key=order.index)


def test_finishes_though_the_process_that_started_it_has_ended(story: Story) -> None:
    run = runs.get(story.first.id)
    assert run.state == "finished"
    assert not run.active
    assert not run.resumable
    assert {
        *model_files.MODEL_FILES,
        model_files.RECIPE,
        job.STATUS,
        training_events.EVENTS,
        job.LOG,
    } <= {file.name for file in run.folder.iterdir()}
    assert not list(run.folder.glob(".*")), "temporary files are left"
    assert batches_trained(run.folder) == STEPS * SHORT.epochs


def test_a_second_run_waits_for_its_turn_and_starts_by_itself(story: Story, broken: Broken) -> None:
    assert (story.second.state, story.second.place) == ("queued", 1)
    assert not story.trained_at_once
    assert broken.stopped_events[0]["kind"] in ("batch", "epoch")  # a quick machine has ended an epoch by then


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
    curves = runs.curves_in(broken.ended.folder)
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
    end = runs.progress_and_curves(broken.ended)[0]
    assert (end.epochs, end.of, end.seconds_left, end.testing) == (LONG.epochs, LONG.epochs, 0, True)


def test_history_is_csv_with_a_row_an_event(broken: Broken) -> None:
    rows = list(csv.DictReader(io.StringIO(runs.history_csv(broken.ended))))
    curves = runs.curves_in(broken.ended.folder)
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
