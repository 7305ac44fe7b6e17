"""A sweep: one recipe with some settings varied over lists of values; each combination is a run, poor ones end early.

A sweep is a folder in `sweeps` with `sweep.json` (recipe, settings, early) and `stop` when it is asked to stop. Its
runs are named after it and their number, so that no list of them is kept. On this machine the process of one run
continues with the next; a cluster has them all at once. So the sweep goes on without the server.
"""

import contextlib
import itertools
import re
import secrets
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitrec import files, settings
from digitrec.errors import RecipeError, RunError
from digitrec.jobs import job, limits, runs
from digitrec.jobs.runs import Run
from digitrec.training import events as training_events
from digitrec.training.recipe import ACTIVATIONS, OPTIMIZERS, SCHEDULES, Recipe

SETTINGS = {
    "learning_rate": "Learning rate",
    "batch_size": "Batch size, digits",
    "width": "Width of the dense layers",
    "dropout": "Dropout",
    "label_smoothing": "Label smoothing",
    "epochs": "Epochs",
    "optimizer": "Optimiser",
    "activation": "Activation",
    "schedule": "Schedule",
    "seed": "Seed",
}
"""What can be varied; `width` gives each dense layer but the last the same number of units."""

CHOICES = {"optimizer": OPTIMIZERS, "activation": ACTIVATIONS, "schedule": SCHEDULES}
"""Settings whose values are words."""

WHOLE = ("batch_size", "width", "epochs", "seed")
MOST_SETTINGS = 3
MOST_RUNS = 30  # an hour of the smallest recipes on two cores
ENOUGH = 3  # other runs that have come as far, before one may be called worse

FILE = "sweep.json"
BEHIND = "Stopped early: after as many epochs, at least half of the other runs had a higher validation accuracy."
RULE = (
    "After each epoch, a run stops if its best validation accuracy so far is below the median of the other runs after "
    "the same number of epochs. At least three other runs must have reached that epoch."
)

Value = float | str


@dataclass(frozen=True)
class Trial:
    """One combination.

    Attributes:
        number: Its place, from 0.
        values: What was set, by setting.
        recipe: What it trains.
        run: Its run, or None before it has begun.
        accuracies: Validation accuracies, 0 to 1, one per epoch.
        seconds: Seconds of training so far.
    """

    number: int
    values: dict[str, Value]
    recipe: Recipe
    run: Run | None
    accuracies: list[float]
    seconds: float

    @property
    def accuracy(self) -> float | None:
        """The best validation accuracy so far, 0 to 1, or None before the first epoch has ended."""
        return max(self.accuracies, default=None)

    @property
    def behind(self) -> bool:
        """Whether it was stopped early."""
        return self.run is not None and self.run.state == "stopped" and bool(self.run.message)

    @property
    def state(self) -> str:
        """The run's state, `waiting` before there is one, or `stopped early`."""
        if self.run is None:
            return "waiting"
        return "stopped early" if self.behind else self.run.state


@dataclass(frozen=True)
class Sweep:
    """A sweep, as its folder and those of its runs describe it at the moment.

    Attributes:
        id: The folder's name.
        recipe: What all runs have in common.
        settings: The lists of values, by setting.
        trials: All combinations, in their order.
        state: running, stopping, stopped, finished or interrupted.
    """

    id: str
    recipe: Recipe
    settings: dict[str, list[Value]]
    trials: list[Trial]
    state: str

    @property
    def active(self) -> bool:
        """Whether a run waits or trains."""
        return self.state in ("running", "stopping")

    @property
    def best(self) -> Trial | None:
        """The trial with the highest validation accuracy so far."""
        known = [trial for trial in self.trials if trial.accuracy is not None]
        return max(known, key=lambda trial: trial.accuracy or 0.0, default=None)


def parse(setting: str, text: str) -> list[Value]:
    """Return the values in `0.1, 0.01`.

    Raises:
        RecipeError: If one is no number, or there are fewer than two different ones.
    """
    parts = list(dict.fromkeys(text.replace(",", " ").split()))
    try:
        values: list[Value] = [int(part) if setting in WHOLE else float(part) for part in parts]
    except ValueError as error:
        name, kind = SETTINGS[setting].partition(",")[0], "whole numbers" if setting in WHOLE else "numbers"
        raise RecipeError(f"{name} must be {kind} separated by commas. Received: {text[:60]!r}") from error
    return list(dict.fromkeys(values))


