"""Names of the files that a trained model consists of, and of those that a training run adds."""

RECIPE = "recipe.json"
KERAS = "model.keras"
TFLITE = "model.tflite"
TEST = "test.npz"
CARD = "card.json"
INSIGHT = "insight.npz"
WATCH = "watch.bin"
OWN = "own"

MODEL_FILES = (KERAS, TFLITE, TEST, CARD)
"""What a trained model consists of; the card is written last, so that a folder with a card is complete."""
