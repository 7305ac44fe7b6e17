"""Accuracy and calibration of every available model on a labelled folder of real pictures, one digit each.

    python -m tests.bench.real_digits FOLDER

The folder holds `manifest.jsonl`, one JSON object per line with `file`, `label` and `writer`, and the pictures.
Such pictures belong to those who drew them: none are in this project.
"""

import json
import sys
from pathlib import Path

import numpy as np

from digitrec.errors import PictureError
from digitrec.imaging import decode
from digitrec.recognition import pipeline
from digitrec.recognition.results import NOT_A_DIGIT, Reading
from digitrec.registry import registry
from tests.calibration_error import expected_calibration_error


def pictures(folder: Path, rows: list[dict[str, str]], single: bool) -> list[tuple[str, Reading]]:
    """Return each picture's label and reading by the first available model; print the pictures that cannot be read."""
    first = registry.predictor(registry.models()[0].name)
    found = []
    for row in rows:
        try:
            picture = decode.opened((folder / row["file"]).read_bytes()).image
        except PictureError as error:
            print(f"{row['file']}: {error}")
            continue
        found.append((row["label"], pipeline.read(picture, first, single, registry.finder())))
    return found


def main() -> None:
    folder = Path(sys.argv[1])
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    known, searched = (pictures(folder, rows, single) for single in (True, False))
    alone = sum(len(found.digits) == 1 for _, found in searched)
    print(f"{len(rows)} pictures; in {alone / len(rows):.2%} one mark is found without --single")
    print(f"{'':22s} one known  found itself  one digit found         rejected  ECE, 15 bins")
    for model in registry.models():
        predictor = registry.predictor(model.name)
        single, plain = (
            [(label, pipeline.reread(found, predictor)) for label, found in part] for part in (known, searched)
        )
        right, right_too = (sum(found.text == label for label, found in part) / len(rows) for part in (single, plain))
        one = sum(len(found.text) == 1 for _, found in plain) / len(rows)
        digits = [(label, digit) for label, found in single for digit in found.digits]
        none = sum(digit.flag == NOT_A_DIGIT for _, digit in digits) / len(rows)
        confidence = np.array([digit.confidence for _, digit in digits])
        error = expected_calibration_error(confidence, np.array([str(digit.digit) == label for label, digit in digits]))
        print(f"{model.name:22s} {right:9.2%} {right_too:13.2%} {one:16.2%} {none:16.2%} {error:13.2%}")


if __name__ == "__main__":
    main()
