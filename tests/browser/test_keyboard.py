"""All five pages are used with the keyboard alone; only drawing needs a pointer."""

import re
from collections.abc import Callable, Iterator

import pytest
from keyboard import tab_to
from playwright.sync_api import Page, expect
from serving import Server, serve

from tests.waiting import DEADLOCK


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, small_trainings: None) -> Iterator[Server]:
    """A server of its own, whose trainings are small."""
    with serve(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def server(app: Server) -> str:
    return app.url


def go(page: Page, name: str, settled: Callable[[], None]) -> None:
    """Go to another page by its link in the sidebar."""
    page.keyboard.press("Control+Home")
    tab_to(page, name)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(name)
    settled()


def choose(page: Page, label: str, option: str) -> None:
    """Choose in a list by typing the option's name."""
    tab_to(page, label)
    page.keyboard.press("Control+A")
    page.keyboard.type(option)
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def test_models_files_trainings_and_sections_need_no_pointer(
    visit: Callable[[str], Page], settled: Callable[[], None]
) -> None:
    page = visit("")
    go(page, "Draw", settled)
    choose(page, "Model 2", "cnn-best")
    expect(page.get_by_role("combobox", name="Model 2")).to_have_attribute("value", "CNN · cnn-best")
    settled()
    go(page, "Upload", settled)
    with page.expect_file_chooser():
        tab_to(page, "Upload", ".st-key-files")
        page.keyboard.press("Enter")
    go(page, "Train", settled)
    choose(page, "Recipe", "mlp-30-10")
    expect(page.locator(".st-key-recipe input")).to_have_attribute("value", re.compile("mlp-30-10"))
    settled()
    tab_to(page, "Start")
    page.keyboard.press("Enter")
    tab_to(page, "Stop")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-run_status")).to_contain_text("stopped", timeout=1000 * DEADLOCK)
    settled()
    go(page, "Compare", settled)
    tab_to(page, "Bring your own model")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-bring")).to_contain_text("Import its file")
