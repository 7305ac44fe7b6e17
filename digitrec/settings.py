"""Where files are, the limits that the environment sets, and the picture formats.

Every setting has a default that works; `docs/settings.md` lists them all.
"""

import importlib.util
import os
import re
from pathlib import Path
from typing import NamedTuple

from digitrec.errors import SettingsError

PROJECT = Path(__file__).resolve().parents[1]
"""The folder that holds the package: a checkout, or `site-packages`. Processes are started there, so they find it."""

_BUNDLE = PROJECT / "digitrec" / "_bundle"
"""Only in an installed package: what lies beside the package in a checkout; see `force-include` in pyproject.toml."""

INSTALLED = _BUNDLE.is_dir()

APP = _BUNDLE if INSTALLED else PROJECT
"""The folder with `streamlit_app.py`, `pages`, `.streamlit` and `models`."""

NO_TENSORFLOW = "This needs TensorFlow, which is not installed here. Install it with: pip install 'digitrec[train]'"

SHIPPED_MODELS = APP / "models"
"""Models that came with the project: always available, never written to by the app."""

MAX_PAGES = 50
"""Pages of a PDF or TIFF that are read; each is a picture of a few million pixels."""

PICTURE_FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "WebP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "HEIC": (".heic", ".heif"),
}
"""Picture formats that are read, by their usual names, each with its file endings."""

FORMAT_WORDS = " or ".join(", ".join(PICTURE_FORMATS).rsplit(", ", 1))
"""The formats as a phrase: `PNG, JPEG ... or HEIC`."""

PICTURE_ENDINGS = (*(ending for endings in PICTURE_FORMATS.values() for ending in endings), ".pdf")
"""File endings that are looked for in a folder; a file that is named itself may have any ending."""


class Limit(NamedTuple):
    """A limit that the operator of a server may set.

    Attributes:
        variable: The environment variable.
        default: Its value if the variable is unset.
        low: The smallest accepted value.
        high: The largest accepted value.
        what: What is limited, with its unit.
    """

    variable: str
    default: int
    low: int
    high: int
    what: str


LIMITS = {
    "megabytes": Limit("DIGITREC_MAX_MEGABYTES", 20, 1, 200, "MB per picture file"),
    "megapixels": Limit("DIGITREC_MAX_MEGAPIXELS", 60, 1, 170, "megapixels per picture; phones take 50"),
    "pictures": Limit("DIGITREC_MAX_PICTURES", 300, 1, 10_000, "pictures at once on Upload"),
    "epochs": Limit("DIGITREC_MAX_EPOCHS", 200, 1, 200, "epochs per run"),
    "parameters": Limit("DIGITREC_MAX_PARAMETERS", 20_000_000, 10_000, 20_000_000, "parameters per network"),
    "queued": Limit("DIGITREC_MAX_QUEUED", 10, 1, 1_000, "runs per visitor that wait or train"),
    "runs": Limit("DIGITREC_MAX_RUNS", 200, 1, 100_000, "ended runs that are kept; the oldest are deleted first"),
    "days": Limit("DIGITREC_RUN_DAYS", 30, 1, 10_000, "days that an ended run is kept"),
    "disk": Limit("DIGITREC_MAX_DISK", 5_000, 100, 10_000_000, "MB of disk for runs; the oldest are deleted first"),
}
"""What one visitor, and all together, may use. Shipped and named models are never deleted.

WebP, the most expensive format to decode, needs 16 bytes per pixel.
"""


def limit(name: str) -> int:
    """Return the value of one of LIMITS.

    Raises:
        SettingsError: If its variable is not a whole number in its range.
    """
    found = LIMITS[name]
    return number(found.variable, found.default, found.low, found.high)


def home() -> Path:
    """Return the folder that runs and trained models are written to (`DIGITREC_HOME`).

    Its default is the project's folder in a checkout, and the user's data folder if digitrec is installed.

    Raises:
        SettingsError: If `DIGITREC_HOME` names something that is not a folder, or one that cannot be reached.
    """
    return _folder("DIGITREC_HOME") or _own_folder()


