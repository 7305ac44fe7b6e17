"""Decoding against a slow oracle, suppression, and the files that are no detector."""

import math
from itertools import pairwise
from pathlib import Path

import detectiondata
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec import settings as places
from digitrec.datasets.synthetic_pages import corners
from digitrec.errors import ModelError
from digitrec.recognition import detector, shipped
from digitrec.recognition import detector_maps as maps
from digitrec.recognition.detector import Detections, Detector

Box = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def opened() -> Detector:
    return Detector(shipped.FILE)


def oracle(output: np.ndarray, threshold: float) -> list[tuple[float, ...]]:
    """Return objectness, x, y, width, height of each cell that no neighbour exceeds, one cell at a time."""
    found = []
    for row in range(output.shape[0]):
        for column in range(output.shape[1]):
            cell = [float(value) for value in output[row, column]]
            near = output[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2, maps.OBJECTNESS]
            likely = 1.0 / (1.0 + math.exp(-cell[0]))
            if cell[0] < float(near.max()) or likely <= threshold:
                continue
            x = 4 * column + 2 + 8 * cell[11]
            y = 4 * row + 2 + 8 * cell[12]
            width, height = (32 * math.exp(min(max(size, -3.0), 4.0)) for size in cell[13:15])
            found.append((likely, x, y, width, height))
    return found


