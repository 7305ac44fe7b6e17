"""Processor time that the server spends on one stroke on Draw.

    python -m tests.bench.stroke_cost [STROKES] [--profile FILE]

What a browser sends is recorded, then sent again over a WebSocket, two drawings in turn and the next one only when the
page is complete: so only the server's work counts, and other work on the machine hardly changes it. With `--profile`,
py-spy, which must be installed, writes where the time goes as a flame graph.
"""

import argparse
import asyncio
import contextlib
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
from websockets.asyncio.client import connect

from tests.bench.load import finished, recorded, serve

LIMIT = 45  # ms
FIRST = 10  # strokes that open models and fill caches


async def spent(url: str, frames: tuple[bytes, list[bytes]], process: psutil.Process, strokes: int) -> float:
    """Return the processor time in seconds that so many strokes took the server."""
    opening, drawings = frames
    before = 0.0
    async with connect(f"{url.replace('http', 'ws')}/_stcore/stream", max_size=None) as socket:
        await socket.send(opening)
        assert not await finished(socket)
        for number in range(FIRST + strokes):
            if number == FIRST:
                before = sum(process.cpu_times()[:2])
            await socket.send(drawings[number % len(drawings)])
            assert not await finished(socket), "a stroke ended in an error"
    return float(sum(process.cpu_times()[:2])) - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strokes", type=int, nargs="?", default=200)
    parser.add_argument("--profile", type=Path, metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        app = stack.enter_context(serve(Path(name)))
        frames = recorded(app)
        profiler = None
        if options.profile:
            command = ["py-spy", "record", "--pid", str(app.pid), "--output", str(options.profile), "--rate", "200"]
            profiler = subprocess.Popen(
                [*command, "--nonblocking", *(["--format", "raw"] if options.profile.suffix == ".txt" else [])]
            )
        with ThreadPoolExecutor(1) as thread:  # of its own, for Playwright has the event loop of this one
            work = spent(app.url, frames, psutil.Process(app.pid), options.strokes)
            seconds = thread.submit(asyncio.run, work).result()
        if profiler:
            profiler.send_signal(2)
            profiler.wait()
    print(f"Draw, {options.strokes} strokes: {1000 * seconds / options.strokes:.1f} ms each (limit {LIMIT} ms)")


if __name__ == "__main__":
    main()
