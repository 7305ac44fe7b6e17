"""What a network predicts for ten probe digits while it is trained: the worker writes snapshots, the page replays them.

A run folder holds one file of snapshots, all of the same length, each with a checksum: one write adds a snapshot, half
of one at the end is left out, and 200 epochs take at most 4 MB. A visitor's own digit is never part of it: the page
writes it to a file beside, whose name only the visitor's session knows; the worker reads it, writes the network's
probabilities for it to another file, and deletes the digit when the training ends.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec import files
from digitrec.datasets import mnist
from digitrec.errors import RunError
from digitrec.recognition.digits import CLASSES, NONE, SIDE
from digitrec.training import model_files
from digitrec.training.recipe import Recipe
from digitrec.training.splits import Split

DIGITS = (3450, 4013, 6785, 7130, 2404, 7498, 4239, 1772, 6641, 8332)
"""Test digits 0 to 9 that networks learn late but do learn; tests/bench/watched_digits.py finds them."""

COUNTED = 500  # validation digits in the confusion matrix: reading them costs a training about 1 % of its time
UNITS = {"mlp": 24, "cnn": 32}  # of the first layer, whose weights are kept
MOST_OWN = 20  # visitors' digits that a run reads

_UNIT = 127  # weights are int8
Snapshots = NDArray[np.void]
Read = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def digits() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the ten probe digits, float32 (10, 28, 28), and their labels, 0 to 9."""
    pictures, labels = mnist.test()
    return mnist.glyphs(pictures[list(DIGITS)]), labels[list(DIGITS)]


def kernel_shape(recipe: Recipe) -> tuple[int, int, int]:
    """Return how many units of the first layer are kept, and the height and width of each one's weights."""
    if recipe.blocks:
        block = recipe.blocks[0]
        return min(block.filters, UNITS["cnn"]), block.kernel, block.kernel
    return min(recipe.hidden[0], UNITS["mlp"]), SIDE, SIDE


def _layout(recipe: Recipe) -> np.dtype[np.void]:
    units, height, width = kernel_shape(recipe)
    fields: list[Any] = [
        ("check", np.uint32),
        ("epoch", np.float32),
        ("probabilities", np.float16, (len(DIGITS), CLASSES)),
        ("confusion", np.uint16, (CLASSES, CLASSES)),
        ("scale", np.float32, (units,)),
        ("weights", np.int8, (units, height, width)),
    ]
    return np.dtype(fields)


_OWN: np.dtype[np.void] = np.dtype(
    [("check", np.uint32), ("epoch", np.float32), ("probabilities", np.float16, (CLASSES,))]
)


def weights(snapshot: NDArray[np.void]) -> NDArray[np.float32]:
    """Return the first layer's weights in one snapshot, float32 (units, height, width)."""
    scale = (snapshot["scale"] / _UNIT).astype(np.float32)
    return np.asarray(snapshot["weights"] * scale[:, None, None], np.float32)


def read(folder: Path, recipe: Recipe) -> Snapshots:
    """Return the snapshots of a run so far, first to last; none where there is no file yet.

    Fields of each: `epoch` (epochs done, with fractions), `probabilities` float16 (10, 10) for each of the ten digits,
    `confusion` uint16 (10, 10), rows are true digits; see also `weights`.

    Raises:
        RunError: If the file is damaged.
    """
    return _read(folder / model_files.WATCH, _layout(recipe))


