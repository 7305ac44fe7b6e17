"""Which step saved it? On Draw and Upload, without a browser: the table says what the page's answers say."""

import io
import re
from collections.abc import Callable
from itertools import pairwise

from drawings import drawing, words
from PIL import Image
from streamlit.testing.v1 import AppTest

from digitrec.datasets import example, mnist

SMALL_SEVEN = [(30, 30), (80, 30), (50, 110)]


def tables(page: AppTest) -> list[str]:
    return [element.proto.body for element in page.get("html") if '<div class="trail">' in element.proto.body]


def answers(table: str) -> list[list[str]]:
    """Return for each row of a table what the models answered."""
    rows = re.findall("<tr.*?</tr>", table)[1:]
    return [re.findall(r'<td role="cell" class="prediction.*?<b>(.)</b>', row) for row in rows]


def toggle(page: AppTest, key: str) -> None:
    page.session_state[key] = not page.session_state[key]
    page.run()
    assert not page.exception


def test_a_drawing_is_followed_to_the_answer_on_the_page(open_page: Callable[..., AppTest]) -> None:
    page = open_page("pages/1_Draw.py", pad=drawing(SMALL_SEVEN), trail=True)
    (table,) = tables(page)
    rows = answers(table)
    assert len(rows) == 7
    assert rows[-1] == re.findall(r'<p class="answer">(.)</p>', words(page)) == ["7", "7"]
    changes = sum(above != now for text in zip(*rows, strict=True) for above, now in pairwise(text))
    assert table.count("▲ changed from") == table.count('class="prediction changed"') == changes > 0
    assert table.count("<img") == 7
    assert "0 to 255" in table


def test_one_model_has_one_column(open_page: Callable[..., AppTest]) -> None:
    page = open_page("pages/1_Draw.py", pad=drawing(SMALL_SEVEN), trail=True)
    page.selectbox(key="model_2").set_value("none").run()
    assert all(len(row) == 1 for row in answers(tables(page)[0]))


def test_a_model_that_scales_by_itself_is_named(open_page: Callable[..., AppTest]) -> None:
    page = open_page("pages/1_Draw.py", pad=drawing(SMALL_SEVEN), model_1="mlp-128", model_2="cnn-5x5", trail=True)
    text = [caption.value for caption in page.caption if "do no harm" in caption.value]
    assert len(text) == 1
    assert text[0].startswith("mlp-128 ")
    first, second, *_ = answers(tables(page)[0])
    assert first[0] == second[0]


def test_an_empty_canvas_has_no_table(open_page: Callable[..., AppTest]) -> None:
    page = open_page("pages/1_Draw.py", trail=True)
    assert not tables(page)
    assert any("once there is a digit" in caption.value for caption in page.caption)


def test_the_section_is_closed_at_first_and_then_not_computed(open_page: Callable[..., AppTest]) -> None:
    page = open_page("pages/1_Draw.py", pad=drawing(SMALL_SEVEN))
    assert not tables(page)
    toggle(page, "trail")
    assert len(tables(page)) == 1
    toggle(page, "trail")
    assert not tables(page)


def upload(page: AppTest, data: bytes) -> str:
    """Upload one file and return the key of its section."""
    uploader = next(widget for widget in page.get("file_uploader") if widget.key == "files")
    uploader.set_value([("a.png", data, "image/png")])
    page.run()
    assert not page.exception
    return f"trail_1_{page.session_state['batch'].pictures[0].key[:16]}"


def test_on_upload_the_digit_chosen_is_followed(open_page: Callable[..., AppTest]) -> None:
    page = open_page("pages/2_Upload.py")
    key = upload(page, example.sheet(mnist.test()[0]))
    assert not tables(page)
    toggle(page, key)
    for place, digit in enumerate(example.TEXT):
        next(box for box in page.selectbox if box.label == "Digit").set_value(place)
        page.run()
        assert not page.exception
        assert answers(tables(page)[0])[-1] == [digit, digit]
    assert "some paper around it" in tables(page)[0]


def test_a_single_digit_is_followed_from_the_whole_picture(open_page: Callable[..., AppTest]) -> None:
    page = open_page("pages/2_Upload.py")
    stream = io.BytesIO()
    Image.fromarray(255 - mnist.test()[0][0]).resize((140, 140)).save(stream, "PNG")
    toggle(page, upload(page, stream.getvalue()))
    (table,) = tables(page)
    assert answers(table)[-1] == ["7", "7"]
    assert "some paper around it" not in table
