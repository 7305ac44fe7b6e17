"""Evidence by hand on networks of one pixel; principal axes against scikit-learn; neighbours by counting."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from digitrec.analysis import explain
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import ConvBlock, Recipe


def depends_on(row: int, column: int, weight: float = 4.0) -> explain.Read:
    """Return a network that answers 3 where this pixel has ink, and 0 where it has not."""

    def read(glyphs: np.ndarray) -> np.ndarray:
        logits = np.zeros((len(glyphs), 10), np.float32)
        logits[:, 3] = weight * (glyphs[:, row, column] - 0.5)
        return logits

    return read


def bar() -> np.ndarray:
    glyph = np.zeros((28, 28), np.float32)
    glyph[4:24, 12:16] = 1
    return glyph


def test_odds_are_those_of_the_softmax() -> None:
    logits = np.random.default_rng(1).normal(0, 3, (5, 10))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = np.log10(probabilities[:, 4] / (1 - probabilities[:, 4]))
    assert explain.odds(logits, 4) == pytest.approx(expected)


def test_occlusion_by_hand_on_a_network_that_depends_on_one_pixel() -> None:
    found = explain.occlusion(depends_on(10, 13), bar(), 3)
    drop = (4.0 / 2 + 4.0 / 2) / np.log(10)  # from 2 to -2; the nine others stay 0
    assert found[10, 13] == pytest.approx(drop, rel=1e-5)  # all four windows on it cover it
    assert found[10, 12] == pytest.approx(drop, rel=1e-5)  # windows begin at even places: the same four
    assert found[10, 14] == pytest.approx(drop / 2, rel=1e-5)  # two of its four
    assert found[8, 14] == pytest.approx(drop / 4, rel=1e-5)
    assert found[14, 13] == 0
    assert found[10, 20] == 0, "paper has no evidence"
    assert explain.occlusion(depends_on(10, 13, -4.0), bar(), 3).min() == pytest.approx(-drop, rel=1e-5)


def test_blank_paper_has_no_evidence() -> None:
    assert not explain.occlusion(depends_on(1, 1), np.zeros((28, 28), np.float32), 0).any()


def test_each_pixel_lies_under_four_windows() -> None:
    assert (explain._windows().sum(axis=0) == 4).all()


def test_the_smallest_change_of_a_network_that_depends_on_one_pixel_is_that_pixel() -> None:
    glyph = bar()
    removed = explain.smallest_change(depends_on(10, 13), glyph)
    assert removed is not None
    assert (removed.pixels, removed.answer, bool(removed.removed[10, 13])) == (1, 0, True)
    added = explain.smallest_change(depends_on(10, 11), glyph)  # paper beside the bar
    assert added is not None
    assert (added.pixels, added.answer, bool(added.added[10, 11])) == (1, 3, True)
    assert glyph.sum() == bar().sum(), "the digit itself stays"


def test_the_change_found_is_needed_in_every_pixel() -> None:
    """A net that counts ink in the upper half: each pixel weighs the same."""

    def read(glyphs: np.ndarray) -> np.ndarray:
        logits = np.zeros((len(glyphs), 10), np.float32)
        logits[:, 1] = glyphs[:, :14].sum(axis=(1, 2)) - 35.5  # the bar has 40 there
        return logits

    flip = explain.smallest_change(read, bar())
    assert flip is not None
    assert (int(flip.added.sum()), int(flip.removed.sum())) == (0, 5)
    assert flip.removed[:14].sum() == 5
    changed = np.where(flip.added, 1, np.where(flip.removed, 0, bar()))
    assert read(changed[None])[0].argmax() == flip.answer == 0


def test_a_net_that_never_changes_has_no_change() -> None:
    assert (
        explain.smallest_change(lambda glyphs: np.tile(np.eye(10, dtype=np.float32)[7], (len(glyphs), 1)), bar())
        is None
    )


def test_principal_axes_are_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    features = (rng.normal(0, 1, (300, 12)) @ rng.normal(0, 1, (12, 12))).astype(np.float32)
    axes, theirs = explain.principal_axes(features, 5), PCA(5).fit(features)
    signs = np.sign((axes.axes * theirs.components_).sum(axis=1))
    assert axes.axes == pytest.approx(theirs.components_ * signs[:, None], abs=1e-4)
    assert axes.project(features) == pytest.approx(theirs.transform(features) * signs, abs=1e-3)
    codes = axes.codes(features)
    assert codes.dtype == np.int8
    assert codes.astype(np.float32) * axes.scale == pytest.approx(axes.project(features), abs=0.51 * axes.scale)


def test_features_that_never_change_have_codes_of_zero() -> None:
    features = np.ones((20, 4), np.float32)
    assert not explain.principal_axes(features, 2).codes(features).any()


def test_the_nearest_come_first() -> None:
    codes = np.array([[0, 0], [3, 4], [1, 0], [-100, 100]], np.int8)
    places, distances = explain.nearest(codes, np.array([0.0, 0.0], np.float32), 3)
    assert places.tolist() == [0, 2, 1]
    assert distances.tolist() == [0, 1, 5]


def test_the_strongest_units_and_maps_come_first() -> None:
    assert explain.top_units(np.array([1, 5, 3], np.float32), 2).tolist() == [1, 2]
    maps = np.zeros((2, 2, 3), np.float32)
    maps[0, 0] = [1, 0, 9]
    assert explain.top_units(maps, 5).tolist() == [2, 0, 1]


def test_of_a_block_with_batch_norm_what_leaves_it_is_shown() -> None:
    recipe = Recipe("x", kind="cnn", blocks=(ConvBlock(4, 3, 2, True), ConvBlock(4, 3, 1)), hidden=(8,))
    layers = ("activation_1", "conv_1", "conv_2", "dense_1", "logits", "norm_1", "pool_1", "probabilities")
    assert explain.shown_layers(recipe, layers) == ["activation_1", "pool_1", "conv_2", "dense_1"]
    assert explain.last_hidden(recipe, layers) == "dense_1"
    layers = ("dense_1", "dense_activation_1", "dense_norm_1", "logits")
    assert explain.shown_layers(Recipe("x", hidden_norm=True), layers) == ["dense_activation_1"]


@pytest.mark.parametrize(("name", "last"), [("reader-mlp", "dense_2"), ("mlp-128", "dense_1")])
def test_the_last_hidden_layer_of_a_recipe(name: str, last: str) -> None:
    recipe = PRESETS[name].recipe
    assert explain.last_hidden(recipe, ("dense_1", "dense_2", "logits", "probabilities")) == last


def test_without_hidden_layers_the_last_maps_count_by_their_means() -> None:
    recipe = Recipe("x", kind="cnn", blocks=(ConvBlock(4, 3, 1),), hidden=())
    assert explain.last_hidden(recipe, ("conv_1", "logits", "probabilities")) == "conv_1"
    maps = np.arange(24, dtype=np.float32).reshape(2, 2, 3, 2)
    assert explain.features(maps).tolist() == [[5, 6], [17, 18]]
    assert explain.features(maps[:, 0, 0]).tolist() == maps[:, 0, 0].tolist()
