"""Trains the detector on synthetic pages: `python -m digitrec.training.detector_training --minutes 90`.

Keras' backend is the environment's (`KERAS_BACKEND`): `tensorflow` on a plain machine, `jax` or `torch` on one with a
GPU. Other processes make pages; threads cut crops and targets out of the latest ones; each step trains on one batch.
Checkpoints lie in the folder (`build/detector`) and a later call goes on from there. The result is the average of the
weights over the last steps; `--export` writes it for LiteRT.
"""

import argparse
import contextlib
import json
import math
import multiprocessing
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitrec import settings
from digitrec.datasets.characters import Characters
from digitrec.datasets.synthetic_pages import Page, PageMaker
from digitrec.training import plan_options

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up notices are not for our logs

Batch = tuple[NDArray[np.uint8], NDArray[np.float32]]


@dataclass(frozen=True)
class Plan:
    """How the detector is trained.

    Attributes:
        minutes: Length of the whole training, over all calls; the learning rate follows it.
        peak_rate: Highest learning rate.
        batch: Crops a step.
        side: Pixels of a crop's side.
        kept_pages: Latest pages that crops are cut out of.
        reuse: Crops cut per page, at least, before another page takes its place.
        workers: Processes that make pages.
        threads: Threads that cut crops.
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
    threads: int = 2
    bfloat16: bool = True
    seed: int = 1


WARM_UP = 0.04
"""Share of the training in which the learning rate rises; after it, it falls along a cosine to a hundredth."""

AVERAGED = 400
"""Steps over which the weights are averaged, exponentially."""

CLIPPED = 5.0
"""Norm that gradients are clipped to."""

DECAY = 0.02
"""Weight decay of AdamW (arXiv 1711.05101); not on biases and norms."""

FIRST_PAGES = 64
"""Pages made before the first step."""

SAVED_EVERY = 180.0
"""Seconds between checkpoints."""


def make_pages(characters: Characters, seed: int, pages: "multiprocessing.Queue[Page]") -> None:
    """Make pages until the training is gone: what a worker process does."""
    cv2.setNumThreads(1)
    pages.cancel_join_thread()  # pages that nobody takes any more do not keep the process
    maker, parent, number = PageMaker(characters, seed), os.getppid(), 0
    while True:
        page, number = maker.page(number), number + 1
        while os.getppid() == parent:
            with contextlib.suppress(queue.Full):
                pages.put(page, timeout=5.0)
                break
        else:
            return


class Crops:
    """An endless supply of batches, cut out of pages that other processes make."""

    def __init__(self, plan: Plan, characters: Characters, first_seed: int) -> None:
        self.plan = plan
        self.made = 0
        self._cut = 0
        self._kept: deque[Page] = deque(maxlen=plan.kept_pages)
        context = multiprocessing.get_context("spawn")
        self._queue = context.Queue(4 * plan.workers)
        self._workers = [
            context.Process(target=make_pages, args=(characters, first_seed + k, self._queue), daemon=True)
            for k in range(plan.workers)
        ]
        for worker in self._workers:
            worker.start()
        self._stopped = threading.Event()
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        while not self._stopped.is_set():
            if self.made >= FIRST_PAGES and self.made * self.plan.reuse > self._cut + self.plan.kept_pages:
                time.sleep(0.01)
                continue
            try:
                self._kept.append(self._queue.get(timeout=1.0))
            except queue.Empty:
                if not any(worker.is_alive() for worker in self._workers):
                    return
                continue
            self.made += 1

    def batches(self, first: int) -> Iterator[Batch]:
        """Yield batches, a few of them cut ahead."""
        while self.made < FIRST_PAGES:
            self._check()
            time.sleep(0.1)
        with ThreadPoolExecutor(self.plan.threads) as pool:
            ahead: deque[Future[Batch]] = deque()
            number = first
            while True:
                self._check()
                while len(ahead) < 2 * self.plan.threads:
                    ahead.append(pool.submit(self._batch, number))
                    number += 1
                yield ahead.popleft().result()

    def _check(self) -> None:
        if not any(worker.is_alive() for worker in self._workers):
            raise RuntimeError("No process makes pages any more; see the errors above.")

    def _batch(self, number: int) -> Batch:
        from digitrec.training import detector_targets as made

        rng = np.random.default_rng((self.plan.seed, 2, number))
        side = self.plan.side
        images = np.empty((self.plan.batch, side, side, 3), np.uint8)
        targets = np.empty((self.plan.batch, side // 4, side // 4, made.CHANNELS), np.float32)
        for i in range(self.plan.batch):
            page = self._kept[int(rng.integers(len(self._kept)))]
            images[i], labels = made.crop(page.image, page.labels, side, rng)
            targets[i] = made.targets(labels, side)
        self._cut += self.plan.batch
        return images, targets

    def close(self) -> None:
        """End the processes that make pages."""
        self._stopped.set()
        for worker in self._workers:
            worker.kill()


def learning_rate(plan: Plan, share: float) -> float:
    """Return the learning rate when a share of the training, 0 to 1, is done."""
    if share < WARM_UP:
        return plan.peak_rate * max(share / WARM_UP, 0.01)
    done = min(1.0, (share - WARM_UP) / (1 - WARM_UP))
    return plan.peak_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


class Training:
    """A detector under training: its model, the average of its weights, and how far it is."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        import keras

        from digitrec.training import detector_network, detector_targets

        keras.utils.set_random_seed(plan.seed)
        keras.config.set_dtype_policy("mixed_bfloat16" if plan.bfloat16 else "float32")
        self.plan, self.folder = plan, folder
        self.model = detector_network.build(plan.side, plan.side)
        optimizer = keras.optimizers.AdamW(
            plan.peak_rate, weight_decay=DECAY, beta_2=0.99, clipnorm=None, global_clipnorm=CLIPPED
        )
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self.model.compile(optimizer=optimizer, loss=detector_targets.DetectorLoss(), jit_compile=False)
        optimizer.build(self.model.trainable_variables)
        self.average: list[NDArray[Any]] = self.model.get_weights()
        self.steps, self.seconds, self.calls, self.initial = 0, 0.0, 0, "random"

    def step(self, batch: Batch) -> float:
        """Train on a batch; return its loss."""
        self.model.optimizer.learning_rate = learning_rate(self.plan, self.seconds / 60 / self.plan.minutes)
        loss = self.model.train_on_batch(*batch)
        self.steps += 1
        if self.steps % 4 == 0:
            rate = max(4 / AVERAGED, 1 / (1 + self.steps / 4))
            for mean, now in zip(self.average, self.model.get_weights(), strict=True):
                mean += rate * (now - mean)
        return float(loss)

    def save(self) -> None:
        """Write a checkpoint: the weights, their average, the optimizer's variables and how far it is."""
        import keras

        self.folder.mkdir(parents=True, exist_ok=True)
        optimizer = [keras.ops.convert_to_numpy(v) for v in self.model.optimizer.variables]
        parts = {"weights": self.model.get_weights(), "average": self.average, "optimizer": optimizer}
        for name, values in parts.items():
            temporary = self.folder / f".{name}.npz"
            np.savez(temporary, *values)
            os.replace(temporary, self.folder / f"{name}.npz")
        state = {"steps": self.steps, "seconds": self.seconds, "calls": self.calls, "initial": self.initial}
        state["plan"] = asdict(self.plan)
        (self.folder / ".state.json").write_text(json.dumps(state))
        os.replace(self.folder / ".state.json", self.folder / "state.json")

    def resume(self) -> bool:
        """Go on from the folder's checkpoint; return whether there is one."""
        if not (self.folder / "state.json").exists():
            return False
        self.model.set_weights(_arrays(self.folder / "weights.npz"))
        self.average = _arrays(self.folder / "average.npz")
        for variable, value in zip(self.model.optimizer.variables, _arrays(self.folder / "optimizer.npz"), strict=True):
            variable.assign(value)
        state = json.loads((self.folder / "state.json").read_text())
        self.steps, self.seconds, self.calls = state["steps"], state["seconds"], state["calls"]
        self.initial = state["initial"]
        return True


