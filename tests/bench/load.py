"""Many visitors on Draw while a network trains: how long each stroke waits for its answer, and the server's memory.

    python -m tests.bench.load [SESSIONS] [MINUTES] [--no-training] [--pictures N] [--batches N]

With `--pictures` one more visitor, a browser, has a batch of N 12-megapixel sheets read at the same time. With
`--batches` N more visitors have first had such sheets read, as many as the server keeps the files of, and stay on
Upload until the end.

One real browser opens Draw and draws; what it sends over its WebSocket is recorded. Then SESSIONS WebSockets are
opened, each its own session, that send the same: two drawings in turn, one every 3 seconds, as browsers do. An answer
has arrived when the server reports that the script has finished. Beside the server's memory, that of its child
processes is printed: the isolated process that reads pictures.
"""

import argparse
import asyncio
import contextlib
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

import psutil
from playwright.sync_api import WebSocket
from serving import Server, chromium, serve
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from strokes import SEVEN, ZERO, draw
from websockets.asyncio.client import ClientConnection, connect

from digitrec.uploads.batch import KEPT_BYTES

EVERY = 3.0  # seconds between two strokes of a visitor
LIMIT, MEMORY = 1.0, 600  # seconds for 95 of 100 answers; MB
SAMPLE = 5.0  # seconds between two looks at the memory
TRAINING = """
from digitrec.jobs import runs
from digitrec.training.presets import PRESETS
runs.start(PRESETS["cnn-5x5"].recipe)
"""
SHEET = "import sys; from tests.bench.sheet_time import sheet; sys.stdout.buffer.write(sheet()[0])"


class Answer(NamedTuple):
    """How one stroke was answered: when, in seconds since the start, and how long it took; whether it went wrong."""

    at: float
    seconds: float
    wrong: bool


