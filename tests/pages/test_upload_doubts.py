"""Upload without a browser: what is uncertain and what was rejected."""

import json
from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np
import pytest
from drawings import words
from streamlit.testing.v1 import AppTest
from uploads import (
    TEST_DIGITS,
    UNSURE,
    as_read,
    boxes,
    chooser,
    chooser_or_none,
    digit_file,
    left_out,
    picture,
    press,
    pressed,
    texts,
    upload,
)

from digitrec.datasets import example
from digitrec.recognition.normalize import Box
from digitrec.recognition.results import Digit
from digitrec.ui.upload import upload as upload_upload
from digitrec.ui.upload.shown import card_keys


@pytest.fixture
def page(open_page: Callable[..., AppTest]) -> AppTest:
    return open_page("pages/2_Upload.py")


def test_the_bars_are_of_the_digit_chosen(page: AppTest) -> None:
    press(page, "Try an example")
    chooser = next(box for box in page.selectbox if box.label == "Digit")
    assert chooser.value == 0
    assert words(page).count("reads 2,") == 2
    chooser.set_value(3)
    page.run()
    assert words(page).count("reads 8,") == 2


def test_what_is_not_a_digit_is_left_out_until_it_is_asked_for(page: AppTest) -> None:
    press(page, "Try an example")
    assert left_out(page) is None
    as_read(page, {1, 3}, flag="not-a-digit")
    assert texts(page) == ["212"]  # of 27182
    assert "? Rejected as not a handwritten digit: 2." in words(page)
    assert left_out(page).label == "Show rejected (2)"
    assert left_out(page).value is False
    assert len(boxes(page)) == 3
    assert [option.split(":")[0] for option in chooser(page).options] == ["1 of 3", "2 of 3", "3 of 3"]
    assert page.dataframe[0].value["reader"].tolist() == ["2", "1", "2"]
    assert picture(page).alt == "The picture. Digits with a box and a label: 3. Read: 2 1 2."
    left_out(page).set_value(True).run()
    assert len(boxes(page)) == 5
    assert len({box["line"]["dash"] for box in boxes(page)}) == 2
    assert [option.split(":")[1] for option in chooser(page).options][1::2] == [" not a digit"] * 2
    assert page.dataframe[0].value["reader"].tolist() == ["2", "not a digit", "1", "not a digit", "2"]
    assert picture(page).alt.startswith(
        "The picture. Digits with a box and a label: 3. Dotted boxes, rejected as not a digit: 2."
    )


def test_what_was_left_out_by_mistake_is_corrected_and_stays_in_sight(page: AppTest) -> None:
    press(page, "Try an example")
    as_read(page, {1, 3}, flag="not-a-digit")
    left_out(page).set_value(True).run()
    chooser(page).set_value(1).run()
    press(page, "7")
    assert texts(page) == ["2712"]
    assert left_out(page).label == "Show rejected (1)"
    left_out(page).set_value(False).run()
    assert len(boxes(page)) == 4
    assert "2 of 4: 7, corrected by hand" in chooser(page).options
    press(page, "Not a digit")  # of the one that is chosen still: it is shown with its tick
    assert texts(page) == ["212"]
    assert "2 of 4: not a digit, corrected by hand" in chooser(page).options


def test_hidden_candidates_are_neither_chosen_nor_joined_nor_a_doubt(page: AppTest) -> None:
    press(page, "Try an example")
    assert page.button(key="next_doubt").disabled
    as_read(page, {0, 1, 3}, flag="not-a-digit")
    assert page.button(key="next_doubt").disabled
    assert chooser(page).value == 2  # the first that is shown
    annotations = next(iter(page.session_state["batch"]._annotations.values()))
    pressed(page, "join_")  # with the next that is shown: the last
    joined = next(iter(page.session_state["batch"]._annotations.values()))
    assert len(joined.entries) == 4
    first, last = annotations.entries[2].box, annotations.entries[4].box
    assert any(
        entry.box.x == first.x and entry.box.x + entry.box.width == last.x + last.width for entry in joined.entries
    )
    press(page, "Undo")
    left_out(page).set_value(True).run()
    assert page.button(key="next_doubt").disabled  # shown, and no doubt still
    chooser(page).set_value(1).run()
    left_out(page).set_value(False).run()
    assert chooser(page).value == 2
    press(page, "Delete")
    assert chooser_or_none(page) is None  # one digit is left, there is nothing to choose
    assert len(boxes(page)) == 1


def test_a_picture_of_which_all_was_left_out_still_shows_it_on_demand(page: AppTest) -> None:
    press(page, "Try an example")
    as_read(page, range(5), flag="not-a-digit")
    assert texts(page) == [""]
    assert "Nothing in this picture looks like a handwritten digit." in words(page)
    assert not boxes(page)
    assert picture(page).alt == "The picture. Digits with a box and a label: 0. Read: nothing."
    assert not page.dataframe
    assert chooser_or_none(page) is None
    left_out(page).set_value(True).run()
    assert len(boxes(page)) == 5
    assert "**CNN · reader** reads not a digit" in words(page)
    assert all(option.endswith(": not a digit") for option in chooser(page).options)


