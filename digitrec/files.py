"""Files and folders written so that nobody ever sees half of one, and read as if anybody could have written them."""

import contextlib
import json
import os
import secrets
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEFT_OVER = 3600.0  # seconds after which a hidden folder is of a process that was killed
LARGEST_FILE = 64 * 2**20  # bytes of a JSON or an events file; a day of training writes 5 MB
LARGEST = 1e15  # no number in a run folder comes near it; NaN and infinity are not below it


def write(file: Path, fill: Callable[[Path], object]) -> None:
    """Write a file under a temporary name and move it into place.

    Args:
        file: Where it goes.
        fill: Called with the temporary path (same suffix), to write it.
    """
    temporary = file.with_name(f".{os.getpid()}-{threading.get_ident()}-{file.name}")
    try:
        fill(temporary)
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(file: Path, values: dict[str, Any]) -> None:
    """Write a JSON object in one move."""
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write(file, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def new_folder(folder: Path, files: Mapping[str, dict[str, Any]]) -> None:
    """Make a folder with JSON files in one move, so that nobody ever sees it without them.

    Args:
        folder: Where it goes.
        files: What is in it, by the file's name.

    Raises:
        FileExistsError: If there is one already.
        OSError: If it cannot be written.
    """
    with scratch_folder(folder.parent) as temporary:
        for name, values in files.items():
            write_json(temporary / name, values)
        move_folder(temporary, folder)


@contextlib.contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Make a hidden folder to fill; it is removed at the end unless it was moved, as are those left over by others."""
    parent.mkdir(parents=True, exist_ok=True)
    for other in parent.glob(".*-*/"):
        with contextlib.suppress(OSError):
            if abs(time.time() - other.stat().st_mtime) > LEFT_OVER:
                shutil.rmtree(other, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=parent))
    try:
        temporary.chmod(0o755)  # mkdtemp makes folders that only their owner may read
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def move_folder(folder: Path, target: Path) -> None:
    """Give a folder its place; a target that is an empty folder is replaced.

    Raises:
        FileExistsError: If there is another one.
        OSError: If it cannot be moved.
    """
    try:
        folder.rename(target)
    except OSError as error:
        raise FileExistsError(target) if target.exists() else error from error


def remove_folder(folder: Path) -> None:
    """Remove a folder; others see it go in one move.

    Raises:
        OSError: If it cannot be.
    """
    hidden = folder.with_name(f".gone-{secrets.token_hex(8)}")
    folder.rename(hidden)
    shutil.rmtree(hidden)


def folders(parent: Path) -> list[Path]:
    """Return the folders in one, except those that are being made or removed."""
    return list(parent.glob("[!.]*/"))


def size(folder: Path) -> int:
    """Return the bytes of all files in a folder and in those within; links do not count."""
    total = 0
    for each in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += each.stat().st_size if each.is_file() and not each.is_symlink() else 0
    return total


def read_json(file: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file, or None where there is none or it is damaged."""
    try:
        values = json.loads(limited_content(file))
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def read_arrays(file: Path, most: int) -> "dict[str, NDArray[Any]]":
    """Return the arrays in a .npz file, by name.

    Args:
        file: The file.
        most: Bytes that all of them may take together; a file that declares more is not unpacked.

    Raises:
        ValueError: If it is missing, damaged or too large.
    """
    import numpy as np  # not at import: listing runs does not need it

    try:
        with zipfile.ZipFile(file) as packed:
            if sum(member.file_size for member in packed.infolist()) > most:
                raise ValueError("too large")
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except ValueError:
        raise
    except Exception as error:  # a damaged header is evaluated, allocated and unpacked, and each fails in its way
        raise ValueError(f"no arrays: {type(error).__name__}") from error


def has_links(folder: Path) -> bool:
    """Return whether a folder is a symbolic link, or holds one: what it points to is neither shown nor sent."""
    try:
        with os.scandir(folder) as entries:
            return folder.is_symlink() or any(entry.is_symlink() for entry in entries)
    except OSError:  # gone meanwhile
        return False


def limited_content(file: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is larger than anything this app writes.
    """
    with file.open("rb") as stream:
        content = stream.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise ValueError("too large")
    return content


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value read from JSON is a finite number below LARGEST; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