def _own_folder() -> Path:
    if not INSTALLED:
        return PROJECT
    import platformdirs  # only here: a checkout writes to its own folder

    return platformdirs.user_data_path("digitrec", appauthor=False)


def _folder(name: str) -> Path | None:
    """Return the folder in the environment variable `name`, which need not exist, or None if it is unset."""
    value = os.environ.get(name, "").strip()
    if not value:
        return None
    try:
        folder = Path(value).expanduser().absolute()
        is_file = folder.exists() and not folder.is_dir()
    except (OSError, RuntimeError) as error:  # no permission, a name too long, an unknown user's home
        raise SettingsError(f"{name} cannot be reached. Set it to another folder, or unset it.") from error
    if is_file:
        raise SettingsError(f"{name} must name a folder; it names a file. Set it to a folder, or unset it.")
    return folder


def resolve_folders() -> None:
    """Make the folders in the environment absolute, for the processes to come: they start in another folder.

    Raises:
        SettingsError: If one of them is not a folder, or cannot be reached.
    """
    for name in ("DIGITREC_HOME", "DIGITREC_STROKES"):
        if folder := _folder(name):
            os.environ[name] = str(folder)


def runs_folder() -> Path:
    """Return the folder with one sub-folder per training run."""
    return home() / "runs"


def trained_models() -> Path:
    """Return the folder that trained models are added to.

    `models` in the home; `trained` in a checkout, because its `models` holds the shipped ones.
    """
    return home() / ("trained" if home() == PROJECT else "models")


def model_folders() -> tuple[Path, ...]:
    """Return the folders in which models are looked for, shipped ones first."""
    return (SHIPPED_MODELS, trained_models())


def strokes_folder() -> Path:
    """Return the folder for UNIPEN's pen strokes (`DIGITREC_STROKES`); it need not exist.

    Raises:
        SettingsError: If `DIGITREC_STROKES` names something that is not a folder, or one that cannot be reached.
    """
    return _folder("DIGITREC_STROKES") or _own_folder() / "data" / "unipen"


def bank_folder() -> Path:
    """Return the folder of the glyphs made from pen strokes: they take minutes to make, so they are kept."""
    return home() / "build"


def exports_folder() -> Path:
    """Return the folder of exported models; each stays until newer ones replace it."""
    return home() / "build" / "exports"


def imports_folder() -> Path:
    """Return the folder of files that are being imported; see `jobs.imports`."""
    return home() / "build" / "imports"


def visitors_folder() -> Path:
    """Return the folder of models that belong to one visitor each; see `registry.visitors`."""
    return home() / "build" / "visitors"


def has_tensorflow() -> bool:
    """Return whether this machine can train and export models: TensorFlow is an extra of the package."""
    return importlib.util.find_spec("tensorflow") is not None


def scheduler() -> str | None:
    """Return the address of the Dask scheduler that gets the runs (`DIGITREC_SCHEDULER`), or None for this machine.

    Raises:
        SettingsError: If it is not an address.
    """
    address = os.environ.get("DIGITREC_SCHEDULER", "").strip()
    if address and not re.fullmatch(r"tcp://([^\s/:@]+|\[[0-9a-fA-F:.]+\]):\d{1,5}", address):
        raise SettingsError(
            "DIGITREC_SCHEDULER must be an address such as tcp://host:8786. Correct it, or unset it to train on this "
            f"machine. Received: {address[:60]!r}"
        )
    return address or None


def warm_minutes() -> int:
    """Return how long a process with TensorFlow loaded waits for the next run (`DIGITREC_WARM_MINUTES`); 0: no process.

    Raises:
        SettingsError: If it is not a whole number from 0 to 1440.
    """
    return number("DIGITREC_WARM_MINUTES", 5, 0, 1440)


def number(name: str, default: int, low: int, high: int) -> int:
    """Return the whole number in the environment variable `name`.

    Args:
        name: The variable's name.
        default: The value if the variable is unset or empty.
        low: The smallest accepted value.
        high: The largest accepted value.

    Raises:
        SettingsError: If the value is not a whole number from `low` to `high`.
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
