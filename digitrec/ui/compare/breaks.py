"""Compare, second and third section: how far a digit can be distorted, and the smallest change of its answer."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

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
    """Draw what each model says of the digit at every shift; return a sentence on each."""
    st.markdown("#### Moved")
    st.markdown(
        f"The digit at every place up to {REACH} pixels from the middle. Colour: the answer stays, the darker the "
        "surer. Grey with a numeral: it is taken for that digit. Beyond 4 pixels or so, ink runs over the edge. "
        "Answers are the likeliest digit, also where a model would call it no digit."
    )
    said = page.kept("shifts", models, subject, lambda: _read(models, robustness.shifts(subject.glyph)))
    sentences = []
    for number, (column, model, logits) in enumerate(zip(st.columns(2), models, said, strict=True), 1):
        answers = logits.argmax(axis=1).reshape(2 * REACH + 1, -1)
        shares = _shares(logits)[:, answers[REACH, REACH]].reshape(answers.shape)
        kept = int((answers == answers[REACH, REACH]).sum())
        lost = robustness.lost_shift(answers)
        sentences.append(_sentence(model, subject, int(answers[REACH, REACH]), lost))
        with column:
            st.markdown(f"**{common.plain(model.name)}** keeps its answer at {kept} of {answers.size} places")
            drawn = compare.shift_map(answers, shares, common.colour(model.name))
            twin = f"{sentences[-1]} It keeps its answer at {kept} of {answers.size} shifts."
            charts.figure(drawn, f"shifts_{number}", twin, save=f"{model.name}-shifts")
    st.markdown(f"**{common.plain(' '.join(sentences))}**")
    return sentences


def _read(models: Sequence[Model], glyphs: Floats) -> list[Floats]:
    """Return each model's calibrated logits, (N, 10)."""
    return page.both(lambda read: read(glyphs), [page.calibrated(model) for model in models])


