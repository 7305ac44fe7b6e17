"""Train a recipe's network on digits. Keras, no files: what happens goes out through `report` and `save`."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from digitrec.dataset import Labels, Pictures, Split, glyphs
from digitrec.distort import distort
from digitrec.errors import RunError
from digitrec.network import trainable
from digitrec.recipe import CLASSES, Recipe

REPORT_EVERY = 0.25  # seconds; by time, not by count, so that small nets do not pay for it
SAVE_EVERY = 30.0  # seconds; what a killed run loses at most
FIRST_LOOKS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)  # of the first epoch, in which most is learnt

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


def fit(
    recipe: Recipe,
    split: Split,
    report: Callable[[Event], None],
    should_stop: Callable[[], bool],
    save: Callable[[keras.Model, Position], None] = lambda model, position: None,
    resume: tuple[keras.Model, Position] | None = None,
    keep: Callable[[keras.Model], None] = lambda model: None,
    best: Weights | None = None,
    watch: Callable[[keras.Model, Position], None] = lambda model, position: None,
) -> Fitted:
    """Train the recipe's network.

    Args:
        recipe: What to train.
        split: Digits to train on and digits to validate on.
        report: Called with an event some four times a second and after each epoch: `kind` (`batch` or
            `epoch`), `epoch` (epochs done, with fractions), `loss` and `accuracy` since the last such
            event, `seconds` of training so far, `digits_per_second`; after an epoch also `val_loss`
            and `val_accuracy`.
        should_stop: Asked some four times a second; true ends the training where it is.
        save: Called every 30 seconds, and at the end, with what `resume` takes.
        resume: A model with its optimiser state, and where it was.
        keep: With `patience`, called after each epoch with the lowest validation loss so far; the model's
            weights are then what `best` takes on resuming.
        best: On resuming, the weights that `keep` saw last.
        watch: Called before the first batch, a few times in the first epoch and after each epoch, with the
            network as it then reads.

    Returns:
        The network with the weights that training ended with; with `patience`, the best ones.

    Raises:
        RunError: If the loss is no longer a number.
    """
    model, start = resume or (_fresh(recipe, split), Position())
    run = _Run(recipe, split, report, should_stop, save, start, watch)
    if recipe.patience and best is None:
        best = model.get_weights()
    if not resume:
        watch(model, start)
    while run.position.epoch < recipe.epochs and not run.stopped:
        lowest = run.position.best_loss
        run.epoch(model)
        if run.position.step == 0:
            watch(model, run.position)
        if recipe.patience and run.position.best_loss < lowest:
            best = model.get_weights()
            keep(model)
        if recipe.patience and run.position.worse_epochs >= recipe.patience:
            break
    save(model, run.position)
    if best and run.position.worse_epochs:
        model.set_weights(best)
    return Fitted(model, run.position, run.stopped)


def _fresh(recipe: Recipe, split: Split) -> keras.Model:
    keras.utils.set_random_seed(recipe.seed)
    return trainable(recipe, recipe.epochs * steps_per_epoch(recipe, split))


def steps_per_epoch(recipe: Recipe, split: Split) -> int:
    """Return the number of batches an epoch, the last one perhaps smaller."""
    return math.ceil(len(split.x) / recipe.batch_size)


class _Run(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """One training under way: Keras calls it after each few batches."""

    def __init__(
        self,
        recipe: Recipe,
        split: Split,
        report: Callable[[Event], None],
        should_stop: Callable[[], bool],
        save: Callable[[keras.Model, Position], None],
        position: Position,
        watch: Callable[[keras.Model, Position], None],
    ) -> None:
        super().__init__()
        self.recipe, self.report, self.should_stop, self.save = recipe, report, should_stop, save
        self.watch, self.looks = watch, list(FIRST_LOOKS)
        self.position, self.stopped = position, False
        self.split = split
        held_out = (split.x_validation, _labels(split.y_validation, recipe))
        self.validation = _plain(tf.data.Dataset.from_tensor_slices(held_out).batch(500).map(_glyphs))
        self.steps = steps_per_epoch(recipe, split)
        self.saved = time.monotonic()

    def epoch(self, model: keras.Model) -> None:
        """Train the rest of one epoch and validate."""
        self.first, self.seen = self.position.step, 0
        self.sums = self.reported = (0, 0.0, 0.0)  # batches, loss x batches, accuracy x batches
        self.began = self.reported_at = time.monotonic()
        self.before = self.position.seconds
        self.next_report = 0.0
        data = _plain(batches(self.split.x, self.split.y, self.recipe, self.position.epoch, self.position.step))
        history = model.fit(data, verbose=0, shuffle=False, callbacks=[self])
        if self.stopped:
            return
        loss, accuracy = (float(history.history[key][-1]) for key in ("loss", "accuracy"))
        self._check(loss)
        self._validate(model, loss, accuracy)
        self.stopped = self.position.epoch < self.recipe.epochs and self.should_stop()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Report, save and stop, each when its time has come."""
        now = time.monotonic()
        if logs is None or now < self.next_report:
            return
        self.next_report = now + REPORT_EVERY
        done = min(batch + 1, self.steps - self.first)  # Keras counts the last execution as a full one
        self.sums = (done, float(logs["loss"]) * done, float(logs["accuracy"]) * done)
        self._check(self.sums[1])
        self.position = replace(self.position, step=self.first + done, seconds=self.before + now - self.began)
        self._report_batches(now)
        if self.position.step == self.steps:
            return  # an epoch without a batch left cannot be resumed: let it end
        if self.position.epoch == 0:
            self._look()
        if now - self.saved > SAVE_EVERY:
            self._save()
        if self.should_stop():
            self.stopped = self.model.stop_training = True

    def _report_batches(self, now: float) -> None:
        count = self.sums[0] - self.reported[0]
        self.report(
            {
                "kind": "batch",
                "epoch": round(self.position.epoch + self.position.step / self.steps, 4),
                "loss": round((self.sums[1] - self.reported[1]) / count, 5),
                "accuracy": round((self.sums[2] - self.reported[2]) / count, 5),
                "seconds": round(self.position.seconds, 2),
                "digits_per_second": round(count * self.recipe.batch_size / (now - self.reported_at)),
            }
        )
        self.reported, self.reported_at = self.sums, now

    def _validate(self, model: keras.Model, loss: float, accuracy: float) -> None:
        val_loss, val_accuracy = map(float, model.evaluate(self.validation, verbose=0))
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
        digits = (self.steps - self.first) * self.recipe.batch_size
        self.report(
            {
                "kind": "epoch",
                "epoch": self.position.epoch,
                "loss": round(loss, 5),
                "accuracy": round(accuracy, 5),
                "val_loss": round(val_loss, 5),
                "val_accuracy": round(val_accuracy, 5),
                "seconds": round(seconds, 2),
                "digits_per_second": round(digits / (seconds - self.before)),
            }
        )

    def _look(self) -> None:
        share = self.position.step / self.steps
        if self.looks and share >= self.looks[0]:
            self.looks = [look for look in self.looks if look > share]
            self.watch(self.model, self.position)

    def _save(self) -> None:
        self.save(self.model, self.position)
        self.saved = time.monotonic()

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise RunError(
                "The loss is no longer a number: the steps are too large and the weights ran away. "
                f"Start again with a smaller learning rate. Received: {self.recipe.learning_rate:g}"
            )


