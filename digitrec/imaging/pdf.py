"""PDF files: a page is a picture, with what was typed into its form."""

import contextlib
import logging
import threading
from typing import TYPE_CHECKING

from PIL import Image

from digitrec import formats
from digitrec.errors import PictureError
from digitrec.imaging.decode import check_size

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

POINTS = 72
"""A PDF's units an inch."""

RESOLUTION = 200
"""Pixels an inch that a page is drawn at, as a scanner does: an A4 page has 3.9 million."""

MOST_PIXELS = 12_000_000
"""Pixels that a page is drawn with at most: a larger one is drawn more coarsely."""

_drawing = threading.Lock()  # PDFium is not safe between threads


def is_pdf(data: bytes) -> bool:
    """Return whether a file says that it is a PDF; some have a few bytes before."""
    return b"%PDF-" in data[:1024]


def pages(data: bytes) -> int:
    """Return how many pages a PDF has; 1 where it cannot be opened, so that `page` says why."""
    try:
        with _drawing, _opened(data) as document:
            return max(1, len(document))
    except PictureError:
        return 1


def page(data: bytes, number: int) -> Image.Image:
    """Draw a page.

    Args:
        data: The file's bytes.
        number: The page, from 1.

    Returns:
        RGB, 8 bit, at RESOLUTION but of at most about MOST_PIXELS.

    Raises:
        PictureError: If the file is too large, damaged or locked with a password, or has no such page.
    """
    check_size(data)
    with _drawing, _opened(data) as document:
        return _drawn(document, number)


def _drawn(document: "PdfDocument", number: int) -> Image.Image:
    """Return a page of an open document as a picture.

    Raises:
        PictureError: If there is none, or it cannot be drawn.
    """
    from pypdfium2 import PdfiumError

    if number > len(document):
        raise PictureError(f"The PDF has no page {number}. Received: {formats.plural(len(document), 'page')}.")
    try:
        found = document[number - 1]
        width, height = found.get_size()
        if min(width, height) < 1 or max(width, height) > 20_000:
            raise PictureError(f"The page has no size that can be drawn. Received: {width:.0f} x {height:.0f} points.")
        scale = min(RESOLUTION / POINTS, (MOST_PIXELS / (width * height)) ** 0.5)
        image: Image.Image = found.render(scale=scale).to_pil()
        return image.convert("RGB")
    except PdfiumError as error:
        raise PictureError(f"Page {number} of the PDF is damaged. Save or scan it again.") from error


def _opened(data: bytes) -> "PdfDocument":
    """Open a PDF, with its form where it has one.

    Raises:
        PictureError: If it is damaged, or locked with a password.
    """
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        document = PdfDocument(data)
    except PdfiumError as error:
        if "password" in str(error).lower():
            raise PictureError("The PDF is locked with a password. Save it without one, or take a photo.") from error
        raise PictureError(
            f"The PDF is damaged or cut short. Save or scan it again. Received: {len(data):,} bytes."
        ) from error
    logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # it warns of each form in XFA, which it draws without
    with contextlib.suppress(PdfiumError):  # a damaged form: the page is drawn without it
        document.init_forms()  # before any page is asked for
    return document
