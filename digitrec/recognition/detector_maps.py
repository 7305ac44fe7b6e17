"""What the detector's output maps mean: one place for the training, which makes targets, and the decoding.

No Keras and no LiteRT: both sides import this.
"""

import numpy as np

STRIDE = 4
"""Input pixels per cell of the output maps."""

MULTIPLE = 32
"""The input's height and width are multiples of this: the trunk halves them five times."""

OBJECTNESS = 0
"""Channel of the logit that a digit's centre lies here."""

CLASSES = slice(1, 11)
"""Channels of the ten digits' logits, given that there is a digit."""

OFFSET = slice(11, 13)
"""Channels of the centre's x and y, in units of OFFSET_SCALE pixels from the cell's middle."""

SIZE = slice(13, 15)
"""Channels of log(width / SIZE_SCALE) and log(height / SIZE_SCALE), along the digit's own axes."""

ANGLE_BINS = 36
ANGLE = slice(15, 15 + ANGLE_BINS)
"""Channels of the logits of the angle's bins; bin k is the direction k * 10 degrees, clockwise, 0 upright.

Bins, since a regressed cosine and sine are drawn to multiples of 90 degrees, the commonest directions.
"""

CHANNELS = 15 + ANGLE_BINS

OFFSET_SCALE = 8.0
SIZE_SCALE = 32.0

BIN_ANGLES = np.arange(ANGLE_BINS) * (2.0 * np.pi / ANGLE_BINS)
"""Radians of each bin's middle."""
