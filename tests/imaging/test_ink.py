"""Ink of drawn pictures, whose paper and strokes are known."""

import io
import subprocess
import sys
import warnings

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from digitrec.errors import PictureError
from digitrec.imaging import decode, ink


def strokes(side: int = 120, thickness: int = 8) -> np.ndarray:
    """Return the cover (side, side), 0 to 1, of a drawn 4."""
    drawn = np.zeros((side * 4, side * 4), np.uint8)
    points = np.array([[0.45, 0.2], [0.25, 0.55], [0.75, 0.55]]) * side * 4
    cv2.polylines(drawn, [points.astype(np.int32)], False, 255, thickness * 4, cv2.LINE_AA)
    cv2.line(drawn, (int(2.4 * side), int(1.2 * side)), (int(2.4 * side), int(3.2 * side)), 255, thickness * 4)
    return cv2.resize(drawn, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0


def coloured(cover: np.ndarray, paper: object, pen: object) -> np.ndarray:
    """Return float (H, W, 3): `pen` where `cover` is 1, `paper` where it is 0."""
    back = np.broadcast_to(np.asarray(paper, np.float32), (*cover.shape, 3))
    return back * (1 - cover[..., None]) + np.asarray(pen, np.float32) * cover[..., None]


def picture(values: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def agreement(found: np.ndarray, cover: np.ndarray) -> float:
    """Return the intersection over union of the strokes found and drawn."""
    a, b = found > 0.5, cover > 0.5
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize(
    ("paper", "pen"),
    [
        ((255, 255, 255), (0, 0, 0)),
        ((0, 0, 0), (255, 255, 255)),
        ((255, 255, 255), (255, 255, 0)),
        ((60, 160, 60), (200, 60, 60)),
        ((128, 128, 128), (190, 95, 128)),  # as light as the paper
        ((255, 255, 255), (249, 249, 249)),  # nearly white on white
        ((20, 20, 90), (60, 60, 130)),
    ],
)
def test_any_colour_on_any_colour(paper, pen):
    cover = strokes()
    found = ink.from_picture(picture(coloured(cover, paper, pen)))
    assert found.shape == cover.shape
    assert found.dtype == np.float32
    assert agreement(found, cover) > 0.85
    assert found[cover == 0.0].mean() < 0.01
    assert np.median(found[cover == 1.0]) > 0.95


@pytest.mark.parametrize("shade", ["slope", "corners", "shadow"])
def test_uneven_light(shade):
    cover = strokes(400, 24)
    y, x = np.mgrid[:400, :400] / 400.0
    light = {
        "slope": 0.5 + 0.5 * x,
        "corners": 1.0 - 0.9 * ((x - 0.5) ** 2 + (y - 0.5) ** 2),
        "shadow": 1.0 - 0.4 * cv2.GaussianBlur((x + 0.5 * y > 0.7).astype(np.float64), (0, 0), 5),
    }[shade]
    noise = np.random.default_rng(0).normal(0.0, 3.0, (400, 400, 3))
    photo = picture(coloured(cover, (215, 210, 200), (50, 50, 60)) * light[..., None] + noise)
    found = ink.from_picture(Image.open(io.BytesIO(saved(photo, "JPEG", quality=80))))
    assert agreement(found, cover) > 0.8


@pytest.mark.parametrize("pen", [0, 255])
def test_transparent_paper_in_either_polarity(pen):
    cover = strokes()
    rgba = np.dstack([np.full((120, 120, 3), pen), np.rint(cover * 255)]).astype(np.uint8)
    assert agreement(ink.from_picture(Image.fromarray(rgba)), cover) > 0.95


def test_opaque_paper_on_a_transparent_margin():
    cover = strokes()
    alpha = np.zeros((120, 120))
    alpha[8:-8, 8:-8] = 255
    rgba = np.dstack([coloured(cover, 255, 0), alpha]).astype(np.uint8)
    assert agreement(ink.from_picture(Image.fromarray(rgba)), cover) > 0.9


def ruled(values: np.ndarray) -> None:
    for y in range(7, 300, 40):
        values[y : y + 2] = (150, 170, 210)


def squared(values: np.ndarray) -> None:
    ruled(values)
    for x in range(13, 300, 40):
        values[:, x : x + 2] = (150, 170, 210)


def framed(values: np.ndarray) -> None:
    cv2.rectangle(values, (6, 6), (293, 293), (0.0, 0.0, 0.0), 4)


@pytest.mark.parametrize("spoil", [ruled, squared, framed])
def test_lines_and_frames_are_no_ink(spoil):
    cover = strokes(300, 18)
    values = np.full((300, 300, 3), 235.0, np.float32)
    spoil(values)
    values = values * (1 - cover[..., None]) + 40.0 * cover[..., None]
    found = ink.from_picture(picture(values))
    assert agreement(found, cover) > 0.8
    assert (found > 0.5)[cover == 0.0].mean() < 0.01


def test_a_digit_as_high_as_its_picture_keeps_its_strokes():
    drawn = np.full((28, 28), 255, np.uint8)
    cv2.polylines(drawn, [np.array([[8, 0], [4, 14], [24, 14]])], False, 0, 1)
    cv2.line(drawn, (20, 0), (20, 27), 0, 1)
    found = ink.from_picture(Image.fromarray(drawn))
    assert ((found > 0.5) == (drawn == 0)).all()


@pytest.mark.parametrize("sigma", [0.0, 1.0, 3.0, 6.0, 12.0])
@pytest.mark.parametrize("shape", [(28, 28), (200, 300)])
def test_blank_paper_has_no_ink_however_noisy(sigma, shape):
    noise = np.random.default_rng(1).normal(0.0, sigma, (*shape, 3))
    assert not ink.from_picture(picture(200.0 + noise)).any()


def test_ruled_paper_without_writing_has_no_ink():
    values = np.full((300, 300, 3), 235.0, np.float32)
    squared(values)
    assert not ink.from_picture(picture(values)).any()


@pytest.mark.parametrize("colour", [(0, 0, 0, 0), (255, 255, 255, 255), (0, 0, 0, 255), (38, 39, 48, 255)])
def test_an_empty_canvas_has_no_ink(colour):
    assert not ink.from_canvas(np.full((280, 280, 4), colour, np.uint8)).any()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4), st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_any_pixels_give_ink_between_0_and_1(height, width, colours, seed, channels):
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (colours, 4), dtype=np.uint8)
    pixels = palette[rng.integers(0, colours, (height, width))]
    found = ink.from_canvas(pixels if channels == 4 else pixels[..., :3])
    assert found.shape == (height, width)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert 0.0 <= found.min() <= found.max() <= 1.0


