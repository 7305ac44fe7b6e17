"""The surroundings of candidates -> which digit each is, if it is one, and which way up it lies; read by LiteRT.

The detector sees the whole page, small; this net sees each candidate again, upright and at one size, with what lies
around it: the second stage of a two-stage detector (Ren et al.: Faster R-CNN, arXiv 1506.01497).
"""

import threading
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec.recognition import litert
from digitrec.recognition.crop_outputs import HEIGHT, NONE, OUTPUTS, SIDE, TURNED, WAYS
from digitrec.recognition.crops import crop

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class CropAnswers:
    """What the net says of N candidates.

    Attributes:
        is_digit: float32 (N,), logits that they are digits.
        digits: float32 (N, 10), log probabilities of the digits, given that they are.
        ways: float32 (N, 4), log probabilities of by how many quarter turns counter-clockwise they become upright, each
            way as likely as the others before one looks.
    """

    is_digit: Floats
    digits: Floats
    ways: Floats

    def and_those(self, others: "CropAnswers", chosen: NDArray[np.bool_]) -> "CropAnswers":
        """Return these answers and then the chosen ones of others."""
        pairs = [(getattr(self, f.name), getattr(others, f.name)[chosen]) for f in fields(self)]
        return CropAnswers(*(np.concatenate(pair) for pair in pairs))


def crops_of(image: Bytes, boxes: Floats, angles: Floats) -> Bytes:
    """Return the crops uint8 (N, SIDE, SIDE, 3) of candidates.

    Args:
        image: uint8 (H, W, 3), RGB.
        boxes: float32 (N, 4): x and y of the middle, width and height along the digit's own axes, in pixels.
        angles: float32 (N,), of the digits, radians clockwise.
    """
    made = [crop(image, box, float(angle), SIDE, HEIGHT) for box, angle in zip(boxes, angles, strict=True)]
    return np.stack(made) if made else np.zeros((0, SIDE, SIDE, 3), np.uint8)


class CropClassifier:
    """The crop classifier. Safe to share between threads: one reads at a time."""

    def __init__(self, file: Path) -> None:
        """Open a `.tflite` file as `training.quantization` writes it.

        Raises:
            ModelError: If the file is missing, damaged or of another kind.
        """
        self._interpreter = litert.opened(file, "crop classifier", (1, SIDE, SIDE, 3), OUTPUTS)
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._lock = threading.Lock()

    def outputs(self, crops: Bytes) -> Floats:
        """Return the logits (N, OUTPUTS) of crops, uint8 (N, SIDE, SIDE, 3); one by one is as fast as together."""
        found = np.empty((len(crops), OUTPUTS), np.float32)
        with self._lock:
            for place, each in enumerate(crops):
                self._interpreter.set_tensor(self._input, each[None].astype(np.float32))
                self._interpreter.invoke()
                found[place] = self._interpreter.get_tensor(self._output)[0]
        return found

    def answers(self, crops: Bytes) -> CropAnswers:
        """Return what it says of crops, uint8 (N, SIDE, SIDE, 3)."""
        logits = self.outputs(crops)
        digits, ways = logits[:, :NONE], logits[:, WAYS] - np.log([1 - TURNED, *[TURNED / 3] * 3]).astype(np.float32)
        some = _log_sum(digits)
        return CropAnswers((some - logits[:, NONE : NONE + 1])[:, 0], digits - some, ways - _log_sum(ways))


def _log_sum(logits: Floats) -> Floats:
    """Return log(sum(exp(logits))) along the last axis, which is kept."""
    most = logits.max(axis=-1, keepdims=True)
    return np.asarray(most + np.log(np.exp(logits - most).sum(axis=-1, keepdims=True)), np.float32)
