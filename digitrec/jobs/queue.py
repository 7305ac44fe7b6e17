"""Whose turn it is: on this machine one run trains at a time, or the two of a duel that train side by side."""

import time
from pathlib import Path

from digitrec.files import folders, read_json
from digitrec.jobs import job

DUEL = "duel.json"
"""In the folders of a duel's two runs; see `duel`."""


def at_once(folder: Path) -> str | None:
    """Return the id of the duel that this run is part of if its two runs train at the same time, else None."""
    values = read_json(folder / DUEL) or {}
    duel = values.get("id")
    return duel if values.get("at_once") is True and isinstance(duel, str) else None


def ahead(folder: Path) -> list[Path]:
    """Return the runs beside this one that it waits for, in their order.

    The two of a duel at once do not wait for each other, and a run on a cluster waits for none here.
    """
    status = job.read_status(folder)
    if status.cluster:
        return []
    mine, duel = (status.queued_at, folder.name), at_once(folder)
    found = []
    for other in folders(folder.parent):
        alive = job.is_alive(other)  # before its status is read: a live worker has one, a new folder may not yet
        status = job.read_status(other)
        turn = (status.queued_at, other.name)
        waits = alive or job.is_launching(status)
        if turn < mine and waits and not status.cluster and (duel is None or at_once(other) != duel):
            found.append((turn, other))
    return [other for _, other in sorted(found)]


def next_turn(parent: Path) -> float:
    """Return when a run joins the queue now: after all that wait or train, though the clock may have been set back."""
    turns = [time.time()]
    for other in folders(parent):
        status = job.read_status(other)
        if status.state in job.UNDER_WAY and not status.cluster and (job.is_alive(other) or job.is_launching(status)):
            turns.append(status.queued_at + 0.001)
    return max(turns)
