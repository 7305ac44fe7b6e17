"""Train's Side by side and Duel without a browser: hand-made runs, and nothing trained."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from streamlit.testing.v1 import AppTest

from digitrec import files
from digitrec.jobs import duel, job, runs
from digitrec.registry import registry
from digitrec.training import events as training_events
from digitrec.training import model_files
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import Recipe

SLOW, FAST = "20240101-000000-mlp-128", "20240102-000000-cnn-3x3"


def run(home: Path, name: str, recipe: Recipe, state: str = "stopped", pace: float = 1.0) -> Path:
    """A run folder; each epoch of its two took so many seconds."""
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    now = time.time()
    files.write_json(folder / model_files.RECIPE, recipe.to_json())
    files.write_json(folder / job.STATUS, {"state": state, "message": "", "queued_at": now - 9, "started": now - 9})
    step = {"loss": 0.5, "accuracy": 0.9, "digits_per_second": 1000}
    events = [{"kind": "batch", "epoch": n / 2, "seconds": pace * n / 2, **step} for n in (1, 2, 3, 4)]
    events += [
        {"kind": "epoch", "epoch": n, "seconds": pace * n, **step, "val_loss": 1, "val_accuracy": 0.9} for n in (1, 2)
    ]
    (folder / training_events.EVENTS).write_text("".join(json.dumps(event) + "\n" for event in events))
    return folder


@pytest.fixture
def two(home: Path) -> None:
    run(home, SLOW, PRESETS["mlp-128"].recipe, pace=7)
    run(home, FAST, PRESETS["cnn-3x3"].recipe, pace=3)


@pytest.fixture
def opened(open_page: Callable[..., AppTest]) -> Callable[..., AppTest]:
    return lambda section, **state: open_page("pages/3_Train.py", workbench=section, **state)


@pytest.fixture
def busy(home: Path) -> Iterator[None]:
    """A run under way, behind which all that is started waits; what waits is asked to stop at the end."""
    folder = run(home, "20240103-000000-busy", PRESETS["mlp-128"].recipe, "running")
    files.write_json(folder / job.STATUS, {"state": "running", "message": "", "queued_at": 1.0, "started": 1.0})
    with FileLock(folder / job.ALIVE):
        yield
        waiting = [run for run in runs.runs() if run.active and run.folder != folder]
        for one in waiting:
            runs.stop(one)
        for one in waiting:
            process = job.child(one.folder)
            assert process
            process.wait(120)


def words(page: AppTest) -> str:
    return " ".join(element.value for kind in (page.markdown, page.caption, page.warning) for element in kind)


def lines(page: AppTest) -> dict[str, tuple[list[float], list[float]]]:
    """Return the points of the newest figure by the names of its lines; those of the accuracy."""
    charts = [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]
    traces: list[dict[str, Any]] = max(charts, key=lambda chart: len(chart["data"]))["data"]
    return {trace["name"]: (trace["x"], trace["y"]) for trace in traces if trace["yaxis"] == "y2"}


@pytest.mark.usefixtures("two")
def test_only_the_section_that_is_chosen_is_drawn(opened: Callable[..., AppTest]) -> None:
    keys = {"One run": "start", "Side by side": "", "Duel": "start_duel"}
    for section in keys:
        page = opened(section)
        assert {b.key for b in page.button} & set(keys.values()) == {keys[section]} - {""}
        assert bool(page.dataframe) == (section == "Side by side")


@pytest.mark.usefixtures("two")
def test_each_run_has_its_own_curve_by_epochs_and_by_seconds(opened: Callable[..., AppTest]) -> None:
    page = opened("Side by side", ticked=[SLOW, FAST])
    assert lines(page)["mlp-128, validation"] == lines(page)["cnn-3x3, validation"] == ([1, 2], [90, 90])
    page = opened("Side by side", ticked=[SLOW, FAST], curves_by="By seconds")
    assert lines(page)["mlp-128, validation"] == ([7, 14], [90, 90])
    assert lines(page)["cnn-3x3, validation"] == ([3, 6], [90, 90])


@pytest.mark.usefixtures("two")
def test_the_table_holds_runs_and_models_and_what_differs(opened: Callable[..., AppTest]) -> None:
    page = opened("Side by side", ticked=[SLOW, "reader"])
    table = page.dataframe[0].value.set_index("Name")
    assert (table.loc[SLOW, "State"], table.loc[SLOW, "Epochs"], table.loc[SLOW, "Seconds"]) == ("stopped", 2, 14)
    assert table.loc["reader", "State"] == "shipped"
    assert table.loc["reader", "Accuracy"] == pytest.approx(100 * registry.get("reader").accuracy)
    assert "No curves of reader" in words(page)
    differing = page.table[0].value
    assert differing.loc["learning rate"].tolist() == ["0.001", "0.003"]
    assert "seed" not in differing.index


@pytest.mark.usefixtures("two", "busy")
def test_a_recipe_starts_again_with_one_thing_changed(opened: Callable[..., AppTest]) -> None:
    page = opened("Side by side", ticked=[SLOW])
    page.number_input(key=f"value_{SLOW}_learning rate").set_value(0.01).run()
    page.button(key="start_again").click().run()
    assert not page.exception
    made = next(one for one in runs.runs() if one.id.endswith("-my-mlp-128"))
    assert made.recipe == runs.get(SLOW).recipe.replace(name="my-mlp-128", learning_rate=0.01)
    assert page.multiselect(key="ticked").value == [SLOW, made.id]


@pytest.mark.usefixtures("two", "busy")
def test_what_is_not_allowed_is_reported_and_not_started(
    opened: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(runs.runs())
    page = opened("Side by side", ticked=[SLOW])
    page.number_input(key=f"value_{SLOW}_learning rate").set_value(-1.0).run()
    assert "The learning rate must be a number" in page.error[0].value
    assert "start_again" not in {button.key for button in page.button}
    monkeypatch.setenv("DIGITREC_MAX_EPOCHS", "2")
    page = opened("Side by side", ticked=[SLOW])
    page.button(key="start_again").click().run()
    assert "at most 2 epochs" in page.error[0].value
    page = opened("Duel")
    page.button(key="start_duel").click().run()
    assert "at most 2 epochs" in page.error[0].value
    assert len(runs.runs()) == before


@pytest.mark.usefixtures("two")
def test_deleting_asks_first(opened: Callable[..., AppTest]) -> None:
    page = opened("Side by side", ticked=[SLOW])
    page.button(key="delete_entry").click().run()
    assert f"Delete {SLOW} permanently?" in words(page)
    page.button(key="delete_no").click().run()
    assert "permanently?" not in words(page)
    page.button(key="delete_entry").click().run()
    assert len(runs.runs()) == 2
    page.button(key="delete_yes").click().run()
    assert not page.exception
    assert [one.id for one in runs.runs()] == [FAST]


@pytest.mark.usefixtures("busy")
def test_shipped_models_and_runs_under_way_cannot_be_deleted(opened: Callable[..., AppTest]) -> None:
    for name, why in (("reader", "came with the project"), ("20240103-000000-busy", "is active")):
        page = opened("Side by side", ticked=[name])
        assert why in words(page)
        assert "delete_entry" not in {button.key for button in page.button}


def test_a_saved_model_is_renamed_and_stays_ticked(opened: Callable[..., AppTest], tiny_model: str) -> None:
    page = opened("Side by side", ticked=[tiny_model])
    page.text_input(key=f"new_name_{tiny_model}").set_value("reader")
    page.button(key="rename_model").click().run()
    assert "There is already a model reader" in page.error[0].value
    page.text_input(key=f"new_name_{tiny_model}").set_value("mine")
    page.button(key="rename_model").click().run()
    assert not page.exception
    assert page.multiselect(key="ticked").value == ["mine"]
    assert registry.get("mine").accuracy > 0


@pytest.mark.usefixtures("two")
def test_a_damaged_run_is_reported_in_a_sentence_and_can_be_deleted(home: Path, opened: Callable[..., AppTest]) -> None:
    (home / "runs" / SLOW / model_files.RECIPE).write_text("{")
    page = opened("Side by side", ticked=[SLOW, FAST])
    assert f"The run {SLOW} is not shown: its folder is damaged." in page.warning[0].value
    assert page.multiselect(key="ticked").value == [FAST]
    page.button(key=f"discard_{SLOW}").click().run()
    assert not page.exception
    assert not page.warning
    assert not (home / "runs" / SLOW).exists()


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("turns", ["One after the other", "At once"])
def test_a_duel_is_started_found_again_and_stopped(opened: Callable[..., AppTest], turns: str) -> None:
    page = opened("Duel", turns=turns)
    page.number_input(key="duel_parameters").set_value(20_000).run()
    page.button(key="start_duel").click().run()
    assert not page.exception
    begun = duel.duels()[0]
    assert (begun.budget, begun.amount, begun.at_once) == ("parameters", 20_000, turns == "At once")
    assert all(abs(one.recipe.parameters - 20_000) <= 200 for one in begun.sides)
    page = opened("Duel")  # another visit: all is in the folders
    assert page.selectbox(key="duel").value == begun.id
    text = words(page)
    assert "**MLP** queued: 1 run before it" in text
    assert ("**CNN** queued: 1 run before it" if begun.at_once else "**CNN** queued: 2 runs before it") in text
    page.button(key="stop_duel").click().run()
    assert {one.state for one in duel.duels()[0].sides} <= {"stopping", "stopped"}


def test_by_seconds_and_by_epochs_the_nets_are_chosen(opened: Callable[..., AppTest]) -> None:
    page = opened("Duel", budget="Equal seconds")
    assert "CNN · cnn-3x3" in page.selectbox(key="duel_cnn").options
    assert "CNN · reader" not in page.selectbox(key="duel_cnn").options
    assert page.table[0].value.loc["Training", "CNN"].startswith("20 s, ")
    page = opened("Duel", budget="Equal epochs")
    page.selectbox(key="duel_cnn").set_value("reader").run()
    page.number_input(key="duel_epochs").set_value(4).run()
    assert page.table[0].value.loc["Training", "CNN"].startswith("4 epochs, ")
    assert page.table[0].value.loc["Parameters", "MLP"] == "101,770"
