"""Spoiled pictures, cards, recipes, events, models, addresses, clicks and commands: an answer, or a sentence.

`python -m tests.bench.bad_input` takes a hundred thousand.
"""

import io
import random
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import picturedata
import pytest
from badinput import TARGETS, Target, _picture, _right_sums, spoiled
from PIL import Image

from digitrec import files as files_module
from digitrec import settings
from digitrec.errors import DigitrecError, ModelError, PictureError
from digitrec.imaging import decode, documents
from digitrec.recognition import pipeline
from digitrec.registry import registry
from digitrec.training import events, model_files

PICTURES = 30  # of each format: reading takes some milliseconds
DECODED = 300  # of each format: decoding takes one
OTHERS = 147


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name.replace(" ", "-"))
def test_spoiled_input_is_answered_or_refused_in_a_sentence(target: Target, home: Path) -> None:
    seeds = target.seeds()
    for seed in seeds:
        target.take(seed, home)  # what is whole is taken
    refused = []
    for number in range(PICTURES if target.take is _picture else OTHERS):
        content = spoiled(target, seeds, random.Random(f"test {target.name} {number}"))
        try:
            target.take(content, home)
        except DigitrecError as error:
            refused.append(str(error))
    assert refused or target.name in ANSWERED
    assert all(sentence[0].isupper() and str(home) not in sentence for sentence in refused)


@pytest.mark.parametrize("name", ["png", "jpeg", "webp", "bmp", "gif", "tiff", "heic", "pdf"])
def test_each_page_of_a_spoiled_file_is_decoded_or_refused_in_a_sentence(name: str) -> None:
    target = TARGETS[name]
    seeds, opened, refused = target.seeds(), [], []
    for number in range(DECODED):
        content = spoiled(target, seeds, random.Random(f"decoded {name} {number}"))
        for page in [*range(1, documents.pages(content) + 1)][:3] or [0]:
            try:
                opened.append(documents.opened(content, page))
            except PictureError as error:
                refused.append(str(error))
    assert min(len(opened), len(refused)) > DECODED // 20
    assert {picture.image.mode for picture in opened} <= {"RGB", "RGBA"}
    sentences = {*refused, *(picture.note for picture in opened if picture.note)}
    assert all(re.fullmatch(r"[A-Z][^\n/\\]+\.", sentence) for sentence in sentences), sentences


def test_a_gif_without_any_colours_is_refused_in_a_sentence() -> None:
    """Pillow asserts where others raise an error that is meant to be caught."""
    stream = io.BytesIO()
    made = [Image.new("L", (60, 40), grey) for grey in (255, 0)]
    made[0].save(stream, "GIF", save_all=True, append_images=made[1:])
    data = bytearray(stream.getvalue())
    data[10] &= 0x7F  # no table of colours for all frames, and none of the frames has its own
    with pytest.raises(PictureError, match="damaged"):
        decode.opened(bytes(data))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_whose_camera_notes_are_damaged_is_read(kind: str) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(stream, kind, exif=picturedata.turned())
    assert decode.opened(stream.getvalue()).image.size == (40, 60)
    data = stream.getvalue().replace(picturedata.turned()[6:], b"MM\x00\xda" + bytes(len(picturedata.turned()) - 10))
    assert data != stream.getvalue()
    image, note = decode.opened(data if kind != "PNG" else _right_sums(data))
    assert (image.size, note) == ((60, 40), None)


ANSWERED = {
    "card.json of a run",
    "events.jsonl",
    "status.json",
    "command line",
    "canvas and clicks",
    "insight.npz",
    "an address",
}
"""Of these what is damaged is left out, reported on the page, or by the exit status."""


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _patched(kind: str, before: bytes, after: bytes, skip: int = 0) -> bytes:
    """Return a picture of 52 x 44 with what follows some bytes put in their place."""
    stream = io.BytesIO()
    Image.new("RGB", (52, 44), "white").save(stream, kind)
    data = bytearray(stream.getvalue())
    at = data.index(before) + len(before) + skip
    data[at : at + len(after)] = after
    return bytes(data)


