"""Spoiled pictures, cards, recipes, events, models, addresses, clicks and commands: an answer, or a sentence.

`python -m tests.bench.bad_input` takes a hundred thousand.
"""

import io
import random
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from badinput import TARGETS, Target, spoiled
from PIL import Image

from digitrec import ink, pdf, registry, settings
from digitrec import runfolder as rf
from digitrec.errors import DigitrecError, PictureError

INPUTS = 2_000
NOISE = {"bmp": 30, "tiff": 30, "png": 40, "jpeg": 40}  # at most so many of those that may become much ink


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name.replace(" ", "-"))
def test_spoiled_input_is_answered_or_refused_in_a_sentence(target: Target, home: Path) -> None:
    seeds = target.seeds()
    for number in range(min(INPUTS * target.share // 1000, NOISE.get(target.name, INPUTS))):
        content = spoiled(target, seeds, random.Random(f"test {target.name} {number}"))
        try:
            target.take(content, home)
        except DigitrecError as error:
            said = str(error)
            assert said.endswith((".", "'", ")", '"')) or "Received" in said or "received" in said
            assert str(home) not in said


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in ("an address",)])
def test_what_is_valid_is_taken(name: str, home: Path) -> None:
    target = TARGETS[name]
    for seed in target.seeds():
        target.take(seed, home)
