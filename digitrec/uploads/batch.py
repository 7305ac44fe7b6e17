"""A batch of pictures: sorted, read one by one, corrected, kept small, exported as CSV, JSON and text."""

import contextlib
import dataclasses
import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.errors import PictureError
from digitrec.imaging import documents, rotation, thumbnails
from digitrec.recognition import by_hand, pipeline, results
from digitrec.recognition.normalize import Box
from digitrec.recognition.results import Digit, Reading, Step
from digitrec.uploads import corrections as edits
from digitrec.uploads.corrections import Annotations
from digitrec.uploads.names import natural

KEPT_BYTES = 20 * 2**20
"""Bytes of files that a batch keeps; the readings of the others stay, their steps cannot be shown again."""

DIGIT_BYTES = 5_000
"""About what a digit takes: its glyph, its crop and each model's answer."""

THUMBNAIL_SIDE = 120
COPY_SIDE = 1600  # longest side of the copy that is shown with boxes; room to zoom into small digits
STEP_SIDE = 264  # pixels; twice what a page gives a step, for sharp screens

GONE = "This file is no longer on the server. Choose it again to"

Outcome = Reading | PictureError
"""What was read in a picture, or why it could not be read."""


class NamedReader(pipeline.Reader, Protocol):
    """What a batch needs of a model: `classifier.Predictor` is one."""

    name: str


class File(NamedTuple):
    """A file as it was chosen: its name, what the page knows it by, its bytes."""

    name: str
    source: str
    data: bytes


class Picture(NamedTuple):
    """A picture of a batch: a file, or a page of one.

    Attributes:
        name: The file's name as it came, and the page.
        source: What the page knows the file by.
        key: SHA-256 of its bytes, so that the same file is read once; of a page with its number before it.
        page: The page of a PDF or TIFF, from 1; 0 for any other file.
    """

    name: str
    source: str
    key: str
    page: int = 0


class Found(NamedTuple):
    """What is found in a picture when it is read for the first time.

    Attributes:
        thumbnail: A small copy as a data URI.
        annotations: Its candidates, which no model has read yet.
    """

    thumbnail: str
    annotations: Annotations


class Closeup(NamedTuple):
    """What is shown of one picture.

    Attributes:
        picture: A small upright copy as a data URI.
        size: Its width and height.
        steps: The picture and its ink, at most STEP_SIDE pixels.
    """

    picture: str
    size: tuple[int, int]
    steps: tuple[Step, ...]


