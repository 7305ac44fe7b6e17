"""Home: what this is, one picture read on the spot, the models at hand, where to go."""

from digitrec import ui

ui.page("Home", "Draw a digit, or upload a photo of one, and see what two neural networks make of it.")