def _read(file: Path, layout: np.dtype[np.void]) -> Snapshots:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise RunError("The snapshots of this training cannot be read. The model itself is not affected.") from error
    snapshots = np.frombuffer(data, layout, len(data) // layout.itemsize)
    if any(_check(snapshot) != snapshot["check"] for snapshot in snapshots):
        raise RunError("The snapshots of this training are damaged. The model itself is not affected.")
    return snapshots


def _check(snapshot: Any) -> int:
    return zlib.crc32(snapshot.tobytes()[4:])


class Recorder:
    """The worker's side: reads the digits at each snapshot and writes the network's probabilities.

    Args:
        folder: The run's.
        recipe: What it trains.
        split: Its validation digits are counted, the first COUNTED at most.
        done: Epochs done, with fractions, of the checkpoint that it resumes from; later snapshots are removed.
    """

    def __init__(self, folder: Path, recipe: Recipe, split: Split, done: float = 0.0) -> None:
        self.folder, self.recipe = folder, recipe
        known = split.y_validation != NONE
        self.counted = mnist.glyphs(split.x_validation[known][:COUNTED])
        self.truth = split.y_validation[known][:COUNTED]
        self.digits = digits()[0]
        _cut(folder / model_files.WATCH, _layout(recipe), done)
        for file in (folder / model_files.OWN).glob("*.probabilities"):
            _cut(file, _OWN, done)

    def record(self, epoch: float, read: Read, kernel: NDArray[np.float32]) -> None:
        """Write a snapshot of the network.

        Args:
            epoch: Epochs done, with fractions.
            read: Glyphs, float32 (N, 28, 28), to probabilities (N, 10 or more), of which ten are kept.
            kernel: Weights of the first layer, as Keras has them.
        """
        own = list(self._own())
        glyphs = np.concatenate([self.digits, *(glyph[None] for _, glyph in own)])
        probabilities = _ten(read(glyphs))
        snapshot = np.zeros((), _layout(self.recipe))
        snapshot["epoch"], snapshot["probabilities"] = epoch, probabilities[: len(self.digits)]
        answers = _ten(read(self.counted)).argmax(axis=1)
        np.add.at(snapshot["confusion"], (self.truth, answers), 1)
        units = _pictures(kernel, *kernel_shape(self.recipe))
        snapshot["scale"] = np.abs(units).max(axis=(1, 2))
        snapshot["weights"] = np.rint(_UNIT * units / np.maximum(snapshot["scale"], 1e-12)[:, None, None])
        _add(self.folder / model_files.WATCH, snapshot)
        for (name, _), ten in zip(own, probabilities[len(self.digits) :], strict=True):
            line = np.zeros((), _OWN)
            line["epoch"], line["probabilities"] = epoch, ten
            _add(self.folder / model_files.OWN / f"{name}.probabilities", line)

    def close(self) -> None:
        """Delete visitors' digits; the probabilities for them stay."""
        for file in (self.folder / model_files.OWN).glob("*.glyph"):
            file.unlink(missing_ok=True)

    def _own(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Yield visitors' digits, each with its name; a file that holds none is left out."""
        for file in sorted((self.folder / model_files.OWN).glob("[!.]*.glyph"))[:MOST_OWN]:
            data = file.read_bytes()
            if len(data) == SIDE * SIDE:
                yield file.stem, mnist.glyphs(np.frombuffer(data, np.uint8).reshape(SIDE, SIDE))


def _ten(answers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities of the ten digits only; a recipe with pen strokes has an eleventh class while it trains."""
    ten = np.asarray(answers, np.float32)[:, :CLASSES]
    return np.asarray(ten / np.maximum(ten.sum(axis=1, keepdims=True), 1e-12), np.float32)


def _pictures(kernel: NDArray[np.float32], units: int, height: int, width: int) -> NDArray[np.float32]:
    """Return the first units' weights as pictures: of a dense layer (784, units), a convolution (k, k, 1, maps)."""
    flat = np.asarray(kernel, np.float32).reshape(height * width, -1)
    return flat[:, :units].T.reshape(units, height, width)


def _add(file: Path, snapshot: NDArray[np.void]) -> None:
    snapshot["check"] = _check(snapshot)
    with file.open("ab", buffering=0) as stream:
        stream.write(snapshot.tobytes())


def _cut(file: Path, layout: np.dtype[np.void], done: float) -> None:
    """Remove the snapshots after an epoch, and all from the first damaged one on."""
    if not file.exists():
        return
    data = file.read_bytes()
    snapshots = np.frombuffer(data, layout, len(data) // layout.itemsize)
    keep = (snapshots["epoch"] <= done + 1e-4) & [_check(snapshot) == snapshot["check"] for snapshot in snapshots]
    count = len(keep) if keep.all() else int(keep.argmin())
    files.write(file, lambda temporary: temporary.write_bytes(snapshots[: count if done else 0].tobytes()))


def give(folder: Path, visitor: str, glyph: NDArray[np.float32]) -> str:
    """Have a running training read a visitor's digit at its next snapshots, and return the name of its file.

    Nobody else can work out the name: it is a hash of the visitor's secret and the digit.

    Args:
        folder: The run's.
        visitor: A secret of the visitor's session.
        glyph: float32 (28, 28), 0 paper .. 1 ink.

    Raises:
        RunError: If it cannot be written.
    """
    name, data = _name(visitor, glyph)
    file = folder / model_files.OWN / f"{name}.glyph"
    try:
        file.parent.mkdir(exist_ok=True)
        if not file.exists() and len(list(file.parent.glob("*.glyph"))) < MOST_OWN:
            files.write(file, lambda temporary: temporary.write_bytes(data))
    except OSError as error:
        raise RunError(
            "Your digit could not be given to the run: the disk is full or read-only. Free some space."
        ) from error
    return name


def own(folder: Path, visitor: str, glyph: NDArray[np.float32]) -> Snapshots:
    """Return the network's predictions for a visitor's digit, with the fields `epoch` and `probabilities` (10,).

    Raises:
        RunError: If the file is damaged.
    """
    return _read(folder / model_files.OWN / f"{_name(visitor, glyph)[0]}.probabilities", _OWN)


def _name(visitor: str, glyph: NDArray[np.float32]) -> tuple[str, bytes]:
    data = np.rint(255 * np.clip(glyph, 0, 1)).astype(np.uint8).tobytes()
    return hashlib.blake2b(data, key=visitor.encode(), digest_size=16).hexdigest(), data
