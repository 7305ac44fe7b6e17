"""A visitor's own model on Draw, Upload and Compare: they choose it like any other; another visitor never sees it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from drawings import drawing, words
from streamlit.testing.v1 import AppTest

from digitrec.registry import visitors

MINE, OTHERS = visitors.new_key(), visitors.new_key()
SEVEN = [(70, 60), (200, 60), (120, 230)]


@pytest.fixture
def mine(tiny_run: Path) -> str:
    return visitors.add(MINE, "my-hand", tiny_run).name


def choices(page: AppTest) -> list[str]:
    return list(page.selectbox(key="model_1").options)


@pytest.mark.parametrize("page", ["1_Draw", "2_Upload", "4_Compare"])
def test_its_visitor_can_choose_it_and_no_other_can(open_page: Callable[..., AppTest], page: str, mine: str) -> None:
    shown = open_page(f"pages/{page}.py", visitor=MINE)
    assert f"MLP · {mine} (yours)" in choices(shown)
    shown.selectbox(key="model_1").set_value(mine).run()
    assert not shown.exception
    assert shown.session_state["model_1"] == mine
    assert [error.value for error in shown.error if "test results" not in error.value] == []
    for state in ({}, {"visitor": OTHERS}):
        other = open_page(f"pages/{page}.py", model_1=mine, **state)
        assert not any(mine in choice for choice in choices(other))
        assert other.session_state["model_1"] != mine
        assert mine not in words(other)


def test_it_reads_what_is_drawn(open_page: Callable[..., AppTest], mine: str) -> None:
    page = open_page("pages/1_Draw.py", visitor=MINE, pad=drawing(SEVEN), model_1=mine, model_2="none")
    bars = [chart.proto.alt for chart in page.get("plotly_chart")]
    assert any(mine in twin for twin in bars)


def test_a_training_cannot_be_distilled_from_it(open_page: Callable[..., AppTest], mine: str) -> None:
    page = open_page("pages/3_Train.py", visitor=MINE, recipe="custom-mlp")
    [chooser] = [box for box in page.selectbox if box.label == "Distill from"]
    assert any("cnn-best" in choice for choice in chooser.options)
    assert not any(mine in choice for choice in chooser.options)


def test_an_address_does_not_lead_another_visitor_to_it(open_page: Callable[..., AppTest], mine: str) -> None:
    page = open_page("pages/4_Compare.py", visitor=OTHERS)
    page.query_params["model_1"] = mine
    page.run()
    assert page.session_state["model_1"] != mine
    assert any("does not exist here" in warning.value for warning in page.warning)


def test_the_log_does_not_tell_its_name(
    open_page: Callable[..., AppTest], mine: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITREC_LOG", "json")
    open_page("pages/1_Draw.py", visitor=MINE, pad=drawing(SEVEN), model_1=mine, model_2="none")
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    readings = [event for event in logged if event.get("event") == "reading"]
    assert [event["model"] for event in readings] == ["own"]


def test_it_can_be_removed_and_downloaded_where_it_is_listed(open_page: Callable[..., AppTest], mine: str) -> None:
    page = open_page("pages/1_Draw.py", visitor=MINE)
    assert any("my-hand" in element.value and "Only you can see it" in element.value for element in page.markdown)
    [zipped] = [button for button in page.get("download_button") if button.proto.id.endswith(f"download_own_{mine}")]
    assert zipped.proto.label == "Download my-hand"
    page.button(key=f"remove_own_{mine}").click().run()
    assert not page.exception
    assert visitors.models(MINE) == []
    assert not any(mine in choice for choice in choices(page))
    assert page.session_state["own_removed"] == [mine]  # Upload may still show what it read: no other gets its name
