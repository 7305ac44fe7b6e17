"""The picture of a reading in a real browser: zoomed, clicked, drawn on, on a phone."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from serving import new_context, settle, still
from uploading import opened_example, texts
from waiting import until

from digitrec.datasets import example, mnist


def test_the_example_shows_boxes_bars_and_steps(visit: Callable[[str], Page], settled: Callable[[], None]) -> None:
    page, reading = opened_example(visit, settled)
    assert texts(page, 1) == [example.TEXT]
    expect(reading.locator(".strip figure")).to_have_count(6)
    expect(reading).to_contain_text("reads 2,")
    picture = reading.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert picture
    x, y = (40 + 170 * 3 + 70) / example.WIDTH, 0.5  # the middle of the fourth digit
    page.mouse.click(picture["x"] + x * picture["width"], picture["y"] + y * picture["height"])
    expect(reading).to_contain_text("reads 8,")


WHOLE = [[0, example.WIDTH], [example.HEIGHT, 0]]
"""What `ranges` are before anybody zooms."""


def ranges(page: Page) -> list[list[float]]:
    """Return which part of the picture is shown: left and right, lower and upper edge."""
    found: list[list[float]] = page.locator('[class*="st-key-page_"] .js-plotly-plot').evaluate(
        "figure => [figure.layout.xaxis.range, figure.layout.yaxis.range]"
    )
    return found


def frames(page: Page) -> list[str]:
    """Return how thick the boxes in the picture are."""
    thick: list[str] = page.locator('[class*="st-key-page_"] .shapelayer path').evaluate_all(
        "boxes => boxes.map(box => getComputedStyle(box).strokeWidth)"
    )
    return thick


def clicked(page: Page, reading: Locator, x: float, y: float, effect: str) -> None:
    """Click on the picture until it shows: after a zoom it takes no click before it is drawn again."""
    for _ in range(20):
        page.mouse.click(x, y)
        with contextlib.suppress(AssertionError):
            expect(reading).to_contain_text(effect, timeout=5_000)
            return
    expect(reading).to_contain_text(effect)


def test_the_picture_is_zoomed_and_stays_so_while_digits_are_chosen(
    visit: Callable[[str], Page], settled: Callable[[], None]
) -> None:
    page, reading = opened_example(visit, settled)
    picture = reading.locator(".js-plotly-plot .nsewdrag").first
    picture.scroll_into_view_if_needed()
    area = picture.bounding_box()
    assert area
    card = reading.bounding_box()
    assert card
    assert area["width"] > card["width"] - 50  # all of it but the card's edge
    page.mouse.move(area["x"] + 0.62 * area["width"], area["y"] + area["height"] / 2)
    for _ in range(3):
        before = ranges(page)
        page.mouse.wheel(0, -100)
        until(lambda before=before: ranges(page) != before, "zoomed")
    (left, right), (bottom, top) = zoomed = ranges(page)
    assert 0 < left < 550 < right < example.WIDTH
    assert (right - left) / (bottom - top) == pytest.approx(example.WIDTH / example.HEIGHT)
    eight = (40 + 170 * 3 + 70 - left) / (right - left), (150 - top) / (bottom - top)
    clicked(page, reading, area["x"] + eight[0] * area["width"], area["y"] + eight[1] * area["height"], "reads 8,")
    settled()
    assert frames(page) == ["1px", "1px", "1px", "2.5px", "1px"]
    assert ranges(page) == zoomed
    page.mouse.down()
    page.mouse.move(area["x"] + 0.5 * area["width"], area["y"] + 0.4 * area["height"], steps=4)
    page.mouse.up()
    until(lambda: ranges(page)[0][0] > left, "moved")
    assert frames(page)[3] == "2.5px"
    reading.locator('[data-title="Reset axes"]').first.click()
    until(lambda: ranges(page) == WHOLE, "shown whole")


def test_a_click_on_a_digit_chooses_it_though_another_was_chosen_in_the_list_meanwhile(
    visit: Callable[[str], Page], settled: Callable[[], None]
) -> None:
    """To Plotly such a click takes the selection back."""
    page, reading = opened_example(visit, settled)
    area = reading.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert area
    eight = (40 + 170 * 3 + 70) / example.WIDTH
    page.mouse.click(area["x"] + eight * area["width"], area["y"] + area["height"] / 2)
    expect(reading).to_contain_text("reads 8,")
    settled()
    chooser = reading.get_by_role("combobox", name="Digit")
    chooser.scroll_into_view_if_needed()  # its list closes where the page moves
    still(page.locator("h1"))
    chooser.click()
    page.locator("[role=option]").nth(1).click()
    expect(reading).to_contain_text(f"reads {example.TEXT[1]},")
    settled()
    area = reading.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert area
    page.mouse.click(area["x"] + eight * area["width"], area["y"] + area["height"] / 2)
    expect(reading).to_contain_text("reads 8,")


def height(picture: Locator) -> float:
    """Return how high the part of the page is that takes a picture's clicks."""
    area = picture.locator(".nsewdrag").bounding_box()
    return area["height"] if area else 0.0


