"""Downloads of a model and of its run: the files as they are, and exports made on demand."""

from pathlib import Path

import streamlit as st

from digitrec import formats
from digitrec.jobs import exports, runs
from digitrec.jobs.runs import Run
from digitrec.registry import export_texts
from digitrec.training import model_files
from digitrec.ui import common

FILES = {"Keras model": model_files.KERAS, "LiteRT model": model_files.TFLITE, "Card": model_files.CARD}

KINDS = {"onnx": "ONNX", "savedmodel": "SavedModel", "tensorboard": "TensorBoard logs"}

TYPICAL = 10.0  # seconds that an export takes on two free cores

MEANING = (
    "ONNX and SavedModel work without this app: they take 28 x 28 bytes as in MNIST and return the ten probabilities "
    "that the app shows. Each comes with a script that reads a picture, and with ten digits and their expected "
    "probabilities, against which it is checked before you can download it. An export takes about ten seconds, longer "
    "while a run is training."
)


def downloads(name: str, folder: Path, run: Run | None = None) -> None:
    """Draw all downloads of a model.

    Args:
        name: What the files are named after, and the widgets' keys.
        folder: The model's, a saved one or a run's.
        run: Its run, if it has one.
    """
    with st.container(horizontal=True):
        for label, file in FILES.items():
            _download(label, folder / file, f"{name}.{file}", key=f"{file}_{name}")
        if run:
            csv, file_name = (lambda: runs.history_csv(run)), f"{run.id}.history.csv"
            st.download_button("History", csv, file_name, icon=":material/download:", on_click="ignore")
    st.markdown(f"**Exports.** {MEANING}")
    kinds = [kind for kind in KINDS if run or kind != "tensorboard"]
    with common.shown_errors(stop=False):
        making = any(exports.find(folder, kind).state == "making" for kind in kinds)
        st.fragment(_exports, run_every=1.0 if making else None)(name, folder, kinds, making)
    with st.expander("Read a picture with the export", icon=":material/code:"):
        st.markdown("For ONNX Runtime. The SavedModel comes with the same script for TensorFlow.")
        st.code(export_texts.READ["onnx"], "python")


def _download(label: str, file: Path, file_name: str, key: str) -> None:
    """Draw a button that reads the file when it is pressed, and not before."""
    st.download_button(label, file.read_bytes, file_name, icon=":material/download:", on_click="ignore", key=key)


def _exports(name: str, folder: Path, kinds: list[str], making: bool) -> None:
    """Draw one button per kind, to make it and then to download it; below, progress and failures."""
    with common.shown_errors(stop=False):
        found = {kind: exports.find(folder, kind) for kind in kinds}
        if making != any(each.state == "making" for each in found.values()):
            st.rerun()  # the page decides how often this is drawn
        with st.container(horizontal=True, key=f"exports_{name}"):
            for kind, each in found.items():
                _button(name, folder, kind, each)
        for kind, each in found.items():
            if each.state == "making":
                st.caption(f"{KINDS[kind]}: {_progress(each)}")
            elif each.state == "failed":
                st.error(f"{KINDS[kind]}: {each.message}", icon=":material/error:")


def _progress(found: exports.Export) -> str:
    """Return the current step, and how long the rest will take."""
    if not found.message:
        return "waiting for its turn …"
    return f"{found.message} … {formats.time_left(TYPICAL - found.seconds)}"


def _button(name: str, folder: Path, kind: str, found: exports.Export) -> None:
    key = f"{kind}_{name}"
    if found.state == "ready":
        _download(f"{KINDS[kind]}, zipped", found.file, f"{name}.{kind}.zip", f"{key}_ready")
    elif found.state == "making":
        st.button(f"Making {KINDS[kind]}", icon="spinner", disabled=True, key=f"{key}_making")
        if st.button("Stop", icon=":material/stop:", key=f"{key}_stop", help=f"Stop making {KINDS[kind]}"):
            exports.stop(folder, kind)
            st.rerun()
    elif st.button(f"Make {KINDS[kind]}", icon=":material/build:", key=key):
        exports.start(folder, kind)
        st.rerun()
