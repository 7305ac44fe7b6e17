"""Checkpoints of a run: weights, the state of the optimizer and the position."""

import json
import math
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from digitrec import files
from digitrec.errors import RunError
from digitrec.training import model_files

if TYPE_CHECKING:
    import keras

    from digitrec.training.trainer import Position, Weights

CHECKPOINT = "checkpoint.keras"
POSITION = "position.json"  # in the file of the checkpoint, so that both are of the same moment
BEST = "best.npz"


def model(folder: Path) -> "keras.Model":
    """Return the model in a folder, which this app wrote."""
    import keras

    return keras.saving.load_model(folder / model_files.KERAS, compile=False)


def weights(folder: Path) -> "Weights":
    """Return the weights of the model in a folder."""
    found: Weights = model(folder).get_weights()
    return found


def load_checkpoint(folder: Path) -> "tuple[keras.Model, Position] | None":
    """Return the model and the position that a run was at, or None where it has no checkpoint.

    Raises:
        RunError: If the checkpoint is damaged.
    """
    import keras

    from digitrec.training.trainer import Position

    if not (folder / CHECKPOINT).exists():
        return None
    try:
        with zipfile.ZipFile(folder / CHECKPOINT) as packed:
            values = json.loads(packed.read(POSITION))
        model = keras.saving.load_model(folder / CHECKPOINT)
        best = values.pop("best_loss")
        return model, Position(best_loss=math.inf if best is None else best, **values)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise RunError("The checkpoint of this run is damaged. Start the recipe again.") from error


def load_best(folder: Path) -> "Weights | None":
    """Return the weights with the lowest validation loss so far, or None where none were kept."""
    import numpy as np

    try:
        with np.load(folder / BEST) as arrays:
            return [arrays[name] for name in arrays.files]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def save_checkpoint(folder: Path, model: "keras.Model", position: "Position") -> None:
    """Write a model with its optimizer's state and the position of the run, in one file and one move."""
    best = position.best_loss if math.isfinite(position.best_loss) else None
    values = json.dumps(asdict(position) | {"best_loss": best})

    def fill(temporary: Path) -> None:
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as packed:
            packed.writestr(POSITION, values)

    files.write(folder / CHECKPOINT, fill)
