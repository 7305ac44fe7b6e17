"""A network during training, on the Train page: a few digits read again and again, and the replay afterwards."""

import html
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from digitrec import formats
from digitrec.errors import RunError
from digitrec.figures import confusion, theme
from digitrec.imaging import thumbnails
from digitrec.jobs.runs import Run
from digitrec.training import probes
from digitrec.training.probes import Snapshots
from digitrec.ui import available, charts, common

CELLS = 40  # of a strip at most; neighbouring readings share one
TILES = {"mlp": (8, 44), "cnn": (8, 44)}  # columns, and pixels of a side

STYLE = """<style>
.watched {display: grid; grid-template-columns: repeat(auto-fill, minmax(8.1rem, 1fr)); gap: .5rem}
.watched figure {margin: 0; padding: .4rem; border: 1px solid rgba(128, 128, 128, .4); border-radius: .25rem;
  display: grid; grid-template-columns: 2.6rem 1fr; gap: .2rem .4rem}
.watched figure.own {border: 2px solid currentColor}
.watched img {width: 2.6rem; height: 2.6rem; image-rendering: pixelated; border: 1px solid rgba(128, 128, 128, .5)}
.watched .bars {display: flex; gap: 1px; height: 2.6rem}
.watched .bars span {flex: 1; display: flex; flex-direction: column; justify-content: flex-end; font-size: .6rem;
  line-height: 1.1; text-align: center}
.watched .bars i {display: block; min-height: 1px; background: rgba(128, 128, 128, .75)}
.watched figcaption {grid-column: 1 / 3; font-size: .8rem; line-height: 1.25}
.watched .course {grid-column: 1 / 3; display: flex; height: .5rem; background: rgba(128, 128, 128, .2)}
.watched .course b {flex: 1}
.st-key-watched [data-stale="true"], .st-key-replayed [data-stale="true"] {opacity: 1}
</style>"""


class Card(NamedTuple):
    """A digit that is read again and again.

    Attributes:
        glyph: float32 (28, 28).
        truth: Its label; None for a visitor's own.
        epochs: (L,), when it was read.
        probabilities: (L, 10), the network's predictions.
    """

    glyph: NDArray[np.float32]
    truth: int | None
    epochs: NDArray[np.float32]
    probabilities: NDArray[np.float32]


def live(run: Run, training: bool) -> None:
    """Draw the digits as the network reads them now.

    Args:
        run: The run.
        training: Whether it will read the digits again, so that the visitor's own can be added.
    """
    with st.container(key="watched"), common.shown_errors(stop=False):
        st.markdown("**Watch it learn**: your digit and ten difficult test digits, read again and again")
        glyph = _last()
        if glyph is not None and training:
            probes.give(run.folder, available.key(), glyph)
        readings = probes.read(run.folder, run.recipe)
        cards = _cards(run, readings)
        st.html(STYLE + _html(cards, theme.model_colour(run.recipe.name, run.recipe.kind)))
        when = f"After {_epochs(readings['epoch'][-1])}. " if len(readings) else ""
        hint = "" if glyph is not None else " If you draw a digit on the Draw page first, it is included here."
        st.caption(f"{when}{LEGEND}{hint}")


LEGEND = (
    "Bars: the probability of each digit, 0 to 100 %. Strip: the probability of the label over the training; for "
    "your own digit, of its last prediction."
)


def replay(run: Run) -> None:
    """Draw a slider over the epochs of a run that has ended, with its predictions and weights at each."""
    try:
        readings = probes.read(run.folder, run.recipe)
    except RunError as error:
        st.caption(str(error))
        return
    if len(readings) > 1:
        st.header("How it learned")
        st.fragment(_replay)(run, readings)


def _replay(run: Run, readings: Snapshots) -> None:
    if st.session_state.get("look") not in range(len(readings)):
        st.session_state.look = len(readings) - 1
    label = "Epoch. The first epoch has several steps, as most is learned in it."
    at = st.select_slider(
        label,
        range(len(readings)),
        key="look",
        format_func=lambda place: formats.number(float(readings["epoch"][place])),
    )
    colour = theme.model_colour(run.recipe.name, run.recipe.kind)
    with st.container(key="replayed"), common.shown_errors(stop=False):
        st.html(STYLE + _html(_cards(run, readings), colour, float(readings["epoch"][at])))
        st.caption(f"{LEGEND} The frame marks the epoch chosen.")
    left, right = st.columns(2, gap="large")
    with left:
        counts = readings["confusion"][at].astype(np.int64)
        accuracy = formats.percentage(np.trace(counts) / max(1, counts.sum()))
        st.markdown(f"**Confusion matrix**: {accuracy} of {counts.sum():,} validation digits read correctly")
        drawn, twin = confusion.confusion_matrix(counts), confusion.describe_confusion(counts)
        charts.live_figure(f"{run.id} {at}", drawn, twin, "look_confusion")
    with right:
        _weights(run, readings, at)


