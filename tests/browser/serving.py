"""Start a Streamlit script on a free port, and a Chromium to use it with: for the browser tests and the benches."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from chromium import executable
from playwright.sync_api import Browser, BrowserContext, Locator, Page, TimeoutError, sync_playwright

PROJECT = Path(__file__).parents[2]
PATIENCE = 120_000  # milliseconds; a busy machine is slow, a broken app stays so
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",  # a camera of up to 1920 x 1080
    "--use-fake-ui-for-media-stream",  # which nobody is asked about
]


class Server(NamedTuple):
    """A running app: its address, what it wrote, where its runs and trained models are, its process id."""

    url: str
    log: Path
    home: Path
    pid: int


@contextlib.contextmanager
def serve(
    folder: Path, script: str = "streamlit_app.py", home: Path | None = None, **environment: str
) -> Iterator[Server]:
    """Run a Streamlit script with an empty home in `folder`, unless one is given; stop it at the end."""
    home = home or folder / "home"
    home.mkdir(exist_ok=True)
    log, port = folder / "log", _free_port()
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port)]
    variables = os.environ | {"DIGITREC_HOME": str(home)} | environment
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=PROJECT, env=variables, stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_healthy(url, process, log)
            yield Server(url, log, home, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium; stop it at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        yield browser
        browser.close()


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Return a browser of its own, as `Browser.new_context` does, that waits as long as a busy machine takes."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    return context


def settle(page: Page) -> None:
    """Wait until the page's script has run to its end, and no other run has begun in the next six frames."""
    page.wait_for_function(
        """() => {
            const app = document.querySelector('[data-testid="stApp"]');
            const settled = app?.dataset.testScriptState === "notRunning";
            window.settledFrames = settled ? (window.settledFrames ?? 0) + 1 : 0;
            if (window.settledFrames < 6) return false;
            delete window.settledFrames;
            return true;
        }""",
        timeout=PATIENCE,
    )


def still(place: Locator) -> None:
    """Wait until an element has been in one place for twenty frames: what opens or scrolls moves what is below it."""
    place.evaluate(
        """element => new Promise(done => {
            let before = null, frames = 0;
            const look = () => {
                const {x, y} = element.getBoundingClientRect();
                frames = before && before.x === x && before.y === y ? frames + 1 : 0;
                before = {x, y};
                if (frames < 20) requestAnimationFrame(look); else done();
            };
            look();
        })"""
    )


def choose(page: Page, key: str, option: str) -> None:
    """Choose an option of the select box with a key; a list that a run of the page closes again is opened once more."""
    wanted = page.get_by_role("option", name=option).first
    for seconds in (5, 10, 20, 40, 80):
        page.locator(f".st-key-{key} button[aria-haspopup=listbox]").click()
        with contextlib.suppress(TimeoutError):
            wanted.click(timeout=1000 * seconds)
            return
        page.keyboard.press("Escape")
    raise AssertionError(f"The list did not offer {option!r}.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_healthy(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
            if answer.status == 200:
                return
        assert process.poll() is None, log.read_text()
        time.sleep(0.2)
    raise AssertionError(f"The app did not start within a minute.\n{log.read_text()}")
