"""Asking for an export, and how it ends; in a process of its own where that is what is tested."""

import os
import shutil
import subprocess
import sys

import pytest

from digitrec import files as files_module
from digitrec import settings
from digitrec.errors import ModelError, RunError
from digitrec.jobs import exports, job
from digitrec.training import model_files
from tests.waiting import until

SMALLEST = settings.SHIPPED_MODELS / "mlp-30-10"


def files(state):
    return {path.name for path in state.file.parent.iterdir()}


@pytest.fixture
def copied(tmp_path):
    """Return a copy of a model, to damage."""
    return shutil.copytree(SMALLEST, tmp_path / "copied")


def test_nothing_is_there_before_it_is_asked_for(home):
    assert exports.find(SMALLEST, "onnx").state == "none"
    assert not list(home.iterdir())


def test_a_killed_process_is_reported_and_leaves_no_half_file():
    process = subprocess.Popen([sys.executable, "-m", "digitrec.jobs.exports", SMALLEST, "onnx"], cwd=settings.PROJECT)
    until(lambda: "TensorFlow" in exports.find(SMALLEST, "onnx").message, "under way")
    state = exports.start(SMALLEST, "onnx")
    assert state.state == "making"
    (state.file.parent / "tmpleft").mkdir()
    (state.file.parent / ".1-2-export.zip").touch()
    process.kill()
    process.wait()
    state = exports.find(SMALLEST, "onnx")
    assert (state.state, state.message) == ("failed", f"{job.INTERRUPTED} {exports.ADVICE.again}")
    exports.main(SMALLEST, "onnx")
    state = exports.find(SMALLEST, "onnx")
    assert state.state == "ready"
    assert files(state) == {exports.ZIP, job.STATUS, job.ALIVE}


def test_an_export_can_be_stopped_and_asked_for_again():
    assert exports.start(SMALLEST, "onnx").state == "making"
    until(lambda: "TensorFlow" in exports.find(SMALLEST, "onnx").message, "under way")
    work = exports.find(SMALLEST, "onnx").file.parent
    exports.stop(SMALLEST, "onnx")
    assert exports.find(SMALLEST, "onnx").state == "none"
    assert not job.is_alive(work)
    exports.start(SMALLEST, "onnx")
    exports.stop(SMALLEST, "onnx")  # before its process has written anything
    assert exports.find(SMALLEST, "onnx").state == "none"
    exports.main(SMALLEST, "onnx")
    exports.stop(SMALLEST, "onnx")  # what is made stays
    assert exports.find(SMALLEST, "onnx").state == "ready"


def test_a_damaged_model_is_reported_and_can_be_asked_for_again(copied):
    whole = (copied / model_files.KERAS).read_bytes()
    (copied / model_files.KERAS).write_bytes(whole[:5000])
    exports.main(copied, "onnx")
    state = exports.find(copied, "onnx")
    assert state.state == "failed"
    assert "damaged and cannot be converted" in state.message
    assert files(state) == {job.STATUS, job.ALIVE}
    (copied / model_files.KERAS).write_bytes(whole)
    exports.main(copied, "onnx")
    assert exports.find(copied, "onnx").state == "ready"


def test_a_file_that_answers_otherwise_than_the_app_is_not_offered(copied):
    shutil.copyfile(settings.SHIPPED_MODELS / "mlp-128" / model_files.TFLITE, copied / model_files.TFLITE)
    exports.main(copied, "savedmodel")
    state = exports.find(copied, "savedmodel")
    assert state.state == "failed"
    assert "on ten digits its probabilities" in state.message
    assert not state.file.exists()


def test_another_card_is_another_export(copied):
    exports.main(copied, "onnx")
    files_module.write_json(
        copied / model_files.CARD, (files_module.read_json(copied / model_files.CARD) or {}) | {"created": "later"}
    )
    assert exports.find(copied, "onnx").state == "none"


def test_only_the_newest_are_kept():
    old = [settings.exports_folder() / f"{number:02d}-onnx" for number in range(exports.KEPT + 3)]
    for age, folder in enumerate(old):
        folder.mkdir(parents=True)
        os.utime(folder, (1000 + age, 1000 + age))
    exports.main(SMALLEST, "tensorboard")
    assert len(list(settings.exports_folder().glob("*/"))) == exports.KEPT
    assert not old[0].exists()
    assert old[-1].exists()


def test_a_read_only_home_is_reported_in_a_sentence(monkeypatch):
    monkeypatch.setenv("DIGITREC_HOME", "/proc/digitrec")
    with pytest.raises(RunError, match="The export cannot be started: the disk is full or read-only"):
        exports.start(SMALLEST, "onnx")


def test_what_does_not_exist_is_reported(tmp_path):
    with pytest.raises(ModelError, match="no longer exists"):
        exports.start(tmp_path, "onnx")
    with pytest.raises(ModelError, match="Received: 'coreml'"):
        exports.start(SMALLEST, "coreml")
