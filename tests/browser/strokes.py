"""Digits to draw with the mouse, in pixels of the canvas of 280 x 280."""

from playwright.sync_api import Page

SEVEN = [(70, 60), (200, 60), (120, 230)]
CROSS = [(95, 145), (185, 145)]
ZERO = [(140, 50), (90, 90), (80, 150), (110, 225), (160, 230), (200, 180), (205, 110), (180, 65), (140, 50)]


def draw(page: Page, points: list[tuple[int, int]]) -> None:
    box = page.locator(".st-key-canvas canvas").last.bounding_box()
    assert box
    page.mouse.move(box["x"] + points[0][0], box["y"] + points[0][1])
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
    page.mouse.up()
