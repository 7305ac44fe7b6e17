import hashlib
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.datasets import mnist
from digitrec.errors import DatasetError
from digitrec.training import splits
from digitrec.training.recipe import Recipe

# Counts of each digit in LeCun's files.
TRAINING_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.fixture(scope="module")
def numbered():
    """Return MNIST's training digits, each replaced by its number in its first pixels, and their labels."""
    x, y = mnist.training()
    pictures = np.zeros_like(x)
    pictures.reshape(len(x), -1)[:, :4] = np.arange(len(x), dtype="<u4").view(np.uint8).reshape(-1, 4)
    return pictures, y


def numbers(pictures):
    return np.ascontiguousarray(pictures.reshape(len(pictures), -1)[:, :4]).view("<u4").ravel()


@pytest.mark.parametrize(
    ("load", "counts"), [(mnist.training, TRAINING_COUNTS), (mnist.test, TEST_COUNTS)], ids=["training", "test"]
)
def test_mnist_is_as_published(load, counts):
    x, y = load()
    assert x.dtype == y.dtype == np.uint8
    assert x.shape == (sum(counts), 28, 28)
    assert np.bincount(y).tolist() == counts
    assert (x.min(), x.max()) == (0, 255)


def test_mean_and_spread_are_the_known_ones():
    parts = [mnist.glyphs(part) for part in np.split(mnist.training()[0], 12)]  # all at once take 400 MB
    mean = np.mean([part.mean() for part in parts])
    assert mean == pytest.approx(0.1307, abs=5e-5)
    assert np.sqrt(np.mean([np.square(part).mean() for part in parts]) - mean**2) == pytest.approx(0.3081, abs=5e-5)


def test_glyphs_have_ink_1_and_paper_0():
    x = np.array([[[0, 51, 255]]], np.uint8)
    glyphs = mnist.glyphs(x)
    assert glyphs.dtype == np.float32
    np.testing.assert_allclose(glyphs, [[[0, 0.2, 1]]])


def test_the_parts_are_disjoint_and_complete(monkeypatch, numbered):
    monkeypatch.setattr(mnist, "training", lambda: numbered)
    parts = splits.split(Recipe("a", validation=0.2))
    assert len(parts.x) == len(parts.y) == 48_000
    assert len(parts.x_validation) == len(parts.y_validation) == 12_000
    train, held_out = numbers(parts.x), numbers(parts.x_validation)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, held_out])), np.arange(60_000))
    np.testing.assert_array_equal(parts.y, numbered[1][train])
    np.testing.assert_array_equal(parts.y_validation, numbered[1][held_out])


@given(share=st.floats(0.01, 0.5), seed=st.integers(0, 2**31 - 1))
@settings(max_examples=5, deadline=None)
def test_any_share_and_seed_part_the_digits(share, seed):
    recipe = Recipe("a", validation=share, seed=seed)
    parts = splits.split(recipe)
    assert len(parts.y_validation) == recipe.validation_digits
    both = np.bincount(parts.y, minlength=10) + np.bincount(parts.y_validation, minlength=10)
    assert both.tolist() == TRAINING_COUNTS


def test_the_seed_alone_decides_the_parts(monkeypatch, numbered):
    monkeypatch.setattr(mnist, "training", lambda: numbered)
    one = numbers(splits.split(Recipe("a", seed=1)).x_validation)
    same = numbers(splits.split(Recipe("b", hidden=(5,), epochs=9, seed=1)).x_validation)
    other = numbers(splits.split(Recipe("a", seed=2)).x_validation)
    np.testing.assert_array_equal(one, same)
    assert len(np.intersect1d(one, other)) < len(one) / 5  # 1 in 12 by chance


def test_a_damaged_copy_is_refused(monkeypatch, tmp_path):
    file = tmp_path / "mnist.npz"
    shutil.copyfile(mnist.FILE, file)
    with file.open("r+b") as stream:
        stream.seek(5_000_000)
        byte = stream.read(1)[0]
        stream.seek(5_000_000)
        stream.write(bytes([byte ^ 1]))
    monkeypatch.setattr(mnist, "FILE", file)
    for load in (mnist.training, mnist.test, lambda: splits.split(Recipe("a"))):
        with pytest.raises(DatasetError, match=r"MNIST file is damaged\. Install digitrec again") as caught:
            load()
        assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("content", [None, b""], ids=["missing", "empty"])
def test_a_missing_or_empty_file_is_refused(monkeypatch, tmp_path, content):
    file = tmp_path / "mnist.npz"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(mnist, "FILE", file)
    with pytest.raises(DatasetError, match="Install digitrec again"):
        mnist.test()


def test_the_file_is_checked_once_a_process(monkeypatch, tmp_path):
    file = tmp_path / "mnist.npz"
    shutil.copyfile(mnist.FILE, file)
    monkeypatch.setattr(mnist, "FILE", file)
    digests = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *arguments: digests.append(arguments) or digest(*arguments))
    mnist.test()
    mnist.training()
    assert len(digests) == 1


def test_the_first_training_digits_are_the_first() -> None:
    for part, whole in zip(mnist.first_training(300), mnist.training(), strict=True):
        np.testing.assert_array_equal(part, whole[:300])
