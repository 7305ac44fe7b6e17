"""How much faster the detector is in int8 than in float16, and how far its logits differ; measured in turns.

    python -m tests.bench.quantization [--folder build/detector]

Without a checkpoint of the detector's training in the folder, the weights are random and only the times tell.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from digitrec import settings
from digitrec.datasets import example, mnist
from digitrec.imaging import decode, ink
from digitrec.recognition import detector_maps as maps
from digitrec.recognition.detector import Detector
from digitrec.training import detector_network, detector_training, quantization

SIDE, TURNS = 576, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=settings.bank_folder() / "detector", help="of the checkpoint")
    weights = parser.parse_args().folder / "average.npz"
    model = detector_network.build()
    if weights.exists():
        model.set_weights(detector_training.weights_of(weights))
    sheet = ink.on_paper(decode.opened(example.sheet(mnist.test()[0])).image)
    picture = np.asarray(tf.image.resize_with_pad(sheet, SIDE, SIDE), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        half, whole = Path(folder) / "float16.tflite", Path(folder) / "int8.tflite"
        quantization.export(model, whole)
        model.export(
            half,
            format="litert",
            verbose=False,
            optimizations=[tf.lite.Optimize.DEFAULT],
            target_spec={"supported_types": [tf.float16]},
        )
        nets = {"float16": Detector(half), "int8": Detector(whole)}
        seconds: dict[str, list[float]] = {name: [] for name in nets}
        outputs = {name: net.maps(picture)[..., maps.OBJECTNESS] for name, net in nets.items()}
        for _ in range(TURNS):
            for name, net in nets.items():
                start = time.process_time()
                net.maps(picture)
                seconds[name].append(time.process_time() - start)
        for name, file in (("float16", half), ("int8", whole)):
            print(f"{name}: {np.median(seconds[name]):.3f} s, {file.stat().st_size / 1e6:.1f} MB")
    print(f"int8 takes {np.median(seconds['int8']) / np.median(seconds['float16']):.2f} times as long")
    print(f"logits of objectness differ by {np.abs(outputs['int8'] - outputs['float16']).mean():.3f} on average")


if __name__ == "__main__":
    sys.exit(main())
