"""Whether a net that has learned what ink is serves the reading of sheets better than the ink step does.

python -m tests.bench.learned_ink STROKES_FOLDER PAGES_FOLDER [--steps N] [--sheets N] [--count N]

A fully convolutional net is trained on crops of sheets as `tests.bench.sheets` makes them, of all kinds, by UNIPEN's
training writers: what of a picture is stroke. Then the digits of real pages and of sheets by writers held out are read
from the ink of the ink step, from the net's, from the net's with lines and surroundings taken away as the ink step
does, and from what of the ink step's ink the net takes for strokes too. Printed: digit accuracy (1 - edit distance /
digits written) by kind, the share of pages all right, and seconds of processor. It takes three quarters of an hour.
"""

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from digitrec import ink as inks
from digitrec import reading, registry, strokes
from digitrec.clutter import without_lines
from digitrec.surroundings import without_surroundings
from tests.bench import sheets

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIDE, CROPS = 256, 6  # pixels of a crop's side; crops a sheet
BATCH = 8
PROCESSES = 2
FAINTEST = 0.15
"""Share of stroke from which a pixel of the net's is ink."""


def crops(folder: Path, count: int, seed: int) -> tuple[Bytes, Bytes]:
    """Return crops (N, SIDE, SIDE, 3) of sheets by training writers, and how much of each pixel is stroke."""
    cv2.setNumThreads(1)
    mine = [w for w in strokes.load(folder) if strokes.part(w.writer) == "training"]
    writers, letters = sheets.material(mine)
    rng = np.random.default_rng((99, seed))
    pictures, covers = [], []
    for number in range(count):
        kind = sheets.KINDS[number % len(sheets.KINDS)]
        made = sheets.sheet(writers, letters, kind, np.random.default_rng((77, seed, number)))
        zoom = float(np.exp(rng.uniform(np.log(0.5), np.log(1.2))))
        picture = cv2.resize(made.picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
        cover = cv2.resize(made.cover, picture.shape[1::-1], interpolation=cv2.INTER_AREA)
        picture = 255 - picture if rng.random() < 0.15 else picture
        room = [(0, max(0, SIDE - side)) for side in cover.shape]
        picture, cover = np.pad(picture, (*room, (0, 0)), mode="edge"), np.pad(cover, room)
        for _ in range(CROPS):
            for _ in range(5):  # most with something on them
                top, left = (int(rng.integers(0, side - SIDE + 1)) for side in cover.shape)
                place = np.s_[top : top + SIDE, left : left + SIDE]
                if cover[place].sum() > 30:
                    break
            turns = int(rng.integers(4))
            pictures.append(np.rot90(picture[place], turns))
            covers.append(np.rot90(np.rint(cover[place] * 255).astype(np.uint8), turns))
    return np.array(pictures, np.uint8), np.array(covers, np.uint8)


def network() -> keras.Model:
    """Return a net with 215,000 parameters that says of each pixel how likely it is stroke: a small U-Net."""

    def layer(x: keras.KerasTensor, filters: int, stride: int = 1, reach: int = 1) -> keras.KerasTensor:
        options = {"padding": "same", "use_bias": False, "strides": stride, "dilation_rate": reach}
        x = keras.layers.Conv2D(filters, 3, **options)(x)
        return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.95)(x))

    picture = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 64, -2.0)(picture)
    levels = [(12, keras.layers.Conv2D(8, 3, padding="same", activation="relu")(x))]
    x = layer(x, 24, stride=2)
    for filters in (24, 32, 48):
        x = layer(layer(x, filters), filters)
        levels.append((filters, x))
        x = keras.layers.MaxPooling2D()(x)
    x = layer(layer(x, 64, reach=2), 64, reach=2)
    for filters, beside in reversed(levels):
        x = keras.layers.Concatenate()([keras.layers.UpSampling2D(interpolation="bilinear")(x), beside])
        x = layer(x, filters)
    return keras.Model(picture, keras.layers.Conv2D(1, 1, activation="sigmoid", dtype="float32")(x))


