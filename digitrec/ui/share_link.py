"""A page's address: the choices that it holds, checked, and a glyph in a few hundred letters."""

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
    """What an address asks for; what it does not, or not in a way that makes sense, is None.

    Attributes:
        model_1: Name of the first model.
        model_2: Name of the second one.
        digit: Place of a test digit, 0 to 9,999.
        ink: A glyph that somebody drew, float32 (28, 28), 0 paper .. 1 ink.
        ignored: A sentence on each part that makes no sense.
    """

    model_1: str | None = None
    model_2: str | None = None
    digit: int | None = None
    ink: NDArray[np.float32] | None = None
    ignored: tuple[str, ...] = ()


def choices(parts: Mapping[str, str], names: Collection[str]) -> Choices:
    """Return what the parts of an address after the question mark ask for.

    Args:
        parts: Such as `{"model_1": "reader", "digit": "61"}`.
        names: Of the models at hand.
    """
    ignored = []
    models: dict[str, str] = {}
    for key in ("model_1", "model_2"):
        name = parts.get(key)
        if name in names:
            models[key] = str(name)
        elif name is not None:
            ignored.append(f"The address asks for a model {name[:60]!r}, which is not here.")
    digit, ink = _digit(parts.get("digit")), unpacked(parts.get("ink", ""))
    if digit is None and "digit" in parts:
        ignored.append(f"The address asks for test digit {parts['digit'][:20]!r}; they are numbered 0 to 9999.")
    if ink is None and "ink" in parts:
        ignored.append("The drawing in the address is cut short or damaged.")
    return Choices(models.get("model_1"), models.get("model_2"), digit, ink, tuple(ignored))


def _digit(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 4:
        return None
    return int(text) if int(text) < TEST_DIGITS else None


def packed(glyph: NDArray[np.float32]) -> str:
    """Return a glyph, float32 (28, 28), 0 paper .. 1 ink, as letters that an address may hold; 256 levels a pixel."""
    levels = np.rint(255 * np.clip(glyph, 0, 1)).astype(np.uint8)
    return base64.urlsafe_b64encode(zlib.compress(levels.tobytes(), 9)).decode().rstrip("=")


def unpacked(text: str) -> NDArray[np.float32] | None:
    """Return the glyph that `packed` made letters of; None if they are none."""
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
