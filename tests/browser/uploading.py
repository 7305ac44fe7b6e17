"""The Upload page in a browser: what several tests do there."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect


def opened_example(visit: Callable[[str], Page], settled: Callable[[], None]) -> tuple[Page, Locator]:
    """Return the Upload page with the example read, and the card of the example."""
    page = visit("Upload")
    page.get_by_role("button", name="Try an example").click()
    reading = page.locator(".st-key-reading_1")
    expect(reading.locator(".js-plotly-plot")).to_have_count(3)  # the picture and two models' bars
    settled()
    return page, reading


def texts(page: Page, count: int) -> list[str]:
    """Return what each of so many pictures is read as."""
    page.locator(f".st-key-text_{count}").wait_for(state="attached")
    return [page.locator(f".st-key-text_{number}").inner_text() for number in range(1, count + 1)]
