"""The web process: resident memory before and after each of ten trainings that one visitor starts and watches.

python -m tests.bench.ten_runs [TIMES]
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from playwright.sync_api import Page
from serving import choose, chromium, serve, settle

from tests.bench.web_memory import resident

STARTED = """before => {
  const run = new URL(location).searchParams.get('run');
  return run && run !== before && document.querySelector('.st-key-run_status');
}"""
FINISHED = "document.querySelector('.st-key-run_status').innerText.startsWith('finished')"
PATIENCE = 300_000  # milliseconds


def train(page: Page) -> None:
    """Train a small net of one epoch from the page, and look at what came of it."""
    before = page.evaluate("new URL(location).searchParams.get('run')")
    page.locator(".st-key-start button").click()
    page.wait_for_function(STARTED, arg=before, timeout=PATIENCE)
    page.wait_for_function(FINISHED, timeout=PATIENCE)
    page.get_by_text("Downloads").wait_for()
    settle(page)
    page.wait_for_timeout(500)


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as app, chromium() as browser:
        page = browser.new_page()
        page.goto(f"{app.url}/Train")
        choose(page, "recipe", "MLP · your own")
        page.locator(".st-key-epochs input").fill("1")
        page.locator(".st-key-epochs input").press("Enter")
        widths = page.get_by_role("textbox", name="Widths of the hidden layers")
        widths.fill("16")
        widths.press("Enter")
        page.wait_for_timeout(3000)
        began = resident(app.pid)
        print(f"Train, no run yet {began:6.1f} MB", flush=True)
        for number in range(1, times + 1):
            train(page)
            now = resident(app.pid)
            print(
                f"after run {number:2}      {now:6.1f} MB, {now - began:+.1f} MB (at most +20 in the end)", flush=True
            )


if __name__ == "__main__":
    main()
