"""Draw without a browser: what the page says of a drawing that the canvas sent."""

from collections.abc import Callable

import calibrated
import pytest
from drawings import drawing, words
from streamlit.testing.v1 import AppTest

SEVEN = [(70, 60), (200, 60), (120, 230)]


@pytest.fixture
def opened(open_page: Callable[..., AppTest]) -> Callable[..., AppTest]:
    return lambda **state: open_page("pages/1_Draw.py", **state)


def test_an_empty_canvas_has_no_answer(opened: Callable[..., AppTest]) -> None:
    said = words(opened())
    assert said.count('<p class="answer">–</p>') == 2
    assert "Draw a digit." in said


def test_a_seven_is_read_by_both_models(opened: Callable[..., AppTest]) -> None:
    said = words(opened(pad=drawing(SEVEN)))
    assert said.count('<p class="answer">7</p>') == 2
    assert "Centred" in said


def test_the_second_model_may_be_none(opened: Callable[..., AppTest]) -> None:
    page = opened(pad=drawing([(140, 40), (140, 230)]))
    page.selectbox(key="model_2").set_value("none").run()
    assert not page.exception
    assert words(page).count('<p class="answer">1</p>') == 1


def test_what_is_no_digit_has_a_question_mark_and_the_digit_that_it_is_nearest_to(
    opened: Callable[..., AppTest],
) -> None:
    said = words(opened(pad=drawing(SEVEN), model_1=calibrated.add("strict", calibrated.NO_DIGIT)))
    assert said.count('<p class="answer">?</p>') == 1
    assert "This does not look like a digit." in said
    assert "under 0.1 % sure that it is one. Nearest: 7." in said
    assert said.count('<p class="answer">7</p>') == 1  # the other model


def test_where_it_takes_more_than_one_digit_the_page_names_them(opened: Callable[..., AppTest]) -> None:
    said = words(opened(pad=drawing(SEVEN), model_1=calibrated.add("unsure", calibrated.UNSURE), model_2="none"))
    assert said.count('<p class="answer">7</p>') == 1
    assert "It may be 7, " in said
    assert " or another.</p>" in said


def test_the_page_explains_its_numbers_and_names_models_that_are_not_calibrated(
    opened: Callable[..., AppTest],
) -> None:
    def explained(name: str) -> str:
        page = opened(model_1=name, model_2="none")
        return next(element.value for element in page.markdown if "calibrated" in element.value)

    assert "of 100 answers given with 90\N{NO-BREAK SPACE}%, about 90 are right" in explained(
        calibrated.add("warm", calibrated.UNSURE)
    )
    assert "not calibrated" not in explained("warm")
    assert "cold is not calibrated" in explained(calibrated.add("cold", None))


@pytest.mark.parametrize(("key", "kind"), [("model_1", "cnn"), ("model_2", "mlp")])
def test_the_best_shipped_mlp_and_cnn_are_chosen_first(opened: Callable[..., AppTest], key: str, kind: str) -> None:
    assert opened().selectbox(key=key).value.startswith((kind, "reader"))
