import os

import pytest

from digitrec import settings
from digitrec.errors import ModelError, SettingsError
from digitrec.jobs import exports, runs
from digitrec.training.presets import PRESETS


def test_home_is_the_project_where_nothing_is_set(monkeypatch):
    monkeypatch.delenv("DIGITREC_HOME")
    assert settings.home() == settings.PROJECT
    monkeypatch.setenv("DIGITREC_HOME", "  ")
    assert settings.home() == settings.PROJECT


def test_project_is_the_folder_with_the_package():
    assert (settings.PROJECT / "digitrec" / "settings.py").is_file()


def test_home_may_be_a_folder_that_is_not_there_yet(monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITREC_HOME", str(tmp_path / "new"))
    assert settings.home() == tmp_path / "new"
    assert settings.runs_folder() == tmp_path / "new" / "runs"
    assert settings.trained_models() == tmp_path / "new" / "models"
    assert not (tmp_path / "new").exists()


def test_a_relative_home_and_a_tilde_become_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGITREC_HOME", "here")
    assert settings.home() == tmp_path / "here"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DIGITREC_HOME", "~/there")
    assert settings.home() == tmp_path / "there"


def test_a_home_that_is_a_file_is_refused(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("DIGITREC_HOME", str(file))
    with pytest.raises(SettingsError, match="must name a folder; it names a file"):
        settings.home()


@pytest.mark.parametrize("value", ["/" + "x" * 5000, "~no-such-user-here/runs"], ids=["too long", "nobody's"])
def test_a_home_that_cannot_be_reached_is_refused(monkeypatch, value):
    monkeypatch.setenv("DIGITREC_HOME", value)
    with pytest.raises(SettingsError, match="cannot be reached"):
        settings.home()


def test_the_strokes_folder_is_checked_as_the_home_is(monkeypatch, tmp_path):
    monkeypatch.delenv("DIGITREC_STROKES", raising=False)
    assert settings.strokes_folder() == settings.PROJECT / "data" / "unipen"
    monkeypatch.setenv("DIGITREC_STROKES", str(tmp_path))
    assert settings.strokes_folder() == tmp_path
    monkeypatch.setenv("DIGITREC_STROKES", "~no-such-user-here/strokes")
    with pytest.raises(SettingsError, match="DIGITREC_STROKES cannot be reached"):
        settings.strokes_folder()


def test_shipped_models_are_found_whatever_the_home_is(home):
    assert settings.model_folders() == (settings.PROJECT / "models", home / "models")


def test_number_reads_a_whole_number(monkeypatch):
    monkeypatch.setenv("DIGITREC_X", " 7 ")
    assert settings.number("DIGITREC_X", 3, 1, 9) == 7


@pytest.mark.parametrize("value", [None, "", "  "])
def test_number_has_a_default(monkeypatch, value):
    if value is None:
        monkeypatch.delenv("DIGITREC_X", raising=False)
    else:
        monkeypatch.setenv("DIGITREC_X", value)
    assert settings.number("DIGITREC_X", 3, 1, 9) == 3


@pytest.mark.parametrize("value", ["0", "10", "-1", "2.5", "many", "1e3", "9" * 5000])
def test_number_refuses_what_is_no_whole_number_in_range(monkeypatch, value):
    monkeypatch.setenv("DIGITREC_X", value)
    with pytest.raises(SettingsError, match=r"DIGITREC_X must be a whole number from 1 to 9\. Received: '") as caught:
        settings.number("DIGITREC_X", 3, 1, 9)
    assert value[:40] in str(caught.value)
    assert len(str(caught.value)) < 120


def test_the_project_itself_keeps_trained_models_apart_from_shipped_ones(monkeypatch):
    monkeypatch.delenv("DIGITREC_HOME", raising=False)
    assert settings.trained_models() == settings.PROJECT / "trained"
    assert settings.trained_models() != settings.SHIPPED_MODELS


@pytest.mark.parametrize("address", ["tcp://host:8786", "tcp://127.0.0.1:1", "tcp://[::1]:8786", " tcp://a.b:80 "])
def test_a_scheduler_is_an_address(monkeypatch, address):
    monkeypatch.setenv("DIGITREC_SCHEDULER", address)
    assert settings.scheduler() == address.strip()


@pytest.mark.parametrize("address", ["host", "host:8786", "tcp://", "tcp://host", "tcp://a b:1", "http://host:8786"])
def test_a_scheduler_that_is_no_address_is_refused(monkeypatch, address):
    monkeypatch.setenv("DIGITREC_SCHEDULER", address)
    with pytest.raises(SettingsError, match="DIGITREC_SCHEDULER must be an address such as"):
        settings.scheduler()


def test_runs_are_trained_here_where_there_is_no_scheduler(monkeypatch):
    monkeypatch.delenv("DIGITREC_SCHEDULER", raising=False)
    assert settings.scheduler() is None
    monkeypatch.setenv("DIGITREC_SCHEDULER", " ")
    assert settings.scheduler() is None


def test_folders_are_made_absolute_for_processes_that_start_elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGITREC_HOME", "here")
    monkeypatch.delenv("DIGITREC_STROKES", raising=False)
    settings.resolve_folders()
    assert os.environ["DIGITREC_HOME"] == str(tmp_path / "here")
    assert "DIGITREC_STROKES" not in os.environ
    monkeypatch.setenv("DIGITREC_STROKES", "~no-such-user-here/strokes")
    with pytest.raises(SettingsError, match="DIGITREC_STROKES cannot be reached"):
        settings.resolve_folders()


def test_without_tensorflow_training_and_exports_say_what_to_install(monkeypatch, tiny_run, home):
    monkeypatch.setattr(settings.importlib.util, "find_spec", lambda name: None)
    run = runs.start(PRESETS["mlp-128"].recipe)
    assert (run.state, run.message) == ("failed", settings.NO_TENSORFLOW)
    assert run.resumable
    with pytest.raises(ModelError, match=r"Install it with: pip install 'digitrec\[train\]'"):
        exports.start(tiny_run, "onnx")
