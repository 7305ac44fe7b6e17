"""A fair duel: an MLP and a CNN that train under one budget, and who reads better in the end.

A duel is two runs whose folders hold the same `duel.json`:

    id          letters and digits, the same in both
    budget      `parameters`, `seconds` or `epochs`: what both have the same of
    amount      how much of it
    at_once     whether both train at the same time, each on half of the machine
"""

import math
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from digitrec import files, formats, settings
from digitrec.errors import RecipeError, RunError
from digitrec.jobs import limits, queue, runs
from digitrec.jobs.runs import Run
from digitrec.registry import registry
from digitrec.training import metrics
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import ConvBlock, Recipe

BUDGETS = ("parameters", "seconds", "epochs")
LIMITS = {"parameters": (5_000, 2_000_000), "seconds": (5, 300), "epochs": (1, 200)}
"""Smallest and largest amount of each budget."""

TOLERANCE = 0.01
"""How far a net's parameters may be from the number asked for, as a share of it; two nets differ by twice that."""

LARGEST_FILTERS = 32  # of the first block: beyond it a CNN grows in its dense layer, which costs less time


@dataclass(frozen=True)
class Duel:
    """A duel, as its two run folders describe it at the moment.

    Attributes:
        id: The same in both folders.
        budget: One of BUDGETS.
        amount: How much of it each has.
        at_once: Whether both train at the same time.
        mlp: The MLP's run.
        cnn: The CNN's run.
    """

    id: str
    budget: str
    amount: float
    at_once: bool
    mlp: Run
    cnn: Run

    @property
    def sides(self) -> tuple[Run, Run]:
        """Both runs, the MLP's first."""
        return self.mlp, self.cnn

    @property
    def active(self) -> bool:
        """Whether either run waits or trains."""
        return self.mlp.active or self.cnn.active


@dataclass(frozen=True)
class Verdict:
    """Who won.

    Attributes:
        headline: The winner and both accuracies in a sentence.
        difference: McNemar's test on the test digits, in words.
        unfair: Why the duel says little, in a sentence; empty where it was fair.
    """

    headline: str
    difference: str
    unfair: str


def nets(parameters: int) -> tuple[Recipe, Recipe]:
    """Return an MLP and a CNN with about this many parameters each, within TOLERANCE, and the same training.

    Raises:
        RecipeError: If it is not within LIMITS.
    """
    _check("parameters", parameters)
    _, hidden = min(_near(parameters, _mlps(parameters)))
    _, (first, second, width) = min(_near(parameters, _cnns(parameters)))
    mlp = Recipe("duel-mlp", hidden=hidden, batch_size=128, epochs=5)
    blocks = (ConvBlock(first), ConvBlock(second))
    return mlp, mlp.replace(name="duel-cnn", kind="cnn", blocks=blocks, hidden=(width,))


def _near(wanted: int, found: Iterator[tuple[int, float, Any]]) -> list[tuple[float, Any]]:
    """Return how odd the shape is, and the shape, of those nets whose parameters are near those wanted."""
    return [(odd, shape) for count, odd, shape in found if abs(count - wanted) <= TOLERANCE * wanted]


