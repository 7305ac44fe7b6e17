"""Layouts of synthetic pages: labels by the rules, none without digits, the same page from the same seed."""

import numpy as np
import pytest
from PIL import ImageFont

from digitrec.datasets import page_texts
from digitrec.datasets.characters import Characters
from digitrec.datasets.page_canvas import PageCanvas
from digitrec.datasets.page_clutter import clutter
from digitrec.datasets.page_layouts import LAYOUTS, draw
from digitrec.datasets.page_writer import MOST_LABELS

AREA = (-290.0, -290.0, 290.0, 290.0)
MIDDLE = np.array([[1.0, 0.0, 320.0], [0.0, 1.0, 320.0], [0.0, 0.0, 1.0]])


def stroke(*points: tuple[float, float]) -> tuple[np.ndarray, ...]:
    return (np.array(points, np.float32),)


@pytest.fixture(scope="module")
def characters(tmp_path_factory: pytest.TempPathFactory) -> Characters:
    """Two shapes for all characters, and the font that Pillow brings: the data and fonts are missing on CI."""
    font = tmp_path_factory.mktemp("fonts") / "pillow.ttf"
    font.write_bytes(ImageFont.load_default(20).path.getvalue())
    shapes = [
        stroke((-0.4, -0.5), (0.4, -0.2), (-0.3, 0.2), (0.3, 0.5)),
        stroke((0.1, -0.5), (-0.3, 0.0), (0.3, 0.1), (0.0, 0.5)),
    ]
    kinds = {
        "digit": "0123456789",
        "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "lower": "abcdefghijklmnopqrstuvwxyz",
        "symbol": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    }
    strokes = {kind: {label: list(shapes) for label in labels} for kind, labels in kinds.items()}
    picture = np.zeros((22, 14), np.uint8)
    picture[1:-1, 5:9] = 255
    return Characters("training", strokes, [[picture]] * 10, [font], [])


def page(characters: Characters, seed: int, kind: str | None, digits: bool = True) -> PageCanvas:
    rng = np.random.default_rng(seed)
    canvas = PageCanvas(rng, characters, MIDDLE)
    draw(canvas, AREA, rng, kind, digits)
    return canvas


@pytest.mark.parametrize("kind", LAYOUTS)
@pytest.mark.parametrize("seed", range(2))
def test_a_page_has_no_more_labels_than_allowed(characters: Characters, kind: str, seed: int) -> None:
    labels = page(characters, seed, kind).labels()
    assert len(labels) <= MOST_LABELS
    assert np.isfinite(labels).all()


@pytest.mark.parametrize("kind", LAYOUTS)
def test_without_digits_no_label_is_a_digit(characters: Characters, kind: str) -> None:
    for seed in range(4):
        assert not (page(characters, seed, kind, digits=False).labels()[:, 0] >= 0).any()


@pytest.mark.parametrize("kind", sorted(LAYOUTS.keys() - {"letters", "blank", "shapes", "dashes"}))
def test_layouts_write_digits(characters: Characters, kind: str) -> None:
    assert sum(len(page(characters, seed, kind).labels()) for seed in range(8)) > 0


@pytest.mark.parametrize("kind", [None, *LAYOUTS])
def test_the_same_seed_draws_the_same_page(characters: Characters, kind: str | None) -> None:
    first, second = page(characters, 5, kind), page(characters, 5, kind)
    np.testing.assert_array_equal(first.labels(), second.labels())
    assert first.layers.keys() == second.layers.keys()
    for name, layer in first.layers.items():
        np.testing.assert_array_equal(layer, second.layers[name])


def test_clutter_adds_no_digit_and_leaves_labels_alone(characters: Characters) -> None:
    for seed in range(12):
        canvas = page(characters, seed, "notes")
        before = canvas.labels()
        clutter(canvas, AREA, np.random.default_rng(seed))
        after = canvas.labels()
        np.testing.assert_array_equal(after[: len(before)], before)
        assert (after[len(before) :, 0] == -1).all()


def test_small_areas_are_drawn_without_error(characters: Characters) -> None:
    for kind in LAYOUTS:
        rng = np.random.default_rng(3)
        draw(PageCanvas(rng, characters, MIDDLE), (-60.0, -40.0, 70.0, 50.0), rng, kind)


def test_an_unknown_layout_is_an_error(characters: Characters) -> None:
    with pytest.raises(KeyError):
        page(characters, 0, "poem")


def test_digits_of_documents_are_about_equally_frequent() -> None:
    rng = np.random.default_rng(0)
    kinds = sorted(page_texts.PATTERNS)
    text = "".join(page_texts.value(rng, kinds[place % len(kinds)]) for place in range(4000))
    counts = np.array([text.count(digit) for digit in "0123456789"])
    assert counts.min() > 0.85 * counts.mean()
    assert counts.max() < 1.2 * counts.mean()
