"""A run folder: its files, and how they are written so that a reader never sees half of one.

    recipe.json     the recipe
    status.json     state, message, queued_at (seconds since 1970), started (the same, of this process)
    events.jsonl    what happened, an event a line (see `train.fit`)
    stop            there when the run is asked to stop
    alive.lock      locked by the worker as long as it lives
    out.log         what the worker's process printed
    checkpoint.keras, checkpoint.json          weights with optimiser state, and the position
    model.keras, model.tflite, test.npz, card.json   the trained model

States in `status.json`: queued, starting, running, finished, stopped, failed.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

RECIPE = "recipe.json"
STATUS = "status.json"
EVENTS = "events.jsonl"
STOP = "stop"
ALIVE = "alive.lock"
LOG = "out.log"
CHECKPOINT = "checkpoint.keras"
POSITION = "checkpoint.json"
KERAS = "model.keras"
TFLITE = "model.tflite"
TEST = "test.npz"
CARD = "card.json"

MODEL_FILES = (KERAS, TFLITE, TEST, CARD)
"""What a trained model is made of; the card comes last, so that a folder with a card is whole."""


def write(file: Path, fill: Callable[[Path], object]) -> None:
    """Write a file under a temporary name and move it into place.

    Args:
        file: Where it goes.
        fill: Called with the temporary path (same suffix), to write it.
    """
    temporary = file.with_name(f".{os.getpid()}-{file.name}")
    try:
        fill(temporary)
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(file: Path, values: dict[str, Any]) -> None:
    """Write a JSON object in one move."""
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write(file, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_json(file: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file, or None where there is none or it is damaged."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def read_events(folder: Path) -> list[dict[str, Any]]:
    """Return the run's events, first to last; a line half written is left out."""
    try:
        lines = (folder / EVENTS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    events = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


def is_alive(folder: Path) -> bool:
    """Whether a worker holds this run; a process that ends in any way lets go of its lock."""
    if not (folder / ALIVE).exists():
        return False
    try:
        with FileLock(folder / ALIVE, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def ahead(folder: Path) -> list[Path]:
    """Return the runs beside this one that train or wait before it, in their order."""
    mine = _queued_at(folder)
    others = [other for other in folder.parent.iterdir() if other.is_dir() and other != folder]
    waiting = [other for other in others if (_queued_at(other), other.name) < (mine, folder.name) and is_alive(other)]
    return sorted(waiting, key=_queued_at)


def _queued_at(folder: Path) -> float:
    status = read_json(folder / STATUS) or {}
    return float(status.get("queued_at", 0))
