"""The worker's process: what it leaves, and how it fails."""

import errno
import json
import os
import shutil
import sys
import time
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from filelock import FileLock

from digitrec import files
from digitrec.datasets import glyph_bank, mnist
from digitrec.errors import RunError
from digitrec.jobs import checkpoint, job, runs, scheduler, worker
from digitrec.recognition.calibration import Calibration
from digitrec.recognition.classifier import Predictor
from digitrec.recognition.digits import NONE
from digitrec.training import events as training_events
from digitrec.training import model_files, probes
from digitrec.training.metrics import wilson
from digitrec.training.recipe import Recipe
from tests.small_trainings.sitecustomize import DIGITS
from tests.waiting import DEADLOCK

TINY = Recipe("tiny", hidden=(8,), batch_size=16, epochs=1, validation=0.01)
RUNS_AWAY = TINY.replace(hidden=(64, 64, 64, 64), activation="elu", optimizer="sgd", learning_rate=10.0)
TAUGHT = TINY.replace(teacher="cnn-best")
WITH_STROKES = TINY.replace(strokes=True, label_smoothing=0.1, schedule="cosine", learning_rate=0.01)


def trained(home: Path, recipe: Recipe) -> Path:
    """Train in this process, which has TensorFlow; return the run's folder. Other tests train in processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITREC_HOME", str(home))
        patch.setattr(mnist, "training", lambda: mnist.first_training(DIGITS))
        patch.setattr(scheduler, "submit", lambda folder: None)
        folder = runs.start(recipe).folder
        worker.main(folder)
    return folder


def keep_strokes(home: Path) -> None:
    """Keep glyphs in this home as if made of pen strokes: test digits, and as no digit their left and right halves."""
    pictures, digits = mnist.test()
    none = np.concatenate([pictures[:600, :, 14:], pictures[600:1200, :, :14]], axis=2)
    arrays = {"x": np.concatenate([pictures[2000:2600], none[:500]]), "y": np.append(digits[2000:2600], [NONE] * 500)}
    arrays |= {"x_validation": none[500:], "y_validation": np.full(100, NONE)}
    (home / "build").mkdir()
    np.savez(
        home / "build" / f"strokes-{glyph_bank.VERSION}.npz", **{key: a.astype(np.uint8) for key, a in arrays.items()}
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = trained(tmp_path_factory.mktemp("whole"), TINY)
    assert job.read_status(folder).state == "finished", job.read_status(folder)
    return folder


def test_leaves_a_whole_model(finished: Path) -> None:
    assert set(model_files.MODEL_FILES) <= {file.name for file in finished.iterdir()}
    assert not list(finished.glob(".*")), "temporary files are left"


def test_leaves_what_the_net_said_of_ten_digits(finished: Path) -> None:
    snapshots = probes.read(finished, TINY)
    assert (snapshots["epoch"][0], snapshots["epoch"][-1]) == (0, 1)
    assert snapshots["confusion"][-1].trace() > snapshots["confusion"][0].trace()
    model = keras.saving.load_model(finished / model_files.KERAS)
    predicted = model(probes.digits()[0]).numpy()
    np.testing.assert_allclose(snapshots["probabilities"][-1], predicted, atol=1e-3)
    kernel = model.get_layer("dense_1").kernel.numpy().T.reshape(8, 28, 28)
    np.testing.assert_allclose(probes.weights(snapshots[-1]), kernel, atol=np.abs(kernel).max() / 200)


def test_the_card_tells_how_the_model_was_made(finished: Path) -> None:
    card = json.loads((finished / model_files.CARD).read_text())
    assert Recipe.from_json(card["recipe"]) == TINY
    assert (card["format"], card["name"], card["trained_on"]) == (1, "tiny", "MNIST")
    assert (card["epochs"], card["stopped"]) == (1, False)
    assert card["parameters"] == TINY.parameters
    assert card["bytes"] == {name: (finished / name).stat().st_size for name in model_files.MODEL_FILES[:-1]}
    assert card["precision"] == "float32"
    assert card["seconds"] > 0
    assert set(card["versions"]) == {"python", "tensorflow", "keras", "numpy", "ai-edge-litert"}
    assert card["commit"] is None or len(card["commit"]) >= 7
    assert card["created"].endswith("+00:00")


def test_the_cards_figures_are_those_of_the_test_digits(finished: Path) -> None:
    card = json.loads((finished / model_files.CARD).read_text())
    _, truth = mnist.test()
    probabilities = np.load(finished / model_files.TEST)["probabilities"]
    assert probabilities.shape == (10_000, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=5e-5)
    right = int((probabilities.argmax(axis=1) == truth).sum())
    assert card["accuracy"] == right / 10_000
    assert card["errors"] == 10_000 - right
    assert card["interval"] == pytest.approx(wilson(right, 10_000))
    assert np.trace(card["confusion"]) == right
    assert np.sum(card["confusion"], axis=1).tolist() == np.bincount(truth).tolist()
    assert 0.6 < card["accuracy"] < 1


def test_pen_strokes_that_are_there_are_trained_on(home: Path) -> None:
    keep_strokes(home)
    folder = trained(home, WITH_STROKES)
    assert job.read_status(folder).state == "finished", job.read_status(folder)
    card = json.loads((folder / model_files.CARD).read_text())
    assert card["trained_on"] == "MNIST and UNIPEN"
    assert card["accuracy"] > 0.6
    calibrated = Calibration.from_card(card)
    assert 0.2 < calibrated.temperature < 5
    predictor = Predictor("tiny", folder / model_files.TFLITE, calibrated)
    digits = predictor.answers(mnist.glyphs(mnist.test()[0][5000:5500])).is_digit
    assert (digits >= 0.5).mean() > 0.95
    none = np.load(folder.parents[1] / "build" / f"strokes-{glyph_bank.VERSION}.npz")["x_validation"]
    assert predictor.answers(mnist.glyphs(none)).is_digit.mean() < digits.mean()


def test_the_model_for_litert_answers_as_the_test_results_say(finished: Path) -> None:
    card = json.loads((finished / model_files.CARD).read_text())
    predictor = Predictor("tiny", finished / model_files.TFLITE, Calibration.from_card(card))
    pictures, _ = mnist.test()
    answers = predictor.probabilities(mnist.glyphs(pictures[:100]))
    np.testing.assert_allclose(answers, np.load(finished / model_files.TEST)["probabilities"][:100], atol=6e-6)
    assert set(predictor.activations(mnist.glyphs(pictures[:1]))) >= {"dense_1", "logits", "probabilities"}


def test_the_validation_figure_is_that_of_the_last_epoch(finished: Path) -> None:
    last = [event for event in training_events.read_events(finished) if event["kind"] == "epoch"][-1]
    assert json.loads((finished / model_files.CARD).read_text())["validation_accuracy"] == last["val_accuracy"]


def test_an_available_model_teaches(home: Path, finished: Path) -> None:
    folder = trained(home, TAUGHT)
    assert job.read_status(folder).state == "finished", job.read_status(folder)
    assert (files.read_json(folder / model_files.CARD) or {})["recipe"]["teacher"] == "cnn-best"
    epochs = (
        [event for event in training_events.read_events(run) if event["kind"] == "epoch"] for run in (folder, finished)
    )
    taught, by_labels = (events[-1]["loss"] for events in epochs)
    assert taught > by_labels + 0.05  # nobody gets near to a teacher that is never quite sure


def test_a_teacher_that_is_not_available_is_reported(home: Path) -> None:
    status = job.read_status(trained(home, TINY.replace(teacher="nobody")))
    assert status.state == "failed"
    assert status.message.startswith("There is no model 'nobody'. Available models: cnn-3x3")


def test_a_learning_rate_that_runs_away_fails_with_a_sentence(home: Path) -> None:
    folder = trained(home, RUNS_AWAY)
    status = job.read_status(folder)
    assert status.state == "failed"
    assert "no longer a number" in status.message
    assert "learning rate" in status.message
    assert not (folder / model_files.CARD).exists()


@pytest.mark.usefixtures("small_trainings")
def test_a_full_disk_fails_with_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_disk = home / "python"
    small_disk.write_text(f'#!/bin/sh\nulimit -f 40\nexec {sys.executable} "$@"\n')  # 40 x 512 bytes a file
    small_disk.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(small_disk))
    run = runs.start(TINY)
    child = job.child(run.folder)
    assert child
    child.wait(DEADLOCK)
    status = job.read_status(run.folder)
    assert status.state == "failed", (run.folder / job.LOG).read_text()
    assert "disk is full" in status.message
    assert not (run.folder / model_files.CARD).exists()
    assert not list(run.folder.glob(".*")), "temporary files are left"


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """The finished run's folder as if it had been stopped, to be resumed in this process."""
    folder = tmp_path / "runs" / "run"
    shutil.copytree(finished, folder)
    files.write_json(folder / job.STATUS, {"state": "queued", "message": "", "queued_at": time.time(), "started": 0})
    return folder


