"""How far a model's confidence lies from how often it is right: for tests and benches."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def expected_calibration_error(
    confidence: NDArray[np.floating[Any]], right: NDArray[np.bool_], bins: int = 15
) -> float:
    """Return how far confidence and the share of right answers lie apart, 0 to 1.

    Answers are sorted into bins of equal width by their confidence; each bin's gap between its mean confidence and
    its share of right answers counts by its number of answers.

    Args:
        confidence: (N,), 0 to 1.
        right: (N,), whether each answer is right.
        bins: How many.

    Raises:
        ValueError: If there are no answers, or not one confidence each.
    """
    if not len(confidence) or len(confidence) != len(right):
        raise ValueError(f"One confidence an answer. Received: {len(confidence)} for {len(right)} answers")
    gaps = np.asarray(confidence, np.float64) - np.asarray(right, np.float64)
    places = np.clip(np.ceil(np.asarray(confidence, np.float64) * bins).astype(np.int64) - 1, 0, bins - 1)
    return float(np.abs(np.bincount(places, gaps, bins)).sum() / len(gaps))
