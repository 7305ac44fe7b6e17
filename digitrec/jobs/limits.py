"""What a server allows: refuse a training that asks for more, and clear old runs. The values are in `settings`."""

import contextlib
import time
from collections.abc import Iterable
from pathlib import Path

from digitrec import files, settings
from digitrec.errors import RecipeError, RunError
from digitrec.jobs import job, runs
from digitrec.training.recipe import Recipe

DAY = 86_400.0  # seconds


def check(recipe: Recipe) -> None:
    """Refuse a training that this server does not allow.

    Raises:
        RecipeError: With the limit and what was received.
    """
    for name, received in (("epochs", recipe.epochs), ("parameters", recipe.parameters)):
        limit = settings.limit(name)
        if received > limit:
            raise RecipeError(
                f"This server trains at most {limit:,} {settings.LIMITS[name].what}. Choose fewer. "
                f"Received: {received:,}"
            )


def check_queue(mine: Iterable[str], more: int = 1) -> None:
    """Refuse further runs to a visitor who would have too many under way.

    Args:
        mine: Ids of the runs that this visitor started.
        more: How many are to be started.

    Raises:
        RunError: With the limit.
    """
    limit, started = settings.limit("queued"), set(mine)
    under_way = sum(run.active for run in runs.runs() if run.id in started)
    if under_way < limit < under_way + more:
        raise RunError(
            f"This takes {more} runs at a time; you have {under_way} waiting or training, and {limit} are allowed. "
            "Start them one by one, or wait."
        )
    if under_way >= limit:
        raise RunError(f"You have {limit} runs waiting or training, as many as are allowed. Stop one, or wait for it.")


def clear_runs() -> None:
    """Delete ended runs that are too old, too many, or too large together, the oldest first.

    Runs under way stay, and so does each model that was given a name: it is a folder of its own.
    """
    ended = [run for run in runs.runs() if not run.active]  # newest first
    last = {run.id: _last_change(run.folder) for run in ended}
    ended.sort(key=lambda run: last[run.id], reverse=True)
    oldest = time.time() - DAY * settings.limit("days")
    room = settings.limit("disk") * 1_000_000
    for place, run in enumerate(ended):
        room -= files.size(run.folder)
        if place >= settings.limit("runs") or last[run.id] < oldest or room < 0:
            with contextlib.suppress(RunError, OSError):  # resumed, or deleted by another server, at this moment
                runs.delete(run)


def _last_change(folder: Path) -> float:
    """Return when the run's state last changed, in seconds since 1970."""
    try:
        return (folder / job.STATUS).stat().st_mtime
    except OSError:
        return 0.0
