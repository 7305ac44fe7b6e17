"""Whole pages: the same for the same seed, labels on the writing, and what cannot be read is not asked for."""

import math
import pickle
from collections.abc import Iterator
from pathlib import Path

import charactersdata
import cv2
import numpy as np
import pytest

from digitrec.datasets import page_layouts, page_scenes, synthetic_pages
from digitrec.datasets.characters import Characters
from digitrec.datasets.page_scenes import Scene
from digitrec.datasets.synthetic_pages import Page, PageMaker

SIDE = 320


@pytest.fixture(scope="module")
def characters(tmp_path_factory: pytest.TempPathFactory) -> Characters:
    return charactersdata.characters([charactersdata.pillow_font(tmp_path_factory.mktemp("fonts"))])


@pytest.fixture(scope="module", autouse=True)
def few_textures() -> Iterator[None]:
    """Have makers begin with few textures."""
    with pytest.MonkeyPatch.context() as patch:
        charactersdata.few_textures(patch)
        yield


@pytest.fixture(scope="module")
def maker(characters: Characters) -> PageMaker:
    return PageMaker(characters, 3)


@pytest.fixture(scope="module")
def pages(maker: PageMaker) -> list[Page]:
    return [maker.page(number, SIDE) for number in range(48)]


def test_pages_are_the_same_for_the_same_seed_in_another_process(characters: Characters) -> None:
    first, second = (PageMaker(pickle.loads(pickle.dumps(characters)), 5) for _ in range(2))
    for number in range(10):
        a, b = first.page(number, SIDE), second.page(number, SIDE)
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.labels, b.labels)
        assert (a.scene, a.layout) == (b.scene, b.layout)


def test_other_seeds_and_numbers_give_other_pages(characters: Characters, pages: list[Page]) -> None:
    other = PageMaker(characters, 4)
    assert not np.array_equal(other.page(0, SIDE).image, pages[0].image)
    assert len({page.image.tobytes() for page in pages}) == len(pages)


def test_pages_are_pictures_with_labels(pages: list[Page]) -> None:
    for page in pages:
        assert page.image.shape == (SIDE, SIDE, 3)
        assert page.image.dtype == np.uint8
        assert page.labels.dtype == np.float32
        assert page.labels.shape[1:] == (6,)
        assert np.isfinite(page.labels).all()
        assert set(page.labels[:, 0]) <= set(range(-1, 10))
        assert (page.labels[:, 3:5] > 0).all()
        digits = page.labels[page.labels[:, 0] >= 0]
        assert ((digits[:, 1:3] > 0) & (digits[:, 1:3] < SIDE)).all()
        assert (digits[:, 3:5].max(axis=1) >= synthetic_pages.SMALLEST).all()


def test_pages_are_of_many_kinds_and_a_share_is_without_digits(pages: list[Page]) -> None:
    assert len({page.scene for page in pages}) >= 6
    without = np.mean([not (page.labels[:, 0] >= 0).any() for page in pages])
    assert 0.05 < without < 0.45


@pytest.mark.parametrize("scene", page_scenes.KINDS)
def test_a_scene_can_be_asked_for(maker: PageMaker, scene: str) -> None:
    assert maker.page(1, SIDE, scene).scene == scene


@pytest.mark.parametrize("layout", page_layouts.LAYOUTS)
def test_a_layout_can_be_asked_for(maker: PageMaker, layout: str) -> None:
    assert maker.page(2, SIDE, "scan", layout).layout == layout


def test_a_frame_without_a_page_has_no_labels(maker: PageMaker) -> None:
    for number in range(4):
        assert len(maker.page(number, SIDE, "nothing").labels) == 0


def scene_of(number: int, kind: str) -> Scene:
    """Return the scene of a page of the maker; not of every eighth, for which new backdrops are drawn first."""
    assert number % 8
    return page_scenes.choose(np.random.default_rng((3, 1, number)), SIDE, kind)


def test_what_is_too_small_in_the_picture_itself_is_ignored(maker: PageMaker) -> None:
    ignored = 0
    for number in (n for n in range(60) if n % 8):
        labels = maker.page(number, SIDE, "small", "notes").labels
        seen = labels[:, 3:5].max(axis=1) * scene_of(number, "small").resolution
        assert (seen[labels[:, 0] >= 0] >= synthetic_pages.SMALLEST).all()
        ignored += int((seen < synthetic_pages.SMALLEST).sum())
    assert ignored > 10


