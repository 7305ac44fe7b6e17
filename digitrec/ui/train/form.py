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
from digitrec.jobs import catalogue
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
from digitrec.ui import charts, common

CUSTOM = {"custom-mlp": "mlp", "custom-cnn": "cnn"}
"""The kinds of the recipes that a visitor designs."""

PREVIEW = 8  # digits
SEED_HELP = "Determines the validation digits, the initial weights and the order of the digits."

SCALING_WORDS = {
    "unit-range": "pixels from 0 to 1",
    "unit-length": "each column scaled to length 1",
    "standard": "mean 0, standard deviation 1",
}
SCHEDULE_WORDS = {
    "constant": "constant",
    "one-cycle": "one cycle: linearly up, then down",
    "cosine": "warm-up, then down along a cosine",
    "exponential": "exponential decay to a hundredth",
}
AMOUNTS = {
    "shift": ("Shift, pixels", 0.5),
    "turn": ("Rotation, degrees", 1.0),
    "zoom": ("Zoom, fraction of the size", 0.01),
    "shear": ("Shear, pixels per pixel of height", 0.01),
    "thickness": ("Stroke thickness, pixels", 0.1),
    "elastic": ("Elastic distortion, pixels", 0.1),
}


def choose_recipe() -> Recipe:
    """Draw the recipe's choosers and return the recipe.

    Raises:
        RecipeError: If what was entered cannot work.
    """
    names = [*PRESETS, *CUSTOM]
    if st.session_state.get("recipe") not in names:
        st.session_state.recipe = names[0]
    # Set in each run: a click before the page is complete would otherwise leave the lowest value in the field.
    st.session_state.epochs = st.session_state.get("epochs", _base(st.session_state.recipe).epochs)
    left, right = st.columns([3, 1])
    name = left.selectbox("Recipe", names, key="recipe", format_func=_label, on_change=_take_epochs)
    epochs = right.number_input("Epochs", 1, 200, key="epochs", help="Passes over the training digits, 1 to 200.")
    base = _base(name)
    if name in PRESETS:
        preset = PRESETS[name]
        published = f" Published: {preset.published}." if preset.published else ""
        st.markdown(f"**{preset.title}**.{published} {preset.lesson}")
        source = preset.source if preset.source.startswith("Ours") else f"Source: {preset.source}"
        st.caption(f"{source} {_strokes_in_words()}" if base.strokes else source)
        with st.expander("Seed"):
            seed = _whole("Seed", base.seed, 0, 2**31 - 1, SEED_HELP)
        return base.replace(epochs=epochs, seed=seed)
    return _custom(base, epochs)


def _label(name: str) -> str:
    if name in CUSTOM:
        return common.model_label("your own", CUSTOM[name])
    return common.model_label(name, PRESETS[name].recipe.kind)


def _strokes_in_words() -> str:
    if glyph_bank.available():
        return "The pen strokes are available and used in training."
    return "The pen strokes are not available here, so it trains on MNIST alone; see `python -m digitrec strokes`."


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
            "Global average pooling", help="The dense layers get the mean of each map instead of all its pixels."
        )
        label = "Widths of the hidden layers" if base.kind == "mlp" else "Widths of the dense layers"
        hidden = widths(st.text_input(label, ", ".join(map(str, base.hidden)), help="Whole numbers, such as 256, 128."))
        hidden_norm = st.checkbox(
            "Batch normalization of these layers",
            help="Scales each unit's values to mean 0 and standard deviation 1, which speeds up training.",
        )
        activation = st.selectbox("Activation", ACTIVATIONS)
        dropout = st.slider("Dropout, fraction of each hidden layer", 0.0, 0.9, 0.0, 0.05)
        scaling = st.selectbox("Scaling", SCALINGS, format_func=SCALING_WORDS.__getitem__)
        momentum = st.slider(
            "Momentum of batch normalization",
            0.5,
            0.999,
            0.99,
            0.001,
            "%.3f",
            help="Lower, such as 0.9, for short trainings.",
        )
    with training:
        optimizer = st.selectbox("Optimiser", OPTIMIZERS)
        learning_rate = float(
            st.number_input("Learning rate", 1e-7, 10.0, base.learning_rate, format="%g", key="learning_rate")
        )
        rates = st.selectbox("Schedule of the learning rate", SCHEDULES, format_func=SCHEDULE_WORDS.__getitem__)
        rate = st.container()  # drawn once the recipe is complete
        labels = common.model_labels()
        teacher = st.selectbox(
            "Distill from",
            catalogue.choices("distill from"),
            format_func=lambda name: labels.get(name, "none: learn from the labels"),
            help="A trained model whose predictions replace the labels (distillation): an MLP learns from a CNN how "
            "much this 4 looks like a 9. Each epoch takes longer.",
        )
        smoothing = st.slider("Label smoothing", 0.0, 0.5, 0.0, 0.01)
        batch_size = _whole("Batch size, digits", base.batch_size, 1, 4096)
        held_out = st.slider(
            "Validation, fraction of the 60,000 training digits", 0.01, 0.5, round(base.validation, 2), 0.01
        )
        patience = _whole(
            "Patience, epochs",
            0,
            0,
            200,
            "Stops after this many epochs without a lower validation loss; 0 disables it.",
        )
        seed = _whole("Seed", base.seed, 0, 2**31 - 1, SEED_HELP)
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
        validation=held_out,
        patience=patience,
        seed=seed,
        augmentation=augmentation,
        epochs=epochs,
    )
    with rate:
        _schedule(recipe)
    return recipe


def _schedule(recipe: Recipe) -> None:
    """Draw the learning rate over the recipe's training."""
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
            f"Widths are whole numbers separated by commas, such as 256, 128. Received: {text[:60]!r}"
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
                    six.checkbox("Batch norm.", key=f"norm_{number}"),
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
    st.image(thumbnails.montage(digits), "Eight training digits with this augmentation")
    return augmentation


@st.cache_data
def _preview_digits() -> NDArray[np.float32]:
    return mnist.glyphs(mnist.training()[0][:PREVIEW].copy())


def network_picture(recipe: Recipe) -> None:
    """Draw the layers with shapes and parameters, as a picture and as a table."""
    layers = recipe.layers()
    strokes = recipe.strokes and glyph_bank.available()
    steps = "plus the pen strokes" if strokes else f"{recipe.steps_per_epoch:,} steps per epoch"
    st.markdown(
        f"**{recipe.parameters:,} parameters**, {DIGITS - recipe.validation_digits:,} training and "
        f"{recipe.validation_digits:,} validation digits, {steps}."
    )
    colour = theme.model_colour(recipe.name, recipe.kind)
    charts.figure(network_diagram.network_diagram(layers, colour), "network", _layers_in_words(layers))


def _layers_in_words(layers: list[LayerInfo]) -> str:
    shown = (f"{x.name}: {x.kind}, {' x '.join(map(str, x.shape))}, {x.parameters:,} parameters" for x in layers)
    return "The layers from input to output. " + "; ".join(shown) + "."
