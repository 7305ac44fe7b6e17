"""Files are uploaded in a real browser and read; a bad one among them, a folder, the example, a click on a box."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from waiting import until

from digitrec.datasets import example, mnist

LABELS = "7210414959"  # of MNIST's first ten test digits


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of digit1.png to digit4.png and digit10.png, and a text file."""
    made = tmp_path_factory.mktemp("digits")
    for number in (1, 2, 3, 4, 10):
        Image.fromarray(255 - mnist.test()[0][number - 1]).resize((160, 160)).save(made / f"digit{number}.png")
    (made / "notes.txt").write_text("not a picture")
    return made


@pytest.fixture
def upload(visit: Callable[[str], Page], settled: Callable[[], None]) -> Callable[..., Page]:
    """Return a function that opens Upload and chooses files or a folder."""

    def choose(*files: Path, way: str = "files") -> Page:
        page = visit("Upload")
        if way != "files":
            page.get_by_text(way.title(), exact=True).click()
        page.locator(f".st-key-{way} input[type=file]").set_input_files(list(files))
        page.locator(".st-key-reading_1").wait_for()
        settled()
        return page

    return choose


def texts(page: Page, count: int) -> list[str]:
    page.locator(f".st-key-text_{count}").wait_for(state="attached")
    return [page.locator(f".st-key-text_{number}").inner_text() for number in range(1, count + 1)]


def test_files_are_read_in_natural_order(upload: Callable[..., Page], folder: Path) -> None:
    page = upload(*folder.glob("*.png"))
    assert texts(page, 5) == ["7", "2", "1", "0", "9"]
    assert page.locator(".st-key-reading_5").inner_text().startswith("digit10.png")


def test_a_folder_is_read_without_what_is_no_picture(upload: Callable[..., Page], folder: Path) -> None:
    page = upload(folder, way="folder")
    assert texts(page, 5) == ["7", "2", "1", "0", "9"]
    expect(page.locator(".st-key-cards .picture")).to_have_count(5)


def test_a_bad_file_does_not_stop_the_others(upload: Callable[..., Page], folder: Path, tmp_path: Path) -> None:
    bad = {"digit2.png": b"", "digit3.png": b"hello"}
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    page = upload(folder / "digit1.png", *(tmp_path / name for name in bad), folder / "digit4.png")
    assert texts(page, 4) == ["7", "", "", "0"]
    expect(page.locator(".st-key-reading_2")).to_contain_text("The file is empty.")
    expect(page.locator(".st-key-reading_3")).to_contain_text("not a picture")


def opened_example(visit: Callable[[str], Page], settled: Callable[[], None]) -> tuple[Page, Locator]:
    """Return the Upload page with the example read, and the card of the example."""
    page = visit("Upload")
    page.get_by_role("button", name="Try an example").click()
    reading = page.locator(".st-key-reading_1")
    expect(reading.locator(".js-plotly-plot")).to_have_count(3)  # the picture and two models' bars
    settled()
    return page, reading


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
        page.mouse.wheel(0, -100)
        page.wait_for_timeout(150)
    page.wait_for_timeout(500)
    (left, right), (bottom, top) = zoomed = ranges(page)
    assert 0 < left < 550 < right < example.WIDTH
    assert (right - left) / (bottom - top) == pytest.approx(example.WIDTH / example.HEIGHT)
    eight = (40 + 170 * 3 + 70 - left) / (right - left), (150 - top) / (bottom - top)
    page.mouse.click(area["x"] + eight[0] * area["width"], area["y"] + eight[1] * area["height"])
    expect(reading).to_contain_text("reads 8,")
    settled()
    assert frames(page) == ["1px", "1px", "1px", "2.5px", "1px"]
    assert ranges(page) == zoomed
    page.mouse.down()
    page.mouse.move(area["x"] + 0.5 * area["width"], area["y"] + 0.4 * area["height"], steps=4)
    page.mouse.up()
    page.wait_for_timeout(500)
    assert ranges(page)[0][0] > left
    assert frames(page)[3] == "2.5px"
    reading.locator('[data-title="Reset axes"]').first.click()
    page.wait_for_timeout(500)
    assert ranges(page) == [[0, example.WIDTH], [example.HEIGHT, 0]]


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
    page.wait_for_timeout(500)  # two clicks at once are a double click
    chooser = reading.get_by_role("combobox", name="Digit")
    chooser.scroll_into_view_if_needed()  # its list closes where the page moves
    page.wait_for_timeout(500)
    chooser.click()
    page.locator("[role=option]").nth(1).click()
    expect(reading).to_contain_text(f"reads {example.TEXT[1]},")
    settled()
    area = reading.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert area
    page.mouse.click(area["x"] + eight * area["width"], area["y"] + area["height"] / 2)
    expect(reading).to_contain_text("reads 8,")


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
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(f"{server}/Upload")
    page.get_by_role("button", name="Try an example").click()
    picture = page.locator('[class*="st-key-page_"]')
    picture.locator(".js-plotly-plot").wait_for()
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    session = context.new_cdp_session(page)

    def swipe(x: float, y: float) -> None:
        """Move a finger up by 80 pixels."""
        session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 11):
            points = [{"x": x, "y": y - 8 * step}]
            session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
            page.wait_for_timeout(30)
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(700)

    def scrolled() -> float:
        top: float = page.locator('[data-testid="stMain"]').evaluate("main => main.scrollTop")
        return top

    page.locator('[class*="st-key-tools_"]').evaluate("tools => tools.scrollIntoView()")
    page.wait_for_timeout(500)
    area = picture.locator(".nsewdrag").bounding_box()
    assert area
    before = scrolled()
    swipe(200, area["y"] + area["height"] / 2)
    assert scrolled() > before + 30
    assert ranges(page) == [[0, example.WIDTH], [example.HEIGHT, 0]]
    picture.locator('[data-title="Zoom in"]').tap()
    page.wait_for_timeout(500)
    zoomed = ranges(page)
    picture.locator('[data-title="Fullscreen"]').tap()
    page.wait_for_timeout(1000)
    area = picture.locator(".nsewdrag").bounding_box()
    assert area
    swipe(200, area["y"] + area["height"] / 2)
    assert ranges(page) != zoomed
    context.close()


