"""Compare, first section: how both models read one digit, on what evidence, and layer by layer."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from digitrec import formats
from digitrec.analysis import explain
from digitrec.figures import answers as figures_answers
from digitrec.figures import compare
from digitrec.imaging import thumbnails
from digitrec.recognition.answering import TILT, in_doubt
from digitrec.recognition.results import SURE
from digitrec.registry.registry import Model
from digitrec.ui import charts, common
from digitrec.ui.compare import compare as page
from digitrec.ui.compare.compare import Floats, Subject

SHOWN = 8  # units or maps of a layer
TILE = 60  # pixels, a map's side
GALLERY = 96  # units a page
TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
FIRST_DENSE = ("dense_1", "dense_activation_1")  # the latter where there is batch norm


def answers(models: Sequence[Model], subject: Subject, logits: Sequence[Floats]) -> None:
    """Draw the digit and each model's prediction with its ten bars.

    Args:
        models: The two.
        subject: The digit.
        logits: (10,) of each model, before its temperature.
    """
    left, *columns = st.columns([150, 300, 300], gap="medium")
    with left:
        charts.seen(subject.glyph)
        st.caption(subject.caption)
    doubted = False
    for number, (column, model, scores) in enumerate(zip(columns, models, logits, strict=True), 1):
        answer = model.calibration.answers(scores[None])
        probabilities, rejected = answer.probabilities[0], bool(answer.is_digit[0] < 0.5)
        doubted = doubted or bool(in_doubt(answer)[0])
        with column, st.container(key=f"answer_{number}"):
            doubt = ", but rejects it as not a digit" if rejected else ""
            label = common.plain(common.model_label(model.name, model.kind))
            st.markdown(f"**{label}** predicts **{int(probabilities.argmax())}**{doubt}")
            twin = figures_answers.describe_bars(probabilities, model.name, rejected)
            bars = figures_answers.softmax_bars(probabilities, common.colour(model.name), rejected)
            charts.figure(bars, f"bars_{number}", twin, save=f"{model.name}-probabilities")
    if doubted:
        st.caption(
            "Here each model reads the digit once. On Draw and Upload, a model that is less than "
            f"{formats.percentage(SURE, 0)} sure also reads it rotated by {TILT:.0f}° to each side, and the answers "
            "are averaged."
        )


def evidence(models: Sequence[Model], subject: Subject, logits: Sequence[Floats]) -> None:
    """Draw which ink supports each model's prediction, and which speaks against it."""
    st.markdown("### Evidence in the ink")
    st.markdown(
        "A patch of blank paper, 4 x 4 pixels, covers the ink place by place, and the digit is read again each time. "
        "Where the prediction becomes less likely, that ink is evidence :orange[**for it**]; where it becomes more "
        "likely, :blue[**against it**]. A value of 1 means that the odds change by a factor of 10, 2 by 100."
    )
    answered = [int(scores.argmax()) for scores in logits]
    readers = [page.calibrated(model) for model in models]
    asked = list(zip(readers, answered, strict=True))
    found = page.kept(
        "evidence",
        models,
        subject,
        lambda: page.both(lambda pair: explain.occlusion(pair[0], subject.glyph, pair[1]), asked),
    )
    most = max(float(np.abs(values).max()) for values in found)
    for number, (column, model, values, answer) in enumerate(
        zip(st.columns(2), models, found, answered, strict=True), 1
    ):
        with column:
            st.markdown(f"**{common.plain(model.name)}**: evidence for **{answer}**, at most {values.max():+.1f}")
            drawn = compare.evidence(values, subject.glyph, most)
            twin = compare.describe_evidence(values, model.name, answer)
            charts.figure(drawn, f"evidence_{number}", twin, save=f"{model.name}-evidence")


