"""Open a page by its address, through the app's entry point."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

HOME = Path(__file__).parents[2] / "streamlit_app.py"


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
