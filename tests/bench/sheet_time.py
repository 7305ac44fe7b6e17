"""A photo of a sheet of 50 digits: time on one core, and memory, as the web process reads it.

python -m tests.bench.sheet_time [MODEL]

The photo has 12 megapixels; then it is reduced to 1,600 pixels, and that is rotated by 45 degrees. Processor time of
this thread, the best of five, decoding of the JPEG included. Memory is what the process uses more than before:
at the peak, and after the reading is dropped. The exit status is 1 if a limit is exceeded.
"""

import gc
import io
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import cv2
import numpy as np
from PIL import Image

from digitrec.datasets import mnist
from digitrec.imaging import decode, rotation
from digitrec.recognition import pipeline
from digitrec.registry import registry
from tests.bench.reading_time import best
from tests.bench.web_memory import resident

SECONDS, PAGE_SECONDS, ROTATED_SECONDS, GROWTH = 1.2, 0.8, 1.5, 250.0  # at most; megabytes
ROWS, COLUMNS, SIDE = 5, 10, 280
PAGE_SIDE = 1600


def sheet() -> tuple[bytes, str]:
    """Return a JPEG file of 4000 x 3000 with MNIST's first 50 test digits in five rows, and what is written."""
    pictures, labels = mnist.test()
    rng = np.random.default_rng(0)
    cover = np.zeros((3000, 4000), np.float32)
    for number, glyph in enumerate(mnist.glyphs(pictures[: ROWS * COLUMNS])):
        left = 150 + 375 * (number % COLUMNS) + int(rng.integers(-20, 20))
        top = 150 + 540 * (number // COLUMNS) + int(rng.integers(-40, 40))
        smooth = cv2.GaussianBlur(cv2.resize(glyph, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), (0, 0), 4)
        cover[top : top + SIDE, left : left + SIDE] = np.clip((smooth - 0.35) / 0.3, 0, 1)
    shade = 1 - 0.15 * np.linspace(0, 1, 4000, dtype=np.float32)[None, :]
    grain = rng.normal(0, 5, cover.shape).astype(np.float32)
    photo = [(paper * (1 - cover) + pen * cover) * shade + grain for paper, pen in ((245, 30), (240, 40), (228, 95))]
    file = io.BytesIO()
    colours = np.clip(np.rint(np.stack(photo, axis=-1)), 0, 255).astype(np.uint8)
    Image.fromarray(colours).save(file, "JPEG", quality=90)
    written = "/".join("".join(map(str, row)) for row in labels[: ROWS * COLUMNS].reshape(ROWS, COLUMNS))
    return file.getvalue(), written


def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else registry.default()
    cv2.setNumThreads(1)
    predictor, finder = registry.predictor(model), registry.finder()
    data, written = sheet()
    small = Image.fromarray(np.full((400, 400, 3), 255, np.uint8))
    pipeline.read(small, predictor, finder=finder)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    before = resident(os.getpid())
    found = pipeline.read(decode.opened(data).image, predictor, finder=finder)
    highest = resident(os.getpid(), "VmHWM") - before
    text = found.text
    seconds = best(lambda: pipeline.read(decode.opened(data).image, predictor, finder=finder), 5) / 1000
    del found
    gc.collect()
    after = resident(os.getpid()) - before
    print(f"JPEG of 4000 x 3000 with 50 digits, {model}: {seconds:.2f} s (limit {SECONDS} s)")
    print(f"memory: {highest:.0f} MB more at the highest (limit {GROWTH:.0f} MB), {after:.0f} MB after")
    print(f"read {text}\nis   {written}")
    page = decode.within(decode.opened(data).image, PAGE_SIDE)
    pages = {
        "reduced to 1,600 pixels": (page, PAGE_SECONDS),
        "and rotated by 45 degrees": (rotation.rotated(page, 45.0), ROTATED_SECONDS),
    }
    late = seconds > SECONDS
    for what, (image, limit) in pages.items():
        took = best(lambda image=image: pipeline.read(image, predictor, finder=finder), 5) / 1000
        late |= took > limit
        print(f"{what}: {took:.2f} s (limit {limit} s)")
    if late or highest > GROWTH:
        sys.exit("reading a sheet passes its limit")


if __name__ == "__main__":
    main()
