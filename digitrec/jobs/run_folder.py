"""A run folder: its files, and how they are written so that a reader never sees half of one.

    recipe.json     the recipe
    duel.json       for one of a duel's two runs, which duel (see `duel`)
    status.json     state, message, queued_at (seconds since 1970), started (the same, of this process), process (which
                    one trains, see `process`), on a cluster also cluster (true) and takes (how many workers have
                    taken it up)
    events.jsonl    what happened, an event a line (see `trainer.fit`)
    stop            there when the run is asked to stop
    alive.lock      locked by the worker as long as it lives
    out.log         what the worker's process printed
    checkpoint.keras    weights with optimiser state, and the position
    best.npz        with early stopping, the weights with the lowest validation loss so far
    model.keras, model.tflite, test.npz, card.json   the trained model
    insight.npz     what Compare shows of it (see `precomputed`)
    watch.bin, own/ what the net said of a few digits while it learnt (see `probes`)

States in `status.json`: queued, starting, running, finished, stopped, failed.
"""

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    pass
from digitrec.files import folders, is_number, read_json
from digitrec.training.events import EVENTS

DUEL = "duel.json"
STATUS = "status.json"
STOP = "stop"
ALIVE = "alive.lock"
LOG = "out.log"
CHECKPOINT = "checkpoint.keras"
POSITION = "position.json"  # in the file of the checkpoint, so that both are of the same moment
BEST = "best.npz"

WAITING = "queued"
UNDER_WAY = (WAITING, "starting", "running")
ENDED = ("finished", "stopped", "failed")
DAMAGED = "The status of this run is damaged. Resume goes on from its last checkpoint."

STARTING_TIME = 20.0  # seconds in which a new process may take its lock before it counts as gone


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


def read_status(folder: Path) -> Status:
    """Return the run's status; a missing or damaged one is that of a run that failed."""
    values = read_json(folder / STATUS) or {}
    state, message = values.get("state"), values.get("message", "")
    queued_at, started = (float(v) if is_number(v := values.get(key)) else 0.0 for key in ("queued_at", "started"))
    if state not in (*UNDER_WAY, *ENDED) or not isinstance(message, str):
        return Status("failed", DAMAGED, queued_at, started)
    process = values.get("process")
    process = process if isinstance(process, str) else ""
    return Status(state, message, queued_at, started, values.get("cluster") is True, process)


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
