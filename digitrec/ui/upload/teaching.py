"""On Upload: the digits that were corrected, added to those that a model can be taught on Draw."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from digitrec import formats
from digitrec.datasets.own_digits import OwnDigit
from digitrec.errors import PictureError
from digitrec.ui.teach import collected
from digitrec.ui.upload.choosing import batch
from digitrec.uploads.corrections import NO_DIGIT


def button(places: Sequence[int], single: bool) -> None:
    """Draw the button that adds corrected digits; nothing where there are none.

    Args:
        places: Of the pictures that were read.
        single: Whether each picture holds exactly one digit.
    """
    found = corrected(places, single)
    if not found:
        return
    st.button(
        f"Teach {formats.plural(len(found), 'corrected digit')}",
        key="teach_add",
        icon=":material/school:",
        on_click=_add,
        args=(found,),
        help="Adds them to the digits in *Teach it your hand* on Draw, where a copy of a model learns them",
    )
    if (added := st.session_state.pop("teach_added", None)) is not None:
        held = len(collected.digits())
        result = f"{formats.plural(added, 'digit')} added" if added else "They were added before"
        st.page_link("pages/1_Draw.py", label=f"{result}: {held} in all, see Draw", icon=":material/school:")


def corrected(places: Sequence[int], single: bool) -> list[OwnDigit]:
    """Return the digits of these pictures whose label a person gave."""
    mine = batch()
    found: list[OwnDigit] = []
    for place in places:
        try:
            entries = mine.annotations(mine.pictures[place], single).entries
        except PictureError:
            continue
        found += [
            OwnDigit(np.rint(255 * entry.digit.glyph).astype(np.uint8), entry.truth)
            for entry in entries
            if entry.truth is not None and entry.truth != NO_DIGIT and entry.digit.glyph.any()
        ]
    return found


def _add(found: list[OwnDigit]) -> None:
    st.session_state.teach_added = collected.add(found)
