"""A few steps with a tiny net on pages made here: a checkpoint, going on from it, and the detector that comes out."""

import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import charactersdata
import keras
import numpy as np
import pytest
import tensorflow as tf

from digitrec.datasets.characters import Characters
from digitrec.datasets.synthetic_pages import Page, PageMaker
from digitrec.recognition.detector import Detector
from digitrec.training import detector_network, detector_targets, detector_training
from digitrec.training.detector_batches import Batch, Plan
from digitrec.training.detector_training import Training, learning_rate

PLAN = Plan(minutes=1.0, batch=2, side=64, kept_pages=4, workers=1, bfloat16=False)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A network of few filters; Keras' dtype policy is put back."""
    policy = keras.config.dtype_policy().name
    monkeypatch.setattr(detector_network, "STAGES", ((4, 1), (4, 1), (6, 1), (8, 1)))
    monkeypatch.setattr(detector_network, "UP", (6, 6, 4))
    monkeypatch.setattr(detector_network, "STEM", 4)
    monkeypatch.setattr(detector_network, "HEAD", 4)
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture(autouse=True)
def eager(request: pytest.FixtureRequest) -> Iterator[None]:
    """Steps run as they are written: to compile one takes as long as a hundred. Tests with `compiled` compile."""
    tf.config.run_functions_eagerly("compiled" not in request.fixturenames)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def compiled() -> None:
    """Have steps be compiled, as they are in use."""


@pytest.fixture(scope="module")
def characters(tmp_path_factory: pytest.TempPathFactory) -> Characters:
    return charactersdata.characters([charactersdata.pillow_font(tmp_path_factory.mktemp("fonts"))])


@pytest.fixture(scope="module")
def pages(characters: Characters) -> list[Page]:
    with pytest.MonkeyPatch.context() as patch:
        charactersdata.few_textures(patch)
        maker = PageMaker(characters, 1)
    return [maker.page(number, 320, "scan", "rows") for number in range(3)]


def batch_of(pages: list[Page], number: int) -> Batch:
    rng = np.random.default_rng(number)
    crops = [detector_targets.crop(page.image, page.labels, PLAN.side, rng) for page in pages[: PLAN.batch]]
    targets = [detector_targets.targets(labels, PLAN.side) for _, labels in crops]
    return np.stack([image for image, _ in crops]), np.stack(targets).astype(np.float16)


class Made:
    """What `Batches` is to the training, without processes: the same batches each time."""

    def __init__(self, pages: list[Page]) -> None:
        self.taken = pages
        self.pages = len(pages)
        self.seeds: list[int] = []
        self.closed = 0

    def __call__(self, plan: Plan, characters: Characters, first_seed: int) -> "Made":
        self.seeds.append(first_seed)
        return self

    def __iter__(self) -> Iterator[Batch]:
        return (batch_of(self.taken, number) for number in itertools.count())

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def source(pages: list[Page], characters: Characters, monkeypatch: pytest.MonkeyPatch) -> Made:
    made = Made(pages)
    monkeypatch.setattr(detector_training, "Batches", made)
    monkeypatch.setattr(Characters, "load", classmethod(lambda cls, part, folder: characters))
    return made


def arrays(folder: Path, name: str) -> list[np.ndarray]:
    with np.load(folder / f"{name}.npz") as stored:
        return [stored[key] for key in stored.files]


