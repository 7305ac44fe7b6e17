"""Files are added to those before, and only a cross or *Remove all* removes them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from digitrec.datasets import mnist


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Return pictures of a 7, a 2, a 1 and a 0."""
    made = [tmp_path / f"{number}.png" for number in range(4)]
    for place, file in enumerate(made):
        Image.fromarray(255 - mnist.test()[0][place]).resize((160, 160)).save(file)
    return made


def test_files_are_added_and_removed_one_by_one(
    visit: Callable[[str], Page], settled: Callable[[], None], files: list[Path]
) -> None:
    page = visit("Upload")
    chooser, names = page.locator(".st-key-files input[type=file]"), page.locator(".picture span")
    chooser.set_input_files(files[:2])
    expect(names).to_have_text(["0.png", "1.png"])
    settled()
    page.locator(".st-key-reading_2").get_by_role("button", name="3", exact=True).click()
    expect(page.locator(".st-key-text_2")).to_have_text("3")
    settled()
    page.locator(".st-key-reading_1").get_by_role("button", name="Remove").click()
    expect(names).to_have_text(["1.png"])
    settled()
    chooser.set_input_files(files[2:3])  # beside those that the uploader still lists
    expect(names).to_have_text(["1.png", "2.png"])
    expect(page.locator(".st-key-text_1")).to_have_text("3")
    settled()
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_role("link", name="Compare").click()
    expect(page.locator("h1")).to_have_text("Compare")
    sidebar.get_by_role("link", name="Upload").click()
    expect(names).to_have_text(["1.png", "2.png"])
    settled()
    chooser.set_input_files(files[3:])
    expect(names).to_have_text(["1.png", "2.png", "3.png"])
    expect(page.locator(".st-key-text_1")).to_have_text("3")
    settled()
    page.locator(".st-key-files").get_by_role("button", name="Remove 3.png").click()
    expect(names).to_have_text(["1.png", "2.png"])
    expect(names.first).to_have_attribute("title", "1.png")
