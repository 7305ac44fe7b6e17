"""An imported file becomes a model of the app, in a job of its own: found, stopped, refused, cleared away."""

import os
import time
from pathlib import Path

import modeldata
import numpy as np
import pytest

from digitrec import files, settings
from digitrec.analysis import explain
from digitrec.datasets import mnist
from digitrec.errors import ModelError
from digitrec.jobs import catalogue, imports, job
from digitrec.registry import card, registry, visitors
from digitrec.registry.importing import building
from digitrec.training import model_files, splits
from digitrec.training import recipe as training_recipe
from digitrec.training.splits import Split

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def work(token: str, data: bytes, file_name: str = "mnist.keras") -> Path:
    """Lay out a job's folder as `start` does, without starting its process."""
    folder = imports.folder(token)
    folder.parent.mkdir(parents=True, exist_ok=True)
    files.new_folder(folder, {imports.REQUEST: {"file": file_name, "name": "mine"}, job.STATUS: job.new_status()})
    (folder / imports.SOURCE).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def brought(few: Split, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished import of a `.keras` file, tested on a few digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITREC_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr(splits, "split", lambda recipe: few)
        patch.setattr(mnist, "test", lambda: (few.x_validation, few.y_validation))
        patch.setattr(building, "FIRST", 20)
        folder = work("a" * imports.TOKEN_LENGTH, modeldata.archive())
        imports.main(folder)
        found = imports.find("a" * imports.TOKEN_LENGTH)
        assert (found.state, found.message, found.name) == ("ready", "", "mine")
        assert not (folder / imports.SOURCE).exists()
    return found.folder


def test_its_card_says_what_it_was_and_claims_no_training(brought: Path) -> None:
    made = card.read(brought)
    assert made is not None
    facts = made["imported"]
    assert (facts["file"], facts["format"], facts["kind"], facts["shown"]) == (
        "mnist.keras",
        "Keras",
        "mlp",
        ["dense_1"],
    )
    assert (facts["outputs"], facts["classes"], len(facts["measured"])) == ("probabilities", 10, 10)
    assert not {"recipe", "epochs", "seconds", "trained_on"} & set(made)
    assert made["parameters"] == 784 * 16 + 16 + 160 + 10


def test_it_reads_as_its_file_s_network_does(brought: Path) -> None:
    from digitrec.recognition.classifier import Predictor
    from digitrec.registry.importing.scalings import Way

    facts = (card.read(brought) or {})["imported"]
    glyphs = mnist.glyphs(mnist.test()[0][:30])
    scaled = Way(facts["scaling"], facts["dark_ink"]).apply(glyphs).reshape(-1, 784)
    read = Predictor("mine", brought / model_files.TFLITE).logits(glyphs)
    np.testing.assert_allclose(read, modeldata.logits(scaled), atol=1e-4)


def test_everybody_can_choose_what_the_command_line_brought(brought: Path, home: Path) -> None:
    model = registry.add("mine", brought)
    assert (model.kind, model.convolutions) == ("mlp", 0)
    assert explain.shown_layers(model.outline, registry.predictor("mine").layers) == ["dense_1"]
    assert model.scaling in card.SCALINGS
    assert registry.get("mine").name == "mine"
    assert "mine" not in {entry.name for entry in catalogue.entries()}
    assert "mine" not in catalogue.choices("distill from")
    assert imports.lesson(model)[0].startswith(("Your model", "However"))
    facts = model.imported or {}
    described = facts["scaling"] in training_recipe.SCALINGS and not facts["dark_ink"]
    assert bool(facts["network"]) == described
    if described:
        assert (model.recipe.hidden, model.recipe.scaling) == ((16,), facts["scaling"])
    else:
        with pytest.raises(ModelError, match="no recipe can describe its network"):
            _ = model.recipe


def test_a_visitor_keeps_it_and_another_never_sees_it(brought: Path, home: Path) -> None:
    mine, other = visitors.new_key(), visitors.new_key()
    assert visitors.add(mine, "mine", brought).imported is not None
    assert visitors.models(other) == []
    assert all(model.name != "mine" for model in registry.models())


@pytest.mark.parametrize(
    ("key", "value"),
    [("scaling", "evil"), ("dark_ink", 3), ("shown", ["x"] * 99), ("shown", "x"), ("measured", []), ("file", "x" * 999),
     ("kind", "rnn"), ("convolutions", -1),
     ("measured", [{"scaling": "bytes", "dark_ink": False, "accuracy": 7, "digits": 1, "loss": 0.0}])],
)  # fmt: skip
def test_a_card_that_says_something_else_is_refused(brought: Path, home: Path, key: str, value: object) -> None:
    model = registry.add("mine", brought)
    changed = model.card | {"imported": {**model.card["imported"], key: value}}
    files.write_json(model.folder / model_files.CARD, changed)
    with pytest.raises(ModelError):
        registry.get("mine")


def test_a_file_that_is_refused_says_why(home: Path) -> None:
    token = "b" * imports.TOKEN_LENGTH
    layers = modeldata.described()
    layers.insert(2, modeldata.one("Lambda", "my_code"))
    folder = work(token, modeldata.archive(modeldata.keras3(layers)))
    imports.main(folder)
    found = imports.find(token)
    assert found.state == "failed"
    assert "'my_code' is a Lambda" in found.message
    assert str(home) not in found.message
    imports.drop(token)
    assert not folder.exists()


def test_an_import_whose_process_is_gone_is_reported(home: Path) -> None:
    token = "c" * imports.TOKEN_LENGTH
    folder = work(token, b"x")
    job.update(folder, state="running", started=0.0, queued_at=0.0)
    assert imports.find(token).state == "failed"
    assert "Import the file again" in imports.find(token).message


@pytest.mark.parametrize("token", ["", "../../etc", "a" * 31, "ä" * 32, "." * 32, "a/" * 16])
def test_only_a_token_finds_an_import(home: Path, token: str) -> None:
    for call in (imports.find, imports.folder, imports.drop):
        with pytest.raises(ModelError, match="Import it again"):
            call(token)


def test_an_import_that_nobody_asks_for_is_cleared_away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (work(letter * imports.TOKEN_LENGTH, b"x") for letter in "de")
    os.utime(old, (0, time.time() - imports.KEPT_SECONDS - 1))
    imports._tidy()
    assert (old.exists(), new.exists()) == (False, True)


def test_without_tensorflow_nothing_is_brought(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "has_tensorflow", lambda: False)
    with pytest.raises(ModelError, match="TensorFlow"):
        imports.start(b"x", "x.keras", "mine")
