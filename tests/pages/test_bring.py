"""*Bring your own model* on Compare: a file, the verdict, the model chosen; nobody else sees it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from drawings import drawing
from streamlit.testing.v1 import AppTest

from digitrec import files, settings
from digitrec.jobs import imports, job
from digitrec.registry import card as cards
from digitrec.registry import visitors
from digitrec.registry.importing import scalings
from digitrec.training import model_files

TOKEN = "f" * imports.TOKEN_LENGTH
SEVEN = [(70, 60), (200, 60), (120, 230)]


@pytest.fixture
def finished(home: Path) -> str:
    """Lay out a finished import: the files of a shipped model under the card of an imported one."""
    work = imports.folder(TOKEN)
    work.parent.mkdir(parents=True)
    files.new_folder(work, {imports.REQUEST: {"file": "mnist.h5", "name": "my-mnist"},
                            job.STATUS: job.new_status() | {"state": "finished"}})  # fmt: skip
    source, made = settings.SHIPPED_MODELS / "mlp-30-10", work / imports.MODEL
    made.mkdir()
    for name in (*model_files.MODEL_FILES, model_files.INSIGHT):
        (made / name).write_bytes((source / name).read_bytes())
    card = files.read_json(source / model_files.CARD) or {}
    measured = [
        {
            "scaling": way.scaling,
            "dark_ink": way.dark_ink,
            "accuracy": 0.97 - 0.08 * place,
            "digits": 600 if place else 10_000,
            "loss": 0.1,
        }
        for place, way in enumerate(scalings.ways(flat=False))
    ]  # fmt: skip
    facts = {"file": "mnist.h5", "format": "Keras (HDF5)", "bytes": 322_000, "kind": "mlp", "convolutions": 0,
             "shown": ["dense_1", "dense_2"], "outputs": "probabilities", "classes": 10, "scaling": "unit-range",
             "dark_ink": False, "network": None, "measured": measured, "layers": [["dense", "Dense"]]}  # fmt: skip
    for key in ("recipe", "epochs", "seconds"):
        card.pop(key)
    files.write_json(made / model_files.CARD, card | {"format": cards.IMPORTED_FORMAT, "imported": facts})
    return "my-mnist"


def words(page: AppTest) -> str:
    """Return all that a page says in sentences."""
    return " ".join(element.value for element in (*page.markdown, *page.caption, *page.error)).replace("\\", "")


def test_the_section_is_closed_at_first_and_says_what_it_takes(open_page: Callable[..., AppTest]) -> None:
    page = open_page("pages/4_Compare.py")
    assert "Import its file" not in words(page)
    page = open_page("pages/4_Compare.py", bring=True)
    text = words(page)
    assert "Import its file" in text
    assert "no program in it is run" in text


def test_a_model_that_is_ready_is_chosen_and_its_verdict_shown(
    open_page: Callable[..., AppTest], finished: str
) -> None:
    page = open_page("pages/4_Compare.py", bring_token=TOKEN)
    assert page.session_state["model_1"] == finished
    text = words(page)
    assert "Your model reads 97.00 % of MNIST's test digits when given pixels from 0 to 1" in text
    assert "A script that feeds it pixels from 0 to 255 reads fewer: 89.0 %." in text
    assert "How it was trained is not known" in text
    assert any("Accuracy of my-mnist" in chart.proto.alt for chart in page.get("plotly_chart"))
    assert not imports.folder(TOKEN).exists()
    assert "bring_token" not in page.session_state
    [model] = visitors.models(page.session_state["visitor"])
    assert (model.folder / model_files.INSIGHT).exists()
    table = page.get("table")[0].proto
    assert "imported from" in str(page.table[0].value) or "imported from" in str(table)


def test_nobody_else_sees_it(open_page: Callable[..., AppTest], finished: str) -> None:
    open_page("pages/4_Compare.py", bring_token=TOKEN)
    for state in ({}, {"visitor": visitors.new_key()}, {"bring_token": "0" * imports.TOKEN_LENGTH}):
        other = open_page("pages/4_Compare.py", bring=True, **state)
        assert finished not in words(other)
        assert finished not in " ".join(other.selectbox(key="model_1").options)


def test_it_reads_on_draw_and_shows_which_step_saved_it(open_page: Callable[..., AppTest], finished: str) -> None:
    page = open_page("pages/1_Draw.py", bring_token=TOKEN, pad=drawing(SEVEN), trail=True, teach=True, model_2="none")
    assert page.session_state["model_1"] == finished
    assert not page.exception
    assert any(finished in chart.proto.alt for chart in page.get("plotly_chart"))
    assert f"{finished} cannot be taught" in words(page)  # its card says of no layer that it learns


def test_a_name_that_is_taken_meanwhile_gets_a_number(open_page: Callable[..., AppTest], finished: str) -> None:
    mine = visitors.new_key()
    visitors.add(mine, finished, settings.SHIPPED_MODELS / "mlp-30-10")
    page = open_page("pages/4_Compare.py", bring_token=TOKEN, visitor=mine)
    assert page.session_state["model_1"] == f"{finished}-2"


def test_a_failure_is_reported_in_its_sentence(open_page: Callable[..., AppTest], finished: str) -> None:
    work = imports.folder(TOKEN)
    (work / imports.MODEL / model_files.CARD).unlink()
    job.update(work, state="failed", message="The layer 'my_code' is a Lambda, which holds a program. Replace it.")
    page = open_page("pages/4_Compare.py", bring_token=TOKEN, bring=True)
    assert not page.exception
    assert any("is a Lambda" in error.value for error in page.error)
    assert not work.exists()


def test_a_token_of_nobody_is_forgotten(open_page: Callable[..., AppTest]) -> None:
    page = open_page("pages/4_Compare.py", bring_token="../../etc/passwd", bring=True)
    assert not page.exception
    assert "bring_token" not in page.session_state
