"""Compare beside Home in Chromium: from the address typed to the last change of the page.

python -m tests.bench.compare_open [TIMES]

Both are opened in turn, each in a fresh window without a cache, in one server that has shown both before.
"""

import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from playwright.sync_api import Browser
from serving import chromium, serve

LIMIT = 1.5  # times Home
QUIET = 1_500  # milliseconds without a change after the script has ended: the page is complete

WATCH = """() => {
  window.last = 0;
  addEventListener('DOMContentLoaded', () => new MutationObserver(() => { last = performance.now(); }).observe(
    document.body, {subtree: true, childList: true, characterData: true, attributes: true}));
}"""
DONE = f"""document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
  && document.querySelector(window.end) && performance.now() - last > {QUIET}"""


def opened(browser: Browser, url: str, end: str) -> float:
    """Return the seconds until a page is complete; `end` is a selector of its last part."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.add_init_script(f"({WATCH})(); window.end = {end!r};")
    page.goto(url)
    page.wait_for_function(DONE, timeout=600_000)
    took: float = page.evaluate("last") / 1000
    context.close()
    return took


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    pages = {"": '[data-testid="stDataFrame"]', "Compare": ".st-key-only_one"}
    took: dict[str, list[float]] = {name: [] for name in pages}
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as app, chromium() as browser:
        for turn in range(times + 1):
            for name, end in pages.items():
                seconds = opened(browser, f"{app.url}/{name}", end)
                if turn:
                    took[name].append(seconds)
    home, compare = (statistics.median(took[name]) for name in pages)
    print(f"complete, median of {times}: Home {home:.2f} s, Compare {compare:.2f} s")
    print(f"{compare / home:.2f} x (limit {LIMIT} x)")


if __name__ == "__main__":
    main()
