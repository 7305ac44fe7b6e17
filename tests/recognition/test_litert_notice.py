import os
import subprocess
import sys
from pathlib import Path

import pytest

from digitrec import settings
from digitrec.errors import ModelError
from digitrec.recognition.classifier import Predictor
from digitrec.recognition.litert_notice import NOTICE, without_notice

OPEN = """
import os
from pathlib import Path
from digitrec import settings
from digitrec.recognition import shipped
from digitrec.recognition.classifier import Predictor
Predictor("mlp-128", settings.SHIPPED_MODELS / "mlp-128" / "model.tflite")
shipped.detector()
os.write(2, b"open\\n")
"""


def test_the_first_models_of_a_process_are_opened_without_a_word() -> None:
    done = subprocess.run([sys.executable, "-c", OPEN], cwd=settings.PROJECT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"open\n")


def test_all_but_the_notice_is_written_in_its_order(capfd: pytest.CaptureFixture[str]) -> None:
    with without_notice():
        os.write(2, b"before\n" + NOTICE + b"\nafter")
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == "before\nafter"


@without_notice()
def write_and_fail() -> None:
    os.write(2, b"why\n")
    raise ZeroDivisionError


def test_an_error_in_between_is_raised_and_what_was_written_is_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert capfd.readouterr().err == "why\n"
    (tmp_path / "model.tflite").write_bytes(b"no model")
    with pytest.raises(ModelError, match="damaged"):
        Predictor("x", tmp_path / "model.tflite")
    os.write(2, b"still there\n")
    assert capfd.readouterr().err.endswith("still there\n")


def test_a_process_without_standard_error_opens_models() -> None:
    code = f"import os\nos.close(2)\n{OPEN.replace('os.write', 'print')}"
    done = subprocess.run([sys.executable, "-c", code], cwd=settings.PROJECT, capture_output=True, check=False)
    assert done.returncode == 0
