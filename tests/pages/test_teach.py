"""Teach it your hand, without a browser: digits are asked for and kept, a lesson is taught, its verdict is shown."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawings import drawing, words
from streamlit.testing.v1 import AppTest
from uploads import digit_file, press, upload

from digitrec import files
from digitrec.datasets import mnist
from digitrec.datasets.own_digits import OwnDigit
from digitrec.jobs import job, teaching
from digitrec.registry import registry, visitors
from digitrec.ui.teach import verdict
from tests.waiting import DEADLOCK

KEY = visitors.new_key()
SEVEN = [(70, 60), (200, 60), (120, 230)]


def some(count: int) -> list[OwnDigit]:
    pictures, labels = mnist.first_training(count)
    return [OwnDigit(picture, int(label)) for picture, label in zip(pictures, labels, strict=True)]


@pytest.fixture
def opened(open_page: Callable[..., AppTest]) -> Callable[..., AppTest]:
    return lambda **state: open_page("pages/1_Draw.py", **({"visitor": KEY, "teach": True, "model_2": "none"} | state))


def page_text(page: AppTest) -> str:
    return " ".join(element.value for kind in ("markdown", "caption", "info", "error") for element in page.get(kind))


def finished(key: str = KEY) -> Path:
    """Write a lesson that is ready, as the process does; see `tests/jobs/test_teaching.py` for that process."""
    folder = visitors.folder(key) / teaching.FOLDER
    teaching_digits = some(10)
    folder.mkdir(parents=True)
    files.write_json(folder / teaching.LESSON, {"model": "mlp-128", "folder": "x"})
    np.savez_compressed(folder / teaching.DIGITS, allow_pickle=False, **teaching._arrays(teaching_digits))
    labels = [digit.label for digit in teaching_digits]
    wrong = [(label + 1) % 10 for label in labels]
    files.write_json(
        folder / teaching.VERDICT,
        {"labels": labels, "before": wrong[:4] + labels[4:], "after": labels[:9] + wrong[9:], "errors": [250, 240],
         "only_before": 30, "only_after": 40, "seconds": 20.0},
    )  # fmt: skip
    files.write_json(folder / job.STATUS, job.new_status() | {"state": "finished"})
    return folder


def test_the_section_is_closed_at_first_and_computes_nothing(opened: Callable[..., AppTest]) -> None:
    page = opened(teach=False)
    assert "Draw a **0**" not in page_text(page)


def test_who_only_opens_it_gets_no_key(open_page: Callable[..., AppTest]) -> None:
    """A tab that was just reloaded gets its former key a moment later, unless it has one."""
    page = open_page("pages/1_Draw.py", teach=True, model_2="none")
    assert "Draw a **0**" in page_text(page)
    assert "visitor" not in page.session_state


def test_digits_are_asked_for_one_by_one_and_kept_with_what_was_asked(opened: Callable[..., AppTest]) -> None:
    page = opened(teach_digits=some(0), pad_teach=drawing(SEVEN))
    assert "Draw a **0**" in page_text(page)
    page.button(key="teach_next").click().run()
    assert not page.exception
    [kept] = page.session_state["teach_digits"]
    assert kept.label == 0  # what was asked for, whatever is read in it
    assert kept.glyph.shape == (28, 28)
    assert "Draw a **1**" in page_text(page)
    assert "1 so far, 29 more" in page_text(page)
    assert 'alt="Your 0"' in words(page)
    page.button(key="teach_next").click().run()  # pressed twice: the canvas has sent nothing new
    assert len(page.session_state["teach_digits"]) == 1
    page.button(key="teach_skip").click().run()
    assert "Draw a **2**" in page_text(page)
    page.button(key="teach_undo").click().run()
    assert page.session_state["teach_digits"] == []


def test_where_only_misread_ones_are_wanted_one_read_right_is_not_kept(opened: Callable[..., AppTest]) -> None:
    page = opened(teach_digits=some(0), pad_teach=drawing(SEVEN), teach_which="Only those it misreads", teach_skipped=7)
    assert "Draw a **7**" in page_text(page)
    page.button(key="teach_next").click().run()
    assert "It was read correctly, as 7" in page_text(page)
    assert not page.session_state["teach_digits"]
    page = opened(teach_digits=some(0), pad_teach=drawing(SEVEN), teach_which="Only those it misreads", teach_skipped=3)
    page.button(key="teach_next").click().run()
    assert [digit.label for digit in page.session_state["teach_digits"]] == [3]


@pytest.mark.parametrize(("count", "disabled"), [(9, True), (10, False)])
def test_a_lesson_needs_ten_digits(opened: Callable[..., AppTest], count: int, disabled: bool) -> None:
    assert opened(teach_digits=some(count)).button(key="teach_start").disabled is disabled


def test_the_verdict_is_shown_before_it_is_kept_or_discarded(opened: Callable[..., AppTest]) -> None:
    finished()
    page = opened(teach_misread=3)
    text = page_text(page)
    assert "It reads your digits better: 9 instead of 6 of 10." in text
    assert "30 digits read correctly by the model before only, 40 digits by the one after only" in text
    assert "No figure uses digits that the copy was trained on." in text
    assert "3 digits were chosen because the model misread them, so *Before* is too low." in text
    shown = words(page)
    assert shown.count("✓ now right") == 2 * 4  # as a text for screen readers, and below the picture
    assert shown.count("✗ now wrong") == 2 * 1
    page.button(key="teach_discard").click().run()
    assert not page.exception
    assert teaching.find(KEY).state == "none"
    assert "Draw a **0**" in page_text(page)


def test_what_cannot_be_kept_is_reported_and_the_lesson_stays(opened: Callable[..., AppTest]) -> None:
    finished()
    page = opened()
    page.text_input(key="teach_name").set_value("reader").run()
    page.button(key="teach_keep").click().run()
    assert not page.exception
    assert "already a model" in page_text(page)
    assert teaching.find(KEY).state == "ready"


def test_another_visitor_sees_neither_lesson_nor_digits(opened: Callable[..., AppTest]) -> None:
    finished()
    page = opened(visitor=visitors.new_key())
    assert "learned" not in page_text(page).replace("learned from", "")
    assert "Draw a **0**" in page_text(page)


def test_where_it_does_not_help_it_says_so() -> None:
    def found(before: tuple[int, ...], after: tuple[int, ...], errors: tuple[int, int] = (100, 100)) -> str:
        return verdict.helps(teaching.Verdict((1, 2), before, after, errors, 0, 0, 1.0))

    assert found((1, 3), (1, 2)) == "It reads your digits better: 2 instead of 1 of 2."
    assert "did not help: 1 of 2" in found((1, 3), (1, 3))
    assert "Discard it" in found((1, 2), (1, 3))
    assert "nothing to learn" in found((1, 2), (1, 2))
    assert "It lost 0.30 % of MNIST's test digits." in found((1, 3), (1, 2), (100, 130))


def test_a_lesson_under_way_shows_its_progress_and_can_be_stopped(
    opened: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    teaching.start(KEY, registry.get("mlp-30-10"), some(10))
    page = opened(teach_digits=some(10))
    assert any("A copy of mlp-30-10" in bar.proto.text for bar in page.get("progress"))
    page.button(key="teach_stop").click().run()
    assert not page.exception
    until = time.monotonic() + DEADLOCK
    while teaching.find(KEY).state != "none" and time.monotonic() < until:
        time.sleep(0.1)
    assert teaching.find(KEY).state == "none"
    assert len(page.session_state["teach_digits"]) == 10


def test_digits_corrected_on_upload_are_added_once(open_page: Callable[..., AppTest]) -> None:
    page = open_page("pages/2_Upload.py")
    upload(page, {"a.png": digit_file(0), "b.png": digit_file(1)})
    assert not [button for button in page.button if button.key == "teach_add"]
    press(page, "4", 1)  # the second picture, a 2
    for times in (1, 2):
        page.button(key="teach_add").click().run()
        assert not page.exception
        [added] = page.session_state["teach_digits"]
        assert (added.label, added.strokes) == (4, ()), times
        assert added.glyph.max() > 200
    page.switch_page("pages/1_Draw.py")
    page.session_state["teach"] = True
    page.run()
    assert 'alt="Your 4"' in words(page)
    assert "1 so far" in page_text(page)
