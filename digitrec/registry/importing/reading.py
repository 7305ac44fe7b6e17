"""Which kind of file it is, recognized by its content, and the reader for it. Nothing in a file is ever run."""

import io
import zipfile

from digitrec.errors import ModelError
from digitrec.registry.importing import keras_files, onnx_files, tflite_files
from digitrec.registry.importing.network import Network, damage_reported

ENDINGS = (".tflite", ".keras", ".h5", ".onnx")
"""Files that are looked for in a zip archive, such as this app's download of a model: it reads with the first."""

MOST_BYTES = 100 * 2**20
"""Bytes of such a file unpacked."""

HDF5 = b"\x89HDF\r\n\x1a\n"

PICKLE = (
    "This file is a Python pickle, which can run any program when it is opened, so it is never opened here. Save the "
    "model as .keras or .h5 in Keras, or export it as .onnx."
)
SAVED_MODEL = (
    "This is a SavedModel: its layers are stored as functions, which are not run here. Load it where it was made and "
    "save it as one file: model.save('mnist.keras'), or model.save('mnist.h5') with Keras 2."
)
UNKNOWN = "This is no model file that is known here. Import a .keras, .h5, .tflite or .onnx file."


def read(data: bytes, packed: bool = False) -> Network:
    """Return the network in a file's bytes.

    Args:
        data: The bytes.
        packed: Whether they come from a zip archive.

    Raises:
        ModelError: If it is of another kind, damaged, or holds what is not supported; the sentence names the layer.
    """
    if data.startswith(HDF5):
        return keras_files.read_h5(data)
    if data[4:8] == b"TFL3":
        return tflite_files.read(data)
    if data.startswith(b"PK"):
        return _read_archive(data, packed)
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise ModelError(PICKLE)
    if onnx_files.looks_like(data):
        return onnx_files.read(data)
    raise ModelError(UNKNOWN)


def format_of(data: bytes, file_name: str) -> str:
    """Return what kind of file it is, in words."""
    if data.startswith(HDF5):
        return "Keras (HDF5)"
    if data[4:8] == b"TFL3":
        return "LiteRT"
    if data.startswith(b"PK"):
        return "Keras" if file_name.endswith(".keras") else "zip"
    return "ONNX"


def _read_archive(data: bytes, packed: bool) -> Network:
    """Read a zip archive: a `.keras` file, one with a model's file in it, or what is refused.

    Nothing is unpacked to the disk, and no archive within an archive is opened but a `.keras` file.
    """
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except Exception as error:  # a damaged archive fails in many ways
        raise ModelError("This archive is damaged. Save the model again.") from error
    if keras_files.CONFIG in names:
        return keras_files.read_archive(data)
    if any(name.endswith("saved_model.pb") for name in names[:10_000]):
        raise ModelError(SAVED_MODEL)
    if any(name.endswith((".pkl", ".pickle")) for name in names[:10_000]):
        raise ModelError(PICKLE)
    for ending in ENDINGS:
        within = [name for name in names[:10_000] if name.endswith(ending) and not name.startswith("__MACOSX")]
        if len(within) == 1 and not packed:
            with damage_reported(keras_files.DAMAGED), zipfile.ZipFile(io.BytesIO(data)) as archive:
                inner = keras_files.member(archive, within[0], MOST_BYTES)
            return read(inner, packed=True)
    raise ModelError("This archive holds no model, or several. Import the .keras, .h5, .tflite or .onnx file itself.")
