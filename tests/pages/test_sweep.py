"""Train, sweep, without a browser: the grid that is chosen, and what it refuses."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from digitrec import files, settings
from digitrec.jobs import job, sweep
from digitrec.training import events, model_files
from digitrec.training.recipe import Recipe


@pytest.fixture
def page(open_page: Callable[..., AppTest]) -> AppTest:
    return open_page("pages/3_Train.py", workbench="Sweep")


def text(page: AppTest) -> str:
    return " ".join(element.value for element in (*page.markdown, *page.caption))


def test_the_grid_is_counted_and_the_rule_is_shown(page: AppTest) -> None:
    page.text_input(key="sweep_learning_rate").set_value("0.1, 0.01, 0.001")
    page.text_input(key="sweep_batch_size").set_value("32, 64").run()
    assert not page.exception
    assert "**6 runs** of mlp-128, each of at most 3 epochs." in text(page)
    assert sweep.RULE in text(page)
    page.checkbox(key="sweep_early").uncheck().run()
    assert "Each run trains for all its epochs." in text(page)


@pytest.mark.parametrize(
    ("typed", "sentence"), [("many", "numbers separated by commas"), ("0.1", "at least two different")]
)
def test_what_is_no_list_is_refused_and_cannot_be_started(page: AppTest, typed: str, sentence: str) -> None:
    page.text_input(key="sweep_learning_rate").set_value(typed).run()
    assert sentence in page.error[0].value
    assert "start_sweep" not in [button.key for button in page.button]


def test_an_interrupted_sweep_says_what_is_known_and_can_go_on(open_page: Callable[..., AppTest]) -> None:
    folder = settings.home() / "sweeps" / "one"
    folder.mkdir(parents=True)
    recipe = Recipe("base", hidden=(8,), epochs=2)
    files.write_json(folder / sweep.FILE, {"recipe": recipe.to_json(), "settings": {"seed": [1, 2, 3]}, "early": True})
    for number, accuracy in enumerate((0.9, 0.8)):
        run = settings.runs_folder() / f"one-0{number}"
        run.mkdir(parents=True)
        files.write_json(run / model_files.RECIPE, recipe.to_json())
        files.write_json(run / job.STATUS, {"state": "finished", "message": ""})
        event = {"kind": "epoch", "epoch": 1, "loss": 1, "accuracy": 0.5, "val_loss": 1, "val_accuracy": accuracy}
        (run / events.EVENTS).write_text(
            f'{{"seconds": 2, "digits_per_second": 9, {str(event)[1:]}\n'.replace("'", '"')
        )
    page = open_page("pages/3_Train.py", workbench="Sweep")
    assert not page.exception
    assert "interrupted: 2 of 3 runs have ended" in text(page)
    assert "Best of 2 runs so far: Seed 1, validation accuracy 90.00 %" in text(page)
    assert list(page.dataframe[0].value["State"]) == ["finished", "finished", "waiting"]
    assert "go_on_sweep" in [button.key for button in page.button]
