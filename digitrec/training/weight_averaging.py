"""Averages the detector's weights with those that its training began with.

    python -m digitrec.training.weight_averaging build/detector build/detector-gpu 0.75 build/detector-average

A long training on synthetic pages forgets what other pages look like; the average of the weights before and after it
is more robust (Wortsman et al.: Robust fine-tuning of zero-shot models, CVPR 2022, arXiv 2109.01903). The statistics of
batch normalization are estimated anew on training crops, as in stochastic weight averaging (arXiv 1803.05407).
"""

import argparse
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from digitrec import settings
from digitrec.datasets.characters import Characters
from digitrec.training import detector_training
from digitrec.training.detector_batches import Batches, Supply

if TYPE_CHECKING:
    import keras

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up notices are not for our logs

SUPPLY = Supply(batch=16, side=512, kept_pages=400, reuse=3, workers=1)
STEPS = 50
"""Batches that the statistics are estimated on."""


def averaged(
    before: Sequence[NDArray[Any]], after: Sequence[NDArray[Any]], share: float, pictures: Iterable[NDArray[np.uint8]]
) -> "keras.Model":
    """Return a detector with averaged weights and the statistics of pictures.

    Args:
        before: Weights of the earlier training.
        after: Those of the later one.
        share: Of the later ones in the average, 0 to 1.
        pictures: Batches of crops, uint8 (N, H, W, 3), RGB.
    """
    import keras

    from digitrec.training import detector_network

    model = detector_network.build()
    model.set_weights([(1.0 - share) * a + share * b for a, b in zip(before, after, strict=True)])
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for number, batch in enumerate(pictures):
        for layer in norms:
            layer.momentum = number / (number + 1)  # the mean over all batches
        model(batch.astype(np.float32), training=True)
    return model


def write(before: Path, after: Path, share: float, target: Path) -> None:
    """Average the weights of two checkpoints of the detector's training and write a third, for `--export`.

    Args:
        before: Folder of the earlier training.
        after: Folder of the later one.
        share: Of the later weights.
        target: Folder to write to.
    """
    import keras

    keras.config.set_dtype_policy("float32")
    batches = Batches(SUPPLY, Characters.load("training", settings.strokes_folder()), first_seed=777)
    try:
        source = iter(batches)
        pictures = (next(source)[0] for _ in range(STEPS))
        earlier, later = (detector_training.weights_of(folder / "average.npz") for folder in (before, after))
        model = averaged(earlier, later, share, pictures)
    finally:
        batches.close()
    target.mkdir(parents=True, exist_ok=True)
    np.savez(target / "average.npz", *model.get_weights())
    state = json.loads((after / "state.json").read_text())
    state["averaged"] = f"{share:g} of these weights, {1 - share:g} of those it began with"
    (target / "state.json").write_text(json.dumps(state))


def _main() -> None:
    parser = argparse.ArgumentParser(description="Average the detector's weights before and after a training.")
    for name in ("before", "after"):
        parser.add_argument(name, type=Path, help=f"folder of the checkpoint {name} the training")
    parser.add_argument("share", type=float, help="of the weights after it, 0 to 1")
    parser.add_argument("target", type=Path, help="folder to write to")
    given = parser.parse_args()
    if not 0.0 <= given.share <= 1.0:
        parser.error(f"The share must be between 0 and 1. Received: {given.share}")
    write(given.before, given.after, given.share, given.target)


if __name__ == "__main__":
    _main()
