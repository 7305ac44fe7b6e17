"""A net while it learns, on the Train page: a few digits read again and again, and the replay afterwards."""

import html
import itertools
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from digitrec.errors import RunError
from digitrec.figures import confusion, theme
from digitrec.imaging import thumbnails
from digitrec.jobs.runs import Run
from digitrec.training import probes
from digitrec.training.probes import Looks
from digitrec.ui import charts, common

CELLS = 40  # of a strip at most; neighbours share one
TILES = {"mlp": (8, 44), "cnn": (8, 44)}  # columns, and pixels of a side

STYLE = """<style>
.watched {display: grid; grid-template-columns: repeat(auto-fill, minmax(8.1rem, 1fr)); gap: .5rem}
.watched figure {margin: 0; padding: .4rem; border: 1px solid rgba(128, 128, 128, .4); border-radius: .25rem;
  display: grid; grid-template-columns: 2.6rem 1fr; gap: .2rem .4rem}
.watched figure.own {border: 2px solid currentColor}
.watched img {width: 2.6rem; height: 2.6rem; image-rendering: pixelated; border: 1px solid rgba(128, 128, 128, .5)}
.watched .shares {display: flex; gap: 1px; height: 2.6rem}
.watched .shares span {flex: 1; display: flex; flex-direction: column; justify-content: flex-end; font-size: .6rem;
  line-height: 1.1; text-align: center}
.watched .shares i {display: block; min-height: 1px; background: rgba(128, 128, 128, .75)}
.watched figcaption {grid-column: 1 / 3; font-size: .8rem; line-height: 1.25}
.watched .course {grid-column: 1 / 3; display: flex; height: .5rem; background: rgba(128, 128, 128, .2)}
.watched .course b {flex: 1}
.st-key-watched [data-stale="true"], .st-key-replayed [data-stale="true"] {opacity: 1}
</style>"""


class Card(NamedTuple):
    """A digit that is watched.

    Attributes:
        glyph: float32 (28, 28).
        truth: What it is; None for a visitor's own.
        epochs: (L,), when it was read.
        shares: (L, 10), what the net said.
    """

    glyph: NDArray[np.float32]
    truth: int | None
    epochs: NDArray[np.float32]
    shares: NDArray[np.float32]


def live(run: Run, training: bool) -> None:
    """Draw the digits as the net under way reads them now.

    Args:
        run: The run.
        training: Whether it will look at a digit again, so that the visitor's own can be given to it.
    """
    with st.container(key="watched"), common.shown_errors(stop=False):
        st.markdown("**Watch it learn**: your digit and ten hard test digits, read again and again")
        glyph = _last()
        if glyph is not None and training:
            probes.give(run.folder, _visitor(), glyph)
        looks = probes.read(run.folder, run.recipe)
        cards = _cards(run, looks)
        st.html(STYLE + _html(cards, theme.model_colour(run.recipe.name, run.recipe.kind)))
        said = f"After {_epochs(looks['epoch'][-1])}. " if len(looks) else ""
        hint = "" if glyph is not None else " Draw a digit on the Draw page first, and it is read here as well."
        st.caption(f"{said}{LEGEND}{hint}")


LEGEND = (
    "Bars: the share, 0 to 100 %, that the net gives each digit. Strip: the share of the true digit, look by look; "
    "for yours, of what it was last read as."
)


def replay(run: Run) -> None:
    """Draw a slider over the epochs of a run that is over, and what the net said and was at each."""
    try:
        looks = probes.read(run.folder, run.recipe)
    except RunError as error:
        st.caption(str(error))
        return
    if len(looks) > 1:
        st.subheader("How it learned")
        st.fragment(_replay)(run, looks)


def _replay(run: Run, looks: Looks) -> None:
    if st.session_state.get("look") not in range(len(looks)):
        st.session_state.look = len(looks) - 1
    label = "Epochs of training. Most is learnt in the first one, so it has looks of its own."
    at = st.select_slider(
        label, range(len(looks)), key="look", format_func=lambda place: _number(looks["epoch"][place])
    )
    colour = theme.model_colour(run.recipe.name, run.recipe.kind)
    with st.container(key="replayed"), common.shown_errors(stop=False):
        st.html(STYLE + _html(_cards(run, looks), colour, float(looks["epoch"][at])))
        st.caption(f"{LEGEND} The look chosen is framed.")
    left, right = st.columns(2, gap="large")
    with left:
        counts = looks["confusion"][at].astype(np.int64)
        right_ones = np.trace(counts) / max(1, counts.sum())
        st.markdown(f"**What it takes for what**: {100 * right_ones:.1f} % of {counts.sum():,} validation digits right")
        drawn, said = confusion.confusion_matrix(counts), confusion.describe_confusion(counts)
        charts.live_figure(f"{run.id} {at}", drawn, said, "look_confusion")
    with right:
        _weights(run, looks, at)


