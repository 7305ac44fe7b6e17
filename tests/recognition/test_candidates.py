"""Candidates of detector and ink put together: the detector sees drawn flags, the classifiers see nothing."""

import math
from dataclasses import replace

import detectiondata
import numpy as np
import pytest
from detectiondata import FlagCrops, FlagDetector, models
from PIL import Image

from digitrec.imaging.rotation import rotation
from digitrec.recognition import candidates, detector, fusion
from digitrec.recognition import detector_maps as maps
from digitrec.recognition.calibration import Answers
from digitrec.recognition.candidates import THRESHOLDS, Found
from digitrec.recognition.crop_classifier import CropAnswers
from digitrec.recognition.detector import Detections

FROM_INK = fusion.FEATURES.index("from_ink")
WITHOUT_INK = replace(THRESHOLDS, most_parts=-1)


class Anything:
    """To it, all is a digit, and a one; it counts the glyphs that it sees."""

    def __init__(self, scores: list[float] | None = None) -> None:
        self.scores = scores
        self.seen = 0

    def answers(self, glyphs: np.ndarray) -> Answers:
        assert glyphs.shape[1:] == (28, 28)
        self.seen += len(glyphs)
        shares = np.full((len(glyphs), 10), 0.01, np.float32)
        shares[:, 1] = 0.91
        scores = np.ones(len(glyphs)) if self.scores is None else np.array(self.scores)
        assert len(scores) == len(glyphs)
        return Answers(shares, scores.astype(np.float32))