def test_large_pictures_are_reduced_and_small_ones_left():
    assert max(decode.reduced(Image.new("RGB", (4000, 3000))).size) <= 1800
    assert decode.reduced(Image.new("RGB", (640, 480))).size == (640, 480)


BLACK_ON_WHITE = picture(coloured(strokes(), 255, 0))


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "PNG"),
        ("L", "PNG"),
        ("1", "PNG"),
        ("P", "PNG"),
        ("RGBA", "PNG"),
        ("LA", "PNG"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("RGB", "WEBP"),
        ("RGB", "BMP"),
        ("P", "GIF"),
        ("RGB", "TIFF"),
    ],
)
def test_every_format_and_mode_opens_and_keeps_its_ink(mode, kind):
    opened = decode.opened(saved(BLACK_ON_WHITE.convert(mode), kind)).image
    assert opened.mode in ("RGB", "RGBA")
    assert agreement(ink.from_picture(opened), strokes()) > 0.85


def test_heic_opens():
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(BLACK_ON_WHITE).save(file)
    assert agreement(ink.from_picture(decode.opened(file.getvalue()).image), strokes()) > 0.85


@pytest.mark.parametrize("top", [65535, 4095])
def test_16_bit_is_scaled(top):
    grey = Image.fromarray(np.rint((1.0 - strokes()) * top).astype(np.uint16))
    opened = decode.opened(saved(grey, "PNG")).image
    assert np.asarray(opened).max() == round(top * 255 / 65535)
    assert agreement(ink.from_picture(opened), strokes()) > 0.85


def test_palette_with_transparency_opens_as_rgba():
    image = Image.new("P", (20, 20), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    assert decode.opened(saved(image, "PNG", transparency=0)).image.mode == "RGBA"


def test_the_first_frame_of_an_animation_is_read():
    frames = [picture(coloured(strokes(), 255, 0)), Image.new("RGB", (120, 120), "white")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert ink.from_picture(decode.opened(data).image).any()


def test_a_photo_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode.opened(saved(Image.new("RGB", (40, 20)), "JPEG", exif=exif)).image.size == (20, 40)


def bomb() -> bytes:
    """Return a PNG whose header says 20,000 x 20,000."""
    data = bytearray(saved(Image.new("L", (10, 10))))
    data[16:24] = (20_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"not a picture at all", "not a picture"),
        (saved(BLACK_ON_WHITE)[:300], "cut short"),
        (saved(BLACK_ON_WHITE, "JPEG")[:700], "cut short"),
        (saved(Image.new("L", (1, 1))), "too small"),
        (bomb(), "too large"),
        (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 40, "picture"),
        (b"\x89PNG" + b"\x00" * (21 * 2**20), "too large"),
    ],
)
def test_bad_files_get_one_sentence_and_no_warning(data, word):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PictureError, match=word) as caught:
            decode.opened(data)
    assert "eceived" in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"]), st.integers(0, 400), st.binary(max_size=6))
def test_damaged_bytes_never_raise_anything_else(kind, at, patch):
    data = saved(BLACK_ON_WHITE.resize((24, 24)), kind)
    broken = data[:at] + patch + data[at + len(patch) :]
    try:
        opened = decode.opened(broken).image
    except PictureError:
        return
    assert opened.mode in ("RGB", "RGBA")


