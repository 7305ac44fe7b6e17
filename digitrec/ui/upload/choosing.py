"""Choosing pictures on Upload: files, a folder or the camera, each added to those before."""

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from digitrec import settings
from digitrec.datasets import example
from digitrec.ui import common
from digitrec.uploads import isolation
from digitrec.uploads.batch import Batch, File

WAYS = {"Files": "files", "Folder": "folder", "Camera": "camera"}


def batch() -> Batch:
    """Return the visitor's pictures and readings, which are kept while other pages are visited."""
    found: Batch = st.session_state.setdefault("batch", Batch(isolation.call))
    return found


def choose_pictures() -> dict[str, UploadedFile]:
    """Draw the ways to choose pictures and return the available files by the ids that the batch uses.

    Raises:
        SettingsError: If the limit of a file's size is not a number.
    """
    way = st.segmented_control(
        "Pictures from", list(WAYS), key="way", default="Files", required=True, persist_state="session"
    )
    key = WAYS[way]
    if way == "Camera":
        st.camera_input(
            "Hold the paper flat and take a picture",
            key=key,
            on_change=_take,
            args=(key,),
            width=480,
            resolution="1080p",
        )
    elif way == "Folder":
        st.file_uploader(
            "A folder of pictures, read in order of their names",
            [ending.lstrip(".") for ending in settings.PICTURE_ENDINGS],
            accept_multiple_files="directory",
            key=key,
            on_change=_take,
            args=(key,),
        )
    else:
        # Streamlit cannot empty an uploader. One with another limit, even with the same effect, is a new one.
        st.file_uploader(
            f"Pictures: {settings.FORMAT_WORDS}, and PDF",
            accept_multiple_files=True,
            key=key,
            on_change=_take,
            args=(key,),
            max_upload_size=settings.limit("megabytes") if st.session_state.get("emptied", 0) % 2 else None,
        )
    files = _held(key)
    st.session_state[f"held_{key}"] = frozenset(file.file_id for file in files)
    return {file.file_id: file for file in files}


def _take(key: str) -> None:
    """Add what is new in an uploader to the batch, and remove what its cross was pressed for.

    A camera's picture stays when the next one is taken.
    """
    before, now = st.session_state.get(f"held_{key}", frozenset()), _held(key)
    mine = batch()
    with common.shown_errors(stop=False):
        most = settings.limit("pictures")
        if key != WAYS["Camera"]:
            gone = before - {file.file_id for file in now}
            mine.remove([picture for picture in mine.pictures if picture.source in gone])
        new = [file for file in now if file.file_id not in before]
        mine.add((File(_name(key, file.name), file.file_id, file.getvalue()) for file in new), most)
        st.session_state.stopped = False


def _held(key: str) -> list[UploadedFile]:
    """Return the files that an uploader holds; one that was drawn anew, after another page, holds none.

    These share their bytes with Streamlit's memory of uploads. What an uploader returns is a copy of each.
    """
    value = st.session_state[key]
    return [file for file in (value if isinstance(value, list) else [value]) if isinstance(file, UploadedFile)]


def _name(key: str, name: str) -> str:
    """Return the name of a picture; all of the camera's come with the same one, so they are numbered."""
    if key != WAYS["Camera"]:
        return name
    count = st.session_state.shots = st.session_state.get("shots", 0) + 1
    return f"camera {count}.jpg"


def remove_all() -> None:
    """Remove all pictures and empty the uploader."""
    batch().replace([])
    st.session_state.emptied = st.session_state.get("emptied", 0) + 1


def invitation() -> None:
    """Draw the content of an empty page, with an example to try.

    Raises:
        DatasetError: If the example is asked for and the bundled MNIST file is damaged.
    """
    with st.container(border=True):
        st.markdown(
            "**Write some digits** with a dark pen, side by side without touching, take a picture and choose it above. "
            "Pictures of single digits, dark on light or light on dark, can also be read, many at once."
        )
        wanted = st.button("Try an example", key="example", icon=":material/auto_awesome:")
        st.caption(
            "The models read pictures of 28 x 28 pixels. So each digit is found, cropped, scaled and centred like the "
            "digits of MNIST on which they were trained."
        )
    if wanted:
        batch().replace([File("example.png", "", example.sheet(common.test_digits()[0]))])
        st.rerun()
