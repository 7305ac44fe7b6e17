"""A person's way: teach a model on Draw, look at the verdict, keep it, draw with it; another visitor sees nothing."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from serving import Server, choose, new_context, serve, settle
from strokes import EIGHT, SEVEN, ZERO, draw

NAME = "hand-of-the-first-visitor"
ONE = [(140, 50), (140, 230)]
TWO = [(85, 90), (120, 50), (180, 70), (170, 130), (90, 225), (200, 225)]
THREE = [(90, 60), (190, 60), (130, 130), (190, 170), (160, 225), (85, 215)]
FOUR = [(120, 50), (80, 150), (190, 150), (160, 80), (160, 240)]
FIVE = [(190, 55), (105, 55), (100, 130), (170, 135), (185, 190), (140, 225), (85, 215)]
SIX = [(165, 45), (110, 120), (95, 190), (140, 230), (185, 190), (150, 150), (100, 180)]
NINE = [(180, 90), (140, 55), (100, 90), (130, 130), (180, 95), (175, 160), (150, 235)]
DIGITS = (ZERO, ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT, NINE)
LESSON_SECONDS = 900  # on a machine that does much else
RESTORED = "window.digitrecTab && sessionStorage.getItem('digitrec-tab') !== window.digitrecTab.held"
"""True once a tab that was reloaded has got back what was kept of it; that draws the page anew."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, small_trainings: None) -> Iterator[Server]:
    """Start an app whose lessons are short and yield to nobody; stop it at the end."""
    with serve(tmp_path_factory.mktemp("taught")) as running:
        yield running


@pytest.fixture(scope="module")
def server(app: Server) -> str:
    """Return its address."""
    return app.url


def teach_ten(page: Page) -> None:
    """Open the section, choose a small model and draw the ten digits that are asked for."""
    page.get_by_text("Teach it your hand").click()
    prompt = page.locator(".st-key-teach_prompt")
    expect(prompt).to_have_text("Draw a 0")
    choose(page, "teach_model", "MLP · mlp-30-10")
    expect(page.get_by_role("button", name="Teach mlp-30-10 0 digits")).to_be_visible()
    for place, digit in enumerate(DIGITS):
        expect(prompt).to_have_text(f"Draw a {place}")
        draw(page, digit, canvas="teach_canvas")
        following = page.get_by_role("button", name="Next", exact=True)
        expect(following).to_be_enabled()
        following.click()
        expect(page.locator(".st-key-teach_own figure")).to_have_count(place + 1)


def test_teach_look_keep_draw(
    visit: Callable[[str], Page], settled: Callable[[], None], browser: Browser, app: Server
) -> None:
    page = visit("Draw")
    teach_ten(page)
    page.get_by_role("button", name="Teach mlp-30-10 10 digits").click()
    expect(page.locator(".st-key-teach_status")).to_contain_text("A copy of mlp-30-10")
    page.reload()  # the lesson goes on without the page, which finds it again
    page.wait_for_function(RESTORED)
    settle(page)
    page.get_by_text("Teach it your hand").click()
    verdict = page.locator(".st-key-teach_verdict")
    expect(verdict).to_contain_text("learned 10 digits of yours", timeout=1000 * LESSON_SECONDS)
    expect(verdict).to_contain_text("MNIST's test digits: ")
    expect(verdict).to_contain_text("No figure uses digits that the copy was trained on.")
    field = page.get_by_label("Name")
    expect(field).to_have_value("my-hand")
    field.fill(NAME)
    field.press("Tab")
    settled()
    page.get_by_role("button", name="Keep").click()
    chosen = page.get_by_role("combobox", name="Model 2")
    expect(chosen).to_have_value(f"MLP · {NAME} (yours)")
    draw(page, SEVEN)
    expect(page.locator(".st-key-answer_2 .answer")).to_have_text(re.compile("[0-9?]"))
    page.reload()
    expect(chosen).to_have_value(f"MLP · {NAME} (yours)")
    settled()
    with page.expect_download() as loaded:
        page.get_by_role("button", name=f"Download {NAME}").click()
    assert loaded.value.suggested_filename == f"{NAME}.zip"

    context = new_context(browser)
    other, received = context.new_page(), list[bytes]()
    other.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda f: received.append(f if isinstance(f, bytes) else f.encode())),
    )
    other.goto(f"{app.url}/Draw")
    settle(other)
    assert received
    assert not any(NAME.encode() in frame for frame in received)
    context.close()
    assert NAME not in app.log.read_text()

    page.get_by_role("button", name=f"Remove {NAME}").click()
    expect(chosen).not_to_have_value(re.compile(NAME))


def test_all_but_drawing_works_by_keyboard(visit: Callable[[str], Page]) -> None:
    page = visit("Draw")
    summary = page.locator("summary", has_text="Teach it your hand")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-teach_prompt")).to_have_text("Draw a 0")
    skip = page.get_by_role("button", name="Skip", exact=True)
    skip.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-teach_prompt")).to_have_text("Draw a 1")
    draw(page, ONE, canvas="teach_canvas")
    following = page.get_by_role("button", name="Next", exact=True)
    expect(following).to_be_enabled()
    following.focus()
    page.keyboard.press(" ")
    expect(page.locator(".st-key-teach_own figure")).to_have_count(1)
    last = page.get_by_role("button", name="Remove the last")
    last.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-teach_own figure")).to_have_count(0)
