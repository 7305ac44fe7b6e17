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
from typing import NamedTuple

from chromium import executable
from playwright.sync_api import Browser, sync_playwright

PROJECT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",  # a camera of up to 1920 x 1080
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
