"""Files that nobody ever sees half of."""

import threading
from pathlib import Path

import pytest

from digitrec import files


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "room"
    folder.mkdir()
    return folder


def test_write_moves_a_whole_file_into_place(room: Path) -> None:
    file = room / "model.keras"
    seen: list[str] = []

    def fill(temporary: Path) -> None:
        seen.append(temporary.suffix)
        temporary.write_text("new")
        assert file.read_text() == "old"

    file.write_text("old")
    files.write(file, fill)
    assert file.read_text() == "new"
    assert seen == [".keras"]
    assert list(room.iterdir()) == [file]


def test_a_write_that_fails_changes_nothing(room: Path) -> None:
    file = room / "status.json"
    files.write_json(file, {"state": "running"})

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        files.write(file, fail)
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(file, {"loss": float("nan")})
    assert files.read_json(file) == {"state": "running"}
    assert list(room.iterdir()) == [file]


def test_threads_that_write_the_same_file_do_not_meet(room: Path) -> None:
    file = room / "status.json"
    failures: list[OSError] = []

    def write(number: int) -> None:
        try:
            for _ in range(200):
                files.write_json(file, {"number": number})
                assert files.read_json(file) is not None
        except OSError as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert list(room.iterdir()) == [file]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"state": "runn', '"x"', "[" * 100_000, "\udcff"])
def test_damaged_json_is_as_good_as_none(room: Path, text: str) -> None:
    (room / "status.json").write_bytes(text.encode(errors="surrogateescape"))
    assert files.read_json(room / "status.json") is None
