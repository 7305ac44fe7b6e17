"""*Which step saved it?* on Draw and Upload: one digit after each step, and how the models read it."""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from digitrec import formats
from digitrec.recognition import ablation
from digitrec.recognition.ablation import NO_DIGIT, Prediction, Row
from digitrec.registry.importing.scalings import Way
from digitrec.ui import available, charts, common

Rows = tuple[Row, ...]

STYLE = """<style>
.trail {container-type: inline-size}
.trail table {border-collapse: separate; border-spacing: 0; width: 100%; max-width: 60rem; margin: 0}
.trail p {margin: 0 0 .25rem 0}
.trail th, .trail td {padding: .4rem .6rem; border: 0 solid rgba(128, 128, 128, .4); border-top-width: 1px;
  text-align: left; vertical-align: middle; font-weight: 400}
.trail thead th {border: 0; font-weight: 700; overflow-wrap: anywhere}
.trail tbody th small {display: block; line-height: 1.35}
.trail img {display: block; width: 4.5rem; height: 4.5rem; background: white; image-rendering: pixelated;
  border: 1px solid rgba(128, 128, 128, .5)}
.trail td.prediction {min-width: 9rem}
.trail .prediction b {font-size: 1.6rem; line-height: 1.1; padding-right: .4rem}
.trail .prediction em {display: block; font-style: normal; font-weight: 700; font-size: .8rem}
.trail td.changed {border: 3px solid currentColor; border-radius: .25rem}
.trail .name {display: none}
@container (max-width: 38rem) {
  .trail table, .trail thead, .trail tbody {display: block}
  .trail tr {display: grid; grid-template-columns: 4.5rem 1fr 1fr; gap: .4rem; padding: .6rem 0;
    border-top: 1px solid rgba(128, 128, 128, .4)}
  .trail thead {display: none}
  .trail th, .trail td {border: 0; padding: 0}
  .trail tbody th {grid-column: 1 / -1}
  .trail td.prediction {min-width: 0; padding: .25rem .4rem}
  .trail .name {display: block; font-size: .8rem; overflow-wrap: anywhere}
}
</style>"""


def section(key: str) -> DeltaGenerator | None:
    """Draw the section, closed at first, and return its place; None while it is closed, as nobody looks at it.

    Args:
        key: The expander's key.
    """
    place = st.expander("**Which step saved it?**", key=key, on_change="rerun")
    return place if place.open else None


def which_step(rows: Callable[[], Rows] | None, models: Sequence[str], key: str) -> None:
    """Draw the section with its table; its rows are computed only while it is open.

    Args:
        rows: Returns the digit's rows; None where there is no digit.
        models: Names of one or two models.
        key: The expander's key.
    """
    if place := section(key):
        with place:
            table(rows, models)


def table(rows: Callable[[], Rows] | None, models: Sequence[str]) -> None:
    """Draw the digit after each step, and how the models read it; see `which_step`."""
    with common.shown_errors(stop=False):
        if rows is None or not models:
            st.caption("This section reads the digit after each preprocessing step, once there is a digit.")
            return
        made = rows()
        predictions = {
            name: ablation.read(_as_given(made, name), common.predictor(name)) for name in dict.fromkeys(models)
        }
        st.html(STYLE)
        st.html(_table(made, predictions))
        for name in predictions:
            if available.get(name).scaling in ("unit-length", "unit-vector"):
                st.caption(f"{common.plain(name)} scales its input itself, so values up to 255 do no harm here.")


def _as_given(rows: Rows, name: str) -> Rows:
    """Return the rows for a model: to an imported one, the first row gives the very numbers of a script."""
    model = available.get(name)
    if model.imported is None:
        return rows
    way = Way(model.imported["scaling"], model.imported["dark_ink"])
    return (replace(rows[0], glyph=way.undone(rows[0].glyph)), *rows[1:])


def _table(rows: Sequence[Row], predictions: Mapping[str, Sequence[Prediction]]) -> str:
    """Return the verdict and the table in HTML; with roles, as a narrow table is laid out differently."""
    verdict = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in ablation.verdict(rows, predictions))
    heads = "".join(f'<th role="columnheader" scope="col">{html.escape(name)}</th>' for name in predictions)
    marks = {name: ablation.changed(answers) for name, answers in predictions.items()}
    body = "".join(
        f'<tr role="row">{_step(number, row)}'
        + "".join(_cell(name, predictions[name], number - 1, marks[name][number - 1]) for name in predictions)
        + "</tr>"
        for number, row in enumerate(rows, 1)
    )
    return (
        f'<div class="trail">{verdict}<table role="table" aria-label="The digit after each step, and how it is read">'
        '<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Step</th>'
        f'<th role="columnheader" scope="col">Picture</th>{heads}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table></div>'
    )


def _step(number: int, row: Row) -> str:
    """Return the cells of a step and its picture."""
    title, caption = html.escape(row.title), html.escape(row.caption)
    return (
        f'<th role="rowheader" scope="row"><b>{number}. {title}</b><small>{caption}</small></th>'
        f'<td role="cell"><img src="{charts.data_uri(row.shown)}" alt="The digit after step {number}">'
        f"<small>0 to {row.top}</small></td>"
    )


def _cell(name: str, predictions: Sequence[Prediction], place: int, changed: bool) -> str:
    """Return a model's answer to a row, marked where it differs from the row above."""
    answer, confidence = predictions[place]
    sure = "not a digit" if answer == NO_DIGIT else html.escape(formats.percentage(confidence))
    mark = f"<em>▲ changed from {predictions[place - 1].answer}</em>" if changed else ""
    return (
        f'<td role="cell" class="prediction{" changed" if changed else ""}"><span class="name" aria-hidden="true">'
        f"{html.escape(name)}</span><b>{answer}</b>{sure}{mark}</td>"
    )