def test_the_figure_does_not_depend_on_what_is_chosen_so_it_stays_zoomed(page: AppTest) -> None:
    press(page, "Try an example")
    before = picture(page).id
    assert 'path[data-index="0"] {stroke-width' in words(page)
    chooser(page).set_value(3).run()
    assert picture(page).id == before
    assert 'path[data-index="3"] {stroke-width' in words(page)
    config = json.loads(picture(page).config)
    assert config["scrollZoom"]
    assert config["displayModeBar"]
    assert not {"resetScale2d", "zoomIn2d", "zoomOut2d"} & set(config["modeBarButtonsToRemove"])


def test_digits_that_are_uncertain_are_named(page: AppTest) -> None:
    upload(page, {"a.png": digit_file(0)})
    as_read(page, {0}, **UNSURE)
    assert texts(page) == ["4"]
    assert "Uncertain: 4 or 9." in words(page)
    assert "**CNN · reader** reads 4 or 9, 60.0 % for 4" in words(page)
    press(page, "Remove all")
    press(page, "Try an example")
    as_read(page, range(5), **UNSURE)
    assert f"{len(example.TEXT)} digits are uncertain." in words(page)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([None, "not-a-digit"], ["? Rejected as not a handwritten digit: 1."]),
        (["not-a-digit", "not-a-digit", None], ["? Rejected as not a handwritten digit: 2."]),
        (
            ["uncertain", None, "uncertain", "not-a-digit"],
            ["? Rejected as not a handwritten digit: 1.", "Uncertain: 4 or 9; 4 or 9."],
        ),
        (["not-a-digit"], ["? Nothing in this picture looks like a handwritten digit."]),
        ([None], []),
    ],
)
def test_doubts_in_words(flags: list[str | None], text: list[str]) -> None:
    glyph, shares = np.zeros((28, 28), np.float32), np.array([0, 0, 0, 0, 0.6, 0, 0, 0, 0, 0.4], np.float32)
    digits = [Digit(0, Box(0, 0, 1, 1), glyph, (), 4, 0.6, shares, 1.0, flag) for flag in flags]
    assert upload_upload._doubts(digits) == text


def doubts(page: AppTest) -> str:
    return next(element.value for element in page.markdown if "doubtful digit" in element.value)


def test_the_next_doubt_is_gone_to_until_all_are_settled(page: AppTest) -> None:
    press(page, "Try an example")
    assert doubts(page) == "No doubtful digit"
    as_read(page, range(5), **UNSURE)
    assert doubts(page) == "**5 doubtful digits**"
    for digit in example.TEXT:
        press(page, digit)
        if not page.button(key="next_doubt").disabled:
            press(page, "Next doubt")
    assert texts(page) == [example.TEXT]
    assert not any("ncertain:" in note or "are uncertain" in note for note in words(page).split("<p"))
    assert page.button(key="next_doubt").disabled
    assert doubts(page) == "No doubtful digit"


def unsure(page: AppTest, places: Collection[int]) -> None:
    """Make the models unsure of the only digit of some pictures."""
    batch = page.session_state["batch"]
    for place in places:
        key = batch.pictures[place].key, False
        [entry] = batch._annotations[key].entries
        predictions = {name: replace(digit, **UNSURE) for name, digit in entry.predictions.items()}
        batch._annotations[key] = replace(batch._annotations[key], entries=(replace(entry, predictions=predictions),))
    page.run()


def test_the_next_doubt_is_in_another_picture_and_opens_its_details(page: AppTest) -> None:
    upload(page, {f"{number}.png": digit_file(place) for number, place in enumerate(TEST_DIGITS)})
    unsure(page, {1, 3})
    assert doubts(page) == "**2 doubtful digits** in 2 of 5 pictures"
    opened = []
    for _ in range(3):
        press(page, "Next doubt")
        [less] = [button for button in page.button if button.label == "Less"]
        opened.append(less.key.removeprefix("switch_"))
    keys = card_keys(page.session_state["batch"].pictures)
    assert opened == [keys[1], keys[3], keys[1]]  # one is closed when the next one opens
    press(page, "2")
    assert doubts(page) == "**1 doubtful digit** in 1 of 5 pictures"
    press(page, "Next doubt")
    press(page, "0")
    assert page.button(key="next_doubt").disabled


def test_pictures_with_doubts_come_first_if_that_is_wished_and_stay_there(page: AppTest) -> None:
    upload(page, {f"{number}.png": digit_file(place) for number, place in enumerate(TEST_DIGITS)})
    unsure(page, {1, 3})
    assert texts(page) == ["7", "4", "1", "4", "4"]
    page.toggle(key="doubtful_first").set_value(True).run()
    assert texts(page) == ["4", "4", "7", "1", "4"]
    press(page, "Next doubt")
    press(page, "2")
    assert texts(page) == ["2", "4", "7", "1", "4"]  # it does not move away from under the hand
    page.toggle(key="doubtful_first").set_value(False).run()
    assert texts(page) == ["7", "2", "1", "4", "4"]
    page.toggle(key="doubtful_first").set_value(True).run()
    assert texts(page) == ["4", "7", "2", "1", "4"]