@pytest.mark.parametrize("damage", ["cut", "overwritten", "no position"])
def test_a_damaged_checkpoint_fails_with_a_sentence(copy: Path, damage: str) -> None:
    file = copy / checkpoint.CHECKPOINT
    whole = file.read_bytes()
    if damage == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif damage == "overwritten":
        middle = len(whole) // 2
        file.write_bytes(whole[: middle - 2000] + bytes(4000) + whole[middle + 2000 :])
    else:
        with zipfile.ZipFile(file) as packed, zipfile.ZipFile(copy / "without", "w") as without:
            for name in set(packed.namelist()) - {checkpoint.POSITION}:
                without.writestr(name, packed.read(name))
        (copy / "without").replace(file)
    worker.main(copy)
    status = job.read_status(copy)
    assert status.state == "failed"
    assert "checkpoint of this run is damaged" in status.message, (status, os.listdir(copy))


def test_a_damaged_recipe_fails_with_a_sentence(copy: Path) -> None:
    (copy / model_files.RECIPE).write_text("{")
    worker.main(copy)
    status = job.read_status(copy)
    assert status.state == "failed"
    assert "recipe" in status.message


def test_stopped_while_it_waits_it_trains_nothing(copy: Path) -> None:
    before = (copy / training_events.EVENTS).read_bytes()
    (copy / job.STOP).touch()
    worker.main(copy)
    assert job.read_status(copy).state == "stopped"
    assert (copy / training_events.EVENTS).read_bytes() == before