def _mlps(wanted: int) -> Iterator[tuple[int, float, tuple[int, int]]]:
    """Yield parameters, oddness and widths of MLPs; a second layer half as wide as the first is not odd."""
    for first in range(1, wanted // 785 + 1):
        second = round((wanted - 785 * first - 10) / (first + 11))
        if 1 <= second <= 4096 and first <= 4096:
            count = 785 * first + (first + 1) * second + (second + 1) * 10
            yield count, abs(math.log(2 * second / first)), (first, second)


def _cnns(wanted: int) -> Iterator[tuple[int, float, tuple[int, int, int]]]:
    """Yield parameters, oddness, filters and width of CNNs; what doubles from layer to layer is not odd."""
    for first in range(2, LARGEST_FILTERS + 1):
        for second in range(first, 4 * first + 1):
            kernels = 10 * first + (9 * first + 1) * second
            width = round((wanted - kernels - 10) / (49 * second + 11))
            if 1 <= width <= 4096:
                odd = abs(math.log(second / (2 * first))) + abs(math.log(width / (2 * second)))
                yield kernels + (49 * second + 1) * width + (width + 1) * 10, odd, (first, second, width)


def candidates(kind: str, budget: str) -> list[str]:
    """Return the names of the published recipes of a kind, `mlp` or `cnn`, that can duel under a budget.

    Under seconds those whose learning rate follows a schedule are left out: it must know its end beforehand.
    """
    return [
        name
        for name, preset in PRESETS.items()
        if preset.recipe.kind == kind and (budget != "seconds" or preset.recipe.schedule == "constant")
    ]


def budgeted(recipe: Recipe, budget: str, amount: float) -> Recipe:
    """Return a recipe that trains for this many seconds, in as many epochs as this server allows, or so many epochs.

    Raises:
        RecipeError: If the amount is not within LIMITS.
    """
    _check(budget, amount)
    if budget == "seconds":
        return recipe.replace(seconds=float(amount), epochs=settings.limit("epochs"), patience=0)
    return recipe.replace(epochs=int(amount), patience=0)


def _check(budget: str, amount: float) -> None:
    low, high = LIMITS[budget]
    if not low <= amount <= high:
        raise RecipeError(f"The budget must be from {low:,} to {high:,} {budget}. Received: {amount:,g}")


def start(mlp: Recipe, cnn: Recipe, budget: str, amount: float, at_once: bool, mine: Iterable[str] = ()) -> Duel:
    """Start both runs, or queue them.

    Args:
        mlp: What the MLP trains.
        cnn: What the CNN trains.
        budget: One of BUDGETS.
        amount: How much of it each has.
        at_once: Whether both train at the same time.
        mine: Ids of the runs that this visitor started before.

    Raises:
        RecipeError: If this server does not allow one of them.
        RunError: If the visitor has too many runs under way, or the folder for runs cannot be written.
    """
    for recipe in (mlp, cnn):
        limits.check(recipe)
    limits.check_queue(mine, 2)
    limits.clear_runs()
    values: dict[str, Any] = {"id": secrets.token_hex(6), "budget": budget, "amount": amount, "at_once": at_once}
    first = runs.start(mlp, values)
    try:
        second = runs.start(cnn, values)
    except RunError:
        runs.stop(first)
        raise
    return Duel(values["id"], budget, amount, at_once, first, second)


def stop(duel: Duel) -> None:
    """Ask what of both waits or trains to stop.

    Raises:
        RunError: If the disk is full or read-only.
    """
    for run in reversed(duel.sides):  # the one that waits first, so that it does not begin meanwhile
        if runs.get(run.id).active:
            runs.stop(run)


def duels() -> list[Duel]:
    """Return all duels of which both runs are there, newest first."""
    halves: dict[str, dict[str, Run]] = {}
    about: dict[str, dict[str, Any]] = {}
    for run in runs.runs():
        values = files.read_json(run.folder / queue.DUEL)
        if values and _is_whole(values):
            about.setdefault(values["id"], values)
            halves.setdefault(values["id"], {})[run.recipe.kind] = run
    return [
        Duel(key, values["budget"], values["amount"], values["at_once"], halves[key]["mlp"], halves[key]["cnn"])
        for key, values in about.items()
        if len(halves[key]) == 2
    ]


def _is_whole(values: dict[str, Any]) -> bool:
    amount = values.get("amount")
    return (
        isinstance(values.get("id"), str)
        and values.get("budget") in BUDGETS
        and files.is_number(amount)
        and amount > 0
        and isinstance(values.get("at_once"), bool)
    )


def verdict(duel: Duel, truth: npt.NDArray[np.integer[Any]]) -> Verdict | None:
    """Return who won, or None while a run is under way or has left no model.

    Args:
        duel: The duel.
        truth: (10000,), what the test digits are.

    Raises:
        ModelError: If the test results of a run are damaged.
    """
    cards = [run.card for run in duel.sides]
    if duel.active or None in cards:
        return None
    right = [registry.test_probabilities(run.folder).argmax(axis=1) == truth for run in duel.sides]
    test = metrics.mcnemar(right[0], right[1], ("the MLP", "the CNN"))
    shares = [formats.percentage(r.mean(), 2) for r in right]
    if test.is_significant:
        mlp_wins = test.only_a > test.only_b
        winner, score = ("MLP", shares) if mlp_wins else ("CNN", shares[::-1])
        headline = f"The {winner} wins: it reads {score[0]} of the test digits, the other {score[1]}."
    else:
        headline = f"A draw: the MLP reads {shares[0]} of the test digits, the CNN {shares[1]}."
    return Verdict(headline, test.sentence, _unfair(duel))


def _unfair(duel: Duel) -> str:
    """Return why a side did not have its budget, as a sentence; empty where both had it."""
    for name, run in (("The MLP", duel.mlp), ("The CNN", duel.cnn)):
        card = run.card or {}
        if card.get("stopped"):
            return f"{name} was stopped before the budget was spent, so the comparison is not conclusive."
        if duel.budget == "seconds" and card.get("epochs", 0) >= run.recipe.epochs:
            return f"{name} finished its {run.recipe.epochs} epochs, the maximum, before its time was up."
    return ""
