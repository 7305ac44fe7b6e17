"""Train a recipe's network on digits. Keras, no files: what happens goes out through `Hooks`.

The loop over batches is our own, for two reasons. Three epochs took 1.5 times as long with
`model.fit(steps_per_execution=32)`, for `mlp-128-128` as for `cnn-fast` (median of five rounds, on two busy cores). And
`Steps` fits the number of batches in a call to the machine, so that a training on a slow one still reports, and can be
stopped, several times a second.
"""

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from digitrec.datasets.mnist import Pictures
from digitrec.errors import RunError
from digitrec.recognition.digits import CLASSES, SIDE
from digitrec.training.batches import batches, steps_per_epoch, targets
from digitrec.training.network import trainable
from digitrec.training.recipe import Recipe
from digitrec.training.splits import Split

REPORT_EVERY = 0.25  # seconds; by time, not by count, so that small nets do not pay for it
MOST_AHEAD = 10_000  # digits handed over at once: 31 MB where they are distorted
SAVE_EVERY = 30.0  # seconds; what a killed run loses at most
FIRST_SNAPSHOTS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)  # of the first epoch, in which most is learned
VALIDATION_BATCH = 500  # digits

Event = dict[str, Any]
Weights = list[NDArray[np.float32]]


@dataclass(frozen=True)
class Position:
    """How far a training has come.

    Attributes:
        epoch: Epochs done.
        step: Batches done of the epoch under way.
        seconds: Seconds of training so far.
        best_loss: Lowest validation loss so far.
        worse_epochs: Epochs since then.
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    best_loss: float = math.inf
    worse_epochs: int = 0


@dataclass(frozen=True)
class Fitted:
    """A trained network.

    Attributes:
        model: The network, compiled.
        position: How far its training came.
        stopped: Whether it was asked to stop before its end.
    """

    model: keras.Model
    position: Position
    stopped: bool


@dataclass(frozen=True)
class Hooks:
    """What a training calls while it runs; each does nothing by default.

    Attributes:
        report: Called with an event some four times a second and after each epoch: `kind` (`batch` or `epoch`), `epoch`
            (epochs done, with fractions), `loss` and `accuracy` since the last such event, `seconds` of training so
            far, `digits_per_second`; after an epoch also `val_loss` and `val_accuracy`.
        should_stop: Called some four times a second; true ends the training where it is.
        save: Called every 30 seconds, and at the end, with what `resume` takes.
        keep_best: With `patience`, called after each epoch with the lowest validation loss so far; the model's weights
            are then what `best` takes on resuming.
        snapshot: Called before the first batch, a few times in the first epoch and after each epoch, with the network
            as it is then.
    """

    report: Callable[[Event], None] = lambda event: None
    should_stop: Callable[[], bool] = lambda: False
    save: Callable[[keras.Model, Position], None] = lambda model, position: None
    keep_best: Callable[[keras.Model], None] = lambda model: None
    snapshot: Callable[[keras.Model, Position], None] = lambda model, position: None


NO_HOOKS = Hooks()


def fit(
    recipe: Recipe,
    split: Split,
    hooks: Hooks = NO_HOOKS,
    resume: tuple[keras.Model, Position] | None = None,
    best: Weights | None = None,
    teacher: keras.Model | None = None,
) -> Fitted:
    """Train the recipe's network.

    Args:
        recipe: What to train.
        split: Digits to train on and digits to validate on.
        hooks: What to call meanwhile.
        resume: A model with its optimizer's state, and where it was.
        best: On resuming, the weights that `keep_best` was last called with.
        teacher: For distillation: its probabilities for each digit, (N, 10), take the place of the labels.

    Returns:
        The network with the weights that training ended with; with `patience`, the best ones.

    Raises:
        RunError: If the loss is no longer a number.
    """
    model, start = resume or (_fresh(recipe, split), Position())
    run = _Run(model, recipe, split, hooks, start, teacher)
    if recipe.patience and best is None:
        best = model.get_weights()
    if not resume:
        hooks.snapshot(model, start)
    while run.position.epoch < recipe.epochs and not run.stopped:
        lowest = run.position.best_loss
        run.epoch()
        if run.position.step == 0:
            hooks.snapshot(model, run.position)
        if recipe.patience and run.position.best_loss < lowest:
            best = model.get_weights()
            hooks.keep_best(model)
        if recipe.patience and run.position.worse_epochs >= recipe.patience:
            break
    hooks.save(model, run.position)
    if best and run.position.worse_epochs:
        model.set_weights(best)
    return Fitted(model, run.position, run.stopped)


def _fresh(recipe: Recipe, split: Split) -> keras.Model:
    keras.utils.set_random_seed(recipe.seed)
    return trainable(recipe, recipe.epochs * steps_per_epoch(recipe, split))


class Steps:
    """Many training steps, or tests, of a network in one call: a call takes as long as a batch of a small network.

    Attributes:
        learn: Trains on pictures (N, 28, 28), uint8 or distorted ones as float32, and their labels as `targets` gives
            them, one batch per step; returns float32 (2,): the sum of the digits' losses, and how many were read right.
        test: Takes uint8 pictures and labels, trains nothing and returns the same.
    """

    def __init__(self, model: keras.Model, recipe: Recipe, teacher: keras.Model | None = None) -> None:
        self.model, self.size, self.teacher = model, recipe.batch_size, teacher
        ink = tf.float32 if recipe.augmentation.any else tf.uint8
        pictures = tf.TensorSpec((None, SIDE, SIDE), ink)
        held_out = tf.TensorSpec((None, SIDE, SIDE), tf.uint8)
        one_hot = tf.TensorSpec((None, CLASSES + recipe.strokes), tf.float32)
        labels = one_hot if recipe.one_hot else tf.TensorSpec((None,), tf.uint8)
        model.optimizer.build(model.trainable_variables)
        # AutoGraph would only go through Keras: without it the graph is made sooner.
        self.learn = tf.function(self._learn, (pictures, labels), autograph=False)
        self.test = tf.function(self._test, (held_out, labels), autograph=False)

    def _learn(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Train on digits, one batch per step; return the sum of their losses and how many were read right."""

        def step(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            if self.teacher is not None:
                y = self.teacher(x, training=False)
            with tf.GradientTape() as tape:
                probabilities = self.model(x, training=True)
                loss = self.model.compute_loss(y=y, y_pred=probabilities)
            weights = self.model.trainable_variables
            self.model.optimizer.apply(tape.gradient(loss, weights), weights)
            return loss, probabilities

        return self._each(step, x, y, self.size)

    def _test(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Return the sum of the losses of digits, and how many were read right."""

        def step(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            probabilities = self.model(x, training=False)
            return self.model.compute_loss(y=y, y_pred=probabilities), probabilities

        return self._each(step, x, y, VALIDATION_BATCH)

    @staticmethod
    def _each(
        step: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]], x: tf.Tensor, y: tf.Tensor, size: int
    ) -> tf.Tensor:
        """Return the sums over batches of what `step` returns: float32 (2,), loss x digits and digits read right."""

        def batch(first: tf.Tensor, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            inks, labels = x[first : first + size], y[first : first + size]
            inks = tf.cast(inks, tf.float32) / 255 if inks.dtype == tf.uint8 else inks
            loss, probabilities = step(inks, labels)
            truth = tf.argmax(labels, axis=1) if labels.shape.rank == 2 else tf.cast(labels, tf.int64)
            right = tf.reduce_sum(tf.cast(tf.argmax(probabilities, axis=1) == truth, tf.float32))
            return first + size, sums + tf.stack([loss * tf.cast(tf.shape(labels)[0], tf.float32), right])

        start = (tf.constant(0), tf.zeros(2))
        return tf.while_loop(lambda first, _: first < tf.shape(x)[0], batch, start, parallel_iterations=1)[1]


class _Run:
    """One training under way."""

    def __init__(
        self,
        model: keras.Model,
        recipe: Recipe,
        split: Split,
        hooks: Hooks,
        position: Position,
        teacher: keras.Model | None,
    ) -> None:
        self.model, self.recipe, self.split, self.hooks = model, recipe, split, hooks
        self.position, self.stopped = position, False
        self.snapshots = list(FIRST_SNAPSHOTS)
        self.labels, self.held_out = targets(split.y, recipe), targets(split.y_validation, recipe)
        self.steps = steps_per_epoch(recipe, split)
        self.graphs = Steps(model, recipe, teacher)
        self.pace = 1  # batches in a call
        self.saved = time.monotonic()

    def epoch(self) -> None:
        """Train the rest of one epoch and validate."""
        self.before = self.position.seconds
        self.began = self.reported_at = now = time.monotonic()
        whole = reported = np.zeros(3)  # digits, their losses, those read right
        for step, x, y in self._batches():
            whole = whole + np.array([len(x), *self.graphs.learn(x, y).numpy()])
            self._check(whole[1])
            then, now = now, time.monotonic()
            self._keep_pace(step - self.position.step, now - then)
            self.position = replace(self.position, step=step, seconds=self.before + now - self.began)
            if now - self.reported_at < REPORT_EVERY:
                continue
            self._report_batches(whole - reported, now)
            reported = whole
            if step == self.steps:
                break  # an epoch without a batch left cannot be resumed: let it end
            if now - self.saved > SAVE_EVERY:
                self._save()
            if self.position.epoch == 0:
                self._snapshot()
                now = time.monotonic()  # the pace is that of learning
            if self.hooks.should_stop():
                self.stopped = True
                return
        self._validate(whole)
        self.stopped = self.position.epoch < self.recipe.epochs and self.hooks.should_stop()

    def _batches(self) -> Iterator[tuple[int, Pictures | NDArray[np.float32], NDArray[np.generic]]]:
        """Yield the rest of the epoch, some batches at a time, and how many batches are then done.

        While the network is trained on some, the next ones are made.
        """
        epoch, done = self.position.epoch, self.position.step

        def make(first: int, count: int) -> tuple[int, Pictures | NDArray[np.float32], NDArray[np.generic]]:
            count = min(count, self.steps - first)
            return first + count, *batches(self.split.x, self.labels, self.recipe, epoch, first, count)

        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(make, done, self.pace)
            while done < self.steps:
                made = coming.result()
                done = made[0]
                if done < self.steps:
                    coming = ahead.submit(make, done, self.pace)
                yield made

    def _keep_pace(self, done: int, seconds: float) -> None:
        """Choose how many batches the next call has: one that takes about an eighth of a second."""
        fitting = int(done * REPORT_EVERY / 2 / max(seconds, 1e-3))
        self.pace = max(1, min(fitting, MOST_AHEAD // self.recipe.batch_size))

    def _report_batches(self, sums: NDArray[np.float64], now: float) -> None:
        digits, loss, right = map(float, sums)
        self.hooks.report(
            {
                "kind": "batch",
                "epoch": round(self.position.epoch + self.position.step / self.steps, 4),
                "loss": round(loss / digits, 5),
                "accuracy": round(right / digits, 5),
                "seconds": round(self.position.seconds, 2),
                "digits_per_second": round(digits / (now - self.reported_at)),
            }
        )
        self.reported_at = now

    def _validate(self, sums: NDArray[np.float64]) -> None:
        """Validate and report the epoch, of which `sums` holds the digits, their losses and those read right."""
        digits, loss, right = map(float, sums)
        trained = time.monotonic() - self.began
        means = self.graphs.test(self.split.x_validation, self.held_out).numpy() / len(self.held_out)
        val_loss, val_accuracy = map(float, means)
        self._check(val_loss)  # the last batch's step may have been the one too large
        seconds = self.before + time.monotonic() - self.began
        better = val_loss < self.position.best_loss
        self.position = Position(
            self.position.epoch + 1,
            0,
            seconds,
            min(val_loss, self.position.best_loss),
            0 if better else self.position.worse_epochs + 1,
        )
        self.hooks.report(
            {
                "kind": "epoch",
                "epoch": self.position.epoch,
                "loss": round(loss / digits, 5),
                "accuracy": round(right / digits, 5),
                "val_loss": round(val_loss, 5),
                "val_accuracy": round(val_accuracy, 5),
                "seconds": round(seconds, 2),
                "digits_per_second": round(digits / trained),
            }
        )

    def _snapshot(self) -> None:
        done = self.position.step / self.steps
        if self.snapshots and done >= self.snapshots[0]:
            self.snapshots = [place for place in self.snapshots if place > done]
            self.hooks.snapshot(self.model, self.position)

    def _save(self) -> None:
        self.hooks.save(self.model, self.position)
        self.saved = time.monotonic()

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise RunError(
                "The loss is no longer a number: the steps are too large and the weights diverge. "
                f"Start again with a smaller learning rate. Received: {self.recipe.learning_rate:g}"
            )