@given(st.integers(1, 9), st.integers(1, 9), st.floats(0.02, 0.9), st.booleans(), st.integers(0, 2**32 - 1))
def test_decoding_finds_what_a_look_at_every_cell_finds(
    height: int, width: int, threshold: float, coarse: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    output = rng.normal(0.0, 1.5, (height, width, maps.CHANNELS)).astype(np.float32)
    if coarse:  # neighbours that are as high as each other
        output[..., 0] = np.round(output[..., 0])
    found = detector.decode(output, threshold)
    expected = oracle(output, threshold)
    assert len(found) == len(expected)
    if expected:
        values = np.column_stack([found.objectness, found.boxes])
        np.testing.assert_allclose(values, np.array(expected), rtol=1e-4, atol=1e-3)
    for name in ("objectness", "boxes", "angles", "classes"):
        assert getattr(found, name).dtype == np.float32


def test_decoding_turns_bins_into_probabilities_and_leaves_the_digits_logits() -> None:
    output = np.full((3, 3, maps.CHANNELS), -9.0, np.float32)
    output[1, 1] = np.random.default_rng(0).normal(size=maps.CHANNELS)
    output[1, 1, maps.OBJECTNESS] = 2.0
    found = detector.decode(output)
    logits = output[1, 1, maps.ANGLE].astype(float)
    np.testing.assert_allclose(found.angles[0], np.exp(logits) / np.exp(logits).sum(), rtol=1e-5)
    np.testing.assert_array_equal(found.classes[0], output[1, 1, maps.CLASSES])


def test_wild_maps_give_finite_detections() -> None:
    for value in (1e4, -1e4):
        found = detector.decode(np.full((4, 4, maps.CHANNELS), value, np.float32))
        for name in ("objectness", "boxes", "angles", "classes"):
            assert np.isfinite(getattr(found, name)).all()


@given(st.floats(-10.0, 10.0), st.floats(-0.3, 0.3))
def test_a_direction_is_the_mean_about_the_likeliest_bin(angle: float, other: float) -> None:
    found = detectiondata.detections(detectiondata.labels_of([(3, 50, 50, 10, 20, angle)]))
    off = float(found.direction[0]) - angle
    assert abs(math.remainder(off, 2 * math.pi)) < math.radians(0.5)
    far = detectiondata.bins_of(np.array([angle + math.pi + other]))  # an upside-down minority has no say
    mixed = Detections(found.objectness, found.boxes, 0.7 * found.angles + 0.3 * far, found.classes)
    assert abs(math.remainder(float(mixed.direction[0]) - angle, 2 * math.pi)) < math.radians(5.1)


def extent(label: np.ndarray) -> Box:
    """Return the upright box around a label's corners; that of a line is not thinner than 0.3 of its height."""
    points = corners(label[None].astype(np.float64))[0]
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    x, y, least = (left + right) / 2, (top + bottom) / 2, 0.15 * label[4]
    return min(left, x - least), min(top, y - least), max(right, x + least), max(bottom, y + least)


def shared(a: Box, b: Box) -> tuple[float, float]:
    """Return the intersection of two boxes as a share of their union, and of the smaller one."""
    across = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    down = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return across * down / (sum(areas) - across * down), across * down / min(areas)


numbers = st.floats(0.0, 60.0, width=32)
label = st.tuples(
    st.integers(0, 9), numbers, numbers, st.floats(2.0, 40.0), st.floats(4.0, 40.0), st.floats(-3.2, 3.2),
    st.floats(0.05, 0.99),
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(label, max_size=12))
def test_of_overlapping_detections_the_likelier_is_kept_and_nothing_else_is_dropped(some: list[tuple]) -> None:
    rows = np.array(some, np.float64).reshape(-1, 7)
    found = detectiondata.detections(rows[:, :6], rows[:, 6])
    kept = detector.suppressed(found)
    assert (np.diff(kept.objectness) <= 0).all()
    seen = np.column_stack([rows[:, :5], found.direction])  # bins tell an angle to half a degree
    boxes = [extent(row) for row in seen]
    places_kept = [int(np.flatnonzero((found.boxes == box).all(axis=1))[0]) for box in kept.boxes]
    limits = detector.THRESHOLDS
    if len({tuple(row) for row in found.boxes}) == len(rows):  # each is known by its box
        for n, place in enumerate(places_kept):
            for other in places_kept[:n]:
                union, smaller = shared(boxes[place], boxes[other])
                assert union <= limits.overlap + 1e-3
                assert smaller <= limits.inside + 1e-3
        for place in set(range(len(rows))) - set(places_kept):
            likelier = [k for k in places_kept if found.objectness[k] >= found.objectness[place]]
            measured = [shared(boxes[place], boxes[k]) for k in likelier]
            assert any(u > limits.overlap - 1e-3 or s > limits.inside - 1e-3 for u, s in measured)


def test_a_digit_seen_in_two_passes_is_one_and_moves_with_its_picture() -> None:
    labels = detectiondata.row_of(4, 300, 200, 40, 0.4)
    whole = detectiondata.detections(labels, 0.6)
    closer = labels.copy()
    closer[:, 1:3] = (labels[:, 1:3] - (100, 50)) * 2.5
    closer[:, 3:5] *= 2.5
    moved = detectiondata.detections(closer, 0.9).moved(1 / 2.5, 100, 50)
    together = detector.concatenated([whole, moved])
    assert together.objectness == pytest.approx([0.9] * 4)
    np.testing.assert_allclose(np.sort(together.boxes, axis=0), np.sort(whole.boxes, axis=0), atol=1e-3)


def test_nothing_joined_is_nothing() -> None:
    for none in (detector.concatenated([]), detector.concatenated([detectiondata.detections(np.zeros((0, 6)))] * 2)):
        assert len(none) == 0
        assert len(detector.extents(none)) == 0
        assert len(none.moved(2.0, 1.0, 1.0)) == 0


@pytest.mark.parametrize("shape", [(1, 1), (31, 33), (64, 96), (7, 200)])
def test_any_size_of_picture_is_looked_at(opened: Detector, shape: tuple[int, int]) -> None:
    found, heat = opened.detect(np.full((*shape, 3), 200, np.uint8))
    padded = [side + -side % maps.MULTIPLE for side in shape]
    assert heat.shape == (padded[0] // maps.STRIDE, padded[1] // maps.STRIDE)
    assert np.isfinite(heat).all()
    assert np.isfinite(found.boxes).all()


def test_a_picture_gives_the_same_whatever_was_seen_before(opened: Detector) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    first = opened.maps(picture).copy()
    opened.detect(np.zeros((100, 40, 3), np.uint8))
    opened.detect(np.zeros((640, 640, 3), np.uint8))
    np.testing.assert_array_equal(opened.maps(picture), first)


@given(st.integers(1, 700), st.integers(1, 80))
def test_tiles_cover_a_picture_overlap_and_are_no_larger_than_they_may(length: int, across: int) -> None:
    length, across = 32 * max(length, across), 32 * across
    tiles = detector.tiles(length, across)
    assert (tiles[0][0], tiles[-1][1]) == (0, length)
    assert all(first % 32 == upto % 32 == 0 for first, upto in tiles)
    most = max(detector.TILE_PIXELS, 2 * detector.OVERLAP * across)
    assert all((upto - first) * across <= most for first, upto in tiles)
    if length * across <= detector.TILE_PIXELS:
        assert len(tiles) == 1
    for (_, upto), (first, _) in pairwise(tiles):
        assert upto - first >= detector.OVERLAP - 32


@pytest.mark.parametrize("shape", [(256, 96), (96, 256)])
def test_tiles_are_put_together_as_if_there_were_none(
    opened: Detector, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked of a net that says what each cell's own pixels are."""
    monkeypatch.setattr(opened, "_pass", lambda tile: tile[::4, ::4].astype(np.float32))
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    whole = opened.maps(picture)
    monkeypatch.setattr(detector, "TILE_PIXELS", 96 * 128)
    monkeypatch.setattr(detector, "OVERLAP", 64)
    assert len(detector.tiles(256, 96)) == 3
    np.testing.assert_array_equal(opened.maps(picture), whole)


WHOLE = shipped.FILE.read_bytes()
NO_DETECTORS = {
    "empty": b"",
    "one byte": b"\x1c",
    "text": b"This is no model.\n" * 100,
    "cut at the start": WHOLE[:1000],
    "cut in the middle": WHOLE[: len(WHOLE) // 2],
    "cut at the end": WHOLE[:-1],
    "a classifier": (places.SHIPPED_MODELS / "mlp-128/model.tflite").read_bytes(),
    "a CNN": (places.SHIPPED_MODELS / "cnn-small/model.tflite").read_bytes(),
    "a Keras file": (places.SHIPPED_MODELS / "cnn-small/model.keras").read_bytes(),
}


def is_sentence(error: ModelError, folder: Path) -> bool:
    message = str(error)
    return (
        message.startswith(("The digit detector is ", "The digit detector does not match "))
        and message.endswith(".")
        and str(folder) not in message
    )


@pytest.mark.parametrize("content", NO_DETECTORS.values(), ids=NO_DETECTORS)
def test_a_damaged_file_is_reported_without_its_path(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "detector.tflite"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged|does not match this version") as caught:
        Detector(file)
    assert is_sentence(caught.value, tmp_path)


def test_a_missing_file_is_reported_without_its_path(tmp_path: Path) -> None:
    for file in (tmp_path / "detector.tflite", tmp_path):
        with pytest.raises(ModelError, match="missing") as caught:
            Detector(file)
        assert is_sentence(caught.value, tmp_path)
