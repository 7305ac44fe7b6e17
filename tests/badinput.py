"""Whatever takes bytes from outside, each with valid seeds, and ways to spoil them: for a test, a bench and a fuzzer.

A target gets bytes and answers, or raises a DigitrecError. Anything else that it raises is a bug.
"""

import contextlib
import io
import json
import os
import random
import shutil
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import picturedata
from PIL import Image

from digitrec import cli, settings
from digitrec.analysis import precomputed, stroke_replay
from digitrec.errors import PictureError, RunError
from digitrec.figures import confusion
from digitrec.jobs import job, runs
from digitrec.recognition import by_hand, normalize, pipeline, results
from digitrec.recognition.classifier import Predictor
from digitrec.recognition.normalize import Box
from digitrec.registry import registry
from digitrec.training import events, model_files
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import Recipe
from digitrec.ui import share_link
from digitrec.uploads import batch, corrections, serialize

MODEL = "mlp-30-10"  # the smallest one
GLYPHS = np.zeros((2, 28, 28), np.float32)
ODD: tuple[Any, ...] = (None, True, -1, 0, 1.5, 1e308, float("nan"), float("inf"), 10**40, "", "x" * 5000, "../..",
                        "<img src=x>", "\ud800", [], {}, [[]], [0] * 300, {"a": {"b": []}})  # fmt: skip


class Target(NamedTuple):
    """Something that takes bytes.

    Attributes:
        name: What it takes.
        share: Of all inputs, how many in a thousand.
        seeds: Returns valid bytes.
        take: Gives them to the app; the folder is one of its own.
        form: What its bytes are: any, JSON with one value per line, or a value that was taken from JSON before.
    """

    name: str
    share: int
    seeds: Callable[[], list[bytes]]
    take: Callable[[bytes, Path], object]
    form: Literal["bytes", "json", "value"] = "bytes"


def spoiled(target: Target, seeds: list[bytes], rng: random.Random) -> bytes:
    """Return one of the seeds, changed in a few places."""
    data = rng.choice(seeds)
    if target.form == "value" or (target.form == "json" and rng.random() < 0.6):
        return _spoiled_json(data, rng)
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        found = _spoiled_bytes(found, seeds, rng)
    return _right_sums(bytes(found)) if target.name == "png" and rng.random() < 0.8 else bytes(found)


def _spoiled_bytes(data: bytearray, seeds: list[bytes], rng: random.Random) -> bytearray:
    """Return the bytes changed in one place, as often in the head as in all the rest."""
    at = rng.randrange(min(len(data), 96) + 1) if rng.random() < 0.5 else rng.randrange(len(data) + 1)
    size = rng.choice((1, 1, 2, 4, 8, 64))
    match rng.randrange(7):
        case 0:
            data[at : at + 1] = bytes([rng.randrange(256)])
        case 1:
            data[at : at + size] = rng.randbytes(size)
        case 2:
            number = rng.choice((0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 100_000))
            kind = rng.choice(("<I", ">I", "<H", ">H"))
            packed = struct.pack(kind, number & (0xFFFFFFFF if kind[1] == "I" else 0xFFFF))
            data[at : at + len(packed)] = packed
        case 3:
            del data[at : at + size * rng.randrange(1, 9)]
        case 4:
            data[at:at] = data[at : at + size] * rng.randrange(1, 99)
        case 5:
            del data[at:]
        case 6:
            other = rng.choice(seeds)
            start = rng.randrange(len(other) + 1)
            data[at : at + size] = other[start : start + size]
    return data


def _right_sums(data: bytes) -> bytes:
    """Return a PNG file with each chunk's checksum made right, so that what is in it is looked at."""
    made, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        made += data[at : at + 8 + size] + zlib.crc32(data[at + 4 : at + 8 + size]).to_bytes(4)
        at += 12 + size
    return bytes(made)


def _spoiled_json(data: bytes, rng: random.Random) -> bytes:
    """Return JSON, one value per line, with one of its parts left out, added or made something else."""
    lines = [json.loads(line) for line in data.splitlines()]
    place = rng.randrange(len(lines))
    for _ in range(rng.choice((1, 1, 2, 5))):
        holders = list(_holders(lines[place]))
        if not holders or rng.random() < 0.05:
            lines[place] = deepcopy(rng.choice(ODD))
            continue
        holder = rng.choice(holders)
        key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        match rng.randrange(4):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[rng.choice(("x", "name", "", "__class__"))] = deepcopy(rng.choice(ODD))
            case _:
                holder[key] = deepcopy(rng.choice(ODD))
    return b"\n".join(json.dumps(line).encode() for line in lines)


def _holders(value: Any) -> Iterator[Any]:
    """Yield all lists and objects that hold something."""
    if isinstance(value, dict | list) and value:
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from _holders(part)


