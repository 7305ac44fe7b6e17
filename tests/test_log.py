"""A line an event, and counts: in words, as JSON, or none; one line whatever the values hold."""

import json
import logging

import pytest

from digitrec import log
from digitrec.errors import SettingsError


@pytest.fixture(autouse=True)
def _no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGITREC_LOG", raising=False)


def test_an_event_is_one_line_of_words(capsys: pytest.CaptureFixture[str]) -> None:
    log.event("reading", page="Draw", ms=4.2, digits=1)
    time, *words = capsys.readouterr().err.rstrip("\n").split(" ")
    assert words == ["reading", "page=Draw", "ms=4.2", "digits=1"]
    assert time.startswith("20")
    assert time.endswith("Z")


@pytest.mark.parametrize("value", ["two words", "two\nlines", "", "\u2028", 'a "b"', "\x1b[31m"])
def test_no_value_breaks_the_line(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.event("error", kind=value)
    line = capsys.readouterr().err
    assert len(line.splitlines()) == 1
    assert json.loads(line.rstrip("\n").partition("kind=")[2]) == value if value != 'a "b"' else 'kind="a' in line


def test_on_demand_an_event_is_a_json_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIGITREC_LOG", "JSON")
    log.event("run", recipe="cnn-3x3", epochs=3)
    values = json.loads(capsys.readouterr().err)
    assert values.pop("time").startswith("20")
    assert values == {"event": "run", "recipe": "cnn-3x3", "epochs": 3}


def test_lines_can_be_switched_off_and_counts_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIGITREC_LOG", "off")
    before = log.counts()
    log.event("session")
    assert capsys.readouterr().err == ""
    assert log.counts() == before | {"session": before["session"] + 1}
    assert tuple(before) == log.EVENTS


def test_a_setting_that_makes_no_sense_is_reported_and_loses_no_event(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIGITREC_LOG", "xml")
    with pytest.raises(SettingsError, match=r"DIGITREC_LOG must be one of text, json, off\. Received: 'xml'"):
        log.form()
    log.event("session")
    assert " session" in capsys.readouterr().err


def test_what_nobody_foresaw_is_counted_by_its_kind_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.Logger("framework")
    logger.addHandler(log.Errors())
    before = log.counts()["error"]
    try:
        raise ValueError("/home/somebody/secret.png")
    except ValueError:
        logger.exception("it broke")
    assert capsys.readouterr().err.rstrip("\n").endswith(" error kind=ValueError")
    assert log.counts()["error"] == before + 1
