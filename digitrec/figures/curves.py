"""Learning curves, as figures and as sentences."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import plotly.graph_objects as go

from digitrec import formats
from digitrec.figures.theme import BARE_LAYOUT, GREY, SYMBOLS, TEXT, titled_axis

if TYPE_CHECKING:
    from digitrec.jobs.runs import Curves
    from digitrec.training.presets import PublishedCurve

BATCH_POINTS = 500
"""Points that a curve by batch is thinned out to."""


def learning_curves(
    curves: "Mapping[str, Curves]",
    colours: Mapping[str, str],
    by: Literal["epoch", "seconds"] = "epoch",
    published: "PublishedCurve | None" = None,
) -> go.Figure:
    """Draw the loss above the accuracy of one or several trainings.

    A thin line is the training by batch, full markers on a line are the training by epoch, hollow markers
    on a dashed line are the validation; each run has markers of its own. Points by batch are the means of
    neighbours, at most BATCH_POINTS per curve. Dotted grey lines are what the recipe's source published; they appear
    once an epoch is over, as they would squeeze the first one together.
    The axes leave out the steep start once an epoch is over; a double click shows all of it.

    Args:
        curves: The curves by name of the run.
        colours: `#RRGGBB` by name of the run.
        by: Whether the axis counts epochs or seconds of training; published curves are known by epoch only.
        published: The curve of the recipe's source, if it has one.
    """
    if by != "epoch" or not any(curve.epoch for curve in curves.values()):
        published = None
    traces: list[dict[str, Any]] = _published_traces(published) if published else []
    for number, (name, curve) in enumerate(curves.items()):
        run = name if len(curves) > 1 else ""
        symbol = SYMBOLS[number % len(SYMBOLS)]
        for loss in (True, False):
            traces += _curve_traces(curve, loss, run, colours[name], symbol, by)
    epochs = {
        **titled_axis("epoch" if by == "epoch" else "training, seconds"),
        "rangemode": "tozero",
        "showgrid": False,
    }
    layout = {
        **BARE_LAYOUT,
        "height": 520,
        "margin": {"l": 4, "r": 8, "t": 8, "b": 4},
        "uirevision": "curves",
        "legend": {
            "font": {"color": TEXT},
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "xanchor": "left",
        },
        "xaxis": {**epochs, "title": None, "matches": "x2", "showticklabels": False, "anchor": "y"},
        "xaxis2": {**epochs, "anchor": "y2"},
        "yaxis": {**titled_axis("loss (cross-entropy)"), "domain": [0.53, 1], **_loss_range(curves, published)},
        "yaxis2": {**titled_axis("accuracy, %"), "domain": [0, 0.47], **_accuracy_range(curves, published)},
    }
    return go.Figure(data=traces, layout=layout)


def _curve_traces(curve: "Curves", loss: bool, run: str, colour: str, symbol: str, by: str) -> list[dict[str, Any]]:
    """Return the three traces of one panel; `run` is empty if it is the only one."""
    by_batch = curve.batch_loss if loss else curve.batch_accuracy
    by_epoch, validation = (curve.loss, curve.val_loss) if loss else (curve.accuracy, curve.val_accuracy)
    prefix = f"{run}, " if run else ""
    axes = {"xaxis": "x", "yaxis": "y"} if loss else {"xaxis": "x2", "yaxis": "y2"}
    unit, factor = ("%{y:.4f}", 1) if loss else ("%{y:.2f} %", 100)
    when = "epoch %{x:.2f}" if by == "epoch" else "%{x:.1f} s"
    batches, ends = (curve.batch_epoch, curve.epoch) if by == "epoch" else (curve.batch_seconds, curve.seconds)

    def trace(name: str, x: Sequence[float], y: Sequence[float], **style: Any) -> dict[str, Any]:
        return {
            "type": "scatter",
            "name": prefix + name,
            "legendgroup": prefix + name,
            "showlegend": loss,
            "x": [round(float(value), 4) for value in x],
            "y": [float(f"{factor * value:.5g}") for value in y],
            "hovertemplate": f"{prefix}{name}<br>{when}: {unit}<extra></extra>",
            "line": {"color": colour, "width": 2},
            "mode": "lines+markers",
            **axes,
            **style,
        }

    thin: dict[str, Any] = {"mode": "lines", "opacity": 0.7, "line": {"color": colour, "width": 1}}
    if run and curve.epoch:  # a legend of three lines a run fills a phone
        thin |= {"showlegend": False, "legendgroup": prefix + "training by epoch"}
    full: dict[str, Any] = {"marker": {"symbol": symbol, "size": 8}}
    hollow: dict[str, Any] = {
        "line": {"color": colour, "width": 2, "dash": "dash"},
        "marker": {"symbol": f"{symbol}-open", "size": 10, "line": {"width": 2}},
    }
    return [
        trace("training by batch", *_thinned(batches, by_batch), **thin),
        trace("training by epoch", *_paired(ends, by_epoch), **full),
        trace("validation", *_paired(ends, validation), **hollow),
    ]


def _published_traces(published: "PublishedCurve") -> list[dict[str, Any]]:
    """Return the dotted lines of a source's figures: its training loss, and both its accuracies."""
    lines = (
        ("published, training", published.loss, "circle", "y", "%{y:.4f}"),
        ("published, training", [100 * value for value in published.accuracy], "circle", "y2", "%{y:.2f} %"),
        ("published, validation", [100 * value for value in published.val_accuracy], "circle-open", "y2", "%{y:.2f} %"),
    )
    return [
        {
            "type": "scatter",
            "name": name,
            "legendgroup": name,
            "showlegend": place != 1,
            "x": list(published.epochs),
            "y": [float(f"{value:.5g}") for value in values],
            "hovertemplate": f"{name}<br>epoch %{{x}}: {unit}<extra></extra>",
            "line": {"color": GREY, "width": 2, "dash": "dot"},
            "marker": {"symbol": symbol, "size": 6},
            "mode": "lines+markers",
            "xaxis": axis.replace("y", "x"),
            "yaxis": axis,
        }
        for place, (name, values, symbol, axis, unit) in enumerate(lines)
    ]


