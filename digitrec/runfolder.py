"""A run folder: its files, and how they are written so that a reader never sees half of one.

    recipe.json     the recipe
    duel.json       for one of a duel's two runs, which duel (see `duel`)
    status.json     state, message, queued_at (seconds since 1970), started (the same, of this process), process (which
                    one trains, see `process`), on a cluster also cluster (true) and takes (how many workers have
                    taken it up)
    events.jsonl    what happened, an event a line (see `train.fit`)
    stop            there when the run is asked to stop
    alive.lock      locked by the worker as long as it lives
    out.log         what the worker's process printed
    checkpoint.keras    weights with optimiser state, and the position
    best.npz        with early stopping, the weights with the lowest validation loss so far
    model.keras, model.tflite, test.npz, card.json   the trained model
    insight.npz     what Compare shows of it (see `insight`)
    watch.bin, own/ what the net said of a few digits while it learnt (see `watch`)

States in `status.json`: queued, starting, running, finished, stopped, failed.
"""

import contextlib
import json
import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECIPE = "recipe.json"
DUEL = "duel.json"
STATUS = "status.json"
EVENTS = "events.jsonl"
STOP = "stop"
ALIVE = "alive.lock"
LOG = "out.log"
CHECKPOINT = "checkpoint.keras"
POSITION = "position.json"  # in the file of the checkpoint, so that both are of the same moment
BEST = "best.npz"
KERAS = "model.keras"
TFLITE = "model.tflite"
TEST = "test.npz"
CARD = "card.json"
INSIGHT = "insight.npz"
WATCH = "watch.bin"
OWN = "own"

MODEL_FILES = (KERAS, TFLITE, TEST, CARD)
"""What a trained model is made of; the card comes last, so that a folder with a card is whole."""

WAITING = "queued"
UNDER_WAY = (WAITING, "starting", "running")
ENDED = ("finished", "stopped", "failed")
DAMAGED = "The status of this run is damaged. Resume goes on from its last checkpoint."

STARTING_TIME = 20.0  # seconds in which a new process may take its lock before it counts as gone

LEFT_OVER = 3600.0  # seconds after which a hidden folder is of a process that was killed

LARGEST_FILE = 64 * 2**20  # bytes of a JSON or an events file; a day of training writes 5 MB

LARGEST = 1e15  # no number in a run folder comes near it; NaN and infinity are not below it

_STEP = ("epoch", "loss", "accuracy", "seconds", "digits_per_second")
_NUMBERS = {"batch": _STEP, "epoch": (*_STEP, "val_loss", "val_accuracy"), "testing": ()}
"""The numbers that an event of each kind has."""


class Status(NamedTuple):
    """What `status.json` says.

    Attributes:
        state: One of UNDER_WAY and ENDED.
        message: A sentence on why the run failed; otherwise empty.
        queued_at: When it joined the queue, in seconds since 1970.
        started: When its process was started, in seconds since 1970.
        cluster: Whether a cluster trains it: it waits there for a worker, in no queue of ours.
        process: The name of the process that trains it, see `process`; empty where there is none.
    """

    state: str
    message: str
    queued_at: float
    started: float
    cluster: bool = False
    process: str = ""


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
    """Make a hidden folder to fill, which goes at the end unless it was moved away; others', left over, go as well."""
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
    """Remove a folder: for whoever looks, in one move.

    Raises:
        OSError: If it cannot be.
    """
    hidden = folder.with_name(f".gone-{secrets.token_hex(8)}")
    folder.rename(hidden)
    shutil.rmtree(hidden)


def folders(parent: Path) -> list[Path]:
    """Return the folders in one, but not those half made or half removed."""
    return list(parent.glob("[!.]*/"))


