"""What comes with an exported model: a script that reads a picture with it, one that checks it, and a README."""

from typing import Any

from digitrec.recognition.calibration import Calibration

_LIBRARY = {"onnx": "onnxruntime", "savedmodel": "tensorflow"}
_LOAD = {"onnx": 'onnxruntime.InferenceSession("model.onnx")', "savedmodel": 'tensorflow.saved_model.load("model")'}
_ASK = {
    "onnx": 'model.run(["probabilities"], {{"pictures": {0}}})[0]',
    "savedmodel": 'model.serve({0})["probabilities"].numpy()',
}

_READ = '''
"""Read one digit: python read.py PICTURE

Once:  python -m pip install {library} numpy pillow
"""

import sys

import numpy as np
import {library}
from PIL import Image, ImageOps

# As MNIST made its pictures: bright ink, 20 x 20 pixels, its centre of mass in the middle of 28 x 28.
page = ImageOps.autocontrast(Image.open(sys.argv[1]).convert("L"))
ink = page if np.median(page) < 128 else ImageOps.invert(page)
ink = ink.crop(ink.point(lambda tone: 255 * (tone > 127)).getbbox())
picture = np.asarray(ImageOps.expand(ImageOps.pad(ink, (20, 20)), 4))
middle = (np.indices((28, 28)) * picture).sum(axis=(1, 2)) / picture.sum()
picture = np.roll(picture, np.rint(14 - middle).astype(int), axis=(0, 1))

model = {load}
probabilities = {ask}[0]
for digit in probabilities.argsort()[::-1][:3]:
    print(f"{{digit}}: {{probabilities[digit]:.1%}}")
'''

_CHECK = '''
"""Check that the model gives the probabilities that it must give: python check.py"""

import json

import numpy as np
import {library}

golden = json.load(open("golden.json"))
model = {load}
found = {ask}
off = abs(found - golden["probabilities"]).max()
print("right" if off <= golden["tolerance"] else "WRONG", f"- the largest difference is {{off:.7f}}")
'''


def _script(template: str, kind: str, pictures: str) -> str:
    ask = _ASK[kind].format(pictures)
    return template.strip("\n").format(library=_LIBRARY[kind], load=_LOAD[kind], ask=ask) + "\n"


READ = {kind: _script(_READ, kind, "picture[None]") for kind in _LIBRARY}
"""A script that reads a picture with the model beside it, by the kind of export: ten lines below its imports."""

CHECK = {kind: _script(_CHECK, kind, 'np.array(golden["pictures"], "uint8")') for kind in _LIBRARY}
"""A script that compares the model with `golden.json`."""

TENSORBOARD_README = """
The curves of a digitrec run. To see them: pip install tensorboard, then tensorboard --logdir . in this folder.

train/       batch_loss, batch_accuracy (one step is a thousandth of an epoch), epoch_loss, epoch_accuracy
validation/  epoch_loss, epoch_accuracy, on digits that the network was not trained on
""".lstrip("\n")

_README = """
{name} reads handwritten digits: {accuracy:.2%} of MNIST's 10,000 test digits.

In:  pictures       uint8 (N, 28, 28), 0 paper .. 255 ink, as MNIST has them: the digit fits 20 x 20 pixels,
                    and its centre of mass is in the middle.
Out: probabilities  float32 (N, 10), of each picture being a 0, a 1 ... a 9. Rows add up to 1.
                    {calibrated}

{model}
read.py      python read.py PICTURE reads one digit, dark on light or light on dark
golden.json  ten of MNIST's test digits (CC BY-SA 3.0), a 0 to a 9, that this model is not sure of, and the
             probabilities that it must give, to within {tolerance}
check.py     python check.py compares the model with golden.json
"""

_CALIBRATED = "Calibrated as in the app (logits divided by {0:.4f}): of 100 predictions of 90 % about 90 are right."
_PLAIN = "Not calibrated, because the model's card has no calibration: probabilities are often too high."
_MODEL = {
    "onnx": "model.onnx   for ONNX Runtime and whatever else reads ONNX",
    "savedmodel": "model/       for TensorFlow and TensorFlow Serving",
}


def model_readme(card: dict[str, Any], kind: str, tolerance: float) -> str:
    """Return the README of a model for this kind of export, from its card."""
    calibration = Calibration.from_card(card)
    return _README.lstrip("\n").format(
        name=card["name"],
        accuracy=card["accuracy"],
        calibrated=_PLAIN if calibration == Calibration() else _CALIBRATED.format(calibration.temperature),
        model=_MODEL[kind],
        tolerance=tolerance,
    )
