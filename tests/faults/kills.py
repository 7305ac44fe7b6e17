"""Kill what writes, at random moments, and look whether anything is lost, half or locked afterwards.

    python -m tests.faults.kills [--count 200] [--trainings 20] [--servers 10] [--seed 0]

Of COUNT kills, all by SIGKILL, so many hit a real training and so many a real server with a browser on Train; of the
others, half hit one of the app's writing deeds at a random moment and half right before one of its writes. Then every
write of every deed is gone through once: killed there, and with the disk full or read-only from there on.

After each: every model that was there loads and reads as before, every run is finished, stopped, or failed or
interrupted with its reason, no half file is listed, no lock is held, and the same deed can be done again.
"""

import argparse
import contextlib
import errno
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from digitrec.jobs import run_folder, runs, scheduler
from digitrec.registry import registry
from tests.faults import deeds, points
from tests.faults.deeds import Deed

LONG = deeds.RECIPE.replace(name="killed", epochs=1)
DEADLOCK = 600  # seconds after which a wait is given up
LATEST = 9.0  # seconds into a training, or a visit, that it is killed at most
AFTER_TESTS = 2.0  # seconds in which a training writes its model
MOST_POINTS = 60  # writes of a deed

failures: list[str] = []


def told(what: str, found: list[str]) -> None:
    """Keep what is wrong, and say it."""
    for sentence in found:
        failures.append(f"{what}: {sentence}")
        print(f"WRONG after {what}: {sentence}", flush=True)


@contextlib.contextmanager
def home() -> Iterator[Path]:
    """A filled home of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        before = os.environ.get("DIGITREC_HOME")
        os.environ["DIGITREC_HOME"] = name
        try:
            deeds.seed(folder)
            yield folder
        finally:
            os.environ.pop("DIGITREC_HOME")
            if before is not None:
                os.environ["DIGITREC_HOME"] = before


def broken_off(number: int, hit: Callable[[Deed, Path], int]) -> tuple[str, int]:
    """Do one deed in a home of its own, broken off by `hit`; check what is left; return the deed and how it ended."""
    with deeds.nobody_trains(), home() as folder:
        deed = deeds.deeds(folder)[number]
        ended = hit(deed, folder)
        if ended == points.BROKE or (ended == points.DISK and not deed.by_worker):
            told(deed.name, ["something else than a DigitrecError came out"])
        told(deed.name, deeds.wrong(folder, gone=("mine",) if "model" in deed.name else ()))
        if not deed.done():
            again = points.end(points.start(deed.do))
            if again != points.DONE or not deed.done():
                told(deed.name, [f"it cannot be done again ({again})"])
            told(f"{deed.name}, again", deeds.wrong(folder, gone=("mine",) if "model" in deed.name else ()))
    return deed.name, ended


def count_deeds() -> int:
    with home() as folder:
        return len(deeds.deeds(folder))


def at_random(dice: random.Random) -> Callable[[Deed, Path], int]:
    """Return a hit that kills a deed at some moment within the time that it takes."""

    def hit(deed: Deed, folder: Path) -> int:
        pid = points.start(deed.do)
        time.sleep(dice.uniform(0.0, 0.03))
        os.kill(pid, signal.SIGKILL)
        return points.end(pid)

    return hit


def at_write(number: int) -> Callable[[Deed, Path], int]:
    """Return a hit that kills a deed right before its write of this number."""
    return lambda deed, folder: points.end(points.start(deed.do, points.kill_at(number, folder)))


def refused_at(number: int, code: int) -> Callable[[Deed, Path], int]:
    """Return a hit that has the disk full or read-only from a deed's write of this number on."""
    return lambda deed, folder: points.end(points.start(deed.do, points.refuse_from(number, folder, code)))


def every_write(number: int, code: int | None) -> int:
    """Go through all writes of a deed: killed at each, or refused from each on; return how many there are."""
    for place in range(1, MOST_POINTS):
        name, ended = broken_off(number, refused_at(place, code) if code else at_write(place))
        if ended == points.DONE:
            return place - 1
        if code and ended == points.KILLED:
            told(name, ["killed, though only refused"])
    told(name, [f"more than {MOST_POINTS} writes"])
    return MOST_POINTS


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + DEADLOCK
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"never {what}")
        time.sleep(0.02)


def tests_or_ended(run: runs.Run) -> bool:
    return runs.progress(run).testing or not runs.get(run.id).active