def trained(pictures: Bytes, covers: Bytes, steps: int) -> keras.Model:
    """Return the net trained for so many steps, with the light and the colours of the crops changed each time."""
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    keras.utils.set_random_seed(1)
    net, rng = network(), np.random.default_rng(0)
    rate = keras.optimizers.schedules.CosineDecay(1e-5, steps, 0.01, warmup_target=3e-3, warmup_steps=min(100, steps))
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-3)

    @tf.function(reduce_retracing=True)
    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            said = tf.clip_by_value(net(x, training=True), 1e-5, 1 - 1e-5)
            each = -(y * tf.math.log(said) + (1 - y) * tf.math.log(1 - said)) * (1 + 4 * y)
            overlap = (2 * tf.reduce_sum(y * said) + 1) / (tf.reduce_sum(y + said) + 1)
            loss = 4 * tf.reduce_mean(each) + 1 - overlap
        optimizer.apply(tape.gradient(loss, net.trainable_variables), net.trainable_variables)
        return loss

    losses = []
    for number in range(1, steps + 1):
        some = rng.integers(0, len(pictures), BATCH)
        light, tint = rng.uniform(0.7, 1.1, (BATCH, 1, 1, 1)), rng.uniform(-15, 15, (BATCH, 1, 1, 3))
        x = np.clip(pictures[some] * light + tint, 0, 255).astype(np.float32)
        x = x[..., rng.permutation(3)] if rng.random() < 0.5 else x
        losses.append(float(step(x, covers[some][..., None].astype(np.float32) / 255)))
        if number % 500 == 0:
            print(f"{number} steps, loss {np.mean(losses[-500:]):.3f}", flush=True)
    return net


def ways(net: keras.Model) -> dict[str, Callable[[Image.Image], Floats]]:
    """Return the ways from a picture to its ink (H, W), by name."""
    ours = inks.from_picture

    def share(image: Image.Image) -> Floats:
        colours = np.asarray(image.convert("RGB"))
        height, width = colours.shape[:2]
        padded = np.pad(colours, ((0, -height % 16), (0, -width % 16), (0, 0)), mode="edge")
        said = net(padded[None].astype(np.float32), training=False).numpy()[0, :height, :width, 0]
        return np.where(said > FAINTEST, said, 0).astype(np.float32)

    def agreed(image: Image.Image) -> Floats:
        near = cv2.dilate(share(image), np.ones((5, 5), np.uint8)) > 0
        return np.where(near, ours(image), 0).astype(np.float32)

    def cleaned(image: Image.Image) -> Floats:
        return without_surroundings(without_lines(share(image)))

    return {"ink step": ours, "net": share, "net, cleaned": cleaned, "both": agreed}


class Tally:
    """Digits written and misread, pictures and those all right, by kind."""

    def __init__(self) -> None:
        self.counts: dict[str, NDArray[np.int64]] = {}

    def add(self, kind: str, truth: str, said: str) -> None:
        wrong = min(len(truth), sheets.distance(truth, said))
        now = np.array([len(truth), wrong, 1, truth == said])
        self.counts[kind] = self.counts.get(kind, 0) + now

    def __str__(self) -> str:
        return "  ".join(f"{kind} {1 - w / n:.1%} ({r}/{p})" for kind, (n, w, p, r) in self.counts.items())


def kind_of(page: dict[str, object]) -> str:
    """Return under what a page counts, as `score_reading.py` has it."""
    if len(str(page["transcript"]).replace("/", "")) == 1:
        return "one digit"
    return "drawn" if page["kind"] == "drawn" else "turned" if page["rotate_ccw_to_upright"] else "upright"


def main() -> None:
    parser = argparse.ArgumentParser(description="Read sheets from ink that a net has learned to see.")
    parser.add_argument("strokes", type=Path)
    parser.add_argument("pages", type=Path)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--sheets", type=int, default=1080, help="sheets that the net learns from")
    parser.add_argument("--count", type=int, default=6, help="sheets of each kind that are read")
    options = parser.parse_args()
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        make = partial(crops, options.strokes, max(1, options.sheets // PROCESSES))
        made = list(pool.map(make, range(PROCESSES)))
    net = trained(np.concatenate([x for x, _ in made]), np.concatenate([y for _, y in made]), options.steps)
    pages = [json.loads(line) for line in (options.pages / "manifest.jsonl").read_text().splitlines()]
    held_out = [w for w in strokes.load(options.strokes) if strokes.held_out(w.writer)]
    writers, letters = sheets.material(held_out)
    predictor = registry.predictor("reader")

    def said(image: Image.Image) -> str:
        return reading.read(image, predictor).text.replace("/", "")

    for name, way in ways(net).items():
        inks.from_picture = way  # what `reading` calls
        began, real, ours = time.process_time(), Tally(), Tally()
        for page in pages:
            truth = page["transcript"].replace("/", "")
            real.add(kind_of(page), truth, said(inks.open_picture((options.pages / page["file"]).read_bytes())))
        print(f"\n{name}, {time.process_time() - began:.0f} s for {len(pages)} pages: {real}", flush=True)
        for kind in sheets.KINDS:
            for number in range(options.count):
                sheet = sheets.numbered(writers, letters, kind, number)
                ours.add(kind, sheet.text.replace("/", ""), said(Image.fromarray(sheet.picture)))
        mean = np.mean([1 - wrong / digits for digits, wrong, _, _ in ours.counts.values()])
        print(f"made sheets: mean of the kinds {mean:.1%}; {ours}", flush=True)


if __name__ == "__main__":
    main()
