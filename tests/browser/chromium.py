"""Find a Chromium for the browser tests, or get one: `python tests/browser/chromium.py`.

Debian's package where apt-get works, Playwright's own download elsewhere.
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")


def executable() -> str | None:
    """Return the path of an installed Chromium, or None for the one that Playwright downloaded."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> None:
    if executable():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "-qq", *words], stdout=subprocess.DEVNULL, check=False)
        if executable():
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


if __name__ == "__main__":
    main()
