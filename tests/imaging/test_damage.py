"""PNG and JPEG files that are cut off: read as far as they go, refused where much is missing."""

import io
import threading

import numpy as np
import picturedata
import pytest
from PIL import Image, ImageDraw, ImageFile

from digitrec.errors import PictureError
from digitrec.imaging import damage, decode

CUT_OFF = "The file is cut off; what is there was read."


def photo(size: tuple[int, int] = (400, 240)) -> Image.Image:
    """Return strokes on noisy paper, down to its bottom edge."""
    width, height = size
    image = Image.new("RGB", size, (230, 228, 220))
    for left in range(20, width, 60):
        ImageDraw.Draw(image).line([(left, 10), (left + 10, height)], (40, 40, 70), 6)
    noise = np.random.default_rng(0).normal(0, 3, (height, width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def saved(kind: str, mode: str = "RGB", size: tuple[int, int] = (400, 240), **options: object) -> bytes:
    stream = io.BytesIO()
    photo(size).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


def grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L")).astype(int)


JPEGS = {
    "grey": {"mode": "L"},
    "colour": {},
    "full colour": {"subsampling": 0},
    "wide blocks": {"subsampling": 1},
    "print": {"mode": "CMYK"},
    "restarts": {"restart_marker_rows": 1},
    "fine": {"quality": 95},
    "small": {"size": (72, 48)},
    "tiny": {"size": (28, 28), "mode": "L"},
    "progressive": {"progressive": True},
    "progressive print": {"progressive": True, "mode": "CMYK"},
}


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS.keys())
@pytest.mark.parametrize("cut", [1, 2, 4, 7])
def test_a_jpeg_without_its_last_bytes_is_read_whole(options: dict, cut: int) -> None:
    data = saved("JPEG", **options)
    whole = grey(decode.opened(data).image)
    image, note = decode.opened(data[:-cut])
    assert grey(image).shape == whole.shape
    assert note == CUT_OFF or np.array_equal(grey(image), whole)  # where only the end mark is missing, it may be whole
    changed = np.abs(grey(image) - whole) > 30
    assert changed.mean() < 0.05  # the last blocks, or traces of what the last scan adds
    last_blocks = 16 * max(whole.shape) if "progressive" not in options else whole.size
    assert np.count_nonzero(changed) <= last_blocks


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("rows", [1.0, 0.93, 0.8, 0.3])
def test_of_a_jpeg_the_rows_that_are_there_are_read_or_it_is_refused(mode: str, rows: float) -> None:
    data = saved("JPEG", mode, (400, 1600), quality=90)
    start = data.index(b"\xff\xda")
    cut = data[: start + int(rows * (len(data) - start)) - 4]  # its rows take about the same number of bytes each
    if rows < damage.ENOUGH:
        with pytest.raises(PictureError, match="damaged or cut short"):
            decode.opened(cut)
        return
    whole = grey(decode.opened(data).image)
    image, note = decode.opened(cut)
    assert note == CUT_OFF
    found = grey(image)
    assert rows * 1600 - 40 < len(found) <= min(1600, rows * 1600 + 40)
    assert np.array_equal(found[:-17], whole[: len(found) - 17])
    assert (np.abs(found - 128) < 2).mean(axis=1).max() < 0.2  # none of the grey that stands for what is missing


def test_a_jpeg_of_grey_is_not_taken_for_a_missing_one() -> None:
    """Blocks of mid-grey look like blocks that are missing, where one looks at nothing else."""
    image = Image.new("RGB", (200, 200), (128, 128, 128))
    ImageDraw.Draw(image).line([(100, 20), (100, 60)], "white", 9)
    stream = io.BytesIO()
    image.save(stream, "JPEG")
    found, note = decode.opened(stream.getvalue()[:-4])
    assert (found.size, note) == ((200, 200), CUT_OFF)


def test_a_progressive_jpeg_of_which_only_the_coarse_is_there_is_refused() -> None:
    data = saved("JPEG", progressive=True)
    scans = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    assert len(scans) == 10
    for last in scans[:6]:
        with pytest.raises(PictureError, match="damaged or cut short"):
            decode.opened(data[: last + 60])
    whole = grey(decode.opened(data).image)
    for last in scans[6:]:
        image, note = decode.opened(data[: last + 60])
        assert note == CUT_OFF
        assert np.abs(grey(image) - whole).mean() < 8
        assert decode.opened(data[: last + 3]).image.size == image.size  # cut within the head of a scan


def png(mode: str, rows: float) -> bytes:
    """Return a PNG that ends within this share of its packed pixels."""
    data = saved("PNG", mode)
    start = data.index(b"IDAT") + 4
    size = len(data) - 16 - start  # but for the checksums
    return data[: start + int(rows * size) - (20 if rows == 1.0 else 0)]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_of_a_png_the_rows_that_are_there_are_read_or_it_is_refused(mode: str) -> None:
    whole = grey(decode.opened(saved("PNG", mode)).image)
    for rows in (1.0, 0.95, 0.93):
        image, note = decode.opened(png(mode, rows))
        assert note == CUT_OFF
        found = grey(image)
        assert rows * 240 - 12 < len(found) < 240
        assert np.array_equal(found, whole[: len(found)])
    for rows in (0.85, 0.5, 0.01):
        with pytest.raises(PictureError, match="damaged or cut short"):
            decode.opened(png(mode, rows))


def test_a_png_of_16_bits_is_read_as_far_as_it_goes() -> None:
    stream = io.BytesIO()
    Image.fromarray((grey(photo()) * 257).astype(np.uint16)).save(stream, "PNG")
    data = stream.getvalue()
    image, note = decode.opened(data[: int(0.96 * len(data))])
    assert note == CUT_OFF
    assert np.array_equal(grey(image), grey(photo())[: image.height])


def test_of_a_png_whose_end_mark_alone_is_missing_nothing_is_missing() -> None:
    image, note = decode.opened(saved("PNG")[:-12])
    assert (image.size, note) == ((400, 240), None)


def test_missing_rows_of_an_interlaced_png_are_copied_from_those_above() -> None:
    data = picturedata.interlaced()
    whole = grey(decode.opened(data).image)
    assert np.array_equal(whole, grey(picturedata.paper()))
    image, note = decode.opened(data[: len(data) - 16 - 8])
    assert note == CUT_OFF
    found = grey(image)
    different = np.flatnonzero((found != whole[: len(found)]).any(axis=1))
    assert len(found) >= 46
    assert (different % 2 == 1).all()  # the last pass brings every second row
    assert all(np.array_equal(found[row], whole[row - 1]) for row in different)


def test_a_png_that_breaks_near_its_end_is_called_damaged() -> None:
    data = saved("PNG", "L", (400, 2400))
    at = len(data) - 16 - int(0.04 * len(data))
    broken = data[:at] + bytes(64) + data[at + 64 :]
    found = decode.opened(broken)
    assert found.note == "The file is damaged; what is there was read."
    assert 0.9 * 2400 < found.image.height < 2400


def test_a_cut_picture_is_turned_as_its_camera_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("JPEG", "PNG"):
        image, note = decode.opened(saved(kind, exif=exif)[:-30])
        assert note == CUT_OFF
        assert image.height == 400
        assert image.width in range(216, 241)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "WEBP"])
def test_other_formats_are_refused_where_they_are_cut(kind: str) -> None:
    with pytest.raises(PictureError, match="damaged or cut short"):
        decode.opened(saved(kind)[:-400])
    assert damage.rescued(saved(kind)[:-400]) is None


def test_nothing_is_left_switched_on_for_other_threads() -> None:
    """Pillow can be set to accept cut files, for the whole process: this is looked at while cut files are read."""
    cut, seen, done = saved("JPEG")[:-4], set(), threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(ImageFile.LOAD_TRUNCATED_IMAGES)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(5):
            assert decode.opened(cut).note == CUT_OFF
    finally:
        done.set()
        looking.join()
    assert seen == {False}
