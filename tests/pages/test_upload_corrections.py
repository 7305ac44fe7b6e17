"""Upload without a browser: digits and boxes that are corrected."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from drawings import words
from PIL import Image
from streamlit.testing.v1 import AppTest
from uploads import as_read, digit_file, press, pressed, texts, upload, warnings

from digitrec.datasets import example
from digitrec.ui.upload.shown import Review, Shown


@pytest.fixture
def page(open_page: Callable[..., AppTest]) -> AppTest:
    return open_page("pages/2_Upload.py")


def test_a_digit_is_corrected_and_stays_so_with_other_models_and_pages(page: AppTest) -> None:
    press(page, "Try an example")
    first, *rest = example.TEXT
    wrong = str((int(first) + 1) % 10)
    press(page, wrong)
    assert texts(page) == [wrong + "".join(rest)]
    assert [element.value for element in page.code] == texts(page)  # to copy
    assert "✓ 1 corrected by hand." in words(page)
    assert f"**CNN · reader** reads {first}," in words(page)  # what the model says is still shown
    page.selectbox(key="model_1").set_value("reader-mlp")
    page.run()
    assert texts(page)[0].startswith(wrong)
    page.switch_page("pages/1_Draw.py").run()
    page.switch_page("pages/2_Upload.py").run()
    assert texts(page)[0].startswith(wrong)
    press(page, "Not a digit")
    assert texts(page) == ["".join(rest)]
    press(page, "Undo")
    press(page, "Undo")
    assert texts(page) == [example.TEXT]
    assert next(button for button in page.button if button.label == "Undo").disabled


def test_an_answer_pressed_again_is_taken_back(page: AppTest) -> None:
    upload(page, {"a.png": digit_file(0), "b.png": digit_file(1)})
    press(page, "4", 1)
    assert texts(page) == ["7", "4"]
    press(page, "4", 1)
    assert texts(page) == ["7", "2"]


def test_marks_are_deleted_joined_and_undone(page: AppTest) -> None:
    press(page, "Try an example")
    press(page, "Delete")
    assert texts(page) == [example.TEXT[1:]]
    pressed(page, "join_")
    chooser = next(box for box in page.selectbox if box.label == "Digit")
    assert len(chooser.options) == len(example.TEXT) - 2
    press(page, "Undo")
    press(page, "Undo")
    assert texts(page) == [example.TEXT]
    pressed(page, "split_")
    assert "No way to cut" in warnings(page)
    assert texts(page) == [example.TEXT]


def test_a_box_in_numbers_is_read(page: AppTest) -> None:
    press(page, "Try an example")
    box = next(iter(page.session_state["batch"]._annotations.values())).entries[0].box
    press(page, "Delete")
    assert texts(page) == [example.TEXT[1:]]
    press(page, "Read this box")
    assert "no ink in this box" in warnings(page)
    labels = ("Left", "Top", "Width", "Height")
    for label, value in zip(labels, (box.x - 3, box.y - 3, box.width + 6, box.height + 6), strict=True):
        next(widget for widget in page.number_input if widget.label == label).set_value(value)
    page.run()
    press(page, "Read this box")
    assert not warnings(page)
    assert texts(page) == [example.TEXT]


def test_a_picture_is_turned_a_quarter_and_back(page: AppTest) -> None:
    press(page, "Try an example")
    next(widget for widget in page.number_input if widget.label == "Left").set_value(example.WIDTH)
    press(page, "Rotate")
    assert texts(page) != [example.TEXT]
    assert "Rotated by 270° for reading." in [element.value for element in page.markdown]
    for _ in range(3):
        press(page, "Rotate")
    assert texts(page) == [example.TEXT]
    assert not any("Rotated" in element.value for element in page.markdown)


def test_the_digit_last_chosen_is_left_for_other_pages(page: AppTest) -> None:
    press(page, "Try an example")
    next(box for box in page.selectbox if box.label == "Digit").set_value(3)
    page.run()
    entries = next(iter(page.session_state["batch"]._annotations.values())).entries
    glyph = page.session_state["last_glyph"]
    assert (glyph.shape, glyph.dtype) == ((28, 28), np.float32)
    assert np.array_equal(glyph, entries[3].digit.glyph)


def test_a_choice_that_comes_late_and_is_of_another_list_changes_nothing(page: AppTest) -> None:
    page.button(key="example").click().run()
    batch = page.session_state["batch"]
    shown = Shown(batch, batch.pictures[0], False, None, "late", "reader", Review(), {})
    for late in ("3 of 6: 1, 99.7 %", 5, None):
        shown.choose_listed(late)
        assert shown.chosen == [0]
    shown.choose_listed(4)
    assert shown.chosen == [4]
    as_read(page, {3}, flag="not-a-digit")
    shown.choose_listed(3)  # of a list from before it was hidden
    assert shown.chosen == [4]


def test_a_blank_picture_can_be_given_boxes_and_says_where_no_ink_is(page: AppTest) -> None:
    stream = io.BytesIO()
    Image.new("L", (100, 80), 255).save(stream, "PNG")
    upload(page, {"blank.png": stream.getvalue()})
    press(page, "Read this box")
    assert "no ink in this box" in warnings(page)
