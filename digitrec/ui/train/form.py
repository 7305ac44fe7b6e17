"""The form for a recipe on the Train page."""

from dataclasses import fields

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from digitrec.datasets import glyph_bank, mnist
from digitrec.errors import RecipeError
from digitrec.figures import network_diagram, schedule, theme
from digitrec.imaging import thumbnails, warp
from digitrec.imaging.augmentation import AUGMENTATION_LIMITS, Augmentation
from digitrec.registry import registry
from digitrec.training import schedule as training_schedule
from digitrec.training.presets import PRESETS
from digitrec.training.recipe import (
    ACTIVATIONS,
    DIGITS,
    OPTIMIZERS,
    PADDINGS,
    SCALINGS,
    SCHEDULES,
    ConvBlock,
    LayerInfo,
    Recipe,
)
from digitrec.ui import charts

CUSTOM = {"custom-mlp": "your own MLP", "custom-cnn": "your own CNN"}
PREVIEW = 8  # digits

SCALING_WORDS = {
    "unit-range": "pixels from 0 to 1",
    "unit-length": "each column to length 1",
    "standard": "mean 0, spread 1",
}
SCHEDULE_WORDS = {
    "constant": "constant",
    "one-cycle": "one cycle: up, then down in a straight line",
    "cosine": "up, then down along a cosine",
    "exponential": "down to a hundredth, by the same factor each step",
}
AMOUNTS = {
    "shift": ("Shift, pixels", 0.5),
    "turn": ("Turn, degrees", 1.0),
    "zoom": ("Zoom, share of the size", 0.01),
    "shear": ("Shear, pixels a pixel of height", 0.01),
    "thickness": ("Stroke thickness, pixels", 0.1),
    "elastic": ("Elastic, pixels", 0.1),
}


def choose_recipe() -> Recipe:
    """Draw the recipe's choosers and return the recipe.

    Raises:
        RecipeError: If what was entered cannot work.
    """
    names = [*PRESETS, *CUSTOM]
    if st.session_state.get("recipe") not in names:
        st.session_state.recipe = names[0]
    # Set anew in each run: a click before the page is all there would otherwise leave the lowest value in the field.
    st.session_state.epochs = st.session_state.get("epochs", _base(st.session_state.recipe).epochs)
    left, right = st.columns([3, 1])
    name = left.selectbox("Recipe", names, key="recipe", format_func=lambda n: CUSTOM.get(n, n), on_change=_take_epochs)
    epochs = right.number_input(
        "Epochs", 1, 200, key="epochs", help="How often the net sees all training digits, 1 to 200."
    )
    base = _base(name)
    if name in PRESETS:
        preset = PRESETS[name]
        published = f" Published: {preset.published}." if preset.published else ""
        st.markdown(f"**{preset.title}**.{published} {preset.lesson}")
        st.caption(f"{preset.source} {_strokes_in_words()}" if base.strokes else preset.source)
        with st.expander("Seed"):
            seed = _whole("Seed", base.seed, 0, 2**31 - 1, "Decides the validation digits, first weights and order.")
        return base.replace(epochs=epochs, seed=seed)
    return _custom(base, epochs)


def _strokes_in_words() -> str:
    if glyph_bank.at_hand():
        return "The pen strokes are at hand and are trained on beside MNIST's digits."
    return "The pen strokes are not at hand here: it trains on MNIST alone. `python -m digitrec strokes` says more."


def _base(name: str) -> Recipe:
    if name in PRESETS:
        return PRESETS[name].recipe
    if name == "custom-mlp":
        return Recipe(name, hidden=(256, 128), batch_size=128, epochs=5)
    return Recipe(name, kind="cnn", blocks=(ConvBlock(16), ConvBlock(32)), hidden=(64,), batch_size=128, epochs=3)


def _take_epochs() -> None:
    st.session_state.epochs = _base(st.session_state.recipe).epochs


