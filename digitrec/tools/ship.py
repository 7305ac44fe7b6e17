"""`make models`: train every recipe in full, most with five seeds, and ship the best by validation accuracy.

A recipe whose preset has a fine-tuning cycle is trained for that too. Runs that are already there are not trained
again, so an interrupted `make models` continues where it was. `python -m digitrec.tools.ship --refresh` writes the
files of shipped models anew, without training; `--trained FOLDER` takes runs that `portable_training` made elsewhere.
"""

import argparse
import io
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

from digitrec import files, formats, settings
from digitrec.datasets import glyph_bank
from digitrec.errors import DigitrecError, RecipeError, RunError
from digitrec.jobs import job, scheduler
from digitrec.registry import registry
from digitrec.training import model_files
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import Recipe

WEIGHTS = "model.weights.h5"  # where a `.keras` file, which is a ZIP archive, holds them
BUILD = settings.PROJECT / "build" / "models"


def ship(names: list[str]) -> None:
    """Train these recipes with each seed and write `models/<name>/`.

    Raises:
        RunError: If a training fails.
    """
    for name in names:
        preset = PRESETS[name]
        _choose(name, [_trained(preset.recipe.replace(seed=seed), preset.fine_tuning) for seed in preset.seeds])


def _trained(recipe: Recipe, fine_tuning: int) -> Path:
    """Return the folder of a recipe's run, trained and fine-tuned as far as it is not yet."""
    folder = BUILD / f"{recipe.name}-{recipe.seed}"
    card = files.read_json(folder / model_files.CARD)
    tuned = (card or {}).get("fine_tuning", {}).get("epochs", 0)
    if not card or not _is_of(card["recipe"], recipe) or tuned not in (0, fine_tuning):
        card, tuned = _train(folder, recipe), 0
    if tuned < fine_tuning:
        _fine_tune(folder, recipe, fine_tuning, card)
    return folder


def _train(folder: Path, recipe: Recipe) -> dict[str, Any]:
    """Train a recipe in a process of its own and return its card."""
    print(f"{recipe.name}, seed {recipe.seed}: {recipe.epochs} epochs ...", flush=True)
    if not _is_of(files.read_json(folder / model_files.RECIPE), recipe) or (folder / model_files.CARD).exists():
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / model_files.RECIPE, recipe.to_json())
    files.write_json(folder / job.STATUS, job.new_status())
    job.launch(folder, scheduler.WORKER, str(folder), own_session=False).wait()  # Ctrl-C ends it, too
    card = files.read_json(folder / model_files.CARD)
    if card is None:
        why = job.read_status(folder).message or "its log says why"
        raise RunError(f"{recipe.name} with seed {recipe.seed} was not trained: {why}")
    _print_accuracies(card)
    return card


def _fine_tune(folder: Path, recipe: Recipe, epochs: int, card: dict[str, Any]) -> None:
    """Train a run for its fine-tuning cycle and put the averaged weights in the place of its own."""
    from digitrec.jobs import checkpoint, worker
    from digitrec.training import fine_tuning, splits

    print(f"{recipe.name}, seed {recipe.seed}: {epochs} epochs of fine-tuning ...", flush=True)
    split = splits.split(recipe)
    tuned = fine_tuning.fine_tune(recipe, split, checkpoint.weights(folder), epochs, worker.teacher(recipe))
    weights = tuned.model.get_weights()
    facts = {
        "fine_tuning": _cycle(recipe, epochs),
        "epochs": card["epochs"] + epochs,
        "seconds": round(card["seconds"] + tuned.position.seconds, 1),
        "validation_accuracy": round(fine_tuning.validation_accuracy(recipe, split, weights), 5),
    }
    (folder / model_files.CARD).unlink()  # broken off from here on, the run ends anew from its checkpoint
    worker.write_model(folder, recipe, weights, split, card | facts)
    _print_accuracies(files.read_json(folder / model_files.CARD) or {})


