"""Train, side by side: a table of all runs and models, their curves in one figure, and actions on them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from digitrec import formats
from digitrec.figures import curves, theme
from digitrec.jobs import catalogue, queue, runs
from digitrec.jobs.catalogue import SAVED, SHIPPED, Entry
from digitrec.jobs.runs import Curves
from digitrec.registry import registry
from digitrec.training import events
from digitrec.training.recipe import LONGEST_NAME
from digitrec.ui import charts, common
from digitrec.ui.train import form, train

MOST = 8  # curves that can be distinguished by colour in one figure
BY = {"By epoch": "epoch", "By seconds": "seconds"}
FIXED = ("kind", "seconds")  # settings on which others depend

COLUMNS: dict[str, Any] = {
    "Accuracy": st.column_config.NumberColumn(format="%.2f %%", help="On the 10,000 test digits."),
    "95 % interval": st.column_config.TextColumn(help="Where the accuracy on another 10,000 digits most likely lies."),
    "Parameters": st.column_config.NumberColumn(format="localized"),
    "Epochs": st.column_config.NumberColumn(format="%.4g"),
    "Seconds": st.column_config.NumberColumn(format="localized", help="Of training, on the machine that ran it."),
}


def side_by_side() -> None:
    """Draw the section."""
    _damaged()
    entries = catalogue.entries()
    if not entries:
        st.info("There is no run and no model yet. Start a run under One run.")
        return
    ticked = _choose([entry.name for entry in entries])
    every = 1.0 if any(entry.active for entry in entries) else None
    st.fragment(_live, run_every=every)([(entry.name, entry.active) for entry in entries], ticked)
    chosen = [entry for entry in entries if entry.name in ticked]
    if chosen:
        _differences(chosen)
        _manage(chosen)


def _damaged() -> None:
    for name in runs.damaged():
        with st.container(horizontal=True, vertical_alignment="center"), common.shown_errors(stop=False):
            st.warning(f"The run {name} is not shown: its folder is damaged.", icon=":material/broken_image:")
            if st.button("Delete it", key=f"discard_{name}", icon=":material/delete:"):
                runs.discard(name)
                st.rerun()


def _choose(names: list[str]) -> list[str]:
    """Draw the chooser and return the names selected here, in the table, or by the last action."""
    state = st.session_state
    by_list, by_table = state.pop("list_changed", False), state.pop("table_selection", None)
    wanted = state.get("ticked", [])
    if by_table is not None and not by_list:
        wanted = by_table
    wanted = state.pop("tick_next", wanted)
    state.ticked = [name for name in wanted if name in names][-MOST:]
    labels = common.model_labels()
    return list(
        st.multiselect(
            "Runs and models to compare",
            names,
            key="ticked",
            max_selections=MOST,
            on_change=_list_changed,
            persist_state="session",
            placeholder="Choose here, or tick rows in the table",
            format_func=lambda name: labels.get(name, name),
        )
    )


def _live(known: list[tuple[str, bool]], ticked: list[str]) -> None:
    """Draw the table and the curves; once per second while a run is active."""
    entries = catalogue.entries()
    if [(entry.name, entry.active) for entry in entries] != known or "table_selection" in st.session_state:
        st.rerun()
    st.session_state.table_names = [name for name, _ in known]
    rows = [place for place, (name, _) in enumerate(known) if name in ticked]
    # All three keys, as the browser sends them: otherwise it would look as if the visitor had changed the selection.
    st.session_state.runs_table = {"selection": {"rows": rows, "columns": [], "cells": []}}
    shown = [entry for entry in entries if entry.name in ticked]
    points = {e.name: _points(e) for e in entries if e in shown or not e.card}
    st.dataframe(
        [_row(entry, points.get(entry.name)) for entry in entries],
        key="runs_table",
        hide_index=True,
        column_config=COLUMNS,
        on_select=_table_changed,
        selection_mode="multi-row",
        placeholder="–",
        height=min(35 * len(entries) + 38, 430),
        alt="Runs and models: " + "; ".join(map(_entry_sentence, entries)) + ".",
    )
    _curves(shown, points)


def _list_changed() -> None:
    st.session_state.list_changed = True


def _table_changed() -> None:
    """Remember which rows are ticked in the table.

    The browser sends both widgets at each change: where the list has changed, the table's rows may be older.
    """
    names = st.session_state.table_names  # as the visitor saw them; a run may have been added since
    rows = st.session_state.runs_table["selection"]["rows"]
    st.session_state.table_selection = [names[row] for row in rows if row < len(names)][:MOST]


def _row(entry: Entry, points: Curves | None) -> dict[str, Any]:
    card = entry.card or {}
    epochs, seconds = card.get("epochs"), card.get("seconds")
    if points and points.batch_epoch and not card:
        epochs, seconds = points.batch_epoch[-1], points.batch_seconds[-1]
    low, high = card.get("interval", (None, None))
    return {
        "Name": entry.name,
        "State": entry.state,
        "Accuracy": 100 * card["accuracy"] if card else None,
        "95 % interval": formats.interval(low, high) if low is not None else "",
        "Parameters": entry.recipe.parameters,
        "Epochs": epochs,
        "Seconds": None if seconds is None else round(seconds),
        "Recipe": entry.recipe.name,
    }


def _entry_sentence(entry: Entry) -> str:
    reached = f", {formats.percentage(entry.card['accuracy'], 2)}" if entry.card else ""
    return f"{entry.name}, {entry.state}{reached}"


def _curves(chosen: Sequence[Entry], points: Mapping[str, Curves]) -> None:
    """Draw the curves of the selected entries in one figure."""
    if not chosen:
        st.caption("Select two or more to see their curves in one figure.")
        return
    labels = _labels(chosen)
    drawn = {labels[e.name]: points[e.name] for e in chosen if points[e.name].batch_epoch or points[e.name].epoch}
    without = [label for label in labels.values() if label not in drawn]
    if drawn:
        by = st.segmented_control(
            "Curves", list(BY), default="By epoch", key="curves_by", required=True, persist_state="session"
        )
        colours = theme.distinct_colours(
            {labels[e.name]: (e.recipe.name, e.recipe.kind) for e in chosen if labels[e.name] in drawn}
        )
        version = f"{by} {[(label, len(p.batch_epoch), len(p.epoch)) for label, p in drawn.items()]}"
        figure = curves.learning_curves(drawn, colours, "seconds" if by == "By seconds" else "epoch")
        charts.live_figure(version, figure, curves.describe_curves(drawn), "runs_curves")
    if without:
        st.caption(f"No curves of {', '.join(without)}: shipped models and waiting runs have none.")


def _labels(chosen: Sequence[Entry]) -> dict[str, str]:
    """Return each entry's label in a legend, by its name: of a run its recipe, where that is unambiguous."""
    short = {entry.name: entry.recipe.name if entry.run else entry.name for entry in chosen}
    labels = list(short.values())
    return {name: label if labels.count(label) == 1 else name for name, label in short.items()}


