"""What a network predicts while it is trained: snapshots written and read again, a visitor's digit among them."""

from pathlib import Path

import numpy as np
import pytest

from digitrec.datasets import mnist
from digitrec.errors import RunError
from digitrec.recognition.digits import NONE
from digitrec.training import model_files, probes
from digitrec.training.recipe import ConvBlock, Recipe
from digitrec.training.splits import Split

MLP = Recipe("net", hidden=(40, 12))
CNN = Recipe("net", kind="cnn", blocks=(ConvBlock(6, 5),))
KERNEL = np.random.default_rng(1).normal(size=(784, 40)).astype(np.float32)


def predicts(digit: int) -> probes.Read:
    """Return a network that predicts this digit, with 80 %, for all it reads, and non-digit with half of all."""

    def read(glyphs: np.ndarray) -> np.ndarray:
        answers = np.full((len(glyphs), 11), 0.2 / 9)
        answers[:, digit] = 0.8
        answers[:, 10] = 1.0
        return (answers / 2).astype(np.float32)

    return read


@pytest.fixture
def folder(tmp_path: Path, few: Split) -> Path:
    recorder = probes.Recorder(tmp_path, MLP, few)
    for number, epoch in enumerate((0, 0.5, 1, 2)):
        recorder.record(epoch, predicts(number), KERNEL * (1 + number))
    return tmp_path


def test_there_is_one_probe_digit_per_class() -> None:
    glyphs, truth = probes.digits()
    assert truth.tolist() == list(range(10))
    assert glyphs.shape == (10, 28, 28)


def test_snapshots_are_read_as_they_were_written(folder: Path, few: Split) -> None:
    snapshots = probes.read(folder, MLP)
    assert snapshots["epoch"].tolist() == [0, 0.5, 1, 2]
    assert snapshots["probabilities"].argmax(axis=2).tolist() == [[number] * 10 for number in range(4)]
    np.testing.assert_allclose(snapshots["probabilities"].max(axis=2), 0.8, atol=1e-3)
    counts = snapshots["confusion"][2]
    assert counts.sum() == counts[:, 2].sum() == len(few.y_validation)
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(few.y_validation))
    units = KERNEL[:, :24].T.reshape(24, 28, 28) * 3
    np.testing.assert_allclose(probes.weights(snapshots[2]), units, atol=np.abs(units).max() / 200)


def test_non_digits_are_not_counted(tmp_path: Path, few: Split) -> None:
    labels = np.where(np.arange(40) < 30, few.y_validation, NONE).astype(np.uint8)
    probes.Recorder(tmp_path, MLP, few._replace(y_validation=labels)).record(0, predicts(3), KERNEL)
    assert probes.read(tmp_path, MLP)["confusion"].sum() == 30


def test_kernels_of_a_cnn_are_kept(tmp_path: Path, few: Split) -> None:
    kernel = np.random.default_rng(2).normal(size=(5, 5, 1, 6)).astype(np.float32)
    probes.Recorder(tmp_path, CNN, few).record(0, predicts(3), kernel)
    kept = probes.weights(probes.read(tmp_path, CNN)[0])
    np.testing.assert_allclose(kept, np.moveaxis(kernel[:, :, 0], -1, 0), atol=np.abs(kernel).max() / 200)


def test_two_hundred_epochs_take_a_few_megabytes() -> None:
    widest = Recipe("wide", hidden=(4096,))
    kernels = Recipe("wide", kind="cnn", blocks=(ConvBlock(512, 11),), hidden=())
    assert max(205 * probes._layout(recipe).itemsize for recipe in (widest, kernels)) < 4_500_000


def test_a_run_without_a_file_has_no_snapshots(tmp_path: Path) -> None:
    assert len(probes.read(tmp_path, MLP)) == 0


def test_a_snapshot_half_written_is_left_out(folder: Path) -> None:
    file = folder / model_files.WATCH
    file.write_bytes(file.read_bytes()[:-1])
    assert len(probes.read(folder, MLP)) == 3


def test_a_damaged_file_is_reported_in_a_sentence(folder: Path) -> None:
    file = folder / model_files.WATCH
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 1
    file.write_bytes(data)
    with pytest.raises(RunError, match=r"are damaged\. The model itself is not affected"):
        probes.read(folder, MLP)


@pytest.mark.parametrize(("done", "left"), [(0.0, []), (1.2, [0, 0.5, 1]), (2.0, [0, 0.5, 1, 2])])
def test_resuming_removes_what_came_after_the_checkpoint(
    folder: Path, few: Split, done: float, left: list[float]
) -> None:
    with (folder / model_files.WATCH).open("ab") as file:
        file.write(b"half a snapshot")
    recorder = probes.Recorder(folder, MLP, few, done)
    assert probes.read(folder, MLP)["epoch"].tolist() == left
    recorder.record(3, predicts(1), KERNEL)
    assert probes.read(folder, MLP)["epoch"].tolist() == [*left, 3]


def test_resuming_removes_all_from_a_damaged_snapshot_on(folder: Path, few: Split) -> None:
    data = bytearray((folder / model_files.WATCH).read_bytes())
    data[len(data) // 3] ^= 1
    (folder / model_files.WATCH).write_bytes(data)
    probes.Recorder(folder, MLP, few, 2.0)
    assert probes.read(folder, MLP)["epoch"].tolist() == [0]


def test_a_visitors_digit_is_read_known_to_them_only_and_deleted(tmp_path: Path, few: Split) -> None:
    glyph = mnist.glyphs(few.x[5])
    recorder = probes.Recorder(tmp_path, MLP, few)
    recorder.record(0, predicts(1), KERNEL)
    probes.give(tmp_path, "secret", glyph)
    probes.give(tmp_path, "secret", glyph)
    assert len(probes.own(tmp_path, "secret", glyph)) == 0
    seen: list[np.ndarray] = []

    def read(glyphs: np.ndarray) -> np.ndarray:
        seen.append(glyphs)
        return predicts(4)(glyphs)

    recorder.record(1, read, KERNEL)
    np.testing.assert_allclose(seen[0][10:], glyph[None], atol=1e-6)
    own = probes.own(tmp_path, "secret", glyph)
    assert own["epoch"].tolist() == [1]
    assert own["probabilities"][0].argmax() == 4
    assert len(probes.own(tmp_path, "another secret", glyph)) == 0
    assert len(probes.read(tmp_path, MLP)) == 2
    recorder.close()
    assert [file.suffix for file in (tmp_path / model_files.OWN).iterdir()] == [".probabilities"]
    recorder.record(2, predicts(0), KERNEL)
    assert len(probes.own(tmp_path, "secret", glyph)) == 1


def test_a_run_reads_only_so_many_visitors_digits_and_nothing_else(tmp_path: Path, few: Split) -> None:
    for number in range(probes.MOST_OWN + 5):
        probes.give(tmp_path, f"visitor {number}", mnist.glyphs(few.x[0]))
    assert len(list((tmp_path / model_files.OWN).iterdir())) == probes.MOST_OWN
    (tmp_path / model_files.OWN / "0.glyph").write_bytes(b"no digit")
    probes.Recorder(tmp_path, MLP, few).record(0, predicts(1), KERNEL)
    assert not (tmp_path / model_files.OWN / "0.probabilities").exists()


def test_a_run_folder_that_cannot_be_written_is_reported(few: Split) -> None:
    with pytest.raises(RunError, match="disk is full or read-only"):
        probes.give(Path("/proc/digitrec"), "secret", mnist.glyphs(few.x[0]))