class Fixed:
    """A detector with a fixed answer for a picture of a known width, in the order of the likelihood."""

    def __init__(self, found: Detections, width: int) -> None:
        self.found = found
        self.width = width

    def detect(self, image: np.ndarray, threshold: float = 0.1) -> tuple[Detections, np.ndarray]:
        heat = np.zeros((-(-image.shape[0] // maps.STRIDE), -(-image.shape[1] // maps.STRIDE)), np.float32)
        return self.found.moved(image.shape[1] / self.width), heat


BLIND = FlagDetector(smallest=1e9)

SIZE = (900, 600)
ROW = detectiondata.row_of(5, 450, 300, 80, step=1.6)


def drawing(labels: np.ndarray = ROW, size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.fromarray(detectiondata.flags(labels, size))


def photo(labels: np.ndarray = ROW, size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.fromarray(detectiondata.photographed(detectiondata.flags(labels, size)))


def assert_at(found: Found, labels: np.ndarray, within: float = 4.0) -> None:
    """Hold the boxes to upright labels, each found once."""
    boxes = np.array([each.box for each in found.candidates], float)
    assert len(boxes) == len(labels)
    places = boxes[:, :2] + boxes[:, 2:] / 2
    order = [int(np.hypot(*(places - label[1:3]).T).argmin()) for label in labels]
    assert sorted(order) == list(range(len(labels)))
    np.testing.assert_allclose(places[order], labels[:, 1:3], atol=within)
    np.testing.assert_allclose(boxes[order, 3], labels[:, 4], atol=within)


def test_what_both_find_is_one_candidate_with_the_inks_glyph_and_the_detectors_digit() -> None:
    found = candidates.find(drawing(), Anything(), models())
    assert_at(found, ROW)
    for each in found.candidates:
        assert each.known[FROM_INK] == 1.0
        assert each.detected.argmax() == detectiondata.FLAG
        assert np.exp(each.detected).sum() == pytest.approx(1.0, abs=1e-4)
        assert each.cut.glyph.any()


def test_what_only_the_ink_finds_is_a_candidate_of_which_the_detector_says_nothing() -> None:
    found = candidates.find(drawing(), Anything(), models(BLIND))
    assert_at(found, ROW)
    for each in found.candidates:
        assert each.known[FROM_INK] == 1.0
        np.testing.assert_allclose(each.detected, -math.log(10.0), rtol=1e-5)


def test_what_the_detector_finds_is_likelier_than_what_it_does_not() -> None:
    seen = candidates.find(drawing(), Anything(), models(FlagDetector(objectness=0.99))).candidates
    unseen = candidates.find(drawing(), Anything(), models(BLIND)).candidates
    least, most = (fusion.evidence(np.stack([each.known for each in some])) for some in (seen, unseen))
    assert least.min() > most.max()


def test_what_only_the_detector_finds_has_a_glyph_too() -> None:
    found = candidates.find(photo(), Anything(), models(), thresholds=WITHOUT_INK)
    assert_at(found, ROW)
    for each in found.candidates:
        assert each.known[FROM_INK] == 0.0
        assert each.cut.glyph.any()


def test_a_photo_with_much_ink_is_left_to_the_detector() -> None:
    rows = [detectiondata.row_of(8, 450, 60 + 80 * i, 30, step=3.0) for i in range(7)]
    found = candidates.find(photo(np.concatenate(rows)), Anything(), models())
    assert len(found.candidates) == 56
    assert not any(each.known[FROM_INK] for each in found.candidates)
    assert "ink" not in vars(found.page)  # nobody has looked for it


def test_the_ink_step_looks_for_digits_on_a_photo_only_where_the_detector_sees_few() -> None:
    many = detectiondata.row_of(THRESHOLDS.most_parts + 1, 450, 300, 40, step=3.0)
    few = many[:-1]
    seen = {len(some): candidates.find(photo(some), Anything(), models()) for some in (few, many)}
    assert [any(each.known[FROM_INK] for each in found.candidates) for found in seen.values()] == [True, False]


def test_the_ink_of_a_picture_of_one_digit_is_looked_for_on_a_smaller_one() -> None:
    size = (1100, 900)
    one = detectiondata.labels_of([(7, 550, 450, 150, 220, 0.0)])
    [whole, small] = [candidates.find(photo(one, size), Anything(), models(), 0.0, single=s) for s in (False, True)]
    assert whole.page.picture.size == size
    assert max(small.page.picture.size) == max(small.page.ink.shape) == THRESHOLDS.single_side
    assert_at(small, one)


@pytest.mark.parametrize("likelier", range(2))
def test_of_overlapping_candidates_the_likelier_is_kept(likelier: int) -> None:
    step = 60 * (1 - (THRESHOLDS.inside + detector.THRESHOLDS.inside) / 2)  # the detector leaves both
    labels = detectiondata.labels_of([(0, 450 + step * i, 300, 60, 80, 0.0) for i in range(2)])
    fake = Fixed(detectiondata.detections(labels, np.array([0.8, 0.7])), SIZE[0])
    scores = [0.01] * 2
    scores[likelier] = 0.99
    [one] = candidates.find(photo(), Anything(scores), models(fake), 0.0, WITHOUT_INK).candidates
    assert one.box.x + one.box.width / 2 == pytest.approx(labels[likelier, 1], abs=2)


def test_neighbours_that_do_not_overlap_are_all_kept_though_none_is_likely() -> None:
    fake = Fixed(detectiondata.detections(ROW), SIZE[0])
    assert_at(candidates.find(photo(), Anything([0.001] * len(ROW)), models(fake), 0.0, WITHOUT_INK), ROW)


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_a_blank_picture_has_no_candidates_and_asks_no_model(ground: int) -> None:
    model = Anything()
    found = candidates.find(Image.new("RGB", (300, 200), (ground,) * 3), model, models())
    assert found.candidates == ()
    assert found.angle == 0.0
    assert model.seen == 0


@pytest.mark.parametrize("angle", [0.0, 33.0, 90.0, 215.0])
def test_boxes_are_of_the_upright_page(angle: float) -> None:
    labels = detectiondata.turned(ROW, math.radians(angle), (450, 300))
    image = drawing(labels, SIZE)
    matrix, size = rotation(SIZE, angle)
    middles = ROW.copy()
    middles[:, 1:3] = labels[:, 1:3] @ matrix[:, :2].T + matrix[:, 2]
    for given in (None, angle):
        found = candidates.find(image, Anything(), models(), given)
        assert found.angle == pytest.approx(angle, abs=1.0)
        assert found.size == pytest.approx(size, abs=12)  # as large as the angle found asks for
        assert_at(found, middles, within=8.0)


class Unturned(FlagDetector):
    """Takes every flag for upright, as it takes some pages for the wrong way up."""

    def detect(self, image: np.ndarray, threshold: float = 0.1) -> tuple[Detections, np.ndarray]:
        found, heat = super().detect(image, threshold)
        boxes = found.boxes.copy()
        lying = np.abs(np.sin(found.direction)) > 0.7
        boxes[lying, 2:] = found.boxes[lying, 3:1:-1]
        return replace(found, boxes=boxes, angles=detectiondata.bins_of(np.zeros(len(found)))), heat


@pytest.mark.parametrize("angle", [0.0, 90.0, 180.0, 270.0])
def test_a_page_that_the_detector_takes_for_the_wrong_way_up_is_rotated_as_its_crops_say(angle: float) -> None:
    image = photo(detectiondata.turned(ROW, math.radians(angle), (450, 300)))
    found = candidates.find(image, Anything(), models(Unturned()), thresholds=WITHOUT_INK)
    assert found.angle == angle
    assert len(found.candidates) == len(ROW)
    assert candidates.find(image, Anything(), models(Unturned()), 0.0, WITHOUT_INK).angle == 0.0


def test_crops_alike_both_ways_leave_the_page_as_it_lies() -> None:
    class Undecided(FlagCrops):
        def answers(self, crops: np.ndarray) -> CropAnswers:
            return replace(super().answers(crops), ways=np.full((len(crops), 4), -math.log(4.0), np.float32))

    image = photo(detectiondata.turned(ROW, math.pi, (450, 300)))
    assert candidates.find(image, Anything(), models(Unturned(), Undecided()), thresholds=WITHOUT_INK).angle == 0.0


def test_a_large_picture_is_read_reduced_and_its_boxes_are_enlarged_again() -> None:
    labels = ROW.copy()
    labels[:, 1:5] *= 4.0
    found = candidates.find(drawing(labels, (3600, 2400)), Anything(), models())
    assert max(found.size) == THRESHOLDS.most_side
    whole = candidates.scaled(found, (3600, 2400))
    assert whole.size == (3600, 2400)
    assert_at(whole, labels, within=12.0)


def test_transparent_paper_is_paper() -> None:
    rgba = np.dstack([np.asarray(drawing()), 255 * (np.asarray(drawing())[..., 1] < 250)]).astype(np.uint8)
    assert_at(candidates.find(Image.fromarray(rgba), Anything(), models()), ROW)


def test_heat_is_the_highest_in_the_middle_of_a_box_over_all_looks() -> None:
    heat = np.full((10, 10), -5.0, np.float32)
    heat[5, 5], heat[2, 2] = 3.0, 1.0
    far = np.full((10, 10), -6.0, np.float32)
    far[0, 0] = 4.0
    looks = (candidates.Pass(heat, 0.25, 0.0, 0.0), candidates.Pass(far, 0.5, 100.0, 100.0))
    boxes = np.array([[14, 14, 16, 16], [2, 2, 16, 16], [30, 0, 8, 8], [97, 97, 8, 8], [500, 500, 8, 8]], np.float32)
    highest, fitting = candidates.heat_in(boxes, looks)
    np.testing.assert_array_equal(highest, [3.0, 1.0, -5.0, 4.0, -8.0])
    np.testing.assert_array_equal(fitting, highest)  # each is seen once


def test_heat_counts_most_where_a_digit_is_seen_at_a_fitting_size() -> None:
    small, large = (np.full((40, 40), level, np.float32) for level in (-2.0, 6.0))
    looks = (candidates.Pass(small, 0.05, 0.0, 0.0), candidates.Pass(large, 0.25, 0.0, 0.0))
    box = np.array([[40.0, 40.0, 30.0, 40.0]], np.float32)  # 8 pixels high in the first look, 40 in the second
    highest, fitting = candidates.heat_in(box, looks)
    assert highest[0] == 6.0
    assert fitting[0] > 5.0
    box = np.array([[0.0, 0.0, 200.0, 200.0]], np.float32)  # 40 and 200
    highest, fitting = candidates.heat_in(box, looks)
    assert highest[0] == 6.0
    assert fitting[0] < 0.0
