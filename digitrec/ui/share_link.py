"""A page's address: the choices in it, validated, and a glyph encoded in a few hundred letters."""

import base64
import binascii
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitrec.training.recipe import TEST_DIGITS

PIXELS = 28 * 28
LONGEST = 2_000  # letters; a glyph takes 200 to 500


@dataclass(frozen=True, eq=False)
class Choices:
    """The choices in an address; those that are missing or invalid are None.

    Attributes:
        model_1: Name of the first model.
        model_2: Name of the second one.
        digit: Place of a test digit, 0 to 9,999.
        ink: A drawn glyph, float32 (28, 28), 0 paper .. 1 ink.
        ignored: A sentence on each part that is invalid.
    """

    model_1: str | None = None
    model_2: str | None = None
    digit: int | None = None
    ink: NDArray[np.float32] | None = None
    ignored: tuple[str, ...] = ()


def choices(parts: Mapping[str, str], names: Collection[str]) -> Choices:
    """Return the choices in the query parameters of an address.

    Args:
        parts: Such as `{"model_1": "reader", "digit": "61"}`.
        names: Of the available models.
    """
    ignored = []
    models: dict[str, str] = {}
    for key in ("model_1", "model_2"):
        name = parts.get(key)
        if name in names:
            models[key] = str(name)
        elif name is not None:
            ignored.append(f"The link names a model {name[:60]!r}, which does not exist here.")
    digit, ink = _digit(parts.get("digit")), unpacked(parts.get("ink", ""))
    if digit is None and "digit" in parts:
        ignored.append(f"The link names test digit {parts['digit'][:20]!r}; test digits are numbered 0 to 9999.")
    if ink is None and "ink" in parts:
        ignored.append("The drawing in the link is cut short or damaged.")
    return Choices(models.get("model_1"), models.get("model_2"), digit, ink, tuple(ignored))


def _digit(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 4:
        return None
    return int(text) if int(text) < TEST_DIGITS else None


def packed(glyph: NDArray[np.float32]) -> str:
    """Return a glyph, float32 (28, 28), 0 paper .. 1 ink, as letters for an address; 256 levels per pixel."""
    levels = np.rint(255 * np.clip(glyph, 0, 1)).astype(np.uint8)
    return base64.urlsafe_b64encode(zlib.compress(levels.tobytes(), 9)).decode().rstrip("=")


def unpacked(text: str) -> NDArray[np.float32] | None:
    """Return the glyph that `packed` encoded; None if the letters are not one."""
    if not text or len(text) > LONGEST:
        return None
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        levels = zlib.decompressobj().decompress(data, PIXELS + 1)
    except (ValueError, binascii.Error, zlib.error):
        return None
    if len(levels) != PIXELS:
        return None
    return (np.frombuffer(levels, np.uint8).reshape(28, 28) / np.float32(255)).astype(np.float32)
