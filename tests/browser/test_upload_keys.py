"""Digits are corrected with the keyboard alone, as fast as somebody types and slowly."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from waiting import until

from digitrec.datasets import mnist

ROWS, COLUMNS = 3, 8
TYPING = 80  # milliseconds that a key is held down


def sheet(count: int = ROWS * COLUMNS, first: int = 0) -> Image.Image:
    """Return a picture of MNIST's test digits in rows of eight."""
    made = Image.new("L", (30 + 110 * COLUMNS, 30 + 130 * -(-count // COLUMNS)), 255)
    for place in range(count):
        digit = Image.fromarray(255 - mnist.test()[0][first + place]).resize((84, 84))
        made.paste(digit, (30 + 110 * (place % COLUMNS), 30 + 130 * (place // COLUMNS)))
    return made


@pytest.fixture
def upload(visit: Callable[[str], Page], settled: Callable[[], None], tmp_path: Path) -> Callable[..., Page]:
    """Return a function that opens Upload and chooses pictures, each with the name of its place."""

    def choose(*pictures: Image.Image) -> Page:
        files = []
        for number, picture in enumerate(pictures, 1):
            files.append(tmp_path / f"{number}.png")
            picture.save(files[-1])
        page = visit("Upload")
        page.locator(".st-key-files input[type=file]").set_input_files(files)
        page.locator(f".st-key-text_{len(files)}").wait_for(state="attached")
        settled()
        return page

    return choose


def digits(page: Page, number: int = 1) -> str:
    return "".join(page.locator(f".st-key-text_{number}").inner_text().split())


def other(text: str) -> str:
    """Return a number that differs in each digit."""
    return "".join(str((int(digit) + 3) % 10) for digit in text)


@pytest.mark.parametrize(("count", "fast"), [(20, True), (6, False)], ids=["fast", "one after the other"])
def test_many_digits_are_corrected_by_keys_alone(
    upload: Callable[..., Page], settled: Callable[[], None], count: int, fast: bool
) -> None:
    page = upload(sheet())
    reading = page.locator(".st-key-reading_1")
    before = digits(page)
    assert len(before) == ROWS * COLUMNS
    keys = other(before)[:count]
    doubts = int((re.search(r"(\d+) doubtful", page.locator(".st-key-review").inner_text()) or [0, 0])[1])
    for number, key in enumerate(keys, 1):
        page.keyboard.press(key, delay=TYPING)
        if not fast:
            expect(reading).to_contain_text(f"✓ {number} corrected by hand.")
            settled()
    expect(reading).to_contain_text(f"✓ {count} corrected by hand.")
    after = digits(page)
    assert sum(old != new for old, new in zip(before, after, strict=True)) >= count - 2 * doubts
    if not doubts:
        assert after == keys + before[count:]


def test_arrows_and_digits_in_turn_set_one_digit_each(upload: Callable[..., Page], settled: Callable[[], None]) -> None:
    page = upload(sheet(8))
    reading = page.locator(".st-key-reading_1")
    before = digits(page)
    table = reading.locator('[class*="st-key-table_"] canvas').first
    table.scroll_into_view_if_needed()
    area = table.bounding_box()
    assert area
    page.mouse.click(area["x"] + 150, area["y"] + 35 + 17)  # a cell of the first row
    page.wait_for_function("document.activeElement.closest('[class*=\"st-key-table_\"]')")
    settled()
    for key in ("ArrowDown", "3", "ArrowDown", "4", "ArrowUp", "ArrowUp", "5"):
        page.keyboard.press(key, delay=TYPING)
    expect(reading).to_contain_text("✓ 3 corrected by hand.")
    assert digits(page) == before[0] + "354" + before[4:]


def test_keys_correct_a_number_digit_by_digit(upload: Callable[..., Page], settled: Callable[[], None]) -> None:
    page = upload(sheet(8))
    reading, before = page.locator(".st-key-reading_1"), digits(page)
    reading.get_by_text("Numbers", exact=True).click()
    expect(page.get_by_label("Correct this number")).to_be_visible()
    settled()
    page.locator("h1").click()  # leaves the switch, which takes arrows
    for key in other(before):
        page.keyboard.press(key, delay=TYPING)
    expect(reading).to_contain_text("✓ 8 corrected by hand.")
    assert digits(page) == other(before)


def test_a_key_marks_a_non_digit_another_undoes_it_and_text_fields_keep_theirs(
    upload: Callable[..., Page], settled: Callable[[], None]
) -> None:
    page = upload(sheet(4))
    reading, before = page.locator(".st-key-reading_1"), digits(page)
    page.keyboard.press("9")
    page.keyboard.press("x")
    expect(reading).to_contain_text("✓ 2 corrected by hand.")
    assert digits(page) == "9" + before[2:]
    page.keyboard.press("u")
    expect(reading).to_contain_text("✓ 1 corrected by hand.")
    page.keyboard.press("u")
    expect(reading).not_to_contain_text("corrected by hand")
    settled()
    reading.get_by_text("Numbers", exact=True).click()
    field = page.get_by_label("Correct this number")
    field.fill("")
    field.press_sequentially("1x2", delay=50)
    expect(field).to_have_value("1x2")
    assert digits(page) == before


def test_keys_go_on_in_the_next_picture(upload: Callable[..., Page]) -> None:
    page = upload(*(sheet(1, place) for place in (0, 1, 2, 3, 4)))
    page.keyboard.press("5")  # no picture is chosen: nothing happens
    page.locator(".st-key-reading_2").get_by_role("button", name="Details").click()
    page.locator(".st-key-reading_2 .strip").wait_for()
    for key in "567":
        page.keyboard.press(key, delay=TYPING)
    expect(page.locator(".st-key-text_4")).to_have_text("7")
    assert [digits(page, number) for number in range(1, 6)] == ["7", "5", "6", "7", "4"]
    expect(page.locator(".st-key-reading_5 .strip")).to_be_visible()
    expect(page.locator(".st-key-reading_5 .picture")).to_be_in_viewport()
    expect(page.locator(".strip")).to_have_count(2)  # the one that was opened by hand stays open


def test_on_a_phone_the_bar_above_does_not_cover_the_picture_that_is_gone_to(upload: Callable[..., Page]) -> None:
    page = upload(*(sheet(1, place) for place in (0, 1, 2, 3, 4)))
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(".st-key-reading_2").get_by_role("button", name="Details").click()
    page.locator(".st-key-reading_2 .strip").wait_for()
    for key in "56":
        page.keyboard.press(key, delay=TYPING)
    picture = page.locator(".st-key-reading_4 .picture img")
    expect(picture).to_be_in_viewport()
    uncovered = """picture => {
        const box = picture.getBoundingClientRect();
        return picture === document.elementFromPoint(box.left + box.width / 2, box.top + 2);
    }"""
    until(lambda: picture.evaluate(uncovered), "not covered by the bar")
