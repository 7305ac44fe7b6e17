"""Crops keep their labels on the ink, targets decode to the labels they were drawn from, and the loss knows better."""

import math

import cv2
import detectiondata
import keras
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digitrec.recognition import detector
from digitrec.recognition import detector_maps as maps
from digitrec.recognition.detector import Detections
from digitrec.training import detector_targets as made
from digitrec.training.detector_loss import DetectorLoss

SIDE = 256
HEAT, KEPT = 0, 1
seeds = st.integers(0, 2**32 - 1)


def match(found: Detections, labels: np.ndarray) -> np.ndarray:
    """Return which detection belongs to each label: those nearest to them, each to one."""
    apart = np.hypot(*np.moveaxis(found.boxes[None, :, :2] - labels[:, None, 1:3], 2, 0))
    nearest = apart.argmin(axis=1)
    assert sorted(nearest) == list(range(len(found)))
    return nearest


@settings(max_examples=60)
@given(seeds, st.sampled_from([32, 64, 128]))
def test_ideal_maps_decode_to_the_labels(seed: int, cell: int) -> None:
    labels = detectiondata.grid(np.random.default_rng(seed), SIDE, cell)
    output = detectiondata.ideal_maps(made.targets(labels.astype(np.float32), SIDE))
    found = detector.suppressed(detector.decode(output, 0.5))
    assert len(found) == len(labels)
    found = found.take(match(found, labels))
    np.testing.assert_allclose(found.boxes[:, :2], labels[:, 1:3], atol=1.0)
    np.testing.assert_allclose(found.boxes[:, 2:], np.maximum(labels[:, 3:5], 2.0), rtol=0.02)
    np.testing.assert_array_equal(found.classes.argmax(axis=1), labels[:, 0])
    off = np.degrees(found.direction - labels[:, 5])
    assert np.abs((off + 180) % 360 - 180).max() < 3.0


def test_digits_that_stand_close_are_distinguished() -> None:
    labels = detectiondata.row_of(8, 128, 128, 24, 0.5, step=0.6)
    found = detector.decode(detectiondata.ideal_maps(made.targets(labels.astype(np.float32), SIDE)), 0.5)
    assert len(found) == 8
    np.testing.assert_array_equal(found.take(match(found, labels)).classes.argmax(axis=1), labels[:, 0])


def blobs(labels: np.ndarray, side: int, finer: int = 4) -> np.ndarray:
    """Return a page, uint8 (side, side, 3), with a dark rectangle for each label; drawn larger, for exact edges."""
    picture = np.full((finer * side, finer * side, 3), 200, np.uint8)
    for _, x, y, width, height, angle in labels:
        corners = cv2.boxPoints(((x, y), (width, height), math.degrees(angle))) * finer - 0.5
        cv2.fillConvexPoly(picture, np.rint(corners * 16).astype(np.int32), (40, 40, 40), cv2.LINE_AA, 4)
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


@settings(max_examples=40)
@given(seeds)
@example(8952220)  # enlarged 3.5 times, and the edges of its rectangles with it
def test_labels_stay_on_the_ink_whatever_the_crop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    page_labels = detectiondata.grid(rng, 300, 75).astype(np.float32)
    page_labels[:, 1:3] += 30  # what lies at the page's edge is drawn out beyond it
    picture, labels = made.crop(blobs(page_labels, 360), page_labels, SIDE, rng)
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture.dtype == np.uint8
    assert labels.dtype == np.float32
    np.testing.assert_array_equal(labels[:, 0], page_labels[:, 0])
    # what differs from the paper, in whatever light, next to each label
    difference = np.abs(picture.astype(float) - np.median(picture, axis=(0, 1))).sum(axis=2)
    cover = np.clip(difference / max(np.quantile(difference, 0.99), 1.0), 0.0, 1.0)
    count, parts, _, _ = cv2.connectedComponentsWithStats((cover > 0.5).astype(np.uint8))
    reach = np.hypot(labels[:, 3], labels[:, 4]) / 2 + 2
    whole = ((labels[:, 1:3] > reach[:, None]) & (labels[:, 1:3] < SIDE - reach[:, None])).all(axis=1)
    for label in labels[whole]:
        own = parts == parts[int(label[2]), int(label[1])]
        assert parts[int(label[2]), int(label[1])] > 0
        rows, columns = np.nonzero(own)
        points = np.column_stack([columns, rows]) + 0.5
        np.testing.assert_allclose(points.mean(axis=0), label[1:3], atol=0.8)
        cos, sin = math.cos(label[5]), math.sin(label[5])
        along = (points - label[1:3]) @ np.array([[cos, -sin], [sin, cos]])
        np.testing.assert_allclose(np.ptp(along, axis=0), label[3:5], atol=3.0, rtol=0.1)
    assert count > 1 or not whole.any()


