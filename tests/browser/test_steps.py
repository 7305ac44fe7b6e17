"""Which step saved it? is opened and closed with the keyboard, and fits a phone."""

from collections.abc import Callable

from playwright.sync_api import Page, expect
from serving import settle
from strokes import SEVEN, draw


def test_the_section_ends_with_the_answer_above_and_closes_by_key(visit: Callable[[str], Page]) -> None:
    page = visit("Draw")
    page.locator(".st-key-canvas canvas").last.wait_for()
    draw(page, SEVEN)
    section = page.locator(".st-key-trail")
    expect(section.get_by_role("row")).to_have_count(0)
    section.locator("summary").press("Enter")
    expect(section.get_by_role("row")).to_have_count(8)
    expect(section.get_by_role("columnheader")).to_have_count(4)
    expect(section.get_by_role("row").last.locator("td.prediction b")).to_have_text(["7", "7"])
    section.locator("summary").press("Enter")
    expect(section.get_by_role("row")).to_have_count(0)


def test_it_is_no_wider_than_a_phone_and_still_a_table(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server}/Upload")
    settle(page)
    page.get_by_role("button", name="Try an example").click()
    page.locator(".strip").wait_for()
    settle(page)
    page.get_by_text("Which step saved it?").click()
    section = page.locator(".trail")
    expect(section.get_by_role("row")).to_have_count(7)  # each cell names its model, so there is no head
    expect(section.get_by_role("rowheader")).to_have_count(7)
    assert section.evaluate("part => part.scrollWidth - part.clientWidth") == 0
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") == 0
