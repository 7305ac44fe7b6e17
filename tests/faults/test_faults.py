"""What may befall a server: killed processes, a full or read-only disk, a clock set back, hanging workers, no memory.

`python -m tests.faults.kills` does more of the first two.
"""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from digitrec import files
from digitrec.errors import RunError
from digitrec.jobs import job, queue, runs, scheduler, sweep
from digitrec.settings import PROJECT
from digitrec.training import events, model_files
from digitrec.training.recipe import Recipe
from digitrec.ui.train import train
from tests.faults import actions
from tests.waiting import DEADLOCK, until

RECIPE = Recipe("small", hidden=(8,), batch_size=512, epochs=1, validation=0.01)

HANGS = """
import os, signal, sys
from pathlib import Path
from digitrec.jobs import job
folder = Path(sys.argv[1])
with job.held(folder):
    job.update(folder, state="running")
    os.kill(os.getpid(), signal.SIGSTOP)
"""


def run_folder(home: Path, name: str, state: str, **status: object) -> Path:
    folder = home / "runs" / name
    values = {"state": state, "message": "", "queued_at": 1.0, "started": 1.0}
    files.new_folder(folder, {model_files.RECIPE: RECIPE.to_json(), job.STATUS: values | status})
    return folder


def test_what_is_killed_or_refused_in_the_middle_leaves_nothing_lost_half_or_locked() -> None:
    command = [sys.executable, "-m", "tests.faults.kills", "--count", "12", "--trainings", "0", "--servers", "0"]
    done = subprocess.run([*command, "--no-survey"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# a worker that hangs


@contextmanager
def hanging(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that holds a run and was stopped by a signal, as one is that waits for a disk which never answers."""
    with subprocess.Popen([sys.executable, "-c", HANGS, str(folder)], cwd=PROJECT) as child:
        try:
            until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED, "stopped")
            yield child
        finally:
            child.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="no signal stops a process there")
def test_stop_ends_a_worker_that_hangs_though_another_server_started_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run_folder(home, "hangs", "starting")
    other = run_folder(home, "other", "starting")
    monkeypatch.setattr(job, "GRACE_SECONDS", 0.1)
    with hanging(folder) as child, hanging(other) as bystander:
        assert runs.get("hangs").state == "running"
        assert runs.stop(runs.get("hangs")).state in ("stopping", "failed")
        assert child.wait(DEADLOCK) == -signal.SIGKILL
        until(lambda: not runs.get("hangs").active, "at an end")
        assert bystander.poll() is None, "another run's process was ended"
    ended = runs.get("hangs")
    assert (ended.state, ended.resumable) == ("failed", True)
    assert ended.message == f"{job.HUNG} {scheduler.ADVICE.again}"


def test_a_run_that_says_nothing_for_long_says_so_and_can_be_stopped(home: Path) -> None:
    folder = run_folder(home, "silent", "running")
    with FileLock(folder / job.ALIVE):
        (folder / events.EVENTS).touch()
        assert runs.get("silent").message == ""
        for file in (*folder.iterdir(), folder):
            os.utime(file, (time.time() - 400, time.time() - 400))
        run = runs.get("silent")
        assert run.message == "It has written nothing for 6 minutes. If it hangs, Stop ends it."
        sentence = train.status_sentence(run, runs.progress_and_curves(run)[0])
        assert sentence.startswith("running: epoch 0.00 of 1, 0 s. It has written nothing")


# a clock that is set back


def test_a_run_started_after_the_clock_was_set_back_waits_all_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    first = run_folder(home, "first", "running", queued_at=now, started=now)
    monkeypatch.setattr(scheduler, "submit", lambda folder: None)
    with FileLock(first / job.ALIVE):
        monkeypatch.setattr(time, "time", lambda: now - 86_400)
        second = runs.start(RECIPE)
        assert (second.state, second.place) == ("queued", 1)
        third = runs.start(RECIPE)
        assert (third.state, third.place) == ("queued", 2)
        assert runs.get("first").state == "running"
        assert runs.get("first").message == ""
        assert queue.ahead(first) == []


def test_what_was_left_half_made_is_cleared_after_an_hour(home: Path) -> None:
    parent = home / "runs"
    old, new = parent / ".new-old", parent / ".gone-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / model_files.RECIPE).write_text("{")
    os.utime(old, (time.time() - 2 * files.LEFT_OVER,) * 2)
    assert (runs.runs(), runs.damaged()) == ([], [])
    run_folder(home, "any", "failed")
    assert sorted(folder.name for folder in parent.iterdir()) == [".gone-new", "any"]


# a disk that is full or read-only, as the kernel has it


MOUNTED = """
import os, sys
from pathlib import Path
from digitrec.errors import DigitrecError
from tests.faults import actions
home, fault = Path(os.environ["DIGITREC_HOME"]), sys.argv[1]

def fill():
    with (home / "fill").open("ab", buffering=0) as stream:
        try:
            while stream.write(bytes(4096)):
                pass
        except OSError:
            pass

with actions.nobody_trains():
    if fault == "none":
        actions.seed(home)
        sys.exit()
    freeing = ("delete", "discard", "clear")
    order = lambda action: action.name.startswith(freeing) + 2 * ("duel" in action.name)
    for action in sorted(actions.actions(home), key=order):
        if action.by_worker:
            continue
        if fault == "full":
            fill()
        try:
            action.do()
            print("done", action.name)
        except DigitrecError as error:
            print("refused", action.name, "-", error)
    wrong = actions.wrong(home, gone=("mine", "yours"))
    assert not wrong, wrong
"""


def mounts() -> bool:
    """Whether this user may mount."""
    unshare = shutil.which("unshare")
    command = [str(unshare), "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    return bool(unshare) and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_each_action_on_a_full_or_read_only_disk_gives_a_sentence(home: Path, fault: str, tmp_path: Path) -> None:
    if not mounts():
        pytest.skip("this user may not mount; tests.faults.kills refuses writes without")
    script = tmp_path / "actions.py"
    script.write_text(MOUNTED)
    python = f"{sys.executable} {script}"
    spoil = "true" if fault == "full" else f"mount -o remount,ro {home}"
    line = f"mount -t tmpfs -o size=32m none {home} && {python} none && {spoil} && {python} {fault}"
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", line], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(home) not in done.stdout
    lines = {line.partition(" - ")[0]: line for line in done.stdout.splitlines()}
    for name in ("start a run", "save a model", "rename a model", "start a sweep"):
        assert fault in lines[f"refused {name}"]
    for name in ("delete a run", "delete a model", "delete a sweep"):  # a full disk is made room on
        assert f"done {name}" in lines if fault == "full" else "cannot be" in lines[f"refused {name}"]


def test_a_sweep_on_a_read_only_disk_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with actions.nobody_trains():
        actions.seed(home)

        def refuses(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(Path, "touch", refuses)
        monkeypatch.setattr(Path, "unlink", refuses)
        for action in (sweep.stop, sweep.resume):
            with pytest.raises(RunError, match="read-only"):
                action(sweep.get("old"))


# too little memory


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_training_without_enough_memory_ends_with_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    little = home / "python"
    little.write_text(f'#!/bin/sh\nulimit -v 1500000\nexec {sys.executable} "$@"\n')  # kB; TensorFlow alone takes more
    little.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(little))
    run = runs.start(RECIPE)
    child = job.child(run.folder)
    assert child
    child.wait(DEADLOCK)
    ended = runs.get(run.id)
    assert ended.state in ("failed", "interrupted")
    assert "memory" in ended.message, (ended, (run.folder / job.LOG).read_text())
    assert ended.resumable


def test_a_worker_that_linux_kills_for_want_of_memory_can_be_resumed(home: Path) -> None:
    run_folder(home, "killed", "running")  # SIGKILL leaves nothing but the state: its lock is gone
    ended = runs.get("killed")
    assert (ended.state, ended.resumable) == ("interrupted", True)
    assert "the memory ran out" in ended.message
