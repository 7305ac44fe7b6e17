"""Damaged model files of each format are read as another model or refused in a sentence; nothing hangs or crashes.

`python -m tests.bench.bad_models` takes ten thousand.
"""

import random

import badmodels
import modeldata
import pytest

from digitrec.errors import ModelError
from digitrec.registry.importing import network, sandbox

COUNT = 25  # of each format


@pytest.mark.parametrize("name", modeldata.FILES)
def test_a_damaged_file_is_read_or_refused_in_a_sentence(name: str) -> None:
    refused = []
    for number in range(COUNT):
        data = badmodels.spoiled(name, random.Random(f"test {name} {number}"))
        try:
            found = sandbox.read(data)
            assert found.layers[0].kind == "InputLayer"
            assert found.parameters <= network.MOST_PARAMETERS
        except ModelError as error:
            refused.append(str(error))
    assert len(refused) > COUNT // 4
    assert all(sentence[0].isupper() and "Traceback" not in sentence for sentence in refused)
    assert sandbox.CRASHED not in refused