def layers(models: Sequence[Model], activations: Sequence[dict[str, Floats]]) -> None:
    """Draw the activations of each layer of each model.

    Args:
        models: The two.
        activations: Of each, by the layer's name, without the axis of the digits.
    """
    st.markdown("### Layer by layer")
    st.markdown(
        "Activations from the digit at the top to the prediction: dark means a strong response. The layers of a CNN "
        "are still pictures, and each *map* shows where one pattern occurs. Those of an MLP are plain lists: after its "
        "first layer, positions are lost."
    )
    for column, model, found in zip(st.columns(2, gap="large"), models, activations, strict=True):
        with column:
            st.markdown(f"**{common.plain(model.name)}**")
            for name in explain.shown_layers(model.outline, tuple(found)):
                _layer(model, name, found[name])


def _layer(model: Model, name: str, activation: Floats) -> None:
    top = explain.top_units(activation, SHOWN)
    most = float(activation.max()) or 1.0
    caption = f"<b>{html.escape(name)}</b> {_sentence(model, name, activation)}"
    if activation.ndim == 3:
        maps = np.moveaxis(activation[..., top], -1, 0) / most
        values = thumbnails.montage(maps, columns=SHOWN, side=TILE)
        page.picture(values, f"The {len(top)} strongest maps of {name} in {model.name}", caption)
        return
    width = 64 if len(activation) > 256 else 32
    grid = np.pad(activation / most, (0, -len(activation) % width)).reshape(-1, width)
    values = thumbnails.picture(grid, 8 * len(grid))
    page.picture(values, f"The {len(activation)} units of {name} in {model.name}", caption, SHOWN * (TILE + 4))
    if name in FIRST_DENSE and model.kind == "mlp":
        _strongest(model, top)


def _strongest(model: Model, top: NDArray[np.intp]) -> None:
    weights = _first_weights(model)
    if weights is not None:
        caption = "The weights of its strongest units: orange favours ink there, blue favours paper."
        values = _weight_tiles(weights[top], [f"no. {unit}" for unit in top], SHOWN, TILE)
        page.picture(values, f"The weights of the {len(top)} strongest units of {model.name}", caption)


def _sentence(model: Model, name: str, activation: Floats) -> str:
    """Describe a layer."""
    count = f"{activation.shape[-1]:,}"
    size = f"{activation.shape[0]} x {activation.shape[1]}" if activation.ndim == 3 else ""
    if name.startswith("pool"):
        return f"keeps the strongest of neighbouring values: {size} remain, and small shifts no longer matter."
    if activation.ndim == 3:
        number = int(name.rsplit("_", 1)[1])
        last = number == model.convolutions
        patterns = "edges and thin strokes of one direction"
        if number > 1:
            patterns = "larger parts, such as a loop or a stem" if last else "corners, curves and crossings"
        return f"{count} maps of {size}: {patterns}. The {min(SHOWN, activation.shape[-1])} strongest:"
    responding = int((activation > 0).sum())
    if model.kind == "mlp" and name in FIRST_DENSE:
        return f"{count} units, each with a weight for every pixel. {responding:,} are active."
    before = "the maps above" if name in FIRST_DENSE else "the units above"
    return f"{count} units, each connected to all of {before}. {responding:,} are active."


def first_layer(models: Sequence[Model]) -> None:
    """Draw the weights of each model's first layer: pictures as large as the digit, or small kernels."""
    st.markdown(
        "Trained weights as pictures; they are the same for every digit. :orange[**Orange**] favours ink, "
        ":blue[**blue**] favours paper. A unit of an MLP has a weight for each of the 784 pixels. A kernel of a CNN is "
        "a few pixels wide and slides over the whole digit, so a CNN recognizes a stroke in a place where it was never "
        "trained on one."
    )
    for number, (column, model) in enumerate(zip(st.columns(2, gap="large"), models, strict=True), 1):
        with column:
            weights = _first_weights(model)
            if weights is None:
                st.caption(
                    f"The file of {common.plain(model.name)} does not name its weights. "
                    "Train the model again to see them."
                )
            elif model.kind == "mlp":
                _gallery(model, weights, number)
            else:
                shape = " x ".join(map(str, weights.shape[1:]))
                caption = f"<b>{html.escape(model.name)}</b>: all {len(weights)} kernels of {shape}"
                page.picture(_weight_tiles(weights, [], 8, 44), f"The kernels of {model.name}", caption)


