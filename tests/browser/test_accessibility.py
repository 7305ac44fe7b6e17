"""All pages are examined by axe-core, in light and in dark."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
PAGES = ("", "Draw", "Upload", "Train", "Compare")

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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(browser: Browser, server: str, scheme: Any) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page, found = context.new_page(), {}
    page.set_default_timeout(60_000)
    for name in PAGES:
        page.goto(f"{server}/{name}")
        page.locator("h1").wait_for()
        page.locator(SETTLED).wait_for()
        if name == "Upload":
            page.get_by_role("button", name="Try an example").click()
            page.locator(".strip").wait_for()
            expect(page.locator(".st-key-review .how, .st-key-review_keys")).not_to_have_count(0)
            page.locator(SETTLED).wait_for()
        page.locator('[data-testid="stSkeleton"]').first.wait_for(state="detached")
        found[name] = violations(page)
    context.close()
    assert found == {name: [] for name in PAGES}