def _arrays(file: Path) -> list[NDArray[Any]]:
    with np.load(file) as stored:
        return [stored[f"arr_{i}"] for i in range(len(stored.files))]


def train(plan: Plan, folder: Path, initial: Path | None = None, seconds: float = math.inf) -> None:
    """Train, or go on training, until the plan's minutes are over or this call's seconds are.

    Args:
        plan: How.
        folder: Of the checkpoint.
        initial: PyTorch weights to begin with, see `initial_weights`; random ones unless given.
        seconds: How long this call may train.
    """
    training = Training(plan, folder)
    if not training.resume() and initial is not None:
        from digitrec.training import initial_weights

        initial_weights.load(training.model, initial)
        training.average = training.model.get_weights()
        training.initial = initial.name
    training.calls += 1
    characters = Characters.load("training", settings.strokes_folder())
    crops = Crops(plan, characters, first_seed=1_000_003 * training.calls + plan.seed)
    started = saved = told = time.monotonic()
    before, loss = training.seconds, None
    try:
        for batch in crops.batches(training.steps):
            now = training.step(batch)
            if not math.isfinite(now):
                sys.exit("The loss is no number. Start again from the last checkpoint with a lower --peak-rate.")
            loss = now if loss is None else 0.98 * loss + 0.02 * now
            clock = time.monotonic()
            training.seconds = before + clock - started
            over = training.seconds >= 60 * plan.minutes or clock - started >= seconds
            if clock - told > 20 or over:
                told = clock
                _tell(training, crops, loss, clock - started)
            if clock - saved > SAVED_EVERY or over:
                saved = clock
                training.save()
            if over:
                break
    finally:
        crops.close()


