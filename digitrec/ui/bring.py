"""*Bring your own model*: a file becomes a model that only this visitor can choose, with a verdict on its input."""

import contextlib
import re
from collections.abc import Sequence

import streamlit as st

from digitrec import formats
from digitrec.errors import DigitrecError, ModelError
from digitrec.figures import scalings as figures
from digitrec.jobs import imports
from digitrec.registry.importing import scalings
from digitrec.registry.registry import Model
from digitrec.training import model_files
from digitrec.training.recipe import LONGEST_NAME, NAME, NAME_RULE, TEST_DIGITS
from digitrec.ui import available, charts, common

TOKEN = "bring_token"
"""Entry of the session's state with the import under way; kept with the tab."""

CHOSEN = "bring_chosen"
"""Entry with the name of the model that was imported last."""

MEGABYTES = 100
TYPICAL = 12.0  # seconds that it takes on two free cores

INVITATION = (
    "Did you follow a tutorial and train a model of your own? Import its file: `.keras`, `.h5`, `.tflite` or `.onnx`, "
    f"up to {MEGABYTES} MB, with an input of 28 x 28 pixels and an output for each of the ten digits; or the zip of a "
    "model that you downloaded here. You can then choose it on Draw, Upload and Compare, teach it your handwriting, "
    "and see how the scaling of its input decides what it reads."
)
PROMISE = (
    "The file is read as numbers; no program in it is run. Your model is yours: nobody else sees it, and it is deleted "
    "two hours after you close this tab."
)


def take() -> None:
    """Keep the imported model as soon as it can be used, and choose it; call it before the choosers."""
    state = st.session_state
    if "model_1" not in state and state.get(CHOSEN) in {model.name for model in available.own()}:
        state["model_1"] = state[CHOSEN]  # Streamlit forgets it where a visitor leaves a page that is still being drawn
    if TOKEN not in state:
        return
    try:
        found = imports.find(state[TOKEN])
        if found.state != "ready":
            return
        model = available.keep(available.free_name(found.name), found.folder)
        state[CHOSEN] = state["model_1"] = model.name
        state.bring_open = True
        imports.drop(found.token)
        del state[TOKEN]
    except DigitrecError as error:
        state.bring_error = str(error)
        _forget()


def _forget() -> None:
    """Drop the import under way."""
    token = st.session_state.pop(TOKEN, None)
    if token:
        with contextlib.suppress(DigitrecError):  # it was no token, or is gone
            imports.drop(token)


def section(models: Sequence[Model]) -> None:
    """Draw the section: the file, how far it has come, and the verdict on each imported model that is chosen.

    Args:
        models: Those that are chosen.
    """
    state = st.session_state
    if state.pop("bring_open", False):
        state.bring = True
    place = st.expander("**Bring your own model**", key="bring", icon=":material/upload_file:", on_change="rerun")
    imported = {model.name: model for model in models if model.imported is not None and "taught" not in model.card}
    if not place.open:
        return
    with place:
        if TOKEN in state:
            st.fragment(_progress, run_every=1.0)()
        else:
            _form()
        for model in imported.values():
            verdict(model)


def _form() -> None:
    """Draw the choice of a file and a name."""
    st.markdown(INVITATION)
    if message := st.session_state.pop("bring_error", ""):
        st.error(common.plain(message), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        file = st.file_uploader("The model's file", key="bring_file", max_upload_size=MEGABYTES)
    if file is not None:
        name = st.text_input(
            "Name of the model",
            _suggested(file.name),
            max_chars=LONGEST_NAME,
            key=f"bring_name_{file.file_id}",
            width=300,
        )
        if st.button("Import", key="bring_start", icon=":material/upload:", type="primary"):
            with common.shown_errors(stop=False):
                _start(file.getvalue(), file.name, name.strip())
                st.rerun()
    st.caption(PROMISE)


def _suggested(file_name: str) -> str:
    """Return a name for the model that may be given: the file's, without what a name may not hold."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", file_name.rpartition(".")[0] or file_name).strip("._-")
    return available.free_name(f"my-{stem}"[:LONGEST_NAME] if stem else "my-model")


def _start(data: bytes, file_name: str, name: str) -> None:
    if not NAME.fullmatch(name):
        raise ModelError(f"{NAME_RULE} Received: {name[:60]!r}")
    if available.free_name(name) != name:
        raise ModelError(f"There is already a model {name}. Choose another name.")
    _forget()
    st.session_state[TOKEN] = imports.start(data, file_name, name).token


def _progress() -> None:
    """Draw how far it has come; the page is drawn again when it can be used, or failed."""
    state = st.session_state
    try:
        found = imports.find(state[TOKEN])
    except (DigitrecError, KeyError):
        _forget()
        st.rerun()
    if found.state == "failed":
        state.bring_error = found.message
        _forget()
        st.rerun()
    if found.state != "making":
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="bring_status"):
        step = found.message or "waiting for its turn"
        left = f", {formats.time_left(TYPICAL - found.seconds)}" if found.seconds else ""
        st.markdown(f":material/progress_activity: {common.plain(found.name)}: {common.plain(step)} …{left}")
        if st.button("Stop", key="bring_stop", icon=":material/stop:"):
            _forget()
            st.rerun()


def verdict(model: Model) -> None:
    """Draw what the test of an imported model found: the lesson, the figure, and what its file is."""
    facts = model.imported
    if facts is None:
        return
    measured = scalings.of_card(facts)
    with st.container(key=f"bring_verdict_{model.name}"):
        st.markdown(f"### {common.plain(model.name)}: how its input is scaled")
        for sentence in scalings.lesson(measured):
            st.markdown(common.plain(sentence))
        charts.figure(
            figures.accuracies(measured, common.colour(model.name)),
            f"bring_accuracies_{model.name}",
            figures.describe_accuracies(measured, model.name),
            save=f"{model.name}-scaling",
        )
        st.caption(_caption(facts, measured))
        with st.container(horizontal=True):
            st.page_link("pages/1_Draw.py", label="Draw with it", icon=":material/draw:")
            st.page_link("pages/2_Upload.py", label="Upload with it", icon=":material/upload_file:")
            st.download_button(
                "Download the LiteRT model",
                (model.folder / model_files.TFLITE).read_bytes,
                f"{model.name}.tflite",
                icon=":material/download:",
                on_click="ignore",
                key=f"bring_download_{model.name}",
            )


def _caption(facts: dict[str, object], measured: Sequence[scalings.Measured]) -> str:
    """Return what the file is, and how it was tested."""
    few, *close = sorted({each.digits for each in measured})[:-1] or [TEST_DIGITS]
    second = ""
    if close:
        alone = sum(each.digits == close[0] for each in measured) == 1  # no other came close, or it was the script's
        which = "the usual script's scaling" if alone else "the runner-up and the usual script's scaling"
        second = f"{which} on {close[0]:,}; "
    layers = facts.get("layers")
    count = formats.plural(len(layers), "layer") if isinstance(layers, list) else ""
    eleven = " Its eleventh output, for non-digits, was subtracted from the others." if facts["classes"] == 11 else ""
    sigmoids = {"sigmoids": " Its ten outputs are sigmoids; here their inputs go through a softmax."}
    ends = eleven + sigmoids.get(str(facts["outputs"]), "")
    return (
        f"From {common.plain(str(facts['file']))} ({facts['format']}, {formats.megabytes(int(str(facts['bytes'])))}, "
        f"{count}). How it was trained is not known, so Train does not list it. The best scaling was tested on "
        f"all {TEST_DIGITS:,} test digits; {second}the others on {few:,}.{ends}"
    )
