"""Compare without a browser."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawings import drawing
from streamlit.testing.v1 import AppTest

from digitrec import settings
from digitrec.datasets import mnist
from digitrec.registry import registry
from digitrec.training import model_files
from digitrec.ui import share_link

FAST = {"model_1": "mlp-30-10", "model_2": "mlp-128"}


@pytest.fixture
def page(open_page: Callable[..., AppTest]) -> AppTest:
    return open_page("pages/4_Compare.py", **FAST)


def opened(page: AppTest) -> AppTest:
    page.button(key="open_all").click().run()
    return page


def page_text(page: AppTest) -> str:
    assert not page.exception, page.exception
    return " ".join(element.value for element in page.markdown)


def test_the_default_pair_goes_through_all_sections(open_page: Callable[..., AppTest]) -> None:
    page = open_page("pages/4_Compare.py")
    assert "4 x 4 pixels" in page_text(page)
    assert "prediction for this 7" not in page_text(page), "what is closed is not computed"
    text = page_text(opened(page))
    assert [page.selectbox(key=f"model_{n}").value for n in (1, 2)] == ["reader-mlp", "reader"]
    assert [header.value[0] for header in page.header] == ["1", "2", "3", "4", "5"]
    assert "changes its prediction for this 7 at" in text or "keeps its prediction for this 7 at every shift" in text
    assert "The difference is significant" in text or "could be chance" in text
    assert not page.error
    assert not page.warning
    assert page.query_params == {"model_1": "reader-mlp", "model_2": "reader", "digit": "0"}


def test_a_pair_is_one_click_away(page: AppTest) -> None:
    page.button(key="pair_mlp-128-128").click().run()
    assert [page.selectbox(key=f"model_{n}").value for n in (1, 2)] == ["mlp-128-128", "cnn-5x5"]
    assert "mlp-128-128" in page_text(page)


def test_one_model_beside_itself_does_not_differ(page: AppTest) -> None:
    page.selectbox(key="model_2").set_value(page.selectbox(key="model_1").value).run()
    assert "No difference" in page_text(page)
    assert page.button(key="parted_digit").disabled


def test_none_as_second_model_asks_for_one(page: AppTest) -> None:
    page.selectbox(key="model_2").set_value("none").run()
    assert not page.exception
    assert page.info[0].value == "Choose two models."


def test_any_test_digit_can_be_looked_at(page: AppTest) -> None:
    page.number_input(key="test_digit").set_value(9_999).run()
    assert not page.exception
    assert "Test digit number 9,999. Label: **6**." in [caption.value for caption in page.caption]


def test_digits_are_found_by_class_by_chance_and_by_disagreement(page: AppTest) -> None:
    truth = mnist.test()[1]
    answers = [registry.get(name).test_probabilities().argmax(axis=1) for name in FAST.values()]
    page.selectbox(key="digit_class").set_value(5).run()
    assert page.number_input(key="test_digit").value == np.flatnonzero(truth == 5)[0]
    page.button(key="random_digit").click().run()
    assert truth[page.number_input(key="test_digit").value] == 5
    page.button(key="parted_digit").click().run()
    place = page.number_input(key="test_digit").value
    assert truth[place] == 5
    assert answers[0][place] != answers[1][place]
    assert not page.exception


def test_an_address_opens_the_same_comparison() -> None:
    page = AppTest.from_file(Path(__file__).parents[2] / "streamlit_app.py", default_timeout=60).run()
    glyph = mnist.glyphs(mnist.test()[0][4])
    page.query_params.update({**FAST, "ink": share_link.packed(glyph)})
    page.switch_page("pages/4_Compare.py").run()
    assert "mlp-30-10" in page_text(page)
    assert [page.selectbox(key=f"model_{n}").value for n in (1, 2)] == list(FAST.values())
    np.testing.assert_array_equal(page.session_state.linked, glyph)
    assert "The digit from the link." in [caption.value for caption in page.caption]
    assert page.query_params["ink"] == share_link.packed(glyph)


def test_what_makes_no_sense_in_an_address_is_left_out_with_a_sentence() -> None:
    page = AppTest.from_file(Path(__file__).parents[2] / "streamlit_app.py", default_timeout=60).run()
    page.query_params.update({**FAST, "model_2": "gone", "digit": "seven"})
    page.switch_page("pages/4_Compare.py").run()
    page_text(page)
    assert len(page.warning) == 2
    assert "'gone', which does not exist here" in page.warning[0].value
    assert page.query_params["digit"] == "0"


def test_the_last_digit_of_draw_or_upload(open_page: Callable[..., AppTest]) -> None:
    last = "Last from Draw or Upload"
    page = open_page("pages/4_Compare.py", digit_from=last, **FAST)
    assert any("Nothing was read yet" in info.value for info in page.info)
    assert len(page.header) == 2, "what needs no digit is there"
    page.session_state["last_glyph"] = mnist.glyphs(mnist.test()[0][2])
    page.run()
    assert "your digit" in page_text(opened(page))
    assert len(page.header) == 5


def test_a_drawing_is_followed_along_its_strokes(open_page: Callable[..., AppTest]) -> None:
    pad = drawing([(70, 60), (200, 60), (120, 230)])
    path = [["M", 70, 60], ["L", 200, 60], ["L", 120, 230]]
    pad["drawing"]["raw"]["objects"] = [{"type": "path", "strokeWidth": 18, "path": path}]
    page = opened(open_page("pages/4_Compare.py", digit_from="Drawn here", compare_pad=pad, **FAST))
    assert len(page.header) == 5
    page.select_slider(key="moment").set_value(5).run()
    assert "of the ink." in page_text(page)
    assert "ink" in page.query_params


def test_parts_stay_open_while_there_is_no_digit(page: AppTest) -> None:
    opened(page).session_state["digit_from"] = "Drawn here"
    page.run()
    assert len(page.header) == 2
    page.session_state["digit_from"] = "A test digit"
    page.run()
    assert "prediction for this 7 at" in page_text(page)


def test_the_temperature_changes_the_probabilities(page: AppTest) -> None:
    def tables() -> list[str]:
        return [element.proto.body for element in page.get("html") if 'class="probabilities"' in element.proto.body]

    before = tables()
    assert len(before) == 2
    page.select_slider(key="temperature").set_value(8.0).run()
    assert tables() != before


def test_a_cell_shows_its_digits_with_both_answers(page: AppTest) -> None:
    opened(page).selectbox(key="cell_truth").set_value(4).run()
    page.selectbox(key="cell_answer").set_value(9).run()
    truth = mnist.test()[1]
    answers = [registry.get(name).test_probabilities().argmax(axis=1) for name in FAST.values()]
    count = int(((truth == 4) & ((answers[0] == 9) | (answers[1] == 9))).sum())
    assert f"**{count}** of the digits with label 4 are read as 9" in page_text(page)
    page.selectbox(key="cell_answer").set_value(4).run()
    assert any("predictions are correct" in caption.value for caption in page.caption)


def test_a_model_without_an_insight_says_how_to_get_one(open_page: Callable[..., AppTest]) -> None:
    file = registry.add("mine", settings.SHIPPED_MODELS / "mlp-30-10").folder / model_files.INSIGHT
    file.unlink()
    page = opened(open_page("pages/4_Compare.py", model_1="mlp-30-10", model_2="mine"))
    assert sum("for this section have not been computed yet" in info.value for info in page.info) == 2
    page.button(key="measure_curves_mine").click().run()
    assert not page.exception
    assert file.exists()
    assert not page.info
