"""Upload without a browser: numbers, which are corrected as a whole, split and joined."""

from collections.abc import Callable

import pytest
from drawings import words
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import TextInput
from uploads import press, texts, warnings

from digitrec.datasets import example


@pytest.fixture
def page(open_page: Callable[..., AppTest]) -> AppTest:
    return open_page("pages/2_Upload.py")


def in_numbers(page: AppTest) -> None:
    """Have a row a number in the table."""
    next(each for each in page.segmented_control if (each.key or "").startswith("rows_")).set_value("Numbers").run()
    assert not page.exception


def number_field(page: AppTest) -> TextInput:
    return next(field for field in page.text_input if field.label == "Correct this number")


def test_a_number_is_corrected_as_a_whole_and_a_wrong_count_has_its_sentence(page: AppTest) -> None:
    press(page, "Try an example")
    assert not page.text_input
    assert len(page.dataframe[0].value) == len(example.TEXT)
    in_numbers(page)
    assert len(page.dataframe[0].value) == 1  # its five digits stand evenly
    assert page.dataframe[0].value["reader"].tolist() == [example.TEXT]
    assert number_field(page).value == example.TEXT
    number_field(page).set_value("123").run()
    assert "Digits typed: 3, 123." in warnings(page)
    assert texts(page) == [example.TEXT]
    number_field(page).set_value("90210").run()
    assert texts(page) == ["90210"]
    assert page.dataframe[0].value["reader"].tolist() == ["90210 ✓"]
    assert "✓ 5 corrected by hand." in words(page)
    press(page, "Undo")
    assert texts(page) == [example.TEXT]


def test_numbers_are_split_and_joined_and_stay_so_on_other_pages(page: AppTest) -> None:
    press(page, "Try an example")
    in_numbers(page)
    assert {b.label: b.disabled for b in page.button}["Join with the next"]
    next(box for box in page.selectbox if box.label == "Digit").set_value(2)
    page.run()
    press(page, "Split before digit 3")
    apart = f"{example.TEXT[:2]} {example.TEXT[2:]}"
    assert page.dataframe[0].value["reader"].tolist() == apart.split()
    assert [element.value for element in page.code] == [apart]
    assert texts(page) == [example.TEXT]
    page.switch_page("pages/1_Draw.py").run()
    page.switch_page("pages/2_Upload.py").run()
    assert page.dataframe[0].value["reader"].tolist() == apart.split()
    next(box for box in page.selectbox if box.label == "Digit").set_value(0)
    page.run()
    press(page, "Join with the next")
    assert page.dataframe[0].value["reader"].tolist() == [example.TEXT]
    press(page, "Undo")
    assert page.dataframe[0].value["reader"].tolist() == apart.split()


def test_numbers_of_a_row_are_shown_and_copied_with_spaces_and_the_text_stays_digits(page: AppTest) -> None:
    press(page, "Try an example")
    assert "As numbers" not in words(page)
    next(box for box in page.selectbox if box.label == "Digit").set_value(2)
    page.run()
    press(page, "Delete")  # what is left has a gap in it
    assert texts(page) == [example.TEXT[:2] + example.TEXT[3:]]
    apart = f"{example.TEXT[:2]} {example.TEXT[3:]}"
    assert [element.value for element in page.code] == [apart]
    assert f"As numbers: {apart}" in words(page)
    in_numbers(page)
    assert page.dataframe[0].value["reader"].tolist() == apart.split()
    page.switch_page("pages/1_Draw.py").run()
    page.switch_page("pages/2_Upload.py").run()
    assert page.dataframe[0].value["reader"].tolist() == apart.split()  # still a row a number
    press(page, "Remove all")
    assert not texts(page)
