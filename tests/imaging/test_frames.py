"""Animations: which frame is read, and what its note says."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from digitrec.imaging import decode, frames


def frame(strokes: int, colour: str = "white", mode: str = "RGB") -> Image.Image:
    image = Image.new(mode, (60, 40), colour)
    for stroke in range(strokes):
        ImageDraw.Draw(image).line([(10 + 20 * stroke, 5), (10 + 20 * stroke, 35)], "black", 4)
    return image


def animation(kind: str, *made: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    made[0].save(stream, kind, save_all=True, append_images=made[1:], duration=50, **options)
    return stream.getvalue()


def strokes(image: Image.Image) -> int:
    """Return how many strokes a frame shows."""
    dark = np.asarray(image.convert("RGB").convert("L"))[20] < 100
    return int(np.count_nonzero(np.diff(dark.astype(int)) == 1))


KINDS = pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])


@KINDS
def test_the_first_frame_that_is_not_blank_is_read(kind: str) -> None:
    image, note = decode.opened(animation(kind, frame(0), frame(0, "grey"), frame(2), frame(1)))
    assert (strokes(image), image.size) == (2, (60, 40))
    assert note == "This is an animation: frame 3 of 4 was read, the first that is not blank."


@KINDS
def test_of_frames_with_writing_the_first_is_read(kind: str) -> None:
    image, note = decode.opened(animation(kind, frame(1), frame(2)))
    assert strokes(image) == 1
    assert note == "This is an animation: frame 1 of 2 was read."


@KINDS
def test_where_all_frames_are_blank_it_is_the_first(kind: str) -> None:
    image, note = decode.opened(animation(kind, frame(0), frame(0, "grey")))
    assert image.convert("RGB").getpixel((5, 5)) == (255, 255, 255)
    assert note == "This is an animation: frame 1 of 2 was read."


@KINDS
def test_a_picture_of_one_frame_has_no_note(kind: str) -> None:
    stream = io.BytesIO()
    frame(1).save(stream, kind)
    assert decode.opened(stream.getvalue()).note is None


@KINDS
def test_strokes_on_transparent_paper_are_not_blank(kind: str) -> None:
    clear = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    image, note = decode.opened(animation(kind, clear, frame(1, (0, 0, 0, 0), "RGBA")))
    assert note == "This is an animation: frame 2 of 2 was read, the first that is not blank."
    assert image.getchannel("A").getextrema() == (0, 255)


def test_faint_writing_is_not_blank_and_noise_is() -> None:
    noise = np.random.default_rng(0).integers(240, 250, (40, 60), np.uint8)
    faint = noise.copy()
    faint[10:30, 30] -= 40
    made = [Image.fromarray(each).convert("RGB") for each in (noise, faint)]
    assert "frame 2 of 2" in str(decode.opened(animation("PNG", *made)).note)


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        (0.3, "frame 1 of 2 was read, as frame 2 cannot be read."),
        (0.5, "frame 1 of 2 was read, as frame 2 cannot be read."),
        (0.7, "frame 2 of 3 was read, the first that is not blank."),
        (1.0, "frame 2 of 3 was read, the first that is not blank."),
    ],
)
def test_an_animation_cut_off_after_a_blank_frame_is_read_as_far_as_it_goes(kept: float, sentence: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8))
    data = animation("GIF", frame(0), noise, noise.rotate(90), disposal=2)
    image, note = decode.opened(data[: int(kept * len(data))])
    assert image.size == (60, 40)
    assert note == f"This is an animation: {sentence}"


@pytest.mark.parametrize("more", [1, 4, 9])
def test_an_animation_that_ends_in_the_head_of_a_frame_has_those_before(more: int) -> None:
    data = animation("GIF", frame(0), frame(2), frame(1))
    third = data.rindex(b"!\xf9\x04") + 8
    image, note = decode.opened(data[: third + more])
    assert strokes(image) == 2
    assert note == "This is an animation: frame 2 of 2 was read, the first that is not blank."


@pytest.mark.parametrize("size", [b"\xff\xff\xff\xff", b"\xff\x1f\xff\x1f"])
def test_a_frame_larger_than_its_picture_is_not_decoded(size: bytes) -> None:
    data = bytearray(animation("GIF", frame(0), frame(1)))
    second = data.rindex(b"!\xf9\x04") + 8  # behind what controls the second frame
    data[second + 5 : second + 9] = size
    image, note = decode.opened(bytes(data))
    assert image.size == (60, 40)
    assert note == "This is an animation: frame 1 of 2 was read, as frame 2 cannot be read."


def test_the_search_ends_after_a_number_of_frames_and_of_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [frame(0, f"rgb({level}, 0, 0)") for level in range(250, 244, -1)]
    data = animation("PNG", *made, frame(1))
    assert "frame 7 of 7" in str(decode.opened(data).note)
    monkeypatch.setattr(frames, "MOST", 6)
    assert "frame 1 of 7" in str(decode.opened(data).note)
    monkeypatch.setattr(frames, "MOST", 50)
    monkeypatch.setattr(frames, "MOST_PIXELS", 6 * 60 * 40)
    assert "frame 1 of 7" in str(decode.opened(data).note)


def test_the_small_copies_in_a_jpeg_are_no_animation() -> None:
    stream = io.BytesIO()
    frame(0).save(stream, "MPO", save_all=True, append_images=[frame(1)])
    image, note = decode.opened(stream.getvalue())
    assert (strokes(image), note) == (0, None)
