"""Kill what writes, at random moments, and check whether anything is lost, half or locked afterwards.

    python -m tests.faults.kills [--count 200] [--trainings 20] [--servers 10] [--seed 0]

Of COUNT kills, all by SIGKILL, so many hit a real training and so many a real server with a browser on Train; of the
others, half hit one of the app's writing actions at a random moment and half right before one of its writes. Then every
write of every action is gone through once: killed there, and with the disk full or read-only from there on.

After each: every model that was there loads and reads as before, every run is finished, stopped, or failed or
interrupted with its reason, no half file is listed, no lock is held, and the same action can be done again.
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

from digitrec.jobs import job, runs
from digitrec.registry import registry
from tests.faults import actions, points
from tests.faults.actions import Action
from tests.waiting import DEADLOCK, until

LONG = actions.RECIPE.replace(name="killed", epochs=1)
LATEST = 9.0  # seconds into a training, or a visit, that it is killed at most
AFTER_TESTS = 2.0  # seconds in which a training writes its model
MOST_POINTS = 60  # writes of an action

failures: list[str] = []


def record(what: str, found: list[str]) -> None:
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
            actions.seed(folder)
            yield folder
        finally:
            os.environ.pop("DIGITREC_HOME")
            if before is not None:
                os.environ["DIGITREC_HOME"] = before


def broken_off(number: int, hit: Callable[[Action, Path], int]) -> tuple[str, int]:
    """Do one action in a home of its own, broken off by `hit`; check what is left; return its name and how it ended."""
    with actions.nobody_trains(), home() as folder:
        action = actions.actions(folder)[number]
        ended = hit(action, folder)
        if ended == points.BROKE or (ended == points.DISK and not action.by_worker):
            record(action.name, ["something else than a DigitrecError came out"])
        record(action.name, actions.wrong(folder, gone=("mine",) if "model" in action.name else ()))
        if not action.done():
            again = points.end(points.start(action.do))
            if again != points.DONE or not action.done():
                record(action.name, [f"it cannot be done again ({again})"])
            record(f"{action.name}, again", actions.wrong(folder, gone=("mine",) if "model" in action.name else ()))
    return action.name, ended


def count_actions() -> int:
    with home() as folder:
        return len(actions.actions(folder))


def at_random(dice: random.Random) -> Callable[[Action, Path], int]:
    """Return a hit that kills an action at some moment within the time that it takes."""

    def hit(action: Action, folder: Path) -> int:
        pid = points.start(action.do)
        time.sleep(dice.uniform(0.0, 0.03))
        os.kill(pid, signal.SIGKILL)
        return points.end(pid)

    return hit


def at_write(number: int) -> Callable[[Action, Path], int]:
    """Return a hit that kills an action right before its write of this number."""
    return lambda action, folder: points.end(points.start(action.do, points.kill_at(number, folder)))


def refused_at(number: int, code: int) -> Callable[[Action, Path], int]:
    """Return a hit that has the disk full or read-only from an action's write of this number on."""
    return lambda action, folder: points.end(points.start(action.do, points.refuse_from(number, folder, code)))


def every_write(number: int, code: int | None) -> int:
    """Go through all writes of an action: killed at each, or refused from each on; return how many there are."""
    for place in range(1, MOST_POINTS):
        name, ended = broken_off(number, refused_at(place, code) if code else at_write(place))
        if ended == points.DONE:
            return place - 1
        if code and ended == points.KILLED:
            record(name, ["killed, though only refused"])
    record(name, [f"more than {MOST_POINTS} writes"])
    return MOST_POINTS


def tests_or_ended(run: runs.Run) -> bool:
    return runs.progress_and_curves(run)[0].testing or not runs.get(run.id).active


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
            child = job.child(run.folder)
            assert child
            was = runs.get(run.id)
            child.kill()
            child.wait()
            hits += was.active
            ended = runs.get(run.id)
            what = f"a training killed while {was.state}"
            if ended.state not in actions.ENDED or (not ended.message and ended.state != "finished"):
                record(what, [f"{ended.state} {ended.message!r}"])
            if ended.card:
                whole(what, ended)
            run = runs.resume(ended) if ended.resumable else runs.start(LONG)
        until(lambda: not runs.get(run.id).active, "at an end")
        ended = runs.get(run.id)
        if ended.state != "finished":
            record("trainings", [f"the last is {ended.state}: {ended.message}"])
        else:
            whole("trainings", ended)
        record("trainings", models(folder))
    return hits


def whole(what: str, run: runs.Run) -> None:
    """Check that a run with a card has a model that can be saved and read with."""
    name = registry.free_name("whole")
    try:
        registry.add(name, run.folder)
        registry.predictor(name)
        registry.remove(name)
    except Exception as error:
        record(what, [f"its model: {error!r}"])


def models(folder: Path) -> list[str]:
    """Return what is wrong with the models and the listed runs of a home in which real runs were started."""
    for name in ("halted", "under-way", "ended", "damaged"):
        shutil.rmtree(folder / "runs" / name, ignore_errors=True)
    return actions.wrong(folder)


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
            record(f"server {number + 1} was killed", [x for x in actions.wrong(folder) if " is queued" not in x
                 and " is starting" not in x and " is running" not in x and " is stopping" not in x
                 and " is locked" not in x])  # fmt: skip
        for run in runs.runs():
            if run.active:
                runs.stop(run)
        until(lambda: not any(run.active for run in runs.runs()), "at an end")
        record("servers", models(folder))
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
    count, wanted = count_actions(), options.count - options.trainings - options.servers
    while (killed := counted.total()) < wanted:
        hit, kind = (at_random(dice), "a random moment") if killed % 2 else (at_write(dice.randint(1, 5)), "a write")
        if broken_off(dice.randrange(count), hit)[1] == points.KILLED:
            counted[f"actions killed at {kind}"] += 1
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