def test_a_digit_is_put_right_from_the_table_with_keys_alone(
    visit: Callable[[str], Page], settled: Callable[[], None]
) -> None:
    page, reading = opened_example(visit, settled)
    table = reading.locator('[class*="st-key-table_"] canvas').first
    table.scroll_into_view_if_needed()
    area = table.bounding_box()
    assert area
    page.mouse.click(area["x"] + 150, area["y"] + 35 + 35 + 17)  # a cell of the second row
    expect(reading).to_contain_text(f"reads {example.TEXT[1]},")
    settled()
    page.keyboard.press("ArrowDown")
    expect(reading).to_contain_text(f"reads {example.TEXT[2]},")
    settled()
    page.keyboard.press("0")
    expect(page.locator(".st-key-text_1")).to_have_text(f"{example.TEXT[:2]}0{example.TEXT[3:]}")
    expect(reading).to_contain_text("✓ 1 corrected by hand.")
    settled()
    reading.get_by_role("button", name="Undo").click()
    expect(page.locator(".st-key-text_1")).to_have_text(example.TEXT)


def test_a_row_a_number_is_chosen_in_the_table_and_the_picture_and_typed_as_a_whole(
    upload: Callable[..., Page], settled: Callable[[], None], tmp_path: Path
) -> None:
    sheet = Image.new("L", (900, 200), 255)
    for place, left in enumerate((30, 120, 400, 490, 580)):  # 72 104
        sheet.paste(Image.fromarray(255 - mnist.test()[0][place]).resize((100, 100)), (left, 50))
    sheet.save(tmp_path / "numbers.png")
    page = upload(tmp_path / "numbers.png")
    reading, field = page.locator(".st-key-reading_1"), page.get_by_label("Correct this number")
    text = page.locator(".st-key-text_1")
    expect(reading).to_contain_text("As numbers: 72 104")
    reading.get_by_text("Numbers", exact=True).click()
    expect(field).to_have_value("72")
    settled()
    area = reading.locator('[class*="st-key-table_"][class*="True"] canvas').first.bounding_box()
    assert area
    page.mouse.click(area["x"] + 150, area["y"] + 35 + 35 + 17)  # a cell of the second row
    expect(field).to_have_value("104")
    expect(reading.get_by_role("button", name="Delete 3")).to_be_visible()
    settled()
    picture = reading.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert picture
    page.mouse.click(picture["x"] + 80 / 900 * picture["width"], picture["y"] + picture["height"] / 2)
    expect(field).to_have_value("72")
    expect(reading).to_contain_text("reads 7,")
    settled()
    field.fill("95")  # its keys are no answers to the digit chosen
    field.press("Enter")
    expect(text).to_have_text("95104")
    expect(reading).to_contain_text("✓ 2 corrected by hand.")
    settled()
    field.fill("951")
    field.press("Enter")
    expect(reading).to_contain_text("Digits found in this number: 2. Digits typed: 3, 951.")
    expect(text).to_have_text("95104")
    settled()
    field.blur()
    page.keyboard.press("j")  # joined with the next one by its key
    expect(field).to_have_value("95104")