def _weights(run: Run, looks: Looks, at: int) -> None:
    """Draw the first layer's weights, the strongest in the end first; a unit's colours mean the same at all looks."""
    last, now = probes.weights(looks[-1]), probes.weights(looks[at])
    order = np.argsort(-np.square(last).sum(axis=(1, 2)), kind="stable")
    most = [max(float(np.quantile(np.abs(last[unit]), 0.99)), 1e-6) for unit in order]
    colours = np.stack([thumbnails.signed(now[unit], limit) for unit, limit in zip(order, most, strict=True)])
    mlp = run.recipe.kind == "mlp"
    of = run.recipe.hidden[0] if mlp else run.recipe.blocks[0].filters
    what = f"{len(now)} of the {of:,} {'units' if mlp else 'kernels'} of the first layer"
    st.markdown(
        f"**{what[0].upper()}{what[1:]}**: :orange[**orange**] wants ink there, :blue[**blue**] wants paper. "
        + ("They begin as noise, and bits of strokes grow out of it." if mlp else "They begin as noise.")
    )
    columns, side = TILES[run.recipe.kind]
    tiles = thumbnails.png_uri(thumbnails.tiles(colours, columns=columns, side=side))
    alt = f"Weights of {what} after {_epochs(looks['epoch'][at])}"
    st.html(f'<img src="{tiles}" alt="{html.escape(alt)}" style="max-width: 100%">')


def _cards(run: Run, looks: Looks) -> list[Card]:
    """Return the digits watched, the visitor's own first."""
    glyphs, truth = _digits()
    cards = []
    glyph = _last()
    if glyph is not None:
        own = probes.own(run.folder, _visitor(), glyph)
        if run.active or len(own):
            cards.append(Card(glyph, None, own["epoch"], own["shares"].astype(np.float32)))
    for place, digit in enumerate(truth):
        cards.append(Card(glyphs[place], int(digit), looks["epoch"], looks["shares"][:, place].astype(np.float32)))
    return cards


@st.cache_resource
def _digits() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    return probes.digits()


def _last() -> NDArray[np.float32] | None:
    """Return the digit that the visitor drew or uploaded last."""
    glyph = st.session_state.get("last_glyph")
    return glyph if isinstance(glyph, np.ndarray) and glyph.shape == (28, 28) and glyph.any() else None


def _visitor() -> str:
    """Return a secret of this session. It is in no address, so a link never shows a drawing to others."""
    return str(st.session_state.setdefault("visitor", secrets.token_hex(16)))


def _html(cards: Sequence[Card], colour: str, epoch: float | None = None) -> str:
    """Return the cards as HTML as they were after an epoch, or at the last look."""
    return f'<div class="watched">{"".join(_card(card, colour, epoch) for card in cards)}</div>'


def _card(card: Card, colour: str, epoch: float | None) -> str:
    place = _place(card, epoch)
    shares = np.zeros(10, np.float32) if place is None else card.shares[place]
    answer = None if place is None else int(shares.argmax())
    end = int(card.shares[-1].argmax()) if len(card.shares) else 0
    followed = card.truth if card.truth is not None else end
    name = "yours" if card.truth is None else f"a {card.truth}"
    said = "not read yet" if answer is None else f"<b>{answer}</b>, {_percent(shares[answer])}"
    mark = "" if answer is None or card.truth is None else " ✓" if answer == card.truth else " ✗"
    bars = "".join(
        f'<span title="{digit}: {_percent(share)}"><i style="height:{70 * float(share):.0f}%'
        f'{f";background:{colour}" if digit == followed else ""}"></i>{digit}</span>'
        for digit, share in enumerate(shares)
    )
    course = _course(card, followed, colour, -1 if place is None or epoch is None else place)
    twin = f"{name}: {said.replace('<b>', 'read as ').replace('</b>', '')}"
    return (
        f'<figure{" class=own" if card.truth is None else ""} role="img" aria-label="{html.escape(twin)}">'
        f'<img src="{charts.data_uri(card.glyph)}" alt=""><div class="shares">{bars}</div>'
        f"<figcaption>{name}: {said}{mark}</figcaption>{course}</figure>"
    )


def _place(card: Card, epoch: float | None) -> int | None:
    """Return the card's last look up to an epoch; a visitor's own digit may have been given in the middle."""
    count = len(card.epochs) if epoch is None else int((card.epochs <= epoch).sum())
    return count - 1 if count else None


def _course(card: Card, digit: int, colour: str, place: int = -1) -> str:
    """Return a strip of the digit's share from the first look to the last, one of them framed."""
    starts = np.unique(np.linspace(0, len(card.shares), min(CELLS, len(card.shares)) + 1).astype(int))
    cells = []
    for first, after in itertools.pairwise(starts):
        share = float(card.shares[first:after, digit].mean())
        here = first <= place < after
        looks = f"background:{_faded(colour, share)}{';outline:2px solid currentColor' if here else ''}"
        cells.append(f'<b title="after {_epochs(card.epochs[after - 1])}: {_percent(share)}" style="{looks}"></b>')
    return f'<div class="course">{"".join(cells)}</div>'


def _faded(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:.2f})"


def _percent(share: Any) -> str:
    return f"{100 * float(share):.0f} %"


def _number(epoch: Any) -> str:
    return f"{float(epoch):.2f}".rstrip("0").rstrip(".")


def _epochs(epoch: Any) -> str:
    return f"{_number(epoch)} epoch{'' if float(epoch) == 1 else 's'}"