def _shares(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _sentence(model: Model, subject: Subject, answer: int, lost: int | None) -> str:
    """Say at which shift a model loses a digit."""
    what = subject.called
    if subject.truth is not None and answer != subject.truth:
        return f"{model.name} takes {what} for a {answer} where it stands."
    return f"{model.name} keeps {what} everywhere." if lost is None else f"{model.name} loses {what} at {lost} px."


def distorted(models: Sequence[Model], subject: Subject) -> None:
    """Draw curves over turning, size, stroke width, noise and blur: of this digit, and of the test digits."""
    st.markdown("#### Turned, scaled, thickened, noised, blurred")
    left, right = st.columns(2, gap="large")
    with left:
        _this_digit(models, subject)
    with right:
        _test_digits(models)


def _this_digit(models: Sequence[Model], subject: Subject) -> None:
    said = page.kept("curves", models, subject, lambda: _read(models, _variants(subject.glyph)))
    ends = np.cumsum([len(distortion.levels) for distortion in DISTORTIONS])[:-1]
    shares, sentences = {}, []
    for model, logits in zip(models, said, strict=True):
        neutral = DISTORTIONS[0].levels.index(DISTORTIONS[0].neutral)
        answer = int(logits[neutral].argmax())
        shares[model.name] = np.split(_shares(logits)[:, answer], ends)
        sentences.append(_losses(model, subject, np.split(logits.argmax(axis=1), ends)))
    st.markdown(f"**With {subject.called}**: the share of the answer that it has undistorted.")
    drawn = compare.curves(
        DISTORTIONS, [d.levels for d in DISTORTIONS], shares, _colours(models), "share of its answer, %"
    )
    charts.figure(drawn, "digit_curves", " ".join(sentences), save="distorted-digit")
    for sentence in sentences:
        st.markdown(common.plain(sentence))


def _variants(glyph: Floats) -> Floats:
    return np.concatenate([robustness.variants(glyph, distortion) for distortion in DISTORTIONS])


def _losses(model: Model, subject: Subject, answers: list[NDArray[np.intp]]) -> str:
    """Say at which amount of each distortion a model's answer changes."""
    found = [
        distortion.words.format(f"{level:g}")
        for distortion, said in zip(DISTORTIONS, answers, strict=True)
        if (level := robustness.lost_level(distortion, said)) is not None
    ]
    if not found:
        return f"Nothing of this changes the answer of {model.name}."
    *first, last = found
    listed = f"{', '.join(first)} or {last}" if first else last
    return f"{model.name} changes its answer when {subject.called} is {listed}."


def _test_digits(models: Sequence[Model]) -> None:
    known = {model.name: found for model in models if (found := page.insight_of(model)) is not None}
    page.how_to_get(models, "curves")
    if not known:
        return
    digits = max(found.digits for found in known.values())
    st.markdown(f"**Over the test set**: the accuracy on {digits:,} test digits, all distorted alike.")
    shares = {name: [found.accuracy[d.name] for d in MEASURED] for name, found in known.items()}
    drawn = compare.curves(MEASURED, [d.coarse for d in MEASURED], shares, _colours(models), "accuracy, %")
    charts.figure(drawn, "test_curves", _describe_accuracies(shares), save="distorted-test-digits")
    st.caption("Measured when the model was made; each point is known to about 3 percent points.")


def _describe_accuracies(shares: dict[str, list[Floats]]) -> str:
    return " ".join(
        f"{name}: "
        + "; ".join(
            f"{d.axis} {', '.join(f'{level:g}: {share:.0%}' for level, share in zip(d.coarse, values, strict=True))}"
            for d, values in zip(MEASURED, found, strict=True)
        )
        + "."
        for name, found in shares.items()
    )


def _colours(models: Sequence[Model]) -> dict[str, str]:
    return {model.name: common.colour(model.name) for model in models}


def smallest_changes(models: Sequence[Model], subject: Subject) -> None:
    """Draw the smallest change of ink found that changes each model's answer, as a ghost on the digit."""
    st.markdown(
        "The ink is changed pixel by pixel, always where it hurts most, until the answer turns; then every change "
        "that was not needed is undone. :orange[**Orange**] is ink that was added, :blue[**blue**] ink that was taken. "
        "Few pixels mean that the answer hung by a thread."
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
                    f"**{common.plain(model.name)}** stays with its answer: no change of up to {explain.MOST_PIXELS} "
                    "pixels was found that turns it."
                )
                continue
            pixels = f"{flip.pixels} pixels turn {subject.called} into a <b>{flip.answer}</b>"
            caption = f"<b>{html.escape(model.name)}</b>: {pixels}"
            alt = f"{int(flip.added.sum())} pixels added and {int(flip.taken.sum())} taken turn it into a {flip.answer}"
            page.picture(_ghost(subject.glyph, flip), alt, caption, 252)


def _ghost(glyph: Floats, flip: Flip) -> NDArray[np.uint8]:
    """Return the digit with what was added in orange and what was taken in blue, RGB, nine pixels a pixel."""
    colours = np.repeat(thumbnails.tones(0.75 * glyph)[..., None], 3, axis=2)
    colours[flip.added] = thumbnails.FOR
    colours[flip.taken] = (0.35 * 255 + 0.65 * np.array(thumbnails.AGAINST)).astype(np.uint8)
    return colours.repeat(9, axis=0).repeat(9, axis=1)


@st.fragment
def growing(models: Sequence[Model], subject: Subject) -> None:
    """Draw both models' shares against the ink so far of a digit drawn here; a slider goes along its strokes."""
    st.markdown("#### While it was drawn")
    strokes = stroke_replay.lines(subject.strokes)
    if not strokes:
        st.caption(f"Choose *{page.HERE}* above and draw a digit: then you can go along its strokes here.")
        return
    shares = _read_along([model.name for model in models], strokes)
    place = st.select_slider(
        "Ink so far",
        range(MOMENTS),
        MOMENTS - 1,
        key="moment",
        format_func=lambda m: f"{100 * (m + 1) / MOMENTS:.0f} %",
    )
    left, *columns = st.columns([150, 300, 300], gap="medium")
    with left:
        canvas = stroke_replay.drawn(strokes, (place + 1) / MOMENTS, CANVAS)
        page.picture(canvas, f"The drawing after {_so_far(place)} of its ink", width=140)
    for number, (column, model, said) in enumerate(zip(columns, models, shares, strict=True), 1):
        with column:
            st.markdown(f"**{common.plain(model.name)}** says **{said[place].argmax()}** here. {_turn(said)}")
            drawn = compare.growth(said, common.colour(model.name), place)
            charts.figure(drawn, f"growth_{number}", f"{model.name}. {_turn(said)}", save=f"{model.name}-growth")


def _read_along(names: Sequence[str], strokes: Sequence[stroke_replay.Line]) -> list[Floats]:
    """Return the ten shares of each model at each moment, (MOMENTS, 10)."""
    readers = [common.predictor(name) for name in names]
    glyphs = np.zeros((MOMENTS, 28, 28), np.float32)
    for moment in range(MOMENTS):
        canvas = stroke_replay.drawn(strokes, (moment + 1) / MOMENTS, CANVAS)
        if digits := pipeline.read_canvas(canvas, readers[0]).digits:
            glyphs[moment] = digits[0].glyph
    return [reader.probabilities(glyphs) for reader in readers]


def _turn(shares: Floats) -> str:
    """Say when the answer last changed."""
    answers = shares.argmax(axis=1)
    changes = np.flatnonzero(answers[1:] != answers[:-1])
    if not len(changes):
        return f"It said {answers[0]} from the first bit of ink on."
    last = int(changes[-1]) + 1
    return f"It last changed, from {answers[last - 1]} to {answers[last]}, at {_so_far(last)} of the ink."


def _so_far(moment: int) -> str:
    return f"{100 * (moment + 1) / MOMENTS:.0f} %"
