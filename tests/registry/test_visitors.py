"""Models that belong to one visitor: theirs alone, within limits, gone two hours after they were last here."""

import os
import time
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from digitrec import settings
from digitrec.errors import ModelError
from digitrec.registry import registry, visitors

ONE, OTHER = visitors.new_key(), visitors.new_key()


def names(key: str) -> list[str]:
    return [model.name for model in visitors.models(key)]


def test_a_model_is_its_visitors_alone(tiny_run: Path) -> None:
    made = visitors.add(ONE, "my-hand", tiny_run)
    assert made.yours
    assert made.card["name"] == "my-hand"
    assert names(ONE) == ["my-hand"]
    assert names(OTHER) == []
    assert visitors.find(OTHER, "my-hand") is None
    assert "my-hand" not in [model.name for model in registry.models()]
    with pytest.raises(ModelError):
        registry.get("my-hand")
    assert registry.opened(made).name == "my-hand"


def test_two_visitors_may_use_the_same_name_and_remove_only_their_own(tiny_run: Path) -> None:
    visitors.add(ONE, "my-hand", tiny_run)
    visitors.add(OTHER, "my-hand", tiny_run)
    visitors.remove(ONE, "my-hand")
    assert names(ONE) == []
    assert names(OTHER) == ["my-hand"]
    with pytest.raises(ModelError, match="You have no model"):
        visitors.remove(ONE, "my-hand")


def test_the_key_is_not_on_the_disk_and_no_other_finds_anything(tiny_run: Path) -> None:
    visitors.add(ONE, "my-hand", tiny_run)
    paths = [str(path) for path in settings.visitors_folder().rglob("*")]
    assert paths
    assert not any(ONE in path for path in paths)
    hashed = visitors.folder(ONE).name
    assert len(hashed) == visitors.KEY_LENGTH  # what stands on the disk is as long as a key, and opens nothing
    assert names(hashed) == []
    for wrong in ("", ONE[:-1], "../" * 22, ONE + "0"):
        with pytest.raises(ModelError):
            visitors.models(wrong)
    assert len({visitors.new_key() for _ in range(100)}) == 100


def test_two_hours_later_it_is_gone(tiny_run: Path) -> None:
    visitors.add(ONE, "old", tiny_run)
    visitors.add(OTHER, "new", tiny_run)
    for key, ago in ((ONE, visitors.SECONDS + 5), (OTHER, visitors.SECONDS - 60)):
        os.utime(visitors.folder(key), (time.time() - ago,) * 2)
    visitors.clear()
    assert names(ONE) == []
    assert not visitors.folder(ONE).exists()
    assert names(OTHER) == ["new"]
    visitors.touch(OTHER)
    assert time.time() - visitors.folder(OTHER).stat().st_mtime < 60
    visitors.touch(ONE)  # they have none: nothing happens
    assert not visitors.folder(ONE).exists()


def test_a_name_is_valid_free_and_unlike_all_that_can_be_chosen(tiny_run: Path, tiny_model: str) -> None:
    visitors.add(ONE, "my-hand", tiny_run)
    for name, why in (("my-hand", "already have"), (tiny_model, "already a model"), ("reader", "already a model"),
                      ("detector", "reserved"), ("../x", "A name has"), ("", "A name has")):  # fmt: skip
        with pytest.raises(ModelError, match=why):
            visitors.add(ONE, name, tiny_run)
    assert names(ONE) == ["my-hand"]


def test_number_and_bytes_are_limited(tiny_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "MODELS", 1)
    visitors.add(ONE, "first", tiny_run)
    with pytest.raises(ModelError, match="models of your own, the maximum"):
        visitors.add(ONE, "second", tiny_run)
    monkeypatch.setattr(visitors, "MODELS", 9)
    size = sum(file.stat().st_size for file in visitors.folder(ONE).rglob("*.*"))
    monkeypatch.setattr(visitors, "BYTES", int(1.5 * size))
    with pytest.raises(ModelError, match="more than"):
        visitors.add(ONE, "second", tiny_run)
    visitors.add(OTHER, "second", tiny_run)
    monkeypatch.setattr(visitors, "ALL_BYTES", int(2.5 * size))
    with pytest.raises(ModelError, match="no more room"):
        visitors.add(visitors.new_key(), "third", tiny_run)
    assert (names(ONE), names(OTHER)) == (["first"], ["second"])


def test_a_folder_that_is_no_model_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        visitors.add(ONE, "nothing", tmp_path)
    assert names(ONE) == []
    assert not list(visitors.folder(ONE).glob("*"))


def test_a_link_is_not_followed(tiny_run: Path) -> None:
    visitors.folder(ONE).mkdir(parents=True)
    (visitors.folder(ONE) / "linked").symlink_to(tiny_run)
    assert names(ONE) == []


def test_its_files_can_be_downloaded(tiny_run: Path) -> None:
    model = visitors.add(ONE, "my-hand", tiny_run)
    with zipfile.ZipFile(BytesIO(visitors.packed(model))) as archive:
        assert sorted(archive.namelist()) == [
            f"my-hand/{name}" for name in ("card.json", "model.keras", "model.tflite")
        ]
        assert archive.read("my-hand/model.tflite") == (tiny_run / "model.tflite").read_bytes()
    visitors.remove(ONE, "my-hand")
    with pytest.raises(ModelError, match="is gone"):
        visitors.packed(model)
