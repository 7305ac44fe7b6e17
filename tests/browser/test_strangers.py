"""Two visitors in two browsers: what one uploads, draws and corrects never reaches the other; names stay text."""

import json
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from serving import Server, new_context, serve, settle
from strokes import SEVEN, draw

from digitrec import settings
from digitrec.datasets import mnist
from digitrec.training import model_files

NAMES = ("<img src=x onerror=alert(1)>.png", "**bold** $x$ www.evil.test.png", "[a](javascript:alert(1)).png",
         ":material-delete: :red[x] _y_ `z`.png", "=1+1.png")  # fmt: skip
MODELS = ("www.evil.test", "x-_y_-z")
"""Names that a model may bear; Markdown would make a link of one and slant a part of the other."""

OTHERS = ("<img src=x onerror=alert(2)>", "[a](javascript:alert(2))", "![a](data:,)", "www.worse.test $x$ `y`")
"""Folders among the models that somebody gave such names; each is reported, and left out."""


class Visitor:
    """A browser of its own, and all that the server sent to it."""

    def __init__(self, browser: Browser, server: str) -> None:
        self.context = new_context(browser, viewport={"width": 1280, "height": 900}, accept_downloads=True)
        self.page, self.server = self.context.new_page(), server
        self.received: list[bytes] = []
        self.media: set[str] = set()
        self.asked: list[str] = []
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._take))
        self.page.on(
            "request",
            lambda request: self.media.add(request.url) if request.url.startswith(f"{server}/media/") else None,
        )
        self.page.on("dialog", lambda dialog: (self.asked.append(dialog.message), dialog.dismiss()))

    def _take(self, frame: bytes | str) -> None:
        self.received.append(frame if isinstance(frame, bytes) else frame.encode())

    def visit(self, name: str) -> Page:
        self.page.goto(f"{self.server}/{name}")
        settle(self.page)
        return self.page

    def go(self, name: str) -> Page:
        """Go to a page by its link, in the same session."""
        self.page.locator('[data-testid="stSidebar"]').get_by_role("link", name=name).click()
        self.page.locator("h1").get_by_text(name, exact=True).wait_for()
        settle(self.page)
        return self.page

    def upload(self, *files: dict[str, object]) -> None:
        self.page.locator(".st-key-files input[type=file]").set_input_files(list(files))  # type: ignore[arg-type]
        self.page.locator(f".st-key-reading_{len(files)}").wait_for()
        settle(self.page)

    def was_sent(self, what: bytes) -> bool:
        return any(what in frame for frame in self.received)


@pytest.fixture
def visitors(browser: Browser, server: str) -> Iterator[tuple[Visitor, Visitor]]:
    both = Visitor(browser, server), Visitor(browser, server)
    yield both
    for visitor in both:
        visitor.context.close()