def test_what_lies_beyond_the_sheet_is_ignored(maker: PageMaker) -> None:
    hidden = 0
    for number in (n for n in range(80) if n % 8):
        labels = maker.page(number, SIDE, "photo", "notes").labels
        seen = page_scenes.visibility(scene_of(number, "photo"), labels, SIDE)
        assert (seen[labels[:, 0] >= 0] >= synthetic_pages.VISIBLE).all()
        hidden += int((seen < synthetic_pages.VISIBLE).sum())
    assert hidden > 10


@pytest.mark.parametrize(
    ("paper", "ink", "noise", "seen"),
    [(230, 40, 0.0, True), (230, 205, 2.0, True), (230, 222, 0.0, False), (0, 0, 0.0, False), (128, 100, 40.0, False)],
)
def test_a_digit_that_does_not_stand_out_need_not_be_found(paper: int, ink: int, noise: float, seen: bool) -> None:
    image = np.full((80, 80, 3), paper, np.float32)
    cover = np.zeros((80, 80), np.uint8)
    cv2.line(cover, (40, 25), (40, 55), 255, 4)
    image[cover > 0] = ink
    image += np.random.default_rng(0).normal(0, noise, (80, 80, 1))
    label = np.array([1, 40, 40, 6, 34, 0], np.float32)
    assert synthetic_pages.is_seen(np.clip(image, 0, 255).astype(np.uint8), cover, label) == seen


def test_few_digits_are_ignored_because_nobody_sees_them(maker: PageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [number for number in range(40) if number % 8]
    wanted = sum((maker.page(number, SIDE).labels[:, 0] >= 0).sum() for number in numbers)
    monkeypatch.setattr(synthetic_pages, "is_seen", lambda *_: True)
    everything = sum((maker.page(number, SIDE).labels[:, 0] >= 0).sum() for number in numbers)
    assert 0.9 * everything < wanted <= everything


def test_ink_lies_within_the_labels(maker: PageMaker) -> None:
    """On drawings of one colour: the pixels at a label differ from its surroundings."""
    seen = []
    for number in range(1, 30):
        page = maker.page(number, SIDE, "drawing", "rows")
        grey = cv2.cvtColor(page.image, cv2.COLOR_RGB2GRAY).astype(float)
        difference = np.abs(grey - np.median(grey))
        for label, corners in zip(page.labels, synthetic_pages.corners(page.labels), strict=True):
            if label[0] >= 0 and label[4] > 15:
                mask = np.zeros(grey.shape, np.uint8)
                cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), 1)
                seen.append(difference[mask > 0].max() > 0.3 * difference.max())
    assert len(seen) > 50
    assert np.mean(seen) > 0.95


def test_corners_go_clockwise_from_the_digits_own_top_left() -> None:
    labels = np.array([[3, 50, 60, 20, 40, 0], [3, 50, 60, 20, 40, math.pi / 2]], np.float32)
    upright, turned = synthetic_pages.corners(labels)
    np.testing.assert_allclose(upright, [(40, 40), (60, 40), (60, 80), (40, 80)], atol=1e-4)
    np.testing.assert_allclose(turned, [(70, 50), (70, 70), (30, 70), (30, 50)], atol=1e-4)


def test_a_contact_sheet_shows_all_pages_and_leaves_them_as_they_are(pages: list[Page]) -> None:
    before = [page.image.copy() for page in pages[:5]]
    sheet = synthetic_pages.contact_sheet(pages[:5], columns=2)
    assert sheet.shape == (3 * SIDE, 2 * SIDE, 3)
    assert not sheet[2 * SIDE :, SIDE:].any()
    for page, old in zip(pages, before, strict=False):
        np.testing.assert_array_equal(page.image, old)
    drawn = [not np.array_equal(synthetic_pages.annotated(page), page.image) for page in pages if len(page.labels)]
    assert all(drawn)


def test_a_sheet_is_drawn_from_the_command_line(
    tmp_path: Path, characters: Characters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Characters, "load", classmethod(lambda cls, part, folder: characters))
    monkeypatch.setattr("sys.argv", ["synthetic_pages", "3", str(tmp_path / "sheet.png")])
    synthetic_pages._main()
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (2 * 640, 2 * 640, 3)
