"""Draw without a browser: how the page shows a drawing that the canvas sent."""

from collections.abc import Callable
from typing import Any

import calibrated
import pytest
from drawings import drawing, words
from streamlit.errors import StreamlitInvalidLayoutContextError
from streamlit.testing.v1 import AppTest

from digitrec.ui import draw

SEVEN = [(70, 60), (200, 60), (120, 230)]
ONE = [(400, 50), (400, 230)]
HASH = [[(600, 50), (600, 230)], [(680, 50), (680, 230)], [(550, 100), (730, 100)], [(550, 170), (730, 170)]]


@pytest.fixture
def opened(open_page: Callable[..., AppTest]) -> Callable[..., AppTest]:
    return lambda **state: open_page("pages/1_Draw.py", **state)


def test_an_empty_canvas_has_no_answer(opened: Callable[..., AppTest]) -> None:
    text = words(opened())
    assert text.count('<p class="answer">–</p>') == 2
    assert "Draw a digit." in text


def test_a_seven_is_read_by_both_models(opened: Callable[..., AppTest]) -> None:
    text = words(opened(pad=drawing(SEVEN)))
    assert text.count('<p class="answer">7</p>') == 2
    assert "Centred" in text


def test_the_page_is_made_again_where_a_place_is_gone(
    opened: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = []

    def lost_once(*args: Any) -> object:
        filled.append(args)
        if len(filled) == 1:
            raise StreamlitInvalidLayoutContextError("A fragment tried to write to a container created outside it.")
        return fill(*args)

    fill = draw.fill
    monkeypatch.setattr(draw, "fill", lost_once)
    page = opened(pad=drawing(SEVEN))
    assert not page.exception
    assert len(filled) == 2
    assert words(page).count('<p class="answer">7</p>') == 2


def test_the_second_model_may_be_none(opened: Callable[..., AppTest]) -> None:
    page = opened(pad=drawing([(140, 40), (140, 230)]))
    page.selectbox(key="model_2").set_value("none").run()
    assert not page.exception
    assert words(page).count('<p class="answer">1</p>') == 1


def test_what_is_rejected_has_a_question_mark_and_the_most_similar_digit(
    opened: Callable[..., AppTest],
) -> None:
    text = words(opened(pad=drawing(SEVEN), model_1=calibrated.add("strict", calibrated.NO_DIGIT)))
    assert text.count('<p class="answer">?</p>') == 1
    assert "This does not look like a digit." in text
    assert "Digit score 0.0 % (threshold 50 %). Most similar digit: 7." in text
    assert text.count('<p class="answer">7</p>') == 1  # the other model


def test_where_it_takes_more_than_one_digit_the_page_names_them(opened: Callable[..., AppTest]) -> None:
    text = words(opened(pad=drawing(SEVEN), model_1=calibrated.add("unsure", calibrated.UNSURE), model_2="none"))
    assert text.count('<p class="answer">7</p>') == 1
    assert "It may be 7, " in text
    assert " or another.</p>" in text


def test_the_page_explains_its_numbers_and_names_models_that_are_not_calibrated(
    opened: Callable[..., AppTest],
) -> None:
    def explained(name: str) -> str:
        page = opened(model_1=name, model_2="none")
        return next(element.value for element in page.markdown if "calibrated" in element.value)

    assert "of 100 predictions made with 90\N{NO-BREAK SPACE}%, about 90 are correct" in explained(
        calibrated.add("warm", calibrated.UNSURE)
    )
    assert "not calibrated" not in explained("warm")
    assert "cold is not calibrated" in explained(calibrated.add("cold", None))


@pytest.mark.parametrize(("key", "kind"), [("model_1", "cnn"), ("model_2", "mlp")])
def test_the_best_shipped_mlp_and_cnn_are_chosen_first(opened: Callable[..., AppTest], key: str, kind: str) -> None:
    assert opened().selectbox(key=key).value.startswith((kind, "reader"))


@pytest.fixture
def number(opened: Callable[..., AppTest]) -> Callable[..., AppTest]:
    """Return a function that opens the page with lines drawn on the wide canvas."""

    def shown(*lines: list[tuple[int, int]], **state: object) -> AppTest:
        return opened(what="A number", pad_number=drawing(*lines, width=840), **state)

    return shown


def bars(page: AppTest) -> list[str]:
    """Return the text twins of the models' bars."""
    return [chart.proto.alt for chart in page.get("plotly_chart")]


def test_of_a_number_each_digit_is_read(number: Callable[..., AppTest]) -> None:
    text = words(number(SEVEN, ONE))
    assert text.count('<p class="answer">71</p>') == 2
    assert text.count("Least sure: ") == 2
    assert "sees, 1 of 2: 7, " in text
    assert "sees, 2 of 2: 1, " in text


def test_the_digit_chosen_has_the_bars_and_the_table(number: Callable[..., AppTest]) -> None:
    page = number(SEVEN, ONE, model_2="none", trail=True)
    shown = {}
    for place, digit in enumerate("71"):
        page.session_state["digit"] = place
        page.run()
        assert not page.exception
        shown[digit] = bars(page)[0], words(page).split('<div class="trail">')[1]
        assert f"<b>{digit}</b>" in shown[digit][1].split('<tr role="row">')[-1]
    assert shown["7"][0] != shown["1"][0]


def test_the_least_sure_digit_is_chosen_first(number: Callable[..., AppTest]) -> None:
    page = number(SEVEN, ONE, model_2="none")
    least = words(page).split("Least sure: ")[1][0]
    assert page.session_state["digit"] == "71".index(least)


def test_what_is_rejected_beside_digits_is_left_out_and_reported(number: Callable[..., AppTest]) -> None:
    text = words(number(SEVEN, ONE, *HASH, model_2="none"))
    assert text.count('<p class="answer">71</p>') == 1
    assert "1 shape rejected as not a digit." in text
    assert "<figcaption>?</figcaption>" in text


def test_where_nothing_is_a_digit_there_is_one_question_mark(number: Callable[..., AppTest]) -> None:
    text = words(number(SEVEN, ONE, model_1=calibrated.add("strict", calibrated.NO_DIGIT), model_2="none"))
    assert text.count('<p class="answer">?</p>') == 1
    assert "None of this looks like a digit." in text


def test_rows_are_kept_apart(number: Callable[..., AppTest]) -> None:
    upper = [[(100, 20), (100, 110)], [(300, 20), (300, 110)]]
    lower = [[(100, 170), (100, 260)], [(300, 170), (300, 260)]]
    assert '<p class="answer">11 / 11</p>' in words(number(*upper, *lower, model_2="none"))


def test_a_blank_wide_canvas_has_no_answer(opened: Callable[..., AppTest]) -> None:
    text = words(opened(what="A number"))
    assert text.count('<p class="answer">–</p>') == 2
    assert "Write a number." in text


def test_each_canvas_keeps_its_drawing(opened: Callable[..., AppTest]) -> None:
    page = opened(pad=drawing(SEVEN), model_2="none")
    for what, answer in (("A number", "–"), ("One digit", "7")):
        page.segmented_control(key="what").set_value(what).run()
        assert not page.exception
        assert f'<p class="answer">{answer}</p>' in words(page)
