"""A model, or a run's curves, in a form to use elsewhere: `python -m digitrec.jobs.exports FOLDER KIND`.

A page asks for it (`start`) and checks whether it is there (`find`). A process of its own converts and checks it
(see `registry.export`), because that takes TensorFlow. What it makes is kept: asked for again, it is there at once.

    exports_folder()/<fingerprint>-<kind>/      a job's folder, see `job`
        export.zip                              what was asked for; moved into place when it is complete and checked
"""

import hashlib
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from digitrec import files, settings
from digitrec.errors import ModelError
from digitrec.jobs import job, making, throttle
from digitrec.training import model_files

KINDS = ("onnx", "savedmodel", "tensorboard")
VERSION = 1
"""Part of the fingerprint: raise it when what is made changes, so that nothing older is offered."""

ZIP = "export.zip"
KEPT = 20  # exports; of the largest shipped model 20 are 250 MB

ADVICE = job.Advice(again="Start the export again.", memory="Wait until no run trains, then start the export again.")
"""What can be done after an export has failed."""


@dataclass(frozen=True, kw_only=True)
class Export(making.Progress):
    """How far an export has come.

    Attributes:
        file: The zip; it is there when the state is `ready`.
    """

    file: Path


def find(folder: Path, kind: str) -> Export:
    """Return how far the export of this kind of the model in a folder, a saved one or a run's, has come.

    Raises:
        ModelError: If the model is gone.
    """
    work = _work(folder, kind)
    return Export(*making.progress(work, ADVICE, (work / ZIP).exists), file=work / ZIP)


def start(folder: Path, kind: str) -> Export:
    """Have an export made by a process of its own, unless it is there or under way already.

    Raises:
        ModelError: If the model is gone, or TensorFlow is not installed.
        RunError: If the disk is full or read-only.
    """
    found = find(folder, kind)
    if found.state in ("making", "ready"):
        return found
    if not settings.has_tensorflow():
        raise ModelError(settings.NO_TENSORFLOW)
    work = _work(folder, kind)
    with job.writing("The export cannot be started"):
        work.mkdir(parents=True, exist_ok=True)
        files.write_json(work / job.STATUS, job.new_status())
        job.launch(work, "digitrec.jobs.exports", str(folder), kind)
    return find(folder, kind)


def stop(folder: Path, kind: str) -> None:
    """End an export that is under way; it can be started again.

    Raises:
        ModelError: If the model is gone.
        RunError: If the disk is full or read-only.
    """
    work = _work(folder, kind)
    if making.stop(work, ADVICE):
        with job.writing("The export cannot be stopped"):
            (work / job.STATUS).unlink(missing_ok=True)


def main(folder: Path, kind: str) -> None:
    """Make an export, in this process, and write what became of it."""
    work = _work(folder, kind)
    work.mkdir(parents=True, exist_ok=True)
    with making.turn(work, ADVICE, settings.exports_folder(), "TensorFlow is being loaded"):
        if not (work / ZIP).exists():
            _make(folder, kind, work)


def _make(folder: Path, kind: str, work: Path) -> None:
    _tidy(work)
    from digitrec.registry import export

    name = (files.read_json(folder / model_files.CARD) or {}).get("name", folder.name)
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        tree = Path(scratch) / f"{name}-{kind}"
        tree.mkdir()
        export.WRITERS[kind](folder, tree, lambda step: job.update(work, message=step))
        files.write(work / ZIP, lambda temporary: _zip(tree, temporary))


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
    others = [other for other in settings.exports_folder().glob("*/") if other != work and not job.is_alive(other)]
    for old in sorted(others, key=lambda other: other.stat().st_mtime)[: -KEPT + 1]:
        shutil.rmtree(old, ignore_errors=True)


def _work(folder: Path, kind: str) -> Path:
    """Return the folder of an export. Two models have the same only where their cards are, so their weights."""
    if kind not in KINDS:
        raise ModelError(f"There is no such kind of export. Choose one of: {', '.join(KINDS)}. Received: {kind[:40]!r}")
    try:
        card = (folder / model_files.CARD).read_bytes()
    except OSError as error:
        raise ModelError("The model no longer exists. Choose another one.") from error
    return settings.exports_folder() / f"{hashlib.sha256(card + bytes([VERSION])).hexdigest()[:16]}-{kind}"


if __name__ == "__main__":
    throttle.give_way()
    main(Path(sys.argv[1]).absolute(), sys.argv[2])
    found = find(Path(sys.argv[1]).absolute(), sys.argv[2])
    sys.exit(found.message or print(found.file))