def test_heic_support_is_not_loaded_at_start():
    code = "import digitrec.imaging.ink, sys; print('pillow_heif' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def shadowed(cover: np.ndarray, blank: bool = False) -> Image.Image:
    """Return a photo of a digit, or of nothing, with the hard edge of a shadow across the paper."""
    y, x = np.mgrid[: len(cover), : len(cover)] / len(cover)
    light = np.where(x + 0.4 * y > 0.75, 0.65, 1.0)[..., None]
    noise = np.random.default_rng(3).normal(0.0, 2.5, (*cover.shape, 3))
    return picture(coloured(cover * (not blank), (225, 220, 212), (50, 50, 60)) * light + noise)


def test_the_edge_of_a_shadow_is_no_ink():
    assert not ink.from_picture(shadowed(strokes(400, 24), blank=True)).any()
    cover = strokes(400, 24)
    found = ink.from_picture(shadowed(cover))
    assert agreement(found, cover) > 0.8
    assert (found > 0.5)[cover == 0.0].mean() < 0.01


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_table_beyond_the_corner_of_the_paper_is_no_ink(turns):
    cover = strokes(400, 20)
    values = coloured(cover, (215, 220, 210), (60, 55, 70))
    values += np.random.default_rng(4).normal(0.0, 2.0, values.shape)
    cv2.fillPoly(values, [np.array([[0, 250], [0, 400], [90, 400]])], (90.0, 70.0, 50.0))
    values, cover = np.rot90(values, turns), np.rot90(cover, turns)
    found = ink.from_picture(picture(values))
    assert agreement(found, cover) > 0.8
    assert (found > 0.5)[cover == 0.0].mean() < 0.005


@pytest.mark.parametrize("seed", range(4))
def test_blotchy_paper_is_blank(seed):
    rng = np.random.default_rng(seed)
    blotches = cv2.resize(rng.normal(0.0, 4.0, (20, 20)), (400, 400), interpolation=cv2.INTER_CUBIC)
    noise = cv2.GaussianBlur(rng.normal(0.0, 4.0, (400, 400, 3)), (0, 0), 0.7)
    photo = picture(205.0 + blotches[..., None] + noise)
    assert not ink.from_picture(Image.open(io.BytesIO(saved(photo, "JPEG", quality=80)))).any()


def test_an_opened_photo_has_the_pixels_of_its_file():
    data = saved(BLACK_ON_WHITE, "JPEG")
    opened = decode.opened(data).image
    np.testing.assert_array_equal(np.asarray(opened), np.asarray(Image.open(io.BytesIO(data))))


def test_a_stroke_that_fades_is_followed_to_its_end() -> None:
    rng = np.random.default_rng(0)
    cover = np.zeros((400, 600), np.float32)
    cover[60:340, 100:112] = 1.0
    cover[60:340, 300:304] = np.linspace(1.0, 0.2, 280)[:, None]
    photo = coloured(cover, (230, 228, 220), (60, 60, 90)) + rng.normal(0, 1, (400, 600, 3))
    found = ink.from_picture(picture(photo))
    assert (found[65:330, 299:305].max(axis=1) > 0.25).all()
    assert not found[:, 400:].any()


def test_the_dots_that_a_ball_leaves_on_rough_paper_are_followed() -> None:
    cover = np.zeros((400, 600), np.float32)
    for y in range(60, 360, 60):
        cv2.line(cover, (60, y), (400, y), 1.0, 3)
    for x in range(400, 440, 5):
        cover[299:302, x + 2 : x + 5] = 0.35
    photo = coloured(cover, (230, 228, 220), (60, 60, 90)) + np.random.default_rng(0).normal(0, 1, (400, 600, 3))
    found = ink.from_picture(picture(photo))
    assert (found[300, 402:440] > 0.2).mean() > 0.5


@given(st.integers(1, 6000), st.integers(1, 6000), st.integers(1, 4000))
@settings(max_examples=20)
def test_within_a_side_keeps_the_shape(width, height, side):
    width, height = min(width, 9_000_000 // height), height
    image = Image.new("L", (width, height))
    made = decode.within(image, side)
    if max(width, height) <= side:
        assert made is image
    else:
        assert max(made.size) == side
        assert made.width / side == pytest.approx(width / max(width, height), abs=0.5 / side + 1 / side)


def test_paper_shows_through_where_nothing_is_drawn():
    cover = (strokes() * 255).astype(np.uint8)
    for pen, ground in ((10, 255), (250, 0)):
        rgba = np.dstack([np.full((120, 120, 3), pen, np.uint8), cover])
        made = ink.on_paper(Image.fromarray(rgba))
        assert made.dtype == np.uint8
        assert (made[cover == 0] == ground).all()
        np.testing.assert_allclose(made[cover == 255], pen, atol=1)
    opaque = picture(np.random.default_rng(9).integers(0, 256, (9, 9, 3)))
    np.testing.assert_array_equal(ink.on_paper(opaque), np.asarray(opaque))
