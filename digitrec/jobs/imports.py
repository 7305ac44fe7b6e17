"""A model that somebody imports becomes one of the app's: `python -m digitrec.jobs.imports FOLDER`.

A page, or the command line, leaves the file (`start`) and looks how far it has come (`find`). A process of its own
reads it (see `registry.importing`), builds it, tests it under each scaling and writes a model's files.

    imports_folder()/<token>/    a job's folder, see `job`
        source                   the file; deleted as soon as it was read
        request.json             its name, and the name that the model gets
        model/                   the model's files, but for `insight.npz`; complete as soon as there is a card
"""

import contextlib
import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitrec import files, settings
from digitrec.errors import ModelError
from digitrec.jobs import job, making
from digitrec.registry import card as cards
from digitrec.registry import registry
from digitrec.registry.registry import Model
from digitrec.training.recipe import DIGITS, Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitrec.registry.importing.scalings import Measured
    from digitrec.registry.importing.tidy import Tidied

SOURCE, REQUEST, MODEL = "source", "request.json", "model"
LARGEST_FILE = 100 * 2**20  # bytes
TOKEN_LENGTH = 32  # characters, 128 bits in base 16
NICER = 5  # how much lower the priority is: above training's, for a person waits; below the pages'
KEPT_SECONDS = 2 * 60 * 60.0
WAITING = 10  # imports under way on a server; one works, the others wait
LONGEST_NAME = 80  # characters of the file's name that the card keeps
TOLERANCE = 1e-4  # how far the LiteRT model's probabilities may differ from those of the file's network
RECIPE = Recipe("import", validation=2_000 / DIGITS)
"""Of how it was trained nothing is known; this one says which of MNIST's digits calibrate it."""

ADVICE = job.Advice(again="Import the file again.", memory="Wait until no run trains, then import the file again.")
"""What can be done after an import has failed."""


@dataclass(frozen=True, kw_only=True)
class Import(making.Progress):
    """How far an import has come.

    Attributes:
        token: By which it is found.
        folder: The model's; whole when the state is `ready`.
        name: The name that the model gets.
    """

    token: str
    folder: Path
    name: str


def folder(token: str) -> Path:
    """Return an import's folder.

    Raises:
        ModelError: If this is no token.
    """
    if len(token) != TOKEN_LENGTH or not token.isalnum() or not token.isascii():
        raise ModelError("This file is not known here. Import it again.")
    return settings.imports_folder() / token


