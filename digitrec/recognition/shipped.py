"""The nets that find digits on pages and came with the project, opened once per process."""

import functools
import threading
from dataclasses import dataclass
from pathlib import Path

from digitrec import settings
from digitrec.errors import ModelError
from digitrec.recognition.crop_classifier import CropClassifier
from digitrec.recognition.detector import Detector

FILE = settings.SHIPPED_MODELS / "detector" / "detector.tflite"
CROPS_FILE = settings.SHIPPED_MODELS / "detector" / "crop_classifier.tflite"

_opening = threading.Lock()


@dataclass(frozen=True)
class PageModels:
    """The two nets that find digits on a page.

    Attributes:
        detector: Sees the whole page.
        crop_classifier: Sees each candidate again.
    """

    detector: Detector
    crop_classifier: CropClassifier


def detector() -> Detector:
    """Return the detector.

    Raises:
        ModelError: If its file is missing or damaged.
    """
    with _opening:
        return _detector(FILE, _changed(FILE))


def crop_classifier() -> CropClassifier:
    """Return the crop classifier.

    Raises:
        ModelError: If its file is missing or damaged.
    """
    with _opening:
        return _crop_classifier(CROPS_FILE, _changed(CROPS_FILE))


def available() -> PageModels | None:
    """Return the nets, or None where a file is missing or damaged."""
    try:
        return PageModels(detector(), crop_classifier())
    except ModelError:
        return None


def _changed(file: Path) -> int:
    return file.stat().st_mtime_ns if file.exists() else 0


@functools.lru_cache(1)
def _detector(file: Path, _changed: int) -> Detector:
    return Detector(file)


@functools.lru_cache(1)
def _crop_classifier(file: Path, _changed: int) -> CropClassifier:
    return CropClassifier(file)
