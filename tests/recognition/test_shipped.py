"""The shipped nets that find digits: opened once, opened again where a file has changed, and not needed to start."""

import os
import shutil
from pathlib import Path

import pytest

from digitrec.errors import ModelError
from digitrec.recognition import shipped

SHIPPED = {"FILE": shipped.FILE, "CROPS_FILE": shipped.CROPS_FILE}
OPENED_BY = {"FILE": shipped.detector, "CROPS_FILE": shipped.crop_classifier}
nets = pytest.mark.parametrize("name", SHIPPED)


def looked_for(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a net is looked for from now on: there is none yet."""
    file = folder / SHIPPED[name].name
    monkeypatch.setattr(shipped, name, file)
    return file


@nets
def test_it_is_opened_once(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(SHIPPED[name], looked_for(name, tmp_path, monkeypatch))
    first, again = OPENED_BY[name](), OPENED_BY[name]()
    assert first is again
    models = shipped.available()
    assert models is not None
    assert first in (models.detector, models.crop_classifier)


@nets
def test_a_new_file_is_opened_anew(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = looked_for(name, tmp_path, monkeypatch)
    shutil.copy(SHIPPED[name], file)
    first = OPENED_BY[name]()
    os.utime(file, ns=(1, 1))
    assert OPENED_BY[name]() is not first


@nets
@pytest.mark.parametrize("content", [None, b"", b"nothing"])
def test_without_it_nothing_breaks_and_it_is_tried_again(
    name: str, content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = looked_for(name, tmp_path, monkeypatch)
    if content is not None:
        file.write_bytes(content)
    assert shipped.available() is None
    with pytest.raises(ModelError):
        OPENED_BY[name]()
    shutil.copy(SHIPPED[name], file)
    assert shipped.available() is not None
