"""A labelled folder of pictures, read by digitrec and by RapidOCR (PP-OCRv6), a general OCR engine, in the same run.

    python -m tests.bench.peer_rapidocr FOLDER [--pictures N] [--model NAME]
    python -m tests.bench.peer_rapidocr FOLDER --rotated 20 45 100      digitrec alone, each picture rotated by degrees

RapidOCR is installed into an environment of its own, `build/peer-rapidocr`, at the first run.

The folder holds `manifest.jsonl`, one JSON object per line: `file` (within the folder), `transcript` (the handwritten
digits, rows separated by `/`), `kind` (`photo`, `scan`, `document`, `drawn`, `single...`, or `none` for a picture
without digits; others are not scored), `rotate_ccw_to_upright` (degrees) and `repo` (the picture's source).

Digit accuracy is 1 - edit distance / digits, over all pictures of a group, row breaks left out; `sources` is the mean
of it over sources; `all right` is the share of pictures. Of pictures without digits, the digits reported per picture.
Of what RapidOCR reads, all but 0 to 9 is left out, and lines within half a line's height are one row. It gets pictures
reduced to 1600 pixels, as large ones take it many seconds; digitrec gets them as they are. Seconds are per picture, on
as many cores as each takes by itself.
"""

import argparse
import collections
import json
import logging
import re
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGES = ("rapidocr==3.10.0", "onnxruntime", "pillow")
ENVIRONMENT = Path(__file__).resolve().parents[2] / "build" / "peer-rapidocr"
SIDE = 1600


@dataclass(frozen=True)
class Answer:
    """What was read of a picture, rows parted by `/`, and the seconds that it took."""

    text: str
    seconds: float


def group_of(row: dict[str, Any]) -> str | None:
    """Return the group that a picture is scored in, or None."""
    kind = row["kind"]
    if kind in ("photo", "scan"):
        return "ink, turned" if row["rotate_ccw_to_upright"] else "ink, upright"
    kind = "single" if kind.startswith("single") else kind
    return {"document": "documents", "drawn": "drawn", "single": "one digit", "none": "no digit"}.get(kind)


def edit_distance(a: str, b: str) -> int:
    """Return the fewest digits to insert, delete or change."""
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        current = [i]
        for j, y in enumerate(b, 1):
            current.append(min(previous[j] + 1, current[-1] + 1, previous[j - 1] + (x != y)))
        previous = current
    return previous[-1]


def digits_of(text: str) -> str:
    return text.replace("/", "").replace(" ", "")


def figures(rows: Sequence[dict[str, Any]], answers: Sequence[Answer]) -> list[str]:
    """Return digit accuracy, mean of the sources, share all right, and seconds per picture, as cells of a table."""
    sources: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    exact = reported = 0
    for row, answer in zip(rows, answers, strict=True):
        truth, read = digits_of(row["transcript"]), digits_of(answer.text)
        sources[row["repo"]][0] += min(len(truth), edit_distance(truth, read))
        sources[row["repo"]][1] += len(truth)
        exact += truth == read
        reported += len(read)
    missed, digits = (sum(column) for column in zip(*sources.values(), strict=True))
    shares = [1 - miss / count for miss, count in sources.values() if count]
    if digits:
        cells = [f"{1 - missed / digits:.1%}", f"{sum(shares) / len(shares):.1%}"]
    else:
        cells = [f"{reported / len(rows):.2f} reported", "-"]
    return [*cells, f"{exact / len(rows):.1%}", f"{sum(answer.seconds for answer in answers) / len(rows):.2f}"]


def table(rows: Sequence[dict[str, Any]], readers: dict[str, dict[str, Answer]]) -> str:
    """Return a table in Markdown, a row a group and reader."""
    groups: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
    for row in rows:
        groups[group_of(row) or ""].append(row)
    lines = [
        "| group | pictures | digits | reader | digit accuracy | sources | all right | seconds |",
        "|" + " --- |" * 8,
    ]
    for group, some in sorted(groups.items()):
        count = sum(len(digits_of(row["transcript"])) for row in some)
        for name, answers in readers.items():
            cells = figures(some, [answers[row["file"]] for row in some])
            lines.append(f"| {' | '.join([group, str(len(some)), str(count), name, *cells])} |")
    return "\n".join(lines)