def _cycle(recipe: Recipe, epochs: int) -> dict[str, Any]:
    """Return what a card says of a fine-tuning cycle."""
    from digitrec.training import fine_tuning

    return {
        "epochs": epochs,
        "learning_rate": fine_tuning.fine_tuning_recipe(recipe, epochs).learning_rate,
        "distortions": fine_tuning.DISTORTION_FACTOR,
        "weights": "mean",
    } | ({"glyphs": glyph_bank.VERSION} if recipe.strokes else {})


def take(name: str, trained: Path) -> None:
    """Make runs of a recipe of what `portable_training` left in a folder, where they are the recipe's of today.

    Raises:
        RunError: If the folder has none.
    """
    import numpy as np

    from digitrec.jobs import worker
    from digitrec.training import splits

    preset, taken = PRESETS[name], 0
    for seed in preset.seeds:
        recipe, file = preset.recipe.replace(seed=seed), trained / f"{name}-{seed}.json"
        found = files.read_json(file)
        if not found or not _is_of(found.pop("recipe"), recipe):
            continue
        with np.load(file.with_suffix(".npz")) as arrays:
            weights = [arrays[key] for key in arrays.files]
        split, folder = splits.split(recipe), BUILD / f"{name}-{seed}"
        facts = found | {"stopped": False, "trained_on": splits.sources(split)}
        facts |= {"fine_tuning": _cycle(recipe, preset.fine_tuning)} if preset.fine_tuning else {}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        files.write_json(folder / model_files.RECIPE, recipe.to_json())
        worker.write_model(folder, recipe, weights, split, facts)
        _print_accuracies(files.read_json(folder / model_files.CARD) or {})
        taken += 1
    if not taken:
        raise RunError(f"No run of {name} as its recipe is today was found. Looked in: {trained}")


def _print_accuracies(card: dict[str, Any]) -> None:
    validation, test = (formats.percentage(card[of], 2) for of in ("validation_accuracy", "accuracy"))
    print(f"  {formats.duration(card['seconds'])}, validation {validation}, test {test}", flush=True)


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
        if (folders[best] / file).exists():  # an older run has no precomputed figures
            shutil.copyfile(folders[best] / file, target / file)
    files.write_json(
        target / model_files.CARD, cards[best] | {"name": name, "seeds": seeds, "chosen_by": "validation accuracy"}
    )
    pack(target)


def refresh(name: str) -> None:
    """Write a model's files anew from its weights.

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


def pack(folder: Path) -> None:
    """Compress the weights in a model's `.keras` file, and write the new size to its card.

    They are rounded to half precision, as they are in the `.tflite` file, and Keras opens the file as before: HDF5
    decompresses by itself. It is half as large, because `shuffle` puts the bytes side by side that are then 0.
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
    """Return whether a recipe that was written, perhaps before recipes had all of their entries, is this one."""
    try:
        return Recipe.from_json(values) == recipe
    except RecipeError:
        return False


def main() -> None:
    """Ship the recipes named on the command line, or all; with `--refresh` write their models' files anew instead."""
    parser = argparse.ArgumentParser(prog="python -m digitrec.tools.ship", description=ship.__doc__)
    parser.add_argument("names", nargs="*", metavar="RECIPE", help="names of recipes; all where none is given")
    parser.add_argument("--trained", type=Path, metavar="FOLDER", help="take runs that were trained elsewhere")
    parser.add_argument("--refresh", action="store_true", help="write the models' files anew, without training")
    options = parser.parse_args()
    names = options.names or list(PRESETS)
    if unknown := [name for name in names if name not in PRESETS]:
        sys.exit(f"There is no recipe of this name. Recipes: {', '.join(PRESETS)}. Received: {unknown[0][:60]!r}")
    try:
        for name in names if options.trained else ():
            take(name, options.trained)
        if not options.refresh:
            ship(names)
        for name in names if options.refresh else ():
            refresh(name)
    except DigitrecError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
