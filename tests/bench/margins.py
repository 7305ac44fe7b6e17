"""Photos placed on a white, grey or black page, as in a document or a presentation: the share of digits still read.

    python -m tests.bench.margins [--pages N] [--workers K]

Synthetic validation photos of handwritten pages and of large digits, each read alone and on the three pages. Needs the
pen strokes.
"""

import argparse
import sys
from dataclasses import replace

import cv2
import numpy as np
from PIL import Image

from digitrec import settings
from digitrec.datasets.characters import Characters
from digitrec.datasets.synthetic_pages import SORTS, Page, PageMaker
from digitrec.recognition import pipeline
from digitrec.registry import registry
from tests.bench.synthetic import Score, score, spread

AROUND = {"alone": None, "on white": 255, "on grey": 128, "on black": 0}
"""What a photo lies on: the level of the page, or nothing."""

MARGINS = (0.1, 0.6)
"""Margin at each edge, in sides of the photo."""

PHOTOS = [sort for sort in SORTS if sort.name in ("free", "large")]


def placed(page: Page, level: int | None, rng: np.random.Generator) -> Page:
    """Return a page's picture with margins of one level around it."""
    if level is None:
        return page
    left, right, top, bottom = (int(v) for v in rng.uniform(*MARGINS, 4) * page.image.shape[0])
    image = cv2.copyMakeBorder(page.image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(level,) * 3)
    return replace(page, image=image, labels=page.labels + np.array([0, left, top, 0, 0, 0], np.float32))


def scores(first: int, count: int, seed: int) -> list[dict[str, Score]]:
    """Return how some photos are read, alone and on each page."""
    cv2.setNumThreads(1)
    model, result = registry.predictor("reader"), []
    maker = PageMaker(Characters.load("validation", settings.strokes_folder()), seed)
    for number in range(first, first + count):
        sort = PHOTOS[number % len(PHOTOS)]
        page = maker.page(
            number, sort.sides[0], "photo", str(np.random.default_rng((seed, number)).choice(sort.layouts))
        )
        rng = np.random.default_rng((seed, 1, number))
        pages = {name: placed(page, level, rng) for name, level in AROUND.items()}
        read = {name: pipeline.read(Image.fromarray(each.image), model) for name, each in pages.items()}
        result.append({name: score(pages[name], read[name], 0.0) for name in AROUND})
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pages", type=int, default=96)
    parser.add_argument("--seed", type=int, default=4242)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    result = [each for part in spread(scores, given.pages, given.seed, given.workers) for each in part]
    for name in AROUND:
        digits, right, false = (sum(getattr(e[name], field) for e in result) for field in ("digits", "right", "false"))
        lost = sum(e[name].right < e["alone"].right for e in result)
        print(
            f"{name:9s} {len(result)} photos, {digits} digits: right {right / digits:.4f}, false per photo "
            f"{false / len(result):.2f}; fewer read than alone on {lost}"
        )


if __name__ == "__main__":
    sys.exit(main())
