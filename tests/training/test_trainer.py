import itertools
import math
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from digitrec.datasets.mnist import glyphs
from digitrec.errors import RunError
from digitrec.imaging.augmentation import Augmentation
from digitrec.training import trainer
from digitrec.training.batches import batches
from digitrec.training.network import trainable
from digitrec.training.recipe import ConvBlock, Recipe
from digitrec.training.splits import Split
from digitrec.training.trainer import Position

# 80 digits are 5 batches an epoch. SGD, because TensorFlow takes twice as long to get ready for Adam.
NET = Recipe("net", hidden=(16,), batch_size=16, epochs=2, optimizer="sgd", learning_rate=0.1)
EVERYTHING = Augmentation(shift=2, turn=10, zoom=0.1, shear=0.1, thickness=1, elastic=1)
BATCH_KEYS = ["kind", "epoch", "loss", "accuracy", "seconds", "digits_per_second"]
EPOCH_KEYS = ["kind", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds", "digits_per_second"]


def look_at_each_batch(patch):
    patch.setattr(trainer, "REPORT_EVERY", 0.0)


@pytest.fixture
def each_batch(monkeypatch):
    """Have training look at the clock after each batch and report each time."""
    look_at_each_batch(monkeypatch)


@pytest.fixture(scope="module")
def whole(few):
    """Return NET trained without a break, and the events of each batch."""
    with pytest.MonkeyPatch.context() as patch:
        look_at_each_batch(patch)
        return fit(NET, few)


def never():
    return False


def stop_at(asked):
    """Return a `should_stop` that says so when asked for the `asked`-th time."""
    count = itertools.count(1)
    return lambda: next(count) == asked


def fit(recipe, few, should_stop=never, resume=None, best=None, teacher=None, **hooks):
    """Train and return the result, and the events."""
    events = []
    hooks = trainer.Hooks(report=events.append, should_stop=should_stop, **hooks)
    return trainer.fit(recipe, few, hooks, resume, best, teacher), events


def assert_same_weights(one, other, tolerance=1e-5):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance)


def differ(one, other):
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return any(np.abs(a - b).max() > 1e-4 for a, b in pairs)


# Learning


@pytest.mark.parametrize(
    "recipe",
    [
        NET.replace(epochs=16),
        Recipe(
            "cnn",
            kind="cnn",
            blocks=(ConvBlock(6, 5, 2, True), ConvBlock(8, 3, 2)),
            hidden=(16,),
            norm_momentum=0.8,  # 80 steps; the running mean of 0.99 still remembers the first weights
            batch_size=16,
            epochs=16,
            optimizer="sgd",
            learning_rate=0.1,
            scaling="unit-length",
        ),
        Recipe(
            "new",
            kind="cnn",
            blocks=(ConvBlock(12, 5, 1, True, "valid", 2, False), ConvBlock(16, 3, 1, True, stride=2, bias=False)),
            mean_maps=True,
            hidden=(16,),
            hidden_norm=True,
            norm_momentum=0.8,
            batch_size=16,
            epochs=16,
            optimizer="sgd",
            learning_rate=0.3,
            schedule="one-cycle",
            scaling="standard",
        ),
    ],
    ids=["mlp", "cnn", "new"],
)
def test_it_learns(few, recipe):
    fitted, events = fit(recipe, few)
    losses = [event["loss"] for event in events if event["kind"] == "epoch"]
    assert losses[-1] < losses[0] / 2
    answers = fitted.model(glyphs(few.x)).numpy().argmax(axis=1)
    assert (answers == few.y).mean() > 0.8
    assert fitted.position.epoch == recipe.epochs
    assert fitted.position.step == 0
    assert not fitted.stopped


def test_the_seed_decides_the_weights(few, whole):
    same, other = (fit(NET.replace(seed=seed), few)[0].model for seed in (NET.seed, NET.seed + 1))
    assert_same_weights(whole[0].model, same)
    assert differ(whole[0].model, other)


# Events


