"""How many of the test digits known to be mislabelled each shipped model "misreads".

    python -m tests.bench.mislabelled

The fifteen are those whose label fewer than three of five people agreed with: C. Northcutt, A. Athalye, J. Mueller,
*Pervasive label errors in test sets destabilize machine learning benchmarks*, NeurIPS 2021, arXiv 2103.14749; taken
from mturk/mnist_mturk.json in github.com/cleanlab/label-errors (commit 5457895).
"""

import numpy as np

from digitrec.datasets import mnist
from digitrec.registry import registry

MISLABELLED = (947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729)


def main() -> None:
    """Print a line a model: the test digits that it misreads, and which of those known to be mislabelled."""
    truth = mnist.test()[1]
    for model in registry.models():
        wrong = np.flatnonzero(model.test_probabilities().argmax(axis=1) != truth)
        known = [digit for digit in MISLABELLED if digit in wrong]
        print(f"{model.name:12} {len(wrong):4} misread, {len(known):2} of the 15: {', '.join(map(str, known))}")


if __name__ == "__main__":
    main()
