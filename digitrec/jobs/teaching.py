"""A lesson: a copy of a model learns one visitor's digits: `python -m digitrec.jobs.teaching FOLDER`.

It lies among the visitor's own models (see `registry.visitors`), so that nobody else finds it and it goes with them:

    visitors.folder(key)/.lesson/   a job's folder, see `job`
        lesson.json                 which model learns
        digits.npz                  the digits, with their strokes
        verdict.json                what came of it, see `Verdict`
        model.keras ...             the model that learned, to be kept or not

In each of five trainings a fifth of the digits is left out and read by what came of it; the last one learns all.
"""

import contextlib
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from digitrec import files, settings
from digitrec.datasets import mnist, own_digits
from digitrec.datasets.own_digits import OwnDigit
from digitrec.errors import ModelError
from digitrec.jobs import checkpoint, imports, job, making, throttle, worker
from digitrec.recognition.digits import CLASSES
from digitrec.registry import registry, visitors
from digitrec.registry.registry import Model
from digitrec.training import metrics, splits
from digitrec.training.recipe import TEST_DIGITS
from digitrec.training.splits import Split

if TYPE_CHECKING:
    from digitrec.training.teaching import Pupil

FOLDER, LESSON, DIGITS, VERDICT = ".lesson", "lesson.json", "digits.npz", "verdict.json"

LEAST, MOST = 10, 300
"""Digits that a lesson takes."""

FOLDS = 5
SEED = 1
DIGITS_BYTES = 2**26  # of digits.npz unpacked; 300 digits with their strokes take 1 MB

REPORT_EVERY = 0.3  # seconds
STAGES = {"Your digits are varied": 0.15, "MNIST's digits are added": 0.15, "It learns": 0.35, "It is tested": 0.35}
"""What is done after TensorFlow was loaded, with its share of the time."""

ADVICE = job.Advice(again="Teach it again.", memory="Wait until no run trains, then teach it again.")


@dataclass(frozen=True, kw_only=True)
class Lesson(making.Progress):
    """How far a lesson has come; its state is `waiting` or `learning` while it is under way.

    Attributes:
        model: Name of the model whose copy learns.
        done: Share that is done, 0 to 1.
    """

    model: str = ""
    done: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What came of a lesson. All figures are on digits that were not learned from.

    Attributes:
        labels: Of the visitor's digits.
        before: What the model read in each before.
        after: What a copy that did not learn from the digit reads in it.
        errors: Of MNIST's 10,000 test digits that are read wrong, before and after.
        only_before: Of them, those that only the model before reads right.
        only_after: Those that only the one after does.
        seconds: How long it took.
    """

    labels: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    errors: tuple[int, int]
    only_before: int
    only_after: int
    seconds: float

    @property
    def right(self) -> tuple[int, int]:
        """How many of the visitor's digits are read right, before and after."""
        return tuple(  # type: ignore[return-value]
            sum(read == label for read, label in zip(answers, self.labels, strict=True))
            for answers in (self.before, self.after)
        )

    @property
    def changed(self) -> list[int]:
        """Places of the visitor's digits whose answer changed."""
        return [place for place, (one, two) in enumerate(zip(self.before, self.after, strict=True)) if one != two]


UNTEACHABLE = "cannot be taught: its branches join after its last trainable layer. Choose another model."


def can_learn(model: Model) -> bool:
    """Return whether a model can be taught: any that was trained here, and an imported one if its end can learn."""
    return model.imported is None or bool(model.imported.get("learns"))


def has_odds(model: Model) -> bool:
    """Return whether a model's logits are against non-digits: it learned from pen strokes, or tells eleven classes."""
    return model.recipe.strokes if model.imported is None else model.imported["classes"] > CLASSES


def _folder(key: str) -> Path:
    return visitors.folder(key) / FOLDER


