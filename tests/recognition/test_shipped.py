"""The shipped detector: opened once, opened again where its file has changed, and not needed to start."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from digitrec.errors import ModelError
from digitrec.recognition import shipped

SHIPPED = shipped.FILE


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield where the detector is looked for: there is none yet."""
    path = tmp_path / "detector.tflite"
    monkeypatch.setattr(shipped, "FILE", path)
    shipped._opened.cache_clear()
    yield path
    shipped._opened.cache_clear()


def test_it_is_opened_once(file: Path) -> None:
    shutil.copy(SHIPPED, file)
    first = shipped.detector()
    assert shipped.detector() is first
    assert shipped.available() is first


def test_a_new_file_is_opened_anew(file: Path) -> None:
    shutil.copy(SHIPPED, file)
    first = shipped.detector()
    os.utime(file, ns=(1, 1))
    assert shipped.detector() is not first


@pytest.mark.parametrize("content", [None, b"", b"nothing"])
def test_without_it_nothing_breaks_and_it_is_tried_again(file: Path, content: bytes | None) -> None:
    if content is not None:
        file.write_bytes(content)
    assert shipped.available() is None
    with pytest.raises(ModelError):
        shipped.detector()
    shutil.copy(SHIPPED, file)
    assert shipped.available() is not None
