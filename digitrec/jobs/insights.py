"""What Compare shows of a visitor's model, computed when it is kept: `python -m digitrec.jobs.insights FOLDER`.

The process holds the lock `alive.lock` in the model's folder and writes `insight.npz` there, see `precomputed`. One
works at a time.
"""

import sys
from pathlib import Path

from filelock import FileLock, Timeout

from digitrec import settings
from digitrec.jobs import job, throttle
from digitrec.registry import registry
from digitrec.registry.registry import Model
from digitrec.training import model_files

TURN = "insights.lock"


def start(model: Model) -> None:
    """Have it computed, unless it is there; a page that needs it earlier offers to compute it itself."""
    if not (model.folder / model_files.INSIGHT).exists():
        job.adopt(model.folder, job.launch(None, "digitrec.jobs.insights", str(model.folder)))


def is_under_way(model: Model) -> bool:
    """Return whether a process computes it at this moment."""
    launched = job.child(model.folder)
    return job.is_alive(model.folder) or (launched is not None and launched.poll() is None)


def main(folder: Path) -> None:
    """Compute it in this process, unless another one does."""
    from digitrec.analysis import precomputed  # here: what lists models does without LiteRT

    try:
        with FileLock(folder / job.ALIVE, timeout=0), FileLock(settings.visitors_folder() / TURN):
            precomputed.write(folder, registry.read_folder(folder).outline)
    except Timeout:
        return


if __name__ == "__main__":
    throttle.give_way()
    main(Path(sys.argv[1]))
