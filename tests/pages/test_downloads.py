"""The downloads of a model, without a browser: asked for on the page, made by a process, used elsewhere."""

import subprocess
import sys
import time
import zipfile
from pathlib import Path

from PIL import Image
from streamlit.testing.v1 import AppTest

from digitrec import settings
from digitrec.datasets import mnist
from digitrec.jobs import exports, job


def page(folder: str) -> None:
    from pathlib import Path

    from digitrec.ui.train import downloads

    downloads.downloads("mlp", Path(folder))


def labels(app: AppTest) -> set[str]:
    return {button.label for button in app.button} | {button.label for button in app.get("download_button")}


def test_an_export_is_made_offered_and_reads_a_picture_elsewhere(tmp_path: Path) -> None:
    folder = settings.SHIPPED_MODELS / "mlp-30-10"
    app = AppTest.from_function(page, args=(str(folder),), default_timeout=60).run()
    assert labels(app) == {"Keras model", "LiteRT model", "Card", "Make ONNX", "Make SavedModel"}
    app.button(key="onnx_mlp").click().run()
    assert {"Making ONNX", "Stop", "Make SavedModel"} <= labels(app)
    app.button(key="onnx_mlp_stop").click().run()
    while exports.find(folder, "onnx").state == "making":
        time.sleep(0.1)
    app.run()
    assert {"Make ONNX", "Make SavedModel"} <= labels(app)
    app.button(key="onnx_mlp").click().run()
    again = AppTest.from_function(page, args=(str(folder),), default_timeout=60).run()  # as after a reload
    assert "Making ONNX" in labels(again)
    while (found := exports.find(folder, "onnx")).state == "making":
        time.sleep(0.1)
    assert found.state == "ready", found
    app.run()
    assert "ONNX, zipped" in labels(app)
    assert not app.exception

    zipfile.ZipFile(found.file).extractall(tmp_path)
    unzipped = tmp_path / "mlp-30-10-onnx"
    pictures, truth = mnist.test()
    Image.fromarray(255 - pictures[0]).resize((300, 300)).save(unzipped / "dark.png")
    Image.fromarray(pictures[0]).save(unzipped / "light.png")
    for picture in ("dark.png", "light.png"):
        assert page_text(unzipped, "read.py", picture).startswith(f"{truth[0]}: ")
    assert page_text(unzipped, "check.py").startswith("right")


def page_text(folder: Path, *command: str) -> str:
    return subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_failure_is_reported_and_can_be_tried_again() -> None:
    folder = settings.SHIPPED_MODELS / "mlp-30-10"
    work = exports.find(folder, "onnx").file.parent
    work.mkdir(parents=True)
    (work / "status.json").write_text('{"state": "running", "message": "it is being checked on ten digits"}')
    app = AppTest.from_function(page, args=(str(folder),), default_timeout=60).run()
    assert f"ONNX: {job.INTERRUPTED}" in app.error[0].value
    assert "Make ONNX" in labels(app)