def test_events_come_in_order_and_whole(whole):
    fitted, events = whole
    assert [event["kind"] for event in events] == (["batch"] * 5 + ["epoch"]) * 2
    assert [event["epoch"] for event in events] == [0.2, 0.4, 0.6, 0.8, 1.0, 1, 1.2, 1.4, 1.6, 1.8, 2.0, 2]
    for event in events:
        assert list(event) == (BATCH_KEYS if event["kind"] == "batch" else EPOCH_KEYS)
        assert all(math.isfinite(event[key]) for key in event if key != "kind")
        assert 0 <= event["accuracy"] <= 1
        assert event["digits_per_second"] > 0
    seconds = [event["seconds"] for event in events]
    assert seconds == sorted(seconds)
    assert fitted.position.seconds == pytest.approx(seconds[-1], abs=0.01)


@pytest.mark.parametrize("key", ["loss", "accuracy"])
def test_batches_tell_what_came_since_the_one_before(whole, key):
    *batches, epoch = whole[1][:6]
    assert np.mean([event[key] for event in batches]) == pytest.approx(epoch[key], abs=1e-4)


def test_reports_and_saves_keep_their_distance(few, monkeypatch):
    monkeypatch.setattr(trainer, "SAVE_EVERY", 1.0)
    clock = itertools.count(0, 0.1)  # a look at it takes 0.1 s
    monkeypatch.setattr(trainer, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    positions = []
    _, events = fit(NET.replace(batch_size=2, epochs=1), few, save=lambda model, position: positions.append(position))
    times = [event["seconds"] for event in events if event["kind"] == "batch"]
    assert len(times) > 10
    assert np.diff(times).min() >= trainer.REPORT_EVERY
    assert np.diff(times).max() < trainer.REPORT_EVERY + 0.3
    assert 2 < len(positions) < len(times) / 2
    assert all(position.step < 40 for position in positions)  # nothing could be resumed from an epoch's last batch


def test_validation_is_on_the_digits_held_out(few, whole):
    fitted, events = whole
    probabilities = fitted.model(glyphs(few.x_validation)).numpy()
    loss = -np.log(probabilities[np.arange(len(few.y_validation)), few.y_validation]).mean()
    assert events[-1]["val_loss"] == pytest.approx(loss, abs=1e-4)
    assert events[-1]["val_accuracy"] == pytest.approx((probabilities.argmax(axis=1) == few.y_validation).mean())
    lowest = min(event["val_loss"] for event in events if event["kind"] == "epoch")
    assert fitted.position.best_loss == pytest.approx(lowest, abs=1e-4)


# Snapshots


def test_snapshots_come_before_a_few_times_in_the_first_epoch_and_after_each(few, whole, each_batch):
    made = []
    fitted, events = fit(NET, few, snapshot=lambda model, at: made.append((at.epoch, at.step, model.get_weights())))
    assert [place[:2] for place in made] == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (2, 0)]  # 5 batches per epoch
    for weights, last in zip(made[-1][2], fitted.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, last)
    without = [event["loss"] for event in whole[1]]
    assert [event["loss"] for event in events] == pytest.approx(without, abs=1e-4)  # a snapshot changes nothing


# Stop and resume


def test_resume_goes_on_after_the_batch_where_it_stopped(few, whole, each_batch):
    half, before = fit(NET, few, stop_at(1))
    assert half.stopped
    assert (half.position.epoch, half.position.step) == (0, 1)
    ended, after = fit(NET, few, resume=(half.model, half.position))
    assert [event["epoch"] for event in before + after] == [event["epoch"] for event in whole[1]]
    assert not ended.stopped
    assert ended.position.epoch == NET.epochs
    assert ended.position.seconds > half.position.seconds
    assert_same_weights(ended.model, whole[0].model)


@pytest.mark.parametrize("schedule", ["constant", "one-cycle"])
def test_resume_from_a_file_ends_where_an_unbroken_run_does_by_the_optimisers_state(
    few, each_batch, tmp_path, schedule
):
    recipe = NET.replace(optimizer="adam", learning_rate=0.01, schedule=schedule)
    unbroken, _ = fit(recipe, few)
    saves = []
    # should_stop is asked after each batch but an epoch's last, and after each epoch but the last.
    half, _ = fit(recipe, few, stop_at(7), save=lambda *saved: saves.append(saved))
    assert saves == [(half.model, half.position)]
    assert (half.position.epoch, half.position.step) == (1, 2)
    half.model.save(tmp_path / "checkpoint.keras")
    loaded = keras.saving.load_model(tmp_path / "checkpoint.keras")
    ended, _ = fit(recipe, few, resume=(loaded, half.position))
    assert_same_weights(ended.model, unbroken.model)
    bare = trainable(recipe, 10)
    bare.set_weights(half.model.get_weights())
    ended, _ = fit(recipe, few, resume=(bare, half.position))
    assert differ(ended.model, unbroken.model)


