"""Train: click on Start to a visible `starting`, and to the first point of a curve, in Chromium.

python -m tests.bench.first_point [TIMES]
"""

import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from serving import chromium, serve

WATCH = """() => {
  window.seen = {};
  const status = () => document.querySelector('.st-key-run_status')?.innerText ?? '';
  let from = null;
  document.querySelector('.st-key-start button').addEventListener('click', () => { from = performance.now(); }, true);
  new MutationObserver(() => {
    if (from === null) return;
    if (!seen.starting && status().startsWith('starting')) seen.starting = performance.now() - from;
    const points = document.querySelector('.st-key-curves .scatterlayer .trace path.js-line, .st-key-curves .point');
    if (!seen.point && status().startsWith('running') && points) seen.point = performance.now() - from;
  }).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
}"""


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    starting, point = [], []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as app, chromium() as browser:
            page = browser.new_page()
            page.goto(f"{app.url}/Train")
            page.locator(".st-key-start button").wait_for()
            page.wait_for_timeout(2000)
            page.evaluate(WATCH)
            page.locator(".st-key-start button").click()
            page.wait_for_function("seen.point", timeout=60_000)
            starting.append(page.evaluate("seen.starting"))
            point.append(page.evaluate("seen.point"))
            page.locator(".st-key-stop button").click()
            page.wait_for_function("document.querySelector('.st-key-run_status').innerText.startsWith('stopped')")
    print(f"click on Start, median (and worst) of {times}, each in a fresh server:")
    print(f"to `starting` {statistics.median(starting):.0f} ms ({max(starting):.0f}; at most 1,000)")
    print(f"to the first point {statistics.median(point):.0f} ms ({max(point):.0f}; at most 8,000)")


if __name__ == "__main__":
    main()
