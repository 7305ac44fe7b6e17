"""Trains the crop classifier: `python -m digitrec.training.crop_training --export models/detector`.

Pages are made, the detector looks for digits on them, and its candidates become crops, digits and others, in files of
the folder (`build/crops`); so do pictures of one character. A later call makes only those that are missing. Then the
net is trained on them; a training that was ended goes on from its last epoch.
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec import files, settings
from digitrec.datasets import page_crops, single_pictures
from digitrec.datasets.characters import Characters
from digitrec.datasets.page_crops import Crops
from digitrec.datasets.synthetic_pages import EMPTY, SORTS, PageMaker
from digitrec.recognition import crop_outputs, shipped
from digitrec.recognition.crop_outputs import ALIKE, NONE, TURNED
from digitrec.training import plan_options, precision

if TYPE_CHECKING:
    import keras

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Plan:
    """How the crop classifier is trained.

    Attributes:
        pages: Pages that crops are taken from.
        empty: As many more without a handwritten digit: print, words and what is no page.
        singles: Pictures of one character.
        checked: Validation pages.
        epochs: Passes over the crops.
        batch: Crops a step.
        peak_rate: Highest learning rate; it rises over the first twentieth and falls along a cosine to nothing.
        seed: Of pages and weights.
        precision: As in a recipe; see `precision.computed`.
    """

    pages: int = 8160
    empty: int = 1600
    singles: int = 20_000
    checked: int = 200
    epochs: int = 8
    batch: int = 128
    peak_rate: float = 2e-3
    seed: int = 1
    precision: str = "auto"


PAGES_A_FILE, SINGLES_A_FILE = 40, 1000

EMPTY_FROM, SINGLES_FROM = 1_000_000, 2_000_000
"""Numbers of the first page without a handwritten digit, and of the first picture of one character."""

ANGLE, ZOOM, SHIFT = 12.0, 0.12, 2.5
"""Crops are rotated by up to so many degrees, zoomed by this share and shifted by so many pixels: the detector's boxes
are off by as much."""


def make_crops(part: str, seed: int, first: int, count: int) -> Crops:
    """Return the crops of some pages of a part, `training` or `validation`; from EMPTY_FROM on none is a digit.

    From SINGLES_FROM on they are those of pictures of one character.
    """
    cv2.setNumThreads(1)
    if first >= SINGLES_FROM:
        return _single_crops(part, seed, first, count)
    maker, detector = PageMaker(Characters.load(part, settings.strokes_folder()), seed), shipped.detector()
    made = []
    for number in range(first, first + count):
        sort = EMPTY if number >= EMPTY_FROM else SORTS[number % len(SORTS)] if number % 8 < 4 else SORTS[-1]
        rng = np.random.default_rng((seed, 4, number))
        made.append(page_crops.of_page(maker.page_of(sort, number), detector, rng))
    return _joined(made)


def _single_crops(part: str, seed: int, first: int, count: int) -> Crops:
    maker, made = single_pictures.SingleMaker(part, settings.strokes_folder()), []
    for number in range(first, first + count):
        rng = np.random.default_rng((seed, 7, number))
        made.append(single_pictures.crops_of(maker.picture(rng), rng))
    return _joined(made)


def _joined(made: list[Crops]) -> Crops:
    return Crops(np.concatenate([each.images for each in made]), np.concatenate([each.classes for each in made]))


def write_crops(file: Path, part: str, seed: int, first: int, count: int) -> str:
    """Make the crops of one file, unless it is there; return its name."""
    if not file.exists():
        crops = make_crops(part, seed, first, count)
        files.write(file, lambda temporary: np.savez(temporary, images=crops.images, classes=crops.classes))
    return file.name


def all_crops(folder: Path, part: str, plan: Plan, workers: int) -> Crops:
    """Return the crops of a part, `training` or `validation`; worker processes make those that are not in the folder.

    Args:
        folder: Of their files.
        part: The training's pages, empty pages and pictures of one character, or the pages that are checked.
        plan: How many.
        workers: Processes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    training = part == "training"
    counts = [(0, plan.pages if training else plan.checked, PAGES_A_FILE)]
    if training:
        counts += [(EMPTY_FROM, plan.empty, PAGES_A_FILE), (SINGLES_FROM, plan.singles, SINGLES_A_FILE)]
    work = [(first, each) for start, count, each in counts for first in range(start, start + count, each)]
    paths = [folder / f"{part}-{plan.seed}-{first:06d}.npz" for first, _ in work]
    started = time.monotonic()
    missing = [(file, *item) for file, item in zip(paths, work, strict=True) if not file.exists()]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        done = [pool.submit(write_crops, file, part, plan.seed, first, count) for file, first, count in missing]
        for number, each in enumerate(done, 1):
            name = each.result()
            left = (time.monotonic() - started) / number * (len(done) - number)
            print(f"{name}: {number} of {len(done)} files, {left / 60:.1f} minutes left", flush=True)
    stored = [np.load(file) for file in paths]
    return Crops(np.concatenate([s["images"] for s in stored]), np.concatenate([s["classes"] for s in stored]))