def _custom(base: Recipe, epochs: int) -> Recipe:
    network, training, distortion = st.tabs(["Network", "Training", "Augmentation"])
    with network:
        blocks = _blocks() if base.kind == "cnn" else ()
        mean_maps = base.kind == "cnn" and st.checkbox(
            "Mean of each map", help="The dense layers see one number a map instead of all its pixels: few weights."
        )
        label = "Widths of the hidden layers" if base.kind == "mlp" else "Widths of the dense layers"
        hidden = widths(st.text_input(label, ", ".join(map(str, base.hidden)), help="Whole numbers, such as 256, 128"))
        hidden_norm = st.checkbox(
            "Batch norm of these layers", help="Brings each unit's values to mean 0 and spread 1: it learns sooner."
        )
        activation = st.selectbox("Activation", ACTIVATIONS)
        dropout = st.slider("Dropout, share of each hidden layer", 0.0, 0.9, 0.0, 0.05)
        scaling = st.selectbox("Scaling", SCALINGS, format_func=SCALING_WORDS.__getitem__)
        momentum = st.slider(
            "Momentum of batch norm", 0.5, 0.999, 0.99, 0.001, "%.3f", help="Less, such as 0.9, for short trainings."
        )
    with training:
        optimizer = st.selectbox("Optimiser", OPTIMIZERS)
        learning_rate = float(
            st.number_input("Learning rate", 1e-7, 10.0, base.learning_rate, format="%g", key="learning_rate")
        )
        rates = st.selectbox("Schedule of the learning rate", SCHEDULES, format_func=SCHEDULE_WORDS.__getitem__)
        rate = st.container()  # drawn when all of the recipe is known
        teacher = st.selectbox(
            "Teacher",
            ["", *(model.name for model in registry.models())],
            format_func=lambda name: name or "none: learn from the labels",
            help="A trained model. What it says of each digit takes the place of the label: an MLP learns from a CNN "
            "how much this 4 is like a 9. Each epoch takes longer.",
        )
        smoothing = st.slider("Label smoothing, share of certainty given away", 0.0, 0.5, 0.0, 0.01)
        batch_size = _whole("Batch size, digits", base.batch_size, 1, 4096)
        share = st.slider("Validation, share of the 60,000 training digits", 0.01, 0.5, round(base.validation, 2), 0.01)
        patience = _whole("Early stopping after epochs without a better validation loss", 0, 0, 200, "0 trains all.")
        seed = _whole("Seed", base.seed, 0, 2**31 - 1, "Decides the validation digits, first weights and order.")
    with distortion:
        augmentation = _augmentation()
    recipe = base.replace(
        blocks=blocks,
        mean_maps=mean_maps,
        hidden=hidden,
        hidden_norm=hidden_norm,
        norm_momentum=momentum,
        activation=activation,
        dropout=dropout,
        scaling=scaling,
        optimizer=optimizer,
        learning_rate=learning_rate,
        schedule=rates,
        label_smoothing=smoothing,
        teacher=teacher,
        batch_size=batch_size,
        validation=share,
        patience=patience,
        seed=seed,
        augmentation=augmentation,
        epochs=epochs,
    )
    with rate:
        _schedule(recipe)
    return recipe


def _schedule(recipe: Recipe) -> None:
    """Draw the learning rate over the training that the recipe asks for."""
    steps = recipe.epochs * recipe.steps_per_epoch
    colour = theme.model_colour(recipe.name, recipe.kind)
    drawn = schedule.schedule(training_schedule.learning_rates(recipe, steps), recipe.epochs, colour)
    charts.figure(drawn, "schedule", training_schedule.describe(recipe, steps))


def _whole(label: str, value: int, low: int, high: int, tip: str | None = None) -> int:
    return int(st.number_input(label, low, high, value, step=1, help=tip))


def widths(text: str) -> tuple[int, ...]:
    """Return the whole numbers in `256, 128`.

    Raises:
        RecipeError: If it holds anything else.
    """
    try:
        return tuple(int(part) for part in text.replace(",", " ").split())
    except ValueError as error:
        raise RecipeError(
            f"Widths are whole numbers with commas between them, such as 256, 128. Received: {text[:60]!r}"
        ) from error


def _blocks() -> tuple[ConvBlock, ...]:
    count = _whole("Convolution blocks", 2, 1, 8)
    blocks = []
    for number in range(1, count + 1):
        with st.container(border=True):
            st.markdown(f"Block {number}")
            one, two, three, four = st.columns(4)
            five, six, seven = st.columns([2, 1, 1], vertical_alignment="bottom")
            blocks.append(
                ConvBlock(
                    one.number_input("Filters", 1, 512, 16 * 2 ** min(number - 1, 3), key=f"filters_{number}"),
                    two.number_input("Kernel, px", 1, 11, 3, key=f"kernel_{number}"),
                    four.number_input("Pooling, px", 1, 7, 2 if number < 4 else 1, key=f"pool_{number}"),
                    six.checkbox("Batch norm", key=f"norm_{number}"),
                    five.selectbox("Padding", PADDINGS, key=f"padding_{number}"),
                    three.number_input("Stride, px", 1, 4, 1, key=f"stride_{number}"),
                    seven.checkbox("Bias", True, key=f"bias_{number}"),
                )
            )
    return tuple(blocks)


def _augmentation() -> Augmentation:
    amounts = {}
    for field in fields(Augmentation):
        label, step = AMOUNTS[field.name]
        amounts[field.name] = st.slider(label, 0.0, AUGMENTATION_LIMITS[field.name], 0.0, step, key=field.name)
    augmentation = Augmentation(**amounts)
    digits = warp.distort(_preview_digits(), augmentation, np.random.default_rng(1))
    st.image(thumbnails.montage(digits), "Eight training digits, as the net would see them")
    return augmentation


@st.cache_data
def _preview_digits() -> NDArray[np.float32]:
    return mnist.glyphs(mnist.training()[0][:PREVIEW].copy())


def network_picture(recipe: Recipe) -> None:
    """Draw the layers with shapes and parameters, as a picture and as a table."""
    layers = recipe.layers()
    strokes = recipe.strokes and glyph_bank.at_hand()
    steps = "and the pen strokes" if strokes else f"{recipe.steps_per_epoch:,} steps an epoch"
    st.markdown(
        f"**{recipe.parameters:,} parameters**, {DIGITS - recipe.validation_digits:,} digits to train on, "
        f"{recipe.validation_digits:,} to validate, {steps}."
    )
    colour = theme.model_colour(recipe.name, recipe.kind)
    charts.figure(network_diagram.network_diagram(layers, colour), "network", _layers_in_words(layers))


def _layers_in_words(layers: list[LayerInfo]) -> str:
    shown = (f"{x.name}: {x.kind}, {' x '.join(map(str, x.shape))}, {x.parameters:,} parameters" for x in layers)
    return "The layers, first to last. " + "; ".join(shown) + "."
