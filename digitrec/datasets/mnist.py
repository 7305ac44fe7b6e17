"""MNIST as it was published, bundled and checked; splits by recipe and seed.

Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits, CC BY-SA 3.0.
"""

import functools
import hashlib
import math
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec.errors import DatasetError

Pictures = NDArray[np.uint8]
Labels = NDArray[np.uint8]


FILE = Path(__file__).parents[1] / "data" / "mnist.npz"
SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"


def test() -> tuple[Pictures, Labels]:
    """Return the 10,000 test digits, uint8 (10000, 28, 28), and their labels, for final figures only.

    Raises:
        DatasetError: If the bundled file is missing or damaged.
    """
    return _arrays("x_test", "y_test")


def training() -> tuple[Pictures, Labels]:
    """Return the 60,000 training digits, uint8 (60000, 28, 28), and their labels.

    Raises:
        DatasetError: If the bundled file is missing or damaged.
    """
    return _arrays("x_train", "y_train")


def first_training(count: int) -> tuple[Pictures, Labels]:
    """Return the first `count` training digits and their labels; the rest of the file is not unpacked.

    Raises:
        DatasetError: If the bundled file is missing or damaged.
    """
    _check(FILE, SHA256)
    with zipfile.ZipFile(FILE) as archive:
        return _first(archive, "x_train", count), _first(archive, "y_train", count)


def _first(archive: zipfile.ZipFile, name: str, count: int) -> NDArray[np.uint8]:
    """Return the first rows of an array in an `.npz` file."""
    with archive.open(f"{name}.npy") as stream:
        np.lib.format.read_magic(stream)
        shape, _, kind = np.lib.format.read_array_header_1_0(stream)
        shape = (min(count, shape[0]), *shape[1:])
        return np.frombuffer(stream.read(math.prod(shape) * kind.itemsize), kind).reshape(shape)


def glyphs(pictures: Pictures) -> NDArray[np.float32]:
    """Return MNIST pictures as glyphs: float32 (N, 28, 28), 0 paper .. 1 ink."""
    return pictures.astype(np.float32) / np.float32(255)


def _arrays(*names: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    _check(FILE, SHA256)
    with np.load(FILE) as arrays:
        first, second = (arrays[name] for name in names)
    return first, second


@functools.cache
def _check(file: Path, expected: str) -> None:
    """Compare the file's SHA-256 with the published one, once a process."""
    try:
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DatasetError("The bundled MNIST file cannot be read. Install digitrec again.") from error
    if found != expected:
        raise DatasetError(
            "The bundled MNIST file is damaged. Install digitrec again "
            f"(SHA-256 {expected[:12]}... expected). Received: {found[:12]}..."
        )
