"""Saved models: list them, read their cards, add and remove. Shipped ones are never written to."""

import contextlib
import functools
import itertools
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitrec import files, settings
from digitrec.errors import ModelError
from digitrec.recognition.calibration import Calibration
from digitrec.recognition.digits import CLASSES
from digitrec.registry import card as cards
from digitrec.training import events, model_files
from digitrec.training.recipe import LONGEST_NAME, NAME, NAME_RULE, TEST_DIGITS, Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitrec.recognition.classifier import Predictor

NEWEST_FORMAT = cards.IMPORTED_FORMAT
DETECTOR = "detector"
"""Folder beside the shipped models with the digit detector and the crop classifier; no model may have its name."""

TEST_BYTES = 2**21  # of test.npz unpacked: ten probabilities per test digit, as float64 with room to spare
MODELS_KEPT = 512  # cards kept in memory: a page asks for all models several times per stroke


@dataclass(frozen=True)
class Model:
    """A saved model.

    Attributes:
        name: Its name, unique.
        folder: Where its files are.
        card: How it was made and measured (see `worker`): accuracy, interval, parameters, seconds and more.
        shipped: Whether it came with the project.
        yours: Whether it belongs to one visitor, see `visitors`; all others are for everybody.
    """

    name: str
    folder: Path
    card: dict[str, Any]
    shipped: bool
    yours: bool = False

    @functools.cached_property
    def recipe(self) -> Recipe:
        """What it was trained by; pages need it at each stroke.

        Raises:
            ModelError: If it was imported, and no recipe describes its network. Where one does, that says nothing of
                its training.
        """
        if self.imported is not None and self.imported["network"]:
            return Recipe.from_json(self.imported["network"])
        if self.imported is not None:
            raise ModelError(f"{self.name} was imported, and no recipe can describe its network. Choose another model.")
        return Recipe.from_json(self.card["recipe"])

    @property
    def imported(self) -> dict[str, Any] | None:
        """What its card says of the file that it was imported from; None for a model that was trained here."""
        return self.card.get("imported")

    @property
    def outline(self) -> Recipe | tuple[str, ...]:
        """What tells which of its layers are worth showing: its recipe, or their names where it was imported."""
        return tuple(self.imported["shown"]) if self.imported and not self.imported["network"] else self.recipe

    @property
    def kind(self) -> str:
        """`mlp` or `cnn`."""
        return self.recipe.kind if self.imported is None else str(self.imported["kind"])

    @property
    def scaling(self) -> str:
        """How it scales its input itself: as recipes name it, or as `importing.scalings` does."""
        return self.recipe.scaling if self.imported is None else str(self.imported["scaling"])

    @property
    def convolutions(self) -> int:
        """How many layers of convolutions it has."""
        return len(self.recipe.blocks) if self.imported is None else int(self.imported["convolutions"])

    @property
    def accuracy(self) -> float:
        """Accuracy on MNIST's 10,000 test digits, 0 to 1."""
        return float(self.card["accuracy"])

    @property
    def calibration(self) -> Calibration:
        """How its logits become probabilities; the default where its card, an older one, has none."""
        return Calibration.from_card(self.card)

    def test_probabilities(self) -> "NDArray[np.float32]":
        """Return its probabilities for MNIST's test digits: float32 (10000, 10); see `test_probabilities`."""
        return test_probabilities(self.folder)


def test_probabilities(folder: Path) -> "NDArray[np.float32]":
    """Return the probabilities of a folder's model, saved or of a run, for MNIST's test digits: float32 (10000, 10).

    Raises:
        ModelError: If the file is missing or damaged.
    """
    try:
        probabilities: NDArray[np.float32] = files.read_arrays(folder / model_files.TEST, TEST_BYTES)["probabilities"]
        if probabilities.shape != (TEST_DIGITS, CLASSES) or probabilities.dtype.kind != "f":
            raise ValueError(f"One row per test digit. Received: {probabilities.shape}")
        return probabilities
    except (ValueError, KeyError) as error:
        raise ModelError(f"The test results of {folder.name} are damaged. Train it again.") from error


def models() -> list[Model]:
    """Return the available models, shipped ones first, both in order of their names."""
    return [found for found in _scan() if isinstance(found, Model)]


def damaged() -> list[str]:
    """Return a sentence on each folder that is left out because it is damaged or half written."""
    return [found for found in _scan() if isinstance(found, str)]