def start(key: str, model: Model, digits: Sequence[OwnDigit]) -> None:
    """Have a copy of a model learn a visitor's digits, in a process of its own; a former lesson is discarded.

    Raises:
        ModelError: If there are too few or too many digits, a lesson is under way, or TensorFlow is not installed.
        RunError: If the disk is full or read-only.
    """
    if not LEAST <= len(digits) <= MOST:
        raise ModelError(f"A lesson takes {LEAST} to {MOST} digits. Draw more, or remove some. Received: {len(digits)}")
    if not can_learn(model):
        raise ModelError(f"{model.name} {UNTEACHABLE}")
    if find(key).state in ("waiting", "learning"):
        raise ModelError("A lesson is active. Wait for it, or stop it.")
    if not settings.has_tensorflow():
        raise ModelError(settings.NO_TENSORFLOW)
    discard(key)
    folder = _folder(key)
    with job.writing("The lesson cannot be started"):
        settings.visitors_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(parents=True, exist_ok=True)
        files.write(
            folder / DIGITS, lambda temporary: np.savez_compressed(temporary, allow_pickle=False, **_arrays(digits))
        )
        files.write_json(folder / LESSON, {"model": model.name, "folder": str(model.folder)})
        files.write_json(folder / job.STATUS, job.new_status())
        job.launch(folder, "digitrec.jobs.teaching", str(folder))


def find(key: str) -> Lesson:
    """Return how far a visitor's lesson has come."""
    folder = _folder(key)
    state, message, seconds = making.progress(folder, ADVICE, lambda: verdict(key) is not None)
    if state == "making":
        state = "learning" if seconds else "waiting"
    model = (files.read_json(folder / LESSON) or {}).get("model", "")
    done = (files.read_json(folder / job.STATUS) or {}).get("done", 0.0)
    return Lesson(state, message, seconds, model=model, done=done if files.is_number(done) else 0.0)


def stop(key: str) -> None:
    """End a lesson that is under way, and discard it.

    Raises:
        RunError: If the disk is full or read-only.
    """
    making.stop(_folder(key), ADVICE)
    discard(key)


def discard(key: str) -> None:
    """Forget a visitor's lesson that is not under way, with its digits.

    Raises:
        RunError: If the disk is read-only.
    """
    with job.writing("The lesson cannot be discarded"), contextlib.suppress(FileNotFoundError):
        shutil.rmtree(_folder(key))


def result(key: str) -> Path:
    """Return the folder of the model that learned, to be kept.

    Raises:
        ModelError: If no lesson is ready.
    """
    if find(key).state != "ready":
        raise ModelError("There is no lesson to keep. Teach a model first.")
    return _folder(key)


def verdict(key: str) -> Verdict | None:
    """Return what came of a visitor's lesson, or None where there is none."""
    values: dict[str, Any] = files.read_json(_folder(key) / VERDICT) or {}
    for name, value in values.items():
        values[name] = tuple(value) if isinstance(value, list) else value
    try:
        return Verdict(**values)
    except TypeError:
        return None


def digits(key: str) -> list[OwnDigit]:
    """Return the digits of a visitor's lesson.

    Raises:
        ModelError: If they are gone or damaged.
    """
    return _read(_folder(key))


def _arrays(digits: Sequence[OwnDigit]) -> dict[str, NDArray[Any]]:
    strokes = [stroke for digit in digits for stroke in digit.strokes]
    return {
        "glyphs": np.stack([digit.glyph for digit in digits]),
        "labels": np.array([digit.label for digit in digits], np.uint8),
        "strokes": np.array([len(digit.strokes) for digit in digits], np.int64),
        "lengths": np.array([len(stroke) for stroke in strokes], np.int64),
        "points": np.concatenate([*strokes, np.zeros((0, 2), np.float32)]),
    }


def _read(folder: Path) -> list[OwnDigit]:
    try:
        a = files.read_arrays(folder / DIGITS, DIGITS_BYTES)
        strokes = iter(np.split(a["points"], np.cumsum(a["lengths"])[:-1]) if len(a["lengths"]) else [])
        return [
            OwnDigit(glyph, int(label), tuple(next(strokes) for _ in range(count)))
            for glyph, label, count in zip(a["glyphs"], a["labels"], a["strokes"], strict=True)
        ]
    except (ValueError, KeyError, StopIteration) as error:
        raise ModelError(f"The digits of this lesson are gone. {ADVICE.again}") from error


# What the lesson's own process does.


