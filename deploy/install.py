"""Install what the app or its tests need, as pinned with hashes: `python deploy/install.py requirements`.

`NAME.lock` has what was tested. Where it has nothing for this platform or Python, `NAME.txt` is installed, and a
sentence says so. Any other failure is one: a file that does not match its hash is never replaced by an unpinned one.
"""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
NO_ENTRY = ("No matching distribution found", "from versions: none")


def main(name: str) -> int:
    """Install `name`.lock, or `name`.txt, into this Python's environment and return pip's exit status."""
    # Wheels only: where there is none for this platform, pip would build for an hour what nobody has tested.
    lock = [*PIP, "--only-binary=:all:", "--require-hashes", "--requirement", str(PROJECT / f"{name}.lock")]
    done = subprocess.run(lock, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode and any(sentence in done.stderr for sentence in NO_ENTRY):
        print(
            f"digitrec: {name}.lock has no entry for this platform or Python, so {name}.txt is installed. "
            "Its versions may be newer than those that were tested.",
            file=sys.stderr,
        )
        return subprocess.run([*PIP, "--requirement", str(PROJECT / f"{name}.txt")], check=False).returncode
    sys.stderr.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
