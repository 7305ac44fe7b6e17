"""The command line: `python -m digitrec read | train | evaluate | recipes | strokes | models`.

Each command is one function that imports what it needs, so that `read` starts without TensorFlow, Streamlit
or Plotly.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from digitrec import settings
from digitrec.errors import DigitrecError, PictureError, RecipeError

if TYPE_CHECKING:
    from digitrec.jobs.runs import Run
    from digitrec.recognition.classifier import Predictor
    from digitrec.recognition.results import Reading

OK, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

TIMED = 300
"""Digits that `evaluate` reads one by one to say how long one takes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 all right, 1 something could not be done, 2 wrong usage.

    Args:
        arguments: The words after the program's name; those of this process where None.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except DigitrecError as error:
        print(f"digitrec: {error}", file=sys.stderr)
        return WRONG_USAGE
    except BrokenPipeError:
        _drop_output()
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m digitrec", description="Read handwritten digits.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_read(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_recipes(commands)
    _add_strokes(commands)
    _add_models(commands)
    return parser


def _drop_output() -> None:
    """Send what is still to be written to nowhere: the reader at the other end of the pipe has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _add_read(commands: Any) -> None:
    command = commands.add_parser("read", help="read the digits in pictures", description="Read pictures of digits.")
    command.add_argument("pictures", nargs="+", metavar="PICTURE", help="a picture file, or a folder of them")
    command.add_argument("--model", metavar="NAME", help="the model that reads; without it, the best at hand")
    command.add_argument("--single", action="store_true", help="each picture holds exactly one digit")
    command.add_argument("--format", choices=("text", "jsonl"), default="text", help="how to print (default: text)")
    command.set_defaults(command=_read)


def _read(options: argparse.Namespace) -> int:
    """Read each picture and print its line at once; return 1 where one could not be read.

    What a person has to know of how a picture was read goes to the error output, each sentence once.
    """
    from digitrec.registry import registry

    model = options.model or registry.default()
    predictor, finder = registry.predictor(model), registry.finder()
    show = _as_json if options.format == "jsonl" else _as_text
    # A name that is no valid text goes out as the bytes it came in as.
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    status, told = OK, set()
    for path in _files(options.pictures):
        for page, reading in _readings(path, predictor, options.single, finder):
            if isinstance(reading, PictureError):
                status = SOME_FAILED
            elif reading.notice and reading.notice not in told:
                told.add(reading.notice)
                print(f"digitrec: {reading.notice}", file=sys.stderr)
            print(show(path, page, model, reading), flush=True)
    return status


def _files(paths: Iterable[str]) -> Iterator[str]:
    """Yield the files named, a folder's pictures in natural order; a folder without any is given as it is."""
    for path in paths:
        yield from (_pictures_in(path) if os.path.isdir(path) else []) or [path]


def _pictures_in(folder: str) -> list[str]:
    """Return the picture files in `folder`, digit2.png before digit10.png."""
    from digitrec.uploads import batch

    endings = settings.PICTURE_ENDINGS
    try:
        names = [name for name in os.listdir(folder) if name.lower().endswith(endings) and name[0] != "."]
    except OSError:
        return []
    return [os.path.join(folder, name) for name in sorted(names, key=batch.natural)]


def _readings(
    path: str, predictor: "Predictor", single: bool, finder: "Predictor | None"
) -> "Iterator[tuple[int, Reading | PictureError]]":
    """Yield what the picture says, or why it cannot be read; of a PDF each page with its number, else 0."""
    from digitrec.imaging import decode, pdf
    from digitrec.recognition import pipeline

    try:
        data = _content(path)
    except PictureError as error:
        yield 0, error
        return
    count = pdf.pages(data) if pdf.is_pdf(data) else 0
    for page in range(1, min(count, pdf.MOST_PAGES + 1) + 1) if count else [0]:
        try:
            image = pdf.page(data, page) if page else decode.open_picture(data)
            yield page, pipeline.read(image, predictor, single, finder)
        except PictureError as error:
            yield page, error


def _content(path: str) -> bytes:
    """Return the file's bytes, no more than it takes to see that they are too many.

    Raises:
        PictureError: If the file cannot be read.
    """
    if os.path.isdir(path):
        raise PictureError("This folder holds no picture that can be read. Name a folder with pictures, or files.")
    try:
        with open(path, "rb") as file:
            return file.read(settings.limit("megabytes") * 2**20 + 1)
    except FileNotFoundError as error:
        raise PictureError("There is no such file. Check its name and folder.") from error
    except PermissionError as error:
        raise PictureError("This file may not be read. Ask its owner for permission.") from error
    except (OSError, ValueError) as error:
        raise PictureError("This file cannot be read. Check the disk that it is on, and its name.") from error


def _as_text(path: str, page: int, model: str, reading: "Reading | PictureError") -> str:
    """Return one line: the file, the page of a PDF, and the digits."""
    name = re.sub(r"[\x00-\x1f\x7f]", "?", path) + (f", page {page}" if page else "")
    if isinstance(reading, PictureError):
        return f"{name}: error: {reading}"
    unsure = any(digit.flag == "uncertain" for digit in reading.digits)
    return f"{name}: {reading.text or 'no digit found'}{' (uncertain)' if unsure else ''}"


def _as_json(path: str, page: int, model: str, reading: "Reading | PictureError") -> str:
    """Return one line: a JSON object in ASCII, as the contract has it."""
    from digitrec.uploads import serialize

    return json.dumps(serialize.record(path, model, reading) | ({"page": page} if page else {}))


def _add_train(commands: Any) -> None:
    about = "Train a recipe on MNIST and keep the model. Ctrl-C stops and keeps what was learned."
    command = commands.add_parser("train", help="train a recipe", description=about)
    command.add_argument("recipe", metavar="RECIPE", help="the name of a recipe; see `recipes`")
    command.add_argument("--epochs", type=int, metavar="N", help="passes over the training digits, 1 to 200")
    command.add_argument("--batch-size", type=int, metavar="N", help="digits a step, 1 to 4096")
    command.add_argument("--learning-rate", type=float, metavar="X", help="above 0, at most 10")
    command.add_argument("--seed", type=int, metavar="N", help="decides validation digits, first weights and order")
    command.add_argument("--name", metavar="NAME", help="what the model is called (default: my-RECIPE)")
    command.set_defaults(command=_train)


def _train(options: argparse.Namespace) -> int:
    """Train in a process of its own, print how it goes, and keep the model."""
    from digitrec.jobs import runs
    from digitrec.registry import registry
    from digitrec.training.presets import PRESETS

    if options.recipe not in PRESETS:
        names = ", ".join(PRESETS)
        raise RecipeError(f"There is no recipe of this name. Recipes: {names}. Received: {options.recipe[:60]!r}")
    given = {key: getattr(options, key) for key in ("epochs", "batch_size", "learning_rate", "seed")}
    recipe = PRESETS[options.recipe].recipe.replace(**{key: v for key, v in given.items() if v is not None})
    name = options.name or registry.free_name(f"my-{recipe.name}")
    registry.check_name(name)
    run = _followed(runs.start(recipe))
    if run.message:
        print(f"digitrec: {run.state}: {run.message}", file=sys.stderr)
        return SOME_FAILED
    model = registry.add(name, run.folder)
    low, high = model.card["interval"]
    print(f"{name}: {model.accuracy:.2%} of the test digits read right (95 % interval {low:.2%} to {high:.2%})")
    return OK


def _followed(run: "Run") -> "Run":
    """Print a run's epochs as they end, until it has ended; Ctrl-C stops it."""
    from digitrec.jobs import runs

    told = 0
    while run.active:
        try:
            time.sleep(0.5)
            run = runs.get(run.id)
            told = _tell_epochs(run, told)
        except KeyboardInterrupt:
            print("Stopping; what was learned is kept ...", flush=True)
            run = runs.stop(run)
    _tell_epochs(run, told)
    return run


def _tell_epochs(run: "Run", told: int) -> int:
    """Print the epochs after the first `told`, and return how many there are."""
    from digitrec.jobs import runs

    curves = runs.curves(run)
    for i in range(told, len(curves.epoch)):
        print(
            f"epoch {curves.epoch[i]:g} of {run.recipe.epochs}: loss {curves.loss[i]:.4f}, "
            f"accuracy {curves.accuracy[i]:.2%}, validation {curves.val_accuracy[i]:.2%}",
            flush=True,
        )
    return len(curves.epoch)


def _add_evaluate(commands: Any) -> None:
    about = "Read MNIST's 10,000 test digits with models."
    command = commands.add_parser("evaluate", help="test models on MNIST's test digits", description=about)
    command.add_argument("models", nargs="+", metavar="MODEL", help="the name of a model; see `models`")
    command.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    command.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    """Print what each model reaches on the test digits, and how long one digit takes."""
    found = [_evaluated(name) for name in options.models]
    if options.format == "json":
        print(json.dumps(found, indent=1), flush=True)
        return OK
    rows = [
        (
            one["model"],
            f"{one['accuracy']:.2%}",
            f"{one['interval'][0]:.2%} to {one['interval'][1]:.2%}",
            f"{one['errors']:,}",
            f"{one['parameters']:,}",
            f"{one['bytes'] / 1e6:.1f} MB",
            f"{one['milliseconds_per_digit']:.2f} ms",
        )
        for one in found
    ]
    print(_table(("model", "accuracy", "95 % interval", "errors", "parameters", "size", "a digit"), rows), flush=True)
    return OK


def _evaluated(name: str) -> dict[str, Any]:
    """Return what `evaluate` says of a model, measured now: see contracts.md."""
    from digitrec.datasets import mnist
    from digitrec.registry import registry
    from digitrec.training import metrics, model_files

    model, predictor = registry.get(name), registry.predictor(name)
    pictures, truth = mnist.test()
    glyphs = mnist.glyphs(pictures)
    scores = metrics.scores(predictor.probabilities(glyphs), truth)
    started = time.perf_counter()
    for glyph in glyphs[:TIMED]:
        predictor.probabilities(glyph[None])
    milliseconds = 1000 * (time.perf_counter() - started) / TIMED
    return {
        "model": name,
        "accuracy": scores.accuracy,
        "interval": list(scores.interval),
        "errors": scores.errors,
        "confusion": scores.confusion.tolist(),
        "parameters": model.card["parameters"],
        "bytes": (model.folder / model_files.TFLITE).stat().st_size,
        "milliseconds_per_digit": round(milliseconds, 3),
    }


def _add_models(commands: Any) -> None:
    command = commands.add_parser("models", help="list the models at hand", description="List the models at hand.")
    command.set_defaults(command=_models)


def _models(options: argparse.Namespace) -> int:
    """Print the models with what they reach on MNIST's test digits; name the folders left out."""
    from digitrec.registry import registry

    rows = [
        (model.name, model.kind, f"{model.accuracy:.2%}", f"{int(model.card['parameters']):,}")
        for model in registry.models()
    ]
    print(_table(("model", "kind", "accuracy", "parameters"), rows), flush=True)
    left_out = registry.damaged()
    for sentence in left_out:
        print(f"digitrec: {sentence}", file=sys.stderr)
    return SOME_FAILED if left_out else OK


def _add_recipes(commands: Any) -> None:
    command = commands.add_parser("recipes", help="list the recipes", description="List the recipes.")
    command.set_defaults(command=_recipes)


def _recipes(options: argparse.Namespace) -> int:
    """Print the recipes, published ones first."""
    from digitrec.training.presets import PRESETS

    rows = [
        (name, preset.recipe.kind, str(preset.recipe.epochs), preset.published or "-", preset.title)
        for name, preset in PRESETS.items()
    ]
    print(_table(("recipe", "kind", "epochs", "published", "title"), rows), flush=True)
    return OK


def _add_strokes(commands: Any) -> None:
    command = commands.add_parser(
        "strokes",
        help="check the pen strokes that reader and reader-mlp are trained on",
        description="Check the pen strokes that reader and reader-mlp are trained on beside MNIST, or say where to "
        "get them. They are looked for in data/unipen, or where DIGITREC_STROKES points.",
    )
    command.set_defaults(command=_strokes)


def _strokes(options: argparse.Namespace) -> int:
    """Check the pen strokes and say how many there are."""
    from collections import Counter

    from digitrec.datasets import unipen

    counts = Counter((w.kind, unipen.part(w.writer)) for w in unipen.load(settings.strokes_folder()))
    parts = ("training", "validation", "test")
    rows = [(kind, *(f"{counts[kind, part]:,}" for part in parts)) for kind in unipen.FILES]
    print(_table(("kind", *parts), rows), flush=True)
    return OK


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return columns set under their heads, two spaces apart."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *rows]]
    return "\n".join(line.rstrip() for line in lines)
