"""The log of this server: one line per event, and counts. Never a picture, a drawing or a file's name.

A line is `2026-11-21T06:00:00.120Z reading page=Draw model=reader digits=1 ms=4.2`; with `DIGITREC_LOG=json` it is a
JSON object, with `DIGITREC_LOG=off` there is none. Events are counted in any case.
"""

import json
import logging
import os
import sys
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from digitrec.errors import SettingsError

EVENTS = ("session", "reading", "run", "error")
"""What is counted: a new visitor, a picture or drawing read, a run started, an error."""

FORMS = ("text", "json", "off")

_counts: Counter[str] = Counter()
_lock = threading.Lock()


def form() -> str:
    """Return the format of the log (`DIGITREC_LOG`).

    Raises:
        SettingsError: If it is not one of FORMS.
    """
    value = os.environ.get("DIGITREC_LOG", "").strip().lower() or "text"
    if value not in FORMS:
        raise SettingsError(f"DIGITREC_LOG must be one of {', '.join(FORMS)}. Received: {value[:40]!r}")
    return value


def event(what: str, **facts: str | float) -> None:
    """Count an event and write its line to standard error.

    Args:
        what: One of EVENTS.
        facts: Short details; never anything that a visitor drew, wrote or named.
    """
    with _lock:
        _counts[what] += 1
    try:
        wanted = form()
    except SettingsError:
        wanted = "text"  # the page reports it; no event is lost
    if wanted != "off":
        print(_line(what, facts, wanted), file=sys.stderr, flush=True)


def _line(what: str, facts: dict[str, Any], wanted: str) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if wanted == "json":
        return json.dumps({"time": now, "event": what} | facts, ensure_ascii=True)
    return " ".join([now, what, *(f"{key}={_word(value)}" for key, value in facts.items())])


def _word(value: str | float) -> str:
    """Return a value as one word on one line."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if text.isprintable() and text and " " not in text else json.dumps(text)


def counts() -> dict[str, int]:
    """Return how often each of EVENTS has occurred since the process started."""
    with _lock:
        return {what: _counts[what] for what in EVENTS}


class Errors(logging.Handler):
    """A handler for the web framework's logger that counts unexpected errors. Their traces are logged there."""

    def emit(self, record: logging.LogRecord) -> None:
        """Count it."""
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else "unexpected"
        event("error", kind=kind)
