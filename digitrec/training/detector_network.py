"""The detector: a residual U-Net that says, for every fourth pixel, whether a digit is centred there, and which.

References:
    Zhou, Wang, Krähenbühl: Objects as points, arXiv 1904.07850 (a heat map of centres instead of anchor boxes).
    Lin et al.: Feature pyramid networks, CVPR 2017, arXiv 1612.03144 (the way back up).
"""

import keras
from keras import layers

from digitrec.recognition import detector_maps as maps

STAGES = ((32, 1), (64, 3), (96, 3), (128, 4))
"""Filters and residual blocks of each stage on the way down; strides 4, 8, 16 and 32."""

STEM, UP, HEAD = 16, (96, 64, 48), 64
"""Filters of the stem, of the levels at strides 16, 8 and 4 on the way up, and of the head."""

PRIOR = 0.01
"""Probability of a centre that the untrained net gives every cell, as in RetinaNet, arXiv 1708.02002."""


def build(height: int | None = None, width: int | None = None) -> keras.Model:
    """Return the detector with fresh weights.

    Args:
        height: Of the input, a multiple of 32; any unless given.
        width: The same.

    Returns:
        Input `image`: (N, H, W, 3), RGB, 0 to 255. Output `maps`: float32 (N, H/4, W/4, CHANNELS); see
        `detector_maps`.
    """
    image = keras.Input((height, width, 3), name="image")
    x = layers.Rescaling(1 / 64, -127.5 / 64, name="scaled")(image)
    x = _conv(x, STEM, "stem", stride=2)
    levels = []
    for number, (filters, blocks) in enumerate(STAGES, 1):
        x = _stage(x, filters, blocks, f"down_{number}")
        levels.append(x)
    *finer, x = levels
    x = layers.Conv2D(UP[0], 1, name="top")(x)
    for number, (level, filters) in enumerate(zip(reversed(finer), UP, strict=True), 1):
        if number > 1:
            x = layers.Conv2D(filters, 1, name=f"reduce_{number}")(x)
        side = layers.Conv2D(filters, 1, name=f"side_{number}")(level)
        x = layers.Add(name=f"sum_{number}")([layers.UpSampling2D(2, name=f"up_{number}")(x), side])
        x = _conv(x, filters, f"merge_{number}")
    x = _conv(x, HEAD, "head")
    x = layers.Conv2D(maps.CHANNELS, 1, name="maps", dtype="float32", bias_initializer=_prior)(x)
    return keras.Model(image, x, name="detector")


def _prior(shape: tuple[int, ...], dtype: str | None = None) -> object:
    """Return the output's first bias: nearly every cell holds no centre."""
    bias = keras.ops.log(PRIOR / (1 - PRIOR))
    return keras.ops.concatenate([keras.ops.full((1,), bias, dtype), keras.ops.zeros((shape[0] - 1,), dtype)])


def _conv(x: keras.KerasTensor, filters: int, name: str, stride: int = 1, relu: bool = True) -> keras.KerasTensor:
    """3 x 3 convolution, batch norm, ReLU; strided ones pad alike on both sides, as the decoding takes it."""
    if stride > 1:
        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    padding = "same" if stride == 1 else "valid"
    x = layers.Conv2D(filters, 3, stride, padding, use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.95, epsilon=1e-5, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _stage(x: keras.KerasTensor, filters: int, blocks: int, name: str) -> keras.KerasTensor:
    """Halve the resolution, then residual blocks of two convolutions."""
    x = _conv(x, filters, f"{name}_0", stride=2)
    for number in range(1, blocks + 1):
        y = _conv(x, filters, f"{name}_{number}a")
        y = _conv(y, filters, f"{name}_{number}b", relu=False)
        x = layers.ReLU(name=f"{name}_{number}_relu")(layers.Add(name=f"{name}_{number}_sum")([x, y]))
    return x
