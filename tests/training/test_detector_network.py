"""The detector as built by Keras and as read by LiteRT: the same maps, within what a phone's memory allows."""

from pathlib import Path

import keras
import numpy as np
import pytest

from digitrec.errors import ModelError
from digitrec.recognition import detector_maps as maps
from digitrec.recognition.detector import Detector
from digitrec.training import detector_network, quantization

MOST_PARAMETERS, MOST_BYTES = 2_500_000, 5_000_000


def randomized(model: keras.Model, seed: int = 0) -> keras.Model:
    """Return a model with weights as a trained one has them: the norms are not what they were at the start."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = weights
            layer.set_weights(
                [rng.uniform(0.5, 1.0, gamma.shape), rng.normal(0, 0.2, beta.shape), rng.normal(0, 0.2, mean.shape),
                 rng.uniform(0.5, 2.0, variance.shape)]
            )  # fmt: skip
    return model


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    return randomized(detector_network.build())


@pytest.fixture(scope="module")
def file(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("detector") / "detector.tflite"
    quantization.export(model, path)
    return path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of the same shape with few filters."""
    monkeypatch.setattr(detector_network, "STAGES", ((4, 1), (4, 1), (6, 1), (8, 1)))
    monkeypatch.setattr(detector_network, "UP", (6, 6, 4))
    monkeypatch.setattr(detector_network, "STEM", 4)
    monkeypatch.setattr(detector_network, "HEAD", 4)


def test_it_is_small_enough(model: keras.Model, file: Path) -> None:
    assert model.count_params() <= MOST_PARAMETERS
    assert file.stat().st_size <= MOST_BYTES


@pytest.mark.parametrize("shape", [(64, 96), (160, 32)])
def test_litert_reads_what_keras_computes_at_any_size(model: keras.Model, file: Path, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(2).integers(0, 256, (*shape, 3)).astype(np.uint8)
    image[:, : shape[1] // 2] //= 8
    expected = keras.ops.convert_to_numpy(model(image[None].astype(np.float32), training=False))[0]
    found = Detector(file).maps(image)
    assert found.shape == expected.shape == (shape[0] // maps.STRIDE, shape[1] // maps.STRIDE, maps.CHANNELS)
    assert expected.std() > 0.05  # they say something
    assert np.abs(found - expected).max() < 0.01 * np.abs(expected).max()


def test_the_untrained_net_finds_nothing() -> None:
    output = detector_network.build()(np.full((1, 64, 64, 3), 127.0, np.float32))
    probability = keras.ops.convert_to_numpy(keras.ops.sigmoid(output[..., maps.OBJECTNESS]))
    assert probability.max() < 10 * detector_network.PRIOR


@pytest.mark.usefixtures("small")
def test_a_picture_that_moves_by_whole_cells_moves_its_maps() -> None:
    model = randomized(detector_network.build())
    image = np.full((256, 256, 3), 127.0, np.float32)
    image[100:140, 110:130] = np.random.default_rng(0).uniform(0, 255, (40, 20, 3))
    moved = np.roll(image, (32, -32), axis=(0, 1))
    first, second = (keras.ops.convert_to_numpy(model(each[None], training=False))[0] for each in (image, moved))
    middle = np.s_[24:40, 24:40]
    back = np.roll(second, (-8, 8), axis=(0, 1))
    assert np.abs(back - first)[middle].max() < 0.01  # the edges are far, yet zeros beyond them are felt
    assert np.abs(second - first)[middle].max() > 0.1


def test_a_detector_with_other_maps_is_refused(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setattr(maps, "CHANNELS", maps.CHANNELS + 1)
    with pytest.raises(ModelError, match="does not match this version") as caught:
        Detector(file)
    assert str(file.parent) not in str(caught.value)


def test_its_layers_are_those_that_initial_weights_names() -> None:
    from digitrec.training import initial_weights

    names = {layer.name for layer in detector_network.build().layers if layer.weights}
    expected = {f"{ours}_{part}" for ours, _ in initial_weights._pairs() for part in ("conv", "norm")}
    assert names == expected | set(initial_weights.CONVOLUTIONS) | {"maps"}
