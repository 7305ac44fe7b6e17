"""TIFF files of several pages: each becomes a file of its own, so that a damaged page leaves the others alone."""

import struct
from typing import NamedTuple

MOST_DIRECTORIES = 1000
"""Directories that are looked at, each of a page or of a small copy of one."""

MOST_ENTRIES = 500
"""Entries of a directory: pictures have some twenty."""

_SUBFILE, _WIDTH, _HEIGHT = 254, 256, 257  # tags
_COPY_OR_MASK = 0b101  # bits of _SUBFILE: a smaller copy of another picture; the transparency of another one


class _Layout(NamedTuple):
    """How a TIFF file writes its numbers.

    Attributes:
        offset: Format of an offset.
        first: Where the offset of the first directory stands.
        number: Format of a directory's number of entries.
        entry: Format of an entry: its tag, type, number of values, and value or offset.
    """

    offset: struct.Struct
    first: int
    number: struct.Struct
    entry: struct.Struct


def _layout(order: str, big: bool) -> _Layout:
    """Return the layout of a TIFF, or of a BigTIFF, whose offsets have 64 bits."""
    offset, number, entry = ("Q", "Q", "HHQ8s") if big else ("I", "H", "HHI4s")
    return _Layout(
        struct.Struct(order + offset), 8 if big else 4, struct.Struct(order + number), struct.Struct(order + entry)
    )


_LAYOUTS = {
    b"II*\0": _layout("<", False),
    b"MM\0*": _layout(">", False),
    b"II+\0": _layout("<", True),
    b"MM\0+": _layout(">", True),
}
"""By a file's first four bytes."""


def is_tiff(data: bytes) -> bool:
    """Return whether a file says that it is a TIFF."""
    return data[:4] in _LAYOUTS


def pages(data: bytes) -> int:
    """Return how many pages a TIFF has, at least 1; smaller copies and masks of a page are none."""
    return len(_pages(data))


def page(data: bytes, number: int) -> bytes:
    """Return a TIFF whose first page is this one.

    Args:
        data: The file's bytes.
        number: The page, from 1.

    Raises:
        IndexError: If there is no such page.
    """
    layout, offset = _LAYOUTS[data[:4]], _pages(data)[number - 1]
    return data[: layout.first] + layout.offset.pack(offset) + data[layout.first + layout.offset.size :]


def _pages(data: bytes) -> list[int]:
    """Return the offsets of the directories of pages; of the first one where none is a page, for Pillow to look at."""
    layout = _LAYOUTS[data[:4]]
    found: dict[int, bool] = {}
    offset, first = layout.first, 0
    try:
        (offset,) = layout.offset.unpack_from(data, layout.first)
        first = offset
        while 0 < offset < len(data) and offset not in found and len(found) < MOST_DIRECTORIES:
            found[offset], offset = _directory(data, layout, offset)
    except struct.error:  # the file ends
        pass
    return [offset for offset, is_page in found.items() if is_page] or [first]


def _directory(data: bytes, layout: _Layout, offset: int) -> tuple[bool, int]:
    """Return whether a directory is that of a page, and the offset of the next one, 0 where there is none.

    Raises:
        struct.error: If the file ends in it.
    """
    (count,) = layout.number.unpack_from(data, offset)
    if count > MOST_ENTRIES:
        return False, 0
    start, size = offset + layout.number.size, layout.entry.size
    entries = [layout.entry.unpack_from(data, start + place * size) for place in range(count)]
    tags = {tag: value for tag, _, _, value in entries}
    (following,) = layout.offset.unpack_from(data, start + count * size)
    kind = tags.get(_SUBFILE, b"")
    is_copy = any(byte & _COPY_OR_MASK for byte in kind[:4])
    return {_WIDTH, _HEIGHT} <= tags.keys() and not is_copy, int(following)
