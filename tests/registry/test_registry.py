"""Saved models: whole ones are listed, damaged ones named, and adding one is all or nothing."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registrydata import fake, names

from digitrec import files
from digitrec import settings as places
from digitrec.datasets import mnist
from digitrec.errors import ModelError
from digitrec.recognition import classifier
from digitrec.recognition.calibration import Calibration
from digitrec.registry import registry
from digitrec.training import model_files
from digitrec.training.recipe import ConvBlock, Recipe
from digitrec.training.splits import Split

CNN = Recipe("tiny-cnn", kind="cnn", blocks=(ConvBlock(4, 3, 2),), hidden=(8,), batch_size=512, epochs=1)

pytestmark = pytest.mark.usefixtures("shipped")


def test_no_models_are_an_empty_list_and_a_sentence() -> None:
    assert registry.models() == []
    assert registry.damaged() == []
    with pytest.raises(ModelError, match="make models"):
        registry.get("mlp-128")
    with pytest.raises(ModelError, match="make models"):
        registry.default()


def test_models_are_listed_shipped_ones_first_by_name(shipped: Path) -> None:
    for name in ("b", "a"):
        fake(shipped, name)
    for name in ("d", "c", "a"):
        fake(places.trained_models(), name)
    (shipped / "a file").touch()
    assert names() == ["a", "b", "c", "d"]
    assert [model.shipped for model in registry.models()] == [True, True, False, False]
    model = registry.get("b")
    assert (model.folder, model.kind, model.accuracy, model.recipe.name) == (shipped / "b", "mlp", 0.9, "b")


def test_an_unknown_model_is_refused_with_those_available(shipped: Path) -> None:
    fake(shipped, "a")
    with pytest.raises(ModelError, match=r"no model .x..*Available models: a"):
        registry.get("x")


def test_a_card_from_before_recipes_had_all_their_entries_is_one_with_the_defaults(shipped: Path) -> None:
    recipe = {key: value for key, value in Recipe("old").to_json().items() if key != "kind"}
    fake(shipped, "old", recipe=recipe)
    [model] = registry.models()
    assert model.kind == model.recipe.kind == "mlp"


def test_a_missing_or_cut_card_leaves_the_model_out_and_names_it(shipped: Path) -> None:
    fake(shipped, "good")
    (fake(shipped, "no-card") / model_files.CARD).unlink()
    card = fake(shipped, "cut") / model_files.CARD
    card.write_bytes(card.read_bytes()[:50])
    assert names() == ["good"]
    sentences = registry.damaged()
    assert len(sentences) == 2
    assert all("card is missing or damaged" in sentence for sentence in sentences)
    assert "cut" in sentences[0]
    assert "no-card" in sentences[1]


@pytest.mark.parametrize("file", model_files.MODEL_FILES[:-1])
def test_a_missing_or_half_written_file_leaves_the_model_out(shipped: Path, file: str) -> None:
    (fake(shipped, "cut") / file).write_bytes(b"half")
    (fake(shipped, "gone") / file).unlink()
    assert names() == []
    assert [sentence.split()[2] for sentence in registry.damaged()] == ["cut", "gone"]
    assert all("half written" in sentence for sentence in registry.damaged())


@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": {"name": "x", "kind": "rnn"}},
        {"recipe": None},
        {"bytes": {}},
        {"bytes": None},
        {"bytes": [1]},
        {"accuracy": None},
        {"accuracy": "0.9"},
        {"interval": 0.9},
        {"interval": [0.9]},
        {"interval": ["a", "b"]},
        {"parameters": None},
        {"accuracy": float("nan")},
        {"accuracy": 1.5},
        {"errors": "10"},
        {"errors": 10.5},
        {"confusion": [[1] * 10] * 9},
        {"confusion": [[1] * 10] * 9 + [[1] * 9 + ["1"]]},
        {"epochs": None},
        {"seconds": -1},
        {"trained_on": ["MNIST"]},
        {"format": None},
        {"calibration": None},
        {"calibration": [1.0, 2.0, 3.0]},
        {"calibration": {"temperature": 1.0, "energy": 2.0}},
        {"calibration": {"temperature": 0.0, "energy": 2.0, "spread": 1.0}},
        {"calibration": {"temperature": 1.0, "energy": "2", "spread": 1.0}},
        {"calibration": {"temperature": 1.0, "energy": 2.0, "spread": 10**400}},
        {"calibration": {"temperature": float("nan"), "energy": 2.0, "spread": 1.0}},
    ],
)
def test_a_card_that_lacks_what_pages_show_leaves_the_model_out(shipped: Path, changes: dict[str, Any]) -> None:
    fake(shipped, "odd", **changes)
    assert names() == []
    assert len(registry.damaged()) == 1


def test_a_newer_format_is_reported_as_one_though_its_recipe_is_unknown(shipped: Path) -> None:
    fake(shipped, "new", format=3)
    fake(shipped, "newer", format=4, recipe={"transformer": True}, bytes=None)
    assert names() == []
    assert all("newer version" in sentence for sentence in registry.damaged())
    assert len(registry.damaged()) == 2


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake(tmp_path_factory.mktemp("damaged"), "victim")


def test_any_damage_to_a_card_leaves_the_model_whole_or_named(victim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SHIPPED_MODELS", victim.parent)
    card = victim / model_files.CARD
    whole = card.read_bytes()

    @given(at=st.integers(0, len(whole)), new=st.binary(max_size=6))
    @settings(deadline=None, max_examples=150)
    def damage(at: int, new: bytes) -> None:
        for content in (whole[:at] + new, whole[:at] + new + whole[at + len(new) :]):
            card.write_bytes(content)
            assert len(names()) + len(registry.damaged()) == 1
            for model in registry.models():
                assert model.recipe.kind == model.kind
                assert isinstance(model.accuracy, float)

    damage()


def test_reader_is_the_default_then_the_best_shipped_one(shipped: Path) -> None:
    fake(places.trained_models(), "mine", 0.99)
    assert registry.default() == "mine"
    fake(shipped, "a", 0.95)
    fake(shipped, "b", 0.96)
    fake(shipped, "c", 0.97, CNN)
    assert registry.default() == "c"
    assert registry.default("mlp") == "b"
    assert registry.default("cnn") == "c"
    fake(shipped, "reader", 0.94, CNN)
    fake(shipped, "reader-mlp", 0.9)
    assert registry.default() == "reader"
    assert registry.default("cnn") == "reader"
    assert registry.default("mlp") == "reader-mlp"


def test_there_may_be_no_default_of_a_kind(shipped: Path) -> None:
    fake(shipped, "a")
    with pytest.raises(ModelError, match="no model yet"):
        registry.default("cnn")


def test_a_model_is_opened_with_its_cards_calibration(tiny_run: Path, few: Split) -> None:
    model = registry.add("mine", tiny_run)
    card = files.read_json(model.folder / model_files.CARD) or {}
    glyphs = mnist.glyphs(few.x_validation)
    files.write_json(model.folder / model_files.CARD, {key: card[key] for key in card if key != "calibration"})
    plain = registry.predictor("mine").answers(glyphs)
    calibration = Calibration(2.0, 500.0, 1.0)
    files.write_json(model.folder / model_files.CARD, card | {"calibration": calibration.to_json()})
    assert registry.get("mine").calibration == calibration
    warm = registry.predictor("mine").answers(glyphs)
    assert (plain.is_digit == 1).all()
    assert (warm.is_digit < 0.5).all()
    assert (warm.probabilities.max(axis=1) < plain.probabilities.max(axis=1)).all()


def test_opened_models_stay_open_until_their_file_changes(tiny_run: Path) -> None:
    model = registry.add("kept", tiny_run)
    first = registry.predictor("kept")
    assert registry.predictor("kept") is first
    registry.remove("kept")
    time.sleep(0.01)
    registry.add("kept", tiny_run)
    assert registry.predictor("kept") is not first
    assert registry.predictor("kept").name == model.name


def test_a_model_that_somebody_named_as_the_detector_is_reported(shipped: Path) -> None:
    fake(places.trained_models(), "detector")
    assert names() == []
    [sentence] = registry.damaged()
    assert "this name is reserved. Rename the folder." in sentence


def test_test_results_that_are_damaged_are_reported(tiny_run: Path) -> None:
    model = registry.add("mine", tiny_run)
    whole = (model.folder / model_files.TEST).read_bytes()
    middle = len(whole) // 2
    for damaged in (whole[:middle], b"", b"not a zip", whole[: middle - 99] + bytes(198) + whole[middle + 99 :]):
        (model.folder / model_files.TEST).write_bytes(damaged)
        with pytest.raises(ModelError, match="test results of mine are damaged"):
            model.test_probabilities()


def test_a_model_file_that_is_none_is_reported(shipped: Path) -> None:
    fake(shipped, "a")
    with pytest.raises(ModelError, match="damaged"):
        registry.predictor("a")


@pytest.fixture(autouse=True)
def fresh_cache() -> Iterator[None]:
    yield
    classifier._opened.cache_clear()
