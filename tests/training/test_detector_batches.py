"""Processes cut crops out of pages they make and hand them over; without a process that works, that is reported."""

import itertools

import charactersdata
import numpy as np
import pytest

from digitrec.datasets.characters import Characters
from digitrec.recognition import detector_maps as maps
from digitrec.training import detector_batches, detector_targets
from digitrec.training.detector_batches import Batches, Plan

PLAN = Plan(batch=6, side=64, kept_pages=1, reuse=12, workers=1)


@pytest.fixture(scope="module")
def characters(tmp_path_factory: pytest.TempPathFactory) -> Characters:
    return charactersdata.characters([charactersdata.pillow_font(tmp_path_factory.mktemp("fonts"))])


def test_crops_are_decided_by_the_seed_and_pages_are_used_so_often(
    characters: Characters, monkeypatch: pytest.MonkeyPatch
) -> None:
    charactersdata.few_textures(monkeypatch)
    monkeypatch.setattr(detector_batches, "page_of", lambda maker, number: maker.page(number, 128, "scan", "rows"))
    plan = Plan(batch=6, side=64, kept_pages=2, reuse=4, workers=1)
    first = list(itertools.islice(detector_batches.crops(plan, characters, 5), 13))
    again = list(itertools.islice(detector_batches.crops(plan, characters, 5), 5))
    other = next(detector_batches.crops(plan, characters, 6))
    for (picture, targets, _), (same, alike, _) in zip(first, again, strict=False):
        np.testing.assert_array_equal(picture, same)
        np.testing.assert_array_equal(targets, alike)
    assert not np.array_equal(first[0][0], other[0])
    assert [made for *_, made in first] == [2] * 8 + [3] * 4 + [4]


def test_a_batch_is_handed_over_in_parts() -> None:
    assert [Plan(batch=batch).part for batch in (2, 6, 8, 12, 64)] == [2, 2, 8, 4, 8]


def test_batches_come_from_another_process(characters: Characters) -> None:
    batches = Batches(PLAN, characters, first_seed=5)
    cells = PLAN.side // maps.STRIDE
    expected = list(itertools.islice(detector_batches.crops(PLAN, characters, 5), 24))
    try:
        source = iter(batches)
        for number in range(4):  # more parts than there are slots
            images, targets = next(source)
            assert images.shape == (6, 64, 64, 3)
            assert images.dtype == np.uint8
            assert targets.shape == (6, cells, cells, detector_targets.CHANNELS)
            of_it = expected[6 * number : 6 * number + 6]
            np.testing.assert_array_equal(images, [picture for picture, *_ in of_it])
            np.testing.assert_allclose(targets, [wanted for _, wanted, _ in of_it], rtol=1e-3, atol=1e-4)
        assert batches.pages >= 2
    finally:
        batches.close()
    for worker in batches._workers:
        worker.join(10)
        assert not worker.is_alive()


def test_where_no_process_can_make_pages_it_is_reported() -> None:
    without_digits = Characters("training", {"digit": {}}, [[] for _ in range(10)], [], [])
    batches = Batches(PLAN, without_digits, first_seed=5)
    try:
        with pytest.raises(RuntimeError, match="No process makes pages"):
            next(iter(batches))
    finally:
        batches.close()
