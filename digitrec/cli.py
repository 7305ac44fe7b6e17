"""The command line: `digitrec` (or `python -m digitrec`) `app | read | train | evaluate | import | recipes | ...`.

Each command is one function that imports what it needs, so that `read` starts without TensorFlow, Streamlit or Plotly.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from digitrec import __version__, formats, settings
from digitrec.errors import DigitrecError, PictureError, RecipeError

if TYPE_CHECKING:
    from digitrec.jobs.runs import Run
    from digitrec.recognition.classifier import Predictor
    from digitrec.recognition.results import Reading

OK, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

TIMED = 300
"""Digits that `evaluate` reads one by one to measure the time per digit."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 success, 1 something could not be done, 2 wrong usage.

    Args:
        arguments: The words after the program's name; by default those of this process.
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
    program = "python -m digitrec" if os.path.basename(sys.argv[0]) == "__main__.py" else "digitrec"
    parser = argparse.ArgumentParser(prog=program, description="Read handwritten digits, and train models that do.")
    parser.add_argument("--version", action="version", version=f"digitrec {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_app(commands)
    _add_read(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add(commands, "recipes", _recipes, "list the recipes", "List the recipes.")
    about = (
        "Check UNIPEN's pen strokes, which reader and reader-mlp are trained on in addition to MNIST, or say where to "
        "get them. They are expected in data/unipen, or in the folder that DIGITREC_STROKES names."
    )
    _add(commands, "strokes", _strokes, "check the pen strokes that reader and reader-mlp are trained on", about)
    _add(commands, "models", _models, "list the models", "List the available models.")
    _add_import(commands)
    return parser


def _add(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], about: str, description: str
) -> argparse.ArgumentParser:
    """Add a command, and return its parser, which takes its arguments."""
    command: argparse.ArgumentParser = commands.add_parser(name, help=about, description=description)
    command.set_defaults(command=run)
    return command


def _drop_output() -> None:
    """Discard the remaining output: the program at the other end of the pipe has ended."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _add_app(commands: Any) -> None:
    command = _add(commands, "app", _app, "start the app", "Start the app. Ctrl-C ends it.")
    command.add_argument("--port", type=_port, metavar="N", help="port (default: 8501, or the next free one)")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):
        raise argparse.ArgumentTypeError(f"a port is a whole number from 1 to 65535. Received: {text[:40]!r}")
    return int(text)


def _app(options: argparse.Namespace) -> int:
    """Start Streamlit in this process; `.streamlit/config.toml` beside the script holds its other settings."""
    from streamlit.web import cli as streamlit

    settings.resolve_folders()
    port = [] if options.port is None else [f"--server.port={options.port}"]
    streamlit.main(["run", str(settings.APP / "streamlit_app.py"), *port])
    return OK


def _add_read(commands: Any) -> None:
    about = "Read the digits in pictures, PDF and TIFF files, one line per picture or page."
    command = _add(commands, "read", _read, "read the digits in pictures", about)
    command.add_argument("pictures", nargs="+", metavar="PICTURE", help="a picture file, or a folder of picture files")
    command.add_argument("--model", metavar="NAME", help="the model to read with (default: the best one)")
    command.add_argument("--single", action="store_true", help="each picture shows exactly one digit")
    command.add_argument("--format", choices=("text", "jsonl"), default="text", help="output format (default: text)")


def _read(options: argparse.Namespace) -> int:
    """Read each picture and print its line at once; return 1 if one could not be read.

    Notices about how pictures are read go to standard error, each sentence once, and notes on single files beside them.
    """
    from digitrec.registry import registry

    model = options.model or registry.default()
    predictor, finder = registry.predictor(model), registry.finder()
    json_lines = options.format == "jsonl"
    # A file name that is not valid text is printed as the bytes that it is.
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    status, printed = OK, set()
    for path in _files(options.pictures):
        for name, page, note, reading in _readings(path, predictor, options.single, finder):
            if isinstance(reading, PictureError):
                status = SOME_FAILED
            elif reading.notice and reading.notice not in printed:
                printed.add(reading.notice)
                print(f"digitrec: {reading.notice}", file=sys.stderr)
            if note:
                print(f"digitrec: {name}: {note}", file=sys.stderr)
            print(_as_json(path, page, model, note, reading) if json_lines else _as_text(name, reading), flush=True)
    return status


def _files(paths: Iterable[str]) -> Iterator[str]:
    """Yield the given files, and a folder's pictures in natural order; a folder without pictures as itself."""
    from digitrec.uploads import names

    for path in paths:
        yield from (names.pictures_in(path) if os.path.isdir(path) else []) or [path]


def _readings(
    path: str, predictor: "Predictor", single: bool, finder: "Predictor | None"
) -> "Iterator[tuple[str, int, str | None, Reading | PictureError]]":
    """Yield the reading of a picture, or why it cannot be read; of a PDF or TIFF that of each page.

    Before it come the name to print, the page from 1, or 0 for any other file, and a note on the file, if any.
    """
    from digitrec.imaging import documents
    from digitrec.recognition import pipeline

    name = re.sub(r"[\x00-\x1f\x7f]", "?", path)
    try:
        data = _content(path)
    except PictureError as error:
        yield name, 0, None, error
        return
    count = documents.pages(data)
    for page in range(1, min(count, documents.MOST_PAGES + 1) + 1) if count else [0]:
        shown = f"{name}, page {page}" if count > 1 else name
        try:
            image, note = documents.opened(data, page)
            yield shown, page, note, pipeline.read(image, predictor, single, finder)
        except PictureError as error:
            yield shown, page, None, error


def _content(path: str) -> bytes:
    """Return the file's bytes, at most one more than the size limit.

    Raises:
        PictureError: If the file cannot be read.
    """
    if os.path.isdir(path):
        raise PictureError("This folder contains no pictures. Name a folder with pictures, or picture files.")
    try:
        with open(path, "rb") as file:
            return file.read(settings.limit("megabytes") * 2**20 + 1)
    except FileNotFoundError as error:
        raise PictureError("There is no such file. Check its name and folder.") from error
    except PermissionError as error:
        raise PictureError("You do not have permission to read this file. Ask its owner.") from error
    except (OSError, ValueError) as error:
        raise PictureError("This file cannot be read. Check its name and its disk.") from error


def _as_text(name: str, reading: "Reading | PictureError") -> str:
    """Return one line: the name and the digits."""
    if isinstance(reading, PictureError):
        return f"{name}: error: {reading}"
    unsure = any(digit.flag == "uncertain" for digit in reading.digits)
    return f"{name}: {reading.text or 'no digit found'}{' (uncertain)' if unsure else ''}"


def _as_json(path: str, page: int, model: str, note: str | None, reading: "Reading | PictureError") -> str:
    """Return one line: a JSON object in ASCII; its keys are part of the public interface."""
    from digitrec.uploads import batch, serialize

    noted = reading if isinstance(reading, PictureError) else batch.noted(reading, note)
    return json.dumps(serialize.record(path, model, noted) | ({"page": page} if page else {}))


def _add_train(commands: Any) -> None:
    about = "Train a recipe and save the model. Ctrl-C stops the training and saves the model as it is."
    command = _add(commands, "train", _train, "train a recipe", about)
    command.add_argument("recipe", metavar="RECIPE", help="the name of a recipe; see `recipes`")
    command.add_argument("--epochs", type=int, metavar="N", help="passes over the training digits, 1 to 200")
    command.add_argument("--batch-size", type=int, metavar="N", help="digits per step, 1 to 4096")
    command.add_argument("--learning-rate", type=float, metavar="X", help="above 0, at most 10")
    command.add_argument(
        "--seed", type=int, metavar="N", help="random seed of the validation split, the initial weights and the order"
    )
    command.add_argument("--name", metavar="NAME", help="name of the model (default: my-RECIPE)")


def _train(options: argparse.Namespace) -> int:
    """Train in a separate process, print each epoch, and save the model."""
    from digitrec.jobs import runs
    from digitrec.registry import registry
    from digitrec.training.presets import PRESETS

    if options.recipe not in PRESETS:
        names = ", ".join(PRESETS)
        raise RecipeError(f"There is no recipe of this name. Recipes: {names}. Received: {options.recipe[:60]!r}")
    given = {key: getattr(options, key) for key in ("epochs", "batch_size", "learning_rate", "seed")}
    recipe = PRESETS[options.recipe].recipe.replace(**{key: v for key, v in given.items() if v is not None})
    settings.resolve_folders()
    name = options.name or registry.free_name(f"my-{recipe.name}")
    registry.check_name(name)
    run = _followed(runs.start(recipe))
    if run.message:
        print(f"digitrec: {run.state}: {run.message}", file=sys.stderr)
        return SOME_FAILED
    model = registry.add(name, run.folder)
    low, high = model.card["interval"]
    print(f"{name}: {model.accuracy:.2%} of the test digits are read correctly (95 % interval {low:.2%} to {high:.2%})")
    return OK


def _followed(run: "Run") -> "Run":
    """Print a run's epochs as they end, until the run has ended; Ctrl-C stops it."""
    from digitrec.jobs import runs

    printed = 0
    while run.active:
        try:
            time.sleep(0.5)
            run = runs.get(run.id)
            printed = _print_epochs(run, printed)
        except KeyboardInterrupt:
            print("Stopping; the model is saved as it is ...", flush=True)
            run = runs.stop(run)
    _print_epochs(run, printed)
    return run


def _print_epochs(run: "Run", printed: int) -> int:
    """Print the epochs after the first `printed`, and return how many there are."""
    from digitrec.jobs import runs

    curves = runs.curves_in(run.folder)
    for i in range(printed, len(curves.epoch)):
        print(
            f"epoch {curves.epoch[i]:g} of {run.recipe.epochs}: loss {curves.loss[i]:.4f}, "
            f"accuracy {curves.accuracy[i]:.2%}, validation {curves.val_accuracy[i]:.2%}",
            flush=True,
        )
    return len(curves.epoch)


def _add_evaluate(commands: Any) -> None:
    about = "Measure models on MNIST's 10,000 test digits."
    command = _add(commands, "evaluate", _evaluate, "measure models on MNIST's test digits", about)
    command.add_argument("models", nargs="+", metavar="MODEL", help="the name of a model; see `models`")
    command.add_argument("--format", choices=("text", "json"), default="text", help="output format (default: text)")


def _evaluate(options: argparse.Namespace) -> int:
    """Print each model's accuracy on the test digits, its size, and its time per digit."""
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
    head = ("model", "accuracy", "95 % interval", "errors", "parameters", "size", "per digit")
    print(formats.table(head, rows), flush=True)
    return OK


def _evaluated(name: str) -> dict[str, Any]:
    """Return what `evaluate` prints about a model, measured now; the keys are part of the public interface."""
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


def _add_import(commands: Any) -> None:
    about = "import a model for everybody on this server: a .keras, .h5, .tflite or .onnx file"
    command = _add(commands, "import", _import, about, about)
    command.add_argument("file", metavar="FILE")
    command.add_argument("--name", required=True, metavar="NAME", help="name of the model")


def _import(options: argparse.Namespace) -> int:
    """Import a model, and print what its test teaches."""
    from digitrec.jobs import imports

    settings.resolve_folders()
    print(*imports.lesson(imports.bring(options.file, options.name)), sep="\n", flush=True)
    return OK


def _models(options: argparse.Namespace) -> int:
    """Print the models with their accuracy on MNIST's test digits; name damaged ones on standard error."""
    from digitrec.registry import registry

    rows = [
        (model.name, model.kind, f"{model.accuracy:.2%}", f"{int(model.card['parameters']):,}")
        for model in registry.models()
    ]
    print(formats.table(("model", "kind", "accuracy", "parameters"), rows), flush=True)
    damaged = registry.damaged()
    for sentence in damaged:
        print(f"digitrec: {sentence}", file=sys.stderr)
    return SOME_FAILED if damaged else OK


def _recipes(options: argparse.Namespace) -> int:
    """Print the recipes, published ones first."""
    from digitrec.training.presets import PRESETS

    rows = [
        (name, preset.recipe.kind, str(preset.recipe.epochs), preset.published or "-", preset.title)
        for name, preset in PRESETS.items()
    ]
    print(formats.table(("recipe", "kind", "epochs", "published", "title"), rows), flush=True)
    return OK


def _strokes(options: argparse.Namespace) -> int:
    """Check the pen strokes and print how many there are."""
    from collections import Counter

    from digitrec.datasets import unipen

    counts = Counter((w.kind, unipen.part(w.writer)) for w in unipen.load(settings.strokes_folder()))
    parts = ("training", "validation", "test")
    rows = [(kind, *(f"{counts[kind, part]:,}" for part in parts)) for kind in unipen.FILES]
    print(formats.table(("kind", *parts), rows), flush=True)
    return OK