def _points(entry: Entry) -> Curves:
    try:
        changed = (entry.folder / events.EVENTS).stat().st_mtime_ns
    except OSError:
        return Curves()
    return runs.curves_in(entry.folder) if entry.active else _ended_points(entry.folder, changed)


@st.cache_data(max_entries=2 * MOST, show_spinner=False)
def _ended_points(folder: Path, changed: int) -> Curves:
    """Return the curves in a folder whose events were last written at that time."""
    return runs.curves_in(folder)


def _differences(chosen: Sequence[Entry]) -> None:
    """Draw the differences between the recipes of the selected entries."""
    if len(chosen) < 2:
        return
    labels = _labels(chosen)
    found = catalogue.differences({labels[entry.name]: entry.recipe for entry in chosen})
    st.header("Differences between their recipes")
    with st.container(key="differences"):
        if not found:
            st.markdown("None: all settings are the same, including the seed.")
            return
        columns = {
            label: {key: row[place] for key, row in found.items()} for place, label in enumerate(labels.values())
        }
        st.table(columns)
        if len(found) == 1:
            st.caption("Only one setting differs, so the curves differ because of it or by chance.")


def _manage(chosen: Sequence[Entry]) -> None:
    """Draw the actions on one of the selected entries."""
    st.header("Train again, rename or delete")
    names = [entry.name for entry in chosen]
    if st.session_state.get("one_of_them") not in names:
        st.session_state.one_of_them = names[0]
    available = common.model_labels()
    name = st.selectbox("Run or model", names, key="one_of_them", format_func=lambda each: available.get(each, each))
    entry = chosen[names.index(name)]
    left, right = st.columns(2, gap="large")
    with left, common.shown_errors(stop=False):
        _again(entry)
    with right, common.shown_errors(stop=False):
        if entry.state == SHIPPED:
            st.markdown(f"{name} came with the project and cannot be renamed or deleted.")
        else:
            if entry.state == SAVED:
                _rename(entry)
            _delete(entry)