def varied(image: Bytes, rng: np.random.Generator, turns: int) -> Bytes:
    """Return a kept crop as the net sees it: a little off its place, in another light, rotated by quarters clockwise.

    Args:
        image: uint8 (SIDE, SIDE, 3) of `page_crops`.
        rng: Source of chance.
        turns: Quarter turns.
    """
    side = crop_outputs.SIDE
    angle = np.radians(rng.uniform(-ANGLE, ANGLE) + 90.0 * turns)
    zoom = np.exp(rng.uniform(-ZOOM, ZOOM, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag(zoom)
    middle = (page_crops.SIDE - 1) / 2
    move = (side - 1) / 2 + rng.uniform(-SHIFT, SHIFT, 2) - turn @ (middle, middle)
    seen = cv2.warpAffine(image, np.column_stack([turn, move]), (side, side), borderMode=cv2.BORDER_REPLICATE)
    levels = np.arange(256)[:, None] * np.exp(rng.uniform(-0.3, 0.3)) * rng.uniform(0.93, 1.07, 3)
    table = np.clip(levels + rng.uniform(-25, 25), 0, 255)
    table = 255 - table if rng.random() < 0.1 else table
    return np.asarray(cv2.LUT(seen, table.astype(np.uint8)[None]), np.uint8)


def middle_of(images: Bytes) -> Bytes:
    """Return kept crops as they are in reading: their middles."""
    edge = (page_crops.SIDE - crop_outputs.SIDE) // 2
    return images[:, edge:-edge, edge:-edge]


def targets(classes: NDArray[np.int8], turns: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return class and way up (N, 2) of crops rotated by quarter turns, NOT_COUNTED where they do not count."""
    from digitrec.training.crop_network import NOT_COUNTED

    counted = np.where(turns == 0, classes, NOT_COUNTED)
    ways = np.where((classes == NONE) | np.isin(classes, ALIKE), NOT_COUNTED, turns)
    return np.stack([counted, ways], axis=1).astype(np.int32)


def batches(crops: Crops, plan: Plan) -> "keras.utils.PyDataset":
    """Return varied batches of all crops, in another order each epoch."""
    import keras

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras ships no types
        """Batches of one epoch after the other."""

        def __init__(self) -> None:
            super().__init__(workers=2, max_queue_size=16)
            self.epoch = 0
            self._order()

        def _order(self) -> None:
            self.order = np.random.default_rng((plan.seed, 5, self.epoch)).permutation(len(crops.classes))

        def __len__(self) -> int:
            return len(self.order) // plan.batch

        def __getitem__(self, number: int) -> tuple[Bytes, NDArray[np.int32]]:
            rng = np.random.default_rng((plan.seed, 6, self.epoch, number))
            places = self.order[number * plan.batch : (number + 1) * plan.batch]
            turns = np.where(rng.random(len(places)) < TURNED, rng.integers(1, 4, len(places)), 0)
            seen = [varied(crops.images[place], rng, int(turn)) for place, turn in zip(places, turns, strict=True)]
            return np.stack(seen), targets(crops.classes[places], turns)

        def on_epoch_end(self) -> None:
            self.epoch += 1
            self._order()

    return Batches()


def train(plan: Plan, folder: Path, workers: int) -> "tuple[keras.Model, dict[str, Any]]":
    """Return the trained net and its card.

    Args:
        plan: How.
        folder: Of the crops and the checkpoint.
        workers: Processes that make crops.
    """
    crops, checked = (all_crops(folder, part, plan, workers) for part in ("training", "validation"))
    started = time.monotonic()
    import keras

    from digitrec.training import crop_network

    keras.utils.set_random_seed(plan.seed)
    keras.config.set_dtype_policy(precision.policy(plan.precision))
    model, data = crop_network.build(), batches(crops, plan)
    steps = plan.epochs * len(data)
    rate = keras.optimizers.schedules.CosineDecay(
        0.01 * plan.peak_rate, steps - steps // 20, 0.001, warmup_target=plan.peak_rate, warmup_steps=steps // 20
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.02)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer, crop_network.CropLoss())
    seen = middle_of(checked.images), targets(checked.classes, np.zeros(len(checked.classes), np.int64))
    backup = keras.callbacks.BackupAndRestore(folder / "checkpoint")
    model.fit(data, epochs=plan.epochs, validation_data=seen, callbacks=[backup], verbose=2)
    card = {
        "version": 1,
        "parameters": model.count_params(),
        "crops": len(crops.classes),
        "digits": int((crops.classes != NONE).sum()),
        "minutes": round((time.monotonic() - started) / 60, 1),
        "detector": json.loads((shipped.FILE.parent / "card.json").read_text())["steps"],
        "plan": asdict(plan),
        "validation": check(model, checked),
    }
    return model, card


def check(model: "keras.Model", crops: Crops) -> dict[str, float]:
    """Return how well crops are distinguished: shares of digits and of others, and of the ways up."""
    seen = middle_of(crops.images)
    logits = np.concatenate([np.asarray(model(seen[i : i + 256]), np.float32) for i in range(0, len(seen), 256)])
    best = logits[:, crop_outputs.CLASSES].argmax(axis=1)
    digits = crops.classes != NONE
    named = logits[:, :NONE].argmax(axis=1)
    return {
        "crops": len(seen),
        "digits taken for digits": round(float((best[digits] != NONE).mean()), 4),
        "others taken for others": round(float((best[~digits] == NONE).mean()), 4),
        "right class of digits": round(float((named[digits] == crops.classes[digits]).mean()), 4),
    }


def export(model: "keras.Model", card: dict[str, Any], target: Path) -> None:
    """Write a trained net for LiteRT and its card: `crop_classifier.tflite` and `crop_classifier.json` of a folder."""
    import keras

    from digitrec.training import crop_network, quantization

    keras.config.set_dtype_policy("float32")
    plain = crop_network.build()
    plain.set_weights(model.get_weights())
    target.mkdir(parents=True, exist_ok=True)
    quantization.export(plain, target / "crop_classifier.tflite")
    files.write_json(target / "crop_classifier.json", card)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Train the crop classifier on synthetic pages.")
    plan = Plan()
    parser.add_argument("--folder", type=Path, default=settings.bank_folder() / "crops", help="of crops and checkpoint")
    parser.add_argument("--export", type=Path, help="folder that the net and its card are written to")
    parser.add_argument("--workers", type=int, default=2, help="processes that make crops")
    parser.add_argument("--only-crops", action="store_true", help="make the crops, and do not train")
    plan_options.add(parser, plan, ("pages", "empty", "singles", "checked", "epochs", "batch", "peak_rate", "seed"))
    given = parser.parse_args()
    plan = plan_options.chosen(plan, given)
    if given.only_crops:
        for part in ("validation", "training"):
            all_crops(given.folder, part, plan, given.workers)
        return
    model, card = train(plan, given.folder, given.workers)
    print(json.dumps(card, indent=1))
    if given.export:
        export(model, card, given.export)


if __name__ == "__main__":
    _main()