def environment() -> Path:
    """Return the Python of RapidOCR's own environment; install it where it is not there."""
    python = ENVIRONMENT / "bin" / "python"
    done = ENVIRONMENT / "installed.txt"
    if not done.exists() or done.read_text() != "\n".join(PACKAGES):
        print(f"installing {', '.join(PACKAGES)} into {ENVIRONMENT}", file=sys.stderr)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES], check=True
        )
        done.write_text("\n".join(PACKAGES))
    return python


def by_rapidocr(folder: Path, files: Sequence[str]) -> dict[str, Answer]:
    """Return what RapidOCR reads, in a process of its own environment that runs `_answer_all`."""
    command = [environment(), Path(__file__).resolve(), "--answer", folder.resolve()]
    done = subprocess.run(command, input=json.dumps(list(files)), stdout=subprocess.PIPE, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["file"]: Answer(line["text"], line["seconds"]) for line in lines}


def _answer_all(folder: Path) -> None:
    """Print what RapidOCR reads in the files named on standard input; runs in its environment."""
    import numpy as np
    from PIL import Image, ImageOps
    from rapidocr import RapidOCR

    logging.disable(logging.INFO)  # it tells of each file that it opens
    engine = RapidOCR()
    for file in json.load(sys.stdin):
        picture = ImageOps.exif_transpose(Image.open(folder / file)).convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(picture)
        paper.thumbnail((SIDE, SIDE))
        start = time.perf_counter()
        result = engine(np.ascontiguousarray(np.asarray(paper.convert("RGB"))[..., ::-1]))
        seconds = time.perf_counter() - start
        boxes, words = (result.boxes, result.txts) if result.boxes is not None else ([], [])
        lines = [
            (float(box[:, 1].mean()), float(box[:, 0].min()), float(np.linalg.norm(box[0] - box[3])), word)
            for box, word in zip(boxes, words, strict=True)
        ]
        print(json.dumps({"file": file, "text": in_rows(lines), "seconds": seconds}), flush=True)


def in_rows(lines: Sequence[tuple[float, float, float, str]]) -> str:
    """Return the digits of lines (middle y, left x, height, text) from top to bottom, those side by side as one row."""
    rows: list[list[tuple[float, float, float, str]]] = []
    for line in sorted(lines):
        if rows and abs(line[0] - rows[-1][-1][0]) < 0.5 * line[2]:
            rows[-1].append(line)
        else:
            rows.append([line])
    found = ("".join(re.sub(r"[^0-9]", "", line[3]) for line in sorted(row, key=lambda line: line[1])) for row in rows)
    return "/".join(row for row in found if row)


def by_digitrec(folder: Path, files: Sequence[str], model: str, angle: float = 0.0) -> dict[str, Answer]:
    """Return what digitrec reads in pictures rotated counter-clockwise; of what cannot be opened, nothing."""
    from digitrec.errors import DigitrecError
    from digitrec.imaging import decode, rotation
    from digitrec.recognition import pipeline
    from digitrec.registry import registry

    predictor = registry.predictor(model)
    answers = {}
    for file in files:
        start = time.perf_counter()
        try:
            picture = decode.opened((folder / file).read_bytes()).image
            picture = rotation.rotated(picture.convert("RGB"), angle) if angle else picture
            text = pipeline.read(picture, predictor).text
        except DigitrecError as error:
            print(f"{file}: {error}", file=sys.stderr)
            text = ""
        answers[file] = Answer(text, time.perf_counter() - start)
    return answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, help="only the first so many that are scored")
    parser.add_argument("--model", default="reader")
    parser.add_argument("--rotated", type=float, nargs="+", help="digitrec alone, the pictures rotated by degrees")
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.answer:
        _answer_all(given.folder)
        return
    rows = [json.loads(line) for line in (given.folder / "manifest.jsonl").read_text().splitlines()]
    rows = [row for row in rows if group_of(row) and not row["file"].endswith("pdf")][: given.pictures]
    files = [row["file"] for row in rows]
    if given.rotated:
        by_angle = {
            f"{angle:g} degrees": by_digitrec(given.folder, files, given.model, angle) for angle in given.rotated
        }
        print(table(rows, by_angle))
        return
    readers = {
        f"digitrec, {given.model}": by_digitrec(given.folder, files, given.model),
        PACKAGES[0]: by_rapidocr(given.folder, files),
    }
    print(table(rows, readers))


if __name__ == "__main__":
    main()
