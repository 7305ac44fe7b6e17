"""What is done with pictures of untrusted users, in an isolated process: nobody's stroke waits for somebody's photos.

One process serves all visitors, one picture at a time, so their memory does not add up, and yields to the pages. It
starts with the first picture (half a second) and ends when none has come for a while. A file that brings a decoder
down ends that process, not the server.
"""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from typing import Any, TypeVar

from loky import get_reusable_executor

from digitrec.errors import PictureError

Answer = TypeVar("Answer")

NICER = 5  # how much lower the priority is: above training's, below the pages'
IDLE = 60  # seconds without a picture after which the process ends
LONGEST = 60.0  # seconds that a picture may take; one of 12 megapixels with 50 digits takes half a second

_queue = ThreadPoolExecutor(1, "pictures")  # first come, first served


def call(function: Callable[..., Answer], *args: Any) -> Answer:
    """Return what a function of the package answers, called in the isolated process.

    Args:
        function: One that a module holds by its name.
        *args: What it takes; a `classifier.Predictor` is opened there once and kept.

    Raises:
        PictureError: If it takes longer than LONGEST, or ends the process twice, or no process can be started.
        DigitrecError: As the function does.
    """
    return _queue.submit(_called, function, *args).result()


def _called(function: Callable[..., Answer], *args: Any) -> Answer:
    for _ in range(2):  # the process may have been ended for another's sake
        try:
            executor = get_reusable_executor(max_workers=1, timeout=IDLE, initializer=_give_way)
            answer: Answer = executor.submit(function, *args).result(LONGEST)
            return answer
        except BrokenExecutor:
            continue
        except TimeoutError as error:
            executor.shutdown(kill_workers=True)
            raise PictureError(
                f"This picture took longer than {LONGEST:.0f} s, so reading was stopped. Make it smaller, or crop it."
            ) from error
        except OSError as error:
            raise PictureError(
                "The server does not have enough memory to read pictures now. Try again in a minute."
            ) from error
    raise PictureError("This picture cannot be read: decoding it crashed. Save it again as PNG or JPEG.")


def _give_way() -> None:
    os.nice(NICER)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(server: int) -> None:
    """End this process when the server is gone, be it killed."""
    while os.getppid() == server:
        time.sleep(1.0)
    os._exit(1)
