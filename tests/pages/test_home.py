"""Home without a browser: a digit read, the models, the pages' cards; and a home without models."""

from pathlib import Path

import pytest
from drawings import drawing, words
from streamlit.testing.v1 import AppTest

from digitrec import settings
from digitrec.registry import registry
from digitrec.ui import common, home

HOME = Path(__file__).parents[2] / "streamlit_app.py"


@pytest.fixture
def page() -> AppTest:
    opened = AppTest.from_file(HOME, default_timeout=60).run()
    assert not opened.exception
    return opened


def test_an_empty_canvas_has_no_answer(page: AppTest) -> None:
    assert words(page).count('<p class="answer">–</p>') == 2
    assert "Draw a digit." in words(page)


def test_what_is_drawn_is_read_by_both_models_and_is_on_draw_too(page: AppTest) -> None:
    page.session_state["pad_home"] = drawing([(70, 60), (200, 60), (120, 230)])
    page.run()
    assert not page.exception
    assert words(page).count('<p class="answer">7</p>') == 2
    assert page.session_state["last_glyph"].shape == (28, 28)
    page.switch_page("pages/1_Draw.py").run()
    assert page.session_state["pad_start"]["objects"] == [{"type": "path"}]


def test_the_page_is_there_before_the_canvas_and_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    monkeypatch.setattr(common, "predictor", lambda name: opened.append(name))
    monkeypatch.setattr(home, "model_table", lambda models: opened.append("table"))
    monkeypatch.setattr(home, "page_cards", lambda: opened.append("cards"))
    page = AppTest.from_file(HOME, default_timeout=60).run()
    assert not page.exception
    assert opened[:2] == ["cards", "table"]
    assert len(opened) == 4


def test_the_models_are_listed_with_what_their_cards_say(page: AppTest) -> None:
    table = page.dataframe[0].value
    models = registry.models()
    assert set(table["Model"]) == {model.name for model in models}
    assert list(table["Accuracy, %"]) == sorted((100 * model.accuracy for model in models), reverse=True)
    for model in models:
        row = table[table["Model"] == model.name].iloc[0]
        low, high = model.card["interval"]
        assert row["95 % interval"] == f"{100 * low:.2f} to {100 * high:.2f} %"
        assert row["Parameters"] == model.card["parameters"]
        assert row["Size, MB"] == (model.folder / "model.tflite").stat().st_size / 1e6


def test_each_page_has_a_card(page: AppTest) -> None:
    labels = [link.label for link in page.main.get("page_link")]
    assert labels == [f"**{label}**" for _, label, _ in common.PAGES[1:]]


def test_without_models_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SHIPPED_MODELS", tmp_path)
    page = AppTest.from_file(HOME, default_timeout=60).run()
    assert not page.exception
    assert [element.value for element in page.info] == [
        "There is no model yet. Train one on the Train page, or run `make models`."
    ]
    assert not page.dataframe
    assert len(page.main.get("page_link")) == len(common.PAGES) - 1
