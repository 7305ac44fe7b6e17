"""Which pictures a batch holds: files that are added, chosen again and removed."""

import pytest
from uploaddata import Always, correct, one, strokes

from digitrec.recognition import shipped
from digitrec.uploads.batch import Batch, File


@pytest.fixture(autouse=True)
def _models_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read without the detector."""
    monkeypatch.setattr(shipped, "available", lambda: None)


def test_files_are_added_beside_those_before_and_removed_one_by_one() -> None:
    batch, picture = one(strokes(1), "b.png")
    batch.outcome(picture, False, Always(1))
    correct(batch, picture, 0, 8)
    batch.add([File("a.png", "2", strokes(2)), File("c.png", "3", strokes(3))])
    assert [each.name for each in batch.pictures] == ["a.png", "b.png", "c.png"]
    assert batch.outcome(picture, False, Always(1)).text == "8"
    batch.remove(batch.pictures[::2])
    assert batch.pictures == [picture]
    assert batch.outcome(picture, False, Always(1)).text == "8"
    before = batch.weight()
    batch.remove([picture])
    assert not batch.pictures
    assert not batch.is_read(picture, False)
    assert batch.data(picture) is None
    assert batch.weight() == 0 < before


def test_a_file_chosen_again_is_the_same_picture_and_another_of_its_name_is_not() -> None:
    batch, picture = one(strokes(1))
    batch.outcome(picture, False, Always(1))
    correct(batch, picture, 0, 8)
    batch.add([File("a.png", "2", strokes(1))])
    assert [(each.name, each.source) for each in batch.pictures] == [("a.png", "2")]
    assert batch.outcome(batch.pictures[0], False, Always(1)).text == "8"
    batch.add([File("a.png", "3", strokes(2))])
    assert [each.name for each in batch.pictures] == ["a.png", "a.png"]


def test_added_beyond_what_is_allowed_the_pictures_before_stay() -> None:
    batch = Batch()
    batch.add([File("z.png", "", b"z")], 3)
    batch.add((File(f"{n}.png", "", b"%d" % n) for n in (3, 1, 2)), 3)
    assert ([picture.name for picture in batch.pictures], batch.left_out) == (["1.png", "2.png", "z.png"], 1)
    batch.remove(batch.pictures[:1])
    assert batch.left_out == 0
