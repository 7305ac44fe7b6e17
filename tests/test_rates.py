"""Range tests: the rate proposed, and a real one from its start to a killed one."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from digitrec import ratefinder, rates
from digitrec import runfolder as rf
from digitrec.dataset import Split
from digitrec.errors import RunError
from digitrec.recipe import Recipe

TINY = Recipe("tiny", hidden=(8,), batch_size=64)
DEADLOCK = 120  # seconds after which a test gives up


def loss(lowest: float, noise: float = 0.05) -> np.ndarray:
    """Return losses that fall from 2.3 to 0.3 at this rate and then blow up."""
    away = np.log10(rates.ladder()) - np.log10(lowest)
    level = 2.3 - 2 / (1 + np.exp(-4 * (away + 1))) + np.where(away > 0, 4 * away**2, 0)
    return level + np.random.default_rng(1).normal(0, noise, rates.BATCHES)


@pytest.mark.parametrize("lowest", [1e-3, 1e-2, 0.3])
def test_a_rate_between_the_steepest_fall_and_the_lowest_loss_is_proposed(lowest: float) -> None:
    tried, losses = rates.ladder(), loss(lowest)
    assert rates.steepest(tried, losses) == pytest.approx(lowest / 10, rel=0.4)
    proposed = rates.proposal(tried, losses)
    assert proposed is not None
    assert lowest / 6 < proposed < lowest / 1.5
    assert f"{proposed:.0e}" == f"{proposed:.1e}".replace(".0e", "e")  # one digit


def test_nothing_is_proposed_where_nothing_was_learnt_or_too_little_seen() -> None:
    ladder, flat = rates.ladder(), 2.3 + np.random.default_rng(1).normal(0, 0.05, rates.BATCHES)
    assert rates.proposal(ladder, flat) is None
    assert rates.proposal(ladder[:10], loss(1e-2)[:10]) is None
    assert rates.proposal(ladder[:0], flat[:0]) is None


def test_recipes_that_differ_in_what_it_does_not_test_share_a_test() -> None:
    same = TINY.replace(learning_rate=0.1, schedule="cosine", epochs=9, name="other", validation=0.3, patience=2)
    assert rates.name(same) == rates.name(TINY)
    for other in (TINY.replace(optimizer="sgd"), TINY.replace(hidden=(9,)), TINY.replace(batch_size=32)):
        assert rates.name(other) != rates.name(TINY)


def test_the_loss_falls_and_the_test_ends_when_it_runs_away(few: Split) -> None:
    recipe = rates.about(Recipe("net", hidden=(32,), batch_size=16, optimizer="sgd"))
    found = list(ratefinder.losses_of(recipe, few, lambda: False))
    tried, losses = (np.array(column) for column in zip(*found, strict=True))
    np.testing.assert_allclose(tried, rates.ladder()[: len(tried)])
    assert losses[:20].mean() == pytest.approx(2.4, abs=0.4)
    assert losses.min() < losses[:20].mean() - 1
    assert list(ratefinder.losses_of(recipe, few, lambda: True)) == []
    deep = recipe.replace(hidden=(64,) * 6, activation="elu")
    away = list(ratefinder.losses_of(deep, few, lambda: False))
    assert rates.FEWEST < len(away) < rates.BATCHES


def until(test: rates.Test, *states: str) -> rates.Test:
    end = time.monotonic() + DEADLOCK
    while (now := rates.get(test.id)).state not in states:
        assert time.monotonic() < end, now.state
        time.sleep(0.05)
    rates._children[now.folder].wait(DEADLOCK)
    return now


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def started(shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> rates.Test:
    monkeypatch.setenv("DIGITREC_HOME", str(shared_home))
    return rates.start(TINY)


@pytest.fixture
def finished(started: rates.Test) -> rates.Test:
    done = until(started, "finished", "failed")
    assert done.state == "finished", (done.folder / rf.LOG).read_text()
    return done


def test_a_test_is_run_by_a_process_and_its_answer_is_kept(started: rates.Test) -> None:
    assert started.active
    with pytest.raises(RunError, match="Another range test is under way"):
        rates.start(TINY.replace(hidden=(9,)))
    done = until(started, "finished", "failed")
    assert done.state == "finished", (done.folder / rf.LOG).read_text()
    assert rates.FEWEST < len(done.rates) <= rates.BATCHES
    proposed = rates.proposal(done.rates, done.losses)
    assert proposed is not None
    assert 1e-4 < proposed < 0.2
    again = rates.start(TINY.replace(epochs=7))
    assert (again.id, again.state) == (done.id, "finished")


def test_a_killed_test_is_interrupted(finished: rates.Test) -> None:
    other = rates.start(TINY.replace(hidden=(10,)))
    os.kill(rates._children[other.folder].pid, signal.SIGKILL)
    rates._children[other.folder].wait()
    assert rates.get(other.id).state == "interrupted"
    assert "Start it again" in rates.get(other.id).message
    rates.stop(other)
    restarted = rates.start(TINY.replace(hidden=(10,)))
    assert restarted.state == "starting"  # and the stop of before is gone
    rates.stop(restarted)
    assert until(restarted, "stopped", "finished", "failed").state == "stopped"


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{}",
        '{"rates": [1, 2], "losses": [1], "seconds": 1}',
        '{"rates": [1], "losses": ["x"], "seconds": 1}',
        '{"rates": [1], "losses": [1], "seconds": null}',
        '{"rates": [-1], "losses": [1], "seconds": 1}',
        '{"rates": 1, "losses": 1, "seconds": 1}',
    ],
)
def test_damaged_losses_count_as_none(finished: rates.Test, damage: str) -> None:
    file = finished.folder / rates.LOSSES
    before = file.read_text()
    file.write_text(damage)
    assert len(rates.get(finished.id).losses) == 0
    file.write_text(before)


@pytest.mark.parametrize("wanted", ["", "..", "../runs", "0123456789abcdef", "x" * 500])
def test_what_is_no_test_is_refused(wanted: str) -> None:
    with pytest.raises(RunError, match="no such range test"):
        rates.get(wanted)


def test_a_damaged_folder_is_told_and_started_anew(home: Path) -> None:
    folder = home / "rates" / rates.name(TINY)
    folder.mkdir(parents=True)
    (folder / rf.RECIPE).write_text("{")
    with pytest.raises(RunError, match="damaged"):
        rates.get(folder.name)


def test_a_home_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_HOME", "/proc/digitrec")
    with pytest.raises(RunError, match="disk is full or read-only"):
        rates.start(TINY)
