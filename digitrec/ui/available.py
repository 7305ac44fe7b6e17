"""The models that a visitor can choose: everybody's, and their own, which are kept under a key of their session."""

import threading
import time
from pathlib import Path

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from digitrec.errors import DigitrecError, ModelError
from digitrec.jobs import insights
from digitrec.recognition.classifier import Predictor
from digitrec.registry import registry, visitors
from digitrec.registry.registry import Model

KEY = "visitor"
"""Entry of the session's state with the visitor's key, a secret that is in no address; there is none before they need
one: for a model of their own, or to watch a training read their digit."""

REMOVED = "own_removed"
"""Entry of the session's state with the names of removed models: Upload keeps what they read under their names."""

WATCH_EVERY = 60.0  # seconds

_here: dict[str, str] = {}
"""Keys of visitors with a model of their own, by the id of their session."""


def key() -> str:
    """Return this visitor's key; a new one where they have none yet."""
    if KEY not in st.session_state:
        st.session_state[KEY] = visitors.new_key()
    note()
    return str(st.session_state[KEY])


def own() -> list[Model]:
    """Return this visitor's own models."""
    try:
        return visitors.models(st.session_state[KEY]) if KEY in st.session_state else []
    except DigitrecError:
        return []


def models() -> list[Model]:
    """Return the models that this visitor can choose: their own first, then everybody's.

    A model of their own hides one of everybody's that got its name later.
    """
    mine = own()
    names = {model.name for model in mine}
    return [*mine, *(model for model in registry.models() if model.name not in names)]


def get(name: str) -> Model:
    """Return the model of this name that this visitor can choose.

    Raises:
        ModelError: If there is none.
    """
    return next((model for model in own() if model.name == name), None) or registry.get(name)


def predictor(name: str) -> Predictor:
    """Return the classifier of this name, opened.

    Raises:
        ModelError: If there is none, or its file is damaged.
    """
    return registry.opened(get(name))


def logged_name(name: str) -> str:
    """Return what the log calls a model: the name of a visitor's own is theirs alone."""
    return "own" if any(model.name == name for model in own()) else name


def free_name(base: str) -> str:
    """Return `base`, or `base-2`, `base-3` ... where this visitor has or sees a model of that name."""
    return registry.free_name(base, {model.name for model in own()} | set(st.session_state.get(REMOVED, ())))


def keep(name: str, folder: Path) -> Model:
    """Keep the model in a folder as one of this visitor's own, see `visitors.add`; what Compare shows is computed."""
    if name in st.session_state.get(REMOVED, ()):
        raise ModelError(f"Upload still shows readings of a model {name} that you removed. Choose another name.")
    kept = visitors.add(key(), name, folder)
    insights.start(kept)
    return kept


def remove(name: str) -> None:
    """Delete one of this visitor's own models; see `visitors.remove`."""
    if KEY not in st.session_state:
        raise ModelError(f"You have no model {name[:60]!r}. Choose another one.")
    visitors.remove(st.session_state[KEY], name)
    st.session_state[REMOVED] = [*st.session_state.get(REMOVED, ()), name]


def note() -> None:
    """Note that this visitor is here, so that their models stay."""
    if KEY in st.session_state:
        visitors.touch(st.session_state[KEY])
        if context := get_script_run_ctx():
            _here[context.session_id] = st.session_state[KEY]


def watch() -> None:
    """From now on keep the models of open tabs, and remove those whose visitors are gone for two hours."""
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    while runtime.exists():
        for session, visitor in list(_here.items()):
            if runtime.get_instance().is_active_session(session):
                visitors.touch(visitor)
            else:
                _here.pop(session, None)
        visitors.clear()
        time.sleep(WATCH_EVERY)
