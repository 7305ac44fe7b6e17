"""Adding, renaming and removing saved models: all or nothing, and never a name twice."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registrydata import fake, names

from digitrec import files
from digitrec import settings as places
from digitrec.datasets import mnist
from digitrec.errors import DigitrecError, ModelError
from digitrec.jobs import runs
from digitrec.recognition import classifier
from digitrec.registry import registry
from digitrec.training import model_files
from digitrec.training.splits import Split

pytestmark = pytest.mark.usefixtures("shipped")


def test_an_added_run_can_be_chosen_at_once(tiny_run: Path, few: Split) -> None:
    model = registry.add("my.first-model_1", tiny_run)
    assert names() == ["my.first-model_1"]
    assert not model.shipped
    assert model.card == (files.read_json(tiny_run / model_files.CARD) or {}) | {"name": "my.first-model_1"}
    probabilities = registry.predictor("my.first-model_1").probabilities(mnist.glyphs(few.x_validation))
    with np.load(model.folder / model_files.TEST) as kept:
        np.testing.assert_allclose(probabilities, kept["probabilities"], atol=6e-6)
    assert registry.damaged() == []
    assert [folder.name for folder in places.trained_models().iterdir()] == ["my.first-model_1"]


@pytest.mark.parametrize("name", ["", "../x", "a" * 41, ".", "..", "a/b", " a", "a b", "-a", ".a", "a\0", "ä", "a\n"])
def test_a_name_that_is_none_is_refused(tiny_run: Path, name: str) -> None:
    with pytest.raises(ModelError, match="A name has 1 to 40"):
        registry.add(name, tiny_run)
    assert names() == []


@given(name=st.text(max_size=45))
@settings(deadline=None)
def test_no_name_reaches_out_of_the_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITREC_HOME", str(home))
        with pytest.raises(ModelError):
            registry.add(name, home / "no run")
    assert list(home.iterdir()) == []


def test_a_name_taken_is_refused_even_by_a_damaged_model(tiny_run: Path, shipped: Path) -> None:
    fake(shipped, "a")
    (fake(shipped, "damaged") / model_files.CARD).unlink()
    registry.add("mine", tiny_run)
    for name in ("a", "damaged", "mine"):
        with pytest.raises(ModelError, match="already"):
            registry.add(name, tiny_run)
    assert names() == ["a", "mine"]


def test_the_detectors_folder_is_no_model_and_its_name_is_kept_free(tiny_run: Path, shipped: Path) -> None:
    fake(shipped, "a")
    fake(shipped, "detector")
    assert names() == ["a"]
    assert registry.damaged() == []
    with pytest.raises(ModelError, match="There is no model 'detector'"):
        registry.get("detector")
    shutil.rmtree(shipped / "detector")  # it may be missing
    with pytest.raises(ModelError, match="reserved for the digit detector"):
        registry.add("detector", tiny_run)
    assert registry.free_name("detector") == "detector-2"
    assert registry.add(registry.free_name("detector"), tiny_run).name == "detector-2"
    with pytest.raises(ModelError, match="reserved"):
        registry.rename("detector-2", "detector")


def test_a_free_name_can_be_added(tiny_run: Path, shipped: Path) -> None:
    fake(shipped, "a")
    (fake(places.trained_models(), "a-2") / model_files.CARD).unlink()
    assert registry.free_name("b") == "b"
    assert registry.free_name("a") == "a-3"
    longest = "x" * 40
    assert registry.add(registry.free_name(longest), tiny_run).name == longest
    assert registry.free_name(longest) == "x" * 38 + "-2"
    assert registry.add(registry.free_name(longest), tiny_run).name == "x" * 38 + "-2"


def test_a_name_taken_at_the_last_moment_is_reported_as_taken(tiny_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copyfile = shutil.copyfile

    def meanwhile(source: Path, target: Path) -> None:
        copyfile(source, target)
        if Path(target).name == model_files.CARD:
            fake(places.trained_models(), "mine", 0.5)

    monkeypatch.setattr(registry.shutil, "copyfile", meanwhile)
    with pytest.raises(ModelError, match="already"):
        registry.add("mine", tiny_run)
    assert registry.get("mine").accuracy == 0.5
    assert [folder.name for folder in places.trained_models().iterdir()] == ["mine"]


def test_of_two_that_add_the_same_name_at_once_one_is_reported(tiny_run: Path) -> None:
    outcomes: list[str] = []

    def add() -> None:
        try:
            outcomes.append(registry.add("same", tiny_run).name)
        except ModelError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("same") == 1
    assert sum("already" in outcome for outcome in outcomes) == 3
    assert names() == ["same"]


def test_a_run_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no trained model yet"):
        registry.add("mine", tmp_path)


def test_a_run_with_a_damaged_model_is_refused_and_leaves_nothing(tiny_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(tiny_run, folder)
    (folder / model_files.TFLITE).write_bytes(b"half")
    with pytest.raises(ModelError, match="damaged"):
        registry.add("mine", folder)
    (folder / model_files.TFLITE).unlink()
    with pytest.raises(DigitrecError):
        registry.add("mine", folder)
    assert list(places.trained_models().iterdir()) == []


def test_a_copy_that_fails_leaves_nothing(tiny_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copyfile = shutil.copyfile

    def full(source: Path, target: Path) -> None:
        copyfile(source, target)
        if Path(target).name == model_files.TFLITE:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(registry.shutil, "copyfile", full)
    with pytest.raises(ModelError, match="disk is full"):
        registry.add("mine", tiny_run)
    assert list(places.trained_models().iterdir()) == []


def test_a_home_that_cannot_be_written_is_reported(tiny_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITREC_HOME", "/proc/digitrec")
    assert names() == []
    with pytest.raises(ModelError, match="read-only"):
        registry.add("mine", tiny_run)


def test_only_models_trained_here_can_be_removed(tiny_run: Path, shipped: Path) -> None:
    fake(shipped, "a")
    registry.add("mine", tiny_run)
    with pytest.raises(ModelError, match="came with the project"):
        registry.remove("a")
    registry.remove("mine")
    assert names() == ["a"]
    assert (shipped / "a" / model_files.CARD).exists()
    with pytest.raises(ModelError, match="no model"):
        registry.remove("mine")
    with pytest.raises(ModelError, match="no model"):
        registry.remove("../shipped/a")


def test_only_models_trained_here_can_be_renamed(tiny_run: Path, shipped: Path) -> None:
    fake(shipped, "a")
    registry.add("old", tiny_run)
    new = registry.rename("old", "new")
    assert (new.name, new.card["name"], registry.predictor("new").name) == ("new", "new", "new")
    assert names() == ["a", "new"]
    with pytest.raises(ModelError, match="can be renamed"):
        registry.rename("a", "mine")
    for taken, why in (("a", "already"), ("../x", "A name has"), ("new", "already")):
        with pytest.raises(ModelError, match=why):
            registry.rename("new", taken)
    assert registry.get("new").folder == new.folder


def test_a_model_keeps_the_curves_of_its_run(tiny_run: Path) -> None:
    kept = registry.add("kept", tiny_run)
    assert runs.curves_in(kept.folder) == runs.curves_in(tiny_run)
    assert len(runs.curves_in(kept.folder).epoch) == 2


@pytest.fixture(autouse=True)
def fresh_cache() -> Iterator[None]:
    yield
    classifier._opened.cache_clear()