def trainings(count: int, dice: random.Random) -> int:
    """Kill real trainings, half of them while they write their model; resume each; return how many were hit."""
    hits = 0
    with home() as folder:
        run = runs.start(LONG)
        while hits < count:
            if dice.random() < 0.5:
                until(partial(tests_or_ended, run), "testing")
                time.sleep(dice.uniform(0.0, AFTER_TESTS))
            else:
                time.sleep(dice.uniform(0.0, LATEST))
            child = scheduler.process(run.folder, run_folder.read_status(run.folder).started)
            assert child
            was = runs.get(run.id)
            child.kill()
            child.wait()
            hits += was.active
            ended = runs.get(run.id)
            what = f"a training killed while {was.state}"
            if ended.state not in deeds.ENDED or (not ended.message and ended.state != "finished"):
                told(what, [f"{ended.state} {ended.message!r}"])
            if ended.card:
                whole(what, ended)
            run = runs.resume(ended) if ended.resumable else runs.start(LONG)
        until(lambda: not runs.get(run.id).active, "at an end")
        ended = runs.get(run.id)
        if ended.state != "finished":
            told("trainings", [f"the last is {ended.state}: {ended.message}"])
        else:
            whole("trainings", ended)
        told("trainings", models(folder))
    return hits


def whole(what: str, run: runs.Run) -> None:
    """Check that a run with a card has a model that can be saved and read with."""
    name = registry.free_name("whole")
    try:
        registry.add(name, run.folder)
        registry.predictor(name)
        registry.remove(name)
    except Exception as error:
        told(what, [f"its model: {error!r}"])


def models(folder: Path) -> list[str]:
    """Return what is wrong with the models and the listed runs of a home in which real runs were started."""
    for name in ("halted", "under-way", "ended", "damaged"):
        shutil.rmtree(folder / "runs" / name, ignore_errors=True)
    return deeds.wrong(folder)


def servers(count: int, dice: random.Random) -> int:
    """Kill real servers while a browser clicks on Train; start each anew on the same home."""
    for part in ("browser", "bench"):
        sys.path.insert(0, str(Path(__file__).parents[1] / part))
    from serving import chromium, serve

    with home() as folder, chromium() as browser:
        for number in range(count):
            with tempfile.TemporaryDirectory() as name, serve(Path(name), home=folder) as app:
                page = browser.new_page()
                page.goto(f"{app.url}/Train")
                page.locator(".st-key-run_status").wait_for(timeout=1000 * DEADLOCK)
                for key in dice.sample(["start", "stop", "resume", "delete", "keep_model"], 5):
                    button = page.locator(f".st-key-{key} button")
                    if button.count() and button.is_enabled():
                        button.click(no_wait_after=True)
                        break
                time.sleep(dice.uniform(0.0, 1.0))
                os.kill(app.pid, signal.SIGKILL)
                page.close()
            told(f"server {number + 1} was killed", [x for x in deeds.wrong(folder) if " is queued" not in x
                 and " is starting" not in x and " is running" not in x and " is stopping" not in x
                 and " is locked" not in x])  # fmt: skip
        for run in runs.runs():
            if run.active:
                runs.stop(run)
        until(lambda: not any(run.active for run in runs.runs()), "at an end")
        told("servers", models(folder))
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="kills in all")
    parser.add_argument("--trainings", type=int, default=20, help="of them, of a real training")
    parser.add_argument("--servers", type=int, default=10, help="of them, of a real server")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-survey", action="store_true", help="leave out the way through every write")
    options = parser.parse_args()
    dice, counted = random.Random(options.seed), Counter[str]()
    count, wanted = count_deeds(), options.count - options.trainings - options.servers
    while (killed := counted.total()) < wanted:
        hit, kind = (at_random(dice), "a random moment") if killed % 2 else (at_write(dice.randint(1, 5)), "a write")
        if broken_off(dice.randrange(count), hit)[1] == points.KILLED:
            counted[f"deeds killed at {kind}"] += 1
    if not options.no_survey:
        for number in range(count):
            counted["every write: killed"] += every_write(number, None)
            counted["every write: disk full from there on"] += every_write(number, errno.ENOSPC)
            counted["every write: disk read-only from there on"] += every_write(number, errno.EROFS)
    if options.trainings:
        counted["trainings: killed"] += trainings(options.trainings, dice)
    if options.servers:
        counted["servers: killed"] += servers(options.servers, dice)
    for kind, number in sorted(counted.items()):
        print(f"{number:5d}  {kind}")
    print(f"{len(failures)} things went wrong")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
