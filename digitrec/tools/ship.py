"""`make models`: train every recipe in full, most with five seeds, and ship the best by validation accuracy.

Runs that are already there are not trained again, so a broken-off `make models` goes on where it was.
`python -m digitrec.tools.ship --refresh` writes the files of shipped models anew, without training; with `--cycle`
a shipped model gets the second cycle of its preset; with `--renew` it is trained on, on today's glyphs.
"""

import io
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import astuple
from pathlib import Path

from digitrec import files, settings
from digitrec.datasets import glyph_bank
from digitrec.errors import DigitrecError, RecipeError, RunError
from digitrec.imaging.augmentation import Augmentation
from digitrec.jobs import run_folder
from digitrec.registry import registry
from digitrec.training import model_files
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import Recipe

WEIGHTS = "model.weights.h5"  # where a `.keras` file, which is a ZIP archive, holds them
RENEWED = 10  # epochs
BUILD = settings.PROJECT / "build" / "models"


def ship(names: list[str]) -> None:
    """Train these recipes with each seed and write `models/<name>/`.

    Raises:
        RunError: If a training fails.
    """
    for name in names:
        recipe = PRESETS[name].recipe
        folders = [_trained(recipe.replace(seed=seed)) for seed in PRESETS[name].seeds]
        _choose(recipe.name, folders)
        _calm(name)


def _trained(recipe: Recipe) -> Path:
    folder = BUILD / f"{recipe.name}-{recipe.seed}"
    card = files.read_json(folder / model_files.CARD)
    if card and _is_of(card["recipe"], recipe):
        return folder
    print(f"{recipe.name}, seed {recipe.seed}: {recipe.epochs} epochs ...", flush=True)
    if not _is_of(files.read_json(folder / model_files.RECIPE), recipe):
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / model_files.RECIPE, recipe.to_json())
    files.write_json(folder / run_folder.STATUS, {"state": "queued", "message": "", "queued_at": time.time()})
    with (folder / run_folder.LOG).open("wb") as log:
        command = [sys.executable, "-m", "digitrec.jobs.worker", str(folder)]
        subprocess.run(command, cwd=settings.PROJECT, stdout=log, stderr=log, check=False)
    status, card = files.read_json(folder / run_folder.STATUS) or {}, files.read_json(folder / model_files.CARD)
    if card is None:
        why = status.get("message") or "its log says why"
        raise RunError(f"{recipe.name} with seed {recipe.seed} was not trained: {why}")
    accuracies = f"validation {card['validation_accuracy']:.2%}, test {card['accuracy']:.2%}"
    print(f"  {card['seconds']:.0f} s, {accuracies}", flush=True)
    return folder


def _choose(name: str, folders: list[Path]) -> None:
    cards = [files.read_json(folder / model_files.CARD) or {} for folder in folders]
    best = max(range(len(cards)), key=lambda i: cards[i]["validation_accuracy"])
    seeds = [
        {"seed": c["recipe"]["seed"], "validation_accuracy": c["validation_accuracy"], "accuracy": c["accuracy"]}
        for c in cards
    ]
    target = settings.SHIPPED_MODELS / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in (*model_files.MODEL_FILES[:-1], model_files.INSIGHT):
        if (folders[best] / file).exists():  # a run trained before there was an insight has none
            shutil.copyfile(folders[best] / file, target / file)
    files.write_json(
        target / model_files.CARD, cards[best] | {"name": name, "seeds": seeds, "chosen_by": "validation accuracy"}
    )
    pack(target)


def refresh(name: str) -> None:
    """Write a model's files anew from its weights: what is new in them needs no new training.

    Raises:
        ModelError: If there is none.
    """
    from digitrec.jobs import checkpoint, worker
    from digitrec.training import splits

    model = registry.get(name)
    worker.write_model(
        model.folder, model.recipe, checkpoint.weights(model.folder), splits.split(model.recipe), model.card
    )
    pack(model.folder)


def cycle(name: str) -> None:
    """Train a shipped model for a second, short cycle, and put the mean of the weights before and after in its place.

    The cycle is calm: a tenth of the learning rate, and half of each distortion.

    Raises:
        ModelError: If there is none.
        RunError: If it had its second cycle, or the loss ran away.

    References:
        Izmailov et al.: Averaging weights leads to wider optima and better generalization, UAI 2018, arXiv 1803.05407.
    """
    if "cycle" in registry.get(name).card:
        raise RunError(f"{name} has had its second cycle. Train it again with `make models RECIPES={name}`.")
    _calm(name)


def renew(name: str) -> None:
    """Train a shipped model on, on the glyphs that the strokes and steps of today make, and put the mean in its place.

    So a change of the glyph or of the pens takes ten epochs, at a third of the learning rate, and its calm cycle after
    them, where it has one, and not eighty.

    Raises:
        ModelError: If there is none.
        RunError: If the loss ran away.
    """
    _again(name, "renewed", RENEWED, 1 / 3, 1.0)
    _calm(name)


