"""SIGTERM ends a server in order: its visitor is told, and the training that was started there goes on."""

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, expect
from serving import serve

from digitrec.jobs import runs


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_server_that_is_told_to_stop_ends_and_its_training_goes_on(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITREC_HOME", str(tmp_path / "home"))
    with serve(tmp_path) as app:
        page = browser.new_page()
        page.goto(f"{app.url}/Train")
        epochs = page.locator(".st-key-epochs input")
        epochs.fill("100")
        epochs.press("Enter")
        expect(epochs).to_have_value("100")
        page.locator(".st-key-start button").click()
        expect(page.locator(".st-key-run_status")).to_contain_text("running", timeout=120_000)
        [run] = runs.runs()
        try:
            os.kill(app.pid, signal.SIGTERM)
            until(lambda: psutil.Process(app.pid).status() == psutil.STATUS_ZOMBIE)
            expect(page.get_by_text("Connection error")).to_be_visible(timeout=60_000)
            with pytest.raises(urllib.error.URLError):
                urllib.request.urlopen(f"{app.url}/_stcore/health", timeout=5)
            assert "Traceback" not in app.log.read_text()
            reached = runs.progress(run).epochs
            until(lambda: runs.progress(run).epochs > reached)
            assert runs.get(run.id).state == "running"
        finally:
            runs.stop(run)
            page.close()
    until(lambda: runs.get(run.id).state == "stopped")
