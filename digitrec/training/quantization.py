"""The nets that find digits on pages, written for LiteRT in int8."""

from pathlib import Path

import keras


def export(model: keras.Model, file: Path) -> None:
    """Write a net for LiteRT; its input's size is set when it is read. Needs the `tensorflow` backend.

    Weights are int8, and activations become int8 as they come (dynamic-range quantization). What that gives:
    `python -m tests.bench.quantization`.
    """
    import tensorflow as tf

    model.export(file, format="litert", verbose=False, optimizations=[tf.lite.Optimize.DEFAULT])
