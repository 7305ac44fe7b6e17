"""What a visitor drew and uploaded, kept for the same browser tab when it is reloaded, or dropped by a phone."""

from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from digitrec import formats
from digitrec.ui import available
from digitrec.ui.teach import collected
from digitrec.uploads.batch import KEPT_BYTES, Batch
from digitrec.uploads.kept_sessions import KeptSessions, new_token

KEY = "tab"

_PADS = ("pad", "pad_number", "pad_home")
_DRAWN = tuple(f"{pad}_{what}" for pad in _PADS for what in ("strokes", "image"))
_CHOICES = ("single", "model_1", "model_2", "what", "brush")

_OWN = (available.KEY, available.REMOVED, "bring_token", collected.KEY, "teach_misread")
"""What leads to a visitor's own models, to one being imported, and digits to teach; given back in any case."""

_palm = st.components.v2.component("digitrec_palm", js=(Path(__file__).parent / "palm.js").read_text())
_tab = st.components.v2.component("digitrec_tab", js=(Path(__file__).parent / "tab.js").read_text())


@st.cache_resource(show_spinner=False)
def _store() -> KeptSessions:
    """Return what is kept of all tabs; one per server."""
    return KeptSessions()


def remember() -> None:
    """Keep what there is now, and have the browser remember by which token; draws nothing that can be seen."""
    state = st.session_state
    if "tab_token" not in state:
        state.tab_token, state.tab_got = new_token(), None
    state.tab_kept = save()
    with st.container(key="tab_memory"):
        _tab(
            key=KEY,
            data={"token": state.tab_token, "got": state.tab_got, "content": _has_content(), "kept": state.tab_kept},
            height=1,
            default={"held": None},
            on_held_change=_restore,
        )
        _palm(key="palm", height=1)


def lost() -> None:
    """Say that what was in the tab before it was reloaded could not be kept, until there is something new."""
    state: Any = st.session_state
    if state.get("tab_lost") and not _has_content():
        st.warning(
            "What was drawn or uploaded in this tab before it was reloaded could not be kept. Draw it again, or choose "
            "the pictures again.",
            icon=":material/history:",
        )
    else:
        state.tab_lost = False


def save_again() -> None:
    """Keep what the page has changed; run it again if what it showed of that at its beginning is no longer true."""
    if save() != st.session_state.get("tab_kept", False):
        st.rerun()


def unkept() -> str:
    """Return a sentence on what is lost when the page is left; empty where nothing is."""
    state: Any = st.session_state
    mine: Batch | None = state.get("batch")
    if state.get("tab_kept", True) or not (mine and mine.pictures):
        return ""
    gone = [picture for picture in mine.pictures if mine.data(picture) is None]
    if not gone:
        return (
            "These pictures and readings are too large to keep and are lost when the page is reloaded. Download the "
            "readings first."
        )
    return (
        f"At most {KEPT_BYTES / 2**20:.0f} MB of files are kept. When the page is left or reloaded, the readings and "
        f"corrections of all pictures stay, but {formats.plural(len(gone), 'picture')} can no longer be shown."
    )


def save() -> bool:
    """Keep what there is now, under the tab's token; return whether all of it is kept."""
    state: Any = st.session_state
    if "tab_token" not in state:
        return False  # the first run, before `remember`
    mine: Batch | None = state.get("batch")
    available.note()
    values = {key: state[key] for key in ("batch", *_DRAWN) if key in state} if _has_content() else {}
    own = {key: state[key] for key in _OWN if state.get(key)}
    if values or own:
        context = get_script_run_ctx()
        own |= {key: state[key] for key in _CHOICES if key in state}
        own["owner"] = context.session_id if context else ""
    size = (mine.weight() if mine else 0) + sum(_size(state.get(key)) for key in _DRAWN) + collected.size()
    kept = _store().keep(state.tab_token, values | own, size)
    if not kept:
        _store().keep(state.tab_token, own, collected.size())  # at least what leads to models of one's own
    elif own and (former := state.pop("tab_former", None)):
        _store().forget(former)
    return kept and not (mine and any(mine.data(picture) is None for picture in mine.pictures))


def _has_content() -> bool:
    mine: Batch | None = st.session_state.get("batch")
    return bool(mine and mine.pictures) or any(strokes(pad) for pad in _PADS)


def strokes(pad: str) -> list[dict[str, Any]]:
    """Return the strokes on the canvas with this key."""
    found: list[dict[str, Any]] = (st.session_state.get(f"{pad}_strokes") or {}).get("objects", [])
    return found


def _size(value: Any) -> int:
    """Return about how many bytes a drawing takes: strokes, or the pixels of a picture."""
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    return sum(1000 + 300 * len(stroke.get("path") or ()) for stroke in (value or {}).get("objects", []))


def _restore() -> None:
    """Take over what was kept of the tab before it was reloaded, unless there is something new already."""
    state: Any = st.session_state
    held = state[KEY].get("held")  # a browser can send anything
    token, full = (held.get("token"), held.get("full")) if isinstance(held, dict) else (None, None)
    found = _store().found(token)
    owner = found.pop("owner", None)
    for key in _OWN:
        if key in found and not state.get(key):
            state[key] = found[key]
    if found and not _has_content():
        for key, value in found.items():
            state[key] = value
        for pad in _PADS:  # a canvas that is shown already draws what it begins with when its version changes
            start = {"objects": strokes(pad), "version": (state.get(f"{pad}_start") or {}).get("version", 0) + 1}
            state[f"{pad}_start"], state[f"{pad}_restored"] = start, True
        # A duplicated tab leaves the other one, which is still open, what was kept of it.
        if not (owner and runtime.exists() and runtime.get_instance().is_active_session(owner)):
            state.tab_former = token
    state.tab_lost = full is True and not _has_content()
    state.tab_got = token
