"""The five tutorials' models, trained with their own code, saved in four formats, each imported.

python -m tests.bench.brought_models [--digits 60000] [--keep FOLDER] [NAME...]

Each file is imported as a page does it: by a job of its own, from its start, TensorFlow's among it, to the verdict.
Their trainings are short: what is measured is whether the imported model gives the same probabilities, which
scaling is found, and what that takes, not how good they are. Trained models in FOLDER are used again.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from digitrec.datasets import mnist
from digitrec.jobs import imports, job
from digitrec.recognition.classifier import Predictor
from digitrec.training import model_files

COMPARED = 300  # test digits
FORMATS = ("keras", "h5", "onnx", "tflite")
EXPECTED = {
    "mlp-128": "unit-length",
    "mlp-128-128": "unit-length",
    "mlp-30-10": "unit-range",
    "cnn-5x5": "unit-range",
    "cnn-3x3": "unit-range",
}
"""The scaling that each tutorial trains on."""

TRAIN = """
import sys
from pathlib import Path
import keras, numpy as np, tensorflow as tf
from digitrec.datasets import mnist
L, folder, name, count = keras.layers, Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
(x, y), (test, _) = mnist.training(), mnist.test()
x, y = x[:count], y[:count]
flat, five = [L.Input((28, 28)), L.Flatten()], dict(padding="same", activation="relu")
image, end = [L.Input((28, 28, 1))], L.Dense(10, activation="softmax")
nets = {
    "mlp-128": [*flat, L.Dense(128, activation="relu"), end],
    "mlp-128-128": [*flat, L.Dense(128, activation="relu"), L.Dense(128, activation="relu"), end],
    "mlp-30-10": [*flat, L.Dense(30, activation="relu"), L.Dense(10, activation="relu"), end],
    "cnn-5x5": [*image, L.Conv2D(32, 5, **five), L.MaxPooling2D(2, padding="same"), L.Conv2D(64, 5, **five),
                L.MaxPooling2D(2, padding="same"), L.Flatten(), L.Dense(1024, activation="relu"), L.Dropout(0.5), end],
    "cnn-3x3": [*image, L.Conv2D(32, 3, activation="relu"), L.MaxPooling2D(2), L.Conv2D(64, 3, activation="relu"),
                L.MaxPooling2D(2), L.Flatten(), L.Dense(128, activation="relu"), end],
}
scaled = (lambda a: keras.utils.normalize(a, axis=1)) if "128" in name else (lambda a: a / 255.0)
shaped = (lambda a: a[..., None]) if "cnn" in name else (lambda a: a)
model = keras.Sequential(nets[name])
rate = 1e-4 if name == "cnn-5x5" else 1e-3
model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(shaped(scaled(x)), y, epochs=2 if "mlp" in name else 1, batch_size=64 if "cnn" in name else 32, verbose=0)
np.save(folder / f"{name}.npy", np.asarray(model(shaped(scaled(test[:300])).astype("float32"))))
model.save(folder / f"{name}.keras"), model.save(folder / f"{name}.h5")
model.export(folder / f"{name}.onnx", format="onnx", verbose=False)
(folder / f"{name}.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
"""


def brought(file: Path, expected: np.ndarray) -> tuple[float, float, float, str, float]:
    """Import a file; return clock and processor seconds, the largest difference, the scaling, the accuracy."""
    began, before = time.perf_counter(), processor_seconds()
    found = imports.start(file.read_bytes(), file.name, "brought")
    while found.state == "making":
        time.sleep(0.02)
        found = imports.find(found.token)
    clock = time.perf_counter() - began
    assert found.state == "ready", found.message
    job.child(imports.folder(found.token)).wait()
    spent = processor_seconds() - before
    reader = Predictor("brought", found.folder / model_files.TFLITE)
    probabilities = reader.probabilities(mnist.glyphs(mnist.test()[0][:COMPARED]))
    card = imports.cards.read(found.folder) or {}
    imports.drop(found.token)
    off = float(np.abs(probabilities - expected).max())
    return clock, spent, off, card["imported"]["scaling"], card["accuracy"]


def processor_seconds() -> float:
    """Return those of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(EXPECTED), metavar="NAME", help=", ".join(EXPECTED))
    parser.add_argument("--digits", type=int, default=60_000)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["DIGITREC_HOME"] = scratch
        folder = options.keep or Path(scratch) / "trained"
        folder.mkdir(parents=True, exist_ok=True)
        print("model        format  difference scaling      accuracy  processor    clock")
        for name in options.names:
            if not (folder / f"{name}.tflite").exists():
                quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
                command = [sys.executable, "-c", TRAIN, str(folder), name, str(options.digits)]
                subprocess.run(command, env=quiet, capture_output=True, check=True)
            expected = np.load(folder / f"{name}.npy")
            for ending in FORMATS:
                clock, spent, off, found, accuracy = brought(folder / f"{name}.{ending}", expected)
                wrong = "" if found == EXPECTED[name] and off <= 1e-4 else "  WRONG"
                print(
                    f"{name:12} {ending:7} {off:10.1e} {found:12} {accuracy:8.2%} {spent:8.1f} s {clock:6.1f} s{wrong}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
