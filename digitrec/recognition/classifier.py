"""Read glyphs with a trained model. LiteRT only: 35 MB and a third of a second, where Keras takes 640 MB."""

import functools
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from digitrec.errors import ModelError
from digitrec.recognition.calibration import Answers, Calibration
from digitrec.recognition.litert_notice import without_notice

Glyphs = NDArray[np.float32]

CHUNK = 32  # glyphs at a time: every layer's activations of 32 digits are 13 MB in `reader`; more is hardly faster

KEPT = 4  # opened models kept in memory: two on Draw, two more on another page


class Predictor:
    """A trained model that reads glyphs. Safe to share between threads: one reads at a time.

    Attributes:
        name: The model's name.
        calibration: How its logits become answers.
    """

    def __init__(self, name: str, file: Path, calibration: Calibration | None = None) -> None:
        """Open a `.tflite` file whose outputs are `probabilities` and the layers' activations, `logits` among them.

        Raises:
            ModelError: If the file is missing, damaged or of another kind.
        """
        self.name = name
        self.calibration = calibration or Calibration()
        self._file = file
        self._lock = threading.Lock()
        try:
            with without_notice():
                self._interpreter = Interpreter(str(file), num_threads=1)
                self._interpreter.allocate_tensors()
            signature = self._interpreter.get_signature_runner("serving_default")
            self._outputs = {key: int(d["index"]) for key, d in signature.get_output_details().items()}
            self._input = int(signature.get_input_details()["glyph"]["index"])
        except (ValueError, RuntimeError, KeyError, OSError) as error:
            raise ModelError(f"The model {name} is damaged and cannot be opened. Train it again.") from error
        if "logits" not in self._outputs:
            raise ModelError(f"The model {name} gives no logits. Train it again.")

    def __reduce__(self) -> tuple[Callable[..., "Predictor"], tuple[str, Path, Calibration]]:
        """Return how another process opens it."""
        return opened, (self.name, self._file, self.calibration)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names that `activations` returns."""
        return tuple(self._outputs)

    def answers(self, glyphs: Glyphs) -> Answers:
        """Return how likely each glyph is each digit, and a digit at all; both calibrated.

        Args:
            glyphs: float32 (N, 28, 28), 0 paper .. 1 ink.

        Returns:
            `probabilities` float32 (N, 10), whose rows add up to 1, and `is_digit` float32 (N,).

        Raises:
            ModelError: If the model's weights are damaged, so that it gives no numbers.
        """
        return self.calibration.answers(self.logits(glyphs))

    def probabilities(self, glyphs: Glyphs) -> NDArray[np.float32]:
        """Return how likely each glyph is each digit, calibrated, float32 (N, 10); see `answers`."""
        return self.answers(glyphs).probabilities

    def logits(self, glyphs: Glyphs) -> NDArray[np.float32]:
        """Return what the network computes before it is calibrated: float32 (N, 10).

        Raises:
            ModelError: If the model's weights are damaged, so that it gives no numbers.
        """
        logits = self._run(glyphs, ("logits",))["logits"]
        if not np.isfinite(logits).all():
            raise ModelError(f"The model {self.name} returned NaN or infinity. Train it again.")
        return logits

    def activations(self, glyphs: Glyphs, layers: Sequence[str] = ()) -> dict[str, NDArray[np.float32]]:
        """Return what these layers, or all, make of each glyph, by the layer's name; each array is (N, ...)."""
        return self._run(glyphs, tuple(layers) or self.layers)

    def weights(self, layer: str) -> NDArray[np.float32] | None:
        """Return the weights of a dense layer (units, inputs) or the kernels of a convolution (maps, k, k, inputs).

        `network.export` writes weights as float16. Those of an imported model are float32; what is computed
        with them has the axis of the digits, whose length is open. None where a file does not hold them under the
        layer's name.
        """
        name = re.compile(rf"(.*[/;])?{re.escape(layer)}(_\d+)?/(MatMul|convolution)")
        with self._lock:
            found = [each for each in self._interpreter.get_tensor_details() if name.fullmatch(each["name"])]
            half = [each for each in found if each["dtype"] == np.float16]
            full = [each for each in found if each["dtype"] == np.float32 and -1 not in each["shape_signature"]]
            for tensor in half or full:
                return np.asarray(self._interpreter.get_tensor(tensor["index"]), np.float32)
        return None

    def _run(self, glyphs: Glyphs, names: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
        if glyphs.ndim != 3 or glyphs.shape[1:] != (28, 28):
            raise ValueError(f"glyphs must be (N, 28, 28). Received: {glyphs.shape}")
        parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
        with self._lock:
            for first in range(0, max(1, len(glyphs)), CHUNK):
                chunk = np.ascontiguousarray(glyphs[first : first + CHUNK], np.float32)
                self._invoke(chunk if len(chunk) else np.zeros((1, 28, 28), np.float32))  # LiteRT has no empty batch
                for name in names:
                    parts[name].append(self._interpreter.get_tensor(self._outputs[name])[: len(chunk)])
        return {name: np.concatenate(arrays) for name, arrays in parts.items()}

    def _invoke(self, chunk: Glyphs) -> None:
        """Run the network on one or more glyphs.

        Raises:
            ModelError: If the file is damaged in a way that shows only now.
        """
        try:
            if self._interpreter.get_input_details()[0]["shape"][0] != len(chunk):
                self._interpreter.resize_tensor_input(self._input, chunk.shape)
                self._interpreter.allocate_tensors()
            self._interpreter.set_tensor(self._input, chunk)
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"The model {self.name} is damaged and cannot read. Train it again.") from error


def opened(name: str, file: Path, calibration: Calibration | None = None) -> Predictor:
    """Return a `.tflite` file as a predictor; the last few stay open until their files change.

    Raises:
        ModelError: If the file is missing, damaged or of another kind.
    """
    try:
        return _opened(name, file, calibration, file.stat().st_mtime_ns)
    except OSError as error:
        raise ModelError(f"The model {name} was deleted meanwhile. Choose another one.") from error


@functools.lru_cache(maxsize=KEPT)
def _opened(name: str, file: Path, calibration: Calibration | None, _changed: int) -> Predictor:
    return Predictor(name, file, calibration)
