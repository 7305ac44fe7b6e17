"""Compare, second and third section: robustness to distortions, and the smallest change of the prediction."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from digitrec import formats
from digitrec.analysis import explain, robustness, stroke_replay
from digitrec.analysis.explain import Flip
from digitrec.analysis.robustness import DISTORTIONS, MEASURED, REACH
from digitrec.datasets.unipen import CANVAS
from digitrec.figures import compare
from digitrec.imaging import thumbnails
from digitrec.recognition import pipeline
from digitrec.registry.registry import Model
from digitrec.ui import charts, common
from digitrec.ui.compare import compare as page
from digitrec.ui.compare.compare import Floats, Subject

MOMENTS = 24  # of a drawing, from the first bit of ink to the last


def shift_maps(models: Sequence[Model], subject: Subject) -> list[str]:
    """Draw each model's prediction at every shift of the digit; return a sentence on each."""
    st.markdown("### Shift")
    st.markdown(
        f"The digit shifted by up to {REACH} pixels in each direction. Colour: the prediction stays, darker where it "
        "is more probable. Grey with a numeral: the digit is read as that one. Beyond about 4 pixels, ink is cut off "
        "at the edge. The prediction is the most probable digit, even where a model would reject the picture."
    )
    shifted = page.kept("shifts", models, subject, lambda: _read(models, robustness.shifts(subject.glyph)))
    sentences = []
    for number, (column, model, logits) in enumerate(zip(st.columns(2), models, shifted, strict=True), 1):
        answers = logits.argmax(axis=1).reshape(2 * REACH + 1, -1)
        certainty = _probabilities(logits)[:, answers[REACH, REACH]].reshape(answers.shape)
        kept = int((answers == answers[REACH, REACH]).sum())
        lost = robustness.lost_shift(answers)
        sentences.append(_sentence(model, subject, int(answers[REACH, REACH]), lost))
        with column:
            st.markdown(f"**{common.plain(model.name)}** keeps its prediction at {kept} of {answers.size} shifts")
            drawn = compare.shift_map(answers, certainty, common.colour(model.name))
            twin = f"{sentences[-1]} It keeps its prediction at {kept} of {answers.size} shifts."
            charts.figure(drawn, f"shifts_{number}", twin, save=f"{model.name}-shifts")
    st.markdown(f"**{common.plain(' '.join(sentences))}**")
    return sentences


def _read(models: Sequence[Model], glyphs: Floats) -> list[Floats]:
    """Return each model's calibrated logits, (N, 10)."""
    return page.both(lambda read: read(glyphs), [page.calibrated(model) for model in models])


