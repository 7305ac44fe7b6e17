"""Home without a browser: a digit read, the models, the pages' cards; and a home without models."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from digitrec import settings
from digitrec.datasets import mnist
from digitrec.registry import registry
from digitrec.ui import common, home

HOME = Path(__file__).parents[2] / "streamlit_app.py"


@pytest.fixture
def page() -> AppTest:
    opened = AppTest.from_file(HOME, default_timeout=60).run()
    assert not opened.exception
    return opened


def words(page: AppTest) -> str:
    return " ".join(element.proto.body for element in page.get("html"))


def said(page: AppTest) -> str:
    return " ".join(element.value for element in page.markdown)


def test_the_sample_is_read_right_by_both_models(page: AppTest) -> None:
    label = mnist.test()[1][home.FIRST]
    assert words(page).count(f'<p class="answer">{label}</p>') == 2
    assert f"Label: **{label}**." in said(page)


def test_another_digit_is_another_one(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home.random, "randrange", lambda count: 0)
    page.button(key="another").click().run()
    assert not page.exception
    assert words(page).count('<p class="answer">7</p>') == 2
    assert "Label: **7**." in said(page)


def test_all_test_digits_can_come() -> None:
    assert len(mnist.test()[0]) == home.DIGITS


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
