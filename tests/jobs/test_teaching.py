"""A lesson from its start to a model that is kept, and what it refuses."""

import time
from pathlib import Path

import modeldata
import numpy as np
import pytest

from digitrec import files, settings
from digitrec.datasets import mnist
from digitrec.datasets.own_digits import OwnDigit
from digitrec.errors import ModelError
from digitrec.jobs import imports, job, teaching
from digitrec.registry import registry, visitors
from tests.waiting import DEADLOCK

KEY, OTHER = visitors.new_key(), visitors.new_key()
STROKES = (np.array([[1, 2], [3, 4]], np.float32), np.array([[5, 6]], np.float32))


def some(count: int) -> list[OwnDigit]:
    pictures, labels = mnist.first_training(count)
    found = [OwnDigit(picture, int(label)) for picture, label in zip(pictures, labels, strict=True)]
    return [OwnDigit(digit.glyph, digit.label, STROKES if place == 2 else ()) for place, digit in enumerate(found)]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Have no process launched; return the folders of those that would have been."""
    folders: list[Path] = []
    monkeypatch.setattr(job, "launch", lambda folder, *_: folders.append(folder))
    return folders


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have lessons learn from few digits, in few steps."""
    from digitrec.training import teaching

    monkeypatch.setattr(teaching, "PLAN", teaching.Plan(steps=30, digits=500, variants=60))


def for_dark_bytes(name: str) -> bytes:
    """Return a file of a shipped MLP whose first weights are changed so that it takes 255 paper .. 0 ink."""
    from digitrec.registry.importing import reading

    dense = [layer for layer in reading.read((registry.get(name).folder / "model.keras").read_bytes()).layers if layer.weights]  # fmt: skip  # noqa: E501
    arrays, layers = {}, modeldata.described()[:2]
    for place, layer in enumerate(dense):
        kernel, bias = layer.weights
        if not place:
            kernel, bias = -kernel / 255, bias + kernel.sum(axis=0)
        called = f"dense_{place}" if place else "dense"
        arrays |= {f"{called}/vars/0": kernel, f"{called}/vars/1": bias}
        options = {option: layer.options[option] for option in ("units", "activation", "use_bias")}
        layers.append(modeldata.one("Dense", called, **options))
    return modeldata.archive(modeldata.keras3(layers), arrays)


def test_a_brought_model_is_taught_as_it_scales_its_input(launched: list[Path], short: None, tmp_path: Path) -> None:
    imports.make(for_dark_bytes("mlp-30-10"), "mine.keras", tmp_path, lambda step: None)
    model = visitors.add(KEY, "brought", tmp_path)
    assert model.imported
    assert (model.scaling, model.imported["dark_ink"], model.imported["learns"]) == ("bytes", True, True)
    teaching.start(KEY, model, some(12))
    teaching.main(launched[-1])
    found = teaching.verdict(KEY)
    assert found, teaching.find(KEY)
    assert found.errors[0] == pytest.approx(registry.get("mlp-30-10").card["errors"], abs=3)
    assert abs(found.errors[1] - found.errors[0]) < 100  # of 10,000
    kept = visitors.add(KEY, "my-hand", teaching.result(KEY))
    assert kept.imported == model.imported
    assert (kept.card["taught"]["model"], kept.card["errors"]) == ("brought", found.errors[1])
    glyphs = mnist.glyphs(mnist.test()[0][:200])
    one, two = (registry.opened(each).logits(glyphs) for each in (model, kept))
    assert not np.allclose(one, two, atol=0.01)  # it did learn

    import zipfile  # and comes back from its download
    from io import BytesIO

    from digitrec.registry.importing import building, reading, tidy

    packed = visitors.packed(kept)
    names = zipfile.ZipFile(BytesIO(packed)).namelist()
    assert set(names) == {f"my-hand/{name}" for name in ("model.keras", "model.tflite", "card.json")}
    back = tidy.tidied(reading.read(packed)).network
    np.testing.assert_allclose(building.read_all(building.raw(back), glyphs), two, atol=1e-3)