def _calm(name: str) -> None:
    """Train a shipped model for its calm cycle, if its preset has one."""
    if epochs := PRESETS[name].cycle:
        _again(name, "cycle", epochs, 0.1, 0.5)


def _again(name: str, deed: str, epochs: int, rate: float, distortions: float) -> None:
    """Train a shipped model for some more epochs, and put the mean of the weights before and after in its place.

    Args:
        name: The model.
        deed: What the card calls it.
        epochs: How many.
        rate: Learning rate, as a share of the recipe's.
        distortions: What is left of each.
    """
    from digitrec.jobs import checkpoint, worker
    from digitrec.training import network, splits, trainer

    model = registry.get(name)
    less = Augmentation(*(amount * distortions for amount in astuple(model.recipe.augmentation)))
    recipe = model.recipe.replace(
        epochs=epochs, learning_rate=model.recipe.learning_rate * rate, augmentation=less, patience=0, seconds=0.0
    )
    split = splits.split(model.recipe)
    net = network.trainable(recipe, epochs * trainer.steps_per_epoch(recipe, split))
    before = checkpoint.weights(model.folder)
    net.set_weights(before)
    print(f"{name}, {deed}: {epochs} epochs ...", flush=True)
    start, teacher = (net, trainer.Position()), worker.teacher(recipe)
    done = trainer.fit(recipe, split, lambda event: None, lambda: False, resume=start, teacher=teacher)
    mean = [(first + last) / 2 for first, last in zip(before, done.model.get_weights(), strict=True)]
    done.model.set_weights(mean)
    how = {"epochs": epochs, "learning_rate": recipe.learning_rate, "distortions": distortions, "weights": "mean"}
    facts = {
        deed: how | ({"glyphs": glyph_bank.VERSION} if recipe.strokes else {}),
        "epochs": model.card["epochs"] + epochs,
        "seconds": round(model.card["seconds"] + done.position.seconds, 1),
        "validation_accuracy": round(trainer.validated(done.model, recipe, split), 5),
    }
    worker.write_model(model.folder, model.recipe, mean, split, model.card | facts)
    pack(model.folder)
    card = files.read_json(model.folder / model_files.CARD) or {}
    said = {key: card[key] for key in ("validation_accuracy", "accuracy")}
    seeds = [seed | said if seed["seed"] == model.recipe.seed else seed for seed in card.get("seeds", [])]
    files.write_json(model.folder / model_files.CARD, card | {"seeds": seeds})
    print(f"  validation {said['validation_accuracy']:.2%}, test {said['accuracy']:.2%}", flush=True)


def pack(folder: Path) -> None:
    """Compress the weights in a model's `.keras` file, and tell its card the new size.

    They are rounded to half precision, as they are in the `.tflite` file, and Keras opens the file as before: HDF5
    unpacks by itself. It is half as large, because `shuffle` puts the bytes side by side that are then 0.
    """
    import h5py
    import numpy as np

    file = folder / model_files.KERAS
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    packed = io.BytesIO()
    with h5py.File(io.BytesIO(contents[WEIGHTS])) as source, h5py.File(packed, "w") as target:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                made = target.require_group(name)
            elif item.shape:
                rounded = item[()].astype(np.float16).astype(item.dtype)
                made = target.create_dataset(name, data=rounded, compression=9, shuffle=True)
            else:
                made = target.create_dataset(name, data=item[()])
            made.attrs.update(item.attrs)

        target.attrs.update(source.attrs)
        source.visititems(copy)
    contents[WEIGHTS] = packed.getvalue()

    def write(temporary: Path) -> None:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(name, content)

    files.write(file, write)
    card = files.read_json(folder / model_files.CARD) or {}
    files.write_json(
        folder / model_files.CARD, card | {"bytes": card["bytes"] | {model_files.KERAS: file.stat().st_size}}
    )


def _is_of(values: object, recipe: Recipe) -> bool:
    """Whether a recipe that was written, perhaps before recipes had some of their entries, is this one."""
    try:
        return Recipe.from_json(values) == recipe
    except RecipeError:
        return False


def main() -> None:
    """Ship the recipes named on the command line, or all.

    After `--refresh` their models' files are written anew, after `--cycle` they get their second cycle, after `--renew`
    they are trained on, and none is trained from its beginning.
    """
    options = {"--refresh": refresh, "--cycle": cycle, "--renew": renew}
    deeds = [options[word] for word in sys.argv[1:] if word in options]
    names = [word for word in sys.argv[1:] if word not in options] or list(PRESETS)
    if unknown := [name for name in names if name not in PRESETS]:
        sys.exit(f"There is no recipe {unknown[0]!r}. Recipes: {', '.join(PRESETS)}")
    try:
        for deed in deeds:
            for name in names:
                deed(name)
        if not deeds:
            ship(names)
    except DigitrecError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