def grid(recipe: Recipe, varied: Mapping[str, Sequence[Value]]) -> list[tuple[dict[str, Value], Recipe]]:
    """Return all combinations and their recipes, the last setting changing fastest.

    Raises:
        RecipeError: If there are too few or too many, or one of them cannot work.
    """
    if not 1 <= len(varied) <= MOST_SETTINGS:
        raise RecipeError(f"Choose 1 to {MOST_SETTINGS} settings to vary. Received: {len(varied)}")
    for setting, values in varied.items():
        if setting not in SETTINGS or len(set(values)) < 2:
            raise RecipeError(f"{SETTINGS.get(setting, setting[:40])}: at least two different values are needed.")
    combinations = [dict(zip(varied, values, strict=True)) for values in itertools.product(*varied.values())]
    if len(combinations) > MOST_RUNS:
        raise RecipeError(f"At most {MOST_RUNS} runs per sweep. Leave out some values. Received: {len(combinations)}")
    return [(values, _changed(recipe, values)) for values in combinations]


def _changed(recipe: Recipe, values: Mapping[str, Value]) -> Recipe:
    changes: dict[str, Any] = dict(values)
    if "width" in changes:
        changes["hidden"] = (changes.pop("width"),) * max(1, len(recipe.hidden))
    return recipe.replace(**changes)


def start(recipe: Recipe, varied: Mapping[str, Sequence[Value]], early: bool = True, mine: Iterable[str] = ()) -> Sweep:
    """Start a sweep.

    Args:
        recipe: What all runs have in common.
        varied: Lists of values, by setting; see SETTINGS.
        early: Whether worse runs are stopped early; see RULE.
        mine: Ids of the runs that this visitor started; a sweep counts as one more.

    Raises:
        RecipeError: See `grid`; or if this server does not allow one of them.
        RunError: If the folder for sweeps cannot be written, or this visitor has too many runs under way.
    """
    limits.check_queue(mine)
    for _, changed in grid(recipe, varied):
        limits.check(changed)
    settings.scheduler()
    sweep_id = f"{time.strftime('%Y%m%d-%H%M%S')}-sweep-{secrets.token_hex(2)}"
    folder = _folder() / sweep_id
    plain = {setting: list(values) for setting, values in varied.items()}
    with job.writing("The sweep cannot be started"):
        files.new_folder(folder, {FILE: {"recipe": recipe.to_json(), "settings": plain, "early": early}})
    return resume(get(sweep_id))


def resume(sweep: Sweep) -> Sweep:
    """Continue a sweep that was stopped or interrupted; what ended early, or failed, stays as it is.

    Raises:
        RunError: If the folder for runs cannot be written.
    """
    with job.writing("The sweep cannot be resumed"):
        (_folder() / sweep.id / job.STOP).unlink(missing_ok=True)
    everywhere = settings.scheduler() is not None
    for trial in sweep.trials:
        if trial.run is None:
            begun = runs.start_as(_run_id(sweep.id, trial.number), trial.recipe)
        elif trial.run.state in ("stopped", "interrupted") and not trial.behind:
            begun = runs.resume(trial.run)
        else:
            begun = trial.run if trial.run.active else None
        if begun and not everywhere:
            break  # its process continues with the next
    return get(sweep.id)


def stop(sweep: Sweep) -> Sweep:
    """Stop the whole sweep: its runs end within seconds, and none is started any more.

    Raises:
        RunError: If the disk is full or read-only.
    """
    with job.writing("The sweep cannot be stopped"):
        (_folder() / sweep.id / job.STOP).touch()
    for trial in get(sweep.id).trials:
        if trial.run and trial.run.active:
            with contextlib.suppress(RunError):  # it has ended at this moment
                runs.stop(trial.run)
    return get(sweep.id)


def delete(sweep: Sweep) -> None:
    """Forget a sweep that is not under way; its runs stay.

    Raises:
        RunError: If it is under way, or cannot be removed.
    """
    if get(sweep.id).active:
        raise RunError("An active sweep cannot be deleted. Stop it first.")
    with job.writing("The sweep cannot be deleted"):
        files.remove_folder(_folder() / sweep.id)