def test_an_internal_error_is_reported_as_one(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(folder: Path) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(worker, "_train", breaks)
    worker.main(copy)
    status = job.read_status(copy)
    assert status.state == "failed"
    assert "ZeroDivisionError" in status.message


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"),
        RuntimeError("can't start new thread"),
    ],
    ids=["Python", "Linux", "TensorFlow", "threads"],
)
def test_too_little_memory_is_reported(copy: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def breaks(folder: Path) -> None:
        raise error

    monkeypatch.setattr(worker, "_train", breaks)
    worker.main(copy)
    assert "not enough memory" in job.read_status(copy).message


def test_a_validation_loss_that_is_no_number_is_reported(copy: Path) -> None:
    with worker._Events(copy, None, TINY) as events, pytest.raises(RunError, match="no longer a number"):
        events.report({"kind": "epoch", "val_loss": float("nan")})
    assert training_events.read_events(copy) == []


def test_waits_for_an_earlier_run_and_goes_on_when_it_ends(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = copy.parent / "earlier"
    earlier.mkdir()
    files.write_json(earlier / job.STATUS, {"state": "running", "message": "", "queued_at": 1, "started": 1})
    lock = FileLock(earlier / job.ALIVE)
    lock.acquire()
    waits: list[float] = []

    def look_again(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            lock.release()

    monkeypatch.setattr(worker.time, "sleep", look_again)
    assert worker._wait(copy)
    assert waits == [worker.TURN_SECONDS] * 3


def test_files_of_a_killed_worker_are_cleared_away(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copy / ".123-456-checkpoint.keras").write_bytes(b"half")

    def enough(folder: Path) -> None:
        raise RunError("That will do.")

    monkeypatch.setattr(checkpoint, "load_checkpoint", enough)
    worker.main(copy)
    assert job.read_status(copy).message == "That will do."
    assert not list(copy.glob(".*"))