def _picture(data: bytes, _: Path) -> None:
    """Read a file as Upload does, up to two of its pages: by two models, its steps, and what is downloaded."""
    chosen = batch.Batch()
    chosen.replace([batch.File("=1+1.png", "", data)])
    records = []
    for picture in chosen.pictures[:2]:
        for name in (MODEL, "mlp-128"):
            outcome = chosen.outcome(picture, False, registry.predictor(name), data, registry.predictor(MODEL))
            records.append(serialize.numbered(picture.name, name, outcome))
        if isinstance(outcome, results.Reading):
            batch.closeup(data, picture.page, outcome.angle)
    serialize.as_csv(records), serialize.as_xlsx(records), serialize.as_json(records), serialize.as_text(records)
    if isinstance(outcome, PictureError):
        raise outcome


@cache
def _card() -> bytes:
    return (settings.SHIPPED_MODELS / MODEL / model_files.CARD).read_bytes()


def _in_lines(data: bytes) -> bytes:
    """Return JSON on one line."""
    return json.dumps(json.loads(data)).encode()


def _model_with(file: str) -> Callable[[bytes, Path], None]:
    """Return a function that lists and opens a model one of whose files is other bytes."""

    def take(data: bytes, folder: Path) -> None:
        model = folder / "models" / "odd"
        if not model.exists():
            shutil.copytree(settings.SHIPPED_MODELS / MODEL, model)
        (model / file).write_bytes(data)
        for found in registry.models():
            if not found.shipped:
                assert found.recipe.kind == found.kind
                assert 0 <= found.accuracy <= 1
                if file != model_files.CARD:
                    found.test_probabilities()
                    precomputed.read(found.folder)
        if file == model_files.CARD:
            registry.damaged(), registry.default("cnn"), registry.get("odd")

    return take


def _tflite(data: bytes, folder: Path) -> None:
    (folder / model_files.TFLITE).write_bytes(data)
    opened = Predictor("odd", folder / model_files.TFLITE)
    opened.answers(GLYPHS), opened.activations(GLYPHS), opened.weights("dense_1")


def _run_with(file: str) -> Callable[[bytes, Path], None]:
    """Return a function that shows a run one of whose files is other bytes."""

    def take(data: bytes, folder: Path) -> None:
        run = folder / "runs" / "odd"
        if not run.exists():
            run.mkdir(parents=True)
            for name, seeds in _RUN.items():
                (run / name).write_bytes(seeds()[0])
        (run / file).write_bytes(data)
        runs.runs()
        found = runs.get("odd")
        assert 0 <= runs.progress_and_curves(found)[0].share <= 1
        assert len(runs.curves_in(found.folder).epoch) == len(runs.curves_in(found.folder).val_accuracy)
        assert runs.history_csv(found)
        assert found.card is None or found.card["errors"] >= 0

    return take


def _recipes() -> list[bytes]:
    return [json.dumps(preset.recipe.to_json()).encode() for preset in PRESETS.values()]


def _events() -> list[bytes]:
    step = {"epoch": 0.5, "loss": 0.3, "accuracy": 0.9, "seconds": 1.5, "digits_per_second": 9000.0}
    lines = (step | {"kind": "batch"}, step | {"kind": "epoch", "val_loss": 0.2, "val_accuracy": 0.9},
             {"kind": "testing"})  # fmt: skip
    return [b"\n".join(json.dumps(line).encode() for line in lines)]


def _status() -> list[bytes]:
    return [json.dumps({"state": s, "message": "", "queued_at": 1.0, "started": 1.0}).encode() for s in job.UNDER_WAY]


_RUN: dict[str, Callable[[], list[bytes]]] = {
    model_files.RECIPE: _recipes,
    events.EVENTS: _events,
    job.STATUS: _status,
    model_files.CARD: lambda: [_in_lines(_card())],
}  # fmt: skip


def _recipe(data: bytes, _: Path) -> None:
    """Read a recipe, and what it says of itself; one that is taken can be written and read again."""
    recipe = Recipe.from_json(json.loads(data))
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert recipe.parameters > 0
    recipe.layers()


def _addresses() -> list[bytes]:
    glyph = share_link.packed(np.asarray(picturedata.paper().resize((28, 28)), np.float32) / np.float32(255))
    parts = {"model_1": "reader", "model_2": "mlp-128", "digit": "61"}
    return [
        json.dumps(each).encode() for each in (parts, {"ink": glyph}, {"ink": glyph[:80], "run": "x", "digit": "7"})
    ]


def _address(data: bytes, _: Path) -> None:
    parts = json.loads(data)
    texts = {str(k): str(v) for k, v in parts.items()} if isinstance(parts, dict) else {"ink": str(parts)}
    found = share_link.choices(texts, ["reader", "mlp-128"])
    assert found.ink is None or found.ink.shape == (28, 28)
    with contextlib.suppress(RunError):
        runs.get(texts.get("run", ""))