def batches(x: Pictures, y: Labels, recipe: Recipe, epoch: int, first: int) -> tf.data.Dataset:
    """Return the batches of one epoch from number `first` on, in an order that seed and epoch decide.

    Yields `(float32 (B, 28, 28), uint8 (B,))`, with label smoothing one-hot labels; the last batch may be smaller.
    """
    size = recipe.batch_size
    order = np.random.default_rng((recipe.seed, epoch)).permutation(len(x))
    steps = tf.data.Dataset.range(first, math.ceil(len(x) / size))
    x_all, y_all, order_all = tf.constant(x), tf.constant(_labels(y, recipe)), tf.constant(order)

    def batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        chosen = order_all[step * size : (step + 1) * size]
        return _glyphs(tf.gather(x_all, chosen), tf.gather(y_all, chosen))

    def distorted(step: int) -> NDArray[np.float32]:
        rng = np.random.default_rng((recipe.seed, epoch, int(step)))
        return distort(glyphs(x[order[step * size : (step + 1) * size]]), recipe.augmentation, rng)

    def distorted_batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pictures = tf.ensure_shape(tf.numpy_function(distorted, [step], tf.float32), (None, *x.shape[1:]))
        return pictures, tf.gather(y_all, order_all[step * size : (step + 1) * size])

    return steps.map(distorted_batch if recipe.augmentation.any else batch)


def _labels(y: Labels, recipe: Recipe) -> NDArray[np.generic]:
    """Return labels as the recipe's loss wants them: numbers, or one-hot."""
    return np.eye(CLASSES + recipe.strokes, dtype=np.float32)[y] if recipe.label_smoothing else y


def _glyphs(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.cast(x, tf.float32) / 255, y


def _plain(data: tf.data.Dataset) -> tf.data.Dataset:
    """Switch tf.data's autotuning off: with it, `fit` was seen idle for seconds after an epoch."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.prefetch(4).with_options(options)
