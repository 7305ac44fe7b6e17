"""Accuracy on a labelled folder of real pictures, one digit each, of every model at hand.

    python -m tests.bench.real_digits FOLDER

The folder holds `manifest.jsonl`, a JSON object a line with `file`, `label` and `writer`, and the pictures.
Such pictures belong to those who drew them: none are in this project.
"""

import collections
import json
import sys
from pathlib import Path

from digitrec import ink, reading, registry
from digitrec.errors import PictureError


def main() -> None:
    folder = Path(sys.argv[1])
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    models = [model.name for model in registry.models()]
    predictors = [registry.predictor(name) for name in models]
    right: dict[tuple[str, bool], list[bool]] = collections.defaultdict(list)
    for row in rows:
        try:
            picture = ink.open_picture((folder / row["file"]).read_bytes())
        except PictureError as error:
            print(f"{row['file']}: {error}")
            continue
        for single in (True, False):
            first = reading.read(picture, predictors[0], single)
            for name, predictor in zip(models, predictors, strict=True):
                right[name, single].append(reading.reread(first, predictor).text == row["label"])
    print(f"{len(rows)} pictures           one digit known  found by itself")
    for name in models:
        shares = [sum(right[name, single]) / len(rows) for single in (True, False)]
        print(f"{name:22s} {shares[0]:14.2%} {shares[1]:15.2%}")


if __name__ == "__main__":
    main()