@st.fragment
def _gallery(model: Model, weights: Floats, number: int) -> None:
    pages = -(-len(weights) // GALLERY)
    first = 0
    if pages > 1:
        starts = [GALLERY * turn for turn in range(pages)]
        first = st.select_slider(
            "Units", starts, format_func=lambda start: f"{start} to {min(start + GALLERY, len(weights)) - 1}",
            key=f"units_{number}",
        )  # fmt: skip
    shown = weights[first : first + GALLERY]
    caption = f"<b>{html.escape(model.name)}</b>: units {first} to {first + len(shown) - 1} of {len(weights):,}"
    values = _weight_tiles(shown, [], 12, 40)
    page.picture(values, f"First-layer weights of {model.name}, one picture per unit", caption)


def _first_weights(model: Model) -> Floats | None:
    """Return the first layer's weights as pictures: (units, 28, 28), or kernels (maps, k, k)."""
    weights = common.predictor(model.name).weights("conv_1" if model.convolutions else "dense_1")
    if weights is None or (weights.ndim == 2 and weights.shape[1] != 784):
        return None
    return weights.reshape(-1, 28, 28) if weights.ndim == 2 else weights[..., 0]


def _weight_tiles(weights: Floats, captions: list[str], columns: int, side: int) -> NDArray[np.uint8]:
    """Return weights as coloured tiles, each scaled by itself, so that faint units are visible as well."""
    colours = np.stack([thumbnails.signed(unit, float(np.quantile(np.abs(unit), 0.995))) for unit in weights])
    return thumbnails.tiles(colours, captions, columns, side)


@st.fragment
def softmax(models: Sequence[Model], logits: Sequence[Floats]) -> None:
    """Draw how logits, divided by a temperature, become probabilities."""
    st.markdown("### From logits to probabilities")
    st.markdown(
        "The last layer gives ten *logits*. *Softmax* turns them into probabilities: e is raised to each logit, and "
        "each result is divided by the sum of all ten. The logits are first divided by a *temperature*: a low one "
        "makes the model more certain, a high one less. The order of the digits never changes."
    )
    times = st.select_slider("Temperature, as a multiple of the model's own", TEMPERATURES, 1.0, key="temperature")
    for column, model, scores in zip(st.columns(2, gap="large"), models, logits, strict=True):
        temperature = times * model.calibration.temperature
        own = "1, not calibrated" if model.calibration.temperature == 1 else f"{model.calibration.temperature:.2f}"
        with column:
            st.markdown(f"**{common.plain(model.name)}** at {temperature:.2f} (its own: {own})")
            st.html(_probability_table(scores, temperature, common.colour(model.name)))
    st.caption("\\* Scaled so that the largest is 1, which does not change the probabilities.")


def _probability_table(scores: Floats, temperature: float, colour: str) -> str:
    divided = scores.astype(np.float64) / temperature
    powers = np.exp(divided - divided.max())
    probabilities = powers / powers.sum()
    heads = ("digit", "logit", "divided", "e to that *", "probability")
    rows = "".join(
        f'<tr class="{"best" if digit == scores.argmax() else ""}"><td>{digit}</td><td>{scores[digit]:.2f}</td>'
        f"<td>{divided[digit]:.2f}</td><td>{powers[digit]:.4f}</td>"
        f"<td>{html.escape(formats.percentage(probabilities[digit]))}</td>"
        f'<td style="width:25%"><i style="width:{100 * probabilities[digit]:.1f}%;background:{colour}"></i></td></tr>'
        for digit in range(10)
    )
    head = "".join(f'<th scope="col">{title}</th>' for title in heads)
    return f'<table class="probabilities"><thead><tr>{head}<td></td></tr></thead><tbody>{rows}</tbody></table>'
