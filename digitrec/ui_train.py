"""The Train page's parts: the recipe form, the run under way, and what came of it."""

from dataclasses import fields
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from digitrec import (
    bank,
    dataset,
    distort,
    evaluate,
    figures,
    figures_rate,
    limits,
    log,
    pictures,
    registry,
    runs,
    schedule,
    ui,
    ui_downloads,
    ui_watch,
)
from digitrec.errors import RecipeError
from digitrec.recipe import (
    ACTIVATIONS,
    AUGMENTATION_LIMITS,
    DIGITS,
    OPTIMIZERS,
    PADDINGS,
    PRESETS,
    SCALINGS,
    SCHEDULES,
    Augmentation,
    ConvBlock,
    LayerInfo,
    Recipe,
)
from digitrec.runs import Run

CUSTOM = {"custom-mlp": "your own MLP", "custom-cnn": "your own CNN"}
PREVIEW = 8  # digits
SOON, LATER = 0.25, 1.0  # seconds between two looks at a run: until its first point, and from then on

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
    if bank.at_hand():
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
    colour = figures.model_colour(recipe.name, recipe.kind)
    drawn = figures_rate.schedule(schedule.learning_rates(recipe, steps), recipe.epochs, colour)
    ui.figure(drawn, "schedule", schedule.describe(recipe, steps))


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
    digits = distort.distort(_preview_digits(), augmentation, np.random.default_rng(1))
    st.image(pictures.montage(digits), "Eight training digits, as the net would see them")
    return augmentation


@st.cache_data
def _preview_digits() -> NDArray[np.float32]:
    return dataset.glyphs(dataset.training()[0][:PREVIEW].copy())


def network_picture(recipe: Recipe) -> None:
    """Draw the layers with shapes and parameters, as a picture and as a table."""
    layers = recipe.layers()
    strokes = recipe.strokes and bank.at_hand()
    steps = "and the pen strokes" if strokes else f"{recipe.steps_per_epoch:,} steps an epoch"
    st.markdown(
        f"**{recipe.parameters:,} parameters**, {DIGITS - recipe.validation_digits:,} digits to train on, "
        f"{recipe.validation_digits:,} to validate, {steps}."
    )
    colour = figures.model_colour(recipe.name, recipe.kind)
    ui.figure(figures.network_diagram(layers, colour), "network", _layers_in_words(layers))


def _layers_in_words(layers: list[LayerInfo]) -> str:
    shown = (f"{x.name}: {x.kind}, {' x '.join(map(str, x.shape))}, {x.parameters:,} parameters" for x in layers)
    return "The layers, first to last. " + "; ".join(shown) + "."


def start(recipe: Recipe) -> str:
    """Start a run within what the server allows and return its id.

    Raises:
        RecipeError: If the recipe asks for more than that.
        RunError: If this visitor has too many runs under way, or the run cannot be written.
    """
    mine = st.session_state.setdefault("my_runs", [])
    limits.check(recipe)
    limits.check_queue(mine)
    limits.clear_runs()
    started = runs.start(recipe).id
    st.session_state.my_runs = [*mine, started]
    log_start(recipe)
    return started


def log_start(recipe: Recipe) -> None:
    """Log that a run was started."""
    log.event("run", kind=recipe.kind, parameters=recipe.parameters, epochs=recipe.epochs)


def choose_run() -> Run | None:
    """Draw the chooser of runs, newest first, and return the one chosen; None while there is none."""
    found = runs.runs()
    if not found:
        return None
    ids = [run.id for run in found]
    wanted = st.session_state.get("run") or st.query_params.get("run")
    st.session_state.run = wanted if wanted in ids else ids[0]
    states = {run.id: run.state for run in found}
    chosen = st.selectbox("Run", ids, key="run", format_func=lambda run_id: f"{run_id} ({states[run_id]})")
    st.query_params["run"] = chosen
    return found[ids.index(chosen)]


def watch(run_id: str) -> None:
    """Draw a run's state, progress, buttons and curves; again and again while it is under way."""
    run = runs.get(run_id)
    soon = run.state == "starting" or (run.state == "running" and not runs.curves(run).batch_epoch)
    every = (SOON if soon else LATER) if run.active else None
    st.fragment(_watch, run_every=every)(run_id, every)


def _watch(run_id: str, every: float | None) -> None:
    run = runs.get(run_id)
    if every and not run.active:
        st.rerun()
    progress, points = runs.look(run)
    with st.container(key="run_status"):
        st.markdown(status_sentence(run, progress))
    st.progress(progress.share)
    with st.container(horizontal=True), ui.shown_errors(stop=False):
        asked = run.state == "stopping" and not run.message
        if run.active and st.button("Stop", key="stop", icon=":material/stop:", disabled=asked):
            runs.stop(run)
            st.rerun(scope="fragment")
        if run.resumable and st.button("Resume", key="resume", icon=":material/play_arrow:"):
            runs.resume(run)
            st.rerun()
        if not run.active and st.button("Delete this run", key="delete", icon=":material/delete:"):
            runs.delete(run)
            st.session_state.pop("run", None)
            st.query_params.pop("run", None)
            st.rerun()
    if run.active:
        left, right = st.columns([3, 2], gap="medium")
        with right:  # first, for the curves take longer
            ui_watch.live(run, training=not progress.testing)
        with left:
            _curves(run, points)
    else:
        _curves(run, points)
    if every == SOON and points.batch_epoch:
        st.rerun()  # from now on at leisure


