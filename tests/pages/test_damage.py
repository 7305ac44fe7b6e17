"""Damaged files: a sentence on the page, and the rest of it still there."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from drawings import drawing, words
from streamlit.testing.v1 import AppTest

from digitrec.datasets import mnist
from digitrec.ui import common


@pytest.fixture
def damaged_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    copy = tmp_path / "mnist.npz"
    content = bytearray(mnist.FILE.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    monkeypatch.setattr(mnist, "FILE", copy)
    common.test_digits.clear()
    yield
    common.test_digits.clear()


@pytest.mark.usefixtures("damaged_mnist")
def test_a_damaged_mnist_is_reported_in_a_sentence(open_page: Callable[..., AppTest]) -> None:
    shown = open_page("pages/4_Compare.py")
    assert "The bundled MNIST file is damaged" in shown.error[0].value
    assert "/" not in shown.error[0].value


@pytest.mark.parametrize("page", ["streamlit_app.py", "pages/1_Draw.py", "pages/3_Train.py", "pages/4_Compare.py"])
def test_a_half_written_model_is_named_and_left_out(open_page: Callable[..., AppTest], home: Path, page: str) -> None:
    folder = home / "models" / "half"
    folder.mkdir(parents=True)
    (folder / "card.json").write_text('{"format": 1, "name": "ha')
    shown = open_page(page)
    assert "The model half is left out" in shown.warning[0].value
    assert not shown.error


def test_a_damaged_model_that_is_chosen_breaks_only_its_own_column(
    open_page: Callable[..., AppTest], tiny_model: str, home: Path
) -> None:
    file = home / "models" / tiny_model / "model.tflite"
    file.write_bytes(bytes(file.stat().st_size))
    shown = open_page("pages/1_Draw.py", model_1=tiny_model, pad=drawing([(70, 60), (200, 60), (120, 230)]))
    assert "cannot be opened" in shown.error[0].value
    assert '<p class="answer">7</p>' in words(shown)


def test_test_results_of_another_set_are_reported_in_a_sentence(
    open_page: Callable[..., AppTest], tiny_model: str
) -> None:
    shown = open_page("pages/4_Compare.py", model_1=tiny_model)
    assert f"The test results of {tiny_model} are damaged" in shown.error[0].value


@pytest.mark.parametrize("page", ["streamlit_app.py", "pages/1_Draw.py", "pages/2_Upload.py", "pages/3_Train.py"])
def test_a_home_that_is_no_folder_is_reported_in_a_sentence(
    open_page: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("DIGITREC_HOME", str(file))
    shown = open_page(page)
    assert "DIGITREC_HOME must name a folder" in shown.error[0].value
    assert str(tmp_path) not in shown.error[0].value
