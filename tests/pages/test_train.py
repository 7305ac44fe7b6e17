"""Train without a browser: the recipe form, and what it refuses."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from digitrec import files
from digitrec.datasets import mnist
from digitrec.jobs import runs
from digitrec.registry import visitors
from digitrec.training import model_files, probes
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import Recipe
from digitrec.training.splits import Split

MINE = "1a" * 32
"""What a visitor's session holds and nobody else knows."""


@pytest.fixture
def page(open_page: Callable[..., AppTest]) -> AppTest:
    return open_page("pages/3_Train.py")


def test_each_published_recipe_shows_its_source_its_figure_and_its_code(page: AppTest) -> None:
    for name, preset in PRESETS.items():
        page.selectbox(key="recipe").set_value(name).run()
        assert not page.exception
        assert page.number_input(key="epochs").value == preset.recipe.epochs
        text = " ".join(element.value for element in page.markdown)
        assert preset.title in text
        assert preset.published in text
        assert f"{preset.recipe.parameters:,} parameters" in text
        assert "model.fit" in page.code[0].value


@pytest.mark.parametrize("kind", ["custom-mlp", "custom-cnn"])
def test_own_recipes_have_a_form_with_a_preview(page: AppTest, kind: str) -> None:
    page.selectbox(key="recipe").set_value(kind).run()
    page.slider(key="turn").set_value(20.0).run()
    assert not page.exception
    assert not page.error
    assert "parameters" in " ".join(element.value for element in page.markdown)


def labelled(page: AppTest, label: str) -> Any:
    return next(element for element in page.text_input if element.label.startswith(label))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("many", "Widths are whole numbers separated by commas"),
        ("", "needs at least one hidden layer"),
        ("0", "from 1 to 4096. Received: 0"),
        ("4096, 4096, 4096", "parameters; the limit is"),
    ],
)
def test_what_cannot_work_is_refused_and_cannot_be_started(page: AppTest, typed: str, sentence: str) -> None:
    page.selectbox(key="recipe").set_value("custom-mlp").run()
    labelled(page, "Widths").set_value(typed).run()
    assert sentence in page.error[0].value
    assert "start" not in [button.key for button in page.button]


def test_pooling_below_a_pixel_is_refused(page: AppTest) -> None:
    page.selectbox(key="recipe").set_value("custom-cnn").run()
    page.number_input(key="pool_1").set_value(7)
    page.number_input(key="pool_2").set_value(7).run()
    assert "would leave less than 1 pixel" in page.error[0].value


def test_a_read_only_home_is_reported_in_a_sentence(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_HOME", "/proc/digitrec")
    page.button(key="start").click().run()
    assert "the disk is full or read-only" in page.error[0].value
    assert "/proc" not in page.error[0].value
    assert not runs.runs()


def test_the_learning_rate_is_drawn_before_training(page: AppTest) -> None:
    page.selectbox(key="recipe").set_value("custom-mlp").run()
    page.number_input(key="learning_rate").set_value(0.02)
    labelled_box(page, "Schedule").set_value("cosine").run()
    assert not page.exception
    text = [chart.proto.alt for chart in page.get("plotly_chart")]
    assert any("rises to 0.02 in the first twentieth" in alt for alt in text), text


def labelled_box(page: AppTest, label: str) -> Any:
    return next(element for element in page.selectbox if element.label.startswith(label))


@pytest.fixture
def watched_run(home: Path, tiny_run: Path, few: Split) -> Path:
    """Copy the tiny run into this test's home, with a visitor's digit that its net read half way."""
    folder = home / "runs" / "20260101-000000-tiny"
    shutil.copytree(
        tiny_run, folder, ignore=shutil.ignore_patterns(model_files.CARD)
    )  # made on a few digits: no results
    probes.give(folder, MINE, mnist.glyphs(few.x[30]))
    recipe = Recipe.from_json(files.read_json(folder / model_files.RECIPE))
    recorder = probes.Recorder(folder, recipe, few, 1.0)
    kernel = np.zeros((784, 16), np.float32)
    recorder.record(2, lambda glyphs: np.eye(10, dtype=np.float32)[np.full(len(glyphs), 3)], kernel)
    recorder.close()
    return folder


def cards(page: AppTest) -> str:
    return " ".join(element.proto.body for element in page.get("html") if 'class="watched"' in element.proto.body)


def test_a_slider_replays_how_a_run_learned(watched_run: Path, open_page: Callable[..., AppTest]) -> None:
    page = open_page("pages/3_Train.py")
    assert not page.exception
    slider = page.select_slider(key="look")
    assert (slider.options[0], slider.options[-1]) == ("0", "2")
    assert cards(page).count("<figure") == 10
    assert cards(page).count("<b>3</b>, 100 %") == 10
    slider.set_value(0).run()
    assert not page.exception
    assert "<b>3</b>, 100 %" not in cards(page)
    alts = [chart.proto.alt for chart in page.get("plotly_chart")]
    assert any("errors in 40 digits" in alt for alt in alts), alts


def test_a_visitors_own_digit_is_seen_by_that_visitor_alone(
    watched_run: Path, few: Split, open_page: Callable[..., AppTest]
) -> None:
    glyph = mnist.glyphs(few.x[30])
    for secret, seen in ((MINE, True), ("0" * len(MINE), False)):
        page = open_page("pages/3_Train.py", visitor=secret, last_glyph=glyph)
        assert not page.exception
        assert ("yours: <b>3</b>" in cards(page)) == seen


@pytest.mark.usefixtures("watched_run")
def test_who_watches_a_training_read_their_digit_can_have_a_model_of_their_own_afterwards(
    few: Split, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("pages/3_Train.py", last_glyph=mnist.glyphs(few.x[30]))
    assert not page.exception
    assert visitors.models(page.session_state["visitor"]) == []


def test_a_damaged_record_of_looks_is_reported_and_the_rest_is_shown(
    watched_run: Path, open_page: Callable[..., AppTest]
) -> None:
    file = watched_run / model_files.WATCH
    file.write_bytes(b"\1" * len(file.read_bytes()))
    page = open_page("pages/3_Train.py")
    assert not page.exception
    assert "snapshots of this training are damaged" in " ".join(element.value for element in page.caption)
    assert "finished: epoch 2.00 of 2" in " ".join(element.value for element in page.markdown)


def test_a_resumed_run_that_starts_is_drawn_once_though_it_has_points(
    watched_run: Path, open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runs.curves_in(runs.get(watched_run.name).folder).batch_epoch
    drawn = []

    def starting(run_id: str, get: Callable[[str], runs.Run] = runs.get) -> runs.Run:
        drawn.append(run_id)
        assert len(drawn) < 10, "the page runs itself again and again"
        return dataclasses.replace(get(run_id), state="starting")

    monkeypatch.setattr(runs, "get", starting)
    page = open_page("pages/3_Train.py")
    assert not page.exception
    assert "starting: loading TensorFlow" in " ".join(element.value for element in page.markdown)
