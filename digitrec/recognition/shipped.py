"""The detector that came with the project, opened once per process."""

import functools
import threading

from digitrec import settings
from digitrec.errors import ModelError
from digitrec.recognition.detector import Detector

FILE = settings.SHIPPED_MODELS / "detector" / "detector.tflite"

_opening = threading.Lock()


def detector() -> Detector:
    """Return the detector.

    Raises:
        ModelError: If its file is missing or damaged.
    """
    with _opening:
        return _opened(FILE.stat().st_mtime_ns if FILE.exists() else 0)


@functools.lru_cache(1)
def _opened(_changed: int) -> Detector:
    return Detector(FILE)


def available() -> Detector | None:
    """Return the detector, or None where its file is missing or damaged."""
    try:
        return detector()
    except ModelError:
        return None
