"""Open a page by its address, through the app's entry point."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest

HOME = Path(__file__).parents[2] / "streamlit_app.py"


@pytest.fixture(scope="session", autouse=True)
def light_runs() -> Iterator[None]:
    """Leave out what takes three quarters of a run of AppTest and no server of ours does.

    It looks for components in all installed packages each time, and where Keras was imported, as by tests that train in
    this process, it clears Keras' session; our servers never import Keras.
    """
    with pytest.MonkeyPatch.context() as patch:
        found = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        patch.setattr(script_runner, "_clean_problem_modules", lambda: None)
        yield


@pytest.fixture(autouse=True)
def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepare no process for the next run: these tests start none."""
    monkeypatch.setenv("DIGITREC_WARM_MINUTES", "0")


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """Return a function that opens a page, `pages/1_Draw.py`, with entries of the session's state set before."""

    def opened(page: str, **state: Any) -> AppTest:
        test = AppTest.from_file(HOME, default_timeout=60)
        for key, value in state.items():
            test.session_state[key] = value
        test.switch_page(page).run()
        assert not test.exception
        return test

    return opened
