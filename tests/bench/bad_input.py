"""Damaged input of every kind, in separate processes: each must be answered, or refused in a sentence.

python -m tests.bench.bad_input [--count 100000] [--seed 0] [--processes 2] [NAME...]

A process may use 1 GB of memory, and 5 s of processor time per input, so that other work does not count. A process
that takes more, or dies, is reported with the number of its input and restarted after it.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
from badinput import TARGETS, spoiled

from digitrec.errors import DigitrecError

SECONDS, MEGABYTES = 5.0, 1024
CHUNK = 500  # inputs a process
ANSWERED, REFUSED = "answered", "refused"


def work(name: str, seed: int, first: int, last: int) -> None:
    """Take inputs and print a line each: its number before, what came of it and how long it took after."""
    data = MEGABYTES * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    cv2.setNumThreads(1)  # threads that wait for each other spend processor time
    target, folder = TARGETS[name], Path(os.environ["DIGITREC_HOME"])
    seeds = target.seeds()
    for number in range(first, last):
        content = spoiled(target, seeds, random.Random(f"{seed} {name} {number}"))
        print(f"begin {number}", flush=True)
        began = time.process_time()
        try:
            target.take(content, folder)
            came = ANSWERED
        except DigitrecError:
            came = REFUSED
        except BaseException as error:
            came = f"{type(error).__name__}: {' '.join(str(error).split())[:90]}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"end {time.process_time() - began:.4f} {peak} {came}", flush=True)


class Tally:
    """What came of a target's inputs.

    Attributes:
        counts: How many were answered and refused.
        broken: A sentence on each that was neither.
        slowest: Seconds of processor time.
        peak: Megabytes.
    """

    def __init__(self) -> None:
        self.counts = {ANSWERED: 0, REFUSED: 0}
        self.broken: list[str] = []
        self.slowest, self.peak = 0.0, 0


def watch(name: str, seed: int, first: int, last: int, tally: Tally) -> None:
    """Have a process take inputs; after one that broke it, go on behind it."""
    while first < last:
        home = tempfile.mkdtemp()
        command = [sys.executable, "-W", "error", "-m", "tests.bench.bad_input", "--work", str(first), str(last)]
        process = subprocess.Popen(
            [*command, "--seed", str(seed), name],
            env=os.environ | {"DIGITREC_HOME": home},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout
        now: list[float] = [-1.0]  # processor seconds at which the present input began; below 0 between two
        threading.Thread(target=_guard, args=(process, now), daemon=True).start()
        for line in process.stdout:
            word, *rest = line.split(" ", 3)
            if word == "begin":
                at, now[0] = int(rest[0]), _processor_time(process.pid)
            elif word == "end":
                now[0] = -1.0
                _note(tally, f"{name} {at}", *rest)
        status, hung = process.wait(), now[0] >= 0
        if hung:
            died = signal.Signals(-status).name if status < 0 else f"status {status}"
            tally.broken.append(f"{name} {at}: {'hangs' if died == 'SIGKILL' else died}")
        shutil.rmtree(home, ignore_errors=True)
        if not hung and status:
            tally.broken.append(f"{name}: the process ended with {status} before the first input")
            return
        first = at + 1


def _note(tally: Tally, which: str, seconds: str, peak: str, came: str) -> None:
    came = came.strip()
    tally.slowest, tally.peak = max(tally.slowest, float(seconds)), max(tally.peak, int(peak))
    if came in tally.counts:
        tally.counts[came] += 1
    else:
        tally.broken.append(f"{which}: {came}")
    if float(seconds) > SECONDS:
        tally.broken.append(f"{which}: {seconds} s")


def _guard(process: "subprocess.Popen[str]", now: list[float]) -> None:
    """Kill a process that works too long on an input, or waits for two minutes."""
    began, since = -1.0, time.monotonic()
    while process.poll() is None:
        if now[0] != began:
            began, since = now[0], time.monotonic()
        if began >= 0 and (_processor_time(process.pid) - began > SECONDS or time.monotonic() - since > 120):
            process.kill()
        time.sleep(0.2)


def _processor_time(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(TARGETS), metavar="NAME", help=", ".join(TARGETS))
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--work", type=int, nargs=2, metavar=("FIRST", "LAST"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.names[0], options.seed, *options.work)
        return
    began, total, broken = time.monotonic(), 0, 0
    shares = sum(TARGETS[name].share for name in options.names)
    print(f"{'input':22} {'answered':>9} {'refused':>8} {'broken':>7} {'slowest':>8} {'memory':>8}")
    for name in options.names:
        tally, count = Tally(), -(-options.count * TARGETS[name].share // shares)
        _take_all(name, options.seed, count, options.processes, tally)
        good = sum(tally.counts.values())
        total, broken = total + good + len(tally.broken), broken + len(tally.broken)
        answered, refused = tally.counts.values()
        print(f"{name:22} {answered:9,} {refused:8,} {len(tally.broken):7,} {tally.slowest:6.2f} s {tally.peak:5} MB")
        print("".join(f"    {each}\n" for each in tally.broken[:20]), end="", flush=True)
    print(f"{total:,} inputs, {broken:,} of them broke something; {(time.monotonic() - began) / 60:.0f} min")


def _take_all(name: str, seed: int, count: int, processes: int, tally: Tally) -> None:
    """Have several processes take a target's inputs, chunk by chunk."""
    chunks = iter([(first, min(count, first + CHUNK)) for first in range(0, count, CHUNK)])
    lock = threading.Lock()

    def take() -> None:
        while True:
            with lock:
                chunk = next(chunks, None)
            if chunk is None:
                return
            watch(name, seed, *chunk, tally)

    threads = [threading.Thread(target=take) for _ in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
