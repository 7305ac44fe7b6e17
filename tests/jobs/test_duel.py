"""Duels: nets of one size, one budget, and a real pair of tiny runs that trains at once."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec import files
from digitrec.datasets import mnist
from digitrec.errors import RecipeError, RunError
from digitrec.jobs import duel, job, queue, runs
from digitrec.recognition.digits import CLASSES
from digitrec.training import model_files
from digitrec.training.recipe import TEST_DIGITS, ConvBlock, Recipe
from tests.waiting import until

MLP = Recipe("small-mlp", hidden=(8,), batch_size=16, validation=0.01, seconds=1.0, epochs=200)
CNN = MLP.replace(name="small-cnn", kind="cnn", blocks=(ConvBlock(2, 3, 4),), hidden=(8,))
WITHIN = st.integers(*duel.LIMITS["parameters"])


@settings(max_examples=40)
@given(WITHIN)
def test_both_nets_have_about_the_parameters_asked_for(parameters: int) -> None:
    mlp, cnn = duel.nets(parameters)
    assert (mlp.kind, cnn.kind) == ("mlp", "cnn")
    for net in (mlp, cnn):
        assert abs(net.parameters - parameters) <= 0.01 * parameters
    assert abs(mlp.parameters - cnn.parameters) <= 0.02 * parameters


def test_nothing_but_the_net_differs_under_equal_parameters() -> None:
    mlp, cnn = duel.nets(50_000)
    assert cnn.replace(name=mlp.name, kind="mlp", blocks=(), hidden=mlp.hidden) == mlp


@pytest.mark.parametrize(("budget", "amount"), [("parameters", 4_999), ("seconds", 301), ("epochs", 0)])
def test_a_budget_out_of_range_is_refused_with_its_limits(budget: str, amount: int) -> None:
    low, high = duel.LIMITS[budget]
    with pytest.raises(RecipeError, match=f"{low:,} to {high:,} {budget}"):
        duel.nets(amount) if budget == "parameters" else duel.budgeted(MLP, budget, amount)


def test_a_budget_is_all_that_ends_a_training() -> None:
    recipe = MLP.replace(patience=3, seconds=0, epochs=7)
    by_time, by_epochs = duel.budgeted(recipe, "seconds", 20), duel.budgeted(recipe, "epochs", 4)
    assert (by_time.seconds, by_time.epochs, by_time.patience) == (20, 200, 0)
    assert (by_epochs.seconds, by_epochs.epochs, by_epochs.patience) == (0, 4, 0)


def test_a_schedule_that_must_know_its_end_does_not_duel_by_seconds() -> None:
    assert "reader" in duel.candidates("cnn", "epochs")
    assert "reader" not in duel.candidates("cnn", "seconds")
    assert "cnn-3x3" in duel.candidates("cnn", "seconds")
    assert "cnn-3x3" not in duel.candidates("mlp", "epochs")


@dataclass
class Fought:
    """A duel at once, as seen at its start, while it went on, and at its end."""

    home: Path
    begun: duel.Duel
    waited: bool
    together: bool
    early: duel.Verdict | None
    ended: duel.Duel


@pytest.fixture(scope="module")
def fought(tmp_path_factory: pytest.TempPathFactory, small_trainings: None) -> Iterator[Fought]:
    home, truth = tmp_path_factory.mktemp("home"), mnist.test()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITREC_HOME", str(home))
        begun = duel.start(MLP, CNN, "seconds", 1, at_once=True)
        early = duel.verdict(begun, truth)
        states: set[tuple[str, ...]] = set()
        alive: set[tuple[bool, ...]] = set()

        def ended() -> bool:
            now = duel.duels()[0]
            states.add(tuple(run.state for run in now.sides))
            alive.add(tuple(job.is_alive(run.folder) for run in now.sides))
            return not now.active

        until(ended, "at an end")
        waited = any("queued" in pair for pair in states)
        yield Fought(home, begun, waited, (True, True) in alive, early, duel.duels()[0])


@pytest.fixture(autouse=True)
def at_home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "fought" in request.fixturenames:
        monkeypatch.setenv("DIGITREC_HOME", str(request.getfixturevalue("fought").home))


def test_a_pair_at_once_does_not_wait_for_each_other(fought: Fought) -> None:
    assert fought.together
    assert not fought.waited


def test_a_duel_is_read_from_its_folders(fought: Fought) -> None:
    ended = fought.ended
    assert (ended.id, ended.budget, ended.amount, ended.at_once) == (fought.begun.id, "seconds", 1, True)
    assert [run.id for run in ended.sides] == [run.id for run in fought.begun.sides]
    assert [run.recipe.kind for run in ended.sides] == ["mlp", "cnn"]


def test_the_end_of_its_seconds_finishes_a_run(fought: Fought) -> None:
    for run in fought.ended.sides:
        assert run.state == "finished", (run.folder / job.LOG).read_text()
        assert run.card is not None
        assert run.card["stopped"] is False
        assert run.card["seconds"] >= 1
        assert 0 < run.card["epochs"] < 200
        progress = runs.progress_and_curves(run)[0]
        assert (progress.share, progress.seconds_left, progress.of_seconds) == (1, 0, 1)


def test_the_verdict_waits_for_both_and_tells_what_the_test_digits_say(fought: Fought) -> None:
    assert fought.early is None
    verdict = duel.verdict(fought.ended, mnist.test()[1])
    assert verdict is not None
    shares = [f"{100 * (run.card or {})['accuracy']:.2f} %" for run in fought.ended.sides]
    assert all(share in verdict.headline for share in shares)
    assert "by the MLP" in verdict.difference
    assert verdict.unfair == ""


def hand_made(home: Path, mlp_right: int, cnn_right: int, stopped: str = "", budget: str = "epochs") -> duel.Duel:
    """A duel without processes whose sides read the first so many test digits right."""
    for recipe, right in ((MLP, mlp_right), (CNN, cnn_right)):
        folder = home / "runs" / recipe.name
        folder.mkdir(parents=True)
        about = {"id": "x", "budget": budget, "amount": 2, "at_once": False}
        files.write_json(folder / queue.DUEL, about)
        files.write_json(folder / model_files.RECIPE, recipe.to_json())
        files.write_json(folder / job.STATUS, {"state": "finished", "message": "", "queued_at": 0, "started": 0})
        card = {
            "format": 1,
            "recipe": recipe.to_json(),
            "accuracy": right / TEST_DIGITS,
            "interval": [0.9, 1.0],
            "errors": TEST_DIGITS - right,
            "confusion": [[0] * CLASSES] * CLASSES,
            "parameters": recipe.parameters,
            "epochs": MLP.epochs,
            "seconds": 1.0,
            "bytes": dict.fromkeys(model_files.MODEL_FILES[:-1], 1),
            "stopped": recipe.kind == stopped,
        }
        files.write_json(folder / model_files.CARD, card)
        answers = np.where(np.arange(TEST_DIGITS) < right, 0, 1)
        np.savez(folder / model_files.TEST, probabilities=np.eye(CLASSES, dtype=np.float32)[answers])
    return duel.duels()[0]


ALL_ZEROS = np.zeros(TEST_DIGITS, np.uint8)


@pytest.mark.parametrize(
    ("mlp", "cnn", "words"),
    [
        (9_700, 9_900, "The CNN wins: it reads 99.00 % of the test digits, the other 97.00 %."),
        (9_900, 9_700, "The MLP wins: it reads 99.00 %"),
        (9_800, 9_802, "A draw: the MLP reads 98.00 % of the test digits, the CNN 98.02 %."),
    ],
)
def test_the_better_one_wins_where_the_difference_is_real(home: Path, mlp: int, cnn: int, words: str) -> None:
    verdict = duel.verdict(hand_made(home, mlp, cnn), ALL_ZEROS)
    assert verdict is not None
    assert verdict.headline.startswith(words)


def test_a_side_that_was_stopped_makes_it_unfair(home: Path) -> None:
    verdict = duel.verdict(hand_made(home, 9_700, 9_900, stopped="mlp"), ALL_ZEROS)
    assert verdict is not None
    assert verdict.unfair.startswith("The MLP was stopped before the budget was spent")


def test_a_side_whose_epochs_were_over_before_its_seconds_makes_it_unfair(home: Path) -> None:
    verdict = duel.verdict(hand_made(home, 9_700, 9_900, budget="seconds"), ALL_ZEROS)
    assert verdict is not None
    assert verdict.unfair.startswith("The MLP finished its 200 epochs, the maximum")


def test_what_this_server_does_not_allow_is_refused_and_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_MAX_QUEUED", "1")
    with pytest.raises(RunError, match=r"takes 2 runs at a time; you have 0 waiting or training, and 1 are allowed"):
        duel.start(MLP, CNN, "seconds", 1, at_once=False)
    monkeypatch.setenv("DIGITREC_MAX_EPOCHS", "50")
    assert duel.budgeted(MLP, "seconds", 20).epochs == 50
    with pytest.raises(RecipeError, match="at most 50 epochs"):
        duel.start(MLP, CNN, "seconds", 1, at_once=True)
    assert runs.runs() == []


def test_half_a_duel_or_a_damaged_one_is_none(home: Path) -> None:
    found = hand_made(home, 1, 1)
    whole = (found.mlp.folder / queue.DUEL).read_text()
    for spoilt in ("", whole[:20], whole.replace('"epochs"', '"luck"'), whole.replace("2", "true"), "[]"):
        (found.mlp.folder / queue.DUEL).write_text(spoilt)
        assert duel.duels() == []
    (found.mlp.folder / queue.DUEL).write_text(whole)
    assert len(duel.duels()) == 1
    shutil.rmtree(found.cnn.folder)
    assert duel.duels() == []


def test_a_home_that_cannot_be_written_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_HOME", "/proc/digitrec")
    with pytest.raises(RunError, match="cannot be written"):
        duel.start(MLP, CNN, "seconds", 1, at_once=False)
