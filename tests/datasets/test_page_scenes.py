"""Scenes: every kind makes a picture of its layers, the same for the same seed, with ink that can be seen."""

from typing import Any

import charactersdata
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec.datasets import page_scenes as scenes
from digitrec.datasets.page_geometry import to_frame
from digitrec.datasets.page_scenes import KINDS, Scene, Textures

SIDE = 640
DRAWN = [kind for kind in KINDS if kind != "nothing"]


@pytest.fixture(scope="module")
def textures() -> Textures:
    return Textures(np.random.default_rng(3))


def written(cover: int = 255, width: int = 8) -> dict[str, NDArray[np.uint8]]:
    """Return layers with a fat zero in the middle of the frame."""
    ink = np.zeros((2 * SIDE, 2 * SIDE), np.uint8)
    cv2.ellipse(ink, (SIDE, SIDE), (40, 60), 0, 0, 360, cover, 2 * width, cv2.LINE_AA)
    return {"ink": ink}


def contrast(picture: NDArray[np.uint8], ink: NDArray[np.uint8]) -> float:
    """Return how many grey levels the middle of strokes differs from what surrounds it, at the median."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64)
    cover = cv2.resize(ink, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    inside = cv2.erode(cover, np.ones((3, 3), np.uint8)) > 0
    near = (cv2.dilate(cover, np.ones((25, 25), np.uint8)) > 0) & (cv2.dilate(cover, np.ones((7, 7), np.uint8)) == 0)
    return abs(float(np.median(grey[inside]) - np.median(grey[near])))


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_picture_of_every_kind_is_the_same_for_the_same_seed(kind: str, textures: Textures) -> None:
    pictures = []
    for _ in range(2):
        rng = np.random.default_rng(11)
        pictures.append(scenes.render(rng, scenes.choose(rng, SIDE, kind), written(), textures, 0.4))
    assert pictures[0].shape == (SIDE, SIDE, 3)
    assert pictures[0].dtype == np.uint8
    np.testing.assert_array_equal(*pictures)


@pytest.mark.parametrize("kind", list(KINDS))
def test_layers_may_be_missing_or_empty(kind: str, textures: Textures) -> None:
    nothing = np.zeros((2 * SIDE, 2 * SIDE), np.uint8)
    for layers in ({}, {"ink": nothing, "rules": nothing}):
        rng = np.random.default_rng(5)
        assert scenes.render(rng, scenes.choose(rng, SIDE, kind), layers, textures).shape == (SIDE, SIDE, 3)


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("cover", [255, 90])
def test_ink_in_the_middle_can_be_seen(kind: str, cover: int, textures: Textures) -> None:
    seen = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        scene = scenes.choose(rng, SIDE, kind)
        layers = written(cover)
        if scenes.visibility(scene, np.array([[0, SIDE / 2, SIDE / 2, 60, 80, 0]], np.float32))[0] == 1:
            seen.append(contrast(scenes.render(rng, scene, layers, textures), layers["ink"]))
    assert len(seen) > 5
    assert np.quantile(seen, 0.1) > 6
    assert np.median(seen) > 20


def test_render_leaves_layers_and_textures_as_they_are(textures: Textures) -> None:
    layers = written()
    before = [layers["ink"].copy(), *(field.copy() for field in textures.backdrops + textures.grains)]
    for seed in range(12):
        rng = np.random.default_rng(seed)
        scenes.render(rng, scenes.choose(rng), layers, textures, 0.5)
    for old, new in zip(before, [layers["ink"], *textures.backdrops, *textures.grains], strict=True):
        np.testing.assert_array_equal(old, new)


def test_shares_of_kinds_sum_to_one_and_half_of_the_photos_are_upright() -> None:
    assert sum(KINDS.values()) == pytest.approx(1)
    rng = np.random.default_rng(0)
    matrices = [scenes.choose(rng, SIDE, "photo").page_to_frame for _ in range(400)]
    angles = np.array([np.arctan2(m[1, 0], m[0, 0]) for m in matrices])
    assert 0.45 < np.mean(np.abs(angles) < np.deg2rad(20)) < 0.65


@pytest.mark.parametrize("kind", list(KINDS))
def test_writing_belongs_where_it_can_be_seen(kind: str) -> None:
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(60):
        scene = scenes.choose(rng, SIDE, kind)
        left, top, right, bottom = scene.area
        assert right > left
        assert bottom > top
        points = rng.uniform((left, top), (right, bottom), (50, 2))
        places = to_frame(scene.page_to_frame, points)
        labels = np.column_stack([np.zeros(50), places, np.full((50, 2), 2), np.zeros(50)]).astype(np.float32)
        shares.append(scenes.visibility(scene, labels).mean())
    assert np.mean(shares) > 0.75
    assert min(shares) > 0.3


def test_visibility_knows_the_sheet_and_the_margins() -> None:
    matrix = np.array([[1, 0, 320], [0, 1, 320], [0, 0, 1.0]])
    page = np.array([(-100, -100), (100, -100), (100, 100), (-100, 100)], np.float64)
    labels = np.array([[1, x, 320, 20, 20, 0] for x in (320, 420, 500, 5)], np.float32)
    sheet = Scene("photo", matrix, (-90, -90, 90, 90), page)
    np.testing.assert_allclose(scenes.visibility(sheet, labels), [1, 0.5, 0, 0], atol=0.11)
    margined = Scene("photo", matrix, (-90, -90, 90, 90), margins=(100, 0, 0, 0))
    np.testing.assert_allclose(scenes.visibility(margined, labels), [1, 1, 1, 0])


def test_ruled_paper_has_lines_across_the_sheet() -> None:
    rng = np.random.default_rng(2)
    drawn: list[tuple[Any, ...]] = []

    def line(start: Any, end: Any, width: float, layer: str, opacity: float, dash: Any = None) -> None:
        assert layer == "rules"
        assert 0 < opacity <= 1
        assert width > 0
        drawn.append((start, end))

    ruled = [scene for scene in (scenes.choose(rng, SIDE, "photo") for _ in range(60)) if scene.ruling]
    assert 10 < len(ruled) < 45
    for scene in ruled:
        drawn.clear()
        scenes.draw_ruling(line, scene, rng)
        assert 3 < len(drawn) < 400


def test_renewing_replaces_backdrops_only(monkeypatch: pytest.MonkeyPatch) -> None:
    charactersdata.few_textures(monkeypatch)
    pool = Textures(np.random.default_rng(4))
    before = list(pool.backdrops)
    pool.renew(np.random.default_rng(5), 2)
    changed = sum(old is not new for old, new in zip(before, pool.backdrops, strict=True))
    assert 1 <= changed <= 2
