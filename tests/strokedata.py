"""Pen strokes of our own in the format of UNIPEN's files: enough to make glyphs of and to train on."""

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from digitrec.datasets import unipen

SITES = {"abc": "training", "tos": "validation", "art": "test"}


def loop(points: int = 12) -> list[list[float]]:
    angles = np.linspace(0.0, 2 * np.pi, points)
    return [[100 + 40 * float(np.cos(a)), 100 + 60 * float(np.sin(a))] for a in angles]


SHAPES: dict[str, list[tuple[str, list[list[list[float]]]]]] = {
    "digit": [
        ("0", [loop()]),
        ("1", [[[50, 0], [50, 60], [51, 120]]]),
        ("7", [[[0, 0], [60, 0], [30, 60], [20, 110]]]),
    ],
    "upper": [("E", [[[60, 0], [0, 0], [0, 100], [60, 100]], [[0, 50], [40, 50]]]), ("O", [loop()])],
    "lower": [("m", [[[0, 50], [0, 0], [25, 40], [50, 0], [50, 50]]]), ("l", [[[10, 0], [10, 100]]])],
    "symbol": [("+", [[[0, 50], [100, 50]], [[50, 0], [50, 100]]]), ("/", [[[60, 0], [0, 100]]])],
}


def write(folder: Path, patch: pytest.MonkeyPatch, times: int = 2) -> None:
    """Write the four files with each shape `times` times a site, and have `strokes` know them."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for kind, (name, _) in unipen.FILES.items():
        lines = []
        for site in SITES:
            for label, shape in SHAPES[kind] * times:
                values = {"src": site, "file": f"{site}.dat", "label": label, "strokes": shape}
                if kind == "digit":
                    values["writer"] = f"{site}:anna"
                lines.append(json.dumps(values))
        data = gzip.compress("\n".join(lines).encode())
        (folder / name).write_bytes(data)
        files[kind] = (name, hashlib.sha256(data).hexdigest())
    patch.setattr(unipen, "FILES", files)
