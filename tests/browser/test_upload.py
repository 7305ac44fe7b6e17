"""Files are uploaded in a real browser and read; a bad one among them, a folder, the example, a click on a box."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from serving import settle
from uploading import opened_example, texts
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


def test_a_digit_is_corrected_from_the_table_with_keys_alone(
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


def test_details_open_in_their_place(upload: Callable[..., Page], folder: Path) -> None:
    page = upload(*folder.glob("*.png"))
    second = page.locator(".st-key-reading_2")
    expect(page.locator(".strip")).to_have_count(0)
    second.get_by_role("button", name="Details").click()
    expect(second.locator(".strip figure")).to_have_count(6)
    expect(page.locator(".strip")).to_have_count(1)


def downloaded(page: Page, button: str) -> tuple[str, bytes]:
    """Click a button that downloads; return the file's name and its bytes.

    Streamlit forgets what a button downloads when the page is drawn anew: a click before that is over gets nothing.
    """
    settle(page)
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
    settled()
    page.get_by_role("button", name="Remove all").click()
    page.get_by_role("button", name="Try an example").wait_for()
    expect(page.locator(".st-key-reading_1")).to_have_count(0)


def test_a_reading_can_be_stopped_and_gone_on_with(visit: Callable[[str], Page], tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.png" for number in range(10)]
    for number, file in enumerate(files):  # large pictures, so that there is time to press Stop
        sheet = Image.new("L", (3000, 2000), 255)
        for place in range(10):
            sheet.paste(Image.fromarray(255 - mnist.test()[0][place]).resize((240, 240)), (20 + 290 * place, number))
        sheet.save(file)
    page = visit("Upload")
    page.locator(".st-key-files input[type=file]").set_input_files(files)
    page.locator(".st-key-stop_reading button").click()
    page.locator(".st-key-go_on").wait_for()
    expect(page.locator(".st-key-progress")).to_contain_text("of 10 pictures read")
    assert page.locator(".st-key-cards .picture").count() < 10
    page.locator(".st-key-go_on button").click()
    page.locator(".st-key-text_10").wait_for(state="attached", timeout=180_000)  # a busy machine takes its time
    assert texts(page, 10) == [LABELS] * 10


def test_nothing_is_wider_than_a_phone(page: Page, server: str, folder: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server}/Upload")
    settle(page)
    page.locator(".st-key-files input[type=file]").set_input_files(list(folder.glob("*.png")))
    texts(page, 5)
    settle(page)
    page.locator(".st-key-reading_3").get_by_role("button", name="Details").click()
    page.locator(".strip").wait_for()
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") == 0
