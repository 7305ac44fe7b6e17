"""Digits to draw with the mouse, in pixels of the canvas of 280 x 280, and 42 in those of the one of 840 x 280."""

from playwright.sync_api import FloatRect, Page
from serving import settle, still

SEVEN = [(70, 60), (200, 60), (120, 230)]
CROSS = [(95, 145), (185, 145)]
ZERO = [(140, 50), (90, 90), (80, 150), (110, 225), (160, 230), (200, 180), (205, 110), (180, 65), (140, 50)]
EIGHT = [(140, 50), (100, 75), (110, 115), (140, 135), (175, 170), (160, 220), (115, 220), (105, 170), (140, 135),
         (175, 105), (180, 70), (140, 50)]  # fmt: skip
FORTY_TWO = (
    [(110, 50), (60, 150), (190, 150)],
    [(150, 60), (150, 240)],
    [(300, 90), (340, 50), (400, 60), (410, 120), (300, 225), (430, 225)],
)


def at_rest(page: Page, canvas: str = "canvas") -> FloatRect:
    """Return where a canvas is once the page has come to rest: one that is drawn anew loses a stroke."""
    settle(page)
    place = page.locator(f".st-key-{canvas} canvas").last
    for _ in range(2):  # what has moved may have left the window
        place.scroll_into_view_if_needed()
        still(place)
    box = place.bounding_box()
    assert box
    return box


def draw(page: Page, *strokes: list[tuple[int, int]], width: int = 280, canvas: str = "canvas") -> None:
    """Draw strokes one right after the other, once the canvas is at rest."""
    box = at_rest(page, canvas)
    scale = box["width"] / width  # a canvas wider than the window is shown smaller
    for points in strokes:
        page.mouse.move(box["x"] + points[0][0] * scale, box["y"] + points[0][1] * scale)
        page.mouse.down()
        for x, y in points[1:]:
            page.mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=8)
        page.mouse.up()
