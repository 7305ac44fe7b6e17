"""What all figures have in common: the colours of models, texts and layout.

No Streamlit here: a page shows a figure with `st.plotly_chart(figure, theme="streamlit")`. Backgrounds and
fonts are left to that theme, so that light and dark both work, and no figure relies on colour alone. Each figure has a
text twin, a sentence with the same content for screen readers.
"""

import zlib
from collections.abc import Mapping
from typing import Any

# Colours that differ for every kind of colour vision: Okabe and Ito, Color Universal Design (2008).
ORANGE, VERMILLION, PURPLE = "#E69F00", "#D55E00", "#CC79A7"
SKY, BLUE, GREEN = "#56B4E9", "#0072B2", "#009E73"
# Six more, chosen by search to differ from these and from one another for every kind of colour vision.
BROWN, MOSS, SLATE = "#905040", "#80A050", "#606070"
LILAC, VIOLET, INDIGO = "#B070F0", "#9030D0", "#8020F0"
GREY = "#808080"  # distinct from white and from black

_SHIPPED = {
    "mlp-128": ORANGE,
    "mlp-128-128": BROWN,
    "mlp-30-10": PURPLE,
    "cnn-5x5": SKY,
    "cnn-3x3": BLUE,
    "reader": GREEN,
    "reader-mlp": VERMILLION,
    "mlp-fast": MOSS,
    "mlp-best": SLATE,
    "cnn-fast": LILAC,
    "cnn-small": VIOLET,
    "cnn-best": INDIGO,
}
_FAMILY = {"mlp": (ORANGE, VERMILLION, PURPLE), "cnn": (SKY, BLUE, GREEN)}
SYMBOLS = ("circle", "square", "triangle-up", "diamond")

TEXT = "#000037"
"""Streamlit's stand-in for the theme's strongest text, dark on light and light on dark.

Its default for text in figures is a grey with a contrast of 3.7 to 1, too little on coloured cells.
"""

# An empty template keeps plotly's own one (6 kB, black on light blue) out of what is sent. Without a drag mode
# a finger scrolls the page.
BARE_LAYOUT: dict[str, Any] = {
    "template": {},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"color": TEXT},
    "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": BLUE},  # shows on light and on dark
    "hovermode": "closest",
    "dragmode": False,
}


def model_colour(name: str, kind: str) -> str:
    """Return a model's colour, the same on every page.

    Args:
        name: The model's name.
        kind: `mlp` (warm colours) or `cnn` (cool colours); decides for models that did not come with the project.

    Returns:
        `#RRGGBB`.
    """
    family = _FAMILY["mlp" if kind == "mlp" else "cnn"]
    return _SHIPPED.get(name) or family[zlib.crc32(name.encode()) % len(family)]


def titled_axis(title: str = "", standoff: int = 20) -> dict[str, Any]:
    """Return an axis with a title, `standoff` pixels from its labels."""
    font = {"color": TEXT}
    return {"title": {"text": title, "standoff": standoff, "font": font}, "tickfont": font}


def distinct_colours(models: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return distinct colours for runs in one figure: each its model's, or where that is taken another one.

    Args:
        models: Name and kind of each run's model, by the run's label.
    """
    own = {label: model_colour(name, kind) for label, (name, kind) in models.items()}
    first = {colour: label for label, colour in reversed(own.items())}
    found = {label: colour for colour, label in first.items()}
    for label, (_, kind) in models.items():
        others = (*_FAMILY["mlp" if kind == "mlp" else "cnn"], *_SHIPPED.values(), GREY)
        found.setdefault(label, next((colour for colour in others if colour not in found.values()), own[label]))
    return found


def faded(colour: str, opacity: float) -> str:
    """Return a colour `#RRGGBB` with an opacity, 0 to 1, as CSS has it."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
