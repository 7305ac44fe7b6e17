"""Where files live and the limits, from the environment; the formats of pictures.

Every setting has a default that works; README lists them all.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from digitrec.errors import SettingsError

PROJECT = Path(__file__).resolve().parents[1]

SHIPPED_MODELS = PROJECT / "models"
"""Models that came with the project: always found, never written to by the app."""

MAX_PDF_PAGES = 50
"""Pages of a PDF that are read; each is a picture of a few million pixels."""


PICTURE_FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "WebP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "HEIC": (".heic", ".heif"),
}
"""Formats of pictures that are read, by the name that people know, each with the endings of its files."""

FORMAT_WORDS = " or ".join(", ".join(PICTURE_FORMATS).rsplit(", ", 1))
"""The same as words: `PNG, JPEG ... or HEIC`."""

PICTURE_ENDINGS = (*(ending for endings in PICTURE_FORMATS.values() for ending in endings), ".pdf")
"""Endings by which pictures are known in a folder; a file named on its own may have any."""


class Limit(NamedTuple):
    """A limit that whoever runs a server may set.

    Attributes:
        variable: The environment variable.
        default: Its value where that is unset.
        low: Smallest value accepted.
        high: Largest value accepted.
        what: What it limits, with its unit.
    """

    variable: str
    default: int
    low: int
    high: int
    what: str


LIMITS = {
    "megabytes": Limit("DIGITREC_MAX_MEGABYTES", 20, 1, 200, "MB a picture file"),
    "megapixels": Limit("DIGITREC_MAX_MEGAPIXELS", 60, 1, 170, "megapixels a picture; phones take 50"),
    "pictures": Limit("DIGITREC_MAX_PICTURES", 300, 1, 10_000, "pictures at once on Upload"),
    "epochs": Limit("DIGITREC_MAX_EPOCHS", 200, 1, 200, "epochs a run"),
    "parameters": Limit("DIGITREC_MAX_PARAMETERS", 20_000_000, 10_000, 20_000_000, "parameters of a network"),
    "queued": Limit("DIGITREC_MAX_QUEUED", 10, 1, 1_000, "runs that one visitor may have waiting or training"),
    "runs": Limit("DIGITREC_MAX_RUNS", 200, 1, 100_000, "ended runs kept; the oldest go first"),
    "days": Limit("DIGITREC_RUN_DAYS", 30, 1, 10_000, "days that an ended run is kept"),
    "disk": Limit("DIGITREC_MAX_DISK", 5_000, 100, 10_000_000, "MB that runs may take; the oldest go first"),
}
"""What each visitor and all together may take; a shipped model, or one that was given a name, is never cleared.

WebP, the costliest picture to unpack, needs 16 bytes a pixel.
"""


def limit(name: str) -> int:
    """Return the value of one of LIMITS.

    Raises:
        SettingsError: If its variable holds no whole number in its range.
    """
    found = LIMITS[name]
    return number(found.variable, found.default, found.low, found.high)


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


def exports_folder() -> Path:
    """Return the folder that models made ready to use elsewhere are kept in, each until newer ones take its place."""
    return home() / "build" / "exports"


def scheduler() -> str | None:
    """Return the address of the Dask scheduler that runs are given to (`DIGITREC_SCHEDULER`), or None for this machine.

    Raises:
        SettingsError: If it is no address.
    """
    address = os.environ.get("DIGITREC_SCHEDULER", "").strip()
    if address and not re.fullmatch(r"tcp://([^\s/:@]+|\[[0-9a-fA-F:.]+\]):\d{1,5}", address):
        raise SettingsError(
            "DIGITREC_SCHEDULER must be an address such as tcp://host:8786. Correct it, or unset it to train on this "
            f"machine. Received: {address[:60]!r}"
        )
    return address or None


def warm_minutes() -> int:
    """Return how long a process with TensorFlow loaded waits for the next run (`DIGITREC_WARM_MINUTES`); 0 for none.

    Raises:
        SettingsError: If it is no whole number from 0 to 1440.
    """
    return number("DIGITREC_WARM_MINUTES", 5, 0, 1440)


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
