"""Inputs that a coverage-guided fuzzer finds: atheris, which is not installed in this project's environment.

python -m venv FUZZ && FUZZ/bin/pip install atheris
PYTHONPATH=.venv/lib/python3.11/site-packages FUZZ/bin/python -m tests.bench.guided NAME [SECONDS]

NAME is one of those that `python -m tests.bench.bad_input --help` lists. An input that raises anything but a
DigitrecError, hangs for 30 s or takes more than 1 GB ends the search; where it was written is printed.
"""

import os
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-not-found]

sys.path.insert(0, str(Path(__file__).parents[1]))

PARSERS = (
    "address",
    "calibration",
    "card",
    "cli",
    "insight",
    "pdf",
    "recipe",
    "registry",
    "replay",
    "runfolder",
    "runs",
)
"""What is watched beside Pillow: of modules that compare arrays, atheris 3.0 keeps every array."""

with atheris.instrument_imports(include=["PIL", *(f"digitrec.{module}" for module in PARSERS)]):
    from badinput import TARGETS

from digitrec.errors import DigitrecError  # noqa: E402


def main() -> None:
    name, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "60"
    target, home, corpus = TARGETS[name], tempfile.mkdtemp(), Path(tempfile.mkdtemp())
    os.environ["DIGITREC_HOME"] = home
    for number, seed in enumerate(target.seeds()):
        (corpus / str(number)).write_bytes(seed)

    def take(data: bytes) -> None:
        try:
            target.take(data, Path(home))
        except DigitrecError:
            pass
        except ValueError:
            if target.form != "value":  # of a value others have checked that it is JSON
                raise

    limits = [
        f"-max_total_time={seconds}",
        "-timeout=30",
        "-rss_limit_mb=1024",
        "-max_len=100000",
        f"-artifact_prefix={home}/",
    ]
    atheris.Setup([sys.argv[0], *limits, str(corpus)], take)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
