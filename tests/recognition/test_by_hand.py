"""Boxes that a person draws: the digit in one is read on photos as well as on drawings, whatever lies around it."""

import dataclasses

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from digitrec.datasets import mnist
from digitrec.errors import PictureError
from digitrec.imaging import rotation
from digitrec.recognition import by_hand, pipeline, shipped
from digitrec.recognition.normalize import Box
from digitrec.recognition.results import NOT_A_DIGIT, Digit
from digitrec.registry import registry

SIDE, GAP = 56, 14
"""Pixels of a digit on the page, and of the margin between its square and the next."""

COUNT = 24


def page(light: bool) -> tuple[Image.Image, list[Box], NDArray[np.int64]]:
    """Return a page of test digits, their squares and what they are; in light that falls off, with grain and rules."""
    x, y = mnist.test()
    step = SIDE + GAP
    ink = np.zeros((4 * step + GAP, 6 * step + GAP), np.float32)
    boxes = []
    for place, digit in enumerate(x[:COUNT]):
        top, left = (place // 6) * step + GAP, (place % 6) * step + GAP
        ink[top : top + SIDE, left : left + SIDE] = cv2.resize(digit, (SIDE, SIDE)).astype(np.float32) / 255
        boxes.append(Box(left + 4, top + 4, SIDE - 8, SIDE - 8))
    picture = np.repeat((235.0 - 190.0 * ink)[..., None], 3, axis=2)
    if light:
        picture[GAP // 2 :: step] -= 60.0 * (picture[GAP // 2 :: step] > 100)
        fall = (
            np.linspace(1.0, 0.35, picture.shape[1])[None, :, None] * np.linspace(1.0, 0.8, len(picture))[:, None, None]
        )
        picture = picture * fall + np.random.default_rng(0).normal(0.0, 2.0, picture.shape)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)), boxes, y[:COUNT]


def read(image: Image.Image, angle: float, boxes: list[Box]) -> tuple[Digit, ...]:
    digits = tuple(by_hand.digit(image, angle, box) for box in boxes)
    blank = dataclasses.replace(pipeline.unread(image, angle), digits=digits)
    return pipeline.reread(blank, registry.predictor("reader")).digits


@pytest.mark.parametrize("light", [False, True])
def test_boxes_on_drawings_and_on_photos_are_read(light: bool) -> None:
    image, boxes, truth = page(light)
    found = read(image, 0.0, boxes)
    assert sum(digit.digit == label for digit, label in zip(found, truth, strict=True)) >= COUNT - 1
    assert [digit.box for digit in found] == boxes
    assert not any(digit.flag == NOT_A_DIGIT for digit in found)
    assert [digit.detected is not None for digit in found] == [light] * COUNT


@pytest.mark.parametrize("angle", [90.0, 200.0, 337.5])
def test_boxes_on_a_photo_that_is_rotated_for_reading_are_where_they_are_drawn(angle: float) -> None:
    upright, boxes, truth = page(True)
    image = rotation.rotated(upright, -angle)  # as it came
    matrix, _ = rotation.rotation(image.size, angle)
    there, _ = rotation.rotation(upright.size, -angle)
    drawn = []
    for box in boxes:
        middle = there[:, :2] @ (box.x + box.width / 2, box.y + box.height / 2) + there[:, 2]
        x, y = matrix[:, :2] @ middle + matrix[:, 2]
        drawn.append(Box(round(x - box.width / 2), round(y - box.height / 2), box.width, box.height))
    found = read(image, angle, drawn)
    assert sum(digit.digit == label for digit, label in zip(found, truth, strict=True)) >= COUNT - 2


def test_a_box_on_a_photo_is_cut_for_the_classifier_alone_where_the_crop_classifier_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, boxes, truth = page(True)
    monkeypatch.setattr(shipped, "available", lambda: None)
    found = read(image, 0.0, boxes)
    assert all(digit.detected is None and digit.evidence is None for digit in found)
    assert sum(digit.digit == label for digit, label in zip(found, truth, strict=True)) >= COUNT - 2


@pytest.mark.parametrize("box", [Box(0, 0, 9, 9), Box(0, 0, 0, 0), Box(5, 560, 8, 8)])
def test_a_box_on_bare_paper_or_beside_the_photo_is_refused_in_a_sentence(box: Box) -> None:
    fall = np.linspace(240.0, 80.0, 400)[None, :, None]
    image = Image.fromarray(np.broadcast_to(fall, (300, 400, 3)).astype(np.uint8))
    with pytest.raises(PictureError, match="There is no ink in this box"):
        by_hand.digit(image, 45.0, box)


def test_touching_digits_in_a_box_are_parted_from_left_to_right() -> None:
    x, y = mnist.test()
    pair = np.concatenate([x[0][:, 4:24], x[1][:, 6:26]], axis=1)  # a 7 that touches a 2
    pair[20, 14:24] = 255
    image = Image.fromarray(255 - np.pad(np.asarray(cv2.resize(pair, None, fx=3, fy=3)), 30))
    box = Box(20, 20, image.width - 40, image.height - 40)
    parts = by_hand.parts(image, 0.0, box, registry.predictor("reader"))
    assert len(parts) == 2
    assert parts[0].box.x < parts[1].box.x
    found = pipeline.reread(
        dataclasses.replace(pipeline.unread(image, 0.0), digits=tuple(parts)), registry.predictor("reader")
    )
    assert [digit.digit for digit in found.digits] == y[:2].tolist()