def _tell(training: Training, crops: Crops, loss: float, seconds: float) -> None:
    left = max(0.0, training.plan.minutes - training.seconds / 60)
    print(
        f"step {training.steps}, loss {loss:.3f}, {crops.made} pages made, {left:.1f} minutes left, "
        f"{seconds / 60:.1f} minutes this time",
        flush=True,
    )


def export(folder: Path, target: Path) -> None:
    """Write the average of the weights for LiteRT, with a card of how they were made.

    Args:
        folder: Of the checkpoint.
        target: Folder of the model: `detector.tflite` and `card.json`.
    """
    import keras

    from digitrec.training import detector_network, quantization

    keras.config.set_dtype_policy("float32")
    model = detector_network.build()
    model.set_weights(_arrays(folder / "average.npz"))
    target.mkdir(parents=True, exist_ok=True)
    quantization.export(model, target / "detector.tflite")
    state = json.loads((folder / "state.json").read_text())
    card = {
        "version": 1,
        "parameters": model.count_params(),
        "steps": state["steps"],
        "crops": state["steps"] * state["plan"]["batch"],
        "minutes": round(state["seconds"] / 60, 1),
        "initial": state["initial"],
        "plan": state["plan"],
    }
    (target / "card.json").write_text(json.dumps(card, indent=1) + "\n")


def _main() -> None:
    parser = argparse.ArgumentParser(description="Train the detector on synthetic pages.")
    plan = Plan()
    parser.add_argument("--folder", type=Path, default=settings.bank_folder() / "detector", help="of the checkpoint")
    parser.add_argument("--initial", type=Path, help="PyTorch weights to begin with")
    parser.add_argument("--seconds", type=float, default=math.inf, help="how long this call may train")
    parser.add_argument("--export", type=Path, help="write the model to this folder, and do not train")
    plan_options.add(parser, plan, ("minutes", "peak_rate", "batch", "kept_pages", "workers", "threads", "seed"))
    given = parser.parse_args()
    plan = plan_options.chosen(plan, given)
    if given.export:
        export(given.folder, given.export)
    else:
        train(plan, given.folder, given.initial, given.seconds)


if __name__ == "__main__":
    _main()
