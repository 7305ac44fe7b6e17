"""A model's folder that is none, for tests of lists."""

import json
from pathlib import Path
from typing import Any

from digitrec.registry import registry
from digitrec.training import model_files
from digitrec.training.recipe import Recipe

MLP = Recipe("tiny", hidden=(8,), batch_size=512, epochs=1, validation=0.01)


def fake(parent: Path, name: str, reached: float = 0.9, trained_by: Recipe = MLP, **changes: Any) -> Path:
    """A model folder whose card is right and whose other files are not models."""
    folder = parent / name
    folder.mkdir(parents=True)
    for file in model_files.MODEL_FILES[:-1]:
        (folder / file).write_bytes(b"not a model")
    card = {
        "format": 1,
        "name": name,
        "recipe": trained_by.replace(name=name).to_json(),
        "accuracy": reached,
        "interval": [reached - 0.01, reached + 0.01],
        "errors": 10,
        "confusion": [[100] * 10] * 10,
        "epochs": 1.0,
        "seconds": 2.5,
        "parameters": trained_by.parameters,
        "bytes": dict.fromkeys(model_files.MODEL_FILES[:-1], 11),
    }
    (folder / model_files.CARD).write_text(json.dumps(card | changes))
    return folder


def names() -> list[str]:
    return [model.name for model in registry.models()]
