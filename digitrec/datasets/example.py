"""A sheet to try the app with: five of MNIST's test digits in ink on paper, made by code."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.datasets import mnist

PLACES = (1, 17, 37, 61, 35)
"""Places of the digits among MNIST's test digits: 2, 7, 1, 8, 2."""

TEXT = "27182"

WIDTH, HEIGHT = 900, 300  # pixels
PAPER = np.array((247, 243, 232), np.float32)  # RGB; a warm white
INK = np.array((28, 42, 96), np.float32)  # RGB; a blue pen
SIDE = 140  # pixels that the 28 of MNIST are enlarged to


def sheet(pictures: mnist.Pictures) -> bytes:
    """Return the sheet as a PNG file, the same each time.

    Args:
        pictures: MNIST's test digits, uint8 (10000, 28, 28).
    """
    rng = np.random.default_rng(0)
    colours = _paper(rng)
    cover = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    for number, glyph in enumerate(mnist.glyphs(pictures[list(PLACES)])):
        left = 40 + 170 * number
        top = 80 + int(rng.integers(-20, 20))  # nobody writes along a ruler
        cover[top : top + SIDE, left : left + SIDE, 0] = _enlarged(glyph)
    inked = colours * (1 - cover) + INK * cover
    _, png = cv2.imencode(".png", np.clip(np.rint(inked[..., ::-1]), 0, 255).astype(np.uint8))
    return png.tobytes()


def _paper(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return paper (HEIGHT, WIDTH, 3), 0 to 255, with a shadow from the right and some grain."""
    shade = 1 - 0.12 * np.linspace(0, 1, WIDTH, dtype=np.float32)[None, :, None] ** 2
    grain = cv2.GaussianBlur(rng.normal(0, 6, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.2)
    return np.asarray(PAPER * shade + grain[..., None], dtype=np.float32)


def _enlarged(glyph: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a glyph (28, 28) as strokes with clean edges (SIDE, SIDE), 0 paper, 1 ink."""
    smooth = cv2.GaussianBlur(cv2.resize(glyph, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), (0, 0), 2)
    return np.asarray(np.clip((smooth - 0.35) / 0.3, 0, 1), dtype=np.float32)
