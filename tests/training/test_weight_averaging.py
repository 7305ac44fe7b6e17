"""Averaged weights lie between those of two trainings, and batch normalization knows the pictures that it sees."""

import json
from pathlib import Path

import charactersdata
import keras
import numpy as np
import pytest

from digitrec.datasets.characters import Characters
from digitrec.training import detector_network, detector_training, weight_averaging
from digitrec.training.detector_batches import Supply


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a network of few filters."""
    monkeypatch.setattr(detector_network, "STAGES", ((4, 1), (4, 1), (6, 1), (8, 1)))
    monkeypatch.setattr(detector_network, "UP", (6, 6, 4))
    monkeypatch.setattr(detector_network, "STEM", 4)
    monkeypatch.setattr(detector_network, "HEAD", 4)


def weights(seed: int) -> list[np.ndarray]:
    keras.utils.set_random_seed(seed)
    return detector_network.build().get_weights()


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(40 * k, 40 * k + 80, (2, 64, 64, 3)).astype(np.uint8) for k in range(count)]


@pytest.mark.parametrize("share", [0.0, 0.75, 1.0])
def test_weights_are_averaged_by_their_share(share: float) -> None:
    before, after = weights(1), weights(2)
    model = weight_averaging.averaged(before, after, share, [])
    for mean, a, b in zip(model.get_weights(), before, after, strict=True):
        np.testing.assert_allclose(mean, (1 - share) * a + share * b, rtol=1e-5, atol=1e-6)


def test_the_statistics_are_the_means_over_all_pictures() -> None:
    seen = pictures(3)
    model = weight_averaging.averaged(weights(1), weights(2), 0.5, seen)
    first = model.get_layer("stem_norm")
    before_it = keras.Model(model.input, first.input)
    values = [np.asarray(before_it(batch.astype(np.float32))) for batch in seen]
    np.testing.assert_allclose(first.moving_mean, np.mean([v.mean((0, 1, 2)) for v in values], 0), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(first.moving_variance, np.mean([v.var((0, 1, 2)) for v in values], 0), rtol=1e-3)


def test_a_checkpoint_is_written_that_can_be_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    characters = charactersdata.characters([charactersdata.pillow_font(tmp_path)])
    monkeypatch.setattr(Characters, "load", classmethod(lambda cls, part, folder: characters))
    monkeypatch.setattr(weight_averaging, "SUPPLY", Supply(batch=2, side=64, kept_pages=2, reuse=9, workers=1))
    monkeypatch.setattr(weight_averaging, "STEPS", 2)
    state = {"steps": 7, "seconds": 60.0, "calls": 1, "initial": "random", "plan": {"batch": 2}}
    for name, seed in (("before", 1), ("after", 2)):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "average.npz", *weights(seed))
        (tmp_path / name / "state.json").write_text(json.dumps(state))
    weight_averaging.write(tmp_path / "before", tmp_path / "after", 0.75, tmp_path / "both")
    detector_training.export(tmp_path / "both", tmp_path / "model")
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    assert card["averaged"] == "0.75 of these weights, 0.25 of those it began with"
    assert (card["steps"], card["crops"]) == (7, 14)
    assert (tmp_path / "model" / "detector.tflite").stat().st_size > 1000
