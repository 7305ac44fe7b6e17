"""A model, or a run's curves, made ready to use elsewhere: `python -m digitrec.jobs.exports FOLDER KIND`.

A page asks for it (`start`) and looks whether it is there (`find`). A process of its own converts and checks
(see `export`), for that takes TensorFlow. What it makes is kept: asked for again, it is there at once.

    exports_folder()/<fingerprint>-<kind>/
        status.json, alive.lock, out.log   as in a run folder (see `run_folder`)
        export.zip                         what was asked for; moved into place when it is whole and checked
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zipfile
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from digitrec import files, settings
from digitrec.errors import DigitrecError, ModelError
from digitrec.jobs import process, run_folder, throttle
from digitrec.training import model_files

KINDS = ("onnx", "savedmodel", "tensorboard")
VERSION = 1
"""Part of the fingerprint: raise it when what is made changes, so that nothing older is offered."""

ZIP = "export.zip"
TURN = "turn.lock"
STARTS_WITHIN = 3.0  # seconds, after which a process has said who it is
KEPT = 20  # exports; of the largest shipped model 20 are 250 MB

BROKEN_OFF = "It was broken off: its process was killed, or the machine was restarted. Ask for it again."
DISK = "It could not be written: the disk is full or read-only. Free some space, then ask for it again."


@dataclass(frozen=True)
class Export:
    """How far an export has come.

    Attributes:
        state: `none` (never asked for, or stopped), `making`, `ready` or `failed`.
        message: While it is made, what is done at the moment; when it failed, a sentence on why.
        file: The zip; it is there when the state is `ready`.
        seconds: While it is made, for how long; 0 while it waits for its turn.
    """

    state: str
    message: str
    file: Path
    seconds: float = 0.0


def find(folder: Path, kind: str) -> Export:
    """Return how far the export of this kind of the model in a folder, a saved one or a run's, has come.

    Raises:
        ModelError: If the model is gone.
    """
    work = _work(folder, kind)
    alive = run_folder.is_alive(work) or run_folder.is_launching(
        work
    )  # looked at first: what it wrote before it ended is then seen
    status = files.read_json(work / run_folder.STATUS) or {}
    message = str(status.get("message") or "")
    if (work / ZIP).exists():
        return Export("ready", "", work / ZIP)
    if status.get("state") == "failed":
        return Export("failed", message or BROKEN_OFF, work / ZIP)
    if alive:
        began = float(status.get("began") or time.time())
        return Export("making", message, work / ZIP, max(0.0, time.time() - began))
    return Export("failed" if status else "none", BROKEN_OFF if status else "", work / ZIP)


def start(folder: Path, kind: str) -> Export:
    """Have an export made by a process of its own, unless it is there or under way already.

    Raises:
        ModelError: If the model is gone, or the disk is full or read-only.
    """
    found = find(folder, kind)
    if found.state in ("making", "ready"):
        return found
    work = _work(folder, kind)
    try:
        work.mkdir(parents=True, exist_ok=True)
        files.write_json(work / run_folder.STATUS, {"state": run_folder.WAITING, "message": "", "started": time.time()})
        with (work / run_folder.LOG).open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "digitrec.jobs.exports", str(folder), kind],
                cwd=settings.PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C at the server does not reach it
            )
    except OSError as error:
        raise ModelError(DISK) from error
    threading.Thread(target=child.wait, daemon=True).start()  # reaps it
    return find(folder, kind)


def stop(folder: Path, kind: str) -> None:
    """End an export that is under way; it can be asked for again. Linux only, see `process`.

    Raises:
        ModelError: If the model is gone, or the disk is full or read-only.
    """
    work, until = _work(folder, kind), time.monotonic() + STARTS_WITHIN
    while find(folder, kind).state == "making" and time.monotonic() < until:
        if process.kill(str((files.read_json(work / run_folder.STATUS) or {}).get("process", ""))):
            try:
                (work / run_folder.STATUS).unlink(missing_ok=True)
            except OSError as error:
                raise ModelError(DISK) from error
            return
        time.sleep(0.05)


def main(folder: Path, kind: str) -> None:
    """Make an export, in this process, and write what came of it."""
    work = _work(folder, kind)
    work.mkdir(parents=True, exist_ok=True)
    with FileLock(work / run_folder.ALIVE, timeout=10):
        if (work / ZIP).exists():
            return
        try:
            _say(work, "", run_folder.WAITING, process=process.name())
            with FileLock(settings.exports_folder() / TURN):  # one at a time: each takes as much memory as a training
                _make(folder, kind, work)
        except DigitrecError as error:
            _say(work, str(error), "failed")
        except OSError as error:
            traceback.print_exception(error)
            _say(work, DISK, "failed")
        except MemoryError:
            _say(work, "There is not enough memory for it. Wait until no run trains, then ask for it again.", "failed")
        except Exception as error:
            traceback.print_exception(error)
            _say(work, f"It broke off with an internal error ({type(error).__name__}). Its log says more.", "failed")


def _make(folder: Path, kind: str, work: Path) -> None:
    _tidy(work)
    _say(work, "TensorFlow is being loaded", began=time.time())
    from digitrec.registry import export

    name = (files.read_json(folder / model_files.CARD) or {}).get("name", folder.name)
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        tree = Path(scratch) / f"{name}-{kind}"
        tree.mkdir()
        export.WRITERS[kind](folder, tree, lambda step: _say(work, step))
        files.write(work / ZIP, lambda temporary: _zip(tree, temporary))
    _say(work, "", "finished")


def _zip(tree: Path, file: Path) -> None:
    """Write a folder and all in it to a zip file."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(tree.rglob("*")):
            archive.write(path, path.relative_to(tree.parent))


def _tidy(work: Path) -> None:
    """Remove what a killed process left half made, and the exports least lately made."""
    for leftover in work.glob("tmp*/"):
        shutil.rmtree(leftover, ignore_errors=True)
    for leftover in work.glob(".*-*"):
        leftover.unlink(missing_ok=True)
    others = [
        other for other in settings.exports_folder().glob("*/") if other != work and not run_folder.is_alive(other)
    ]
    for old in sorted(others, key=lambda other: other.stat().st_mtime)[: -KEPT + 1]:
        shutil.rmtree(old, ignore_errors=True)


def _say(work: Path, message: str, state: str = "running", **facts: object) -> None:
    before = files.read_json(work / run_folder.STATUS) or {}
    files.write_json(work / run_folder.STATUS, before | {"state": state, "message": message} | facts)


def _work(folder: Path, kind: str) -> Path:
    """Return the folder of an export. Two models have the same only where their cards are, so their weights."""
    if kind not in KINDS:
        raise ModelError(f"There is no such kind of export. Kinds: {', '.join(KINDS)}. Received: {kind[:40]!r}")
    try:
        card = (folder / model_files.CARD).read_bytes()
    except OSError as error:
        raise ModelError("The model is not there any more. Choose another one.") from error
    return settings.exports_folder() / f"{hashlib.sha256(card + bytes([VERSION])).hexdigest()[:16]}-{kind}"


if __name__ == "__main__":
    throttle.give_way()
    main(Path(sys.argv[1]).absolute(), sys.argv[2])
    found = find(Path(sys.argv[1]).absolute(), sys.argv[2])
    sys.exit(found.message or print(found.file))
