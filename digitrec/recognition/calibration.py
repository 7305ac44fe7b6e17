"""Logits -> confidence that means what it says, and how sure a model is that there is a digit at all.

No NumPy at import: the registry checks cards with this, and the command line lists models without NumPy.

References:
    Guo et al.: On calibration of modern neural networks, ICML 2017, arXiv 1706.04599 (temperature scaling, the
    expected calibration error). Liu et al.: Energy-based out-of-distribution detection, NeurIPS 2020,
    arXiv 2010.03759 (logsumexp of the logits as the score).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Float32s = NDArray[np.float32]

SHARE = 0.005
"""Share of held-out digits that `fit` lets be rejected: more would lose digits, fewer would let letters pass; both are
printed by `python -m tests.bench.no_digit`."""

TEMPERATURES = (0.2, 10.0)  # where `fit` looks; networks lie between 0.5 and 3
SPREADS = (0.1, 100.0)
TYPICAL = 0.99  # what the middle one of the held-out digits is given, where no negatives tell

SMALLEST, LARGEST = 1e-3, 1e3  # a card's temperature and spread; beyond them numbers run over


class Answers(NamedTuple):
    """What a model says of N glyphs.

    Attributes:
        probabilities: float32 (N, 10); rows add up to 1.
        is_digit: float32 (N,), 0 to 1: how sure it is that each is a digit at all; below 0.5 it is rejected.
    """

    probabilities: "Float32s"
    is_digit: "Float32s"


@dataclass(frozen=True)
class Calibration:
    """How a model's logits become answers. The default leaves a model as it is: everything is a digit to it.

    Attributes:
        temperature: What logits are divided by before the softmax; above 1 for a net that is surer than it should be.
        energy: logsumexp of the divided logits at which a digit and a non-digit are equally likely.
        spread: How far above `energy` it must lie to be sure: `is_digit` is 0.73 one spread above, 0.95 three.

    Raises:
        ValueError: If a value is no number, or out of range.
    """

    temperature: float = 1.0
    energy: float = -math.inf
    spread: float = 1.0

    def __post_init__(self) -> None:
        numbers = (self.temperature, self.energy, self.spread)
        right = all(type(number) in (int, float) for number in numbers) and all(
            SMALLEST <= number <= LARGEST for number in (self.temperature, self.spread)
        )
        if not (right and (self.energy == -math.inf or -LARGEST <= self.energy <= LARGEST)):
            raise ValueError(f"temperature and spread are {SMALLEST} to {LARGEST}, energy a number. Received: {self}")

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> "Calibration":
        """Return the calibration in a model's card; the default where the card, an older one, has none.

        Raises:
            ValueError: If it is there and damaged.
        """
        if "calibration" not in card:
            return cls()
        values = card["calibration"]
        if not isinstance(values, dict):
            raise ValueError(f"A calibration has temperature, energy and spread. Received: {values!r}")
        missing = math.nan
        return cls(*(values.get(name, missing) for name in ("temperature", "energy", "spread")))

    def to_json(self) -> dict[str, float]:
        """Return what a card holds under `calibration`; the default is not written, for JSON has no infinity."""
        return asdict(self)

    def energies(self, logits: "Floats") -> "NDArray[np.float64]":
        """Return logsumexp of each row's logits, divided by the temperature: (N, 10) -> (N,)."""
        import numpy as np

        energies: NDArray[np.float64] = np.logaddexp.reduce(np.asarray(logits, np.float64) / self.temperature, axis=1)
        return energies

    def answers(self, logits: "Floats") -> Answers:
        """Return what logits (N, 10) say of N glyphs."""
        import numpy as np

        energies = self.energies(logits)
        probabilities = np.exp(np.asarray(logits, np.float64) / self.temperature - energies[:, None])
        is_digit = 0.5 * (
            1.0 + np.tanh((energies - self.energy) / (2.0 * self.spread))
        )  # a sigmoid that never overflows
        return Answers(probabilities.astype(np.float32), is_digit.astype(np.float32))


def fit(
    logits: "Floats", truth: "NDArray[np.integer[Any]]", none_logits: "Floats | None" = None, share: float = SHARE
) -> Calibration:
    """Return the calibration of a model from what it says of digits held out from its training.

    The temperature makes the true digits as likely as can be. The energy is the one below which `share` of the
    digits lie. The spread is a logistic regression's of digits against negatives, each side with the same weight;
    without negatives it gives the middle digit TYPICAL.

    Args:
        logits: (N, 10) of the digits.
        truth: (N,), 0 to 9.
        none_logits: (M, 10) of non-digits, such as letters and scribbles.
        share: Share of the digits that may be rejected.

    Raises:
        ValueError: If there are no digits, not one truth a row, or a logit is no number.
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    scores, truth = np.asarray(logits, np.float64), np.asarray(truth, np.int64)
    negatives = np.zeros((0, 10)) if none_logits is None else np.asarray(none_logits, np.float64)
    if not len(scores) or len(scores) != len(truth) or not (np.isfinite(scores).all() and np.isfinite(negatives).all()):
        raise ValueError(f"logits must be numbers, (N, 10), with a truth a row. Received: {scores.shape}, {len(truth)}")
    true = scores[np.arange(len(truth)), truth]

    def surprise(log_temperature: float) -> float:
        temperature = math.exp(log_temperature)
        return float(np.mean(Calibration(temperature).energies(scores) - true / temperature))

    low, high = (math.log(bound) for bound in TEMPERATURES)
    warm = Calibration(math.exp(minimize_scalar(surprise, bounds=(low, high), method="bounded").x))
    energies, others = warm.energies(scores), warm.energies(negatives)
    energy = float(np.quantile(energies, share))

    def error(log_spread: float) -> float:
        spread = math.exp(log_spread)
        missed, taken = np.logaddexp(0, (energy - energies) / spread), np.logaddexp(0, (others - energy) / spread)
        return float(missed.mean() + taken.mean())

    low, high = (math.log(bound) for bound in SPREADS)
    if len(others):
        spread = math.exp(minimize_scalar(error, bounds=(low, high), method="bounded").x)
    else:
        spread = float(np.clip((np.median(energies) - energy) / math.log(TYPICAL / (1 - TYPICAL)), *SPREADS))
    return Calibration(warm.temperature, energy, spread)
