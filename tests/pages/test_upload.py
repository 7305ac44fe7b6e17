"""Upload without a browser: how the page shows files, good and bad."""

import io
import json
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import TextInput

from digitrec.datasets import example, mnist
from digitrec.recognition.normalize import Box
from digitrec.recognition.results import Digit
from digitrec.ui.upload import corrections
from digitrec.ui.upload import upload as upload_upload
from digitrec.uploads import batch as uploads_batch

TEST_DIGITS = (0, 1, 2, 3, 4)  # 7, 2, 1, 0, 4


def digit_file(place: int) -> bytes:
    image = Image.fromarray(255 - mnist.test()[0][place]).resize((140, 140))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def page(open_page: Callable[..., AppTest]) -> AppTest:
    return open_page("pages/2_Upload.py")


def upload(page: AppTest, files: dict[str, bytes]) -> AppTest:
    uploader = next(widget for widget in page.get("file_uploader") if widget.key == "files")
    uploader.set_value([(name, data, "image/png") for name, data in files.items()])
    page.run()
    assert not page.exception
    return page


def texts(page: AppTest) -> list[str]:
    return [element.value for element in page.text]


def words(page: AppTest) -> str:
    return " ".join(element.proto.body for element in page.get("html"))


def press(page: AppTest, label: str, place: int = 0) -> None:
    [button for button in page.button if button.label == label][place].click()
    page.run()
    assert not page.exception


def change_ledger(page: AppTest, **fields: Any) -> None:
    """Change what was found in the first picture, as if it had been read so."""
    batch = page.session_state["batch"]
    key, ledger = next(iter(batch._ledgers.items()))
    batch._ledgers[key] = replace(ledger, **fields)
    page.run()
    assert not page.exception


def as_read(page: AppTest, places: Collection[int], **fields: Any) -> None:
    """Change the predictions of all models for some digits of the first picture."""
    ledger = next(iter(page.session_state["batch"]._ledgers.values()))
    entries = [
        replace(entry, said={name: replace(said, **fields) for name, said in entry.said.items()})
        if place in places
        else entry
        for place, entry in enumerate(ledger.entries)
    ]
    change_ledger(page, entries=tuple(entries))


UNSURE: dict[str, Any] = {
    "flag": "uncertain",
    "probabilities": np.array([0, 0, 0, 0, 0.6, 0, 0, 0, 0, 0.4], np.float32),
    "digit": 4,
    "confidence": 0.6,
}


def left_out(page: AppTest) -> Any:
    """Return the toggle that shows rejected candidates, or None."""
    return next((toggle for toggle in page.toggle if (toggle.key or "").startswith("left_out_")), None)


def chooser(page: AppTest) -> Any:
    return next(box for box in page.selectbox if box.label == "Digit")


def picture(page: AppTest) -> Any:
    """Return the proto of the figure with the boxes."""
    return next(chart.proto for chart in page.get("plotly_chart") if chart.proto.alt.startswith("The picture."))


def boxes(page: AppTest) -> list[Any]:
    return list(json.loads(picture(page).spec)["layout"].get("shapes", []))


def test_an_empty_page_says_what_to_do_and_has_an_example(page: AppTest) -> None:
    assert any("Write some digits" in element.value for element in page.markdown)
    assert not texts(page)
    press(page, "Try an example")
    assert texts(page) == [example.TEXT]
    assert 'alt="Centred"' in words(page)


def test_the_reader_reads_and_the_best_mlp_beside_it(page: AppTest) -> None:
    assert page.selectbox(key="model_1").value == "reader"
    assert page.selectbox(key="model_2").value == "reader-mlp"


def test_files_are_read_in_natural_order(page: AppTest) -> None:
    names = ("digit1.png", "digit2.png", "digit3.png", "digit10.png", "digit20.png")
    files = dict(zip(names, map(digit_file, TEST_DIGITS), strict=True))
    upload(page, dict(reversed(files.items())))
    assert texts(page) == ["7", "2", "1", "0", "4"]
    places = [words(page).index(f"<span>{name}</span>") for name in names]
    assert places == sorted(places)
    assert 'alt="Centred"' not in words(page)  # many pictures: no details before they are asked for
    press(page, "Details", 1)
    assert words(page).count('alt="Centred"') == 1
    press(page, "Less")
    assert 'alt="Centred"' not in words(page)


