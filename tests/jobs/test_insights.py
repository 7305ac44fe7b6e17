"""What Compare shows of a visitor's model is computed when it is kept, by a process of its own."""

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from digitrec.analysis import precomputed
from digitrec.jobs import insights, job
from digitrec.registry import visitors
from digitrec.registry.registry import Model
from digitrec.training import model_files
from tests.waiting import until


@pytest.fixture
def kept(tiny_run: Path, tmp_path: Path) -> Model:
    """Keep a model of which nothing was computed."""
    shutil.copytree(tiny_run, tmp_path / "run")
    (tmp_path / "run" / model_files.INSIGHT).unlink()
    return visitors.add(visitors.new_key(), "my-hand", tmp_path / "run")


@pytest.mark.usefixtures("small_trainings")
def test_it_is_there_after_a_while(kept: Model) -> None:
    insights.start(kept)
    until(lambda: precomputed.read(kept.folder), "computed")
    until(lambda: not insights.is_under_way(kept), "ended")


def test_only_one_process_computes_it(kept: Model) -> None:
    with FileLock(kept.folder / job.ALIVE):
        assert insights.is_under_way(kept)
        insights.main(kept.folder)
    assert not insights.is_under_way(kept)
    assert precomputed.read(kept.folder) is None


def test_what_is_there_is_not_computed_again(kept: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    insights.main(kept.folder)
    assert precomputed.read(kept.folder) is not None
    launched: list[object] = []
    monkeypatch.setattr(job, "launch", lambda *given: launched.append(given))
    insights.start(kept)
    assert not launched
