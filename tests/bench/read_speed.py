"""`python -m digitrec read` on 1,000 pictures of 28 x 28, start included; and one canvas and one 12-megapixel photo.

python -m tests.bench.read_speed [MODEL]
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
from PIL import Image

from digitrec.datasets import mnist
from digitrec.imaging import decode
from digitrec.recognition import pipeline
from digitrec.registry import registry

PICTURES = 1000
LIMIT = 5.0  # seconds for all of them


def whole_process(model: str) -> float:
    """Return the seconds that `read` takes for 1,000 files, the best of three."""
    digits, _ = mnist.training()
    with tempfile.TemporaryDirectory() as folder:
        for i, digit in enumerate(digits[:PICTURES]):
            Image.fromarray(255 - np.asarray(digit, np.uint8).reshape(28, 28)).save(Path(folder) / f"digit{i}.png")
        return min(_seconds([sys.executable, "-m", "digitrec", "read", "--model", model, folder]) for _ in range(3))


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    seconds = time.perf_counter() - started
    assert done.stdout.count(b"\n") == PICTURES
    return seconds


def drawn(height: int, width: int) -> np.ndarray:
    """Return uint8 (height, width, 3): a 5 on white."""
    sheet = np.full((height, width, 3), 255, np.uint8)
    size = height / 45
    place = (int(width / 2 - 10 * size), int(height / 2 + 11 * size))
    cv2.putText(sheet, "5", place, cv2.FONT_HERSHEY_SIMPLEX, size, (40, 40, 50), max(2, int(size * 2)), cv2.LINE_AA)
    return sheet


def photo() -> Image.Image:
    """Return a photo of 4000 x 3000: uneven light and noise."""
    light = np.linspace(150, 220, 4000, dtype=np.float32)[None, :, None] / 255.0
    noise = np.random.default_rng(0).normal(0.0, 4.0, (3000, 4000, 1)).astype(np.float32)
    return Image.fromarray(np.clip(drawn(3000, 4000) * light + noise, 0, 255).astype(np.uint8))


def milliseconds(call: object, times: int) -> float:
    """Return the median time of `call`."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        call()  # type: ignore[operator]
        took.append(time.perf_counter() - started)
    return 1000.0 * float(np.median(took))


def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else registry.default()
    seconds = whole_process(model)
    cv2.setNumThreads(1)
    predictor = registry.predictor(model)
    canvas = np.dstack([drawn(280, 280), np.full((280, 280), 255, np.uint8)])
    large = photo()
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        large.save(file.name, quality=90)
        data = Path(file.name).read_bytes()
    print(f"read, {PICTURES} pictures of 28 x 28, {model}: {seconds:.2f} s (limit {LIMIT:.0f} s)")
    print(f"canvas of 280 x 280: {milliseconds(lambda: pipeline.read_canvas(canvas, predictor), 50):.1f} ms")
    print(f"photo of 4000 x 3000, reading: {milliseconds(lambda: pipeline.read(large, predictor, True), 5):.0f} ms")
    print(f"photo of 4000 x 3000, decoding the JPEG: {milliseconds(lambda: decode.opened(data).image, 5):.0f} ms")
    if seconds > LIMIT:
        sys.exit("read is slower than its limit")


if __name__ == "__main__":
    main()