def _bombs() -> dict[str, bytes]:
    """Return small files that say that they are larger than 100 million pixels."""
    width = struct.pack("<I", 40_000)
    entries = {256: 40_000, 257: 40_000, 258: 8, 259: 1, 262: 1, 273: 130, 277: 1, 278: 40_000, 279: 64}
    tags = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items()]
    packed = zlib.compress(bytes(4_000_000))
    side = (16_383 - 1) | (16_383 - 1) << 14
    lossless = b"\x2f" + struct.pack("<I", side) + bytes(64)
    return {
        "png": b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0))
        + _chunk(b"IDAT", packed)
        + _chunk(b"IEND", b""),
        "jpeg": _patched("JPEG", b"\xff\xc0", struct.pack(">HH", 50_000, 50_000), 3),
        "gif": _patched("GIF", b"GIF87a", struct.pack("<HH", 65_535, 65_535)),
        "bmp": _patched("BMP", b"\x28\x00\x00\x00", width * 2),
        "tiff": b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(tags) + bytes(64),
        "webp": b"RIFF" + struct.pack("<I", 20 + len(lossless)) + b"WEBPVP8L" + struct.pack("<I", len(lossless))
        + lossless,
    }  # fmt: skip


OPEN = """
import resource, sys
from pathlib import Path
from digitrec.errors import PictureError
from digitrec.imaging import decode, documents
resource.setrlimit(resource.RLIMIT_DATA, (400 * 2**20,) * 2)
for name in sys.argv[1:]:
    try:
        decode.opened(Path(name).read_bytes())
    except PictureError as error:
        print(Path(name).name, error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")
def test_a_picture_that_says_it_is_huge_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bombs = _bombs()
    for kind, data in bombs.items():
        (tmp_path / kind).write_bytes(data)
    files = [str(tmp_path / kind) for kind in bombs]
    done = subprocess.run([sys.executable, "-c", OPEN, *files], cwd=settings.PROJECT, capture_output=True, check=False)
    lines = done.stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == list(bombs), done.stderr
    assert all("too large" in line and "memory" not in line for line in lines), lines


def test_of_an_animation_one_frame_is_unpacked() -> None:
    frames = [Image.new("P", (600, 600), number % 2) for number in range(300)]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], optimize=False)

    assert decode.opened(stream.getvalue()).image.size == (600, 600)


def test_packed_test_results_that_are_too_many_are_not_unpacked(home: Path, tiny_model: str) -> None:
    file = home / "models" / tiny_model / model_files.TEST
    np.savez_compressed(file, probabilities=np.zeros((4_000_000,), np.float32))
    with pytest.raises(ValueError, match="too large"):
        files_module.read_arrays(file, registry.TEST_BYTES)
    with pytest.raises(ModelError, match="damaged"):
        registry.test_probabilities(file.parent)


def test_pickled_arrays_are_not_read(home: Path) -> None:
    np.savez(home / "a.npz", probabilities=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        files_module.read_arrays(home / "a.npz", 2**20)


def test_a_file_larger_than_any_that_is_written_here_is_not_read(home: Path) -> None:
    with (home / events.EVENTS).open("wb") as file:
        file.truncate(files_module.LARGEST_FILE + 1)  # takes no room on the disk
    assert events.read_events(home) == []
    (home / events.EVENTS).rename(home / model_files.CARD)
    assert files_module.read_json(home / model_files.CARD) is None


def test_only_the_formats_named_are_opened() -> None:

    for kind in ("PPM", "PCX", "ICO", "TGA", "EPS", "DDS", "JPEG2000", "AVIF"):
        stream = io.BytesIO()
        Image.new("RGB", (64, 64), "white").save(stream, kind)
        with pytest.raises(PictureError, match=r"not a picture that can be read|damaged"):
            decode.opened(stream.getvalue())


@pytest.mark.parametrize("shape", [(280, 280), (280, 280, 3), (4000, 4000, 4), (0, 280, 4)])
def test_a_drawing_that_is_none_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PictureError, match="Clear the canvas"):
        pipeline.read_canvas(np.zeros(shape, np.uint8), registry.predictor("mlp-30-10"))


def test_pillow_itself_refuses_what_is_too_large() -> None:
    assert settings.LIMITS["megapixels"].high * 1_000_000 // 2 == Image.MAX_IMAGE_PIXELS