def test_an_epoch_with_no_batch_left_is_ended_before_the_stop(few, each_batch):
    """A stop that comes with an epoch's last batch would leave nothing of the epoch to resume with."""
    recipe = NET.replace(batch_size=80)
    half, before = fit(recipe, few, lambda: True)
    assert half.stopped
    assert (half.position.epoch, half.position.step) == (1, 0)
    ended, after = fit(recipe, few, lambda: True, resume=(half.model, half.position))
    assert not ended.stopped  # there was nothing left to stop
    assert [event["epoch"] for event in before + after] == [1.0, 1, 2.0, 2]
    assert_same_weights(ended.model, fit(recipe, few)[0].model)


def test_how_many_batches_a_call_has_changes_nothing_that_is_learned(few, monkeypatch):
    """A fast machine's calls are long and a slow one's short."""
    recipe = NET.replace(batch_size=2, augmentation=EVERYTHING, dropout=0.2)
    calls, fitted = [], []
    batches = trainer.batches
    monkeypatch.setattr(
        trainer, "batches", lambda *arguments: (calls[-1].append(arguments[-1]), batches(*arguments))[1]
    )
    for every in (0.0, 1000.0):
        monkeypatch.setattr(trainer, "REPORT_EVERY", every)
        calls.append([])
        fitted.append(fit(recipe, few)[0].model)
    assert set(calls[0]) == {1}
    assert max(calls[1]) > 20
    assert_same_weights(*fitted)


def test_a_finished_position_has_nothing_left_to_train(few):
    model = trainable(NET, 10)
    before = trainable(NET, 10)
    before.set_weights(model.get_weights())
    fitted, events = fit(NET, few, resume=(model, Position(epoch=NET.epochs)))
    assert events == []
    assert_same_weights(fitted.model, before, 0)


# Patience


@pytest.fixture
def wrong(few):
    """Return digits whose validation labels are wrong, so that learning makes the validation loss rise."""
    return Split(few.x, few.y, few.x_validation, (few.y_validation + 1) % 10)


def validation_loss(model, split):
    return model.evaluate(glyphs(split.x_validation), split.y_validation, verbose=0)[0]


def test_patience_ends_the_training_and_keeps_the_best_weights(wrong):
    recipe = NET.replace(epochs=20, patience=3)
    saves = []
    fitted, events = fit(
        recipe, wrong, save=lambda model, position: saves.append((validation_loss(model, wrong), position))
    )
    losses = [event["val_loss"] for event in events if event["kind"] == "epoch"]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 3 < 20
    assert (fitted.position.epoch, fitted.position.worse_epochs) == (len(losses), 3)
    assert not fitted.stopped
    assert validation_loss(fitted.model, wrong) == pytest.approx(min(losses), abs=1e-4)
    assert saves[-1][0] == pytest.approx(losses[-1], abs=1e-4)  # a checkpoint goes on from the last weights


def test_the_best_weights_of_before_a_resume_are_kept(wrong):
    """What resumes is worse than what was reached before, and stays so."""
    recipe = NET.replace(epochs=20, patience=2)
    kept = []
    unbroken, events = fit(recipe, wrong, keep_best=lambda model: kept.append(model.get_weights()))
    losses = [event["val_loss"] for event in events if event["kind"] == "epoch"]
    assert len(kept) == int(np.argmin(losses)) + 1  # after each epoch that was the best so far
    later = trainable(recipe, 10)  # fresh weights stand for later, worse ones
    start = Position(epoch=5, best_loss=0.0, worse_epochs=1)
    resumed, _ = fit(recipe, wrong, resume=(later, start), best=kept[-1])
    assert_same_weights(resumed.model, unbroken.model, 0)


def test_without_patience_the_last_weights_are_kept(wrong):
    fitted, events = fit(NET.replace(epochs=6), wrong)
    assert fitted.position.epoch == 6
    assert validation_loss(fitted.model, wrong) == pytest.approx(events[-1]["val_loss"], abs=1e-4)
    assert events[-1]["val_loss"] > fitted.position.best_loss + 0.1


