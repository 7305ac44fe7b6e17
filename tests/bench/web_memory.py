"""The web process: resident memory after all pages were used and two models loaded; TensorFlow is not in it.

python -m tests.bench.web_memory
"""

import io
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from PIL import Image
from serving import chromium, serve
from strokes import SEVEN, draw

from digitrec.datasets import mnist


def resident(pid: int, which: str = "VmRSS") -> float:
    """Return a process's resident memory in MB; with `VmHWM`, the most that it had."""
    found = re.search(rf"{which}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as app, chromium() as browser:
        page = browser.new_page()
        page.goto(app.url)
        page.get_by_text("Available models").wait_for()
        print(f"Home             {resident(app.pid):6.0f} MB")
        page.goto(f"{app.url}/Draw")
        page.locator(".st-key-canvas canvas").last.wait_for()
        page.wait_for_timeout(1000)
        draw(page, SEVEN)
        page.wait_for_function("document.querySelector('.st-key-answer_2').innerText.trim()[0] === '7'")
        print(f"Draw, two models {resident(app.pid):6.0f} MB")
        page.goto(f"{app.url}/Upload")
        files = []
        for number, picture in enumerate(mnist.test()[0][:10]):
            stream = io.BytesIO()
            Image.fromarray(255 - picture).resize((600, 600)).save(stream, "JPEG")
            files.append({"name": f"digit{number}.jpg", "mimeType": "image/jpeg", "buffer": stream.getvalue()})
        page.locator(".st-key-files input[type=file]").first.set_input_files(files)
        page.locator(".st-key-text_10").wait_for()
        print(f"Upload, 10 files {resident(app.pid):6.0f} MB")
        page.goto(f"{app.url}/Train")
        page.locator(".st-key-start button").click()
        page.get_by_text("Most confident mistakes").wait_for(timeout=120_000)
        print(f"Train, one run   {resident(app.pid):6.0f} MB")
        page.goto(f"{app.url}/Compare")
        page.locator(".st-key-scores").wait_for()
        page.wait_for_timeout(3000)
        print(f"Compare          {resident(app.pid):6.0f} MB (at most 300)")
        loaded = "tensorflow" in Path(f"/proc/{app.pid}/maps").read_text()
        print(f"TensorFlow loaded: {'yes' if loaded else 'no'}")


if __name__ == "__main__":
    main()
