"""Compare, fourth section: the nearest training digits in each model's feature space, and a map."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from digitrec.analysis import explain, precomputed
from digitrec.datasets import mnist
from digitrec.figures import compare
from digitrec.imaging import thumbnails
from digitrec.registry.registry import Model
from digitrec.ui import charts, common
from digitrec.ui.compare import compare as page
from digitrec.ui.compare.compare import Floats, Subject

NEAREST = 10


@st.cache_resource(show_spinner=False)
def _training_digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the training digits among which neighbours are searched, read once per process (4 MB)."""
    return mnist.first_training(precomputed.TRAINING)


def neighbours(models: Sequence[Model], subject: Subject, activations: Sequence[dict[str, Floats]]) -> None:
    """Draw the nearest training digits, and the map of the test digits with this one in it."""
    page.how_to_get(models, "neighbours")
    known = [page.insight_of(model) for model in models]
    columns = st.columns(2, gap="large")
    for number, (column, model, found, layers) in enumerate(zip(columns, models, known, activations, strict=True), 1):
        if found is None or found.layer not in layers:
            continue
        with column:
            here = found.axes.project(explain.features(layers[found.layer][None]))[0] / found.axes.scale
            _nearest(model, found, here)
            _map(model, found, here, number)


def _nearest(model: Model, found: precomputed.Insight, here: Floats) -> None:
    places, _ = explain.nearest(found.training, here, NEAREST)
    digits, labels = _training_digits()
    named = ", ".join(str(labels[place]) for place in places)
    name, layer = html.escape(model.name), html.escape(found.layer)
    caption = f"<b>{name}</b>: the {NEAREST} nearest of {len(found.training):,} training digits in {layer}"
    values = thumbnails.montage(
        mnist.glyphs(digits[places]), [str(labels[place]) for place in places], NEAREST // 2, 72
    )
    page.picture(values, f"The nearest training digits, their labels are {named}", caption)


def _map(model: Model, found: precomputed.Insight, here: Floats, number: int) -> None:
    labels = common.test_digits()[1][: len(found.test)]
    drawn = compare.digit_map(found.test[:, :2].astype(np.float32), labels, here[:2])
    centres = np.array([found.test[labels == digit, :2].mean(axis=0) for digit in range(10)])
    close = int(np.linalg.norm(centres - here[:2], axis=1).argmin())
    twin = f"Map of {len(labels)} test digits in the features of {model.name}. This digit is closest to the {close}s."
    charts.figure(drawn, f"map_{number}", twin, save=f"{model.name}-map")
