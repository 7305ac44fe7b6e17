"""Open LiteRT interpreters without the line that LiteRT prints about itself, which no setting of it turns off."""

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator

NOTICE = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."

_one_at_a_time = threading.Lock()  # file descriptor 2 belongs to the whole process


@contextlib.contextmanager
def without_notice() -> Iterator[None]:
    """Hold back what is written to standard error meanwhile, and then write all but NOTICE.

    LiteRT is C++ and writes to the file descriptor, so `contextlib.redirect_stderr` does not reach it.
    """
    with _one_at_a_time, contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # no standard error, or no room for a file: then the notice is shown
            held = stack.enter_context(tempfile.TemporaryFile())
            error_output = os.dup(2)
            os.dup2(held.fileno(), 2)
            stack.callback(_release, held.fileno(), error_output)
        yield


def _release(held: int, error_output: int) -> None:
    if sys.stderr:
        sys.stderr.flush()
    os.dup2(error_output, 2)
    os.close(error_output)
    os.lseek(held, 0, os.SEEK_SET)
    with open(held, "rb", closefd=False) as written:
        for line in written:
            if line.strip() != NOTICE:
                os.write(2, line)
