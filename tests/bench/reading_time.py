"""Time of one canvas picture and of one 12-megapixel photo of a digit, on one core, everything included.

python -m tests.bench.reading_time [MODEL]

The best of many is printed, in milliseconds of this thread's processor time, so that a busy machine counts less.
"""

import io
import os
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import cv2
import numpy as np

from digitrec.imaging import decode
from digitrec.recognition import pipeline
from digitrec.registry import registry
from tests.bench.read_speed import drawn, photo

CANVAS, PHOTO = 5.0, 200.0  # milliseconds at most


def best(call: Callable[[], object], times: int) -> float:
    """Return the shortest time of `call`, in milliseconds of processor time."""
    took = []
    for _ in range(times):
        started = time.thread_time()
        call()
        took.append(time.thread_time() - started)
    return 1000.0 * min(took)


def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else registry.default()
    cv2.setNumThreads(1)
    predictor = registry.predictor(model)
    canvas = np.dstack([drawn(280, 280), np.full((280, 280), 255, np.uint8)])
    file = io.BytesIO()
    photo().save(file, "JPEG", quality=90)
    data = file.getvalue()
    on_canvas = best(lambda: pipeline.read_canvas(canvas, predictor), 200)
    in_photo = best(lambda: pipeline.read(decode.opened(data).image, predictor, single=True), 10)
    opening = best(lambda: decode.opened(data).image, 10)
    print(f"canvas of 280 x 280, {model}: {on_canvas:.1f} ms (limit {CANVAS:.0f} ms)")
    print(f"JPEG of 4000 x 3000, {model}: {in_photo:.0f} ms, {opening:.0f} of them decoding (limit {PHOTO:.0f} ms)")
    if on_canvas > CANVAS or in_photo > PHOTO:
        sys.exit("reading is slower than its limit")


if __name__ == "__main__":
    main()