def picture(name: str, place: int = 0) -> dict[str, object]:
    import io

    stream = io.BytesIO()
    Image.fromarray(255 - mnist.test()[0][place]).resize((160, 160)).save(stream, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": stream.getvalue()}


def test_what_one_visitor_brings_never_reaches_another(visitors: tuple[Visitor, Visitor]) -> None:
    one, other = visitors
    one.visit("Upload")
    one.upload(picture("of-the-first-visitor.png"))
    with one.page.expect_download() as loaded:
        one.page.get_by_role("button", name="JSON").click()
    record = json.loads(Path(loaded.value.path()).read_text())[0]
    assert (record["file"], record["text"]) == ("of-the-first-visitor.png", "7")
    thumbnail = str(one.page.locator(".st-key-reading_1 .picture img").get_attribute("src"))[-200:].encode()
    settle(one.page)
    one.page.get_by_role("button", name="3", exact=True).click()  # corrects the digit
    expect(one.page.locator(".st-key-text_1")).to_have_text("3")
    one.go("Draw")
    one.page.locator(".st-key-canvas canvas").last.wait_for()
    draw(one.page, SEVEN)
    expect(one.page.locator(".st-key-answer_1")).to_contain_text("7")
    glyph = str(one.page.locator('.st-key-seen img[alt*="centred"]').get_attribute("src"))[-200:].encode()
    secrets = b"of-the-first-visitor", thumbnail, glyph
    assert all(one.was_sent(secret) for secret in secrets)

    other.visit("")
    other.go("Draw")
    expect(other.page.locator(".st-key-answer_1")).to_contain_text("–")
    other.go("Compare")
    other.page.get_by_text("Last from Draw or Upload").click()
    expect(other.page.get_by_text("Nothing was read yet.")).to_be_visible()
    other.go("Train")
    other.go("Upload")
    expect(other.page.get_by_role("button", name="Try an example")).to_be_visible()
    assert [secret for secret in secrets if other.was_sent(secret)] == []

    other.upload(picture("the-same-bytes.png"))  # whatever is kept by a picture's bytes is found now
    expect(other.page.locator(".st-key-text_1")).to_have_text("7")
    assert not other.was_sent(b"of-the-first-visitor")
    assert not other.was_sent(glyph)

    names = [address.rpartition("/")[2].encode() for address in one.media - other.media]
    assert not any(other.was_sent(name) for name in names)


@pytest.fixture
def odd_names(app: Server) -> Iterator[None]:
    """Add models with odd names to the app's home, and folders with worse ones."""
    models = app.home / "models"
    before = set(models.glob("*"))
    for name in (*MODELS, *OTHERS):
        shutil.copytree(settings.SHIPPED_MODELS / "mlp-30-10", models / name)
        card = json.loads((models / name / model_files.CARD).read_text())
        (models / name / model_files.CARD).write_text(json.dumps(card | {"trained_on": "**MNIST** www.evil.test"}))
    yield
    for folder in set(models.glob("*")) - before:
        shutil.rmtree(folder)


def as_shown(name: str) -> str:
    """Return a name as Markdown's text has it: an address is parted by a character that nobody sees."""
    return name.replace("www.", "www\N{WORD JOINER}.")


def is_plain(visitor: Visitor) -> None:
    """Assert that no name became markup: no link, picture, dialog, slanted or coloured text, formula or icon."""
    page = visitor.page
    assert not visitor.asked
    links = page.locator("a[href*='evil'], a[href*='worse'], a[href*='javascript']")
    assert [links.nth(place).locator("xpath=../..").inner_html() for place in range(links.count())] == []
    assert page.locator("img[src='x'], img[src='data:,']").count() == 0
    assert page.locator(".katex").count() == 0
    assert page.locator("em").get_by_text(re.compile("^_?[yz]_?$")).count() == 0


@pytest.mark.usefixtures("odd_names")
def test_names_are_shown_as_text_wherever_they_are_shown(visitors: tuple[Visitor, Visitor]) -> None:
    visitor, _ = visitors
    page = visitor.visit("")
    for name in OTHERS:
        shown = page.locator('[data-testid="stAlert"]', has_text=as_shown(name))
        expect(shown.first).to_be_visible()
    is_plain(visitor)
    page = visitor.visit(f"Compare?model_1={MODELS[0]}&model_2={MODELS[1]}")
    page.get_by_role("button", name="Open all parts").click()
    page.locator('[data-testid="stImage"], .tiles').last.wait_for()
    settle(page)
    for name in MODELS:
        expect(page.get_by_text(as_shown(name)).first).to_be_visible()
    is_plain(visitor)
    visitor.go("Draw")
    is_plain(visitor)
    visitor.go("Upload")
    visitor.upload(*(picture(name, place) for place, name in enumerate(NAMES)))
    for name in NAMES:
        expect(page.locator(".picture span", has_text=name)).to_be_visible()
    page.get_by_role("button", name="Details").first.click()
    page.locator(".js-plotly-plot").first.wait_for()
    is_plain(visitor)
    visitor.go("Train")
    is_plain(visitor)


def test_an_address_is_answered_with_text(visitors: tuple[Visitor, Visitor]) -> None:
    visitor, _ = visitors
    odd = "%3Cimg%20src=x%20onerror=alert(1)%3E![a](https://evil.test/b.png)www.evil.test"
    page = visitor.visit(f"Compare?model_1={odd}&digit=[a](javascript:alert(1))&ink=../../etc/passwd")
    expect(page.get_by_text("which does not exist here")).to_contain_text("onerror=alert(1)>![a](http")
    is_plain(visitor)
    assert page.locator('img[src*="evil"]').count() == 0
    visitor.visit(f"Train?run={odd}")
    is_plain(visitor)


def answer(request: urllib.request.Request | str) -> tuple[int, dict[str, str], bytes]:
    try:
        with urllib.request.urlopen(request, timeout=20) as got:
            return got.status, {k.lower(): v for k, v in got.headers.items()}, got.read()
    except urllib.error.HTTPError as error:
        return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


@pytest.mark.parametrize(
    "path",
    ["/media/../README.md", "/media/%2e%2e/%2e%2e/README.md", "/app/static/..%2fREADME.md", "//etc/passwd", "/models",
     "/component/..%2f..%2f/README.md", "/static/..%2f..%2f..%2fREADME.md", "/.streamlit/config.toml", "/media/",
     "/_stcore/bidi-components/..%2f..%2fREADME.md", "/digitrec/data/mnist.npz", "/runs/",
     "/media/models/reader/card.json"],
)  # fmt: skip
def test_no_address_leads_to_a_file_of_the_project(server: str, path: str) -> None:
    _, _, body = answer(server + path)
    for file in ("README.md", ".streamlit/config.toml"):
        assert (settings.PROJECT / file).read_bytes()[:60] not in body
    assert b"root:" not in body
    assert len(body) < 50_000  # nor a listing; where it is no file the app's own page is sent


def test_a_file_is_taken_only_from_the_page_that_sends_it(server: str) -> None:
    request = urllib.request.Request(f"{server}/_stcore/upload_file/a/b", b"x", method="PUT")
    assert answer(request)[0] == 403
    request.method = "DELETE"
    assert answer(request)[0] == 403


def test_another_site_gets_no_session(server: str) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    address = server.replace("http", "ws") + "/_stcore/stream"
    with pytest.raises(InvalidStatus, match="403"), connect(address, origin="https://evil.test"):  # type: ignore[arg-type]
        pass
    with connect(address, origin=server):  # type: ignore[arg-type]
        pass
    status, headers, _ = answer(
        urllib.request.Request(f"{server}/_stcore/health", headers={"Origin": "https://evil.test"})
    )
    assert status == 200
    assert "evil" not in headers.get("access-control-allow-origin", "")
    assert headers.get("access-control-allow-origin") != "*"


def test_the_api_for_programs_is_off(server: str) -> None:
    request = urllib.request.Request(f"{server}/_stcore/agent/interact", b"{}", {"Content-Type": "application/json"})
    assert answer(request)[0] >= 400


def test_an_error_that_nobody_handled_shows_no_path_and_no_trace(browser: Browser, tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("open('/some/secret/place/file.txt')\n")
    (tmp_path / "server").mkdir()
    with serve(tmp_path / "server", str(script)) as broken:
        page = browser.new_page()
        page.goto(broken.url)
        shown = page.locator('[data-testid="stException"], [data-testid="stAlert"]')
        shown.first.wait_for()
        body = page.locator("body").inner_text()
        page.close()
        assert "Traceback" in broken.log.read_text()  # it goes to the log
    assert not re.search(r"secret|broken\.py|Traceback|FileNotFound", body), body
