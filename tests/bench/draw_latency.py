"""Draw: pointer up to answer changed, beside a bare app with the same canvas that prints the number of strokes.

    python -m tests.bench.draw_latency [STROKES]

Both apps run at once and take turns, stroke by stroke, each on an empty canvas, so that every stroke changes the
answer. Times are taken in the page by a MutationObserver.
"""

import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from playwright.sync_api import Page
from serving import chromium, serve
from strokes import SEVEN, draw

ONE = [(140, 50), (140, 230)]

WATCH = """() => {
  const answer = () => document.querySelector('.st-key-answer_1')?.innerText.trim();
  window.times = [];
  let from = null, before = null;
  addEventListener('pointerup', () => { from = performance.now(); before = answer(); }, true);
  new MutationObserver(() => {
    if (from !== null && answer() !== before) { times.push(performance.now() - from); from = null; }
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


def stroke(page: Page, number: int) -> None:
    """Draw one stroke and wait until the answer has changed."""
    count = page.evaluate("times.length")
    draw(page, (SEVEN, ONE)[number % 2])  # a 0 would look like the empty canvas of the bare app
    page.wait_for_function(f"times.length > {count}")
    page.wait_for_timeout(300)


def clear(page: Page) -> None:
    """Empty the canvas."""
    page.locator(".st-key-clear button").click()
    page.wait_for_function("['–', '0'].includes(document.querySelector('.st-key-answer_1').innerText.trim()[0])")
    page.wait_for_timeout(300)


def opened(page: Page, url: str) -> Page:
    """Open an app with a canvas and begin to watch its answer."""
    page.goto(url)
    page.locator(".st-key-canvas canvas").last.wait_for()
    page.wait_for_timeout(1500)
    page.evaluate(WATCH)
    return page


def main() -> None:
    strokes = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as two,
        serve(Path(one)) as app,
        serve(Path(two), "tests/bench/bare_canvas.py") as bare,
        chromium() as browser,
    ):
        pages = [opened(browser.new_page(), url) for url in (f"{app.url}/Draw", bare.url)]
        times: list[list[float]] = [[], []]
        for number in range(strokes + 1):
            for page, measured in zip(pages, times, strict=True):
                page.bring_to_front()
                stroke(page, number)
                if number:  # the first one opens models and fills caches
                    measured.append(page.evaluate("times.at(-1)"))
                clear(page)
        ours, theirs = (statistics.median(measured) for measured in times)
        print(f"pointer up to answer changed, median of {strokes} strokes:")
        print(f"Draw {ours:.0f} ms, bare canvas {theirs:.0f} ms, ratio {ours / theirs:.2f} (at most 1.15)")


if __name__ == "__main__":
    main()
