"""What a digit is to every model: its classes, and the side of its picture."""

SIDE = 28  # pixels; MNIST's pictures are 28 x 28
CLASSES = 10
NONE = CLASSES
"""The label of non-digits among the glyphs made of pen strokes."""
