"""Import a model in Chromium: the file, the verdict, a drawing, Compare; and a second visitor who never hears of it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from serving import Server, new_context, serve, settle
from strokes import EIGHT, draw

from digitrec import settings

FILE = settings.SHIPPED_MODELS / "mlp-30-10" / "model.keras"
NAME = "tutorial-of-the-first-visitor"
WORKING = 240_000  # milliseconds: TensorFlow is loaded, on a machine that has other work


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, small_trainings: None) -> Iterator[Server]:
    """Start an app whose jobs yield to nobody; stop it at the end."""
    with serve(tmp_path_factory.mktemp("brought")) as running:
        yield running


@pytest.fixture(scope="module")
def server(app: Server) -> str:
    """Return its address."""
    return app.url


def frames(page: Page) -> list[bytes]:
    """Return a list to which everything that the server sends to a page is added."""
    received: list[bytes] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda f: received.append(f if isinstance(f, bytes) else f.encode())),
    )
    return received


def bring(page: Page, file: object) -> None:
    """Open the section, if it is closed, and choose a file."""
    section = page.locator(".st-key-bring")
    if not section.locator("input[type=file]").count():
        section.locator("summary").click()
    section.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]


def test_a_file_becomes_a_model_with_a_verdict_that_draws_and_compares(
    visit: Callable[[str], Page], settled: Callable[[], None], browser: Browser, app: Server
) -> None:
    page = visit("Compare")
    bring(page, {"name": "evil.keras", "mimeType": "application/octet-stream", "buffer": b"\x80\x04evil"})
    page.locator(".st-key-bring_start button").click()
    expect(page.locator(".st-key-bring")).to_contain_text("Python pickle", timeout=WORKING)
    bring(page, FILE)
    page.locator('.st-key-bring input[value="my-model"]').wait_for()
    settled()  # until then the other file's name can be there too
    page.get_by_label("Name of the model").fill(NAME)
    page.get_by_label("Name of the model").press("Enter")
    settled()
    page.locator(".st-key-bring_start button").click()
    verdict = page.locator(f".st-key-bring_verdict_{NAME}")
    expect(verdict).to_contain_text("when given pixels from 0 to 1, light ink on dark paper", timeout=WORKING)
    expect(verdict).to_contain_text("A script that feeds it pixels from 0 to 255")
    expect(verdict.locator(".js-plotly-plot .bars .point")).to_have_count(10)
    expect(page.locator(".st-key-scores")).to_contain_text("not known: imported from model.keras")
    verdict.get_by_role("link", name="Draw with it").click()
    page.locator(".st-key-canvas canvas").last.wait_for()
    expect(page.get_by_role("combobox", name="Model 1")).to_have_value(f"MLP · {NAME} (yours)")
    settled()
    draw(page, EIGHT)
    expect(page.locator(".st-key-answer_1 .answer")).to_have_text("8")
    other = new_context(browser).new_page()
    received = frames(other)
    other.goto(f"{app.url}/Compare?model_1={NAME}")
    settle(other)
    assert received
    assert not any(f"{NAME} (yours)".encode() in frame or b"imported from" in frame for frame in received)
    assert NAME not in other.get_by_role("combobox", name="Model 1").input_value()
    other.context.close()
    assert NAME not in app.log.read_text()
