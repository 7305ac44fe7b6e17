"""Events are read as if anybody could have written them."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsondata import JSON, NUMBER

from digitrec.training import events


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


STEP = {"kind": "batch", "epoch": 0.5, "loss": 1.0, "accuracy": 0.5, "seconds": 1.0, "digits_per_second": 10}
EPOCH = STEP | {"kind": "epoch", "epoch": 1, "val_loss": 1.0, "val_accuracy": 0.5}


@settings(deadline=None)
@given(written=st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(EPOCH, NUMBER)) | JSON, max_size=4))
def test_events_have_all_their_numbers_or_are_left_out(folder: Path, written: list[object]) -> None:
    lines = [json.dumps(event) for event in [STEP, *written, EPOCH]]
    (folder / events.EVENTS).write_text("\n".join(lines) + '\n{"kind": "batch", "epo')
    read = events.read_events(folder)
    assert (read[0], read[-1]) == (STEP, EPOCH)
    for event in read:
        wanted = {"batch": STEP, "epoch": EPOCH, "testing": {}}[event["kind"]]
        assert all(isinstance(event[key], int | float) for key in wanted if key != "kind")


def test_events_are_read_in_their_order(tmp_path: Path) -> None:
    assert events.read_events(tmp_path) == []
    written = [STEP, EPOCH, {"kind": "testing"}]
    (tmp_path / events.EVENTS).write_text("".join(json.dumps(event) + "\n" for event in written))
    assert events.read_events(tmp_path) == written