def main(folder: Path) -> None:
    """Teach, in this process, and write what became of it."""
    with making.turn(folder, ADVICE, folder.parent.parent, "TensorFlow is loaded"):
        _teach(folder)


class _Progress:
    """Writes into a lesson's status how much is done."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.before, self.share, self.wrote = folder, 0.0, 0.0, 0.0

    def begin(self, stage: str) -> None:
        self.before, self.share = self.before + self.share, STAGES[stage]
        job.update(self.folder, message=stage, done=round(self.before, 3))

    def report(self, done: float) -> None:
        if time.monotonic() - self.wrote > REPORT_EVERY:
            self.wrote = time.monotonic()
            job.update(self.folder, done=round(self.before + done * self.share, 3))


def _write(folder: Path, model: Model, pupil: "Pupil", digits: int, split: Split) -> None:
    """Write the model that learned into the lesson's folder."""
    card, weights = model.card, pupil.weights()
    facts: dict[str, Any] = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "taught": {"model": model.name, "digits": digits, "plan": asdict(pupil.plan)},
    }
    if model.imported is not None:
        from digitrec.jobs import writing
        from digitrec.registry.importing import building

        learned = checkpoint.model(model.folder)  # anew: the pupil took its own apart
        learned.set_weights(weights)
        facts |= {"format": card["format"], "name": model.name, "imported": model.imported}
        writing.write(folder, learned, building.export, split, lambda logits: facts)
        return
    facts |= {
        "epochs": card["epochs"],
        "seconds": card["seconds"],
        "trained_on": f"{card.get('trained_on', 'MNIST')} and {digits} digits of yours",
    }
    kept = model.recipe.strokes  # its calibration rests on non-digits, which are not at hand
    worker.write_model(folder, model.recipe, weights, model.calibration if kept else split, facts, insight=False)


def _teach(folder: Path) -> None:
    began = time.monotonic()
    from digitrec.training import teaching

    lesson = files.read_json(folder / LESSON) or {}
    model = registry.read_folder(Path(lesson["folder"]))
    learned = _read(folder)
    labels = np.array([digit.label for digit in learned])
    split = splits.digits(model.recipe if model.imported is None else imports.RECIPE)
    pupil = teaching.Pupil(checkpoint.model(model.folder), has_odds(model), teaching.PLAN)
    progress = _Progress(folder)
    progress.begin("Your digits are varied")
    variants = teaching.varied(learned, pupil.plan, SEED, progress.report)
    count, each = variants.shape[:2]
    features = pupil.features(variants.reshape(-1, *variants.shape[2:]))
    features = features.reshape(count, each, *features.shape[1:])
    progress.begin("MNIST's digits are added")
    pupil.study(split.x, split.y, SEED, progress.report)
    progress.begin("It learns")
    part = own_digits.folds(labels.tolist(), FOLDS, np.random.default_rng(SEED))
    before, after = pupil.read(features[:, 0]), np.zeros(count, np.int64)
    for fold in range(FOLDS):
        own = part == fold
        pupil.teach(features[~own], labels[~own], SEED)
        after[own] = pupil.read(features[own, 0])
        progress.report((fold + 1) / (FOLDS + 1))
    pupil.teach(features, labels, SEED)
    progress.begin("It is tested")
    _write(folder, model, pupil, count, split)
    truth = mnist.test()[1]
    one, two = (registry.test_probabilities(each).argmax(axis=1) == truth for each in (model.folder, folder))
    tested = metrics.mcnemar(one, two)
    found = Verdict(
        labels=tuple(map(int, labels)),
        before=tuple(map(int, before)),
        after=tuple(map(int, after)),
        errors=(TEST_DIGITS - int(one.sum()), TEST_DIGITS - int(two.sum())),
        only_before=tested.only_a,
        only_after=tested.only_b,
        seconds=round(time.monotonic() - began, 1),
    )
    files.write_json(folder / VERDICT, asdict(found))


if __name__ == "__main__":
    for unneeded in ("sklearn", "pandas"):  # Keras would load them where they are installed
        sys.modules.setdefault(unneeded, None)  # type: ignore[arg-type]
    throttle.give_way()
    main(Path(sys.argv[1]))
