"""Where files live and the limits, from the environment.

Every setting has a default that works; README lists them all.
"""

import os
from pathlib import Path

from digitrec.errors import SettingsError

PROJECT = Path(__file__).resolve().parents[1]

SHIPPED_MODELS = PROJECT / "models"
"""Models that came with the project: always found, never written to by the app."""

MAX_PICTURE_BYTES = 20 * 1024 * 1024
"""Largest file accepted, in bytes; the uploader's limit in .streamlit/config.toml is the same."""

MAX_PICTURE_PIXELS = 60_000_000
"""Largest picture accepted, in pixels: phones take 50 million, and WebP, the costliest, needs 16 bytes each."""

MAX_PDF_PAGES = 50
"""Pages of a PDF that are read; each is a picture of a few million pixels."""


def home() -> Path:
    """Return the folder that runs and trained models are written to (`DIGITREC_HOME`).

    Raises:
        SettingsError: If `DIGITREC_HOME` names something that is not a folder, or one that cannot be reached.
    """
    return _folder("DIGITREC_HOME", PROJECT)


def _folder(name: str, default: Path) -> Path:
    """Return the folder that the environment variable `name` names; it need not be there."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        folder = Path(value).expanduser().absolute()
        is_file = folder.exists() and not folder.is_dir()
    except (OSError, RuntimeError) as error:  # no permission, a name too long, a home of nobody
        raise SettingsError(f"{name} cannot be reached. Point it at another folder, or unset it.") from error
    if is_file:
        raise SettingsError(f"{name} must name a folder; it names a file. Point it at a folder, or unset it.")
    return folder


def runs_folder() -> Path:
    """Return the folder with one sub-folder a training run."""
    return home() / "runs"


def trained_models() -> Path:
    """Return the folder that models trained here are added to.

    `models` in the home; in the project's own folder `trained`, for nothing is written beside what was shipped.
    """
    return home() / ("trained" if home() == PROJECT else "models")


def model_folders() -> tuple[Path, ...]:
    """Return the folders that models are looked for in, shipped ones first."""
    return (SHIPPED_MODELS, trained_models())


def strokes_folder() -> Path:
    """Return the folder with UNIPEN's pen strokes (`DIGITREC_STROKES`); they need not be there.

    Raises:
        SettingsError: If `DIGITREC_STROKES` names something that is not a folder, or one that cannot be reached.
    """
    return _folder("DIGITREC_STROKES", PROJECT / "data" / "unipen")


def bank_folder() -> Path:
    """Return the folder that glyphs made of pen strokes are kept in: to make them takes minutes."""
    return home() / "build"


def number(name: str, default: int, low: int, high: int) -> int:
    """Return the whole number in the environment variable `name`.

    Args:
        name: The variable's name.
        default: What an unset or empty variable means.
        low: Smallest value accepted.
        high: Largest value accepted.

    Raises:
        SettingsError: If the value is no whole number between `low` and `high`.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise SettingsError(f"{name} must be a whole number from {low} to {high}. Received: {text[:40]!r}")
    return value