def get(name: str) -> Model:
    """Return the model of this name.

    Raises:
        ModelError: If there is none.
    """
    for parent in settings.model_folders() if NAME.fullmatch(name) and name != DETECTOR else ():
        if (folder := parent / name).is_dir():
            found = _read(folder, parent == settings.SHIPPED_MODELS)  # only this one: reading all takes time
            if isinstance(found, Model):
                return found
            break
    names = ", ".join(model.name for model in models()) or "none; run `make models`, or train one"
    raise ModelError(f"There is no model {name[:60]!r}. Available models: {names}")


def default(kind: str | None = None) -> str:
    """Return the name of the model to read with: `reader` where it is available, else the most accurate shipped one.

    Args:
        kind: `mlp` or `cnn` for the best of this kind; None for any.

    Raises:
        ModelError: If there is no such model.
    """
    candidates = [model for model in models() if kind in (None, model.kind)]
    if not candidates:
        raise ModelError("There is no model yet. Train one on the Train page, or run `make models`.")
    preferred = "reader-mlp" if kind == "mlp" else "reader"
    return max(candidates, key=lambda model: (model.name == preferred, model.shipped, model.accuracy)).name


def predictor(name: str) -> "Predictor":
    """Return the classifier of this name, opened; the last few stay open.

    Raises:
        ModelError: If there is none, or its file is damaged.
    """
    return opened(get(name))


def opened(model: Model) -> "Predictor":
    """Return a model's classifier, opened; see `predictor`."""
    from digitrec.recognition import classifier

    return classifier.opened(model.name, model.folder / model_files.TFLITE, model.calibration)


def finder() -> "Predictor | None":
    """Return the classifier that finds the digits of a page for all others: the default one, or None if it is damaged.

    Raises:
        ModelError: If there is no model at all.
    """
    name = default()
    try:
        return predictor(name)
    except ModelError:
        return None


def add(name: str, folder: Path) -> Model:
    """Add the trained model in a run folder under a name.

    Raises:
        ModelError: If the name is taken or not valid, the run has no model, or the disk is full or read-only.
    """
    check_name(name)
    if not (folder / model_files.CARD).exists():
        raise ModelError("This run has no trained model yet. Wait until it has finished, or stop it.")
    try:
        copy(folder, settings.trained_models() / name)
    except OSError as error:
        raise ModelError(
            "The model cannot be saved: the disk is full or read-only. "
            "Free some space, or set DIGITREC_HOME to a folder that can be written."
        ) from error
    return get(name)


def check_name(name: str) -> None:
    """Check that a new model may have this name.

    Raises:
        ModelError: If it is not a valid name, or taken.
    """
    if not NAME.fullmatch(name):
        raise ModelError(f"{NAME_RULE} Received: {name[:60]!r}")
    if name == DETECTOR:
        raise ModelError(f"The name {DETECTOR} is reserved for the digit detector. Choose another name.")
    if _is_taken(name):
        raise ModelError(_taken(name))


def free_name(base: str, also_taken: Collection[str] = ()) -> str:
    """Return `base`, or `base-2`, `base-3` ... where that is taken; a long one is cut to make room.

    Args:
        base: The name wanted.
        also_taken: Names that are taken, beside those of models here.
    """
    endings = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    names = (base[: LONGEST_NAME - len(end)] + end for end in endings)
    return next(name for name in names if name not in also_taken and not _is_taken(name))


def _is_taken(name: str) -> bool:
    """Return whether a folder of this name is there, even that of a damaged model, or the name is reserved."""
    return name == DETECTOR or any((parent / name).exists() for parent in settings.model_folders())


def remove(name: str) -> None:
    """Delete a model that was trained here.

    Raises:
        ModelError: If there is none, it is a shipped one, or its files cannot be removed.
    """
    model = get(name)
    if model.shipped:
        raise ModelError(f"Only models trained here can be deleted. Received: {name}, which came with the project")
    try:
        files.remove_folder(model.folder)
    except OSError as error:
        raise ModelError(f"{name} cannot be deleted: the disk is read-only. Make it writable.") from error


