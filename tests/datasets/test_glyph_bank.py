"""Glyphs made of pen strokes: by our own steps, kept, and never made of writers held out."""

from pathlib import Path

import numpy as np
import pytest
import strokedata
from PIL import Image

from digitrec.datasets import glyph_bank, unipen
from digitrec.errors import DatasetError
from digitrec.recognition import pipeline
from digitrec.recognition.calibration import Answers
from digitrec.recognition.digits import NONE
from digitrec.training import splits
from digitrec.training.recipe import Recipe

SMALL = {"training": (5, 4, 3, 2), "validation": (2, 2, 1, 1)}
READER = Recipe("a", strokes=True, validation=0.01)


@pytest.fixture
def available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a few pen strokes, and few others to be made beside them."""
    folder = tmp_path / "strokes"
    strokedata.write(folder, monkeypatch)
    monkeypatch.setattr(glyph_bank, "OTHERS", SMALL)
    monkeypatch.setattr(glyph_bank, "ANGULAR", 30)
    for name in ("FORMS", "DRAWINGS", "SHAPES", "SCRIPTS"):
        monkeypatch.setattr(glyph_bank, name, {"training": 0, "validation": 0})
    monkeypatch.setenv("DIGITREC_STROKES", str(folder))
    monkeypatch.setenv("DIGITREC_HOME", str(tmp_path))
    return folder


class Sure:
    """Takes everything for a 0, so that the ink is all that is looked at."""

    def answers(self, glyphs: np.ndarray) -> Answers:
        zeros = np.eye(10, dtype=np.float32)[np.zeros(len(glyphs), int)]
        return Answers(zeros, np.ones(len(glyphs), np.float32))


def test_glyphs_are_those_of_the_reading(available: Path) -> None:
    rng = np.random.default_rng(1)
    for writing in unipen.load(available, ("digit",))[:3]:
        picture = unipen.picture(writing, rng)
        [digit] = pipeline.read(Image.fromarray(picture), Sure(), single=True).digits
        np.testing.assert_array_equal(glyph_bank.glyph_of(picture), np.rint(digit.glyph * 255))


def test_a_blank_picture_gives_none() -> None:
    assert glyph_bank.glyph_of(np.full((30, 30, 4), 255, np.uint8)) is None


def test_digits_and_what_is_none_are_parted_by_writers(available: Path) -> None:
    made = glyph_bank.bank()
    counts = np.bincount(made.y, minlength=11)
    # 2 times 3 digits, each drawn three times; E, m and + twice each; O, l and / are left out; the rest may be blank
    drawn, straight = counts[[0, 1, 7]], counts[[2, 3, 4, 5, 6, 8, 9]]
    assert (drawn >= 6).all()
    assert drawn.sum() + straight.sum() == 18 + 30
    assert straight.sum() > 7  # of the 30 digits of straight strokes
    assert 6 + 5 + 2 <= counts[NONE] <= 6 + 5 + 4 + 3 + 2
    assert np.bincount(made.y_validation)[[0, 1, 7]].tolist() == [6, 6, 6]
    for x, y in ((made.x, made.y), (made.x_validation, made.y_validation)):
        assert (x.dtype, x.shape) == (np.uint8, (len(y), 28, 28))
        assert (x.reshape(len(x), -1).max(axis=1) > 200).all()


def test_rare_forms_and_hard_drawings_are_digits_and_shapes_are_none(
    available: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = np.bincount(glyph_bank.bank().y, minlength=11)
    glyph_bank._file().unlink()
    monkeypatch.setattr(glyph_bank, "FORMS", {"training": 2, "validation": 0})
    monkeypatch.setattr(glyph_bank, "DRAWINGS", {"training": 5, "validation": 0})
    monkeypatch.setattr(glyph_bank, "SHAPES", {"training": 7, "validation": 0})
    added = np.bincount(glyph_bank.bank().y, minlength=11) - before
    assert 13 <= added[NONE] <= 17  # 7 shapes and 8 hard drawings of letters; blots may come out blank
    # 20 hard drawings of 0, 1 and 7, and two of each form that the three digits have
    assert 20 + 2 * 2 <= added[:10].sum() <= 20 + 4 * 2
    assert added[[2, 3, 4, 5, 6, 8, 9]].max() <= 3  # the 30 straight ones are drawn by lot


def test_they_are_kept_and_made_again_where_the_file_is_damaged(available: Path) -> None:
    made = glyph_bank.bank()
    for file in available.iterdir():
        file.unlink()
    assert glyph_bank.available()
    for before, after in zip(made, glyph_bank.bank(), strict=True):
        np.testing.assert_array_equal(before, after)
    glyph_bank._file().write_bytes(b"PK half a file")
    with pytest.raises(DatasetError, match="not available"):
        glyph_bank.bank()


def test_a_recipe_with_strokes_trains_on_them_beside_mnist(available: Path) -> None:
    plain, both, drawn = splits.split(READER.replace(strokes=False)), splits.split(READER), glyph_bank.bank()
    assert len(both.x) == len(plain.x) + len(drawn.x)
    np.testing.assert_array_equal(both.x[: len(plain.x)], plain.x)
    np.testing.assert_array_equal(both.y_validation[len(plain.x_validation) :], drawn.y_validation)


def test_without_strokes_it_trains_on_mnist_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_STROKES", str(tmp_path / "nowhere"))
    monkeypatch.setenv("DIGITREC_HOME", str(tmp_path))
    assert not glyph_bank.available()
    assert len(splits.split(READER).x) == 59_400
