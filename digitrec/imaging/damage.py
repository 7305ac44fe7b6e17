"""Damaged PNG and JPEG files, read as far as they go, as browsers show them.

What is missing is found by decoding a file twice, each time with something else in place of what is missing: where the
two pictures differ, nothing was decoded. So Pillow's `LOAD_TRUNCATED_IMAGES`, which belongs to the whole process, stays
off.
"""

import io
import re
import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, PngImagePlugin

ERRORS = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    LookupError,
    EOFError,
    RuntimeError,
    struct.error,
    AssertionError,
)
"""What Pillow and its plugins raise for damaged files."""

ENOUGH = 0.9
"""Share of a picture's rows that must be there; of less, too much could be missing unseen."""

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_END = b"\xff\xd9"  # of a JPEG
_NOISE = bytes(37 * number % 251 for number in range(64))  # what follows in place of the rest; no 255, no marker
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # those of restarts stand within a scan
_SCAN = 0xDA
_COARSEST = 1  # bits that frequencies may lack; most files end with the scan that brings the last one
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

BAND = 64  # rows that are compared at a time


def rescued(data: bytes) -> tuple[Image.Image, str] | None:
    """Return what a damaged file still holds.

    Args:
        data: A file that Pillow refused to decode, of a size that was checked.

    Returns:
        The picture in the file's own mode, without the rows missing at its bottom, and a sentence that says so; None
        where the file is neither PNG nor JPEG or less than ENOUGH of it is there.
    """
    try:
        if data.startswith(_PNG):
            image, whole = _png(data), data.rstrip(b"\0")[-8:-4] == b"IEND"
        elif data.startswith(_JPEG):
            image, whole = _jpeg(data), data.endswith(_END)
        else:
            return None
    except ERRORS:
        return None
    if image is None:
        return None
    return image, f"The file is {'damaged' if whole else 'cut off'}; what is there was read."


def _png(data: bytes) -> Image.Image | None:
    """Return the rows of a PNG that were decoded; a row that is missing among them is copied from the one above."""
    first, second = (_decoded_over(data, value) for value in (0, 255))
    width, height = first.size
    tops = range(0, height, BAND)
    missing = np.concatenate([_differs(first, second, top, BAND).any(axis=1) for top in tops])
    if np.count_nonzero(~missing) < ENOUGH * height:
        return None
    bottom = int(np.flatnonzero(~missing)[-1]) + 1
    for row in np.flatnonzero(missing[:bottom]).tolist():  # of an interlaced one
        first.paste(first.crop((0, row - 1, width, row)), (0, row))
    return first.crop((0, 0, width, bottom)) if bottom < height else first


def _decoded_over(data: bytes, value: int) -> Image.Image:
    """Return a PNG's pixels as far as they can be decoded, with this value where they cannot."""
    image = PngImagePlugin.PngImageFile(io.BytesIO(data))
    bands = len(image.getbands())
    image.im = Image.new(image.mode, image.size, (value,) * bands if bands > 1 else value).im
    try:
        image.load()
    except ERRORS:
        image.tile = []  # what was decoded stays
    return image


def _jpeg(data: bytes) -> Image.Image | None:
    """Return the rows of a JPEG that were decoded, the last ones filled up from above."""
    segments = _segments(data)
    body = data.removesuffix(b"\xff") if segments[-1].end <= len(data) else data[: segments[-1].start]
    first, second = (_decoded_jpeg(body + rest + _END) for rest in (b"", _NOISE))
    if sum(segment.kind == _SCAN for segment in segments) > 1:
        return first if _has_all_frequencies(segments) else None
    sampling = [(across, down) for _, across, down, _ in first.layer]
    across, down = (8 * max(each) if len(sampling) > 1 else 8 for each in zip(*sampling, strict=True))
    height = first.height
    for top in range(0, height, down):
        blocks = _blocks(_differs(first, second, top, down), across)
        if blocks.any():
            return _filled(first, across * int(np.argmax(blocks)), top, min(height, top + down))
    return first


def _decoded_jpeg(data: bytes) -> JpegImagePlugin.JpegImageFile:
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    image.load()
    return image


def _blocks(differs: NDArray[np.bool_], across: int) -> NDArray[np.bool_]:
    """Return of a row of blocks, (H, W), which differ; at its edge a block also shows its neighbour's colour."""
    padded = np.pad(differs, ((0, 0), (0, -differs.shape[1] % across)), mode="edge")
    return np.asarray(padded.reshape(len(padded), -1, across).mean(axis=(0, 2)) > 0.5)


def _filled(image: Image.Image, left: int, top: int, bottom: int) -> Image.Image | None:
    """Return a picture that was decoded down to `bottom`, but from `left` on only down to `top`.

    What is missing gets the colours of the pixels above it, for the grey that stands there would look like ink.
    """
    width, height = image.size
    bottom = bottom if left else top
    if bottom < ENOUGH * height:
        return None
    if left:
        edge = (left, top - 1, width, top) if top else (left - 1, top, left, bottom)
        image.paste(image.crop(edge).resize((width - left, bottom - top)), (left, top))
    return image.crop((0, 0, width, bottom)) if bottom < height else image


def _has_all_frequencies(segments: list["_Segment"]) -> bool:
    """Return whether the scans of a JPEG that have ended hold all frequencies of its first component, its brightness.

    A progressive JPEG adds detail with each scan: coarse at first, and with each later scan to one more bit.
    """
    found: set[int] = set()
    brightness = b""
    for segment in segments[:-1]:  # after the last one nothing says that it has ended
        content = segment.content
        if segment.kind in _FRAMES:
            brightness = content[6:7]
        elif segment.kind == _SCAN:
            last = 1 + 2 * content[0]
            if brightness in content[1:last:2] and content[last + 2] & 15 <= _COARSEST:
                found.update(range(content[last], content[last + 1] + 1))
    return found.issuperset(range(64))


class _Segment(NamedTuple):
    """A segment of a JPEG: the number of its marker, where that stands, where the segment ends, and its content."""

    kind: int
    start: int
    end: int
    content: bytes


def _segments(data: bytes) -> list[_Segment]:
    found: list[_Segment] = []
    at = len(_JPEG)
    while marker := _MARKER.search(data, at):
        size = marker.end()
        at = size + max(2, int.from_bytes(data[size : size + 2]))
        found.append(_Segment(data[size - 1], marker.start(), at, data[size + 2 : at]))
    return found


def _differs(first: Image.Image, second: Image.Image, top: int, rows: int) -> NDArray[np.bool_]:
    """Return (rows, W): where two pictures of one size differ, below `top`."""
    box = (0, top, first.width, min(first.height, top + rows))
    differs = np.asarray(first.crop(box)) != np.asarray(second.crop(box))
    return np.asarray(differs.any(axis=2) if differs.ndim == 3 else differs)