def rename(name: str, new: str) -> Model:
    """Give a model that was trained here another name.

    Raises:
        ModelError: If there is none, it is a shipped one, the new name is taken or not valid, or the disk is full or
            read-only.
    """
    model = get(name)
    if model.shipped:
        raise ModelError(f"Only models trained here can be renamed. Received: {name}, which came with the project")
    check_name(new)
    target = model.folder.with_name(new)
    try:
        card = model.folder / model_files.CARD
        files.write_json(
            card, (files.read_json(card) or model.card) | {"name": new}
        )  # first: a full disk changes nothing
        files.move_folder(model.folder, target)
    except OSError as error:
        raise ModelError(f"{name} cannot be renamed: the disk is full or read-only. Free some space.") from error
    return get(new)


def copy(folder: Path, target: Path) -> None:
    """Copy a run's model to `target` in one move, so that a failure leaves nothing behind; the card gets its name.

    Raises:
        ModelError: If the model is damaged, or there is one at `target`.
        OSError: If the disk is full or read-only.
    """
    with files.scratch_folder(target.parent) as temporary:
        for file in model_files.MODEL_FILES:
            shutil.copyfile(folder / file, temporary / file)
        for file in (model_files.INSIGHT, events.EVENTS):  # optional: part of Compare, the curves
            if (folder / file).exists():
                shutil.copyfile(folder / file, temporary / file)
        if isinstance(_read(temporary, shipped=False), str):
            raise ModelError("This run's model is damaged or being written. Wait until the run has ended.")
        files.write_json(
            temporary / model_files.CARD, (files.read_json(temporary / model_files.CARD) or {}) | {"name": target.name}
        )
        try:
            files.move_folder(temporary, target)
        except FileExistsError as error:
            raise ModelError(_taken(target.name)) from error


def _taken(name: str) -> str:
    return f"There is already a model {name}. Choose another name."


def _scan() -> list[Model | str]:
    found: dict[str, Model | str] = {}
    for parent in settings.model_folders():
        for folder in sorted(parent.glob("[!.]*/")):
            if folder.name == DETECTOR and parent == settings.SHIPPED_MODELS:
                continue
            if NAME.fullmatch(folder.name) and folder.name != DETECTOR:
                found.setdefault(folder.name, _read(folder, parent == settings.SHIPPED_MODELS))
            else:
                why = "this name is reserved" if folder.name == DETECTOR else "that is not a valid name"
                sentence = f"The model in the folder {folder.name[:60]!r} is left out: {why}. Rename the folder."
                found.setdefault(folder.name, sentence)
    return list(found.values())


def _stamp(folder: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Return what changes whenever a file of a folder is written, replaced or deleted."""
    stamps = [("", int(folder.is_symlink()), 0, 0)]
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = entry.stat(follow_symlinks=False)
            stamps.append((entry.name, found.st_mtime_ns, found.st_size, found.st_mode))
    return tuple(sorted(stamps))


def read_yours(folder: Path) -> Model | None:
    """Return the visitor's model in a folder, or None where it is damaged or half written."""
    found = _read_as(folder, False, _stamp(folder), yours=True)
    return found if isinstance(found, Model) else None


def read_folder(folder: Path) -> Model:
    """Return the model in a folder, whoever's it is.

    Raises:
        ModelError: If it is gone or damaged.
    """
    found = _read(folder, folder.parent == settings.SHIPPED_MODELS)
    if isinstance(found, str):
        raise ModelError(found)
    return found


def _read(folder: Path, shipped: bool) -> Model | str:
    return _read_as(folder, shipped, _stamp(folder))


@functools.lru_cache(maxsize=MODELS_KEPT)
def _read_as(
    folder: Path, shipped: bool, _stamp: tuple[tuple[str, int, int, int], ...], yours: bool = False
) -> Model | str:
    if not shipped and files.has_links(folder):
        return (
            f"The model {folder.name} is left out: it is a symbolic link or contains one. Replace the link with a copy "
            "of the files."
        )
    card = files.read_json(folder / model_files.CARD)
    if card is None:
        return f"The model {folder.name} is left out: its card is missing or damaged. Train it again."
    if isinstance(card.get("format"), int) and card["format"] > NEWEST_FORMAT:
        return f"The model {folder.name} is left out: a newer version of this app made it. Update the app."
    if not cards.is_whole(card) or not _has_files(folder, card):
        return f"The model {folder.name} is left out: it is damaged or half written. Train it again."
    return Model(folder.name, folder, card, shipped, yours)


def _has_files(folder: Path, card: dict[str, Any]) -> bool:
    """Return whether a model's files are there, as large as its card says."""
    try:
        return all((folder / file).stat().st_size == card["bytes"][file] for file in model_files.MODEL_FILES[:-1])
    except OSError:
        return False
