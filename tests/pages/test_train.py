"""Train without a browser: the recipe form, and what it refuses."""

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from digitrec import runs
from digitrec.recipe import PRESETS


@pytest.fixture
def page(open_page: Callable[..., AppTest]) -> AppTest:
    return open_page("pages/3_Train.py")


def test_each_published_recipe_shows_its_source_its_figure_and_its_code(page: AppTest) -> None:
    for name, preset in PRESETS.items():
        page.selectbox(key="recipe").set_value(name).run()
        assert not page.exception
        assert page.number_input(key="epochs").value == preset.recipe.epochs
        said = " ".join(element.value for element in page.markdown)
        assert preset.title in said
        assert preset.published in said
        assert f"{preset.recipe.parameters:,} parameters" in said
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
        ("many", "Widths are whole numbers with commas"),
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


def test_a_read_only_home_is_told_in_a_sentence(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_HOME", "/proc/digitrec")
    page.button(key="start").click().run()
    assert "the disk is full or read-only" in page.error[0].value
    assert "/proc" not in page.error[0].value
    assert not runs.runs()
