"""Pages of PDF and TIFF files under one roof, and all other files as one picture."""

import io

import picturedata
import pytest
from PIL import Image

from digitrec.errors import PictureError
from digitrec.imaging import documents, tiff
from tests.imaging.test_pdf import document


def test_files_with_pages_and_files_without() -> None:
    scans = {"pdf": document(2), "tiff": picturedata.frames("TIFF"), "one": picturedata.saved("TIFF", "L")[0]}
    assert {name: documents.pages(data) for name, data in scans.items()} == {"pdf": 2, "tiff": 3, "one": 1}
    assert all(map(documents.has_pages, scans.values()))
    for data in (picturedata.frames("GIF"), picturedata.frames("PNG"), b"", b"no picture"):
        assert not documents.has_pages(data)
        assert documents.pages(data) == 0


def test_each_page_is_opened_and_page_0_is_the_whole_file() -> None:
    scan = picturedata.frames("TIFF")
    shown = [documents.opened(scan, page).image for page in (1, 2, 3)]
    assert [image.size for image in shown] == [(72, 48)] * 3
    assert len({image.tobytes() for image in shown}) == 3
    [png] = picturedata.saved("PNG", "RGB")
    assert documents.opened(png, 0).image.tobytes() == Image.open(io.BytesIO(png)).tobytes()
    assert documents.opened(document(2), 2).image.size == documents.opened(document(2), 1).image.size


@pytest.mark.parametrize(
    ("data", "page", "message"),
    [
        (document(), documents.MOST_PAGES + 1, "Only the first 50 pages of a file"),
        (picturedata.frames("TIFF"), documents.MOST_PAGES + 1, "Only the first 50 pages of a file"),
        (picturedata.frames("TIFF"), 4, "The TIFF has no page 4. Received: 3 pages."),
        (document(), 2, "The PDF has no page 2"),
        (b"II*\0" + bytes(20 * 2**20), 1, "at most 20 MB"),
        (b"II*\0" + bytes(20), 1, "not a picture"),
        (b"II*\0", 1, "damaged|not a picture"),
    ],
)
def test_a_page_that_cannot_be_opened_has_a_sentence(data: bytes, page: int, message: str) -> None:
    with pytest.raises(PictureError, match=message):
        documents.opened(data, page)


def test_a_page_too_large_is_refused_and_the_others_are_opened() -> None:
    made = [Image.new("1", size) for size in ((40, 40), (9000, 9000))]
    stream = io.BytesIO()
    made[0].save(stream, "TIFF", save_all=True, append_images=made[1:], compression="group4")
    assert tiff.pages(stream.getvalue()) == 2
    assert documents.opened(stream.getvalue(), 1).image.size == (40, 40)
    with pytest.raises(PictureError, match=r"too large.*Received: 9000 x 9000"):
        documents.opened(stream.getvalue(), 2)