def read_json(file: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file, or None where there is none or it is damaged."""
    try:
        values = json.loads(_content(file))
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def read_arrays(file: Path, most: int) -> "dict[str, NDArray[Any]]":
    """Return the arrays in a .npz file, by name.

    Args:
        file: The file.
        most: Bytes that all of them may take; what says that it is larger is not unpacked.

    Raises:
        ValueError: If it is missing, damaged or too large.
    """
    import numpy as np  # not at import: what lists runs does without

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
    """Return whether a folder is a symbolic link, or holds one: what leads elsewhere is not shown or sent."""
    try:
        with os.scandir(folder) as entries:
            return folder.is_symlink() or any(entry.is_symlink() for entry in entries)
    except OSError:  # gone meanwhile
        return False


def _content(file: Path) -> bytes:
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


def read_status(folder: Path) -> Status:
    """Return the run's status; a missing or damaged one is that of a run that failed."""
    values = read_json(folder / STATUS) or {}
    state, message = values.get("state"), values.get("message", "")
    queued_at, started = (float(v) if _is_number(v := values.get(key)) else 0.0 for key in ("queued_at", "started"))
    if state not in (*UNDER_WAY, *ENDED) or not isinstance(message, str):
        return Status("failed", DAMAGED, queued_at, started)
    process = values.get("process")
    process = process if isinstance(process, str) else ""
    return Status(state, message, queued_at, started, values.get("cluster") is True, process)


def read_events(folder: Path) -> list[dict[str, Any]]:
    """Return the run's events, first to last; a line half written or damaged is left out."""
    try:
        lines = _content(folder / EVENTS).splitlines()
    except (OSError, ValueError):
        return []
    events = []
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):
            event = json.loads(line)
            if _is_event(event):
                events.append(event)
    return events


def _is_event(event: object) -> bool:
    if not isinstance(event, dict) or not isinstance(event.get("kind"), str):
        return False
    numbers = _NUMBERS.get(event["kind"])
    return numbers is not None and all(_is_number(event.get(key)) for key in numbers)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def is_alive(folder: Path) -> bool:
    """Whether a worker holds this run; a process that ends in any way lets go of its lock."""
    try:
        with (folder / ALIVE).open("rb") as file:
            return _is_locked(file.fileno())
    except OSError:
        return False


if sys.platform == "win32":

    def _is_locked(descriptor: int) -> bool:
        """Whether another process holds the first byte, which is what filelock locks."""
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return True
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        return False

else:

    def _is_locked(descriptor: int) -> bool:
        """Whether a worker holds the file. Shared, so that probes at the same moment do not see each other."""
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        return False


def is_launching(folder: Path) -> bool:
    """Whether the run's process was started so lately that it may not have taken its lock yet."""
    return _is_new(read_status(folder))


def _is_new(status: Status) -> bool:
    return status.state == WAITING and abs(time.time() - status.started) < STARTING_TIME


def at_once(folder: Path) -> str | None:
    """Return the id of the duel that this run is of if its two runs train at the same time, else None."""
    values = read_json(folder / DUEL) or {}
    duel = values.get("id")
    return duel if values.get("at_once") is True and isinstance(duel, str) else None


def ahead(folder: Path) -> list[Path]:
    """Return the runs beside this one that it waits for, in their order.

    Those of a duel at once do not wait for each other, and those on a cluster wait for none here.
    """
    status = read_status(folder)
    mine, duel = (status.queued_at, folder.name), at_once(folder)
    if status.cluster:
        return []
    found = []
    for other in folders(folder.parent):
        alive = is_alive(other)  # before its status is read: a live worker has one, a folder just made may not yet
        status = read_status(other)
        turn = (status.queued_at, other.name)
        if (
            turn < mine
            and not status.cluster
            and (alive or _is_new(status))
            and (duel is None or at_once(other) != duel)
        ):
            found.append((turn, other))
    return [other for _, other in sorted(found)]


def next_turn(parent: Path) -> float:
    """Return when a run joins the queue now: after all that wait or train, though the clock may have been set back."""
    turns = [time.time()]
    for other in folders(parent):
        status = read_status(other)
        if status.state in UNDER_WAY and not status.cluster and (is_alive(other) or _is_new(status)):
            turns.append(status.queued_at + 0.001)
    return max(turns)


def last_sign(folder: Path) -> float:
    """Return when something of a run was last written, in seconds since 1970."""
    times = [0.0]
    for path in (folder, folder / EVENTS):
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times)
