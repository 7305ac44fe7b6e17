"""What cannot be kept of a tab is named before the page is left and after it was reloaded."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Dialog, Page, expect
from serving import new_context, settle

from digitrec.datasets import mnist
from digitrec.uploads.batch import KEPT_BYTES

TOO_LARGE = KEPT_BYTES * 17 // 32
"""Bytes of a file of which one is kept and two are not."""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Return large files: a 7 and a 2."""
    made = [tmp_path / "seven.png", tmp_path / "two.png"]
    for place, file in enumerate(made):
        Image.fromarray(255 - mnist.test()[0][place]).resize((160, 160)).save(file)
        file.write_bytes(file.read_bytes().ljust(TOO_LARGE, b"\0"))
    return made


def test_files_beyond_what_is_kept_are_reported_before_the_page_is_left_and_after(
    visit: Callable[[str], Page], settled: Callable[[], None], files: list[Path]
) -> None:
    page, asked = visit("Upload"), []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    chooser = page.locator(".st-key-files input[type=file]")
    chooser.set_input_files(files)
    expect(page.locator(".st-key-text_2")).to_have_text("2")
    expect(page.locator(".st-key-progress")).to_contain_text(f"At most {KEPT_BYTES // 2**20} MB of files are kept.")
    expect(page.locator(".st-key-progress")).to_contain_text("1 picture can no longer be shown")
    settled()
    second = page.locator(".st-key-reading_2")
    second.get_by_role("button", name="3", exact=True).click()
    expect(page.locator(".st-key-text_2")).to_have_text("3")
    page.wait_for_function("window.digitrecTab.warns")
    settled()
    page.reload()
    assert asked == ["beforeunload"]
    expect(page.locator(".st-key-text_2")).to_have_text("3")
    expect(second).to_contain_text("the file is not. Choose it again to see the picture and the steps.")
    expect(page.locator('.st-key-reading_1 [class*="st-key-page_"] .js-plotly-plot')).to_be_visible()
    settled()
    chooser.set_input_files(files[1:])
    expect(second.locator('[class*="st-key-page_"] .js-plotly-plot')).to_be_visible()
    expect(page.locator(".st-key-text_2")).to_have_text("3")


def test_a_tab_whose_content_is_gone_says_so_until_there_is_something_new(
    browser: Browser, server: str, files: list[Path]
) -> None:
    context = new_context(browser)
    token = "x" * 43  # as of a server that was started anew, or of a tab that was forgotten
    context.add_init_script(
        f"sessionStorage.getItem('digitrec-tab') || sessionStorage.setItem('digitrec-tab', {token!r});"
        "sessionStorage.getItem('digitrec-tab-full') ?? sessionStorage.setItem('digitrec-tab-full', 'yes')"
    )
    page = context.new_page()
    page.goto(f"{server}/Upload")
    warning = page.get_by_text("before it was reloaded could not be kept")
    expect(warning).to_be_visible()
    settle(page)
    page.locator(".st-key-files input[type=file]").set_input_files(files[:1])
    expect(page.locator(".st-key-text_1")).to_have_text("7")
    expect(warning).to_have_count(0)
    settle(page)
    page.get_by_role("button", name="Remove all").click()
    expect(page.get_by_role("button", name="Try an example")).to_be_visible()
    settle(page)
    page.reload()
    expect(page.get_by_role("button", name="Try an example")).to_be_visible()
    settle(page)
    expect(warning).to_have_count(0)
    context.close()
