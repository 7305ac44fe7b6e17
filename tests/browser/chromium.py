"""Find a Chromium for the browser tests, or get one: `python tests/browser/chromium.py`.

Wanted is the headless shell, which draws the same pages in two thirds of the processor time: Debian's package where
apt-get works, Playwright's own download elsewhere. Any other Chromium that is there does too.
"""

import os
import shutil
import subprocess
import sys

SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome")


def executable() -> str | None:
    """Return the path of an installed Chromium, or None for the one that Playwright downloaded."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> None:
    if shutil.which(SHELL):
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        brief = ["-qq", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]  # it may be cut off from the net
        for words in (["update"], ["install", "-y", "--no-install-recommends", SHELL]):
            subprocess.run(["apt-get", *brief, *words], stdout=subprocess.DEVNULL, check=False)
    if not executable():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


if __name__ == "__main__":
    main()