def _weights(run: Run, readings: Snapshots, at: int) -> None:
    """Draw the first layer's weights, finally strongest first; a unit's colour scale is the same at all epochs."""
    last, now = probes.weights(readings[-1]), probes.weights(readings[at])
    order = np.argsort(-np.square(last).sum(axis=(1, 2)), kind="stable")
    most = [max(float(np.quantile(np.abs(last[unit]), 0.99)), 1e-6) for unit in order]
    colours = np.stack([thumbnails.signed(now[unit], limit) for unit, limit in zip(order, most, strict=True)])
    mlp = run.recipe.kind == "mlp"
    of = run.recipe.hidden[0] if mlp else run.recipe.blocks[0].filters
    what = f"{len(now)} of the {of:,} {'units' if mlp else 'kernels'} of the first layer"
    st.markdown(
        f"**{what[0].upper()}{what[1:]}**: :orange[**orange**] favours ink, :blue[**blue**] favours paper. "
        + ("They begin as noise and become pieces of strokes." if mlp else "They begin as noise.")
    )
    columns, side = TILES[run.recipe.kind]
    tiles = thumbnails.png_uri(thumbnails.tiles(colours, columns=columns, side=side))
    alt = f"Weights of {what} after {_epochs(readings['epoch'][at])}"
    st.html(f'<img src="{tiles}" alt="{html.escape(alt)}" style="max-width: 100%">')


def _cards(run: Run, readings: Snapshots) -> list[Card]:
    """Return the digits, the visitor's own first."""
    glyphs, truth = _digits()
    cards = []
    glyph = _last()
    if glyph is not None:
        own = probes.own(run.folder, available.key(), glyph)
        if run.active or len(own):
            cards.append(Card(glyph, None, own["epoch"], own["probabilities"].astype(np.float32)))
    for place, digit in enumerate(truth):
        probabilities = readings["probabilities"][:, place].astype(np.float32)
        cards.append(Card(glyphs[place], int(digit), readings["epoch"], probabilities))
    return cards


@st.cache_resource
def _digits() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    return probes.digits()


def _last() -> NDArray[np.float32] | None:
    """Return the digit that the visitor drew or uploaded last."""
    glyph = st.session_state.get("last_glyph")
    return glyph if isinstance(glyph, np.ndarray) and glyph.shape == (28, 28) and glyph.any() else None


def _html(cards: Sequence[Card], colour: str, epoch: float | None = None) -> str:
    """Return the cards as HTML after an epoch, or after the last reading."""
    return f'<div class="watched">{"".join(_card(card, colour, epoch) for card in cards)}</div>'


def _card(card: Card, colour: str, epoch: float | None) -> str:
    place = _place(card, epoch)
    probabilities = np.zeros(10, np.float32) if place is None else card.probabilities[place]
    answer = None if place is None else int(probabilities.argmax())
    end = int(card.probabilities[-1].argmax()) if len(card.probabilities) else 0
    followed = card.truth if card.truth is not None else end
    name = "yours" if card.truth is None else f"label {card.truth}"
    reading = "not read yet" if answer is None else f"<b>{answer}</b>, {_percent(probabilities[answer])}"
    mark = "" if answer is None or card.truth is None else " ✓" if answer == card.truth else " ✗"
    bars = "".join(
        f'<span title="{digit}: {_percent(value)}"><i style="height:{70 * float(value):.0f}%'
        f'{f";background:{colour}" if digit == followed else ""}"></i>{digit}</span>'
        for digit, value in enumerate(probabilities)
    )
    strip = _strip(card, followed, colour, -1 if place is None or epoch is None else place)
    twin = f"{name}: {'not read yet' if answer is None else f'read as {answer}, {_percent(probabilities[answer])}'}"
    return (
        f'<figure{" class=own" if card.truth is None else ""} role="img" aria-label="{twin}">'
        f'<img src="{charts.data_uri(card.glyph)}" alt=""><div class="bars">{bars}</div>'
        f"<figcaption>{name}: {reading}{mark}</figcaption>{strip}</figure>"
    )


def _place(card: Card, epoch: float | None) -> int | None:
    """Return the card's last reading up to an epoch; a visitor's own digit may have been added in the middle."""
    count = len(card.epochs) if epoch is None else int((card.epochs <= epoch).sum())
    return count - 1 if count else None


def _strip(card: Card, digit: int, colour: str, place: int = -1) -> str:
    """Return a strip of the digit's probability from the first reading to the last, one of them framed."""
    count = len(card.probabilities)
    starts = np.unique(np.linspace(0, count, min(CELLS, count) + 1).astype(int))
    cells = []
    for first, after in itertools.pairwise(starts):
        mean = float(card.probabilities[first:after, digit].mean())
        frame = ";outline:2px solid currentColor" if first <= place < after else ""
        style = f"background:{theme.faded(colour, round(mean, 2))}{frame}"
        cells.append(f'<b title="after {_epochs(card.epochs[after - 1])}: {_percent(mean)}" style="{style}"></b>')
    return f'<div class="course">{"".join(cells)}</div>'


def _percent(probability: float) -> str:
    return html.escape(formats.percentage(probability, 0))


def _epochs(epoch: np.floating) -> str:
    return formats.plural(float(epoch), "epoch")
