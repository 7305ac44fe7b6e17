"""Upload: pictures from files, a folder or the camera, each read by two models."""

import streamlit as st

from digitrec import ui, ui_upload

ui.page("Upload", "Choose pictures of handwritten digits. Two models read them, and you correct their mistakes.")
st.html(ui_upload.STYLE)

with ui.shown_errors():
    files = ui_upload.choose_pictures()
    first, second = ui.choose_models()
    single = st.toggle(
        "Each picture holds one digit",
        key="single",
        persist_state="session",
        help="Then all ink in a picture is taken for one digit, even if it is in several parts.",
    )
    empty = st.empty()  # what stood in it goes at once, not only when all is read
    if not ui_upload.batch().pictures:
        with empty.container():
            ui_upload.invitation()
        st.stop()
    empty.empty()
    predictors = [ui.predictor(name) for name in dict.fromkeys((first, second)) if name]
    places = ui_upload.read_all(predictors, single, files)
    ui_upload.downloads(places, predictors, single)
