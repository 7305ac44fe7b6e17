"""What happens in a training run: a JSON file with one event per line."""

import contextlib
import json
from pathlib import Path
from typing import Any

from digitrec.files import is_number, limited_content

EVENTS = "events.jsonl"

_STEP = ("epoch", "loss", "accuracy", "seconds", "digits_per_second")
_NUMBERS = {"batch": _STEP, "epoch": (*_STEP, "val_loss", "val_accuracy"), "testing": ()}
"""The numbers that each kind of event has."""


def read_events(folder: Path) -> list[dict[str, Any]]:
    """Return the run's events, first to last; a line that is incomplete or damaged is left out."""
    try:
        lines = limited_content(folder / EVENTS).splitlines()
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
    return numbers is not None and all(is_number(event.get(key)) for key in numbers)
