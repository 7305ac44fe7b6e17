"""The loss between the detector's maps and what they must be."""

import keras

from digitrec.recognition import detector_maps as maps
from digitrec.training.detector_targets import POSITIVE


@keras.saving.register_keras_serializable("digitrec")
class DetectorLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """Focal loss of the centres, cross-entropy of digit and angle, smooth L1 of place and size.

    The focal loss is CenterNet's (arXiv 1904.07850). The others count on the cells around a centre, by their heat. A
    crop of many digits counts by the square root of their number, so that full pages do not drown large digits. An
    angle between two bins is both, by nearness.
    """

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Return the loss, a scalar.

        Args:
            y_true: (N, h, w, 8), as `detector_targets.targets` makes it.
            y_pred: (N, h, w, CHANNELS of `detector_maps`).
        """
        return sum(self.parts(y_true, y_pred).values())

    def parts(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
        """Return the loss's parts by name, scalars, weighted."""
        ops = keras.ops
        y_true = ops.cast(y_true, "float32")
        heat, kept = y_true[..., 0], y_true[..., 1]
        logit = y_pred[..., maps.OBJECTNESS]
        probability = ops.clip(ops.sigmoid(logit), 1e-4, 1 - 1e-4)
        centre = ops.cast(heat > 0.999, "float32")
        digits = ops.sum(centre, axis=(1, 2))
        hit = -ops.log(probability) * (1 - probability) ** 2 * centre
        false = -ops.log(1 - probability) * probability**2 * (1 - heat) ** 4 * kept * (1 - centre)
        each = ops.sum(hit + false, axis=(1, 2)) / ops.sqrt(ops.maximum(digits, 1.0))
        objectness = ops.sum(each) / ops.maximum(ops.sum(ops.sqrt(digits)), 1.0)
        near = ops.where(heat > POSITIVE, heat, ops.zeros_like(heat))
        near = near / ops.sqrt(ops.maximum(ops.sum(near, axis=(1, 2), keepdims=True), 1.0))
        near = near / ops.maximum(ops.sum(near), 1e-3)
        digit = ops.one_hot(ops.cast(y_true[..., 2], "int32"), 10) * 0.98 + 0.002
        classes = -ops.sum(digit * ops.log_softmax(y_pred[..., maps.CLASSES]), axis=-1)
        place = ops.sum(_smooth(y_true[..., 3:5] - y_pred[..., maps.OFFSET]), axis=-1)
        size = ops.sum(_smooth(y_true[..., 5:7] - y_pred[..., maps.SIZE]), axis=-1)
        return {
            "objectness": objectness,
            "digit": ops.sum(classes * near),
            "place": ops.sum(place * near),
            "size": 0.5 * ops.sum(size * near),
            "angle": 0.4 * ops.sum(_angle(y_true[..., 7], y_pred[..., maps.ANGLE]) * near),
        }


def _smooth(error: keras.KerasTensor) -> keras.KerasTensor:
    """Smooth L1, quadratic below 0.1."""
    size = keras.ops.abs(error)
    return keras.ops.where(size < 0.1, 5.0 * size * size, size - 0.05)


def _angle(place: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """Cross-entropy of the angle's bins; `place` is in bins."""
    ops = keras.ops
    lower = ops.floor(place)
    share = place - lower
    likely = ops.log_softmax(logits)
    first = ops.one_hot(ops.cast(lower, "int32") % maps.ANGLE_BINS, maps.ANGLE_BINS)
    second = ops.one_hot((ops.cast(lower, "int32") + 1) % maps.ANGLE_BINS, maps.ANGLE_BINS)
    return -ops.sum((first * (1 - share)[..., None] + second * share[..., None]) * likely, axis=-1)
