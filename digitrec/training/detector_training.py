"""Trains the detector on synthetic pages: `python -m digitrec.training.detector_training --minutes 90`.

Keras' backend is the environment's (`KERAS_BACKEND`): `tensorflow` on a plain machine, `jax` or `torch` on one with a
GPU. Other processes make batches of crops (`detector_batches`); each step trains on one of them.
Checkpoints lie in the folder (`build/detector`) and a later call goes on from there. The result is the average of the
weights over the last steps; `--export` writes it for LiteRT.
"""

import argparse
import json
import math
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec import files, settings
from digitrec.datasets.characters import Characters
from digitrec.training import plan_options
from digitrec.training.detector_batches import Batch, Batches, Plan

WARM_UP = 0.04
"""Share of the training in which the learning rate rises; after it, it falls along a cosine to a hundredth."""

AVERAGED = 400
"""Steps over which the weights are averaged, exponentially."""

CLIPPED = 5.0
"""Norm that gradients are clipped to."""

DECAY = 0.02
"""Weight decay of AdamW (arXiv 1711.05101); not on biases and norms."""

SAVED_EVERY = 120.0
"""Seconds between checkpoints."""


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

        from digitrec.training import detector_loss, detector_network

        keras.utils.set_random_seed(plan.seed)
        keras.config.set_dtype_policy("mixed_bfloat16" if plan.bfloat16 else "float32")
        self.plan, self.folder = plan, folder
        self.model = detector_network.build(plan.side, plan.side)
        optimizer = keras.optimizers.AdamW(
            plan.peak_rate, weight_decay=DECAY, beta_2=0.99, clipnorm=None, global_clipnorm=CLIPPED
        )
        compiled = keras.backend.backend() == "jax"  # which runs each operation by itself otherwise
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self.model.compile(optimizer=optimizer, loss=detector_loss.DetectorLoss(), jit_compile=compiled)
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
            file = self.folder / f"{name}.npz"
            files.write(file, lambda temporary: np.savez(temporary, *values))  # noqa: B023  # called at once
        state = {"steps": self.steps, "seconds": self.seconds, "calls": self.calls, "initial": self.initial}
        files.write_json(self.folder / "state.json", state | {"plan": asdict(self.plan)})

    def begin_with(self, file: Path) -> None:
        """Begin with the weights of a file: `average.npz` of an earlier training, or a PyTorch state.

        Raises:
            ModelError: If the file holds something else.
        """
        if file.suffix == ".npz":
            self.model.set_weights(weights_of(file))
            before = json.loads((file.parent / "state.json").read_text())
            self.initial = f"{before['steps']} steps of {before['plan']['batch']} crops from {before['initial']}"
        else:
            from digitrec.training import initial_weights

            initial_weights.load(self.model, file)
            self.initial = file.name
        self.average = self.model.get_weights()

    def resume(self) -> bool:
        """Go on from the folder's checkpoint; return whether there is one."""
        if not (self.folder / "state.json").exists():
            return False
        self.model.set_weights(weights_of(self.folder / "weights.npz"))
        self.average = weights_of(self.folder / "average.npz")
        optimizer = weights_of(self.folder / "optimizer.npz")
        for variable, value in zip(self.model.optimizer.variables, optimizer, strict=True):
            variable.assign(value)
        state = json.loads((self.folder / "state.json").read_text())
        self.steps, self.seconds, self.calls = state["steps"], state["seconds"], state["calls"]
        self.initial = state["initial"]
        return True


def weights_of(file: Path) -> list[NDArray[Any]]:
    """Return the arrays of a checkpoint's file in their order."""
    with np.load(file) as stored:
        return [stored[f"arr_{i}"] for i in range(len(stored.files))]


def train(plan: Plan, folder: Path, initial: Path | None = None, seconds: float = math.inf) -> None:
    """Train, or go on training, until the plan's minutes are over or this call's seconds are.

    Args:
        plan: How.
        folder: Of the checkpoint.
        initial: Weights to begin with, see `Training.begin_with`; random ones unless given.
        seconds: How long this call may train.
    """
    training = Training(plan, folder)
    if not training.resume() and initial is not None:
        training.begin_with(initial)
    training.calls += 1
    characters = Characters.load("training", settings.strokes_folder())
    batches = Batches(plan, characters, first_seed=1_000_003 * training.calls + plan.seed)
    started = saved = reported = time.monotonic()
    before, loss = training.seconds, None
    try:
        for batch in batches:
            now = training.step(batch)
            if loss is None:  # the first step also compiles
                started = saved = reported = time.monotonic()
            if not math.isfinite(now):
                sys.exit("The loss is no number. Start again from the last checkpoint with a lower --peak-rate.")
            loss = now if loss is None else 0.98 * loss + 0.02 * now
            clock = time.monotonic()
            training.seconds = before + clock - started
            over = training.seconds >= 60 * plan.minutes or clock - started >= seconds
            if clock - reported > 20 or over:
                reported = clock
                _tell(training, batches.pages, loss, clock - started)
            if clock - saved > SAVED_EVERY or over:
                saved = clock
                training.save()
            if over:
                break
    finally:
        batches.close()


def _tell(training: Training, pages: int, loss: float, seconds: float) -> None:
    left = max(0.0, training.plan.minutes - training.seconds / 60)
    print(
        f"step {training.steps}, loss {loss:.3f}, {pages} pages made, {left:.1f} minutes left, "
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
    model.set_weights(weights_of(folder / "average.npz"))
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
    files.write_json(target / "card.json", card)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Train the detector on synthetic pages.")
    plan = Plan()
    parser.add_argument("--folder", type=Path, default=settings.bank_folder() / "detector", help="of the checkpoint")
    initial = "weights to begin with: average.npz of an earlier training, or a PyTorch state"
    parser.add_argument("--initial", type=Path, help=initial)
    parser.add_argument("--seconds", type=float, default=math.inf, help="how long this call may train")
    parser.add_argument("--export", type=Path, help="write the model to this folder, and do not train")
    plan_options.add(parser, plan, ("minutes", "peak_rate", "batch", "kept_pages", "reuse", "workers", "seed"))
    given = parser.parse_args()
    plan = plan_options.chosen(plan, given)
    if given.export:
        export(given.folder, given.export)
    else:
        train(plan, given.folder, given.initial, given.seconds)


if __name__ == "__main__":
    _main()