def test_crops_of_one_seed_are_the_same_and_leave_the_page_alone() -> None:
    labels = detectiondata.grid(np.random.default_rng(0), 360, 90).astype(np.float32)
    page, before = blobs(labels, 360), labels.copy()
    first, second = (made.crop(page, labels, 64, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    np.testing.assert_array_equal(labels, before)
    np.testing.assert_array_equal(page, blobs(labels, 360))


def test_crops_come_in_all_scales_turns_and_lights() -> None:
    label = np.array([[3, 180, 180, 20, 30, 0.0]], np.float32)
    page = blobs(label, 360)
    some = [made.crop(page, label, 64, np.random.default_rng(seed)) for seed in range(400)]
    heights = np.array([labels[0, 4] / 30 for _, labels in some])
    angles = np.degrees([labels[0, 5] for _, labels in some])
    off = np.abs((angles + 45) % 90 - 45)  # from the nearest quarter turn
    assert heights.min() < 1.1 * made.SCALES[0]
    assert heights.max() > 0.9 * made.SCALES[1]
    assert np.mean(off > made.SLIGHT) == pytest.approx(made.ANY_ANGLE * (1 - 4 * made.SLIGHT / 180), abs=0.08)
    assert np.histogram(angles % 360, bins=[0, 90, 180, 270, 360])[0].min() > 40
    assert np.mean(np.abs((angles + 180) % 360 - 180) <= made.SLIGHT) > 0.3
    assert len({tuple(picture[0, 0]) for picture, _ in some}) > 100


def target_of(*rows: tuple[float, ...]) -> np.ndarray:
    return made.targets(np.array(rows, np.float32).reshape(-1, 6), SIDE)


def cells(target: np.ndarray, x: float, y: float) -> np.ndarray:
    """Return what a target says where a pixel lies."""
    return target[int(y // maps.STRIDE), int(x // maps.STRIDE)]


@pytest.mark.parametrize(
    "label",
    [
        (-1, 120, 120, 40, 60, 0.3),  # it may be a digit, or not
        (4, 120, 120, 3, 6, 0.0),  # too small
        (4, 120, 2, 30, 60, 0.0),  # half of it beyond the edge
        (4, 250, 120, 30, 60, 1.57),
    ],
)
def test_what_is_ignored_has_no_weight_and_no_heat(label: tuple[float, ...]) -> None:
    target = target_of(label)
    assert not target[..., HEAT].any()
    x, y = min(max(label[1], 1), 254), min(max(label[2], 1), 254)
    assert cells(target, x, y)[KEPT] == 0.0
    assert target[..., KEPT].sum() > 0.8 * target[..., KEPT].size  # all else counts
    assert cells(target, 20, 230)[KEPT] == 1.0


def test_a_digit_within_what_is_ignored_counts() -> None:
    target = target_of((-1, 120, 120, 200, 200, 0.0), (7, 120, 120, 30, 40, 0.0))
    assert cells(target, 120, 120)[HEAT] == 1.0
    assert cells(target, 120, 120)[KEPT] == 1.0
    assert cells(target, 60, 60)[KEPT] == 0.0


def test_heat_is_one_at_the_centre_and_falls_with_the_digits_size() -> None:
    small, large = target_of((3, 130, 126, 12, 20, 0.0)), target_of((3, 130, 126, 90, 150, 0.0))
    for target in (small, large):
        assert target[..., HEAT].max() == cells(target, 130, 126)[HEAT] == 1.0
        assert (target[..., HEAT] == 1.0).sum() == 1
    assert (large[..., HEAT] > made.POSITIVE).sum() > 4 * (small[..., HEAT] > made.POSITIVE).sum() > 0


def test_no_labels_give_a_target_of_nothing() -> None:
    target = target_of()
    assert target.shape == (SIDE // 4, SIDE // 4, made.CHANNELS)
    assert not np.delete(target, KEPT, axis=2).any()
    assert (target[..., KEPT] == 1.0).all()


@given(seeds)
@settings(max_examples=25)
def test_any_labels_give_finite_targets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 30))
    labels = np.column_stack(
        [rng.integers(-1, 10, count), rng.uniform(-400, 700, (count, 2)), np.exp(rng.uniform(-5, 8, (count, 2))),
         rng.uniform(-20, 20, count)]
    ).astype(np.float32)  # fmt: skip
    target = made.targets(labels, SIDE)
    assert np.isfinite(target).all()
    assert 0.0 <= target[..., :2].min() <= target[..., :2].max() <= 1.0
    assert 0.0 <= target[..., 7].min() <= target[..., 7].max() < maps.ANGLE_BINS


def parts(target: np.ndarray, output: np.ndarray) -> dict[str, float]:
    found = DetectorLoss().parts(target[None], output[None].astype(np.float32))
    return {name: float(keras.ops.convert_to_numpy(value)) for name, value in found.items()}


@pytest.fixture(scope="module")
def ideal() -> tuple[np.ndarray, np.ndarray]:
    """Return the target of some labels, and the maps that it asks for."""
    labels = detectiondata.grid(np.random.default_rng(3), SIDE, 64).astype(np.float32)
    target = made.targets(labels, SIDE)
    return target, detectiondata.ideal_maps(target)


@pytest.mark.parametrize("shift", [(1, 0), (0, 1), (-2, 1), (5, -5)])
def test_ideal_maps_have_a_lower_loss_than_shifted_ones(ideal: tuple[np.ndarray, ...], shift: tuple[int, int]) -> None:
    target, output = ideal
    best, moved = parts(target, output), parts(target, np.roll(output, shift, axis=(0, 1)))
    for name in ("objectness", "place"):
        assert best[name] < moved[name]
    for name in ("digit", "size", "angle"):  # next to a centre lies the same digit
        assert best[name] <= moved[name]
    assert best["place"] + best["size"] < 1e-6


@pytest.mark.parametrize(
    ("name", "channels", "change"),
    [
        ("objectness", slice(0, 1), lambda values: -values),
        ("digit", maps.CLASSES, lambda values: np.roll(values, 1, axis=-1)),
        ("place", maps.OFFSET, lambda values: values + 0.1),
        ("size", maps.SIZE, lambda values: values - 0.1),
        ("angle", maps.ANGLE, lambda values: np.roll(values, 1, axis=-1)),
    ],
)
def test_each_part_of_the_loss_sees_its_own_channels(
    ideal: tuple[np.ndarray, ...], name: str, channels: slice, change: object
) -> None:
    target, output = ideal
    worse = output.copy()
    worse[..., channels] = change(output[..., channels])  # type: ignore[operator]
    before, after = parts(target, output), parts(target, worse)
    assert after[name] > before[name] + 1e-3
    for other in before.keys() - {name}:
        assert after[other] == pytest.approx(before[other], abs=1e-6)


def test_the_loss_is_the_sum_of_its_parts(ideal: tuple[np.ndarray, ...]) -> None:
    target, output = ideal
    whole = float(DetectorLoss()(target[None], np.roll(output, 1, axis=0)[None]))
    assert whole == pytest.approx(sum(parts(target, np.roll(output, 1, axis=0)).values()), rel=1e-5)


def test_false_heat_costs_except_where_it_is_ignored() -> None:
    nothing, ignored = target_of(), target_of((-1, 128, 128, 60, 60, 0.0))
    calm = np.full((SIDE // 4, SIDE // 4, maps.CHANNELS), -6.0, np.float32)
    hot = calm.copy()
    hot[32, 32, 0] = 4.0
    assert parts(nothing, hot)["objectness"] > parts(nothing, calm)["objectness"] + 1.0
    assert parts(ignored, hot)["objectness"] == pytest.approx(parts(ignored, calm)["objectness"], abs=1e-3)


def test_an_angle_between_the_last_bin_and_the_first_is_both() -> None:
    target = target_of((3, 128, 128, 30, 50, -math.radians(5)))
    costs = {}
    for first in (0, 17, 34, 35):
        output = detectiondata.ideal_maps(target)
        output[..., maps.ANGLE] = -8.0
        output[..., maps.ANGLE.start + first] = output[..., maps.ANGLE.start + (first + 1) % 36] = 8.0
        costs[first] = parts(target, output)["angle"]
    assert min(costs, key=costs.__getitem__) == 35
    assert costs[0] == pytest.approx(costs[34], rel=1e-3)
    assert costs[17] > costs[0]


def test_an_angle_near_a_bin_is_mostly_that_bin() -> None:
    target = target_of((3, 128, 128, 30, 50, math.radians(22)))
    near, far = (detectiondata.ideal_maps(target) for _ in range(2))
    for output, shares in ((near, (0.8, 0.2)), (far, (0.2, 0.8))):
        output[..., maps.ANGLE] = -8.0
        output[..., maps.ANGLE.start + 2 : maps.ANGLE.start + 4] = np.log(shares)
    assert parts(target, near)["angle"] < parts(target, far)["angle"] - 0.05


@pytest.mark.parametrize("level", [0.0, 80.0, -80.0])
@pytest.mark.parametrize("rows", [[], [(-1, 128, 128, 60, 60, 0.0)], [(3, 128, 128, 60, 60, 0.0)]])
def test_the_loss_and_its_slope_are_finite(level: float, rows: list[tuple[float, ...]]) -> None:
    import tensorflow as tf

    target = target_of(*rows)[None]
    output = tf.Variable(np.full((1, SIDE // 4, SIDE // 4, maps.CHANNELS), level, np.float32))
    with tf.GradientTape() as tape:
        loss = DetectorLoss()(target, output)
    assert np.isfinite(float(loss))
    assert float(loss) >= 0.0
    assert np.isfinite(tape.gradient(loss, output).numpy()).all()


def test_following_the_slope_leads_to_the_labels() -> None:
    labels = detectiondata.grid(np.random.default_rng(8), 64, 64).astype(np.float32)
    import tensorflow as tf

    target = made.targets(labels, 64)[None]
    output = keras.Variable(np.zeros((1, 16, 16, maps.CHANNELS), np.float32))
    optimizer = keras.optimizers.Adam(0.3)
    optimizer.build([output])

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            loss = DetectorLoss()(target, output.value)
        optimizer.apply([tape.gradient(loss, output.value)], [output])

    for _ in range(150):
        step()
    found = detector.suppressed(detector.decode(np.asarray(output)[0], 0.5))
    assert len(found) == 1
    np.testing.assert_allclose(found.boxes[0], labels[0, 1:5], atol=1.0)
    assert found.classes.argmax() == labels[0, 0]
    assert abs(math.remainder(float(found.direction[0]) - float(labels[0, 5]), 2 * math.pi)) < math.radians(3)
