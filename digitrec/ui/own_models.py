"""*Your models*: the list of those that only this visitor has, each to download or remove."""

from functools import partial

import streamlit as st

from digitrec import formats
from digitrec.registry import visitors
from digitrec.registry.registry import Model
from digitrec.ui import available, common

PROMISE = (
    "These models are yours: nobody else sees them. They are deleted two hours after you close this tab, so download "
    "what you want to keep."
)


def section() -> None:
    """Draw the list; nothing where this visitor has no model of their own."""
    mine = available.own()
    if not mine:
        return
    st.header("Your models")
    st.caption(PROMISE)
    for model in mine:
        _row(model)


def _row(model: Model) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"own_{model.name}"):
        st.markdown(f"**{common.plain(model.name)}.** {common.about(model)}", width="stretch")
        with common.shown_errors(stop=False):
            st.download_button(
                f"Download {common.plain(model.name)}",
                partial(visitors.packed, model),
                f"{model.name}.zip",
                icon=":material/download:",
                on_click="ignore",
                key=f"download_own_{model.name}",
                help=f"Keras, LiteRT and card, {formats.megabytes(sum(model.card['bytes'].values()))} unpacked",
            )
        st.button(
            f"Remove {common.plain(model.name)}",
            icon=":material/delete:",
            key=f"remove_own_{model.name}",
            on_click=_remove,
            args=(model.name,),
        )


def _remove(name: str) -> None:
    with common.shown_errors(stop=False):
        available.remove(name)