def test_few_files_show_their_details(page: AppTest) -> None:
    upload(page, {"a.png": digit_file(0), "b.png": digit_file(1)})
    assert texts(page) == ["7", "2"]
    assert words(page).count('alt="Centred"') == 2
    assert not [button for button in page.button if button.label == "Details"]


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
    left = {button.label: button for button in page.button}
    assert left["Next uncertain"].disabled
    as_read(page, {0, 1, 3}, flag="not-a-digit")
    assert next(button for button in page.button if button.label == "Next uncertain").disabled
    assert chooser(page).value == 2  # the first that is shown
    ledger = next(iter(page.session_state["batch"]._ledgers.values()))
    pressed(page, "join_")  # with the next that is shown: the last
    joined = next(iter(page.session_state["batch"]._ledgers.values()))
    assert len(joined.entries) == 4
    first, last = ledger.entries[2].box, ledger.entries[4].box
    assert any(
        entry.box.x == first.x and entry.box.x + entry.box.width == last.x + last.width for entry in joined.entries
    )
    press(page, "Undo")
    left_out(page).set_value(True).run()
    assert next(
        button for button in page.button if button.label == "Next uncertain"
    ).disabled  # shown, and no doubt still
    chooser(page).set_value(1).run()
    left_out(page).set_value(False).run()
    assert chooser(page).value == 2
    press(page, "Delete")
    assert chooser_or_none(page) is None  # one digit is left, there is nothing to choose
    assert len(boxes(page)) == 1


def chooser_or_none(page: AppTest) -> Any:
    return next((box for box in page.selectbox if box.label == "Digit"), None)


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
    assert "<b>reader</b> reads not a digit" in words(page)
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
    assert "<b>reader</b> reads 4 or 9, 60.0 % for 4" in words(page)
    press(page, "Remove all")
    press(page, "Try an example")
    as_read(page, range(5), **UNSURE)
    assert f"{len(example.TEXT)} digits are uncertain." in words(page)