def assert_same(some: list[Any], others: list[Any]) -> None:
    assert len(some) == len(others) > 0
    for a, b in zip(some, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("compiled")
def test_a_batch_learned_again_and_again_costs_less(pages: list[Page], tmp_path: Path) -> None:
    training = Training(PLAN, tmp_path)
    training.seconds = 10.0  # past the warm-up
    losses = [training.step(batch_of(pages, 0)) for _ in range(30)]
    assert training.steps == 30
    assert np.isfinite(losses).all()
    assert np.mean(losses[-3:]) < 0.95 * losses[0]


def test_a_checkpoint_goes_on_as_if_nothing_had_happened(pages: list[Page], tmp_path: Path) -> None:
    first = Training(PLAN, tmp_path)
    first.seconds, first.calls = 12.5, 3
    average = first.average[0].copy()
    for number in range(2):
        first.step(batch_of(pages, number))
    first.save()
    keras.utils.set_random_seed(99)
    second = Training(PLAN, tmp_path)
    assert second.resume()
    assert (second.steps, second.seconds, second.calls) == (2, 12.5, 3)
    for number in range(2, 4):
        np.testing.assert_array_equal(first.average[0], average)  # it moves every four steps
        assert first.step(batch_of(pages, number)) == pytest.approx(second.step(batch_of(pages, number)), rel=1e-4)
    assert_same(first.model.get_weights(), second.model.get_weights())
    assert_same(first.average, second.average)
    np.testing.assert_allclose(first.average[0], (average + first.model.get_weights()[0]) / 2, rtol=1e-5)
    optimizers = [[np.asarray(v) for v in each.model.optimizer.variables] for each in (first, second)]
    assert_same(*optimizers)


def test_without_a_checkpoint_there_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    assert not Training(PLAN, tmp_path / "none").resume()
    assert not (tmp_path / "none").exists()


def test_a_checkpoint_that_was_cut_short_is_not_taken_for_one(tmp_path: Path) -> None:
    """`state.json` is written last: without it there is no checkpoint."""
    folder = tmp_path / "checkpoint"
    Training(PLAN, folder).save()
    assert {file.name for file in folder.iterdir()} == {"weights.npz", "average.npz", "optimizer.npz", "state.json"}
    (folder / "state.json").unlink()
    assert not Training(PLAN, folder).resume()


def test_the_learning_rate_rises_and_then_falls() -> None:
    rates = np.array([learning_rate(PLAN, share) for share in np.linspace(0.0, 1.5, 301)])
    top = int(rates.argmax())
    assert rates.max() == pytest.approx(PLAN.peak_rate, rel=0.01)
    assert top / 200 == pytest.approx(detector_training.WARM_UP, abs=0.01)
    assert (np.diff(rates[:top]) > 0).all()
    assert (np.diff(rates[top:]) <= 1e-12).all()
    assert rates[0] > 0.0
    assert rates[200:] == pytest.approx(PLAN.peak_rate / 100)


def test_training_ends_with_its_time_and_a_later_call_goes_on(source: Made, tmp_path: Path) -> None:
    detector_training.train(PLAN, tmp_path, seconds=0.0)
    state = json.loads((tmp_path / "state.json").read_text())
    assert (state["steps"], state["calls"]) == (1, 1)
    detector_training.train(PLAN, tmp_path, seconds=0.0)
    again = json.loads((tmp_path / "state.json").read_text())
    assert (again["steps"], again["calls"]) == (2, 2)
    assert again["seconds"] > state["seconds"]
    assert source.closed == 2
    assert source.seeds[0] != source.seeds[1]  # no page is seen twice


def test_a_plan_that_is_over_makes_one_more_step_and_ends(source: Made, tmp_path: Path) -> None:
    detector_training.train(PLAN, tmp_path, seconds=0.0)
    state = json.loads((tmp_path / "state.json").read_text())
    (tmp_path / "state.json").write_text(json.dumps({**state, "seconds": 61.0}))
    detector_training.train(PLAN, tmp_path)
    assert json.loads((tmp_path / "state.json").read_text())["steps"] == 2


def test_a_loss_that_is_no_number_ends_it_and_keeps_the_last_checkpoint(
    source: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector_training.train(PLAN, tmp_path, seconds=0.0)
    before = arrays(tmp_path, "weights")
    monkeypatch.setattr(Training, "step", lambda self, batch: math.nan)
    with pytest.raises(SystemExit, match="peak-rate"):
        detector_training.train(PLAN, tmp_path, seconds=0.0)
    assert_same(arrays(tmp_path, "weights"), before)
    assert source.closed == 2


@pytest.mark.usefixtures("compiled")
def test_the_exported_detector_is_the_average_with_a_card(tmp_path: Path) -> None:
    training = Training(PLAN, tmp_path / "checkpoint")
    rng = np.random.default_rng(0)
    training.average = [mean * rng.uniform(0.5, 1.5, mean.shape) for mean in training.average]
    training.steps, training.seconds = 3, 90.0
    training.save()
    detector_training.export(tmp_path / "checkpoint", tmp_path / "model")
    assert {file.name for file in (tmp_path / "model").iterdir()} == {"detector.tflite", "card.json"}
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    model = detector_network.build()
    model.set_weights(arrays(tmp_path / "checkpoint", "average"))
    expected = keras.ops.convert_to_numpy(model(image[None].astype(np.float32), training=False))[0]
    np.testing.assert_allclose(Detector(tmp_path / "model" / "detector.tflite").maps(image), expected, atol=0.02)
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    assert card["version"] == 1
    assert card["parameters"] == model.count_params()
    assert (card["steps"], card["crops"], card["minutes"]) == (3, 6, 1.5)
    assert card["plan"] == vars(PLAN)


def test_bfloat16_trains_and_keeps_its_weights_in_full(pages: list[Page], tmp_path: Path) -> None:
    training = Training(replace(PLAN, bfloat16=True), tmp_path)
    assert training.model.get_layer("head_conv").compute_dtype == "bfloat16"
    assert math.isfinite(training.step(batch_of(pages, 0)))
    assert {weight.dtype for weight in training.model.get_weights()} == {np.dtype("float32")}
    assert training.model.output.dtype == "float32"


def test_a_training_begins_with_the_average_of_an_earlier_one(source: Made, tmp_path: Path) -> None:
    detector_training.train(PLAN, tmp_path / "first", seconds=0.0)
    training = Training(PLAN, tmp_path / "second")
    training.begin_with(tmp_path / "first" / "average.npz")
    assert_same(training.model.get_weights(), arrays(tmp_path / "first", "average"))
    assert_same(training.average, arrays(tmp_path / "first", "average"))
    assert training.initial == "1 steps of 2 crops from random"
    detector_training.train(PLAN, tmp_path / "third", tmp_path / "first" / "average.npz", seconds=0.0)
    assert json.loads((tmp_path / "third" / "state.json").read_text())["initial"] == training.initial
