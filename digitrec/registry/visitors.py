"""Models that belong to one visitor: imported or taught by them, seen by nobody else, gone with their session.

Whoever has a visitor's key has their models. It has 256 random bits and lives in the session alone; on the disk there
is only its SHA-256, the name of the folder:

    visitors_folder()/<SHA-256 of the key>/<name>/      a model's files, as in any model's folder

The folder's time of change is when the visitor was last here. Two hours later `clear` removes it.
"""

import contextlib
import hashlib
import io
import os
import secrets
import time
import zipfile
from pathlib import Path

from digitrec import files, settings
from digitrec.errors import ModelError
from digitrec.registry import registry
from digitrec.registry.registry import Model
from digitrec.training import model_files
from digitrec.training.recipe import NAME

SECONDS = 2 * 60 * 60
"""How long models are kept after their visitor was last here."""

MODELS = 10
"""Models of one visitor."""

BYTES = 200 * 2**20
"""Bytes of one visitor's models."""

ALL_BYTES = 4 * 2**30
"""Bytes of all visitors' models."""

KEY_LENGTH = 64  # characters, 256 bits in base 16

FULL = "Download and remove one of yours first."


def new_key() -> str:
    """Return a key that nobody can guess."""
    return secrets.token_hex(KEY_LENGTH // 2)


def folder(key: str) -> Path:
    """Return the folder of a visitor's models, which need not exist.

    Raises:
        ModelError: If this is no key.
    """
    if len(key) != KEY_LENGTH:
        raise ModelError("This session is not known here. Reload the page.")
    return settings.visitors_folder() / hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def models(key: str) -> list[Model]:
    """Return a visitor's models in order of their names; damaged ones are left out."""
    found = (registry.read_yours(each) for each in sorted(folder(key).glob("[!.]*/")) if NAME.fullmatch(each.name))
    return [model for model in found if model]


def find(key: str, name: str) -> Model | None:
    """Return a visitor's model of this name, or None if they have none."""
    return next((model for model in models(key) if model.name == name), None)


def add(key: str, name: str, source: Path) -> Model:
    """Add the model in a folder, a run's or any other with a model's files, to a visitor's.

    Args:
        key: The visitor's.
        name: Its name from now on, unlike that of any model that this visitor can choose.
        source: The folder.

    Raises:
        ModelError: If the name is not valid or taken, the model is damaged, a limit is reached, or the disk is full.
    """
    registry.check_name(name)
    mine = models(key)
    if any(model.name == name for model in mine):
        raise ModelError(f"You already have a model {name}. Choose another name.")
    if len(mine) >= MODELS:
        raise ModelError(f"You have {MODELS} models of your own, the maximum. {FULL}")
    clear()
    size = sum((source / each).stat().st_size for each in model_files.MODEL_FILES if (source / each).exists())
    if files.size(folder(key)) + size > BYTES:
        raise ModelError(f"Your own models would take more than {BYTES // 2**20} MB. {FULL}")
    if files.size(settings.visitors_folder()) + size > ALL_BYTES:
        raise ModelError("This server has no more room for visitors' models. Try again in an hour.")
    try:
        settings.visitors_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        registry.copy(source, folder(key) / name)
    except OSError as error:
        raise ModelError("The model cannot be kept: the disk is full or read-only. Free some space.") from error
    touch(key)
    found = find(key, name)
    if found is None:
        raise ModelError("The model was damaged while it was kept. Try again.")
    return found


def remove(key: str, name: str) -> None:
    """Delete a visitor's model.

    Raises:
        ModelError: If they have none of this name, or its files cannot be removed.
    """
    model = find(key, name)
    if model is None:
        raise ModelError(f"You have no model {name[:60]!r}. Choose another one.")
    try:
        files.remove_folder(model.folder)
    except OSError as error:
        raise ModelError(f"{name} cannot be deleted: the disk is read-only. Make it writable.") from error


def touch(key: str) -> None:
    """Note that a visitor is here: their models are kept for two hours from now."""
    with contextlib.suppress(OSError):  # they have none
        os.utime(folder(key))


def clear() -> None:
    """Remove the models of visitors who were not here for two hours."""
    before = time.time() - SECONDS
    for each in settings.visitors_folder().glob("[!.]*/"):
        with contextlib.suppress(OSError):  # removed by another server at this moment
            if each.stat().st_mtime < before:
                files.remove_folder(each)


def packed(model: Model) -> bytes:
    """Return a zip file with a model's files: for Keras, for LiteRT, and its card.

    Raises:
        ModelError: If the model is gone.
    """
    stream = io.BytesIO()
    try:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in (model_files.KERAS, model_files.TFLITE, model_files.CARD):
                archive.write(model.folder / name, f"{model.name}/{name}")
    except OSError as error:
        raise ModelError(f"{model.name} is gone. Choose another model.") from error
    return stream.getvalue()
