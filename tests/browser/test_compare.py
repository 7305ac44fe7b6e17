"""Compare: a link opens the same comparison, on a phone too, and a figure is saved as a picture."""

from playwright.sync_api import Page, expect
from serving import settle
from strokes import SEVEN, draw

SLOW = 120_000  # milliseconds; the whole page on a busy machine
LINK = "Compare?model_1=mlp-30-10&model_2=mlp-128&digit=18"


def test_a_link_a_drawing_and_a_picture_of_a_figure(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server}/{LINK}")
    expect(page.get_by_text("Test digit number 18.")).to_be_visible()
    expect(page.locator(".st-key-only_one")).to_be_visible(timeout=SLOW)
    expect(page.locator(".st-key-answer_1")).to_contain_text("MLP · mlp-30-10 predicts")
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") == 0
    settle(page)
    page.get_by_role("button", name="Open all parts").click()
    expect(page.locator(".st-key-map_2")).to_be_visible(timeout=SLOW)
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") == 0
    with page.expect_download() as saved:
        page.locator(".st-key-shifts_1 .modebar-btn").first.click()
    assert saved.value.suggested_filename == "mlp-30-10-shifts.png"

    settle(page)
    page.get_by_role("radio", name="Drawn here").click()
    page.locator(".st-key-canvas canvas").last.wait_for()
    draw(page, SEVEN)
    expect(page.get_by_text("of the ink.").first).to_be_visible(timeout=SLOW)
    expect(page.locator(".st-key-growth_2")).to_be_visible()
    assert "ink=" in page.url
    link = page.url
    page.goto(link)
    expect(page.get_by_text("The digit from the link.")).to_be_visible()
    expect(page.locator(".st-key-only_one")).to_be_visible(timeout=SLOW)
    assert page.url == link
