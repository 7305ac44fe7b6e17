"""Names of the files that a trained model consists of."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


RECIPE = "recipe.json"
KERAS = "model.keras"
TFLITE = "model.tflite"
TEST = "test.npz"
CARD = "card.json"
INSIGHT = "insight.npz"
WATCH = "watch.bin"
OWN = "own"

MODEL_FILES = (KERAS, TFLITE, TEST, CARD)
"""What a trained model is made of; the card comes last, so that a folder with a card is whole."""