@pytest.mark.parametrize("shape", [(600, 2400), (1200, 900)])
def test_a_picture_of_any_shape_fits_the_window(
    upload: Callable[..., Page], shape: tuple[int, int], tmp_path: Path
) -> None:
    sheet = Image.new("L", shape, 255)
    for number, place in enumerate(range(3)):
        sheet.paste(Image.fromarray(255 - mnist.test()[0][place]).resize((140, 140)), (60 + 160 * number, 300))
    sheet.save(tmp_path / "sheet.png")
    page = upload(tmp_path / "sheet.png")
    shown = page.locator('[class*="st-key-page_"]').bounding_box()
    picture = page.locator('[class*="st-key-page_"] .imagelayer image').bounding_box()
    assert shown
    assert picture
    assert shown["height"] <= 0.8 * 900 + 1
    assert picture["width"] / picture["height"] == pytest.approx(shape[0] / shape[1], rel=0.02)
    assert picture["height"] > 0.8 * 900 - 40 or picture["width"] > shown["width"] - 2


def test_on_a_phone_a_finger_gets_past_the_picture_and_moves_it_in_full_screen(browser: Browser, server: str) -> None:
    context = new_context(browser, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(f"{server}/Upload")
    settle(page)
    page.get_by_role("button", name="Try an example").click()
    picture = page.locator('[class*="st-key-page_"]')
    picture.locator(".js-plotly-plot").wait_for()
    settle(page)
    session = context.new_cdp_session(page)

    def swipe(x: float, y: float) -> None:
        """Move a finger up by 80 pixels."""
        session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 11):
            points = [{"x": x, "y": y - 8 * step}]
            session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
            page.evaluate("new Promise(requestAnimationFrame)")
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def scrolled() -> float:
        top: float = page.locator('[data-testid="stMain"]').evaluate("main => main.scrollTop")
        return top

    page.locator('[class*="st-key-tools_"]').evaluate("tools => tools.scrollIntoView()")
    still(page.locator("h1"))
    area = picture.locator(".nsewdrag").bounding_box()
    assert area
    before = scrolled()
    swipe(200, area["y"] + area["height"] / 2)
    until(lambda: scrolled() > before + 30, "scrolled")
    still(page.locator("h1"))
    assert ranges(page) == WHOLE
    picture.locator('[data-title="Zoom in"]').tap()
    until(lambda: ranges(page) != WHOLE, "zoomed")
    zoomed = ranges(page)
    picture.locator('[data-title="Fullscreen"]').tap()
    until(lambda: height(picture) > area["height"], "in full screen")
    still(page.locator("h1"))
    swipe(200, 844 / 2)
    until(lambda: ranges(page) != zoomed, "moved")
    context.close()


def test_a_box_is_drawn_on_the_picture(visit: Callable[[str], Page], settled: Callable[[], None]) -> None:
    page, reading = opened_example(visit, settled)
    text = page.locator(".st-key-text_1")
    reading.get_by_role("button", name="Delete").first.click()
    expect(text).to_have_text(example.TEXT[1:])
    settled()
    reading.get_by_role("button", name="Add a box").click()
    page.get_by_text("Draw boxes on the picture").click()
    page.keyboard.press("Escape")
    expect(reading.locator('[class*="st-key-figure_"][class*="_True"] .nsewdrag')).to_have_count(1)
    settled()
    area = reading.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert area
    scale = area["width"] / example.WIDTH
    page.mouse.move(area["x"] + 20 * scale, area["y"] + 30 * scale)
    page.mouse.down()
    for share in (0.3, 0.6, 1.0):
        page.mouse.move(area["x"] + (20 + 170 * share) * scale, area["y"] + (30 + 230 * share) * scale)
    page.mouse.up()
    expect(text).to_have_text(example.TEXT)


def test_on_a_phone_nothing_is_blank_below_a_wide_picture(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server}/Upload")
    settle(page)
    page.get_by_role("button", name="Try an example").click()
    shown = page.locator('[class*="st-key-page_"]')
    shown.locator(".js-plotly-plot").wait_for()
    area = shown.bounding_box()
    assert area
    least = area["width"] * example.HEIGHT / example.WIDTH
    assert least <= area["height"] <= least + 30  # room for the buttons, and for labels above the boxes
