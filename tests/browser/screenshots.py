"""Renew the README's pictures: `python tests/browser/screenshots.py` uses each page in Chromium and photographs it."""

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page
from serving import PROJECT, chromium, serve
from strokes import EIGHT, FORTY_TWO, draw

DOCS = PROJECT / "docs"
COLOURS = 96  # a repository keeps each picture for ever, so they are small


def shoot(page: Page, name: str, height: int) -> None:
    page.set_viewport_size({"width": 1280, "height": height})
    page.mouse.move(5, 5)  # the canvas shows its tools while the mouse is over it
    page.wait_for_timeout(4000)
    whole = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    few = whole.quantize(
        COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )  # a repository keeps each for ever
    few.save(DOCS / f"{name}.png", optimize=True)


def main() -> None:
    DOCS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as app, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
        page.goto(app.url)
        page.get_by_text("Available models").wait_for()
        page.locator(".st-key-canvas canvas").last.wait_for()
        page.wait_for_timeout(1000)
        draw(page, EIGHT)
        page.wait_for_timeout(1500)
        shoot(page, "home", 1200)
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{app.url}/Draw")
        page.locator(".st-key-canvas canvas").last.wait_for()
        page.wait_for_timeout(1000)
        page.locator(".st-key-what").get_by_text("A number").click()
        page.locator(".st-key-pad_number canvas").last.wait_for()
        page.wait_for_timeout(1000)
        for points in FORTY_TWO:
            draw(page, points, width=840)
            page.wait_for_timeout(1500)
        shoot(page, "draw", 1180)
        page.goto(f"{app.url}/Upload")
        page.locator(".st-key-example button").click()
        page.locator(".st-key-text_1").wait_for()
        page.get_by_test_id("stDataFrame").locator("canvas").first.wait_for()
        page.wait_for_timeout(2000)  # the table is drawn in its own time
        shoot(page, "upload", 1560)
        page.goto(f"{app.url}/Train")
        page.locator(".st-key-start button").wait_for()
        page.wait_for_timeout(2000)
        page.locator(".st-key-start button").click()
        page.get_by_text("Most confident mistakes").wait_for(timeout=480_000)
        shoot(page, "train", 2640)
        page.goto(f"{app.url}/Compare")
        page.locator(".st-key-scores").wait_for()
        shoot(page, "compare", 1250)


if __name__ == "__main__":
    main()
