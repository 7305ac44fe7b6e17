"""The app's own server on a free port with an empty home, and a Chromium to use it with. What trains there is small."""

import contextlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect
from serving import PATIENCE, Server, chromium, new_context, serve, settle


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the page shows to the report of a test that failed."""
    report = yield
    page = item.funcargs.get("page")
    if report.when == "call" and report.failed and isinstance(page, Page):
        with contextlib.suppress(Error):  # it may have crashed
            report.sections.append(("The page", page.locator("body").aria_snapshot(timeout=10_000)))
    return report


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory, small_path: str) -> Iterator[Server]:
    """Start the app, which loads TensorFlow only for what trains; stop it at the end."""
    with serve(tmp_path_factory.mktemp("server"), PYTHONPATH=small_path, DIGITREC_WARM_MINUTES="0") as running:
        yield running


@pytest.fixture(scope="session")
def server(app: Server) -> str:
    """Return the app's address."""
    return app.url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium; stop it at the end."""
    expect.set_options(timeout=PATIENCE)
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Return what the tests' windows share: scripts that were fetched once; what a tab keeps is its own."""
    made = new_context(browser, viewport={"width": 1280, "height": 900}, accept_downloads=True)
    yield made
    made.close()


@pytest.fixture(scope="module")
def opener(context: BrowserContext, server: str) -> Iterator[Page]:
    """Return a page of the server that opens the tests' windows: they share a process, which has compiled the app."""
    made = context.new_page()
    made.goto(f"{server}/_stcore/health")
    yield made
    made.close()


@pytest.fixture
def page(opener: Page, app: Server) -> Iterator[Page]:
    """Open a window of 1280 x 900; fail the test if the page or the server met an error that nobody handled."""
    before = app.log.stat().st_size
    broken: list[str] = []
    with opener.expect_popup() as window:
        opener.evaluate("window.open('about:blank')")
    opened = window.value
    opened.on("pageerror", lambda error: broken.append(str(error)))
    yield opened
    opened.close()
    assert not broken
    logged = app.log.read_bytes()[before:].decode(errors="replace")
    closing = logged.count("raise WebSocketDisconnected(")  # Streamlit was sending something when the window closed
    assert logged.count("Traceback") == closing, logged


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


@pytest.fixture
def upload(visit: Callable[[str], Page], settled: Callable[[], None]) -> Callable[..., Page]:
    """Return a function that opens Upload and chooses files or a folder."""

    def choose(*files: Path, way: str = "files") -> Page:
        page = visit("Upload")
        if way != "files":
            page.get_by_text(way.title(), exact=True).click()
        page.locator(f".st-key-{way} input[type=file]").set_input_files(list(files))
        page.locator(".st-key-reading_1").wait_for()
        settled()
        return page

    return choose
