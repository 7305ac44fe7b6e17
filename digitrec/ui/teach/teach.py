"""*Teach it your hand*, the section on Draw: digits asked for one by one, the lesson, its verdict."""

from typing import Any

import numpy as np
import streamlit as st

from digitrec import formats
from digitrec.analysis import stroke_replay
from digitrec.datasets import mnist
from digitrec.datasets.own_digits import OwnDigit
from digitrec.datasets.unipen import CANVAS
from digitrec.errors import DigitrecError
from digitrec.jobs import teaching
from digitrec.jobs.teaching import LEAST, MOST, Lesson
from digitrec.recognition import pipeline
from digitrec.training.recipe import LONGEST_NAME
from digitrec.ui import available, charts, common, draw
from digitrec.ui.teach import collected, verdict

PAD = draw.Pad("pad_teach", CANVAS, "Draw it.", True)

EACH, MISREAD = "Three of each", "Only those it misreads"

MEANING = (
    "A copy of a model learns how **you** write. You are asked for digits one by one, so it is certain what each is; "
    f"{LEAST} to {MOST} are needed. Then it is tested, on your digits too, and you decide whether to keep it. Digits "
    "that you corrected on Upload can be added there."
)

STYLE = """<style>
.st-key-teach_prompt p {font-size: 1.5rem; margin: 0}
.st-key-teach_canvas {padding-top: 1.25rem}
.own {display: flex; flex-wrap: wrap; gap: .25rem; margin: 0}
.own figure {margin: 0; text-align: center}
.own img {display: block; width: 3rem; height: 3rem; background: white; image-rendering: pixelated;
  border: 1px solid rgba(128, 128, 128, .5)}
.own figcaption {font-size: .75rem}
</style>"""


def section(first: str | None) -> None:
    """Draw the section, closed at first.

    Args:
        first: The page's first model, which is taught unless another is chosen.
    """
    place = st.expander("**Teach it your hand**", key="teach", on_change="rerun", icon=":material/school:")
    if not place.open:
        return
    with place, common.shown_errors(stop=False):
        st.html(STYLE)
        lesson = _lesson()
        if lesson.state in ("waiting", "learning"):
            st.fragment(_under_way, run_every=1.0)()
        elif lesson.state == "ready":
            _ready(lesson)
        else:
            if lesson.state == "failed":
                st.error(common.plain(lesson.message), icon=":material/error:")
            _collect(first)


def _lesson() -> Lesson:
    """Return the visitor's lesson; none where they have no key yet.

    Looking gives them none: one of their own would keep a tab that was just reloaded from getting its former key back.
    """
    return teaching.find(available.key()) if available.KEY in st.session_state else Lesson("none")


def _collect(first: str | None) -> None:
    """Draw the choice of the model, the canvas with what is asked for, and the digits so far."""
    st.markdown(MEANING)
    models = {model.name: model for model in available.models() if teaching.can_learn(model)}
    if first and first not in models:
        st.caption(f"{common.plain(first)} {teaching.UNTEACHABLE}")
    if st.session_state.get("teach_model") not in models:
        st.session_state.teach_model = first if first in models else next(iter(models))
    labels = common.model_labels()
    left, right = st.columns(2)
    with left:
        name = st.selectbox(
            "Model whose copy learns",
            list(models),
            key="teach_model",
            format_func=lambda each: labels.get(each, each),
            persist_state="session",
        )
    with right:
        how = st.segmented_control(
            "Which digits", [EACH, MISREAD], key="teach_which", default=EACH, required=True, persist_state="session"
        )
    _canvas(str(name), str(how))
    _start(str(name))


@st.fragment
def _canvas(name: str, how: str) -> None:
    """Draw what is asked for and the canvas; only this runs again after a stroke."""
    held = collected.digits()
    label = collected.wanted(st.session_state.get("teach_skipped", 0))
    with st.container(key="teach_prompt"):
        st.markdown(f"Draw a **{label}**")
    count = f"{len(held)} so far"
    left = collected.missing()
    st.caption(f"{count}, {left} more for three of each." if how == EACH and left else f"{count}, at most {MOST}.")
    left_side, right_side = st.columns([330, 470], gap="medium")
    with left_side:
        with st.container(key="teach_canvas", width=CANVAS):
            draw.begin(PAD)
            drawn = draw.canvas(PAD)
        with st.container(horizontal=True):
            st.button(
                "Next",
                key="teach_next",
                icon=":material/check:",
                type="primary",
                disabled=drawn is None or len(held) >= MOST,
                on_click=_take,
                args=(label, name, how),
                help=f"Adds the drawing as a {label}",
            )
            st.button("Clear", key="teach_clear", icon=":material/delete:", on_click=draw.begin_with, args=(PAD, []))
            st.button("Skip", key="teach_skip", icon=":material/skip_next:", on_click=_skip)
    with right_side, st.container(key="teach_own"):
        _own(held)
    _message()
    if st.session_state.pop("teach_changed", False):
        st.rerun()  # the button below counts them