def _again(entry: Entry) -> None:
    """Draw the form that starts the recipe again with one setting changed."""
    st.markdown("**Train again with one setting changed**")
    found = {key: value for key, value in catalogue.settings_of(entry.recipe).items() if key not in FIXED}
    setting = st.selectbox(
        "Setting",
        list(found),
        list(found).index("learning rate"),
        key=f"setting_{entry.name}",
        format_func=lambda key: f"{key}: {catalogue.in_words(found[key])}",
    )
    value = _value(entry, setting, found[setting])
    base = entry.recipe.name if entry.recipe.name.startswith("my-") else f"my-{entry.recipe.name}"
    recipe_name = st.text_input("Name of the new recipe", base[:LONGEST_NAME], max_chars=LONGEST_NAME, key=f"as_{base}")
    recipe = catalogue.changed(entry.recipe, setting, value, recipe_name.strip())
    st.caption(f"All other settings stay as in {entry.name}. {recipe.parameters:,} parameters.")
    if st.button("Start", key="start_again", type="primary", icon=":material/play_arrow:"):
        started = train.start(recipe)
        st.session_state.tick_next = [*st.session_state.ticked, started]
        st.rerun()


def _value(entry: Entry, setting: str, now: Any) -> Any:
    """Draw the field for a setting's new value and return it."""
    key = f"value_{entry.name}_{setting}"
    if allowed := catalogue.choices(setting):
        return st.selectbox(
            "New value", allowed, allowed.index(now) if now in allowed else 0, key=key, format_func=catalogue.in_words
        )
    if isinstance(now, bool):
        return st.checkbox("New value", now, key=key)
    if isinstance(now, int):
        return int(st.number_input("New value", value=now, step=1, key=key))
    if isinstance(now, float):
        return float(st.number_input("New value", value=now, format="%g", key=key))
    typed = st.text_input("New value", ", ".join(map(str, now)), key=key, help="Whole numbers, such as 256, 128.")
    return form.widths(typed)


def _rename(entry: Entry) -> None:
    with st.form("rename", border=False):
        new = st.text_input("New name", entry.name, max_chars=LONGEST_NAME, key=f"new_name_{entry.name}")
        if st.form_submit_button("Rename", icon=":material/edit:", key="rename_model"):
            named = registry.rename(entry.name, new.strip()).name
            st.session_state.tick_next = [named if name == entry.name else name for name in st.session_state.ticked]
            st.rerun()


def _delete(entry: Entry) -> None:
    """Draw the button that deletes, and the confirmation."""
    what = "run" if entry.run else "model"
    if entry.active:
        st.markdown(f"{entry.name} is active. It can be deleted once it has ended.")
        return
    if st.button(f"Delete this {what}", key="delete_entry", icon=":material/delete:"):
        st.session_state.asked_delete = entry.name
    if st.session_state.get("asked_delete") != entry.name:
        return
    also = " It is one side of a duel, which is deleted with it." if (entry.folder / queue.DUEL).exists() else ""
    st.warning(f"Delete {entry.name} permanently?{also}", icon=":material/help:")
    with st.container(horizontal=True):
        if st.button("Yes, delete it", key="delete_yes", type="primary"):
            if entry.run:
                runs.delete(entry.run)
            else:
                registry.remove(entry.name)
            del st.session_state.asked_delete
            st.rerun()
        if st.button("No, keep it", key="delete_no"):
            del st.session_state.asked_delete
            st.rerun()
