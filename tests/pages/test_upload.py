"""Upload without a browser: how the page shows files, good and bad."""

import io
import json
import re
from collections.abc import Callable

import pytest
from drawings import words
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest
from uploads import TEST_DIGITS, change_annotations, digit_file, picture, press, texts, upload, warnings

from digitrec.datasets import example
from digitrec.ui.upload import upload as upload_upload
from digitrec.uploads import batch as uploads_batch


@pytest.fixture
def page(open_page: Callable[..., AppTest]) -> AppTest:
    return open_page("pages/2_Upload.py")


def test_an_empty_page_says_what_to_do_and_has_an_example(page: AppTest) -> None:
    assert any("Write some digits" in element.value for element in page.markdown)
    assert not texts(page)
    press(page, "Try an example")
    assert texts(page) == [example.TEXT]
    assert 'alt="Centred"' in words(page)


def test_the_reader_reads_and_the_best_mlp_beside_it(page: AppTest) -> None:
    assert page.selectbox(key="model_1").value == "reader"
    assert page.selectbox(key="model_2").value == "reader-mlp"
    press(page, "Try an example")
    text = [element.proto for element in page.markdown if "** reads " in element.value]
    assert [each.body.partition(" reads ")[0] for each in text] == ["**CNN · reader**", "**MLP · reader-mlp**"]
    assert all("accuracy on MNIST's test digits." in each.help for each in text)


def test_files_are_read_in_natural_order(page: AppTest) -> None:
    names = ("digit1.png", "digit2.png", "digit3.png", "digit10.png", "digit20.png")
    files = dict(zip(names, map(digit_file, TEST_DIGITS), strict=True))
    upload(page, dict(reversed(files.items())))
    assert texts(page) == ["7", "2", "1", "0", "4"]
    places = [words(page).index(f">{name}</span>") for name in names]
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


def test_a_long_name_is_whole_on_hover_and_its_end_is_always_seen(page: AppTest) -> None:
    name = f"scan of {'many ' * 20}pages 17.png"
    upload(page, {name: digit_file(0)})
    assert f'<span title="{name}"><i>scan of' in words(page)
    assert "<i>es 17.png</i></span>" in words(page)


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
    assert (
        len(
            next(annotations for key, annotations in page.session_state["batch"]._annotations.items() if key[1]).entries
        )
        == 1
    )
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
    for key in list(ui_upload_batch._annotations)[2:]:
        del ui_upload_batch._annotations[key]
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


def test_the_angle_is_shown_and_the_picture_is_shown_upright(page: AppTest) -> None:
    press(page, "Try an example")
    image = json.loads(picture(page).spec)["layout"]["images"][0]
    assert (image["sizex"], image["sizey"]) == (example.WIDTH, example.HEIGHT)
    change_annotations(page, angle=44.6)
    assert "Rotated by 44.6° for reading." in [element.value for element in page.markdown]
    turned = json.loads(picture(page).spec)["layout"]["images"][0]
    assert turned["sizey"] > 2 * example.HEIGHT
    change_annotations(page, angle=359.98)
    assert not any("Rotated" in element.value for element in page.markdown)


def test_a_notice_stands_above_the_reading(page: AppTest) -> None:
    press(page, "Try an example")
    assert not warnings(page)
    change_annotations(page, notice="The detector is *missing*.")
    assert warnings(page) == r"The detector is \*missing\*."
    press(page, "1")  # it stays when something is corrected
    assert "missing" in warnings(page)


def test_a_notice_of_many_pictures_is_small(page: AppTest) -> None:
    upload(page, {f"{place}.png": digit_file(place) for place in TEST_DIGITS})
    change_annotations(page, notice="The <detector> is missing.")
    assert not warnings(page)
    assert words(page).count("⚠ The &lt;detector&gt; is missing.") == 1


def test_a_pdf_is_read_page_by_page_and_a_broken_one_has_its_sentence(page: AppTest) -> None:
    pages = [Image.open(io.BytesIO(digit_file(place))) for place in (0, 1)]
    stream = io.BytesIO()
    pages[0].save(stream, "PDF", save_all=True, append_images=pages[1:])
    upload(page, {"broken.pdf": stream.getvalue()[:400], "scan.pdf": stream.getvalue()})
    assert texts(page) == ["", "7", "2"]
    assert ">scan.pdf, page 2</span>" in words(page)
    assert "The PDF is damaged or cut short." in words(page)


@pytest.mark.parametrize(
    ("done", "count", "seconds", "text"),
    [
        (0, 9, 0.0, "0 of 9 pictures read"),
        (3, 9, 6.0, "3 of 9 pictures read, about 12 s left"),
        (8, 9, 4.0, "8 of 9 pictures read, nearly done"),
    ],
)
def test_progress_says_how_long_it_will_take(done: int, count: int, seconds: float, text: str) -> None:
    assert upload_upload._progress(done, count, seconds) == text


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


def names(page: AppTest) -> list[str]:
    return re.findall(r'<span title="[^"]*">([^<]*)</span>', words(page))


def test_files_chosen_after_a_visit_to_another_page_are_added(page: AppTest) -> None:
    upload(page, {"b.png": digit_file(0)})
    press(page, "3")
    page.switch_page("pages/1_Draw.py").run()
    page.switch_page("pages/2_Upload.py").run()
    upload(page, {"a.png": digit_file(1)})
    assert names(page) == ["a.png", "b.png"]
    assert texts(page) == ["2", "3"]


def test_the_uploaders_cross_removes_its_file_and_no_other(page: AppTest) -> None:
    upload(page, {"c.png": digit_file(2)})
    page.switch_page("pages/1_Draw.py").run()
    page.switch_page("pages/2_Upload.py").run()
    upload(page, {"a.png": digit_file(0), "b.png": digit_file(1)})
    uploader = next(widget for widget in page.get("file_uploader") if widget.key == "files")
    uploader.set_value([("a.png", digit_file(0), "image/png")])
    page.run()
    assert names(page) == ["a.png", "c.png"]


def test_each_card_has_a_cross(page: AppTest) -> None:
    upload(page, {f"{number}.png": digit_file(place) for number, place in enumerate(TEST_DIGITS)})
    press(page, "Remove", 1)
    assert names(page) == ["0.png", "2.png", "3.png", "4.png"]
    for _ in range(4):
        press(page, "Remove")
    assert any("Write some digits" in element.value for element in page.markdown)


def test_pictures_of_the_camera_are_added_one_by_one(page: AppTest) -> None:
    upload(page, {"paper.png": digit_file(0)})
    next(each for each in page.segmented_control if each.key == "way").set_value("Camera").run()
    for place in (1, 2):
        camera = next(widget for widget in page.get("camera_input") if widget.key == "camera")
        camera.set_value(("camera_input.jpg", digit_file(place), "image/jpeg"))
        page.run()
        assert not page.exception
    assert names(page) == ["camera 1.jpg", "camera 2.jpg", "paper.png"]
    assert texts(page) == ["2", "1", "7"]


def test_pictures_beyond_the_limit_are_counted_and_those_before_stay(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITREC_MAX_PICTURES", "2")
    upload(page, {"z.png": digit_file(0)})
    page.switch_page("pages/1_Draw.py").run()
    page.switch_page("pages/2_Upload.py").run()
    upload(page, {"a.png": digit_file(1), "b.png": digit_file(2)})
    assert names(page) == ["a.png", "z.png"]
    assert "Only 2 pictures are read at once. 1 were left out." in " ".join(each.value for each in page.warning)
