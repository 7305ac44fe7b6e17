"""Upload: pictures from files, a folder or the camera, each read by two models."""

import streamlit as st

from digitrec.ui import bring, common, tab
from digitrec.ui.upload import choosing, review, teaching, upload

common.page("Upload", "Choose pictures of handwritten digits. Two models read them; you can correct mistakes.")
st.html(upload.STYLE)

with common.shown_errors():
    files = choosing.choose_pictures()
    bring.take()
    first, second = common.choose_models()
    single = st.toggle(
        "Each picture holds one digit",
        key="single",
        persist_state="session",
        help="All ink in a picture is read as one digit, even if it is in several pieces.",
    )
    above = st.container(key="review", horizontal=True, vertical_alignment="center")
    empty = st.empty()  # its content disappears at once, not only when all is read
    if not choosing.batch().pictures:
        with above:
            review.bar([])
        with empty.container():
            choosing.invitation()
        st.stop()
    empty.empty()
    predictors = [common.predictor(name) for name in dict.fromkeys((first, second)) if name]
    places = upload.read_all(predictors, single, files, above)
    tab.save_again()
    upload.downloads(places, predictors, single)
    teaching.button(places, single)
