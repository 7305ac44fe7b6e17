"""SIGTERM ends a server in order: its visitor sees that, and the training that was started there continues."""

import os
import signal
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, expect
from serving import serve, settle

from digitrec.jobs import runs
from tests.waiting import DEADLOCK, suspended, until


@pytest.mark.usefixtures("small_trainings")
def test_a_server_that_is_asked_to_stop_ends_and_its_training_goes_on(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITREC_HOME", str(tmp_path / "home"))
    with serve(tmp_path) as app:
        page = browser.new_page()
        page.goto(f"{app.url}/Train")
        settle(page)
        epochs = page.locator(".st-key-epochs input")
        epochs.fill("100")
        epochs.press("Enter")
        expect(epochs).to_have_value("100")
        page.locator(".st-key-start button").click()
        until(runs.runs, "started")
        [run] = runs.runs()
        try:
            with suspended(run.folder):
                expect(page.locator(".st-key-run_status")).to_contain_text("running", timeout=1000 * DEADLOCK)
                os.kill(app.pid, signal.SIGTERM)
                until(lambda: psutil.Process(app.pid).status() == psutil.STATUS_ZOMBIE, "at an end")
                expect(page.get_by_text("Connection error")).to_be_visible(timeout=1000 * DEADLOCK)
                with pytest.raises(urllib.error.URLError):
                    urllib.request.urlopen(f"{app.url}/_stcore/health", timeout=5)
                assert "Traceback" not in app.log.read_text()
                reached = runs.progress_and_curves(run)[0].epochs
            until(lambda: runs.progress_and_curves(run)[0].epochs > reached, "further")
            assert runs.get(run.id).state == "running"
        finally:
            runs.stop(run)
            page.close()
    until(lambda: runs.get(run.id).state == "stopped", "stopped")
