"""A digit drawn with the mouse, and with a finger, is read."""

import re
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect
from serving import Server, new_context, settle
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from strokes import CROSS, FORTY_TWO, SEVEN, ZERO, at_rest, draw


@pytest.fixture
def drawing(visit: Callable[[str], Page]) -> Page:
    page = visit("Draw")
    page.locator(".st-key-canvas canvas").last.wait_for()
    return page


def test_an_empty_canvas_gives_no_answer(drawing: Page) -> None:
    for number in (1, 2):
        expect(drawing.locator(f".st-key-answer_{number}")).to_contain_text("–")
        expect(drawing.locator(f".st-key-bars_{number}")).to_be_visible()


def test_both_models_read_what_is_drawn_and_undo_and_clear_take_it_back(drawing: Page) -> None:
    first, second = (drawing.locator(f".st-key-answer_{n}") for n in (1, 2))
    draw(drawing, ZERO)
    expect(first).to_contain_text("0")
    expect(second).to_contain_text("0")
    settle(drawing)
    drawing.locator(".st-key-clear button").click()
    expect(first).to_contain_text("–")
    draw(drawing, SEVEN)
    expect(first).to_contain_text("7")
    expect(second).to_contain_text("7")
    settle(drawing)
    before = drawing.locator(".st-key-seen img").get_attribute("src")
    draw(drawing, CROSS)
    expect(drawing.locator(".st-key-seen img")).not_to_have_attribute("src", before or "")
    settle(drawing)
    drawing.locator(".st-key-undo button").click()
    expect(drawing.locator(".st-key-seen img")).to_have_attribute("src", before or "")
    expect(drawing.locator(".st-key-bars_1 .js-plotly-plot").last).to_be_visible()
    expect(drawing.get_by_text("Centred")).to_be_visible()


def test_a_stroke_redraws_only_what_it_changes(page: Page, server: str) -> None:
    sent: list[ForwardMsg] = []

    def keep(frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            sent.append(ForwardMsg.FromString(frame))

    page.on("websocket", lambda socket: socket.on("framereceived", keep))
    page.goto(f"{server}/Draw")
    page.locator(".st-key-canvas canvas").last.wait_for()
    expect(page.locator(".st-key-bars_2 .js-plotly-plot").last).to_be_visible()
    opened = {message.delta.new_element.WhichOneof("type") for message in sent}
    assert {"selectbox", "button", "plotly_chart"} <= opened
    sent.clear()
    draw(page, SEVEN)
    expect(page.get_by_text("Centred")).to_be_visible()
    redrawn = [message.delta.new_element.WhichOneof("type") for message in sent if message.HasField("delta")]
    assert set(redrawn) <= {"bidi_component", "html", "plotly_chart", None}  # None: a container
    assert len(redrawn) <= 15


def test_a_reading_is_counted_and_logged_without_what_was_drawn(drawing: Page, app: Server) -> None:
    def counted() -> int:
        address = f"{app.url}/_stcore/metrics?families=digitrec_readings"
        with urllib.request.urlopen(address, timeout=30) as answer:
            found = re.search(r"digitrec_readings_total (\d+)", answer.read().decode())
        assert found
        return int(found[1])

    before = counted()
    draw(drawing, SEVEN)
    expect(drawing.locator(".st-key-answer_1")).to_contain_text("7")
    assert counted() > before
    lines = [line for line in app.log.read_text().splitlines() if " reading page=Draw " in line]
    assert re.fullmatch(r"\S+Z reading page=Draw model=\S+ digits=1 ms=[\d.]+", lines[-1])


def test_a_drawing_outlives_a_visit_to_another_page(drawing: Page) -> None:
    draw(drawing, SEVEN)
    expect(drawing.locator(".st-key-answer_2")).to_contain_text("7")
    drawing.get_by_test_id("stSidebar").get_by_role("link", name="Compare").click()
    expect(drawing.get_by_role("heading", name="Compare")).to_be_visible()
    drawing.get_by_test_id("stSidebar").get_by_role("link", name="Draw").click()
    expect(drawing.locator(".st-key-answer_2")).to_contain_text("7")


def test_a_number_is_read_and_each_canvas_keeps_its_drawing(drawing: Page) -> None:
    what, answer = drawing.locator(".st-key-what"), drawing.locator(".st-key-answer_1")
    what.get_by_text("A number").click()
    expect(drawing.locator(".st-key-pad_number canvas").last).to_be_visible()
    expect(answer).to_contain_text("–")
    draw(drawing, *FORTY_TWO, width=840)
    expect(answer).to_contain_text("42")
    expect(drawing.locator(".st-key-answer_2")).to_contain_text("42")
    expect(drawing.locator(".st-key-seen img")).to_have_count(2)
    drawing.locator(".st-key-trail summary").click()
    four, two = (drawing.locator(".st-key-digit").get_by_role("radio", name=f"{n} of 2: ") for n in (1, 2))
    for chosen, digit in ((four, "4"), (two, "2")):
        chosen.press("Enter")
        expect(drawing.locator(".st-key-trail tr").last.locator("td.prediction b")).to_have_text([digit, digit])
    what.get_by_text("One digit").click()
    expect(answer).to_contain_text("–")
    what.get_by_text("A number").click()
    expect(answer).to_contain_text("42")
    settle(drawing)
    drawing.locator(".st-key-undo button").click()
    expect(answer).to_contain_text("4")
    expect(answer).not_to_contain_text("42")
    drawing.set_viewport_size({"width": 390, "height": 844})
    main = drawing.locator('[data-testid="stMain"]')
    expect(drawing.locator(".st-key-pad_number")).to_be_in_viewport(ratio=0.99)
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") == 0


def test_the_page_does_not_scroll_under_a_finger(browser: Browser, server: str) -> None:
    context = new_context(browser, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{server}/Draw")
    box = at_rest(page)
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    finger = context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": box["x"] + x, "y": box["y"] + y} for x, y in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    scrolled = "document.querySelector('[data-testid=stMain]').scrollTop"
    touch("touchStart", (140, 240))
    for step in range(1, 21):
        touch("touchMove", (140, 240 - 10 * step))
    touch("touchEnd")
    expect(page.locator(".st-key-answer_2")).to_contain_text("1")
    assert page.evaluate(scrolled) == 0
    context.close()


def test_a_palm_that_rests_first_does_not_keep_the_pen_from_drawing(browser: Browser, server: str) -> None:
    context = new_context(browser, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{server}/Draw")
    page.wait_for_function("window.digitrecPalm")
    box = at_rest(page)
    hand = context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[int, float, float, float]) -> None:
        at = [
            {"id": number, "x": box["x"] + x, "y": box["y"] + y, "radiusX": radius, "radiusY": radius}
            for number, x, y, radius in points
        ]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    palm = (1, 250, 250, 45)
    touch("touchStart", palm)
    touch("touchStart", palm, (2, 70, 60, 3))
    for x, y in [(70 + 13 * step, 60) for step in range(1, 11)] + [
        (200 - 8 * step, 60 + 17 * step) for step in range(11)
    ]:
        touch("touchMove", (1, 250 + y % 2, 250, 45), (2, x, y, 3))
    touch("touchEnd", palm)
    touch("touchEnd")
    expect(page.locator(".st-key-answer_1")).to_contain_text("7")
    context.close()