@pytest.mark.parametrize(
    ("flags", "said"),
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
def test_doubts_in_words(flags: list[str | None], said: list[str]) -> None:
    glyph, shares = np.zeros((28, 28), np.float32), np.array([0, 0, 0, 0, 0.6, 0, 0, 0, 0, 0.4], np.float32)
    digits = [Digit(0, Box(0, 0, 1, 1), glyph, (), 4, 0.6, shares, 1.0, flag) for flag in flags]
    assert upload_upload._doubts(digits) == said


def test_a_bad_file_has_its_sentence_and_the_others_are_read(page: AppTest) -> None:
    upload(page, {"1.png": digit_file(0), "2.png": b"", "3.png": b"hello", "4.png": digit_file(1)})
    assert texts(page) == ["7", "", "", "2"]
    assert "The file is empty." in words(page)
    assert "not a picture" in words(page)


def test_a_blank_picture_says_so(page: AppTest) -> None:
    stream = io.BytesIO()
    Image.new("L", (100, 80), 255).save(stream, "PNG")
    upload(page, {"blank.png": stream.getvalue()})
    assert texts(page) == [""]
    assert "No digit found." in words(page)


def test_a_name_is_never_taken_for_html(page: AppTest) -> None:
    upload(page, {"<b>x</b><script>\u202e'\".png": digit_file(0)})
    assert "<b>x" not in words(page)
    assert "&lt;b&gt;x&lt;/b&gt;&lt;script&gt;\ufffd&#x27;&quot;.png" in words(page)


def test_all_ink_is_one_digit_when_the_switch_says_so(page: AppTest) -> None:
    image = Image.new("L", (420, 200), 255)
    for number, place in enumerate(TEST_DIGITS[:2]):
        image.paste(Image.open(io.BytesIO(digit_file(place))), (40 + 200 * number, 30))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    upload(page, {"a.png": stream.getvalue()})
    assert texts(page) == ["72"]
    page.toggle(key="single").set_value(True)
    page.run()
    assert len(next(ledger for key, ledger in page.session_state["batch"]._ledgers.items() if key[1]).entries) == 1
    page.toggle(key="single").set_value(False)
    page.run()
    assert texts(page) == ["72"]


def test_readings_outlive_a_visit_to_another_page(page: AppTest) -> None:
    upload(page, {"a.png": digit_file(0), "b.png": digit_file(1)})
    page.switch_page("pages/1_Draw.py").run()
    page.switch_page("pages/2_Upload.py").run()
    assert texts(page) == ["7", "2"]
    assert words(page).count('alt="Centred"') == 2
    press(page, "Remove all")
    assert not texts(page)


def test_without_its_file_a_reading_still_shows_what_the_models_saw(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_batch, "KEPT_BYTES", 0)
    upload(page, {"a.png": digit_file(0)})
    page.switch_page("pages/1_Draw.py").run()
    page.switch_page("pages/2_Upload.py").run()
    assert texts(page) == ["7"]
    assert any("Choose it again" in element.value for element in page.info)
    assert "What the model sees" in words(page)


def test_stopped_the_rest_can_be_read_later(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{number}.png": digit_file(place) for number, place in enumerate(TEST_DIGITS)}
    upload(page, files)
    ui_upload_batch = page.session_state["batch"]
    for key in list(ui_upload_batch._ledgers)[2:]:
        del ui_upload_batch._ledgers[key]
    page.session_state["stopped"] = True
    page.run()
    assert texts(page) == ["7", "2"]
    assert any("Stopped: 2 of 5 pictures read." in element.value for element in page.info)
    press(page, "Read the rest")
    assert texts(page) == ["7", "2", "1", "0", "4"]


def test_the_same_model_twice_and_no_second_one_work(page: AppTest) -> None:
    upload(page, {"a.png": digit_file(0)})
    page.selectbox(key="model_2").set_value(page.selectbox(key="model_1").value)
    page.run()
    assert not page.exception
    page.selectbox(key="model_2").set_value("none")
    page.run()
    assert not page.exception
    assert texts(page) == ["7"]


def pressed(page: AppTest, start: str) -> None:
    """Press the button whose key starts so."""
    next(button for button in page.button if (button.key or "").startswith(start)).click()
    page.run()
    assert not page.exception


def warnings(page: AppTest) -> str:
    return " ".join(element.value for element in page.warning)


def test_a_digit_is_put_right_and_stays_so_with_other_models_and_pages(page: AppTest) -> None:
    press(page, "Try an example")
    first, *rest = example.TEXT
    wrong = str((int(first) + 1) % 10)
    press(page, wrong)
    assert texts(page) == [wrong + "".join(rest)]
    assert [element.value for element in page.code] == texts(page)  # to copy
    assert "✓ 1 corrected by hand." in words(page)
    assert f"<b>reader</b> reads {first}," in words(page)  # what the model says is still told
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


def in_numbers(page: AppTest) -> None:
    """Have a row a number in the table."""
    next(each for each in page.segmented_control if (each.key or "").startswith("rows_")).set_value("Numbers").run()
    assert not page.exception


def number_field(page: AppTest) -> TextInput:
    return next(field for field in page.text_input if field.label == "Correct this number")


def test_a_number_is_put_right_as_a_whole_and_a_wrong_count_has_its_sentence(page: AppTest) -> None:
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


def test_numbers_of_a_row_are_told_and_copied_with_spaces_and_the_text_stays_digits(page: AppTest) -> None:
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
    box = next(iter(page.session_state["batch"]._ledgers.values())).entries[0].box
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


def test_the_angle_is_said_and_the_picture_is_shown_upright(page: AppTest) -> None:
    press(page, "Try an example")
    image = json.loads(picture(page).spec)["layout"]["images"][0]
    assert (image["sizex"], image["sizey"]) == (example.WIDTH, example.HEIGHT)
    change_ledger(page, angle=44.6)
    assert "Rotated by 44.6° for reading." in [element.value for element in page.markdown]
    turned = json.loads(picture(page).spec)["layout"]["images"][0]
    assert turned["sizey"] > 2 * example.HEIGHT
    change_ledger(page, angle=359.98)
    assert not any("Rotated" in element.value for element in page.markdown)


def test_a_notice_stands_above_the_reading(page: AppTest) -> None:
    press(page, "Try an example")
    assert not warnings(page)
    change_ledger(page, notice="The detector is *missing*.")
    assert warnings(page) == r"The detector is \*missing\*."
    press(page, "1")  # it stays when something is corrected
    assert "missing" in warnings(page)


def test_a_notice_of_many_pictures_is_small(page: AppTest) -> None:
    upload(page, {f"{place}.png": digit_file(place) for place in TEST_DIGITS})
    change_ledger(page, notice="The <detector> is missing.")
    assert not warnings(page)
    assert words(page).count("⚠ The &lt;detector&gt; is missing.") == 1


def test_the_next_doubt_is_gone_to_until_all_are_settled(page: AppTest) -> None:
    press(page, "Try an example")
    as_read(page, range(5), **UNSURE)
    for digit in example.TEXT:
        press(page, digit)
        if any(button.label == "Next uncertain" and not button.disabled for button in page.button):
            press(page, "Next uncertain")
    assert texts(page) == [example.TEXT]
    assert not any("ncertain:" in note or "are uncertain" in note for note in words(page).split("<p"))
    assert next(button for button in page.button if button.label == "Next uncertain").disabled


def test_the_digit_last_chosen_is_left_for_other_pages(page: AppTest) -> None:
    press(page, "Try an example")
    next(box for box in page.selectbox if box.label == "Digit").set_value(3)
    page.run()
    entries = next(iter(page.session_state["batch"]._ledgers.values())).entries
    glyph = page.session_state["last_glyph"]
    assert (glyph.shape, glyph.dtype) == ((28, 28), np.float32)
    assert np.array_equal(glyph, entries[3].digit.glyph)


def test_a_choice_that_comes_late_and_is_of_another_list_changes_nothing(page: AppTest) -> None:
    page.button(key="example").click().run()
    batch = page.session_state["batch"]
    shown = corrections.Shown(batch, batch.pictures[0], False, None, "late", "reader")
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


def test_a_pdf_is_read_page_by_page_and_a_broken_one_has_its_sentence(page: AppTest) -> None:
    pages = [Image.open(io.BytesIO(digit_file(place))) for place in (0, 1)]
    stream = io.BytesIO()
    pages[0].save(stream, "PDF", save_all=True, append_images=pages[1:])
    upload(page, {"broken.pdf": stream.getvalue()[:400], "scan.pdf": stream.getvalue()})
    assert texts(page) == ["", "7", "2"]
    assert "<span>scan.pdf, page 2</span>" in words(page)
    assert "The PDF is damaged or cut short." in words(page)


@pytest.mark.parametrize(
    ("done", "count", "seconds", "said"),
    [
        (0, 9, 0.0, "0 of 9 pictures read"),
        (3, 9, 6.0, "3 of 9 pictures read, about 12 s left"),
        (8, 9, 4.0, "8 of 9 pictures read, nearly done"),
    ],
)
def test_progress_says_how_long_it_will_take(done: int, count: int, seconds: float, said: str) -> None:
    assert upload_upload._progress(done, count, seconds) == said


def test_pages_and_frames_of_files_have_cards_and_notes(page: AppTest) -> None:
    stroke = Image.new("L", (60, 60), 255)
    ImageDraw.Draw(stroke).line([(30, 10), (30, 50)], 0, 6)
    blank, files = Image.new("L", (60, 60), 255), {}
    for kind, made in (("GIF", [blank, stroke]), ("TIFF", [stroke, stroke])):
        stream = io.BytesIO()
        made[0].save(stream, kind, save_all=True, append_images=made[1:])
        files[f"scan.{kind}"] = stream.getvalue()
    upload(page, files)
    assert len(texts(page)) == 3
    assert "scan.TIFF, page 2" in words(page)
    assert "frame 2 of 2 was read" in warnings(page)


def test_the_camera_is_asked_for_its_sharp_picture(page: AppTest) -> None:
    page.session_state["way"] = "Camera"
    page.run()
    [camera] = page.get("camera_input")
    assert camera.proto.resolution_height == 1080
