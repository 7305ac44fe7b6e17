"""The app's own server on a free port with an empty home, and a Chromium to use it with."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from chromium import executable
from playwright.sync_api import Browser, Page, expect, sync_playwright

PROJECT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE = 30_000  # milliseconds; a busy machine is slow, a broken app stays so


class Server(NamedTuple):
    """A running app: its address, what it wrote, where its runs and trained models are."""

    url: str
    log: Path
    home: Path


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start the app; stop it at the end."""
    folder = tmp_path_factory.mktemp("server")
    home = folder / "home"
    home.mkdir()
    log, port = folder / "log", _free_port()
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=os.environ | {"DIGITREC_HOME": str(home)}, stdout=output, stderr=output
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_healthy(url, process, log)
            yield Server(url, log, home)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="session")
def server(app: Server) -> str:
    """Return the app's address."""
    return app.url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium; stop it at the end."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, app: Server) -> Iterator[Page]:
    """Open a window of 1280 x 900; fail the test if the page or the server met an error that nobody handled."""
    before = app.log.stat().st_size
    broken: list[str] = []
    expect.set_options(timeout=PATIENCE)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    opened.on("pageerror", lambda error: broken.append(str(error)))
    yield opened
    context.close()
    assert not broken
    said = app.log.read_bytes()[before:].decode(errors="replace")
    assert "Traceback" not in said, said


@pytest.fixture
def visit(page: Page, server: str) -> Callable[[str], Page]:
    """Return a function that opens a page by its name (`Draw`; an empty one is Home) and waits until it is there."""

    def go(name: str) -> Page:
        page.goto(f"{server}/{name}")
        settle(page)
        return page

    return go


@pytest.fixture
def settled(page: Page) -> Callable[[], None]:
    """Return a function that waits until the page's script has run to its end."""
    return lambda: settle(page)


def settle(page: Page) -> None:
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


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
