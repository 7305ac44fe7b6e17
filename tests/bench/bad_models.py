"""Damaged model files of each format, each read in the process that can only compute: none loads, hangs or crashes.

python -m tests.bench.bad_models [--count 10000] [--seed 0]

A file in which only numbers of weights were changed is a whole file of another model: it is read as one, and counted.
"""

import argparse
import random
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import badmodels
import modeldata

from digitrec.errors import ModelError
from digitrec.registry.importing import sandbox

SECONDS, MEGABYTES = 5.0, 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    each = -(-options.count // len(modeldata.FILES))
    print(
        f"{'format':8} {'files':>6} {'refused':>8} {'read':>8} {'gave up':>8} {'crashed':>8} "
        f"{'slowest':>8} {'memory':>7}"
    )
    for name in modeldata.FILES:
        counts = {"refused": 0, "read": 0, "gave up": 0, "crashed": 0}
        slowest, broken = 0.0, []
        for number in range(each):
            data = badmodels.spoiled(name, random.Random(f"{options.seed} {name} {number}"))
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            before = used.ru_utime + used.ru_stime
            try:
                sandbox.read(data)
                came = "read"
            except ModelError as error:
                why = str(error)
                came = "crashed" if why == sandbox.CRASHED else "gave up" if why in badmodels.GAVE_UP else "refused"
            except BaseException as error:
                came = "crashed"
                broken.append(f"{name} {number}: {type(error).__name__}: {error}"[:100])
            counts[came] += 1
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            slowest = max(slowest, used.ru_utime + used.ru_stime - before)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        figures = " ".join(f"{count:8,}" for count in counts.values())
        print(f"{name:8} {each:6,} {figures} {slowest:6.2f} s {peak:5} MB", flush=True)
        print("".join(f"    {line}\n" for line in broken[:20]), end="", flush=True)
        assert slowest < SECONDS + 1.5, "the limit of processor time did not hold"
        assert peak < MEGABYTES + 512, "the limit of memory did not hold"


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"{time.monotonic() - began:.0f} s")
