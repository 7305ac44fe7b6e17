"""Two visitors in two browsers: a model of one's own survives a reload, and the other never hears of it."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from serving import Server, new_context, settle

from digitrec import settings
from digitrec.registry import visitors

NAME = "hand-of-the-first-visitor"


@pytest.fixture
def mine(app: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Add a model of a visitor's own, as if their session had made it, and return their key."""
    monkeypatch.setenv("DIGITREC_HOME", str(app.home))
    key = visitors.new_key()
    visitors.add(key, NAME, settings.SHIPPED_MODELS / "mlp-30-10")
    yield key
    shutil.rmtree(settings.visitors_folder())


def test_nothing_on_the_disk_or_in_an_address_leads_to_it(
    mine: str, browser: Browser, server: str, app: Server
) -> None:
    context = new_context(browser)
    page = context.new_page()
    received: list[bytes] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda f: received.append(f if isinstance(f, bytes) else f.encode())),
    )
    hashed = visitors.folder(mine).name
    for name in ("Draw", "Upload", f"Compare?model_1={hashed}", "Train", ""):
        page.goto(f"{server}/{name}")
        settle(page)
    assert received
    assert not any(NAME.encode() in frame or mine.encode() in frame for frame in received)
    for path in (f"media/{hashed}", f"build/visitors/{hashed}/{NAME}/card.json", f"app/static/{hashed}/{NAME}"):
        answer = page.request.get(f"{server}/{path}")
        assert b"calibration" not in answer.body()
    assert NAME not in app.log.read_text()
    context.close()
