"""Pictures to show: black on white, crisp, a card each."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from digitrec.imaging import thumbnails


def test_picture_is_black_on_white_and_crisp() -> None:
    glyph = np.zeros((28, 28), np.float32)
    glyph[3, 4] = 1
    glyph[0, 0] = 0.5
    result = thumbnails.picture(glyph)
    assert (result.shape, result.dtype) == ((140, 140), np.uint8)
    assert (result[15:20, 20:25] == 0).all()
    assert (result == 0).sum() == 25
    assert result[0, 0] == 128
    assert result[-1, -1] == 255


@pytest.mark.parametrize(
    ("shape", "expected"), [((28, 56), (140, 280)), ((300, 400), (300, 400)), ((1, 3), (140, 420))]
)
def test_picture_is_enlarged_by_a_whole_factor(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert thumbnails.picture(np.zeros(shape)).shape == expected


def test_picture_bears_values_just_outside() -> None:
    assert thumbnails.picture(np.array([[-0.01, 1.01]]), 1).tolist() == [[255, 0]]


@pytest.mark.parametrize(("count", "cards"), [(1, (1, 1)), (8, (1, 8)), (9, (2, 8)), (3, (1, 3))])
def test_montage_is_as_large_as_its_cards(count: int, cards: tuple[int, int]) -> None:
    result = thumbnails.montage(np.zeros((count, 28, 28)))
    rows, columns = cards
    assert result.shape == (88 * rows - 4, 88 * columns - 4, 4)
    assert (result[:84, :84] == 255).all()


def test_montage_shows_each_glyph_and_its_caption() -> None:
    glyphs = np.zeros((3, 28, 28))
    glyphs[1] = 1
    plain, captioned = thumbnails.montage(glyphs), thumbnails.montage(glyphs, ["a", "4 as 9", "b"])
    assert (plain[:, 88:172, :3] == 0).all()
    assert (captioned[:84] == plain).all()
    assert (captioned[84:, 88:172, 0] < 100).any()
    assert (captioned[:, 84:88, 3] == 0).all()


def test_montage_wants_a_caption_a_glyph() -> None:
    with pytest.raises(ValueError, match="1 for 2"):
        thumbnails.montage(np.zeros((2, 28, 28)), ["a"])


def test_signed_numbers_are_orange_blue_or_white() -> None:
    colours = thumbnails.signed(np.array([2.0, -2.0, 0.0, 9.0, 1.0]), 2.0)
    assert [tuple(colour) for colour in colours[:4]] == [
        thumbnails.FOR,
        thumbnails.AGAINST,
        (255, 255, 255),
        thumbnails.FOR,
    ]
    assert colours[4].tolist() == [242, 176, 128]  # half way to white
    assert (thumbnails.signed(np.zeros(3), 0.0) == 255).all()


def test_tiles_keep_their_colours() -> None:
    tiles = thumbnails.tiles(thumbnails.signed(np.ones((3, 2, 2)), 1.0), ["a", "b", "c"], columns=2, side=20)
    assert tiles.shape == (2 * 44 - 4, 2 * 24 - 4, 4)
    assert tuple(tiles[10, 10]) == (*thumbnails.FOR, 255)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 3), (3, 4, 4)])
def test_a_png_uri_is_the_picture(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    data = base64.b64decode(thumbnails.png_uri(values).removeprefix("data:image/png;base64,"))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), values)