def _strokes() -> list[bytes]:
    path = [["M", 20, 30], ["Q", 40, 30, 60, 30], ["L", 90, 200]]
    objects = [{"type": "path", "path": path, "strokeWidth": 18}, {"type": "path", "path": path[:1]}]
    click = [{"customdata": [3, 5]}, {"customdata": {"0": 1, "1": 2}}]
    return [json.dumps({"objects": objects, "points": click, "box": [1, 2, 30, 40]}).encode()]


def _canvas(data: bytes, _: Path) -> None:
    """Take what a browser sends of a canvas, a figure that was clicked and a box that was drawn."""
    received = json.loads(data)
    sent: dict[str, Any] = received if isinstance(received, dict) else {"objects": received}
    lines = stroke_replay.lines(sent.get("objects", []))
    drawn = stroke_replay.drawn(lines, 0.7, 280)
    if drawn.min() < 255:
        found = pipeline.read_canvas(drawn, registry.predictor(MODEL))
        assert found.size == (280, 280)
    points = sent.get("points", [])
    confusion.clicked_cell(points), confusion.clicked_digit(points)
    box = sent.get("box")
    if isinstance(box, list) and len(box) == 4 and all(type(side) is int for side in box):
        annotations = corrections.Annotations(drawn.shape[1::-1], drawn.shape[1::-1], 0.0, ())
        inside = normalize.clipped(Box(*box), drawn.shape[:2])
        corrections.added(annotations, by_hand.digit(Image.fromarray(drawn), 0.0, inside))


def _commands() -> list[bytes]:
    words = ("read", "--model", MODEL, "--single", "--format", "jsonl", "a.png"), ("read", "no such\nfile", "-"), (
        "train", "none", "--epochs", "3", "--seed", "1", "--name", "x"), ("evaluate", "none"), ("recipes",), (
        "models",), ("strokes",), ("train", "cnn-3x3", "--epochs", "900", "--learning-rate", "nan")  # fmt: skip
    return ["\0".join(each).encode() for each in words]


def _command(data: bytes, folder: Path) -> None:
    """Run a command; what would train is let alone."""
    words = data.decode(errors="surrogateescape").split("\0")
    if "train" in words[:1] or "evaluate" in words[:1]:
        words[1:2] = [f"{word}?" for word in words[1:2]]
    (folder / "a.png").write_bytes(picturedata.png()[0])
    output = io.TextIOWrapper(io.BytesIO(), errors="strict")
    here = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
            status = cli.main(words)
    except SystemExit as end:  # argparse
        status = end.code if isinstance(end.code, int) else 1
    finally:
        os.chdir(here)
    assert status in (cli.OK, cli.SOME_FAILED, cli.WRONG_USAGE), status


TARGETS = {
    target.name: target
    for target in (
        Target("png", 80, picturedata.png, _picture),
        Target("jpeg", 80, picturedata.jpeg, _picture),
        Target("webp", 50, picturedata.webp, _picture),
        Target("bmp", 40, lambda: picturedata.saved("BMP", "L", "RGB", "RGBA", "1"), _picture),
        Target("gif", 40, lambda: [*picturedata.saved("GIF", "L", "P"), picturedata.frames("GIF")], _picture),
        Target("tiff", 80, picturedata.tiff, _picture),
        Target("heic", 30, picturedata.heic, _picture),
        Target("pdf", 50, picturedata.pdf, _picture),
        Target("card.json of a model", 60, lambda: [_in_lines(_card())], _model_with(model_files.CARD), "json"),
        Target("card.json of a run", 60, _RUN[model_files.CARD], _run_with(model_files.CARD), "json"),
        Target("recipe.json", 90, _recipes, _run_with(model_files.RECIPE), "json"),
        Target("a recipe", 60, _recipes, _recipe, "value"),
        Target("events.jsonl", 60, _events, _run_with(events.EVENTS), "json"),
        Target("status.json", 50, _status, _run_with(job.STATUS), "json"),
        Target("an address", 80, _addresses, _address, "value"),
        Target("canvas and clicks", 30, _strokes, _canvas, "value"),
        Target("command line", 20, _commands, _command),
        Target(
            "model.tflite", 20, lambda: [(settings.SHIPPED_MODELS / MODEL / model_files.TFLITE).read_bytes()], _tflite
        ),
        Target("test.npz", 10, lambda: [(settings.SHIPPED_MODELS / MODEL / model_files.TEST).read_bytes()],
               _model_with(model_files.TEST)),
        Target("insight.npz", 10, lambda: [(settings.SHIPPED_MODELS / MODEL / model_files.INSIGHT).read_bytes()],
               _model_with(model_files.INSIGHT)),
    )
}  # fmt: skip

assert sum(target.share for target in TARGETS.values()) == 1000, sys.exit("shares are a thousand in all")