def recorded(app: Server) -> tuple[bytes, list[bytes]]:
    """Return what a browser sends when it opens Draw, and for each of two drawings."""
    sent: list[bytes] = []

    def keep(frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            sent.append(frame)

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", keep)

    drawings = []
    with chromium() as browser:
        for points, digit in ((SEVEN, "7"), (ZERO, "0")):
            page = browser.new_page()
            sent.clear()
            page.on("websocket", listen)
            page.goto(f"{app.url}/Draw")
            page.locator(".st-key-canvas canvas").last.wait_for()
            page.wait_for_timeout(2000)
            first = sent[0]
            sent.clear()
            draw(page, points)
            page.wait_for_function(f"document.querySelector('.st-key-answer_1').innerText.trim()[0] == '{digit}'")
            page.wait_for_timeout(500)
            drawings.append(sent[0])
            page.close()
    return first, drawings


async def finished(socket: ClientConnection) -> bool:
    """Wait until the script has run to its end; return whether anything went wrong on the way."""
    wrong = False
    async for data in socket:
        message = ForwardMsg()
        message.ParseFromString(data if isinstance(data, bytes) else data.encode())
        kind = message.WhichOneof("type")
        if kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
            wrong = True
        if kind == "script_finished":
            return wrong
    return True


async def visitor(number: int, url: str, frames: tuple[bytes, list[bytes]], began: float, end: float) -> list[Answer]:
    """Open Draw and draw until the time is over."""
    answers: list[Answer] = []
    opening, drawings = frames
    await asyncio.sleep(number * 0.4)  # nobody opens a page at the same moment
    async with connect(f"{url.replace('http', 'ws')}/_stcore/stream", max_size=None) as socket:
        await socket.send(opening)
        await finished(socket)
        turn = number
        while time.monotonic() < end:
            sent = time.monotonic()
            await socket.send(drawings[turn % len(drawings)])
            wrong = await finished(socket)
            answers.append(Answer(sent - began, time.monotonic() - sent, wrong))
            turn += 1
            await asyncio.sleep(max(0.0, EVERY - (time.monotonic() - sent)))
    return answers


class Memory(NamedTuple):
    """Resident memory in MB, at so many seconds since the start."""

    at: float
    server: float
    aside: float


async def watched(process: psutil.Process, began: float, end: float) -> list[Memory]:
    """Return the memory of the server and of what it started, again and again until the end."""
    samples = []
    while time.monotonic() < end:
        aside = 0
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # it ends when it has nothing to do
                aside += child.memory_info().rss
        samples.append(Memory(time.monotonic() - began, process.memory_info().rss / 1e6, aside / 1e6))
        await asyncio.sleep(SAMPLE)
    return samples


async def load(
    app: Server, frames: tuple[bytes, list[bytes]], sessions: int, minutes: float
) -> tuple[list[Answer | BaseException], list[Memory]]:
    """Return the visitors' answers, an exception for one who was thrown out, and the memory."""
    began = time.monotonic()
    end = began + 60 * minutes
    visitors = [visitor(number, app.url, frames, began, end) for number in range(sessions)]
    memory, *found = await asyncio.gather(
        watched(psutil.Process(app.pid), began, end), *visitors, return_exceptions=True
    )
    answers: list[Answer | BaseException] = []
    for one in found:
        answers += [one] if isinstance(one, BaseException) else one
    assert isinstance(memory, list)
    return answers, memory


@contextlib.contextmanager
def training(home: Path) -> Iterator[None]:
    """A run that goes on until the end, and has then ended."""
    subprocess.run([sys.executable, "-c", TRAINING], env=os.environ | {"DIGITREC_HOME": str(home)}, check=True)
    [run] = (home / "runs").iterdir()
    try:
        yield
    finally:
        (run / "stop").touch()


def sheets(folder: Path, count: int, most: int = 2**40) -> list[Path]:
    """Write large pictures, each another file, the same picture; fewer where together they have `most` bytes."""
    sheet = subprocess.run([sys.executable, "-c", SHEET], stdout=subprocess.PIPE, check=True).stdout
    folder.mkdir(exist_ok=True)
    files = [folder / f"sheet{number}.jpg" for number in range(min(count, most // (len(sheet) + 2)))]
    for number, file in enumerate(files):
        file.write_bytes(sheet + bytes([number // 256, number % 256]))
    return files


@contextlib.contextmanager
def batches(app: Server, folder: Path, count: int) -> Iterator[None]:
    """So many browsers, each with a batch of large pictures that was read and is kept in full."""
    files = sheets(folder / "batches", 100, KEPT_BYTES)
    print(
        f"{count} batches of {len(files)} pictures, {sum(file.stat().st_size for file in files) / 2**20:.0f} MiB each"
    )
    with chromium() as browser:
        for _ in range(count):
            page = browser.new_context().new_page()
            page.goto(f"{app.url}/Upload")
            page.locator(".st-key-files input[type=file]").set_input_files(files)
            page.locator(".st-key-remove_all").wait_for(timeout=600_000)
        yield


@contextlib.contextmanager
def uploading(app: Server, folder: Path, count: int) -> Iterator[None]:
    """A browser that has just chosen so many large pictures on Upload."""
    files = sheets(folder, count)
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{app.url}/Upload")
        page.locator(".st-key-files input[type=file]").set_input_files(files)
        page.locator(".st-key-reading_1").wait_for(timeout=120_000)
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sessions", type=int, nargs="?", default=50)
    parser.add_argument("minutes", type=float, nargs="?", default=10.0)
    parser.add_argument("--no-training", action="store_true")
    visitors = parser.add_mutually_exclusive_group()
    visitors.add_argument("--pictures", type=int, default=0, metavar="N")
    visitors.add_argument("--batches", type=int, default=0, metavar="N")
    options = parser.parse_args()
    sessions, minutes = options.sessions, options.minutes
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        app = stack.enter_context(serve(Path(name)))
        frames = recorded(app)
        if options.batches:
            stack.enter_context(batches(app, Path(name), options.batches))
            print(f"memory with them {psutil.Process(app.pid).memory_info().rss / 1e6:.0f} MB")
        if not options.no_training:
            stack.enter_context(training(app.home))
        if options.pictures:
            stack.enter_context(uploading(app, Path(name), options.pictures))
        with ThreadPoolExecutor(1) as thread:  # of its own, for Playwright has the event loop of this one
            found, memory = thread.submit(asyncio.run, load(app, frames, sessions, minutes)).result()
        read = app.log.read_text().count("reading page=Upload")
    answers = [one for one in found if isinstance(one, Answer)]
    thrown_out = len(found) - len(answers)
    warm = [a.seconds for a in answers if a.at > 0.4 * sessions + 5]
    slow = statistics.quantiles(warm, n=20)[-1]
    half = [sample.server for sample in memory if sample.at > 30 * minutes]
    beside = "" if options.no_training else ", a run of cnn-5x5 under way"
    print(f"{sessions} sessions, {minutes:g} minutes{beside}: {len(answers):,} strokes")
    if options.pictures:
        print(f"one more visitor with {options.pictures} pictures of 12 megapixels: {read} of them read by the end")
    print(f"errors: {sum(a.wrong for a in answers)} answers, {thrown_out} sessions")
    print(f"answer within, 95 of 100: {slow:.2f} s (limit {LIMIT:g} s); median {statistics.median(warm):.2f} s")
    each = [[a.seconds for a in answers if a.at // 60 == minute] for minute in range(math.ceil(minutes))]
    print("minute by minute:", ", ".join(f"{statistics.quantiles(one, n=20)[-1]:.2f}" for one in each if len(one) > 1))
    print(f"memory at most {max(sample.server for sample in memory):.0f} MB (limit {MEMORY} MB)")
    print(f"process aside at most {max(sample.aside for sample in memory):.0f} MB")
    print(f"last half: from {half[0]:.0f} to {half[-1]:.0f} MB")


if __name__ == "__main__":
    main()
