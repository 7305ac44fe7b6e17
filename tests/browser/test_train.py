"""A net trained from the page: live curves, a reload in the middle, and the new model read with on Draw."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect
from serving import Server, choose, serve, settle
from strokes import SEVEN, draw

from tests.waiting import DEADLOCK, suspended, until


def start(page: Page, recipe: str, epochs: int) -> None:
    choose(page, "recipe", recipe)
    settle(page)
    page.locator(".st-key-epochs input").fill(str(epochs))
    page.locator(".st-key-epochs input").press("Enter")
    expect(page.locator(".st-key-epochs input")).to_have_value(str(epochs))
    page.locator(".st-key-start button").click()


def state(page: Page, word: str) -> None:
    expect(page.locator(".st-key-run_status")).to_contain_text(word, timeout=1000 * DEADLOCK)


def new_run(app: Server, before: set[Path]) -> Path:
    """Return the folder of the run that was started since."""
    folders = lambda: set((app.home / "runs").glob("[!.]*/")) - before  # noqa: E731
    until(folders, "started")
    [folder] = folders()
    return folder


def test_a_run_is_reloaded_stopped_from_another_server_resumed_kept_and_read_with(
    visit: Callable[[str], Page], app: Server, tmp_path: Path, small_path: str
) -> None:
    before = set((app.home / "runs").glob("[!.]*/"))
    page = visit("Train")
    start(page, "mlp-128-128", 40)
    run = new_run(app, before)
    with suspended(run), serve(tmp_path, home=app.home, PYTHONPATH=small_path) as other:
        state(page, "running")
        expect(page.locator(".st-key-curves .scatterlayer .trace").first).to_be_attached()
        plot = page.locator(".st-key-curves .js-plotly-plot").first
        expect(plot.locator(".main-svg").first).to_be_attached()
        box = plot.bounding_box()
        assert box
        assert box["width"] > 400  # what is watched has its place beside
        expect(page.locator(".st-key-watched figure")).to_have_count(10)
        page.reload()
        state(page, "running")
        page.locator(".st-key-start button").click()
        state(page, "queued: 1 run before it")
        page.locator(".st-key-stop button").click()
        state(page, "stopped")
        choose(page, "run", "running")
        state(page, "running")
        page.goto(page.url.replace(app.url, other.url))
        state(page, "running")
        page.locator(".st-key-stop button").click()
        state(page, "stopping")
        page.goto(page.url.replace(other.url, app.url))
    state(page, "stopped: epoch")
    expect(page.get_by_text("Accuracy on the 10,000 test digits")).to_be_visible()
    page.locator(".st-key-resume button").click()
    state(page, "finished: epoch 40.00 of 40")
    cell = page.locator(".st-key-confusion .scatterlayer .point").nth(10 * 9 + 4)
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_text("with label 9 and prediction 4")).to_be_visible()
    page.locator(".st-key-model_name input").fill("mine")
    page.locator(".st-key-keep_model button").click()
    expect(page.get_by_text("mine can now be chosen")).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Draw").click()
    choose(page, "model_1", "mine")
    page.locator(".st-key-canvas canvas").last.wait_for()
    draw(page, SEVEN)
    expect(page.locator(".st-key-answer_1")).to_contain_text("7")


def test_what_cannot_work_is_refused_with_a_sentence(visit: Callable[[str], Page]) -> None:
    page = visit("Train")
    choose(page, "recipe", "MLP · your own")
    widths = page.get_by_role("textbox", name="Widths of the hidden layers")
    widths.fill("many")
    widths.press("Enter")
    expect(page.get_by_text("Widths are whole numbers separated by commas")).to_be_visible()
    expect(page.locator(".st-key-start")).to_have_count(0)
