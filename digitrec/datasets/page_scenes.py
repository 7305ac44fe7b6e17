"""Pages become pictures: paper on desks as phones see it, scans, boards, screens, drawings, and frames without a page.

`choose` decides what a frame shows, `draw_ruling` prints the paper's lines, and `render` makes the picture of the
layers that were drawn. `Textures` holds the costly random fields and is made once a process.
"""

from collections.abc import Callable, Mapping

import numpy as np

from digitrec.datasets.page_backdrops import Bytes
from digitrec.datasets.page_flat import backdrop, render_drawing, render_overlay, render_small
from digitrec.datasets.page_geometry import KINDS, Ruling, Scene, choose, draw_ruling, visibility
from digitrec.datasets.page_paper import Drawn
from digitrec.datasets.page_photo import render_photo, render_screen
from digitrec.datasets.page_scan import render_scan
from digitrec.datasets.page_textures import Textures

__all__ = ["KINDS", "Ruling", "Scene", "Textures", "backdrop", "choose", "draw_ruling", "render", "visibility"]

RENDERERS: Mapping[str, Callable[[np.random.Generator, Scene, Drawn, Textures], Bytes]] = {
    "photo": render_photo,
    "scan": render_scan,
    "whiteboard": render_photo,
    "blackboard": render_photo,
    "screen": render_screen,
    "drawing": render_drawing,
    "overlay": render_overlay,
    "small": render_small,
    "nothing": render_overlay,
}
"""What makes the picture of each kind of scene."""


def render(
    rng: np.random.Generator,
    scene: Scene,
    layers: Mapping[str, Bytes],
    textures: Textures,
    grain: float = 0.0,
    side: int = 640,
    digit_height: float = 10.0,
) -> Bytes:
    """Return the picture of a page: uint8 (side, side, 3), RGB.

    Args:
        rng: Random numbers; the same state with the same textures gives the same picture.
        scene: What the frame shows.
        layers: uint8 (2 side, 2 side) by name (`fields`, `rules`, `print`, `ink`, `ink2`), 0 nothing to 255 full;
            any may be missing or empty. A `nothing` scene shows them like an `overlay` does.
        textures: Backdrops and fields; they stay as they are.
        grain: Grain of the pencil or chalk in `ink`, 0 to 1.
        side: Pixels of the frame's side, a multiple of 8.
        digit_height: Frame pixels, about the height of the smallest digits: the larger, the more blur and noise.
    """
    return RENDERERS[scene.kind](rng, scene, Drawn(layers, grain, side, digit_height), textures)
