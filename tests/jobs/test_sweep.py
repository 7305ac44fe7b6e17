"""Sweeps: what is tried, when a run ends early, and a whole one by real trainings on a few digits."""

import json
from pathlib import Path

import pytest

from digitrec import files
from digitrec.datasets import mnist
from digitrec.errors import RecipeError, RunError
from digitrec.jobs import job, runs, scheduler, sweep, worker
from digitrec.training import events as training_events
from digitrec.training import model_files, probes, splits
from digitrec.training.recipe import Recipe
from digitrec.training.splits import Split

BASE = Recipe("base", hidden=(16,), batch_size=8, epochs=2)


@pytest.fixture
def unlaunched(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Let nobody train what is started; return the folders that were to be trained."""
    asked: list[Path] = []
    monkeypatch.setattr(scheduler, "submit", lambda folder: asked.append(folder))
    return asked


def test_all_combinations_are_tried_the_last_setting_changing_fastest() -> None:
    found = sweep.grid(BASE, {"learning_rate": [0.1, 0.01], "width": [4, 8, 9]})
    assert [(r.learning_rate, r.hidden) for _, r in found] == [(r, (w,)) for r in (0.1, 0.01) for w in (4, 8, 9)]
    assert found[1][0] == {"learning_rate": 0.1, "width": 8}
    deep = BASE.replace(hidden=(5, 6, 7))
    assert sweep.grid(deep, {"width": [3, 4], "seed": [1, 2]})[0][1].hidden == (3, 3, 3)


@pytest.mark.parametrize(
    ("varied", "sentence"),
    [
        ({}, "Choose 1 to 3 settings"),
        ({key: [1, 2] for key in ("seed", "epochs", "width", "dropout")}, "Choose 1 to 3 settings"),
        ({"seed": [1]}, "Seed: at least two different values"),
        ({"seed": [1, 1]}, "Seed: at least two different values"),
        ({"nonsense": [1, 2]}, "nonsense"),
        ({"seed": list(range(6)), "epochs": list(range(1, 7))}, "At most 30 runs per sweep.*Received: 36"),
        ({"dropout": [0.1, 2.0]}, "Dropout must be a number from 0 to 0.9"),
        ({"width": [8, 5000]}, "from 1 to 4096"),
    ],
)
def test_what_cannot_be_tried_is_refused_before_anything_is_written(home: Path, varied, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        sweep.start(BASE, varied)
    assert list(home.iterdir()) == []


def test_what_the_server_does_not_allow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_MAX_EPOCHS", "5")
    with pytest.raises(RecipeError, match="This server trains at most 5 epochs"):
        sweep.start(BASE, {"epochs": [1, 6]})


def test_values_are_read_from_text() -> None:
    assert sweep.parse("learning_rate", "0.1, 1e-3 0.1,.001") == [0.1, 0.001]
    assert sweep.parse("batch_size", "32,64") == [32, 64]
    for setting, text in (("batch_size", "1.5, 2"), ("dropout", "a little"), ("seed", "1; 2")):
        name = sweep.SETTINGS[setting].partition(",")[0]
        with pytest.raises(RecipeError, match=rf"^{name} must be (whole )?numbers separated by commas\. Received: "):
            sweep.parse(setting, text)


def learned(folder: Path, accuracies: list[float], state: str = "finished", message: str = "") -> None:
    """Write what a run has left after so many epochs."""
    numbers = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "seconds": 1.0, "digits_per_second": 1}
    events = [
        {"kind": "epoch", "epoch": epoch, "val_accuracy": accuracy} | numbers
        for epoch, accuracy in enumerate(accuracies, 1)
    ]
    (folder / training_events.EVENTS).write_text("".join(json.dumps(event) + "\n" for event in events))
    status = files.read_json(folder / job.STATUS) or {}
    files.write_json(folder / job.STATUS, status | {"state": state, "message": message})


def begun(varied: dict[str, list[sweep.Value]], early: bool = True) -> tuple[str, list[Path]]:
    """A sweep whose runs all have a folder."""
    started = sweep.start(BASE, varied, early)
    folders = [first.run.folder for first in started.trials if first.run]
    while following := sweep.follow(folders[-1]):
        folders.append(following)
    return started.id, folders


@pytest.mark.usefixtures("unlaunched")
def test_a_run_ends_early_below_the_median_of_three_others_at_the_same_epoch() -> None:
    _, (a, b, c, d, e) = begun({"seed": [1, 2, 3, 4, 5]})
    learned(a, [0.90, 0.99, 0.99])
    learned(b, [0.80, 0.81])
    learned(d, [0.79])
    assert not sweep.is_behind(d), "two others are too few"
    learned(c, [0.70, 0.98, 0.98])
    assert sweep.is_behind(d)
    learned(d, [0.80])
    assert not sweep.is_behind(d), "as good as the median"
    learned(d, [0.81, 0.5])
    assert sweep.is_behind(d), "its best so far counts: 0.81 < 0.98"
    learned(d, [0.985, 0.5])
    assert not sweep.is_behind(d)
    learned(d, [0.985, 0.5, 0.5])
    assert not sweep.is_behind(d), "b has not come as far"
    assert not sweep.is_behind(e), "no epoch yet"


@pytest.mark.usefixtures("unlaunched")
def test_a_sweep_counts_among_a_visitors_runs_with_those_that_begin_later_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_MAX_QUEUED", "1")
    started = sweep.start(BASE, {"seed": [1, 2]})
    mine = sweep.run_ids(started)
    first = started.trials[0].run
    assert first
    learned(first.folder, [0.9])
    sweep.start(BASE, {"seed": [1, 2]}, mine=mine)
    assert sweep.follow(first.folder) == first.folder.with_name(mine[1])
    with pytest.raises(RunError, match="You have 1 runs waiting or training"):
        sweep.start(BASE, {"seed": [1, 2]}, mine=mine)


@pytest.mark.usefixtures("unlaunched")
def test_without_early_stopping_and_outside_a_sweep_nothing_ends_early(home: Path) -> None:
    _, folders = begun({"seed": [1, 2, 3, 4]}, early=False)
    for folder, accuracy in zip(folders, (0.9, 0.9, 0.9, 0.1), strict=True):
        learned(folder, [accuracy])
    assert not sweep.is_behind(folders[-1])
    alone = runs.start(BASE).folder
    learned(alone, [0.1])
    assert not sweep.is_behind(alone)
    assert sweep.follow(alone) is None


def test_one_run_at_a_time_is_given_to_this_machine_and_each_starts_once(unlaunched: list[Path]) -> None:
    started = sweep.start(BASE, {"seed": [1, 2, 3]})
    assert [trial.state for trial in started.trials] == ["starting", "waiting", "waiting"]
    assert (started.state, sweep.sweeps()) == ("running", [started.id])
    first = started.trials[0].run
    assert first
    assert unlaunched == [first.folder]
    second, third = sweep.follow(first.folder), sweep.follow(first.folder)
    assert second
    assert third
    assert sweep.follow(third) is None
    assert [Recipe.from_json(files.read_json(f / model_files.RECIPE)).seed for f in (first.folder, second, third)] == [
        1,
        2,
        3,
    ]
    assert unlaunched == [first.folder]


def test_a_cluster_has_all_runs_at_once(unlaunched: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_SCHEDULER", "tcp://127.0.0.1:8786")
    started = sweep.start(BASE, {"seed": [1, 2, 3]})
    assert len(unlaunched) == 3
    assert [trial.state for trial in started.trials] == ["queued"] * 3
    assert sweep.follow(unlaunched[0]) is None


def test_a_sweep_is_stopped_as_a_whole_and_goes_on_where_it_was(unlaunched: list[Path]) -> None:
    sweep_id, (first,) = (started := sweep.start(BASE, {"seed": [1, 2, 3, 4]})).id, unlaunched
    learned(first, [0.9])
    second = sweep.follow(first)
    assert second
    assert sweep.stop(sweep.get(sweep_id)).state == "stopping"
    assert (second / job.STOP).exists()
    assert sweep.follow(second) is None
    learned(second, [0.8], "stopped")
    assert sweep.get(sweep_id).state == "stopped"
    assert sweep.resume(sweep.get(sweep_id)).state == "running"
    assert unlaunched == [first, second], "resumed, and the first left as it was"
    learned(second, [0.8], "stopped", sweep.BEHIND)
    assert sweep.get(sweep_id).state == "interrupted"
    sweep.resume(sweep.get(sweep_id))
    assert unlaunched[2].name == f"{started.id}-02", "what ended early stays so"
    with pytest.raises(RunError, match="Stop it first"):
        sweep.delete(sweep.get(sweep_id))
    learned(unlaunched[2], [0.95], "failed")
    sweep.resume(sweep.get(sweep_id))
    learned(unlaunched[3], [0.85])
    ended = sweep.get(sweep_id)
    assert [trial.state for trial in ended.trials] == ["finished", "stopped early", "failed", "finished"]
    assert ended.state == "finished"
    assert ended.best
    assert ended.best.number == 2
    sweep.delete(ended)
    assert sweep.sweeps() == []
    assert len(runs.runs()) == 4, "the runs stay"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"recipe": 1}', '{"recipe": {"name": "a"}, "settings": 3, "early": 1}']
)
def test_a_damaged_or_unknown_sweep_is_reported(home: Path, text: str) -> None:
    folder = home / "sweeps" / "broken"
    folder.mkdir(parents=True)
    (folder / sweep.FILE).write_text(text)
    for name in ("broken", "none", "..", "a/b", ""):
        with pytest.raises(RunError, match="There is no sweep of this name, or it is damaged"):
            sweep.get(name)


def test_one_process_trains_the_whole_sweep_and_the_worst_ends_early(
    few: Split, unlaunched: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splits, "split", lambda recipe: few)
    monkeypatch.setattr(mnist, "test", lambda: (few.x_validation, few.y_validation))
    monkeypatch.setattr(probes, "DIGITS", range(0, 40, 4))
    started = sweep.start(BASE, {"learning_rate": [0.01, 0.003, 0.005, 1e-7]})
    folder: Path | None = unlaunched[0]
    while folder:
        folder = worker.main(folder)
    ended = sweep.get(started.id)
    assert [trial.state for trial in ended.trials] == ["finished"] * 3 + ["stopped early"]
    assert [len(trial.accuracies) for trial in ended.trials] == [2, 2, 2, 1]
    assert ended.state == "finished"
    last = ended.trials[-1].run
    assert last
    assert last.card is None, "no model is made of it"
    assert "Stopped early" in last.message