class Batch:
    """Pictures in natural order of their names, and what each model reads in them.

    It keeps glyphs, crops and answers, a thumbnail a picture and at most KEPT_BYTES of files.

    Attributes:
        pictures: The pictures chosen.
        thumbnails: By a picture's key, a small copy as a data URI.
    """

    def __init__(self, call: Callable[..., Any] = lambda function, *args: function(*args)) -> None:
        """Begin without pictures.

        Args:
            call: What calls a function that decodes a file; `isolation.call` does it in another process.
        """
        self.call = call
        self.pictures: list[Picture] = []
        self.left_out = 0  # pictures beyond those that are read at once
        self.thumbnails: dict[str, str] = {}
        self._kept: dict[str, bytes] = {}
        self._annotations: dict[tuple[str, bool], Annotations | PictureError] = {}

    def replace(self, files: Iterable[File], most: int | None = None) -> None:
        """Take these files in place of those before; what was read and corrected in files among both stays."""
        self.pictures, self._kept = [], {}
        self.add(files, most)

    def add(self, files: Iterable[File], most: int | None = None) -> None:
        """Take these files beside those before; one that is here already by name and content is the same picture.

        Args:
            files: In any order; they are read in that of their names.
            most: Pictures that there are at once; of the new ones those beyond are left out and counted.
        """
        new, room = list[Picture](), KEPT_BYTES - sum(map(len, self._kept.values()))
        for file in sorted(files, key=lambda file: natural(file.name)):
            sha = hashlib.sha256(file.data).hexdigest()
            new += self._pictures(file, sha)
            if sha not in self._kept and len(file.data) <= room:
                self._kept[sha] = file.data
                room -= len(file.data)
        again = {(picture.name, picture.key) for picture in new}
        whole = [picture for picture in self.pictures if (picture.name, picture.key) not in again] + new
        self.left_out = len(whole[most:]) if most is not None else 0
        self.pictures = sorted(whole[:most], key=lambda picture: natural(picture.name))
        self._forget()

    def remove(self, pictures: Collection[Picture]) -> None:
        """Remove pictures, with all that was read and corrected in them."""
        self.pictures = [picture for picture in self.pictures if picture not in pictures]
        self.left_out = 0
        self._forget()

    def _forget(self) -> None:
        """Drop what belongs to no picture any more."""
        keys = {picture.key for picture in self.pictures}
        shas = {key.rpartition("-")[2] for key in keys}
        self._kept = {sha: data for sha, data in self._kept.items() if sha in shas}
        self.thumbnails = {key: uri for key, uri in self.thumbnails.items() if key in keys}
        self._annotations = {key: annotations for key, annotations in self._annotations.items() if key[0] in keys}

    def data(self, picture: Picture) -> bytes | None:
        """Return the file's bytes, or None where they are no longer kept."""
        return self._kept.get(picture.key.rpartition("-")[2])

    def weight(self) -> int:
        """Return about how many bytes of memory it takes."""
        digits = sum(len(found.entries) for found in self._annotations.values() if isinstance(found, Annotations))
        kept = (*self._kept.values(), *self.thumbnails.values())
        return sum(map(len, kept)) + DIGIT_BYTES * digits

    def is_read(self, picture: Picture, single: bool) -> bool:
        """Return whether a model has read it already, so that another one is quick."""
        return (picture.key, single) in self._annotations

    def outcome(
        self,
        picture: Picture,
        single: bool,
        reader: NamedReader,
        data: bytes | None = None,
        finder: pipeline.Reader | None = None,
    ) -> Outcome:
        """Return what a model reads in a picture, with a person's corrections; from memory where it can.

        Args:
            picture: One of the batch.
            single: Whether it is known to hold exactly one digit.
            reader: The model.
            data: The file's bytes, where the page has them; otherwise those kept are used.
            finder: The model that finds the digits for all; the first that reads unless given.
        """
        found = self._annotations.get((picture.key, single))
        if found is None:
            data = self.data(picture) if data is None else data
            if data is None:
                return PictureError(f"{GONE} read it with these settings.")
            found = self._first(picture, data, single, finder or reader)
        if isinstance(found, Annotations):
            found = edits.answered(found, reader.name, reader)
        self._annotations[picture.key, single] = found
        return edits.reading(found, reader.name) if isinstance(found, Annotations) else found

    def annotations(self, picture: Picture, single: bool) -> Annotations:
        """Return the annotations of a picture that was read.

        Raises:
            PictureError: If it was not, or could not be.
        """
        found = self._annotations.get((picture.key, single))
        if isinstance(found, Annotations):
            return found
        raise PictureError(str(found or f"{GONE} read it with these settings."))

    def change(self, picture: Picture, single: bool, change: Callable[[Annotations], Annotations]) -> Annotations:
        """Put a picture's annotations right and return the new ones; see `corrections`.

        Raises:
            PictureError: If it was not read, or the change is none that can be made.
        """
        changed = self._annotations[picture.key, single] = change(self.annotations(picture, single))
        return changed

    def turn(self, picture: Picture, single: bool, finder: pipeline.Reader, data: bytes | None = None) -> Annotations:
        """Rotate a picture by 90 degrees clockwise and find its digits again; it can be undone.

        Raises:
            PictureError: If its file is no longer here.
        """
        data = self._present(picture, data, "rotate it")

        def turned(annotations: Annotations) -> Annotations:
            angle = round((annotations.angle + 270.0) % 360.0, 1)  # rounded, so that four turns lead back
            found: Found = self.call(first, data, picture.page, single, finder, angle)
            return edits.after(found.annotations, annotations)

        return self.change(picture, single, turned)

    def boxed(self, picture: Picture, angle: float, box: Box, data: bytes | None = None) -> Digit:
        """Return the digit in a box that a person drew; see `by_hand.digit`.

        Args:
            picture: One of the batch.
            angle: Degrees counter-clockwise by which it is rotated to be upright.
            box: In pixels of the upright picture.
            data: The file's bytes, where the page has them; otherwise those kept are used.

        Raises:
            PictureError: If its file is not here, or no ink is in the box.
        """
        found: Digit = self.call(boxed, self._present(picture, data, "change its boxes"), picture.page, angle, box)
        return found

    def parts(
        self, picture: Picture, angle: float, box: Box, finder: pipeline.Reader, data: bytes | None = None
    ) -> list[Digit]:
        """Return the digits that touch in a box; see `boxed` and `by_hand.parts`."""
        data = self._present(picture, data, "change its boxes")
        found: list[Digit] = self.call(parts, data, picture.page, angle, box, finder)
        return found

    def _present(self, picture: Picture, data: bytes | None, action: str) -> bytes:
        """Return the file's bytes.

        Raises:
            PictureError: If they are not here.
        """
        data = self.data(picture) if data is None else data
        if data is None:
            raise PictureError(f"{GONE} {action}.")
        return data

    def _first(
        self, picture: Picture, data: bytes, single: bool, finder: pipeline.Reader
    ) -> Annotations | PictureError:
        try:
            found: Found = self.call(first, data, picture.page, single, finder)
        except PictureError as error:
            return PictureError(str(error))  # the one raised holds on to the picture through its traceback
        self.thumbnails[picture.key] = found.thumbnail
        return found.annotations

    def _pictures(self, file: File, sha: str) -> list[Picture]:
        """Return the pictures in a file: itself, or its pages."""
        if not documents.has_pages(file.data):
            return [Picture(file.name, file.source, sha)]
        count, most = 1, documents.MOST_PAGES
        with contextlib.suppress(PictureError):  # reading its first page will tell
            count = self.call(documents.pages, file.data)
        named = [f"{file.name}, page {page}" for page in range(1, min(count, most) + 1)]
        if count > most:
            named.append(f"{file.name}, pages {most + 1} to {count}")
        named = named if count > 1 else [file.name]
        return [Picture(name, file.source, f"{page}-{sha}", page) for page, name in enumerate(named, 1)]


