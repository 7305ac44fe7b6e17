"""Crops in files, how they are varied, and a training of a few steps that goes on where it ended."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partialmethod
from pathlib import Path

import charactersdata
import keras
import numpy as np
import pytest
import strokedata

from digitrec.datasets import page_crops, single_pictures, unipen
from digitrec.datasets.characters import Characters
from digitrec.datasets.page_crops import Crops
from digitrec.recognition import crop_outputs
from digitrec.recognition.crop_classifier import CropClassifier
from digitrec.recognition.crop_outputs import NONE
from digitrec.training import crop_network, crop_training
from digitrec.training.crop_network import NOT_COUNTED
from digitrec.training.crop_training import EMPTY_FROM, SINGLES_FROM, Plan

PLAN = Plan(pages=2, empty=0, singles=0, checked=1, epochs=2, batch=8, precision="float32")


def some_crops(count: int, seed: int = 0) -> Crops:
    """Return crops that are easy to distinguish: bright with a dark bar for digits, grey for others."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 11, count).astype(np.int8)
    images = np.full((count, page_crops.SIDE, page_crops.SIDE, 3), 128, np.uint8)
    for image, each in zip(images, classes, strict=True):
        if each != NONE:
            image[:] = 230
            image[24:48, 26 + 2 * each : 29 + 2 * each] = 20
    return Crops(images, classes)


@pytest.fixture(autouse=True)
def policy() -> Iterator[None]:
    """Put Keras' dtype policy back."""
    name = keras.config.dtype_policy().name
    yield
    keras.config.set_dtype_policy(name)


def test_targets_of_rotated_crops_tell_the_way_only() -> None:
    classes, turns = np.array([3, 3, 8, NONE, 0], np.int8), np.array([0, 2, 1, 0, 0])
    expected = [[3, 0], [NOT_COUNTED, 2], [NOT_COUNTED, NOT_COUNTED], [NONE, NOT_COUNTED], [0, NOT_COUNTED]]
    np.testing.assert_array_equal(crop_training.targets(classes, turns), expected)


@pytest.mark.parametrize("turns", range(4))
def test_a_crop_rotated_by_quarters_becomes_upright_by_as_many_counter_clockwise(
    turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("ANGLE", 0.0), ("ZOOM", 0.0), ("SHIFT", 0.0)):
        monkeypatch.setattr(crop_training, name, value)
    image = np.random.default_rng(1).integers(0, 256, (page_crops.SIDE, page_crops.SIDE, 3)).astype(np.uint8)
    upright = crop_training.varied(image, np.random.default_rng(2), 0)
    rotated = crop_training.varied(image, np.random.default_rng(2), turns)
    np.testing.assert_allclose(np.rot90(rotated, turns).astype(int), upright, atol=2)


def test_a_crop_varies_and_keeps_its_size() -> None:
    image = some_crops(1).images[0]
    rng = np.random.default_rng(3)
    seen = [crop_training.varied(image, rng, 0) for _ in range(5)]
    assert {each.shape for each in seen} == {(crop_outputs.SIDE, crop_outputs.SIDE, 3)}
    assert len({each.tobytes() for each in seen}) == 5


def test_crops_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def make_crops(part: str, seed: int, first: int, count: int) -> Crops:
        asked.append((part, seed, first, count))
        return some_crops(3, first)

    monkeypatch.setattr(crop_training, "make_crops", make_crops)
    file = tmp_path / "training-1-000040.npz"
    for _ in range(2):
        assert crop_training.write_crops(file, "training", 1, 40, 5) == file.name
    assert asked == [("training", 1, 40, 5)]
    with np.load(file) as stored:
        np.testing.assert_array_equal(stored["images"], some_crops(3, 40).images)
        np.testing.assert_array_equal(stored["classes"], some_crops(3, 40).classes)


@pytest.mark.parametrize("part", ["training", "validation"])
def test_pages_with_digits_empty_ones_and_single_pictures_are_asked_for(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def make_crops(part: str, seed: int, first: int, count: int) -> Crops:
        asked.append((first, count))
        return some_crops(2 if first else 3)

    monkeypatch.setattr(crop_training, "ProcessPoolExecutor", lambda workers, _: ThreadPoolExecutor(workers))
    monkeypatch.setattr(crop_training, "make_crops", make_crops)
    plan = replace(PLAN, pages=80, empty=1, singles=1, checked=1)
    crops = crop_training.all_crops(tmp_path, part, plan, 1)
    wanted = {"training": [(0, 40), (40, 40), (1_000_000, 40), (2_000_000, 1000)], "validation": [(0, 40)]}[part]
    assert sorted(asked) == wanted
    assert len(crops.classes) == 1 + 2 * len(wanted)
    assert sorted(file.name for file in tmp_path.glob("*.npz")) == sorted(
        f"{part}-1-{first:06d}.npz" for first, _ in wanted
    )


def test_crops_of_single_pictures_are_the_same_for_a_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unipen, "AMBIGUOUS", frozenset())
    monkeypatch.setenv("DIGITREC_STROKES", str(tmp_path))
    strokedata.write(tmp_path, monkeypatch)
    monkeypatch.setattr(single_pictures, "WITHOUT", 1.0)  # digits beyond 0, 1 and 7 nobody wrote there
    first, again = (crop_training.make_crops("training", 1, SINGLES_FROM, 4) for _ in range(2))
    assert set(first.classes) == {NONE}
    np.testing.assert_array_equal(first.images, again.images)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have pages be made of one font and a few textures."""
    characters = charactersdata.characters([charactersdata.pillow_font(tmp_path)])
    monkeypatch.setattr(Characters, "load", lambda part, folder: characters)
    charactersdata.few_textures(monkeypatch)


@pytest.mark.usefixtures("few")
def test_on_an_empty_page_nothing_is_a_digit() -> None:
    crops = crop_training.make_crops("training", 1, EMPTY_FROM, 2)
    assert len(crops.classes) >= page_crops.ELSEWHERE
    assert set(crops.classes) == {NONE}


@pytest.mark.usefixtures("few")
def test_crops_of_a_few_pages_are_made_with_the_shipped_detector() -> None:
    first, again = (crop_training.make_crops("training", 1, 0, 2) for _ in range(2))
    assert len(first.classes) >= 2 * page_crops.ELSEWHERE
    assert first.images.shape == (len(first.classes), page_crops.SIDE, page_crops.SIDE, 3)
    np.testing.assert_array_equal(first.images, again.images)


def test_it_learns_what_is_easy_and_the_net_comes_out_for_litert(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        crop_training, "all_crops", lambda folder, part, *_: some_crops({"training": 400}.get(part, 60))
    )
    monkeypatch.setattr(keras.Model, "compile", partialmethod(keras.Model.compile, jit_compile=False))  # XLA takes 10 s
    small = crop_network.build((4, 6, 8, 8), 16)
    monkeypatch.setattr(crop_network, "build", lambda: keras.models.clone_model(small))
    model, card = crop_training.train(replace(PLAN, epochs=6, peak_rate=0.02), tmp_path, 1)
    assert card["crops"] == 400
    assert card["validation"]["digits taken for digits"] > 0.9
    assert card["validation"]["others taken for others"] > 0.9
    json.dumps(card)
    crop_training.export(model, card, tmp_path / "model")
    assert json.loads((tmp_path / "model" / "crop_classifier.json").read_text()) == card
    answers = CropClassifier(tmp_path / "model" / "crop_classifier.tflite").answers(
        crop_training.middle_of(some_crops(60).images)
    )
    np.testing.assert_array_equal(answers.is_digit > 0, some_crops(60).classes != NONE)
