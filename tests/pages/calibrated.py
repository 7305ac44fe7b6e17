"""A model with a calibration of a test's choosing."""

import shutil

from digitrec import files, settings
from digitrec.recognition.calibration import Calibration
from digitrec.registry import registry
from digitrec.training import model_files

NO_DIGIT = Calibration(energy=999.0)
"""Takes everything for no digit."""

UNSURE = Calibration(temperature=30.0, energy=-999.0)
"""Takes everything for a digit, and gives all ten nearly the same share."""


def add(name: str, calibration: Calibration | None, source: str = "mlp-128") -> str:
    """Add a shipped model with another calibration, or none, to the home; return its name."""
    folder = settings.trained_models() / name
    shutil.copytree(registry.get(source).folder, folder)
    card = (files.read_json(folder / model_files.CARD) or {}) | {"name": name}
    card.pop("calibration", None)
    files.write_json(folder / model_files.CARD, card | ({"calibration": calibration.to_json()} if calibration else {}))
    return name
