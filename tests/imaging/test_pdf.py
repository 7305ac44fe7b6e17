"""PDF: pages as pictures, and a sentence for each file that has none."""

import io

import numpy as np
import picturedata
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from digitrec.errors import PictureError
from digitrec.imaging import pdf


def document(count: int = 1, size: tuple[int, int] = (400, 300), resolution: float = 72) -> bytes:
    """Return a PDF of pages, the first with one stroke, the second with two and so on."""
    made = []
    for number in range(1, count + 1):
        page = Image.new("L", size, 255)
        for stroke in range(number if number < 9 else 0):
            ImageDraw.Draw(page).line([(30 + 60 * stroke, 40), (30 + 60 * stroke, 140)], 0, 12)
        made.append(page)
    stream = io.BytesIO()
    made[0].save(stream, "PDF", save_all=True, append_images=made[1:], resolution=resolution)
    return stream.getvalue()


def locked() -> bytes:
    """Return a PDF that asks for a password: one whose trailer names a standard lock with keys that fit none."""
    lock = f"<</Filter/Standard/V 1/R 2/Length 40/P -44/O<{'41' * 32}>/U<{'42' * 32}>>>"
    return document().replace(b"/Root", f"/Encrypt {lock}/ID[<{'43' * 16}><{'43' * 16}>]/Root".encode(), 1)


def test_a_page_is_a_picture_as_a_scanner_makes_it() -> None:
    data = document(2)
    assert pdf.is_pdf(data)
    assert pdf.pages(data) == 2
    image = pdf.page(data, 1)
    assert image.mode == "RGB"
    assert image.size == (pytest.approx(400 * 200 / 72, abs=1), pytest.approx(300 * 200 / 72, abs=1))
    assert image.getpixel((round(30 * 200 / 72), round(90 * 200 / 72))) < (60, 60, 60)
    assert image.getpixel((5, 5)) > (240, 240, 240)


def test_what_was_typed_into_a_form_is_drawn() -> None:
    blank, filled = (np.asarray(pdf.page(picturedata.form(typed), 1).convert("L")) for typed in ("", "05221859"))
    assert blank.min() == 255
    assert filled.min() < 60
    rows, columns = np.nonzero(filled < 128)
    scale = pdf.RESOLUTION / pdf.POINTS
    assert 20 * scale <= columns.min() < columns.max() <= 280 * scale  # within the field
    assert 30 * scale <= rows.min() < rows.max() <= 70 * scale
    assert np.median(filled) == 255  # the field is not coloured, as it is on a screen


def test_a_form_that_cannot_be_drawn_leaves_its_page(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for before, after in ((b"/Fields[4 0 R]", b"/XFA[]/Fields[4 0 R]"), (b"/FT/Tx", b"/FT/XX")):
        image = pdf.page(picturedata.form("05221859").replace(before, after), 1)
        assert image.size == (834, 278)
    assert capfd.readouterr().err == ""
    assert not caplog.records


def test_a_picture_is_no_pdf() -> None:
    stream = io.BytesIO()
    Image.new("L", (9, 9)).save(stream, "PNG")
    assert not pdf.is_pdf(stream.getvalue())
    assert not pdf.is_pdf(b"")


def test_a_huge_page_is_drawn_more_coarsely() -> None:
    image = pdf.page(document(size=(3000, 2000), resolution=18), 1)  # 12,000 x 8,000 points
    assert 0.9 * pdf.MOST_PIXELS < image.width * image.height < 1.1 * pdf.MOST_PIXELS
    assert image.width / image.height == pytest.approx(1.5, rel=0.01)


@pytest.mark.parametrize(
    ("data", "number", "message"),
    [
        (document()[:300], 1, "damaged or cut short"),
        (b"%PDF-1.7", 1, "damaged or cut short"),
        (locked(), 1, "locked with a password"),
        (document(), 2, "no page 2"),
        (b"%PDF-" + bytes(20 * 2**20), 1, "at most 20 MB"),
    ],
)
def test_what_cannot_be_drawn_has_a_sentence(data: bytes, number: int, message: str) -> None:
    assert pdf.pages(data) == 1
    with pytest.raises(PictureError, match=message):
        pdf.page(data, number)


@given(st.data())
def test_a_damaged_file_is_drawn_or_has_a_sentence(choose: st.DataObject) -> None:
    data = bytearray(document(size=(40, 30)))
    for _ in range(choose.draw(st.integers(1, 20))):
        data[choose.draw(st.integers(5, len(data) - 1))] = choose.draw(st.integers(0, 255))
    try:
        image = pdf.page(bytes(data), 1)
    except PictureError:
        return
    assert image.width * image.height <= 1.1 * pdf.MOST_PIXELS
