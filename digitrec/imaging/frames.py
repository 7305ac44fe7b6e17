"""Animations: the first frame that is not blank is read."""

import numpy as np
from PIL import Image, ImageFile

from digitrec.imaging.damage import ERRORS

FORMATS = ("GIF", "WEBP", "PNG")
"""Formats whose frames are an animation. A JPEG's further frames are small copies or depth, a TIFF's are pages."""

MOST = 50
"""Frames that are looked at."""

MOST_PIXELS = 60_000_000
"""Pixels of all the frames that are looked at together: a large animation is given up sooner."""

BLANK = 16
"""Levels of 256 by which the pixels of a blank frame differ at most: the noise of lossy WebP, less than faint ink."""


def count(image: ImageFile.ImageFile) -> int:
    """Return how many frames an animation has, 1 for a picture; those before the first damaged one count."""
    if image.format not in FORMATS:
        return 1
    try:
        return int(getattr(image, "n_frames", 1))
    except ERRORS:
        frames = image.tell() + 1
        image.seek(0)
        return frames


def first_written(image: ImageFile.ImageFile) -> tuple[Image.Image, str]:
    """Return the first frame of an animation that is not blank, decoded, and a sentence that says which it is.

    Args:
        image: An animation that was opened and shows its first frame.

    Returns:
        The first frame where all that are looked at are blank, or damaged.
    """
    frames, size = count(image), image.size
    image.load()
    note = f"This is an animation: frame 1 of {frames} was read"
    if not _is_blank(image):
        return image, f"{note}."
    first = image.copy()
    for number in range(2, min(frames, MOST, MOST_PIXELS // (size[0] * size[1])) + 1):
        try:
            image.seek(number - 1)
            if image.size != size:  # a GIF may grow beyond the size that was checked
                raise ValueError(image.size)
            image.load()
        except (*ERRORS, Image.DecompressionBombError):
            return first, f"{note}, as frame {number} cannot be read."
        if not _is_blank(image):
            return image, f"This is an animation: frame {number} of {frames} was read, the first that is not blank."
    return first, f"{note}."


def _is_blank(image: Image.Image) -> bool:
    """Return whether all pixels look alike; what is transparent looks like nothing, whatever its colour."""
    if image.mode.startswith(("I", "F")):
        return False  # of 16 bits, which no animation has in practice
    plain = image.convert("RGBA").convert("RGBa") if image.has_transparency_data else image.convert("RGB")
    return all(high - low <= BLANK for low, high in np.asarray(plain.getextrema()))