def test_patience_counts_on_after_a_resume(wrong):
    recipe = NET.replace(epochs=20, patience=3)
    start = Position(epoch=5, best_loss=0.0, worse_epochs=2)
    fitted, _events = fit(recipe, wrong, resume=(trainable(recipe, 10), start))
    assert fitted.position.epoch == 6
    assert fitted.position.worse_epochs == 3


# Loss that is no number


def test_a_loss_that_is_no_number_ends_the_run_with_a_sentence(few):
    recipe = NET.replace(hidden=(64, 64, 64), activation="elu", learning_rate=10, epochs=20)
    with pytest.raises(RunError, match=r"no longer a number: .* smaller learning rate\. Received: 10$"):
        fit(recipe, few)


def test_weights_that_are_no_numbers_are_seen_and_not_saved(few):
    model = trainable(NET, 10)
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    saves = []
    with pytest.raises(RunError, match="no longer a number"):
        fit(NET, few, resume=(model, Position()), save=lambda *saved: saves.append(saved))
    assert saves == []


def test_a_validation_loss_that_is_no_number_is_seen(few, monkeypatch):
    monkeypatch.setattr(trainer.Steps, "_test", lambda steps, x, y: tf.fill((2,), math.nan))
    with pytest.raises(RunError, match="no longer a number"):
        fit(NET, few)


# Batches


@pytest.mark.parametrize("amounts", [Augmentation(), EVERYTHING], ids=["plain", "distorted"])
def test_batches_hold_each_digit_once(few, amounts):
    recipe = NET.replace(batch_size=32, augmentation=amounts)
    made = [batches(few.x, few.y, recipe, 0, step, 1) for step in range(3)]
    assert [x.shape for x, _ in made] == [(32, 28, 28), (32, 28, 28), (16, 28, 28)]
    assert [y.shape for _, y in made] == [(32,), (32,), (16,)]
    x, y = (np.concatenate(parts) for parts in zip(*made, strict=True))
    order = np.random.default_rng((recipe.seed, 0)).permutation(80)
    np.testing.assert_array_equal(y, few.y[order])
    if not amounts.any:
        np.testing.assert_array_equal(x, few.x[order])
    else:
        assert x.dtype == np.float32
        assert x.min() >= 0
        assert x.max() <= 1
        apart = np.abs(x - glyphs(few.x)[order]).mean(axis=(1, 2))
        assert (apart > 0.01).mean() > 0.9
        assert np.corrcoef(x.ravel(), glyphs(few.x)[order].ravel())[0, 1] > 0.4  # still the same digits


@pytest.mark.parametrize("amounts", [Augmentation(), EVERYTHING], ids=["plain", "distorted"])
def test_seed_epoch_and_number_decide_a_batch(few, amounts):
    recipe = NET.replace(augmentation=amounts)
    whole, labels = batches(few.x, few.y, recipe, 3, 0, 5)
    rest, rest_labels = batches(few.x, few.y, recipe, 3, 2, 3)
    np.testing.assert_array_equal(whole[32:], rest)
    np.testing.assert_array_equal(labels[32:], rest_labels)
    for other in (batches(few.x, few.y, recipe, 4, 0, 5), batches(few.x, few.y, recipe.replace(seed=2), 3, 0, 5)):
        assert not np.array_equal(whole, other[0])


def test_training_on_distorted_digits_follows_the_seed(few, whole):
    one, same = (fit(NET.replace(augmentation=EVERYTHING), few)[0].model for _ in range(2))
    assert_same_weights(one, same)
    assert differ(one, whole[0].model)


def test_a_teachers_answers_take_the_place_of_the_labels(few):
    taught = NET.replace(teacher="any", epochs=20)
    teacher = trainable(NET, 1)
    teacher.get_layer("logits").bias.assign(np.eye(10)[3] * 20)  # all it ever says is 3
    before = teacher.get_weights()
    model = fit(taught, few, teacher=teacher)[0].model
    assert (model(glyphs(few.x), training=False).numpy().argmax(axis=1) == 3).mean() > 0.95
    for weights, as_before in zip(teacher.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, as_before)


def test_the_accuracy_of_one_who_is_taught_is_that_of_the_labels(few):
    taught = NET.replace(teacher="any", epochs=1)
    fitted, events = fit(taught, few, teacher=trainable(NET, 1))
    right = fitted.model(glyphs(few.x_validation), training=False).numpy().argmax(axis=1) == few.y_validation
    assert events[-1]["val_accuracy"] == pytest.approx(right.mean(), abs=1e-5)
