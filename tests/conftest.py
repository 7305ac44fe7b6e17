"""What all tests share: a home of their own, a few digits, and a model trained on them."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray
from PIL import Image

from digitrec import files
from digitrec import settings as places
from digitrec.datasets import mnist
from digitrec.jobs import job
from digitrec.registry import registry
from digitrec.training import model_files, probes, splits
from digitrec.training.recipe import Recipe
from digitrec.training.splits import Split
from tests.waiting import DEADLOCK

settings.register_profile("any-machine", settings(), deadline=None)  # other work may share the processor
settings.load_profile("any-machine")


@pytest.fixture(scope="session", autouse=True)
def unpacked_once() -> Iterator[None]:
    """Keep MNIST's arrays, which cannot be written to: to unpack them takes a tenth of a second each time."""
    unpack = mnist._arrays

    @functools.cache
    def kept(file: Path, *names: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        found = unpack(*names)
        for array in found:
            array.flags.writeable = False
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist, "_arrays", lambda *names: kept(mnist.FILE, *names))
        yield


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point DIGITREC_HOME at an empty folder, so that no test can touch real runs and models."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("DIGITREC_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def small_path() -> str:
    """Return a PYTHONPATH with which a process, and all that it starts, has small trainings; see `small_trainings/`."""
    path = [str(Path(__file__).parent / "small_trainings"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.pathsep.join(path)


@pytest.fixture(scope="module")
def small_trainings(small_path: str) -> Iterator[None]:
    """Have all trainings that the tests of a module start, in whatever process, be small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", small_path)
        patch.setattr(job, "LAUNCH_SECONDS", DEADLOCK)
        yield


@pytest.fixture(scope="session")
def few() -> Split:
    """Return 8 training pictures a class and 4 validation pictures a class; they cannot be written to."""
    x, y = mnist.training()
    places = [np.flatnonzero(y == digit) for digit in range(10)]
    train = np.concatenate([place[:8] for place in places])
    validation = np.concatenate([place[8:12] for place in places])
    arrays = Split(x[train], y[train], x[validation], y[validation])
    for array in arrays:
        array.flags.writeable = False
    return arrays


@pytest.fixture(scope="session")
def tiny_run(few: Split, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished run of an MLP of 16 units, trained and tested on a few digits."""
    from digitrec.jobs import worker

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    folder.mkdir()
    files.write_json(folder / model_files.RECIPE, Recipe("tiny", hidden=(16,), batch_size=8, epochs=2).to_json())
    files.write_json(folder / job.STATUS, job.new_status())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splits, "split", lambda recipe: few)
        patch.setattr(mnist, "test", lambda: (few.x_validation, few.y_validation))
        patch.setattr(probes, "DIGITS", range(0, 40, 4))
        worker.main(folder)
    status = job.read_status(folder)
    assert status.state == "finished", status
    return folder


@pytest.fixture
def tiny_model(tiny_run: Path, home: Path) -> str:
    """Add the tiny run's model to this test's home and return its name."""
    return registry.add("tiny", tiny_run).name


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder for shipped models; the home is another folder, with a space in its name."""
    monkeypatch.setenv("DIGITREC_HOME", str(tmp_path / "some home"))
    monkeypatch.setattr(places, "SHIPPED_MODELS", tmp_path / "shipped")
    return tmp_path / "shipped"


@pytest.fixture
def digit(tmp_path: Path) -> Path:
    """Return a file with a picture of a 7."""
    sheet = np.full((60, 60), 255, np.uint8)
    cv2.polylines(sheet, [np.array([[15, 12], [44, 12], [28, 50]])], False, 0, 4, cv2.LINE_AA)
    file = tmp_path / "seven.png"
    Image.fromarray(sheet).save(file)
    return file
