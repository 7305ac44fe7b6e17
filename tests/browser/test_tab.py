"""A tab that is reloaded gets its drawing, its files and its corrections back; nobody else does."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Dialog, Page, expect
from serving import new_context, settle
from strokes import FORTY_TWO, SEVEN, draw

from digitrec.datasets import mnist

TOKEN = "sessionStorage.getItem('digitrec-tab')"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a picture of a 7."""
    Image.fromarray(255 - mnist.test()[0][0]).resize((160, 160)).save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


@pytest.fixture
def corrected(visit: Callable[[str], Page], settled: Callable[[], None], file: Path) -> Page:
    """Return Upload with a 7 that was corrected to 3."""
    page = visit("Upload")
    page.locator(".st-key-files input[type=file]").set_input_files([file])
    expect(page.locator(".st-key-text_1")).to_have_text("7")
    settled()
    page.get_by_role("button", name="3", exact=True).click()
    expect(page.locator(".st-key-text_1")).to_have_text("3")
    settled()
    return page


def test_files_and_corrections_outlive_a_reload_and_another_one(corrected: Page, settled: Callable[[], None]) -> None:
    for _ in range(2):
        corrected.reload()
        expect(corrected.locator(".st-key-text_1")).to_have_text("3")
        expect(corrected.locator(".st-key-reading_1")).to_contain_text("✓ 1 corrected by hand.")
        expect(corrected.locator('.st-key-reading_1 [class*="st-key-page_"] .js-plotly-plot')).to_be_visible()
        settled()
    corrected.get_by_role("button", name="Remove all").click()
    expect(corrected.get_by_role("button", name="Try an example")).to_be_visible()
    settled()
    corrected.reload()
    expect(corrected.get_by_role("button", name="Try an example")).to_be_visible()
    settled()
    expect(corrected.locator(".st-key-text_1")).to_have_count(0)


def test_a_drawing_outlives_a_reload(visit: Callable[[str], Page], settled: Callable[[], None]) -> None:
    page = visit("Draw")
    page.locator(".st-key-canvas canvas").last.wait_for()
    draw(page, SEVEN)
    expect(page.locator(".st-key-answer_2")).to_contain_text("7")
    settled()
    page.reload()
    expect(page.locator(".st-key-answer_2")).to_contain_text("7")
    settled()
    page.locator(".st-key-undo button").click()
    expect(page.locator(".st-key-answer_2")).to_contain_text("–")


def test_a_digit_is_drawn_and_read_on_home_and_is_on_draw_then(visit: Callable[[str], Page]) -> None:
    page = visit("")
    page.locator(".st-key-canvas canvas").last.wait_for()
    draw(page, SEVEN)
    expect(page.locator(".st-key-answer_1")).to_contain_text("7")
    expect(page.locator(".st-key-answer_2")).to_contain_text("7")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Draw").click()
    page.locator("h1").get_by_text("Draw", exact=True).wait_for()
    expect(page.locator(".st-key-answer_2")).to_contain_text("7")


def test_a_number_outlives_a_reload(visit: Callable[[str], Page], settled: Callable[[], None]) -> None:
    page = visit("Draw")
    page.locator(".st-key-what").get_by_text("A number").click()
    page.locator(".st-key-pad_number canvas").last.wait_for()
    draw(page, *FORTY_TWO, width=840)
    expect(page.locator(".st-key-answer_1")).to_contain_text("42")
    settled()
    page.reload()
    expect(page.locator(".st-key-answer_1")).to_contain_text("42")


def test_nobody_else_gets_it(corrected: Page, browser: Browser, server: str) -> None:
    token = corrected.evaluate(TOKEN)
    for brought in (None, "x" * len(token), token[:-1], ""):
        context = new_context(browser)
        if brought is not None:
            context.add_init_script(f"sessionStorage.setItem('digitrec-tab', {brought!r})")
        page = context.new_page()
        page.goto(f"{server}/Upload")
        expect(page.get_by_role("button", name="Try an example")).to_be_visible()
        settle(page)
        expect(page.locator(".st-key-text_1")).to_have_count(0)
        assert page.evaluate(TOKEN) != token
        context.close()


def test_a_duplicated_tab_goes_its_own_way(corrected: Page, browser: Browser, server: str) -> None:
    context = new_context(browser)
    token = corrected.evaluate(TOKEN)
    context.add_init_script(f"{TOKEN} || sessionStorage.setItem('digitrec-tab', {token!r})")
    other = context.new_page()
    other.goto(f"{server}/Upload")
    expect(other.locator(".st-key-text_1")).to_have_text("3")
    settle(other)
    other.get_by_role("button", name="Remove all").click()
    expect(other.locator(".st-key-text_1")).to_have_count(0)
    context.close()
    corrected.reload()
    expect(corrected.locator(".st-key-text_1")).to_have_text("3")


def test_where_nothing_can_be_kept_the_browser_asks_before_it_leaves(browser: Browser, server: str, file: Path) -> None:
    context = new_context(browser)
    context.add_init_script("Object.defineProperty(window, 'sessionStorage', {get() {throw new Error('not allowed')}})")
    page, asked = context.new_page(), []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    page.goto(f"{server}/Upload")
    expect(page.get_by_role("button", name="Try an example")).to_be_visible()
    page.reload()
    settle(page)
    page.locator(".st-key-files input[type=file]").set_input_files([file])
    expect(page.locator(".st-key-text_1")).to_have_text("7")
    assert not asked
    page.locator("h1").click()  # browsers ask only where something was done on the page
    page.wait_for_function("window.digitrecTab.warns")
    page.reload()
    assert asked == ["beforeunload"]
    context.close()