def _paired(x: Sequence[float], y: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """Return both cut to the shorter one: an epoch's line may be read before it is completely written."""
    count = min(len(x), len(y))
    return x[:count], y[:count]


def _thinned(x: Sequence[float], y: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """Return at most BATCH_POINTS points: the means of groups of neighbours of the same size."""
    x, y = _paired(x, y)
    count = len(x)
    size = -(-count // BATCH_POINTS)
    if size <= 1:
        return x, y
    starts = np.arange(0, count, size)
    sizes = np.diff(starts, append=count)
    means = (np.add.reduceat(np.asarray(values, float), starts) / sizes for values in (x, y))
    return next(means).tolist(), next(means).tolist()


def _loss_range(curves: "Mapping[str, Curves]", published: "PublishedCurve | None") -> dict[str, Any]:
    """Return an axis from 0 that leaves out the steep start, or all of it in the first epoch."""
    if not any(curve.epoch for curve in curves.values()):
        return {"rangemode": "tozero"}
    tops = [_late(curve.batch_loss, 90) for curve in curves.values()]
    tops += [value for curve in curves.values() for value in (*curve.loss, *curve.val_loss)]
    tops += published.loss if published else ()
    top = max((value for value in tops if np.isfinite(value)), default=1.0)
    return {"range": [0, 1.08 * max(top, 1e-6)]}


def _accuracy_range(curves: "Mapping[str, Curves]", published: "PublishedCurve | None") -> dict[str, Any]:
    """Return an axis up to 100 % that leaves out the steep start, or all of it in the first epoch."""
    if not any(curve.epoch for curve in curves.values()):
        return {"range": [0, 101]}
    bottoms = [_late(curve.batch_accuracy, 10) for curve in curves.values()]
    bottoms += [value for curve in curves.values() for value in (*curve.accuracy, *curve.val_accuracy)]
    bottoms += (*published.accuracy, *published.val_accuracy) if published else ()
    bottom = 100 * min((value for value in bottoms if np.isfinite(value)), default=0.0)
    return {"range": [bottom - 0.08 * (100 - bottom), 100 + 0.04 * (100 - bottom)]}


def _late(values: Sequence[float], percentile: float) -> float:
    """Return the percentile of a curve's values, not a number if there are none."""
    finite = [value for value in _thinned(values, values)[1] if np.isfinite(value)]
    return float(np.percentile(finite, percentile)) if finite else float("nan")


def describe_curves(curves: "Mapping[str, Curves]", published: "PublishedCurve | None" = None) -> str:
    """Describe `learning_curves`, a sentence or two per run, and one on the published curve once it is drawn."""
    sentences = [_describe_run(name, curve) for name, curve in curves.items()]
    if published and any(curve.epoch for curve in curves.values()):
        points = zip(published.epochs, published.loss, published.accuracy, published.val_accuracy, strict=True)
        sentences.append(f"Published: {'; '.join(_describe_published(*point) for point in points)}.")
    return " ".join(sentences)


def _describe_published(epoch: int, loss: float, accuracy: float, val_accuracy: float) -> str:
    return (
        f"after epoch {epoch} training loss {loss:.4f}, training accuracy {formats.percentage(accuracy, 2)}, "
        f"validation accuracy {formats.percentage(val_accuracy, 2)}"
    )


def _describe_run(name: str, curve: "Curves") -> str:
    if not curve.epoch:
        if not curve.batch_loss:
            return f"{name}: no point yet."
        return (
            f"{name} is in its first epoch: loss {curve.batch_loss[-1]:.3f}, "
            f"training accuracy {formats.percentage(curve.batch_accuracy[-1])}."
        )
    best = int(np.argmax(curve.val_accuracy)) if curve.val_accuracy else None
    text = (
        f"{name} after epoch {curve.epoch[-1]:g}: training loss {curve.loss[-1]:.3f}, "
        f"training accuracy {formats.percentage(curve.accuracy[-1])}"
    )
    if best is None:
        return text + "."
    return (
        f"{text}, validation loss {curve.val_loss[-1]:.3f}, "
        f"validation accuracy {formats.percentage(curve.val_accuracy[-1])}. The best validation accuracy was "
        f"{formats.percentage(curve.val_accuracy[best])}, after epoch {curve.epoch[best]:g}."
    )
