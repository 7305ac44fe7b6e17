"""`digitrec import`: a file becomes a model for everybody on this server, or a sentence says why not."""

import pickle
from pathlib import Path

import modeldata
import numpy as np
import pytest

from digitrec import cli, settings
from digitrec.analysis import precomputed
from digitrec.datasets import mnist
from digitrec.registry import registry
from digitrec.registry.importing.scalings import Way

pytestmark = pytest.mark.usefixtures("small_trainings")


def test_a_file_becomes_a_model_for_everybody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mnist.h5"
    file.write_bytes(modeldata.keras2())
    assert cli.main(["import", str(file), "--name", "mine"]) == cli.OK
    printed = capsys.readouterr()
    assert "the file is being read" in printed.err
    assert printed.out.startswith(("Your model", "However"))
    model = registry.get("mine")
    assert model.imported is not None
    assert model.imported["file"] == "mnist.h5"
    assert precomputed.read(model.folder) is not None
    glyphs = mnist.glyphs(mnist.test()[0][:20])
    scaled = Way(model.scaling, model.imported["dark_ink"]).apply(glyphs).reshape(-1, 784)
    np.testing.assert_allclose(registry.predictor("mine").logits(glyphs), modeldata.logits(scaled), atol=1e-4)
    assert not list(settings.imports_folder().glob("[!.t]*"))


def test_a_pickle_is_refused_and_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps({"a": 1}))
    assert cli.main(["import", str(file), "--name", "mine"]) == cli.WRONG_USAGE
    assert "Python pickle" in capsys.readouterr().err
    assert all(model.name != "mine" for model in registry.models())
    assert not list(settings.imports_folder().glob("[!.t]*"))


@pytest.mark.parametrize(
    ("name", "reason"), [("reader", "already a model"), ("../x", "A name has"), ("detector", "is reserved")]
)
def test_a_name_that_cannot_be_given_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    file = tmp_path / "mnist.h5"
    file.write_bytes(modeldata.keras2())
    assert cli.main(["import", str(file), "--name", name]) == cli.WRONG_USAGE
    assert reason in capsys.readouterr().err
    assert not settings.imports_folder().exists()


def test_a_file_that_is_not_there_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["import", str(tmp_path / "none.h5"), "--name", "mine"]) == cli.WRONG_USAGE
    assert "cannot be read" in capsys.readouterr().err