def test_a_lesson_is_learned_judged_and_kept(launched: list[Path], short: None) -> None:
    model = registry.get("mlp-30-10")
    teaching.start(KEY, model, some(12))
    assert teaching.find(KEY).state == "waiting"
    assert teaching.find(OTHER).state == "none"
    teaching.main(launched[0])  # as its process does
    lesson = teaching.find(KEY)
    assert (lesson.state, lesson.model, lesson.message) == ("ready", "mlp-30-10", "")
    found = teaching.verdict(KEY)
    assert found
    assert found.labels == tuple(digit.label for digit in some(12))
    assert found.errors[0] == model.card["errors"]
    assert found.only_before - found.only_after == found.errors[1] - found.errors[0]
    kept = visitors.add(KEY, "my-hand", teaching.result(KEY))
    teaching.discard(KEY)
    assert kept.yours
    assert kept.card["taught"]["model"] == "mlp-30-10"
    assert kept.card["taught"]["digits"] == 12
    assert kept.card["errors"] == found.errors[1]
    assert "12 digits of yours" in kept.card["trained_on"]
    assert teaching.find(KEY).state == "none"
    assert visitors.find(OTHER, "my-hand") is None
    glyphs = mnist.glyphs(mnist.test()[0][:50])
    one, two = (registry.opened(each).logits(glyphs) for each in (model, kept))
    assert not np.allclose(one, two, atol=0.01)  # it did learn


def test_digits_with_and_without_strokes_come_back_as_they_were(launched: list[Path]) -> None:
    teaching.start(KEY, registry.get("mlp-30-10"), some(10))
    assert launched
    back = teaching.digits(KEY)
    for one, two in zip(some(10), back, strict=True):
        assert (one.glyph == two.glyph).all()
        assert one.label == two.label
        assert [stroke.tolist() for stroke in one.strokes] == [stroke.tolist() for stroke in two.strokes]


@pytest.mark.parametrize("count", [0, 9, 301])
def test_too_few_and_too_many_are_refused(launched: list[Path], count: int) -> None:
    with pytest.raises(ModelError, match="takes 10 to 300 digits"):
        teaching.start(KEY, registry.get("mlp-30-10"), some(count))
    assert not launched


def test_a_second_lesson_waits_until_the_first_has_ended(launched: list[Path]) -> None:
    teaching.start(KEY, registry.get("mlp-30-10"), some(10))
    with pytest.raises(ModelError, match="A lesson is active"):
        teaching.start(KEY, registry.get("mlp-30-10"), some(10))
    teaching.start(OTHER, registry.get("mlp-30-10"), some(10))  # of another visitor: it waits for its turn
    assert len(launched) == 2
    with pytest.raises(ModelError, match="no lesson to keep"):
        teaching.result(KEY)


def test_a_lesson_whose_digits_or_model_are_gone_fails_with_a_sentence(launched: list[Path]) -> None:
    teaching.start(KEY, registry.get("mlp-30-10"), some(10))
    (launched[0] / teaching.DIGITS).write_bytes(b"no digits")
    teaching.main(launched[0])
    lesson = teaching.find(KEY)
    assert (lesson.state, lesson.message) == ("failed", "The digits of this lesson are gone. Teach it again.")
    teaching.discard(KEY)
    assert teaching.find(KEY).state == "none"
    teaching.discard(KEY)  # again: nothing happens


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"labels": 3}', b"[]"])
def test_a_damaged_verdict_is_none(launched: list[Path], damage: bytes) -> None:
    teaching.start(KEY, registry.get("mlp-30-10"), some(10))
    (launched[0] / teaching.VERDICT).write_bytes(damage)
    job.update(launched[0], state="finished")
    assert teaching.verdict(KEY) is None
    assert teaching.find(KEY).state == "failed"


def test_it_goes_with_its_visitor(launched: list[Path]) -> None:
    import os

    teaching.start(KEY, registry.get("mlp-30-10"), some(10))
    ago = time.time() - visitors.SECONDS - 5
    os.utime(visitors.folder(KEY), (ago, ago))
    visitors.clear()
    assert not launched[0].exists()
    assert teaching.find(KEY).state == "none"


def test_a_process_that_works_can_be_stopped() -> None:
    teaching.start(KEY, registry.get("mlp-30-10"), some(10))
    folder = visitors.folder(KEY) / teaching.FOLDER
    until = time.monotonic() + DEADLOCK
    while not job.is_alive(folder) and time.monotonic() < until:
        time.sleep(0.05)
    teaching.stop(KEY)
    assert teaching.find(KEY).state == "none"
    assert not folder.exists()


def test_a_brought_model_whose_end_cannot_learn_is_refused(launched: list[Path]) -> None:
    model = registry.get("mlp-30-10")
    brought = registry.Model("brought", model.folder, {"imported": {"learns": False}}, False)
    assert teaching.can_learn(model)
    assert not teaching.can_learn(brought)
    with pytest.raises(ModelError, match="its branches join after its last trainable layer"):
        teaching.start(KEY, brought, some(10))
    assert not launched
    assert files.folders(settings.visitors_folder()) == []