def _probabilities(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _sentence(model: Model, subject: Subject, answer: int, lost: int | None) -> str:
    """Say at which shift a model changes its prediction."""
    what = subject.called
    if subject.truth is not None and answer != subject.truth:
        return f"{model.name} reads {what} as {answer} even without a shift."
    if lost is None:
        return f"{model.name} keeps its prediction for {what} at every shift."
    return f"{model.name} changes its prediction for {what} at a shift of {lost} px."


def distorted(models: Sequence[Model], subject: Subject) -> None:
    """Draw curves over rotation, scale, stroke width, noise and blur: of this digit, and of the test digits."""
    st.markdown("### Rotation, scale, stroke width, noise, blur")
    left, right = st.columns(2, gap="large")
    with left:
        _this_digit(models, subject)
    with right:
        _test_digits(models)


def _this_digit(models: Sequence[Model], subject: Subject) -> None:
    distorted = page.kept("curves", models, subject, lambda: _read(models, _variants(subject.glyph)))
    ends = np.cumsum([len(distortion.levels) for distortion in DISTORTIONS])[:-1]
    probabilities, sentences = {}, []
    for model, logits in zip(models, distorted, strict=True):
        neutral = DISTORTIONS[0].levels.index(DISTORTIONS[0].neutral)
        answer = int(logits[neutral].argmax())
        probabilities[model.name] = np.split(_probabilities(logits)[:, answer], ends)
        sentences.append(_losses(model, subject, np.split(logits.argmax(axis=1), ends)))
    st.markdown(f"**For {subject.called}**: the probability of the digit predicted without distortion.")
    drawn = compare.curves(
        DISTORTIONS, [d.levels for d in DISTORTIONS], probabilities, _colours(models), "probability, %"
    )
    charts.figure(drawn, "digit_curves", " ".join(sentences), save="distorted-digit")
    for sentence in sentences:
        st.markdown(common.plain(sentence))


def _variants(glyph: Floats) -> Floats:
    return np.concatenate([robustness.variants(glyph, distortion) for distortion in DISTORTIONS])


def _losses(model: Model, subject: Subject, answers: list[NDArray[np.intp]]) -> str:
    """Say at which amount of each distortion a model's prediction changes."""
    found = [
        distortion.words.format(f"{level:g}")
        for distortion, predicted in zip(DISTORTIONS, answers, strict=True)
        if (level := robustness.lost_level(distortion, predicted)) is not None
    ]
    if not found:
        return f"None of these changes the prediction of {model.name}."
    *first, last = found
    listed = f"{', '.join(first)} or {last}" if first else last
    return f"{model.name} changes its prediction when {subject.called} is {listed}."


def _test_digits(models: Sequence[Model]) -> None:
    known = {model.name: found for model in models if (found := page.insight_of(model)) is not None}
    page.how_to_get(models, "curves")
    if not known:
        return
    digits = max(found.digits for found in known.values())
    st.markdown(f"**On the test set**: the accuracy on {digits:,} test digits with the same distortions.")
    accuracies = {name: [found.accuracy[d.name] for d in MEASURED] for name, found in known.items()}
    drawn = compare.curves(MEASURED, [d.coarse for d in MEASURED], accuracies, _colours(models), "accuracy, %")
    charts.figure(drawn, "test_curves", _describe_accuracies(accuracies), save="distorted-test-digits")
    st.caption("Measured after training; each point is accurate to about 3 percentage points.")


def _describe_accuracies(accuracies: dict[str, list[Floats]]) -> str:
    return " ".join(
        f"{name}: "
        + "; ".join(
            f"{d.axis} {', '.join(map(_level_sentence, d.coarse, values))}"
            for d, values in zip(MEASURED, found, strict=True)
        )
        + "."
        for name, found in accuracies.items()
    )


def _level_sentence(level: float, accuracy: float) -> str:
    return f"{level:g}: {formats.percentage(accuracy, 0)}"


def _colours(models: Sequence[Model]) -> dict[str, str]:
    return {model.name: common.colour(model.name) for model in models}


def smallest_changes(models: Sequence[Model], subject: Subject) -> None:
    """Draw the smallest change of ink found that changes each model's prediction, in colour on the digit."""
    st.markdown(
        "The ink is changed pixel by pixel, each time where it has the greatest effect, until the prediction changes; "
        "then changes that were not needed are undone. :orange[**Orange**] is added ink, :blue[**blue**] removed ink. "
        "The fewer pixels, the less robust the prediction."
    )
    readers = [page.calibrated(model) for model in models]
    found = page.kept(
        "changes",
        models,
        subject,
        lambda: page.both(lambda read: explain.smallest_change(read, subject.glyph), readers),
    )
    for column, model, flip in zip(st.columns(2), models, found, strict=True):
        with column:
            if flip is None:
                st.markdown(
                    f"**{common.plain(model.name)}** keeps its prediction: no change of up to "
                    f"{explain.THRESHOLDS.most_pixels} pixels was found that changes it."
                )
                continue
            pixels = formats.plural(flip.pixels, "changed pixel")
            caption = f"<b>{html.escape(model.name)}</b> reads <b>{flip.answer}</b> after {pixels}"
            added, removed = int(flip.added.sum()), int(flip.removed.sum())
            alt = f"With {added} pixels added and {removed} removed it is read as {flip.answer}"
            page.picture(_ghost(subject.glyph, flip), alt, caption, 252)


def _ghost(glyph: Floats, flip: Flip) -> NDArray[np.uint8]:
    """Return the digit with added ink in orange and removed ink in blue, RGB, enlarged nine times."""
    colours = np.repeat(thumbnails.tones(0.75 * glyph)[..., None], 3, axis=2)
    colours[flip.added] = thumbnails.FOR
    colours[flip.removed] = (0.35 * 255 + 0.65 * np.array(thumbnails.AGAINST)).astype(np.uint8)
    return colours.repeat(9, axis=0).repeat(9, axis=1)


@st.fragment
def growing(models: Sequence[Model], subject: Subject) -> None:
    """Draw both models' probabilities while a digit is drawn; a slider goes along its strokes."""
    st.markdown("### While it is drawn")
    strokes = stroke_replay.lines(subject.strokes)
    if not strokes:
        st.caption(f"Choose *{page.HERE}* above and draw a digit to follow its strokes here.")
        return
    courses = _read_along([model.name for model in models], strokes)
    place = st.select_slider(
        "Ink drawn",
        range(MOMENTS),
        MOMENTS - 1,
        key="moment",
        format_func=_so_far,
    )
    left, *columns = st.columns([150, 300, 300], gap="medium")
    with left:
        canvas = stroke_replay.drawn(strokes, (place + 1) / MOMENTS, CANVAS)
        page.picture(canvas, f"The drawing after {_so_far(place)} of its ink", width=140)
    for number, (column, model, course) in enumerate(zip(columns, models, courses, strict=True), 1):
        with column:
            change = _last_change(course)
            st.markdown(f"**{common.plain(model.name)}** predicts **{course[place].argmax()}** here. {change}")
            drawn = compare.growth(course, common.colour(model.name), place)
            charts.figure(drawn, f"growth_{number}", f"{model.name}: {change}", save=f"{model.name}-growth")


def _read_along(names: Sequence[str], strokes: Sequence[stroke_replay.Line]) -> list[Floats]:
    """Return the ten probabilities of each model at each moment, (MOMENTS, 10)."""
    readers = [common.predictor(name) for name in names]
    glyphs = np.zeros((MOMENTS, 28, 28), np.float32)
    for moment in range(MOMENTS):
        canvas = stroke_replay.drawn(strokes, (moment + 1) / MOMENTS, CANVAS)
        if digits := pipeline.read_canvas(canvas, readers[0]).digits:
            glyphs[moment] = digits[0].glyph
    return [reader.probabilities(glyphs) for reader in readers]


def _last_change(course: Floats) -> str:
    """Say when the prediction last changed."""
    answers = course.argmax(axis=1)
    changes = np.flatnonzero(answers[1:] != answers[:-1])
    if not len(changes):
        return f"It predicts {answers[0]} from the start of the ink."
    last = int(changes[-1]) + 1
    return f"The last change, from {answers[last - 1]} to {answers[last]}, is at {_so_far(last)} of the ink."


def _so_far(moment: int) -> str:
    return formats.percentage((moment + 1) / MOMENTS, 0)
