"""All pages are examined by axe-core, in light and in dark."""

from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from keyboard import tab_to
from playwright.sync_api import Browser, Page, expect
from serving import new_context, settle

from digitrec.datasets import example

PAGES = ("", "Draw", "Upload", "Train", "Compare")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

STREAMLITS = ('data-testid="stFileUploaderDropzone"', 'class="blank ')
"""What Streamlit itself draws so: a labelled section without a role, and the empty corner of a table."""


def violations(page: Page) -> list[str]:
    """Return what axe-core finds, each with where it was found."""
    found: list[Any] = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"]
        if not any(part in node["html"] for part in STREAMLITS)
    ]


def test_axe_finds_nothing_on_any_page_light_or_dark(browser: Browser, server: str) -> None:
    context = new_context(browser, viewport={"width": 1280, "height": 900})
    page, found = context.new_page(), {}
    for name in PAGES:
        page.goto(f"{server}/{name}")
        page.locator("h1").wait_for()
        settle(page)
        if name == "Upload":
            page.get_by_role("button", name="Try an example").click()
            page.locator(".strip").wait_for()
            expect(page.locator(".st-key-review .how, .st-key-review_keys")).not_to_have_count(0)
            settle(page)
        page.locator('[data-testid="stSkeleton"]').first.wait_for(state="detached")
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(f"getComputedStyle(document.querySelector('.stApp')).colorScheme === '{scheme}'")
            found[name, scheme] = violations(page)
    context.close()
    assert found == {(name, scheme): [] for name in PAGES for scheme in SCHEMES}


def test_pictures_are_read_corrected_and_removed_by_keys_alone(page: Page, server: str) -> None:
    page.goto(f"{server}/Upload")
    page.get_by_role("button", name="Try an example").wait_for()
    settle(page)
    tab_to(page, "Try an example")
    page.keyboard.press("Enter")
    page.locator(".strip").wait_for()
    settle(page)
    page.keyboard.press("5")
    page.keyboard.press("x")
    text = page.locator(".st-key-text_1")
    expect(text).to_have_text(f"5{example.TEXT[2:]}")
    settle(page)
    tab_to(page, "Undo")
    page.keyboard.press("Enter")
    expect(text).to_have_text(f"5{example.TEXT[1:]}")
    settle(page)
    tab_to(page, "Remove all")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Try an example")).to_be_visible()


def test_the_focus_stays_in_the_table_while_keys_correct(page: Page, server: str) -> None:
    page.goto(f"{server}/Upload")
    settle(page)
    page.get_by_role("button", name="Try an example").click()
    page.locator(".strip").wait_for()
    settle(page)
    table = page.locator('[class*="st-key-table_"] canvas').first
    table.scroll_into_view_if_needed()
    area = table.bounding_box()
    assert area
    page.mouse.click(area["x"] + 150, area["y"] + 35 + 17)
    settle(page)
    for place, key in enumerate("345", 1):
        page.keyboard.press(key)
        expect(page.locator(".st-key-text_1")).to_have_text(f"{'345'[:place]}{example.TEXT[place:]}")
        settle(page)
    assert page.evaluate("Boolean(document.activeElement.closest('[class*=\"st-key-table_\"]'))")
