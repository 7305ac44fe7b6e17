import pickle
from pathlib import Path

import charactersdata
import numpy as np
import pytest
import strokedata

from digitrec.datasets import characters, fonts, mnist
from digitrec.datasets.characters import CAP_HEIGHT, Characters
from digitrec.datasets.hands import Hand
from digitrec.errors import DatasetError


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def printing() -> Characters:
    font = charactersdata.a_font()
    if not font:
        pytest.skip("no font is installed")
    return charactersdata.characters(font)


@pytest.fixture
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """MNIST of seven digits, two of them for validation."""
    pictures = np.zeros((7, 28, 28), np.uint8)
    pictures[:, 4:24, 10:14] = 255
    monkeypatch.setattr(mnist, "training", lambda: (pictures, np.array([0, 1, 2, 3, 4, 5, 6], np.uint8)))
    monkeypatch.setattr(characters, "MNIST_VALIDATION", 2)
    monkeypatch.setattr(fonts, "of_part", lambda part: ([Path(f"{part}.ttf")], []))


def test_parts_share_no_writer_and_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few_digits: None
) -> None:
    strokedata.write(tmp_path, monkeypatch, times=3)
    training, validation = (Characters.load(part, tmp_path) for part in ("training", "validation"))
    assert [len(found) for found in training.mnist] == [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    assert [len(found) for found in validation.mnist] == [0, 0, 0, 0, 0, 1, 1, 0, 0, 0]
    assert len(training.strokes["digit"]["7"]) == len(validation.strokes["digit"]["7"]) == 3  # one site of three each
    assert training.print_fonts != validation.print_fonts


def test_strokes_are_of_unit_size_and_thin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few_digits: None) -> None:
    strokedata.write(tmp_path, monkeypatch)
    found = Characters.load("training", tmp_path).strokes
    for written in (strokes for labels in found.values() for several in labels.values() for strokes in several):
        points = np.concatenate(written)
        assert np.ptp(points, axis=0).max() == pytest.approx(1.0, abs=0.05)
        assert all(2 <= len(stroke) <= characters.POINTS for stroke in written)


def test_mnist_is_cropped_to_its_ink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few_digits: None) -> None:
    strokedata.write(tmp_path, monkeypatch)
    assert Characters.load("training", tmp_path).mnist[0][0].shape == (22, 6)


def test_unknown_part_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="training or validation"):
        Characters.load("test", tmp_path)


def test_no_font_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "installed", list)
    with pytest.raises(DatasetError, match="DIGITREC_FONTS"):
        fonts.of_part("training")


def test_a_family_is_in_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {Path(f"{number}-{style}.ttf"): f"Family {number}" for number in range(50) for style in ("Bold", "Light")}
    monkeypatch.setattr(fonts, "installed", lambda: list(names))
    monkeypatch.setattr(fonts, "family_of", names.get)
    training, validation = ({names[path] for path in fonts.of_part(part)[0]} for part in ("training", "validation"))
    assert min(len(training), len(validation)) > 0
    assert len(training) + len(validation) == len(training | validation) == 50


def test_a_degenerate_digit_is_not_plausible() -> None:
    stem = characters.thinned((np.array([[0, 0], [1, 100]], np.float32),))
    assert characters.is_plausible(stem, "1", "digit")
    assert not characters.is_plausible(stem, "4", "digit")


def test_smoothing_keeps_ends_and_corners_of_long_lines() -> None:
    corner = np.array([[0, 0], [1, 0], [1, 1]], np.float32)
    smooth = characters.smoothed(corner, 0.05)
    assert smooth[[0, -1]].tolist() == corner[[0, -1]].tolist()
    assert np.abs(smooth - corner[1]).sum(axis=1).min() == pytest.approx(0.05)


def test_text_without_digits_has_none() -> None:
    random, made = rng(), charactersdata.characters()
    texts = [made.random_text(random, digits=False) for _ in range(300)]
    assert not any(char.isdigit() for text in texts for char in text)
    assert any(char.isdigit() for _ in range(100) for char in made.random_text(random))


def test_printed_capitals_fill_the_middle_half() -> None:
    line = printing().print_line(rng(), "HEH", 0)
    rows = np.flatnonzero((line > 127).any(axis=1))
    assert abs(rows[0] - CAP_HEIGHT / 2) <= 1
    assert abs(rows[-1] + 1 - 1.5 * CAP_HEIGHT) <= 1


def test_pool_is_the_same_in_each_process() -> None:
    made = printing()
    again = pickle.loads(pickle.dumps(made))
    assert (made.print_line(rng()) == again.print_line(rng())).all()


def test_hand_is_decided_by_the_seed() -> None:
    assert Hand.random(rng()) == Hand.random(rng())
    assert len({Hand.random(np.random.default_rng(seed)).pen for seed in range(100)}) == 6