def start(data: bytes, file_name: str, name: str) -> Import:
    """Have a file made a model by a process of its own.

    Args:
        data: The file's bytes.
        file_name: Its name, for the card.
        name: The name that the model gets; the caller has checked it.

    Raises:
        ModelError: If the file is too large, TensorFlow is not installed, or too many are under way.
        RunError: If the disk is full or read-only.
    """
    if not settings.has_tensorflow():
        raise ModelError(settings.NO_TENSORFLOW)
    _tidy()
    if sum(job.is_alive(each) for each in files.folders(settings.imports_folder())) >= WAITING:
        raise ModelError("Many files are being imported at this moment. Try again in a minute.")
    token = secrets.token_hex(TOKEN_LENGTH // 2)
    work = folder(token)
    with job.writing("The file cannot be kept"):
        work.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        request = {"file": "".join(each for each in file_name if each.isprintable())[-LONGEST_NAME:], "name": name}
        files.new_folder(work, {REQUEST: request, job.STATUS: job.new_status()})
        (work / SOURCE).write_bytes(data)
        job.launch(work, "digitrec.jobs.imports", str(work))
    return find(token)


def find(token: str) -> Import:
    """Return how far an import has come.

    Raises:
        ModelError: If there is none.
    """
    work = folder(token)
    request = files.read_json(work / REQUEST)
    if request is None or not (work / job.STATUS).exists():
        raise ModelError("This file is no longer kept here. Import it again.")
    come = making.progress(work, ADVICE, lambda: cards.read(work / MODEL) is not None)
    return Import(*come, token=token, folder=work / MODEL, name=str(request.get("name", "")))


def drop(token: str) -> None:
    """End an import if it is under way, and remove all of it; a model that was added from it stays."""
    work = folder(token)
    making.stop(work, ADVICE)
    with contextlib.suppress(OSError):
        files.remove_folder(work)


def bring(file: str, name: str) -> Model:
    """Import a model for everybody on this server; print each step to standard error.

    Args:
        file: The path of its file.
        name: The name that it gets.

    Raises:
        ModelError: If the name is taken or not valid, or the file cannot be read or is not accepted.
        RunError: If the disk is full or read-only.
    """
    from digitrec.analysis import precomputed

    registry.check_name(name)
    try:
        with open(file, "rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise ModelError("This file cannot be read. Check its name and folder.") from error
    found = start(data, os.path.basename(file), name)
    printed = ""
    try:
        while found.state == "making":
            if found.message not in ("", printed):
                printed = found.message
                print(f"{printed} ...", file=sys.stderr, flush=True)
            time.sleep(0.1)
            found = find(found.token)
        if found.state == "failed":
            raise ModelError(found.message)
        print("the analysis for Compare is made ...", file=sys.stderr, flush=True)
        added = registry.add(name, found.folder)
        precomputed.write(added.folder, added.outline)
        return added
    finally:
        drop(found.token)


def lesson(model: Model) -> list[str]:
    """Return what the test of an imported model taught, sentence by sentence; nothing for any other model."""
    from digitrec.registry.importing import scalings

    return scalings.lesson(scalings.of_card(model.imported)) if model.imported else []


def _tidy() -> None:
    """Remove imports that nobody has asked for in two hours."""
    before = time.time() - KEPT_SECONDS
    for old in files.folders(settings.imports_folder()):
        with contextlib.suppress(OSError):
            if old.stat().st_mtime < before and not job.is_alive(old):
                files.remove_folder(old)


def main(work: Path) -> None:
    """Make the model, in this process, and write what became of it."""
    with making.turn(work, ADVICE, settings.imports_folder(), "the file is being read"):
        request = files.read_json(work / REQUEST) or {}
        data = (work / SOURCE).read_bytes()
        (work / SOURCE).unlink()
        (work / MODEL).mkdir()
        make(data, str(request.get("file", "")), work / MODEL, lambda step: job.update(work, message=step))


def make(data: bytes, file_name: str, made: Path, say: Callable[[str], None]) -> None:
    """Read a file, build its model, test it, and write a model's files but Compare's analysis.

    Args:
        data: The file's bytes.
        file_name: Its name, for the card.
        made: An empty folder, for the files; the card is written last.
        say: Called with each step.

    Raises:
        ModelError: If the file is not accepted, or its model cannot be converted.
    """
    from digitrec.registry.importing import sandbox, tidy

    found = tidy.tidied(sandbox.read(data))  # before TensorFlow is loaded: the process that reads is a fork of this one
    say("TensorFlow is being loaded")
    from digitrec.datasets import mnist
    from digitrec.jobs import writing
    from digitrec.registry.importing import building, scalings
    from digitrec.training import splits, teaching

    measured, checked = building.measure(found.network, say)
    way = scalings.best(measured).way
    say("the model is being converted and checked")
    model = building.whole(found.network, way)
    truth = mnist.test()[1]

    def facts(logits: "NDArray[np.float32]") -> dict[str, Any]:
        _check(logits[building.sample()], checked)
        best = building.one(way, logits, truth)
        imported = _facts(found, [best if each.way == way else each for each in measured], file_name, data)
        imported |= {"shown": building.shown(found.network), "learns": bool(teaching.learning(model))}
        return {"format": cards.IMPORTED_FORMAT, "name": "imported", "imported": imported}

    writing.write(made, model, building.export, splits.split(RECIPE), facts)


def _check(read: "NDArray[np.float32]", expected: "NDArray[np.float32]") -> None:
    """Compare what LiteRT gives with what the file's network does: logits (N, 10).

    Raises:
        ModelError: If their probabilities differ.
    """
    from digitrec.recognition.calibration import Calibration

    one, two = (Calibration().answers(each).probabilities for each in (read, expected))
    off = float(abs(one - two).max())
    if not off <= TOLERANCE:
        raise ModelError(
            f"The model could not be converted: its probabilities differ by {off:.4f}. Import it as .keras."
        )


def _facts(found: "Tidied", measured: "list[Measured]", file_name: str, data: bytes) -> dict[str, Any]:
    """Return what the card says of the file and of its network."""
    import hashlib

    from digitrec.registry.importing import outline, reading, scalings

    best = scalings.best(measured)
    recipe = outline.recipe_of(found.network, best.way)
    convolutions = sum("Conv2D" in layer.kind for layer in found.network.layers)
    return {
        "file": file_name,
        "format": reading.format_of(data, file_name),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "kind": "cnn" if convolutions else "mlp",
        "convolutions": convolutions,
        "network": recipe.to_json() if recipe else None,
        "outputs": found.outputs,
        "classes": found.classes,
        "scaling": best.way.scaling,
        "dark_ink": best.way.dark_ink,
        "measured": [
            {
                "scaling": each.way.scaling,
                "dark_ink": each.way.dark_ink,
                "accuracy": each.accuracy,
                "digits": each.digits,
                "loss": each.loss,
            }
            for each in measured
        ],
        "layers": [[layer.name[:60], layer.kind] for layer in found.network.layers],
    }


def _command(arguments: list[str]) -> None:
    for unneeded in ("sklearn", "pandas"):  # Keras would load them where they are installed: 0.9 s, 70 MB
        sys.modules.setdefault(unneeded, None)  # type: ignore[arg-type]
    with contextlib.suppress(OSError, AttributeError):
        os.nice(NICER)
    main(Path(arguments[0]).absolute())


if __name__ == "__main__":
    _command(sys.argv[1:])
