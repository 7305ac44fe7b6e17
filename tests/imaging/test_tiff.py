"""TIFF files of several pages: each is a picture, whatever the others hold."""

import io
import struct

import picturedata
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from digitrec.imaging import decode, tiff


def pages(count: int, **options: object) -> bytes:
    """Return a TIFF whose pages are 10, 20, 30 and more pixels wide."""
    made = [Image.new("L", (10 * (number + 1), 10), number) for number in range(count)]
    stream = io.BytesIO()
    made[0].save(stream, "TIFF", save_all=True, append_images=made[1:], **options)
    return stream.getvalue()


def big_endian(count: int) -> bytes:
    """Return the same, written by hand, as some scanners do."""
    made, start = b"MM\0*" + struct.pack(">I", 8), 8
    for number in range(count):
        width, size = 10 * (number + 1), 2 + 8 * 12 + 4
        rest = {257: 10, 258: 8, 259: 1, 262: 1, 273: start + size, 278: 10, 279: 10 * width}
        entries = [struct.pack(">HHII", tag, 4, 1, value) for tag, value in {256: width, **rest}.items()]
        following = start + size + 10 * width if number < count - 1 else 0
        made += struct.pack(">H", 8) + b"".join(entries) + struct.pack(">I", following) + bytes([number]) * 10 * width
        start = following
    return made


@pytest.mark.parametrize(
    "data",
    [pages(3), pages(3, big_tiff=True), pages(3, compression="tiff_lzw"), big_endian(3)],
    ids=["plain", "big", "packed", "big-endian"],
)
def test_each_page_is_a_picture(data: bytes) -> None:
    assert tiff.is_tiff(data)
    assert tiff.pages(data) == 3
    for number in (1, 2, 3):
        image = decode.opened(tiff.page(data, number)).image
        assert (image.size, image.getpixel((0, 0))) == ((10 * number, 10), (number - 1,) * 3)
    with pytest.raises(IndexError):
        tiff.page(data, 4)


def test_a_picture_of_one_page_has_one() -> None:
    [data] = picturedata.saved("TIFF", "L")
    assert tiff.pages(data) == 1
    assert tiff.page(data, 1) == data
    assert not tiff.is_tiff(picturedata.saved("PNG", "L")[0])
    assert not tiff.is_tiff(b"")


@pytest.mark.parametrize(("kind", "found"), [(1, 1), (4, 1), (2, 2), (0, 2)])
def test_a_smaller_copy_and_a_mask_are_no_pages(kind: int, found: int) -> None:
    second = Image.new("L", (5, 5))
    second.encoderinfo = {"tiffinfo": {254: kind}}
    stream = io.BytesIO()
    Image.new("L", (10, 10)).save(stream, "TIFF", save_all=True, append_images=[second])
    assert tiff.pages(stream.getvalue()) == found


def test_a_damaged_page_leaves_the_others() -> None:
    data = bytearray(pages(3))
    second = int(struct.unpack_from("<I", tiff.page(bytes(data), 2), 4)[0])
    at = data.index(struct.pack("<HHI", 259, 3, 1), second) + 8
    data[at : at + 2] = b"\xee\xee"  # packed in an unknown way
    assert tiff.pages(bytes(data)) == 3
    assert decode.opened(tiff.page(bytes(data), 3)).image.size == (30, 10)
    with pytest.raises(decode.PictureError, match=r"damaged|not a picture"):
        decode.opened(tiff.page(bytes(data), 2))


def test_a_chain_of_pages_that_bites_its_tail_or_leaves_the_file_ends() -> None:
    data = pages(2)
    second = int(struct.unpack_from("<I", tiff.page(data, 2), 4)[0])
    at = second + 2 + 12 * int(struct.unpack_from("<H", data, second)[0])
    for following in (second, 8, len(data) - 1, 2**32 - 1):
        assert tiff.pages(data[:at] + struct.pack("<I", following) + data[at + 4 :]) == 2


def test_a_chain_without_end_is_given_up() -> None:
    size = 2 + 2 * 12 + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, 10) for tag in (256, 257))
    chain = (struct.pack("<H", 2) + entries + struct.pack("<I", 8 + size * place) for place in range(1, 5000))
    assert tiff.pages(b"II*\0" + struct.pack("<I", 8) + b"".join(chain)) == tiff.MOST_DIRECTORIES


@given(st.integers(0, 200), st.binary(max_size=12), st.booleans())
def test_a_damaged_file_has_at_least_one_page(at: int, patch: bytes, big: bool) -> None:
    data = picturedata.frames("TIFF", big_tiff=big)
    broken = data[:4] + (data[4:at] + patch + data[at + len(patch) :])[: len(data) - 4]
    assert 1 <= tiff.pages(broken) <= tiff.MOST_DIRECTORIES
    assert len(tiff.page(broken, 1)) >= 8