def get(sweep_id: str) -> Sweep:
    """Return the sweep with this id.

    Raises:
        RunError: If there is none, or its file is damaged.
    """
    known = re.fullmatch(r"[\w-]{1,60}", sweep_id, re.ASCII)
    values = (files.read_json(_folder() / sweep_id / FILE) if known else None) or {}
    try:
        recipe, varied = Recipe.from_json(values["recipe"]), values["settings"]
        trials = [_trial(sweep_id, *place) for place in enumerate(grid(recipe, varied))]
    except (KeyError, TypeError, AttributeError, RecipeError) as error:
        raise RunError(f"There is no sweep of this name, or it is damaged. Received: {sweep_id[:60]!r}") from error
    return Sweep(sweep_id, recipe, varied, trials, _state(_folder() / sweep_id, trials))


def run_ids(sweep: Sweep) -> list[str]:
    """Return the ids of all runs of a sweep, also of those that have not begun."""
    return [_run_id(sweep.id, trial.number) for trial in sweep.trials]


def sweeps() -> list[str]:
    """Return the ids of all sweeps, newest first."""
    return sorted((file.parent.name for file in _folder().glob(f"[!.]*/{FILE}")), reverse=True)


def _trial(sweep_id: str, number: int, combination: tuple[dict[str, Value], Recipe]) -> Trial:
    values, recipe = combination
    try:
        run = runs.get(_run_id(sweep_id, number))
    except RunError:
        return Trial(number, values, recipe, None, [], 0.0)
    events = training_events.read_events(run.folder)
    seconds = max((event["seconds"] for event in events if "seconds" in event), default=0.0)
    return Trial(number, values, recipe, run, _accuracies(events), seconds)


def _state(folder: Path, trials: list[Trial]) -> str:
    begun = [trial.run for trial in trials if trial.run]
    stopped = (folder / job.STOP).exists()
    # The process of a run that has ended still holds it while it makes the next one's folder.
    if any(run.active or (not stopped and job.is_alive(run.folder)) for run in begun):
        return "stopping" if stopped else "running"
    if all(trial.state in ("finished", "failed", "stopped early") for trial in trials):
        return "finished"
    return "stopped" if stopped else "interrupted"


def _accuracies(events: list[dict[str, Any]]) -> list[float]:
    return [event["val_accuracy"] for event in events if event["kind"] == "epoch"]


def _folder() -> Path:
    return settings.home() / "sweeps"


def _run_id(sweep_id: str, number: int) -> str:
    return f"{sweep_id}-{number:02}"


def _of(run_folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the folder and the file of the sweep that a run is of, or None."""
    folder = run_folder.parents[1] / "sweeps" / run_folder.name.rpartition("-")[0]
    values = files.read_json(folder / FILE)
    return (folder, values) if values else None


def is_behind(run_folder: Path) -> bool:
    """Return whether a run, which has just ended an epoch, is worse than the others of its sweep; see RULE."""
    found = _of(run_folder)
    if found is None or found[1].get("early") is not True:
        return False
    mine = _accuracies(training_events.read_events(run_folder))
    if not mine:
        return False
    others = [
        _accuracies(training_events.read_events(other))[: len(mine)]
        for other in run_folder.parent.glob(f"{found[0].name}-*")
        if other != run_folder
    ]
    best = [max(curve) for curve in others if len(curve) == len(mine)]
    return len(best) >= ENOUGH and max(mine) < statistics.median(best)


def follow(run_folder: Path) -> Path | None:
    """Queue the next run of the sweep that this one is of, for the process that calls; None where there is none."""
    found = _of(run_folder)
    if found is None or (found[0] / job.STOP).exists() or job.read_status(run_folder).cluster:
        return None
    for trial in get(found[0].name).trials:
        if trial.run is None and (run := runs.start_as(_run_id(found[0].name, trial.number), trial.recipe, False)):
            if (found[0] / job.STOP).exists():  # asked for at this moment, and this run was not seen
                (run.folder / job.STOP).touch()
            return run.folder
    return None
