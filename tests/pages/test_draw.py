"""Draw without a browser: what the page says of a drawing that the canvas sent."""

from collections.abc import Callable

import pytest
from drawings import drawing, words
from streamlit.testing.v1 import AppTest


@pytest.fixture
def opened(open_page: Callable[..., AppTest]) -> Callable[..., AppTest]:
    return lambda **state: open_page("pages/1_Draw.py", **state)


def test_an_empty_canvas_has_no_answer(opened: Callable[..., AppTest]) -> None:
    said = words(opened())
    assert said.count('<p class="answer">–</p>') == 2
    assert "Draw a digit." in said


def test_a_seven_is_read_by_both_models(opened: Callable[..., AppTest]) -> None:
    said = words(opened(pad=drawing([(70, 60), (200, 60), (120, 230)])))
    assert said.count('<p class="answer">7</p>') == 2
    assert "Centred" in said


def test_the_second_model_may_be_none(opened: Callable[..., AppTest]) -> None:
    page = opened(pad=drawing([(140, 40), (140, 230)]))
    page.selectbox(key="model_2").set_value("none").run()
    assert not page.exception
    assert words(page).count('<p class="answer">1</p>') == 1


@pytest.mark.parametrize(("key", "kind"), [("model_1", "mlp"), ("model_2", "cnn")])
def test_the_best_shipped_mlp_and_cnn_are_chosen_first(opened: Callable[..., AppTest], key: str, kind: str) -> None:
    assert opened().selectbox(key=key).value.startswith((kind, "reader"))
