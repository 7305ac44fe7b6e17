"""Files of several pages, PDF and TIFF: a page is a picture. Any other file is one picture, page 0 of it."""

from digitrec import formats
from digitrec.errors import PictureError
from digitrec.imaging import decode, pdf, tiff
from digitrec.imaging.decode import Opened
from digitrec.settings import MAX_PAGES

MOST_PAGES = MAX_PAGES


def has_pages(data: bytes) -> bool:
    """Return whether a file says that it is of a kind that has pages."""
    return tiff.is_tiff(data) or pdf.is_pdf(data)


def pages(data: bytes) -> int:
    """Return how many pages a file has: 0 where it is one picture, and at least 1 for a PDF or TIFF."""
    if tiff.is_tiff(data):
        return tiff.pages(data)
    return pdf.pages(data) if pdf.is_pdf(data) else 0


def opened(data: bytes, page: int) -> Opened:
    """Decode a page.

    Args:
        data: The file's bytes.
        page: The page, from 1; 0 for a file that is one picture.

    Raises:
        PictureError: If it cannot be decoded, is too large, does not exist, or comes after MOST_PAGES.
    """
    if page > MOST_PAGES:
        raise PictureError(f"Only the first {MOST_PAGES} pages of a file are read. Split the file to read the others.")
    if not page:
        return decode.opened(data)
    if not tiff.is_tiff(data):
        return Opened(pdf.page(data, page))
    count = tiff.pages(data)
    if page > count:
        raise PictureError(f"The TIFF has no page {page}. Received: {formats.plural(count, 'page')}.")
    decode.check_size(data)
    return decode.opened(tiff.page(data, page))
