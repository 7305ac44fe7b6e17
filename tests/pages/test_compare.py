"""Compare without a browser."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest


@pytest.fixture
def page(open_page: Callable[..., AppTest]) -> AppTest:
    return open_page("pages/4_Compare.py")


def test_the_score_card_says_whether_the_difference_is_real(page: AppTest) -> None:
    assert not page.exception
    said = " ".join(element.value for element in page.markdown)
    assert "The difference is real" in said
    assert "They part on" in said


def test_one_model_beside_itself_does_not_differ(page: AppTest) -> None:
    page.selectbox(key="model_2").set_value(page.selectbox(key="model_1").value).run()
    assert not page.exception
    assert "No difference" in " ".join(element.value for element in page.markdown)


def test_none_as_second_model_asks_for_one(page: AppTest) -> None:
    page.selectbox(key="model_2").set_value("none").run()
    assert not page.exception
    assert page.info[0].value == "Choose two models."


def test_any_test_digit_can_be_looked_at(page: AppTest) -> None:
    page.checkbox[0].uncheck().run()
    page.number_input(key="test_digit").set_value(9_999).run()
    assert not page.exception
    assert "It is a **6**." in [element.value for element in page.markdown]
