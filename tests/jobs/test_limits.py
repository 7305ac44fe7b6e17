"""What a server allows: trainings that ask for more are refused, old runs are cleared, runs under way are not."""

import os
import time
from pathlib import Path

import filelock
import pytest

from digitrec import files, settings
from digitrec.errors import RecipeError, RunError, SettingsError
from digitrec.jobs import job, limits, runs
from digitrec.training import model_files
from digitrec.training.recipe import Recipe

RECIPE = Recipe("small", hidden=(8,), epochs=5)


def run(name: str, days: float = 0.0, state: str = "finished", size: int = 0) -> Path:
    """A run's folder as a worker leaves it, last changed so many days ago."""
    folder = settings.runs_folder() / name
    folder.mkdir(parents=True)
    files.write_json(folder / model_files.RECIPE, RECIPE.to_json())
    files.write_json(folder / job.STATUS, {"state": state, "message": "", "queued_at": 1.0, "started": 1.0})
    (folder / model_files.KERAS).write_bytes(bytes(size))
    changed = time.time() - days * limits.DAY
    os.utime(folder / job.STATUS, (changed, changed))
    return folder


def left() -> list[str]:
    return sorted(folder.name for folder in settings.runs_folder().iterdir())


def test_each_limit_has_a_default_in_its_range_and_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, limit in settings.LIMITS.items():
        monkeypatch.delenv(limit.variable, raising=False)
        assert limit.low <= settings.limit(name) == limit.default <= limit.high
        monkeypatch.setenv(limit.variable, str(limit.high + 1))
        with pytest.raises(SettingsError, match=f"{limit.variable} must be a whole number from {limit.low} to"):
            settings.limit(name)


def test_the_docs_list_each_limit() -> None:
    text = (settings.PROJECT / "docs" / "settings.md").read_text()
    for limit in settings.LIMITS.values():
        assert f"| `{limit.variable}` | {limit.what} | {limit.default:,} |" in text


def test_a_training_that_asks_for_more_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits.check(RECIPE)
    monkeypatch.setenv("DIGITREC_MAX_EPOCHS", "4")
    with pytest.raises(RecipeError, match=r"at most 4 epochs per run\. Choose fewer\. Received: 5"):
        limits.check(RECIPE)
    monkeypatch.setenv("DIGITREC_MAX_EPOCHS", "5")
    monkeypatch.setenv("DIGITREC_MAX_PARAMETERS", "10000")
    with pytest.raises(RecipeError, match=r"at most 10,000 parameters per network\. .*Received: 101,770"):
        limits.check(RECIPE.replace(hidden=(128,)))


def test_a_visitor_has_so_many_runs_under_way_and_others_do_not_count(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITREC_MAX_QUEUED", "1")
    mine, other = run("mine", state="running"), run("other", state="running")
    limits.check_queue(["mine", "other"])  # no process holds them: they are interrupted
    with filelock.FileLock(mine / job.ALIVE), filelock.FileLock(other / job.ALIVE):
        limits.check_queue([])
        with pytest.raises(RunError, match="You have 1 runs waiting or training"):
            limits.check_queue(["mine"])
        monkeypatch.setenv("DIGITREC_MAX_QUEUED", "2")
        limits.check_queue(["mine"])
        with pytest.raises(RunError, match="takes 2 runs at a time; you have 1 waiting or training, and 2 are allowed"):
            limits.check_queue(["mine"], 2)


def test_runs_that_are_too_old_go(home: Path) -> None:
    run("new", days=29)
    run("old", days=31)
    for _ in range(2):
        limits.clear_runs()
        assert left() == ["new"]


def test_of_too_many_the_oldest_go(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_MAX_RUNS", "2")
    for name, days in (("a", 1), ("b", 3), ("c", 2), ("d", 4)):
        run(name, days)
    limits.clear_runs()
    assert left() == ["a", "c"]


def test_of_too_large_ones_the_oldest_go(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_MAX_DISK", "100")
    for name, days in (("a", 1), ("b", 2), ("c", 3)):
        run(name, days, size=45_000_000)
    limits.clear_runs()
    assert left() == ["a", "b"]


def test_a_run_under_way_stays_however_old_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_MAX_RUNS", "1")
    folder = run("training", days=400, state="running")
    run("ended")
    with filelock.FileLock(folder / job.ALIVE):
        limits.clear_runs()
        assert left() == ["ended", "training"]
    limits.clear_runs()
    assert left() == ["ended"]  # its process is gone and nobody resumed it for more than a year


def test_named_models_are_never_cleared(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_MAX_RUNS", "1")
    kept = settings.trained_models() / "mine"
    kept.mkdir(parents=True)
    os.utime(kept, (1, 1))
    for name in "abc":
        run(name, days=100)
    limits.clear_runs()
    assert kept.is_dir()
    assert runs.runs() == []