def _curves(run: Run, points: runs.Curves) -> None:
    curves = {run.recipe.name: points}
    colours = {run.recipe.name: figures.model_colour(run.recipe.name, run.recipe.kind)}
    version = f"{run.id} {len(points.batch_epoch)} {len(points.epoch)}"
    ui.live_figure(version, figures.learning_curves(curves, colours), figures.describe_curves(curves))
    st.caption(
        "Loss: how far the probabilities are from the truth, lower is better. Accuracy: the share read right. "
        "Where training improves and validation does not, the net learns its digits by heart."
    )


def status_sentence(run: Run, progress: runs.Progress) -> str:
    """Return the state, first, and what there is to say about it."""
    said = _said(run, progress)
    return f"{said}. {ui.plain(run.message)}" if run.active and run.message else said


def _said(run: Run, progress: runs.Progress) -> str:
    if run.state == "queued" and not run.place:
        return "queued: it waits for a free worker of the cluster"
    if run.state == "queued":
        return f"queued: {run.place} run{'s' if run.place > 1 else ''} before it"
    if run.state == "starting":
        return "starting: TensorFlow is being loaded, which takes some seconds"
    if run.state == "stopping":
        return "stopping: what was learned is being saved and tested"
    if run.state in ("failed", "interrupted"):
        return f"{run.state}: {ui.plain(run.message)}"
    done = f"epoch {progress.epochs:.2f} of {progress.of}, {_duration(progress.seconds)}"
    if progress.of_seconds:
        spent = progress.share * progress.of_seconds
        done = f"epoch {progress.epochs:.2f}, {spent:.0f} of {progress.of_seconds:.0f} s"
    if run.state != "running":
        return f"{run.state}: {done}"
    if progress.testing:
        return f"running: {done}; now the 10,000 test digits are read"
    left = f", {_duration(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    rate = f", {progress.digits_per_second:,.0f} digits a second" if progress.digits_per_second else ""
    return f"running: {done}{left}{rate}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def results(run: Run, card: dict[str, Any]) -> None:
    """Draw what a trained run reached: accuracy, confusion, mistakes; name it, download it."""
    low, high = card["interval"]
    st.subheader("What it reached")
    one, two, three = st.columns(3)
    one.metric("Accuracy on the 10,000 test digits", f"{100 * card['accuracy']:.2f} %", border=True)
    two.metric("95 % interval", f"{100 * low:.1f} to {100 * high:.1f} %", border=True)
    three.metric("Read wrong", f"{card['errors']:,} digits", border=True)
    st.caption("Another 10,000 digits of the same kind would most likely give an accuracy within this interval.")
    _keep(run)
    probabilities = registry.test_probabilities(run.folder)
    confusion(np.array(card["confusion"]), probabilities)
    st.subheader("Its most confident mistakes")
    digits, truth = ui.test_digits()
    wrong = evaluate.mistakes(probabilities, truth, 16)
    if len(wrong):
        st.image(pictures.montage(dataset.glyphs(digits[wrong]), _captions(wrong, probabilities)))
        st.caption("Each with its number in the test set, the true digit, and what was read instead.")
    st.subheader("Take it with you")
    ui_downloads.downloads(run.id, run.folder, run)


def _keep(run: Run) -> None:
    with st.form("keep", border=False), ui.shown_errors(stop=False):
        free = registry.free_name(f"my-{run.recipe.name}")
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        name = left.text_input("Name of the model", free, max_chars=40, key="model_name")
        if right.form_submit_button("Keep it", icon=":material/bookmark_add:", width="stretch", key="keep_model"):
            model = registry.add(name.strip(), run.folder)
            st.success(
                f"{ui.plain(model.name)} can now be chosen on Draw, Upload and Compare.", icon=":material/check:"
            )


def confusion(counts: NDArray[np.int64], probabilities: NDArray[np.float32]) -> None:
    """Draw the confusion matrix; the cell clicked, or chosen beside it, shows its digits."""
    st.subheader("What it takes for what")
    left, right = st.columns(2)
    worst = np.argmax(np.where(np.eye(10, dtype=bool), -1, counts))
    truth, answer = (int(v) for v in divmod(worst, 10))
    st.session_state.setdefault("cell_truth", truth)
    st.session_state.setdefault("cell_answer", answer)
    with left:
        cell = (st.session_state.cell_truth, st.session_state.cell_answer)
        drawn = figures.confusion_matrix(counts, cell)
        ui.figure(drawn, "confusion", figures.describe_confusion(counts), on_select=_take_cell)
    with right:
        one, two = st.columns(2)
        truth = one.selectbox("True digit", range(10), key="cell_truth")
        answer = two.selectbox("Read as", range(10), key="cell_answer")
        digits, labels = ui.test_digits()
        found = np.flatnonzero((labels == truth) & (probabilities.argmax(axis=1) == answer))
        st.markdown(f"{len(found):,} of the test digits are {truth} and were read as {answer}.")
        if len(found):
            order = found[np.argsort(-probabilities[found, answer])][:24]
            st.image(pictures.montage(dataset.glyphs(digits[order]), columns=6, side=56))


def _take_cell() -> None:
    cell = figures.clicked_cell(st.session_state.confusion.selection.points)
    if cell:
        st.session_state.cell_truth, st.session_state.cell_answer = cell


def _captions(chosen: NDArray[np.int64], probabilities: NDArray[np.float32]) -> list[str]:
    truth = ui.test_digits()[1]
    return [f"#{i}: {truth[i]} as {probabilities[i].argmax()}" for i in chosen]
