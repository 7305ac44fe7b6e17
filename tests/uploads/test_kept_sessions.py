"""What is kept of a tab: for its time, within limits, and for its token only."""

import pytest

from digitrec.uploads import kept_sessions
from digitrec.uploads.batch import Batch, File
from digitrec.uploads.kept_sessions import KeptSessions, new_token


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_tab_gets_a_copy_of_its_own() -> None:
    kept, token = KeptSessions(), new_token()
    batch = Batch()
    assert kept.keep(token, {"batch": batch, "single": True}, 10)
    batch.add([File("a.png", "", b"later")])  # what changes later is kept too
    found = kept.found(token)
    assert found["single"] is True
    assert [picture.name for picture in found["batch"].pictures] == ["a.png"]
    found["batch"].replace([])
    assert len(kept.found(token)["batch"].pictures) == 1


@pytest.mark.parametrize("token", ["", None, 3, ["x"], "x" * 43, "é" * 43, "\ud800" * 43, "x" * 10_000])
def test_a_wrong_token_gets_nothing(token: object) -> None:
    kept, right = KeptSessions(), new_token()
    kept.keep(right, {"a": 1}, 1)
    assert kept.found(token) == {}
    assert kept.found(right[:-1]) == {}
    assert kept.found(right.swapcase()) == {}
    assert kept.found(right) == {"a": 1}


def test_tokens_are_long_and_differ() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {kept_sessions.TOKEN_LENGTH}


def test_the_token_itself_is_not_kept() -> None:
    kept, token = KeptSessions(), new_token()
    kept.keep(token, {"a": 1}, 1)
    assert token not in repr(vars(kept))


def test_two_hours_after_its_last_use_it_is_forgotten() -> None:
    clock = Clock()
    kept, token, other = KeptSessions(clock), new_token(), new_token()
    kept.keep(token, {"a": 1}, 1)
    kept.keep(other, {"b": 1}, 1)
    clock.now = 7199
    assert kept.found(token) == {"a": 1}
    kept.keep(token, {"a": 2}, 1)
    clock.now = 7201
    assert kept.found(other) == {}
    clock.now = 7199 + 7199
    assert kept.found(token) == {"a": 2}
    clock.now += 2
    assert kept.found(token) == {}
    assert not vars(kept)["_kept"]  # its memory is free too


def test_too_many_tabs_push_the_oldest_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_sessions, "TABS", 2)
    kept, (one, two, three) = KeptSessions(), (new_token() for _ in range(3))
    kept.keep(one, {"a": 1}, 1)
    kept.keep(two, {"a": 2}, 1)
    kept.keep(one, {"a": 1}, 1)  # used again
    kept.keep(three, {"a": 3}, 1)
    assert [kept.found(token) for token in (one, two, three)] == [{"a": 1}, {}, {"a": 3}]


def test_too_many_bytes_push_the_oldest_out_and_a_tab_of_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_sessions, "TAB_BYTES", 60)
    monkeypatch.setattr(kept_sessions, "BYTES", 100)
    kept, one, two = KeptSessions(), new_token(), new_token()
    assert kept.keep(one, {"a": 1}, 60)
    assert kept.keep(two, {"a": 2}, 60)
    assert [kept.found(token) for token in (one, two)] == [{}, {"a": 2}]
    assert not kept.keep(two, {"a": 3}, 61)
    assert kept.found(two) == {}  # not the former values either, which would come back instead


def test_an_empty_tab_takes_no_room() -> None:
    kept, token = KeptSessions(), new_token()
    kept.keep(token, {"a": 1}, 1)
    assert kept.keep(token, {}, 0)
    assert kept.found(token) == {}
    assert not vars(kept)["_kept"]