def first(data: bytes, page: int, single: bool, finder: pipeline.Reader, angle: float | None = None) -> Found:
    """Decode a picture and find its digits.

    Args:
        data: The file's bytes.
        page: The page, from 1; 0 for a file that is one picture.
        single: Whether it is known to hold exactly one digit.
        finder: The model that finds them.
        angle: Degrees counter-clockwise by which it is rotated to be upright; found from the digits unless given.

    Raises:
        PictureError: If it cannot be read.
    """
    image, note = documents.opened(data, page)
    found = noted(pipeline.read(image, finder, single, angle=angle), note)
    return Found(_thumbnail(image), edits.of(found))


def noted(reading: Reading, note: str | None) -> Reading:
    """Return a reading whose notice begins with what there is to know of its file."""
    notice = " ".join(filter(None, (note, reading.notice)))
    return dataclasses.replace(reading, notice=notice or None)


def boxed(data: bytes, page: int, angle: float, box: Box) -> Digit:
    """Decode a picture again and return the digit in a box; see `closeup` and `by_hand.digit`."""
    return by_hand.digit(documents.opened(data, page).image, angle, box)


def parts(data: bytes, page: int, angle: float, box: Box, finder: pipeline.Reader) -> list[Digit]:
    """Decode a picture again and return the digits that touch in a box; see `closeup` and `by_hand.parts`."""
    return by_hand.parts(documents.opened(data, page).image, angle, box, finder)


def whole(data: bytes, page: int, angle: float) -> Reading:
    """Return a picture and its ink as a reading whose digits were not looked for; see `closeup`."""
    found = pipeline.unread(documents.opened(data, page).image, angle)
    _ = found.ink  # looked for here, not in the web process
    return found


def closeup(data: bytes, page: int, angle: float) -> Closeup:
    """Decode a picture again, to show it with its steps.

    Args:
        data: The file's bytes.
        page: The page, from 1; 0 for a file that is one picture.
        angle: Degrees counter-clockwise by which it is rotated to be upright.

    Raises:
        PictureError: If it cannot be read.
    """
    image = documents.opened(data, page).image
    steps = _small(pipeline.unread(image, angle).steps)
    copy = rotation.rotated(_copy(image), angle)
    return Closeup(thumbnails.jpeg_uri(copy, quality=85), copy.size, steps)


def on_copy(digits: Sequence[Digit], size: tuple[int, int], copy: tuple[int, int]) -> list[Digit]:
    """Return the digits with their boxes in pixels of a copy.

    Args:
        digits: With boxes in pixels of the picture.
        size: Width and height of the picture.
        copy: Width and height of the copy.
    """
    return [dataclasses.replace(digit, box=results.scaled(digit.box, size, copy)) for digit in digits]


def _copy(image: Image.Image) -> Image.Image:
    """Return a copy of at most COPY_SIDE; a tiny picture is enlarged, each of its pixels to a square."""
    factor = 320 // max(image.size)
    if factor > 1:
        return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    return _within(image, COPY_SIDE)


def _thumbnail(image: Image.Image) -> str:
    """Return a small copy, on white where it is transparent, as a data URI."""
    return thumbnails.jpeg_uri(_within(image, THUMBNAIL_SIDE), quality=80)


def _within(image: Image.Image, side: int) -> Image.Image:
    """Return `image` with its longest side at most `side`."""
    scale = side / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, reducing_gap=2.0)


def _small(steps: Iterable[Step]) -> tuple[Step, ...]:
    return tuple(dataclasses.replace(step, image=_reduced(step.image)) for step in steps)


def _reduced(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (H, W) with its longest side at most STEP_SIDE."""
    scale = STEP_SIDE / max(image.shape)
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