def _own(held: list[OwnDigit]) -> None:
    """Draw the digits so far, and the buttons that remove them."""
    cards = "".join(
        f'<figure><img src="{charts.data_uri(mnist.glyphs(digit.glyph))}" alt="Your {digit.label}">'
        f"<figcaption>{digit.label}</figcaption></figure>"
        for digit in held
    )
    st.html(f'<div class="own">{cards}</div>' if held else "<p>Your digits appear here.</p>")
    places = list(range(len(held)))
    with st.container(horizontal=True):
        for text, key, icon, gone in (
            ("Remove the last", "teach_undo", ":material/undo:", places[-1:]),
            ("Remove all", "teach_none", ":material/delete_sweep:", places),
        ):
            st.button(text, key=key, icon=icon, disabled=not held, on_click=_remove, args=(gone,))


def _take(label: int, name: str, how: str) -> None:
    """Add the drawing to the digits, unless only misread ones are wanted and it is read right; clear the canvas."""
    state: Any = st.session_state
    strokes, image = draw.strokes(PAD), state.get(f"{PAD.key}_image")
    if not strokes or image is None or strokes == state.get("teach_taken"):
        return  # nothing new: the button was pressed twice
    try:
        found = pipeline.read_canvas(image, common.predictor(name), True).digits
    except DigitrecError as error:
        state.teach_message = str(error)
        return
    state.teach_taken = strokes
    draw.begin_with(PAD, [])
    state.pop(f"{PAD.key}_image", None)
    if not found:
        state.teach_message = "Nothing was drawn. Draw the digit that is asked for."
        return
    state.teach_skipped = state.get("teach_skipped", 0) + 1 if how == MISREAD else 0
    if how == MISREAD and found[0].digit == label:
        state.teach_message = f"It was read correctly, as {label}, so it is not kept."
        return
    glyph = np.rint(255 * found[0].glyph).astype(np.uint8)
    lines = tuple(line.points for line in stroke_replay.lines(strokes))
    if collected.add([OwnDigit(glyph, label, lines)]):
        state.teach_changed = True
        if how == MISREAD:
            state.teach_misread = state.get("teach_misread", 0) + 1


def _skip() -> None:
    st.session_state.teach_skipped = st.session_state.get("teach_skipped", 0) + 1


def _remove(places: list[int]) -> None:
    collected.remove(places)
    st.session_state.teach_changed = True
    if not collected.digits():
        st.session_state.teach_misread = 0


def _start(name: str) -> None:
    held = collected.digits()
    short = LEAST - len(held)
    if st.button(
        f"Teach {common.plain(name)} {formats.plural(len(held), 'digit')}",
        key="teach_start",
        icon=":material/school:",
        type="primary",
        disabled=short > 0,
    ):
        teaching.start(available.key(), available.get(name), held)
        st.rerun()
    if short > 0:
        st.caption(f"A lesson takes at least {LEAST} digits: {short} more.")


def _under_way() -> None:
    """Draw the progress of the lesson, with a button that ends it."""
    with common.shown_errors(stop=False):
        lesson = teaching.find(available.key())
        if lesson.state not in ("waiting", "learning"):
            st.rerun()
        with st.container(key="teach_status"):
            st.progress(min(1.0, lesson.done), _progress(lesson))
        if st.button("Stop", key="teach_stop", icon=":material/stop:"):
            teaching.stop(available.key())
            st.rerun()


def _progress(lesson: Lesson) -> str:
    name = common.plain(lesson.model)
    if lesson.state == "waiting":
        return f"A copy of {name} waits for its turn …"
    left = f", {formats.time_left(lesson.seconds * (1 / lesson.done - 1))}" if lesson.done > 0.1 else ""
    return f"A copy of {name} learns. {lesson.message or 'It begins'} …{left}"


def _ready(lesson: Lesson) -> None:
    """Draw what came of the lesson, and the choice between keeping and discarding it."""
    key = available.key()
    found = teaching.verdict(key)
    if found is None:
        return
    with st.container(key="teach_verdict"):
        st.markdown(f"##### A copy of {common.plain(lesson.model)} learned {len(found.labels)} digits of yours")
        verdict.figures(found, teaching.digits(key), st.session_state.get("teach_misread", 0))
    st.session_state.setdefault("teach_name", available.free_name("my-hand"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name", key="teach_name", width=240, max_chars=LONGEST_NAME)
        st.button("Keep", key="teach_keep", icon=":material/save:", type="primary", on_click=_keep)
        st.button("Discard", key="teach_discard", icon=":material/delete:", on_click=_discard)
    _message()
    st.caption(
        "A model that you keep is yours alone: choose it above, on Upload and on Compare, or download it below. Your "
        "digits stay here, so you can add some and teach it again."
    )


def _message() -> None:
    if message := st.session_state.pop("teach_message", None):
        st.info(common.plain(message))


def _keep() -> None:
    """Keep the model and choose it beside the one that it came of."""
    try:
        key = available.key()
        before = teaching.find(key).model
        kept = available.keep(st.session_state.teach_name.strip(), teaching.result(key))
        teaching.discard(key)
    except DigitrecError as error:
        st.session_state.teach_message = str(error)
        return
    del st.session_state.teach_name
    st.session_state.update(model_1=before, model_2=kept.name)
    st.session_state.teach_message = f"{kept.name} is kept. It is chosen as model 2, beside {before}."


def _discard() -> None:
    try:
        teaching.discard(available.key())
    except DigitrecError as error:
        st.session_state.teach_message = str(error)
