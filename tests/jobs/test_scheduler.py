"""Runs given to a real Dask cluster on loopback, and the process that is kept warm for the next run."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from digitrec import files
from digitrec.errors import SettingsError
from digitrec.jobs import job, queue, runs, scheduler
from digitrec.settings import PROJECT
from digitrec.training import events, model_files
from digitrec.training.recipe import Recipe
from tests.waiting import DEADLOCK, until

pytestmark = pytest.mark.usefixtures("small_trainings")

SHORT = Recipe("short", hidden=(8,), batch_size=512, epochs=1, validation=0.01)


@contextlib.contextmanager
def dask(folder: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A part of a cluster, started in a folder of its own as on another machine."""
    folder.mkdir()
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler, which knows nothing of this project, and two workers."""
    address_file = folder / "scheduler.json"
    with contextlib.ExitStack() as stack:
        start = lambda name, *arguments, **more: stack.enter_context(dask(folder / name, *arguments, **more))  # noqa: E731
        start("scheduler", "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(address_file))
        until(lambda: files.read_json(address_file), "a scheduler")
        address = str((files.read_json(address_file) or {})["address"])
        path = os.pathsep.join([os.environ["PYTHONPATH"], str(PROJECT)])
        workers = [
            start(name, "worker", address, "--nthreads", "1", "--no-nanny", PYTHONPATH=path) for name in ("one", "two")
        ]
        yield address, workers


def half_way(finished: Path, folder: Path) -> runs.Run:
    """A run that was stopped after its second epoch, with 18 more to go."""
    shutil.copytree(finished, folder)
    recipe = Recipe.from_json(files.read_json(folder / model_files.RECIPE))
    files.write_json(folder / model_files.RECIPE, recipe.replace(epochs=20, validation=0.01).to_json())
    files.write_json(folder / job.STATUS, {"state": "stopped", "message": ""})
    return runs.get(folder.name)


def test_a_run_whose_worker_is_killed_is_taken_up_by_the_other_from_the_checkpoint(
    home: Path, tiny_run: Path, small_trainings: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = half_way(tiny_run, home / "runs" / "half")
    before = [event for event in events.read_events(run.folder) if "epoch" in event]
    seen: list[str] = []
    with cluster(tmp_path) as (address, workers):
        monkeypatch.setenv("DIGITREC_SCHEDULER", address)
        assert runs.resume(run).state in ("queued", "starting")

        def watched(*states: str) -> bool:
            state = runs.get(run.id).state
            if state not in seen[-1:]:
                seen.append(state)
            return state in states

        until(lambda: watched("running"), "running")
        at_work = [worker for worker in workers if psutil.Process(worker.pid).children()]
        assert len(at_work) == 1
        [trainer] = psutil.Process(at_work[0].pid).children()
        at_work[0].send_signal(signal.SIGKILL)
        until(lambda: not trainer.is_running() or trainer.status() == psutil.STATUS_ZOMBIE, "at an end with its worker")
        watched()
        until(lambda: watched("finished", "failed", "stopped", "interrupted"), "at an end")
    assert seen[-1] == "finished"
    assert "interrupted" not in seen
    assert (files.read_json(run.folder / job.STATUS) or {})["takes"] == 2
    assert events.read_events(run.folder)[: len(before)] == before
    assert runs.curves_in(run.folder).epoch == list(range(1, 21))
    assert run.card is not None
    assert "Fatal" not in (run.folder / job.LOG).read_text()


def test_a_scheduler_that_never_answers_is_reported_and_the_run_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "PATIENCE", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("DIGITREC_SCHEDULER", f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        run = runs.start(SHORT)
    assert (run.state, run.resumable) == ("failed", True)
    assert "did not answer" in run.message
    assert runs.resume(run).state == "failed"  # nobody listens at all by now
    assert [kept.id for kept in runs.runs()] == [run.id]


def test_a_scheduler_that_is_no_address_is_refused_before_anything_is_written(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITREC_SCHEDULER", "host")
    with pytest.raises(SettingsError, match="DIGITREC_SCHEDULER must be an address"):
        runs.start(SHORT)
    assert not (home / "runs").exists()


def on_a_cluster(home: Path, name: str, **status: object) -> Path:
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    files.write_json(folder / model_files.RECIPE, SHORT.to_json())
    values = {"state": "queued", "message": "", "queued_at": 1.0, "started": 1.0, "cluster": True}
    files.write_json(folder / job.STATUS, values | status)
    return folder


def test_a_run_waits_on_a_cluster_as_long_as_it_takes_and_can_be_stopped(home: Path) -> None:
    folder = on_a_cluster(home, "waits")
    assert (runs.get("waits").state, runs.get("waits").place) == ("queued", 0)
    assert runs.stop(runs.get("waits")).state == "stopped"
    (folder / job.STOP).unlink()
    files.write_json(folder / job.STATUS, {"state": "queued", "queued_at": 2.0, "started": time.time()})
    assert queue.ahead(folder) == []


def test_a_worker_leaves_alone_what_has_ended_was_started_anew_or_was_deleted(home: Path) -> None:
    ended, anew = on_a_cluster(home, "ended", state="finished"), on_a_cluster(home, "anew", started=2.0)
    before = [(folder / job.STATUS).read_text() for folder in (ended, anew)]
    for folder in (ended, anew, home / "runs" / "deleted"):
        scheduler.train(str(folder), 1.0)
    assert [(folder / job.STATUS).read_text() for folder in (ended, anew)] == before
    assert sorted(folder.name for folder in (home / "runs").iterdir()) == ["anew", "ended"]


def test_a_run_that_kills_its_workers_is_given_up(home: Path) -> None:
    folder = on_a_cluster(home, "deadly", state="running", takes=scheduler.MOST_TAKES)
    scheduler.train(str(folder), 1.0)
    run = runs.get("deadly")
    assert (run.state, run.resumable) == ("failed", True)
    assert "were lost" in run.message


def test_a_training_that_breaks_off_on_a_cluster_is_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = on_a_cluster(home, "breaks")
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    scheduler.train(str(folder), 1.0)
    assert (runs.get("breaks").state, runs.get("breaks").message) == (
        "failed",
        f"{job.INTERRUPTED} {scheduler.ADVICE.again}",
    )


@pytest.fixture
def spare(monkeypatch: pytest.MonkeyPatch) -> Iterator[psutil.Process]:
    """A process that was prepared for the next run."""
    monkeypatch.setenv("DIGITREC_WARM_MINUTES", "1")
    scheduler.warm()
    assert scheduler._spare.child
    yield psutil.Process(scheduler._spare.child.pid)
    scheduler._spare.end()


def test_the_spare_process_takes_the_next_run_and_counts_as_none_before(spare: psutil.Process) -> None:
    scheduler.warm()
    assert scheduler._spare.child
    assert scheduler._spare.child.pid == spare.pid, "there is one only"
    assert runs.runs() == []
    run = runs.start(SHORT)
    child = job.child(run.folder)
    assert child
    assert child.pid == spare.pid
    scheduler.warm()
    assert scheduler._spare.child is None, "another one beside a training"
    child.wait(DEADLOCK)
    run = runs.get(run.id)
    assert run.state == "finished", (run.folder / job.LOG).read_text()
    assert run.card is not None


def test_a_spare_process_that_was_killed_is_not_relied_on(spare: psutil.Process) -> None:
    spare.kill()
    assert scheduler._spare.child
    scheduler._spare.child.wait()
    assert scheduler._spare.take(Path("/none")) is None


def test_the_spare_process_ends_with_its_server(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from digitrec.jobs import scheduler; scheduler.warm(); print(scheduler._spare.child.pid)"
    environment = os.environ | {"DIGITREC_WARM_MINUTES": "1", "PYTHONPATH": str(PROJECT)}
    server = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    until(lambda: not psutil.pid_exists(int(server.stdout)), "at an end")
