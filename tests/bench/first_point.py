"""Train: click on Start to a visible `starting`, and to the first point of a curve, in Chromium.

Cold: no process was prepared for the run (`DIGITREC_WARM_MINUTES=0`), as for the second of two runs.
Warm: Train has been open for ten seconds.

python -m tests.bench.first_point [TIMES]
"""

import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from serving import chromium, serve

OPEN = 10_000  # milliseconds that Train is open before the click

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


def measure(warm: bool) -> tuple[float, float]:
    """Return the milliseconds from click to `starting`, and to the first point, in a fresh server."""
    os.environ["DIGITREC_WARM_MINUTES"] = "5" if warm else "0"
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as app, chromium() as browser:
        page = browser.new_page()
        page.goto(f"{app.url}/Train")
        page.locator(".st-key-start button").wait_for()
        page.wait_for_timeout(OPEN)
        page.evaluate(WATCH)
        page.locator(".st-key-start button").click()
        page.wait_for_function("seen.point", timeout=120_000)
        seen = page.evaluate("seen.starting"), page.evaluate("seen.point")
        page.locator(".st-key-stop button").click()
        page.wait_for_function("document.querySelector('.st-key-run_status').innerText.startsWith('stopped')")
        return seen


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    measured: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for _ in range(times):
        for warm, found in measured.items():
            found.append(measure(warm))
    print(f"click on Start, median (and worst) of {times}, each in a fresh server, Train open for {OPEN / 1000:.0f} s:")
    for warm, limit in ((False, 8_000), (True, 2_000)):
        starting, point = zip(*measured[warm], strict=True)
        word = "warm" if warm else "cold"
        print(f"{word}: to `starting` {statistics.median(starting):.0f} ms ({max(starting):.0f}; at most 1,000)")
        print(f"{word}: to the first point {statistics.median(point):.0f} ms ({max(point):.0f}; at most {limit:,})")


if __name__ == "__main__":
    main()
