"""Train's other two sections in a browser: what is ticked in the list is ticked in the table, there and back again."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from serving import Server

from digitrec import files
from digitrec.jobs import job
from digitrec.training import events as training_events
from digitrec.training import model_files
from digitrec.training.presets import PRESETS


def trained(home: Path, name: str, recipe: str, epochs: int) -> None:
    """A run folder as a worker leaves it that was stopped before there was a model."""
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    files.write_json(folder / model_files.RECIPE, PRESETS[recipe].recipe.to_json())
    files.write_json(folder / job.STATUS, {"state": "stopped", "message": "", "queued_at": 1.0, "started": 1.0})
    step = {"loss": 0.5, "accuracy": 0.9, "digits_per_second": 1000}
    events = [{"kind": "batch", "epoch": n / 4, "seconds": n / 2, **step} for n in range(1, 4 * epochs + 1)]
    end = {"val_loss": 0.4, "val_accuracy": 0.95}
    events += [{"kind": "epoch", "epoch": n, "seconds": 2 * n + 0.1, **step, **end} for n in range(1, epochs + 1)]
    (folder / training_events.EVENTS).write_text("".join(json.dumps(event) + "\n" for event in events))


@pytest.fixture
def two_runs(app: Server) -> None:
    for number, recipe in enumerate(("mlp-128", "cnn-3x3"), 1):
        if not (app.home / "runs" / f"19990101-00000{number}-{recipe}").exists():
            trained(app.home, f"19990101-00000{number}-{recipe}", recipe, number)


@pytest.mark.usefixtures("two_runs")
def test_the_list_the_table_and_the_figure_agree(visit: Callable[[str], Page], settled: Callable[[], None]) -> None:
    page = visit("Train?workbench=Side+by+side")
    ticked, drawn = page.locator(".st-key-ticked"), page.locator(".st-key-runs_curves .legendtext")
    ticked.locator("input").click()
    for name in ("19990101-000001-mlp-128", "19990101-000002-cnn-3x3"):
        ticked.locator("input").fill(name)
        expect(page.get_by_role("option")).to_have_count(1)
        page.get_by_role("option", name=name).click()
        expect(ticked.get_by_text(name)).to_be_visible()
        settled()  # a page that is drawn anew empties the search: the list's first line is then "Select all"
    table = page.locator(".st-key-runs_table table")  # what the canvas shows, for screen readers
    chosen = table.locator("tr[aria-selected=true]")
    expect(chosen).to_have_count(2)
    for name in ("mlp-128", "cnn-3x3"):
        expect(drawn.get_by_text(f"{name}, validation").first).to_be_attached()
    expect(page.locator(".st-key-differences")).to_contain_text("block 1: filters")
    page.get_by_text("Duel", exact=True).click()
    expect(page).to_have_url(re.compile("workbench=Duel"))
    expect(page.locator(".st-key-start_duel")).to_be_visible()
    page.get_by_text("Side by side", exact=True).click()
    expect(ticked.get_by_text("19990101-000002-cnn-3x3")).to_be_visible()
    expect(chosen).to_have_count(2)
    box = page.locator(".st-key-runs_table canvas").first.bounding_box()
    assert box
    place = int(chosen.first.get_attribute("aria-rowindex") or 0) - 1  # the header is row 1
    page.mouse.click(box["x"] + 15, box["y"] + 35 * place + 18)
    expect(chosen).to_have_count(1)
    expect(ticked.get_by_text(re.compile("^1999"))).to_have_count(1)
