"""The crop classifier, a small convolutional net on what lies around a candidate; see `recognition/crop_classifier`."""

import keras
from keras import layers

from digitrec.recognition import crop_outputs as crops

NOT_COUNTED = -1
"""Class or way of a crop that the loss leaves out."""


def build(filters: tuple[int, int, int, int] = (24, 32, 64, 128), hidden: int = 128) -> keras.Model:
    """Return the crop classifier with fresh weights.

    Args:
        filters: Of the stem and of the three stages, which see 24, 12 and 6 cells a side.
        hidden: Units of the dense layer.

    Returns:
        Input `crops`: (N, SIDE, SIDE, 3), RGB, 0 to 255. Output `logits`: float32 (N, OUTPUTS).
    """
    image = keras.Input((crops.SIDE, crops.SIDE, 3), name="crops")
    x = layers.Rescaling(1 / 64, -127.5 / 64)(image)
    x = _conv(x, filters[0], stride=2)
    x = _conv(x, filters[1])
    for width in filters[2:]:
        x = _conv(x, width, stride=2)
        y = _conv(_conv(x, width), width, relu=False)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.Conv2D(32, 1, activation="relu")(x)
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    x = layers.Dropout(0.2)(layers.Dense(hidden, activation="relu")(x))
    x = layers.Dense(crops.OUTPUTS, dtype="float32", name="logits")(x)
    return keras.Model(image, x, name="crop_classifier")


def _conv(x: keras.KerasTensor, filters: int, stride: int = 1, relu: bool = True) -> keras.KerasTensor:
    """3 x 3 convolution, batch norm, ReLU."""
    x = layers.Conv2D(filters, 3, stride, "same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.97)(x)
    return layers.ReLU()(x) if relu else x


@keras.saving.register_keras_serializable("digitrec")
class CropLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """Cross-entropy of the class and of the way up; labels are smoothed a little."""

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Return the losses (N,).

        Args:
            y_true: (N, 2): class and way, NOT_COUNTED where it does not count.
            y_pred: (N, OUTPUTS).
        """
        return _entropy(y_true[:, 0], y_pred[:, crops.CLASSES]) + 0.5 * _entropy(y_true[:, 1], y_pred[:, crops.WAYS])


def _entropy(truth: keras.KerasTensor, logits: keras.KerasTensor, smoothing: float = 0.01) -> keras.KerasTensor:
    ops = keras.ops
    truth, count = ops.cast(truth, "int32"), logits.shape[-1]
    wanted = ops.one_hot(ops.maximum(truth, 0), count) * (1 - smoothing) + smoothing / count
    return -ops.sum(wanted * ops.log_softmax(logits), axis=-1) * ops.cast(truth != NOT_COUNTED, "float32")
