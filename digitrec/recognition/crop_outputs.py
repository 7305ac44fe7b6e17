"""What the crop classifier sees and says: one place for its training and its reading.

No Keras and no LiteRT: both sides import this.
"""

SIDE, HEIGHT = 48, 24.0
"""Pixels of a crop's side, and of the candidate's longer side in it."""

CLASSES = slice(0, 11)
"""Outputs: logits of the ten digits, and of non-digits."""

NONE = 10
"""The class of non-digits."""

WAYS = slice(11, 15)
"""Outputs: logits of by how many quarter turns counter-clockwise a digit becomes upright, 0 to 3."""

OUTPUTS = 15

ALIKE = (0, 1, 8)
"""Digits that look the same upside down."""

TURNED = 0.3
"""Share of the crops that are rotated by quarters in training; the other three ways up share it."""