def test_a_box_is_drawn_on_the_picture(visit: Callable[[str], Page], settled: Callable[[], None]) -> None:
    page, reading = opened_example(visit, settled)
    text = page.locator(".st-key-text_1")
    reading.get_by_role("button", name="Delete").first.click()
    expect(text).to_have_text(example.TEXT[1:])
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


def test_details_open_in_their_place(upload: Callable[..., Page], folder: Path) -> None:
    page = upload(*folder.glob("*.png"))
    second = page.locator(".st-key-reading_2")
    expect(page.locator(".strip")).to_have_count(0)
    second.get_by_role("button", name="Details").click()
    expect(second.locator(".strip figure")).to_have_count(6)
    expect(page.locator(".strip")).to_have_count(1)


def downloaded(page: Page, button: str) -> tuple[str, bytes]:
    """Click a button that downloads; return the file's name and its bytes."""
    with page.expect_download() as started:
        page.get_by_role("button", name=button).click()
    return started.value.suggested_filename, Path(started.value.path()).read_bytes()


def csv_rows(page: Page) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(downloaded(page, "CSV")[1].decode())))


def test_all_readings_are_downloaded(upload: Callable[..., Page], folder: Path) -> None:
    page = upload(*folder.glob("*.png"))
    name, content = downloaded(page, "JSON")
    records = json.loads(content)
    assert name == "readings.json"
    assert [record["text"] for record in records[::2]] == ["7", "2", "1", "0", "9"]
    assert len({record["model"] for record in records}) == 2
    rows = csv_rows(page)
    assert [row["digit"] for row in rows[::2]] == ["7", "2", "1", "0", "9"]
    page.get_by_text("Keep leading zeros").click()
    kept = [f'="{row["digit"]}"' for row in rows]
    until(lambda: [row["number_text"] for row in csv_rows(page)] == kept, "with leading zeros kept")
    name, content = downloaded(page, "Excel")
    assert name == "readings.xlsx"
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    head, *cells = workbook.active.iter_rows(values_only=True)
    assert [dict(zip(head, row, strict=True))["number_text"] for row in cells] == [row["digit"] for row in rows]


def test_readings_outlive_a_visit_to_another_page(
    upload: Callable[..., Page], folder: Path, settled: Callable[[], None]
) -> None:
    page = upload(folder / "digit1.png", folder / "digit2.png")
    page.get_by_role("link", name="Home").first.click()
    page.locator(".st-key-try canvas").last.wait_for()
    settled()
    page.get_by_role("link", name="Upload").first.click()
    page.locator(".st-key-reading_2").wait_for()
    assert texts(page, 2) == ["7", "2"]
    page.get_by_role("button", name="Remove all").click()
    page.get_by_role("button", name="Try an example").wait_for()
    expect(page.locator(".st-key-reading_1")).to_have_count(0)


def test_a_reading_can_be_stopped_and_gone_on_with(visit: Callable[[str], Page], tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.png" for number in range(20)]
    for number, file in enumerate(files):  # large pictures, so that there is time to press Stop
        sheet = Image.new("L", (3000, 2000), 255)
        for place in range(10):
            sheet.paste(Image.fromarray(255 - mnist.test()[0][place]).resize((240, 240)), (20 + 290 * place, number))
        sheet.save(file)
    page = visit("Upload")
    page.locator(".st-key-files input[type=file]").set_input_files(files)
    page.locator(".st-key-stop_reading button").click()
    page.locator(".st-key-go_on").wait_for()
    expect(page.locator(".st-key-progress")).to_contain_text("of 20 pictures read")
    assert page.locator(".st-key-cards .picture").count() < 20
    page.locator(".st-key-go_on button").click()
    page.locator(".st-key-text_20").wait_for(state="attached", timeout=180_000)  # a busy machine takes its time
    assert texts(page, 20) == [LABELS] * 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(page: Page, server: str, folder: Path, scheme: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{server}/Upload")
    page.locator(".st-key-files input[type=file]").set_input_files(list(folder.glob("*.png")))
    page.locator(".st-key-reading_3").get_by_role("button", name="Details").click()
    page.locator(".strip").wait_for()
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") == 0


def test_on_a_phone_nothing_is_blank_below_a_wide_picture(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server}/Upload")
    page.get_by_role("button", name="Try an example").click()
    shown = page.locator('[class*="st-key-page_"]')
    shown.locator(".js-plotly-plot").wait_for()
    area = shown.bounding_box()
    assert area
    least = area["width"] * example.HEIGHT / example.WIDTH
    assert least <= area["height"] <= least + 30  # room for the buttons, and for labels above the boxes
