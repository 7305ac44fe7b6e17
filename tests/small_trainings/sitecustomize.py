"""Python imports this at its start where it is on PYTHONPATH: what then trains has few digits, and yields to nobody.

So a training, a lesson or an import that a test starts, itself or through a server, takes seconds, and on a busy
machine it gets its share.
"""

import os
import sys
from pathlib import Path

DIGITS = 6000
JOBS = {f"digitrec.jobs.{name}" for name in ("worker", "teaching", "imports", "insights")}

if started := JOBS.intersection(sys.orig_argv):
    sys.path.insert(0, str(Path(__file__).parents[2]))

    from digitrec.datasets import mnist
    from digitrec.jobs import job, throttle

    mnist.training = lambda: mnist.first_training(DIGITS)
    throttle.give_way = lambda: None
    os.nice = lambda increment: 0
    job.LAUNCH_SECONDS = 1200.0  # that another run's process may take to start
    if "digitrec.jobs.teaching" in started:
        from digitrec.training import teaching

        teaching.PLAN = teaching.Plan(steps=30, digits=500, variants=60)
