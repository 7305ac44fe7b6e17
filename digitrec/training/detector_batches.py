"""Batches for the detector's training: other processes make pages and cut crops and targets out of them.

They hand them over in shared memory, so that the training process only copies: a GPU takes a thousand crops a second.
"""

import ctypes
import math
import multiprocessing
import os
import queue
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec.datasets.characters import Characters
from digitrec.datasets.synthetic_pages import SORTS, Page, PageMaker
from digitrec.recognition import detector_maps as maps
from digitrec.training import detector_targets

Bytes = NDArray[np.uint8]
Batch = tuple[Bytes, NDArray[np.float16]]

FIRST_PAGES = 16
"""Pages that a process makes before its first crop."""

SLOTS = 3
"""Parts of a batch that each process may be ahead."""

AHEAD = 2
"""Batches that are put together before they are asked for."""


@dataclass(frozen=True)
class Plan:
    """How the detector is trained.

    Attributes:
        minutes: Length of the whole training, over all calls; the learning rate follows it.
        peak_rate: Highest learning rate.
        batch: Crops a step.
        side: Pixels of a crop's side.
        kept_pages: Latest pages, of all processes, that crops are cut out of.
        reuse: Crops cut per page before another page takes its place.
        workers: Processes that make pages and crops.
        bfloat16: Whether the net computes in bfloat16; its weights stay float32.
        seed: Of the pages.
    """

    minutes: float = 90.0
    peak_rate: float = 1e-3
    batch: int = 8
    side: int = 512
    kept_pages: int = 1500
    reuse: int = 3
    workers: int = 1
    bfloat16: bool = True
    seed: int = 1

    @property
    def part(self) -> int:
        """How many crops a process hands over at once: a divisor of the batch, at most 8."""
        return math.gcd(self.batch, 8)


def page_of(maker: PageMaker, number: int) -> Page:
    """Return a page to learn from: by turns one of any kind and one of the kinds that people upload."""
    return maker.page(number) if number % 2 else maker.page_of(SORTS[number // 2 % len(SORTS)], number)


def crops(plan: Plan, characters: Characters, seed: int) -> Iterator[tuple[Bytes, NDArray[np.float32], int]]:
    """Yield crops of ever new pages, the same for the same seed: picture, targets, and how many pages were made."""
    maker, rng = PageMaker(characters, seed), np.random.default_rng((seed, 2))
    pages: deque[Page] = deque(maxlen=max(1, plan.kept_pages // plan.workers))
    made = cut = 0
    while True:
        while made < min(FIRST_PAGES, plan.kept_pages) or made * plan.reuse <= cut:
            pages.append(page_of(maker, made))
            made += 1
        page = pages[int(rng.integers(len(pages)))]
        picture, labels = detector_targets.crop(page.image, page.labels, plan.side, rng)
        cut += 1
        yield picture, detector_targets.targets(labels, plan.side), made


class _Memory:
    """Parts of batches in memory that processes share."""

    def __init__(self, plan: Plan, block: Any = None) -> None:
        cells = plan.side // maps.STRIDE
        self._count = SLOTS * plan.workers
        self._pictures = (self._count, plan.part, plan.side, plan.side, 3)
        self._targets = (self._count, plan.part, cells, cells, detector_targets.CHANNELS)
        size = math.prod(self._pictures) + 2 * math.prod(self._targets)
        shared = multiprocessing.get_context("spawn")
        self.block: Any = shared.RawArray(ctypes.c_uint8, size) if block is None else block

    def arrays(self) -> tuple[Bytes, NDArray[np.float16]]:
        """Return pictures, uint8 (slots, part, side, side, 3), and targets, float16, as views."""
        size = math.prod(self._pictures)
        pictures = np.frombuffer(self.block, np.uint8, size).reshape(self._pictures)
        return pictures, np.frombuffer(self.block, np.float16, offset=size).reshape(self._targets)


def _work(plan: Plan, characters: Characters, seed: int, block: Any, free: Any, full: Any) -> None:
    """Fill slots with crops until the training is gone: what a process does."""
    cv2.setNumThreads(1)
    pictures, targets = _Memory(plan, block).arrays()
    full.cancel_join_thread()  # slots that nobody takes any more do not keep the process
    source, parent = crops(plan, characters, seed), os.getppid()
    while os.getppid() == parent:
        try:
            slot = free.get(timeout=5.0)
        except queue.Empty:
            continue
        for place in range(plan.part):
            pictures[slot, place], targets[slot, place], made = next(source)
        full.put((slot, seed, made))


class Batches:
    """An endless supply of batches, cut out of pages that other processes make."""

    def __init__(self, plan: Plan, characters: Characters, first_seed: int) -> None:
        self._plan = plan
        self._made: dict[int, int] = {}
        self._stopped = threading.Event()
        memory = _Memory(plan)
        self._arrays = memory.arrays()
        context = multiprocessing.get_context("spawn")
        self._free, self._full = context.Queue(), context.Queue()
        for slot in range(len(self._arrays[0])):
            self._free.put(slot)
        self._workers = [
            context.Process(
                target=_work, args=(plan, characters, seed, memory.block, self._free, self._full), daemon=True
            )
            for seed in range(first_seed, first_seed + plan.workers)
        ]
        for worker in self._workers:
            worker.start()

    @property
    def pages(self) -> int:
        """How many pages were made."""
        return sum(self._made.values())

    def __iter__(self) -> Iterator[Batch]:
        with ThreadPoolExecutor(1) as pool:
            ahead: deque[Future[Batch]] = deque(pool.submit(self._batch) for _ in range(AHEAD))
            while True:
                yield ahead.popleft().result()
                ahead.append(pool.submit(self._batch))

    def _batch(self) -> Batch:
        """Copy a batch out of the next full slots.

        Raises:
            RuntimeError: If no process is left.
        """
        parts = self._plan.batch // self._plan.part
        pictures, targets = (np.empty((parts, *array.shape[1:]), array.dtype) for array in self._arrays)
        for part in range(parts):
            slot = self._next_slot()
            pictures[part], targets[part] = self._arrays[0][slot], self._arrays[1][slot]
            self._free.put(slot)
        return pictures.reshape(-1, *pictures.shape[2:]), targets.reshape(-1, *targets.shape[2:])

    def _next_slot(self) -> int:
        while not self._stopped.is_set():
            try:
                slot, seed, made = self._full.get(timeout=1.0)
            except queue.Empty:
                if not any(worker.is_alive() for worker in self._workers):
                    raise RuntimeError("No process makes pages any more; see the errors above.") from None
                continue
            self._made[seed] = made
            return int(slot)
        raise RuntimeError("The supply of batches was closed.")

    def close(self) -> None:
        """End the processes."""
        self._stopped.set()
        for worker in self._workers:
            worker.kill()
